// Which language a text is in: English or Chinese, judged by its script; small words tell other European ones.

export type Language = 'en' | 'zh'

/** Counts what a text is written in: a Latin word weighs as much as one character of a script without spaces. */
function countScripts(text: string) {
  const count = (pattern: RegExp) => text.match(pattern)?.length ?? 0
  return {
    han: count(/\p{Script=Han}/gu),
    kana: count(/[\p{Script=Hiragana}\p{Script=Katakana}]/gu),
    latin: count(/\p{Script=Latin}+/gu),
    other: count(/(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Latin}])\p{L}/gu),
  }
}

export function isChinese(text: string): boolean {
  const { han, kana, latin, other } = countScripts(text)
  return han > latin + other && han > kana
}

/** `zh` when more than half of the texts hold mainly Han characters. */
export function languageOf(texts: Iterable<string>): Language {
  let lead = 0
  for (const text of texts) lead += isChinese(text) ? 1 : -1
  return lead > 0 ? 'zh' : 'en'
}

// Small words of Spanish, French, German, Italian and Portuguese, and small words no English task does without.
const smallForeignWord =
  /(?<![\p{L}'’])(?:el|los|las|una?|del?|que|para|por|con|sobre|es|en|les?|des|une|est|et|pour|avec|sur|dans|ma|mon|à|der|die|das|den|dem|und|eine?n?|ist|mit|für|über|von|zu|il|di|che|per|sono|uma?|os|em|não|la)(?![\p{L}'’])/gu
const smallEnglishWord =
  /\b(?:the|an?|of|to|in|and|is|are|for|with|your|my|that|this|what|how|from|by|me|you|i|it|or)\b/i
const smallForeignWordsAtLeast = 3 // that many small words of another language, and none of English: "crème de la crème" has two

/** The words by which a task is put in another language than the run's; text it quotes or brings along does not count. */
export function foreignIn(instruction: string, language: Language): string | undefined {
  const unquoted = instruction.replace(/"[^"]*"|“[^“”]*”|「[^「」]*」|『[^『』]*』|《[^《》]*》/g, ' ')
  const head = /^[^:：\n]*/.exec(unquoted)?.[0] ?? ''
  const task = [head, unquoted, instruction].find((text) => /\p{L}/u.test(text)) ?? ''
  if (isInForeignScript(task, language)) return task.trim()
  const small = task.match(smallForeignWord) ?? []
  return language === 'en' && small.length >= smallForeignWordsAtLeast && !smallEnglishWord.test(task)
    ? small.slice(0, smallForeignWordsAtLeast).join(', ')
    : undefined
}

function isInForeignScript(task: string, language: Language): boolean {
  const { han, kana, latin, other } = countScripts(task)
  if (language === 'zh' && kana > han) return true
  const [own, foreign] = language === 'zh' ? [han, latin + other] : [latin, han + kana + other]
  const first = /\p{L}/u.exec(task)?.[0] ?? ''
  const startsForeign = language === 'zh' ? !/\p{Script=Han}/u.test(first) : !/\p{Script=Latin}/u.test(first)
  // Two words of grace: "Python 和 Java 有什么区别？" is a Chinese task.
  return startsForeign && (own === 0 ? foreign > 0 : foreign > own + 2)
}

// What the rules measure of a text and how they show it: its length, its beginning, its end.
const shown = 60 // characters

/** Words as the paper counts them, by white space; in Chinese each character, and each foreign word or number, is one. */
export function lengthOf(text: string, language: Language): number {
  const pieces = text.match(/\p{Script=Han}|(?:(?!\p{Script=Han})\S)+/gu) ?? []
  return language === 'zh' ? pieces.filter((piece) => /[\p{L}\p{N}]/u.test(piece)).length : pieces.length
}

/** The beginning of a text on one line, 60 characters at most; of nothing, nothing. */
export function opening(text: string): string
export function opening(text: string | undefined): string | undefined
export function opening(text: string | undefined): string | undefined {
  const line = text
    ?.trim()
    .slice(0, 4 * shown)
    .replace(/\s+/g, ' ')
  // A cut may leave half of a character, such as an emoji, that UTF-16 writes as two.
  return line && line.length > shown ? `${line.slice(0, shown).replace(/[\ud800-\udbff]$/, '')}…` : line
}

/** The end of a text on one line, 60 characters at most. */
export function ending(text: string): string {
  return text.length > shown ? `…${lastOf(text, shown)}` : lastOf(text, shown)
}

/** The last characters of a text, so many at most, on one line. */
export function lastOf(text: string, most: number): string {
  return text
    .slice(-most)
    .replace(/^[\udc00-\udfff]/, '')
    .replace(/\s+/g, ' ')
}

/** "Positive" and "positive." are one answer. */
export function answerKey(output: string): string {
  return output
    .trim()
    .toLowerCase()
    .replace(/[.。]$/, '')
}

// Which language a text is in: English or Chinese, judged by its script; small words tell other European ones.

export type Language = 'en' | 'zh'

const HAN = /\p{Script=Han}/gu
const KANA = /[\p{Script=Hiragana}\p{Script=Katakana}]/gu
const LATIN_WORD = /\p{Script=Latin}+/gu
const OTHER_LETTER = /(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Latin}])\p{L}/gu

/** Counts what a text is written in: a Latin word weighs as much as one character of a script without spaces. */
function countScripts(text: string): { han: number; kana: number; latin: number; other: number } {
  const count = (pattern: RegExp) => text.match(pattern)?.length ?? 0
  return { han: count(HAN), kana: count(KANA), latin: count(LATIN_WORD), other: count(OTHER_LETTER) }
}

export function isChinese(text: string): boolean {
  const { han, kana, latin, other } = countScripts(text)
  return han > latin + other && han > kana
}

/** `zh` when more than half of the texts hold mainly Han characters. */
export function languageOf(texts: Iterable<string>): Language {
  let all = 0
  let chinese = 0
  for (const text of texts) {
    all++
    if (isChinese(text)) chinese++
  }
  return chinese * 2 > all ? 'zh' : 'en'
}

// Small words of Spanish, French, German, Italian and Portuguese, and small words no English task does without.
const EUROPEAN =
  /(?<![\p{L}'’])(?:el|los|las|una?|del?|que|para|por|con|sobre|es|en|les?|des|une|est|et|pour|avec|sur|dans|ma|mon|à|der|die|das|den|dem|und|eine?n?|ist|mit|für|über|von|zu|il|di|che|per|sono|uma?|os|em|não|la)(?![\p{L}'’])/gu
const ENGLISH =
  /\b(?:the|an?|of|to|in|and|is|are|for|with|your|my|that|this|what|how|from|by|me|you|i|it|or)\b/i
const FEW = 3 // that many small words of another language, and none of English: "crème de la crème" has two

/** The words by which a task is put in another language than the run's; text it quotes or brings along does not count. */
export function foreignIn(instruction: string, language: Language): string | undefined {
  const unquoted = instruction.replace(/"[^"]*"|“[^“”]*”|「[^「」]*」|『[^『』]*』|《[^《》]*》/g, ' ')
  const head = /^[^:：\n]*/.exec(unquoted)?.[0] ?? ''
  const task = [head, unquoted, instruction].find((text) => /\p{L}/u.test(text)) ?? ''
  if (isInForeignScript(task, language)) return task.trim()
  const small = task.match(EUROPEAN) ?? []
  return language === 'en' && small.length >= FEW && !ENGLISH.test(task)
    ? small.slice(0, FEW).join(', ')
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

// What the rules measure of a text, and how they show it: its length, its beginning, its end.

const QUOTE = 60 // characters of a text shown in a detail
// Half of a character outside the basic plane, such as an emoji, that a cut has left.
const halfAtEnd = /[\ud800-\udbff]$/
const halfAtStart = /^[\udc00-\udfff]/

/** Words as the paper counts them, by white space; in Chinese each character, and each foreign word or number, is one. */
export function lengthOf(text: string, language: Language): number {
  const pieces = text.match(/\p{Script=Han}|(?:(?!\p{Script=Han})\S)+/gu) ?? []
  return language === 'zh' ? pieces.filter((piece) => /[\p{L}\p{N}]/u.test(piece)).length : pieces.length
}

/** The beginning of a text on one line, 60 characters at most. */
export function excerpt(text: string): string {
  const line = text
    .trim()
    .slice(0, 4 * QUOTE)
    .replace(/\s+/g, ' ')
  return line.length > QUOTE ? `${line.slice(0, QUOTE).replace(halfAtEnd, '')}…` : line
}

/** The same of what a pattern found, if it found anything. */
export function excerptOf(found: string | undefined): string | undefined {
  return found === undefined ? undefined : excerpt(found)
}

/** The end of a text on one line, 60 characters at most. */
export function ending(text: string): string {
  return text.length > QUOTE ? `…${lastOf(text, QUOTE)}` : lastOf(text, QUOTE)
}

/** The last characters of a text, so many at most, on one line. */
export function lastOf(text: string, most: number): string {
  return text.slice(-most).replace(halfAtStart, '').replace(/\s+/g, ' ')
}

/** "Positive" and "positive." are one answer. */
export function answerKey(output: string): string {
  return output
    .trim()
    .toLowerCase()
    .replace(/[.。]$/, '')
}

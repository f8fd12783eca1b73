// Finds answers that do not end well: cut off in mid-sentence, or caught in a loop. Whole texts that look unfinished
// are common (lists, code, verses, labels, titles, signatures), so each sign of a cut needs a second one beside it.
import { type ByLanguage, hasCode, isAscii, lastOf } from './language.ts'

const longestPhrase = 50 // longest phrase, in words or Han characters, that is looked for in a loop
const loop = 12 // words beyond the first saying that make a loop; songs repeat three words four times
const shortLoop = 24 // the same for phrases of one or two words: "ha ha ha", a column of labels
const tail = 24 // characters of the end that are shown

const plainWord = /[a-z0-9']+/g
const anyWord = /\p{Script=Han}|(?:(?!\p{Script=Han})[\p{L}\p{N}'’])+/gu
const loopWanted =
  /\b(?:repeat\w{0,5}|\d times|song|lyrics|chorus|chant|tongue twister)\b|重复|[\d二三五十百][遍次]|歌|绕口令/i

/** The phrase an answer has fallen into repeating, or undefined. */
export function loopIn(instruction: string, output: string): string | undefined {
  if (output.length < 2 * loop) return undefined
  const unnumbered = output.toLowerCase().replace(/^[ \t]{0,9}\d{1,4}[.)、．]/gm, '')
  const words = unnumbered.match(isAscii(unnumbered) ? plainWord : anyWord) ?? []
  // In a loop each word has been said before; few texts say so many words again.
  if (words.length <= loop || words.length - new Set(words).size < loop) return undefined
  if (isData(unnumbered, words.length) || loopWanted.test(instruction)) return undefined
  for (let period = 1; period <= longestPhrase; period++) {
    const end = endOfLoop(words, period)
    if (end === undefined) continue
    const phrase = words.slice(end - period, end)
    return phrase.join(/\p{Script=Han}/u.test(phrase[0] ?? '') ? '' : ' ')
  }
  return undefined
}

/** Tables, markup and logs say the same names again and again; there is a mark to each word of them. */
function isData(text: string, words: number): boolean {
  return (text.match(/[=<>"'[\](){}|:;_/\\]/g)?.length ?? 0) > words
}

/** Where a phrase of `period` words has been said two and a half times in a row or more; bare numbers do not count. */
function endOfLoop(words: readonly string[], period: number): number | undefined {
  const enough = Math.max(Math.ceil(2 * period), period < 3 ? shortLoop : loop)
  let same = 0
  for (let i = period; i < words.length; i++) {
    same = words[i] === words[i - period] ? same + 1 : 0
    if (
      same === enough &&
      words.slice(i + 1 - period, i + 1).some((word) => /\p{L}{2}|\p{Script=Han}/u.test(word))
    )
      return i + 1
  }
  return undefined
}

/** The last words of an answer that stops in mid-sentence, or undefined. */
export function cutOffIn(output: string): string | undefined {
  const text = output.trimEnd()
  const lines = text.split('\n')
  const last = (lines.at(-1) ?? '').trim()
  const isCut =
    hasOpenFence(lines) ||
    hasOpenJson(text) ||
    hasEmptyEntry(lines) ||
    ((endsDangling(last, lines.length) || endsUnfinished(last, lines)) &&
      !/:\/\/|\|/.test(last) &&
      !hasCode(text)) // asked last, since most answers end well
  return isCut ? `…${lastOf(text, tail)}` : undefined
}

/** Whether a code block is begun and not closed; a lone fence on the last line closes one begun in the prompt. */
function hasOpenFence(lines: readonly string[]): boolean {
  const fences = lines.flatMap((line, at) => (/^[ \t]{0,9}```/.test(line) ? [at] : []))
  return fences.length % 2 === 1 && fences.at(-1) !== lines.length - 1
}

/** Whether a text that begins as JSON ends before its brackets are closed. */
function hasOpenJson(text: string): boolean {
  if (!/^\s{0,9}(?:\{\s{0,99}"|\[\s{0,99}["{[])/.test(text)) return false
  // What follows an open quote is looked through once, not again from each escaped quote in it.
  const bare = text.replace(/"(?:[^"\\]|\\.)*("|\\?$)/gs, (found, end) => (end === '"' ? '' : found))
  const marks = bare.match(/[[\]{}]/g) ?? []
  return marks.reduce((depth, mark) => depth + ('[{'.includes(mark) ? 1 : -1), 0) > 0
}

/** Whether a list ends with a number or a dash that nothing follows. */
function hasEmptyEntry(lines: readonly string[]): boolean {
  const entry = /^[ \t]{0,9}(?:\d{1,3}[.)、．]|[-*•])/
  return entry.test(lines.at(-2) ?? '') && (lines.at(-1) ?? '').replace(entry, '').trim() === ''
}

// Words that no English sentence ends with, save one that speaks of the word itself ("the article is an").
const dangling =
  /[^,:"“'‘]\s(?:a|an|the|and|or|but|nor|because|although|whereas|unless|my|your|their|our|than)$/
const namedWord =
  /\b(?:is|are|be|word|letter|vowel|option|choice|note|key|article|conjunction|use|used|answer|vitamin|grade|plan|type|with) \w{1,9}$/i
const danglingHan =
  /(?:以及|或者|因为|由于|但是|而且|并且|如果|虽然|对于|关于|例如|比如|为了|包括|使得|从而|(?<![温柔随缓饱总共中谦祥调平附应暖亲讲求人掺缓])和|(?<![参给赠赋授])与)$/

/** Whether the last line breaks off at a word, a comma, a quotation or a bracket that needs something behind it. */
function endsDangling(last: string, lines: number): boolean {
  if (/[（(“「]/.test(last) && (hasOpenBracket(last) || hasOpenQuotation(last))) return true
  const endsInComma = /[,，、]$/.test(last)
  if (!endsInComma && !dangling.test(last) && !danglingHan.test(last)) return false
  const words = last.split(/\s+/).length
  const han = last.match(/\p{Script=Han}/gu)?.length ?? 0
  const commas = last.match(/[,，、]/g)?.length ?? 0
  if (words >= 5 && commas * 3 <= words && dangling.test(last) && !namedWord.test(last)) return true
  if (han >= 8 && danglingHan.test(last)) return true
  // A comma ends a line of verse, a greeting, a list or "Best regards," as well: only a long line is a paragraph.
  if (!endsInComma || (words > 1 && commas * 2 >= words)) return false
  return lines < 3 ? words >= 7 || han >= 10 : words >= 20 || han >= 40
}

function hasOpenBracket(line: string): boolean {
  return /(?:^|[\s\p{Script=Han}])[（(]\p{L}[^()（）\]]*$/u.test(line)
}

/** Some write “so“ for “so”: an even number of opening marks and no closing one is no cut. */
function hasOpenQuotation(line: string): boolean {
  if (!/^[^„]*[“「][^“”「」„"]*$/u.test(line)) return false
  if (/[.!?。！？]$/.test(line)) return false // the closing mark was forgotten
  return /[”」]/.test(line) || (line.match(/[“「]/g)?.length ?? 0) % 2 === 1
}

const sentenceEnd: ByLanguage<RegExp> = {
  en: /[a-z]{3}[.!?]["”’)\]]{0,2}[ ]{1,2}(?=["“‘(]?[A-Z])/g,
  zh: /\p{Script=Han}[。！？][”」』）]{0,2}(?=[^”」』）\s])/gu,
}
const loose =
  /\s(?:as|if|that|which|who|when|where|while|since|is|are|was|were|be|has|have|had|will|can|could|would|should|may|might|must|not|its|his|her|very|so|such|between|during|without|because|although|every|these|those|whose|into)$/
const looseAfterNoun = /\s(?:of|to|for|with|in|on|at|by|from|through|about)$/
// "the number he started with": what the preposition belongs to stands before it.
const relative =
  /\b(?:how|what|which|who|whom|that|where|all|every\w{2,6}|any\w{2,6}|than|as|he|she|they|it|we|I|you|be|been)\b/
// Sums, hashtags, signatures, sources and examples end without a full stop and are whole.
const wholeWithoutStop =
  /[:：=—–#*×÷≈√$"”]|\s[-~]\s|\d ?%?$|[\d.] \w{1,15}$|^\W{0,2}(?:yours|best|kind|warm|sincerely|love|cheers|regards|thanks?|see you|take care|with (?:love|kind|warm|best)|for example|e\.g\.|example|source|author|signed|by)\b|^(?:例如|比如|此致|敬礼|祝|落款|来源|出自|作者)|《[^《》]{1,40}》/i

// People forget the last full stop of a short text; a long one without it was cut more often than not.
const longParagraph = { en: 60, zh: 120 } // words, characters

/** Whether the last sentence has no end while those before it have one. */
function endsUnfinished(last: string, lines: readonly string[]): boolean {
  const isHan = /\p{Script=Han}$/u.test(last)
  if (!isHan && !/[a-z]$/.test(last)) return false
  const ends = [...last.matchAll(sentenceEnd[isHan ? 'zh' : 'en'])]
  const end = ends.at(-1)
  const fragment = end ? last.slice(end.index + end[0].length) : last
  if (wholeWithoutStop.test(fragment)) return false
  if (!end) return isLastOfWholeLines(last, lines)
  if (isHan) return last.length >= longParagraph.zh && ends.length > 3 && fragment.length >= 12
  if (!/^\W{0,2}[A-Z].{0,400} [a-z'’-]{1,30}$/.test(fragment)) return false
  if (isLoose(fragment)) return last.split(/\s+/).length >= 8
  const isEntry = /^[ \t]{0,9}(?:\d{1,3}[.)]|[-*•])/.test(last)
  const words = last.split(/\s+/).length
  return !isEntry && words >= longParagraph.en && ends.length > 3 && fragment.split(' ').length >= 6
}

// "In the third week": a sentence that has only begun.
const begun =
  /^(?:In|On|At|For|With|By|From|After|Before|When|If|While|As|Although|Because|During|Since|To)\b(?: [\w'’-]{1,20}){1,4}$/

function isLoose(fragment: string): boolean {
  return (
    begun.test(fragment) ||
    loose.test(fragment) ||
    (looseAfterNoun.test(fragment) && !relative.test(fragment))
  )
}

/** Whether every line before ends its sentence and only the last stops at a word that cannot end one. */
function isLastOfWholeLines(last: string, lines: readonly string[]): boolean {
  const before = lines.slice(0, -1).filter((line) => line.trim() !== '')
  const isCut = isLoose(last)
    ? last.split(/\s+/).length >= 5
    : /[，；]\p{Script=Han}|\p{Script=Han}{20}/u.test(last)
  return isCut && before.length >= 2 && before.every((line) => /[.!?。！？][”"’』」)）]?\s*$/.test(line))
}

// Instructions that stop in the middle: "Suggest five different ways to write", 把下面的句子改写成

const openEnd =
  /\s(?:a|an|the|and|or|which|into|between|their|your|my|its|using|than|because|called|named|titled|such as|including|so that|in order to)$/i
const longestEnd = 60 // characters, more than any of the ends that are looked for here
const openPreposition = /\s(?:of|to|with|for|from|by)$/i
const questionWord = /\b(?:who|whom|what|which|where|how|that|things?|something|someone|everyone|people)\b/i
const wordItself =
  /["'“‘:]\s?\w+(?: \w+)?$|\b(?:words?|letters?|articles?|conjunctions?|prepositions?) \w{1,9}$/i
const verbWanting =
  /\b(?:ways?|reasons?|steps?|tips|words?|sentences?|ideas) (?:to|that|which) (?:write|describe|express|make|create|use|define|include|provide|identify|explain|contains?|has|have|begins?|starts?|says?)$/i
const openEndHan =
  /(?:以及|或者|因为|由于|但是|而且|并且|如果|虽然|对于|关于|例如|比如|为了|包括|使得|把|将|被|改写成|翻译成|转换成|分类为|变成|写成|改成|(?<![温柔随缓饱总共中谦祥调平附应暖亲讲求人掺])和|(?<![参给赠赋授])与|一[个篇段首句种份条]|[两三四五六七八九十几][个篇段首句种份条]|(?<!谁|哪里|什么.{0,6}|怎么.{0,6}|哪.{0,6}|何时.{0,6}|如何.{0,6}|是.{0,12})的)$/u

const completion =
  /\b(?:complet\w{1,4}|finish\w{0,3}|continu\w{1,3}|fill|blank|prompt|start\w{0,3} with|begin\w{0,4} with|ends? with|sentence starter)\b|补全|续写|接着|完成|填|造句|开头|结尾/i

/** The last words of an instruction that stops in the middle, or undefined. */
export function unfinishedIn(instruction: string): string | undefined {
  const text = instruction.trim()
  const last = (text.split('\n').at(-1) ?? '').trim()
  const end = last.slice(-longestEnd)
  const isOpen =
    ((openEnd.test(end) ||
      verbWanting.test(end) ||
      (openPreposition.test(end) && !questionWord.test(last))) &&
      last.split(/\s+/).length >= 4 &&
      !wordItself.test(last) &&
      !last.endsWith(' A')) || // an option, a grade, a unit
    (/\p{Script=Han}/u.test(last) &&
      (openEndHan.test(last) || /[，、]$/.test(last)) &&
      /\p{Script=Han}{4}/u.test(last)) ||
    /[\p{L}\p{N}] ?(?:[,(（“「『]|(?<=\s)["'])$/u.test(end) ||
    /[“「『]$/.test(end)
  return isOpen && !completion.test(instruction) ? `…${lastOf(text, tail)}` : undefined
}

// A list that was asked for and comes in pieces, one an instance.

const numberWords = ['two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten']
const numeral = `${numberWords.join('|')}|several|some|[2-9]|1\\d|20`
const units =
  'words?|sentences?|lines?|paragraphs?|syllables?|letters?|characters?|stanzas?|numbers?|digits?|times|minutes?|hours?|days?|pages?'
const listOf = new RegExp(
  `^\\W{0,3}(?:please |can you |could you )?(?:list|name|give|suggest|write|provide|generate|create|propose|come up with|think of|recommend|offer|mention|brainstorm) (?:me |us |down |up |out |at least |a list of |the names of ){0,2}(${numeral}) (?!(?:[\\w'-]{1,20} )?(?:${units})\\b)(?:[\\w'-]{1,20} ){0,3}\\w{2,20}s\\b|(?:列出|列举|写出|给出|举出?|说出|想出?|起|取|推荐|提出|提供)([两二三四五六七八九十几]|[2-9]|1\\d)(?:个|条|种|项|句|首|本|部|位|道|款|则)(?!字|词|句子|话|数)`,
  'i',
)
const eachGiven =
  /\b(?:for each|each of the|this|the given|the following|below|synonyms? (?:of|for)|from the)\b|下面|以下|这|给定|每/i

/** How many things an instruction asks for at once, of no input of its own; undefined where it asks for none or one. */
function listAsked(instruction: string): number | undefined {
  const list = listOf.exec(instruction)
  const number = (list?.[1] ?? list?.[2])?.toLowerCase()
  if (number === undefined || eachGiven.test(instruction)) return undefined
  return Number(number) || valueOf(number)
}

function valueOf(word: string): number {
  const place = Math.max(numberWords.indexOf(word), '二三四五六七八九十'.indexOf(word))
  return word === '两' ? 2 : place < 0 ? 3 : place + 2 // "several", 几: three at least
}

const noInput = /^(?:[^\p{L}\p{N}]{0,3}|(?:[A-Za-z]{1,12}|第)? ?#?\d{1,2}[.)、]?[条个项]?)$/u

/** Whether a list was asked for and each instance, with no input or a number for one, is a single short piece of it. */
export function isListInPieces(
  instruction: string,
  rows: readonly { input: string; output: string }[],
): boolean {
  if (
    rows.length === 0 ||
    rows.some(({ input, output }) => !noInput.test(input.trim()) || output.length > 120)
  )
    return false
  const asked = listAsked(instruction)
  return (
    asked !== undefined && rows.every(({ output }) => isOnePiece(output.trim(), asked, rows.length === 1))
  )
}

/** A single row may be a whole list written without commas; it is a piece where it has fewer words than pieces are asked. */
function isOnePiece(output: string, asked: number, alone: boolean): boolean {
  if (/\n|2[.)、]/.test(output)) return false
  const joints = output.match(/[,，、;；/]|\band\b|和|以及/g)?.length ?? 0
  if (!alone) return joints < asked - 1
  const words = output.match(/\p{Script=Han}{2}|\p{Script=Han}|[^\s\p{Script=Han}]+/gu)?.length ?? 0
  return asked > 2 && joints === 0 && words < asked && /\p{L}/u.test(output)
}

// Finds answers that do not end well: cut off in mid-sentence, or caught in a loop. Whole texts that look unfinished
// are common (lists, code, verses, labels, titles, signatures), so each sign of a cut needs a second one beside it.

import { lastOf } from './measure.ts'
import { hasCode, type ByLanguage } from './patterns.ts'

const LOOP_PERIOD = 50 // longest phrase, in words or Han characters, that is looked for in a loop
const LOOP_COPIES = 12 // words beyond the first saying that make a loop; songs repeat three words four times
const LOOP_COPIES_SHORT = 24 // the same for phrases of one or two words: "ha ha ha", a column of labels
const TAIL = 24 // characters of the end that are shown

const loopWanted =
  /\b(?:repeat\w{0,5}|\d times|song|lyrics|chorus|chant|tongue twister)\b|重复|[\d二三五十百][遍次]|歌|绕口令/i

/** The phrase an answer has fallen into repeating, or undefined. */
export function loopIn(instruction: string, output: string): string | undefined {
  if (loopWanted.test(instruction)) return undefined
  const unnumbered = output.toLowerCase().replace(/^[ \t]{0,9}\d{1,4}[.)、．]/gm, '')
  const words = unnumbered.match(/\p{Script=Han}|(?:(?!\p{Script=Han})[\p{L}\p{N}'’])+/gu) ?? []
  for (let period = 1; period <= LOOP_PERIOD; period++) {
    const end = endOfLoop(words, period)
    if (end === undefined) continue
    const phrase = words.slice(end - period, end)
    return phrase.join(/\p{Script=Han}/u.test(phrase[0] ?? '') ? '' : ' ')
  }
  return undefined
}

/** Where a phrase of `period` words has been said two and a half times in a row or more; bare numbers do not count. */
function endOfLoop(words: readonly string[], period: number): number | undefined {
  const enough = Math.max(Math.ceil(1.5 * period), period < 3 ? LOOP_COPIES_SHORT : LOOP_COPIES)
  let same = 0
  for (let i = period; i < words.length; i++) {
    same = words[i] === words[i - period] ? same + 1 : 0
    if (same === enough && words.slice(i + 1 - period, i + 1).some((word) => /\p{L}/u.test(word)))
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
    (!hasCode(text) &&
      !/:\/\/|\|/.test(last) &&
      (endsDangling(last, lines.length) || endsUnfinished(last, lines)))
  return isCut ? `…${lastOf(text, TAIL)}` : undefined
}

/** Whether a code block is begun and not closed; a lone fence on the last line closes one begun in the prompt. */
function hasOpenFence(lines: readonly string[]): boolean {
  const fences = lines.flatMap((line, at) => (/^[ \t]{0,9}```/.test(line) ? [at] : []))
  return fences.length % 2 === 1 && fences.at(-1) !== lines.length - 1
}

/** Whether a text that begins as JSON ends before its brackets are closed. */
function hasOpenJson(text: string): boolean {
  if (!/^\s{0,9}(?:\{\s{0,99}"|\[\s{0,99}["{[])/.test(text)) return false
  const marks = text.replace(/"(?:[^"\\]|\\.)*"/gs, '').match(/[[\]{}]/g) ?? []
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
  /\b(?:is|are|be|word|article|conjunction|use|used|answer|vitamin|grade|plan|type|with) \w{1,9}$/i
const danglingHan =
  /(?:以及|或者|因为|由于|但是|而且|并且|如果|虽然|对于|关于|例如|比如|为了|包括|使得|从而|(?<![温柔随缓饱总共中谦祥调平附应暖亲讲求人掺缓])和|(?<![参给赠赋授])与)$/

/** Whether the last line breaks off at a word, a comma or a bracket that needs something behind it. */
function endsDangling(last: string, lines: number): boolean {
  const words = last.split(/\s+/).length
  const han = last.match(/\p{Script=Han}/gu)?.length ?? 0
  const commas = last.match(/[,，、]/g)?.length ?? 0
  if (words >= 5 && commas * 3 <= words && dangling.test(last) && !namedWord.test(last)) return true
  if (han >= 8 && danglingHan.test(last)) return true
  if (/(?:^|[\s\p{Script=Han}])[（(]\p{L}[^()（）\]]*$|^[^„]*[“「][^“”「」„"]*$/u.test(last)) return true
  // A comma ends a line of verse, a greeting or "Best regards," as well: only a long line is a paragraph.
  if (!/[,，、]$/.test(last)) return false
  return lines < 3 ? words >= 7 || han >= 10 : words >= 20 || han >= 40
}

const sentenceEnd: ByLanguage<RegExp> = {
  en: /[a-z]{3}[.!?]["”’)\]]{0,2}[ ]{1,2}(?=["“‘(]?[A-Z])/g,
  zh: /\p{Script=Han}[。！？][”」』）]{0,2}(?=[^”」』）\s])/gu,
}
const loose =
  /\s(?:of|to|for|with|in|on|at|by|from|into|as|if|that|which|who|when|where|while|since|is|are|was|were|be|has|have|had|will|can|could|would|should|may|might|must|not|its|his|her|very|so|such|through|about|between|during|without)$/

/** Whether the last sentence has no end while those before it have one. */
function endsUnfinished(last: string, lines: readonly string[]): boolean {
  const isHan = /\p{Script=Han}$/u.test(last)
  if (!isHan && !/[a-z]$/.test(last)) return false
  const ends = [...last.matchAll(sentenceEnd[isHan ? 'zh' : 'en'])]
  const end = ends.at(-1)
  if (!end) return isLastOfWholeLines(last, lines)
  const fragment = last.slice(end.index + end[0].length)
  if (/[:：=—–]/.test(fragment)) return false
  if (isHan)
    return last.length >= 40 && (fragment.match(/\p{Script=Han}/gu)?.length ?? 0) >= (ends.length > 1 ? 4 : 8)
  const words = last.split(/\s+/).length
  const begun = /^\W{0,2}[A-Z].{0,400} [a-z'’-]{1,30}$/.test(fragment)
  return (
    begun &&
    (loose.test(fragment) ? words >= 8 : words >= 25 && (ends.length >= 2 || fragment.split(' ').length >= 6))
  )
}

/** Whether every line before ends its sentence and only the last, long enough not to be a signature, does not. */
function isLastOfWholeLines(last: string, lines: readonly string[]): boolean {
  const before = lines.slice(0, -1).filter((line) => line.trim() !== '')
  const isLong = last.split(/\s+/).length >= 8 || /[，；：]\p{Script=Han}|\p{Script=Han}{20}/u.test(last)
  return isLong && before.length >= 2 && before.every((line) => /[.!?。！？][”"’』」)）]?\s*$/.test(line))
}

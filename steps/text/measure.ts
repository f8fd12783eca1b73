// What the rules measure of a text, and how they show it: its length, its beginning, its end.
import type { Language } from './language.ts'

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

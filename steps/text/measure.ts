// What the rules measure of a text, and how they show it: its length, its beginning, its end.
import type { Language } from './language.ts'

const QUOTE = 60 // characters of a text shown in a detail

/** Words as the paper counts them, by white space; in Chinese each character, and each foreign word or number, is one. */
export function lengthOf(text: string, language: Language): number {
  const pieces = text.match(/\p{Script=Han}|(?:(?!\p{Script=Han})\S)+/gu) ?? []
  return language === 'zh' ? pieces.filter((piece) => /[\p{L}\p{N}]/u.test(piece)).length : pieces.length
}

export function excerpt(text: string): string {
  const line = text
    .trim()
    .slice(0, 4 * QUOTE)
    .replace(/\s+/g, ' ')
  return line.length > QUOTE ? `${line.slice(0, QUOTE)}…` : line
}

export function shorten(text: string | undefined): string | undefined {
  return text === undefined ? undefined : excerpt(text)
}

export function ending(text: string): string {
  const line = text.slice(-QUOTE).replace(/\s+/g, ' ')
  return text.length > QUOTE ? `…${line}` : line
}

/** "Positive" and "positive." are one answer. */
export function answerKey(output: string): string {
  return output
    .trim()
    .toLowerCase()
    .replace(/[.。]$/, '')
}

/** ROUGE-L, the similarity of Self-Instruct: how much of two texts is one common subsequence of tokens.
 *  This is the definition in its plainest form; `novelty.ts` computes the same numbers fast. */
import { tokenize } from './tokens.ts'

/** F-measure of the longest common subsequence of tokens, 0 to 1; 0 when either text has no token. */
export function rougeL(a: string, b: string): number {
  const [rows, columns] = [tokenize(a), tokenize(b)]
  return fMeasure(lcsLength(rows, columns), rows.length, columns.length)
}

/** The operations in the order of Google's scorer, so that not even the last bit differs. */
export function fMeasure(common: number, m: number, n: number): number {
  if (common === 0) return 0
  const [precision, recall] = [common / n, common / m]
  return (2 * precision * recall) / (precision + recall)
}

/** Length of the longest common subsequence, row by row through the table of all prefixes. */
function lcsLength(rows: string[], columns: string[]): number {
  let above = columns.map(() => 0)
  for (const token of rows) {
    let [left, diagonal] = [0, 0]
    above = above.map((up, j) => {
      left = token === columns[j] ? diagonal + 1 : Math.max(up, left)
      diagonal = up
      return left
    })
  }
  return above.at(-1) ?? 0
}

// What two texts share, as ROUGE-L sees it: the tokens of their longest common subsequence, put in brackets.
import { tokenize } from '../text/tokens.ts'

const tokensAtMost = 2000 // the table has a cell for each pair; longer texts are shown unmarked

/** Both texts with the shared tokens in brackets: `[Translate the] word`. Neighbouring tokens share a pair. */
export function markShared(a: string, b: string): [string, string] {
  const [left, right] = [tokensIn(a), tokensIn(b)]
  if (left.length > tokensAtMost || right.length > tokensAtMost) return [a, b]
  const pairs = commonPairs(left, right)
  return [
    bracket(
      a,
      left,
      pairs.map(([i]) => i),
    ),
    bracket(
      b,
      right,
      pairs.map(([, j]) => j),
    ),
  ]
}

type Token = { text: string; start: number; end: number }

/** The tokens with their places in the text as it was before it was folded for comparison. */
function tokensIn(text: string): Token[] {
  const places: number[] = []
  let folded = ''
  let at = 0
  for (const character of text) {
    const narrow = character.normalize('NFKC').toLowerCase()
    for (let unit = 0; unit < narrow.length; unit++) places.push(at)
    folded += narrow
    at += character.length
  }
  places.push(at)
  let from = 0
  return tokenize(text).flatMap((token) => {
    const found = folded.indexOf(token, from)
    if (found === -1) return []
    from = found + token.length
    return [{ text: token, start: places[found] ?? at, end: places[from] ?? at }]
  })
}

/** The places of the tokens of one longest common subsequence, in both lists. */
function commonPairs(a: readonly Token[], b: readonly Token[]): [number, number][] {
  const longest = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1))
  const at = (i: number, j: number): number => longest[i]?.[j] ?? 0
  const same = (i: number, j: number): boolean => a[i]?.text === b[j]?.text
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--) {
      const row = longest[i]
      if (row) row[j] = same(i, j) ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  const pairs: [number, number][] = []
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (same(i, j)) pairs.push([i++, j++])
    else if (at(i + 1, j) >= at(i, j + 1)) i++
    else j++
  }
  return pairs
}

function bracket(text: string, tokens: readonly Token[], shared: readonly number[]): string {
  let marked = ''
  let at = 0
  for (const [place, index] of shared.entries()) {
    const token = tokens[index]
    if (!token) continue
    const opens = shared[place - 1] !== index - 1
    const closes = shared[place + 1] !== index + 1
    marked += `${text.slice(at, token.start)}${opens ? '[' : ''}${text.slice(token.start, token.end)}${closes ? ']' : ''}`
    at = token.end
  }
  return marked + text.slice(at)
}

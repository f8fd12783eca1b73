// ROUGE-L, the similarity of Self-Instruct: how much of two texts is one common subsequence of tokens. This is the
// definition in its plainest form; `novelty.ts` computes the same numbers fast.

/** F-measure of the longest common subsequence of tokens, 0 to 1; 0 when either text has no token. */
export function rougeL(a: string, b: string): number {
  const [rows, columns] = [comparedTokens(a), comparedTokens(b)]
  return fMeasure(lcsLength(rows, columns), rows.length, columns.length)
}

/** What ROUGE-L of two texts is made of: the tokens they share in order, and how many each has. */
export function partsOfRougeL(a: string, b: string): { shared: number; lengths: [number, number] } {
  const [rows, columns] = [comparedTokens(a), comparedTokens(b)]
  return { shared: lcsLength(rows, columns), lengths: [rows.length, columns.length] }
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

/** Written without spaces between words: Chinese, Japanese, Thai, Lao, Khmer. */
const UNSPACED = String.raw`\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}`
/** Neither letter, digit nor mark: punctuation, symbols, spaces, controls. */
const OTHER = String.raw`\p{P}\p{S}\p{Z}\p{C}`

/** One character with the marks on it, or a run of letters and digits; a mark stays in its word but opens none. */
const TOKEN = new RegExp(
  String.raw`[^${OTHER}\p{M}${UNSPACED}][^${OTHER}${UNSPACED}]*|(?=[\p{L}\p{N}])[${UNSPACED}]\p{M}*`,
  'gu',
)
const ASCII = /^[\x00-\x7f]*$/
/** More marks on one character than any script writes (the limit of Unicode's annex 15): sorting them takes their square. */
const MARKS = /(\p{M}{30})\p{M}+/gu
/** Soft hyphen and the joiners of Persian and Indic scripts stand inside words and are not read. */
const INVISIBLE = /[\u00ad\u200c\u200d]/g

/** The tokens that ROUGE-L compares: on pure ASCII those of Google's `rouge_score` without stemming; in other scripts words
 *  where words are spaced, and single characters where they are not. */
export function tokenize(text: string): string[] {
  if (ASCII.test(text)) return text.toLowerCase().match(/[a-z0-9]+/g) ?? []
  const sound = text.length > 500 ? text.replace(MARKS, '$1') : text
  return sound.normalize('NFKC').replace(INVISIBLE, '').toLowerCase().match(TOKEN) ?? []
}

// Longer texts are compared by their beginning, and shown unmarked: a table has a cell for each pair of tokens. The rules
// stop an instruction at 150 words.
const charactersAtMost = 20_000
const tokensAtMost = 1000

/** The tokens by which two texts are compared, a thousand at most. */
export function comparedTokens(text: string): string[] {
  const tokens = tokenize(text.slice(0, charactersAtMost))
  return tokens.length > tokensAtMost ? tokens.slice(0, tokensAtMost) : tokens
}

/** Both texts with the tokens of their common subsequence in brackets: `[Translate the] word`. Neighbours share a pair. */
export function markShared(a: string, b: string): [string, string] {
  if (a.length > charactersAtMost || b.length > charactersAtMost) return [a, b]
  const [left, right] = [tokensIn(a), tokensIn(b)]
  if (left.length > tokensAtMost || right.length > tokensAtMost) return [a, b]
  const pairs = commonPairs(left, right)
  const [inLeft, inRight] = [pairs.map(([i]) => i), pairs.map(([, j]) => j)]
  return [bracket(a, left, inLeft), bracket(b, right, inRight)]
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

/** The words of a text alone: texts that differ in case, punctuation and white space have the same. */
export function wordsOf(text: string): string {
  return tokenize(text).join(' ')
}

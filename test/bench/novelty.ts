/** How fast the novelty filter is, as ratios within one run: to merely reading the same rows, and to all pairs. */
import { NoveltyIndex } from '../../steps/text/novelty.ts'
import { fMeasure, tokenize } from '../../steps/text/rouge.ts'
import type { Row } from './bench.ts'
import { candidateLines, instructionsOf, writtenTexts } from './texts.ts'

const THRESHOLD = 0.7

/** With a JSONL file its instructions are the candidates. */
export function measureNovelty(file: string | undefined): Row[] {
  const sources = file === undefined ? undefined : instructionsOf(file)
  const lines = candidateLines(100_000, sources)
  const [small, middle, paper, large] = [10_000, 13_000, 52_000, 100_000].map((n) => timed(lines.slice(0, n)))
  if (!small || !middle || !paper || !large) return []
  const rows: Row[] = [ratioRow(middle), ratioRow(paper, '5 × (at most 12 ×)'), growthRow(small, large)]
  rows.push(pairsRow(lines.slice(0, 3_000), paper), nearestRow(), memoryRow('after 100,000 candidates'))
  const million = timed(candidateLines(1_000_000, sources), 1)
  rows.push(
    { ...ratioRow(million), goal: '25 s (at most 90 s)' },
    memoryRow('after 1,000,000', 'at most 1 GB'),
  )
  return rows
}

interface Timing {
  candidates: number
  kept: number
  /** Sum over the candidates of the texts kept before each: what all pairs would compare. */
  pairs: number
  filterMs: number
  readMs: number
}

function timed(lines: string[], rounds = 3): Timing {
  let [readMs, filterMs] = [Infinity, Infinity]
  let counts = { kept: 0, pairs: 0 }
  for (let round = 0; round < rounds; round++) {
    readMs = Math.min(
      readMs,
      milliseconds(() => readOnly(lines)),
    )
    filterMs = Math.min(
      filterMs,
      milliseconds(() => (counts = filterAll(lines))),
    )
  }
  return { candidates: lines.length, ...counts, filterMs, readMs }
}

function readOnly(lines: string[]): number {
  let tokens = 0
  for (const line of lines) tokens += tokenize(JSON.parse(line).instruction).length
  return tokens
}

function filterAll(lines: string[]): { kept: number; pairs: number } {
  const index = new NoveltyIndex(THRESHOLD)
  let pairs = 0
  for (const line of lines) {
    const { instruction } = JSON.parse(line)
    pairs += index.size
    if (!index.rival(instruction)) index.add(instruction)
  }
  return { kept: index.size, pairs }
}

function ratioRow({ candidates, kept, filterMs, readMs }: Timing, goal = ''): Row {
  const times = `${seconds(filterMs)}, ${(filterMs / readMs).toFixed(1)} × reading them (${seconds(readMs)})`
  const novel = `${Math.round((100 * kept) / candidates)} % novel`
  return { what: `novelty: ${candidates.toLocaleString('en')} candidates, ${novel}`, measured: times, goal }
}

function growthRow(small: Timing, large: Timing): Row {
  const exponent = Math.log(large.filterMs / small.filterMs) / Math.log(large.candidates / small.candidates)
  const what = 'novelty: growth exponent, 10,000 to 100,000'
  return { what, measured: exponent.toFixed(2), goal: '1.15 (at most 1.35)' }
}

/** All pairs by the table, on texts already cut into tokens; `paper` is extrapolated by its number of pairs. */
function pairsRow(lines: string[], paper: Timing): Row {
  const texts = lines.map((line) => tokenize(JSON.parse(line).instruction))
  let pairs = 0
  const ms = milliseconds(() => {
    const kept: string[][] = []
    for (const text of texts) {
      pairs += kept.length
      let best = 0
      for (const other of kept)
        best = Math.max(best, fMeasure(tableLcs(text, other), text.length, other.length))
      if (best <= THRESHOLD) kept.push(text)
    }
  })
  const extrapolated = (ms / pairs) * paper.pairs
  const times = Math.round(extrapolated / paper.filterMs).toLocaleString('en')
  const measured = `${times} × faster (${seconds(extrapolated)}, extrapolated from ${seconds(ms)} at 3,000)`
  return { what: 'novelty: 52,000 against all pairs by the plain table', measured, goal: 'at least 1,500 ×' }
}

function nearestRow(): Row {
  const index = new NoveltyIndex(THRESHOLD)
  for (const text of writtenTexts(50_000, 7)) index.add(text)
  const queries = writtenTexts(2_000, 11)
  index.nearest(queries[0] ?? '')
  let scores = 0
  const ms = milliseconds(() => {
    for (const query of queries) scores += index.nearest(query)?.score ?? 0
  })
  const measured = `${(ms / queries.length).toFixed(2)} ms (score ${(scores / queries.length).toFixed(2)} on average)`
  return { what: 'novelty: nearest in a pool of 50,000, per call', measured, goal: '0.5 ms (at most 1.2 ms)' }
}

function memoryRow(when: string, goal = ''): Row {
  const measured = `${Math.round(process.memoryUsage().rss / 2 ** 20)} MB`
  return { what: `novelty: memory of the process ${when}`, measured, goal }
}

function tableLcs(a: string[], b: string[]): number {
  const row = new Int32Array(b.length + 1)
  for (const token of a) {
    let diagonal = 0
    for (let j = 1; j <= b.length; j++) {
      const above = row[j] ?? 0
      row[j] = token === b[j - 1] ? diagonal + 1 : Math.max(above, row[j - 1] ?? 0)
      diagonal = above
    }
  }
  return row[b.length] ?? 0
}

/** Time on the processor, which other programs on the machine disturb less than the clock's. */
function milliseconds(work: () => unknown): number {
  const start = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1000
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 0)} s`
}

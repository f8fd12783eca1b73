// The rows the page shows and searches: kept and rejected, a seeded sample where there are too many.
import { CallLog } from '../model/call-log.ts'
import { type Random, randomFor, sample } from '../text/pool.ts'
import { type Step, exists, logFile, steps } from '../workspace/folder.ts'
import { idOf, keyOf } from '../workspace/jsonl.ts'
import { type Figures, type Run, isOffline, mostFirst, rowsOf } from './count.ts'

export const shownAtMost = 50_000 // rows of each kind: a page of some 30 MB
const withReplies = 2000 // rows: their replies are embedded too
const reviewedAtMost = 200 // rows drawn for the review sheet, of which 20 are shown unless told otherwise

/** What became of a row: kept, or removed by this step for this reason. */
type Fate = { step: Step | ''; reason: string; count: number }
/** Absent fields are 0, which is shorter than null. `fate` is the place in the list of fates. */
type PageRow = [
  instruction: string,
  input: string | 0,
  output: string | 0,
  fate: number,
  id: string,
  detail: string | 0,
  neighbour: string | 0,
  call: string | 0,
]
export type PageRows = {
  fates: Fate[]
  rows: PageRow[]
  /** Whether these are all the rows there are. */
  sampled: boolean
  /** Raw replies by call, undefined where there are too many rows, or no log. */
  replies: Record<string, string> | undefined
  /** Rows for the review, in drawn order: their places, names that stay theirs when the data set changes, planted faults. */
  review: [place: number, name: string, fault: string][]
}

type Counted = Pick<Figures, 'rows' | 'rejected'>

/** The rows of a run, with the replies they came from where they are few. */
export async function gatherRows(run: Run, figures: Counted): Promise<PageRows> {
  const fates = fatesIn(figures)
  const all = fates.reduce((sum, fate) => sum + fate.count, 0)
  const detailed = all <= withReplies
  const random = (what: string): Random => randomFor(run.settings.seed, 'report', what)
  const kept = await keptRows(run, detailed, random('kept'))
  const rejected = await rejectedRows(run, fates, random('rejected'))
  const rows = [...kept, ...rejected]
  const faultOf = await faultsIn(run)
  const review = sample([...kept.keys()], reviewedAtMost, random('review')).map(
    (place): PageRows['review'][number] => {
      const [instruction = '', input = '', output = ''] = kept[place] ?? []
      const name = keyOf([instruction, input, output])
      return [place, name, faultOf(instruction, input || '', output || '')]
    },
  )
  const replies = detailed ? await repliesOf(run, rows) : undefined
  return { fates, rows, sampled: rows.length < all, replies, review }
}

/** What the stand-in has planted, where its rows are among these. */
async function faultsIn(run: Run): Promise<(instruction: string, input: string, output: string) => string> {
  if (!isOffline(run)) return () => ''
  const { plantedFaults, rowKey } = await import('../model/offline.ts')
  const faults = await plantedFaults(run.language)
  return (instruction, input, output) => faults.get(rowKey(instruction, output, input)) ?? ''
}

function fatesIn({ rows, rejected }: Counted): Fate[] {
  const removed = steps.flatMap((step) =>
    mostFirst(rejected[step]).map(([reason, count]): Fate => ({ step, reason, count })),
  )
  return [{ step: '', reason: '', count: rows }, ...removed]
}

async function keptRows(run: Run, detailed: boolean, random: Random): Promise<PageRow[]> {
  const calls = new Map<string, string>()
  const nearest = new Map<string, { instruction: string; score: number }>()
  if (detailed) {
    for await (const { id, call } of rowsOf(run, 'withInstances')) calls.set(id, call)
    for await (const { id, most_similar } of rowsOf(run, 'instruction'))
      if (most_similar) nearest.set(id, most_similar)
  }
  return drawn(rowsOf(run, 'example'), random, ({ instruction, input, output }) => {
    const id = idOf(instruction)
    const near = nearest.get(id)
    const detail = near ? near.score.toFixed(2) : 0
    return [instruction, input, output, 0, id, detail, near?.instruction ?? 0, calls.get(id) ?? 0]
  })
}

async function rejectedRows(run: Run, fates: readonly Fate[], random: Random): Promise<PageRow[]> {
  const places = new Map(fates.map(({ step, reason }, place) => [`${step} ${reason}`, place]))
  return drawn(rowsOf(run, 'rejected'), random, (row) => {
    const { step, reason, detail, instruction, input, output, call, most_similar: near } = row
    const fate = places.get(`${step} ${reason}`) ?? 0
    const said = near ? near.score.toFixed(2) : detail
    const id = instruction === '' ? '' : idOf(instruction)
    return [instruction, input ?? 0, output ?? 0, fate, id, said, near?.instruction ?? 0, call ?? 0]
  })
}

/** So many of the rows, each with the same chance, in their order. */
async function drawn<T>(
  rows: AsyncIterable<T>,
  random: Random,
  shown: (row: T) => PageRow,
): Promise<PageRow[]> {
  let seen = 0
  const held: { at: number; row: PageRow }[] = []
  for await (const row of rows) {
    const at = seen++
    const place = at < shownAtMost ? at : Math.floor(random() * seen)
    if (place < shownAtMost) held[place] = { at, row: shown(row) }
  }
  return held.toSorted((a, b) => a.at - b.at).map(({ row }) => row)
}

async function repliesOf(run: Run, rows: readonly PageRow[]): Promise<Record<string, string> | undefined> {
  const file = run.folder.path(logFile)
  if (!(await exists(file))) return undefined
  const log = await CallLog.open(file, true)
  const calls = new Set(rows.flatMap((row) => row[7] || []))
  try {
    const reply = async (call: string) => [call, (await log.get(call))?.reply ?? ''] as const
    return Object.fromEntries(await Promise.all([...calls].map(reply)))
  } finally {
    await log.close()
  }
}

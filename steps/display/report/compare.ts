// Another run beside this one: its figures, how long calls took in both, and how much of each pool the other holds.
import { NoveltyIndex } from '../../text/novelty.ts'
import { exists, logFile, type Step, steps } from '../../workspace/folder.ts'
import { field, jsonIn } from '../../workspace/json.ts'
import { readLines } from '../../workspace/lines.ts'
import { countRun, type Figures } from './count.ts'
import { rowsOf, type Run } from './run.ts'

/** Seconds a call of a step took: half of the calls less than `median`, one in ten more than `slow`. */
type Latency = { median: number; slow: number }
export type Latencies = Partial<Record<Step, Latency>>

export type Comparison = {
  run: Run
  figures: Figures
  latencies: { ours: Latencies; theirs: Latencies }
  /** Shares, 0 to 1; undefined for an empty pool. */
  overlap: { there: number | undefined; back: number | undefined }
}

export async function compareRuns(ours: Run, theirs: Run): Promise<Comparison> {
  const [here, there] = [await poolOf(ours), await poolOf(theirs)]
  const { similarity } = ours.settings
  return {
    run: theirs,
    figures: await countRun(theirs),
    latencies: { ours: await latenciesOf(ours), theirs: await latenciesOf(theirs) },
    overlap: { there: shareFoundIn(there, here, similarity), back: shareFoundIn(here, there, similarity) },
  }
}

async function poolOf(run: Run): Promise<string[]> {
  const pool: string[] = []
  for await (const { instruction } of rowsOf(run, 'instruction')) pool.push(instruction)
  return pool
}

/** The share of the instructions that have a near-duplicate in the pool. */
export function shareFoundIn(
  pool: readonly string[],
  instructions: readonly string[],
  threshold: number,
): number | undefined {
  if (instructions.length === 0) return undefined
  const index = new NoveltyIndex(threshold)
  for (const instruction of pool) index.add(instruction)
  const found = instructions.filter((instruction) => index.rival(instruction) !== undefined)
  return found.length / instructions.length
}

async function latenciesOf(run: Run): Promise<Latencies> {
  const file = run.folder.path(logFile)
  const times = new Map<Step, number[]>()
  if (!(await exists(file))) return {}
  for await (const { text } of readLines(file)) {
    const call = timeIn(text)
    if (!call) continue
    const found = times.get(call.step) ?? []
    found.push(call.ms)
    times.set(call.step, found)
  }
  return Object.fromEntries([...times].map(([step, found]) => [step, latencyOf(found)]))
}

// A line that is no call, such as one torn by a crash, has no time; the log itself is judged where it is used.
function timeIn(line: string): { step: Step; ms: number } | undefined {
  const call = jsonIn(line)
  const [step, ms, reply] = ['step', 'ms', 'reply'].map((name) => field(call, name))
  const answered = typeof reply === 'string' && typeof ms === 'number'
  return answered && steps.some((known) => known === step) ? { step: step as Step, ms } : undefined
}

function latencyOf(times: number[]): Latency {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number): number => (sorted[Math.ceil(share * sorted.length) - 1] ?? 0) / 1000
  return { median: at(0.5), slow: at(0.9) }
}

// Another run beside this one: its figures, how long calls took in both, and how much of each pool the other holds.
import path from 'node:path'
import { number } from '../display/words.ts'
import { NoveltyIndex } from '../text/novelty.ts'
import { type Step, exists, logFile, steps } from '../workspace/folder.ts'
import { field, jsonIn, readLines } from '../workspace/jsonl.ts'
import { type Figures, type Run, type Stage, countRun, rowsOf, stages } from './count.ts'
import { type Markup, type Subject, type Value, bar, html, percent, row, table } from './html.ts'
import { type FigureName, figureRows, reasonsLine } from './sections.ts'

/** Seconds a call of a step took: half of the calls less than `median`, one in ten more than `slow`. */
type Latency = { median: number; slow: number }
type Latencies = Partial<Record<Step, Latency>>

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

// A line that is no call, such as one torn by a crash, has no time; the log itself is checked where it is used.
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

/** Two runs side by side on the page. */
export function compareSection(ours: Subject, { run, figures, latencies, overlap }: Comparison): Markup {
  const theirs: Subject = { ...ours, run, figures }
  const { compare, settings, table: names, funnel, thisRun } = ours.words
  const both = (title: string, of: (subject: Subject) => Value): Markup => row(title, [of(ours), of(theirs)])
  const runs = (rows: readonly Markup[]): Markup => table('runs', ['', thisRun, compare.theirs], rows)
  const counts = [ours, theirs].flatMap((subject) => Object.values(subject.figures.funnel))
  const most = Math.max(1, ...counts.map((count) => count ?? 0))
  const asking = steps.filter((step) => latencies.ours[step] ?? latencies.theirs[step])
  return html`${runs([
      both(compare.folder, (subject) => path.basename(subject.run.settings.dataDir)),
      both(settings.provider, (subject) => subject.run.settings.provider ?? '–'),
      both(settings.model, (subject) => subject.run.settings.model ?? '–'),
      ...figureRows(ours).map(([name]) => both(names[name], (subject) => figureIn(name, subject))),
    ])}
    <h3>${compare.stages}</h3>
    ${runs(stages.map((stage) => both(funnel.stages[stage], (subject) => stageIn(stage, subject, most))))}
    <h3>${compare.seconds}</h3>
    ${runs(asking.map((step) => row(step, [latency(latencies.ours[step]), latency(latencies.theirs[step])])))}
    <h3>${compare.overlap}</h3>
    <p>${compare.overlapAbout(ours.run.settings.similarity)}</p>
    ${table('runs', [], [shareRow(compare.there, overlap.there), shareRow(compare.back, overlap.back)])}`
}

/** A figure of a run; the rejected rows come with their reasons. */
function figureIn(name: FigureName, subject: Subject): Value {
  const value = new Map(figureRows(subject)).get(name)
  if (name !== 'rejected') return value
  return html`${value}<small class="under">${breakable(reasonsLine(subject))}</small>`
}

/** May be broken behind an underscore: half a phone is narrower than most names. */
function breakable(names: string): Markup[] {
  return names.split('_').map((part, place) => (place === 0 ? html`${part}` : html`_<wbr />${part}`))
}

function stageIn(stage: Stage, { figures: { funnel } }: Subject, most: number): Markup {
  const count = funnel[stage]
  return html`${bar((count ?? 0) / most)}${count === undefined ? '–' : number(count)}`
}

function latency(found: Latency | undefined): string {
  return found ? `${found.median.toFixed(2)} (${found.slow.toFixed(2)})` : '–'
}

function shareRow(title: string, share: number | undefined): Markup {
  return row(title, [html`${bar(share ?? 0)}${share === undefined ? '–' : percent(share)}`])
}

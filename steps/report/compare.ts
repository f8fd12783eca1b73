// Another run beside this one: its figures, how long calls took in both, and how much of each pool the other holds.
import path from 'node:path'
import { number } from '../display/words.ts'
import { NoveltyIndex } from '../text/novelty.ts'
import { type Step, exists, logFile, steps } from '../workspace/folder.ts'
import { field, jsonIn, readLines } from '../workspace/jsonl.ts'
import { type Figures, type Run, countRun, rowsOf, stages } from './count.ts'
import { type Markup, type Subject, bar, html, percent } from './html.ts'
import { figureRows, reasonsLine } from './sections.ts'

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

// Two runs side by side on the page.

export function compareSection(subject: Subject, { run, figures, latencies, overlap }: Comparison): Markup {
  const { words } = subject
  const other: Subject = { ...subject, run, figures }
  const { compare } = words
  const theirs = new Map(figureRows(other))
  const rows = figureRows(subject).map(([name, value]) =>
    name === 'rejected'
      ? row(words.table[name], withReasons(value, subject), withReasons(theirs.get(name), other))
      : row(words.table[name] as string, value, theirs.get(name) ?? ''),
  )
  const table = (body: readonly Markup[]): Markup =>
    html`<div class="wide">
      <table class="runs">
        <thead>
          <tr>
            <td></td>
            <th scope="col">${compare.ours}</th>
            <th scope="col">${compare.theirs}</th>
          </tr>
        </thead>
        <tbody>
          ${body}
        </tbody>
      </table>
    </div>`
  return html`<section id="compare">
    <h2>${compare.title}</h2>
    ${table([...settingRows(subject, other), ...rows])}
    <h3>${compare.stages}</h3>
    ${table(stageRows(subject, other))}
    <h3>${compare.seconds}</h3>
    ${table(steps.filter((step) => latencies.ours[step] ?? latencies.theirs[step]).map((step) => row(step, latency(latencies.ours, step), latency(latencies.theirs, step))))}
    <h3>${compare.overlap}</h3>
    <p>${compare.overlapAbout(subject.run.settings.similarity)}</p>
    <table class="runs">
      <tbody>
        ${shareRow(compare.there, overlap.there)}${shareRow(compare.back, overlap.back)}
      </tbody>
    </table>
  </section>`
}

function row(name: string, ours: string | Markup, theirs: string | Markup): Markup {
  return html`<tr>
    <th scope="row">${name}</th>
    <td>${ours}</td>
    <td>${theirs}</td>
  </tr>`
}

function withReasons(count: string | undefined, subject: Subject): Markup {
  return html`${count}<small class="under">${breakable(reasonsLine(subject))}</small>`
}

/** May be broken behind an underscore: half a phone is narrower than most names. */
function breakable(names: string): Markup[] {
  return names.split('_').map((part, place) => (place === 0 ? html`${part}` : html`_<wbr />${part}`))
}

function settingRows(ours: Subject, theirs: Subject): Markup[] {
  const { settings, compare } = ours.words
  const both = (name: string, of: (subject: Subject) => string): Markup => row(name, of(ours), of(theirs))
  return [
    both(compare.folder, ({ run }) => path.basename(run.settings.dataDir)),
    both(settings.provider, ({ run }) => run.settings.provider ?? '–'),
    both(settings.model, ({ run }) => run.settings.model ?? '–'),
  ]
}

function stageRows(ours: Subject, theirs: Subject): Markup[] {
  const most = Math.max(
    1,
    ...[ours, theirs].flatMap(({ figures }) => Object.values(figures.funnel).map((count) => count ?? 0)),
  )
  const counted = ({ figures }: Subject, stage: (typeof stages)[number]): Markup => {
    const count = figures.funnel[stage]
    return html`${bar((count ?? 0) / most)}${count === undefined ? '–' : number(count)}`
  }
  return stages.map((stage) =>
    row(ours.words.funnel.stages[stage], counted(ours, stage), counted(theirs, stage)),
  )
}

function latency(latencies: Latencies, step: (typeof steps)[number]): string {
  const found = latencies[step]
  return found ? `${found.median.toFixed(2)} (${found.slow.toFixed(2)})` : '–'
}

function shareRow(name: string, share: number | undefined): Markup {
  return html`<tr>
    <th scope="row">${name}</th>
    <td>${bar(share ?? 0)}${share === undefined ? '–' : percent(share)}</td>
  </tr>`
}

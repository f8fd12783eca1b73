// The figures of the report, counted from the JSONL files row by row; only what was asked for, and what it cost, is
// taken from run.json.
import { seedsOf } from '../display/lives.ts'
import { type Language, languageOf, lengthOf } from '../text/language.ts'
import { partsOfRougeL } from '../text/rouge.ts'
import { ruleFor } from '../text/rules.ts'
import { Fault } from '../workspace/fault.ts'
import { Folder, type Step, exists, handOffs, runsElsewhere, stepFiles, steps } from '../workspace/folder.ts'
import { idOf } from '../workspace/jsonl.ts'
import { type RejectedRow, type RunRecord, makersOf, readRunRecord, rowsIn } from '../workspace/records.ts'
import type { Settings } from '../workspace/settings.ts'
import { Verbs, leadingIn } from './verbs.ts'

export const stages = ['asked', 'parsed', 'novel', 'classified', 'with_instances', 'kept'] as const
export type Stage = (typeof stages)[number]
export const similarityBins = 20 // of 0.05 each

type Pair = { instruction: string; other: string; score: number }

export type Figures = {
  /** Instructions at each stage; undefined where nobody wrote down how many were asked for. */
  funnel: Record<Stage, number | undefined>
  /** Rejected rows between a stage and the one before it, by reason. */
  losses: Record<Stage, Map<string, number>>
  rejected: Record<Step, Map<string, number>>
  /** Rows of the data set, and how many of them have no input. */
  rows: number
  emptyInputs: number
  /** Of the instructions of the data set: classification tasks, and those that came from merged files. */
  classification: number | undefined // undefined where merged files do not say
  merged: number
  /** What the runs that were merged had asked for, and found new, where all of them tell. */
  mergedFunnel: { asked: number; novel: number } | undefined
  lengths: Record<'instruction' | 'input' | 'output', Lengths>
  /** The highest ROUGE-L of each instruction, in bins (0, 0.05], (0.05, 0.1], …; 0 is in the first. */
  similarity: { accepted: number[]; nearDuplicates: number[]; unknown: number }
  /** The pair to explain ROUGE-L by: the nearest that are not the same words, a rejected one if there is one. */
  example: Pair | undefined
  verbs: Verbs
  cost: { calls: number; tokens: number; dollars: number | undefined }
}

/** Reads every file of the run once. */
export async function countRun(run: Run): Promise<Figures> {
  const instructions = await countInstructions(run)
  const { losses, rejected, scores, unknown, pair } = await countRejects(run)
  const classified = await countClassified(run)
  const own = await idsWithInstances(run)
  const { kept, ...dataset } = await countDataset(run, classified.tasks, own)
  return {
    funnel: {
      asked: run.record.funnel.asked,
      parsed: instructions.novel + totalOf(losses.novel),
      novel: instructions.novel,
      classified: classified.rows,
      with_instances: own.size + (instructions.novel === 0 ? mergedCandidates(run) : 0),
      kept,
    },
    losses,
    rejected,
    ...dataset,
    mergedFunnel: mergedFunnel(run),
    ...(run.record.merged && { classification: run.record.funnel.kept_classification }),
    example: pair ?? instructions.pair,
    similarity: {
      accepted: instructions.scores,
      nearDuplicates: scores,
      unknown: instructions.unknown + unknown,
    },
    cost: costOf(run),
  }
}

function mergedCandidates({ record: { merged = [] } }: Run): number {
  return merged.reduce((sum, { instructions }) => sum + instructions, 0)
}

function mergedFunnel({ record: { merged = [] } }: Run): Figures['mergedFunnel'] {
  const all = merged.map(({ funnel }) => funnel)
  const sum = (name: 'asked' | 'novel'): number => all.reduce((sum, funnel) => sum + (funnel?.[name] ?? 0), 0)
  const known =
    all.length > 0 && all.every((funnel) => funnel?.asked !== undefined && funnel.novel !== undefined)
  return known ? { asked: sum('asked'), novel: sum('novel') } : undefined
}

async function countInstructions(run: Run) {
  const scores = noScores()
  let novel = 0
  let unknown = 0
  let pair: Pair | undefined
  for await (const { instruction, most_similar } of rowsIn(run.folder, 'instruction')) {
    novel++
    if (most_similar) addScore(scores, most_similar.score)
    else unknown++
    pair = nearer(pair, instruction, most_similar)
  }
  return { novel, scores, unknown, pair }
}

async function countRejects(run: Run) {
  const rejected = eachOf(steps, () => new Map<string, number>())
  const losses = eachOf(stages, () => new Map<string, number>())
  const scores = noScores()
  let unknown = 0
  let pair: Pair | undefined
  for await (const row of rowsIn(run.folder, 'rejected')) {
    bump(rejected[row.step], row.reason)
    bump(losses[stageLost(row)], row.reason)
    if (row.reason !== 'near_duplicate') continue
    pair = nearer(pair, row.instruction, row.most_similar, 'the furthest')
    if (row.step !== 'generate') continue
    if (row.most_similar) addScore(scores, row.most_similar.score)
    else unknown++
  }
  return { rejected, losses, scores, unknown, pair }
}

const explainable = 40 // words of both; a longer pair explains nothing

/** The better pair to explain a score by: the nearest of accepted ones, of rejected ones the one nearest to the threshold. */
function nearer(
  best: Pair | undefined,
  instruction: string,
  near: { instruction: string; score: number } | undefined,
  wanted: 'the nearest' | 'the furthest' = 'the nearest',
): Pair | undefined {
  if (!near || near.score === 1 || instruction.length + near.instruction.length > explainable * 8) return best
  const isBetter = !best || (wanted === 'the nearest' ? near.score > best.score : near.score < best.score)
  if (!isBetter) return best
  const { shared, lengths } = partsOfRougeL(instruction, near.instruction)
  if (shared === Math.min(...lengths)) return best // one holds the other: nothing to see
  return { instruction, other: near.instruction, score: near.score }
}

/** The stage a rejected row did not reach. In step 1 a candidate that was read and judged is not new; the rest was never read. */
function stageLost({ step, reason }: Pick<RejectedRow, 'step' | 'reason'>): Stage {
  if (step === 'generate') return isCandidate(reason) ? 'novel' : 'parsed'
  return handOffs[step].counted
}

const noRules = ['already_elsewhere', 'copied_demonstration', 'beyond_target']

/** Whether a reason of step 1 speaks of a whole candidate instruction. */
export function isCandidate(reason: string): boolean {
  return noRules.includes(reason) || ruleFor(reason)?.of === 'instruction'
}

async function countClassified(run: Run) {
  const tasks = new Set<string>()
  let rows = 0
  for await (const row of rowsIn(run.folder, 'classified')) {
    rows++
    if (row.is_classification) tasks.add(row.id)
  }
  return { rows, tasks }
}

async function idsWithInstances(run: Run): Promise<Set<string>> {
  const ids = new Set<string>()
  for await (const { id } of rowsIn(run.folder, 'withInstances')) ids.add(id)
  return ids
}

async function countDataset(run: Run, tasks: ReadonlySet<string>, own: ReadonlySet<string>) {
  const kept = new Set<string>()
  const lengths = { instruction: new Lengths(), input: new Lengths(), output: new Lengths() }
  const verbs = new Verbs()
  const counts = { rows: 0, emptyInputs: 0, classification: 0, merged: 0 }
  for await (const { instruction, input, output } of rowsIn(run.folder, 'example')) {
    counts.rows++
    lengths.output.add(lengthOf(output, run.language))
    if (input === '') counts.emptyInputs++
    else lengths.input.add(lengthOf(input, run.language))
    const id = idOf(instruction)
    if (kept.has(id)) continue
    kept.add(id)
    lengths.instruction.add(lengthOf(instruction, run.language))
    verbs.add(leadingIn(run.language, instruction))
    if (tasks.has(id)) counts.classification++
    if (own.size > 0 && !own.has(id)) counts.merged++
  }
  return { ...counts, kept: kept.size, lengths, verbs }
}

function costOf({ record }: Run): Figures['cost'] {
  const costs = Object.values(record.cost)
  const known = costs.every((cost) => cost.dollars !== null)
  const sum = (of: (cost: (typeof costs)[number]) => number): number =>
    costs.reduce((total, cost) => total + of(cost), 0)
  return {
    calls: sum((cost) => cost.calls),
    tokens: sum((cost) => cost.prompt_tokens + cost.completion_tokens),
    dollars: known ? sum((cost) => cost.dollars ?? 0) : undefined,
  }
}

export function totalOf(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0)
}

/** The most frequent first. */
export function mostFirst<K>(counts: ReadonlyMap<K, number>): [K, number][] {
  return [...counts].toSorted((a, b) => b[1] - a[1])
}

/** Adds to the count under a name. */
export function bump<K>(counts: Map<K, number>, name: K, by = 1): void {
  counts.set(name, (counts.get(name) ?? 0) + by)
}

function noScores(): number[] {
  return Array.from({ length: similarityBins }, () => 0)
}

// Upper edges belong to the bin: a score of exactly the threshold is not above it.
function addScore(bins: number[], score: number): void {
  const bin = Math.max(0, Math.ceil(score * similarityBins - 1e-9) - 1)
  bins[bin] = (bins[bin] ?? 0) + 1
}

function eachOf<K extends string, V>(names: readonly K[], make: () => V): Record<K, V> {
  return Object.fromEntries(names.map((name) => [name, make()])) as Record<K, V>
}

/** How long texts are, as counts per length: a million of them take no more room than the longest. */
export class Lengths {
  private total = 0
  private sum = 0
  private readonly counts = new Map<number, number>()

  add(length: number): void {
    this.total++
    this.sum += length
    bump(this.counts, length)
  }

  /** Undefined when nothing was measured. */
  get mean(): number | undefined {
    return this.total === 0 ? undefined : this.sum / this.total
  }

  /** The length that this share of the texts does not exceed. */
  quantile(share: number): number {
    let seen = 0
    for (const [length, count] of [...this.counts].toSorted((a, b) => a[0] - b[0])) {
      seen += count
      if (seen >= share * this.total) return length
    }
    return 0
  }

  /** Counts for 0 to `width`−1, `width` to 2·`width`−1, and so on; the last takes everything longer. */
  binned(width: number, bins: number): number[] {
    const binned = Array.from({ length: bins }, () => 0)
    for (const [length, count] of this.counts) {
      const bin = Math.min(bins - 1, Math.floor(length / width))
      binned[bin] = (binned[bin] ?? 0) + count
    }
    return binned
  }
}

// One finished run as the report reads it: its files, its run.json, the seed tasks it began with.

export type Run = {
  settings: Settings
  /** Of the prompts and rules; the page may speak another. */
  language: Language
  folder: Folder
  record: RunRecord
  seeds: string[]
}

/** Settings are those of run.json. A folder without any of the step files is a Fault. */
export async function openRun(settings: Settings): Promise<Run> {
  const folder = await Folder.open(settings.dataDir, settings.outputPath)
  const there = await Promise.all(steps.map((step) => exists(folder.output(step))))
  if (!there.includes(true)) throw nothingThere(settings.dataDir)
  const seeds = await seedsOf(settings)
  const [stored] = settings.carried.get('language') ?? []
  const language = stored === 'en' || stored === 'zh' ? stored : languageOf(seeds)
  return { settings, language, folder, record: await readRunRecord(folder), seeds }
}

/** Whether answers came from the offline model, which is set by hand: in this run, or in one that was merged into it. */
export function isOffline({ record, settings }: Run): boolean {
  const makers = makersOf(record)
  return makers.length > 0 ? makers.some(isStandIn) : settings.provider === 'offline'
}

export function isStandIn({ provider }: { provider: string }): boolean {
  return provider === 'offline'
}

function nothingThere(dir: string): Fault {
  const names = stepFiles.join(', ')
  const others = runsElsewhere(dir)
  return new Fault({
    en: `${dir} holds no run: none of ${names} is there.${others.en} Or make one there: npx tsx workshop.ts --data-dir "${dir}"`,
    zh: `${dir} 中没有运行结果：${names} 都不存在。${others.zh}要在那里运行一次，请用：npx tsx workshop.ts --language zh --data-dir "${dir}"`,
  })
}

// What others did: another run beside this one (its figures, how long calls took, how much of each pool the other holds), and
// what a class said of the rows.
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { counted, number } from '../display/words.ts'
import type { Language } from '../text/language.ts'
import { NoveltyIndex } from '../text/novelty.ts'
import { unreadable } from '../workspace/fault.ts'
import { type Step, exists, logFile, steps } from '../workspace/folder.ts'
import { runFoldersIn } from '../workspace/from-others.ts'
import { field, jsonIn, readLines, textOf } from '../workspace/jsonl.ts'
import { rowsIn } from '../workspace/records.ts'
import { type Figures, type Run, type Stage, countRun, stages } from './count.ts'
import { type Markup, type Subject, type Value, bar, html, percent, row, table } from './html.ts'
import { rowsWords } from './rows.ts'
import { type FigureName, figureRows, madeBy, reasonsLine } from './sections.ts'

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
  for await (const { instruction } of rowsIn(run.folder, 'instruction')) pool.push(instruction)
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
  const file = run.settings.replay ?? run.folder.path(logFile)
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
  const { settings, table: names, funnel, thisRun } = ours.words
  const { compare } = compareWords[ours.screen]
  const both = (title: string, of: (subject: Subject) => Value): Markup => row(title, [of(ours), of(theirs)])
  const named = namesOf(ours.run, run)
  const titles = ['', `${thisRun}: ${named[0]}`, `${compare.theirs}: ${named[1]}`]
  const runs = (rows: readonly Markup[]): Markup => table('runs', titles, rows)
  const counts = [ours, theirs].flatMap((subject) => Object.values(subject.figures.funnel))
  const most = Math.max(1, ...counts.map((count) => count ?? 0))
  const asking = steps.filter((step) => latencies.ours[step] ?? latencies.theirs[step])
  return html`${runs([
      row(compare.folder, named),
      both(settings.seed, (subject) => subject.run.settings.seed),
      both(settings.madeBy, (subject) => madeBy(subject) ?? '–'),
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

/** The folders by their names; two of one name also by what they lie in. */
function namesOf(ours: Run, theirs: Run): [string, string] {
  const dirs = [ours, theirs].map(({ settings }) => settings.dataDir)
  const [here = '', there = ''] = dirs.map((dir) => path.basename(dir))
  if (here !== there) return [here, there]
  const [above = '', beside = ''] = dirs.map((dir) => path.basename(path.dirname(dir)))
  return [`${above}/${here}`, `${beside}/${there}`]
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

// The reviews of a class: what each page saved as review.json, gathered from a folder of run folders.

const questions = ['instruction_valid', 'input_appropriate', 'output_correct'] as const
const asked = [...questions, 'all'] as const // of all: whether each of the three was a yes
type Asked = (typeof asked)[number]
type Verdicts = Record<(typeof questions)[number], boolean>
/** One row with what everybody said of it. */
type ReviewedRow = { instruction: string; input: string; output: string; verdicts: Verdicts[] }
export type Reviews = {
  reviewers: string[]
  rows: ReviewedRow[] // the most doubted first
  shared: number // rows that two or more looked at
  unread: string[] // files that hold no review
}

/** Reads every review in these folders and the folders in them; the same review twice in one folder counts once. */
export async function gatherReviews(dirs: readonly string[]): Promise<Reviews> {
  const rows = new Map<string, ReviewedRow>()
  const read = new Set<string>()
  const [reviewers, unread]: [string[], string[]] = [[], []]
  for (const dir of dirs)
    for (const file of await reviewFiles(dir)) {
      const [folder, text] = [path.dirname(file), await textOf(file)]
      const mark = `${folder}\n${text}` // two people may say the same, and give no name
      if (read.has(mark)) continue
      read.add(mark)
      const review = jsonIn(text)
      const judged = judgedIn(review)
      const place = folder === dir ? path.basename(file, '.json') : path.relative(dir, folder)
      if (judged.length === 0) unread.push(path.relative(dir, file))
      else reviewers.push(nameIn(review) || place)
      for (const row of judged) addVerdicts(rows, row)
    }
  const all = [...rows.values()].toSorted(
    (a, b) => noes(b, 'all') - noes(a, 'all') || b.verdicts.length - a.verdicts.length,
  )
  return { reviewers, rows: all, shared: all.filter(({ verdicts }) => verdicts.length > 1).length, unread }
}

const deepest = 3 // folders: a class, a seat, and what an archive put in between

async function reviewFiles(dir: string, depth = 1): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch((error: unknown) => {
    throw unreadable(dir, error)
  })
  const own = entries.filter((entry) => entry.isFile() && /^review.*\.json$/i.test(entry.name))
  const deeper = depth < deepest ? runFoldersIn(dir) : []
  const inside = await Promise.all(deeper.map((name) => reviewFiles(path.join(dir, name), depth + 1)))
  return [...own.map(({ name }) => path.join(dir, name)).toSorted(), ...inside.flat()]
}

type Judged = Omit<ReviewedRow, 'verdicts'> & Verdicts

function judgedIn(review: unknown): Judged[] {
  const rows = field(review, 'rows')
  return Array.isArray(rows) ? rows.filter(isJudged) : []
}

function isJudged(row: unknown): row is Judged {
  const texts = ['instruction', 'input', 'output'].every((name) => typeof field(row, name) === 'string')
  return texts && questions.every((name) => typeof field(row, name) === 'boolean')
}

function nameIn(review: unknown): string {
  const name = field(review, 'name')
  return typeof name === 'string' ? name.trim() : ''
}

function addVerdicts(
  rows: Map<string, ReviewedRow>,
  { instruction, input, output, ...verdicts }: Judged,
): void {
  const key = JSON.stringify([instruction, input, output])
  const row = rows.get(key) ?? { instruction, input, output, verdicts: [] }
  row.verdicts.push(verdicts)
  rows.set(key, row)
}

/** How many said no. */
function noes({ verdicts }: ReviewedRow, question: Asked): number {
  const isYes = (one: Verdicts) => (question === 'all' ? questions.every((name) => one[name]) : one[question])
  return verdicts.filter((one) => !isYes(one)).length
}

/** Of two people who looked at the same row, how often both said the same; undefined where no two did. */
export function agreementOn(rows: readonly ReviewedRow[], question: Asked): number | undefined {
  let [same, all] = [0, 0]
  for (const row of rows) {
    const [count, no] = [row.verdicts.length, noes(row, question)]
    all += (count * (count - 1)) / 2
    same += (no * (no - 1) + (count - no) * (count - no - 1)) / 2
  }
  return all === 0 ? undefined : same / all
}

/** What the class said, on the page: how far people agree, then every row, the most doubted first. */
export function reviewsSection({ screen }: Subject, { reviewers, rows, shared, unread }: Reviews): Markup {
  const { reviews: said } = compareWords[screen]
  const agreed = (of: readonly ReviewedRow[], question: Asked): string => {
    const share = agreementOn(of, question)
    return share === undefined ? '–' : percent(share)
  }
  const listed = rows.map((one) => {
    const text = [one.instruction, one.input, one.output].filter((part) => part !== '').join(' ⇒ ')
    const counts = asked.map((question) => number(noes(one, question)))
    const cells = [number(one.verdicts.length), ...counts, agreed([one], 'all')]
    return row(html`<span class="text">${text}</span>`, cells)
  })
  const agreement = asked.map((question) => agreed(rows, question))
  return html`<p>${said.about(reviewers.length, rows.length, shared)}</p>
    <p class="note">${reviewers.join(', ')}</p>
    ${unread.length > 0 ? html`<p class="remark">${said.unread(unread.join(', '))}</p>` : undefined}
    ${table('quality', ['', ...rowsWords[screen].script.questions], [row(said.agreement, agreement)])}
    <h3>${said.rows}</h3>
    ${table('reviews', ['', said.count, '1', '2', '3', said.any, said.agreement], listed)}
    <p class="note">${said.columns}</p>`
}

// What is said of both, in both languages.

const en = {
  compare: {
    title: 'Two runs side by side',
    theirs: 'the other',
    folder: 'folder',
    stages: 'instructions at each stage',
    seconds: 'seconds a call, median (slowest tenth)',
    overlap: 'Overlap of the two pools',
    overlapAbout: (threshold: number) =>
      `Of the instructions that step 1 accepted in one run, the share that has a near-duplicate (ROUGE-L above ${threshold}) in the other.`,
    there: 'this run’s instructions found in the other',
    back: 'the other’s instructions found in this run',
  },
  reviews: {
    title: 'What the class said',
    about: (reviewers: number, rows: number, shared: number) =>
      `${counted(reviewers, 'review')} of ${counted(rows, 'row')}; ${number(shared)} of the rows had two or more.`,
    agreement: 'agreement',
    rows: 'Row by row, the most doubted first',
    count: 'reviews',
    any: 'any',
    columns:
      'Columns 1 to 3: how many said no to that question; any: how many said no to at least one. Agreement: of two people who looked at the same row, how often both passed it or both did not.',
    unread: (files: string) => `no review could be read from: ${files}`,
  },
}

const zh: typeof en = {
  compare: {
    title: '两次运行对照',
    theirs: '另一次运行',
    folder: '文件夹',
    stages: '各阶段的指令数',
    seconds: '每次调用的秒数，中位数（最慢的十分之一）',
    overlap: '两个任务池的重叠',
    overlapAbout: (threshold) =>
      `一次运行中第 1 步接受的指令，有多大比例在另一次运行中有近似重复（ROUGE-L 大于 ${threshold}）。`,
    there: '本次运行的指令在另一次运行中',
    back: '另一次运行的指令在本次运行中',
  },
  reviews: {
    title: '全班的评审',
    about: (reviewers, rows, shared) =>
      `${number(reviewers)} 份评审，共 ${number(rows)} 行数据，其中 ${number(shared)} 行有两人以上看过。`,
    agreement: '一致率',
    rows: '逐行结果，疑问最多的排在前面',
    count: '评审数',
    any: '任一项',
    columns:
      '第 1 到 3 列：对该问题答“否”的人数；任一项：至少有一项答“否”的人数。一致率：两个人看同一行时，结论（通过或不通过）相同的比例。',
    unread: (files) => `这些文件里没有读到评审：${files}`,
  },
}

export const compareWords: Record<Language, typeof en> = { en, zh }

// What the screen shows of a command: its first lines, a step when it is through, and the end: exit status, cost, where the
// data set lies, what to look at next.
import { loopIn } from '../display/lives.ts'
import { isReason } from '../display/reasons.ts'
import {
  type Part,
  type Screen,
  commandLine,
  cutToWidth,
  plain,
  shownPath,
  whoAnswers,
} from '../display/screen.ts'
import { type ScreenWords, number } from '../display/words.ts'
import type { Provider } from '../model/call.ts'
import type { Model, Stop } from '../model/model.ts'
import type { Exported } from '../workspace/exports.ts'
import { type Folder, type Step, exists } from '../workspace/folder.ts'
import { options } from '../workspace/options.ts'
import { type RunRecord, type StepCost, writeRunRecord } from '../workspace/records.ts'
import { type Settings, settingsOf } from '../workspace/settings.ts'
import type { Materials } from './opening.ts'
import type { Round, StepFiles } from './step-files.ts'

const reasonsShown = 3 // of a step; the others are counted together

// Thresholds at which the offline runs lose something: texts of characters share less than texts of words.
const stricter = { en: 0.3, zh: 0.2 }

/** What is left of a command when its steps are through. `unfinished`: how far the last step came when it was stopped. */
type Remains = {
  screen: Screen
  materials: Materials
  model: Model
  folder: Folder
  record: RunRecord
  lastStep: Step | undefined
  unfinished: { done: number; all: number } | undefined
  ranDry: boolean
}

/** Says the last lines and sets the exit status: 0 done, 1 stopped early or below the target, 130 interrupted. */
export async function showEnding(remains: Remains): Promise<void> {
  const { screen, materials, model, lastStep } = remains
  const reached = hasReached(remains)
  if (model.budget.ended && !reached) model.stop({ words: model.budget.words, exit: 1 })
  const stopped = stopThatCounts(remains, reached)
  if (stopped) {
    process.exitCode = stopped.exit
    screen.error(stopped.exit === 130 ? screen.words.stopped : screen.say(stopped.words))
  } else if (materials.settings.steps.includes('filter')) process.exitCode = reached ? 0 : 1
  else process.exitCode = remains.ranDry ? 1 : 0
  showCost(remains)
  await showRepeats(remains)
  showUnfinished(remains, stopped)
  if (lastStep === 'filter') await writeExports(remains)
  if (stopped && !model.budget.reached) return
  if (lastStep === 'filter') await showDataset(remains, reached)
  else if (lastStep) await showNext(remains, lastStep)
}

function hasReached({ materials: { settings }, record: { funnel } }: Remains): boolean {
  const { kept = 0 } = funnel
  return settings.steps.includes('filter') && (kept >= settings.target || settings.target === Infinity)
}

// The money may end in step 3 and the rows bought still be enough.
function stopThatCounts({ model: { stopped }, lastStep }: Remains, reached: boolean): Stop | undefined {
  return reached && lastStep === 'filter' && stopped?.exit === 1 ? undefined : stopped
}

function showCost({ screen, materials: { settings }, model: { account, provider } }: Remains): void {
  const { price, used, paid, unanswered } = account
  if (settings.steps.length === 1 || used.calls === 0 || provider.free) return
  const cost = totals({ ...used, dollars: account.dollars(used) ?? null })
  screen.detail(screen.words.total({ ...cost, paid: price && paid, unanswered }))
}

/** What the network and the server put in the way: said once, and kept for the page. */
async function showRepeats({ screen, model, folder, record, lastStep }: Remains): Promise<void> {
  const { counts, waited } = model.repeats
  const repeated = Object.fromEntries([...counts].toSorted())
  const any = counts.size > 0
  if (any) screen.detail(screen.words.repeated(repeated, waited / 1000))
  if (!lastStep || (!any && (!record.repeated || model.account.used.fresh === 0))) return
  record.repeated = any ? repeated : undefined
  await writeRunRecord(folder, record)
}

function showUnfinished(remains: Remains, stopped: Stop | undefined): void {
  const { screen, materials, unfinished, lastStep } = remains
  const { settings } = materials
  if (!unfinished || !stopped) return
  const hint = lastStep === 'instances' ? screen.words.filterThese(commandLine(settings, 'filter')) : ''
  screen.detail(screen.words.partial(unfinished.done, unfinished.all, hint))
}

async function writeExports({ screen, materials, folder, record }: Remains): Promise<void> {
  const { settings, language } = materials
  if (!(await exists(folder.dataset))) return
  const { exportDataset, retireExports } = await import('../workspace/exports.ts')
  const { kept = 0, rows = 0 } = record.funnel
  const names = rows === 0 ? [] : settings.exports
  const exported = await exportDataset(folder, names, { settings, record }, language)
  showExports(screen, exported)
  for (const { path, edited } of await retireExports(folder, exported))
    screen.remark(screen.words.retired(shownPath(path), edited))
  if (settings.exports.length > 0 && rows === 0) screen.remark(screen.words.nothingToExport)
  if (settings.split === undefined) return
  if (settings.exports.length === 0) screen.remark(screen.words.ineffective('--split'))
  else if (kept === 1) screen.remark(screen.words.noSplit)
}

const loopShown = 100 // columns at least, on two lines where the terminal is narrower

async function showDataset(remains: Remains, reached: boolean): Promise<void> {
  const { screen, folder, record } = remains
  const { settings } = remains.materials
  const { kept = 0, rows = 0 } = record.funnel
  const { words } = screen
  const result = reached
    ? words.done(rows, kept, shownPath(folder.dataset))
    : words.belowTarget(kept, settings.target)
  screen.title(`${result} · ${await drawUnlessLarge(remains, rows)}`)
  const loop = settings.whole ? await loopIn(folder, settings.replay) : undefined
  const told = loop && plain(words.loop(loop))
  if (told) screen.detail(cutToWidth(told, Math.max(screen.width, loopShown) - 2))
  const [reason = words.someWords] = commonestReason(record, isReason) ?? []
  screen.detail(words.askWhy(commandLine(settings, `why ${reason}`)))
  if (kept > 0) screen.detail(nextTry(remains))
}

/** What to try next: a stricter threshold, or from there the paper's again. */
function nextTry({ screen: { words }, materials: { settings, language } }: Remains): string {
  const strict = stricter[language]
  const filter = (similarity: number | string) => commandLine(settings, `filter --similarity ${similarity}`)
  return settings.similarity > strict
    ? words.tryStricter(filter(strict))
    : words.tryPapers(filter(options.similarity.fallback))
}

/** Draws the page of this run, from run.json and the files, unless it would take long; returns what to say of it. */
async function drawUnlessLarge(
  { screen: { words, language }, materials: { settings } }: Remains,
  rows: number,
): Promise<string> {
  const { dataDir, outputPath, replay } = settings
  const [{ drawReport }, { shownAtMost }] = await Promise.all([
    import('../report/page.ts'),
    import('../report/rows.ts'),
  ])
  if (rows > shownAtMost) return words.reportLater(rows, commandLine(settings, 'report'))
  const stored = settingsOf(dataDir, process.env)
  return words.page(shownPath(await drawReport({ ...stored, outputPath, replay }, language)))
}

/** The reason most rows were rejected for, and how many; being too many is no fault of theirs. */
export function commonestReason(
  { rejected }: RunRecord,
  among: (reason: string) => boolean = () => true,
): [reason: string, count: number] | undefined {
  const counts = Object.values(rejected).flatMap((reasons) => Object.entries(reasons))
  const faults = counts.filter(([reason]) => reason !== 'beyond_target' && among(reason))
  return faults.toSorted((a, b) => b[1] - a[1])[0]
}

async function showNext({ screen, materials: { settings }, folder }: Remains, lastStep: Step): Promise<void> {
  const stale = await folder.stale(lastStep)
  if (stale.length > 0) screen.detail(screen.words.next(commandLine(settings, stale.join(' '))))
}

// What is shown at the start of a command and after each step: a few lines to look at, not to read.

type Expected = { calls: number; dollars: number | undefined }

/** Who answers and what to expect; for single steps, what was taken over from the last whole run. */
export function showFirstLines(
  screen: Screen,
  settings: Settings,
  provider: Provider,
  seeds: number,
  expected: Expected,
): void {
  const { words } = screen
  const asking = !provider.standIn && provider.replayOf === undefined && !settings.dryRun
  const ahead = provider.byHand
    ? words.prompts(expected.calls)
    : words.expected(expected.calls, expected.dollars)
  screen.title(
    `Self-Instruct · ${whoAnswers(screen, settings, provider)}${asking && expected.calls > 0 ? ` · ${ahead}` : ''}`,
  )
  if (provider.note) screen.remark(screen.say(provider.note))
  const plan = settings.whole ? [words.plan(settings.target, seeds)] : []
  const ignored =
    provider.standIn && settings.steps.some((step) => step !== 'filter') ? [words.wordingIgnored] : []
  if (plan.length + ignored.length > 0) screen.detail([...plan, ...ignored].join(' · '))
  const carried = [...settings.carried].filter(
    ([name]) => !settings.given.has(name) && !provider.idle.includes(name),
  )
  const shown = carried.map(([name, values]) => `${name} ${values.join(',')}`).join(', ')
  if (carried.length > 0) screen.detail(settings.whole ? words.givenAgain(shown) : words.carried(shown))
  if (settings.dryRun) screen.detail(words.dryRun)
  const unpaid = provider.free || provider.replayOf !== undefined
  const idle = [...provider.idle, ...(unpaid ? (['budget'] as const) : [])].filter((name) =>
    settings.given.has(name),
  )
  if (idle.length > 0) screen.remark(words.ineffective(idle.map((name) => `--${name}`).join(', ')))
}

type Shown = {
  edited: string | undefined
  cost: (StepCost & { fresh: number }) | undefined
  funnel: Record<string, number>
}

/** Counts, cost, reasons and sample rows; a later round takes one line. */
export function showStep(
  screen: Screen,
  round: Round,
  files: StepFiles,
  { edited, cost, funnel }: Shown,
): void {
  const { words } = screen
  const later = round.number > 1
  if (!later) screen.flow(outcomeParts(screen, files, cost, funnel))
  else if (files.step === 'filter')
    screen.detail(`${words.round(round.number)}${words.colon}${funnelLine(words, funnel)}`)
  if (files.judgement) screen.detail(words.judged(files.judgement, round.model.provider.standIn))
  for (const remark of files.remarks) screen.remark(remark(words))
  if (edited) screen.remark(words.edited(edited))
  if (!later) for (const sample of files.samples) screen.sample(sample)
}

/** What the step came to, what it cost, and the reasons with its count, the most frequent first. */
function outcomeParts(
  { words }: Screen,
  files: StepFiles,
  cost: Shown['cost'],
  funnel: Shown['funnel'],
): Part[] {
  const reasons = [...files.rejected].toSorted((a, b) => b[1] - a[1])
  const all = reasons.reduce((sum, [, count]) => sum + count, 0)
  const others = reasons.length > reasonsShown + 1 ? reasons.splice(reasonsShown) : [] // one more takes no more room
  const between = ' · '
  return [
    ['', outcomeOf(words, files.step, funnel)],
    ...(cost ? [[between, words.cost(totals(cost))] as const] : []),
    ...files.notes.map((note) => [between, note(words)] as const),
    ...reasons.map(
      ([reason, count], place) =>
        [
          place === 0 ? between : words.comma,
          words.rejected(reason, count, place === 0 ? all : undefined),
        ] as const,
    ),
    ...(others.length > 0 ? [[words.comma, words.otherReasons(others)] as const] : []),
  ]
}

/** The files `--export` made, each on a line. */
function showExports(screen: Screen, exported: readonly Exported[]): void {
  for (const { shown, rows, fewest, edited, config } of exported) {
    for (const place of shown) screen.detail(`→ ${shownPath(place)}`)
    for (const kept of edited) screen.remark(screen.words.edited(kept))
    if (rows < fewest) screen.remark(screen.words.fewForOpenai(rows, fewest))
    if (config.length > 0) screen.detail(screen.words.trainingConfig)
    for (const line of config) screen.detail(line, '      ')
  }
}

function totals(cost: Omit<StepCost, 'provider' | 'model'> & { fresh: number }) {
  const { calls, prompt_tokens, completion_tokens, cached_tokens: cached, dollars, fresh } = cost
  return { calls, tokens: prompt_tokens + completion_tokens, cached, dollars: dollars ?? undefined, fresh }
}

function outcomeOf(words: ScreenWords, step: Step, funnel: Record<string, number>): string {
  const of = (name: string): number => funnel[name] ?? 0
  if (step === 'generate') return words.generate(of('novel'), of('parsed'))
  if (step === 'classify') return words.classify(of('classification'), of('classified'))
  if (step === 'instances') return words.instances(of('instances'), of('with_instances'))
  return funnelLine(words, funnel) + words.keptUnit(of('kept'))
}

function funnelLine(words: ScreenWords, funnel: Record<string, number>): string {
  const stages = Object.entries(words.funnel)
    .filter(([name]) => funnel[name] !== undefined)
    .map(([name, title]) => `${title} ${number(funnel[name] ?? 0)}`)
  return stages.join(' → ')
}

// How fast a step goes and how long it will take, from what it did in the last half minute: replies out of the log
// come at once and say nothing about the next ones.

const looksBack = 30_000 // ms
const markEvery = 1_000 // ms
const tellsAfter = 2_000 // ms; before that a rate is noise
const fewestMarks = 3 // kept however old: on a laptop a reply takes up to a minute

export class Rate {
  private marks: { at: number; done: number }[] = []

  /** So many a second, once that can be told: from the third mark on. `now` in ms. */
  perSecond(done: number, now: number): number | undefined {
    const newest = this.marks.at(-1)
    if (!newest || now - newest.at >= markEvery) this.marks.push({ at: now, done })
    while (this.marks.length > fewestMarks && (this.marks[0]?.at ?? now) < now - looksBack) this.marks.shift()
    const [oldest] = this.marks
    if (!oldest || now - oldest.at < tellsAfter || done <= oldest.done) return undefined
    return ((done - oldest.done) / (now - oldest.at)) * 1000
  }
}

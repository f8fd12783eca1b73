// The end of a command: its exit status, what it cost, where the data set lies, what to look at next.
import type { Model, Stop } from '../model/model.ts'
import { dollars, isFree } from '../model/prices.ts'
import { exists, type Folder, type Step } from '../workspace/folder.ts'
import { options } from '../workspace/options.ts'
import type { RunRecord } from '../workspace/run-record.ts'
import { readSettings } from '../workspace/settings.ts'
import { commandLine } from './command-line.ts'
import type { Materials } from './materials.ts'
import { isReason } from './reasons.ts'
import { type Screen, shownPath } from './screen.ts'
import { showExports } from './summary.ts'

// Thresholds at which the offline runs lose something: texts of characters share less than texts of words.
const stricter = { en: 0.3, zh: 0.2 }

/** What is left of a command when its cells are through. `unfinished`: how far the last step came when it was stopped. */
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

function showCost({ screen, materials: { settings }, model: { budget, provider } }: Remains): void {
  if (settings.steps.length === 1 || budget.used.calls === 0 || isFree(provider)) return
  const { price, used, paid, unanswered } = budget
  const { calls, fresh, cached_tokens: cached } = used
  const tokens = used.prompt_tokens + used.completion_tokens
  const cost = {
    calls,
    tokens,
    cached,
    dollars: dollars(used, price),
    fresh,
    paid: price && paid,
    unanswered,
  }
  screen.detail(screen.words.total(cost))
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
  if (settings.exports.length === 0 || !(await exists(folder.dataset))) return
  const { exportDataset } = await import('../workspace/exports.ts')
  showExports(screen, await exportDataset(folder, settings.exports, { settings, record }, language))
}

async function showDataset(remains: Remains, reached: boolean): Promise<void> {
  const { screen, folder, record } = remains
  const { settings } = remains.materials
  const { kept = 0, rows = 0 } = record.funnel
  const { words } = screen
  const result = reached
    ? words.done(rows, kept, shownPath(folder.dataset))
    : words.belowTarget(kept, settings.target)
  screen.title(`${result} · ${await drawUnlessLarge(remains, rows)}`)
  screen.detail(words.askWhy(commandLine(settings, `why ${commonestReason(record) ?? words.someWords}`)))
  screen.detail(nextTry(remains))
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
  const { dataDir, outputPath } = settings
  const { drawReport, shownAtMost } = await import('./report/draw.ts')
  if (rows > shownAtMost) return words.reportLater(rows, commandLine(settings, 'report'))
  const stored = readSettings(['report', '--data-dir', dataDir], process.env)
  return words.page(shownPath(await drawReport({ ...stored, outputPath }, language)))
}

/** The reason most rows were rejected for; being too many is no fault of theirs. */
function commonestReason({ rejected }: RunRecord): string | undefined {
  const counts = Object.values(rejected).flatMap((reasons) => Object.entries(reasons))
  const [commonest] = counts
    .filter(([reason]) => reason !== 'beyond_target' && isReason(reason))
    .toSorted((a, b) => b[1] - a[1])
  return commonest?.[0]
}

async function showNext({ screen, materials: { settings }, folder }: Remains, lastStep: Step): Promise<void> {
  const stale = await folder.stale(lastStep)
  if (stale.length > 0) screen.detail(screen.words.next(commandLine(settings, stale.join(' '))))
}

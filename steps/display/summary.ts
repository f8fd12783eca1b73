// What is shown at the start of a command and after each cell: a few lines to look at, not to read.
import { isFree } from '../model/prices.ts'
import type { Provider } from '../model/provider.ts'
import type { Step } from '../workspace/folder.ts'
import type { Exported } from '../workspace/exports.ts'
import type { StepCost } from '../workspace/records.ts'
import type { OptionName } from '../workspace/options.ts'
import type { Settings } from '../workspace/settings.ts'
import type { Round } from './round.ts'
import { type Part, type Screen, shownPath } from './screen.ts'
import type { Sheet } from './sheet.ts'
import { number, type Vocabulary } from './words.ts'

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
  const asking = provider.name !== 'offline' && provider.replayOf === undefined && !settings.dryRun
  screen.title(
    `Self-Instruct · ${whoAnswers(screen, settings, provider)}${asking && expected.calls > 0 ? ` · ${words.expected(expected.calls, expected.dollars)}` : ''}`,
  )
  if (settings.whole) screen.detail(words.plan(settings.target, seeds))
  const carried = Object.entries(settings.carried).filter(
    ([name]) => !settings.given.has(name as keyof Settings['carried']),
  )
  if (!settings.whole && carried.length > 0)
    screen.detail(words.carried(carried.map(([name, value]) => `${name} ${String(value)}`).join(', ')))
  if (settings.dryRun) screen.detail(words.dryRun)
  const idle = idleOptions(provider).filter((name) => settings.given.has(name))
  if (idle.length > 0) screen.remark(words.ineffective(idle.map((name) => `--${name}`).join(', ')))
}

/** Options that change nothing with this provider. */
function idleOptions(provider: Provider): OptionName[] {
  const unpaid = isFree(provider) || provider.replayOf !== undefined ? (['budget'] as const) : []
  if (provider.name === 'offline') return ['temperature', 'model', 'base-url', 'price', ...unpaid]
  if (provider.name === 'paste') return ['base-url', 'concurrency', 'price', ...unpaid]
  return provider.name === 'ollama' ? ['price', ...unpaid] : [...unpaid]
}

/** The provider and model, and where the key comes from; or what stands in for them. */
export function whoAnswers({ words, language }: Screen, settings: Settings, provider: Provider): string {
  if (provider.name === 'offline') return words.offline
  if (provider.name === 'paste' && provider.replayOf === undefined) return words.pasting(provider.model)
  if (provider.replayOf === undefined) return words.asking(provider.name, provider.model, provider.keyFrom)
  const day = new Date(provider.replayOf)
  const style = { day: 'numeric', month: language === 'zh' ? 'long' : 'short', timeZone: 'UTC' } as const
  const shown = Number.isNaN(day.getTime())
    ? '?'
    : day.toLocaleDateString(language === 'zh' ? 'zh-CN' : 'en-GB', style)
  return settings.replay ? words.replayingFile(provider.model, shown) : words.replaying(provider.model, shown)
}

type Cell = {
  edited: string | undefined
  cost: (StepCost & { fresh: number }) | undefined
  funnel: Record<string, number>
}

/** Counts, cost, reasons and sample rows; a later round takes one line. */
export function showCell(screen: Screen, round: Round, sheet: Sheet, cell: Cell): void {
  const { words } = screen
  const later = round.number > 1
  if (!later) screen.flow(outcomeParts(screen, sheet, cell))
  else if (sheet.step === 'filter')
    screen.detail(`${words.round(round.number)}${words.colon}${funnelLine(words, cell.funnel)}`)
  if (sheet.judgement) screen.detail(words.judged(sheet.judgement, round.model.provider.name === 'offline'))
  for (const remark of sheet.remarks) screen.remark(remark(words))
  if (cell.edited) screen.remark(words.edited(cell.edited))
  if (!later) for (const sample of sheet.samples) screen.sample(sample)
}

/** What the step came to, what it cost, and every reason with its count, the most frequent first. */
function outcomeParts({ words }: Screen, sheet: Sheet, { cost, funnel }: Cell): Part[] {
  const reasons = [...sheet.rejects.counts].toSorted((a, b) => b[1] - a[1])
  const between = ' · '
  return [
    ['', outcomeOf(words, sheet.step, funnel)],
    ...(cost ? [[between, words.cost(totals(cost))] as const] : []),
    ...sheet.notes.map((note) => [between, note(words)] as const),
    ...reasons.map(
      ([reason, count], place) =>
        [place === 0 ? between : words.comma, words.rejected(reason, count, place === 0)] as const,
    ),
  ]
}

/** The files `--export` made, each on a line. */
export function showExports(screen: Screen, exported: readonly Exported[]): void {
  for (const { path, rows, fewest, edited } of exported) {
    screen.detail(`→ ${shownPath(path)}`)
    if (edited !== undefined) screen.remark(screen.words.edited(edited))
    if (rows < fewest) screen.remark(screen.words.fewForOpenai(rows, fewest))
  }
}

function totals(cost: StepCost & { fresh: number }) {
  const { calls, prompt_tokens, completion_tokens, cached_tokens: cached, dollars, fresh } = cost
  return { calls, tokens: prompt_tokens + completion_tokens, cached, dollars: dollars ?? undefined, fresh }
}

function outcomeOf(words: Vocabulary, step: Step, funnel: Record<string, number>): string {
  const of = (name: string): number => funnel[name] ?? 0
  if (step === 'generate') return words.generate(of('novel'), of('parsed'))
  if (step === 'classify') return words.classify(of('classification'), of('classified'))
  if (step === 'instances') return words.instances(of('instances'), of('with_instances'))
  return funnelLine(words, funnel)
}

function funnelLine(words: Vocabulary, funnel: Record<string, number>): string {
  return Object.entries(words.funnel)
    .filter(([name]) => funnel[name] !== undefined)
    .map(([name, title]) => `${title} ${number(funnel[name] ?? 0)}`)
    .join(' → ')
}

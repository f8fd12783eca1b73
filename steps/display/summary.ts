// What is shown at the start of a command and after each cell: a few lines to look at, not to read.
import { isFree } from '../model/prices.ts'
import type { Provider } from '../model/provider.ts'
import type { Step } from '../workspace/folder.ts'
import type { Exported } from '../workspace/exports.ts'
import type { StepCost } from '../workspace/run-record.ts'
import type { OptionName } from '../workspace/options.ts'
import type { Settings } from '../workspace/settings.ts'
import type { Round } from './round.ts'
import { widthOf } from './plain.ts'
import { type Screen, shownPath } from './screen.ts'
import type { Sheet } from './sheet.ts'

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
  file: string
  cost: (StepCost & { fresh: number }) | undefined
  funnel: Record<string, number>
}

/** Counts, reasons, sample rows and the file; a later round takes one line. */
export function showCell(screen: Screen, round: Round, sheet: Sheet, cell: Cell): void {
  const { words } = screen
  const later = round.number > 1
  if (!later) for (const line of outcomeLines(screen, sheet, cell.funnel)) screen.detail(line)
  else if (sheet.step === 'filter')
    screen.detail(`${words.round(round.number)}${words.colon}${funnelLine(screen, cell.funnel)}`)
  if (sheet.judgement) screen.detail(words.judged(sheet.judgement, round.model.provider.name === 'offline'))
  if (!later) for (const note of sheet.notes) screen.detail(note(words))
  for (const remark of sheet.remarks) screen.remark(remark(words))
  if (cell.edited) screen.remark(words.edited(cell.edited))
  if (later) return
  for (const sample of sheet.samples) screen.sample(sample)
  screen.detail(`→ ${cell.file}${cell.cost ? ` · ${words.cost(totals(cell.cost))}` : ''}`)
  if (sheet.step === 'filter') screen.detail(funnelLine(screen, cell.funnel))
}

/** What the step came to and every reason with its count, the most frequent first, on as many lines as that takes. */
function outcomeLines(screen: Screen, sheet: Sheet, funnel: Record<string, number>): string[] {
  const { words, width } = screen
  const reasons = [...sheet.rejects.counts].toSorted((a, b) => b[1] - a[1])
  const parts = reasons.map(([reason, count], place) => words.rejected(reason, count, place))
  const lines = [outcomeOf(screen, sheet.step, funnel)]
  for (const part of parts) {
    const longer = `${lines.at(-1) ?? ''}${part}`
    if (widthOf(longer) + 2 <= width) lines[lines.length - 1] = longer
    else lines.push(`  ${part.replace(/^[ ,，·]+/, '')}`)
  }
  return lines
}

/** The files `--export` made, each on a line. */
export function showExports(screen: Screen, exported: readonly Exported[]): void {
  for (const { path, rows, fewest } of exported) {
    screen.detail(`→ ${shownPath(path)}`)
    if (rows < fewest) screen.remark(screen.words.fewForOpenai(rows, fewest))
  }
}

function totals(cost: StepCost & { fresh: number }) {
  const { calls, prompt_tokens, completion_tokens, cached_tokens: cached, dollars, fresh } = cost
  return { calls, tokens: prompt_tokens + completion_tokens, cached, dollars: dollars ?? undefined, fresh }
}

function outcomeOf({ words }: Screen, step: Step, funnel: Record<string, number>): string {
  const of = (name: string): number => funnel[name] ?? 0
  if (step === 'generate') return words.generate(of('novel'), of('parsed'))
  if (step === 'classify') return words.classify(of('classification'), of('classified'))
  if (step === 'instances') return words.instances(of('instances'), of('with_instances'))
  return words.filter(of('rows'), of('kept'))
}

function funnelLine({ words }: Screen, funnel: Record<string, number>): string {
  return Object.entries(words.funnel)
    .filter(([name]) => funnel[name] !== undefined)
    .map(([name, title]) => `${title} ${(funnel[name] ?? 0).toLocaleString('en-US')}`)
    .join(' → ')
}

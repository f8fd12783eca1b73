// What every section of the page draws from, and how it writes numbers.
import type { Words } from '../../workspace/fault.ts'
import type { Figures } from './count.ts'
import type { Run } from './run.ts'
import type { ReportWords } from './words.ts'

export type Subject = { run: Run; figures: Figures; words: ReportWords; screen: keyof Words }

export const shown = (value: number): string => value.toLocaleString('en-US')
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`
export const shareOf = (part: number, whole: number): string => (whole === 0 ? '–' : percent(part / whole))

/** Whether the answers came from the offline model, which is set by hand. */
export function isOffline({ record, settings }: Run): boolean {
  const providers = Object.values(record.cost).map((cost) => cost.provider)
  return providers.length > 0 ? providers.includes('offline') : settings.provider === 'offline'
}

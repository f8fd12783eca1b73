// What every section of the page draws from, and how it writes numbers.
import type { Language } from '../../text/language.ts'
import { whyReason } from '../reasons.ts'
import type { Figures } from './count.ts'
import type { Run } from './run.ts'
import type { ReportWords } from './words.ts'

export type Subject = { run: Run; figures: Figures; words: ReportWords; screen: Language }

/** Why rows are rejected for this reason, '' where nobody said. */
export function whyRemoved(reason: string, screen: Language): string {
  return whyReason(reason, screen) ?? ''
}

export const percent = (share: number): string => `${(100 * share).toFixed(1)}\u00a0%`
export const shareOf = (part: number, whole: number): string => (whole === 0 ? '–' : percent(part / whole))

/** Whether the answers came from the offline model, which is set by hand. */
export function isOffline({ record, settings }: Run): boolean {
  const providers = Object.values(record.cost).map((cost) => cost.provider)
  return providers.length > 0 ? providers.includes('offline') : settings.provider === 'offline'
}

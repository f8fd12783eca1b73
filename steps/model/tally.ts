// What the answers of a step cost, in calls and tokens: those of this run and those already in the log alike.
import { type Call, noUsage, type Usage } from './call-log.ts'

/** `calls` and tokens of every log row used, whenever paid; `fresh` of them were paid in this run. */
export type Tally = {
  calls: number
  prompt_tokens: number
  cached_tokens: number
  completion_tokens: number
  fresh: number
  /** Those of the tokens that a batch answered, at half price. */
  batch?: Usage
}

export const noTally: Readonly<Tally> = {
  calls: 0,
  prompt_tokens: 0,
  cached_tokens: 0,
  completion_tokens: 0,
  fresh: 0,
}

/** Adds a call to a tally; `fresh`: paid for now, not found in the log. */
export function count(tally: Tally, { usage, batch }: Pick<Call, 'usage' | 'batch'>, fresh: boolean): void {
  tally.calls++
  addTo(tally, usage)
  if (batch !== undefined) tally.batch = addTo({ ...(tally.batch ?? noUsage) }, usage)
  if (fresh) tally.fresh++
}

/** Adds to the first, and returns it. */
export function addTo<T extends Usage>(sum: T, usage: Usage): T {
  sum.prompt_tokens += usage.prompt_tokens
  sum.cached_tokens += usage.cached_tokens
  sum.completion_tokens += usage.completion_tokens
  return sum
}

// What the answers of a step cost, in calls and tokens: those of this run and those already in the log alike.
import type { Call } from './call-log.ts'

/** `calls` and tokens of every log row used, whenever paid; `fresh` of them were paid in this run. */
export type Tally = {
  calls: number
  prompt_tokens: number
  cached_tokens: number
  completion_tokens: number
  fresh: number
}

export const noTally: Readonly<Tally> = {
  calls: 0,
  prompt_tokens: 0,
  cached_tokens: 0,
  completion_tokens: 0,
  fresh: 0,
}

export function count(tally: Tally, { usage }: Pick<Call, 'usage'>, fresh: boolean): void {
  tally.calls++
  tally.prompt_tokens += usage.prompt_tokens
  tally.cached_tokens += usage.cached_tokens
  tally.completion_tokens += usage.completion_tokens
  if (fresh) tally.fresh++
}

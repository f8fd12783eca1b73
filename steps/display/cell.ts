// A step as a cell of the notebook: skipped when the command does not name it, shown when it is done.
import type { Instance } from '../text/rules.ts'
import type { Step } from '../workspace/folder.ts'
import type { Round, Work } from './round.ts'

/** The cell of a step: what it does, run in every round. */
export function cell(step: Step, work: Work): (round: Round) => Promise<void> {
  return (round) => round.perform(step, work)
}

/** A task with its answer on one line, as the sample rows show it. */
export function withAnswer(instruction: string, { input, output }: Instance): string {
  return `${instruction} ⇒ ${input === '' ? '' : `[${input}] `}${output}`
}

// A step as a cell of the notebook: skipped when the command does not name it, shown when it is done.
import type { Step } from '../workspace/folder.ts'
import type { Round } from './round.ts'
import type { Sheet } from './sheet.ts'

export function cell(
  step: Step,
  work: (round: Round, sheet: Sheet) => Promise<void>,
): (round: Round) => Promise<void> {
  return (round) => round.perform(step, work)
}

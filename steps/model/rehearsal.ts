// A model that is never asked: it answers from the log, and keeps the first prompt of each step to look at.
import type { Step } from '../workspace/folder.ts'
import type { Call } from './call-log.ts'
import type { Failure } from './failure.ts'
import { Model, notAsked } from './model.ts'
import type { Message, Question } from './wire.ts'

export class Rehearsal extends Model {
  readonly prompts = new Map<Step, readonly Message[]>()

  override async ask(step: Step, question: Question): Promise<Call | Failure> {
    if (!this.prompts.has(step)) this.prompts.set(step, question.messages)
    return this.log.has(this.keyFor(step, question)) ? super.ask(step, question) : notAsked
  }
}

// One model behind one question: looked up in the call log first, asked only when it is not there, logged before it is used.
import { setMaxListeners } from 'node:events'
import { Fault, type Words } from '../workspace/fault.ts'
import type { Step } from '../workspace/folder.ts'
import { keyOf } from '../workspace/jsonl.ts'
import type { Account } from './account.ts'
import type { Budget } from './budget.ts'
import type { CallLog } from './call-log.ts'
import {
  type Call,
  type CallHead,
  type Failure,
  type Problem,
  type Provider,
  type Question,
  type Reply,
  type Wire,
  callOf,
  isFailure,
  isProblem,
  noUsage,
  objectionTo,
} from './call.ts'
import { Pace, type Tell, type Trouble, denials } from './pace.ts'
import { type Heard, Readings, whyNotRead } from './reply.ts'

/** Why no further question is sent, and the exit status that follows. */
export type Stop = { words: Words; exit: 1 | 130 }

/**
 * A step done with nothing sent: it works on what the log answers. `hear` is told every question, and whether the log
 * answers it; what it returns stands for the answer that is not there. `counts`: whether calls of the log count as used.
 */
export type Rehearsal = {
  hear: (head: CallHead, question: Question, logged: boolean) => Promise<Call | undefined>
  counts: boolean
}

/** `rows`: keys of the rows asked about together. `skip`: a call that finally failed is logged, and stays skipped. */
type Extras = { rows?: string[]; skip?: true }

const failuresInARow = 10 // then the rows are not to blame, and the run ends
const fatalInARow = 3 // of statuses that end a run at once before anything succeeded; one alone may be about its text
const graceAfterInterrupt = 10_000 // ms for the requests in flight

export class Model {
  readonly provider: Provider
  readonly log: CallLog
  readonly account: Account
  readonly budget: Budget
  stopped: Stop | undefined
  /** Set while a step is rehearsed: then no question is sent. */
  rehearsal: Rehearsal | undefined
  private readonly wire: () => Promise<Wire>
  private readonly pace: Pace
  private readonly inFlight = new Map<string, Promise<Call | Failure>>()
  private readonly halt = new AbortController() // no new attempts, no further waits
  private readonly abort = new AbortController() // what is in flight ends too
  /** Told what there is to know while the run waits. */
  readonly tell: Tell
  readonly readings = new Readings()
  private readonly fresh = new WeakSet<Call>() // asked in this run
  private step: Step | undefined // under way; others may ask ahead of it
  private readonly failedAhead = new Map<string, Failure>()
  private readonly inVain = new Map<Step, Words>() // steps of which no reply could be read ahead of them
  private succeeded = false
  private failures = 0 // in a row
  private fatal = 0 // in a row
  private alone: (() => Promise<unknown>) | undefined // writes down the skip of the one that failed last

  constructor(
    provider: Provider,
    log: CallLog,
    budget: Budget,
    concurrency: number,
    wire: () => Promise<Wire>,
    tell: Tell = () => undefined,
  ) {
    this.provider = provider
    this.log = log
    this.account = budget.account
    this.budget = budget
    this.tell = tell
    this.pace = new Pace(concurrency, provider, tell)
    setMaxListeners(0, this.halt.signal, this.abort.signal) // one for each request in flight
    let opened: Promise<Wire> | undefined
    this.wire = () => (opened ??= wire())
  }

  /** A step begins, in some round. */
  beginStep(step: Step): void {
    this.step = step
    this.account.beginStep(step)
    const words = this.inVain.get(step)
    if (words) this.stop({ words, exit: 1 })
  }

  /** A reply was read, or could not be; where none can be, the run ends. */
  heard(call: Call, asked: Pick<Question, 'messages' | 'maxTokens'>, heard: Heard): void {
    if (!this.fresh.has(call)) return
    const words = this.readings.note(call, asked, heard)
    if (this.provider.byHand && heard !== 'read') this.tell(whyNotRead(call, asked, heard))
    if (!words) return
    if (this.isAhead(call.step)) this.inVain.set(call.step, words)
    else this.stop({ words, exit: 1 })
  }

  /** Whether a question of this step is asked while an earlier one is under way. */
  private isAhead(step: Step): boolean {
    return this.step !== undefined && step !== this.step
  }

  /** The name of a question in the log: what the step asked, not how it is spelt on the wire. */
  keyFor(step: Step, { messages, temperature, maxTokens, sample }: Question): string {
    const { name, model } = this.provider
    return keyOf([step, name, model, messages, temperature, maxTokens, sample])
  }

  async ask(step: Step, question: Question, extras: Extras = {}): Promise<Call | Failure> {
    const key = this.keyFor(step, question)
    // A reply that is just being written down belongs to whoever asked for it, and is no old one.
    const logged = this.inFlight.has(key) ? undefined : await this.log.get(key)
    if (this.rehearsal) {
      const assumed = await this.rehearsal.hear(this.headOf(key, step, question, extras), question, !!logged)
      return logged ? this.reuse(logged) : (assumed ?? notAsked)
    }
    if (logged) return this.reuse(logged)
    if (this.provider.replayOf !== undefined) return notRecorded
    const failed = this.failedAhead.get(key)
    if (failed && !this.isAhead(step)) return failed
    if (this.isAhead(step) && this.inVain.has(step)) return notAsked
    let asking = this.inFlight.get(key)
    if (!asking) {
      asking = this.pace
        .limit(() => this.send(key, step, question, extras).catch((error) => this.giveUp(error)))
        .finally(() => this.inFlight.delete(key))
      this.inFlight.set(key, asking)
    }
    const answer = await asking
    if (isFailure(answer) && answer.failed === 'call_failed' && this.isAhead(step))
      this.failedAhead.set(key, answer)
    return answer
  }

  private headOf(key: string, step: Step, { sample }: Question, { rows }: Extras): CallHead {
    const { name: provider, model } = this.provider
    return { v: 1, key, sample, rows, step, at: new Date().toISOString(), provider, model }
  }

  /** Makes use of a call out of the log. */
  reuse(call: Call): Call | Failure {
    return this.rehearsal?.counts === false ? (objectionTo(call) ?? call) : this.use(call)
  }

  /** `question`: what was asked, of a call that is fresh. */
  private use(call: Call, question?: Question): Call | Failure {
    if (question) this.fresh.add(call)
    this.account.use(call, question ? true : undefined)
    const objection = objectionTo(call)
    if (objection && question) this.heard(call, question, 'verdict')
    return objection ?? call
  }

  private async send(key: string, step: Step, question: Question, extras: Extras): Promise<Call | Failure> {
    if (this.stopped) return notAsked
    const head = this.headOf(key, step, question, extras)
    const started = performance.now()
    const log = async (reply: Reply & { skipped?: string }): Promise<Call> => {
      const call = callOf(head, { ...reply, ms: Math.round(performance.now() - started) })
      await this.log.append(call)
      return call
    }
    try {
      await this.log.ready()
      const wire = await this.wire()
      const attempt = () => wire(question, this.abort.signal)
      const paid = () => this.budget.pay(step, question, attempt, this.halt.signal)
      const reply = await this.pace.patiently(paid, this.halt.signal)
      await this.succeed()
      return this.use(await log(reply), question)
    } catch (error) {
      if (!isProblem(error)) throw error
      if (error.kind === 'filter' && (this.succeeded || !error.unsure)) {
        this.failures = this.fatal = 0
        return this.use(await log(withoutReply(question, 'content_filter')), question)
      }
      const failure = this.fail(error, extras.rows?.length)
      if (failure.failed === 'call_failed' && extras.skip)
        this.keepInMind(() => log({ ...withoutReply(question, ''), skipped: 'call_failed' }))
      return failure
    }
  }

  /** A request that failed alone between successes is skipped for good; else the server was at fault, not the request. */
  private async succeed(): Promise<void> {
    const { alone } = this
    const skip = this.failures === 1 ? alone : undefined
    this.alone = undefined
    this.failures = this.fatal = 0
    this.succeeded = true
    await skip?.()
  }

  private keepInMind(skip: () => Promise<unknown>): void {
    this.alone = this.succeeded ? skip : undefined
  }

  // A log that cannot be written ends the run before more is paid for and lost.
  private giveUp(error: unknown): Failure {
    this.stop(error instanceof Fault ? { words: error.words, exit: 1 } : defect)
    if (!(error instanceof Fault)) throw error
    return notAsked
  }

  /** `rows`: in the request; one that is too much for several may do for a part of them, and is asked for that. */
  private fail(problem: Problem, rows = 1): Failure {
    if (problem.kind === 'stopped') return notAsked
    if (problem.kind === 'fatal' && !this.isAboutOneText(problem)) {
      this.stop({ words: problem.words, exit: 1 })
      return notAsked
    }
    const isDivisible = problem.kind === 'request' && rows > 1
    if (!isDivisible) this.failures++
    if (this.failures >= failuresInARow) this.stop({ words: manyFailures(problem.words), exit: 1 })
    return { failed: 'call_failed', detail: problem.words }
  }

  /** Whether what would end a run may be about this text, since others were answered. */
  private isAboutOneText({ status = 0 }: Problem): boolean {
    if (!this.succeeded || !denials.includes(status)) return false
    this.fatal++
    return this.fatal < fatalInARow
  }

  /** No further question is sent; what is in flight is awaited and logged. The first reason stays. */
  stop(stop: Stop): void {
    this.stopped ??= stop
    this.halt.abort()
  }

  /** Attempts that had to be repeated, by what was wrong, and the milliseconds waited for them. */
  get repeats(): { counts: ReadonlyMap<Trouble, number>; waited: number } {
    return { counts: this.pace.repeated, waited: this.pace.waited }
  }

  /** Milliseconds since the first attempt, while nothing has come back yet. */
  get silentFor(): number | undefined {
    return this.pace.silentFor
  }

  /** Aborted once no further question is sent: nobody need wait for anything any more. */
  get halted(): AbortSignal {
    return this.halt.signal
  }

  /** Stops for Ctrl-C: what is in flight gets ten seconds. */
  interrupt(words: Words): void {
    this.stop({ words, exit: 130 })
    const grace = this.provider.byHand ? 0 : graceAfterInterrupt // nobody pastes after Ctrl-C
    setTimeout(() => this.abort.abort(), grace).unref()
  }

  /** Waits for what is in flight and closes the log. */
  async close(): Promise<void> {
    this.halt.abort()
    await Promise.allSettled(this.inFlight.values())
    await this.log.close()
  }
}

const defect: Stop = { words: { en: 'stopped by a defect', zh: '因程序缺陷而停止' }, exit: 1 }
const notAsked: Failure = { failed: 'stopped', detail: { en: 'not asked yet', zh: '尚未请求' } }
const notRecorded: Failure = {
  failed: 'not_recorded',
  detail: { en: 'this request is not in the recorded calls', zh: '调用记录中没有该请求' },
}

function withoutReply({ messages }: Question, finish_reason: string): Reply {
  return { request: { messages }, reply: null, finish_reason, usage: noUsage }
}

function manyFailures(last: Words): Words {
  return {
    en: `${failuresInARow} calls in a row failed; the last one: ${last.en}`,
    zh: `连续 ${failuresInARow} 次请求失败；最后一次：${last.zh}`,
  }
}

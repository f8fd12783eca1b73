// The one account of a command. Every call that is used passes here once: the screen, the budget and run.json read what
// calls, tokens and dollars it came to, and the estimates of what is still to come learn from it.
import { field } from '../workspace/jsonl.ts'
import type { Language } from '../text/language.ts'
import { type Step, steps } from '../workspace/folder.ts'
import { type Call, type Message, type Provider, type Reply, type Usage, noUsage } from './call.ts'
import { type Price, askingSteps, priceOf } from './provider.ts'
import { promptTokens, spelling, tokensOf } from './reply.ts'

/** What an account has to know of a command: its prices and its steps. */
export type AccountTerms = {
  price: string | undefined
  steps: readonly Step[]
  judge: boolean
  batch?: boolean
  language: Language
}

/** Calls and tokens of log rows, whenever paid; `fresh` of the calls were paid by this command, `batch` at half price. */
type Tally = Usage & { calls: number; fresh: number; batch?: Usage }

const none: Tally = { calls: 0, prompt_tokens: 0, cached_tokens: 0, completion_tokens: 0, fresh: 0 }

/** What calls will take; `batch`: the part of the tokens that is billed at half price. */
export type Estimate = Usage & { calls: number; batch: Usage }

export class Account {
  readonly price: Price | undefined
  /** The steps of this command that ask the model. */
  readonly asking: readonly Step[]
  /** Every call this command used. */
  readonly used = { ...none }
  /** The calls of the step under way, in this round. */
  step = { ...none }
  /** US dollars this command paid. */
  paid = 0
  /** US dollars, at most, for attempts that brought no reply: the server may have worked on them, and billed them. */
  unanswered = 0
  private readonly free: boolean
  private readonly byBatch: boolean
  private readonly usual: Record<Step, Request>
  private readonly measured: Record<Step, Request & { calls: number }>
  private readonly counted = { command: new Set<string>(), step: new Set<string>() } // keys of calls
  private readonly broughtAhead = new Set<string>() // keys of calls that were paid for, and no step has used yet
  private now: Step | undefined // the step under way

  constructor({ price, steps, judge, batch, language }: AccountTerms, provider: Provider) {
    this.price = priceOf(provider, price)
    this.free = provider.free
    this.asking = askingSteps(steps, judge)
    this.byBatch = batch ?? false
    this.usual = usual[language]
    const nothing = () => ({ calls: 0, rows: 0, prompt: 0, completion: 0 })
    this.measured = { generate: nothing(), classify: nothing(), instances: nothing(), filter: nothing() }
  }

  /** A step begins, in some round. */
  beginStep(step: Step): void {
    this.now = step
    this.step = { ...none }
    this.counted.step.clear()
  }

  /** A call is used. One of a later step was asked ahead, and counts when that step uses it. However often that happens it counts once: else the sums would depend on timing. */
  use(call: Call, fresh = this.broughtAhead.delete(call.key)): void {
    if (this.now !== undefined && call.step !== this.now) {
      if (fresh) this.broughtAhead.add(call.key)
      return
    }
    const [inStep, inCommand] = [this.counted.step.has(call.key), this.counted.command.has(call.key)]
    if (inStep && inCommand) return
    const billed = { ...call, usage: this.billed(field(call.request, 'messages'), call) }
    if (!inStep) count(this.step, billed, fresh)
    this.counted.step.add(call.key)
    if (inCommand) return
    this.counted.command.add(call.key)
    count(this.used, billed, fresh)
    this.measure(billed)
  }

  private billed(messages: unknown, reply: Omit<Reply, 'request'>): Usage {
    return this.free || !Array.isArray(messages) ? reply.usage : billedFor(messages as Message[], reply)
  }

  /** A reply came back that is paid for. */
  pay(messages: readonly Message[], reply: Reply, inBatch = false): void {
    this.paid += this.costOf(this.billed(messages, reply), inBatch)
  }

  /** The same, of a reply that came in a batch and waits in the log under this key. */
  payInBatch(key: string, messages: readonly Message[], reply: Reply): void {
    this.broughtAhead.add(key)
    this.pay(messages, reply, true)
  }

  /** US dollars this command may have spent. */
  get spent(): number {
    return this.paid + this.unanswered
  }

  /** US dollars for these tokens; undefined where no price is known. */
  dollars({ batch, ...usage }: Usage & { batch?: Usage }): number | undefined {
    const { price } = this
    return price && full(usage, price) - (batch ? full(batch, price) * (1 - batchShare) : 0)
  }

  /** The same as a sum to reckon with: 0 where no price is known. */
  costOf(usage: Usage, inBatch = false): number {
    return this.dollars(inBatch ? { ...usage, batch: usage } : usage) ?? 0
  }

  /** The step under way as run.json keeps it: all it used, whenever paid. */
  stepCost(): Omit<Tally, 'fresh'> & { dollars: number | null } {
    const { fresh: _, ...tokens } = this.step
    return { ...tokens, dollars: this.dollars(tokens) ?? null }
  }

  private measure({ step, rows, usage }: Call): void {
    if (usage.prompt_tokens === 0) return
    const sum = this.measured[step]
    sum.calls++
    sum.rows += step === 'classify' && rows ? rows.length : this.usual[step].rows
    sum.prompt += usage.prompt_tokens
    sum.completion += usage.completion_tokens
  }

  /** The next request of a step, as its calls were so far, else as those of other steps were; `messages` when at hand. */
  nextRequest(step: Step, messages?: readonly Message[]): Request {
    const { rows, prompt, completion } = this.usual[step]
    const sum = this.measured[step]
    if (sum.calls > 0) return { rows, prompt: sum.prompt / sum.calls, completion: sum.completion / sum.calls }
    const size = messages ? promptTokens(messages) : prompt + spelling
    return { rows, prompt: size * this.ratio('prompt'), completion: completion * this.ratio('completion') }
  }

  // How this model's tokens compare with the usual ones.
  private ratio(of: 'prompt' | 'completion'): number {
    let [found, foreseen] = [0, 0]
    for (const step of steps) {
      found += this.measured[step][of]
      foreseen += this.measured[step].calls * (this.usual[step][of] + (of === 'prompt' ? spelling : 0))
    }
    return foreseen === 0 ? 1 : found / foreseen
  }

  /** US dollars one instruction will cost in a step. */
  costOfRow(step: Step): number {
    const sum = this.measured[step]
    const { rows, prompt, completion } = sum.calls > 0 ? sum : this.nextRequest(step)
    const usage = { prompt_tokens: prompt / rows, completion_tokens: completion / rows, cached_tokens: 0 }
    return this.costOf(usage, this.byBatch)
  }

  /** Calls and tokens for so many rows of a step. */
  estimate(step: Step, rows: number, messages?: readonly Message[]): Estimate {
    const request = this.nextRequest(step, messages)
    const calls = rows === 0 ? 0 : Math.ceil((rows + (step === 'classify' ? examRows : 0)) / request.rows)
    const prompt_tokens = Math.round(calls * request.prompt)
    const completion_tokens = Math.round(calls * request.completion)
    const usage = { prompt_tokens, completion_tokens, cached_tokens: 0 }
    return { calls, ...usage, batch: this.byBatch && step !== 'generate' ? usage : noUsage }
  }

  /** What so many rows take in the steps of this command; `dollars` is undefined where no price is known. */
  forecast(rows: number): Estimate & { dollars: number | undefined } {
    const sum = sumOf(this.asking.map((step) => this.estimate(step, rows)))
    return { ...sum, dollars: this.dollars(sum) }
  }
}

function count(tally: Tally, { usage, batch }: Call, fresh: boolean): void {
  tally.calls++
  add(tally, usage)
  if (batch !== undefined) add((tally.batch ??= { ...noUsage }), usage)
  if (fresh) tally.fresh++
}

function add(sum: Usage, usage: Usage): void {
  sum.prompt_tokens += usage.prompt_tokens
  sum.cached_tokens += usage.cached_tokens
  sum.completion_tokens += usage.completion_tokens
}

export function sumOf(estimates: readonly Estimate[]): Estimate {
  const sum = { calls: 0, ...noUsage, batch: { ...noUsage } }
  for (const { calls, batch, ...usage } of estimates) {
    sum.calls += calls
    add(sum, usage)
    add(sum.batch, batch)
  }
  return sum
}

/** One request: the instructions it serves, and its tokens. */
type Request = { rows: number; prompt: number; completion: number }

// Prompts: these steps' own on the shipped seed tasks, by `promptTokens` less `spelling`; for instances four in five ask for the
// input first. Replies: JSON for 10 tasks, 20 answers and 10 verdicts, in tokens of o200k (gpt-tokenizer 4.0). For instances the
// stand-in's answers (67) are too short: the 175 seed tasks of the paper measure 104 tokens an instance, and 1.7 come to a task.
const usual: Record<Language, Record<Step, Request>> = {
  en: {
    generate: { rows: 8, prompt: 330, completion: 252 },
    classify: { rows: 20, prompt: 903, completion: 199 },
    instances: { rows: 1, prompt: 355, completion: 180 },
    filter: { rows: 4, prompt: 1320, completion: 209 },
  },
  zh: {
    generate: { rows: 8, prompt: 331, completion: 263 },
    classify: { rows: 20, prompt: 990, completion: 199 },
    instances: { rows: 1, prompt: 395, completion: 180 },
    filter: { rows: 4, prompt: 1591, completion: 202 },
  },
}
const examRows = 20 // labelled seed tasks that step 2 asks about first, in a request of their own

const batchShare = 0.5 // of every rate, the cached one too: OpenAI's and DashScope's Batch API

function full({ prompt_tokens, cached_tokens, completion_tokens }: Usage, price: Price): number {
  const fresh = prompt_tokens - cached_tokens
  return (fresh * price.input + cached_tokens * price.cached + completion_tokens * price.output) / 1e6
}

// How many instructions a round asks step 1 for: what is needed, and what will be lost on the way. More would be paid for
// and thrown away; too few cost another round, which by batch is another day.
const lostShare = { calls: 0.1, batch: 0.25, standIn: 0.4 } // the stand-in's faults are planted, and known

/** Instructions that step 1 will have to write in all rounds, when nothing is known yet of what a model loses. */
export function wantedInAll({ target, batch }: Plan, { standIn }: { standIn: boolean }): number {
  return Math.ceil(target * (1 + lostShare[standIn ? 'standIn' : batch ? 'batch' : 'calls']))
}

/**
 * Those wanted in the first round. By calls, of many no more are over than the square root: by then the loss is known, and
 * another round takes seconds.
 */
export function wantedFirst(plan: Plan, provider: { standIn: boolean }): number {
  const wanted = wantedInAll(plan, provider)
  const isCheap = !provider.standIn && !plan.batch
  return isCheap ? Math.min(wanted, Math.ceil(plan.target + Math.sqrt(plan.target))) : wanted
}

type Plan = { target: number; batch: boolean }

/** Instructions wanted in the next round: what is missing, at the rate at which accepted ones were kept so far. */
export function wantedNext(target: number, accepted: number, kept: number): number {
  return accepted + Math.ceil(((target - kept) * accepted) / Math.max(kept, 1))
}

// A server that does not count tokens is not free, nor is one that counts far too few: then what can be read is counted. The
// thoughts of a model cannot be read, so what is told may well be more.
const wildly = 3 // times; what is counted is right within a tenth, with other tokenisers within two fifths
const trifle = 50 // tokens

/** The tokens of a reply as somebody will bill them. */
function billedFor(
  messages: readonly Message[],
  { reply, refusal, finish_reason, usage }: Omit<Reply, 'request'>,
): Usage {
  const nothingCame = finish_reason === '' || finish_reason === 'content_filter'
  if (reply === null && !refusal && nothingCame) return usage
  const prompt_tokens = dearer(usage.prompt_tokens, promptTokens(messages))
  const completion_tokens = dearer(usage.completion_tokens, tokensOf(reply ?? '') + tokensOf(refusal ?? ''))
  return { prompt_tokens, completion_tokens, cached_tokens: Math.min(usage.cached_tokens, prompt_tokens) }
}

function dearer(told: number, counted: number): number {
  return told === 0 || counted > wildly * told + trifle ? counted : told
}

// What a run may spend. Every attempt is reserved at its worst before it is sent, retries too, and step 1 leaves enough
// to carry what it accepted through the later steps: a budget buys a data set and not a list.
import type { Language } from '../text/language.ts'
import { Fault, type Words } from '../workspace/fault.ts'
import type { Step } from '../workspace/folder.ts'
import {
  type Call,
  type Message,
  type Problem,
  type Provider,
  type Question,
  type Reply,
  type Tally,
  type Usage,
  addTo,
  count,
  isProblem,
  noTally,
  noUsage,
  samplesAtMost,
} from './call.ts'
import {
  Experience,
  type Price,
  askingSteps,
  dollars,
  expected,
  isFree,
  priceOf,
  promptTokens,
  tokensOf,
} from './prices.ts'

type Terms = {
  budget: number | undefined
  price: string | undefined
  steps: readonly Step[]
  judge: boolean
  batch?: boolean
  language: Language
}

const prudence = 1.5 // tokens of a prompt at worst, times the estimate; cl100k on Chinese needs 1.4
const margin = 1.25 // on what the later steps are expected to cost
const usualYield = 6 // instructions accepted of a reply in step 1, before any reply has shown how many

export class Budget {
  /** US dollars; Infinity when none was set or nothing is paid for. */
  readonly limit: number
  readonly price: Price | undefined
  readonly experience: Experience
  /** Every call this run used, once. */
  readonly used: Tally = { ...noTally }
  /** US dollars this run paid. */
  paid = 0
  /** US dollars, at worst, for attempts nobody answered: a server may have, and billed it. */
  unanswered = 0
  /** A request was refused for want of money. */
  reached = false
  /** Step 1 ended for want of money; the later steps go on with what there is. */
  ended = false
  private readonly known = new Set<string>() // keys of the calls used
  private readonly batch: boolean
  private readonly asking: readonly Step[]
  private readonly later: readonly Step[]
  private reserved = 0
  private shortOf = 0 // US dollars the request needed that there was no money for
  private reservedInBatch = 0
  private underWay = 0
  private waiting: (() => void)[] = []
  private promptFactor = 1 // measured prompt tokens to estimated ones, at worst
  private carried: ReadonlySet<string> = new Set()
  private growth = newGrowth()

  constructor(terms: Terms, provider: Provider) {
    this.asking = askingSteps(terms.steps, terms.judge)
    const asks = provider.replayOf === undefined && this.asking.length > 0
    const idle = terms.budget === undefined || isFree(provider) || !asks
    this.price = priceOf(provider, terms.price)
    if (!idle && !this.price) throw noPrice(provider)
    this.limit = idle ? Infinity : (terms.budget ?? Infinity)
    this.experience = new Experience(terms.language)
    this.batch = terms.batch ?? false
    this.later = this.asking.filter((step) => step !== 'generate')
  }

  /** A call was used, paid now or found in the log. */
  learn(call: Call, fresh: boolean): void {
    if (this.known.has(call.key)) return
    this.known.add(call.key)
    this.experience.learn(call)
    count(this.used, call, fresh)
  }

  /** Step 1 begins; of these instructions the later steps have the answers already. */
  beginGeneration(carried: ReadonlySet<string>): void {
    this.carried = carried
    this.growth = newGrowth()
    this.ended = false
  }

  /** Step 1 ended for want of money, and has nothing new for the later steps. */
  get endedInVain(): boolean {
    return this.ended && this.growth.uncarried === 0
  }

  /** Step 1 has read one more reply; these are the instructions accepted so far. */
  took(accepted: readonly string[]): void {
    const { growth } = this
    const fresh = growth.fresh.delete(growth.read)
    const uncarried = accepted.slice(growth.accepted).filter((text) => !this.carried.has(text)).length
    growth.read++
    growth.accepted = accepted.length
    growth.uncarried += uncarried
    if (fresh) return
    growth.readFromLog++
    growth.uncarriedFromLog += uncarried
  }

  /** One attempt, when there is money for it; waits for those under way, which mostly cost less than was reserved. */
  async pay(
    step: Step,
    question: Question,
    attempt: () => Promise<Reply>,
    halt: AbortSignal,
  ): Promise<Reply> {
    const worst = this.worstOf(question)
    if (step === 'generate') this.growth.fresh.add(numberOf(question))
    await this.reserve(step, question, worst, halt)
    try {
      const reply = await attempt()
      this.spend(question, reply)
      return reply
    } catch (error) {
      if (isProblem(error) && error.connection) this.unanswered += worst
      throw error
    } finally {
      this.reserved -= worst
      this.underWay--
      for (const wake of this.waiting.splice(0)) wake()
    }
  }

  /** Whether a request may go into a batch; it counts at its worst until the batch is there. */
  reserveInBatch(question: Question): boolean {
    const worst = this.worstOf(question, true)
    if (this.spent + this.reservedInBatch + worst > this.limit) return false
    this.reservedInBatch += worst
    return true
  }

  /** A batch has answered this one. */
  paidInBatch(messages: readonly Message[], reply: Reply): void {
    this.paid += this.costOf(countedOf(messages, reply), true)
  }

  /** No batch is under way any more: what was not answered is not billed. */
  endBatches(): void {
    this.reservedInBatch = 0
  }

  private async reserve(step: Step, question: Question, worst: number, halt: AbortSignal): Promise<void> {
    while (!this.covers(step, question, worst)) {
      if (this.underWay === 0 || (step === 'generate' && this.ended))
        throw this.refuse(step, this.needFor(step, question, worst))
      await new Promise<void>((wake) => this.waiting.push(wake))
      if (halt.aborted) throw { kind: 'stopped', words: this.words } satisfies Problem
    }
    this.reserved += worst
    this.underWay++
  }

  private covers(step: Step, question: Question, worst: number): boolean {
    if (this.limit === Infinity) return true
    if (step === 'generate' && this.ended) return false
    return this.spent + this.reserved + this.needFor(step, question, worst) <= this.limit
  }

  /** What must be left for a request to be sent: its own worst, and in step 1 what its replies lead to. */
  private needFor(step: Step, question: Question, worst: number): number {
    return step === 'generate' ? worst + this.heldBack(question, worst) : worst
  }

  /** What the later steps need for all that is accepted, and for what the replies still to be read will bring. */
  private heldBack(question: Question, worst: number): number {
    const { read, accepted, uncarried, fresh, readFromLog, uncarriedFromLog } = this.growth
    const unread = numberOf(question) + 1 - read
    const unreadFresh = [...fresh].filter((k) => k < read + unread).length
    const fromFresh = unreadFresh * (read === 0 ? usualYield : accepted / read)
    const fromLog = ((unread - unreadFresh) * uncarriedFromLog) / Math.max(1, readFromLog)
    const instructions = uncarried + fromFresh + fromLog
    return this.later.length === 0 ? 0 : instructions * this.costOfLaterSteps() * margin + worst
  }

  private costOfLaterSteps(): number {
    return this.later.reduce((sum, step) => {
      const { prompt, completion } = this.experience.row(step)
      const usage = { prompt_tokens: prompt, completion_tokens: completion, cached_tokens: 0 }
      return sum + this.costOf(usage, this.batch)
    }, 0)
  }

  // In step 1 only the step ends, so that the others carry on with what was accepted.
  private refuse(step: Step, need: number): Problem {
    this.reached = true
    this.shortOf = need
    const inStep1 = step === 'generate'
    this.ended ||= inStep1
    return { kind: inStep1 ? 'stopped' : 'fatal', words: this.words }
  }

  private worstOf({ messages, maxTokens }: Question, inBatch = false): number {
    const prompt_tokens = promptTokens(messages) * prudence * this.promptFactor
    return this.costOf({ prompt_tokens, completion_tokens: maxTokens, cached_tokens: 0 }, inBatch)
  }

  private spend({ messages }: Question, reply: Reply): void {
    const measured = reply.usage.prompt_tokens / (promptTokens(messages) * prudence)
    this.promptFactor = Math.max(this.promptFactor, measured)
    this.paid += this.costOf(countedOf(messages, reply))
  }

  private costOf(usage: Usage, inBatch = false): number {
    return dollars(inBatch ? { ...usage, batch: usage } : usage, this.price) ?? 0
  }

  /** Tokens of a step as they are billed. */
  billed(step: Step, usage: Usage): Usage & { batch: Usage } {
    return { ...usage, batch: this.batch && step !== 'generate' ? usage : noUsage }
  }

  /** What so many rows take in the steps of this command; `dollars` is undefined when the price is not known. */
  forecast(rows: number) {
    const sum = { calls: 0, ...noUsage, batch: { ...noUsage } }
    for (const step of this.asking) {
      const { calls, ...usage } = expected(step, rows, this.experience)
      sum.calls += calls
      addTo(sum, usage)
      addTo(sum.batch, this.billed(step, usage).batch)
    }
    return { ...sum, dollars: dollars(sum, this.price) }
  }

  private get spent(): number {
    return this.paid + this.unanswered
  }

  /** Why the run ends. */
  get words(): Words {
    const [limit, spent] = [`$${this.limit}`, `$${this.spent.toFixed(4)}`]
    const need = `$${this.shortOf.toFixed(4)}`
    if (this.spent === 0 && this.shortOf > 0)
      return {
        en: `the budget of ${limit} is too small for the next request, which with what follows from it may cost ${need}. Give more`,
        zh: `预算 ${limit} 不够发下一次请求：连同其后续最多可能花费 ${need}。请提高预算`,
      }
    return {
      en: `the budget of ${limit} is reached: ${this.unanswered > 0 ? 'up to ' : ''}${spent} spent, and the next request might exceed it. The same command goes on, with as much again`,
      zh: `已达到预算 ${limit}：本次${this.unanswered > 0 ? '最多' : ''}花费 ${spent}，再发一次请求可能超出。重新运行同一命令即可用同样的预算继续`,
    }
  }
}

/** Where step 1 stands. `fresh`: numbers of the requests that are not in the log, and not read yet. */
function newGrowth() {
  const counts = { read: 0, accepted: 0, uncarried: 0, readFromLog: 0, uncarriedFromLog: 0 }
  return { ...counts, fresh: new Set<number>() }
}

/** Which request of step 1 a question belongs to. */
function numberOf({ sample }: Question): number {
  return Math.floor(sample / samplesAtMost)
}

function noPrice({ name, model }: Provider): Fault {
  const who = `${model} (${name})`
  return new Fault({
    en: `--budget needs a price, and none is known for ${who}. Give it in US dollars per million tokens, input/output: --price 0.40/1.20`,
    zh: `--budget 需要价格，而 ${who} 的价格未知。请用 --price 指定每百万 token 的美元价格（输入/输出）：--price 0.40/1.20`,
  })
}

// A server that does not count tokens is not free.
function countedOf(messages: readonly Message[], { reply, usage }: Reply): Usage {
  if (usage.prompt_tokens > 0) return usage
  return {
    prompt_tokens: promptTokens(messages),
    completion_tokens: tokensOf(reply ?? ''),
    cached_tokens: 0,
  }
}

// What a run may spend. Every attempt is reserved at its maximum cost before it is sent, retries too, and step 1 leaves
// enough to carry what it accepted through the later steps: a budget buys a data set and not a list.
import { Fault, type Words } from '../workspace/fault.ts'
import type { Step } from '../workspace/folder.ts'
import { Account, type AccountTerms } from './account.ts'
import { type Problem, type Provider, type Question, type Reply, isProblem, samplesAtMost } from './call.ts'
import { promptTokens } from './reply.ts'

const prudence = 1.5 // tokens of a prompt at most, times the estimate; cl100k on Chinese needs 1.4
const margin = 1.25 // on what the later steps will probably cost
const usualYield = 6 // instructions accepted of a reply in step 1, before any reply has shown how many

export class Budget {
  /** US dollars; Infinity when none was set or nothing is paid for. */
  readonly limit: number
  readonly account: Account
  /** A request was refused for want of money. */
  reached = false
  /** Step 1 ended for want of money; the later steps go on with what there is. */
  ended = false
  private readonly later: readonly Step[] // steps after the first that ask
  private reserved = 0 // US dollars, for attempts under way
  private reservedInBatch = 0
  private underWay = 0
  private waiting: (() => void)[] = []
  private shortOf = 0 // US dollars the refused request needed
  private promptFactor = 1 // measured prompt tokens to estimated ones, at most
  private carried: ReadonlySet<string> = new Set()
  private growth = newGrowth()

  constructor({ budget, ...terms }: AccountTerms & { budget: number | undefined }, provider: Provider) {
    this.account = new Account(terms, provider)
    const { asking, price } = this.account
    const paysNothing = provider.free || provider.replayOf !== undefined || asking.length === 0
    this.limit = paysNothing ? Infinity : (budget ?? Infinity)
    if (this.limit < Infinity && !price) throw noPrice(provider)
    this.later = asking.filter((step) => step !== 'generate')
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
    const { messages } = question
    const most = this.mostFor(question)
    if (step === 'generate') this.growth.fresh.add(numberOf(question))
    await this.reserve(step, question, most, halt)
    try {
      const reply = await attempt()
      const measured = reply.usage.prompt_tokens / (promptTokens(messages) * prudence)
      this.promptFactor = Math.max(this.promptFactor, measured)
      this.account.pay(messages, reply)
      return reply
    } catch (error) {
      if (isProblem(error) && (error.connection ?? error.worked)) this.account.unanswered += most
      throw error
    } finally {
      this.reserved -= most
      this.underWay--
      for (const wake of this.waiting.splice(0)) wake()
    }
  }

  /** Whether a request may go into a batch; it counts at its maximum cost until the batch is there. */
  reserveInBatch(question: Question): boolean {
    const most = this.mostFor(question, true)
    if (this.account.spent + this.reservedInBatch + most > this.limit) return false
    this.reservedInBatch += most
    return true
  }

  /** A line of a batch came to nothing, though there was a reply. */
  loseInBatch(question: Pick<Question, 'messages' | 'maxTokens'>): void {
    this.account.unanswered += this.mostFor(question, true)
  }

  /** No batch is under way any more: what was not answered is not billed. */
  endBatches(): void {
    this.reservedInBatch = 0
  }

  private async reserve(step: Step, question: Question, most: number, halt: AbortSignal): Promise<void> {
    while (!this.covers(step, question, most)) {
      if (this.underWay === 0 || (step === 'generate' && this.ended))
        throw this.refuse(step, this.needFor(step, question, most))
      await new Promise<void>((wake) => this.waiting.push(wake))
      if (halt.aborted) throw { kind: 'stopped', words: this.words } satisfies Problem
    }
    this.reserved += most
    this.underWay++
  }

  private covers(step: Step, question: Question, most: number): boolean {
    if (this.limit === Infinity) return true
    if (step === 'generate' && this.ended) return false
    return this.account.spent + this.reserved + this.needFor(step, question, most) <= this.limit
  }

  /** What must be left for a request to be sent: its own maximum, and in step 1 what its replies lead to. */
  private needFor(step: Step, question: Question, most: number): number {
    return step === 'generate' ? most + this.heldBack(question, most) : most
  }

  /** What the later steps need for all that is accepted, and for what the replies still to be read will bring. */
  private heldBack(question: Question, most: number): number {
    if (this.later.length === 0) return 0
    const { read, accepted, uncarried, fresh, readFromLog, uncarriedFromLog } = this.growth
    const unread = numberOf(question) + 1 - read
    const unreadFresh = [...fresh].filter((k) => k < read + unread).length
    const fromFresh = unreadFresh * (read === 0 ? usualYield : accepted / read)
    const fromLog = ((unread - unreadFresh) * uncarriedFromLog) / Math.max(1, readFromLog)
    const costOfRow = this.later.reduce((sum, step) => sum + this.account.costOfRow(step), 0)
    return (uncarried + fromFresh + fromLog) * costOfRow * margin + most
  }

  // In step 1 only the step ends, so that the others carry on with what was accepted.
  private refuse(step: Step, need: number): Problem {
    this.reached = true
    this.shortOf = need
    const inStep1 = step === 'generate'
    this.ended ||= inStep1
    return { kind: inStep1 ? 'stopped' : 'fatal', words: this.words }
  }

  /** The maximum cost of a request. */
  private mostFor(
    { messages, maxTokens }: Pick<Question, 'messages' | 'maxTokens'>,
    inBatch = false,
  ): number {
    const prompt_tokens = promptTokens(messages) * prudence * this.promptFactor
    return this.account.costOf({ prompt_tokens, completion_tokens: maxTokens, cached_tokens: 0 }, inBatch)
  }

  /** Why the run ends. */
  get words(): Words {
    const { spent, unanswered } = this.account
    const [limit, shown, need] = [`$${this.limit}`, `$${spent.toFixed(4)}`, `$${this.shortOf.toFixed(4)}`]
    if (spent === 0 && this.shortOf > 0)
      return {
        en: `the budget of ${limit} is too small for the next request, which with what follows from it may cost ${need}. Give more`,
        zh: `预算 ${limit} 不够发下一次请求：连同其后续最多可能花费 ${need}。请提高预算`,
      }
    return {
      en: `the budget of ${limit} is reached: ${unanswered > 0 ? 'up to ' : ''}${shown} spent, and the next request might exceed it. The same command goes on, with as much again`,
      zh: `已达到预算 ${limit}：本次${unanswered > 0 ? '最多' : ''}花费 ${shown}，再发一次请求可能超出。重新运行同一命令即可用同样的预算继续`,
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

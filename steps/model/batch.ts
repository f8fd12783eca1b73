// The Batch API (`--batch`): another way to fill the call log, at half the price, within a day.
//
// A step is a function of its input and the log, so it can be rehearsed: done once with nothing sent and nothing written,
// while every question that is not in the log is written down. These go up as batches; what comes back is appended to
// the log, in whatever order, as after normal API calls. Then the step is done for real and finds its answers there. What
// failed or expired goes into one more batch; what is open after that, and the few questions that replies themselves give
// rise to (one that cannot be read, one cut off), is asked by normal calls. Memory holds keys, files hold the text;
// batches.jsonl says what is under way.
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Words } from '../workspace/fault.ts'
import type { Step } from '../workspace/folder.ts'
import { TextWriter, onOneLine, readLines, temporaryName } from '../workspace/jsonl.ts'
import { BatchLedger, type Upload, allFailed, fruitless, refused, takeResults } from './batch-results.ts'
import { type BatchState, BatchWire, type OpenBatch } from './batch-wire.ts'
import { type Call, type CallHead, type Problem, type Question, callOf, isProblem, noUsage } from './call.ts'
import { allGood } from './judge.ts'
import type { Model, Rehearsal } from './model.ts'
import { says } from './says.ts'
import { howToStop } from './limits.ts'
import { dialectOf } from './wire.ts'

const mostInAFile = { lines: 50_000, bytes: 180_000_000 } // OpenAI takes 50,000 and 200 MB
const batchesAQuestion = 2 // the second asks again for what failed or expired in the first

/**
 * What the screen is told. `made`: a batch went up. `found`: one of an earlier run is under way. `ended`: it is in the
 * log. `waiting`: questions the budget has no room for before that. `left`: questions for normal calls.
 */
export type BatchNews = {
  step: Step
  waiting?: number
  left?: number
  made?: { id: string; requests: number }
  found?: { id: string; requests: number }
  answered?: { done: number; all: number }
  ended?: { id: string; requests: number; failed: number }
}

/** The open questions of a step: in files for batches, and how many no batch takes. */
type Questions = { spools: Spool[]; waiting: number; left: number }

type Terms = {
  model: Model
  dir: string
  poll: number // seconds between looks
  maxTokens: number // of a question asked for the first time
  tell: (news: BatchNews) => void
  most?: typeof mostInAFile
}

export class Batching {
  private readonly terms: Terms
  private readonly model: Model
  private readonly wire: BatchWire
  private readonly ledger: BatchLedger
  private most: typeof mostInAFile
  private oneByOne = false // the server has no room for several batches
  private foreseen = new Set<string>() // keys of questions that were open when the step began
  private inVain = 0 // looks in a row

  private constructor(terms: Terms, wire: BatchWire, ledger: BatchLedger) {
    this.terms = terms
    this.model = terms.model
    this.wire = wire
    this.ledger = ledger
    this.most = terms.most ?? mostInAFile
  }

  /** A server without a Batch API is a Fault. */
  static async open(terms: Terms): Promise<Batching> {
    const wire = await BatchWire.open(terms.model.provider, terms.model.halted, terms.model.tell)
    return new Batching(terms, wire, await BatchLedger.read(terms.dir))
  }

  /** Brings what a step will ask into the log, as far as batches can. Whether to stop or go on is left to the step. */
  async fill(step: Step, rehearse: () => Promise<void>): Promise<void> {
    for (const upload of this.ledger.uploaded(this.model.provider))
      if (upload.step === step) await this.takeUp(upload)
    const found = this.underWay(step)
    for (const { id, keys } of found) this.terms.tell({ step, found: { id, requests: keys.length } })
    await this.follow(step, found)
    this.foreseen = new Set()
    for (let time = 0; !this.model.stopped; time++) {
      const { spools, waiting, left } = await this.collect(rehearse, time)
      // Once a limit was met, a batch goes up when the one before has ended; what waits is gathered again.
      for (const [place, spool] of spools.entries())
        await (this.oneByOne && place > 0 ? spool.discard() : this.send(step, spool))
      if (spools.length === 0) return this.terms.tell({ step, left: left + waiting })
      if (waiting > 0) this.terms.tell({ step, waiting })
      await this.follow(step, this.underWay(step))
    }
  }

  private underWay(step: Step): OpenBatch[] {
    return this.ledger.open(this.model.provider).filter((batch) => batch.step === step)
  }

  /**
   * Repairs are few and come late; what two batches could not bring is not waited for a third time. Nor are verdicts:
   * what the judge still has to look at depends on what it said before, and becomes less and less.
   */
  private goesByBatch({ key, step }: CallHead, { sample, maxTokens }: Question, time: number): boolean {
    const repairs = sample > 0 || maxTokens > this.terms.maxTokens
    const late = step === 'filter' && time >= batchesAQuestion
    const times = this.ledger.timesSent(key)
    // A group that a filter stopped asks anew in parts, and these again: a batch for each would take days.
    if (time === 0) this.foreseen.add(key)
    const parts = step !== 'filter' && !this.foreseen.has(key)
    return !repairs && !late && !parts && times < batchesAQuestion
  }

  /** Rehearses the step and gathers its open questions, for batches in files that a server takes. */
  private async collect(rehearse: () => Promise<void>, time: number): Promise<Questions> {
    const questions: Questions = { spools: [], waiting: 0, left: 0 }
    const known = new Set<string>()
    const hear: Rehearsal['hear'] = async (head, question, logged) => {
      if (logged) return undefined
      if (!known.has(head.key)) {
        known.add(head.key)
        if (!this.goesByBatch(head, question, time)) questions.left++
        else if (!this.model.budget.reserveInBatch(question)) questions.waiting++
        else await this.put(head, question, questions.spools)
      }
      return assumedOf(head, question)
    }
    this.model.rehearsal = { hear, counts: false }
    let whole = false
    try {
      await rehearse()
      whole = true
      return questions
    } finally {
      this.model.rehearsal = undefined
      for (const spool of questions.spools) {
        if (!whole) await spool.discard()
        else await spool.close('synced') // what comes back after a shutdown is read together with it
      }
    }
  }

  private async put(head: CallHead, question: Question, spools: Spool[]): Promise<void> {
    const { lines, bytes } = this.most
    let spool = spools.at(-1)
    if (!spool || spool.keys.length >= lines || spool.bytes >= bytes)
      spools.push((spool = new Spool(path.join(this.terms.dir, `.batch-${head.key}.jsonl`))))
    const request = dialectOf(this.model.provider).spell(question)
    await spool.ask(callOf(head, { request, reply: null, finish_reason: '', usage: noUsage, ms: 0 }))
  }

  private async send(step: Step, spool: Spool): Promise<void> {
    if (this.model.stopped) return spool.discard()
    const { name: provider, model } = this.model.provider
    const { file, keys } = spool
    const asked = { provider, model, step, file: path.basename(file), keys }
    try {
      await this.model.log.ready()
      const upload = { ...asked, input: await this.upload(file) }
      await this.ledger.begin(upload)
      const id = await this.make(upload)
      await this.ledger.made(upload, id)
      this.terms.tell({ step, made: { id, requests: keys.length } })
    } catch (error) {
      if (!this.ledger.isUploaded(asked.file)) await spool.discard()
      if (!isProblem(error) || !this.makeSmaller(error.words.en, keys.length)) this.stop(error)
    }
  }

  /** Has a batch made of what went up. Where nobody can say whether there is one, the next run looks again. */
  private async make(upload: Upload): Promise<string> {
    try {
      return await this.wire.make(upload.input)
    } catch (error) {
      const made = await this.wire.madeOf(upload.input).catch(() => Promise.reject(error))
      if (made !== undefined) return made
      await this.ledger.discard(upload.file)
      throw error
    }
  }

  /** A run that was killed may have had a batch made of this: then it is under way, and not paid twice. */
  private async takeUp(upload: Upload): Promise<void> {
    try {
      const id = await this.wire.patiently(() => this.wire.madeOf(upload.input))
      await (id === undefined ? this.ledger.discard(upload.file) : this.ledger.made(upload, id))
    } catch (error) {
      this.stop(error)
    }
  }

  /** Takes in that a server takes no batch of so many requests; false where they cannot be fewer, or it says nothing of it. */
  private makeSmaller(said: string, requests: number): boolean {
    if (!says.batchLimit.test(said) || requests < 2) return false
    this.most = { ...this.most, lines: Math.ceil(requests / 2) }
    this.oneByOne = true
    return true
  }

  /** Uploads the questions of a file as the server wants them; the name they have there. */
  private async upload(file: string): Promise<string> {
    const spelt = new TextWriter(temporaryName(path.join(this.terms.dir, 'batch-upload')))
    try {
      for await (const { text } of readLines(file)) {
        const { key, request } = JSON.parse(text) as { key: string; request: unknown }
        await spelt.addText(this.wire.lineFor(key, request))
      }
      await spelt.close()
      return await this.wire.upload(spelt.file)
    } finally {
      await spelt.discard()
    }
  }

  /** Looks at these batches until the last has ended and its replies are in the log. */
  private async follow(step: Step, batches: OpenBatch[]): Promise<void> {
    const all = batches.reduce((sum, { keys }) => sum + keys.length, 0)
    const open = new Set(batches)
    let ended = 0
    while (open.size > 0 && !this.model.stopped) {
      let done = ended
      for (const batch of open) {
        const state = await this.look(batch)
        if (!state) continue
        done += state.answered
        if (!state.ended) continue
        await this.take(batch, state)
        open.delete(batch)
        ended += batch.keys.length
      }
      this.terms.tell({ step, answered: { done, all } })
      if (open.size > 0)
        await sleep(this.terms.poll * 1000, undefined, { signal: this.model.halted }).catch(() => undefined)
    }
    this.model.budget.endBatches()
  }

  // A server that cannot be reached just now is looked at again: a batch may take a day.
  private async look({ id }: OpenBatch): Promise<BatchState | undefined> {
    try {
      const state = await this.wire.look(id)
      this.inVain = 0
      return state
    } catch (error) {
      const passing = isProblem(error) && ['again', 'slow'].includes(error.kind)
      if (!passing && !this.model.stopped) this.stop(error)
      if (passing && ++this.inVain === looksInVain) this.model.tell(stillLooking(error))
      return undefined
    }
  }

  /** Puts the replies of an ended batch into the log. */
  private async take(batch: OpenBatch, state: BatchState): Promise<void> {
    const asked = path.join(this.terms.dir, batch.file)
    let end: Awaited<ReturnType<typeof takeResults>> | undefined
    try {
      if ((state.results ?? state.failures) !== undefined)
        end = await takeResults(this.model, this.wire, batch, state, asked)
    } catch (error) {
      return this.stop(error) // the batch stays open: the next run fetches it again
    }
    await this.ledger.write({ id: batch.id, status: end?.failed ? fruitless : state.status })
    await rm(asked, { force: true })
    if (end?.failed && !end.learnt)
      return this.model.stop({ words: allFailed(batch.id, end.failed), exit: 1 })
    if (state.status === 'failed' && this.makeSmaller(state.errors, batch.keys.length)) return
    if (state.status === 'failed' || state.status === 'cancelled')
      return this.model.stop({ words: refused(batch.id, state.status, state.errors), exit: 1 })
    const failed = batch.keys.filter((key) => !this.model.log.has(key)).length
    this.terms.tell({ step: batch.step, ended: { id: batch.id, requests: batch.keys.length, failed } })
  }

  private stop(error: unknown): void {
    if (!isProblem(error)) throw error
    const { en, zh } = error.words
    const goesOn = !error.unsure && ['again', 'slow', 'loading', 'stopped'].includes(error.kind)
    const words = goesOn
      ? { en: `${en} – the same command goes on`, zh: `${zh}——重新运行同一命令即可继续` }
      : error.words
    this.model.stop({ words, exit: 1 })
  }
}

const looksInVain = 4 // after which it is said

function stillLooking({ words }: Problem): Words {
  return {
    en: `${words.en}. The batch is looked for again until it is there. ${howToStop.en}`,
    zh: `${words.zh}。会继续查询该批处理，直到得到结果。${howToStop.zh}`,
  }
}

// A row counts as good while its verdict is out: so the batch asks about no more rows than the data set still lacks.
function assumedOf(head: CallHead, { schema }: Question): Call | undefined {
  if (schema !== 'judgement') return undefined
  const reply = allGood(head.rows?.length ?? 0)
  return callOf(head, { request: undefined, reply, finish_reason: 'stop', usage: noUsage, ms: 0 })
}

/** What a batch will ask, in a file: lines of the log that lack their replies. */
class Spool extends TextWriter {
  readonly keys: string[] = []
  bytes = 0

  /** Resolves when there is room for more. */
  ask(call: Call): Promise<void> {
    const line = `${onOneLine(call)}\n`
    this.keys.push(call.key)
    this.bytes += Buffer.byteLength(line)
    return this.addText(line)
  }
}

// The Batch API (`--batch`): another way to fill the call log, at half the price, within a day.
//
// A step is a function of its input and the log, so it can be rehearsed: done once with nothing sent and nothing written,
// while the model writes down every question that is not in the log (`collect`). These go up as batches; what comes back
// is appended to the log, in whatever order, as the normal road would have appended it. Then the step is done for real
// and finds its answers there. What failed or expired goes into one more batch; what is open after that, and the few
// questions that replies themselves give rise to (one that cannot be read, one cut off), takes the normal road.
// Memory holds keys, files hold the text; batches.jsonl says what is under way (batch-ledger.ts).
import { appendFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault, type Words } from '../workspace/fault.ts'
import { exists, type Step } from '../workspace/folder.ts'
import { field, jsonIn } from '../workspace/json.ts'
import { readLines } from '../workspace/lines.ts'
import { BatchLedger, ledgerFile, type OpenBatch } from './batch-ledger.ts'
import { type BatchState, BatchWire } from './batch-wire.ts'
import { type CallHead, CallLog, callOf, noUsage } from './call-log.ts'
import type { Model } from './model.ts'
import { isProblem } from './problem.ts'
import { Spool } from './spool.ts'
import { type Body, dialectOf, type Question, type Reply } from './wire.ts'

const mostInAFile = { lines: 50_000, bytes: 180_000_000 } // OpenAI takes 50,000 and 200 MB
const batchesInARow = 2 // of one step: the second asks again for what failed in the first
const worthABatch = 0.5 // of the last batch must be open, where nothing failed; less is not worth another day
const flushAt = 1 << 20 // characters gathered before a write
const linesTogether = 500 // replies appended before the disk is waited for

/** What the screen is told. `made`: a batch went up. `found`: one of an earlier run is under way. `ended`: it is in the log. */
export type BatchNews = {
  step: Step
  made?: { id: string; requests: number }
  found?: { id: string; requests: number }
  answered?: { done: number; all: number }
  ended?: { id: string; requests: number; failed: number }
}

type Terms = {
  model: Model
  dir: string
  poll: number
  tell: (news: BatchNews) => void
  most?: typeof mostInAFile
}

export class BatchRoad {
  private readonly model: Model
  private readonly dir: string
  private readonly poll: number // seconds between looks
  private readonly tell: (news: BatchNews) => void
  private readonly most: typeof mostInAFile
  private readonly wire: BatchWire
  private readonly ledger: BatchLedger
  private spelling = 0 // of the requests whose replies are being read
  private unaffordable = 0 // questions there was no money for, if all others cost the most they can

  private constructor(
    { model, dir, poll, tell, most = mostInAFile }: Terms,
    wire: BatchWire,
    ledger: BatchLedger,
  ) {
    this.model = model
    this.dir = dir
    this.poll = poll
    this.tell = tell
    this.most = most
    this.wire = wire
    this.ledger = ledger
  }

  /** A server without a Batch API is a Fault. */
  static async open(terms: Terms): Promise<BatchRoad> {
    const wire = await BatchWire.open(terms.model.provider)
    return new BatchRoad(terms, wire, await BatchLedger.read(path.join(terms.dir, ledgerFile)))
  }

  /** Brings what a step will ask into the log, as far as batches can. Leaves it to the normal road to stop or go on. */
  async fill(step: Step, rehearse: () => Promise<void>): Promise<void> {
    const found = this.underWay(step)
    for (const { id, keys } of found) this.tell({ step, found: { id, requests: keys.length } })
    let last = await this.follow(step, found)
    for (let time = 0; time < batchesInARow && !this.model.stopped; time++) {
      const spools = await this.collect(rehearse)
      const open = spools.reduce((sum, { keys }) => sum + keys.length, 0)
      const worthIt = open > 0 && (last.failed > 0 || open > last.asked * worthABatch)
      for (const spool of spools) await (worthIt ? this.send(step, spool) : spool.discard())
      if (!worthIt) return
      last = await this.follow(step, this.underWay(step))
      last.failed += this.unaffordable
    }
  }

  private underWay(step: Step): OpenBatch[] {
    return this.ledger.open(this.model.provider.name).filter((batch) => batch.step === step)
  }

  /** Rehearses the step and returns its open questions, in files that a server takes. */
  private async collect(rehearse: () => Promise<void>): Promise<Spool[]> {
    const spools: Spool[] = []
    const known = new Set<string>()
    this.unaffordable = 0
    const dialect = dialectOf(this.model.provider)
    this.model.collect = async (head: CallHead, question: Question) => {
      if (known.has(head.key)) return
      known.add(head.key)
      if (!this.model.budget.reserveInBatch(question)) return void this.unaffordable++
      let spool = spools.at(-1)
      if (!spool || spool.keys.length >= this.most.lines || spool.bytes >= this.most.bytes)
        spools.push((spool = new Spool(path.join(this.dir, `.batch-${head.key}.jsonl`))))
      const back = { request: dialect.spell(question), reply: null, finish_reason: '', usage: noUsage, ms: 0 }
      await spool.add(callOf(head, back))
    }
    let whole = false
    try {
      await rehearse()
      whole = true
      return spools
    } finally {
      this.model.collect = undefined
      for (const spool of spools) {
        await spool.close()
        if (!whole) await spool.discard()
      }
    }
  }

  private async send(step: Step, spool: Spool): Promise<void> {
    if (this.model.stopped) return spool.discard()
    const upload = path.join(this.dir, '.batch-upload.tmp')
    const { file, keys } = spool
    try {
      await this.spellOut(file, upload)
      const id = await this.wire.send(upload)
      const { name: provider } = this.model.provider
      await this.ledger.begin({ id, provider, step, file: path.basename(file), keys })
      this.tell({ step, made: { id, requests: keys.length } })
    } catch (error) {
      await spool.discard()
      this.stop(error)
    } finally {
      await rm(upload, { force: true })
    }
  }

  /** The questions of a file as the server wants them. */
  private async spellOut(file: string, upload: string): Promise<void> {
    await rm(upload, { force: true })
    let lines = ''
    for await (const { text } of readLines(file)) {
      const { key, request } = JSON.parse(text) as { key: string; request: unknown }
      lines += this.wire.lineFor(key, request)
      if (lines.length < flushAt) continue
      await appendFile(upload, lines)
      lines = ''
    }
    await appendFile(upload, lines)
  }

  /** Looks at these batches until the last has ended; how many lines they held, and how many of them failed. */
  private async follow(step: Step, batches: OpenBatch[]): Promise<{ asked: number; failed: number }> {
    const all = batches.reduce((sum, { keys }) => sum + keys.length, 0)
    const open = new Set(batches)
    let [ended, failed] = [0, 0]
    while (open.size > 0 && !this.model.stopped) {
      let done = ended
      for (const batch of open) {
        const state = await this.look(batch)
        if (!state) continue
        done += state.answered
        if (['validating', 'in_progress', 'finalizing', 'cancelling'].includes(state.status)) continue
        failed += await this.take(batch, state)
        open.delete(batch)
        ended += batch.keys.length
      }
      this.tell({ step, answered: { done, all } })
      if (open.size > 0)
        await sleep(this.poll * 1000, undefined, { signal: this.model.halted }).catch(() => undefined)
    }
    this.model.budget.endBatches()
    return { asked: all, failed }
  }

  // A server that cannot be reached just now is looked at again: a day has many hours.
  private async look({ id }: OpenBatch): Promise<BatchState | undefined> {
    try {
      return await this.wire.look(id, this.model.halted)
    } catch (error) {
      const passing = isProblem(error) && ['again', 'slow'].includes(error.kind)
      if (!passing && !this.model.stopped) this.stop(error)
      return undefined
    }
  }

  /** Puts the replies of an ended batch into the log; how many of its lines failed. */
  private async take(batch: OpenBatch, state: BatchState): Promise<number> {
    const asked = path.join(this.dir, path.basename(batch.file))
    this.spelling = dialectOf(this.model.provider).version
    try {
      if (state.files.length > 0) await this.takeFiles(batch, state, asked)
    } catch (error) {
      this.stop(error) // the batch stays open: the next run fetches it again
      return 0
    }
    await this.ledger.end(batch.id, state.status)
    await rm(asked, { force: true })
    const failed = batch.keys.filter((key) => !this.model.log.has(key)).length
    this.tell({ step: batch.step, ended: { id: batch.id, requests: batch.keys.length, failed } })
    if (state.status === 'failed' || state.status === 'cancelled')
      this.model.stop({ words: refused(batch.id, state), exit: 1 })
    return failed
  }

  private async takeFiles(batch: OpenBatch, state: BatchState, asked: string): Promise<void> {
    if (!(await exists(asked))) throw questionsGone(batch, asked)
    const questions = await CallLog.open(asked, true)
    try {
      for (const name of state.files) await this.takeFile(name, batch, state, questions)
    } finally {
      await questions.close()
    }
  }

  private async takeFile(name: string, { id }: OpenBatch, { ms }: BatchState, asked: CallLog): Promise<void> {
    const results = path.join(this.dir, '.batch-results.tmp')
    try {
      await this.wire.fetch(name, results)
      let appended: Promise<void>[] = []
      for await (const { text } of readLines(results)) {
        const line = jsonIn(text) // what is no JSON answers nobody: its question counts as failed
        const key = String(field(line, 'custom_id'))
        const head = this.model.log.has(key) ? undefined : await asked.get(key)
        const reply = head && this.replyIn(line, head.request)
        if (!head || !reply) continue
        this.model.paidInBatch.add(key)
        this.model.budget.paidInBatch(reply.usage)
        const written = this.model.log.append(callOf(head, { ...reply, ms, batch: id }))
        written.catch(() => undefined) // a full disk is heard of where all are awaited
        appended.push(written)
        if (appended.length >= linesTogether) await Promise.all(appended.splice(0))
      }
      await Promise.all(appended)
    } finally {
      await rm(results, { force: true })
    }
  }

  /** The reply in a line of results; a filter's verdict is one too. Nothing when the line failed. */
  private replyIn(line: unknown, request: unknown): Reply | undefined {
    const answer = this.wire.readLine(line, request as Body)
    if (!isProblem(answer)) return answer
    const dialect = dialectOf(this.model.provider)
    if (answer.kind === 'parameter' && this.spelling === dialect.version) dialect.learn(answer)
    if (answer.kind !== 'filter') return undefined
    return { request, reply: null, finish_reason: 'content_filter', usage: noUsage }
  }

  private stop(error: unknown): void {
    if (!isProblem(error)) throw error
    this.model.stop({ words: error.words, exit: 1 })
  }
}

function refused(id: string, { status, errors }: BatchState): Words {
  return status === 'cancelled'
    ? {
        en: `the batch ${id} was cancelled; the same command makes another`,
        zh: `批处理 ${id} 已被取消；重新运行同一命令会另建一个`,
      }
    : {
        en: `the provider did not take the batch ${id}: ${errors}`,
        zh: `服务商没有接受批处理 ${id}：${errors}`,
      }
}

function questionsGone({ id }: OpenBatch, asked: string): Fault {
  return new Fault(
    {
      en: `${asked} is gone. It holds what the batch ${id} asked, and without it the replies, which are paid for, cannot be put into the log. Put it back, and run the same command again; or delete the line of ${id} in ${ledgerFile}, and its questions are asked and paid for once more.`,
      zh: `${asked} 不见了。其中是批处理 ${id} 的提问，没有它，已付费的回复就无法写入日志。请放回该文件后重新运行同一命令；或者删除 ${ledgerFile} 中 ${id} 那一行，这些问题会重新请求并再次付费。`,
    },
    1,
  )
}

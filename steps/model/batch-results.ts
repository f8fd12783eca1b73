// The replies of an ended batch on their way into the call log: the server's lines come in any order, and tell the key of
// the question; what was asked stands in the file the batch was made from.
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { exists, steps } from '../workspace/folder.ts'
import { Ledger, TextWriter, field, jsonIn, readLines } from '../workspace/jsonl.ts'
import { type BatchState, type BatchWire, type OpenBatch, incomplete, questionsGone } from './batch-wire.ts'
import { CallLog } from './call-log.ts'
import { type Call, type Message, type Reply, callOf, isProblem, noUsage } from './call.ts'
import type { Model } from './model.ts'
import { type Body, dialectOf } from './wire.ts'

const linesTogether = 500 // replies appended before the disk is waited for

export class BatchResults {
  private readonly model: Model
  private readonly wire: BatchWire
  private readonly dir: string
  private spelling = 0 // of the requests whose replies are being read

  /** `dir`: the data folder, where what was asked lies. */
  constructor(model: Model, wire: BatchWire, dir: string) {
    this.model = model
    this.wire = wire
    this.dir = dir
  }

  /** Appends the replies to the log. Those that did not come down are fetched again; what then is still missing is a Problem. */
  async take(batch: OpenBatch, state: BatchState, file: string): Promise<void> {
    if (!(await exists(file))) throw questionsGone(batch, file)
    this.spelling = dialectOf(this.model.provider).version
    const asked = await CallLog.open(file, true)
    try {
      await this.wire.patiently(async () => {
        const answered = await this.takeFile(state.results, batch, state, asked)
        const failed = await this.takeFile(state.failures, batch, state, asked)
        const silent = batch.keys.filter((key) => !answered.has(key) && !failed.has(key)).length
        // Where the server does not count, a completed batch has a line for each question.
        const all = state.replies ?? (state.status === 'completed' ? answered.size + silent : 0)
        if (silent > 0 && answered.size < all) throw incomplete(batch, answered.size, all)
      })
    } finally {
      await asked.close()
    }
  }

  /** The keys of the questions a file of results has lines for. */
  private async takeFile(
    name: string | undefined,
    { id }: OpenBatch,
    { ms }: BatchState,
    asked: CallLog,
  ): Promise<Set<string>> {
    if (name === undefined) return new Set()
    const results = path.join(this.dir, '.batch-results.tmp')
    const taken = new Set<string>()
    try {
      await this.wire.fetch(id, name, results)
      let appended: Promise<void>[] = []
      for await (const { text } of readLines(results)) {
        const line = jsonIn(text) // what is no JSON answers nobody
        const key = String(field(line, 'custom_id'))
        if (taken.has(key) || !asked.has(key)) continue
        taken.add(key)
        const written = this.append(line, key, asked, { ms, batch: id })
        written.catch(() => undefined) // a full disk is heard of where all are awaited
        appended.push(written)
        if (appended.length >= linesTogether) await Promise.all(appended.splice(0))
      }
      await Promise.all(appended)
      return taken
    } finally {
      await rm(results, { force: true })
    }
  }

  private async append(
    line: unknown,
    key: string,
    asked: CallLog,
    came: { ms: number; batch: string },
  ): Promise<void> {
    const head = this.model.log.has(key) ? undefined : await asked.get(key)
    const reply = head && this.replyIn(line, head.request)
    if (!head || !reply) return
    this.model.paidInBatch.add(key)
    this.model.budget.paidInBatch((head.request as Body).messages as Message[], reply)
    await this.model.log.append(callOf(head, { ...reply, ...came }))
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
}

// batches.jsonl: which batches were made, and which of them are in the log. It is what makes a shutdown harmless: the same
// command a day later finds the batch there and goes on with it.

const questionFile = /^\.batch-[0-9a-f]{16}\.jsonl$/

/** Ends of batches that answered nothing they were asked: such a batch does not count as sent. */
const unanswered = ['failed', 'cancelled']

export class BatchLedger {
  private readonly ledger: Ledger
  private readonly batches = new Map<string, OpenBatch>()
  private readonly sent = new Map<string, number>()

  private constructor(ledger: Ledger) {
    this.ledger = ledger
    for (const line of ledger.lines) {
      if (isBatch(line)) this.noteBegin(line)
      else this.noteEnd(String(field(line, 'id')), String(field(line, 'status')))
    }
  }

  static async read(file: string): Promise<BatchLedger> {
    return new BatchLedger(await Ledger.open(file))
  }

  /** The batches that this model of this provider was asked in and that are not in the log yet. */
  open(provider: string, model: string): OpenBatch[] {
    return [...this.batches.values()].filter(
      (batch) => (batch.provider ?? provider) === provider && (batch.model ?? model) === model,
    )
  }

  /** In how many batches a question went up, of those that may have answered it. */
  timesSent(key: string): number {
    return this.sent.get(key) ?? 0
  }

  /** Written and flushed before anybody waits for the batch. */
  async begin(batch: OpenBatch): Promise<void> {
    await this.ledger.append(batch)
    this.noteBegin(batch)
  }

  async end(id: string, status: string): Promise<void> {
    await this.ledger.append({ id, status })
    this.noteEnd(id, status)
  }

  private noteBegin(batch: OpenBatch): void {
    this.batches.set(batch.id, batch)
    for (const key of batch.keys) this.sent.set(key, this.timesSent(key) + 1)
  }

  private noteEnd(id: string, status: string): void {
    const keys = unanswered.includes(status) ? (this.batches.get(id)?.keys ?? []) : []
    for (const key of keys) this.sent.set(key, this.timesSent(key) - 1)
    this.batches.delete(id)
  }
}

// Whatever else stands in the ledger names no batch; and no other file than one of questions, which is removed in the end.
function isBatch(line: unknown): line is OpenBatch {
  const [id, step, file, keys] = ['id', 'step', 'file', 'keys'].map((name) => field(line, name))
  return (
    typeof id === 'string' &&
    steps.some((known) => known === step) &&
    questionFile.test(String(file)) &&
    Array.isArray(keys) &&
    keys.every((key) => typeof key === 'string')
  )
}

/** What a batch will ask, in a file: lines of the log that lack their replies. */
export class Spool extends TextWriter {
  readonly keys: string[] = []
  bytes = 0

  /** Resolves when there is room for more. */
  ask(call: Call): Promise<void> {
    const line = `${JSON.stringify(call)}\n`
    this.keys.push(call.key)
    this.bytes += Buffer.byteLength(line)
    return this.addText(line)
  }
}

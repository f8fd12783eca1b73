// The replies of an ended batch on their way into the call log: the server's lines come in any order, and tell the key of
// the question; what was asked stands in the file the batch was made from.
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { exists } from '../workspace/folder.ts'
import { field, jsonIn } from '../workspace/json.ts'
import { readLines } from '../workspace/lines.ts'
import { incomplete, questionsGone } from './batch-faults.ts'
import type { OpenBatch } from './batch-ledger.ts'
import type { BatchState, BatchWire } from './batch-wire.ts'
import { CallLog, callOf, noUsage } from './call-log.ts'
import type { Model } from './model.ts'
import { isProblem } from './problem.ts'
import { type Body, dialectOf, type Message, type Reply } from './wire.ts'

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

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
import { type Body, dialectOf, type Reply } from './wire.ts'

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
        const got = await this.takeFile(state.results, batch, state, asked)
        if (got < state.replies) throw incomplete(batch, got, state.replies)
      })
      await this.wire.patiently(() => this.takeFile(state.failures, batch, state, asked))
    } finally {
      await asked.close()
    }
  }

  /** How many lines of a file of results answer a question. */
  private async takeFile(
    name: string | undefined,
    { id }: OpenBatch,
    { ms }: BatchState,
    asked: CallLog,
  ): Promise<number> {
    if (name === undefined) return 0
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
      return taken.size
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
    this.model.budget.paidInBatch(reply.usage)
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

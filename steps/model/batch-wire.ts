// The Batch API over the openai package: a file of requests goes up, is looked at now and then, files of replies come down.
import { openAsBlob } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import type OpenAI from 'openai'
import { Fault } from '../workspace/fault.ts'
import { field } from '../workspace/json.ts'
import { noBatch, noBatches, unknownBatch } from './batch-faults.ts'
import type { Reply } from './wire.ts'
import { Pace } from './pace.ts'
import { interrupted, isProblem, type Problem, problemOf } from './problem.ts'
import type { Provider } from './provider.ts'
import { openClient, readReply } from './wire.ts'

const endpoint = '/v1/chat/completions'
const wantingApi = [400, 404, 405, 501] // what servers without the API say
const transferTimeout = 600_000 // ms, for files of up to 200 MB

const creationTimeout = 30_000 // ms; it is not broken off, since the batch may have been made
const underWay = ['validating', 'in_progress', 'finalizing', 'cancelling']
const ended = ['completed', 'failed', 'expired', 'cancelled']

/**
 * Where a batch stands. `results` and `failures` name its files, `replies` says how many lines `results` has. `ms`: how
 * long it took.
 */
export type BatchState = {
  status: string
  ended: boolean
  answered: number
  replies: number
  results: string | undefined
  failures: string | undefined
  errors: string
  ms: number
}

export class BatchWire {
  private readonly client: OpenAI
  private readonly provider: Provider
  private readonly pace: Pace
  private readonly halt: AbortSignal

  private constructor(client: OpenAI, provider: Provider, halt: AbortSignal) {
    this.client = client
    this.provider = provider
    this.pace = new Pace(1, provider)
    this.halt = halt
  }

  /** A provider without a Batch API is a Fault, before anything is asked. `halt` ends every wait and every transfer. */
  static async open(provider: Provider, halt: AbortSignal): Promise<BatchWire> {
    if (provider.name === 'offline' || provider.name === 'paste') throw noBatches(provider)
    const wire = new BatchWire(openClient(provider, transferTimeout), provider, halt)
    try {
      const page: unknown = await wire.patiently(() => wire.firstPage())
      if (!Array.isArray(field(page, 'data'))) throw noBatches(provider)
    } catch (error) {
      if (!isProblem(error)) throw error
      throw new Fault(error.words, 1)
    }
    return wire
  }

  private async firstPage(): Promise<unknown> {
    try {
      return await this.client.batches.list({ limit: 1 }, { signal: this.halt })
    } catch (error) {
      throw wantingApi.includes(Number(field(error, 'status'))) ? noBatches(this.provider) : error
    }
  }

  /** The line that asks one question, in a file for `send`. */
  lineFor(key: string, body: unknown): string {
    return `${JSON.stringify({ custom_id: key, method: 'POST', url: endpoint, body })}\n`
  }

  /** Uploads a file of such lines and has it answered; the name of the batch. Throws a Problem. */
  async send(file: string): Promise<string> {
    const { id } = await this.patiently(async () => {
      const text = new File([await openAsBlob(file)], 'requests.jsonl')
      return this.client.files.create({ file: text, purpose: 'batch' }, { signal: this.halt })
    })
    let again = false
    return this.patiently(async () => {
      const made = again ? await this.madeOf(id) : undefined
      again = true
      const batch = { input_file_id: id, endpoint, completion_window: '24h' } as const
      return made ?? (await this.client.batches.create(batch, { timeout: creationTimeout })).id
    })
  }

  /** The batch made of an uploaded file, when the answer to its making was lost. */
  private async madeOf(file: string): Promise<string | undefined> {
    const { data } = await this.client.batches.list({ limit: 100 })
    return data.find(({ input_file_id: input }) => input === file)?.id
  }

  async cancel(id: string): Promise<void> {
    await this.patiently(() => this.client.batches.cancel(id))
  }

  /** One look; a Problem that passes may be looked at again. A batch that is not known there is a Fault. */
  async look(id: string): Promise<BatchState> {
    const batch = await this.tried(() =>
      this.known(id, this.client.batches.retrieve(id, { signal: this.halt })),
    )
    const { status, request_counts: counts, completed_at: end = 0, created_at: start } = batch
    if (![...underWay, ...ended].includes(status)) throw noBatch(id, this.provider)
    return {
      status,
      ended: ended.includes(status),
      answered: (counts?.completed ?? 0) + (counts?.failed ?? 0),
      replies: counts?.completed ?? 0,
      results: batch.output_file_id ?? undefined,
      failures: batch.error_file_id ?? undefined,
      errors: (batch.errors?.data ?? []).map((error) => error.message ?? error.code ?? '').join(' '),
      ms: Math.max(0, end - start) * 1000,
    }
  }

  /** Writes one file of results to disk. */
  async fetch(id: string, name: string, into: string): Promise<void> {
    await this.tried(async () => {
      const { body } = await this.known(id, this.client.files.content(name, { signal: this.halt }))
      await writeFile(into, body ?? [], { signal: this.halt })
    })
  }

  private async known<T>(id: string, work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      if (field(error, 'status') !== 404) throw error
      throw unknownBatch(id, this.provider)
    }
  }

  /** Faults that pass are waited out, as on the normal road; what is left of them is thrown. */
  patiently<T>(work: () => Promise<T>): Promise<T> {
    return this.pace.patiently(() => this.tried(work), this.halt)
  }

  /** What a line of results says to this request. */
  readLine(line: unknown, request: Parameters<typeof readReply>[0]): Reply | Problem {
    const response = field(line, 'response')
    const status = field(response, 'status_code')
    const body = field(response, 'body')
    try {
      if (status === 200) return readReply(request, body)
    } catch (problem) {
      if (isProblem(problem)) return problem
      throw problem
    }
    const told = field(body, 'error') ?? field(line, 'error')
    const said = Object.fromEntries(['code', 'type', 'param'].map((name) => [name, field(told, name)]))
    return problemOf(
      Object.assign(new Error(String(field(told, 'message'))), said, { status }),
      this.provider,
    )
  }

  private async tried<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (isProblem(error) || error instanceof Fault) throw error
      if (this.halt.aborted) throw interrupted
      throw problemOf(error, this.provider)
    }
  }
}

// The Batch API over the openai package: a file of requests goes up, is looked at now and then, files of replies come down.
import { openAsBlob } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import type OpenAI from 'openai'
import { Fault } from '../workspace/fault.ts'
import { field } from '../workspace/json.ts'
import { noBatches, nonsense, unknownBatch } from './batch-faults.ts'
import type { Reply } from './wire.ts'
import { Pace } from './pace.ts'
import { interrupted, isProblem, type Problem, problemOf } from './problem.ts'
import type { Provider } from './provider.ts'
import { openClient, readReply } from './wire.ts'

const endpoint = '/v1/chat/completions'
const wantingApi = [400, 404, 405, 501] // what servers without the API say
const transferTimeout = 600_000 // ms, for files of up to 200 MB

const brief = { timeout: 30_000 } // ms; not broken off by Ctrl-C, since a batch may have been made
const underWay = ['validating', 'in_progress', 'finalizing', 'cancelling']
const ended = ['completed', 'failed', 'expired', 'cancelled']

/**
 * Where a batch stands. `results` and `failures` name its files; `replies` says how many lines `results` has, where the
 * server counts. `ms`: how long it took.
 */
export type BatchState = {
  status: string
  ended: boolean
  answered: number
  replies: number | undefined
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
      await wire.patiently(() => wire.firstPage())
    } catch (error) {
      if (!isProblem(error)) throw error
      throw new Fault(error.words, 1)
    }
    return wire
  }

  private async firstPage(): Promise<void> {
    try {
      listIn(await this.client.batches.list({ limit: 1 }, { signal: this.halt }), this.provider)
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
    const input = await this.patiently(async () => {
      const text = new File([await openAsBlob(file)], 'requests.jsonl')
      const uploaded = await this.client.files.create({ file: text, purpose: 'batch' }, { signal: this.halt })
      return idIn(uploaded, this.provider)
    })
    let tried = false
    try {
      return await this.patiently(async () => {
        const made = tried ? await this.madeOf(input) : undefined
        tried = true
        const batch = { input_file_id: input, endpoint, completion_window: '24h' } as const
        return made ?? idIn(await this.client.batches.create(batch, brief), this.provider)
      })
    } catch (error) {
      // It may have been made all the same: then it is waited for, and not paid twice.
      const made = tried ? await this.madeOf(input).catch(() => undefined) : undefined
      if (made === undefined) throw error
      return made
    }
  }

  /** The batch made of an uploaded file, when the answer to its making was lost. */
  private async madeOf(input: string): Promise<string | undefined> {
    const list = listIn(await this.client.batches.list({ limit: 100 }, brief), this.provider)
    const made = list.find((batch) => field(batch, 'input_file_id') === input)
    return made === undefined ? undefined : idIn(made, this.provider)
  }

  async cancel(id: string): Promise<void> {
    await this.patiently(() => this.client.batches.cancel(id))
  }

  /** One look; a Problem that passes may be looked at again. A batch that is not known there is a Fault. */
  async look(id: string): Promise<BatchState> {
    const batch = await this.tried(() =>
      this.known(id, this.client.batches.retrieve(id, { signal: this.halt })),
    )
    if (field(batch, 'id') !== id || ![...underWay, ...ended].includes(batch.status))
      throw nonsense(this.provider)
    const { status, request_counts: counts, completed_at: end = 0, created_at: start } = batch
    const [results, failures] = [batch.output_file_id ?? undefined, batch.error_file_id ?? undefined]
    const answered = (counts?.completed ?? 0) + (counts?.failed ?? 0)
    // The names of its files may come a little later.
    const awaited = status === 'completed' && counts?.completed !== 0 && (results ?? failures) === undefined
    return {
      status,
      ended: ended.includes(status) && !awaited,
      answered,
      replies: answered > 0 ? counts?.completed : undefined,
      results,
      failures,
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

function idIn(answer: unknown, provider: Provider): string {
  const id = field(answer, 'id')
  if (typeof id !== 'string') throw nonsense(provider)
  return id
}

/** The package takes any answer for a page, with an empty list. */
function listIn(page: unknown, provider: Provider): unknown[] {
  const list = field(field(page, 'body'), 'data')
  if (!Array.isArray(list)) throw nonsense(provider)
  return list
}

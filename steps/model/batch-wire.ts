// The Batch API over the openai package: a file of requests goes up, is looked at now and then, files of replies come down.
import { openAsBlob } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import type OpenAI from 'openai'
import { Fault } from '../workspace/fault.ts'
import { field } from '../workspace/json.ts'
import type { Reply } from './wire.ts'
import { isProblem, type Problem, problemOf } from './problem.ts'
import type { Provider } from './provider.ts'
import { openClient, readReply } from './wire.ts'

const endpoint = '/v1/chat/completions'
const transferTimeout = 600_000 // ms, for files of up to 200 MB

/** Where a batch stands. `files`: its results, those of its failed lines too. `ms`: how long it took. */
export type BatchState = {
  status: OpenAI.Batch['status']
  answered: number
  files: string[]
  errors: string
  ms: number
}

export class BatchWire {
  private readonly client: OpenAI
  private readonly provider: Provider

  private constructor(client: OpenAI, provider: Provider) {
    this.client = client
    this.provider = provider
  }

  /** A provider without a Batch API is a Fault, before anything is asked. */
  static async open(provider: Provider): Promise<BatchWire> {
    if (provider.name === 'offline' || provider.name === 'paste') throw noBatches(provider)
    const wire = new BatchWire(await openClient(provider, transferTimeout), provider)
    try {
      const page: unknown = await wire.client.batches.list({ limit: 1 })
      if (!Array.isArray(field(page, 'data'))) throw noBatches(provider)
    } catch (error) {
      if (error instanceof Fault) throw error
      if ([400, 404, 405, 501].includes(Number(field(error, 'status')))) throw noBatches(provider)
      throw new Fault(problemOf(error, provider).words, 1)
    }
    return wire
  }

  /** The line that asks one question, in a file for `send`. */
  lineFor(key: string, body: unknown): string {
    return `${JSON.stringify({ custom_id: key, method: 'POST', url: endpoint, body })}\n`
  }

  /** Uploads a file of such lines and has it answered; the name of the batch. Throws a Problem. */
  async send(file: string): Promise<string> {
    return this.tried(async () => {
      const text = new File([await openAsBlob(file)], 'requests.jsonl')
      const { id } = await this.client.files.create({ file: text, purpose: 'batch' })
      const batch = { input_file_id: id, endpoint, completion_window: '24h' } as const
      return (await this.client.batches.create(batch)).id
    })
  }

  async look(id: string, signal: AbortSignal): Promise<BatchState> {
    return this.tried(async () => {
      const batch = await this.client.batches.retrieve(id, { signal })
      const { status, request_counts: counts, completed_at: end = 0, created_at: start } = batch
      return {
        status,
        answered: (counts?.completed ?? 0) + (counts?.failed ?? 0),
        files: [batch.output_file_id, batch.error_file_id].filter((name) => name != null),
        errors: (batch.errors?.data ?? []).map((error) => error.message ?? error.code ?? '').join(' '),
        ms: Math.max(0, end - start) * 1000,
      }
    })
  }

  /** Writes one file of results to disk. */
  async fetch(name: string, into: string): Promise<void> {
    await this.tried(async () => {
      const { body } = await this.client.files.content(name)
      await writeFile(into, body ?? [])
    })
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
      throw isProblem(error) ? error : problemOf(error, this.provider)
    }
  }
}

function noBatches({ name, baseUrl }: Provider): Fault {
  const who = baseUrl === '' ? name : baseUrl
  return new Fault({
    en: `--batch needs a server with a Batch API, as openai and dashscope have; ${who} has none. Leave --batch out.`,
    zh: `--batch 需要提供 Batch API 的服务（如 openai、dashscope）；${who} 没有。请去掉 --batch。`,
  })
}

// The Batch API over the openai package: a file of requests goes up, is looked at now and then, files of replies come down.
import { openAsBlob } from 'node:fs'
import type OpenAI from 'openai'
import { type Hide, hiding } from '../workspace/environment.ts'
import { Fault, type Words } from '../workspace/fault.ts'
import { type Step, batchesFile } from '../workspace/folder.ts'
import {
  TextWriter,
  field,
  jsonIn,
  longestLine,
  longestShown,
  onOneLine,
  textField,
} from '../workspace/jsonl.ts'
import { type Problem, type Provider, type Reply, completionIn, interrupted, isProblem } from './call.ts'
import { Pace, type Tell } from './pace.ts'
import { noticeOf, problemOf } from './problem.ts'
import { readReply } from './reply.ts'
import { openClient } from './wire.ts'

/** `file`: what was asked, line by line as in the log, in the data folder. `keys`: of the same calls. */
export type OpenBatch = {
  id: string
  provider?: string
  model?: string
  step: Step
  file: string
  keys: string[]
}

const endpoint = '/v1/chat/completions'
const wantingApi = [400, 404, 405, 501] // what servers without the API say
const looksForFile = 3 // for results that a server names before it has them
const looksForName = 10 // for their name
const transferTimeout = 600_000 // ms, for files of up to 200 MB
const mostResults = 4 * 2 ** 30 // bytes; a server that never ends would fill the disk

const brief = { timeout: 30_000 } // ms; not broken off by Ctrl-C, since a batch may have been made
// What a batch may be, in any case; other servers have other words for it (SiliconFlow, Together, Novita).
const underWay = [
  'validating',
  'in_progress',
  'finalizing',
  'cancelling',
  'in_queue',
  'queued',
  'pending',
  'running',
  'processing',
]
const ended = ['completed', 'failed', 'expired', 'cancelled']
const otherWords: Record<string, string> = {
  canceled: 'cancelled',
  success: 'completed',
  succeeded: 'completed',
}

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
  private readonly hide: Hide
  private readonly looks = new Map<string, number>() // for files that were not there

  private constructor(provider: Provider, halt: AbortSignal, tell: Tell) {
    this.client = openClient(provider, transferTimeout)
    this.provider = provider
    this.pace = new Pace(1, provider, tell)
    this.halt = halt
    this.hide = hiding(provider.key)
  }

  /** A provider without a Batch API is a Fault, before anything is asked. `halt` ends every wait and every transfer. */
  static async open(provider: Provider, halt: AbortSignal, tell: Tell): Promise<BatchWire> {
    if (!provider.batches) throw noBatches(provider)
    const wire = new BatchWire(provider, halt, tell)
    await wire
      .patiently(() => wire.firstPage())
      .catch((error: unknown) => {
        throw isProblem(error) ? new Fault(error.words, 1) : error
      })
    return wire
  }

  private async firstPage(): Promise<void> {
    try {
      listIn(await this.client.batches.list({ limit: 1 }, { signal: this.halt }), this.provider)
    } catch (error) {
      const status = Number(field(error, 'status'))
      // A gateway that finds its way by the model's name finds none for a request without one.
      const isUnrouted = status === 503 && problemOf(error, this.provider).kind === 'fatal'
      throw wantingApi.includes(status) || isUnrouted ? noBatches(this.provider) : error
    }
  }

  /** The line that asks one question, in a file for `send`. */
  lineFor(key: string, body: unknown): string {
    return `${onOneLine({ custom_id: key, method: 'POST', url: endpoint, body })}\n`
  }

  /** Uploads a file of such lines; its name there. Throws a Problem, as all that follows. */
  upload(file: string): Promise<string> {
    return this.patiently(async () => {
      const text = new File([await openAsBlob(file)], 'requests.jsonl')
      const uploaded = await this.client.files.create({ file: text, purpose: 'batch' }, { signal: this.halt })
      return idIn(uploaded, this.provider)
    })
  }

  /** Has an uploaded file answered; the name of the batch. One that was made without an answer is not made again. */
  async make(input: string): Promise<string> {
    const batch = { input_file_id: input, endpoint, completion_window: '24h' } as const
    let tried = false
    return this.patiently(async () => {
      const made = tried ? await this.madeOf(input) : undefined
      tried = true
      return made ?? idIn(await this.client.batches.create(batch, brief), this.provider)
    })
  }

  /** The batch made of an uploaded file, if there is one. */
  async madeOf(input: string): Promise<string | undefined> {
    const list = listIn(await this.client.batches.list({ limit: 100 }, brief), this.provider)
    const made = list.find((batch) => field(batch, 'input_file_id') === input)
    return made === undefined ? undefined : idIn(made, this.provider)
  }

  /** One look; a Problem that passes may be looked at again. A batch that is not known there is a Fault. */
  async look(id: string): Promise<BatchState> {
    const told = await this.tried(() => this.client.batches.retrieve(id, { signal: this.halt }), id)
    const batch = (field(told, 'id') === id ? told : field(told, 'data')) as typeof told
    if (field(batch, 'id') !== id || typeof batch.status !== 'string') throw nonsense(this.provider)
    const said = batch.status.toLowerCase()
    const status = otherWords[said] ?? said
    if (![...underWay, ...ended].includes(status)) throw unknownStatus(id, batch.status)
    const { request_counts: counts, completed_at: end, created_at: start } = batch
    const [results, failures] = [nameIn(batch.output_file_id), nameIn(batch.error_file_id)]
    const completed = countIn(counts?.completed)
    const answered = (completed ?? 0) + (countIn(counts?.failed) ?? 0)
    // The names of its files may come a little later.
    const isNameless = status === 'completed' && completed !== 0 && (results ?? failures) === undefined
    if (isNameless && !this.isEarly(id, looksForName)) throw nameless(id)
    const ms = Math.max(0, (countIn(end) ?? 0) - (countIn(start) ?? 0)) * 1000
    return {
      status,
      ended: ended.includes(status) && !isNameless,
      answered,
      replies: answered > 0 ? completed : undefined,
      results,
      failures,
      errors: reasonsIn(batch),
      ms: Math.min(ms, Number.MAX_SAFE_INTEGER),
    }
  }

  /** Writes one file of results to disk, whole lines at a time: the key is in none of them. */
  async fetch(id: string, name: string, into: string): Promise<void> {
    await this.tried(async () => {
      const { body } = await this.client.files
        .content(name, { signal: this.halt })
        .catch((error: unknown) => {
          throw field(error, 'status') === 404 && this.isEarly(name, looksForFile) ? notYet(id) : error
        })
      const file = new TextWriter(into)
      for await (const lines of linesIn(body ?? [], id)) await file.addText(this.hide(lines))
      await file.close()
    }, id)
  }

  /** Whether a file that was just named, or its name, may come yet. */
  private isEarly(name: string, most: number): boolean {
    const looks = (this.looks.get(name) ?? 0) + 1
    this.looks.set(name, looks)
    return looks <= most
  }

  /** Faults that pass are waited out, as in normal API calls; what is left of them is thrown. */
  patiently<T>(work: () => Promise<T>): Promise<T> {
    return this.pace.patiently(() => this.tried(work), this.halt)
  }

  /** What a line of results says to this request. */
  readLine(line: unknown, request: Parameters<typeof readReply>[0]): Reply | Problem {
    const response = field(line, 'response')
    const put = field(response, 'body') ?? response
    const body = typeof put === 'string' ? (jsonIn(put) ?? put) : put
    const isReply = completionIn(body).choices.length > 0
    const status = Number(textField(response, 'status_code') || (isReply ? 200 : NaN))
    try {
      if (status === 200) return readReply(request, body, this.provider)
    } catch (problem) {
      if (isProblem(problem)) return problem
      throw problem
    }
    const error = body ?? field(line, 'error')
    return problemOf({ status: Number.isNaN(status) ? 500 : status, error }, this.provider)
  }

  /** What goes wrong is a Problem; a 404 about this batch is a Fault. */
  private async tried<T>(work: () => Promise<T>, id?: string): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (isProblem(error) || error instanceof Fault) throw error
      if (id !== undefined && field(error, 'status') === 404) throw unknownBatch(id, this.provider)
      throw this.halt.aborted ? interrupted : problemOf(error, this.provider)
    }
  }
}

/** What comes down of the results of a batch, in whole lines, as many as there are at a time. */
async function* linesIn(
  body: AsyncIterable<unknown> | Iterable<Uint8Array>,
  id: string,
): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let [begun, length, bytes]: [string[], number, number] = [[], 0, 0]
  for await (const chunk of body) {
    bytes += (chunk as Uint8Array).length
    const text = decoder.decode(chunk as Uint8Array, { stream: true })
    const end = text.lastIndexOf('\n') + 1
    if (end > 0) {
      yield begun.join('') + text.slice(0, end)
      begun = []
      length = 0
    }
    begun.push(text.slice(end))
    length += text.length - end
    if (length > longestLine) throw tooMuch(id, longestShown, 'line')
    if (bytes > mostResults) throw tooMuch(id, `${mostResults / 2 ** 30} GB`, 'file')
  }
  yield begun.join('')
}

// A server may tell anything under these names, whatever the types say.

function nameIn(told: unknown): string | undefined {
  return typeof told === 'string' && told !== '' ? told : undefined
}

function countIn(told: unknown): number | undefined {
  const count = typeof told === 'string' ? Number(told) : told
  return typeof count === 'number' && count >= 0 ? count : undefined
}

/** Why a batch failed, in whatever form it is told. */
function reasonsIn(batch: unknown): string {
  const errors = field(batch, 'errors') ?? field(batch, 'error')
  const told = [field(errors, 'data') ?? errors].flat()
  const reasons = told.map((error) => field(error, 'message') ?? field(error, 'code') ?? error)
  return reasons
    .filter((reason) => typeof reason === 'string')
    .join(' ')
    .trim()
}

function idIn(answer: unknown, provider: Provider): string {
  const id = field(answer, 'id') ?? field(field(answer, 'data'), 'id')
  if (typeof id !== 'string' || id === '') throw insteadOf(answer, provider)
  return id
}

/** The package takes any answer for a page, with an empty list. */
function listIn(page: unknown, provider: Provider): unknown[] {
  const body = field(page, 'body')
  const list = field(field(body, 'data'), 'data') ?? field(body, 'data')
  if (list === null && field(body, 'object') === 'list') return []
  if (!Array.isArray(list)) throw insteadOf(body, provider)
  return list
}

/** An error at status 200 says what it is; anything else is none of a Batch API. */
function insteadOf(answer: unknown, provider: Provider): Problem {
  const problem = noticeOf(answer, provider)
  return problem.kind === 'fatal' ? problem : nonsense(provider)
}

// What can go wrong with a batch, each as a sentence with its cure.

// The run ends here, with what exists written.
const ending = (words: Words): Fault => new Fault(words, 1)

function noBatches({ name, baseUrl }: Provider): Fault {
  const who = baseUrl === '' ? name : baseUrl
  return new Fault({
    en: `--batch needs a server with a Batch API, as openai and dashscope have; ${who} has none. Leave --batch out.`,
    zh: `--batch 需要提供 Batch API 的服务（如 openai、dashscope）；${who} 没有。请去掉 --batch。`,
  })
}

// What answers in the server's place, such as a gateway's page, says nothing about a batch.
function nonsense({ baseUrl }: Provider): Problem {
  const en = `${baseUrl}: the answer is none of a Batch API`
  return { kind: 'again', words: { en, zh: `${baseUrl}：返回的不是 Batch API 的回答` } }
}

function notYet(id: string): Problem {
  return {
    kind: 'again',
    words: { en: `the results of ${id} are not there yet`, zh: `批处理 ${id} 的结果尚未就绪` },
  }
}

function nameless(id: string): Fault {
  return ending({
    en: `the batch ${id} is completed, and the server names no file of its results. Look at it in the provider's console; the same command looks again. If there is none: delete the line of ${id} in ${batchesFile}, and its questions are asked and paid for once more.`,
    zh: `批处理 ${id} 已完成，但服务器没有给出结果文件。请在服务商控制台查看；重新运行同一命令会再看一次。如果确实没有：请删除 ${batchesFile} 中 ${id} 那一行，这些问题会重新请求并再次付费。`,
  })
}

function tooMuch(id: string, most: string, what: 'line' | 'file'): Fault {
  return ending({
    en: `the results of ${id} came down with a ${what} of more than ${most}, and are none of the workshop's questions. Look at the batch in the provider's console; the same command fetches them again.`,
    zh: `批处理 ${id} 的结果中有超过 ${most} 的${what === 'line' ? '一行' : '文件'}，不可能是本程序所问的。请在服务商控制台查看；重新运行同一命令会再次下载。`,
  })
}

function unknownStatus(id: string, status: string): Fault {
  const shown = status.slice(0, 40)
  return ending({
    en: `the batch ${id} has the status "${shown}", which means nothing to the workshop. Look at it in the provider's console; once it is completed, failed, expired or cancelled there, the same command goes on.`,
    zh: `批处理 ${id} 的状态是“${shown}”，本程序不认识。请在服务商控制台查看；等它显示 completed、failed、expired 或 cancelled 后，重新运行同一命令即可继续。`,
  })
}

function unknownBatch(id: string, { baseUrl, keyFrom }: Provider): Fault {
  const key = keyFrom || 'LLM_API_KEY'
  return ending({
    en: `${baseUrl} knows no batch ${id}, or has its results no more. Was it made at another address, or with another key than that of ${key}? Else delete the line of ${id} in ${batchesFile}, and its questions are asked and paid for once more.`,
    zh: `${baseUrl} 上没有批处理 ${id}，或者结果已不再保留。它是不是在另一个地址、或用 ${key} 以外的密钥提交的？如果都不是，请删除 ${batchesFile} 中 ${id} 那一行，这些问题会重新请求并再次付费。`,
  })
}

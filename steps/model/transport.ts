// What comes over the connection, made into the one JSON value the openai package reads: whatever the server calls it,
// whatever stands before it, and also when it comes as a stream nobody asked for. Waits as long as bytes come.
import type { IncomingMessage } from 'node:http'
import { pipeline } from 'node:stream'
import { field, isObject, jsonIn, textField } from '../workspace/jsonl.ts'
import type { Hide } from '../workspace/environment.ts'
import type { Words } from '../workspace/fault.ts'
import type { Provider } from './call.ts'

/** No byte came for this long. */
export class Silence extends Error {
  readonly ms: number

  constructor(ms: number) {
    super(`no byte for ${ms / 1000} s`)
    this.ms = ms
  }
}

// Time without a byte. Local servers may have to load the model first, or answer others before.
const usualSilence = { remote: 60_000, local: 300_000 } // ms

/** Milliseconds without a byte after which a request to a server is given up. */
export function silenceOf({ silence, local }: Provider): number {
  return silence ?? (local ? usualSilence.local : usualSilence.remote)
}

type Fetch = (url: string | URL | Request, init?: RequestInit) => Promise<Response>

/** An answer as it comes in. */
type Incoming = { status: number; headers: Headers; body: AsyncIterable<Uint8Array> }
type Send = (url: URL, init: RequestInit, signal: AbortSignal) => Promise<Incoming>

/**
 * A fetch that reads answers whole. Redirects are not followed: a key must not go where nobody sent it. `silence`: ms
 * without a byte after which a request is given up. `hide`: takes the key out of what comes back.
 */
export function readingFetch(silence: number, hide: Hide = asItIs, send: Send = sendPlainly): Fetch {
  const watch = new Watch(silence)
  return (url, init = {}) =>
    watch.over(init.signal ?? undefined, async (signal, heard) => {
      const { status, headers, body } = await send(new URL(String(url)), init, signal)
      heard()
      return told(await wholeOf(body, heard), status, headers, hide)
    })
}

async function wholeOf(
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  heard: () => void = () => undefined,
): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body) {
    heard()
    bytes += chunk.length
    if (bytes > longestAnswer) throw new Error(`an answer of more than ${longestAnswer / 2 ** 20} MB`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

const longestAnswer = 64 * 2 ** 20 // bytes; a server that never ends would fill the memory
const asItIs: Hide = (text) => text

/** A fetch for files too, which are not held in memory: their reader has to hide the key. */
export function fetchWithReason(hide: Hide): Fetch {
  return async (url, init) => {
    const response = await fetch(url, { ...init, redirect: 'manual' })
    const isFile = response.ok && new URL(response.url).pathname.endsWith('/content')
    return isFile
      ? response
      : told(await wholeOf(response.body ?? []), response.status, response.headers, hide)
  }
}

// The package looks for what went wrong under `error`, and hears nothing where a server says it elsewhere.
function told(plainText: string, status: number, headers: Headers, hide: Hide): Response {
  const answer = hidden(answerIn(plainText), hide)
  const kept = new Headers(headers)
  for (const name of ['content-encoding', 'content-length', 'transfer-encoding']) kept.delete(name)
  if ([204, 205, 304].includes(status)) return new Response(null, { status, headers: kept })
  const ok = status >= 200 && status < 300
  const text = ok && answer !== undefined ? '' : hide(plainText)
  const body = ok ? answer : { error: answer ?? { message: text.slice(0, longestReason) } }
  kept.set('content-type', body === undefined ? 'text/plain' : 'application/json')
  return readResponse(body ?? text, { status, headers: kept })
}

/** A response of what is read already: whoever wants its JSON need not read it again. */
function readResponse(content: unknown, terms: ResponseInit): Response {
  return Object.assign(new Response(null, terms), {
    json: () => Promise.resolve(content),
    text: () => Promise.resolve(typeof content === 'string' ? content : JSON.stringify(content)),
  })
}

const deepestAnswer = 100 // brackets inside brackets

/** A value with the key taken out of all its texts and names, before any of them is cut. */
function hidden(value: unknown, hide: Hide, depth = 0): unknown {
  if (typeof value === 'string') return hide(value)
  if (typeof value !== 'object' || value === null || hide === asItIs) return value
  if (depth > deepestAnswer) return null
  if (Array.isArray(value)) return value.map((part) => hidden(part, hide, depth + 1))
  const parts = Object.entries(value).map(([name, part]) => [hide(name), hidden(part, hide, depth + 1)])
  return Object.fromEntries(parts) as object
}

const longestReason = 2000 // characters of a page or text that stands in for an error

// Node's own client, and not its `fetch`, which takes three times the work: with a hundred in flight that is more than all
// else a run does for a reply. Whoever asks no server loads none of it.

const connectAtMost = 10_000 // ms

function sendPlainly(
  url: URL,
  { method, headers, body }: RequestInit,
  signal: AbortSignal,
): Promise<Incoming> {
  const { request } = process.getBuiltinModule(url.protocol === 'https:' ? 'node:https' : 'node:http')
  return new Promise((resolve, reject) => {
    const sent = request(url, {
      method: method ?? 'GET',
      headers: { ...Object.fromEntries(new Headers(headers)), 'accept-encoding': 'gzip, deflate, br' },
      signal,
      timeout: connectAtMost,
    })
    // A quiet server may be thinking; one that is not even connected to will not answer.
    sent.on('timeout', () => sent.socket?.connecting && sent.destroy(new Error('connect timeout')))
    sent.on('error', reject)
    sent.on('close', () => reject(new Error('closed without an answer'))) // as on a switch of protocols
    sent.on('response', (answer) => {
      const status = answer.statusCode ?? 0
      resolve({ status, headers: headersIn(answer), body: unpacked(answer) })
    })
    sent.end(body)
  })
}

function headersIn({ headers }: IncomingMessage): Headers {
  return new Headers(Object.entries(headers).map(([name, value]) => [name, String(value)]))
}

function unpacked(answer: IncomingMessage): AsyncIterable<Uint8Array> {
  const packing = answer.headers['content-encoding'] ?? 'identity'
  if (packing === 'identity') return answer
  const { createBrotliDecompress, createUnzip } = process.getBuiltinModule('node:zlib')
  const unpacking = packing === 'br' ? createBrotliDecompress() : createUnzip()
  return pipeline(answer, unpacking, () => undefined) // whoever reads it hears of an error
}

// A server that answers one request at a time keeps the others waiting without a byte. So a request is not given up while
// those that were sent before it get bytes: it waits its turn. One that later ones overtake is.

const sameTime = 1000 // ms; requests sent within it may be taken in any order

type Watched = { sentAt: number; heardAt: number }

class Watch {
  private readonly silence: number
  private readonly open = new Set<Watched>()

  constructor(silence: number) {
    this.silence = silence
  }

  async over<T>(
    outer: AbortSignal | undefined,
    work: (signal: AbortSignal, heard: () => void) => Promise<T>,
  ): Promise<T> {
    const inner = new AbortController()
    const now = Date.now()
    const watched: Watched = { sentAt: now, heardAt: now }
    // Looks when it might be over, and not at every byte of every request, whether it is.
    const look = (): void => {
      const left = watched.heardAt + this.silence - Date.now()
      if (left <= 0) inner.abort(new Silence(this.silence))
      else timer = setTimeout(look, left)
    }
    let timer = setTimeout(look, this.silence)
    const stop = (): void => inner.abort(outer?.reason)
    this.open.add(watched)
    if (outer?.aborted) stop()
    outer?.addEventListener('abort', stop)
    try {
      return await work(inner.signal, () => this.heard(watched))
    } catch (error) {
      throw inner.signal.reason instanceof Silence ? inner.signal.reason : error
    } finally {
      clearTimeout(timer)
      outer?.removeEventListener('abort', stop)
      this.open.delete(watched)
    }
  }

  private heard({ sentAt }: Watched): void {
    const now = Date.now()
    for (const other of this.open) if (other.sentAt >= sentAt - sameTime) other.heardAt = now
  }
}

const longSilence = 60_000 // ms from the first attempt on without any sign: that is said, and waited on

/** Says, once, that a server has been silent from the first attempt on. */
export class FirstSilence {
  private since: number | undefined
  private ended = false
  private timer: NodeJS.Timeout | undefined
  private readonly provider: Provider
  private readonly tell: (words: Words) => void

  constructor(provider: Provider, tell: (words: Words) => void) {
    this.provider = provider
    this.tell = tell
  }

  get ms(): number | undefined {
    return this.ended || this.since === undefined ? undefined : Date.now() - this.since
  }

  begin(halt: AbortSignal): void {
    if (this.since !== undefined || this.provider.byHand || this.provider.standIn) return
    this.since = Date.now()
    this.timer = setTimeout(() => this.tell(silentSoFar(this.provider)), longSilence)
    this.timer.unref()
    halt.addEventListener('abort', () => this.end())
  }

  end(): void {
    this.ended = true
    clearTimeout(this.timer)
  }
}

function silentSoFar(provider: Provider): Words {
  const [s, most] = [longSilence, silenceOf(provider)].map((ms) => Math.round(ms / 1000))
  const { baseUrl } = provider
  return provider.local
    ? {
        en: `${baseUrl} has sent nothing for ${s} s. It may be loading the model, or reading a prompt slowly: what does its own window say? A smaller model, or --concurrency 1, answers sooner. A request is waited for up to ${most} s (--timeout). ${howToStop.en}`,
        zh: `${baseUrl} 已有 ${s} 秒没有任何回应。可能正在加载模型，或者读提示词很慢：请看看服务器自己的窗口。换小一点的模型，或加上 --concurrency 1，会快一些。每次请求最多等 ${most} 秒（--timeout）。${howToStop.zh}`,
      }
    : {
        en: `${baseUrl} has sent nothing for ${s} s. Is the address right, and is there a proxy or firewall in between? \`check\` looks at the connection alone. A request is waited for up to ${most} s (--timeout). ${howToStop.en}`,
        zh: `${baseUrl} 已有 ${s} 秒没有任何回应。地址是否正确？中间有没有代理或防火墙？\`check\` 可以单独检查连接。每次请求最多等 ${most} 秒（--timeout）。${howToStop.zh}`,
      }
}

export const howToStop: Words = {
  en: 'Ctrl-C ends the run; the same command goes on.',
  zh: '按 Ctrl-C 可结束，重新运行同一命令即可继续。',
}

/** The JSON value in an answer; undefined where there is none. Lines of comments and blanks before it are passed over. */
export function answerIn(text: string): unknown {
  const whole = jsonIn(text.replace(/^\ufeff/, ''))
  if (whole !== undefined) return whole
  const lines = text.replace(/^\ufeff/, '').split(/\r\n?|\n/)
  const said = lines.filter((line) => line.trim() !== '' && !line.startsWith(':'))
  const rest = jsonIn(said.join('\n'))
  return rest === undefined ? joined(eventsIn(said), /^data:\s*\[DONE\]/m.test(text)) : rest
}

const oddLines = 100 // that look like JSON and are none; no stream has more, and each takes long to find out

// Server-sent events, or the same as lines of JSON.
function eventsIn(lines: readonly string[]): object[] {
  const events: object[] = []
  let odd = 0
  for (const line of lines) {
    const text = line.replace(/^data:\s*/, '')
    const value = text.startsWith('{') ? jsonIn(text) : undefined
    if (isObject(value)) events.push(value)
    else if (text.startsWith('{') && ++odd > oddLines) break
  }
  return events
}

/** The whole reply that a stream of pieces makes; an error in it stands for all. */
function joined(events: readonly object[], ended: boolean): unknown {
  const failed = events.find((event) => field(event, 'error') != null)
  const pieces = events.map((event) => firstOf(field(event, 'choices')))
  if (failed || pieces.every((piece) => piece === undefined)) return failed ?? events[0]
  const message: Record<string, unknown> = { role: 'assistant', content: null }
  let finish_reason: unknown = ended ? null : 'broken off'
  for (const piece of pieces) {
    finish_reason = field(piece, 'finish_reason') ?? finish_reason
    add(message, field(piece, 'delta') ?? field(piece, 'message'))
  }
  const usage = events.map((event) => field(event, 'usage')).findLast((told) => told != null)
  return { choices: [{ index: 0, message, finish_reason }], usage }
}

const spoken = ['content', 'reasoning_content', 'reasoning', 'refusal'] as const

function add(message: Record<string, unknown>, delta: unknown): void {
  for (const name of spoken) {
    const piece = textIn(field(delta, name))
    if (piece !== '') message[name] = `${message[name] ?? ''}${piece}`
  }
  const called = field(firstOf(field(delta, 'tool_calls')), 'function') ?? field(delta, 'function_call')
  const piece = field(called, 'arguments')
  if (typeof piece !== 'string') return
  const before = field(message.function_call, 'arguments') ?? ''
  message.function_call = { arguments: `${String(before)}${piece}` }
}

/** The text of a message: as it is, or the parts of a list that are text and no thought. */
export function textIn(content: unknown): string {
  return (Array.isArray(content) ? content : [content]).map(textOfPart).join('')
}

function textOfPart(part: unknown): string {
  const kind = textField(part, 'type') || 'text'
  const text = typeof part === 'string' ? part : field(part, 'text')
  return typeof text === 'string' && ['text', 'output_text'].includes(kind) ? text : ''
}

function firstOf(list: unknown): unknown {
  return Array.isArray(list) ? list[0] : undefined
}

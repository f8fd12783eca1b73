// What comes over the connection, made into the one JSON value the openai package reads: whatever the server calls it,
// whatever stands before it, and also when it comes as a stream nobody asked for. Waits as long as bytes come.
import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { field, isObject, jsonIn } from '../workspace/jsonl.ts'
import type { Hide } from '../workspace/environment.ts'
import type { Words } from '../workspace/fault.ts'
import { type Provider, endTold, messageIn, textIn, thoughtNames, usageIn } from './call.ts'

/** No byte came for this long. */
export class Silence extends Error {
  readonly ms: number

  constructor(ms: number) {
    super(`no byte for ${ms / 1000} s`)
    this.ms = ms
  }

  get words(): Words {
    const s = this.ms / 1000
    const longer = Math.max(1, Math.ceil(s * 3))
    return {
      en: `no byte for ${s} s. If the server needs longer: --timeout ${longer}`,
      zh: `${s} 秒内没有收到任何数据。如果服务器需要更久：--timeout ${longer}`,
    }
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
      const { bytes, broken } = await allOf(body, heard)
      const text = readAs(bytes, headers, broken)
      if (broken !== undefined && !isWhole(text)) throw broken
      return told(text, status, headers, hide)
    })
}

/** The bytes of an answer, to its end or to where it broke off. */
async function allOf(
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  heard: () => void = () => undefined,
): Promise<{ bytes: Buffer; broken?: unknown }> {
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for await (const chunk of body) {
      heard()
      length += chunk.length
      if (length > longestAnswer) throw new Error(`an answer of more than ${longestAnswer / 2 ** 20} MB`)
      chunks.push(chunk)
      if (endOfStream.test(Buffer.from(chunk.subarray(-longestEnd)).toString())) break
    }
    return { bytes: Buffer.concat(chunks) }
  } catch (broken) {
    return { bytes: Buffer.concat(chunks), broken }
  }
}

const longestEnd = 40 // bytes
// Some servers leave the connection open behind it, which no client notices that stops here.
const endOfStream = /[\r\n]data: ?\[DONE\]\s*$/

/** An answer as text. Where it broke off, bytes that cannot be unpacked say nothing new. */
function readAs(bytes: Buffer, headers: Headers, broken: unknown): string {
  try {
    const sent = unpacked(bytes, headers.get('content-encoding') ?? '')
    return textOf(sent, headers.get('content-type') ?? '')
  } catch (error) {
    throw broken ?? error
  }
}

/** Whether an answer is all there though its connection was lost: it is paid for, and asked again it would be once more. */
function isWhole(text: string): boolean {
  return endOfStream.test(text) || isObject(jsonIn(text))
}

const longestAnswer = 64 * 2 ** 20 // bytes; a server that never ends would fill the memory
const asItIs: Hide = (text) => text

/** A fetch for files too, which are not held in memory: their reader has to hide the key. */
export function fetchWithReason(hide: Hide): Fetch {
  return async (url, init) => {
    const response = await fetch(url, { ...init, redirect: 'manual' })
    const isFile = response.ok && new URL(response.url).pathname.endsWith('/content')
    if (isFile) return response
    const { bytes, broken } = await allOf(response.body ?? [])
    if (broken !== undefined) throw broken
    return told(bytes.toString('utf8'), response.status, response.headers, hide)
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
const longestHead = 2 ** 17 // bytes; some gateways write more than Node's own limit of 2 ** 14

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
      maxHeaderSize: longestHead,
    })
    // A quiet server may be thinking; one that is not even connected to will not answer.
    sent.on('timeout', () => sent.socket?.connecting && sent.destroy(new Error('connect timeout')))
    sent.on('error', reject)
    sent.on('close', () => reject(new Error('closed without an answer'))) // as on a switch of protocols
    sent.on('response', (answer) => {
      const status = answer.statusCode ?? 0
      resolve({ status, headers: headersIn(answer), body: answer })
    })
    sent.end(body)
  })
}

function headersIn({ headers }: IncomingMessage): Headers {
  return new Headers(Object.entries(headers).map(([name, value]) => [name, String(value)]))
}

const packedAtMost = 3 // times

/** What was packed, as it was before. What a gateway calls it may be wrong: then the bytes themselves say it. */
function unpacked(bytes: Buffer, called: string, times = 0): Buffer {
  const zlib = process.getBuiltinModule('node:zlib')
  const atMost = { maxOutputLength: longestAnswer }
  if (times > packedAtMost) throw new Error('packed too often')
  if (bytes[0] === 0x1f && bytes[1] === 0x8b)
    return unpacked(zlib.gunzipSync(bytes, atMost), called, times + 1)
  if (times > 0 || !/deflate|br/i.test(called) || isPlain(bytes)) return bytes
  if (/br/i.test(called)) return zlib.brotliDecompressSync(bytes, atMost)
  const hasHead = ((bytes[0] ?? 0) & 15) === 8
  return hasHead ? zlib.inflateSync(bytes, atMost) : zlib.inflateRawSync(bytes, atMost)
}

function isPlain(bytes: Buffer): boolean {
  return isUtf8(bytes) && /^\s*([{[<:]|data:|event:)/.test(bytes.toString('utf8', 0, 100))
}

/** JSON is UTF-8, whatever a server calls it; only bytes that are not are read as they are called. */
function textOf(bytes: Buffer, type: string): string {
  const mark = bytes.toString('hex', 0, 2)
  const marked = mark === 'fffe' ? 'utf-16le' : mark === 'feff' ? 'utf-16be' : undefined
  const charset = marked ?? /charset="?([\w-]+)/i.exec(type)?.[1]
  if (charset === undefined || isUtf8(bytes)) return bytes.toString('utf8')
  try {
    return new TextDecoder(charset).decode(bytes)
  } catch {
    return bytes.toString('utf8')
  }
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
  const pieces = events.flatMap((event) => pieceOf(event) ?? [])
  if (failed || pieces.length === 0) return failed ?? events[0]
  const message: Record<string, unknown> = { role: 'assistant', content: null }
  let finish_reason: unknown = ended ? null : 'broken off'
  for (const piece of pieces) {
    finish_reason = endTold(piece) ?? finish_reason
    add(message, piece)
  }
  const usage = events.map((event) => usageIn(event)).findLast((told) => told != null)
  return { choices: [{ index: 0, message, finish_reason }], usage }
}

/** What an event adds to the first choice: as OpenAI streams it, or Ollama. */
function pieceOf(event: object): unknown {
  const choice = firstOf(field(event, 'choices'))
  if (choice === undefined) return field(event, 'done') === undefined ? undefined : event
  return Number(field(choice, 'index') ?? 0) === 0 ? choice : undefined
}

const spoken = ['content', 'refusal', ...thoughtNames] as const

function add(message: Record<string, unknown>, piece: unknown): void {
  const delta = field(piece, 'delta') ?? messageIn(piece)
  const isWhole = delta === field(piece, 'message') && field(piece, 'done') === undefined
  for (const name of spoken) {
    const text = textIn(field(delta, name))
    const before = String(message[name] ?? '')
    // Some servers say the whole once more at the end, or each time all there is so far.
    const isAll = isWhole && before !== '' && text.startsWith(before)
    if (text !== '') message[name] = isAll ? text : `${before}${text}`
  }
  const called = field(firstOf(field(delta, 'tool_calls')), 'function') ?? field(delta, 'function_call')
  const given = field(called, 'arguments')
  if (typeof given !== 'string') return
  const before = field(message.function_call, 'arguments') ?? ''
  message.function_call = { arguments: `${String(before)}${given}` }
}

function firstOf(list: unknown): unknown {
  return Array.isArray(list) ? list[0] : undefined
}

// One request over the wire: body, one attempt through the openai package, and what came back or what went wrong.
// The package's own retries are off: under 6.x they cannot be interrupted and obey a Retry-After of any length.
import { createRequire } from 'node:module'
import type OpenAI from 'openai'
import { field } from '../workspace/jsonl.ts'
import {
  type Problem,
  type Provider,
  type Question,
  type Reply,
  type Usage,
  type Wire,
  interrupted,
  isProblem,
  schemas,
  wireName,
} from './call.ts'
import { noticeOf, problemOf, tooLate } from './problem.ts'

const require = createRequire(import.meta.url) // as ES modules the package takes twice as long to load under tsx

const shortestKey = 16 // characters; the providers' keys have 32 and more

// Time for one whole attempt, body included. Local servers may have to load the model first.
const attemptTimeout = { remote: 60_000, local: 300_000 } // ms

/** The openai package set up for a provider. */
export function openClient(provider: Provider, timeout: number): OpenAI {
  const { OpenAI: Client } = require('openai') as typeof import('openai')
  return new Client({
    apiKey: provider.key || 'none', // local servers want none, the package wants some
    baseURL: provider.baseUrl,
    organization: null, // else OPENAI_ORG_ID and OPENAI_PROJECT_ID would leak to other hosts
    project: null,
    maxRetries: 0,
    timeout,
    logLevel: 'off', // OPENAI_LOG=debug prints to standard output
    fetch: fetchWithReason,
  })
}

/** A wire to a real server. Parameters it refuses are replaced or dropped once, and stay so for the run. */
export async function openWire(
  provider: Provider,
  timeout = provider.local ? attemptTimeout.local : attemptTimeout.remote,
): Promise<Wire> {
  const client = openClient(provider, timeout)
  const dialect = dialectOf(provider)
  const send = (body: Body, signal: AbortSignal): Promise<unknown> =>
    inTime(signal, timeout, (bounded) => client.chat.completions.create(body, { signal: bounded })).catch(
      (error: unknown) => {
        if (signal.aborted) throw interrupted
        throw error === late ? tooLate(provider, timeout) : problemOf(error, provider)
      },
    )
  return async (question, signal) => {
    for (;;) {
      const spelling = dialect.version
      const body = dialect.spell(question)
      const answer = await send(body, signal).catch((problem: Problem) => problem)
      if (!isProblem(answer)) return readReply(body, withoutKey(answer, provider.key))
      if (answer.kind !== 'parameter') throw answer
      // Another request may have learnt the same meanwhile: then the new spelling is simply tried.
      if (spelling === dialect.version && !dialect.learn(answer)) throw { ...answer, kind: 'request' }
    }
  }
}

// A debugging proxy may send back what it got. Stand-in keys such as "ollama" are words like others.
function withoutKey(completion: unknown, key = ''): unknown {
  const text = key.length < shortestKey ? '' : (JSON.stringify(completion) ?? '')
  return text.includes(key) && text !== '' ? JSON.parse(text.replaceAll(key, '…')) : completion
}

const late = Symbol('late')

/** Bounds the whole work, body included: the package's own time-out ends with the headers. Throws `late`. */
async function inTime<T>(
  signal: AbortSignal,
  ms: number,
  work: (bounded: AbortSignal) => Promise<T>,
): Promise<T> {
  const bounded = new AbortController()
  const stop = (): void => bounded.abort()
  const timer = setTimeout(stop, ms)
  signal.addEventListener('abort', stop)
  try {
    return await work(bounded.signal)
  } catch (error) {
    throw bounded.signal.aborted ? late : error
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}

/** The package looks for what went wrong under `error`; servers that say it elsewhere would be heard as "no body". */
async function fetchWithReason(url: string | URL | Request, init?: RequestInit): Promise<Response> {
  const response = await fetch(url, init)
  if (response.ok || !response.headers.get('content-type')?.includes('json')) return response
  const text = await response.text()
  const { status, headers } = response
  return new Response(withReason(text), { status, headers })
}

function withReason(text: string): string {
  try {
    const told: unknown = JSON.parse(text)
    return field(told, 'error') === undefined ? JSON.stringify({ error: told }) : text
  } catch {
    return text
  }
}

export type Body = OpenAI.ChatCompletionCreateParamsNonStreaming

/** How to spell requests to a provider: what one of them taught holds for all of the run. */
export function dialectOf(provider: Provider): Dialect {
  const known = dialects.get(provider) ?? new Dialect(provider)
  dialects.set(provider, known)
  return known
}

const dialects = new WeakMap<Provider, Dialect>()

class Dialect {
  version = 0
  private readonly provider: Provider
  private readonly formats = ['json_schema', 'json_object', 'text']
  private tokenLimit: string
  private readonly dropped = new Set<string>()

  constructor(provider: Provider) {
    this.provider = provider
    this.tokenLimit = provider.tokenLimit
  }

  spell({ messages, schema, temperature, maxTokens, penalty }: Question): Body {
    const { model, extra, penalties } = this.provider
    const parameters: Record<string, unknown> = { temperature, [this.tokenLimit]: maxTokens, ...extra }
    if (penalty !== undefined) for (const name of penalties) parameters[name] = penalty
    const [type] = this.formats
    const json_schema = { name: wireName(schema), strict: true, schema: schemas[schema] }
    if (type !== 'text')
      parameters.response_format = type === 'json_schema' ? { type, json_schema } : { type }
    for (const name of this.dropped) delete parameters[name]
    return { model, messages, ...parameters } as Body
  }

  /** Takes in what a 400 said about a parameter; false when there is nothing left to change about it. */
  learn({ parameter = '' }: Problem): boolean {
    const changed = this.change(parameter)
    if (changed) this.version++
    return changed
  }

  private change(parameter: string): boolean {
    if (parameter === 'response_format') return this.formats.length > 1 && this.formats.shift() !== undefined
    if (this.dropped.has(parameter)) return false
    if (parameter === this.tokenLimit && this.tokenLimit === this.provider.tokenLimit) {
      this.tokenLimit = parameter === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens'
      return true
    }
    const mayGo = [
      'temperature',
      ...this.provider.penalties,
      this.tokenLimit,
      ...Object.keys(this.provider.extra),
    ]
    if (mayGo.includes(parameter)) this.dropped.add(parameter)
    return mayGo.includes(parameter)
  }
}

// A server may answer 200 with a page, an error object, or something else: the shape is checked, whatever the types say.
export function readReply(request: Body, completion: unknown): Reply {
  const choices = field(completion, 'choices')
  const choice: unknown = Array.isArray(choices) ? choices[0] : undefined
  const message = field(choice, 'message')
  if (typeof message !== 'object' || message === null) throw noticeOf(completion)
  const content = field(message, 'content')
  const refusal = field(message, 'refusal')
  const reply = typeof content === 'string' ? content : null
  const finish = field(choice, 'finish_reason')
  return {
    request,
    reply,
    finish_reason: typeof finish === 'string' ? finish : '',
    ...(typeof refusal === 'string' && refusal !== '' ? { refusal } : {}),
    usage: readUsage(field(completion, 'usage')),
  }
}

function readUsage(usage: unknown): Usage {
  const prompt_tokens = countIn(usage, 'prompt_tokens')
  const cached = countIn(field(usage, 'prompt_tokens_details'), 'cached_tokens')
  const completion_tokens = countIn(usage, 'completion_tokens')
  return { prompt_tokens, completion_tokens, cached_tokens: Math.min(cached, prompt_tokens) }
}

function countIn(usage: unknown, name: string): number {
  const count = field(usage, name)
  return typeof count === 'number' && count >= 0 ? Math.floor(count) : 0
}

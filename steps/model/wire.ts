// One request over the wire: one attempt through the openai package, and what came back or what went wrong.
// The package's own retries are off: under 6.x they cannot be interrupted and obey a Retry-After of any length.
import { createRequire } from 'node:module'
import type OpenAI from 'openai'
import { hiding } from '../workspace/environment.ts'
import { field } from '../workspace/jsonl.ts'
import {
  type Message,
  type Problem,
  type Provider,
  type Question,
  type Reply,
  type Wire,
  interrupted,
  isProblem,
  schemas,
  wireName,
} from './call.ts'
import { quotaIn } from './limits.ts'
import { inPlaceOfApi, noticeOf, problemOf } from './problem.ts'
import { readReply } from './reply.ts'
import { fetchWithReason, readingFetch, silenceOf } from './transport.ts'

const require = createRequire(import.meta.url) // as ES modules the package takes twice as long to load under tsx

const noTimeout = 2 ** 31 - 1 // ms; the most a timer takes

/** The openai package set up for a provider. `fetch`: how answers are read. */
export function openClient(
  provider: Provider,
  timeout: number,
  fetch = fetchWithReason(hiding(provider.key)),
): OpenAI {
  const { OpenAI: Client } = require('openai') as typeof import('openai')
  return new Client({
    apiKey: provider.key || 'none', // local servers want none, the package wants some
    baseURL: provider.baseUrl,
    organization: null, // else OPENAI_ORG_ID and OPENAI_PROJECT_ID would leak to other hosts
    project: null,
    maxRetries: 0,
    timeout,
    logLevel: 'off', // OPENAI_LOG=debug prints to standard output
    fetch,
  })
}

function openReading(provider: Provider): OpenAI {
  return openClient(provider, noTimeout, readingFetch(silenceOf(provider), hiding(provider.key)))
}

/** The models a server lists, each once. Throws a Problem. */
export async function listModels(provider: Provider): Promise<string[]> {
  try {
    const answer = await openReading(provider).get<unknown>('/models')
    const list = [answer, field(answer, 'data'), field(answer, 'models')].find(Array.isArray) as unknown
    // Ollama's `data` is null where it has no model.
    if (list === undefined && field(answer, 'object') !== 'list') throw noticeOf(answer, provider)
    const names = [list ?? []].flat().map((model) => field(model, 'id') ?? field(model, 'name'))
    return [...new Set(names.filter((name) => typeof name === 'string'))]
  } catch (error) {
    const problem = isProblem(error) ? error : problemOf(error, provider)
    throw problem.kind === 'page' ? inPlaceOfApi(problem, provider, false) : problem
  }
}

/** A wire to a real server. */
export async function openWire(provider: Provider): Promise<Wire> {
  const client = openReading(provider)
  const dialect = dialectOf(provider)
  const faults = new WeakMap<Question, number>() // of the server's own, before anything succeeded

  const send = async (body: Body, signal: AbortSignal): Promise<Reply | Problem> => {
    try {
      const sent = client.post<unknown>('/chat/completions', { body, signal })
      const { data, response } = await sent.withResponse()
      const reply = readReply(body, data, provider)
      dialect.succeed()
      const { prompt_tokens, completion_tokens } = reply.usage
      return { ...reply, quota: quotaIn(response.headers, prompt_tokens + completion_tokens) }
    } catch (error) {
      if (signal.aborted) throw interrupted
      const problem = isProblem(error) ? error : problemOf(error, provider)
      return problem.kind === 'page' ? inPlaceOfApi(problem, provider, dialect.succeeded) : problem
    }
  }

  /** Whether a plainer spelling may do: it was refused, or the server failed over it three times. */
  const isRefused = (question: Question, { kind, status = 0, behind }: Problem): boolean => {
    if (kind === 'refused' || kind === 'parameter') return true
    if (kind !== 'again' || status < 500 || behind) return false
    const times = (faults.get(question) ?? 0) + 1
    faults.set(question, times)
    return times >= faultsInVain
  }

  const plainly = (question: Question, signal: AbortSignal): Promise<Reply | undefined> =>
    dialect.tryPlainer(question, async (body) => {
      const answer = await send(body, signal)
      if (!isProblem(answer)) return answer
      if (['refused', 'parameter', 'again', 'request'].includes(answer.kind) && !answer.connection)
        return undefined
      throw answer
    })

  return async (asked, signal) => {
    let question = asked
    for (;;) {
      await dialect.settled()
      const { spelling } = dialect
      const answer = await send(dialect.spellCall(question), signal)
      if (!isProblem(answer)) return answer
      if (answer.room && answer.room < question.maxTokens) {
        question = { ...question, maxTokens: answer.room } // others may have more
        continue
      }
      if (answer.kind === 'sample') dialect.learnFromSample()
      const refused = isRefused(question, answer)
      // Another request may have learnt the same meanwhile: then the new spelling is simply tried.
      if (refused && spelling !== dialect.spelling) continue
      if (answer.kind === 'parameter' && dialect.learn(answer)) continue
      if (!refused) throw answer
      const reply = dialect.mayBePlainer ? await plainly(question, signal) : undefined
      if (reply) return reply
      throw answer.kind === 'again' ? answer : { ...answer, kind: 'request' }
    }
  }
}

const faultsInVain = 3

// How requests to one server are spelt. What it refuses is replaced or dropped once, and stays so for the run; where it
// does not say what is wrong, plainer spellings are tried one after the other, before anything has succeeded.

export type Body = { model: string; messages: Message[]; [parameter: string]: unknown }

type Spelling = {
  format: 'json_schema' | 'json_object' | 'text'
  tokenLimit: Provider['tokenLimit']
  most: number // tokens of a reply the server takes
  dropped: readonly string[]
  thinkingOff: boolean // `enable_thinking: false` is sent
  merged: boolean // the system text stands in the first message of the user
  streamed: boolean
}

const plainerFormat = { json_schema: 'json_object', json_object: 'text', text: undefined } as const
const tokenLimits = ['max_tokens', 'max_completion_tokens']

export class Dialect {
  /** What was learnt so far; a new object whenever something is. */
  spelling: Spelling
  /** Whether a request has succeeded: then the server takes requests as they are spelt. */
  succeeded = false
  private readonly provider: Provider
  private badSamples = 0
  private trial: Promise<unknown> | undefined
  private triedAll = false

  constructor(provider: Provider) {
    this.provider = provider
    const { tokenLimit } = provider
    const plain = { most: Infinity, dropped: [], thinkingOff: false, merged: false, streamed: false }
    this.spelling = { format: 'json_schema', tokenLimit, ...plain }
  }

  /** A request as it goes into the body of a call, or into a line of a batch. */
  spell({ messages, schema, temperature, maxTokens, penalty }: Question, spelling = this.spelling): Body {
    const { model, extra, penalties, params } = this.provider
    const { format: type, tokenLimit, most, dropped, thinkingOff, merged } = spelling
    const parameters: Record<string, unknown> = {
      temperature,
      [tokenLimit]: Math.min(maxTokens, most),
      ...extra,
    }
    if (penalty !== undefined) for (const name of penalties) parameters[name] = penalty
    if (thinkingOff) parameters.enable_thinking = false
    const json_schema = { name: wireName(schema), strict: true, schema: schemas[schema] }
    if (type !== 'text')
      parameters.response_format = type === 'json_schema' ? { type, json_schema } : { type }
    for (const name of dropped) delete parameters[name]
    return { model, messages: merged ? mergedIn(messages) : messages, ...parameters, ...params }
  }

  /** The same with what concerns a single call: whether it is streamed. */
  spellCall(question: Question, spelling = this.spelling): Body {
    const { streamed, dropped } = spelling
    const counted = streamed && !dropped.includes('stream_options')
    const stream = { stream: streamed, ...(counted && { stream_options: { include_usage: true } }) }
    return { ...stream, ...this.spell(question, spelling) }
  }

  /** A request succeeded as it was spelt. */
  succeed(): void {
    this.succeeded = true
    this.badSamples = 0
  }

  /** A sample did not fit what the server checks; after three in a row it need not check any more. */
  learnFromSample(): void {
    this.badSamples++
    if (this.badSamples >= samplesInVain && this.spelling.format !== 'text') this.change({ format: 'text' })
  }

  /** Takes in what was said about a parameter; false when there is nothing left to change about it. */
  learn({ parameter = '', most }: Problem): boolean {
    const change = this.changeFor(parameter, most)
    if (change) this.change(change)
    return change !== undefined
  }

  private change(change: Partial<Spelling>): void {
    this.spelling = { ...this.spelling, ...change }
  }

  private changeFor(parameter: string, most: number | undefined): Partial<Spelling> | undefined {
    const { format, merged, streamed, dropped, thinkingOff } = this.spelling
    const { extra, params = {} } = this.provider
    if (parameter in params) return undefined // somebody asked for it
    const without = { dropped: [...dropped, parameter] }
    if (tokenLimits.includes(parameter)) return this.changeOfLimit(most)
    if (parameter === 'response_format') {
      const plainer = plainerFormat[format]
      return plainer && { format: plainer }
    }
    if (parameter === 'system') return merged ? undefined : { merged: true }
    if (parameter === 'stream') return streamed ? undefined : { streamed: true }
    if (dropped.includes(parameter)) return undefined
    if (parameter === 'enable_thinking')
      return parameter in extra || thinkingOff ? { ...without, thinkingOff: false } : { thinkingOff: true }
    const sent = ['temperature', 'stream_options', ...this.provider.penalties, ...Object.keys(extra)]
    return sent.includes(parameter) ? without : undefined
  }

  private changeOfLimit(most = Infinity): Partial<Spelling> | undefined {
    const { tokenLimit, dropped } = this.spelling
    if (most < this.spelling.most) return { most }
    if (tokenLimit === this.provider.tokenLimit)
      return { tokenLimit: tokenLimit === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens' }
    return dropped.includes(tokenLimit) ? undefined : { dropped: [...dropped, tokenLimit] }
  }

  /** Resolves when no plainer spelling is being tried. */
  async settled(): Promise<void> {
    while (this.trial) await this.trial.catch(() => undefined)
  }

  /** Whether it is worth while to try plainer spellings. */
  get mayBePlainer(): boolean {
    return !this.succeeded && !this.triedAll && !this.trial
  }

  /** Tries plainer spellings, the plainest last; `attempt` returns undefined for one that the server does not take. */
  async tryPlainer<T>(
    question: Question,
    attempt: (body: Body) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const trial = this.tryEach(question, attempt)
    this.trial = trial.finally(() => (this.trial = undefined))
    this.trial.catch(() => undefined)
    return trial
  }

  private async tryEach<T>(
    question: Question,
    attempt: (body: Body) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const known = new Set([JSON.stringify(this.spellCall(question))])
    for (const plainer of this.plainer()) {
      const body = this.spellCall(question, plainer)
      if (known.size === known.add(JSON.stringify(body)).size) continue
      const answer = await attempt(body)
      if (answer === undefined) continue
      this.spelling = plainer
      return answer
    }
    this.triedAll = true
    return undefined
  }

  private plainer(): Spelling[] {
    const { spelling } = this
    const extras = [...Object.keys(this.provider.extra), ...this.provider.penalties]
    const unformatted: Spelling = { ...spelling, format: 'text' }
    const bare: Spelling = { ...unformatted, dropped: [...spelling.dropped, ...extras] }
    const merged: Spelling = { ...bare, merged: true }
    const quiet: Spelling = {
      ...merged,
      dropped: merged.dropped.filter((name) => name !== 'enable_thinking'),
    }
    return [
      unformatted,
      bare,
      merged,
      { ...quiet, thinkingOff: true },
      { ...merged, streamed: true },
      { ...merged, dropped: [...merged.dropped, 'temperature'] },
    ]
  }
}

const samplesInVain = 3

// Templates of some models know no system role, and want user and assistant to take turns.
function mergedIn(messages: readonly Message[]): Message[] {
  const system = messages.filter(({ role }) => role === 'system').map(({ content }) => content)
  const others = messages.filter(({ role }) => role !== 'system')
  const first = others.findIndex(({ role }) => role === 'user')
  return others.map((message, place) =>
    place === first ? { ...message, content: [...system, message.content].join('\n\n') } : message,
  )
}

/** How to spell requests to a provider: what one of them taught holds for all of the run. */
export function dialectOf(provider: Provider): Dialect {
  const known = dialects.get(provider) ?? new Dialect(provider)
  dialects.set(provider, known)
  return known
}

const dialects = new WeakMap<Provider, Dialect>()

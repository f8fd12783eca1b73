// One request over the wire: body, one attempt through the openai package, and what came back or what went wrong.
// The package's own retries are off: under 6.x they cannot be interrupted and obey a Retry-After of any length.
import type OpenAI from 'openai'
import type { Usage } from './call-log.ts'
import { noticeOf, type Problem, problemOf } from './problem.ts'
import type { Provider } from './provider.ts'
import { type SchemaName, schemas } from './schemas.ts'

export type Message = { role: 'system' | 'user'; content: string }

/** One question to the model. `temperature` and `maxTokens` as the step asks for them. */
export type Question = {
  messages: Message[]
  schema: SchemaName
  temperature: number
  maxTokens: number
  sample: number
}

export type Reply = {
  request: unknown
  reply: string | null
  finish_reason: string
  refusal?: string
  usage: Usage
}

/** Sends one question once. Throws a Problem when there is no reply. */
export type Wire = (question: Question, signal: AbortSignal) => Promise<Reply>

// Time for one whole attempt, body included. Local servers may have to load the model first.
const attemptTimeout = { remote: 60_000, local: 300_000 } // ms

/** A wire to a real server. Parameters it refuses are replaced or dropped once, and stay so for the run. */
export async function openWire(provider: Provider): Promise<Wire> {
  const { default: OpenAI } = await import('openai')
  const client = new OpenAI({
    apiKey: provider.key || 'none', // local servers want none, the package wants some
    baseURL: provider.baseUrl,
    organization: null, // else OPENAI_ORG_ID and OPENAI_PROJECT_ID would leak to other hosts
    project: null,
    maxRetries: 0,
    logLevel: 'off', // OPENAI_LOG=debug prints to standard output
  })
  const dialect = new Dialect(provider)
  const timeout = provider.local ? attemptTimeout.local : attemptTimeout.remote
  return async (question, signal) => {
    const whole = AbortSignal.any([signal, AbortSignal.timeout(timeout)])
    for (;;) {
      const spelling = dialect.version
      const body = dialect.spell(question)
      try {
        return readReply(body, await client.chat.completions.create(body, { signal: whole, timeout }))
      } catch (error) {
        const problem = problemOf(error, provider, signal.aborted)
        if (problem.kind !== 'parameter') throw problem
        // Another request may have learnt the same meanwhile: then the new spelling is simply tried.
        if (spelling === dialect.version && !dialect.learn(problem)) throw { ...problem, kind: 'request' }
      }
    }
  }
}

type Body = OpenAI.ChatCompletionCreateParamsNonStreaming

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

  spell({ messages, schema, temperature, maxTokens }: Question): Body {
    const format = {
      type: 'json_schema',
      json_schema: { name: schema, strict: true, schema: schemas[schema] },
    }
    const parameters: Record<string, unknown> = {
      temperature,
      [this.tokenLimit]: maxTokens,
      ...this.provider.extra,
    }
    if (this.formats[0] === 'json_schema') parameters.response_format = format
    if (this.formats[0] === 'json_object') parameters.response_format = { type: 'json_object' }
    for (const name of this.dropped) delete parameters[name]
    return { model: this.provider.model, messages, ...parameters } as Body
  }

  /** Takes in what a 400 said about a parameter; false when there is nothing left to change about it. */
  learn({ parameter = '' }: Problem): boolean {
    this.version++
    if (parameter === 'response_format') return this.formats.length > 1 && this.formats.shift() !== undefined
    if (parameter === this.tokenLimit && !this.dropped.has(parameter)) {
      if (this.tokenLimit !== this.provider.tokenLimit) this.dropped.add(this.tokenLimit)
      else this.tokenLimit = parameter === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens'
      return true
    }
    if (
      this.dropped.has(parameter) ||
      !['temperature', ...Object.keys(this.provider.extra)].includes(parameter)
    )
      return false
    this.dropped.add(parameter)
    return true
  }
}

// A server may answer 200 with a page, an error object, or something else: the shape is checked, whatever the types say.
function readReply(request: Body, completion: unknown): Reply {
  const choice = first(field(completion, 'choices'))
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
  return {
    prompt_tokens: count(field(usage, 'prompt_tokens')),
    completion_tokens: count(field(usage, 'completion_tokens')),
    cached_tokens: count(field(field(usage, 'prompt_tokens_details'), 'cached_tokens')),
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

function first(value: unknown): unknown {
  return Array.isArray(value) ? value[0] : undefined
}

function count(value: unknown): number {
  return typeof value === 'number' && value >= 0 ? Math.floor(value) : 0
}

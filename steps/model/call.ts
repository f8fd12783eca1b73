// Why a question got no answer. A file of its own, so that a step can tell answers from failures without loading a model.
import type { Words } from '../workspace/fault.ts'
import type { Step } from '../workspace/folder.ts'

export type Usage = { prompt_tokens: number; completion_tokens: number; cached_tokens: number }

export const noUsage: Usage = { prompt_tokens: 0, completion_tokens: 0, cached_tokens: 0 }

/** One line of the log. `rows` are the keys of the rows asked about together, in the order of their numbers. */
export type Call = {
  v: 1
  key: string
  sample: number
  rows?: string[]
  step: Step
  at: string // ISO 8601
  provider: string
  model: string
  request: unknown // what was sent
  reply: string | null
  finish_reason: string
  refusal?: string
  skipped?: string
  usage: Usage
  ms: number
  batch?: string // answered in this batch, at half price
}

/** What is known of a call before its reply. */
export type CallHead = Pick<Call, 'v' | 'key' | 'sample' | 'rows' | 'step' | 'at' | 'provider' | 'model'>

type Back = Reply & { skipped?: string; ms: number; batch?: string }

/** A line of the log: the question, and what came back. */
export function callOf(head: CallHead, back: Back): Call {
  const { v, key, sample, rows, step, at, provider, model } = head
  const { request, reply, finish_reason, refusal, skipped, usage, ms, batch } = back
  return {
    v,
    key,
    sample,
    ...(rows && { rows }),
    step,
    at,
    provider,
    model,
    request,
    reply,
    finish_reason,
    ...(refusal && { refusal }),
    ...(skipped && { skipped }),
    usage,
    ms,
    ...(batch && { batch }),
  }
}

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

/**
 * `again`: worth another attempt. `slow`: the same, and the whole run slows down. `request`: this request will never
 * do, others may. `filter`: a content filter's verdict, which counts as the reply. `fatal`: no request will do.
 * `parameter`: a parameter named in `parameter` is not wanted. `stopped`: the run was interrupted.
 */
export type Problem = {
  kind: 'again' | 'slow' | 'request' | 'filter' | 'fatal' | 'parameter' | 'stopped'
  words: Words
  parameter?: string
  connection?: true
  retryAfter?: number // ms, as the server asked
}

export function isProblem(error: unknown): error is Problem {
  return typeof error === 'object' && error !== null && 'kind' in error && 'words' in error
}

export const interrupted: Problem = { kind: 'stopped', words: { en: 'interrupted', zh: '已中断' } }

export type ProviderName = 'openai' | 'dashscope' | 'ollama' | 'compatible' | 'offline' | 'paste'

export type Provider = {
  name: ProviderName
  model: string
  baseUrl: string
  /** Secret: goes into the request's header and nowhere else. */
  key: string | undefined
  keyFrom: string
  tokenLimit: 'max_tokens' | 'max_completion_tokens'
  extra: Record<string, unknown>
  local: boolean
  /** HTTPS_PROXY is set, which Node does not heed: worth a word when nothing answers. */
  proxied: boolean
  /** Set when there is no key: replies come from the log alone, recorded up to this time (ISO). */
  replayOf: string | undefined
}

/** What a log holds: `provider model` → time of its latest reply, the last used last. */
export type Recorded = ReadonlyMap<string, string>

/** The reason under which a row is rejected, or `stopped` when nothing is decided yet. */
export type Failure = {
  failed:
    | 'call_failed'
    | 'content_filter'
    | 'not_recorded'
    | 'refusal'
    | 'unreadable_reply'
    | 'truncated'
    | 'stopped'
  detail: Words
  call?: string
}

export function isFailure(answer: object): answer is Failure {
  return 'failed' in answer
}

/** What a logged call says against its row: a skip, a filter's verdict or a refusal; undefined when it holds a reply. */
export function verdictOf({ key, skipped, finish_reason, refusal }: Call): Failure | undefined {
  if (skipped) return { failed: 'call_failed', detail: skippedBefore, call: key }
  if (finish_reason === 'content_filter') return { failed: 'content_filter', detail: filtered, call: key }
  return refusal ? { failed: 'refusal', detail: { en: refusal, zh: refusal }, call: key } : undefined
}

const skippedBefore: Words = { en: 'skipped in an earlier run', zh: '先前运行中已跳过' }
const filtered: Words = { en: "the provider's content filter stopped it", zh: '被服务商的内容过滤拦截' }

// The four reply shapes as JSON schemas for servers that enforce them: every field required, nothing else allowed
// (the rules of OpenAI's strict mode). Each step's prompt shows the same shape in words, for servers that do not.

const object = (properties: Record<string, object>) => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
})
const list = (items: object) => ({ type: 'array', items })
const text = { type: 'string' }
const number = { type: 'integer' }
const yesOrNo = { type: 'boolean' }

export const schemas = {
  tasks: object({ tasks: list(text) }),
  classification: object({ answers: list(object({ task: number, is_classification: yesOrNo })) }),
  instances: object({ instances: list(object({ input: text, output: text })) }),
  // Servers that enforce a schema write the fields in its order: for classification the label comes first.
  labelled: object({ instances: list(object({ output: text, input: text })) }),
  judgement: object({
    verdicts: list(
      object({
        row: number,
        instruction_valid: yesOrNo,
        input_appropriate: yesOrNo,
        output_correct: yesOrNo,
      }),
    ),
  }),
}

export type SchemaName = keyof typeof schemas

/** The name a schema has on the wire. */
export function wireName(schema: SchemaName): string {
  return schema === 'labelled' ? 'instances' : schema
}

// What the answers of a step cost, in calls and tokens: those of this run and those already in the log alike.

/** `calls` and tokens of every log row used, whenever paid; `fresh` of them were paid in this run. */
export type Tally = {
  calls: number
  prompt_tokens: number
  cached_tokens: number
  completion_tokens: number
  fresh: number
  /** Those of the tokens that a batch answered, at half price. */
  batch?: Usage
}

export const noTally: Readonly<Tally> = {
  calls: 0,
  prompt_tokens: 0,
  cached_tokens: 0,
  completion_tokens: 0,
  fresh: 0,
}

/** Adds a call to a tally; `fresh`: paid for now, not found in the log. */
export function count(tally: Tally, { usage, batch }: Pick<Call, 'usage' | 'batch'>, fresh: boolean): void {
  tally.calls++
  addTo(tally, usage)
  if (batch !== undefined) tally.batch = addTo({ ...(tally.batch ?? noUsage) }, usage)
  if (fresh) tally.fresh++
}

/** Adds to the first, and returns it. */
export function addTo<T extends Usage>(sum: T, usage: Usage): T {
  sum.prompt_tokens += usage.prompt_tokens
  sum.cached_tokens += usage.cached_tokens
  sum.completion_tokens += usage.completion_tokens
  return sum
}

/** Samples of one question at most: generation request k owns the numbers 3k to 3k + 2. */
export const samplesAtMost = 3

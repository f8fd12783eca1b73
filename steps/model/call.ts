// The shapes that the files of this room share: a question and its reply, a line of the call log, what may go wrong, a provider;
// and where a reply stands in an answer, in the spellings of servers.
import type { Words } from '../workspace/fault.ts'
import type { Step } from '../workspace/folder.ts'
import { field, isObject, textField } from '../workspace/jsonl.ts'
import type { OptionName } from '../workspace/options.ts'

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

/** A line of the log: the question, and what came back. Its fields stand in this order in the file. */
export function callOf(head: CallHead, back: Reply & Pick<Call, 'skipped' | 'ms' | 'batch'>): Call {
  const { v, key, sample, rows, step, at, provider, model } = head
  const { request, reply, finish_reason, refusal, skipped, usage, ms, batch } = back
  const asked = { v, key, sample, rows, step, at, provider, model, request }
  return { ...asked, reply, finish_reason, refusal: refusal || undefined, skipped, usage, ms, batch }
}

/** Whether a line holds what is made use of: a reply and what it cost. */
export function isCall(line: unknown): line is Call {
  const [reply, usage, refusal] = ['reply', 'usage', 'refusal'].map((name) => field(line, name))
  const told = tokenCounts.map((name) => field(usage, name) ?? 0) // null is how JSON writes a number beyond all numbers
  return (
    (typeof reply === 'string' || reply === null) &&
    typeof (refusal ?? '') === 'string' &&
    isObject(usage) &&
    told.every((tokens) => typeof tokens === 'number')
  )
}

const tokenCounts = ['prompt_tokens', 'completion_tokens', 'cached_tokens'] as const

/** What a server told is no reason not to read a line: a number that is none counts as not told. */
export function soundUsage(usage: Record<keyof Usage, unknown>): Usage {
  const sound = (tokens: unknown): number =>
    typeof tokens === 'number' && tokens >= 0 && Number.isFinite(tokens) ? tokens : 0
  return Object.fromEntries(tokenCounts.map((name) => [name, sound(usage[name])])) as Usage
}

export type Message = { role: 'system' | 'user' | 'assistant'; content: string }

/** Demonstrations as turns: a question, and the very reply that is wanted. */
export function turns(demonstrations: readonly (readonly [question: string, reply: object])[]): Message[] {
  return demonstrations.flatMap(([question, reply]): Message[] => [
    { role: 'user', content: question },
    { role: 'assistant', content: JSON.stringify(reply) },
  ])
}

/**
 * One question to the model. `temperature` and `maxTokens` as the step asks for them; `penalty`: against repetition, from
 * 0 to 2, for servers that take one (no part of the key in the log).
 */
export type Question = {
  messages: Message[]
  schema: SchemaName
  temperature: number
  maxTokens: number
  penalty?: number
  sample: number
}

export type Reply = {
  request: unknown
  reply: string | null
  finish_reason: string
  refusal?: string
  usage: Usage
  quota?: Quota | undefined
}

/** What a server says of its own limit: requests it takes until it is fresh again, in so many ms, and how many then. */
export type Quota = { left: number; reset: number; limit: number }

/** Sends one question once. Throws a Problem when there is no reply. */
export type Wire = (question: Question, signal: AbortSignal) => Promise<Reply>

/**
 * `again`: worth another attempt. `sample`: the same at once, only this reply came out badly. `slow`: worth another
 * attempt, and the whole run slows down. `loading`: the server is not ready yet. `request`: this request will never do,
 * others may. `refused`: the same, but a plainer spelling may do. `parameter`: what is named in `parameter` is not wanted.
 * `page`: something else than the API answers there. `filter`: a content filter's verdict, which counts as the reply.
 * `fatal`: no request will do. `stopped`: the run was interrupted.
 */
export type Problem = {
  kind:
    | 'again'
    | 'sample'
    | 'slow'
    | 'loading'
    | 'request'
    | 'refused'
    | 'parameter'
    | 'page'
    | 'filter'
    | 'fatal'
    | 'stopped'
  words: Words
  status?: number // of HTTP, or as the body says
  parameter?: string
  most?: number // the most the server takes of this parameter
  room?: number // tokens its context leaves for this reply
  connection?: true
  worked?: true // there may have been a reply, which is billed, though it did not come whole
  behind?: true // what answered cannot reach the model behind it
  silent?: true // no byte for as long as is waited for one
  unsure?: true // may be a verdict on the text, or a fault of the server; may pass, or never
  retryAfter?: number // ms, as the server asked
}

const longestReply = 1 << 16 // characters
const charactersAToken = 8 // at most, of any text worth reading

/** How much of a reply is read, in characters; the rest counts as cut. Who asks for more tokens reads more. */
export function readAtMost(maxTokens = 0): number {
  return Math.max(longestReply, charactersAToken * maxTokens)
}

export function isProblem(error: unknown): error is Problem {
  return typeof error === 'object' && error !== null && 'kind' in error && 'words' in error
}

export const interrupted: Problem = { kind: 'stopped', words: { en: 'interrupted', zh: '已中断' } }

export type ProviderName = 'openai' | 'dashscope' | 'ollama' | 'compatible' | 'offline' | 'paste'

/** What is true of a provider in every run: the table in provider.ts says it of each. */
export type ProviderFacts = {
  tokenLimit: 'max_tokens' | 'max_completion_tokens'
  extra: Record<string, unknown> // parameters that go with every request
  penalties: readonly ('presence_penalty' | 'frequency_penalty')[] // against repetition, as far as it takes them
  local: boolean // runs on this machine
  free: boolean // nobody sends a bill: the model runs here, or a person carries the prompts
  byHand: boolean // a person carries the prompts and replies: one at a time, and none after Ctrl-C
  standIn: boolean // answers for the lesson, and is no model
  batches: boolean // may have a Batch API; whether it does, the server says
  regional: boolean // a key belongs to one region
  idle: readonly OptionName[] // options that change nothing
}

export type Provider = ProviderFacts & {
  name: ProviderName
  model: string
  baseUrl: string
  key: string | undefined // secret: goes into the header of requests and nowhere else
  keyFrom: string
  proxied: string // a variable such as HTTPS_PROXY that is set, which Node does not use: worth a word when nothing answers
  params?: Readonly<Record<string, unknown>> // fields for every request, as `--param` names them
  silence?: number // ms without a byte after which a request is given up, where `--timeout` says it
  note?: Words // how the provider was chosen, where that may surprise
  replayOf: string | undefined // set when replies come from the log alone, recorded up to this time (ISO)
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

/** Why a logged call answers nothing: a skip, a filter's verdict or a refusal; undefined when it holds a reply. */
export function objectionTo({ key, skipped, finish_reason, refusal }: Call): Failure | undefined {
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
const verdict = {
  row: number,
  instruction_valid: yesOrNo,
  input_appropriate: yesOrNo,
  output_correct: yesOrNo,
}

export const schemas = {
  tasks: object({ tasks: list(text) }),
  classification: object({ answers: list(object({ task: number, is_classification: yesOrNo })) }),
  instances: object({ instances: list(object({ input: text, output: text })) }),
  // Servers that enforce a schema write the fields in its order: for classification the label comes first.
  labelled: object({ instances: list(object({ output: text, input: text })) }),
  judgement: object({ verdicts: list(object(verdict)) }),
}

export type SchemaName = keyof typeof schemas

/** The name a schema has on the wire. */
export function wireName(schema: SchemaName): string {
  return schema === 'labelled' ? 'instances' : schema
}

/** Samples of one question at most: generation request k owns the numbers 3k to 3k + 2. */
export const samplesAtMost = 3

// The same reply in the spelling of other dialects, or in what a gateway wraps around it.

const wrappers = ['data', 'result', 'output', 'response'] as const
const soleTexts = ['text', 'output_text', 'generated_text', 'response', 'result'] as const
const ends = ['finish_reason', 'finishReason', 'done_reason', 'stop_reason', 'stop_type'] as const
/** Fields that hold what a model thought before it answered. */
export const thoughtNames = [
  'reasoning_content',
  'reasoning',
  'thinking',
  'thoughts',
  'reasoning_text',
  'reasoning_details',
] as const

/** The choices of an answer, and what it counts; none where it holds no reply. */
export function completionIn(answer: unknown, depth = 0): { choices: unknown[]; usage: unknown } {
  if (Array.isArray(answer)) {
    const parts = answer.slice(0, mostParts).map((part) => completionIn(part, depth + 1))
    return parts.find(({ choices }) => choices.length > 0) ?? { choices: [], usage: undefined }
  }
  const usage = usageIn(answer)
  const choices = field(answer, 'choices') ?? field(answer, 'candidates')
  if (Array.isArray(choices) && choices.length > 0) return { choices, usage }
  if (!isObject(answer) || depth > deepestReply || isComplaint(answer)) return { choices: [], usage }
  if (messageIn(answer) !== undefined) return { choices: [answer], usage }
  const inner = wrappers.map((name) => completionIn(answer[name], depth + 1))
  const found = inner.find((each) => each.choices.length > 0)
  return { choices: found?.choices ?? [], usage: found?.usage ?? usage }
}

const mostParts = 16 // of a list that are looked at
const deepestReply = 3 // wrappers inside wrappers

function isComplaint(answer: Record<string, unknown>): boolean {
  const { error, error_code, error_msg, detail, success, code, msg } = answer
  const says = [error, error_code, error_msg, detail].some((value) => value != null)
  return says || success === false || (msg != null && !isFine(code))
}

function isFine(code: unknown): boolean {
  return code === 0 || code === '0' || code === 200 || code === '200'
}

export function usageIn(body: unknown): unknown {
  const counted = field(body, 'usage') ?? field(body, 'usageMetadata')
  return counted ?? (field(body, 'eval_count') === undefined ? undefined : body)
}

/** The message of a choice, whatever it is called. */
export function messageIn(choice: unknown): unknown {
  const message = field(choice, 'message') ?? field(choice, 'delta')
  if (isObject(message)) return message
  const isChoice = endTold(choice) !== undefined || field(choice, 'index') !== undefined
  const texts = soleTexts.map((name) => field(choice, name)).filter((text) => typeof text === 'string')
  const content = field(choice, 'content') ?? texts[0] ?? (isChoice ? message : undefined)
  if (content != null && (isChoice || typeof message !== 'string')) return { content }
  return isChoice ? {} : undefined
}

/** How a choice says it ended; some say it as an object. */
export function endTold(choice: unknown): string | undefined {
  const told = ends.map((name) => field(choice, name)).find((value) => value != null)
  const reason = field(told, 'type') ?? told
  return typeof reason === 'string' ? reason : undefined
}

/** The text of a message: as it is, or the parts that are text and no thought. */
export function textIn(content: unknown): string {
  const parts = field(content, 'parts') ?? content
  return (Array.isArray(parts) ? parts : [parts]).map(textOfPart).join('')
}

function textOfPart(part: unknown): string {
  const kind = textField(part, 'type') || 'text'
  const text = typeof part === 'string' ? part : field(part, 'text')
  const isThought = field(part, 'thought') === true
  return typeof text === 'string' && !isThought && textKinds.includes(kind) ? text : ''
}

const textKinds = ['text', 'output_text']

/** The words in which a model refused; empty where it did not. */
export function refusalIn(message: unknown): string {
  const parts = [field(message, 'content')].flat().map((part) => field(part, 'refusal'))
  const refusals = [field(message, 'refusal'), ...parts].filter((refusal) => typeof refusal === 'string')
  return refusals.find((refusal) => refusal !== '') ?? ''
}

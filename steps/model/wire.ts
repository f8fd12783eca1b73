// One request over the wire: one attempt through the openai package, and what came back or what went wrong.
// The package's own retries are off: under 6.x they cannot be interrupted and obey a Retry-After of any length.
import { createRequire } from 'node:module'
import type OpenAI from 'openai'
import { hiding } from '../workspace/environment.ts'
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
  readAtMost,
} from './call.ts'
import { tokensOf } from './account.ts'
import { type Body, dialectOf, isWholeAnswer } from './dialect.ts'
import { quotaIn } from './limits.ts'
import { noticeOf, problemOf } from './problem.ts'
import { says } from './says.ts'
import { fetchWithReason, readingFetch, silenceOf, textIn } from './transport.ts'

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

/** The models a server lists. Throws a Problem. */
export async function listModels(provider: Provider): Promise<string[]> {
  try {
    const list = field(await openReading(provider).get<unknown>('/models'), 'data')
    const names = (Array.isArray(list) ? list : []).map((model) => field(model, 'id'))
    return names.filter((name) => typeof name === 'string')
  } catch (error) {
    throw problemOf(error, provider)
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
      return problem.kind === 'page' ? { ...problem, kind: dialect.succeeded ? 'again' : 'fatal' } : problem
    }
  }

  /** Whether a plainer spelling may do: it was refused, or the server failed over it three times. */
  const isRefused = (question: Question, { kind, status = 0 }: Problem): boolean => {
    if (kind === 'refused' || kind === 'parameter') return true
    if (kind !== 'again' || status < 500) return false
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

  return async (question, signal) => {
    for (;;) {
      await dialect.settled()
      const { spelling } = dialect
      const answer = await send(dialect.spellCall(question), signal)
      if (!isProblem(answer)) return answer
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

// A server may answer 200 with a page, an error object, or something else: the shape is checked, whatever the types say.
export function readReply(request: unknown, completion: unknown, provider: Provider): Reply {
  const choices = field(completion, 'choices')
  const choice: unknown = Array.isArray(choices) ? choices[0] : undefined
  const message = field(choice, 'message')
  const legacy = field(choice, 'text')
  if ((typeof message !== 'object' || message === null) && typeof legacy !== 'string')
    throw noticeOf(completion, provider)
  const finish = field(choice, 'finish_reason')
  const reason = typeof finish === 'string' ? finish : ''
  const text = replyIn(message, reason) ?? (typeof legacy === 'string' ? legacy : null)
  const failed = field(choice, 'error')
  const notice = failed == null ? undefined : noticeOf({ error: failed }, provider)
  if (notice && (notice.kind === 'filter' || !isWholeAnswer(text ?? ''))) throw notice
  const refusal = field(message, 'refusal')
  const reply: Reply = {
    request,
    reply: text,
    finish_reason: endOf(reason, text ?? ''),
    ...(typeof refusal === 'string' && refusal !== '' ? { refusal: refusal.slice(0, longestRefusal) } : {}),
    usage: readUsage(field(completion, 'usage')),
  }
  return withinReach(reply)
}

const longestRefusal = 2000 // characters

/** Of a reply beyond all measure only the beginning is kept, as cut; all of it is billed. */
function withinReach(reply: Reply): Reply {
  const { request, reply: text, usage } = reply
  const asked = Number(field(request, 'max_completion_tokens') ?? field(request, 'max_tokens') ?? 0)
  const most = readAtMost(asked)
  if (text === null || text.length <= most) return reply
  const completion_tokens = Math.max(usage.completion_tokens, tokensOf(text))
  return {
    ...reply,
    reply: text.slice(0, most),
    finish_reason: reply.finish_reason === 'content_filter' ? reply.finish_reason : 'length',
    usage: { ...usage, completion_tokens },
  }
}

/** How a reply ended, in OpenAI's words; a reason nobody knows means that the text is cut, unless its JSON is whole. */
function endOf(reason: string, text: string): string {
  if (says.verdict.test(reason)) return 'content_filter'
  if (says.end.test(reason) || reason === 'length') return reason
  return isWholeAnswer(text) ? 'stop' : 'length'
}

/** The text of a message, wherever it stands. Thoughts alone are put down as thoughts, unless they are the answer. */
function replyIn(message: unknown, reason: string): string | null {
  const content = field(message, 'content')
  const text = textIn(content)
  if (text.trim() !== '') return text
  const called = argumentsIn(message)
  if (called !== undefined) return called
  const thought = textIn(field(message, 'reasoning_content')) || textIn(field(message, 'reasoning'))
  if (thought.trim() === '') return typeof content === 'string' ? content : null
  if (!says.end.test(reason)) return `<think>\n${thought}`
  return isWholeAnswer(thought) ? thought : `<think>\n${thought}\n</think>\n`
}

/** The arguments of the function a model called instead of answering. */
function argumentsIn(message: unknown): string | undefined {
  const calls = field(message, 'tool_calls')
  const called = (Array.isArray(calls) ? calls : []).map((call) => field(call, 'function'))
  const given = [...called, field(message, 'function_call')].map((call) => field(call, 'arguments'))
  const texts = given
    .filter((value) => value != null)
    .map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))
  return texts.find(isWholeAnswer) ?? texts.find((text) => text.trim() !== '')
}

// Some servers count thoughts in the total alone.
function readUsage(usage: unknown): Usage {
  const prompt_tokens = countIn(usage, 'prompt_tokens')
  const cached = countIn(field(usage, 'prompt_tokens_details'), 'cached_tokens')
  const unsaid = prompt_tokens > 0 ? countIn(usage, 'total_tokens') - prompt_tokens : 0
  const completion_tokens = Math.max(countIn(usage, 'completion_tokens'), unsaid)
  return { prompt_tokens, completion_tokens, cached_tokens: Math.min(cached, prompt_tokens) }
}

const mostTokens = 1e9 // of one reply; who tells more has told nothing

function countIn(usage: unknown, name: string): number {
  const told = field(usage, name)
  const count = typeof told === 'string' && told.trim() !== '' ? Number(told) : told
  return typeof count === 'number' && count >= 0 && count <= mostTokens ? Math.floor(count) : 0
}

// Why a call gave no reply, and what that means: wait and try again, spell it otherwise, give the row up, or end the run
// with a cure. What servers say is matched in says.ts.
import { hiding } from '../workspace/environment.ts'
import { Fault, type Words, codeOf, messageOf } from '../workspace/fault.ts'
import { batchesFile } from '../workspace/folder.ts'
import { field, isObject } from '../workspace/jsonl.ts'
import type { Problem, Provider } from './call.ts'
import {
  type Told,
  accessCure,
  addressCure,
  certificateCure,
  comeBack,
  is,
  longWait,
  modelCure,
  namedIn,
  says,
  schemeCure,
  tooLongCure,
  topUp,
} from './says.ts'
import { Silence } from './transport.ts'

const mostWaited = 300_000 // ms; five minutes

/** Reads an error of the openai package. No key is in the words: what servers say comes without it, and a place too. */
export function problemOf(error: unknown, provider: Provider): Problem {
  const problem = readError(error, provider)
  const hide = hiding(provider.key)
  return { ...problem, words: { en: hide(problem.words.en), zh: hide(problem.words.zh) } }
}

function readError(error: unknown, provider: Provider): Problem {
  const status = field(error, 'status')
  if (typeof status !== 'number') return unconnected(error, provider)
  const headers = field(error, 'headers')
  const said = field(error, 'error') ?? { message: messageOf(error) }
  return meaningOf(hear(said, status, headers instanceof Headers ? headers : undefined), provider)
}

/** A reply that is none: an error at status 200, a page, an empty object. */
export function noticeOf(body: unknown, provider: Provider): Problem {
  const choices = field(body, 'choices')
  if (Array.isArray(choices) && choices.length === 0)
    return { kind: 'filter', unsure: true, words: nothingSaid }
  const code = Number(field(field(body, 'error'), 'code') ?? field(body, 'code') ?? field(body, 'status'))
  const isError = isObject(body) && ['error', 'code', 'message', 'detail'].some((name) => body[name] != null)
  const told = hear(body, isError && code >= 400 && code < 600 ? code : 200, undefined)
  const shown = masked(typeof body === 'string' ? body : (JSON.stringify(body) ?? 'nothing')).slice(0, 120)
  const words = { en: `not a chat completion: ${shown}`, zh: `不是聊天回复：${shown}` }
  if (typeof body === 'string' ? says.page.test(body) : says.wrongEndpoint.test(told.text))
    return { kind: 'page', words: withCure(words, addressCure(provider)) }
  return isError ? meaningOf(told, provider) : { kind: 'again', words }
}

const nothingSaid: Words = {
  en: 'a reply with no choices: the content was held back',
  zh: '回复中没有任何内容（choices 为空）：内容被拦截',
}

// The order counts: a verdict or an empty account may come under any status.
function meaningOf(told: Told, provider: Provider): Problem {
  const { status } = told
  const words = sentence(told, provider)
  const retryAfter = waitAsked(told)
  const wait = retryAfter === undefined ? {} : { retryAfter }
  const fatal = (cure: Words): Problem => ({ kind: 'fatal', status, words: withCure(words, cure) })
  if (status >= 300 && status < 400) return redirected(told, provider)
  if (is.badSample(told)) return { kind: 'sample', words }
  if (is.filter(told)) return { kind: 'filter', words }
  if (is.waiting402(told, retryAfter)) return { kind: 'slow', words, ...wait }
  if (is.broke(told, provider)) return fatal(topUp)
  if (is.daily(told)) return fatal(comeBack)
  if (retryAfter !== undefined && retryAfter > mostWaited) return fatal(longWait(retryAfter))
  if (is.loading(told)) return { kind: 'loading', words, ...wait }
  if (is.noModel(told)) return fatal(modelCure(provider))
  if (status === 401 || status === 402 || status === 403) return fatal(accessCure(told, provider))
  if (status === 404) return fatal(says.page.test(told.text) ? addressCure(provider) : modelCure(provider))
  if (status === 429) return { kind: 'slow', words, ...wait }
  return aboutRequest(told, words) ?? { kind: 'again', status, words, ...wait }
}

const refusals = [400, 405, 415, 422]
const passes = [408, 409, 200]

// A prompt too long for the model names a parameter too, and is no reason to change it for all requests.
function aboutRequest(told: Told, words: Words): Problem | undefined {
  const { status } = told
  if (passes.includes(status) && !namedIn(told)) return undefined
  if (says.tooLong.test(told.text)) {
    const most = says.room(told.text)
    return most === undefined
      ? { kind: 'request', status, words: withCure(words, tooLongCure) }
      : { kind: 'parameter', status, words, parameter: 'max_tokens', most }
  }
  const named = status < 500 || says.atAnyStatus.test(told.text) ? namedIn(told) : undefined
  if (named) return { kind: 'parameter', status, words, ...named }
  if (refusals.includes(status)) return { kind: 'refused', status, words }
  return status >= 500 ? undefined : { kind: 'request', status, words }
}

/** Takes in an error body, in whatever way it is put. */
function hear(body: unknown, status: number, headers: Headers | undefined): Told {
  const outer = Array.isArray(body) ? (body[0] as unknown) : body
  const error = field(outer, 'error')
  const inner = isObject(error) ? error : outer
  const text = masked(wordsIn(outer).join(' ').slice(0, longestHeard))
  const first = [field(inner, 'message'), error, field(inner, 'msg'), field(inner, 'detail'), outer].find(
    (said) => typeof said === 'string' && said.trim() !== '',
  )
  const [detail] = [field(outer, 'detail')].flat() as unknown[]
  const where = field(detail, 'loc')
  const codes = [inner, outer].flatMap((part) =>
    ['code', 'type', 'status'].map((name) => field(part, name)).filter((code) => typeof code !== 'object'),
  )
  return {
    status,
    codes: codes.join(' '),
    message: masked(String(first ?? field(detail, 'msg') ?? text)),
    text: `${codes.join(' ')} ${text}`,
    param: String(field(inner, 'param') ?? (Array.isArray(where) ? where.join('.') : '')),
    headers,
  }
}

const longestHeard = 4000 // characters

// Under these names servers say again what was sent, parameters and all.
const echoes = new Set(['input', 'ctx', 'request', 'messages', 'failed_generation', 'body', 'headers'])

/** All that is said in a body, but what it repeats of the request. */
function wordsIn(value: unknown, depth = 0): string[] {
  if (typeof value === 'string' || typeof value === 'number') return [String(value)]
  if (typeof value !== 'object' || value === null || depth > 6) return []
  if (Array.isArray(value) && value.every((part) => typeof part !== 'object')) return [value.join('.')]
  return Object.entries(value).flatMap(([name, part]) => (echoes.has(name) ? [] : wordsIn(part, depth + 1)))
}

function sentence({ status, message }: Told, { name }: Provider): Words {
  const said = `${status} ${message.replace(new RegExp(`^${status}\\s+`), '')}`.slice(0, 300)
  return { en: `${name}: ${said}`, zh: `${name}：${said}` }
}

function withCure(words: Words, cure: Words): Words {
  return {
    en: `${words.en.replace(/[.。]$/, '')}. ${cure.en}`,
    zh: `${words.zh.replace(/[.。]$/, '')}。${cure.zh}`,
  }
}

// Keys look like sk-…; a server may repeat one in its message ("Incorrect API key provided: sk-…").
function masked(text: string): string {
  return text
    .replace(/\b(sk-|Bearer\s+)[\w*.-]{4,}/gi, '$1…')
    .replace(/\s+/g, ' ')
    .trim()
}

/** Milliseconds the server asks to wait, in a header or in words. */
function waitAsked({ headers, message, status }: Told): number | undefined {
  const ms = Number(headers?.get('retry-after-ms') ?? NaN)
  if (ms >= 0) return ms
  const asked = headers?.get('retry-after') ?? ''
  const seconds = Number(asked)
  const wait = Number.isNaN(seconds) ? Date.parse(asked) - Date.now() : seconds * 1000
  if (asked !== '' && wait >= 0) return wait
  return [402, 429, 503].includes(status) ? says.waitIn(message) : undefined
}

// Nobody answers, or not in a way that can be understood.

function unconnected(error: unknown, provider: Provider): Problem {
  const reason = rootOf(error)
  const at = (words: Words): Words => ({
    en: `${provider.baseUrl}: ${words.en}`,
    zh: `${provider.baseUrl}：${words.zh}`,
  })
  if (reason instanceof Silence)
    return { kind: 'again', connection: true, silent: true, words: at(tooLate(reason.ms)) }
  const code = codeOf(reason) || messageOf(reason)
  const cause = reason === error ? '' : ` (${code})`
  const said = masked(hiding(provider.key)(`${messageOf(error)}${cause}`)).slice(0, 300)
  const words = at({ en: said, zh: said })
  if (says.certificate.test(code)) return { kind: 'fatal', words: withCure(words, certificateCure) }
  if (says.noTls.test(code)) return { kind: 'fatal', words: withCure(words, schemeCure) }
  return { kind: 'again', connection: true, words }
}

// "Connection error" says little; what lies at the bottom of it is ECONNREFUSED or ENOTFOUND.
function rootOf(error: unknown): unknown {
  let root = error
  while (root instanceof Error && root.cause !== undefined) root = root.cause
  return root instanceof AggregateError && root.errors.length > 0 ? (root.errors[0] as unknown) : root
}

function tooLate(ms: number): Words {
  const s = ms / 1000
  return {
    en: `no byte for ${s} s. If the server needs longer: --timeout ${Math.max(1, Math.ceil(s * 3))}`,
    zh: `${s} 秒内没有收到任何数据。如果服务器需要更久：--timeout ${Math.max(1, Math.ceil(s * 3))}`,
  }
}

function redirected({ headers, status }: Told, provider: Provider): Problem {
  const place = headers?.get('location') ?? ''
  const target = URL.canParse(place, provider.baseUrl) ? new URL(place, provider.baseUrl) : undefined
  const shown = target ? `${target.origin}${target.pathname}` : '?'
  const address = shown.replace(/\/(chat\/completions|batches|files|models)\/?$/, '')
  return {
    kind: 'fatal',
    status,
    words: {
      en: `${provider.baseUrl} sends on to ${shown} (${status}), which is not followed: the key would go there. If that is right: --base-url ${address}`,
      zh: `${provider.baseUrl} 重定向到 ${shown}（${status}）。程序不会跟随，以免把密钥发到别处。如果确认无误：--base-url ${address}`,
    },
  }
}

// What can go wrong with a batch, each as a sentence with its cure.

// The run ends here, with what exists written.
const ending = (words: Words): Fault => new Fault(words, 1)

export function noBatches({ name, baseUrl }: Provider): Fault {
  const who = baseUrl === '' ? name : baseUrl
  return new Fault({
    en: `--batch needs a server with a Batch API, as openai and dashscope have; ${who} has none. Leave --batch out.`,
    zh: `--batch 需要提供 Batch API 的服务（如 openai、dashscope）；${who} 没有。请去掉 --batch。`,
  })
}

// What answers in the server's place, such as a gateway's page, says nothing about a batch.
export function nonsense({ baseUrl }: Provider): Problem {
  const en = `${baseUrl}: the answer is none of a Batch API`
  return { kind: 'again', words: { en, zh: `${baseUrl}：返回的不是 Batch API 的回答` } }
}

export function notYet(id: string): Problem {
  return {
    kind: 'again',
    words: { en: `the results of ${id} are not there yet`, zh: `批处理 ${id} 的结果尚未就绪` },
  }
}

export function unknownStatus(id: string, status: string): Fault {
  const shown = status.slice(0, 40)
  return ending({
    en: `the batch ${id} has the status "${shown}", which means nothing to the workshop. Look at it in the provider's console; once it is completed, failed, expired or cancelled there, the same command goes on.`,
    zh: `批处理 ${id} 的状态是“${shown}”，本程序不认识。请在服务商控制台查看；等它显示 completed、failed、expired 或 cancelled 后，重新运行同一命令即可继续。`,
  })
}

export function unknownBatch(id: string, { baseUrl, keyFrom }: Provider): Fault {
  const key = keyFrom || 'LLM_API_KEY'
  return ending({
    en: `${baseUrl} knows no batch ${id}, or has its results no more. Was it made at another address, or with another key than that of ${key}? Else delete the line of ${id} in ${batchesFile}, and its questions are asked and paid for once more.`,
    zh: `${baseUrl} 上没有批处理 ${id}，或者结果已不再保留。它是不是在另一个地址、或用 ${key} 以外的密钥提交的？如果都不是，请删除 ${batchesFile} 中 ${id} 那一行，这些问题会重新请求并再次付费。`,
  })
}

export function incomplete(id: string, got: number, all: number): Problem {
  const words = {
    en: `the results of ${id} came down incomplete: ${got} of ${all} replies, which are in the log now. If they never come whole: delete the line of ${id} in ${batchesFile}, and the others are asked and paid for once more`,
    zh: `批处理 ${id} 的结果没有完整下载：${all} 个回复中得到 ${got} 个，已写入日志。如果始终不完整：请删除 ${batchesFile} 中 ${id} 那一行，其余的会重新请求并再次付费`,
  }
  return { kind: 'again', unsure: true, words }
}

export function questionsGone(id: string, asked: string): Fault {
  return ending({
    en: `${asked} is gone. It holds what the batch ${id} asked, and without it the replies, which are paid for, cannot be put into the log. Put it back, and run the same command again; or delete the line of ${id} in ${batchesFile}, and its questions are asked and paid for once more.`,
    zh: `${asked} 不见了。其中是批处理 ${id} 的提问，没有它，已付费的回复就无法写入日志。请放回该文件后重新运行同一命令；或者删除 ${batchesFile} 中 ${id} 那一行，这些问题会重新请求并再次付费。`,
  })
}

/** Every line of a batch failed, as this one. */
export function allFailed(id: string, { words: said }: Problem): Words {
  const words = { en: said.en.replace(/\.$/, ''), zh: said.zh.replace(/[.。]$/, '') }
  return {
    en: `no request of the batch ${id} was answered: ${words.en}. Nothing was asked at the full price; the same command sends another batch`,
    zh: `批处理 ${id} 中没有一个请求得到回答：${words.zh}。没有按全价发送任何请求；重新运行同一命令会再提交一个批处理`,
  }
}

export function refused(id: string, status: string, errors: string): Words {
  if (status === 'cancelled')
    return {
      en: `the batch ${id} was cancelled; the same command makes another`,
      zh: `批处理 ${id} 已被取消；重新运行同一命令会另建一个`,
    }
  const [en, zh] = errors === '' ? ['it does not say why', '未说明原因'] : [errors, errors]
  return { en: `the provider did not take the batch ${id}: ${en}`, zh: `服务商没有接受批处理 ${id}：${zh}` }
}

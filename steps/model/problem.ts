// Why a call gave no reply, and what that means: wait and try again, give the row up, or end the run with a cure.
import { type Words, codeOf, messageOf } from '../workspace/fault.ts'
import { field } from '../workspace/jsonl.ts'
import type { Problem, Provider } from './call.ts'

type Told = { status?: number; code: string; message: string; param: string; headers: Headers | undefined }

/** Reads an error of the openai package. No key is in the words: what the server said is masked. */
export function problemOf(error: unknown, provider: Provider): Problem {
  const problem = readError(error, provider)
  const hide = (words: string): string => (provider.key ? words.replaceAll(provider.key, '…') : words)
  return { ...problem, words: { en: hide(problem.words.en), zh: hide(problem.words.zh) } }
}

function readError(error: unknown, provider: Provider): Problem {
  if (error instanceof SyntaxError) return noticeOf(error.message) // said to be JSON, and is not
  const told = hear(error)
  const words = sentence(told, provider)
  if (told.status === undefined) return { kind: 'again', words, connection: true }
  const retryAfter = waitAsked(told.headers)
  const wait = retryAfter === undefined ? {} : { retryAfter }
  if (isFilter(told)) return { kind: 'filter', words }
  if (isFatal(told, provider)) return fatal(told, provider)
  if (told.status === 400 || told.status === 422) return aboutRequest(told, words)
  if (told.status === 429) return { kind: 'slow', words, ...wait }
  if (told.status === 408 || told.status === 409 || told.status >= 500)
    return { kind: 'again', words, ...wait }
  return { kind: 'request', words }
}

/** A reply that is none: a page, an error at status 200, an empty object. */
export function noticeOf(body: unknown): Problem {
  const shown = typeof body === 'string' ? body : (JSON.stringify(body) ?? 'nothing')
  const start = masked(shown).slice(0, 120)
  return { kind: 'again', words: { en: `not a chat completion: ${start}`, zh: `不是聊天回复：${start}` } }
}

/** No whole reply in time: the connection hangs, or the body stalls. */
export function tooLate(provider: Provider, ms: number): Problem {
  const words: Words = {
    en: `${provider.baseUrl}: no whole reply within ${ms / 1000} s`,
    zh: `${provider.baseUrl}：${ms / 1000} 秒内没有收到完整回复`,
  }
  return { kind: 'again', words, connection: true }
}

function hear(error: unknown): Told {
  const status = field(error, 'status')
  const headers = field(error, 'headers')
  const reason = rootOf(error)
  return {
    ...(typeof status === 'number' ? { status } : {}),
    code: `${field(error, 'code') ?? ''} ${field(error, 'type') ?? ''}`,
    message: masked(messageOf(error) + (reason === '' ? '' : ` (${reason})`)),
    param: String(field(error, 'param') ?? ''),
    headers: headers instanceof Headers ? headers : undefined,
  }
}

// "Connection error" says little; what lies at the bottom of it is ECONNREFUSED or ENOTFOUND.
function rootOf(error: unknown): string {
  let root = error
  while (root instanceof Error && root.cause !== undefined) root = root.cause
  return root === error ? '' : codeOf(root) || messageOf(root)
}

function sentence({ status, message }: Told, provider: Provider): Words {
  const who = status === undefined ? provider.baseUrl : provider.name
  const words = message.slice(0, 300)
  return { en: `${who}: ${words}`, zh: `${who}：${words}` }
}

// Keys look like sk-…; a server may repeat one in its message ("Incorrect API key provided: sk-…").
function masked(text: string): string {
  return text.replace(/\b(sk-|Bearer\s+)[\w*.-]{4,}/gi, '$1…').replace(/\s+/g, ' ')
}

const filterCodes = /data_?inspection_?failed|content_filter|content_policy/i

function isFilter({ status, code, message }: Told): boolean {
  return status === 400 && filterCodes.test(`${code} ${message}`)
}

// The parameters that may be replaced or dropped, by the name the server uses or by words in its message.
const parameters = [
  'max_completion_tokens',
  'max_tokens',
  'temperature',
  'presence_penalty',
  'frequency_penalty',
  'reasoning_effort',
  'enable_thinking',
  'response_format',
]

// A prompt too long for the model names a parameter too, and is no reason to change it for all requests.
const tooLong = /context.?(length|window)|maximum context/i

function aboutRequest({ code, param, message }: Told, words: Words): Problem {
  if (tooLong.test(`${code} ${message}`)) return { kind: 'request', words }
  const named =
    parameters.find((name) => param.split('.')[0] === name) ??
    parameters.find((name) => message.includes(name))
  if (named) return { kind: 'parameter', parameter: named, words }
  if (/json_schema|json_object|structured output/i.test(message))
    return { kind: 'parameter', parameter: 'response_format', words }
  return { kind: 'request', words }
}

function isFatal(told: Told, provider: Provider): boolean {
  const { status = 0, code } = told
  return [401, 402, 403, 404].includes(status) || /model_not_found/.test(code) || isBroke(told, provider)
}

// `insufficient_quota`: at OpenAI the account is out of money, at DashScope it is a throttle by the minute.
function isBroke({ status, code }: Told, { regional, baseUrl }: Provider): boolean {
  const throttle = regional || /aliyuncs\.com/.test(baseUrl)
  return (
    status === 402 ||
    /arrearage|freetieronly/i.test(code) ||
    (status === 429 && /insufficient_quota/.test(code) && !throttle)
  )
}

function waitAsked(headers: Headers | undefined): number | undefined {
  const ms = Number(headers?.get('retry-after-ms') ?? NaN)
  if (ms >= 0) return ms
  const asked = headers?.get('retry-after') ?? ''
  if (asked === '') return undefined
  const seconds = Number(asked)
  const wait = Number.isNaN(seconds) ? Date.parse(asked) - Date.now() : seconds * 1000
  return wait >= 0 ? wait : undefined
}

function fatal(told: Told, provider: Provider): Problem {
  const cure = isBroke(told, provider) ? topUp : cures(told, provider)
  const words = sentence(told, provider)
  return { kind: 'fatal', words: { en: `${words.en}. ${cure.en}`, zh: `${words.zh}。${cure.zh}` } }
}

const topUp: Words = {
  en: 'The account is out of credit: top it up, then run the same command.',
  zh: '账户余额不足：请充值后重新运行同一命令。',
}

function cures({ status, code }: Told, provider: Provider): Words {
  if (status === 404 || /model_not_found/.test(code))
    return {
      en: `Is the model's name right (--model ${provider.model}), and the address (${provider.baseUrl})?`,
      zh: `请检查模型名称（--model ${provider.model}）和地址（${provider.baseUrl}）是否正确。`,
    }
  if (provider.regional)
    return {
      en: 'A DashScope key belongs to one region: check DASHSCOPE_API_KEY, and for a region other than Beijing set DASHSCOPE_BASE_URL (dashscope-intl.aliyuncs.com Singapore, dashscope-us.aliyuncs.com Virginia).',
      zh: 'DashScope 的密钥只属于一个地域：请检查 DASHSCOPE_API_KEY；北京以外的地域请设置 DASHSCOPE_BASE_URL（新加坡 dashscope-intl.aliyuncs.com，弗吉尼亚 dashscope-us.aliyuncs.com）。',
    }
  return {
    en: `Check the key in ${provider.keyFrom || 'LLM_API_KEY'} and what it may be used for.`,
    zh: `请检查 ${provider.keyFrom || 'LLM_API_KEY'} 中的密钥及其权限。`,
  }
}

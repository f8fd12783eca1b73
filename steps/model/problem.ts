// Why a call gave no reply, and what that means: wait and try again, spell it otherwise, give the row up, or end the run
// with a cure. What servers say is matched in says.ts.
import { hiding } from '../workspace/environment.ts'
import { type Words, codeOf, messageOf } from '../workspace/fault.ts'
import { field, isObject, textField } from '../workspace/jsonl.ts'
import type { Problem, Provider } from './call.ts'
import { type Told, is, moreContext, namedIn, says, tlsCure, tooLargeCure, wantsTlsCure } from './says.ts'
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
    return { kind: 'filter', unsure: true, worked: true, words: nothingSaid }
  const code = Number(
    textField(field(body, 'error'), 'code') || textField(body, 'code') || textField(body, 'status'),
  )
  const isError = isObject(body) && errorNames.some((name) => body[name] != null)
  const told = hear(body, isError && code >= 400 && code < 600 ? code : 200, undefined)
  const shown = masked(typeof body === 'string' ? body : (JSON.stringify(body) ?? 'nothing')).slice(0, 120)
  const words = { en: `not a chat completion: ${shown}`, zh: `不是聊天回复：${shown}` }
  if (typeof body === 'string' ? says.page.test(body) : says.wrongEndpoint.test(told.text))
    return { kind: 'page', words: withCure(words, addressCure(provider)) }
  return isError ? meaningOf(told, provider) : { kind: 'again', worked: true, words }
}

const errorNames = ['error', 'code', 'message', 'detail', 'error_code', 'error_msg']

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
  if (says.wantsTls.test(told.text)) return fatal(wantsTlsCure)
  if (is.badSample(told)) return { kind: 'sample', worked: true, words }
  if (is.filter(told)) return { kind: 'filter', words }
  if (is.waiting402(told, retryAfter)) return { kind: 'slow', words, ...wait }
  if (is.broke(told, provider)) return fatal(topUp)
  if (is.daily(told)) return fatal(comeBack)
  if (retryAfter !== undefined && retryAfter > mostWaited) return fatal(longWait(retryAfter))
  if (is.loading(told)) return { kind: 'loading', words, ...wait }
  if (is.tooLarge(told)) return fatal(tooLargeCure)
  if (is.crashed(told)) return { kind: 'again', status, words: withCure(words, crashedCure) }
  if (is.gone(told)) return { kind: 'again', status, behind: true, words: withCure(words, goneCure) }
  if (is.noModel(told)) return fatal(modelCure(provider))
  if (status === 401 || status === 402 || status === 403 || is.abroad(told) || is.badKey(told))
    return fatal(accessCure(told, provider))
  if (status === 404) return fatal(says.page.test(told.text) ? addressCure(provider) : modelCure(provider))
  if (status === 429) return { kind: 'slow', words, ...wait }
  const late = tooLateFor.includes(status) && ({ worked: true } as const)
  return aboutRequest(told, words) ?? { kind: 'again', status, words, ...wait, ...late }
}

const tooLateFor = [408, 504, 524] // a gateway that would not wait for the reply
const refusals = [400, 405, 415, 422]
const passes = [408, 409, 424, 200] // 424: TGI, of a fault while it wrote

// A prompt too long for the model names a parameter too, and is no reason to change it for all requests.
function aboutRequest(told: Told, words: Words): Problem | undefined {
  const { status } = told
  if (passes.includes(status) && !namedIn(told)) return undefined
  if (says.tooLong.test(told.text)) {
    const room = says.room(told.text)
    return { kind: 'request', status, words: withCure(words, tooLongCure), ...(room && { room }) }
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
  const first = [
    field(inner, 'message'),
    error,
    field(inner, 'msg'),
    field(inner, 'error_msg'),
    field(inner, 'detail'),
    outer,
  ].find((said) => typeof said === 'string' && said.trim() !== '')
  const [detail] = [field(outer, 'detail')].flat() as unknown[]
  const where = field(detail, 'loc')
  const codes = [inner, outer].flatMap((part) =>
    ['code', 'type', 'status'].map((name) => field(part, name)).filter((code) => typeof code !== 'object'),
  )
  return {
    status,
    codes: codes.join(' '),
    message: masked(
      (typeof first === 'string' ? first : textField(detail, 'msg') || text).slice(0, longestHeard),
    ),
    text: `${codes.join(' ')} ${text}`,
    param: textField(inner, 'param') || (Array.isArray(where) ? wordsIn(where).join('.') : ''),
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
  const cure = tlsCure(`${code} ${messageOf(reason)}`)
  return cure ? { kind: 'fatal', words: withCure(words, cure) } : { kind: 'again', connection: true, words }
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

// Cures

const topUp: Words = {
  en: 'The account is out of credit: top it up, then run the same command.',
  zh: '账户余额不足：请充值后重新运行同一命令。',
}
const comeBack: Words = {
  en: 'The quota of the day is used up: run the same command when it is renewed; it goes on where it stopped.',
  zh: '当日额度已用完：额度恢复后重新运行同一命令，即可从中断处继续。',
}
const tooLongCure: Words = {
  en: `The server's context is too small for this. ${moreContext.en}`,
  zh: `服务器的上下文长度不够。${moreContext.zh}`,
}
const goneCure: Words = {
  en: 'What answers there cannot reach the model behind it: is that running? Once it is, the same command goes on.',
  zh: '应答的是中间的网关，它连不上后面的模型：模型是否在运行？恢复后重新运行同一命令即可继续。',
}
const crashedCure: Words = {
  en: 'The model stopped at the server: what does its own window say? A smaller model, or a smaller context, takes less memory.',
  zh: '服务器上的模型已停止运行：请看看服务器自己的窗口。换小一点的模型或更短的上下文，占用内存更少。',
}

function longWait(ms: number): Words {
  const minutes = Math.ceil(ms / 60_000)
  return {
    en: `The server asks to wait ${minutes} minutes, which is too long to sit and wait: run the same command then; it goes on where it stopped.`,
    zh: `服务器要求等待 ${minutes} 分钟，时间太长，不再等待：到时重新运行同一命令，即可从中断处继续。`,
  }
}

function modelCure({ name, model, baseUrl }: Provider): Words {
  if (name === 'ollama')
    return {
      en: `To fetch it: ollama pull ${model}. What is there already, ollama list shows; name it with --model.`,
      zh: `下载它：ollama pull ${model}。已有的模型可用 ollama list 查看，再用 --model 指定。`,
    }
  const missing = lacksVersion(baseUrl)
  return {
    en: `Is the model's name right (--model ${model}), and the address (${baseUrl}${missing ? ': does it lack /v1?' : ''})?`,
    zh: `请检查模型名称（--model ${model}）和地址（${baseUrl}${missing ? '，是否缺少 /v1？' : ''}）是否正确。`,
  }
}

function addressCure({ baseUrl }: Provider): Words {
  return lacksVersion(baseUrl)
    ? {
        en: `No API answers at ${baseUrl}: does the address lack /v1?`,
        zh: `${baseUrl} 上没有 API 应答：地址是否缺少 /v1？`,
      }
    : {
        en: `No API answers at ${baseUrl}: is the address right (does the address lack /v1, or have too much behind it)?`,
        zh: `${baseUrl} 上没有 API 应答：地址是否正确（是否缺少 /v1，或后面多了什么）？`,
      }
}

function lacksVersion(baseUrl: string): boolean {
  return !/\/v\d/.test(baseUrl)
}

/** A variable that names a proxy Node does not use. */
function proxyNote(proxied: string): Words {
  return {
    en: ` ${proxied} is set, and Node does not use it: is the server reachable without it?`,
    zh: ` 已设置 ${proxied}，但 Node 不会使用它：不经代理能否访问该服务器？`,
  }
}

const startOllama: Words = {
  en: ' Is Ollama running? Its app starts it, or: ollama serve',
  zh: ' Ollama 是否在运行？请打开它的应用，或运行 ollama serve',
}
const whatToLookAt: Words = {
  en: ' Is the address right, is the server running, is there a network?',
  zh: ' 请检查地址是否正确、服务器是否在运行、网络是否通畅。',
}

/** A problem of connection, with what to look at. */
export function unreachable(problem: Problem, provider: Provider): Problem {
  if (problem.behind) return { kind: 'fatal', words: problem.words }
  const { proxied, local, name } = provider
  const about = proxied && !local ? proxyNote(proxied) : name === 'ollama' ? startOllama : whatToLookAt
  return { kind: 'fatal', words: { en: problem.words.en + about.en, zh: problem.words.zh + about.zh } }
}

// A 403 may speak of a country, a quota or a model; only where it says nothing of these is the key to blame.
function accessCure(told: Told, provider: Provider): Words {
  const proxy = provider.proxied && !provider.local ? proxyNote(provider.proxied) : { en: '', zh: '' }
  if (told.status !== 401 && says.place.test(told.text))
    return {
      en: `The provider does not serve the country or network these requests come from.${proxy.en}`,
      zh: `服务商不向发出请求的国家、地区或网络提供服务。${proxy.zh}`,
    }
  if (told.status !== 401 && says.quota.test(told.text))
    return {
      en: "See the provider's console: which quota does it speak of, and how is it raised?",
      zh: '请在服务商控制台查看：它说的是哪项额度，如何提高？',
    }
  if (told.status !== 401 && says.notYours.test(told.text))
    return {
      en: `Has this account the use of ${provider.model}? Switch the model on in the provider's console, or name another (--model).`,
      zh: `此账户是否开通了 ${provider.model}？请在服务商控制台开通，或改用其他模型（--model）。`,
    }
  const key = keyCure(provider)
  return told.status === 403 ? { en: key.en + proxy.en, zh: key.zh + proxy.zh } : key
}

function keyCure({ regional, keyFrom }: Provider): Words {
  if (regional)
    return {
      en: 'A DashScope key belongs to one region: check DASHSCOPE_API_KEY, and for a region other than Beijing set DASHSCOPE_BASE_URL (dashscope-intl.aliyuncs.com Singapore, dashscope-us.aliyuncs.com Virginia).',
      zh: 'DashScope 的密钥只属于一个地域：请检查 DASHSCOPE_API_KEY；北京以外的地域请设置 DASHSCOPE_BASE_URL（新加坡 dashscope-intl.aliyuncs.com，弗吉尼亚 dashscope-us.aliyuncs.com）。',
    }
  if (keyFrom === '')
    return {
      en: 'This server wants a key: put the line LLM_API_KEY=… into a file named .env here.',
      zh: '该服务器需要密钥：请在此处的 .env 文件中写入一行 LLM_API_KEY=…。',
    }
  return {
    en: `Check the key in ${keyFrom} and what it may be used for.`,
    zh: `请检查 ${keyFrom} 中的密钥及其权限。`,
  }
}

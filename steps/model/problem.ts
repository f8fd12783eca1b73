// Why a call gave no reply, and what that means: wait and try again, spell it otherwise, give the row up, or end the run
// with a cure. What servers say is matched in says.ts.
import { hiding } from '../workspace/environment.ts'
import {
  type Words,
  addressCure,
  codeOf,
  keyCure,
  lacksVersion,
  messageOf,
  rootOf,
  tlsCure,
} from '../workspace/fault.ts'
import { field, isObject, textField } from '../workspace/jsonl.ts'
import type { Problem, Provider } from './call.ts'
import {
  type Told,
  azureCure,
  comeBack,
  crashedCure,
  goneCure,
  is,
  namedIn,
  ownSetting,
  renewed,
  says,
  signInCure,
  tooLargeCure,
  tooLongCure,
  topUp,
  wantsTlsCure,
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
  const heard = hear(body, 200, undefined)
  const status = Number(heard.codes.split(' ').find((code) => errorStatus.test(code)) ?? 200)
  const told = { ...heard, status }
  const shown = masked(typeof body === 'string' ? body : (JSON.stringify(body) ?? 'nothing')).slice(0, 120)
  const words = { en: `not a chat completion: ${shown}`, zh: `不是聊天回复：${shown}` }
  if (typeof body === 'string' ? says.page.test(body) : says.wrongEndpoint.test(told.text))
    return { kind: 'page', words }
  const isError = isObject(body) && (complaintIn(body) !== undefined || is.filter(told))
  const problem: Problem = isError ? meaningOf(told, provider) : { kind: 'again', worked: true, words }
  const choices = field(body, 'choices')
  const saysNothing = Array.isArray(choices) && choices.length === 0 && problem.kind === 'again'
  return saysNothing ? { kind: 'filter', unsure: true, worked: true, words: nothingSaid } : problem
}

const errorStatus = /^[45]\d\d$/

const nothingSaid: Words = {
  en: 'a reply with no choices: the content was held back',
  zh: '回复中没有任何内容（choices 为空）：内容被拦截',
}

type Meaning = { told: Told; words: Words; wait: { retryAfter?: number }; provider: Provider }

/** Something else answers there: at another address, or, where there were replies before, in the server's place. */
export function inPlaceOfApi({ words }: Problem, provider: Provider, repliedBefore: boolean): Problem {
  return repliedBefore
    ? { kind: 'again', words: withCure(words, noApiNow) }
    : { kind: 'fatal', words: withCure(words, addressCure(provider)) }
}

const noApiNow: Words = {
  en: 'Something else answers in place of the server: a sign-in page, a gateway, a notice of maintenance? Look at the address in a browser.',
  zh: '应答的不再是服务器本身：是登录页、网关，还是维护公告？请用浏览器打开该地址看看。',
}

// The order counts: a verdict or an empty account may come under any status.
function meaningOf(told: Told, provider: Provider): Problem {
  const { status } = told
  const words = sentence(told, provider)
  const retryAfter = waitAsked(told)
  const meaning = { told, words, provider, wait: retryAfter === undefined ? {} : { retryAfter } }
  if (status >= 300 && status < 400) return redirected(told, provider)
  if (says.wantsTls.test(told.text)) return fatal(meaning, wantsTlsCure)
  if (is.badSample(told)) return { kind: 'sample', worked: true, words }
  if (is.filter(told)) return { kind: 'filter', words }
  const known = aboutAccount(meaning) ?? aboutServer(meaning) ?? aboutAccess(meaning) ?? aboutRequest(meaning)
  const late = tooLateFor.includes(status) && ({ worked: true } as const)
  return known ?? { kind: 'again', status, words, ...meaning.wait, ...late }
}

const tooLateFor = [408, 504, 524] // a gateway that would not wait for the reply

function fatal({ told, words }: Meaning, cure: Words): Problem {
  return { kind: 'fatal', status: told.status, words: withCure(words, cure) }
}

function aboutAccount(meaning: Meaning): Problem | undefined {
  const { told, words, wait, provider } = meaning
  const { retryAfter } = wait
  if (is.waiting402(told, retryAfter)) return { kind: 'slow', words, ...wait }
  if (is.broke(told, provider)) return fatal(meaning, topUp)
  if (is.daily(told)) return fatal(meaning, comeBack)
  if (is.usedUp(told) && retryAfter === undefined) return fatal(meaning, renewed)
  return retryAfter !== undefined && retryAfter > mostWaited
    ? fatal(meaning, longWait(retryAfter))
    : undefined
}

function aboutServer(meaning: Meaning): Problem | undefined {
  const { told, words, wait } = meaning
  const { status } = told
  if (is.loading(told)) return { kind: 'loading', words, ...wait }
  if (is.tooLarge(told)) return fatal(meaning, tooLargeCure)
  if (is.crashed(told)) return { kind: 'again', status, words: withCure(words, crashedCure) }
  if (is.gone(told)) return { kind: 'again', status, behind: true, words: withCure(words, goneCure) }
  if (is.signIn(told)) return fatal(meaning, signInCure)
  return is.throttled(told) ? { kind: 'slow', words, ...wait } : undefined
}

function aboutAccess(meaning: Meaning): Problem | undefined {
  const { told, provider } = meaning
  const { status } = told
  if (is.ownSetting(told)) return fatal(meaning, ownSetting)
  if (is.noModel(told)) return fatal(meaning, modelCure(provider))
  if (is.denied(told)) return fatal(meaning, accessCure(told, provider))
  const isPage = says.page.test(told.text) || says.wrongEndpoint.test(told.text)
  if (isPage && (status === 404 || status === 405)) return fatal(meaning, addressCure(provider))
  return status === 404 || says.apiVersion.test(told.text)
    ? fatal(meaning, modelCure(provider, told))
    : undefined
}

const refusals = [400, 405, 415, 422, 501]
const passes = [408, 409, 423, 424, 425, 460, 499, 200] // 424: TGI, of a fault while it wrote; 460, 499: gateways that hung up

// A prompt too long for the model names a parameter too, and is no reason to change it for all requests. What Groq says of
// its limit for `max_tokens` speaks of the context as well.
function aboutRequest({ told, words }: Meaning): Problem | undefined {
  const { status, text } = told
  const named = status < 500 || says.atAnyStatus.test(text) ? namedIn(told) : undefined
  const room = says.room(text)
  const isTooLong = says.tooLong.test(text) && (named?.most === undefined || room !== undefined)
  if (passes.includes(status) && !named && !(isTooLong && status === 200)) return undefined
  if (isTooLong)
    return { kind: 'request', status, words: withCure(words, tooLongCure), ...(room && { room }) }
  if (named) return { kind: 'parameter', status, words, ...named }
  if (refusals.includes(status)) return { kind: 'refused', status, words }
  return status >= 500 ? undefined : { kind: 'request', status, words }
}

/** Takes in an error body, in whatever way it is put. */
function hear(body: unknown, status: number, headers: Headers | undefined): Told {
  const complaint = complaintIn(body)
  const outer = [body].flat()[0]
  const text = masked(wordsIn(body).join(' ').slice(0, longestHeard))
  const said =
    sayings.map((name) => field(complaint, name)).find(isSaid) ?? (isSaid(outer) ? outer : undefined)
  const where = field(complaint, 'loc')
  const codes = [complaint, outer].flatMap((part) =>
    codeNames.map((name) => field(part, name)).filter((code) => ['string', 'number'].includes(typeof code)),
  )
  return {
    status,
    codes: codes.join(' '),
    message: masked((said ?? text).slice(0, longestHeard)),
    text: `${codes.join(' ')} ${text}`,
    param: textField(complaint, 'param') || (Array.isArray(where) ? wordsIn(where).join('.') : ''),
    headers,
    wait: waitNamedIn(body),
  }
}

const codeNames = ['code', 'type', 'status', 'status_code', 'error_code', 'http_code']
// The first that is there counts.
const sayings = 'message error msg error_msg status_msg detail faultstring reason title'.split(' ')

function isSaid(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== ''
}

/** The part of a body that says what is wrong, with its names in small letters: under `error`, or wherever it stands. */
function complaintIn(body: unknown, depth = 0): Record<string, unknown> | undefined {
  if (typeof body !== 'object' || body === null || depth > 4) return undefined
  const parts = Object.entries(body).map(([name, part]) => [name.toLowerCase(), part as unknown] as const)
  const named = Object.fromEntries(parts.filter(([name]) => !echoes.has(name))) as Record<string, unknown>
  const within = isObject(named.error) ? [named.error] : Object.values(named)
  if (!isObject(named.error) && !Array.isArray(body) && sayings.some((name) => isSaid(named[name])))
    return named
  for (const part of within) {
    const found = complaintIn(part, depth + 1)
    if (found) return found
  }
  return undefined
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
  const title = says.page.test(message) ? /<title>([^<]+)/i.exec(message)?.[1] : undefined
  const said = `${status} ${(title ?? message).replace(new RegExp(`^${status}\\s+`), '')}`
    .slice(0, 300)
    .trimEnd()
  return { en: `${name}: ${said}`, zh: `${name}：${said}` }
}

/** What is wrong, and then what to do about it. */
export function withCure(words: Words, cure: Words): Words {
  const ended = (text: string, stop: string): string =>
    /[?!？！]$/.test(text) ? text : `${text.replace(/[.。]$/, '')}${stop}`
  return { en: `${ended(words.en, '.')} ${cure.en}`, zh: `${ended(words.zh, '。')}${cure.zh}` }
}

// Keys look like sk-…; a server may repeat one in its message ("Incorrect API key provided: sk-…").
function masked(text: string): string {
  return text
    .replace(/\b(sk-|Bearer\s+)[\w*.-]{4,}/gi, '$1…')
    .replace(/\s+/g, ' ')
    .trim()
}

/** Milliseconds the server asks to wait, in a header, a field or in words. */
function waitAsked({ headers, message, status, wait: named }: Told): number | undefined {
  const ms = Number(headers?.get('retry-after-ms') ?? NaN)
  if (ms >= 0) return ms
  const asked = (headers?.get('retry-after') ?? named).replace(/(\d) ?s$/, '$1')
  const seconds = Number(asked)
  const wait = Number.isNaN(seconds) ? Date.parse(asked) - Date.now() : seconds * 1000
  if (asked !== '' && wait >= 0) return wait
  return [200, 402, 429, 503].includes(status) ? says.waitIn(message) : undefined
}

/** What a body says of a wait in a field of its own, as Gemini's `retryDelay`. */
function waitNamedIn(body: unknown, depth = 0): string {
  if (typeof body !== 'object' || body === null || depth > 6) return ''
  for (const [name, part] of Object.entries(body)) {
    const isNamed = /^retry_?(after|delay)(_seconds)?$/i.test(name) && typeof part !== 'object'
    const found = isNamed ? String(part) : waitNamedIn(part, depth + 1)
    if (found !== '') return found
  }
  return ''
}

// Nobody answers, or not in a way that can be understood.

function unconnected(error: unknown, provider: Provider): Problem {
  const reason = rootOf(error)
  const at = (words: Words): Words => ({
    en: `${provider.baseUrl}: ${words.en}`,
    zh: `${provider.baseUrl}：${words.zh}`,
  })
  if (reason instanceof Silence)
    return { kind: 'again', connection: true, silent: true, words: at(reason.words) }
  const code = codeOf(reason) || messageOf(reason)
  const cause = reason === error ? '' : ` (${code})`
  const said = masked(hiding(provider.key)(`${messageOf(error)}${cause}`)).slice(0, 300)
  const words = at({ en: said, zh: said })
  const cure = tlsCure(`${code} ${messageOf(reason)}`)
  return cure ? { kind: 'fatal', words: withCure(words, cure) } : { kind: 'again', connection: true, words }
}

function redirected({ headers, status }: Told, provider: Provider): Problem {
  const place = headers?.get('location') ?? ''
  const target = place !== '' && URL.canParse(place, provider.baseUrl) && new URL(place, provider.baseUrl)
  const shown = target ? `${target.origin}${target.pathname}` : '?'
  const address = shown.replace(/\/(chat\/completions|batches|files|models)\/?$/, '')
  const words: Words = {
    en: `${provider.baseUrl} sends on to ${shown} (${status}), which is not followed: the key would go there.`,
    zh: `${provider.baseUrl} 重定向到 ${shown}（${status}）。程序不会跟随，以免把密钥发到别处。`,
  }
  const isApi = address !== shown && address !== provider.baseUrl
  const cure: Words = {
    en: ` If that is right: --base-url ${address}`,
    zh: `如果确认无误：--base-url ${address}`,
  }
  const other = isApi ? cure : { en: ` ${signInCure.en}`, zh: signInCure.zh }
  return { kind: 'fatal', status, words: { en: words.en + other.en, zh: words.zh + other.zh } }
}

function longWait(ms: number): Words {
  const minutes = Math.ceil(ms / 60_000)
  return {
    en: `The server asks to wait ${minutes} minutes, which is too long to sit and wait: run the same command then; it goes on where it stopped.`,
    zh: `服务器要求等待 ${minutes} 分钟，时间太长，不再等待：到时重新运行同一命令，即可从中断处继续。`,
  }
}

function modelCure({ name, model, baseUrl }: Provider, told?: Told): Words {
  if (name === 'ollama')
    return {
      en: `To fetch it: ollama pull ${model}. What is there already, ollama list shows; name it with --model.`,
      zh: `下载它：ollama pull ${model}。已有的模型可用 ollama list 查看，再用 --model 指定。`,
    }
  if (/azure/.test(baseUrl) || (told && says.apiVersion.test(told.text))) return azureCure
  const missing = lacksVersion(baseUrl)
  return {
    en: `Is the model's name right (--model ${model}), and the address (${baseUrl}${missing ? ': does it lack /v1?' : ''})?`,
    zh: `请检查模型名称（--model ${model}）和地址（${baseUrl}${missing ? '，是否缺少 /v1？' : ''}）是否正确。`,
  }
}

/** A variable that names a proxy Node does not use. */
export function proxyNote(proxied: string): Words {
  return {
    en: `${proxied} is set, and Node does not use it: is the server reachable without it?`,
    zh: `已设置 ${proxied}，但 Node 不会使用它：不经代理能否访问该服务器？`,
  }
}

// A 403 may speak of a country, a quota or a model; only where it says nothing of these is the key to blame.
function accessCure(told: Told, provider: Provider): Words {
  const isProxied = provider.proxied !== '' && !provider.local
  const andProxy = (cure: Words): Words => (isProxied ? withCure(cure, proxyNote(provider.proxied)) : cure)
  if (told.status === 451 || (told.status !== 401 && says.place.test(told.text)))
    return andProxy({
      en: 'The provider does not serve the country or network these requests come from.',
      zh: '服务商不向发出请求的国家、地区或网络提供服务。',
    })
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
  return told.status === 403 ? andProxy(key) : key
}

// How fast to ask, and how patiently: attempts in flight, waits between them, and slowing down when the server says so.
import pLimit from 'p-limit'
import type { Words } from '../workspace/fault.ts'
import { field } from '../workspace/jsonl.ts'
import { type Problem, type Provider, type Quota, interrupted, isProblem } from './call.ts'
import { Allowance, type Mark, Refusals } from './limits.ts'
import { proxyNote } from './says.ts'
import { silenceOf } from './transport.ts'

const mostRetries = 6
const firstWait = { remote: 500, local: 50 } // ms, before any reply has shown how quick the server is
const longestWait = 8_000 // ms; the openai package's own ceiling
const longestAsked = 300_000 // ms; who asks for more ends the run, see problem.ts
const longestThrottled = 60_000 // ms; of waits nobody asked for
const throttled = 4 // times the wait after a 429 with no Retry-After: six such waits outlast a quota by the minute
const connectionTries = 3 // before the first success: then the address is wrong, and the fault will not pass
const doubtfulRetries = 2 // of a key, model or address that is denied after it was good; of what a gateway tried in vain
const loadingAtMost = 300_000 // ms
const loadingWait = 2_000 // ms between looks at a server that is loading its model
const worthALine = 10_000 // ms; longer waits are said
const longSilence = 60_000 // ms from the first attempt on without any sign: that is said, and waited on

/** Told what there is to know while a run waits. */
export type Tell = (words: Words) => void

/** Why an attempt was repeated. */
export type Trouble = 'refused' | 'reset' | 'silent' | 'failed' | 'denied'

type Outcome<T> = { reply: T } | { wait: number; counts: boolean }

export class Pace {
  /** Requests open at a time; one that stands aside keeps no other from being sent. */
  readonly limit: ReturnType<typeof pLimit>
  /** Attempts that were repeated, by what was wrong with them. */
  readonly repeated = new Map<Trouble, number>()
  private readonly attempts: ReturnType<typeof pLimit>
  private readonly gate = pLimit(1) // attempts leave one by one
  private readonly provider: Provider
  private readonly tell: Tell
  private readonly refusals = new Refusals()
  private readonly allowance = new Allowance()
  private readonly waits = new Stopwatch()
  private readonly silence: FirstSilence
  private most: number // attempts in flight
  private underWay = 0
  private latency: number | undefined // ms, of the latest reply
  private quickest = Infinity // ms
  private succeeded = 0
  private halvedAt = 0
  private resumeAt = 0
  private toldUntil = 0
  private loadingSince: number | undefined

  constructor(concurrency: number, provider: Provider, tell: Tell = () => undefined) {
    this.most = concurrency
    this.provider = provider
    this.tell = tell
    this.limit = pLimit(concurrency)
    this.attempts = pLimit(concurrency)
    this.silence = new FirstSilence(provider, tell)
  }

  /** Milliseconds in which some request waited for its next attempt, or all for leave to be sent. */
  get waited(): number {
    return this.waits.ms
  }

  /** Milliseconds since the first attempt, while nothing has come back at all. */
  get silentFor(): number | undefined {
    return this.silence.ms
  }

  /**
   * Tries until there is a reply; a Problem that is left after the last attempt is thrown. `halt` ends every wait. A
   * server that is loading is waited for however few `retries` there are.
   */
  async patiently<T>(attempt: () => Promise<T>, halt: AbortSignal, retries = mostRetries): Promise<T> {
    const request = {}
    for (let tries = 0; ; tries++) {
      const outcome = await this.attempts(() => this.once(request, attempt, halt, tries, retries))
      if ('reply' in outcome) return outcome.reply
      if (!outcome.counts) tries--
      const { wait } = outcome
      if (wait > 0) await this.aside(() => this.waits.over(pause(wait, halt)))
    }
  }

  /** One attempt; what is left to do after it is decided before its slot is free, else others would run into the same. */
  private async once<T>(
    request: object,
    attempt: () => Promise<T>,
    halt: AbortSignal,
    tries: number,
    retries: number,
  ): Promise<Outcome<T>> {
    const mark = await this.gate(() => this.leave(request, halt))
    this.silence.begin(halt)
    const startedAt = mark.startedAt
    const inFlight = ++this.underWay
    try {
      const reply = await attempt()
      this.succeed(startedAt, inFlight)
      const quota = field(reply, 'quota') as Quota | undefined
      if (quota) this.allowance.heed(mark, this.refusals.sent, quota)
      return { reply }
    } catch (error) {
      if (!isProblem(error)) throw error
      return { wait: this.react(error, mark, tries, retries), counts: error.kind !== 'loading' }
    } finally {
      this.underWay--
    }
  }

  /** Waits until an attempt may be sent: after a refusal that was meant for all, or as the server's own figures say. */
  private async leave(request: object, halt: AbortSignal): Promise<Mark> {
    for (;;) {
      if (halt.aborted) throw interrupted
      const wait = Math.max(this.resumeAt, this.allowance.nextAt, this.refusals.nextAt) - Date.now()
      if (wait <= 0) break
      await this.waits.over(pause(wait, halt))
    }
    const mark = this.refusals.begin(request)
    this.allowance.take(mark)
    return mark
  }

  /** What a request does while it only waits. */
  private async aside<T>(work: () => Promise<T>): Promise<T> {
    this.limit.concurrency++
    try {
      return await work()
    } finally {
      this.limit.concurrency--
    }
  }

  /** Milliseconds until this request may try again; throws the problem when it may not. */
  private react(problem: Problem, mark: Mark, tries: number, retries: number): number {
    const { kind } = problem
    if (!problem.connection) this.silence.end()
    if (kind === 'loading') return this.whileLoading(problem)
    this.loadingSince = undefined
    if (problem.silent) this.slowDown(mark.startedAt)
    const refused = kind === 'slow'
    const wait = this.backoff(problem, Math.min(tries, mostRetries))
    const meaning = refused ? this.refusals.meaning(mark) : 'stray'
    if (meaning !== 'stray') this.holdAll(wait)
    if (meaning === 'again') this.slowDown(mark.startedAt)
    this.throwFinal(problem, tries, retries)
    const trouble = troubleOf(problem)
    this.repeated.set(trouble, (this.repeated.get(trouble) ?? 0) + 1)
    if (kind === 'sample') return 0
    this.say(problem, wait)
    return wait
  }

  private throwFinal(problem: Problem, tries: number, retries: number): void {
    const unreached = (problem.connection ?? problem.behind) && this.latency === undefined
    if (unreached && tries + 1 >= Math.min(connectionTries, retries + 1))
      throw unreachable(problem, this.provider)
    const passing = ['again', 'slow', 'sample'].includes(problem.kind)
    const isDoubtful = problem.behind ?? this.isDoubtful(problem)
    const atMost = isDoubtful ? Math.min(doubtfulRetries, retries) : passing ? retries : 0
    if (tries >= atMost) throw problem
  }

  /** Denied what was granted before: servers and what stands before them sometimes slip. */
  private isDoubtful({ kind, status = 0 }: Problem): boolean {
    return kind === 'fatal' && denials.includes(status) && this.latency !== undefined
  }

  private whileLoading(problem: Problem): number {
    const since = (this.loadingSince ??= this.startLoading(problem))
    if (Date.now() - since < loadingAtMost) return this.provider.local ? loadingWait / 2 : loadingWait
    throw { ...problem, kind: 'fatal' } satisfies Problem
  }

  private startLoading({ words }: Problem): number {
    const minutes = loadingAtMost / 60_000
    this.tell({
      en: `${words.en}: the server is not ready yet; waiting up to ${minutes} minutes. ${howToStop.en}`,
      zh: `${words.zh}：服务器尚未就绪，最多等待 ${minutes} 分钟。${howToStop.zh}`,
    })
    return Date.now()
  }

  /** One line for a long wait, however many requests wait together. */
  private say({ words, retryAfter }: Problem, wait: number): void {
    const until = Date.now() + wait
    if (wait <= worthALine || until - this.toldUntil < worthALine) return
    this.toldUntil = until
    const s = Math.ceil(wait / 1000)
    this.tell(
      retryAfter
        ? {
            en: `${words.en}: the server asks to wait, ${s} s. ${howToStop.en}`,
            zh: `${words.zh}：服务器要求等待 ${s} 秒。${howToStop.zh}`,
          }
        : {
            en: `${words.en}: waiting ${s} s before the next try. ${howToStop.en}`,
            zh: `${words.zh}：等待 ${s} 秒后再试。${howToStop.zh}`,
          },
    )
  }

  // What the server asked for; else doubled with every try, from its own latency, so that a quick one is not waited for long.
  private backoff({ kind, retryAfter }: Problem, tries: number): number {
    if (retryAfter) return Math.min(retryAfter * (1 + Math.random() / 4), longestAsked)
    const first = this.provider.local ? firstWait.local : firstWait.remote
    const base = this.latency === undefined ? first : Math.min(firstWait.remote, Math.max(10, this.latency))
    const isPatient = kind === 'slow' || kind === 'fatal'
    const [factor, longest] = isPatient ? [throttled, longestThrottled] : [1, longestWait]
    return Math.min(base * factor * 2 ** tries * (0.75 + Math.random() / 2), longest)
  }

  /** Nobody sends until the wait is over. */
  private holdAll(wait: number): void {
    this.resumeAt = Math.max(this.resumeAt, Date.now() + wait)
  }

  // Half the attempts in flight. Attempts from before the last halving say nothing new.
  private slowDown(startedAt: number): void {
    if (startedAt < this.halvedAt) return
    this.halvedAt = Math.max(this.resumeAt, Date.now())
    this.succeeded = 0
    this.attempts.concurrency = Math.max(1, Math.floor(this.attempts.concurrency / 2))
  }

  // One more in flight after as many replies as are in flight.
  private succeed(startedAt: number, inFlight: number): void {
    this.loadingSince = undefined
    this.silence.end()
    this.refusals.succeed()
    this.latency = Date.now() - startedAt
    this.quickest = Math.min(this.quickest, this.latency)
    this.fit(this.latency, inFlight)
    if (startedAt < this.halvedAt) return
    this.succeeded++
    if (this.succeeded < this.attempts.concurrency || this.attempts.concurrency >= this.most) return
    this.succeeded = 0
    this.attempts.concurrency++
  }

  /**
   * Where replies take long enough to be given up soon, no more are in flight than the server works on side by side: of
   * so many at once, each took so much longer than the quickest. More in flight would only wait in the server.
   */
  private fit(latency: number, inFlight: number): void {
    if (latency < silenceOf(this.provider) / 2) return
    const sideBySide = Math.max(1, Math.round((inFlight * this.quickest) / latency))
    this.most = Math.min(this.most, sideBySide)
    this.attempts.concurrency = Math.min(this.attempts.concurrency, this.most)
  }
}

/** Statuses that deny something to whoever asks. */
export const denials = [401, 403, 404]

function troubleOf({ kind, connection, silent }: Problem): Trouble {
  if (kind === 'slow') return 'refused'
  if (kind === 'fatal') return 'denied'
  return silent ? 'silent' : connection ? 'reset' : 'failed'
}

/** Says, once, that a server has been silent from the first attempt on. */
class FirstSilence {
  private since: number | undefined
  private ended = false
  private timer: NodeJS.Timeout | undefined
  private readonly provider: Provider
  private readonly tell: Tell

  constructor(provider: Provider, tell: Tell) {
    this.provider = provider
    this.tell = tell
  }

  get ms(): number | undefined {
    return this.ended || this.since === undefined ? undefined : Date.now() - this.since
  }

  begin(halt: AbortSignal): void {
    if (this.since !== undefined || this.provider.byHand || this.provider.standIn) return
    this.since = Date.now()
    this.timer = setTimeout(() => this.tell(silentSoFar(this.provider)), longSilence)
    this.timer.unref()
    halt.addEventListener('abort', () => this.end())
  }

  end(): void {
    this.ended = true
    clearTimeout(this.timer)
  }
}

function silentSoFar(provider: Provider): Words {
  const [s, most] = [longSilence, silenceOf(provider)].map((ms) => Math.round(ms / 1000))
  const { baseUrl } = provider
  return provider.local
    ? {
        en: `${baseUrl} has sent nothing for ${s} s. It may be loading the model, or reading a prompt slowly: what does its own window say? A smaller model, or --concurrency 1, answers sooner. A request is waited for up to ${most} s (--timeout). ${howToStop.en}`,
        zh: `${baseUrl} 已有 ${s} 秒没有任何回应。可能正在加载模型，或者读提示词很慢：请看看服务器自己的窗口。换小一点的模型，或加上 --concurrency 1，会快一些。每次请求最多等 ${most} 秒（--timeout）。${howToStop.zh}`,
      }
    : {
        en: `${baseUrl} has sent nothing for ${s} s. Is the address right, and is there a proxy or firewall in between? \`check\` looks at the connection alone. A request is waited for up to ${most} s (--timeout). ${howToStop.en}`,
        zh: `${baseUrl} 已有 ${s} 秒没有任何回应。地址是否正确？中间有没有代理或防火墙？\`check\` 可以单独检查连接。每次请求最多等 ${most} 秒（--timeout）。${howToStop.zh}`,
      }
}

/** Time in which anybody waited; those who wait together are counted once. */
class Stopwatch {
  private passed = 0
  private since = 0
  private waiting = 0

  get ms(): number {
    return this.passed + (this.waiting > 0 ? Date.now() - this.since : 0)
  }

  async over(wait: Promise<void>): Promise<void> {
    if (this.waiting++ === 0) this.since = Date.now()
    try {
      await wait
    } finally {
      if (--this.waiting === 0) this.passed += Date.now() - this.since
    }
  }
}

const howToStop: Words = {
  en: 'Ctrl-C ends the run; the same command goes on.',
  zh: '按 Ctrl-C 可结束，重新运行同一命令即可继续。',
}

function pause(ms: number, halt: AbortSignal): Promise<void> {
  if (halt.aborted) return Promise.reject(interrupted)
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer)
      halt.removeEventListener('abort', end)
      if (halt.aborted) reject(interrupted)
      else resolve()
    }
    const timer = setTimeout(end, Math.ceil(ms))
    halt.addEventListener('abort', end)
  })
}

/** A problem of connection, with what to look at. */
export function unreachable(problem: Problem, provider: Provider): Problem {
  if (problem.behind) return { kind: 'fatal', words: problem.words }
  const about: Words =
    provider.proxied && !provider.local
      ? proxyNote(provider.proxied)
      : {
          en: ' Is the address right, is the server running, is there a network?',
          zh: ' 请检查地址是否正确、服务器是否在运行、网络是否通畅。',
        }
  return { kind: 'fatal', words: { en: problem.words.en + about.en, zh: problem.words.zh + about.zh } }
}

// How fast to ask, and how patiently: attempts in flight, waits between them, and slowing down when the server says so.
import pLimit from 'p-limit'
import type { Words } from '../workspace/fault.ts'
import { field } from '../workspace/jsonl.ts'
import { type Problem, type Provider, type Quota, interrupted, isProblem } from './call.ts'
import { Allowance, FirstSilence, Flight, type Mark, Refusals, howToStop } from './limits.ts'
import { proxyNote, withCure } from './problem.ts'
import { silenceOf } from './transport.ts'

const mostRetries = 6
const firstWait = { remote: 500, local: 50 } // ms, before any reply has shown how quick the server is
const longestWait = 8_000 // ms; the openai package's own ceiling
const fewDoublings = 2
const longestAsked = 300_000 // ms; who asks for more ends the run, see problem.ts
const apart = { stray: 0.05, limit: 0.25 } // of that at most on top: who met a limit should not come back all at once
const longestThrottled = 60_000 // ms; of waits nobody asked for
const sooner = 2 // doublings less after a fault while others are answered: the server is up
const throttled = 4 // times the wait after a 429 with no Retry-After: six such waits outlast a quota by the minute
const connectionTries = 3 // before the first success: then the address is wrong, and the fault will not pass
const doubtfulRetries = 2 // of a key, model or address that is denied after it was good; of what a gateway tried in vain
const loadingAtMost = 300_000 // ms
const loadingWait = 2_000 // ms between looks at a server that is loading its model
const worthALine = 10_000 // ms; longer waits are said

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
  private readonly gate = pLimit(1) // attempts leave one by one
  private readonly provider: Provider
  private readonly tell: Tell
  private readonly refusals = new Refusals()
  private readonly allowance = new Allowance()
  private readonly flight: Flight
  private readonly waits = new Stopwatch()
  private readonly silence: FirstSilence
  private latency: number | undefined // ms, of the latest reply
  private failures = 0 // of any requests, since the latest reply
  private resumeAt = 0
  private toldUntil = 0
  private loadingSince: number | undefined

  constructor(concurrency: number, provider: Provider, tell: Tell = () => undefined) {
    this.provider = provider
    this.tell = tell
    this.limit = pLimit(concurrency)
    this.flight = new Flight(concurrency, silenceOf(provider))
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
      const outcome = await this.flight.inPlace(() => this.once(request, attempt, halt, tries, retries))
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
    const inFlight = this.flight.begin()
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
      this.flight.end()
    }
  }

  /** Waits until an attempt may be sent: after a refusal that was meant for all, or as the server's own figures say. */
  private async leave(request: object, halt: AbortSignal): Promise<Mark> {
    for (;;) {
      if (halt.aborted) throw interrupted
      const { nextAt } = this.allowance
      const until = Math.max(nextAt, this.resumeAt, this.refusals.nextAt)
      const wait = until - Date.now()
      if (wait <= 0) break
      if (until === nextAt) this.say({ words: limitUsedUp, retryAfter: wait }, wait)
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
    this.failures++
    if (!problem.connection) this.silence.end()
    if (kind === 'loading') return this.whileLoading(problem)
    this.loadingSince = undefined
    if (problem.silent) this.slowDown(mark)
    const refused = kind === 'slow'
    const meaning = refused ? this.refusals.meaning(mark) : 'stray'
    const wait = this.backoff(
      problem,
      Math.min(tries, mostRetries),
      meaning === 'stray' ? apart.stray : apart.limit,
    )
    if (meaning !== 'stray') this.holdAll(wait)
    if (meaning === 'again') this.slowDown(mark)
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
  private say({ words, retryAfter }: Pick<Problem, 'words' | 'retryAfter'>, wait: number): void {
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

  /**
   * What the server asked for; else doubled with every try, from its own latency, so that a quick one is not waited for
   * long. One that answers others in between is not down: it is asked again sooner, and two doublings are enough.
   */
  private backoff({ kind, retryAfter }: Problem, tries: number, jitter: number): number {
    if (retryAfter) return Math.min(retryAfter * (1 + Math.random() * jitter), longestAsked)
    const first = this.provider.local ? firstWait.local : firstWait.remote
    const base = this.latency === undefined ? first : Math.min(firstWait.remote, Math.max(10, this.latency))
    const isPatient = kind === 'slow' || kind === 'fatal'
    const less = this.failures === 1 && this.latency !== undefined ? sooner : 0
    const [factor, longest] = isPatient ? [throttled, longestThrottled] : [1, longestWait]
    const doublings = isPatient ? tries : Math.min(tries - less, Math.max(fewDoublings, this.failures - 1))
    return Math.min(base * factor * 2 ** doublings * (0.75 + Math.random() / 2), longest)
  }

  /** Nobody sends until the wait is over. */
  private holdAll(wait: number): void {
    this.resumeAt = Math.max(this.resumeAt, Date.now() + wait)
  }

  /** Fewer in flight, from the end of a wait that all are in. */
  private slowDown({ startedAt }: Mark): void {
    this.flight.halve(startedAt, Math.max(this.resumeAt, Date.now()))
  }

  private succeed(startedAt: number, inFlight: number): void {
    this.loadingSince = undefined
    this.silence.end()
    this.refusals.succeed()
    this.failures = 0
    this.latency = Date.now() - startedAt
    this.flight.succeed(startedAt, this.latency, inFlight)
  }
}

const limitUsedUp: Words = {
  en: 'by its own figures the server takes no more for now',
  zh: '按服务器自己给出的数字，目前不再接受请求',
}

/** Statuses that deny something to whoever asks. */
export const denials = [401, 403, 404]

function troubleOf({ kind, connection, silent }: Problem): Trouble {
  if (kind === 'slow') return 'refused'
  if (kind === 'fatal') return 'denied'
  return silent ? 'silent' : connection ? 'reset' : 'failed'
}

const startOllama: Words = {
  en: 'Is Ollama running? Its app starts it, or: ollama serve',
  zh: 'Ollama 是否在运行？请打开它的应用，或运行 ollama serve',
}
const whatToLookAt: Words = {
  en: 'Is the address right, is the server running, is there a network?',
  zh: '请检查地址是否正确、服务器是否在运行、网络是否通畅。',
}

/** A problem of connection, with what to look at. */
export function unreachable(problem: Problem, provider: Provider): Problem {
  if (problem.behind) return { kind: 'fatal', words: problem.words }
  const { proxied, local, name } = provider
  const about = proxied && !local ? proxyNote(proxied) : name === 'ollama' ? startOllama : whatToLookAt
  return { kind: 'fatal', words: withCure(problem.words, about) }
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

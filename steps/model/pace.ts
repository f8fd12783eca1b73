// How fast to ask, and how patiently: attempts in flight, waits between them, and slowing down when the server says so.
import pLimit from 'p-limit'
import type { Words } from '../workspace/fault.ts'
import { type Problem, type Provider, interrupted, isProblem } from './call.ts'
import { proxyNote } from './problem.ts'
import { silenceOf } from './transport.ts'

const mostRetries = 6
const firstWait = { remote: 500, local: 50 } // ms, before any reply has shown how quick the server is
const longestWait = 8_000 // ms; the openai package's own ceiling
const longestAsked = 300_000 // ms; who asks for more ends the run, see problem.ts
const longestThrottled = 60_000 // ms; of waits nobody asked for
const throttled = 4 // times the wait after a 429 with no Retry-After: six such waits outlast a quota by the minute
const connectionTries = 3 // before the first success: then the address is wrong, and the fault will not pass
const loadingAtMost = 300_000 // ms
const loadingWait = 2_000 // ms between looks at a server that is loading its model
const worthALine = 10_000 // ms; longer waits are said

/** Told what there is to know while a run waits. */
export type Tell = (words: Words) => void

export class Pace {
  /** Requests open at a time, the waits between their attempts included. */
  readonly limit: ReturnType<typeof pLimit>
  private readonly attempts: ReturnType<typeof pLimit>
  private readonly provider: Provider
  private readonly tell: Tell
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
  }

  /**
   * Tries until there is a reply; a Problem that is left after the last attempt is thrown. `halt` ends every wait. A
   * server that is loading is waited for however few `retries` there are.
   */
  async patiently<T>(attempt: () => Promise<T>, halt: AbortSignal, retries = mostRetries): Promise<T> {
    for (let tries = 0; ; tries++) {
      try {
        return await this.attempts(() => this.once(attempt, halt, tries < retries ? tries : undefined))
      } catch (error) {
        if (!isProblem(error)) throw error
        if (error.kind === 'loading') tries--
        await pause(this.waitAfter(error, tries, retries), halt)
      }
    }
  }

  /** `tries` so far, where another will follow. */
  private async once<T>(attempt: () => Promise<T>, halt: AbortSignal, tries: number | undefined): Promise<T> {
    while (Date.now() < this.resumeAt) await pause(this.resumeAt - Date.now(), halt)
    if (halt.aborted) throw interrupted
    const startedAt = Date.now()
    const inFlight = ++this.underWay
    try {
      const reply = await attempt()
      this.succeed(startedAt, inFlight)
      return reply
    } catch (error) {
      if (isProblem(error)) this.react(error, startedAt, tries)
      throw error
    } finally {
      this.underWay--
    }
  }

  // Before the slot is free again: else the next request would be sent into what slows this one down.
  private react(problem: Problem, startedAt: number, tries: number | undefined): void {
    if (problem.kind !== 'loading') this.loadingSince = undefined
    if (problem.silent) this.slowDown(startedAt, 0)
    if (problem.kind !== 'slow') return
    const wait = this.backoff(problem, tries ?? mostRetries)
    if (tries !== undefined) this.say(problem, wait)
    this.slowDown(startedAt, wait)
  }

  /** Milliseconds until this request may try again; throws the problem when it may not. */
  private waitAfter(problem: Problem, tries: number, retries: number): number {
    if (problem.kind === 'loading') return this.whileLoading(problem)
    const unreached = problem.connection === true && this.latency === undefined
    if (unreached && tries + 1 >= Math.min(connectionTries, retries + 1))
      throw unreachable(problem, this.provider)
    const passing = ['again', 'slow', 'sample'].includes(problem.kind)
    if (!passing || tries >= retries) throw problem
    if (problem.kind === 'sample' || problem.kind === 'slow') return 0 // after a 429 all requests wait, see `once`
    const wait = this.backoff(problem, tries)
    this.say(problem, wait)
    return wait
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

  // What the server asked for; else doubled with every try, from twice its own latency, so that a quick one is not waited for long.
  private backoff({ kind, retryAfter }: Problem, tries: number): number {
    if (retryAfter) return Math.min(retryAfter * (1 + Math.random() / 4), longestAsked)
    const first = this.provider.local ? firstWait.local : firstWait.remote
    const base =
      this.latency === undefined ? first : Math.min(firstWait.remote, Math.max(10, 2 * this.latency))
    const [factor, longest] = kind === 'slow' ? [throttled, longestThrottled] : [1, longestWait]
    return Math.min(base * factor * 2 ** tries * (0.75 + Math.random() / 2), longest)
  }

  // Half the attempts in flight, and nobody sends until the wait is over. Attempts from before the last halving say nothing new.
  private slowDown(startedAt: number, wait: number): void {
    this.resumeAt = Math.max(this.resumeAt, Date.now() + wait)
    if (startedAt < this.halvedAt) return
    this.halvedAt = this.resumeAt
    this.succeeded = 0
    this.attempts.concurrency = Math.max(1, Math.floor(this.attempts.concurrency / 2))
  }

  // One more in flight after as many replies as are in flight.
  private succeed(startedAt: number, inFlight: number): void {
    this.loadingSince = undefined
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
    const timer = setTimeout(end, ms)
    halt.addEventListener('abort', end)
  })
}

/** A problem of connection, with what to look at. */
export function unreachable(problem: Problem, provider: Provider): Problem {
  const about: Words =
    provider.proxied && !provider.local
      ? proxyNote(provider.proxied)
      : {
          en: ' Is the address right, is the server running, is there a network?',
          zh: ' 请检查地址是否正确、服务器是否在运行、网络是否通畅。',
        }
  return { kind: 'fatal', words: { en: problem.words.en + about.en, zh: problem.words.zh + about.zh } }
}

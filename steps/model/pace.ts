// How fast to ask, and how patiently: attempts in flight, waits between them, and slowing down when the server says so.
import pLimit from 'p-limit'
import type { Words } from '../workspace/fault.ts'
import { type Problem, type Provider, interrupted, isProblem } from './call.ts'

const mostRetries = 6
const firstWait = { remote: 500, local: 50 } // ms, before any reply has shown how quick the server is
const longestWait = 8_000 // ms; the openai package's own ceiling
const longestAsked = 60_000 // ms; a longer Retry-After is not obeyed
const throttled = 4 // times the wait after a 429 with no Retry-After: six such waits outlast a quota by the minute
const connectionTries = 3 // before the first success: then the address is wrong, and the fault will not pass

export class Pace {
  /** Requests open at a time, the waits between their attempts included. */
  readonly limit: ReturnType<typeof pLimit>
  private readonly attempts: ReturnType<typeof pLimit>
  private readonly most: number
  private readonly provider: Provider
  private latency: number | undefined // ms, of the latest reply
  private succeeded = 0
  private halvedAt = 0
  private resumeAt = 0

  constructor(concurrency: number, provider: Provider) {
    this.most = concurrency
    this.provider = provider
    this.limit = pLimit(concurrency)
    this.attempts = pLimit(concurrency)
  }

  /** Tries until there is a reply; a Problem that is left after the last attempt is thrown. `halt` ends every wait. */
  async patiently<T>(attempt: () => Promise<T>, halt: AbortSignal): Promise<T> {
    for (let tries = 0; ; tries++) {
      try {
        return await this.attempts(() => this.once(attempt, tries, halt))
      } catch (error) {
        if (!isProblem(error)) throw error
        await pause(this.waitAfter(error, tries), halt)
      }
    }
  }

  private async once<T>(attempt: () => Promise<T>, tries: number, halt: AbortSignal): Promise<T> {
    while (Date.now() < this.resumeAt) await pause(this.resumeAt - Date.now(), halt)
    if (halt.aborted) throw interrupted
    const startedAt = Date.now()
    try {
      const reply = await attempt()
      this.succeed(startedAt)
      return reply
    } catch (error) {
      if (isProblem(error) && error.kind === 'slow') this.slowDown(startedAt, this.backoff(error, tries))
      throw error
    }
  }

  /** Milliseconds until this request may try again; throws the problem when it may not. */
  private waitAfter(problem: Problem, tries: number): number {
    const unreached = problem.connection === true && this.latency === undefined
    if (unreached && tries + 1 >= connectionTries) throw unreachable(problem, this.provider)
    const passing = problem.kind === 'again' || problem.kind === 'slow'
    if (!passing || tries >= mostRetries) throw problem
    return problem.kind === 'slow' ? 0 : this.backoff(problem, tries) // after a 429 all requests wait, see `once`
  }

  // What the server asked for; else doubled with every try, from twice its own latency, so that a quick one is not waited for long.
  private backoff({ kind, retryAfter }: Problem, tries: number): number {
    if (retryAfter) return Math.min(retryAfter * (1 + Math.random() / 4), longestAsked)
    const first = this.provider.local ? firstWait.local : firstWait.remote
    const base =
      this.latency === undefined ? first : Math.min(firstWait.remote, Math.max(10, 2 * this.latency))
    const [factor, longest] = kind === 'slow' ? [throttled, longestAsked] : [1, longestWait]
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
  private succeed(startedAt: number): void {
    this.latency = Date.now() - startedAt
    if (startedAt < this.halvedAt) return
    this.succeeded++
    if (this.succeeded < this.attempts.concurrency || this.attempts.concurrency >= this.most) return
    this.succeeded = 0
    this.attempts.concurrency++
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
    const timer = setTimeout(end, ms)
    halt.addEventListener('abort', end)
  })
}

/** A problem of connection, with what to look at. */
export function unreachable(problem: Problem, provider: Provider): Problem {
  const about: Words = provider.proxied
    ? {
        en: ' HTTPS_PROXY is set, and Node does not use it: is the server reachable without it?',
        zh: ' 已设置 HTTPS_PROXY，但 Node 不会使用它：不经代理能否访问该服务器？',
      }
    : {
        en: ' Is the address right, is the server running, is there a network?',
        zh: ' 请检查地址是否正确、服务器是否在运行、网络是否通畅。',
      }
  return { kind: 'fatal', words: { en: problem.words.en + about.en, zh: problem.words.zh + about.zh } }
}

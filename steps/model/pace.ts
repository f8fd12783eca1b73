// How fast to ask, and how patiently: requests in flight, waits between attempts, and slowing down when the server says so.
import { setTimeout as sleep } from 'node:timers/promises'
import pLimit from 'p-limit'
import type { Words } from '../workspace/fault.ts'
import { isProblem, type Problem } from './problem.ts'
import type { Provider } from './provider.ts'

const mostRetries = 6
const longestBackoff = 8_000 // ms; the openai package's own ceiling
const longestAsked = 60_000 // ms; a longer Retry-After is not obeyed
const firstWait = { remote: 500, local: 50 } // ms, before any reply has shown how quick the server is
const connectionTries = 3 // before the first success: then the address is wrong, not the weather

export class Pace {
  readonly limit: ReturnType<typeof pLimit>
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
  }

  /** Tries until there is a reply; a Problem that is left after the last attempt is thrown. `halt` ends every wait. */
  async patiently<T>(attempt: () => Promise<T>, halt: AbortSignal): Promise<T> {
    for (let tries = 0; ; tries++) {
      await this.pause(this.resumeAt - Date.now(), halt)
      const startedAt = Date.now()
      try {
        const reply = await attempt()
        this.succeed(Date.now() - startedAt)
        return reply
      } catch (error) {
        if (!isProblem(error)) throw error
        await this.pause(this.waitAfter(error, tries, startedAt), halt)
      }
    }
  }

  /** Milliseconds to wait before the next attempt; throws the problem when there is none. */
  private waitAfter(problem: Problem, tries: number, startedAt: number): number {
    const unreached = problem.connection === true && this.latency === undefined
    if (unreached && tries + 1 >= connectionTries) throw unreachable(problem, this.provider)
    if ((problem.kind !== 'again' && problem.kind !== 'slow') || tries >= mostRetries) throw problem
    const wait = this.backoff(tries, problem.retryAfter)
    if (problem.kind === 'slow') this.slowDown(startedAt, wait)
    return wait
  }

  // Doubles with every try, from twice the server's own latency, so that a quick server is not waited for long.
  private backoff(tries: number, asked: number | undefined): number {
    if (asked !== undefined) return Math.min(asked, longestAsked) * (1 + Math.random() / 4)
    const first = this.provider.local ? firstWait.local : firstWait.remote
    const base =
      this.latency === undefined ? first : Math.min(firstWait.remote, Math.max(10, 2 * this.latency))
    return Math.min(base * 2 ** tries, longestBackoff) * (0.75 + Math.random() / 2)
  }

  // Half the requests in flight, and nobody sends until the wait is over. Requests sent before the last halving say nothing new.
  private slowDown(startedAt: number, wait: number): void {
    this.resumeAt = Math.max(this.resumeAt, Date.now() + wait)
    if (startedAt < this.halvedAt) return
    this.halvedAt = Date.now()
    this.succeeded = 0
    this.limit.concurrency = Math.max(1, Math.floor(this.limit.concurrency / 2))
  }

  // One more in flight after as many replies in a row as are in flight.
  private succeed(latency: number): void {
    this.latency = latency
    this.succeeded++
    if (this.succeeded < this.limit.concurrency || this.limit.concurrency >= this.most) return
    this.succeeded = 0
    this.limit.concurrency++
  }

  private async pause(ms: number, halt: AbortSignal): Promise<void> {
    if (ms > 0) await sleep(ms, undefined, { signal: halt }).catch(() => undefined)
    if (halt.aborted) throw { kind: 'stopped', words: { en: 'stopped', zh: '已停止' } } satisfies Problem
  }
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

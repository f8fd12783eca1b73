// What a server takes: whether a refusal is meant for this request alone or for all, how many more attempts the server's own
// figures allow, and how many may be under way side by side. And what is said while it has sent nothing at all.
import pLimit from 'p-limit'
import type { Words } from '../workspace/fault.ts'
import type { Provider, Quota } from './call.ts'
import { silenceOf } from './transport.ts'

// A refusal may be a stray one, of a server that has more to do than this, or it may be a limit. A limit refuses many, and
// request after request; then everybody must slow down, and no more are sent in a second than were taken in the best one.
// After a stray refusal its own request waits, and no other.

const latestAttempts = 40
const strayAtMost = 7 // refusals among them, somewhat more than one in seven
const onEnd = 4 // requests refused one after another
const second = 1000 // ms
const spare = 1.03 // times the time between attempts that the limit seems to want
const slower = 1.01 // times that, after a refusal
const harder = 1.2 // times that, when the limit was met again all the same
const quicker = 0.005 // of that less after so many replies without a refusal, twice as much after as many more, and so on
const repliesToQuicken = 20
const doublings = 3
const inVain = 8 // limits met with hardly a reply in between: these refusals are stray, and slowness is no cure
const letBe = 200 // attempts after that
const episode = 10_000 // ms; a limit met again so soon wants fewer in flight, too

/** An attempt, in the order in which they were sent. */
export type Mark = { number: number; request: object; startedAt: number; refused: boolean }

export class Refusals {
  private latest: Mark[] = []
  private spacing = 0 // ms between attempts, once a limit was met
  private nextSlot = 0
  private replies = 0 // since the last refusal
  private met = 0 // limits, since so many replies came without a refusal
  private ignoredUntil = 0 // the number of an attempt
  private metAt = -Infinity // when a limit was met last
  private metBy = 0 // the attempt by then
  private isMet = false

  /** Attempts so far. */
  get sent(): number {
    return this.latest.at(-1)?.number ?? 0
  }

  /** When the next attempt may be sent. */
  get nextAt(): number {
    return this.spacing === 0 ? 0 : this.nextSlot
  }

  begin(request: object): Mark {
    const startedAt = Date.now()
    const mark = { number: this.sent + 1, request, startedAt, refused: false }
    if (this.isMet) this.estimate()
    this.latest.push(mark)
    while (this.latest.length > latestAttempts && (this.latest[0]?.startedAt ?? 0) < startedAt - second)
      this.latest.shift()
    this.nextSlot = Math.max(this.nextSlot, startedAt - this.spacing) + this.spacing
    return mark
  }

  /** A reply came: in time the limit is tried again. */
  succeed(): void {
    if (this.spacing === 0 || ++this.replies % repliesToQuicken > 0) return
    const times = this.replies / repliesToQuicken - 1
    this.met = 0
    this.spacing *= 1 - quicker * 2 ** Math.min(times, doublings)
    if (this.spacing < 1) this.spacing = 0
  }

  /**
   * What the refusal of this attempt means: nothing but for itself; a limit, and attempts keep their distance from now on;
   * or the same limit again, so that fewer must be in flight.
   */
  meaning(mark: Mark): 'stray' | 'limit' | 'again' {
    mark.refused = true
    this.spacing *= slower
    this.replies = 0
    const since = this.latest.filter(({ number }) => number > this.metBy)
    const refused = since.slice(-latestAttempts).filter((each) => each.refused).length
    const isMany = refused > strayAtMost || isOnEnd(since, mark)
    if (!isMany || mark.number < this.ignoredUntil) return 'stray'
    const isAgain = mark.startedAt < this.metAt + episode
    this.metAt = Date.now()
    this.metBy = this.sent
    this.isMet = true
    return isAgain ? 'again' : 'limit'
  }

  /** Once what was under way is known: how far apart attempts should be. */
  private estimate(): void {
    this.isMet = false
    const wanted = (second / Math.max(1, mostInASecond(this.latest))) * spare
    if (this.spacing === 0) this.spacing = wanted
    else this.spacing = Math.max(this.spacing * harder, Math.min(wanted, this.spacing * 2))
    if (++this.met <= inVain) return
    this.spacing = this.met = 0
    this.ignoredUntil = this.sent + letBe
  }
}

/** The most attempts that were taken in one second. */
function mostInASecond(marks: readonly Mark[]): number {
  const taken = marks.filter(({ refused }) => !refused).map(({ startedAt }) => startedAt)
  let [from, most] = [0, 0]
  for (const [at, time] of taken.entries()) {
    while ((taken[from] ?? time) <= time - second) from++
    most = Math.max(most, at - from + 1)
  }
  return most
}

/** Whether it stands in a row of refusals of several requests. */
function isOnEnd(marks: readonly Mark[], mark: Mark): boolean {
  const requests = new Set<object>()
  for (const step of [1, -1])
    for (let at = marks.indexOf(mark); marks[at]?.refused; at += step)
      requests.add(marks[at]?.request ?? mark.request)
  return requests.size >= onEnd
}

const longestPeriod = 60_000 // ms; what a server says beyond that is not waited for

/** How many attempts may be sent, as far as the server's own figures tell. */
export class Allowance {
  private left = Infinity
  private until = 0
  private told: { by: number; limit: number } | undefined
  private period = 0 // ms; the longest that was told

  /** When the next attempt may be sent. */
  get nextAt(): number {
    return this.left > 0 ? 0 : this.until
  }

  take({ number, startedAt }: Mark): void {
    if (!this.told) return
    // Fresh again, and only its next reply will tell how far.
    if (startedAt >= this.until) this.begin(this.told.limit, startedAt + this.period)
    // Figures that many later replies did not bear out are no figures.
    if (number - this.told.by > latestAttempts) this.told = undefined
    this.left = this.told ? this.left - 1 : Infinity
  }

  /** The server had counted up to this attempt; those sent after it are taken off. */
  heed({ number, startedAt }: Mark, sent: number, quota: Quota): void {
    const isOver = startedAt + quota.reset <= Date.now() // of a time that is past: it says nothing of this one
    if (isOver || number < (this.told?.by ?? 0)) return
    const reset = Math.min(quota.reset, longestPeriod)
    this.told = { by: number, limit: quota.limit }
    this.period = Math.max(this.period, reset)
    this.begin(quota.left - (sent - number), startedAt + reset)
  }

  private begin(left: number, until: number): void {
    this.left = left
    this.until = until
  }
}

/**
 * The limit in the headers of a reply of so many tokens, as OpenAI and others spell it: of requests, or of tokens where
 * fewer such replies are left by them.
 */
export function quotaIn(headers: Headers, tokens: number): Quota | undefined {
  const quotas = [quotaOf(headers, '-requests', 1), quotaOf(headers, '', 1)]
  if (tokens > 0) quotas.push(quotaOf(headers, '-tokens', tokens))
  const told = quotas.filter((quota) => quota !== undefined)
  return told.toSorted((a, b) => a.left - b.left)[0]
}

function quotaOf(headers: Headers, of: string, unit: number): Quota | undefined {
  const [limit, left] = ['limit', 'remaining'].map((name) =>
    Math.floor(Number(headers.get(`x-ratelimit-${name}${of}`) || NaN) / unit),
  )
  const reset = span(headers.get(`x-ratelimit-reset${of}`) ?? '')
  return limit && limit > 0 && left !== undefined && left >= 0 && reset !== undefined
    ? { left, reset, limit }
    : undefined
}

const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
const longAgo = 1e9 // seconds since 1970; a larger number is a time of day, no span

/** Milliseconds: "1s", "6m0s", "120ms", a number of seconds, or a time in seconds or milliseconds since 1970. */
function span(text: string): number | undefined {
  const value = Number(text)
  if (text !== '' && value >= 0) {
    if (value < longAgo) return value * 1000
    return Math.max(0, (value < 1000 * longAgo ? value * 1000 : value) - Date.now())
  }
  const parts = [...text.matchAll(/(?<![\d.])([\d.]+)(ms|s|m|h)/g)]
  if (parts.length === 0) return undefined
  return parts.reduce((sum, [, amount, unit = '']) => sum + Number(amount) * (units[unit] ?? 0), 0)
}

/** How many attempts may be under way: fewer when they are too many, then again one more after as many replies. */
export class Flight {
  private readonly places: ReturnType<typeof pLimit>
  private readonly silence: number // ms without a byte after which an attempt is given up
  private most: number
  private underWay = 0
  private quickest = Infinity // ms
  private replies = 0 // since the last change
  private halvedAt = 0

  constructor(most: number, silence: number) {
    this.most = most
    this.silence = silence
    this.places = pLimit(most)
  }

  /** Does this as soon as there is a place for it. */
  inPlace<T>(work: () => Promise<T>): Promise<T> {
    return this.places(work)
  }

  /** An attempt is sent; returns how many are under way with it. */
  begin(): number {
    return ++this.underWay
  }

  end(): void {
    this.underWay--
  }

  /** Half as many, from this time on. Attempts from before the last halving say nothing new. */
  halve(startedAt: number, from: number): void {
    if (startedAt < this.halvedAt) return
    this.halvedAt = from
    this.replies = 0
    this.places.concurrency = Math.max(1, Math.floor(this.places.concurrency / 2))
  }

  /** A reply came after so many ms, with so many under way: one more after as many replies as there are places. */
  succeed(startedAt: number, latency: number, inFlight: number): void {
    this.fit(latency, inFlight)
    if (startedAt < this.halvedAt) return
    this.replies++
    if (this.replies < this.places.concurrency || this.places.concurrency >= this.most) return
    this.replies = 0
    this.places.concurrency++
  }

  /**
   * Where replies take long enough to be given up soon, no more are in flight than the server works on side by side: of
   * so many at once, each took so much longer than the quickest. More in flight would only wait in the server.
   */
  private fit(latency: number, inFlight: number): void {
    this.quickest = Math.min(this.quickest, latency)
    if (latency < this.silence / 2) return
    const sideBySide = Math.max(1, Math.round((inFlight * this.quickest) / latency))
    this.most = Math.min(this.most, sideBySide)
    this.places.concurrency = Math.min(this.places.concurrency, this.most)
  }
}

const longSilence = 60_000 // ms from the first attempt on without any sign: that is said, and waited on

/** Says, once, that a server has been silent from the first attempt on. */
export class FirstSilence {
  private since: number | undefined
  private ended = false
  private timer: NodeJS.Timeout | undefined
  private readonly provider: Provider
  private readonly tell: (words: Words) => void

  constructor(provider: Provider, tell: (words: Words) => void) {
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

export const howToStop: Words = {
  en: 'Ctrl-C ends the run; the same command goes on.',
  zh: '按 Ctrl-C 可结束，重新运行同一命令即可继续。',
}

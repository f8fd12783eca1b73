// Patience: how often, how soon, and how many at a time.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Problem } from '../../steps/model/call.ts'
import { Pace } from '../../steps/model/pace.ts'
import { problem, remote } from '../support/model.ts'

const never = new AbortController().signal

beforeEach(() => {
  vi.useFakeTimers()
  vi.spyOn(Math, 'random').mockReturnValue(0.5) // the middle of the jitter
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** When attempts were made, in ms from the start, and what came of them, where each of them meets this problem. */
async function attemptsAgainst(trouble: Problem, provider = remote) {
  const start = Date.now()
  const times: number[] = []
  const pace = new Pace(1, provider)
  const attempt = async (): Promise<never> => {
    times.push(Date.now() - start)
    throw trouble
  }
  const end = pace.patiently(attempt, never).catch((last: Problem) => last)
  await vi.runAllTimersAsync()
  return { times, end: await end }
}

describe('a request that fails', () => {
  it.each([
    ['doubling waits', problem('again'), [0, 500, 1500, 3500, 7500, 15_500, 23_500]],
    ['longer ones after a 429', problem('slow'), [0, 2000, 6000, 14_000, 30_000, 62_000, 122_000]],
    [
      'the wait the server asked for',
      problem('slow', { retryAfter: 8000 }),
      [0, 8200, 16_400, 24_600, 32_800, 41_000, 49_200],
    ],
    [
      'at most five minutes',
      problem('again', { retryAfter: 299_000 }),
      [0, 300_000, 600_000, 900_000, 1_200_000, 1_500_000, 1_800_000],
    ],
  ])('is tried six times more, with %s', async (_, trouble, expected) => {
    const { times, end } = await attemptsAgainst(trouble)
    expect(times).toEqual(expected)
    expect(end).toBe(trouble)
  })

  it.each(['request', 'filter', 'fatal', 'parameter', 'stopped'] as const)(
    'is not tried again: %s',
    async (kind) => {
      const { times, end } = await attemptsAgainst(problem(kind))
      expect(times).toEqual([0])
      expect(end).toMatchObject({ kind })
    },
  )

  it('waits each time a little longer or shorter', async () => {
    const waits = new Set<number>()
    for (const die of [0, 0.3, 0.9]) {
      vi.mocked(Math.random).mockReturnValue(die)
      waits.add((await attemptsAgainst(problem('again'))).times[1] ?? 0)
    }
    expect([...waits]).toEqual([375, 450, 600])
  })
})

it('a request that fails while others are answered waits less, and for no more than two doublings', async () => {
  const pace = new Pace(2, remote)
  const start = Date.now()
  const others = (async () => {
    while (Date.now() - start < 20_000)
      await pace.patiently(() => new Promise((resolve) => setTimeout(resolve, 100)), never)
  })()
  const times: number[] = []
  const attempt = async (): Promise<never> => {
    times.push(Date.now() - start)
    await new Promise((resolve) => setTimeout(resolve, 100))
    throw problem('again')
  }
  const end = pace.patiently(attempt, never).catch((last: Problem) => last)
  await vi.runAllTimersAsync()
  await Promise.all([others, end])
  const waits = times.slice(1).map((at, place) => at - (times[place] ?? 0) - 100)
  expect(waits).toEqual([25, 50, 100, 200, 400, 400])
})

describe('a server that was never reached', () => {
  const refused = problem('again', { connection: true })

  it('is given up after three tries', async () => {
    const { times, end } = await attemptsAgainst(refused)
    expect(times).toHaveLength(3)
    expect(end).toMatchObject({ kind: 'fatal', words: { en: expect.stringContaining('address') } })
  })

  it('may be behind a proxy, and that is said', async () => {
    const { end } = await attemptsAgainst(refused, { ...remote, proxied: 'HTTPS_PROXY' })
    expect(end.words.en).toContain('HTTPS_PROXY')
  })

  it('is waited for like any other once it has answered', async () => {
    const pace = new Pace(1, remote)
    await pace.patiently(() => Promise.resolve('reply'), never)
    let tries = 0
    const end = pace.patiently(() => {
      tries++
      return Promise.reject(refused as unknown as Error)
    }, never)
    end.catch(() => undefined)
    await vi.runAllTimersAsync()
    expect(tries).toBe(7)
  })
})

/** Requests of one second each, 429 wherever `throttled` says so; how many were under way at a time, wave by wave. */
async function waves(concurrency: number, requests: number, throttled: (attempt: number) => boolean) {
  const pace = new Pace(concurrency, remote)
  const start = Date.now()
  const sizes = new Map<number, number>()
  let attempts = 0
  const attempt = async (): Promise<string> => {
    const at = Date.now() - start
    sizes.set(at, (sizes.get(at) ?? 0) + 1)
    const slow = throttled(attempts++)
    await new Promise((resolve) => setTimeout(resolve, 1000))
    if (slow) throw problem('slow', { retryAfter: 4000 })
    return 'reply'
  }
  const all = Array.from({ length: requests }, () => pace.limit(() => pace.patiently(attempt, never)))
  await vi.runAllTimersAsync()
  expect(await Promise.all(all)).toHaveLength(requests)
  return [...sizes]
}

describe('a stray 429', () => {
  it('delays its own request alone', async () => {
    const sizes = new Map(await waves(8, 40, (attempt) => attempt === 3))
    expect([0, 1000, 2000, 3000, 4000].map((at) => sizes.get(at))).toEqual([8, 8, 8, 8, 8])
    expect(sizes.get(1000 + 4100)).toBe(1)
  })

  it('keeps no place: another request goes in its stead', async () => {
    const sizes = new Map(await waves(2, 12, (attempt) => attempt === 0))
    expect([0, 1000, 2000, 3000, 4000].map((at) => sizes.get(at))).toEqual([2, 2, 2, 2, 2])
  })

  it('may come as often as one in ten', async () => {
    const sizes = await waves(8, 200, (attempt) => attempt % 10 === 9)
    expect(Math.max(...sizes.map(([at]) => at))).toBeLessThan(38_000) // 25 s without any, and the waits of the last
  })
})

describe('429s one after another, or many', () => {
  const last = (sizes: [number, number][]): number => Math.max(...sizes.map(([at]) => at))

  it('hold everybody back, and then no more are sent than the server took in a second', async () => {
    const sizes = await waves(8, 40, (attempt) => attempt >= 4 && attempt < 12)
    expect(sizes.filter(([at]) => at > 1000 && at < 1000 + 4500)).toEqual([])
    const later = sizes.filter(([at]) => at > 1000).map(([at]) => at)
    expect(Math.min(...later.slice(1).map((at, place) => at - (later[place] ?? 0)))).toBeGreaterThan(100)
  })

  it('leave at least one in flight, however often they come', async () => {
    expect(last(await waves(8, 8, (attempt) => attempt < 20))).toBeGreaterThan(4000)
  })

  it.each([8, 32])(
    'keep %i in flight to a limit of twenty a second, with few more refused',
    async (flight) => {
      const taken: number[] = []
      let refused = 0
      const pace = new Pace(flight, remote)
      const attempt = async (): Promise<string> => {
        const now = Date.now()
        while (now - (taken[0] ?? now) >= 1000) taken.shift()
        if (taken.length < 20) taken.push(now)
        else refused++
        if (taken.at(-1) !== now) throw problem('slow', { retryAfter: 1000 })
        await new Promise((resolve) => setTimeout(resolve, 300))
        return 'reply'
      }
      const start = Date.now()
      const all = Array.from({ length: 500 }, () => pace.limit(() => pace.patiently(attempt, never)))
      await vi.runAllTimersAsync()
      await Promise.all(all)
      expect((Date.now() - start) / 1000).toBeLessThan(1.2 * 25)
      expect(refused).toBeLessThanOrEqual(40)
    },
  )
})

describe('what the server says of its limit', () => {
  const quota = (left: number) => ({ quota: { left, reset: 1000, limit: 20 } })

  it('is kept before anything is refused', async () => {
    let [windowStart, taken, refused] = [0, 0, 0]
    const pace = new Pace(32, remote)
    const attempt = async () => {
      if (Date.now() - windowStart >= 1000) [windowStart, taken] = [Date.now(), 0]
      if (taken >= 20) {
        refused++
        throw problem('slow', { retryAfter: 1000 })
      }
      const left = 20 - ++taken
      const reset = windowStart + 1000 - Date.now()
      await new Promise((resolve) => setTimeout(resolve, 100))
      return { quota: { ...quota(left).quota, reset } }
    }
    // The first reply tells; whoever sends many before it cannot know.
    await Promise.all([pace.patiently(attempt, never), vi.advanceTimersByTimeAsync(200)])
    const all = Array.from({ length: 200 }, () => pace.limit(() => pace.patiently(attempt, never)))
    await vi.runAllTimersAsync()
    await Promise.all(all)
    expect(refused).toBe(0)
  })

  it('keeps everybody waiting, which is said once where it takes long', async () => {
    const lines: string[] = []
    const pace = new Pace(4, remote, ({ en }) => lines.push(en))
    const used = { quota: { left: 0, reset: 45_000, limit: 10 } }
    const start = Date.now()
    await pace.patiently(() => Promise.resolve(used), never)
    const later = [1, 2, 3].map(() => pace.patiently(() => Promise.resolve(Date.now() - start), never))
    await vi.runAllTimersAsync()
    expect(Math.min(...(await Promise.all(later)))).toBeGreaterThanOrEqual(45_000)
    expect(lines).toEqual([expect.stringMatching(/its own figures.* wait, 45 s\. Ctrl-C/)])
  })

  it('is forgotten when later replies do not say it again', async () => {
    const pace = new Pace(4, remote)
    let first = true
    const attempt = async () => {
      await new Promise((resolve) => setTimeout(resolve, 10))
      const told = first ? { quota: { left: 1, reset: 50, limit: 1 } } : {}
      first = false
      return told
    }
    const start = Date.now()
    const all = Array.from({ length: 400 }, () => pace.limit(() => pace.patiently(attempt, never)))
    await vi.runAllTimersAsync()
    await Promise.all(all)
    expect(Date.now() - start).toBeLessThan(400 * 10)
  })
})

describe('what was denied after it was granted', () => {
  it.each([401, 403, 404])('is tried twice more, with a pause: %i', async (status) => {
    const pace = new Pace(1, remote)
    await pace.patiently(() => Promise.resolve('reply'), never)
    const denied = problem('fatal', { status })
    const times: number[] = []
    const start = Date.now()
    const deny = (): Promise<never> => {
      times.push(Date.now() - start)
      return Promise.reject(denied as unknown as Error)
    }
    const end = pace.patiently(deny, never).catch((last: Problem) => last)
    await vi.runAllTimersAsync()
    expect(await end).toBe(denied)
    expect(times).toHaveLength(3)
    expect(times[1]).toBeGreaterThan(30)
  })
})

describe('a wait', () => {
  /** What is said while so many requests wait together for the first time. */
  const told = async (trouble: Problem, requests = 1): Promise<string[]> => {
    const lines: string[] = []
    const halt = new AbortController()
    const pace = new Pace(8, remote, ({ en }) => lines.push(en))
    const refused = (): Promise<never> => Promise.reject(trouble as unknown as Error)
    const ends = Array.from({ length: requests }, () => pace.patiently(refused, halt.signal))
    const all = Promise.allSettled(ends)
    await vi.advanceTimersByTimeAsync(20_000)
    halt.abort()
    await all
    return lines
  }

  it('of more than ten seconds is said once for all that wait: who asked, how long, how to stop', async () => {
    expect(await told(problem('slow', { retryAfter: 20_000 }), 8)).toEqual([
      'a problem: slow: the server asks to wait, 21 s. Ctrl-C ends the run; the same command goes on.',
    ])
  })

  it('of less is not', async () => {
    expect(await told(problem('again'))).toEqual([])
  })

  it('for a server that is loading takes five minutes at most, and is said at once', async () => {
    const lines: string[] = []
    const pace = new Pace(2, remote, ({ en }) => lines.push(en))
    const start = Date.now()
    let end: Problem | undefined
    const loading = problem('loading') as unknown as Error
    void pace.patiently(() => Promise.reject(loading), never, 0).catch((last: Problem) => (end = last))
    await vi.advanceTimersByTimeAsync(299_000)
    expect(end).toBeUndefined()
    expect(lines).toEqual([expect.stringContaining('waiting up to 5 minutes')])
    await vi.runAllTimersAsync()
    expect(end).toMatchObject({ kind: 'fatal' })
    expect(Date.now() - start).toBeLessThanOrEqual(302_000)
  })
})

describe('a server that is silent from the first attempt on', () => {
  const listen = async (answers: Promise<unknown>, ms: number): Promise<string[]> => {
    const lines: string[] = []
    const halt = new AbortController()
    const pace = new Pace(2, remote, ({ en, zh }) => lines.push(en, zh))
    const end = Promise.allSettled([1, 2].map(() => pace.patiently(() => answers, halt.signal)))
    await vi.advanceTimersByTimeAsync(ms)
    halt.abort()
    await Promise.race([end, vi.advanceTimersByTimeAsync(1)])
    return lines
  }
  const nothing = new Promise(() => undefined)

  it('is told after a minute, once, with what to look at, and waited for', async () => {
    expect(await listen(nothing, 59_000)).toEqual([])
    const [en, zh, ...more] = await listen(nothing, 200_000)
    expect(en).toMatch(/^https:\/\/api\.openai\.com\/v1 has sent nothing for 60 s\. .*check.*--timeout/)
    expect(zh).toContain('60 秒')
    expect(more).toEqual([])
  })

  it('is silent no more once it has said anything', async () => {
    expect(await listen(Promise.resolve('reply'), 200_000)).toEqual([])
    expect(await listen(Promise.reject(problem('request') as unknown as Error), 200_000)).toEqual([])
  })
})

it('no more are in flight than a server does side by side, where replies might be given up', async () => {
  const pace = new Pace(8, { ...remote, silence: 100_000 })
  let [inFlight, most] = [0, 0]
  let last: Promise<void> = Promise.resolve()
  const oneAtATime = async (): Promise<void> => {
    most = Math.max(most, ++inFlight)
    last = last.then(() => new Promise((done) => setTimeout(done, 40_000)))
    await last
    inFlight--
  }
  const requests = Array.from({ length: 30 }, () => pace.patiently(oneAtATime, never))
  const first = Promise.all(requests.slice(0, 20))
  await vi.runAllTimersAsync()
  await first
  most = 0
  const later = Array.from({ length: 10 }, () => pace.patiently(oneAtATime, never))
  await vi.runAllTimersAsync()
  await Promise.all(later)
  expect(most).toBe(1)
})

it('a halt ends every wait at once', async () => {
  const halt = new AbortController()
  const pace = new Pace(2, remote)
  const waiting = [1, 2].map(() =>
    pace.patiently(() => Promise.reject(problem('slow') as unknown as Error), halt.signal),
  )
  const ends = Promise.allSettled(waiting)
  await vi.advanceTimersByTimeAsync(100)
  halt.abort()
  for (const end of await ends) expect(end).toMatchObject({ reason: { kind: 'stopped' } })
  expect(vi.getTimerCount()).toBe(0)
})

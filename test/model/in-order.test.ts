import { describe, expect, it } from 'vitest'
import { bootstrap, inGroups, inOrder } from '../../steps/model/ask.ts'

/** Promises settled from outside, in whatever order a test wants. */
function answersOnDemand() {
  const pending = new Map<number, (value: number) => void>()
  const asked: number[] = []
  const ask = (member: number) => {
    asked.push(member)
    return new Promise<number>((resolve) => pending.set(member, resolve))
  }
  return { ask, asked, answer: (member: number) => pending.get(member)?.(member) }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const value of values) all.push(value)
  return all
}

describe('inOrder', () => {
  it('yields in the order of the questions, whatever the order of the answers', async () => {
    const { ask, asked, answer } = answersOnDemand()
    const all = collect(inOrder([0, 1, 2, 3], ask, 4))
    await turn()
    for (const member of [3, 1, 0, 2]) answer(member)
    expect(await all).toEqual([0, 1, 2, 3])
    expect(asked).toEqual([0, 1, 2, 3])
  })

  it('has at most so many members under way', async () => {
    const { ask, asked, answer } = answersOnDemand()
    const all = collect(inOrder([0, 1, 2], ask, 2))
    await turn()
    expect(asked).toEqual([0, 1])
    answer(0)
    await turn()
    expect(asked).toEqual([0, 1, 2])
    answer(1)
    answer(2)
    expect(await all).toEqual([0, 1, 2])
  })

  it('passes a failure on when its turn comes', async () => {
    const work = (member: number) =>
      member === 1 ? Promise.reject(new Error('no')) : Promise.resolve(member)
    await expect(collect(inOrder([0, 1, 2], work, 3))).rejects.toThrow('no')
  })
})

describe('inGroups', () => {
  it.each([
    [[], []],
    [[1, 2], [[1, 2]]],
    [
      [1, 2, 3, 4, 5],
      [[1, 2], [3, 4], [5]],
    ],
  ])('puts %j by position into %j', async (members, groups) => {
    expect(await collect(inGroups(members, 2))).toEqual(groups)
  })
})

describe('bootstrap', () => {
  /** Runs the schedule with replies that each bring so many accepted instructions; records what each request saw. */
  async function run(brought: number, wanted: number, order: (ready: number[]) => number) {
    const accepted = [0]
    const seenBy: number[] = []
    const waiting = new Map<number, () => void>()
    const ask = (k: number, seen: number) => {
      seenBy[k] = seen
      return new Promise<void>((resolve) => waiting.set(k, resolve))
    }
    const goesOn = () => (accepted.at(-1) ?? 0) < wanted
    const replies = bootstrap({ ask, accepted, wanted, goesOn })
    const done = (async () => {
      for await (const _ of replies) accepted.push((accepted.at(-1) ?? 0) + brought)
    })()
    let finished = false
    void done.then(() => (finished = true))
    while (!finished) {
      await turn()
      if (waiting.size === 0) continue
      const k = order([...waiting.keys()])
      waiting.get(k)?.()
      waiting.delete(k)
    }
    return { seenBy, read: accepted.length - 1 }
  }
  const first = (ready: number[]) => ready[0] ?? 0
  const last = (ready: number[]) => ready.at(-1) ?? 0

  it('shows request k the first half of the replies before it', async () => {
    const { seenBy } = await run(1, 8, first)
    expect(seenBy.slice(0, 8)).toEqual([0, 1, 1, 2, 2, 3, 3, 4])
  })

  it.each([1, 3, 6, 10])(
    'asks the same, in whatever order replies come (%i accepted a reply)',
    async (brought) => {
      expect(await run(brought, 60, last)).toEqual(await run(brought, 60, first))
    },
  )

  it('sends hardly more than is needed', async () => {
    const { seenBy, read } = await run(6, 120, first)
    expect(read).toBe(20)
    expect(seenBy.length - read).toBeLessThanOrEqual(1)
  })

  it('asks on when the replies bring less than expected', async () => {
    expect((await run(1, 30, last)).read).toBe(30)
  })
})

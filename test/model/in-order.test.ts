import { describe, expect, it } from 'vitest'
import { inGroups, inOrder } from '../../steps/model/ask.ts'

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

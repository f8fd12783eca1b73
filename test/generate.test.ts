// Step 1 alone: its schedule.
import { describe, expect, it } from 'vitest'
import { replies } from '../steps/generate.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('the schedule of step 1', () => {
  /** Runs the schedule with replies that each bring so many accepted instructions; records what each request saw. */
  async function run(brought: number, wanted: number, order: (ready: number[]) => number) {
    const accepted = [0]
    const seenBy: number[] = []
    const waiting = new Map<number, () => void>()
    const ask = (k: number, seen: number) => {
      seenBy[k] = seen
      return new Promise<void>((resolve) => waiting.set(k, resolve))
    }
    const unmet = () => (accepted.at(-1) ?? 0) < wanted
    const waves = replies({ ask, accepted, wanted, unmet })
    const done = (async () => {
      for await (const _ of waves) accepted.push((accepted.at(-1) ?? 0) + brought)
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

  it('shows two requests seed tasks alone, and four more for each reply after that', async () => {
    const { seenBy } = await run(1, 12, first)
    expect(seenBy.slice(0, 12)).toEqual([0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3])
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

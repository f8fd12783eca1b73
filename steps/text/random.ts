// Repeatable dice: the same words give the same throws on every machine.
import { createHash } from 'node:crypto'

/** Numbers in [0, 1). */
export type Random = () => number

/** A generator for one request, from whatever names it: (seed, step, k). Mulberry32 (Tommy Ettinger, public domain). */
export function randomFor(...name: (string | number)[]): Random {
  let state = createHash('sha256').update(JSON.stringify(name)).digest().readUInt32LE(0)
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let bits = Math.imul(state ^ (state >>> 15), state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
}

/** `count` different members of the first `among`, in drawn order, all when there are fewer; O(count), however long the list. */
export function sample<T>(list: readonly T[], count: number, random: Random, among = list.length): T[] {
  const moved = new Map<number, number>()
  const drawn: T[] = []
  for (let last = among - 1; last >= 0 && drawn.length < count; last--) {
    const at = Math.floor(random() * (last + 1))
    const member = list[moved.get(at) ?? at]
    moved.set(at, moved.get(last) ?? last)
    if (member !== undefined) drawn.push(member)
  }
  return drawn
}

export function shuffle<T>(list: readonly T[], random: Random): T[] {
  return sample(list, list.length, random)
}

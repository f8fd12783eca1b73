/** The inverted file of the novelty index: for each list the texts filed there, with what decides about most of them
 *  without reading them: length, place of the token, and a signature in which each token sets one of 64 bits. */
import { type Integers, grown, ones } from './integers.ts'

/** A text as numbers; `low` and `high` are its signature. */
export interface Reading {
  length: number
  /** In the order of the text. */
  tokens: Integers
  /** The same, the rarest first. */
  rarest: Integers
  low: number
  high: number
}

/** Takes off what rounding may have put on a bound; the exact formula has the last word. */
export const MARGIN = 1e-9

export class PostingLists {
  /** Blocks of four equal columns: shape (length and place of the token), low, high, text. A block holds a power of
   *  two of postings; a full one moves to the end with twice the room. Columns, because most shapes already fail. */
  #blocks = new Int32Array(4096)
  #end = 0
  /** Blocks that were left, by the power of two that they hold. */
  readonly #free: number[][] = Array.from({ length: 32 }, () => [])
  /** Pairs of block and number of postings. */
  #lists = new Int32Array(4096)

  file(list: number, text: number, place: number, { length, low, high }: Reading): void {
    this.#lists = grown(this.#lists, 2 * list + 2)
    const count = this.#lists[2 * list + 1] ?? 0
    if ((count & (count - 1)) === 0) this.#double(list, count)
    const room = roomOf(count + 1)
    const at = (this.#lists[2 * list] ?? 0) + count
    // A place past 255 is taken for 255, which lets more through and loses nothing.
    this.#blocks[at] = (length << 8) | Math.min(place, 255)
    this.#blocks[at + room] = low
    this.#blocks[at + 2 * room] = high
    this.#blocks[at + 3 * room] = text
    this.#lists[2 * list + 1] = count + 1
  }

  #double(list: number, count: number): void {
    const room = roomOf(count + 1)
    const from = this.#lists[2 * list] ?? 0
    const to = this.#claim(room)
    for (let column = 0; column < 4; column++)
      for (let k = 0; k < count; k++)
        this.#blocks[to + column * room + k] = this.#blocks[from + column * count + k] ?? 0
    if (count > 0) this.#free[Math.clz32(count)]?.push(from)
    this.#lists[2 * list] = to
  }

  #claim(room: number): number {
    const left = this.#free[Math.clz32(room)]?.pop()
    if (left !== undefined) return left
    const block = this.#end
    this.#end += 4 * room
    this.#blocks = grown(this.#blocks, this.#end)
    return block
  }

  /** Writes to `found` the texts of the list that may score `bar` or more with this one, whose token stands at
   *  `place` from the rarest; returns how many. */
  search(list: number, place: number, bar: number, { length, low, high }: Reading, found: number[]): number {
    const blocks = this.#blocks
    const count = this.#lists[2 * list + 1] ?? 0
    const room = roomOf(count)
    const first = this.#lists[2 * list] ?? 0
    let size = 0
    for (let at = first; at < first + count; at++) {
      const shape = blocks[at] ?? 0
      const stored = shape >>> 8
      const common = (bar * (length + stored)) / 2 - MARGIN
      if (Math.min(length - place, stored - (shape & 255)) < common) continue
      const itsLow = blocks[at + room] ?? 0
      const itsHigh = blocks[at + 2 * room] ?? 0
      if (length - ones(low & ~itsLow) - ones(high & ~itsHigh) < common) continue
      if (stored - ones(itsLow & ~low) - ones(itsHigh & ~high) < common) continue
      found[size++] = blocks[at + 3 * room] ?? 0
    }
    return size
  }
}

/** The smallest power of two that is at least this. */
function roomOf(count: number): number {
  return count < 2 ? 1 : 1 << (32 - Math.clz32(count - 1))
}

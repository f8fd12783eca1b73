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
  /** Length and place of the token, for each posting. Most fail by these, so they lie apart from the rest. */
  #shapes = new Int32Array(4096)
  /** Low, high and text, for each posting. */
  #rest = new Int32Array(3 * 4096)
  /** Each list is one block with room for a power of two of postings; when full it moves to one of twice the room. */
  #end = 0
  /** Blocks that were left, by the power of two that they hold. */
  readonly #free: number[][] = Array.from({ length: 32 }, () => [])
  /** Pairs of block and number of postings. */
  #lists = new Int32Array(4096)

  file(list: number, text: number, place: number, { length, low, high }: Reading): void {
    this.#lists = grown(this.#lists, 2 * list + 2)
    const count = this.#lists[2 * list + 1] ?? 0
    if ((count & (count - 1)) === 0) this.#move(list, count)
    const at = (this.#lists[2 * list] ?? 0) + count
    // A place past 255 is taken for 255, which lets more through and loses nothing.
    this.#shapes[at] = (length << 8) | Math.min(place, 255)
    this.#rest[3 * at] = low
    this.#rest[3 * at + 1] = high
    this.#rest[3 * at + 2] = text
    this.#lists[2 * list + 1] = count + 1
  }

  /** To a block of twice the room. */
  #move(list: number, count: number): void {
    const from = this.#lists[2 * list] ?? 0
    const to = this.#claim(Math.max(1, 2 * count))
    for (let k = 0; k < count; k++) this.#shapes[to + k] = this.#shapes[from + k] ?? 0
    for (let k = 0; k < 3 * count; k++) this.#rest[3 * to + k] = this.#rest[3 * from + k] ?? 0
    if (count > 0) this.#free[Math.clz32(count)]?.push(from)
    this.#lists[2 * list] = to
  }

  #claim(room: number): number {
    const left = this.#free[Math.clz32(room)]?.pop()
    if (left !== undefined) return left
    const block = this.#end
    this.#end += room
    this.#shapes = grown(this.#shapes, this.#end)
    this.#rest = grown(this.#rest, 3 * this.#end)
    return block
  }

  /** Writes to `found` the texts of the list that may score `bar` or more with this one, whose token stands at
   *  `place` from the rarest; returns how many. */
  search(list: number, place: number, bar: number, { length, low, high }: Reading, found: number[]): number {
    if (2 * list >= this.#lists.length) return 0
    const shapes = this.#shapes
    const rest = this.#rest
    const start = this.#lists[2 * list] ?? 0
    const end = start + (this.#lists[2 * list + 1] ?? 0)
    let size = 0
    for (let at = start; at < end; at++) {
      const shape = shapes[at] ?? 0
      const stored = shape >>> 8
      const common = (bar * (length + stored)) / 2 - MARGIN
      if (Math.min(length - place, stored - (shape & 255)) < common) continue
      const itsLow = rest[3 * at] ?? 0
      const itsHigh = rest[3 * at + 1] ?? 0
      if (length - ones(low & ~itsLow) - ones(high & ~itsHigh) < common) continue
      if (stored - ones(itsLow & ~low) - ones(itsHigh & ~high) < common) continue
      found[size++] = rest[3 * at + 2] ?? 0
    }
    return size
  }
}

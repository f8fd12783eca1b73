/** Arrays and words of 32-bit integers, for the code that has to be fast. */

export type Integers = Int32Array<ArrayBuffer>

/** The array itself, or a copy of at least twice its length when it must hold more. */
export function grown(array: Integers, length: number): Integers {
  if (length <= array.length) return array
  const longer = new Int32Array(Math.max(length, 2 * array.length))
  longer.set(array)
  return longer
}

/** Number of one bits. */
export function ones(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555)
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333)
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

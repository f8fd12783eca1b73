/** Longest common subsequence of one text with many others, 32 tokens a machine word (Hyyrö 2004): bit i of the state
 *  turns to 0 where the row of the table of prefixes takes a step up, and one addition moves all steps of a row. */
import { type Integers, grown, ones } from './integers.ts'

export class Lcs {
  /** For each token number the first of its words in `#places`; 0 leads to the words of a token that does not occur. */
  #slots = new Int32Array(1024)
  #places = new Int32Array(64)
  #state = new Int32Array(2)
  #words = 1
  #marked = new Int32Array(64)
  #length = 0

  /** Takes the first `length` of these tokens as the one text; `vocabulary` is above every token number. */
  mark(tokens: Integers, length: number, vocabulary: number): void {
    for (let i = 0; i < this.#length; i++) this.#slots[this.#marked[i] ?? 0] = 0
    const words = (length + 31) >>> 5
    this.#words = words
    this.#slots = grown(this.#slots, vocabulary)
    this.#places = grown(this.#places, (length + 1) * words)
    this.#state = grown(this.#state, words)
    this.#marked = grown(this.#marked, length)
    this.#length = length
    let free = words
    for (let i = 0; i < length; i++) {
      const token = tokens[i] ?? 0
      this.#marked[i] = token
      const known = this.#slots[token] ?? 0
      const slot = known || free
      if (!known) {
        this.#slots[token] = slot
        free += words
        for (let word = slot; word < free; word++) this.#places[word] = 0
      }
      const word = slot + (i >>> 5)
      this.#places[word] = (this.#places[word] ?? 0) | (1 << i)
    }
  }

  /** Length of the longest subsequence shared by the marked text and the tokens from `start` up to `end`. */
  length(tokens: Integers, start: number, end: number): number {
    if (this.#words !== 1) return this.#longLength(tokens, start, end)
    const slots = this.#slots
    const places = this.#places
    let state = -1
    for (let i = start; i < end; i++) {
      const met = state & (places[slots[tokens[i] ?? 0] ?? 0] ?? 0)
      state = (state + met) | (state - met)
    }
    return ones(~state)
  }

  /** The same over several words: what an addition carries over goes into the next. */
  #longLength(tokens: Integers, start: number, end: number): number {
    const state = this.#state.fill(-1, 0, this.#words)
    for (let i = start; i < end; i++) {
      const slot = this.#slots[tokens[i] ?? 0] ?? 0
      if (slot === 0) continue
      let carry = 0
      for (let w = 0; w < this.#words; w++) {
        const old = state[w] ?? 0
        const met = old & (this.#places[slot + w] ?? 0)
        const sum = (old >>> 0) + (met >>> 0) + carry
        state[w] = sum | (old - met)
        carry = sum > 0xffffffff ? 1 : 0
      }
    }
    let zeros = 0
    for (let w = 0; w < this.#words; w++) zeros += ones(~(state[w] ?? 0))
    return zeros
  }
}

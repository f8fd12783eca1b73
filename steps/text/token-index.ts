// The inverted file of the novelty index: for each list the texts filed there, with what decides about most of them
// without reading them: length, place of the token, and a signature in which each token sets one of 64 bits.

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
  /** For each posting, side by side: length and place of the token, low, high, text. */
  #postings = new Int32Array(4 * 4096)
  /** Each list is one block with room for a power of two of postings; when full it moves to one of twice the room. */
  #end = 0
  /** Blocks that were left, by the power of two that they hold. */
  readonly #free: number[][] = Array.from({ length: 32 }, () => [])
  /** Pairs of block and number of postings. */
  #lists = new Int32Array(4096)
  #longest = 0
  /** For the text and the bar of the last search: by the length of a stored text, the last place that its token may have. */
  #lastPlaces = new Int32Array(64)
  #asked = { length: -1, bar: NaN }

  file(list: number, text: number, place: number, { length, low, high }: Reading): void {
    this.#lists = grown(this.#lists, 2 * list + 2)
    if (length > this.#longest) {
      this.#longest = length
      this.#asked.length = -1
    }
    const count = this.#lists[2 * list + 1] ?? 0
    if ((count & (count - 1)) === 0) this.#move(list, count)
    const at = 4 * ((this.#lists[2 * list] ?? 0) + count)
    // A place past 255 is taken for 255, which lets more through and loses nothing.
    this.#postings[at] = (length << 8) | Math.min(place, 255)
    this.#postings[at + 1] = low
    this.#postings[at + 2] = high
    this.#postings[at + 3] = text
    this.#lists[2 * list + 1] = count + 1
  }

  /** To a block of twice the room. */
  #move(list: number, count: number): void {
    const from = this.#lists[2 * list] ?? 0
    const to = this.#claim(Math.max(1, 2 * count))
    this.#postings.copyWithin(4 * to, 4 * from, 4 * (from + count))
    if (count > 0) this.#free[Math.clz32(count)]?.push(from)
    this.#lists[2 * list] = to
  }

  #claim(room: number): number {
    const left = this.#free[Math.clz32(room)]?.pop()
    if (left !== undefined) return left
    const block = this.#end
    this.#end += room
    this.#postings = grown(this.#postings, 4 * this.#end)
    return block
  }

  /** Writes to `found` the texts of the list that may score `bar` or more with this one, whose token stands at
   *  `place` from the rarest; returns how many. */
  search(list: number, place: number, bar: number, { length, low, high }: Reading, found: number[]): number {
    if (2 * list >= this.#lists.length) return 0
    if (this.#asked.length !== length || this.#asked.bar !== bar) this.#measure(length, bar)
    const longest = longestRival(length, place, bar)
    const lastPlaces = this.#lastPlaces
    const postings = this.#postings
    const start = 4 * (this.#lists[2 * list] ?? 0)
    const end = start + 4 * (this.#lists[2 * list + 1] ?? 0)
    let size = 0
    for (let at = start; at < end; at += 4) {
      const shape = postings[at] ?? 0
      const stored = shape >>> 8
      if (stored > longest || (shape & 255) > (lastPlaces[stored] ?? 0)) continue
      // A bit that one of them lacks stands for a token that is not shared.
      const differing = ones(low ^ (postings[at + 1] ?? 0), high ^ (postings[at + 2] ?? 0))
      if (differing > (1 - bar) * (length + stored) + MARGIN) continue
      found[size++] = postings[at + 3] ?? 0
    }
    return size
  }

  #measure(length: number, bar: number): void {
    this.#asked = { length, bar }
    const longest = Math.min(this.#longest, longestRival(length, 0, bar))
    this.#lastPlaces = grown(this.#lastPlaces, longest + 1)
    for (let stored = 0; stored <= longest; stored++)
      this.#lastPlaces[stored] = Math.floor(stored - (bar * (length + stored)) / 2 + MARGIN)
  }
}

/** How long a text may be that scores `bar` with one of `length` tokens and shares none of its `place` rarest. */
function longestRival(length: number, place: number, bar: number): number {
  return Math.floor((2 * (length - place + MARGIN)) / bar - length)
}

/** Numbers words in the order in which they are first seen. A hash table of its own, because a `Map` takes two to
 *  three times as long on words just cut out of a text. */
export class Vocabulary {
  #words: string[] = []
  /** Pairs of hash and word number + 1 (0: free), at most half of them taken. */
  #table = new Int32Array(1 << 12)

  get size(): number {
    return this.#words.length
  }

  number(word: string): number {
    const hash = hashOf(word)
    const at = this.#slot(hash, word)
    const known = this.#table[at + 1] ?? 0
    if (known > 0) return known - 1
    this.#table[at] = hash
    this.#table[at + 1] = this.#words.push(word)
    if (4 * this.size > this.#table.length) this.#fill(2 * this.#table.length)
    return this.size - 1
  }

  /** Numbers the words anew, those that occur most among the first `count` of these tokens first. */
  sort(tokens: Integers, count: number): void {
    const uses = new Int32Array(this.size)
    for (let i = 0; i < count; i++) uses[tokens[i] ?? 0] = (uses[tokens[i] ?? 0] ?? 0) + 1
    const order = [...this.#words.keys()].toSorted((a, b) => (uses[b] ?? 0) - (uses[a] ?? 0))
    this.#words = order.map((number) => this.#words[number] ?? '')
    this.#fill(this.#table.length)
  }

  /** Where the word stands, or the free place where it belongs. */
  #slot(hash: number, word: string): number {
    const table = this.#table
    const last = table.length - 1
    let at = (2 * hash) & last
    for (;;) {
      const known = table[at + 1] ?? 0
      if (known === 0 || (table[at] === hash && this.#words[known - 1] === word)) return at
      at = (at + 2) & last
    }
  }

  #fill(length: number): void {
    this.#table = new Int32Array(length)
    for (const [index, word] of this.#words.entries()) {
      const hash = hashOf(word)
      const at = this.#slot(hash, word)
      this.#table[at] = hash
      this.#table[at + 1] = index + 1
    }
  }
}

function hashOf(word: string): number {
  let hash = word.length
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x9e3779b1)
  return hash ^ (hash >>> 15)
}

/** Counts how many tokens a text shares with each stored text, along the lists of who holds which token. */
export class SharedTokens {
  /** For each token number the texts that hold it, in order. */
  readonly #holders: number[][] = []
  #counts = new Int32Array(1024)

  file(text: number, tokens: Integers, start: number, end: number): void {
    for (let i = start; i < end; i++) {
      const holders = (this.#holders[tokens[i] ?? 0] ??= [])
      if (holders.at(-1) !== text) holders.push(text)
    }
  }

  /** For each of `texts` stored texts how many of these tokens it holds; the next call writes over it. */
  count(tokens: Integers, length: number, texts: number): Integers {
    this.#counts = grown(this.#counts, texts)
    const counts = this.#counts.fill(0, 0, texts)
    for (let i = 0; i < length; i++) {
      const holders = this.#holders[tokens[i] ?? 0] ?? []
      for (let k = 0; k < holders.length; k++) {
        const text = holders[k] ?? 0
        counts[text] = (counts[text] ?? 0) + 1
      }
    }
    return counts
  }
}

/** Longest common subsequence of one text with many others, 32 tokens a machine word (Hyyrö 2004): bit i of the state
 *  turns to 0 where the row of the table of prefixes takes a step up, and one addition moves all steps of a row. */
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

export type Integers = Int32Array<ArrayBuffer>

/** The array itself, or a copy of at least twice its length when it must hold more. */
export function grown(array: Integers, length: number): Integers {
  if (length <= array.length) return array
  const longer = new Int32Array(Math.max(length, 2 * array.length))
  longer.set(array)
  return longer
}

/** Number of one bits in a word or two. */
function ones(word: number, other = 0): number {
  const pairs = word - ((word >>> 1) & 0x55555555)
  const others = other - ((other >>> 1) & 0x55555555)
  const fours =
    (pairs & 0x33333333) +
    ((pairs >>> 2) & 0x33333333) +
    (others & 0x33333333) +
    ((others >>> 2) & 0x33333333)
  return Math.imul((fours & 0x0f0f0f0f) + ((fours >>> 4) & 0x0f0f0f0f), 0x01010101) >>> 24
}

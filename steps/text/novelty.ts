/** Finds what an instruction resembles most among all kept before it: the numbers of `rouge.ts`, without comparing all
 *  pairs. How, with t for the threshold, m and n for the two lengths, L for the common subsequence:
 *
 *   1. F = 2L/(m+n) > t means L > t(m+n)/2. So two rivals share at least r = t(m+n)/2 tokens (10 of 13 and 13).
 *   2. Sort the tokens of each text, the rarest first. If r are shared, the rarest shared one cannot stand late in
 *      either: at most m-r of the one and n-r of the other come before it, which is all that may be missing.
 *   3. So each text is filed only under its few rarest tokens, and a new text is looked up only under its own. A word
 *      that was first seen later counts as rarer: nearly true, and known at once. After the first few thousand texts the
 *      words are sorted by their frequency, once; any order gives the same results.
 *   4. A token that comes late in one text must come early in the other. The list of a token is therefore kept in four,
 *      by how late it comes in the texts filed there, and a look-up stops at the last that can matter.
 *   5. Each posting holds length, place and a signature of 64 bits (each token sets one): a token whose bit the other
 *      lacks is not shared. Some additions on these drop all but one or two texts in a hundred.
 *   6. What is left gets its longest common subsequence, bit-parallel, and the exact formula decides. The best score so
 *      far takes the place of t, so the search narrows as it goes.
 *
 *  `nearest` has no threshold to build on: it counts along the lists of all the tokens how many of them each text shares,
 *  and compares only those that share enough to beat the best. */
import { comparedTokens, fMeasure } from './rouge.ts'
import {
  type Integers,
  Lcs,
  MARGIN,
  PostingLists,
  type Reading,
  SharedTokens,
  Vocabulary,
  grown,
} from './token-index.ts'

export interface Similar {
  instruction: string
  score: number
}

/** Lists per token, by the place of the token in the texts filed there. */
const BANDS = 4
/** Texts after which the words are sorted: enough to tell the frequent ones. */
const SORTED_AFTER = 4096

export class NoveltyIndex {
  readonly #threshold: number
  /** How deep a token can stand and matter at all, as a share of the tokens of its text. */
  readonly #deepest: number
  readonly #instructions: string[] = []
  readonly #vocabulary = new Vocabulary()
  #lists = new PostingLists()
  readonly #lcs = new Lcs()
  /** The tokens of all stored texts one after another, and where each text ends. */
  #tokens = new Int32Array(1024)
  #ends = new Int32Array(1024)
  /** The text read last, which `rival` has read when `add` comes to it. */
  readonly #reading: Reading = {
    length: 0,
    tokens: new Int32Array(64),
    rarest: new Int32Array(64),
    low: 0,
    high: 0,
  }
  #text: string | undefined
  /** For each stored text the number of the last look-up that compared it. */
  #compared = new Int32Array(1024)
  #lookup = 0
  readonly #found: number[] = []
  /** For `nearest`, filled from its first call; `#counted` texts are in it. */
  #sharedTokens = new SharedTokens()
  #counted = 0
  #isSorted = false

  constructor(threshold = 0.7) {
    this.#threshold = threshold
    this.#deepest = deepest(1, threshold)
  }

  get size(): number {
    return this.#instructions.length
  }

  add(instruction: string): void {
    if (this.size === SORTED_AFTER && !this.#isSorted) this.#sortWords()
    const reading = this.#read(instruction)
    const text = this.#instructions.push(instruction) - 1
    this.#store(text, reading)
    const { length, rarest } = reading
    const least = Math.max(1, leastCommon(length, this.#threshold))
    for (let place = 0; length - place >= least; place++) {
      const token = rarest[place] ?? 0
      if (place > 0 && token === rarest[place - 1]) continue
      this.#lists.file(BANDS * token + this.#band(place / length), text, place, reading)
    }
  }

  /** Numbers the words by their frequency, and adds all texts anew. */
  #sortWords(): void {
    this.#isSorted = true
    this.#vocabulary.sort(this.#tokens, this.#start(this.size))
    this.#lists = new PostingLists()
    this.#sharedTokens = new SharedTokens()
    this.#counted = 0
    this.#text = undefined
    for (const instruction of this.#instructions.splice(0)) this.add(instruction)
  }

  /** The most similar stored instruction if it scores above the threshold; of equals the oldest. */
  rival(instruction: string): Similar | undefined {
    const reading = this.#read(instruction)
    const { length, rarest } = reading
    const best = { text: -1, score: this.#threshold }
    this.#startLookup(reading)
    for (let place = 0; place < length; place++) {
      if (length - place < leastCommon(length, best.score)) break
      const token = rarest[place] ?? 0
      if (place > 0 && token === rarest[place - 1]) continue
      const last = this.#band(deepest(1 - place / length, best.score))
      for (let list = BANDS * token; list <= BANDS * token + last; list++) {
        const found = this.#lists.search(list, place, best.score, reading, this.#found)
        for (let k = 0; k < found; k++) this.#compare(this.#found[k] ?? 0, length, best)
      }
    }
    return best.text < 0 ? undefined : this.#similar(best)
  }

  /** The most similar stored instruction, however little it shares; of equals the oldest. */
  nearest(instruction: string): Similar | undefined {
    if (this.size === 0) return undefined
    const reading = this.#read(instruction)
    const { length } = reading
    const shared = this.#countShared(reading)
    const best = { text: 0, score: 0 }
    this.#startLookup(reading)
    this.#compare(this.#mostShared(shared, length), length, best)
    let start = 0
    for (let text = 0; text < this.size; text++) {
      const end = this.#ends[text] ?? 0
      if (2 * (shared[text] ?? 0) >= best.score * (length + end - start) - MARGIN)
        this.#compare(text, length, best)
      start = end
    }
    return this.#similar(best)
  }

  /** Reads a text unless it was the last one read: what `rival` looked up, `add` need not read again. */
  #read(text: string): Reading {
    const reading = this.#reading
    if (text === this.#text) return reading
    const words = comparedTokens(text)
    reading.length = words.length
    reading.tokens = grown(reading.tokens, words.length)
    reading.rarest = grown(reading.rarest, words.length)
    reading.low = reading.high = 0
    for (let i = 0; i < words.length; i++) {
      const token = this.#vocabulary.number(words[i] ?? '')
      reading.tokens[i] = reading.rarest[i] = token
      if (token & 32) reading.high |= 1 << token
      else reading.low |= 1 << token
    }
    sortDescending(reading.rarest, words.length)
    this.#text = text
    return reading
  }

  /** Where a stored text begins in `#tokens`. */
  #start(text: number): number {
    return text > 0 ? (this.#ends[text - 1] ?? 0) : 0
  }

  #store(text: number, { length, tokens }: Reading): void {
    const start = this.#start(text)
    this.#tokens = grown(this.#tokens, start + length)
    for (let i = 0; i < length; i++) this.#tokens[start + i] = tokens[i] ?? 0
    this.#ends = grown(this.#ends, text + 1)
    this.#ends[text] = start + length
    this.#compared = grown(this.#compared, text + 1)
  }

  #startLookup({ tokens, length }: Reading): void {
    this.#lookup++
    this.#lcs.mark(tokens, length, this.#vocabulary.size)
  }

  /** Puts a stored text in the place of the best if it scores more, or the same and is older. */
  #compare(text: number, length: number, best: { text: number; score: number }): void {
    if (this.#compared[text] === this.#lookup) return
    this.#compared[text] = this.#lookup
    const start = this.#start(text)
    const end = this.#ends[text] ?? 0
    const score = fMeasure(this.#lcs.length(this.#tokens, start, end), length, end - start)
    if (score < best.score || (score === best.score && text >= best.text)) return
    best.text = text
    best.score = score
  }

  #similar({ text, score }: { text: number; score: number }): Similar {
    return { instruction: this.#instructions[text] ?? '', score }
  }

  /** Which of its token's lists a text belongs to, by the share of its tokens that are rarer than this one. */
  #band(depth: number): number {
    return Math.min(BANDS - 1, Math.floor((BANDS * depth) / this.#deepest + MARGIN))
  }

  /** For each stored text how many of its tokens this one shares: no common subsequence is longer. */
  #countShared({ tokens, length }: Reading): Integers {
    for (; this.#counted < this.size; this.#counted++) {
      const text = this.#counted
      this.#sharedTokens.file(text, this.#tokens, this.#start(text), this.#ends[text] ?? 0)
    }
    return this.#sharedTokens.count(tokens, length, this.size)
  }

  /** The text that would win if all shared tokens were in order: a good first to compare. */
  #mostShared(shared: Integers, length: number): number {
    let [most, common, tokens] = [0, 0, 1]
    let start = 0
    for (let text = 0; text < this.size; text++) {
      const end = this.#ends[text] ?? 0
      const count = shared[text] ?? 0
      const both = length + end - start
      if (count * tokens > common * both) [most, common, tokens] = [text, count, both]
      start = end
    }
    return most
  }
}

/** Fewest tokens a text of this length shares with any that scores `bar`: the shortest, of t/(2-t) its length. */
function leastCommon(length: number, bar: number): number {
  return (bar * length) / (2 - bar) - MARGIN
}

/** How deep, as a share of its tokens, a token may stand in a text that scores `bar` with one that has the share `left`
 *  of its tokens from there on. From L <= left·m, L <= (1-depth)·n and L >= bar·(m+n)/2, the lengths eliminated. */
function deepest(left: number, bar: number): number {
  return 1 - (bar * left) / (2 * left - bar) + MARGIN
}

/** Texts are short: up to 64 tokens, sorting by insertion is faster than a call. */
function sortDescending(array: Int32Array, length: number): void {
  if (length > 64) {
    array.set(array.slice(0, length).toSorted().toReversed())
    return
  }
  for (let i = 1; i < length; i++) {
    const token = array[i] ?? 0
    let j = i
    for (; j > 0 && (array[j - 1] ?? 0) < token; j--) array[j] = array[j - 1] ?? 0
    array[j] = token
  }
}

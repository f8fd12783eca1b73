/** Counts how many tokens a text shares with each stored text, along the lists of who holds which token. */
import { type Integers, grown } from './integers.ts'

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

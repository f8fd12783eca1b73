/** Numbers words in the order in which they are first seen. A hash table of its own, because a `Map` takes two to
 *  three times as long on words just cut out of a text. */
export class Vocabulary {
  readonly #words: string[] = []
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
    if (4 * this.size > this.#table.length) this.#grow()
    return this.size - 1
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

  #grow(): void {
    this.#table = new Int32Array(2 * this.#table.length)
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

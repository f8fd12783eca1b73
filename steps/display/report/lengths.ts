// How long texts are, kept as counts per length, so that a million of them take no more room than the longest.
import { lengthOf } from '../../text/measure.ts'
import type { Language } from '../../text/language.ts'

export class Lengths {
  total = 0
  private sum = 0
  private readonly counts = new Map<number, number>()
  private readonly language: Language

  constructor(language: Language) {
    this.language = language
  }

  /** In words; in Chinese a character is one. */
  add(text: string): void {
    const length = lengthOf(text, this.language)
    this.total++
    this.sum += length
    this.counts.set(length, (this.counts.get(length) ?? 0) + 1)
  }

  /** Undefined when nothing was measured. */
  get mean(): number | undefined {
    return this.total === 0 ? undefined : this.sum / this.total
  }

  /** The length that this share of the texts does not exceed. */
  quantile(share: number): number {
    let seen = 0
    for (const [length, count] of [...this.counts].toSorted((a, b) => a[0] - b[0])) {
      seen += count
      if (seen >= share * this.total) return length
    }
    return 0
  }

  /** Counts for 0 to `width`−1, `width` to 2·`width`−1, and so on; the last takes everything longer. */
  binned(width: number, bins: number): number[] {
    const binned = Array.from({ length: bins }, () => 0)
    for (const [length, count] of this.counts) {
      const bin = Math.min(bins - 1, Math.floor(length / width))
      binned[bin] = (binned[bin] ?? 0) + count
    }
    return binned
  }
}

/** Finds what an instruction resembles most among all that were kept before it, by ROUGE-L. */
import { rougeL } from './rouge.ts'

export interface Similar {
  instruction: string
  score: number
}

export class NoveltyIndex {
  readonly #threshold: number
  readonly #instructions: string[] = []

  constructor(threshold = 0.7) {
    this.#threshold = threshold
  }

  get size(): number {
    return this.#instructions.length
  }

  add(instruction: string): void {
    this.#instructions.push(instruction)
  }

  /** The most similar stored instruction if it scores above the threshold; of equals the oldest. */
  rival(instruction: string): Similar | undefined {
    const best = this.nearest(instruction)
    return best && best.score > this.#threshold ? best : undefined
  }

  /** The most similar stored instruction, however little it shares; of equals the oldest. */
  nearest(instruction: string): Similar | undefined {
    let best: Similar | undefined
    for (const stored of this.#instructions) {
      const score = rougeL(instruction, stored)
      if (!best || score > best.score) best = { instruction: stored, score }
    }
    return best
  }
}

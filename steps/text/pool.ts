// The task pool: seed tasks and accepted instructions. A candidate joins it when no rule speaks against it.
import type { Language } from './language.ts'
import { likeness } from './likeness.ts'
import { NoveltyIndex, type Similar } from './novelty.ts'
import { checkInstruction, type Finding } from './rules.ts'

export class TaskPool {
  private readonly index: NoveltyIndex
  private readonly seeds: NoveltyIndex
  private readonly elsewhere: NoveltyIndex
  private readonly language: Language

  /** `elsewhere`: instructions one owns already; candidates like them are rejected too, under a reason of their own. */
  constructor(similarity: number, language: Language, seeds: Iterable<string>, elsewhere: Iterable<string>) {
    this.language = language
    this.index = new NoveltyIndex(similarity)
    this.seeds = new NoveltyIndex(similarity)
    this.elsewhere = new NoveltyIndex(similarity)
    for (const seed of seeds) {
      this.index.add(seed)
      this.seeds.add(seed)
    }
    for (const instruction of elsewhere) this.elsewhere.add(instruction)
  }

  /** The first rule that speaks against a candidate. */
  check(instruction: string): Finding | undefined {
    let rival: Similar | undefined
    const pool = { rival: (text: string) => (rival = this.index.rival(text)) }
    const finding = checkInstruction(instruction, this.language, pool)
    if (finding) return { ...finding, ...(rival && { rival: rival.instruction }) }
    const owned = this.elsewhere.rival(instruction)
    return owned && { reason: 'already_elsewhere', detail: likeness(owned)[this.language] }
  }

  add(instruction: string): void {
    this.index.add(instruction)
  }

  /** The most similar instruction of the pool, or of the seed tasks alone where the pool is larger than `amongAll`. */
  nearest(instruction: string, amongAll: number): { instruction: string; score: number } | undefined {
    return (this.index.size <= amongAll ? this.index : this.seeds).nearest(instruction)
  }
}

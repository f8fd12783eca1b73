// What instructions ask for: their leading verb and its object, after the paper's figure 3. No parser is at work here,
// only lists of words, so it is approximate: questions, and verbs no list holds, count as having none.
import type { Language } from '../../text/language.ts'

/** `object` is '' where none was made out. */
export type Leading = { verb: string; object: string }
type LeadingOf = (instruction: string) => Leading | undefined
type VerbCount = { verb: string; count: number; objects: { object: string; count: number }[] }

/** Finds the leading verb in one language; the lists of the other are not loaded. */
export async function leadingIn(language: Language): Promise<LeadingOf> {
  return language === 'zh'
    ? (await import('./verbs-zh.ts')).leadingChinese
    : (await import('./verbs-en.ts')).leadingEnglish
}

export class Verbs {
  total = 0
  none = 0
  private readonly counts = new Map<string, Map<string, number>>()
  private readonly leading: LeadingOf

  constructor(leading: LeadingOf) {
    this.leading = leading
  }

  add(instruction: string): void {
    this.total++
    const leading = this.leading(instruction)
    if (!leading) {
      this.none++
      return
    }
    const objects = this.counts.get(leading.verb) ?? new Map<string, number>()
    objects.set(leading.object, (objects.get(leading.object) ?? 0) + 1)
    this.counts.set(leading.verb, objects)
  }

  /** The most frequent verbs, each with its commonest objects; of equals the one met first. */
  most(verbs: number, objects: number): VerbCount[] {
    return [...this.counts]
      .map(([verb, found]) => ({
        verb,
        count: [...found.values()].reduce((sum, count) => sum + count, 0),
        objects: [...found]
          .filter(([object]) => object !== '')
          .toSorted((a, b) => b[1] - a[1])
          .slice(0, objects)
          .map(([object, count]) => ({ object, count })),
      }))
      .toSorted((a, b) => b.count - a.count)
      .slice(0, verbs)
  }
}

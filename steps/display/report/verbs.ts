// What instructions ask for: their leading verb and its object, after the paper's figure 3. No parser is at work here,
// only lists of words, so it is approximate: questions, and verbs no list holds, count as having none.
import type { Language } from '../../text/language.ts'
import { leadingEnglish } from './verbs-en.ts'
import { leadingChinese } from './verbs-zh.ts'

/** `object` is '' where none was made out. */
export type Leading = { verb: string; object: string }
export type VerbCount = { verb: string; count: number; objects: { object: string; count: number }[] }

const leadingIn: Record<Language, (instruction: string) => Leading | undefined> = {
  en: leadingEnglish,
  zh: leadingChinese,
}

export function leadingVerb(instruction: string, language: Language): Leading | undefined {
  return leadingIn[language](instruction)
}

export class Verbs {
  total = 0
  none = 0
  private readonly counts = new Map<string, Map<string, number>>()
  private readonly language: Language

  constructor(language: Language) {
    this.language = language
  }

  add(instruction: string): void {
    this.total++
    const leading = leadingVerb(instruction, this.language)
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

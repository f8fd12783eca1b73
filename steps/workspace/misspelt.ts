// A word nobody knows, and the one that was probably meant.
import { Fault } from './fault.ts'

const longestShown = 60 // characters of what somebody typed

/** The sentence for an unknown option or step, with the nearest one that exists. */
export function unknownWord(word: string, known: readonly string[], what: 'option' | 'step'): Fault {
  const near = nearest(word, known)
  const shown = shorten(word)
  return new Fault({
    en: `There is no ${what === 'step' ? 'step or command' : what} "${shown}".${near ? ` Did you mean ${near}?` : ''} All are listed by: npx tsx workshop.ts --help`,
    zh: `没有名为 "${shown}" 的${what === 'option' ? '选项' : '步骤或命令'}。${near ? `您是否想用 ${near}？` : ''}全部列表见：npx tsx workshop.ts --help`,
  })
}

/** The known word that is most like this one, dashes and case aside; undefined when none is like it. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const bare = (text: string): string => text.replace(/^[-–—－]+/, '').toLowerCase()
  const typed = bare(word.slice(0, longestShown))
  const distances = known.map((name) => {
    const begun = typed !== '' && bare(name).startsWith(typed)
    return { name, distance: begun ? 0 : editDistance(typed, bare(name)) }
  })
  const [best] = distances.toSorted((a, b) => a.distance - b.distance)
  const alike = best && (best.distance === 0 || (typed.length > 2 && best.distance < typed.length))
  return alike ? best.name : undefined
}

export function shorten(text: string): string {
  return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text
}

// Levenshtein's distance, one row of the table at a time.
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

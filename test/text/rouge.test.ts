import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rougeL } from '../../steps/text/rouge.ts'

/** Instructions of a real class, each with ten neighbours and Google's scores; not part of the project. */
const REFERENCE = join(
  import.meta.dirname,
  '../../../shared/data/class-run-machine_generated_instructions.jsonl',
)

const words = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, i) => `w${from + i}`).join(' ')
const isAscii = (text: string): boolean => /^[\x00-\x7f]*$/.test(text)

describe('rougeL', () => {
  it.each([
    ['the cat sat', 'the cat sat', 1],
    ['The cat, sat.', 'the CAT sat', 1],
    ['the cat sat', 'the dog sat', 2 / 3],
    ['a b c d', 'd c b a', 1 / 4],
    ['a b a b', 'a b', 2 / 3],
    ['police killed the gunman', 'police kill the gunman', 3 / 4],
    ['one', 'one two three', 1 / 2],
    ['写一首诗', '写一首歌', 3 / 4],
    ['a b', 'c d', 0],
    ['', 'a', 0],
    ['', '', 0],
    ['?!', '?!', 0],
  ])('%j and %j score %d', (a, b, score) => {
    expect(rougeL(a, b)).toBeCloseTo(score, 15)
  })

  it('computes in the order of Google’s scorer, to the last bit', () => {
    // 14 shared of 18 and 22: p = 14/22, r = 14/18, and 2pr/(p+r) is a bit above 28/40.
    expect(rougeL(words(0, 18), words(4, 26))).toBe(0.7000000000000001)
  })

  it('does not depend on which text comes first', () => {
    const text = fc
      .array(fc.constantFrom('a', 'b', 'c', '你'), { maxLength: 12 })
      .map((words) => words.join(' '))
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(rougeL(a, b)).toBe(rougeL(b, a))
      }),
    )
  })

  it.skipIf(!existsSync(REFERENCE))(
    'agrees with the reference scores of a class run, where they are at hand',
    () => {
      const pairs = readFileSync(REFERENCE, 'utf8')
        .split('\n')
        .filter((line) => line.trim())
        .map((line): { instruction: string; most_similar: Record<string, number> } => JSON.parse(line))
        .flatMap((row) =>
          Object.entries(row.most_similar).map(([other, score]) => [row.instruction, other, score] as const),
        )
        .filter(([a, b]) => isAscii(a) && isAscii(b))
      expect(pairs.length).toBeGreaterThan(9_000)
      const worst = Math.max(...pairs.map(([a, b, score]) => Math.abs(rougeL(a, b) - score)))
      expect(worst).toBeLessThanOrEqual(1e-9)
    },
  )
})

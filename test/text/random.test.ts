import { describe, expect, it } from 'vitest'
import { randomFor, sample, shuffle } from '../../steps/text/pool.ts'

const letters = [...'abcdefghij']

describe('randomFor', () => {
  it('gives the same numbers for the same name, in [0, 1), and others for another', () => {
    const draw = (...name: (string | number)[]) => {
      const random = randomFor(...name)
      return Array.from({ length: 1000 }, random)
    }
    expect(draw(42, 'generate', 3)).toEqual(draw(42, 'generate', 3))
    expect(draw(42, 'generate', 3)).not.toEqual(draw(42, 'generate', 4))
    expect(draw(42).every((number) => number >= 0 && number < 1)).toBe(true)
    const mean = draw(42).reduce((sum, number) => sum + number, 0) / 1000
    expect(mean).toBeGreaterThan(0.45)
    expect(mean).toBeLessThan(0.55)
  })
})

describe('sample', () => {
  it('draws different members, evenly', () => {
    const drawn = new Map<string, number>()
    for (let k = 0; k < 2000; k++) {
      const three = sample(letters, 3, randomFor(k))
      expect(new Set(three).size).toBe(3)
      for (const letter of three) drawn.set(letter, (drawn.get(letter) ?? 0) + 1)
    }
    for (const letter of letters) expect(Math.abs((drawn.get(letter) ?? 0) - 600)).toBeLessThan(100)
  })

  it('gives all there are when there are fewer, and looks only at the first `among`', () => {
    expect(sample(letters, 20, randomFor(1)).toSorted()).toEqual(letters)
    expect(sample(letters, 5, randomFor(1), 2).toSorted()).toEqual(['a', 'b'])
    expect(sample([], 2, randomFor(1))).toEqual([])
  })
})

describe('shuffle', () => {
  it('keeps every member', () => {
    expect(shuffle(letters, randomFor(7)).toSorted()).toEqual(letters)
    expect(shuffle(letters, randomFor(7))).not.toEqual(letters)
  })
})

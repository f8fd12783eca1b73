import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NoveltyIndex, type Similar } from '../../steps/text/novelty.ts'
import { randomFor } from '../../steps/text/pool.ts'
import { rougeL } from '../../steps/text/rouge.ts'

function indexOf(texts: string[], threshold?: number): NoveltyIndex {
  const index = new NoveltyIndex(threshold)
  for (const text of texts) index.add(text)
  return index
}

/** The definition: all pairs, the oldest of the best. */
function nearestOfAll(text: string, stored: string[]): Similar | undefined {
  let best: Similar | undefined
  for (const instruction of stored) {
    const score = rougeL(text, instruction)
    if (!best || score > best.score) best = { instruction, score }
  }
  return best
}

const numbered = (count: number, word = 'w'): string[] =>
  Array.from({ length: count }, (_, i) => `${word}${i}`)

describe('NoveltyIndex', () => {
  it('knows neither rival nor nearest while empty', () => {
    const index = new NoveltyIndex()
    expect([index.size, index.rival('a b'), index.nearest('a b')]).toEqual([0, undefined, undefined])
  })

  it('finds what was added, and the most similar of it', () => {
    const index = indexOf([
      'Write a poem about the sea.',
      'Write a short poem about the sea.',
      'Add two numbers.',
    ])
    expect(index.size).toBe(3)
    expect(index.rival('write a short poem about the sea')).toEqual({
      instruction: 'Write a short poem about the sea.',
      score: 1,
    })
    expect(index.rival('Write a program that adds numbers')).toBeUndefined()
    expect(index.nearest('Add three numbers')?.instruction).toBe('Add two numbers.')
  })

  it.each([
    ['equal scores', ['a b c d', 'a b c e', 'a b c f'], 'a b c x'],
    ['equal texts', ['A b c', 'a b c', 'a b C'], 'a b c'],
    ['one text twice', ['x y', 'a b c', 'a b c'], 'a b c'],
    ['nothing shared', ['x y', 'y z'], 'a b'],
  ])('prefers the oldest: %s', (_, stored, text) => {
    expect(indexOf(stored).nearest(text)).toEqual(nearestOfAll(text, stored))
    expect(indexOf(stored, 0.5).rival(text)?.score ?? 0).toBe(nearestOfAll(text, stored)?.score)
    expect(indexOf(stored).nearest(text)?.instruction).toBe(
      stored.find((other) => rougeL(other, text) === nearestOfAll(text, stored)?.score),
    )
  })

  it('finds the same before and after it sorts its words by their frequency', () => {
    const random = randomFor('novelty')
    const word = () => `w${Math.floor(60 ** random())}` // w1 is frequent, w59 rare
    const texts = Array.from({ length: 4200 }, () => Array.from({ length: 6 }, word).join(' '))
    const index = indexOf(texts)
    for (const text of [...texts.slice(0, 6), ...texts.slice(-6)].map((text) => text.replace('w1', 'w2'))) {
      const best = nearestOfAll(text, texts)
      expect(index.nearest(text)).toEqual(best)
      expect(index.rival(text)).toEqual(best && best.score > 0.7 ? best : undefined)
    }
  })

  it('decides at the threshold as the floating-point formula does, not the fraction', () => {
    const [seven, eight, ten, twelve] = [
      numbered(7),
      numbered(8),
      numbered(10),
      [...numbered(7), ...numbered(5, 'x')],
    ]
    expect(indexOf([[...seven, 'y0', 'y1', 'y2'].join(' ')]).rival(ten.join(' '))).toBeUndefined()
    expect(indexOf([twelve.join(' ')]).rival(eight.join(' '))?.score).toBe(0.7000000000000001)
    expect(indexOf([eight.join(' ')]).rival(twelve.join(' '))?.score).toBe(0.7000000000000001)
  })

  it('accepts anything but the empty overlap at threshold 0, and nothing at threshold 1', () => {
    const stored = ['a b c d e f g h', 'x']
    expect(indexOf(stored, 0).rival('h 1 2 3 4')?.instruction).toBe('a b c d e f g h')
    expect(indexOf(stored, 0).rival('1 2 3')).toBeUndefined()
    expect(indexOf(stored, 1).rival('x')).toBeUndefined()
    expect(indexOf(stored, 1).nearest('x')?.score).toBe(1)
  })

  it('keeps an answer apart from what is added or asked after it', () => {
    const index = new NoveltyIndex()
    for (let i = 0; i < 3000; i++) {
      const text = `task ${i} number ${i * 7} of kind ${i % 13}`
      expect(index.nearest(text)?.score ?? 0).toBeLessThan(1)
      index.add(text)
    }
    expect(index.rival('task 17 number 119 of kind 4')).toEqual({
      instruction: 'task 17 number 119 of kind 4',
      score: 1,
    })
  })

  it.each([
    ['empty and short', ['', ' ', '?!', 'a', 'b', 'A', 'a b', 'b a', 'a?']],
    [
      'repeated tokens',
      ['a a a a', 'a a', 'the the cat cat', 'cat the cat the', 'a b a b a', Array(300).fill('a').join(' ')],
    ],
    ['Chinese', ['写一首关于春天的诗', '写一首关于秋天的诗', '春天', '天春', '请写一首关于春天的诗。']],
    ['Korean', ['봄에 대한 시를 써라', '봄에 대한 시를 쓰세요', '시를 봄에', '봄에 대한 소설을 써라']],
    ['Thai', ['เขียนบทกวี', 'เขียนบทกลอน', 'บทกวี', 'กวีบท']],
    ['Arabic', ['اكتب قصيدة عن الربيع', 'اكتب قصة عن الربيع', 'عن الربيع', 'اكتب']],
    ['Cyrillic', ['Напиши стих о весне', 'НАПИШИ СТИХ О ЗИМЕ', 'стих', 'о весне напиши стих']],
    ['emoji', ['👍🏽 ❤️', '👍', 'write 👍 a poem', 'write a poem ❤️']],
    ['full-width forms', ['ｗｒｉｔｅ ａ ｐｏｅｍ', 'write a poem', 'Ｗｒｉｔｅ １ poem', 'write 1 poem']],
    [
      'mixed scripts',
      [
        '用 Python 写函数',
        '用Python写两个函数',
        'Python 함수를 써라',
        'Python функция',
        'Write 诗 a poem о весне',
      ],
    ],
    [
      'one word of the machine and more',
      [31, 32, 33, 63, 64, 65, 96, 97].map((count) => numbered(count).join(' ')),
    ],
    [
      'long and out of order',
      [numbered(40), numbered(40).toReversed(), ['w39', ...numbered(39)]].map((words) => words.join(' ')),
    ],
    [
      '1,000 tokens',
      [numbered(1000), numbered(999).toReversed(), numbered(560)].map((words) => words.join(' ')),
    ],
  ])('agrees with all pairs on odd texts: %s', (_, texts) => {
    for (const threshold of [0, 0.3, 0.7, 0.95, 1])
      expectAsAllPairs([...texts, ...texts.toReversed()], threshold)
  })

  it.each([
    ['few words', ['a', 'b', 'c']],
    ['some words', numbered(15)],
    ['many words', numbered(70)],
    ['few characters', ['天', '地', '人']],
    ['mixed scripts', ['天', '地', '人', 'sky', 'earth', 'кот', '봄', 'ไ']],
  ])('agrees with all pairs on random texts and small edits of them: %s', (_, words) => {
    const threshold = fc.constantFrom(0, 0.2, 0.5, 0.7, 0.7, 0.7, 0.85, 0.99, 1)
    fc.assert(fc.property(streamOf(words), threshold, expectAsAllPairs), { numRuns: 60 })
  })

  it('agrees with all pairs on permutations of one text', () => {
    const permuted = fc.shuffledSubarray(numbered(12), { minLength: 9 }).map((words) => words.join(' '))
    fc.assert(fc.property(fc.array(permuted, { maxLength: 20 }), fc.constantFrom(0.4, 0.7), expectAsAllPairs))
  })

  it('agrees with all pairs one edit to either side of the threshold', () => {
    const shared = fc.record({
      common: fc.integer({ min: 1, max: 40 }),
      left: fc.integer({ min: 0, max: 25 }),
      right: fc.integer({ min: 0, max: 25 }),
    })
    fc.assert(
      fc.property(shared, ({ common, left, right }) => {
        const text = [...numbered(common), ...numbered(left, 'l')].join(' ')
        const variants = [-1, 0, 1].map((step) =>
          [...numbered(right, 'r'), ...numbered(Math.max(0, common + step))].join(' '),
        )
        expectAsAllPairs([...variants, text], rougeL(text, variants[1] ?? ''))
        expectAsAllPairs([...variants, text], 0.7)
      }),
    )
  })
})

/** Texts over these words, most of them made from an earlier one by dropping, adding, moving or repeating a token. */
function streamOf(words: string[]): fc.Arbitrary<string[]> {
  const word = fc.constantFrom(...words)
  const fresh = fc.array(word, { maxLength: 45 })
  const edit = fc.tuple(fc.nat(50), fc.nat(50), fc.nat(2), fc.array(word, { maxLength: 2 }))
  const step = fc.oneof(fresh, fc.tuple(fc.nat(30), fc.array(edit, { maxLength: 4 })))
  return fc.array(step, { minLength: 2, maxLength: 25 }).map((steps) => {
    const texts: string[][] = []
    for (const [index, made] of steps.entries()) {
      if (!isEdit(made)) texts.push(made)
      else texts.push(made[1].reduce(applyEdit, texts[made[0] % Math.max(1, index)] ?? []))
    }
    return texts.map((tokens) => tokens.join(' '))
  })
}

type Edit = [number, number, number, string[]]

function isEdit(step: string[] | [number, Edit[]]): step is [number, Edit[]] {
  return typeof step[0] === 'number'
}

function applyEdit(tokens: string[], [from, to, dropped, added]: Edit): string[] {
  const edited = tokens.toSpliced(from % (tokens.length + 1), dropped)
  return edited.toSpliced(to % (edited.length + 1), 0, ...added)
}

/** Asks before each text is added, as a run does, and keeps two out of three, rivals or not. */
function expectAsAllPairs(texts: string[], threshold: number): void {
  const index = new NoveltyIndex(threshold)
  const stored: string[] = []
  for (const [i, text] of texts.entries()) {
    const best = nearestOfAll(text, stored)
    expect(index.rival(text)).toEqual(best && best.score > threshold ? best : undefined)
    if (i % 2 === 0) expect(index.nearest(text)).toEqual(best)
    if (i % 3 < 2) {
      index.add(text)
      stored.push(text)
    }
  }
  expect(index.size).toBe(stored.length)
}

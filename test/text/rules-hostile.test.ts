// Model text is hostile: no rule may take more than linear time, whatever is said over and over.
import { describe, expect, it } from 'vitest'
import { type Rule, compare, measureInstance, measureInstruction, rules } from '../../steps/text/rules.ts'

const pieces = [
  'a',
  ' \n',
  '的',
  '。“我',
  '"(',
  '[your <a\n',
  '1, ',
  '##\n1. ',
  'translate to ',
  'write a function ',
  '下面这段',
  '<image>',
  'as an AI ',
  'è ',
  'x = 1; - ',
]

const lengths = [10_000, 20_000, 40_000]
const noise = 15 // milliseconds, below which a clock says nothing
const tries = 6 // the collector of garbage may come in between: the least counts

/** Milliseconds of the processor a rule takes with such a text in every place it may stand; other processes cost none. */
function timeOf(rule: Rule, piece: string, length: number): number {
  const text = piece.repeat(Math.ceil(length / piece.length))
  const instruction = `Sum up: 概括下面这段话，write a function。${text}`
  const rows = [
    { input: '', output: `${text}end` },
    { input: text, output: `${text}.` },
  ]
  const start = process.cpuUsage()
  for (const language of ['en', 'zh'] as const) {
    measureInstruction(rule, instruction, language, { rival: () => undefined })
    const task = { instruction, language, ...compare(instruction, rows, []) }
    for (const [at, row] of rows.entries()) measureInstance(rule, row, task, at)
  }
  return process.cpuUsage(start).user / 1000
}

/** The times for the three lengths, measured again while they look like more than linear. */
function timesOf(rule: Rule, piece: string): number[] {
  const least = lengths.map((length) => timeOf(rule, piece, length))
  for (let tried = 1; tried < tries && !isLinear(least); tried++)
    for (const [place, length] of lengths.entries())
      least[place] = Math.min(least[place] ?? Infinity, timeOf(rule, piece, length))
  return least
}

// Four times the text: four times the time is linear, sixteen times quadratic.
function isLinear([short = 0, middle = 0, long = 0]: readonly number[]): boolean {
  const base = Math.max(short, noise)
  return middle < 3.5 * base && long < 9 * base
}

describe.each(pieces)('a text of %j over and over', (piece) => {
  it('takes each rule a time that grows as the text does', () => {
    const beyond = rules.map((rule) => ({ reason: rule.reason, times: timesOf(rule, piece) }))
    expect(beyond.filter(({ times }) => !isLinear(times))).toEqual([])
  })
})

it('a rule that compares every character with every other would be seen', () => {
  const quadratic: Rule = {
    reason: 'quadratic',
    of: 'instruction',
    why: { en: 'x', zh: 'x' },
    test(instruction) {
      let same = 0
      for (let a = 0; a < instruction.length; a += 3)
        for (let b = 0; b < instruction.length; b += 3) if (instruction[a] === instruction[b]) same++
      return String(same)
    },
  }
  // The least of three: the first short one is slow, since the code is not compiled yet.
  const leastOf = (length: number) => Math.min(...[1, 2, 3].map(() => timeOf(quadratic, 'ab', length)))
  expect(isLinear(lengths.map(leastOf))).toBe(false)
})

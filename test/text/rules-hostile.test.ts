// Model text is hostile: no rule may take more than linear time, whatever is said over and over.
import { describe, expect, it } from 'vitest'
import { type Rule, compare, measureInstance, measureInstruction, rules } from '../../steps/text/rules.ts'
import { isLinear, timesOf } from '../support/growth.ts'

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

/** Tries a rule with such a text in every place it may stand. */
function tryRule(rule: Rule, piece: string, length: number) {
  const text = piece.repeat(Math.ceil(length / piece.length))
  const instruction = `Sum up: 概括下面这段话，write a function。${text}`
  const rows = [
    { input: '', output: `${text}end` },
    { input: text, output: `${text}.` },
  ]
  for (const language of ['en', 'zh'] as const) {
    measureInstruction(rule, instruction, language, { rival: () => undefined })
    const task = { instruction, language, ...compare(instruction, rows, []) }
    for (const [at, row] of rows.entries()) measureInstance(rule, row, task, at)
  }
}

describe.each(pieces)('a text of %j over and over', (piece) => {
  it('takes each rule a time that grows as the text does', () => {
    const beyond = rules.map((rule) => ({
      reason: rule.reason,
      times: timesOf((length) => tryRule(rule, piece, length)),
    }))
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
      for (let a = 0; a < instruction.length; a += 7)
        for (let b = 0; b < instruction.length; b += 7) if (instruction[a] === instruction[b]) same++
      return String(same)
    },
  }
  expect(timesOf((length) => tryRule(quadratic, 'ab', length))).not.toSatisfy(isLinear)
})

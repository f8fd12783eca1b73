// Model text is hostile: no rule may take more than linear time, whatever is said over and over.
import { describe, expect, it } from 'vitest'
import { type Rule, compare, measureInstance, measureInstruction } from '../../steps/text/check.ts'
import { rules } from '../../steps/text/rules.ts'
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
  '...',
  '\\"',
]

/** Tries a rule with such a text in every place it may stand. */
function tryRule(rule: Rule, piece: string, length: number) {
  const text = piece.repeat(Math.ceil(length / piece.length))
  const instruction = `Sum up: 概括下面这段话，write a function。${text}`
  const rows = [
    { input: '', output: `${text}end` },
    { input: text, output: `${text}.` },
    { input: '', output: `{"a":"${text}` },
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

it.each([
  [[30, 60, 120], true],
  [[30, 120, 480], false], // what compares every character with every other
  [[2, 8, 32], true], // too short to say
])('times of %j are linear: %s', (times, linear) => {
  expect(isLinear(times)).toBe(linear)
})

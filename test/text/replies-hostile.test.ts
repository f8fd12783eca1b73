// Whatever a reply holds, it is read into rows that satisfy their shape, or into nothing; never into an error.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readAnswers, readInstances, readTasks, readVerdicts } from '../../steps/text/replies.ts'
import { anyCharacter } from '../support/characters.ts'

// prettier-ignore
const pieces = [
  '{"tasks":[', '{"instances":[', '{"input":"a","output":"b"}', '{"1":"yes"', '"a"', "'it's'", '“q”', ']', '}', ',', ':',
  '```json\n', '```\n', '<think>', '</think>', 'Input: ', 'Output:', '\nClass label: x\n', '输出：', '\n1. ', '\n2) no',
  '\n', '  ', 'Task: ', '\\', '\\u12', '"', '\ud800', '\u2028', '\u0000', '__proto__', 'Example 1\n', '- ', '// x\n', '…',
]
const reply = fc.oneof(
  fc.string({ unit: anyCharacter, maxLength: 200 }),
  fc.json(),
  fc.array(fc.constantFrom(...pieces), { maxLength: 30 }).map((parts) => parts.join('')),
  fc
    .array(fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 12 })), { maxLength: 30 })
    .map((parts) => parts.join('')),
)
const codes = ['no_output', 'not_a_row', 'cut']

describe('any reply', () => {
  it('gives tasks that are trimmed text, or nothing', () => {
    fc.assert(
      fc.property(reply, fc.boolean(), (text, cut) => {
        const read = readTasks(text, cut)
        for (const task of read?.tasks ?? []) expect(task).toBe(task.trim())
        for (const task of read?.tasks ?? []) expect(task).not.toBe('')
        for (const { text, why } of read?.dropped ?? [])
          expect(codes.includes(why) && text.length <= 500).toBe(true)
      }),
    )
  })

  it('gives instances with text for input and some for output, or nothing', () => {
    fc.assert(
      fc.property(reply, fc.boolean(), fc.boolean(), (text, cut, isClassification) => {
        const read = readInstances(text, cut, isClassification, 'Write a function.')
        for (const row of read?.instances ?? []) {
          expect(Object.keys(row).toSorted()).toEqual(['input', 'output'])
          expect([row.input, row.output]).toEqual([row.input.trim(), row.output.trim()])
          expect(row.output).not.toBe('')
        }
        for (const { text, why } of read?.dropped ?? [])
          expect(codes.includes(why) && text.length <= 500).toBe(true)
      }),
    )
  })

  it('gives answers to tasks that were asked about, or nothing', () => {
    fc.assert(
      fc.property(reply, fc.boolean(), fc.integer({ min: 1, max: 20 }), (text, cut, count) => {
        for (const read of [readAnswers(text, cut, count), readVerdicts(text, cut, count)]) {
          expect(read?.size).not.toBe(0)
          for (const number of read?.keys() ?? []) expect(number >= 1 && number <= count).toBe(true)
        }
      }),
    )
  })
})

// What the reader is meant to change: spellings of no input, placeholders, LaTeX's lost backslashes.
const plain = ({ input, output }: { input: string; output: string }) =>
  ![input, output].some((value) =>
    /^\s*[<[(（【]?\s*(?:no|n\W?a|null|nil|无|没有|\.\.\.|…)|\0|[\b\f]|^\s*["'“”‘’]{2}\s*$/i.test(value),
  ) && output.trim() !== ''

describe('a good reply', () => {
  const text = fc.string({ unit: anyCharacter, maxLength: 40 })
  const rows = fc.array(fc.record({ input: text, output: text }), { minLength: 1, maxLength: 5 })

  it('gives back what was written, trimmed', () => {
    fc.assert(
      fc.property(rows, (written) => {
        const good = written.filter(plain)
        const read = readInstances(JSON.stringify({ instances: good }), false, false)
        expect(read?.instances).toEqual(
          good.map(({ input, output }) => ({ input: input.trim(), output: output.trim() })),
        )
      }),
    )
  })

  it('gives, wherever it is cut, some first rows of the whole', () => {
    fc.assert(
      fc.property(rows, fc.nat(), (written, at) => {
        const good = written.filter(plain)
        const whole = JSON.stringify({ instances: good })
        const read = readInstances(whole.slice(0, at % whole.length), true, false)
        const first = good.slice(0, read?.instances.length ?? 0)
        expect(read?.instances).toEqual(
          first.map(({ input, output }) => ({ input: input.trim(), output: output.trim() })),
        )
      }),
    )
  })
})

const long = (piece: string) => piece.repeat(Math.ceil(2e5 / piece.length))

// A reader that goes over the whole text once for each piece runs into the time limit of a test here.
describe('two hundred thousand characters', () => {
  it.each(['[', '{"a":1} ', '["a" ', '</think>{', '{"input":"a","output":"'])(
    'of %j holds no answer',
    (piece) => {
      expect(readAnswers(long(piece), false, 20)).toBeUndefined()
    },
  )

  it.each(['Input:\n', 'Example 1\nA: b\n', '\n '])('of %j does not hide the instance behind it', (piece) => {
    const reply = `${long(piece)}\n\nInput: a\nOutput: b`
    expect(readInstances(reply, false, false)?.instances).toEqual([{ input: 'a', output: 'b' }])
  })
})

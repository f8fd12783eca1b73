// Model text is hostile: whatever stands in it, four times the text takes about four times the time, not sixteen.
import { describe, expect, it } from 'vitest'
import { saysNothing } from '../../steps/text/leftovers.ts'
import { NoveltyIndex } from '../../steps/text/novelty.ts'
import { readAnswers, readInstances, readTasks, readVerdicts } from '../../steps/text/replies.ts'
import { markShared, rougeL, tokenize } from '../../steps/text/rouge.ts'
import { isLinear, timesOf } from '../support/growth.ts'

const readers: Record<string, (text: string) => unknown> = {
  readTasks: (text) => readTasks(text, false),
  readInstances: (text) => readInstances(text, false, false, 'Write a function.'),
  'readInstances, output first': (text) => readInstances(text, false, true),
  readAnswers: (text) => readAnswers(text, false, 20),
  readVerdicts: (text) => readVerdicts(text, false, 20),
  saysNothing,
  tokenize,
  rougeL: (text) => rougeL(text, `${text} a`),
  markShared: (text) => markShared(text, `${text} a`),
  NoveltyIndex: (text) => {
    const index = new NoveltyIndex()
    index.add(text)
    return [index.rival(`${text} a`), index.nearest(`${text} a b`)]
  },
}

/** What stands in front, and what is said again and again. */
const hostile: [name: string, head: string, piece: string][] = [
  ['combining marks', 'a', '\u0301\u0323'],
  ['numbers without commas', '{"tasks":[', '1 '],
  ['trailing commas', '{"tasks":[', '[1,],'],
  ['strings without commas', '{"tasks":[', '"a" '],
  ['open brackets', '', '{"a":['],
  ['brackets around half a pair of quotes', '', '[["a"b"]'],
  ['quotes inside a string', '{"tasks":["', 'a "b" '],
  ['quotes before commas', '["', ' "a", '],
  ['open strings', '{"tasks":[', '"a],'],
  ['backslashes', '["', '\\'],
  ['labels', '', 'Input: a\nOutput: b\n'],
  ['empty labels', '', 'Input:\n'],
  ['tasks behind an output', 'Output: a', '\n\nTask'],
  ['instructions in an output', '{"instances":[{"output":"a', '\\nInstruction: b'],
  ['headings', '', 'Example 1\nA: b\n'],
  ['numbered lines', '', '1. a\n'],
  ['numbers on a line', '', '1. a '],
  ['fences', '', '```json\n{"a":1}\n```\n'],
  ['ends of thoughts', '', '</think>{'],
  ['special tokens', 'a', '<s> </s><|x|>'],
  ['dollars', '["\\\\alpha', '\\t $a$5'],
  ['open formulas', '["', '\\\\[\\ta\\\\begin{'],
  ['paths', '["', 'C:\\\\a\\t'],
  ['spaces', '["a"', ' '],
  ['spaces in a line', '1. a', ' '],
  ['answers', '["a. ', 'Answer: ('],
  ['no input', '["a', '\\n<noinput>'],
  ['Chinese quotes', '["', '“甲”"乙"，'],
]

describe.each(Object.entries(readers))('%s', (_, read) => {
  it.each(hostile)('grows no faster than the text: %s', (_, head, piece) => {
    const times = timesOf((length) => read(head + piece.repeat(Math.ceil(length / piece.length))))
    expect(times).toSatisfy(isLinear)
  })
})

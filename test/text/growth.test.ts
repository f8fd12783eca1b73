// Model text is hostile: whatever stands in it, four times the text takes about four times the time, not sixteen.
import { describe, expect, it } from 'vitest'
import { replyLines } from '../../steps/display/lives.ts'
import { cutToWidth, plain, plainLines, wrapToWidth } from '../../steps/display/screen.ts'
import { quotaIn } from '../../steps/model/limits.ts'
import { readReply, tokensOf } from '../../steps/model/reply.ts'
import { problemOf } from '../../steps/model/problem.ts'
import { answerIn } from '../../steps/model/transport.ts'
import { drawReport } from '../../steps/report/page.ts'
import { leadingIn } from '../../steps/report/verbs.ts'
import { languageOf, lengthOf } from '../../steps/text/language.ts'
import { saysNothing } from '../../steps/text/leftovers.ts'
import { NoveltyIndex } from '../../steps/text/novelty.ts'
import { readAnswers, readInstances, readTasks, readVerdicts } from '../../steps/text/replies.ts'
import { markShared, rougeL, tokenize } from '../../steps/text/rouge.ts'
import { hiding } from '../../steps/workspace/environment.ts'
import { readSettings } from '../../steps/workspace/settings.ts'
import { folderWith } from '../report/folder.ts'
import { remote } from '../support/model.ts'
import { isLinear, timesOf } from '../support/growth.ts'
import { completion } from '../support/server.ts'

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

/** What else a reply passes through. */
const others: typeof readers = {
  'what servers say': (text) => [
    answerIn(text),
    problemOf({ status: 429, error: { message: text } }, remote),
    problemOf({ status: 429, error: { message: `的${text}` } }, remote), // a text that may hold Chinese takes another way
  ],
  "a limit in a reply's headers": (text) =>
    quotaIn(new Headers({ 'x-ratelimit-reset-requests': text.replace(/[^ -~]/g, '5').trim() }), 100),
  'a completion': (text) => readReply({}, completion(text, 'odd'), remote),
  'the key taken out': hiding('sk-test-Zq83kfPw01mxTT7d'),
  'tokens counted': tokensOf,
  'the screen': (text) => [plain(text), plainLines(text), wrapToWidth(text, 80), cutToWidth(text, 80)],
  'a reply in why': (text) => [replyLines(text, 700), replyLines(text, 240, text.slice(-20))],
  plots: (text) => [
    leadingIn('en', text),
    leadingIn('zh', text),
    lengthOf(text, 'en'),
    lengthOf(text, 'zh'),
    languageOf([text]),
  ],
}

/** What stands in front, what is said again and again, and what stands behind. */
const hostile: [name: string, head: string, piece: string, tail?: string][] = [
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
  ['spaces before a word', '', ' ', 'a'],
  ['line breaks before a word', '', '\n', 'a'],
  ['spaces before a next example', '{"instances":[{"output":"a', ' ', 'b\\n\\nTask: c\\nInput: d"}]}'],
  ['dots', '["a', '...'],
  ['escaped quotes', '["a', '\\"'],
]

const some = [
  'combining marks',
  'numbers without commas',
  'labels',
  'special tokens',
  'spaces',
  'Chinese quotes',
  'spaces before a word',
  'line breaks before a word',
]

const more: typeof hostile = [
  ...hostile.filter(([name]) => some.includes(name)),
  ['words', 'Sum up', ' the following'],
  ['backslashes before a key', '', '\\\\\\sk-test-'],
  ['waits', '', 'try again in 1m'],
  ['events', '', 'data: {}\n\n'],
  ['digits', 'a', '1'],
  ['brackets in brackets', '', '(['],
  ['spaces in an object', '{', ' ', 'a'],
]

const all = [
  ...Object.entries(readers).map(([name, read]) => [name, read, hostile] as const),
  ...Object.entries(others).map(([name, read]) => [name, read, more] as const),
]

describe.each(all)('%s', (_, read, texts) => {
  it.each(texts)('grows no faster than the text: %s', (_, head, piece, tail = '') => {
    const times = timesOf((length) => read(head + piece.repeat(Math.ceil(length / piece.length)) + tail))
    expect(times).toSatisfy(isLinear)
  })
})

describe('the index', () => {
  it('takes a task of any length in a time that grows as it does', () => {
    const time = (tokens: number): number => {
      const text = Array.from({ length: tokens }, (_, at) => `w${at}`).join(' ')
      const before = process.cpuUsage()
      readers.NoveltyIndex?.(text)
      const { user, system } = process.cpuUsage(before)
      return (user + system) / 1000
    }
    const [short, long] = [time(20_000), time(160_000)]
    expect(long).toBeLessThan(16 * Math.max(short, 30))
  })
})

describe('the page', () => {
  it.each([
    ['words', 20_000, 'Describe', ' river'],
    ['words, all different', 60_000, 'Describe', (at: number) => ` w${at}`],
    ['combining marks', 20_000, 'a', '\u0301\u0323'],
    ['Chinese', 20_000, '描述', '河流，'],
  ])('of rows that are long takes a time that grows as they do: %s', async (_, least, head, piece) => {
    const time = async (length: number): Promise<number> => {
      let text = head
      for (let at = 0; text.length < length; at++) text += typeof piece === 'string' ? piece : piece(at)
      const row = { instruction: text, input: text, output: `${text} b` }
      const neighbour = { instruction: `${text} c`, score: 0.9 }
      const folder = await folderWith({
        '1-instructions': [{ instruction: text, call: '', most_similar: neighbour }],
        '2-classified': [{ instruction: text, is_classification: false, call: '' }],
        '3-instances': [{ instruction: text, is_classification: false, instances: [row, row], call: '' }],
        '4-dataset': [row, row],
        rejected: [
          {
            step: 'generate',
            reason: 'near_duplicate',
            detail: '',
            instruction: text,
            call: '',
            most_similar: neighbour,
          },
        ],
      })
      const settings = readSettings(['report', '--data-dir', folder], {})
      const before = process.cpuUsage()
      await drawReport(settings, 'en')
      const { user, system } = process.cpuUsage(before)
      return (user + system) / 1000
    }
    const [short, long] = [await time(least), await time(4 * least)]
    expect(long).toBeLessThan(8 * Math.max(short, 25))
  })
})

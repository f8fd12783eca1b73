// `--judge` and `--export` through the real command: with no key, and against a local server.
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { format } from 'prettier'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Message } from '../steps/model/call.ts'
import { bytesOf, folderWithRun, rowsOf, temporaryFolder, workshop } from './support/command.ts'
import { TestServer, completion, questionIn, rowsAsked } from './support/server.ts'

type Row = { instruction: string; input: string; output: string }
type Call = { step: string; reply: string; rows?: string[] }
type Rejected = Row & { step: string; reason: string; detail: string; call: string }
const distinct = (rows: Row[]): number => new Set(rows.map((row) => row.instruction)).size
const shown = ({ instruction, input, output }: Row): string => JSON.stringify({ instruction, input, output })

const exports = ['--export', 'alpaca', '--export', 'openai', '--export', 'huggingface']

describe.each([
  ['en', 'the judge on'],
  ['zh', '评审了'],
])('a judged run with no key, in %s', (language, note) => {
  const args = ['--judge', ...exports, '--language', language]

  it('reaches its target with the rows that passed, and asks nothing the second time', async () => {
    const folder = await folderWithRun(args)
    expect(distinct(await rowsOf<Row>(folder, '4-dataset.jsonl'))).toBe(20)
    const [bytes, calls] = [await bytesOf(folder), await rowsOf<Call>(folder, 'calls.jsonl')]
    const again = await workshop(folder, args)
    expect(again).toMatchObject({ code: 0, err: '' })
    expect(again.out).toContain(note)
    expect(await bytesOf(folder)).toEqual(bytes)
    expect(await rowsOf(folder, 'calls.jsonl')).toHaveLength(calls.length)
  })

  it('keeps what the judge said: its shares, its objections, its cost', async () => {
    const folder = await folderWithRun(args)
    const run = JSON.parse(await readFile(path.join(folder, 'run.json'), 'utf8'))
    const rejected = (await rowsOf<Rejected>(folder, 'rejected.jsonl')).filter((row) =>
      row.reason.startsWith('judge_'),
    )
    const judging = (await rowsOf<Call>(folder, 'calls.jsonl')).filter((call) => call.step === 'filter')
    expect(rejected.length).toBeGreaterThan(0)
    expect(run.judge.all).toBeCloseTo(1 - rejected.length / run.judge.rows, 3)
    expect(run.cost.filter).toMatchObject({ provider: 'offline', calls: judging.length })
    expect(run.settings).toMatchObject({ judge: true, export: ['alpaca', 'openai', 'huggingface'] })
    const [first] = rejected
    expect(judging.map((call) => Reflect.get(call, 'key'))).toContain(first?.call)
    expect(first?.detail).toMatch(language === 'zh' ? /^评审：/ : /^the judge: /)
  })

  it('is read by Alpaca’s readers, by fine-tuning at OpenAI, and by the Hugging Face hub', async () => {
    const folder = await folderWithRun(args)
    const read = (name: string): Promise<string> => readFile(path.join(folder, name), 'utf8')
    const rows = await rowsOf<Row>(folder, '4-dataset.jsonl')
    expect(JSON.parse(await read('4-dataset.alpaca.json'))).toEqual(rows)

    const examples = await rowsOf(folder, '4-dataset.openai.jsonl')
    expect(examples.flatMap(faultsAtOpenai)).toEqual([])
    expect(examples.map(fromChat)).toEqual(
      rows.map(({ instruction, input, output }) => [
        input === '' ? instruction : `${instruction}\n\n${input}`,
        output,
      ]),
    )

    expect(await rowsOf(folder, '4-dataset.huggingface/train.jsonl')).toEqual(rows)
    const card = await read('4-dataset.huggingface/README.md')
    const front = /^---\n([^]*?)\n---\n/.exec(card)?.[1] ?? ''
    expect(await format(front, { parser: 'yaml' })).toBe(`${front}\n`)
    expect(front).toContain(`language:\n  - ${language}\n`)
    expect(front).toContain('- not-for-training')
    // A row count goes wrong with the first edit, and `configs:` makes datasets give the rows of an earlier export.
    expect(card).not.toMatch(/configs:|num_examples|size_categories|\brows\b \||train\.jsonl/)
    expect(card).not.toContain(folder)
  })
})

/** What OpenAI's check of a chat example would say: a list of messages with known roles and text, the last by the assistant. */
function faultsAtOpenai(example: Record<string, unknown>): string[] {
  const messages = example.messages as { role: string; content: unknown }[]
  if (!Array.isArray(messages) || Object.keys(example).join() !== 'messages') return ['no list of messages']
  const faults = messages.flatMap(({ role, content, ...more }) => [
    ...(['system', 'user', 'assistant'].includes(role) ? [] : ['unknown role']),
    ...(typeof content === 'string' && content.trim() !== '' ? [] : ['no content']),
    ...(Object.keys(more).length === 0 ? [] : ['unknown key']),
  ])
  return messages.at(-1)?.role === 'assistant' ? faults : [...faults, 'no assistant at the end']
}

function fromChat(example: Record<string, unknown>): unknown[] {
  return (example.messages as { content: string }[]).map((message) => message.content)
}

describe('filter', () => {
  it('asks nobody without --judge, also after a judged run', async () => {
    const folder = await folderWithRun(['--judge', ...exports, '--language', 'en'])
    const calls = await rowsOf<Call>(folder, 'calls.jsonl')
    const { out, code } = await workshop(folder, ['filter', '--num-instructions', '2', '--similarity', '0.6'])
    expect(await rowsOf(folder, 'calls.jsonl')).toHaveLength(calls.length)
    expect(code).toBe(0)
    expect(out).not.toContain('the judge on')
    const run = JSON.parse(await readFile(path.join(folder, 'run.json'), 'utf8'))
    expect(run).not.toHaveProperty('judge')
    expect(run.cost).not.toHaveProperty('filter')
    expect(run.settings.judge).toBe(true)
    expect(out).toMatch(/at least 10 examples; here are \d\n/)
  })

  it('compares with what was kept, not with what the judge refused', async () => {
    const folder = await temporaryFolder()
    const row = (instruction: string, output: string): string =>
      JSON.stringify({ instruction, is_classification: false, instances: [{ input: '', output }] })
    const instruction = 'Name the largest planet of our solar system and its largest moon.'
    await writeFile(path.join(folder, '3-instances.jsonl'), row(instruction, 'Mars, and Phobos.'))
    const other = path.join(folder, 'other.jsonl')
    await writeFile(
      other,
      `${row(instruction, 'Jupiter, and Ganymede.')}\n${row(instruction, 'Jupiter; Ganymede.')}`,
    )
    const server = await serve(({ output }) => ({ output_correct: output.startsWith('Jupiter') }))
    const { code } = await workshop(folder, [
      'filter',
      '--judge',
      '--num-instructions',
      'all',
      '--merge',
      other,
      '--base-url',
      server.url,
      '--model',
      'm',
    ])
    expect(code).toBe(0)
    expect(await rowsOf(folder, '4-dataset.jsonl')).toEqual([
      { instruction, input: '', output: 'Jupiter, and Ganymede.' },
    ])
    const rejected = await rowsOf<Rejected>(folder, 'rejected.jsonl')
    expect(rejected.map((reject) => reject.reason)).toEqual(['judge_incorrect_output', 'near_duplicate'])
    expect(rejected[1]?.detail).toMatch(/^other\.jsonl:2: /)
  })
})

/** A server that judges as told and answers everything else as the stand-in does. */
async function serve(verdict: (row: Row) => object): Promise<TestServer> {
  const yes = { instruction_valid: true, input_appropriate: true, output_correct: true }
  const server = await TestServer.start(({ body }) => {
    if (!questionIn(body.messages).includes('"verdicts"')) return undefined
    const verdicts = rowsIn(body.messages).map((row, at) => ({
      row: at + 1,
      ...yes,
      ...verdict(row),
    }))
    return { status: 200, body: completion(JSON.stringify({ verdicts })) }
  })
  onTestFinished(() => server.close())
  return server
}

function rowsIn(messages: readonly Message[]): Row[] {
  return rowsAsked(messages).map((row) => JSON.parse(row) as Row)
}

describe('a judged run against a server', () => {
  it.each([
    ['en', 'OPENAI', 'gpt-6-luna'],
    ['zh', 'DASHSCOPE', 'qwen-plus'],
  ])(
    'in %s sends only rows that passed the rules, and keeps only those that passed the judge',
    async (language, who, model) => {
      const folder = await temporaryFolder()
      const refused = (row: Row): boolean => row.output.length % 5 === 0
      const server = await serve((row) => (refused(row) ? { instruction_valid: false } : {}))
      const env = { [`${who}_API_KEY`]: 'sk-test-0123456789', [`${who}_BASE_URL`]: server.url }
      const run = await workshop(folder, ['--judge', '--num-instructions', '10', '--language', language], env)
      expect(run).toMatchObject({ code: 0, err: '' })
      const dataset = await rowsOf<Row>(folder, '4-dataset.jsonl')
      expect(distinct(dataset)).toBe(10)

      const requests = server.asked('verdicts').map(({ body }) => body)
      expect(requests[0]).toMatchObject({
        model,
        temperature: 0,
        response_format: { json_schema: { name: 'judgement' } },
      })
      const judged = requests.flatMap(({ messages }) => rowsIn(messages))
      expect(new Set(judged.map(shown)).size).toBe(judged.length)
      expect(dataset.filter(refused)).toEqual([])
      expect(judged.map(shown)).toEqual(expect.arrayContaining(dataset.map(shown)))

      const rejected = await rowsOf<Rejected>(folder, 'rejected.jsonl')
      const byRule = rejected.filter((row) => row.step === 'filter' && !row.reason.startsWith('judge_'))
      const rules = byRule.filter((row) => !/beyond_target|duplicate/.test(row.reason)).map(shown)
      expect(judged.map(shown).filter((row) => rules.includes(row))).toEqual([])
      const objected = rejected.filter((row) => row.reason === 'judge_invalid_instruction')
      expect(objected.map(shown).toSorted()).toEqual(judged.filter(refused).map(shown).toSorted())
    },
  )
})

it('a judged run that stops on the way keeps what is answered, and goes on without asking it again', async () => {
  const folder = await temporaryFolder()
  let refusing = true
  const server = await TestServer.start(() =>
    refusing && server.asked('verdicts').length > 2
      ? { status: 401, body: { error: { message: 'no' } } }
      : undefined,
  )
  onTestFinished(() => server.close())
  const env = { OPENAI_API_KEY: 'sk-test-0123456789', OPENAI_BASE_URL: server.url }
  const args = ['--judge', '--concurrency', '1']
  const stopped = await workshop(folder, args, env)
  expect(stopped.code).toBe(1)
  const partial = distinct(await rowsOf<Row>(folder, '4-dataset.jsonl'))
  expect(partial).toBeGreaterThan(0)
  expect(partial).toBeLessThan(20)

  refusing = false
  const answered = server.asked('verdicts').slice(0, 2)
  const before = server.received.length
  expect((await workshop(folder, args, env)).code).toBe(0)
  expect(distinct(await rowsOf<Row>(folder, '4-dataset.jsonl'))).toBe(20)
  const again = server.received.slice(before).map(({ body }) => questionIn(body.messages))
  for (const { body } of answered) expect(again).not.toContain(questionIn(body.messages))
  const keys = (await rowsOf<{ key: string }>(folder, 'calls.jsonl')).map(({ key }) => key)
  expect(new Set(keys).size).toBe(keys.length)
})

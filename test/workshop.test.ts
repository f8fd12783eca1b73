// The whole workshop through its real command, with no key.
import { appendFile, copyFile, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Message } from '../steps/model/call.ts'
import {
  bytesOf,
  command,
  folderWithRun,
  project,
  rowsOf,
  start,
  temporaryFolder,
  workshop,
} from './support/command.ts'
import { TestServer, completion, questionIn, rowsAsked } from './support/server.ts'

type Row = { instruction: string }
const distinct = (rows: Row[]): number => new Set(rows.map((row) => row.instruction)).size

describe.each([
  ['en', [], command],
  ['zh', ['--language', 'zh'], workshop],
])('a run with no key, in %s', (_, args, run) => {
  it('reaches 20 distinct instructions, and asks nothing the second time', async () => {
    const folder = await temporaryFolder()
    expect(await run(folder, args)).toMatchObject({ code: 0, err: '' })
    expect(distinct(await rowsOf<Row>(folder, '4-dataset.jsonl'))).toBe(20)
    const bytes = await bytesOf(folder)
    const log = await readFile(path.join(folder, 'calls.jsonl'), 'utf8')

    const second = await workshop(folder, args)
    expect(second.code).toBe(0)
    expect(await bytesOf(folder)).toEqual(bytes)
    expect(await readFile(path.join(folder, 'calls.jsonl'), 'utf8')).toBe(log)
  })
})

describe('the files in between', () => {
  it('are the same when the steps run one by one', async () => {
    const [whole, single] = [await folderWithRun(), await temporaryFolder()]
    for (const step of ['generate', 'classify', 'instances', 'filter'])
      expect((await workshop(single, [step])).code).toBe(0)
    const { 'run.json': wholeRun, ...files } = await bytesOf(whole)
    const { 'run.json': singleRun, ...same } = await bytesOf(single)
    expect(same).toEqual(files)
    expect(JSON.parse(singleRun ?? '').funnel).toEqual(JSON.parse(wholeRun ?? '').funnel)
  })

  it('may be edited: only the edited row is asked for again, and what is gone upstream is gone downstream', async () => {
    const folder = await folderWithRun()
    const before = await rowsOf<{ step: string }>(folder, 'calls.jsonl')
    const [first, second, ...rest] = await rowsOf<Row & { id: string }>(folder, '1-instructions.jsonl')
    const edited = { instruction: second?.instruction.replace(/^\w+/, 'Kindly') }
    await writeFile(
      path.join(folder, '1-instructions.jsonl'),
      [edited, ...rest].map((row) => JSON.stringify(row)).join('\r\n'),
    )

    const rerun = await workshop(folder, ['classify', 'instances', 'filter'])
    expect(rerun.err).toBe('') // whether 20 are left depends on what the stand-in had to spare
    type Call = { step: string; rows?: string[]; request: { messages: Message[] } }
    const after = (await rowsOf<Call>(folder, 'calls.jsonl')).slice(before.length)
    expect(new Set(after.map((call) => call.step))).toEqual(new Set(['classify', 'instances']))
    for (const { request } of after) expect(rowsAsked(request.messages)).toEqual([edited.instruction])
    const dataset = (await rowsOf<Row>(folder, '4-dataset.jsonl')).map((row) => row.instruction)
    expect(dataset).toContain(edited.instruction)
    expect(dataset).not.toContain(first?.instruction)
  })

  it('count in run.json every call whose answers are used, the same every time', async () => {
    const folder = await folderWithRun()
    const costs = async () => JSON.parse((await bytesOf(folder))['run.json'] ?? '').cost
    const before = await costs()
    const [, ...rest] = await rowsOf<Row>(folder, '1-instructions.jsonl')
    await writeFile(
      path.join(folder, '1-instructions.jsonl'),
      rest.map((row) => JSON.stringify(row)).join('\n'),
    )
    await workshop(folder, ['classify'])
    const after = await costs()
    expect(after.classify.calls).toBe(before.classify.calls)
    await workshop(folder, ['classify'])
    expect(await costs()).toEqual(after)
  })

  it('keep a hand-edited version before they are replaced', async () => {
    const folder = await folderWithRun()
    const file = path.join(folder, '1-instructions.jsonl')
    await appendFile(file, '{"instruction":"Explain to a child why the sky is blue."}\n')
    const edited = await readFile(file, 'utf8')
    const rerun = await workshop(folder, ['generate'])
    expect(rerun.out).toContain('1-instructions.edited.jsonl')
    expect(await readFile(path.join(folder, '1-instructions.edited.jsonl'), 'utf8')).toBe(edited)

    await appendFile(file, '{"instruction":"Explain to a child why grass is green."}\n')
    expect((await workshop(folder, ['generate'])).out).toContain('1-instructions.edited-2.jsonl')
    expect(await readFile(path.join(folder, '1-instructions.edited.jsonl'), 'utf8')).toBe(edited)
  })

  it('name the steps to run next when a file was made from another version of its input', async () => {
    const folder = await folderWithRun()
    const { out } = await workshop(folder, ['classify'])
    expect(out).not.toContain('next:')
    await appendFile(
      path.join(folder, '1-instructions.jsonl'),
      '{"instruction":"Explain to a child why the sky is blue."}\n',
    )
    expect((await workshop(folder, ['classify'])).out).toContain('next: npx tsx workshop.ts instances filter')
  })
})

describe('a single step', () => {
  it('takes the settings of the last whole run, and leaves them as they are', async () => {
    const folder = await temporaryFolder()
    await workshop(folder, ['--similarity', '0.65', '--num-instructions', '10'])
    const { out } = await workshop(folder, ['filter', '--similarity', '0.3'])
    expect(out).toContain('num-instructions 10')
    expect(JSON.parse(await readFile(path.join(folder, 'run.json'), 'utf8')).settings).toMatchObject({
      similarity: 0.65,
      'num-instructions': 10,
    })
  })

  it('runs as a program of its own', async () => {
    const folder = await folderWithRun()
    const bytes = await bytesOf(folder)
    const alone = await start(['--data-dir', folder], {}, 'steps/classify.ts').finished
    expect(alone).toMatchObject({ code: 0, err: '' })
    expect(await bytesOf(folder)).toEqual(bytes)
  })

  it('says which step to run first when its input is missing', async () => {
    const folder = await temporaryFolder()
    const { code, err } = await workshop(folder, ['instances'])
    expect(code).toBe(2)
    expect(err).toContain('npx tsx workshop.ts classify')
    expect(err).not.toContain('    at ')
  })
})

describe('rows past the target', () => {
  it('are rejected as beyond_target, and `all` keeps them', async () => {
    const folder = await folderWithRun()
    expect(await workshop(folder, ['filter', '--num-instructions', '15'])).toMatchObject({ code: 0 })
    const beyond = (await rowsOf<{ step: string; reason: string }>(folder, 'rejected.jsonl')).filter(
      (row) => row.step === 'filter' && row.reason === 'beyond_target',
    )
    expect(beyond.length).toBeGreaterThan(0)
    const rows = (await rowsOf(folder, '4-dataset.jsonl')).length
    const all = await workshop(folder, ['filter', '--num-instructions', 'all'])
    expect(all.code).toBe(0)
    expect(await rowsOf(folder, '4-dataset.jsonl')).toHaveLength(rows + beyond.length)
  })

  it('do not change what came before: a run to 20 is the beginning of a run to 30', async () => {
    const [small, large] = [await folderWithRun(), await temporaryFolder()]
    await workshop(large, ['--num-instructions', '30', '--concurrency', '16'])
    const first = await rowsOf(small, '1-instructions.jsonl')
    expect((await rowsOf(large, '1-instructions.jsonl')).slice(0, first.length)).toEqual(first)
  })
})

describe('a folder that holds a run', () => {
  it.each([
    ['a whole run', []],
    ['a step', ['classify']],
  ])('is not touched by %s in another language, which is told where to go', async (_, steps) => {
    const folder = await folderWithRun()
    const before = await bytesOf(folder)
    const run = await workshop(folder, [...steps, '--language', 'zh'])
    expect(run).toMatchObject({ code: 2, out: '' })
    expect(run.err).toMatch(/是一次英文的运行.*npx tsx workshop.ts --language zh --data-dir ".*-zh"/)
    expect(await bytesOf(folder)).toEqual(before)
  })

  it('is not touched by a merge in another language, which is told where to go as what it is', async () => {
    const folder = await folderWithRun()
    const merge = ['filter', '--merge', folder, '--num-instructions', 'all', '--language', 'zh']
    const { code, err } = await workshop(folder, merge)
    expect({ code, err }).toEqual({
      code: 2,
      err: expect.stringMatching(/npx tsx workshop.ts filter --merge /),
    })
  })

  it.each([
    ['en_US.UTF-8', /\. Or go on with the one there: npx tsx workshop.ts --data-dir ".*" --language zh\n$/],
    ['zh_CN.UTF-8', /。要继续那里的运行，请用：npx tsx workshop.ts --data-dir ".*" --language zh\n$/],
  ])('tells whoever only forgot its language how to go on (%s)', async (LANG, said) => {
    const { code, err } = await workshop(await folderWithRun(['--language', 'zh']), [], { LANG })
    expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(said) })
  })

  it('is not touched by seed tasks of another language either, nor one in Chinese by English', async () => {
    const folder = await folderWithRun(['--language', 'zh'])
    const before = await bytesOf(folder)
    const run = await workshop(folder, ['--seed-file', path.join(project, 'data/seed_tasks.jsonl')])
    expect(run).toMatchObject({ code: 2, err: expect.stringMatching(/holds a run in Chinese.*-en"\n$/) })
    expect(await bytesOf(folder)).toEqual(before)
  })
})

describe('seed tasks', () => {
  it.each([
    [
      'plain text',
      'seeds.txt',
      'Write a limerick about a cat.\n\nName three rivers in Europe and the seas they reach.\n',
    ],
    [
      'JSONL with a BOM and CRLF',
      'seeds.jsonl',
      '\uFEFF{"instruction":"Write a limerick about a cat."}\r\n{"instruction":"Name three rivers."}\r\n',
    ],
  ])('may be %s', async (_, name, text) => {
    const folder = await temporaryFolder()
    const file = path.join(folder, name)
    await writeFile(file, text)
    const run = await workshop(path.join(folder, 'data'), ['--seed-file', file, '--num-instructions', '5'])
    expect(run).toMatchObject({ code: 0, err: '' })
    expect(run.out).toContain('from 2 seed tasks')
  })

  it.each([
    [
      'a wrong field',
      '{"instruction":"Name a river."}\n{"instruction":7}\n',
      /seeds\.jsonl line 2, field "instruction": expected text, got 7/,
    ],
    ['no JSON', '{"instruction":"Name a river."}\nName a lake.\n', /seeds\.jsonl line 2 is not JSON/],
    ['nothing in them', '\n', /holds no seed task/],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x0a]), /line 1 is not UTF-8/],
  ])('with %s are refused with file, line and cure, and nothing is touched', async (_, text, sentence) => {
    const folder = await temporaryFolder()
    const file = path.join(folder, 'seeds.jsonl')
    await writeFile(file, text)
    const { code, err } = await workshop(path.join(folder, 'data'), ['--seed-file', file])
    expect(code).toBe(2)
    expect(err).toMatch(sentence)
    await expect(readFile(path.join(folder, 'data'))).rejects.toThrow('ENOENT')
  })
})

describe('another run’s call log', () => {
  it('gives that run again with no key, from --replay, and is not written to', async () => {
    const [folder, replayed] = [await folderWithRun(), await temporaryFolder()]
    const log = path.join(folder, 'calls.jsonl')
    const text = await readFile(log, 'utf8')
    await copyFile(path.join(folder, 'run.json'), path.join(replayed, 'run.json'))
    expect((await workshop(replayed, ['--replay', log])).code).toBe(0)
    const { 'run.json': record = '', ...files } = await bytesOf(replayed)
    const replay = /,\n *"replay": .*$/m // for single steps, `report` and `why`
    expect({ ...files, 'run.json': record.replace(replay, '') }).toEqual(await bytesOf(folder))
    expect(await readFile(log, 'utf8')).toBe(text)

    expect((await workshop(replayed, ['why', 'ordinary dice'])).out).toContain('>>>')
    await rm(log)
    const without = await workshop(replayed, ['filter', '--similarity', '0.6'])
    expect(without).toMatchObject({ err: '', out: expect.not.stringContaining('replay') })
  })
})

describe('a round that adds nothing', () => {
  it.each([
    ['en', 'the commonest reason in rejected.jsonl is refusal, '],
    ['zh', '最多的原因是 拒绝回答 refusal，共 '],
  ])('ends the run with the reason that took most rows, in %s', async (language, sentence) => {
    const said = language === 'zh' ? '抱歉，我无法完成这个请求。' : "I'm sorry, but I can't help with that."
    const refused = completion(JSON.stringify({ instances: [{ input: '', output: said }] }))
    const server = await TestServer.start(({ body }) =>
      questionIn(body.messages).includes('"instances"') ? { status: 200, body: refused } : undefined,
    )
    onTestFinished(() => server.close())
    const env = { OPENAI_API_KEY: 'sk-test-0123456789abcdef', OPENAI_BASE_URL: server.url }
    const args = ['--num-instructions', '3', '--language', language]
    const { code, err } = await workshop(await temporaryFolder(), args, env)
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining(sentence) })
  })
})

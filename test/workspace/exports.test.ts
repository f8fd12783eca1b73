// What each trainer and reader is given: its files, its rows, and nothing that was made from an earlier data set.
import { existsSync, rmSync } from 'node:fs'
import { appendFile, cp, mkdtemp, readFile, readdir, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import { describe, expect, it } from 'vitest'
import { Omissions, readMergeRows } from '../../steps/workspace/data-rows.ts'
import { dataFiles } from '../../steps/workspace/from-others.ts'
import { exportNames } from '../../steps/workspace/options.ts'
import { type Finished, rowsOf, temporaryFolder, workshop } from '../support/command.ts'

type Row = { instruction: string; input: string; output: string }
type Turn = { role: string; content: string }

// Each instruction has three rows, so that a split by row would put some of them on both sides.
const instructions = [
  'Describe how an otter spends the winter.',
  'What would surprise a child about the heron?',
  'Write a notice for the door of a bakery.',
  'Explain why bread rises, to somebody who has never baked.',
  'Sum up the rules of chess in one breath.',
  'Which tools does a cooper need, and what for?',
  'Thank a neighbour for watering the plants.',
  'Put the story of the tortoise and the hare into two sentences.',
  'How is a letter sealed with wax?',
  'Give a reason to keep a diary.',
]
const odd = ['1998-04-01', '007', 'a\u2028b\u2029c\u0085d', '"quoted" \\ back', '👩‍👩‍👧 𝔘', '<|im_end|>']
const given = instructions.map((instruction, at) => ({
  instruction,
  is_classification: false,
  instances: ['', 'in the north', 'in the south'].map((input, place) => ({
    input,
    output: `${odd[(at + place) % odd.length]} ${place}.`,
  })),
}))

// A file of each export.
const edits = [
  'alpaca.json',
  'openai.jsonl',
  'trl/train.jsonl',
  'llamafactory/dataset_info.json',
  'huggingface/train.jsonl',
  'huggingface/README.md',
  'parquet',
]

const everything = exportNames.flatMap((name) => ['--export', name])

async function folderOf(rows: readonly object[] = given): Promise<string> {
  const folder = await temporaryFolder()
  await give(folder, rows)
  return folder
}

const give = (folder: string, rows: readonly object[]): Promise<void> =>
  writeFile(path.join(folder, '3-instances.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'))

const filter = (folder: string, args: readonly string[] = everything): Promise<Finished> =>
  workshop(folder, ['filter', '--num-instructions', 'all', '--language', 'en', ...args])

const made = new Map<string, Promise<{ folder: string; out: string }>>()

/** A folder of its own with these exports in it, and what was said of them; the run itself is made once. */
async function exportedWith(...more: string[]): Promise<{ folder: string; out: string }> {
  const key = more.join(' ')
  const run = made.get(key) ?? makeExports(more)
  made.set(key, run)
  const [folder, { folder: source, out }] = [await temporaryFolder(), await run]
  await cp(source, folder, { recursive: true })
  return { folder, out: out.replaceAll(source, folder) }
}

async function makeExports(more: readonly string[]): Promise<{ folder: string; out: string }> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'exports 张伟 '))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  await give(folder, given)
  const { code, err, out } = await filter(folder, [...everything, ...more])
  expect({ code, err }).toEqual({ code: 0, err: '' })
  return { folder, out }
}

const inParquet = async (file: string): Promise<Row[]> =>
  (await parquetReadObjects({ file: await asyncBufferFromFile(file) })) as Row[]

/** The rows of each export as its reader sees them: user text and answer, train and test. */
async function readAll(folder: string): Promise<Record<string, [train: string[][], test: string[][]]>> {
  const at = (name: string): string => path.join(folder, `4-dataset.${name}`)
  const joined = ({ instruction, input, output }: Row) => [
    input === '' ? instruction : `${instruction}\n\n${input}`,
    output,
  ]
  const list = async (name: string): Promise<string[][]> =>
    existsSync(at(name)) ? (JSON.parse(await readFile(at(name), 'utf8')) as Row[]).map(joined) : []
  const lines = async <T>(name: string, read: (row: T) => string[]): Promise<string[][]> =>
    existsSync(at(name)) ? (await rowsOf<T>(folder, `4-dataset.${name}`)).map(read) : []
  const parquet = async (name: string): Promise<string[][]> =>
    existsSync(at(name)) ? (await inParquet(at(name))).map(joined) : []
  const chat = ({ messages }: { messages: Turn[] }) => messages.map((turn) => turn.content)
  const prompt = (row: { prompt: Turn[]; completion: Turn[] }) =>
    [...row.prompt, ...row.completion].map((turn) => turn.content)
  return {
    alpaca: [await list('alpaca.json'), await list('alpaca.test.json')],
    openai: [await lines('openai.jsonl', chat), await lines('openai.test.jsonl', chat)],
    trl: [await lines('trl/train.jsonl', prompt), await lines('trl/test.jsonl', prompt)],
    llamafactory: [await list('llamafactory/train.json'), await list('llamafactory/test.json')],
    messages: [await lines('llamafactory/train.messages.jsonl', chat), await list('llamafactory/test.json')],
    huggingface: [
      await lines('huggingface/train.jsonl', joined),
      await lines('huggingface/test.jsonl', joined),
    ],
    parquet: [await parquet('parquet'), await parquet('test.parquet')],
  }
}

const dataset = async (folder: string): Promise<string[][]> =>
  (await rowsOf<Row>(folder, '4-dataset.jsonl')).map(({ instruction, input, output }) => [
    input === '' ? instruction : `${instruction}\n\n${input}`,
    output,
  ])

const namesIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true })).filter((name) => name.startsWith('4-')).toSorted()

describe('every export', () => {
  it('holds the rows of the data set, text for text', async () => {
    const { folder } = await exportedWith()
    const rows = await dataset(folder)
    expect(rows.length).toBeGreaterThan(20)
    for (const [name, [train, test]] of Object.entries(await readAll(folder)))
      expect([name, train, test]).toEqual([name, rows, []])
  })

  it('has no line that Python would cut', async () => {
    const { folder } = await exportedWith('--split', '0.3')
    for (const name of await readdir(folder, { recursive: true })) {
      if (!/\.jsonl?$/.test(name) || name === '3-instances.jsonl') continue
      expect(await readFile(path.join(folder, name), 'utf8'), name).not.toMatch(/[\u2028\u2029\u0085]/)
    }
    const spelt = await readFile(path.join(folder, '4-dataset.jsonl'), 'utf8')
    expect(spelt).toContain('a\\u2028b\\u2029c\\u0085d')
  })

  it('of chats masks the prompt at TRL, and is a data set with two splits at LLaMA-Factory', async () => {
    const { folder, out } = await exportedWith('--split', '0.3')
    const [first] = await rowsOf(folder, '4-dataset.trl/train.jsonl')
    expect(first).toMatchObject({ prompt: [{ role: 'user' }], completion: [{ role: 'assistant' }] })
    const info = await readFile(path.join(folder, '4-dataset.llamafactory', 'dataset_info.json'), 'utf8')
    expect(info).toMatch(/^[\x00-\x7f]*$/)
    expect(JSON.parse(info)).toEqual({
      self_instruct: { file_name: 'train.json' },
      self_instruct_test: { file_name: 'test.json' },
      self_instruct_messages: {
        file_name: 'train.messages.jsonl',
        formatting: 'sharegpt',
        columns: { messages: 'messages' },
        tags: {
          role_tag: 'role',
          content_tag: 'content',
          user_tag: 'user',
          assistant_tag: 'assistant',
          system_tag: 'system',
        },
      },
    })
    const place = JSON.stringify(path.join(folder, '4-dataset.llamafactory'))
    for (const line of [
      `dataset_dir: ${place}`,
      'dataset: self_instruct',
      'template: default',
      'eval_dataset: self_instruct_test',
    ])
      expect(out).toContain(`      ${line}\n`)
    expect((await exportedWith()).out).toContain('      val_size: 0.1\n')
  })
})

describe('--split', () => {
  it('parts instructions, not rows, the same way in every export, by --seed', async () => {
    const { folder } = await exportedWith('--split', '0.3')
    const [rows, all] = [await dataset(folder), await readAll(folder)]
    const { huggingface: [train, test] = [[], []] } = all
    const asked = (list: string[][]) => new Set(list.map(([text = '']) => text.split('\n\n')[0]))
    expect(asked(test).size).toBe(3)
    expect([...asked(test)].filter((text) => asked(train).has(text))).toEqual([])
    expect([...train, ...test].toSorted()).toEqual(rows.toSorted())
    for (const [name, parts] of Object.entries(all)) expect([name, parts]).toEqual([name, [train, test]])
    await filter(folder, [...everything, '--split', '0.3', '--seed', '7'])
    expect((await readAll(folder)).huggingface?.[1]).not.toEqual(test)
  })

  it('leaves no test part behind when it is not asked for again', async () => {
    const { folder } = await exportedWith('--split', '0.3')
    const { out } = await filter(folder)
    for (const [name, [, test]] of Object.entries(await readAll(folder)))
      expect([name, test]).toEqual([name, []])
    expect(out).toMatch(
      /4-dataset\.huggingface\/test\.jsonl was made from an earlier data set or split and is gone/,
    )
  })

  it('says so where there is nothing to part', async () => {
    const folder = await folderOf(given.slice(0, 1))
    expect((await filter(folder, [...everything, '--split', '0.5'])).out).toContain('cannot be divided')
    expect((await readAll(folder)).trl?.[0]).toHaveLength(3)
    expect((await filter(folder, ['--split', '0.5'])).out).toContain('--split: no effect here')
  })
})

describe('an export', () => {
  it('edited by hand is kept beside the folders and named, whichever it is', async () => {
    const { folder } = await exportedWith()
    const before = await namesIn(folder)
    const edited = new Map<string, Buffer>()
    for (const name of edits) {
      const file = path.join(folder, `4-dataset.${name}`)
      await appendFile(file, '\n')
      const kept = `4-dataset.${name.replace('/', '.')}`.replace(/\.(?=[^.]*$)/, '.edited.')
      edited.set(kept, await readFile(file))
    }
    const { out } = await filter(folder)
    const fresh = (await namesIn(folder)).filter((name) => !before.includes(name))
    expect(fresh).toEqual([...edited.keys()].toSorted())
    for (const [name, bytes] of edited) {
      expect(out).toContain(`is kept as ${name}`)
      expect(await readFile(path.join(folder, name))).toEqual(bytes)
    }
  })

  it('that fits the data set no more is taken away with a word, an edited one kept', async () => {
    const { folder } = await exportedWith()
    await appendFile(path.join(folder, '4-dataset.trl', 'train.jsonl'), '\n')
    await writeFile(path.join(folder, '4-dataset.huggingface', 'LICENSE'), 'mine')
    await give(folder, given.slice(1))
    const { out } = await filter(folder, ['--export', 'alpaca'])
    expect(await namesIn(folder)).toEqual([
      '4-dataset.alpaca.json',
      '4-dataset.huggingface',
      '4-dataset.huggingface/LICENSE',
      '4-dataset.jsonl',
      '4-dataset.trl.train.edited.jsonl',
    ])
    expect(out).toMatch(/4-dataset\.parquet was made from an earlier data set or split and is gone/)
    expect(out).toMatch(
      /trl\/train\.jsonl .*the edited version is kept as 4-dataset\.trl\.train\.edited\.jsonl/,
    )
  })

  it('stays where the data set stays, and so does what is none of ours', async () => {
    const folder = await folderOf()
    await filter(folder, ['--export', 'trl'])
    await writeFile(path.join(folder, '4-dataset.parquet'), 'mine')
    const { out } = await filter(folder, ['--export', 'alpaca'])
    expect(out).not.toContain('is gone')
    expect(await namesIn(folder)).toContain('4-dataset.trl/train.jsonl')
    await give(folder, given.slice(1))
    await filter(folder, ['--export', 'alpaca'])
    expect(await readFile(path.join(folder, '4-dataset.parquet'), 'utf8')).toBe('mine')
  })

  it('of an empty data set is not written, which is said, and earlier ones go', async () => {
    const { folder } = await exportedWith()
    await give(folder, [{ ...given[0], instructions: '', instruction: 'Too short.' }])
    const { out } = await filter(folder)
    expect(out).toContain('the data set is empty: no export is written')
    expect(await namesIn(folder)).toEqual(['4-dataset.jsonl'])
  })
})

describe('our own exports, brought in again', () => {
  it('give each row once, as a folder too', async () => {
    const { folder } = await exportedWith('--split', '0.3')
    const place = (name: string): string => path.join(folder, '4-dataset.llamafactory', name)
    expect(await dataFiles([place('')])).toEqual([place('test.json'), place('train.json')])
  })

  it.each([
    ...edits.filter((name) => !/info|README/.test(name)),
    'llamafactory/train.json',
    'llamafactory/train.messages.jsonl',
    'jsonl',
  ])('give the same rows: %s', async (name) => {
    const { folder } = await exportedWith()
    const back: string[][] = []
    for await (const { instruction, instances } of readMergeRows(
      path.join(folder, `4-dataset.${name}`),
      new Omissions(),
    ))
      for (const { input, output } of instances)
        back.push([input === '' ? instruction : `${instruction}\n\n${input}`, output])
    expect(back).toEqual(await dataset(folder))
  })
})

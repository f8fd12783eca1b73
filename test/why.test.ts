// `why`: one candidate's life, told from the files of a run.
import { cp, readFile, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { tellWhy } from '../steps/display/why.ts'
import { markShared } from '../steps/text/rouge.ts'
import { Fault } from '../steps/workspace/fault.ts'
import { idOf } from '../steps/workspace/jsonl.ts'
import { capture } from './support/capture.ts'
import { bytesOf, folderWithRun, rowsOf, temporaryFolder, workshop } from './support/command.ts'

/** What `why` prints. */
async function told(folder: string, ...words: string[]): Promise<string> {
  return (await capture(() => tellWhy(['why', ...words, '--data-dir', folder]))).out
}

const jsonl = (...rows: object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('')
const call = (key: string, step: string, user: string, reply: string | null, rows?: string[]) => ({
  v: 1,
  key,
  sample: 0,
  ...(rows && { rows }),
  step,
  at: '2026-11-22T08:00:00.000Z',
  provider: 'openai',
  model: 'gpt-6-luna',
  request: { messages: [{ role: 'user', content: user }] },
  reply,
  finish_reason: 'stop',
  usage: { prompt_tokens: 1, completion_tokens: 1, cached_tokens: 0 },
  ms: 1,
})

const river = 'Name three rivers of Europe.'
const poem = 'Write a poem about rain on a tin roof.'
const letter = 'Write a letter to a landlord about a "broken" heater.'
const mood = 'Say whether the mood of the message is glad or sad.'
const keys = { generate: 'a'.repeat(16), classify: 'b'.repeat(16), instances: 'c'.repeat(16) }

/** A run by hand in which a candidate is lost in every step. */
async function handMadeRun(): Promise<string> {
  const folder = await temporaryFolder()
  const file = (name: string, text: string) => writeFile(path.join(folder, name), text)
  const seen = { instruction: 'Name three lakes of Africa.', score: 0.6 }
  const written = [river, poem, letter, mood].map((instruction) => ({
    instruction,
    most_similar: seen,
    call: keys.generate,
  }))
  await file('1-instructions.jsonl', jsonl(...written))
  const labelled = [river, letter, mood].map((instruction) => ({
    instruction,
    is_classification: instruction === mood,
    call: keys.classify,
  }))
  await file('2-classified.jsonl', jsonl(...labelled))
  const instances = [{ input: '', output: 'Danube, Rhine,\u001b[31m Ebro' }]
  const answered = [river, mood].map((instruction) => ({
    instruction,
    is_classification: instruction === mood,
    instances,
    call: keys.instances,
  }))
  await file('3-instances.jsonl', jsonl(...answered))
  await file('4-dataset.jsonl', jsonl({ instruction: river, ...instances[0] }))
  const lost = [
    {
      step: 'generate',
      reason: 'near_duplicate',
      detail: `0.80 to: ${river}`,
      instruction: 'Name four rivers of Europe.',
      call: keys.generate,
      most_similar: { instruction: river, score: 0.8 },
    },
    { step: 'classify', reason: 'call_failed', detail: 'no answer', instruction: poem },
    {
      step: 'instances',
      reason: 'unreadable_reply',
      detail: 'no reading fits',
      instruction: letter,
      call: keys.instances,
    },
    {
      step: 'filter',
      reason: 'my_own_rule',
      detail: '7 of 9',
      instruction: mood,
      ...instances[0],
      call: keys.instances,
    },
  ]
  await file('rejected.jsonl', jsonl(...lost))
  const tasks = JSON.stringify({ tasks: [river, poem, letter, mood] })
  const answers = '{"answers":[{"task":1,"is_classification":false},{"task":3,"is_classification":true}]}'
  const calls = [
    call(keys.generate, 'generate', '1. Name three lakes of Africa.\n2. Sort the words.', tasks),
    call(keys.classify, 'classify', `1. ${river}\n2. ${letter}\n3. ${mood}`, answers, ['x', 'y', 'z']),
    call(keys.instances, 'instances', `1. ${letter}`, 'I would rather talk about the weather.'),
  ]
  await file('calls.jsonl', `${jsonl(...calls)}{"v":1,"key":"torn`)
  return folder
}

describe('a candidate', () => {
  it.each([
    [
      'near_duplicate in step 1',
      'four rivers',
      [
        'step 1: near_duplicate',
        'that  [Name] three [rivers of Europe].',
        'why the rule exists: It says nearly',
      ],
    ],
    [
      'call_failed in step 2',
      'tin roof',
      [
        'step 2: call_failed',
        '>>>Write a poem about rain on a tin roof.<<<',
        'what it means: The call gave no reply',
      ],
    ],
    [
      'unreadable_reply in step 3',
      'landlord',
      [
        'step 3: unreadable_reply',
        '| I would rather talk about the weather.',
        '>>>Write a letter to a landlord about a \\"broken\\" heater.<<<',
      ],
    ],
    [
      'a rule of one’s own in step 4',
      'glad',
      ['step 4: my_own_rule', '7 of 9', 'Asked output-first', '{>>>"task":3<<<,"is_classification":true}'],
    ],
  ])('lost as %s is told with the reply, the measure and the reason', async (_, words, sentences) => {
    const out = await told(await handMadeRun(), words)
    for (const sentence of sentences) expect(out).toContain(sentence)
  })

  it('that was kept is told from its demonstrations to its rows', async () => {
    const out = await told(await handMadeRun(), 'rivers', 'THREE')
    expect(out).toContain(`${idOf(river)} · kept: 1 row in `)
    expect(out).toContain('    1. Name three lakes of Africa.')
    expect(out).toContain('ROUGE-L 0.60')
    expect(out).toContain('that  [Name three] lakes [of] Africa.')
    expect(out).toContain('asked together with 2 other tasks')
    expect(out).toContain('calls.jsonl:2')
    expect(out).toContain('⇒ Danube, Rhine,[31m Ebro')
    expect(out).not.toContain('\u001b')
  })

  it('is found by id, or the beginning of one, and others that match are listed', async () => {
    const folder = await handMadeRun()
    expect(await told(folder, idOf(poem).slice(0, 8))).toMatch(/^Write a poem/)
    const out = await told(folder, 'writ')
    expect(out).toMatch(/^Write a poem/)
    expect(out).toContain(`Also matching:\n  ${idOf(letter)}  ${letter}  unreadable_reply\n`)
  })

  it('is told in Chinese from a Chinese run, every line of it', async () => {
    const folder = await folderWithRun(['--language', 'zh'])
    const [row] = await rowsOf<{ instruction: string }>(folder, '4-dataset.jsonl')
    const out = await told(folder, row?.instruction.slice(0, 6) ?? '')
    expect(out).toContain(row?.instruction)
    const own = out.split('\n').filter((line) => line !== '' && !/^ {4}/.test(line))
    expect(own.length).toBeGreaterThan(10)
    for (const line of own) expect(line).toMatch(/\p{Script=Han}/u)
  })

  it('whose call is not in the log is told as far as the files go', async () => {
    const folder = await handMadeRun()
    await writeFile(path.join(folder, 'calls.jsonl'), '')
    const out = await told(folder, 'three', 'rivers')
    expect(out).toContain(`Its request ${keys.generate} is not in `)
    expect(out).toContain('kept: 1 row')
  })
})

describe('why', () => {
  it('looks at a folder that a run holds, writes nothing, and says so when nothing matches', async () => {
    const folder = await folderWithRun()
    await writeFile(path.join(folder, '.lock'), String(process.ppid))
    const [before, names] = [await bytesOf(folder), await readdir(folder)]
    const [row] = await rowsOf<{ instruction: string }>(folder, '4-dataset.jsonl')
    const found = await workshop(folder, ['why', ...(row?.instruction ?? '').split(' ')])
    expect(found).toMatchObject({ code: 0, err: '' })
    expect(found.out.startsWith(row?.instruction ?? '?')).toBe(true)
    const nothing = await workshop(folder, ['why', 'xylophone', 'quarry'])
    expect(nothing).toMatchObject({ code: 0, err: '' })
    expect(nothing.out).toContain('all of these words in it: xylophone quarry')
    expect([await bytesOf(folder), await readdir(folder)]).toEqual([before, names])
  })

  it('of a reason tells what it means and what it took', async () => {
    const out = await told(await handMadeRun(), 'near_duplicate')
    expect(out).toContain('teaches nothing new')
    expect(out).toContain(`${idOf('Name four rivers of Europe.')}  Name four rivers of Europe.  0.80\n`)
  })

  it.each([
    ['asked about nothing', [], /why what\?/],
    ['in a folder without a run', ['river'], /no run in .* yet/],
  ])('%s says what to type', async (_, words, sentence) => {
    const folder = await temporaryFolder()
    const asking = told(folder, ...words)
    await expect(asking).rejects.toBeInstanceOf(Fault)
    await expect(asking).rejects.toThrow(sentence)
  })
})

describe('a folder without a run', () => {
  it.each([
    [['why', 'music'], /no run in .*nothing yet\. There are runs in .*seat 1.*: name one with --data-dir /],
    [
      ['why', '近似'],
      /还没有运行结果。这些文件夹里有运行结果：.*seat 1.*workshop.ts --language zh --data-dir/,
    ],
    [['why', 'music', '--language', 'zh'], /还没有运行结果.*npx tsx workshop.ts --language zh --data-dir/],
    [['report'], /holds no run.*There are runs in .*seat 1/],
    [['classify'], /not there yet.*There are runs in .*seat 1/],
  ])('names those that hold one, in the language of the command: %s', async (words, said) => {
    const parent = await temporaryFolder()
    await cp(await folderWithRun(), path.join(parent, 'seat 1'), { recursive: true })
    const { code, err } = await workshop(path.join(parent, 'nothing'), words)
    expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(said) })
  })
})

describe('a seed task', () => {
  it.each([
    [
      'en',
      'haiku',
      /a seed task: a person wrote it\n.* in requests? [\d, ]+ of \d+\. What it wrote there[^]*· [0-9a-f]{12} /,
    ],
    [
      'zh',
      '绿萝',
      /种子任务：由人编写\n.*(?:其中第 [\d、]+ 次给模型看过它[^]*· [0-9a-f]{12} |次请求都没有给模型看它)/,
    ],
  ])('tells where it was shown and what came of it (%s)', async (language, word, said) => {
    const { out } = await workshop(await folderWithRun(['--language', language]), ['why', word])
    expect(out).toMatch(said)
  })
})

it('explains ROUGE-L with the numbers of the pair it shows', async () => {
  for (const [language, sum] of [
    ['en', /ROUGE-L = 2 × (\d+) shared \/ \((\d+) \+ (\d+) words\) = (\d\.\d\d)/],
    ['zh', /ROUGE-L = 2 × (\d+) 个相同的字 \/ \((\d+) \+ (\d+) 个字\) = (\d\.\d\d)/],
  ] as const) {
    const folder = await folderWithRun(['--language', language])
    const list = (await workshop(folder, ['why', 'near_duplicate'])).out
    const id = /why ([0-9a-f]{12})/.exec(list)?.[1] ?? ''
    const { out } = await workshop(folder, ['why', id])
    const [, shared, m, n, score] = (sum.exec(out) ?? []).map(Number)
    expect(((2 * (shared ?? 0)) / ((m ?? 0) + (n ?? 0))).toFixed(2)).toBe(score?.toFixed(2))
    expect(out).toContain(`${score?.toFixed(2)}`)
    const page = await readFile(path.join(folder, 'report.html'), 'utf8')
    expect(page).toMatch(/2 × \d+ (?:shared|个相同的字) \/ \(\d+ \+ \d+ (?:words|个字)\) = 0\.\d\d/)
  }
})

describe('shared words', () => {
  it.each([
    ['the cat sat', 'the dog sat', '[the] cat [sat]', '[the] dog [sat]'],
    ['one two', 'three', 'one two', 'three'],
    ['Same words, here.', 'same WORDS here', '[Same words, here].', '[same WORDS here]'],
    ['把句子译成英文', '把段落译成英语', '[把]句子[译成英]文', '[把]段落[译成英]语'],
    ['Ｎｏ １２ ﬁsh', 'no 12 fish', '[Ｎｏ １２ ﬁsh]', '[no 12 fish]'],
    ['', 'a b', '', 'a b'],
  ])('%j and %j are bracketed in order', (a, b, left, right) => {
    expect(markShared(a, b)).toEqual([left, right])
  })
})

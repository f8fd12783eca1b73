// Several runs in one data set (--merge), data one owns already (--avoid), and topics for step 1 (--topics).
import { copyFile, mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { folderWithRun, rowsOf, temporaryFolder, workshop } from './support/command.ts'
import { TestServer } from './support/server.ts'

type Kept = { instruction: string; output: string }
type Rejected = { step: string; reason: string; detail: string; instruction: string }

const own = ['Write a short poem about a river in autumn.', 'Name three birds that cannot fly.']
const anna = ['Explain to a child why the sky is blue.', 'Write a short poem about a river in winter.']
const ben = ['List four uses of an old newspaper.', 'Explain to a child why the sky looks blue.']

/** Step 3's rows for these instructions; the output says whose they are. */
const rows = (instructions: readonly string[], whose: string): string =>
  instructions
    .map((instruction) =>
      JSON.stringify({
        instruction,
        is_classification: false,
        instances: [{ input: '', output: `It is done by ${whose}.` }],
      }),
    )
    .join('\n')

/** A folder with a run of its own in `data` and those of Anna and Ben in `class`. */
async function classRoom(): Promise<{ data: string; others: string }> {
  const folder = await temporaryFolder()
  const [data, others] = [path.join(folder, 'data'), path.join(folder, 'class')]
  await mkdir(data)
  await mkdir(others)
  await writeFile(path.join(data, '3-instances.jsonl'), rows(own, 'me'))
  await writeFile(path.join(others, 'ben.jsonl'), rows(ben, 'Ben'))
  await writeFile(path.join(others, 'anna.jsonl'), rows(anna, 'Anna'))
  await writeFile(path.join(others, 'notes.txt'), 'not a run')
  return { data, others }
}

const outputs = async (data: string): Promise<string[]> =>
  (await rowsOf<Kept>(data, '4-dataset.jsonl')).map((row) => row.output.replace(/^It is done by |\.$/g, ''))

describe('--merge', () => {
  it('takes a folder in name order after one’s own rows, compares across all, and says what each file gave', async () => {
    const { data, others } = await classRoom()
    const run = await workshop(data, ['filter', '--num-instructions', 'all', '--merge', others])
    expect(run).toMatchObject({ code: 0, err: '' })
    expect(await outputs(data)).toEqual(['me', 'me', 'Anna', 'Ben'])
    const rejected = await rowsOf<Rejected>(data, 'rejected.jsonl')
    expect(rejected.map(({ reason, detail }) => [reason, detail.slice(0, detail.indexOf(' to: '))])).toEqual([
      ['near_duplicate', 'anna.jsonl:2: 0.89'],
      ['near_duplicate', 'ben.jsonl:2: 0.89'],
    ])
    expect(run.out).toContain('3-instances.jsonl: 2 rows; 0 of its 2 instructions nearly the same')
    expect(run.out).toContain('anna.jsonl: 1 row; 1 of its 2 instructions nearly the same')
    expect(run.out).toContain('ben.jsonl: 1 row; 1 of its 2 instructions nearly the same')
  })

  it('takes files in the order given, and does not blame a file for repeating itself', async () => {
    const { data, others } = await classRoom()
    await writeFile(path.join(others, 'ben.jsonl'), rows([...ben, ...ben], 'Ben'))
    const files = ['ben.jsonl', 'anna.jsonl'].flatMap((name) => ['--merge', path.join(others, name)])
    const run = await workshop(data, ['filter', '--num-instructions', 'all', ...files])
    expect(await outputs(data)).toEqual(['me', 'me', 'Ben', 'Ben'])
    expect(run.out).toContain('ben.jsonl: 2 rows; 0 of its 4 instructions')
    expect(run.out).toContain('anna.jsonl: 0 rows; 2 of its 2 instructions')
  })

  it('needs no run of one’s own, and tells files of one name apart by their folders', async () => {
    const { others } = await classRoom()
    const data = await temporaryFolder()
    const files: string[] = []
    for (const [name, instructions] of Object.entries({ anna, ben })) {
      await mkdir(path.join(others, name))
      files.push('--merge', path.join(others, name, '3-instances.jsonl'))
      await writeFile(path.join(others, name, '3-instances.jsonl'), rows(instructions, name))
    }
    const run = await workshop(data, ['filter', '--num-instructions', 'all', ...files])
    expect(run).toMatchObject({ code: 0, err: '' })
    expect(await outputs(data)).toEqual(['anna', 'anna', 'ben'])
    expect(run.out).toContain('anna/3-instances.jsonl: 2 rows')
    expect((await rowsOf<Rejected>(data, 'rejected.jsonl'))[0]?.detail).toMatch(
      /^ben\/3-instances\.jsonl:2: /,
    )
  })

  it('takes of another run’s whole folder what step 3 wrote', async () => {
    const [{ data }, run] = [await classRoom(), await folderWithRun()]
    const merged = await workshop(data, ['filter', '--num-instructions', 'all', '--merge', run])
    expect(merged).toMatchObject({ code: 0, err: '' })
    expect(merged.out).toMatch(/\/3-instances\.jsonl: \d\d rows/)
  })

  it('keeps to the target, one’s own rows first, and says how to keep all', async () => {
    const { data, others } = await classRoom()
    const run = await workshop(data, ['filter', '--num-instructions', '3', '--merge', others])
    expect(run.code).toBe(0)
    expect(await outputs(data)).toEqual(['me', 'me', 'Anna'])
    expect(run.out).toContain('--num-instructions all keeps those of every file')
    expect(await rowsOf<Rejected>(data, 'rejected.jsonl')).toContainEqual(
      expect.objectContaining({ reason: 'beyond_target', detail: 'ben.jsonl:1: 3', instruction: ben[0] }),
    )
  })

  it.each([
    ['a path that is not there', 'nobody.jsonl', /There is no file .*nobody\.jsonl/],
    ['a folder without any', 'empty', /empty holds no \*\.jsonl file/],
    [
      'a file without an answer',
      'steps.jsonl',
      /steps\.jsonl holds no row that can be taken: 1 without an answer/,
    ],
  ])('refuses %s, and touches nothing', async (_, name, sentence) => {
    const { data, others } = await classRoom()
    await mkdir(path.join(others, 'empty'))
    await writeFile(path.join(others, 'steps.jsonl'), '{"instruction":"Name a river."}')
    const { code, err } = await workshop(data, ['filter', '--merge', path.join(others, name)])
    expect(code).toBe(2)
    expect(err).toMatch(sentence)
    await expect(rowsOf(data, '4-dataset.jsonl')).rejects.toThrow('ENOENT')
  })
})

describe('a look at data of other people, in a folder that is empty', () => {
  const sound = {
    instruction: 'Explain to a child why the sky is blue.',
    input: '',
    output: 'Air scatters it.',
  }
  const translate = (input: string, output: string) => ({
    instruction: 'Translate the word given.',
    input,
    output,
  })
  const data = [
    sound,
    translate('bread', 'pain'),
    { instruction: 'Name three birds that cannot fly.', input: '', output: '' },
    translate('cheese', 'fromage'),
    { instruction: 'Explain to a child why the sky looks blue.', input: '', output: 'Light is scattered.' },
    translate('cheese', 'fromage'),
    { instruction: 'List four uses of an old newspaper.' },
    {
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: 'Hello.' },
        { role: 'user', content: 'Go' },
      ],
    },
  ]
  const look = async (content: string, more: readonly string[] = []) => {
    const folder = await temporaryFolder()
    const [file, looked] = [path.join(folder, 'alpaca_data.json'), path.join(folder, 'look')]
    await writeFile(file, content)
    const run = await workshop(looked, ['filter', '--merge', file, '--num-instructions', 'all', ...more])
    return { looked, run }
  }

  it('gives a clean file, and each rejected row with its line in the file it came from', async () => {
    const { looked, run } = await look(JSON.stringify(data, null, 2))
    expect(run).toMatchObject({ code: 0, err: '' })
    expect(await rowsOf<Kept>(looked, '4-dataset.jsonl')).toEqual([sound, data[1], data[3]])
    const rejected = await rowsOf<Rejected>(looked, 'rejected.jsonl')
    expect(rejected.map(({ reason, detail }) => [reason, detail.slice(0, 23)])).toEqual([
      ['duplicate_instance', 'alpaca_data.json:27: sa'],
      ['empty_output', 'alpaca_data.json:12: 0 '],
      ['near_duplicate', 'alpaca_data.json:22: 0.'],
    ])
    expect(run.out).toContain('alpaca_data.json: left out 1 without an answer, 1 of several turns')
    expect((await readdir(looked)).toSorted()).toEqual([
      '.written.jsonl',
      '4-dataset.jsonl',
      'rejected.jsonl',
      'report.html',
      'run.json',
    ])
  })

  it('has a page with the filter lab, and `why` and another filter know where the rows came from', async () => {
    const { looked } = await look(JSON.stringify(data, null, 2))
    const page = await readFile(path.join(looked, 'report.html'), 'utf8')
    expect(page).toContain('<b>0.7</b>')
    expect(page).toMatch(/\b3 instructions/) // kept, and near-duplicates
    const why = await workshop(looked, ['why', 'birds', 'cannot', 'fly'])
    expect(why.out).toContain('alpaca_data.json:12: 0 characters')
    const strict = await workshop(looked, ['filter', '--similarity', '1'])
    expect(strict).toMatchObject({ code: 0, err: '' })
    expect((await rowsOf<Kept>(looked, '4-dataset.jsonl')).map((row) => row.output)).toContain(
      'Light is scattered.',
    )
  })

  it('names a row that cannot be read, and leaves it out only with --skip-bad-rows', async () => {
    const broken = `${JSON.stringify(sound)}\n{"instruction":\n${JSON.stringify(data[1])}\n`
    const { run } = await look(broken)
    expect(run.code).toBe(2)
    expect(run.err).toMatch(/^alpaca_data\.json line 2 is not JSON/)
    const { looked, run: skipping } = await look(broken, ['--skip-bad-rows'])
    expect(skipping.out).toContain('alpaca_data.json: left out 1 that cannot be read')
    expect(await rowsOf<Kept>(looked, '4-dataset.jsonl')).toEqual([sound, data[1]])
  })
})

describe('a class', () => {
  const inModel = (model: string) =>
    JSON.stringify({
      cost: {
        generate: { provider: 'openai', model, ...noTokens },
        instances: { provider: 'openai', model, ...noTokens },
      },
      funnel: { asked: 10, novel: 2 },
    })
  const noTokens = { calls: 1, prompt_tokens: 1, cached_tokens: 0, completion_tokens: 1, dollars: 0 }

  /** A folder of run folders: seat-9 and seat-10 have a row in common, seat-11 has not come to step 3, seat-12 lies one deeper. */
  async function seats(): Promise<string> {
    const folder = await temporaryFolder()
    const put = async (name: string, ...files: [string, string][]) => {
      await mkdir(path.join(folder, name), { recursive: true })
      for (const [file, text] of files) await writeFile(path.join(folder, name, file), text)
    }
    await put(
      'seat-10',
      ['3-instances.jsonl', rows([anna[0] ?? '', ben[0] ?? ''], 'ten')],
      ['run.json', inModel('gpt-6-luna')],
    )
    await put(
      'seat-9',
      ['3-instances.jsonl', rows([anna[0] ?? '', own[1] ?? ''], 'nine')],
      ['run.json', inModel('qwen-plus')],
    )
    await put('seat-11', ['calls.jsonl', ''])
    await put(
      'seat-12/seat-12',
      ['3-instances.jsonl', rows([own[0] ?? ''], 'twelve')],
      ['run.json', inModel('qwen-plus')],
    )
    await writeFile(path.join(folder, 'list.txt'), 'seat 9: Nora')
    await writeFile(path.join(folder, 'review.json'), '{}')
    return folder
  }

  it('is merged by one folder of run folders, each contributor by the folder’s name, a common row counted for both', async () => {
    const data = await temporaryFolder()
    const run = await workshop(data, ['filter', '--num-instructions', 'all', '--merge', await seats()])
    expect(run).toMatchObject({ code: 0, err: '' })
    expect(await outputs(data)).toEqual(['nine', 'nine', 'ten', 'twelve'])
    expect(run.out).toMatch(/seat-9: 2 rows; 0 of its 2 .*, 1 that others had too/)
    expect(run.out).toMatch(/seat-10: 2 rows; 0 of its 2 .*, 1 that others had too/)
    expect(run.out).toMatch(/seat-12: 1 row; 0 of its 1 /)
    expect(run.out).toContain('left out: seat-11')
    expect((await rowsOf<Rejected>(data, 'rejected.jsonl'))[0]?.detail).toMatch(
      /^seat-10\/3-instances\.jsonl:1: 1\.00/,
    )
  })

  it('may hold the folder that is written, which is no contributor of its own', async () => {
    const folder = await seats()
    const all = path.join(folder, 'all')
    const merge = ['filter', '--num-instructions', 'all', '--merge', folder]
    expect(await workshop(all, merge)).toMatchObject({ code: 0, err: '' })
    const again = await workshop(all, merge)
    expect(again).toMatchObject({ code: 0, err: '' })
    expect(again.out).not.toContain('all:')
    expect(await outputs(all)).toEqual(['nine', 'nine', 'ten', 'twelve'])
  })

  it('has a page and a card that name its models, and count what the files hold or leave the figure out', async () => {
    const data = await temporaryFolder()
    const merge = ['filter', '--num-instructions', 'all', '--merge', await seats(), '--export', 'huggingface']
    expect((await workshop(data, merge)).out).toContain('made by openai qwen-plus, openai gpt-6-luna')
    const page = await readFile(path.join(data, 'report.html'), 'utf8')
    expect(page).toMatch(/<dt>made by<\/dt>\s*<dd>qwen-plus \(openai\), gpt-6-luna \(openai\)</)
    expect(page).toContain('30 instructions were asked for, and 6 were novel')
    expect(page).toMatch(/classification tasks<\/th>\s*<td>0\.0/)
    expect(page).not.toMatch(/novel<\/span>|Highest ROUGE-L|0\.0000|<dt>temperature/)
    const card = await readFile(path.join(data, '4-dataset.huggingface', 'README.md'), 'utf8')
    expect(card).toMatch(/merged: seat-10 \| openai \| gpt-6-luna/)
    expect(card).not.toMatch(/not-for-training|temperature/)
  })

  it.each([
    ['its folder', (folder: string) => folder],
    ['its data set', (folder: string) => path.join(folder, '4-dataset.jsonl')],
    [
      'a copy of its rows in another form',
      async (folder: string) => {
        const copy = path.join(await temporaryFolder(), 'good-data.json')
        const all = await rowsOf<Kept>(folder, '4-dataset.jsonl')
        await writeFile(
          copy,
          JSON.stringify(all.map((row) => ({ prompt: row.instruction, completion: row.output }))),
        )
        return copy
      },
    ],
  ])('that merges the stand-in by %s says on screen, page and card what it is', async (_, named) => {
    const data = await temporaryFolder()
    const from = await named(await folderWithRun())
    const merge = ['filter', '--num-instructions', 'all', '--merge', from, '--export', 'huggingface']
    expect((await workshop(data, merge)).out).toContain('rows of the stand-in are among them')
    expect(await readFile(path.join(data, 'report.html'), 'utf8')).toMatch(
      /class="remark">(?:The stand-in|Some of these)/,
    )
    const card = await readFile(path.join(data, '4-dataset.huggingface', 'README.md'), 'utf8')
    expect(card).toMatch(/not-for-training[^]*\| merged: .* \| offline \| offline \|/)
    // And once more, through a second merge.
    const again = await temporaryFolder()
    const twice = ['filter', '--num-instructions', 'all', '--merge', path.join(data, '4-dataset.jsonl')]
    expect((await workshop(again, twice)).out).toContain('rows of the stand-in are among them')
  })

  it.each([
    ['in place of', (standIns: string, _own: string) => standIns],
    ['behind', (standIns: string, own: string) => own + standIns],
  ])('is told from rows of the stand-in that were copied %s its own', async (_, put) => {
    const server = await TestServer.start() // what it says is the stand-in's, but it is the folder's own log that has it
    onTestFinished(() => server.close())
    const env = { OPENAI_API_KEY: 'sk-test-0123456789abcdef', OPENAI_BASE_URL: server.url }
    const data = await temporaryFolder()
    const { out } = await workshop(data, ['--num-instructions', '3'], env)
    expect(out).not.toContain('rows of the stand-in')
    const file = path.join(data, '3-instances.jsonl')
    const standIns = await readFile(path.join(await folderWithRun(), '3-instances.jsonl'), 'utf8')
    await writeFile(file, put(standIns, await readFile(file, 'utf8')))
    const args = ['filter', '--num-instructions', 'all', '--export', 'huggingface']
    for (const again of [args, args]) {
      const told = await workshop(data, again, env)
      expect(told.out).toContain('rows of the stand-in are among them (3-instances.jsonl)')
      expect(told.out).not.toContain('3-instances.jsonl: ')
      expect(await readFile(path.join(data, 'report.html'), 'utf8')).toMatch(/class="remark">Some of these/)
      const card = await readFile(path.join(data, '4-dataset.huggingface', 'README.md'), 'utf8')
      expect(card).toMatch(/not-for-training[^]*\| merged: 3-instances.jsonl \| offline \| offline \|/)
    }
    // In its own folder the stand-in's rows are its own, whatever became of the log; and other rows are nobody's.
    const own = await folderWithRun()
    await writeFile(path.join(own, 'calls.jsonl'), '')
    expect((await workshop(own, ['filter'])).out).not.toContain('rows of the stand-in')
    await writeFile(file, rows(anna, 'Anna'))
    expect((await workshop(data, ['filter'], env)).out).not.toContain('rows of the stand-in')
    expect(await readFile(path.join(data, 'run.json'), 'utf8')).not.toContain('offline')
  })

  it.each(['1-instructions.jsonl', '2-classified.jsonl'])(
    'is told from instructions of the stand-in that were copied and answered by a model (%s)',
    async (name) => {
      const server = await TestServer.start()
      onTestFinished(() => server.close())
      const env = { OPENAI_API_KEY: 'sk-test-0123456789abcdef', OPENAI_BASE_URL: server.url }
      const data = await temporaryFolder()
      const file = path.join(data, name)
      await copyFile(path.join(await folderWithRun(), name), file)
      const steps = ['classify', 'instances', 'filter'].slice(name.startsWith('1') ? 0 : 1)
      const told = await workshop(data, [...steps, '--export', 'huggingface'], env)
      expect(told.out).toContain('rows of the stand-in are among them (3-instances.jsonl)')
      const card = await readFile(path.join(data, '4-dataset.huggingface', 'README.md'), 'utf8')
      expect(card).toMatch(/not-for-training[^]*\| Instances \| openai \|/)

      // Somebody's own, however near, are theirs.
      const given = await rowsOf<Kept>(path.join(data), name)
      await writeFile(
        file,
        given
          .map((row) => `${JSON.stringify({ ...row, instruction: `${row.instruction} Be brief.` })}\n`)
          .join(''),
      )
      expect((await workshop(data, steps, env)).out).not.toContain('rows of the stand-in')
    },
  )

  it.each([
    [
      'en',
      'Explain why bread rises.',
      'Yeast.',
      /^Self-Instruct · no model is asked\n[^]* kept 1 instruction\n/,
    ],
    ['zh', '说说面包为什么会发起来。', '因为酵母。', /^Self-Instruct · 不请求任何模型\n[^]* 保留 1 条/],
  ])('of other people’s data speaks of no stand-in (%s)', async (language, instruction, output, said) => {
    const folder = await temporaryFolder()
    const file = path.join(folder, 'data.json')
    await writeFile(file, JSON.stringify([{ instruction, input: '', output }]))
    const look = path.join(folder, 'look')
    await workshop(look, ['filter', '--num-instructions', 'all', '--merge', file, '--language', language])
    const again = await workshop(look, ['filter', '--similarity', '0.6'])
    expect(again).toMatchObject({ code: 0, out: expect.stringMatching(said) })
    expect(again.out).not.toMatch(/stand-in|替身/)
  })

  it('leaves out the share of classification tasks where a file does not say', async () => {
    const folder = await temporaryFolder()
    const file = path.join(folder, 'alpaca.json')
    await writeFile(
      file,
      JSON.stringify([{ instruction: own[0], input: '', output: 'So be it, said the river.' }]),
    )
    const data = path.join(folder, 'look')
    await workshop(data, ['filter', '--num-instructions', 'all', '--merge', file])
    expect(await readFile(path.join(data, 'report.html'), 'utf8')).toMatch(
      /classification tasks<\/th>\s*<td>–</,
    )
  })
})

describe('--avoid', () => {
  it('counts the instructions of any JSONL and of plain text as already there, in step 4', async () => {
    const { data, others } = await classRoom()
    const [text, jsonl] = [path.join(others, 'notes.txt'), path.join(others, 'evaluation.data')]
    await writeFile(text, `${own[0]}\n\nName three fish that can fly.\n`)
    await writeFile(jsonl, `{"id":7,"instruction":"${own[1]}","instances":"as somebody else writes them"}\n`)
    await workshop(data, ['filter', '--num-instructions', 'all', '--avoid', text])
    expect(await rowsOf<Kept>(data, '4-dataset.jsonl')).toMatchObject([{ instruction: own[1] }])
    await workshop(data, ['filter', '--num-instructions', 'all', '--avoid', text, '--avoid', jsonl])
    expect(await rowsOf<Kept>(data, '4-dataset.jsonl')).toEqual([])
    expect(await rowsOf<Rejected>(data, 'rejected.jsonl')).toMatchObject(
      own.map((instruction) => ({ reason: 'already_elsewhere', detail: `1.00 to: ${instruction}` })),
    )
  })

  it('keeps step 1 from writing them again', async () => {
    const [known, folder] = [await folderWithRun(), await temporaryFolder()]
    const file = path.join(known, '1-instructions.jsonl')
    const run = await workshop(folder, ['generate', '--num-instructions', '10', '--avoid', file])
    expect(run).toMatchObject({ code: 0, err: '' })
    const taken = new Set((await rowsOf<Kept>(known, '1-instructions.jsonl')).map((row) => row.instruction))
    const fresh = await rowsOf<Kept>(folder, '1-instructions.jsonl')
    expect(fresh.length).toBeGreaterThanOrEqual(10)
    expect(fresh.filter((row) => taken.has(row.instruction))).toEqual([])
    const reasons = (await rowsOf<Rejected>(folder, 'rejected.jsonl')).map((row) => row.reason)
    expect(reasons).toContain('already_elsewhere')
  })
})

describe('--topics', () => {
  const topics = ['bread', 'bridges', 'clouds', 'dice', 'letters', 'rivers']
  const asked = async (folder: string): Promise<(string | undefined)[]> =>
    (await rowsOf<{ sample: number; request: { messages: { content: string }[] } }>(folder, 'calls.jsonl'))
      .toSorted((a, b) => a.sample - b.sample)
      .map((call) => /Topic of the new tasks: (.*)$/.exec(call.request.messages.at(-1)?.content ?? '')?.[1])

  it('gives every request of step 1 one topic of the list, drawn by the seed', async () => {
    const [folder, same, other] = [await temporaryFolder(), await temporaryFolder(), await temporaryFolder()]
    const file = path.join(folder, 'topics.txt')
    await writeFile(file, topics.join('\n'))
    const args = ['generate', '--num-instructions', '30', '--topics', file]
    await Promise.all([
      workshop(folder, args),
      workshop(same, [...args, '--concurrency', '1']),
      workshop(other, [...args, '--seed', '1']),
    ])
    const drawn = await asked(folder)
    expect(drawn.length).toBeGreaterThan(3)
    for (const topic of drawn) expect(topics).toContain(topic)
    expect(new Set(drawn).size).toBeGreaterThan(1)
    expect(await asked(same)).toEqual(drawn)
    expect(await asked(other)).not.toEqual(drawn)
  })

  it('is off by default', async () => {
    for (const topic of await asked(await folderWithRun())) expect(topic).toBeUndefined()
  })
})

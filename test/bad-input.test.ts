// Wrong values and wrong files: each is one sentence in both languages (expected, got, where, cure), before anything is touched.
import { appendFile, mkdir, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { widthOf } from '../steps/display/screen.ts'
import { CallLog } from '../steps/model/call-log.ts'
import { checkFiles } from '../steps/run/opening.ts'
import { refuseOptionsOfNpm } from '../steps/workspace/arguments.ts'
import { readInstructions, readSeedTasks, readTopics } from '../steps/workspace/data-rows.ts'
import { checkedVariables } from '../steps/workspace/environment.ts'
import { Fault, type Words } from '../steps/workspace/fault.ts'
import { Folder } from '../steps/workspace/folder.ts'
import { lockFolder } from '../steps/workspace/lock.ts'
import { options } from '../steps/workspace/options.ts'
import { readRows, readRunRecord } from '../steps/workspace/records.ts'
import { readSettings } from '../steps/workspace/settings.ts'
import { folderWithRun, temporaryFolder, workshop } from './support/command.ts'
import { TestServer } from './support/server.ts'

/** The words of the Fault that the work ends with; anything else it throws, or nothing, fails the test. */
async function wordsOf(work: () => unknown): Promise<Words> {
  const error = await Promise.resolve()
    .then(work)
    .then(
      () => new Error('no fault'),
      (thrown: unknown) => thrown,
    )
  if (!(error instanceof Fault)) throw error
  expect(error.exit).toBe(2)
  for (const words of [error.words.en, error.words.zh]) {
    expect(words).not.toMatch(/\n|undefined|\[object|Error:/)
    expect(words.length).toBeLessThan(600)
  }
  expect(error.words.zh).toMatch(/\p{Script=Han}/u)
  expect(error.words.en.replace(/"[^"]*"/g, '')).not.toMatch(/\p{Script=Han}/u)
  return error.words
}

const settingsOf = (argv: readonly string[]) => readSettings(argv, { LANG: 'en' })

describe('an option', () => {
  it.each([
    [['--temperature', 'hot'], 'expected a number from 0 to 2, got "hot". Leave --temperature out for 0.7.'],
    [['--temperature', '2.1'], 'got "2.1"'],
    [['--temperature=-0.5'], 'got "-0.5"'],
    [['--temperature', '0x1'], 'got "0x1"'],
    [['--temperature', '0,7'], 'got "0,7"'],
    [['--temperature', '１'], 'got "１"'],
    [['--temperature', 'NaN'], 'got "NaN"'],
    [['--temperature'], 'got nothing'],
    [['--temperature', ' '], 'got nothing'],
    [['--temperature', '--seed', '4'], 'got nothing'],
    [['--temperature', 'x'.repeat(9999)], `got "${'x'.repeat(60)}…"`],
    [['--max-tokens', '15'], 'expected a whole number from 16 to 1000000, got "15"'],
    [['--max-tokens', '512.5'], 'got "512.5"'],
    [['--similarity', '1.01'], 'expected a number from 0 to 1'],
    [['--similarity', '70%'], 'got "70%"'],
    [['--concurrency', '0'], 'expected a whole number from 1 to 1024'],
    [['--seed', '-1'], 'expected a whole number from 0 to'],
    [['--seed', '9007199254740993'], 'got "9007199254740993"'],
    [['--num-instructions', '0'], 'expected a whole number from 1 to 999999999, or all'],
    [['--num-instructions', '1e3'], 'got "1e3"'],
    [['--num-instructions', 'ALL'], 'got "ALL"'],
    [['--provider', 'opnai'], 'got "opnai". Did you mean openai?'],
    [['--provider', '__proto__'], 'got "__proto__"'],
    [['--language', 'cn'], 'expected one of en, zh, got "cn". See:'],
    [['--export', 'Alpaca'], 'Did you mean alpaca?'],
    [['--export', 'sharegpt'], 'llamafactory, huggingface, parquet, got "sharegpt". See: npx tsx'],
    [['--export', 'all'], 'llamafactory, huggingface, parquet, got "all". See: npx tsx'],
    [['--split', '1'], 'expected a number from 0.001 to 0.9, got "1"'],
    [['--base-url', 'localhost:8000'], 'expected an address like http://localhost:8000/v1'],
    [['--base-url', 'http://[::1'], 'got "http://[::1"'],
    [['--base-url', 'http://a b/v1'], 'expected an address'],
    [['--base-url', 'ftp://host/v1'], 'expected an address'],
    [['--budget', '$5'], 'expected a number from 0 to 1000000, got "$5"'],
    [['--price', '0.4'], 'expected dollars per million tokens like 0.40/1.20, got "0.4"'],
    [['--model', ''], 'expected a NAME, got nothing'],
    [['--data-dir', 'a\0b'], 'expected a DIR'],
    [['--judge=no'], 'expected no value'],
  ])('%j is told what is wrong with it', async (argv, sentence) => {
    const words = await wordsOf(() => settingsOf(argv))
    expect(words.en).toContain(`${argv[0]?.split('=')[0]}: `)
    expect(words.en).toContain(sentence)
    expect(words.zh).toContain(`${argv[0]?.split('=')[0]}：`)
  })

  it.each([
    ['--modl', '--model'],
    ['--temprature', '--temperature'],
    ['--Temperature', '--temperature'],
    ['-temperature', '--temperature'],
    ['——temperature', '--temperature'],
    ['–similarity', '--similarity'],
    ['-t', '--temperature'],
    ['--constructor', '--concurrency'],
    ['--__proto__', '--provider'],
  ])('misspelt as %s is %s', async (typed, meant) => {
    const words = await wordsOf(() => settingsOf([typed, '1']))
    expect(words.en).toContain(`There is no option "${typed}". Did you mean ${meant}?`)
    expect(words.zh).toContain(`您是否想用 ${meant}？`)
  })

  it.each(['https://me:hunter22@host/v1', 'https://host/v1?key=hunter22', 'https://host/v1#hunter22'])(
    'with a secret in its address, %s, is refused without it',
    async (address) => {
      const words = await wordsOf(() => settingsOf(['--base-url', address]))
      expect(words.en + words.zh).not.toContain('hunter22')
    },
  )
})

it.each([
  ['generat', 'generate'],
  ['gen', 'generate'],
  ['instance', 'instances'],
  ['Filter', 'filter'],
  ['reprot', 'report'],
])('the step %s is %s', async (typed, meant) => {
  expect((await wordsOf(() => settingsOf([typed]))).en).toContain(`"${typed}". Did you mean ${meant}?`)
})

it.each(['报告', '-', 'x'.repeat(99_999), 'zzz'])(
  'a step like no other, %#, is not guessed at',
  async (typed) => {
    expect((await wordsOf(() => settingsOf([typed]))).en).not.toContain('Did you mean')
  },
)

describe('the page of --help', () => {
  const shown = async (args: string[], columns: number): Promise<string[]> => {
    const before = process.stdout.columns
    process.stdout.columns = columns
    onTestFinished(() => void (process.stdout.columns = before))
    return (await workshop('/nowhere', args)).out.split('\n')
  }

  it.each([
    ['en', 100],
    ['zh', 80],
    ['en', 42],
    ['zh', 30],
  ])(
    'shows ten options, with `all` every one, and nothing wider than the terminal (%s, %i)',
    async (language, columns) => {
      const few = await shown(['--help', '--language', language], columns)
      const all = await shown(['--help', 'all', '--language', language], columns)
      const named = (lines: string[]) => lines.filter((line) => line.startsWith('  --')).length
      expect(named(few)).toBe(10)
      expect(named(all)).toBe(Object.keys(options).length)
      expect([...few, ...all].filter((line) => widthOf(line) > columns)).toEqual([])
      expect(few.join('\n')).toMatch(language === 'zh' ? /全部选项/ : /--help\s+all/)
      const together = all.join(' ').replace(/\s+/g, ' ')
      expect(together).toMatch(
        language === 'zh' ? /默认 20）.*默认 512）/ : /\(default: 20\).*\(default: 512\)/,
      )
      expect(together).not.toMatch(/[(（][\d.]+[)）]/) // a number alone would say nothing
    },
  )

  it.each([
    [
      'start',
      { npm_config_language: 'true' },
      ['zh'],
      '选项前面要加两个连字符，否则会被 npm 拿走。应为：npm start -- --language zh',
    ],
    [
      'start',
      { npm_config_seed: '7', npm_config_data_dir: 'true' },
      ['data/x'],
      'Like this: npm start -- --data-dir data/x --seed 7',
    ],
    [
      'filter',
      { npm_config_similarity: 'true' },
      ['filter', '0.3'],
      'Like this: npm run filter -- filter --similarity 0.3',
    ],
  ])(
    'is not needed where npm %s took an option: the right line is said',
    async (script, taken, args, said) => {
      const words = await wordsOf(() => refuseOptionsOfNpm(args, { npm_lifecycle_event: script, ...taken }))
      expect(words.en.includes(said) || words.zh.includes(said)).toBe(true)
      expect(() =>
        refuseOptionsOfNpm([], { npm_lifecycle_event: script, npm_config_cache: '/x' }),
      ).not.toThrow()
    },
  )
})

describe('a variable', () => {
  it.each([
    ['OPENAI_API_KEY', 'sk-hunter22 and more'],
    ['DASHSCOPE_API_KEY', 'sk-hunter22\nsk-other'],
    ['LLM_API_KEY', '你的密钥hunter22'],
    ['OPENAI_BASE_URL', 'https://me:hunter22@host/v1'],
  ])('%s that cannot be right is named, and not shown', async (name, value) => {
    const words = await wordsOf(() => checkedVariables({ [name]: value }))
    expect(words.en).toContain(`${name}: expected`)
    expect(words.en + words.zh).not.toContain('hunter22')
  })

  it('is trimmed, and unset when empty', () => {
    const environment = { OPENAI_API_KEY: ' sk-1234\r\n', LLM_API_KEY: '  ' }
    expect(checkedVariables(environment)).toEqual({ OPENAI_API_KEY: 'sk-1234' })
  })
})

const row = (more: object = {}): string => JSON.stringify({ instruction: 'Name a river in Asia.', ...more })
const sixSeeds = Array.from({ length: 6 }, (_, at) => row({ instruction: `Name ${at} rivers.` })).join('\n')

describe('a seed file', () => {
  it.each<[string, string, string | Buffer, RegExp]>([
    ['without a task', 's.jsonl', '', /s\.jsonl holds no seed task\. Write at least one/],
    ['of blank lines', 's.txt', ' \n\r\n\uFEFF\n', /holds no seed task/],
    [
      'that is binary',
      's.jsonl',
      Buffer.from([0xff, 0xfe, 0x00, 0x9f]),
      /s\.jsonl line 1 is not UTF-8 text\. Save/,
    ],
    ['that is mixed', 's.txt', 'Name a river.\n{"instruction":"x"}\n', /line 2 looks like JSON/],
    ['that holds NUL', 's.txt', 'Name a river.\na\0b\n', /s\.txt line 2 holds binary data/],
    ['in GB 18030', 's.txt', Buffer.from([0xc7, 0xeb, 0xd0, 0xb4, 0x0a]), /line 1 is not UTF-8/],
    ['in UTF-16', 's.jsonl', Buffer.from(`\uFEFF${row()}`, 'utf16le'), /line 1 is not UTF-8/],
    [
      'with a wrong field at line 7',
      's.jsonl',
      `${sixSeeds}\n${row({ instruction: 7 })}`,
      /s\.jsonl line 7, field "instruction": expected text, got 7\. Mend/,
    ],
    ['with a blank task', 's.jsonl', row({ instruction: ' ' }), /expected text that is not empty, got " "/],
    [
      'with a label of another type',
      's.jsonl',
      row({ is_classification: 'yes' }),
      /field "is_classification": expected true or false, got "yes"/,
    ],
    [
      'with half an instance',
      's.jsonl',
      row({ instances: [{ input: '' }] }),
      /field "instances\.0\.output": expected text, got nothing/,
    ],
    [
      'of prose',
      's.jsonl',
      'Name a river.',
      /line 1 is not JSON; one \{"…"\} row was expected, got: Name a river\./,
    ],
    [
      'with only prototype-named keys',
      's.jsonl',
      '{"__proto__":{"instruction":"x"},"constructor":1}',
      /field "instruction": expected text, got nothing/,
    ],
  ])('%s', async (_, name, content, sentence) => {
    const file = path.join(await temporaryFolder('bad input '), name)
    await writeFile(file, content)
    expect((await wordsOf(() => readSeedTasks(file))).en).toMatch(sentence)
  })

  it('that is missing, a folder, or 100 MB on one line', async () => {
    const folder = await temporaryFolder('bad input ')
    const long = path.join(folder, 'long.txt')
    for (let megabytes = 0; megabytes < 100; megabytes += 10) await appendFile(long, 'a'.repeat(10 << 20))
    const told = async (file: string): Promise<string> => (await wordsOf(() => readSeedTasks(file))).en
    expect(await told(path.join(folder, 'no.jsonl'))).toMatch(/There is no file .*no\.jsonl\. Check/)
    expect(await told(path.join(long, 'seeds.jsonl'))).toMatch(/There is no file/)
    expect(await told(folder)).toMatch(/is a folder; a file was expected/)
    expect(await told(long)).toMatch(/long\.txt has a line of more than 64 MB/)
  })

  it('of topics is called so; a list to avoid may be empty', async () => {
    const file = path.join(await temporaryFolder('bad input '), 'list.txt')
    await writeFile(file, '\n')
    expect((await wordsOf(() => readTopics(file))).en).toContain('holds no topic')
    expect(await readInstructions(file)).toEqual([])
  })
})

describe('a row edited by hand', () => {
  const instances = [{ input: '', output: 'The Mekong.' }]
  it.each<['instruction' | 'classified' | 'withInstances', string, RegExp]>([
    ['instruction', '{}', /field "instruction": expected text, got nothing/],
    ['instruction', 'null', /line 2: expected one \{"…"\} row, got null/],
    ['instruction', '{"instruction":', /line 2 is not JSON/],
    ['classified', row(), /field "is_classification": expected true or false, got nothing/],
    ['classified', row({ is_classification: 0 }), /expected true or false, got 0/],
    ['instruction', '["a"]', /line 2: expected one \{"…"\} row, got a list of 1/],
    ['withInstances', row({ is_classification: true }), /field "instances": expected a list, got nothing/],
    [
      'withInstances',
      row({ is_classification: true, instances: [] }),
      /expected at least one entry, got a list of 0/,
    ],
    [
      'withInstances',
      row({ is_classification: true, instances: ['x'] }),
      /field "instances\.0": expected one \{"…"\} row, got "x"/,
    ],
  ])('as %s: %s', async (kind, line, sentence) => {
    const file = path.join(await temporaryFolder('bad input '), 'rows.jsonl')
    await writeFile(file, `${row({ is_classification: false, instances })}\n${line}\n`)
    const words = await wordsOf(async () => {
      for await (const _ of readRows(file, kind));
    })
    expect(words.en).toMatch(sentence)
    expect(words.en).toMatch(/^rows\.jsonl line 2.* Mend or delete the line\. \(.*rows\.jsonl\)$/)
  })

  it('may have a wrong id and call, unknown and prototype-named keys, a BOM and CRLF', async () => {
    const file = path.join(await temporaryFolder('bad input '), 'rows.jsonl')
    const line =
      '{"__proto__":{"instruction":"x"},"toString":1,"id":7,"call":[],"instruction":"Name a river in Asia."}'
    await writeFile(file, `\uFEFF${line}\r\n\r\n${line}\r\n`)
    const rows = []
    for await (const { id, instruction, call } of readRows(file, 'instruction'))
      rows.push({ id, instruction, call })
    const mended = {
      id: expect.stringMatching(/^[0-9a-f]{12}$/),
      instruction: 'Name a river in Asia.',
      call: '',
    }
    expect(rows).toEqual([mended, mended])
  })
})

async function folderWith(files: Record<string, string>): Promise<string> {
  const folder = await temporaryFolder('bad input ')
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(folder, name), text)
  return folder
}

describe('run.json', () => {
  it.each<[string, RegExp]>([
    ['{', /run\.json is not the record of a run: expected \{"settings":/],
    ['', /is not the record of a run/],
    ['null', /is not the record of a run/],
    ['[]', /is not the record of a run/],
    ['{"settings":5}', /is not the record of a run/],
    [
      '{"settings":{"similarity":"0.5"}}',
      /run\.json, settings: --similarity: expected a number from 0 to 1, got "0\.5"\./,
    ],
    ['{"settings":{"similarity":[0.5]}}', /--similarity: expected a number from 0 to 1, got "\[0\.5\]"/],
    ['{"settings":{"seed":1.5}}', /--seed: expected a whole number/],
    ['{"settings":{"temperature":true}}', /--temperature: expected a number/],
    ['{"settings":{"num-instructions":null}}', /--num-instructions: expected/],
    ['{"settings":{"model":{"a":1}}}', /--model: expected a NAME, got "\{"a":1\}"/],
    ['{"settings":{"model":""}}', /--model: expected a NAME, got nothing/],
    ['{"settings":{"provider":"nobody"}}', /--provider: expected one of/],
    ['{"settings":{"language":"fr"}}', /--language: expected one of en, zh/],
    ['{"settings":{"judge":"maybe"}}', /--judge: expected no value/],
    ['{"settings":{"export":["csv"]}}', /--export: expected one of/],
    ['{"settings":{"merge":[{"a":1}]}}', /--merge: expected a PATH/],
    ['{"settings":{"base-url":"nope"}}', /--base-url: expected an address/],
  ])('with %s is not believed', async (text, sentence) => {
    const folder = await folderWith({ 'run.json': text })
    const words = await wordsOf(() => settingsOf(['filter', '--data-dir', folder]))
    expect(words.en).toMatch(sentence)
    expect(words.en).toMatch(/delete it and run all steps once/)
  })

  it.each([
    ['null'],
    ['{"settings":[],"versions":3,"funnel":null,"rejected":[],"cost":{"generate":5},"judge":7}'],
    ['{"funnel":{"kept":"many"},"rejected":{"generate":{"too_short":"x"}},"cost":null}'],
    ['{"funnel":"x","cost":{"bake":{}},"__proto__":{"funnel":1}}'],
    ['{"funnel":[1,2],"rejected":{"generate":[1,2]}}'],
  ])('with %s in it counts as empty there', async (text) => {
    const folder = await folderWith({ 'run.json': text })
    expect(await readRunRecord(await Folder.open(folder))).toEqual({
      settings: {},
      versions: {},
      funnel: {},
      rejected: {},
      cost: {},
    })
  })

  it('gives back a number however JSON spells it', async () => {
    const folder = await folderWith({ 'run.json': '{"settings":{"temperature":1e-7,"similarity":7e-1}}' })
    expect(settingsOf(['filter', '--data-dir', folder])).toMatchObject({ temperature: 1e-7, similarity: 0.7 })
  })

  it('may start with a BOM and hold prototype-named keys', async () => {
    const text =
      '\uFEFF{"settings":{"seed":7,"constructor":1,"toString":[],"__proto__":{"seed":8}},"funnel":{"kept":3}}'
    const folder = await folderWith({ 'run.json': text })
    const { seed, carried } = settingsOf(['filter', '--data-dir', folder])
    expect([seed, carried]).toEqual([7, new Map([['seed', ['7']]])])
    expect((await readRunRecord(await Folder.open(folder))).funnel).toEqual({ kept: 3 })
  })
})

describe('a call log', () => {
  const whole = {
    v: 1,
    key: 'k',
    sample: 0,
    step: 'classify',
    at: '',
    provider: 'p',
    model: 'm',
    request: {},
  }
  const usage = { prompt_tokens: 1, completion_tokens: 1, cached_tokens: 0 }
  it.each([
    ['null', null],
    ['a list', [1]],
    ['another version', { ...whole, v: 2 }],
    ['no key', { v: 1 }],
    ['rows that are none', { ...whole, rows: 5, reply: '', usage }],
    ['a provider that is none', { ...whole, provider: {}, reply: '', usage }],
    ['a reply that is none', { ...whole, reply: 5, usage }],
    ['no reply', { ...whole, usage }],
    ['no usage', { ...whole, reply: 'x' }],
    ['tokens that are no numbers', { ...whole, reply: 'x', usage: { ...usage, cached_tokens: 'many' } }],
  ])('with %s in a line names it', async (_, line) => {
    const folder = await folderWith({ 'calls.jsonl': `${JSON.stringify(line)}\n` })
    const words = await wordsOf(async () => {
      const log = await CallLog.open(path.join(folder, 'calls.jsonl'), true)
      onTestFinished(() => log.close())
      await log.get('k')
    })
    expect(words.en).toMatch(/^calls\.jsonl line 1 /)
  })

  it('saved as UTF-16 is named as such, and no line of it is to be deleted', async () => {
    const folder = await folderWith({})
    const file = path.join(folder, 'calls.jsonl')
    await writeFile(file, `\ufeff${JSON.stringify(whole)}\n`, 'utf16le')
    const words = await wordsOf(() => CallLog.open(file, true))
    expect(words.en).toMatch(/^calls\.jsonl line 1 is not UTF-8 text\. Save the file as UTF-8/)
  })
})

describe('a data folder', () => {
  it.each([
    ['a file', 'file.txt'],
    ['below a file', 'file.txt/data/workshop'],
  ])('that is %s is named', async (_, place) => {
    const folder = await folderWith({ 'file.txt': 'mine' })
    const words = await wordsOf(() => lockFolder(path.join(folder, place)))
    expect(words.en).toMatch(/file\.txt is a file; --data-dir expects a folder/)
    for (const command of [['filter'], ['report'], []]) {
      const run = await workshop(path.join(folder, place), command)
      expect(run).toMatchObject({ code: 2, err: expect.stringContaining('--data-dir expects a folder') })
    }
  })

  it('that cannot be made is named, and leaves nothing of it behind', async () => {
    const folder = await temporaryFolder('bad input ')
    const words = await wordsOf(() => lockFolder(path.join(folder, 'a', 'b', 'x'.repeat(300))))
    expect(words.en).toMatch(/Nothing can be written in .*ENAMETOOLONG/)
    expect(await readdir(folder)).toEqual([])
  })
})

describe('--output-path', () => {
  it.each([
    ['the folder itself', '', /is a folder, and in the way of a file/],
    ['a place below a file', 'seeds.jsonl/x/y.jsonl', /seeds\.jsonl is a file, and in the way/],
    ['the seed file', 'seeds.jsonl', /reads or keeps, and would be lost/],
    ['the input of a step', '3-instances.jsonl', /would be lost/],
    ['the call log', 'calls.jsonl', /would be lost/],
    ['a merged file', 'other/a.jsonl', /would be lost/],
  ])('may not be %s', async (_, place, sentence) => {
    const folder = await folderWith({ 'seeds.jsonl': row() })
    await mkdir(path.join(folder, 'other'))
    await writeFile(path.join(folder, 'other', 'a.jsonl'), '')
    const argv = ['--seed-file', `${folder}/seeds.jsonl`, '--merge', `${folder}/other`, '--data-dir', folder]
    const settings = settingsOf([...argv, '--output-path', path.join(folder, place)])
    const words = await wordsOf(async () =>
      checkFiles(settings, await Folder.open(folder, settings.outputPath)),
    )
    expect(words.en).toMatch(sentence)
    expect(words.en).toContain('--output-path')
  })
})

describe('the command', () => {
  it('finds a broken last line before it asks anybody', async () => {
    const folder = await folderWithRun(['--num-instructions', '5'])
    const server = await TestServer.start()
    onTestFinished(() => server.close())
    await appendFile(path.join(folder, '1-instructions.jsonl'), `${row()}\n{"instruction":`)
    const before = await readdir(folder)
    const args = ['classify', '--base-url', server.url, '--model', 'm', '--provider', 'openai']
    const { code, err } = await workshop(folder, args, { OPENAI_API_KEY: 'sk-test-0123456789' })
    expect({ code, asked: server.received.length }).toEqual({ code: 2, asked: 0 })
    expect(err).toMatch(/^1-instructions\.jsonl line \d+ is not JSON.*\n$/)
    expect(await readdir(folder)).toEqual(before)
  })

  it('speaks Chinese where the screen does, and makes no folder for a mistake', async () => {
    const folder = await temporaryFolder('bad input ')
    const args = ['--merge', path.join(folder, 'nothing'), '--language', 'zh']
    const { code, out, err } = await workshop(path.join(folder, 'a', 'b'), args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(/^找不到文件 .*nothing。请检查文件名和所在文件夹。\n$/)
    expect(await readdir(folder)).toEqual([])
  })
})

// Text that would do harm: from a model, into files and onto the screen; and keys, which belong in neither.
import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { plain, plainLines } from '../steps/display/screen.ts'
import { readInstances, readTasks, readVerdicts } from '../steps/text/replies.ts'
import { hiding } from '../steps/workspace/environment.ts'
import { field, jsonLine, keyOf, onOneLine } from '../steps/workspace/jsonl.ts'
import { BatchServer } from './support/batch-server.ts'
import { folderWithRun, temporaryFolder, workshop } from './support/command.ts'
import { isProblem } from '../steps/model/call.ts'
import { openWire } from '../steps/model/wire.ts'
import { questionOf, remote } from './support/model.ts'
import { type Answering, type Received, TestServer, completion, questionIn } from './support/server.ts'

/** What no terminal, and nobody's eye, should get from a model: all but line breaks and visible characters. */
const harmful = /[^\P{C}\n]|[\u2028\u2029\u115f\u3164]/u

const hostile = {
  en: [
    'Describe \x1b[2J\x1b[31mthe colour of a ripe tomato.',
    'Open \x1b]8;;http://127.0.0.1\x07this harmless link\x1b]8;;\x07 and sum up what it says about bread.',
    'Turn \x9b31mthese notes about winter tyres into two sentences.',
    'Explain what <script>alert(1)</script><img src=x onerror=alert(2)> does in a page.',
    'Count the let\u200bters\u200d in the \ufeffword hip\u00adpopotamus.',
    'Say why \u202eeveryone should learn to swim\u202c before the age of ten.',
    'Give a name to the br\ud800oken lantern in this story.',
    'Compare a line\u2028break with a paragraph\u2029break in three words.',
    'Tell a joke about __proto__ and constructor at a party.',
  ],
  zh: [
    '请描述\x1b[2J\x1b[31m熟透的番茄是什么颜色。',
    '请说明<script>alert(1)</script>在网页里有什么作用。',
    '请数一数“河\u200b马\u200d”这个\ufeff词有几个字。',
    '请说说\u202e为什么小孩子都该学会游泳\u202c。',
    '请给故事里那盏坏\ud800掉的灯笼起一个名字。',
    '请比较换\u2028行和换\u2029段有什么不同。',
    '请用__proto__和constructor讲一个聚会上的笑话。',
  ],
}

const long = `${'A long answer that goes on. '.repeat(8_000)}And ends.`
const outputs = [
  '\x1b[1mRed\x1b[0m\x07, like \u202etomatoes\u202c and \ud83c lanterns\u2028<b>all</b> of them.',
  long,
]

/** Sends hostile tasks and answers first; `key` is repeated in each reply, as a debugging proxy would. */
function answering(language: 'en' | 'zh'): Answering {
  let tasksAsked = 0
  return ({ body, headers }) => {
    const prompt = questionIn(body.messages)
    if (prompt.includes('"tasks"') && ++tasksAsked === 1)
      return { status: 500, body: { error: { message: `\x1b[2Jyou sent ${headers.authorization}` } } }
    if (prompt.includes('"tasks"') && tasksAsked === 2)
      return reply({ tasks: hostile[language], __proto__: { polluted: true }, heard: headers.authorization })
    const asked = hostile[language].findIndex((task) =>
      prompt.includes(task.replace(/\s+/g, ' ').slice(0, 9)),
    )
    if (!prompt.includes('"instances"') || asked === -1) return undefined
    return reply({ instances: [{ input: '', output: outputs[asked % 2] }] })
  }
}

// Lone surrogates as such, not as escapes, and keys that an object literal cannot have.
function reply(content: object): { status: number; body: object } {
  const text = JSON.stringify(content).replace(/\\u(d[89a-f]..)/g, (_, code: string) =>
    String.fromCharCode(parseInt(code, 16)),
  )
  return { status: 200, body: completion(text.replace('{', '{"__proto__":{"polluted":true},"toString":1,')) }
}

async function filesIn(folder: string): Promise<[name: string, text: string][]> {
  const names = await readdir(folder, { recursive: true })
  const files = names.filter((name) => /\.\w+$/.test(name) && !name.endsWith('huggingface'))
  return Promise.all(
    files.map(async (name): Promise<[string, string]> => [
      name,
      await readFile(path.join(folder, name), 'utf8'),
    ]),
  )
}

async function serve(answer: Answering): Promise<TestServer> {
  const server = await TestServer.start(answer)
  onTestFinished(() => server.close())
  return server
}

const secret = 'sk-test-Zq83kfPw01mxTT7d'

describe.each(['en', 'zh'] as const)('a hostile model, in %s', (language) => {
  it('gets nothing onto the screen but letters, nothing into the files but rows, and the key nowhere', async () => {
    const folder = await temporaryFolder()
    const server = await serve(answering(language))
    const exports = ['--export', 'alpaca', '--export', 'openai', '--export', 'huggingface']
    const args = ['--num-instructions', '15', '--judge', '--language', language, ...exports]
    const env = { OPENAI_API_KEY: secret, OPENAI_BASE_URL: server.url, OPENAI_LOG: 'debug' }
    const { code, out, err } = await workshop(folder, args, env)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(harmful.exec(out)).toBeNull()
    expect(out).not.toMatch(/authorization|x-stainless/i)

    const files = await filesIn(folder)
    expect(files.length).toBeGreaterThan(9)
    for (const [name, text] of files) {
      expect(text.includes(secret), name).toBe(false)
      if (name.endsWith('.jsonl')) for (const line of text.trimEnd().split('\n')) JSON.parse(line)
      if (name.endsWith('.json')) JSON.parse(text)
      if (!/calls|report/.test(name)) expect(/\\ud[89a-f]|[\0-\x09\x0b-\x1f]/.exec(text), name).toBeNull()
    }
    const all = files.map(([, text]) => text).join('')
    for (const task of hostile[language]) expect(all).toContain(onOneLine(task).slice(1, 12))
    expect(files.find(([name]) => name === 'report.html')?.[1]).not.toContain('<script>alert')
  })
})

it.each([
  ['a refusal of the key', { status: 401, body: { error: { message: '\x1b]0;owned\x07No such key: KEY' } } }],
  ['a missing model', { status: 404, body: { message: 'KEY may not use \u202ethis model' } }],
])('%s from the server stops the run with harmless words, without the key', async (_, odd) => {
  const folder = await temporaryFolder()
  const key = 'my.private/key+0123456789'
  const server = await serve(({ headers }: Received) => {
    const told = JSON.stringify(odd.body).replace('KEY', String(headers.authorization?.slice(7)))
    return { ...odd, body: JSON.parse(told) as unknown }
  })
  const args = ['--num-instructions', '2', '--concurrency', '1', '--base-url', server.url, '--model', 'm']
  const { code, out, err } = await workshop(folder, args, { LLM_API_KEY: key, OPENAI_LOG: 'debug' })
  expect(code).toBe(1)
  expect(err).not.toBe('')
  expect(harmful.exec(out + err)).toBeNull()
  expect(out + err).not.toContain(key)
  expect(err).not.toContain('    at ')
})

describe('text for the screen', () => {
  it.each([
    ['terminal escapes', 'a\x1b[31mb\x07\x9b1mc\x7f', 'a[31mb1mc'],
    ['line breaks and tabs', 'a\r\nb\tc\u2028d\u0085e', 'a b c de'],
    ['zero-width characters', 'a\u200bb\u200dc\u2060d\u00ade', 'abcde'],
    ['bidirectional marks', 'a\u202eb\u2066c\u061cd\u200fe', 'abcde'],
    ['tag characters', `a${String.fromCodePoint(0xe0041, 0xe007f)}b`, 'ab'],
    ['lone surrogates', 'a\ud800b\udc00c', 'abc'],
    ['fillers of Hangul', 'a\u115fb\u1160c\u3164d\uffa0e', 'abcde'],
    ['joiners and selectors', 'a\u034fb\u180bc\ufe00d\u{e0100}e\u17b4', 'abcde'],
    ['what has no glyph', 'a\ue000b\uffffc\u{1d173}d\u0378e', 'abcde'],
  ])('is without %s', (_, text, shown) => {
    expect(plain(text)).toBe(shown)
    expect(harmful.exec(plainLines(text))).toBeNull()
  })

  it('keeps emoji, Chinese and combining marks', () => {
    expect(plain('🦛 河马 é ①')).toBe('🦛 河马 é ①')
  })
})

const disguise = '\x1b[2J\x9b31m\u115f\u3164\u202e\u200b\u{e0041}\ufe01'
const unseen = /[^\P{C}\n]|[\p{Zl}\p{Zp}]|(?!\ufe0f)\p{Default_Ignorable_Code_Point}/u

describe.skipIf(process.platform === 'win32')('a name with what a terminal would obey', () => {
  it.each([
    ['words after why', ['why', `no${disguise}thing`, 'at all']],
    ['a word after why', ['why', `no${disguise}thing`]],
    ['a step', [`fil${disguise}ter`]],
    ['an option', [`--fil${disguise}ter`]],
    ['a model, at a server nobody is', ['--model', `gpt${disguise}`, '--dry-run', '--provider', 'openai']],
    ['a file', ['filter', '--merge', `/tmp/no${disguise}thing`]],
    ['a rule', ['filter', '--rules', `too${disguise}long`]],
  ])('is shown without it: %s', async (_, args) => {
    const folder = await folderWithRun()
    const { out, err } = await workshop(folder, args)
    expect(out + err).not.toBe('')
    expect(unseen.exec(out + err)).toBeNull()
  })

  it('is shown without it: a folder, its run, its page, and what became of a row', async () => {
    const folder = path.join(await temporaryFolder(), `da${disguise}ta`)
    for (const args of [
      ['--num-instructions', '3'],
      ['filter'],
      ['report'],
      ['why', 'too_short'],
      ['check'],
    ]) {
      const { out, err } = await workshop(folder, args)
      expect(out).not.toBe('')
      expect(unseen.exec(out + err)).toBeNull()
    }
  })

  it('is shown without it: a model and a provider in a log', async () => {
    const folder = await folderWithRun()
    const file = path.join(folder, 'calls.jsonl')
    const text = await readFile(file, 'utf8')
    const model = JSON.stringify(`gpt${disguise}`)
    await writeFile(
      file,
      text.replaceAll('"provider":"offline","model":"offline"', `"provider":"openai","model":${model}`),
    )
    const { out, err } = await workshop(folder, [])
    expect(out).toContain('gpt[2J31m')
    expect(unseen.exec(out + err)).toBeNull()
  })
})

describe('a row in a file', () => {
  it.each([
    ['a lone surrogate', 'a\ud800b\udc00', 'a\ufffdb\ufffd'],
    ['a pair', '🦛', '🦛'],
    ['an escape spelt out', '\\ud800 and \\\\ud800', '\\ud800 and \\\\ud800'],
    ['controls', '\0\x1b\n', '\0\x1b\n'],
    ['a line separator', 'a\u2028b', 'a\u2028b'],
  ])('with %s is one line of well-formed JSON', (_, text, stored) => {
    const line = jsonLine({ text })
    expect(line).not.toMatch(/\n/)
    expect(JSON.parse(line)).toEqual({ text: stored })
  })
})

it.each([
  '{"__proto__":{"polluted":true},"tasks":["Name a river."]}',
  '{"tasks":[{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}]}',
  '{"instances":[{"__proto__":{"polluted":true},"input":"","output":"x"}]}',
  '{"verdicts":{"__proto__":{"instruction_valid":true,"input_appropriate":true,"output_correct":true}}}',
])('prototype-named keys in %s change nothing', (text) => {
  readTasks(text, false)
  readInstances(text, false, false)
  readVerdicts(text, false, 1)
  expect(Reflect.get({}, 'polluted')).toBeUndefined()
})

// JSON has values that cannot be made text: `String({"toString":5})` throws.
const textless = { toString: 5, valueOf: 5 }

it.each([
  ['a code', 400, { error: { message: 'No.', code: textless } }],
  ['a parameter', 400, { error: { message: 'No.', param: textless } }],
  ['a message', 500, { error: { message: textless } }],
  ['a detail', 422, { detail: [{ msg: textless, loc: [textless] }] }],
  ['a code under 200', 200, { error: { message: 'No.', code: textless } }],
  ['a status under 200', 200, { message: 'No.', status: textless }],
  ['a kind of part', 200, { choices: [{ message: { content: ['x', { type: textless, text: 'y' }] } }] }],
  ['a piece of a stream', 200, { choices: [{ delta: { content: [{ type: textless }] } }] }],
  ['counts', 200, { choices: [{ message: { content: 'x' } }], usage: { prompt_tokens: textless } }],
])('%s that cannot be made text is no defect', async (_, status, body) => {
  const server = await serve(() => ({ status, body }))
  const wire = await openWire({ ...remote, baseUrl: server.url })
  const answer: unknown = await wire(questionOf('?'), new AbortController().signal).catch((error) => error)
  expect(isProblem(answer) || field(answer, 'reply') !== undefined).toBe(true)
  expect(JSON.stringify(answer)).not.toMatch(/convert object|TypeError/)
})

it('a batch in the ledger of a folder whose name cannot be made text is none', async () => {
  const folder = await folderWithRun()
  const odd = { id: textless, status: textless, step: 'classify', file: textless, keys: [], input: textless }
  await writeFile(path.join(folder, 'batches.jsonl'), `${JSON.stringify(odd)}\n`)
  await writeFile(path.join(folder, '.batch-0123456789abcdef.upload.jsonl'), `${JSON.stringify(odd)}\n`)
  expect(await workshop(folder, ['classify'])).toMatchObject({ code: 0, err: '' })
})

// A server, or a proxy on the way, may send back the key it got, in any spelling. It comes into no file and no message.

const token = `eyJhbGciOiJSUzI1NiJ9.${keyOf('a').repeat(250)}.${keyOf('b').repeat(20)}` // as some gateways give out
const keys = ['sk-test-Zq83kfPw01mxTT7d', 'a1b2c3d4', 'p/s"w\\rd-41e7', `k&y<"of>'41`, token]
const unicode = (text: string) =>
  text.replace(/[^]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** The key as it may come back; the last is cut off by the server. */
function spellingsOf(key: string): string[] {
  const json = JSON.stringify(key).slice(1, -1)
  const slashed = json.replaceAll('/', '\\/')
  const html = key.replace(/[^]/g, (c) => `&#x${c.charCodeAt(0).toString(16)};`)
  const named = key.replace(/[&<>"']/g, (c) => entities[c] ?? c)
  const half = key.slice(0, Math.max(8, Math.ceil(key.length / 2)))
  return [
    key,
    json,
    slashed,
    unicode(key),
    unicode(key).toUpperCase().replaceAll('\\U', '\\u'),
    encodeURIComponent(key),
    html,
    named,
    half,
  ]
}

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}

/** A text with every spelling undone, so that a key is found however it is written. */
function undone(text: string): string {
  const code = (_: string, hex: string) => String.fromCharCode(parseInt(hex, 16))
  return text
    .replace(/\\+u00([0-9a-f]{2})/gi, code)
    .replace(/&#x([0-9a-f]+);/gi, code)
    .replace(/&\w+;/g, (name) => Object.keys(entities).find((sign) => entities[sign] === name) ?? name)
    .replace(/%([0-9a-f]{2})/gi, code)
    .replace(/\\/g, '')
}

async function expectNowhere(key: string, folder: string, shown: string): Promise<void> {
  const traces = [key, key.slice(0, Math.max(8, Math.ceil(key.length / 2)))].map((trace) =>
    trace.replace(/\\/g, ''),
  )
  const texts: [string, string][] = [['the screen', shown]]
  for (const name of await readdir(folder, { recursive: true }))
    texts.push([name, await readFile(path.join(folder, name), 'utf8').catch(() => '')])
  for (const [name, text] of texts)
    for (const trace of traces) expect(undone(text).includes(trace), `${trace} in ${name}`).toBe(false)
}

describe.each(keys)('the key %.40s', (key) => {
  const environment = (url: string) => ({ OPENAI_API_KEY: key, OPENAI_BASE_URL: url })

  it('is in no file and on no screen when replies repeat it', async () => {
    const folder = await temporaryFolder()
    const forms = spellingsOf(key)
    const server = await serve(({ body }, count) => {
      const form = forms[count % forms.length] ?? ''
      const text = JSON.stringify(form).slice(1, -1)
      const asked = questionIn(body.messages)
      if (asked.includes('"tasks"'))
        return {
          status: 200,
          body: completion(
            `{"tasks":["Explain what the password ${form} of page ${count} is for.","Say ${text} to number ${count}."]}`,
          ),
        }
      if (asked.includes('"answers"'))
        return { status: 200, body: completion(`I got ${form} and will not answer.`) }
      const message = { role: 'assistant', content: null, refusal: `No: ${form}` }
      return {
        status: 200,
        body: { choices: [{ index: 0, message, finish_reason: form }], usage: {}, [form]: form },
      }
    })
    const args = ['--num-instructions', '4', '--concurrency', '1']
    const { out, err } = await workshop(folder, args, environment(server.url))
    expect(server.asked('answers').length).toBeGreaterThan(0)
    await expectNowhere(key, folder, out + err)
  })

  it('is in no file when a reply brings it in pieces', async () => {
    const folder = await temporaryFolder()
    const server = await serve(() => {
      const parts = (key.match(/.{1,5}/g) ?? []).map((text) => ({ type: 'text', text }))
      const message = { role: 'assistant', content: [{ type: 'text', text: '{"tasks":["Say ' }, ...parts] }
      return { status: 200, body: { choices: [{ index: 0, message, finish_reason: 'stop' }] } }
    })
    const { out, err } = await workshop(folder, ['--num-instructions', '2'], environment(server.url))
    expect(server.received.length).toBeGreaterThan(0)
    await expectNowhere(key, folder, out + err)
  })

  it('is in no message, wherever that is cut', async () => {
    const trace = key.slice(0, Math.max(8, Math.ceil(key.length / 2))).replace(/\\/g, '')
    let body: unknown
    const server = await serve(() => ({ status: 401, body }))
    const wire = await openWire({ ...remote, baseUrl: server.url, key })
    for (const before of [0, 285, 1990])
      for (const form of spellingsOf(key)) {
        const message = `${'x'.repeat(before)} ${form}`
        for (body of [{ error: { message, code: form } }, message]) {
          const problem: unknown = await wire(questionOf('?'), new AbortController().signal).catch(
            (error: unknown) => error,
          )
          expect(undone(JSON.stringify(problem))).not.toContain(trace)
        }
      }
  })

  it('is in nothing a batch brings', async () => {
    const form = unicode(key)
    const folder = await folderWithRun()
    await writeFile(path.join(folder, 'calls.jsonl'), '')
    const server = await BatchServer.start((_, attempt) =>
      attempt === 1 ? undefined : { status: 400, error: { message: form } },
    )
    onTestFinished(() => server.chat.close())
    const { around } = server
    server.around = async (request, answer) => {
      const { status, body } = await around(request, answer)
      const text = JSON.stringify(form).slice(1, -1)
      return request === 'GET files' && typeof body === 'string'
        ? {
            status,
            body: body
              .replaceAll('"content":"', `"content":"${text} `)
              .replaceAll('"error":null', `"error":null,"${text}":"${text}"`),
          }
        : { status, body }
    }
    const args = ['classify', '--provider', 'openai', '--batch', '--poll', '0.01']
    const first = await workshop(folder, args, environment(server.chat.url))
    server.refusal = `refused, ${form}`
    await writeFile(path.join(folder, 'calls.jsonl'), '')
    const second = await workshop(folder, args, environment(server.chat.url))
    expect(second.err).toContain('refused')
    await expectNowhere(key, folder, first.out + first.err + second.out + second.err)
  })
})

it.each([
  'none',
  'EMPTY',
  'ollama',
  'lm-studio',
  'not-needed',
  'no-key-required',
  'sk-no-key-required',
  'xxxxxxxxxxxx',
])('the stand-in %s is a word like others', (key) => {
  expect(hiding(key)(`The word ${key} stays.`)).toBe(`The word ${key} stays.`)
})

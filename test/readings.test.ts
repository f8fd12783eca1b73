// Servers whose replies cannot be read, or that fail: the run ends early and says why, and the folder is none the worse.
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { rowsOf, temporaryFolder, workshop } from './support/command.ts'
import { type Answering, type Odd, TestServer, completion, notFound } from './support/server.ts'

async function serve(answering?: Answering, models: readonly string[] = []): Promise<TestServer> {
  const list = { object: 'list', data: models.map((id) => ({ id })) }
  const server = await TestServer.start(answering, async ({ url }) =>
    url === '/v1/models' ? { status: 200, body: list } : notFound,
  )
  onTestFinished(() => server.close())
  return server
}

const at = (server: TestServer, ...more: string[]): string[] => [
  '--num-instructions',
  '5',
  '--base-url',
  server.url,
  ...more,
]
const named = (server: TestServer, ...more: string[]): string[] => at(server, '--model', 'm', ...more)
const replied = (content: string | null, finish = 'stop', usage: object = {}, message: object = {}): Odd => {
  const whole = completion(content, finish, usage) as { choices: { message: object }[] }
  const [choice] = whole.choices
  return { status: 200, body: { ...whole, choices: [{ ...choice, message: { content, ...message } }] } }
}

describe('a run ends after a few replies that could not be read, with the cause', () => {
  it.each<[string, Odd, RegExp]>([
    [
      'thoughts alone',
      replied('', 'length', {}, { reasoning_content: 'Okay, the user' }),
      /thinks first.*--max-tokens/,
    ],
    ['a thought without end', replied('<think>\nOkay, 1. this 2. that', 'length'), /thinks first/],
    ['nothing', replied('', 'stop', { completion_tokens: 0, total_tokens: 100 }), /they were empty/],
    ['white space', replied(' \n\n\t  '), /were white space/],
    ['white space up to the limit', replied(`{"tasks":${'\n'.repeat(900)}`, 'length'), /were white space/],
    ['a cut', replied('{"tasks":["Write a', 'length'), /they were cut.*--max-tokens/],
    ['prose', replied('What a fine idea!\nWhich one first?'), /begin: "What a fine idea!"/],
    ['a small context', replied('Go on!', 'stop', { prompt_tokens: 256 }), /OLLAMA_CONTEXT_LENGTH/],
    ['a filter', replied('', 'SAFETY'), /content filter held them back/],
  ])('%s', async (_, odd, cause) => {
    const folder = await temporaryFolder()
    const server = await serve(() => odd)
    const run = await workshop(folder, named(server, '--concurrency', '2'))
    expect(run.code).toBe(1)
    expect(run.err).toMatch(/^generate: none of the first \d replies could be read: /)
    expect(run.err).toMatch(cause)
    expect(run.out + run.err).not.toContain('run dry')
    expect(server.received.length).toBeLessThanOrEqual(6 + 2)
  })

  it('also later on, when they come one after the other', async () => {
    const server = await serve((_, count) => (count > 20 ? replied('I would rather talk.') : undefined))
    const run = await workshop(await temporaryFolder(), named(server, '--num-instructions', '30'))
    expect(run.code).toBe(1)
    expect(run.err).toMatch(/none of the last 10 replies could be read: .*I would rather talk/)
  })

  it('and the same command reaches its target once the wire is mended', async () => {
    const folder = await temporaryFolder()
    const server = await serve(({ body }) =>
      body.enable_thinking === false ? undefined : replied('', 'length'),
    )
    expect(await workshop(folder, named(server))).toMatchObject({ code: 1 })
    const mended = await workshop(folder, named(server, '--param', 'enable_thinking=false'))
    expect(mended).toMatchObject({ code: 0, err: '' })
    expect(await rowsOf(folder, '4-dataset.jsonl')).not.toHaveLength(0)
  })
})

describe('a server that fails and is mended', () => {
  it.each([400, 413])('leaves nothing that harms the same command: %i', async (status) => {
    const folder = await temporaryFolder()
    let broken = true
    const server = await serve(() =>
      broken ? { status, body: { error: { message: 'out of order' } } } : undefined,
    )
    expect(await workshop(folder, named(server, '--concurrency', '16'))).toMatchObject({ code: 1 })
    broken = false
    expect(await workshop(folder, named(server))).toMatchObject({ code: 0, err: '' })
    const asked = server.received.length
    expect(await workshop(folder, named(server))).toMatchObject({ code: 0, err: '' })
    expect(server.received).toHaveLength(asked)
  })
})

describe('fields that somebody asks for', () => {
  it('go with every request, stay in run.json, and are no part of what was asked', async () => {
    const folder = await temporaryFolder()
    const server = await serve()
    const params = ['--param', 'top_k=20', '--param', 'mode=fast']
    expect(await workshop(folder, named(server, ...params))).toMatchObject({ code: 0 })
    expect(server.received.every(({ body }) => body.top_k === 20 && body.mode === 'fast')).toBe(true)
    expect(JSON.parse(await readFile(path.join(folder, 'run.json'), 'utf8'))).toMatchObject({
      settings: { param: ['top_k=20', 'mode="fast"'] },
    })
    const asked = server.received.length
    expect(await workshop(folder, named(server, '--param', 'top_k=40'))).toMatchObject({ code: 0 })
    expect(server.received).toHaveLength(asked)
  })

  it.each(['top_k', '=1', 'model=x', 'messages=[]'])('are named: not %s', async (value) => {
    const run = await workshop(await temporaryFolder(), ['--param', value])
    expect(run).toMatchObject({ code: 2 })
    expect(run.err).toContain('NAME=JSON')
  })
})

describe('an address', () => {
  it('that is not OpenAI’s makes a compatible server of --provider openai, which is said; the key stays here', async () => {
    const folder = await temporaryFolder()
    const server = await serve()
    const env = { OPENAI_API_KEY: 'sk-test-0123456789abcdef', LLM_API_KEY: 'other' }
    const run = await workshop(folder, named(server, '--provider', 'openai'), env)
    expect(run).toMatchObject({ code: 0, err: '' })
    expect(run.out).toContain("! the address is not OpenAI's")
    expect(server.received[0]?.headers.authorization).toBe('Bearer other')
    expect((await rowsOf(folder, 'calls.jsonl'))[0]).toMatchObject({ provider: 'compatible' })
  })

  it('with one model needs no --model', async () => {
    const folder = await temporaryFolder()
    const server = await serve(undefined, ['the-only-one'])
    expect(await workshop(folder, at(server))).toMatchObject({ code: 0, err: '' })
    expect(server.received[0]?.body.model).toBe('the-only-one')
  })

  it.each<[string, { status: number; body: unknown }, RegExp]>([
    ['a bare list', { status: 200, body: [{ id: 'one' }, { id: 'two' }, { id: 'one' }] }, /lists one, two\)/],
    ['a page', { status: 200, body: '<!doctype html><title>x</title>' }, /No API answers at/],
    [
      'an error at 200',
      { status: 200, body: { code: 401, msg: 'who?' } },
      /wants a key: put the line LLM_API_KEY=…/,
    ],
    ['a list of null', { status: 200, body: { object: 'list', data: null } }, /the server lists none/],
    ['nothing', { status: 404, body: { detail: 'Not Found' } }, /the server lists none/],
  ])('where %s stands for the list of models says so', async (_, models, cause) => {
    const server = await TestServer.start(undefined, async () => models)
    onTestFinished(() => server.close())
    const run = await workshop(await temporaryFolder(), at(server))
    expect(run).toMatchObject({ code: 2, err: expect.stringMatching(cause) })
    expect(run.err).not.toContain('--model ?')
  })

  it('with several has them listed', async () => {
    const server = await serve(undefined, ['one', 'two'])
    const run = await workshop(await temporaryFolder(), at(server))
    expect(run).toMatchObject({ code: 2, out: '' })
    expect(run.err).toContain('the server lists one, two')
  })

  it('may be that of the chat itself', async () => {
    const server = await serve()
    const whole = ['--base-url', `${server.url}/chat/completions`, '--model', 'm', '--num-instructions', '2']
    expect(await workshop(await temporaryFolder(), whole)).toMatchObject({ code: 0, err: '' })
  })

  it('is called near, far or OpenAI’s by its host', async () => {
    const { chooseProvider } = await import('../steps/model/provider.ts')
    const { readSettings } = await import('../steps/workspace/settings.ts')
    const providerAt = (address: string) =>
      chooseProvider(
        readSettings(['--provider', 'openai', '--base-url', address, '--model', 'm', '--timeout', '7'], {}),
        { OPENAI_API_KEY: 'sk-test', HTTP_PROXY: 'http://p:1' },
        new Map(),
      )
    for (const host of [
      'localhost',
      '127.0.0.1',
      '10.1.2.3',
      '172.16.0.1',
      '172.31.0.1',
      '192.168.1.5',
      'mac.local',
      'gpu-box',
      'host.docker.internal',
      'nas.lan',
    ])
      expect(providerAt(`http://${host}:8080/v1`)).toMatchObject({
        name: 'compatible',
        local: true,
        silence: 7000,
      })
    for (const host of ['172.15.0.1', '172.32.0.1', '193.168.1.5', '100.1.1.1', 'localhost.example.com'])
      expect(providerAt(`http://${host}/v1`)).toMatchObject({ local: false, proxied: 'HTTP_PROXY' })
    for (const tail of ['/', '//', '/chat', '/chat/completions/', '/completions', '/models', '/responses'])
      expect(providerAt(`http://h/v1${tail}`).baseUrl.replace(/\/$/, '')).toBe('http://h/v1')
    expect(providerAt('http://h/api/v4/models').baseUrl).toBe('http://h/api/v4')
    expect(providerAt('http://h/models/v1').baseUrl).toBe('http://h/models/v1')
    expect(providerAt('https://eu.api.openai.com/v1')).toMatchObject({ name: 'openai' })
    expect(providerAt('https://openai.com.example.org/v1')).toMatchObject({
      name: 'compatible',
      key: undefined,
    })
  })
})

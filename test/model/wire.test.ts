// One attempt over a real wire: what each answer of a server means.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Problem, Provider } from '../../steps/model/call.ts'
import { known } from '../../steps/model/provider.ts'
import { openWire } from '../../steps/model/wire.ts'
import { fatal, passing, silence, stalledBody, useless, verdicts } from '../support/faults.ts'
import { type Odd, TestServer } from '../support/server.ts'

const question = {
  messages: [{ role: 'user' as const, content: '1. Name a river.' }],
  schema: 'instances' as const,
  temperature: 0,
  maxTokens: 64,
  sample: 0,
}
const key = 'sk-test-0123456789abcdef'
const plain: Omit<Provider, 'baseUrl'> = {
  ...known.openai,
  name: 'openai',
  model: 'gpt-6-luna',
  key,
  keyFrom: 'OPENAI_API_KEY',
  extra: {},
  local: true,
  proxied: '',
  replayOf: undefined,
}

let server: TestServer
let answer: Odd | undefined
beforeAll(async () => {
  server = await TestServer.start(() => answer)
})
afterAll(() => server.close())

/** What comes of one question when the server answers like this: a reply or a problem. */
async function ask(odd: Odd | undefined, provider: Partial<Provider> = {}, silence = 60_000) {
  answer = odd
  const wire = await openWire({ ...plain, baseUrl: server.url, silence, ...provider })
  return wire(question, new AbortController().signal).catch((problem: Problem) => problem)
}
const kinds = (faults: Record<string, Odd>): [string, Odd][] => Object.entries(faults)

describe('an answer', () => {
  it.each(kinds(passing))('that will pass is worth another attempt: %s', async (name, odd) => {
    expect(await ask(odd)).toMatchObject({ kind: name.startsWith('429') ? 'slow' : 'again' })
  })

  it.each(kinds(fatal))('that no request will change ends the run: %s', async (_, odd) => {
    const problem = await ask(odd)
    expect(problem).toMatchObject({ kind: 'fatal' })
    expect(JSON.stringify(problem)).not.toMatch(/sk-te\*/)
  })

  it.each(kinds({ ...useless, 'a refusal': verdicts['a refusal'] ?? silence }))(
    'that says nothing of use is a reply all the same: %s',
    async (_, odd) => {
      expect(await ask(odd)).toMatchObject({ usage: { prompt_tokens: 100 } })
    },
  )

  it.each([
    ['a status of 400', verdicts['a content filter at 400'], { kind: 'filter' }],
    ['a finish_reason', verdicts['a content filter as finish_reason'], { finish_reason: 'content_filter' }],
    [
      'an error body of the provider’s own',
      {
        status: 400,
        body: { code: 'DataInspectionFailed', message: 'Output data may contain inappropriate content.' },
      },
      { kind: 'filter' },
    ],
  ])('of a content filter is told by %s', async (_, odd, expected) => {
    expect(await ask(odd)).toMatchObject(expected)
  })
})

describe('a 429', () => {
  const after = (headers: Record<string, string>): Odd => ({ status: 429, body: '', headers })
  it.each([
    ['seconds', { 'retry-after': '7' }, 7000, 7000],
    ['a date', { 'retry-after': new Date(Date.now() + 3_600_000).toUTCString() }, 1, 3_600_000],
    ['milliseconds', { 'retry-after-ms': '1500' }, 1500, 1500],
  ])('may say in %s when to come back', async (_, headers, least, most) => {
    const { retryAfter = 0 } = (await ask(after(headers))) as Problem
    expect(retryAfter).toBeGreaterThanOrEqual(least)
    expect(retryAfter).toBeLessThanOrEqual(most)
  })

  it.each([
    ['a date gone by', { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' }],
    ['nonsense', { 'retry-after': 'soon' }],
  ])('that says %s says nothing', async (_, headers) => {
    expect(await ask(after(headers))).not.toHaveProperty('retryAfter')
  })

  it.each([
    ['is out of money', 'openai', {}, 'fatal'],
    ['waits a minute', 'dashscope', {}, 'slow'],
  ] as const)('with insufficient_quota: %s at %s', async (_, name, more, kind) => {
    expect(await ask(fatal.insufficient_quota, { ...known[name], name, ...more })).toMatchObject({ kind })
  })
})

describe('an error', () => {
  it.each([
    ['401', fatal['401'], /OPENAI_API_KEY/],
    ['402', fatal['402'], /out of credit: top it up/],
    ['403', fatal['403'], /OPENAI_API_KEY/],
    ['404', fatal['404'], /--model gpt-6-luna/],
    ['no money', fatal.insufficient_quota, /out of credit: top it up/],
    [
      'no good standing',
      { status: 400, body: { error: { code: 'Arrearage', message: 'Access denied.' } } },
      /out of credit/,
    ],
  ])('says what to do: %s', async (_, odd, cure) => {
    expect(((await ask(odd)) as Problem).words.en).toMatch(cure)
  })

  it('of a region is named where keys belong to regions', async () => {
    expect(
      ((await ask(fatal['401'], { ...known.dashscope, name: 'dashscope' })) as Problem).words.zh,
    ).toContain('DASHSCOPE_BASE_URL')
  })

  it('about a prompt that is too long changes nothing for other requests', async () => {
    const message =
      "'max_completion_tokens' is too large: this model's maximum context length is 4096 tokens."
    const odd = { status: 400, body: { error: { message, code: 'context_length_exceeded' } } }
    const asked = server.received.length
    expect(await ask(odd)).toMatchObject({ kind: 'request' })
    expect(server.received).toHaveLength(asked + 1)
  })

  it('that only the server’s own field explains is heard', async () => {
    const problem = await ask({ status: 422, body: { detail: 'messages: too many' } })
    expect((problem as Problem).words.en).toContain('messages: too many')
  })
})

describe('time', () => {
  it.each([
    ['the server says nothing', silence],
    ['the body stalls', stalledBody],
  ])('runs out when %s', async (_, odd) => {
    expect(await ask(odd, {}, 30)).toMatchObject({
      kind: 'again',
      connection: true,
      words: { en: expect.stringContaining('no whole reply within 0.03 s') },
    })
  })

  it('is over at once for a run that is interrupted', async () => {
    const leave = new AbortController()
    answer = () => leave.abort()
    const wire = await openWire({ ...plain, baseUrl: server.url })
    await expect(wire(question, leave.signal)).rejects.toMatchObject({ kind: 'stopped' })
  })
})

it('nobody there is a connection that failed, with the address', async () => {
  expect(await ask(undefined, { baseUrl: 'http://127.0.0.1:9/v1' })).toMatchObject({
    kind: 'again',
    connection: true,
    words: { en: expect.stringContaining('http://127.0.0.1:9/v1') },
  })
})

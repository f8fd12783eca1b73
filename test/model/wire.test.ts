// One attempt over a real wire: what each answer of a server means.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Problem, Provider } from '../../steps/model/call.ts'
import { known } from '../../steps/model/provider.ts'
import { openWire } from '../../steps/model/wire.ts'
import { fatal, pages, passing, silence, stalledBody, useless, verdicts } from '../support/faults.ts'
import { questionOf } from '../support/model.ts'
import { type Odd, TestServer } from '../support/server.ts'

const question = questionOf('1. Name a river.')
const key = 'sk-test-0123456789abcdef'
const answerText = '{"instances":[{"input":"","output":"The Elbe."}]}'
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
async function ask(odd: Odd | undefined, provider: Partial<Provider> = {}) {
  answer = odd
  const wire = await openWire({ ...plain, baseUrl: server.url, ...provider })
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
    ['a date', { 'retry-after': new Date(Date.now() + 240_000).toUTCString() }, 1, 240_000],
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
    ['403', { status: 403, body: { error: { message: 'Forbidden' } } }, /OPENAI_API_KEY/],
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
    expect(await ask(odd, { silence: 30 })).toMatchObject({
      kind: 'again',
      connection: true,
      words: { en: expect.stringContaining('no byte for 0.03 s') },
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

/** A 200 with one choice. */
const choice = (message: object, finish_reason: string | null = 'stop', more: object = {}): Odd => ({
  status: 200,
  body: {
    choices: [{ index: 0, message, finish_reason, ...more }],
    usage: { prompt_tokens: 100, completion_tokens: 20 },
  },
})
const raw =
  (text: string, type?: string): Odd =>
  (response) => {
    response.writeHead(200, type === undefined ? {} : { 'content-type': type })
    response.end(text)
  }
const whole = JSON.stringify({ choices: [{ message: { content: answerText }, finish_reason: 'stop' }] })
const delta = (part: object, finish_reason: string | null = null): string =>
  `data: ${JSON.stringify({ choices: [{ delta: part, finish_reason }] })}\n\n`
const halves = [answerText.slice(0, 20), answerText.slice(20)]

describe('a reply is seen', () => {
  it.each<[string, Odd]>([
    [
      'in a list of parts',
      choice({
        content: [
          { type: 'thinking', thinking: 'no' },
          { type: 'text', text: answerText },
        ],
      }),
    ],
    ['in reasoning_content', choice({ content: null, reasoning_content: answerText })],
    ['in reasoning', choice({ content: '', reasoning: answerText }, null)],
    [
      'in the arguments of a tool',
      choice(
        { content: null, tool_calls: [{ function: { name: 'x', arguments: answerText } }] },
        'tool_calls',
      ),
    ],
    ['under text/plain', raw(whole, 'text/plain; charset=utf-8')],
    ['under no content type', raw(whole)],
    ['behind comments and blanks', raw(`: PROCESSING\n\n\n${whole}`, 'application/json')],
    ['behind a byte order mark', raw(`\ufeff${whole}`, 'application/json')],
    [
      'as events nobody asked for',
      raw(
        `: hello\n\n${halves.map((content) => delta({ content })).join('')}${delta({}, 'stop')}data: [DONE]\n\n`,
        'text/event-stream',
      ),
    ],
    ['where text stands without a message', { status: 200, body: { choices: [{ text: answerText }] } }],
    ['whole, whatever is said of its end', choice({ content: answerText }, 'abort')],
    [
      'whole, beside an error',
      choice({ content: answerText }, 'error', { error: { message: 'provider gone', code: 502 } }),
    ],
  ])('%s', async (_, odd) => {
    const reply = await ask(odd)
    expect(reply).toMatchObject({ reply: answerText })
    expect(reply).not.toMatchObject({ finish_reason: 'length' })
  })

  it('as thoughts where it is not the answer', async () => {
    const thoughts = choice({ content: '', reasoning_content: 'Let me see: 1. a river' })
    expect(await ask(thoughts)).toMatchObject({ reply: '<think>\nLet me see: 1. a river\n</think>\n' })
  })

  it('with thoughts that stand only in the total', async () => {
    const usage = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 620 }
    const odd = { status: 200, body: { choices: [{ message: { content: answerText } }], usage } }
    expect(await ask(odd)).toMatchObject({ usage: { completion_tokens: 520 } })
  })
})

describe('the end of a reply', () => {
  const half = answerText.slice(0, 30)
  it.each(['stop', 'EOS', 'eos_token', 'end_turn', 'stop_sequence', 'COMPLETE', '', null])(
    'is normal: %s',
    async (reason) => {
      expect(await ask(choice({ content: half }, reason))).toMatchObject({ finish_reason: reason ?? '' })
    },
  )

  it.each(['max_tokens', 'MAX_TOKENS', 'insufficient_system_resource', 'abort', 'model_length'])(
    'is a cut: %s',
    async (reason) => {
      expect(await ask(choice({ content: half }, reason))).toMatchObject({ finish_reason: 'length' })
    },
  )

  it.each(['sensitive', 'SAFETY', 'content_filter: RECITATION', 'content_filtered'])(
    'is a verdict, whole or not: %s',
    async (reason) => {
      expect(await ask(choice({ content: answerText }, reason))).toMatchObject({
        finish_reason: 'content_filter',
      })
    },
  )

  it('may be an error of its own', async () => {
    const failed = choice({ content: half }, 'error', { error: { message: 'provider gone', code: 502 } })
    expect(await ask(failed)).toMatchObject({ kind: 'again' })
  })
})

describe('what a server says is understood', () => {
  const said = (status: number, error: unknown, more: object = {}): Odd => ({
    status,
    body: { error, ...more },
  })
  it.each<[string, Odd, object]>([
    [
      'no money at 429, in Chinese',
      said(429, { code: '1113', message: '余额不足或无可用资源包,请充值。' }),
      { kind: 'fatal' },
    ],
    ['no money at 403', said(403, { type: 'exceeded_current_quota_error', message: 'x' }), { kind: 'fatal' }],
    [
      'no money with a bare code',
      { status: 403, body: { code: 30001, message: 'Sorry' } },
      { kind: 'fatal' },
    ],
    ['a 402 inside a 200', said(200, { code: 402, message: 'Insufficient credits' }), { kind: 'fatal' }],
    [
      'a 402 that asks to wait',
      { status: 402, body: {}, headers: { 'retry-after': '3' } },
      { kind: 'slow', retryAfter: 3000 },
    ],
    [
      'a daily quota',
      said(429, { message: 'Rate limit reached on tokens per day (TPD)' }),
      { kind: 'fatal' },
    ],
    ['a long wait', { status: 429, body: '', headers: { 'retry-after': '925' } }, { kind: 'fatal' }],
    [
      'a wait in words',
      said(429, { message: 'Please try again in 1m2.5s.' }),
      { kind: 'slow', retryAfter: 62_500 },
    ],
    ['a model that loads', said(503, { message: 'Loading model' }), { kind: 'loading' }],
    [
      'a sample that failed',
      said(400, { code: 'json_validate_failed', message: 'Failed to generate JSON.' }),
      { kind: 'sample' },
    ],
    [
      'a verdict at 403',
      { status: 403, body: { code: 'denied', error: 'Content violates usage guidelines.' } },
      { kind: 'filter' },
    ],
    [
      'a verdict at 403 of OpenRouter',
      said(403, { message: 'x requires moderation on OpenRouter.' }),
      { kind: 'filter' },
    ],
    ['a verdict of DeepSeek', said(400, { message: 'Content Exists Risk' }), { kind: 'filter' }],
    ['a verdict of Zhipu', said(400, { code: '1301', message: 'x' }), { kind: 'filter' }],
    [
      'a verdict wrapped at 500',
      said(500, { message: 'upstream: <400> DataInspectionFailed' }),
      { kind: 'filter' },
    ],
    ['a verdict at 200', said(200, { code: 'data_inspection_failed', message: 'x' }), { kind: 'filter' }],
    ['no choices', { status: 200, body: { choices: [] } }, { kind: 'filter', unsure: true }],
    [
      'a limit by the minute, at Gemini',
      {
        status: 429,
        body: [
          {
            error: {
              code: 429,
              message: 'You exceeded your current quota, please check your plan. Please retry in 34.5s.',
              status: 'RESOURCE_EXHAUSTED',
            },
          },
        ],
      },
      { kind: 'slow', retryAfter: 34_500 },
    ],
    [
      'a limit by the day, at Gemini',
      said(429, {
        message: 'You exceeded your current quota. Please retry in 34.5s.',
        details: [{ violations: [{ quotaId: 'GenerateRequestsPerDayPerProjectPerModel-FreeTier' }] }],
      }),
      { kind: 'fatal' },
    ],
    [
      'no channel for a model, at one-api',
      said(503, { message: '当前分组 default 下对于模型 m 无可用渠道', type: 'new_api_error' }),
      { kind: 'fatal' },
    ],
    [
      'a model nobody offers, at Hugging Face',
      said(400, {
        message: 'The requested model is not supported by any provider',
        code: 'model_not_supported',
      }),
      { kind: 'fatal' },
    ],
    ['no such model, at DeepSeek', said(400, { message: 'Model Not Exist' }), { kind: 'fatal' }],
    [
      'a proxy by LiteLLM whose model is gone',
      said(500, { message: 'litellm.InternalServerError: OpenAIException - Connection error.', code: '500' }),
      { kind: 'again', behind: true },
    ],
    [
      'a gateway with nobody behind it',
      { status: 503, body: 'no healthy upstream' },
      { kind: 'again', behind: true },
    ],
    ['a router without workers', said(503, { message: 'No available workers' }), { behind: true }],
    [
      'a model that crashed, at LM Studio',
      {
        status: 400,
        body: { error: 'The model has crashed without additional information. (Exit code: 1)' },
      },
      { kind: 'again' },
    ],
    [
      'a model put away, at LM Studio',
      { status: 400, body: { error: 'Model unloaded.' } },
      { kind: 'again' },
    ],
    [
      'a model that crashed, at Ollama',
      said(500, { message: 'llama runner process has terminated: exit status 2', type: 'api_error' }),
      { kind: 'again' },
    ],
    [
      'a dead engine, at vLLM',
      said(500, { message: 'EngineCore encountered an issue.', type: 'InternalServerError' }),
      { kind: 'again' },
    ],
    [
      'a model too large, at Ollama',
      said(500, { message: 'model requires more system memory (5.6 GiB) than is available (3.1 GiB)' }),
      { kind: 'fatal' },
    ],
    [
      'a model too large, at LM Studio',
      { status: 400, body: { error: 'Model loading aborted due to insufficient system resources.' } },
      { kind: 'fatal' },
    ],
    [
      'no model, at LM Studio',
      said(404, { message: 'No models loaded. Please load a model.', code: 'model_not_found' }),
      { kind: 'fatal' },
    ],
    [
      'a fault while it wrote, at TGI',
      { status: 424, body: { error: 'Request failed during generation', error_type: 'generation' } },
      { kind: 'again' },
    ],
    ['a full house, at TGI', { status: 429, body: { error: 'Model is overloaded' } }, { kind: 'slow' }],
    [
      'a prompt beyond the context, at TGI',
      {
        status: 422,
        body: { error: 'Input validation error: `inputs` must have less than 64 tokens. Given: 90' },
      },
      { kind: 'request' },
    ],
    [
      'a prompt beyond the context, at LM Studio',
      { status: 400, body: { error: 'Cannot truncate prompt with n_keep (90) >= n_ctx (64)' } },
      { kind: 'request' },
    ],
    [
      'a prompt beyond the context, at SGLang',
      said(400, { message: "The input (90 tokens) is longer than the model's context length (64 tokens)." }),
      { kind: 'request' },
    ],
  ])('%s', async (_, odd, expected) => {
    expect(await ask(odd)).toMatchObject(expected)
  })

  it.each<[string, Odd, Partial<Provider>, RegExp]>([
    [
      'a country',
      said(403, { message: 'Country, region, or territory not supported' }),
      {},
      /does not serve/,
    ],
    [
      'a country behind a proxy',
      said(403, { message: 'Country not supported' }),
      { proxied: 'ALL_PROXY', local: false },
      /ALL_PROXY/,
    ],
    ['a quota', said(403, { message: 'Quota of this project exceeded' }), {}, /which quota/],
    ['a model not bought', said(403, { code: 'AccessDenied.Unpurchased', message: 'denied' }), {}, /--model/],
  ])('a 403 about %s does not blame the key', async (_, odd, provider, cure) => {
    const problem = (await ask(odd, provider)) as Problem
    expect(problem.words.en).toMatch(cure)
    expect(problem.words.en).not.toMatch(/check the key/i)
  })

  it.each<[string, Odd]>([
    [
      'Gemini',
      { status: 400, body: [{ error: { code: 400, message: 'API key not valid. Pass a valid one.' } }] },
    ],
    ['xAI', { status: 400, body: { code: 'invalid argument', error: 'Incorrect API key provided: xa***.' } }],
    [
      'Baidu',
      { status: 200, body: { error_code: 110, error_msg: 'Access token invalid or no longer valid' } },
    ],
  ])('a key that is not taken, under another status, names the key: %s', async (_, odd) => {
    const problem = (await ask(odd)) as Problem
    expect(problem).toMatchObject({ kind: 'fatal' })
    expect(problem.words.en).toContain('Check the key in OPENAI_API_KEY')
  })

  it('a place that is not served, under 400, does not blame the key', async () => {
    const message = 'User location is not supported for the API use.'
    const problem = (await ask(said(400, { message }))) as Problem
    expect(problem).toMatchObject({ kind: 'fatal' })
    expect(problem.words.en).toContain('does not serve the country')
  })

  it.each([
    '/chat/completions: Invalid model name passed in model=small', // a proxy by LiteLLM
    'small is not a valid model ID', // OpenRouter
    '模型名称有误',
  ])('a 400 that says "%s" ends the run, with the option to change', async (message) => {
    const problem = (await ask(said(400, { message }))) as Problem
    expect(problem).toMatchObject({ kind: 'fatal' })
    expect(problem.words.en).toContain('--model')
  })

  it.each(kinds(pages))('%s is another address, after one request', async (_, odd) => {
    const asked = server.received.length
    const problem = (await ask(odd)) as Problem
    expect(problem).toMatchObject({ kind: 'fatal', words: { en: expect.stringContaining('lack /v1') } })
    expect(server.received).toHaveLength(asked + 1)
  })

  it('a page after a reply is a fault that passes', async () => {
    const wire = await openWire({ ...plain, baseUrl: server.url })
    answer = undefined
    await wire(question, new AbortController().signal)
    answer = pages['a page at 200']
    await expect(wire(question, new AbortController().signal)).rejects.toMatchObject({
      kind: 'again',
      words: { en: expect.stringContaining('in place of the server'), zh: expect.stringContaining('登录页') },
    })
  })

  it('a redirect is named and not followed', async () => {
    const odd = {
      status: 307,
      body: '',
      headers: { location: 'https://elsewhere.example/v1/chat/completions' },
    }
    const problem = (await ask(odd)) as Problem
    expect(problem).toMatchObject({ kind: 'fatal' })
    expect(problem.words.en).toContain('--base-url https://elsewhere.example/v1')
  })
})

describe('a request the server does not take', () => {
  type Sent = (typeof server.received)[number]['body']
  const refusal = (message: string, status = 400, more: object = {}): Odd => ({
    status,
    body: { error: { message, ...more } },
  })
  const hasSystem = ({ messages }: Sent): boolean => messages.some(({ role }) => role === 'system')
  const spoken = {
    ...question,
    messages: [{ role: 'system' as const, content: 'Be brief.' }, ...question.messages],
  }

  /** Asks two questions of a server that refuses what `wants` names; the bodies that were sent. */
  async function sent(
    refused: (body: Sent) => Odd | undefined,
    provider: Partial<Provider> = {},
    asking = spoken,
  ) {
    const particular = await TestServer.start(({ body }) => refused(body))
    try {
      const wire = await openWire({
        ...plain,
        ...known.compatible,
        name: 'compatible',
        ...provider,
        baseUrl: particular.url,
      })
      const { signal } = new AbortController()
      for (const sample of [0, 1]) expect(await wire({ ...asking, sample }, signal)).toHaveProperty('reply')
      return particular.received.map(({ body }) => body)
    } finally {
      await particular.close()
    }
  }

  it.each<[string, (body: Sent) => Odd | undefined, Partial<Provider>]>([
    [
      'JSON mode, by a code',
      (body) => (body.response_format ? refusal('Json mode is not supported for this model.') : undefined),
      {},
    ],
    [
      'JSON mode, by a place',
      (body) =>
        body.response_format
          ? {
              status: 422,
              body: { detail: [{ loc: ['body', 'response_format'], msg: 'Value error', input: body }] },
            }
          : undefined,
      {},
    ],
    [
      'JSON mode, by a grammar',
      (body) =>
        body.response_format
          ? refusal('failed to load model vocabulary required for format', 500)
          : undefined,
      {},
    ],
    [
      'JSON mode, wrapped',
      (body) =>
        body.response_format ? refusal('upstream: {"error":{"message":"不支持结构化输出"}}') : undefined,
      {},
    ],
    ['JSON mode, without a word', (body) => (body.response_format ? refusal('Bad Request') : undefined), {}],
    ['the system role', (body) => (hasSystem(body) ? refusal('System role not supported') : undefined), {}],
    [
      'the system role, at 500',
      (body) => (hasSystem(body) ? refusal('System role not supported', 500) : undefined),
      {},
    ],
    [
      'the system role, without a word',
      (body) => (hasSystem(body) ? refusal('invalid', 422) : undefined),
      {},
    ],
    [
      'thoughts',
      (body) =>
        body.enable_thinking === false
          ? undefined
          : refusal('parameter.enable_thinking必须设置为false才能进行非流式调用'),
      {},
    ],
    [
      'the switch of thoughts',
      (body) => ('enable_thinking' in body ? refusal('`enable_thinking` is not supported') : undefined),
      { extra: { enable_thinking: false } },
    ],
    [
      'reasoning_effort none',
      (body) => (body.reasoning_effort ? refusal('invalid reasoning value: "none"') : undefined),
      { extra: { reasoning_effort: 'none' } },
    ],
    [
      'its extras, without a word',
      (body) => (body.odd ? refusal('bad request', 415) : undefined),
      { extra: { odd: 1 } },
    ],
    [
      'what is not streamed',
      (body) => (body.stream ? undefined : refusal('This model only support stream mode')),
      {},
    ],
    [
      'a limit out of range',
      (body) => (Number(body.max_tokens) > 32 ? refusal('Range of max_tokens should be [1, 32]') : undefined),
      {},
    ],
    [
      'a temperature',
      (body) =>
        body.temperature === undefined ? undefined : refusal('invalid temperature: only 1 is allowed'),
      {},
    ],
  ])('is spelt otherwise, and stays so: %s', async (_, refused, provider) => {
    const bodies = await sent(refused, provider)
    const taken = bodies.filter((body) => refused(body) === undefined)
    expect(taken).toHaveLength(2)
    expect(bodies.slice(-2)).toEqual(taken)
    expect(bodies.length).toBeLessThanOrEqual(6)
  })

  it('says so with the text of the system in the first message of the user', async () => {
    const bodies = await sent((body) => (hasSystem(body) ? refusal('System role not supported') : undefined))
    expect(bodies.at(-1)?.messages).toEqual([{ role: 'user', content: 'Be brief.\n\n1. Name a river.' }])
  })

  const context = 1024
  it.each<[string, (prompt: number, asked: number) => string, number]>([
    [
      'vLLM',
      (prompt, asked) =>
        `This model's maximum context length is ${context} tokens. However, you requested ${prompt + asked} tokens (${prompt} in the messages, ${asked} in the completion).`,
      124,
    ],
    [
      'vLLM of 2026',
      (prompt, asked) =>
        `This model's maximum context length is ${context} tokens. However, your request has ${prompt} input tokens plus ${asked} 'max_tokens'. (parameter=input_tokens, max_tokens)`,
      124,
    ],
    [
      'vLLM, which counts no further than it must',
      (_, asked) =>
        `This model's maximum context length is ${context} tokens. However, you requested ${asked} output tokens and your prompt contains at least ${context - asked + 1} input tokens, for a total of at least ${context + 1} tokens.`,
      100,
    ],
    [
      'vLLM, of the limit first',
      (prompt, asked) =>
        `'max_tokens' or 'max_completion_tokens' is too large: ${asked}. This model's maximum context length is ${context} tokens and your request has ${prompt} input tokens (${asked} > ${context} - ${prompt}).`,
      124,
    ],
    [
      'SGLang',
      (prompt, asked) =>
        `Requested token count exceeds the model's maximum context length of ${context} tokens. You requested a total of ${prompt + asked} tokens: ${prompt} tokens from the input messages and ${asked} tokens for the completion.`,
      124,
    ],
    [
      'TGI',
      (prompt, asked) =>
        `Input validation error: \`inputs\` tokens + \`max_new_tokens\` must be <= ${context}. Given: ${prompt} \`inputs\` tokens and ${asked} \`max_new_tokens\``,
      124,
    ],
  ])('for want of room is sent with what is left, and no other with it: %s', async (_, said, room) => {
    const long = {
      ...question,
      maxTokens: 400,
      messages: [{ role: 'user' as const, content: '1. A long one.' }],
    }
    const isTooLong = ({ messages, max_tokens: asked = 0 }: Sent): boolean =>
      JSON.stringify(messages).includes('long') && 900 + asked > context
    const particular = await TestServer.start(({ body }) =>
      isTooLong(body) ? refusal(said(900, body.max_tokens ?? 0)) : undefined,
    )
    try {
      const wire = await openWire({
        ...plain,
        ...known.compatible,
        name: 'compatible',
        baseUrl: particular.url,
      })
      const { signal } = new AbortController()
      expect(await wire(long, signal)).toHaveProperty('reply')
      expect(particular.received.at(-1)?.body.max_tokens).toBe(room)
      expect(particular.received.length).toBeLessThanOrEqual(3)
      await wire({ ...question, maxTokens: 400 }, signal)
      expect(particular.received.at(-1)?.body.max_tokens).toBe(400)
    } finally {
      await particular.close()
    }
  })

  it('says nothing new after a success: then it is the request', async () => {
    let broken = false
    const particular = await TestServer.start(() => (broken ? refusal('Bad Request') : undefined))
    try {
      const wire = await openWire({ ...plain, baseUrl: particular.url })
      const { signal } = new AbortController()
      await wire(question, signal)
      broken = true
      await expect(wire(question, signal)).rejects.toMatchObject({ kind: 'request' })
      expect(particular.received).toHaveLength(2)
    } finally {
      await particular.close()
    }
  })

  it('carries the fields somebody asked for, as they are', async () => {
    const params = { top_k: 20, chat_template_kwargs: { enable_thinking: false } }
    const [body] = await sent(() => undefined, { params })
    expect(body).toMatchObject({ ...params, stream: false })
  })
})

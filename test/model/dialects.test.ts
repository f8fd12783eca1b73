// What servers and gateways say in a form of their own: the same meanings, the same replies, whatever they are called.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Message, Problem, Provider } from '../../steps/model/call.ts'
import { known } from '../../steps/model/provider.ts'
import { openWire } from '../../steps/model/wire.ts'
import { questionOf } from '../support/model.ts'
import { type Answering, type Odd, TestServer } from '../support/server.ts'

const question = questionOf('1. Name a river.')
const answerText = '{"instances":[{"input":"","output":"The Elbe."}]}'
const half = answerText.slice(0, 30)

let server: TestServer
let answering: Answering = () => undefined
beforeAll(async () => {
  server = await TestServer.start((received, count) => answering(received, count))
})
afterAll(() => server.close())

/** What comes of one question when a compatible server answers like this. */
const told = (odd: Odd): Promise<object> => ask(() => odd)

async function ask(how: Answering, messages: readonly Message[] = question.messages): Promise<object> {
  answering = how
  const provider: Provider = {
    ...known.compatible,
    name: 'compatible',
    model: 'small',
    baseUrl: server.url,
    key: 'sk-test-0123456789abcdef',
    keyFrom: 'LLM_API_KEY',
    proxied: '',
    replayOf: undefined,
  }
  const wire = await openWire(provider)
  return wire({ ...question, messages: [...messages] }, new AbortController().signal).catch(
    (problem: Problem) => problem,
  )
}

const body = (status: number, content: unknown, headers: Record<string, string> = {}): Odd => ({
  status,
  body: content,
  headers,
})
const said = (status: number, message: string, more: object = {}): Odd =>
  body(status, { error: { message, ...more } })
const minimax = (status_code: number, status_msg: string): Odd =>
  body(200, { choices: null, base_resp: { status_code, status_msg } })
const tencent = (Code: string, Message: string): Odd =>
  body(200, { Response: { Error: { Code, Message }, RequestId: 'r' } })

const noMoney = /out of credit: top it up/
const used = /quota is used up: see in the provider's console/
const today = /quota of the day/
const badKey = /Check the key in LLM_API_KEY/
const model = /--model small/
const account = /Has this account the use of small/
const stopped = /The model stopped at the server/

describe('an end is told, with its cure, in both languages', () => {
  it.each<[string, Odd, RegExp]>([
    ['no money at MiniMax', minimax(1008, 'insufficient balance'), noMoney],
    [
      'no money beside empty choices',
      body(200, { choices: [], base_resp: { status_msg: 'insufficient balance' } }),
      noMoney,
    ],
    ['no money at Tencent', tencent('FailedOperation.ResourcePackExhausted', '资源包余量已用尽'), noMoney],
    ['no money at Hunyuan', said(400, 'not enough quota', { code: '2004' }), noMoney],
    ['no money at Fireworks', said(412, 'Account x is suspended, failure to pay past invoices'), noMoney],
    ['no money at xAI', body(429, { code: 'exhausted', error: 'used all available credits' }), noMoney],
    ['no money at new-api', said(403, '预扣费额度失败, 用户剩余额度: 0'), noMoney],
    ['no money at one-api', said(403, 'user quota is not enough'), noMoney],
    ['a trial at Volcengine', said(429, 'Your account has exhausted its free trial quota'), noMoney],
    ['a plan at Zhipu', said(429, '您的GLM Coding Plan套餐已到期', { code: '1309' }), noMoney],
    ['five hours at Zhipu', said(429, '已达到 5 小时的使用上限。您的限额将在 07:41 重置。'), used],
    ['a month at Cohere', body(429, { message: 'limited to 1000 API calls / month' }), used],
    [
      'a limit of one’s own at Anthropic',
      said(400, 'You have reached your specified API usage limits.'),
      used,
    ],
    [
      'a limit of one’s own at Volcengine',
      said(429, 'has reached the set inference limit for the model'),
      used,
    ],
    ['a week at Ollama', body(429, { error: 'you have reached your weekly usage limit' }), used],
    ['a budget at LiteLLM', said(400, 'Budget has been exceeded! Current cost: 10.1'), used],
    ['a plan at MiniMax', minimax(2056, 'usage limit exceeded'), used],
    [
      'a day at Baidu',
      body(200, { error_code: 17, error_msg: 'Open api daily request limit reached' }),
      today,
    ],
    ['a key at MiniMax', minimax(2049, 'invalid api key'), badKey],
    ['a key at LiteLLM', said(400, 'No connected db.', { type: 'no_db_connection' }), badKey],
    [
      'no key at MiniMax',
      minimax(1004, "login fail: Please carry the key in the 'Authorization' field"),
      badKey,
    ],
    ['a key at Tencent', tencent('AuthFailure.SignatureFailure', 'could not be validated'), badKey],
    ['a key at Gemini', said(400, 'Missing or invalid Authorization header.'), badKey],
    [
      'a key at Cloudflare',
      body(400, { errors: [{ code: 10000, message: 'Authentication error' }] }),
      badKey,
    ],
    ['a model at Tencent', tencent('InvalidParameterValue.Model', '模型不存在'), model],
    ['a model at MiniMax', minimax(2013, 'invalid params, unknown model'), model],
    ['a model at Xinference', body(500, { detail: 'Model not found, uid: small' }), model],
    ['a model at Moonshot', said(400, 'Not found the model small or Permission denied'), model],
    ['a model put out of service', said(400, 'The model `small` has been decommissioned'), model],
    ['a model at its end', body(410, { title: 'Gone', detail: 'reached its end of life' }), model],
    ['a model at Together', said(400, 'Unable to access non-serverless model small.'), model],
    ['a model at Hunyuan', said(400, 'model small 不存在'), model],
    ['a model that does not chat', said(400, '"small" does not support chat'), model],
    ['a model to switch on', said(404, 'Your account has not activated the model small.'), account],
    ['a model of another plan', said(429, '当前订阅套餐暂未开放此模型权限', { code: '1311' }), account],
    ['a model not for this token', said(403, '该令牌无权使用模型：small'), account],
    [
      'a guardrail of one’s own at OpenRouter',
      said(404, 'No endpoints available matching your guardrail restrictions and data policy.'),
      /setting of your account/,
    ],
    [
      'a setting at OpenRouter',
      said(404, 'No endpoints found matching your data policy'),
      /setting of your account/,
    ],
    [
      'a version at Azure',
      said(400, 'The api-version query parameter is required'),
      /openai\/v1.*deployment/,
    ],
    [
      'a country under 400',
      said(400, 'Free tier is not available in your country.'),
      /does not serve the country/,
    ],
    ['a country under 451', body(451, ''), /does not serve the country/],
    [
      'a challenge',
      body(403, '<html><title>Just a moment...</title></html>'),
      /403 Just a moment\.\.\. The prov/,
    ],
    ['a proxy that wants a name', body(407, '<html>Proxy Authentication Required</html>'), /wants a sign-in/],
    ['a page where nothing is taken', body(405, '<html>405 Not Allowed</html>'), /lack \/v1/],
    ['a path nobody knows', body(404, '<pre>Cannot POST /chat/completions</pre>'), /lack \/v1/],
    ['a redirect to a sign-in', body(302, '', { location: 'https://login.example/in' }), /wants a sign-in/],
  ])('%s', async (_, odd, cure) => {
    const asked = server.received.length
    expect(await told(odd)).toMatchObject({
      kind: 'fatal',
      words: { en: expect.stringMatching(cure), zh: expect.stringMatching(/[\u4e00-\u9fff]。?/) },
    })
    expect(server.received).toHaveLength(asked + 1)
  })

  it('without advice that cannot be right', async () => {
    const problem = (await told(body(302, '', { location: 'https://login.example/in' }))) as Problem
    expect(problem.words.en).not.toContain('--base-url')
    expect(problem.words.zh).toContain('要求登录')
  })
})

it('a field of the chat template that a model does not know is no matter of its name', async () => {
  const problem = await told(said(400, 'This model does not support chat_template_kwargs'))
  expect(problem).not.toMatchObject({ kind: 'fatal' })
})

describe('a verdict on the text costs the row', () => {
  it.each<[string, Odd]>([
    ['MiniMax', minimax(1026, 'input new_sensitive')],
    ['Tencent', body(200, { ErrorMsg: { Msg: '内容审核不通过', Code: 2003 } })],
    ['Hunyuan', said(400, '您的输入存在违规，请重新输入')],
    ['Hunyuan, in other words', said(400, '输入内容违反安全规范')],
    ['Baidu', said(400, 'Input content contains illegal information', { code: 'content_illegal' })],
    ['Spark', body(200, { code: 10019, message: '本次会话内容有涉政、色情等不当内容的可能' })],
    ['StepFun', body(451, { error: { message: 'The content is blocked.', type: 'censorship_blocked' } })],
    ['SiliconFlow', body(403, { code: 20012, message: 'Request blocked: potentially unsafe content' })],
    ['OpenAI', said(400, 'Your request was rejected as a result of our safety system.')],
    ['LiteLLM', said(400, "{'error': 'Violated guardrail policy'}")],
    ['a moderation', said(400, 'This request was blocked by content moderation')],
    ['Gemini', body(200, { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' } })],
  ])('%s', async (_, odd) => {
    expect(await told(odd)).toMatchObject({ kind: 'filter' })
  })

  it.each(['guardrail_intervened', 'ERROR_TOXIC', 'risk_control'])('as the end %s', async (finish_reason) => {
    const odd = body(200, { choices: [{ message: { content: answerText }, finish_reason }] })
    expect(await told(odd)).toMatchObject({ finish_reason: 'content_filter' })
  })

  it('also without a message', async () => {
    const odd = body(200, { choices: [{ index: 0, finish_reason: 'content_filter' }] })
    expect(await told(odd)).toMatchObject({ reply: null, finish_reason: 'content_filter' })
  })
})

describe('what may pass is waited for', () => {
  it.each<[string, Odd, object]>([
    ['a rate at MiniMax', minimax(1002, 'rate limit exceeded(RPM)'), { kind: 'slow' }],
    ['a rate at Tencent', tencent('LimitExceeded', '请求限频，请稍后重试'), { kind: 'slow' }],
    [
      'a rate at Baidu',
      body(200, { error_code: 18, error_msg: 'Open api qps request limit reached' }),
      { kind: 'slow' },
    ],
    [
      'a full house at Anthropic',
      body(529, { error: { type: 'overloaded_error', message: 'x' } }),
      { kind: 'slow' },
    ],
    [
      'usage limits that pass',
      body(429, { message: 'You have exceeded your usage limits. Try again later' }),
      { kind: 'slow' },
    ],
    ['a server behind Cloudflare', body(521, 'error code: 521'), { kind: 'again', behind: true }],
    ['a tunnel without its end', body(404, 'x is offline. ERR_NGROK_3200'), { kind: 'again', behind: true }],
    ['a gateway that hung up', body(499, ''), { kind: 'again' }],
    ['too early', body(425, 'Too Early'), { kind: 'again' }],
    [
      'no memory',
      said(500, 'CUDA out of memory.'),
      { kind: 'again', words: { en: expect.stringMatching(stopped) } },
    ],
    [
      'a model that did not start',
      body(502, 'upstream command exited prematurely'),
      { words: { en: expect.stringMatching(stopped) } },
    ],
    [
      'a usage limit that says when it ends',
      body(429, { message: 'Token usage limit exceeded.' }, { 'retry-after': '20' }),
      { kind: 'slow', retryAfter: 20_000 },
    ],
    [
      'seconds with their unit',
      body(429, '', { 'retry-after': '60s' }),
      { kind: 'slow', retryAfter: 60_000 },
    ],
    [
      'Gemini’s delay',
      body(429, [{ error: { message: 'x', details: [{ retryDelay: '34s' }] } }]),
      { retryAfter: 34_000 },
    ],
    ['a field of seconds', body(429, { message: 'x', retry_after: 7 }), { retryAfter: 7000 }],
  ])('%s', async (_, odd, expected) => {
    expect(await told(odd)).toMatchObject(expected)
  })

  it.each([
    'The input token count (9000) exceeds the maximum number of tokens allowed (1024).', // Gemini
    'length of prompt_tokens (9000) must be less than max_seq_len (1024).', // SiliconFlow
    'Total tokens of image and text exceed max message tokens.', // Volcengine
    'Invalid request: Your request exceeded model token limit: 8192', // Moonshot
    'the max input characters is 11200', // Baidu
    'Prompt 超长', // Zhipu
    '输入tokens超过最大限制', // Hunyuan
  ])('but a prompt that is too long is one request’s, and changes no other: %s', async (message) => {
    const asked = server.received.length
    const problem = await told(said(400, message))
    expect(problem).toMatchObject({ kind: 'request', words: { en: expect.stringContaining('context') } })
    expect(server.received).toHaveLength(asked + 1)
  })
})

describe('a spelling that is refused in a form of its own is changed', () => {
  type Sent = (typeof server.received)[number]['body']
  const mustBe = minimax(2013, 'invalid params, temperature must be in (0,1]')
  const tooMany = said(400, '`max_tokens` must be less than or equal to `40`, less than the `context_window`')
  const ofPython = body(500, { detail: "got an unexpected keyword argument 'response_format'" })

  it.each<[string, (sent: Sent) => unknown, Odd]>([
    ['at 200', ({ temperature }) => temperature === 0, mustBe],
    ['a limit in quotation marks', ({ max_tokens: most = 0 }) => most > 40, tooMany],
    ['as a fault of Python', ({ response_format: format }) => format, ofPython],
    ['as not implemented', ({ response_format: format }) => format, said(501, 'not here')],
    ['as a demand', ({ stream }) => !stream, body(400, { detail: 'Stream must be set to true' })],
    [
      'a grammar, at 500',
      ({ response_format: format }) => format?.type === 'json_schema',
      said(500, 'failed to parse grammar'),
    ],
  ])('%s', async (_, isRefused, refusal) => {
    const taken: Sent[] = []
    const asked = server.received.length
    expect(await ask(({ body: sent }) => (isRefused(sent) ? refusal : void taken.push(sent)))).toHaveProperty(
      'reply',
    )
    expect(taken).toHaveLength(1)
    expect(server.received.length - asked).toBeLessThanOrEqual(3)
  })
})

describe('a system text that is refused stands with the user’s from then on, and the JSON format stays', () => {
  const loc = { loc: ['body', 'messages', 0, 'role'], msg: "Input should be 'user' or 'assistant'" }
  it.each<[string, Odd]>([
    ['at 400', said(400, 'Only user and assistant roles are supported!')],
    ['at 500', said(500, 'Only user and assistant roles are supported!')],
    ['by a place', body(422, { detail: [loc] })],
    ['of Python', said(500, 'jinja2.exceptions.TemplateError: Conversation roles must alternate')],
    ['by its order', said(400, 'First message must be from user')],
    ['in Chinese', said(400, 'messages[0].role 取值必须为 user')],
  ])('%s', async (_, refusal) => {
    const asked = server.received.length
    await ask(
      ({ body: { messages } }) => (messages.some(({ role }) => role === 'system') ? refusal : undefined),
      [{ role: 'system', content: 'Be brief.' }, ...question.messages],
    )
    expect(server.received).toHaveLength(asked + 2)
    expect(server.received.at(-1)?.body.response_format).toMatchObject({ type: 'json_schema' })
  })
})

const chat = (message: object, more: object = {}): Odd =>
  body(200, { choices: [{ index: 0, message, finish_reason: 'stop', ...more }] })
const lines = (...events: object[]): Odd => body(200, events.map((event) => JSON.stringify(event)).join('\n'))
const events = (...parts: object[]): Odd =>
  body(
    200,
    [...parts.map((part) => `data: ${JSON.stringify({ choices: [part] })}`), 'data: [DONE]'].join('\n\n'),
  )
const whole = { message: { role: 'assistant', content: answerText }, finish_reason: 'stop' }
const [begin, end] = [answerText.slice(0, 20), answerText.slice(20)]

describe('a reply is seen in the spelling of other dialects', () => {
  it.each<[string, Odd]>([
    ['content with parts', chat({ content: { parts: [{ text: answerText }] } })],
    ['content that is read as JSON', chat({ content: JSON.parse(answerText) as object })],
    ['a field of what is parsed', chat({ content: null, parsed: JSON.parse(answerText) as object })],
    ['a message that is a text', body(200, { choices: [{ message: answerText, finish_reason: 'stop' }] })],
    [
      'a delta that is not streamed',
      body(200, { choices: [{ delta: { content: answerText }, finish_reason: 'stop' }] }),
    ],
    ['the second of two choices', body(200, { choices: [{ message: { content: '' } }, whole] })],
    ['a tool’s input', chat({ content: [{ type: 'tool_use', input: JSON.parse(answerText) as object }] })],
    ['thinking', chat({ content: '', thinking: answerText })],
    [
      'reasoning_details',
      chat({ content: '', reasoning_details: [{ type: 'reasoning.text', text: answerText }] }),
    ],
    ['DashScope’s output', body(200, { output: { choices: [whole] }, request_id: 'r' })],
    ['DashScope’s output of text', body(200, { output: { text: answerText, finish_reason: 'stop' } })],
    [
      'Responses',
      body(200, {
        output: [
          { type: 'reasoning' },
          { type: 'message', content: [{ type: 'output_text', text: answerText }] },
        ],
      }),
    ],
    ['output_text', body(200, { output_text: answerText })],
    ['Ollama’s own', body(200, { message: { content: answerText }, done: true, done_reason: 'stop' })],
    [
      'Ollama’s own, in lines',
      lines(
        { message: { content: begin }, done: false },
        { message: { content: end }, done: true, done_reason: 'stop' },
      ),
    ],
    [
      'Anthropic’s own',
      body(200, { content: [{ type: 'text', text: answerText }], stop_reason: 'end_turn' }),
    ],
    [
      'Gemini’s own',
      body(200, {
        candidates: [
          { content: { parts: [{ text: 'hm', thought: true }, { text: answerText }] }, finishReason: 'STOP' },
        ],
      }),
    ],
    ['a gateway’s data', body(200, { code: 0, msg: 'success', data: { choices: [whole] } })],
    ['a gateway’s result', body(200, { result: { response: answerText }, success: true, errors: [] })],
    ['a list of one', body(200, [{ choices: [whole] }])],
    ['streamed text', events({ text: begin }, { text: end, finish_reason: 'stop' })],
    [
      'a stream that says all once more',
      events({ delta: { content: begin } }, { delta: { content: end } }, whole),
    ],
    [
      'a stream of two choices',
      events(
        { index: 1, delta: { content: 'no' } },
        { index: 0, delta: { content: answerText }, finish_reason: 'stop' },
      ),
    ],
  ])('%s', async (_, odd) => {
    const reply = await told(odd)
    expect(reply).toMatchObject({ reply: answerText })
    expect(reply).not.toMatchObject({ finish_reason: 'length' })
  })

  it.each<[string, Odd]>([
    [
      'an object',
      body(200, { choices: [{ message: { content: half }, finish_reason: { type: 'length' } }] }),
    ],
    ['another name', body(200, { choices: [{ message: { content: half }, finishReason: 'MAX_TOKENS' }] })],
    ['stop_reason', body(200, { content: [{ type: 'text', text: half }], stop_reason: 'max_tokens' })],
    ['done_reason', body(200, { message: { content: half }, done: true, done_reason: 'length' })],
  ])('a cut is told by %s', async (_, odd) => {
    expect(await told(odd)).toMatchObject({ reply: half, finish_reason: 'length' })
  })

  it('thoughts alone are no answer, whatever their field is called', async () => {
    expect(await told(chat({ content: '', thinking: 'Let me see' }))).toMatchObject({
      reply: '<think>\nLet me see\n</think>\n',
    })
  })

  it('a refusal may stand among the parts', async () => {
    expect(await told(chat({ content: [{ type: 'refusal', refusal: 'No.' }] }))).toMatchObject({
      refusal: 'No.',
    })
  })

  it.each<[string, object, object]>([
    [
      'input and output',
      { input_tokens: 10, output_tokens: 20 },
      { prompt_tokens: 10, completion_tokens: 20 },
    ],
    [
      'thoughts beside the rest',
      { prompt_tokens: 10, completion_tokens: 20, completion_tokens_details: { reasoning_tokens: 500 } },
      { completion_tokens: 520 },
    ],
    ['DeepSeek’s hits', { prompt_tokens: 100, prompt_cache_hit_tokens: 60 }, { cached_tokens: 60 }],
  ])('tokens are counted by %s', async (_, usage, expected) => {
    expect(await told(body(200, { choices: [whole], usage }))).toMatchObject({ usage: expected })
  })

  it.each<[string, Odd]>([
    ['a complaint', body(200, { code: 500, message: 'busy', result: 'WRECK' })],
    ['a complaint in detail', body(200, { detail: 'busy', result: 'WRECK' })],
    ['a failure', body(200, { success: false, result: 'WRECK' })],
    ['an error code', body(200, { error_code: 1, error_msg: 'busy', result: 'WRECK' })],
    ['a list of models', body(200, { object: 'list', data: [{ id: 'small', object: 'model' }] })],
  ])('and in %s there is none', async (_, odd) => {
    expect(await told(odd)).toMatchObject({ kind: 'again' })
  })
})

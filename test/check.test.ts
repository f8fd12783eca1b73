// `check`: each fault with its cure, before class.
import { copyFile, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { generationPrompt } from '../steps/generate.ts'
import { folderWithRun, temporaryFolder, workshop } from './support/command.ts'
import {
  type Answering,
  type Received,
  TestServer,
  completion,
  questionIn,
  rowsAsked,
} from './support/server.ts'

const secret = 'sk-test-0123456789abcdef'

async function serve(answering?: Answering): Promise<TestServer> {
  const server = await TestServer.start(answering)
  onTestFinished(() => server.close())
  return server
}

/** `check` on a data folder. */
const check = (folder: string, args: string[] = [], env: Record<string, string> = {}) =>
  workshop(folder, ['check', ...args], env)

/** `check` against a server that answers so, as one of the two providers. */
async function checkAgainst(answering: Answering | undefined, provider: 'OPENAI' | 'DASHSCOPE' = 'OPENAI') {
  const [server, folder] = [await serve(answering), await temporaryFolder()]
  const env = { [`${provider}_API_KEY`]: secret, [`${provider}_BASE_URL`]: server.url }
  return { ...(await check(folder, [], env)), server, folder }
}

const status =
  (code: number, message: string): Answering =>
  () => ({
    status: code,
    body: { error: { message, code: 'x', type: 'x' } },
  })

/** Step 1 answered by the tasks that were shown. */
function copyist({ body }: Received) {
  const shown = body.messages.findLast(({ role }) => role === 'assistant')?.content ?? ''
  return questionIn(body.messages).includes('"tasks"')
    ? { status: 200, body: completion(shown || 'x') }
    : undefined
}

describe('check with no key', () => {
  it('says that everything runs offline, and how to give a key', async () => {
    const parent = await temporaryFolder()
    const { code, out, err } = await workshop(path.join(parent, 'new'), ['check'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain(`✓ Node ${process.versions.node}`)
    expect(out).toContain('✓ offline')
    expect(out).toContain('.env: OPENAI_API_KEY=… or DASHSCOPE_API_KEY=…')
    expect(out).toMatch(/A run will work: npx tsx workshop\.ts --data-dir ".*"\n$/)
    expect(await readdir(parent)).toEqual([])
  })

  it('finds a run in another language in the way, and names the folder to look at instead', async () => {
    const folder = await folderWithRun()
    const { code, out } = await check(folder, ['--language', 'zh'])
    expect(code).toBe(1)
    expect(out).toMatch(
      /✗ .* 中是一次英文的运行.*：npx tsx workshop.ts check --language zh --data-dir ".*-zh"\n/,
    )
    expect((await check(folder)).code).toBe(0)
  })

  it('names the line for .env when a provider was asked for', async () => {
    const { code, out } = await check(await temporaryFolder(), ['--provider', 'dashscope'])
    expect(code).toBe(1)
    expect(out).toContain('✗ --provider dashscope needs a key in DASHSCOPE_API_KEY')
    expect(out).toContain('DASHSCOPE_API_KEY=…')
    expect(out).toContain(
      'One thing to repair; then run this again: npx tsx workshop.ts check --provider dashscope',
    )
  })

  it('says whose replies a handed-out log replays', async () => {
    const [server, folder, handedOut] = [await serve(), await temporaryFolder(), await temporaryFolder()]
    const env = { OPENAI_API_KEY: secret, OPENAI_BASE_URL: server.url }
    await workshop(folder, ['--num-instructions', '2'], env)
    await copyFile(path.join(folder, 'calls.jsonl'), path.join(handedOut, 'calls.jsonl'))
    const asked = server.received.length
    const { code, out } = await check(handedOut)
    expect(code).toBe(0)
    expect(out).toContain("✓ no key: replaying gpt-6-luna's replies of ")
    expect(server.received).toHaveLength(asked)
  })
})

/** A server that can do the seed tasks too, which the stand-in behind the test server cannot. */
const capable: Answering = ({ body }) =>
  questionIn(body.messages).includes('"instances"')
    ? { status: 200, body: completion('{"instances":[{"input":"Where is my parcel?","output":"question"}]}') }
    : undefined

describe('check with a key', () => {
  it('makes one tiny call, and names model, address, time and price, and never the key', async () => {
    const { code, out, folder } = await checkAgainst(capable)
    expect(code).toBe(0)
    expect(out).toContain('✓ openai · gpt-6-luna · key from OPENAI_API_KEY')
    expect(out).toContain('✓ http://127.0.0.1:')
    expect(out).toMatch(/✓ one tiny call answered in \d+ ms, \d+ tokens/)
    expect(out).toContain('✓ $0.1 in, $0.5 out per million tokens')
    expect(out).not.toContain(secret)
    expect(await readdir(folder)).toEqual([])
  })

  it.each<[string, Answering, 'OPENAI' | 'DASHSCOPE', RegExp]>([
    [
      'a refused key',
      status(401, `Incorrect API key provided: ${secret}`),
      'OPENAI',
      /✗ openai: 401 .* Check the key in OPENAI_API_KEY/,
    ],
    [
      'a key of another region',
      status(401, 'Invalid API-key'),
      'DASHSCOPE',
      /✗ dashscope: 401 .*dashscope-intl\.aliyuncs\.com Singapore/,
    ],
    [
      'an unknown model',
      status(404, 'no such model'),
      'OPENAI',
      /✗ .*Is the model's name right \(--model gpt-6-luna\)/,
    ],
    ['a server in trouble', status(503, 'overloaded'), 'OPENAI', /✗ openai: 503 overloaded/],
    [
      'an address where nobody answers',
      () => (response) => response.destroy(),
      'OPENAI',
      /✗ http.* Is the address right/,
    ],
  ])('%s is a fault with its cure', async (_, answering, provider, sentence) => {
    const { code, out } = await checkAgainst(answering, provider)
    expect(code).toBe(1)
    expect(out).toMatch(sentence)
    expect(out).not.toContain(secret)
    expect(out).toContain('One thing to repair')
  })

  it.each<[string, Answering, RegExp]>([
    ['is busy', status(429, 'slow down'), /! openai: 429 slow down The key is accepted/],
  ])('a model that %s gets a remark: a run would still work', async (_, answering, sentence) => {
    const { code, out } = await checkAgainst(answering)
    expect(code).toBe(0)
    expect(out).toMatch(sentence)
  })
})

describe('the exam of check', () => {
  it('asks each step its own questions, and marks what comes back', async () => {
    const { code, out, server, folder } = await checkAgainst(capable)
    expect(code).toBe(0)
    expect(out).toMatch(
      /✓ \d+ new tasks of \d+ · labels: [45] of 5 yes, 2\d of 25 no · 2 of 2 instances · \d+ tokens\/s: 20 instructions in about \d+ s/,
    )
    const [tiny, ...exam] = server.received
    expect(tiny?.body.messages).toHaveLength(1)
    const asked = (shape: 'tasks' | 'answers' | 'instances') =>
      exam.filter(({ body }) => questionIn(body.messages).includes(`"${shape}"`))
    expect(asked('tasks')).toHaveLength(1)
    expect(asked('tasks')[0]?.body.messages[0]).toEqual(generationPrompt([], 'en')[0])
    expect(asked('instances')).toHaveLength(2)
    expect(new Set(asked('answers').flatMap(({ body }) => rowsAsked(body.messages))).size).toBe(30)
    expect(await readdir(folder)).toEqual([])
  })

  it.each<[string, Answering, RegExp]>([
    ['says nothing', () => ({ status: 200, body: completion('') }), /✗ generate: .*thinks first/],
    ['answers in prose', () => ({ status: 200, body: completion('No.') }), /✗ generate: .*begin: "No\."/],
    ['says again what it is shown', copyist, /✗ generate: .*only say again what the prompt shows/],
    [
      'does no task',
      ({ body }) =>
        questionIn(body.messages).includes('"instances"')
          ? { status: 200, body: completion('Well.') }
          : undefined,
      /✗ instances: .*begin: "Well\."/,
    ],
  ])('never says that a run will work of a model that %s', async (_, answering, sentence) => {
    const { code, out } = await checkAgainst(answering)
    expect(code).toBe(1)
    expect(out).toMatch(sentence)
    expect(out).not.toContain('A run will work')
  })

  it('says what it means when the labels are wrong, one by one too', async () => {
    const { code, out } = await checkAgainst((received, count) => {
      const { messages } = received.body
      if (!questionIn(messages).includes('"answers"')) return capable(received, count)
      const answers = rowsAsked(messages).map((_row, place) => ({
        task: place + 1,
        is_classification: false,
      }))
      return { status: 200, body: completion(JSON.stringify({ answers })) }
    })
    expect(code).toBe(0)
    expect(out).toContain('labels: 0 of 5 yes, 25 of 25 no')
    expect(out).toMatch(/! asked one by one too, this model labels 0 of 5 .* rightly/)
  })
})

describe('check', () => {
  it('names a key that is none before anybody is asked, and does not show it', async () => {
    const server = await serve()
    const env = { OPENAI_API_KEY: 'sk-abc def', OPENAI_BASE_URL: server.url }
    const { code, out } = await check(await temporaryFolder(), [], env)
    expect(code).toBe(1)
    expect(out).toContain('✗ OPENAI_API_KEY: expected a key')
    expect(out).not.toContain('sk-abc')
    expect(server.received).toHaveLength(0)
  })

  it('asks nobody where a person carries the prompts', async () => {
    const { code, out } = await check(await temporaryFolder(), ['--provider', 'paste'])
    expect(code).toBe(0)
    expect(out).toContain('✓ paste')
  })

  it('finds a held lock and a bad seed file, and goes on to the rest', async () => {
    const folder = await folderWithRun()
    await writeFile(path.join(folder, '.lock'), String(process.ppid))
    const seeds = path.join(folder, 'seeds.jsonl')
    await writeFile(seeds, '{"instruction":7}\n')
    const { code, out } = await check(folder, ['--language', 'zh', '--seed-file', seeds])
    expect(code).toBe(1)
    expect(out).toContain('✗ 另一个运行')
    expect(out).toContain('✗ seeds.jsonl 第 1 行，字段 "instruction"')
    expect(out).toContain('✓ 离线')
    expect(out).toContain('有 2 处需要处理')
    for (const line of out.split('\n').filter((text) => text !== '' && !text.includes('Node ')))
      expect(line).toMatch(/\p{Script=Han}/u)
  })

  it('speaks of a proxy variable where the server is not on this machine', async () => {
    const server = await serve()
    const elsewhere = server.url.replace('127.0.0.1', '0.0.0.0') // by its name not this machine
    const env = { OPENAI_API_KEY: secret, OPENAI_BASE_URL: elsewhere, HTTPS_PROXY: 'http://proxy:1' }
    const { out } = await check(await temporaryFolder(), [], env)
    expect(out).toContain('! HTTPS_PROXY is set, and Node does not use it')
  })

  it('takes no other words', async () => {
    const { code, err } = await workshop(await temporaryFolder(), ['check', 'openai'])
    expect(code).toBe(2)
    expect(err).toContain('got "openai"')
  })
})

it('spends no more than --budget says: with nothing it makes the tiny call alone, and says why', async () => {
  const server = await TestServer.start()
  onTestFinished(() => server.close())
  const env = { OPENAI_API_KEY: 'sk-test', OPENAI_BASE_URL: server.url }
  const args = ['check', '--provider', 'openai', '--budget', '0']
  const { code, out, err } = await workshop(await temporaryFolder(), args, env)
  expect(code).toBe(1)
  expect(out + err).toContain('the budget of $0 is')
  expect(server.received).toHaveLength(1)
})

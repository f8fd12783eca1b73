// What a run costs: known before it starts, counted while it goes on, and never more than was allowed.
import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { classificationPrompt } from '../steps/classify.ts'
import { generationPrompt } from '../steps/generate.ts'
import { instancesPrompt } from '../steps/instances.ts'
import { Account } from '../steps/model/account.ts'
import { Budget } from '../steps/model/budget.ts'
import type { Call, Provider, ProviderName, Question, Reply } from '../steps/model/call.ts'
import { answerOffline } from '../steps/model/offline.ts'

import { promptTokens, readReply, tokensOf } from '../steps/model/reply.ts'
import { known, priceOf } from '../steps/model/provider.ts'
import { readSeedTasks } from '../steps/workspace/data-rows.ts'
import { folderWithRun, project, rowsOf, temporaryFolder, workshop } from './support/command.ts'
import { type Answering, TestServer, completion } from './support/server.ts'

async function serve(answering?: Answering): Promise<TestServer> {
  const server = await TestServer.start(answering)
  onTestFinished(() => server.close())
  return server
}

const openai = (server: TestServer) => ({ OPENAI_API_KEY: 'sk-test', OPENAI_BASE_URL: server.url })

type Usage = { prompt_tokens: number; completion_tokens: number }
const luna = ({ prompt_tokens, completion_tokens }: Usage): number =>
  (prompt_tokens * 0.1 + completion_tokens * 0.5) / 1e6

function provider(name: ProviderName, model: string, baseUrl = ''): Provider {
  return { ...known[name], name, model, baseUrl, key: '', keyFrom: '', proxied: '', replayOf: undefined }
}

describe('a price', () => {
  it.each([
    ['openai', 'gpt-6-luna', '', [0.1, 0.01, 0.5]],
    ['openai', 'gpt-4o-mini-2024-07-18', '', [0.15, 0.075, 0.6]],
    ['dashscope', 'qwen-plus', 'https://dashscope.aliyuncs.com/compatible-mode/v1', [0.115, 0.023, 0.287]],
    ['dashscope', 'qwen-plus', 'https://w1.cn-beijing.maas.aliyuncs.com/v1', [0.115, 0.023, 0.287]],
    ['dashscope', 'qwen-plus', 'https://dashscope-intl.aliyuncs.com/compatible-mode/v1', [0.4, 0.08, 1.2]],
    ['ollama', 'qwen3', 'http://localhost:11434/v1', [0, 0, 0]],
    ['paste', 'paste', '', [0, 0, 0]],
  ] as const)('of %s %s is known', (name, model, address, [input, cached, output]) => {
    const price = priceOf(provider(name, model, address), undefined)
    expect(price?.input).toBeCloseTo(input, 9)
    expect(price?.cached).toBeCloseTo(cached, 9)
    expect(price?.output).toBeCloseTo(output, 9)
  })

  it('of another model is what --price says, and --price wins over the table', () => {
    expect(priceOf(provider('compatible', 'my-model'), undefined)).toBeUndefined()
    const told = { input: 0.4, cached: 0.4, output: 1.2 }
    expect(priceOf(provider('compatible', 'my-model'), '0.4/1.2')).toEqual(told)
    expect(priceOf(provider('openai', 'gpt-6-luna'), '0.4/1.2')).toEqual(told)
  })
})

function accountIn(language: 'en' | 'zh'): Account {
  return new Account({ price: undefined, steps: [], judge: false, language }, provider('ollama', 'qwen3'))
}

describe.each([
  ['en', 'seed_tasks.jsonl'],
  ['zh', 'seed_tasks.zh.jsonl'],
] as const)('the estimate of a prompt, in %s', (language, file) => {
  it('is within a fifth of the real one with the shipped seed tasks', async () => {
    const seeds = (await readSeedTasks(path.join(project, 'data', file))).map((seed) => seed.instruction)
    const account = accountIn(language)
    const real = {
      generate: promptTokens(generationPrompt(seeds.slice(0, 8), language)),
      classify: promptTokens(classificationPrompt(seeds.slice(0, 20), language)),
      instances: promptTokens(instancesPrompt(seeds[0] ?? '', false, language)),
    }
    for (const step of ['generate', 'classify', 'instances'] as const) {
      const ratio = account.nextRequest(step).prompt / real[step]
      expect(ratio, step).toBeGreaterThan(0.8)
      expect(ratio, step).toBeLessThan(1.25)
    }
  })
})

describe('what is still to come', () => {
  it('is judged by the same step once it was measured, and by the other steps before', () => {
    const account = accountIn('en')
    const before = account.nextRequest('instances')
    const usage = { prompt_tokens: 760, completion_tokens: 504, cached_tokens: 0 } // twice the usual
    account.use({ key: 'a', step: 'generate', usage } as Call)
    expect(account.nextRequest('generate')).toMatchObject({ prompt: 760, completion: 504 })
    expect(account.nextRequest('instances').prompt).toBeCloseTo(2 * before.prompt, 6)
    expect(account.nextRequest('instances').completion).toBeCloseTo(2 * before.completion, 6)
  })
})

describe('the account of a command', () => {
  const usage = { prompt_tokens: 100, completion_tokens: 50, cached_tokens: 20 }
  const call = (key: string, batch?: string) => ({ key, step: 'classify', usage, batch }) as Call

  it('counts a call once for each step that uses it, and once in all, however often that happens', () => {
    const account = accountIn('en')
    account.use(call('a'), true)
    account.use(call('a'))
    account.use(call('b'))
    expect(account.step).toMatchObject({ calls: 2, fresh: 1, prompt_tokens: 200, cached_tokens: 40 })
    account.beginStep('classify')
    account.use(call('a'))
    expect(account.step).toMatchObject({ calls: 1, fresh: 0 })
    expect(account.used).toMatchObject({ calls: 2, fresh: 1, completion_tokens: 100 })
  })

  it('takes a call that a batch brought for paid now when it is used first, at half price', () => {
    const account = new Account(
      { price: '1/1', steps: ['classify'], judge: false, batch: true, language: 'en' },
      provider('openai', 'gpt-6-luna'),
    )
    account.payInBatch('a', [], { request: {}, reply: '', finish_reason: 'stop', usage })
    account.use(call('a', 'batch_1'))
    expect(account.stepCost()).toEqual({ calls: 1, ...usage, batch: usage, dollars: 0.000075 })
    expect(account).toMatchObject({ paid: 0.000075, used: { fresh: 1 } })
    account.beginStep('classify')
    account.use(call('a', 'batch_1'))
    expect(account.step.fresh).toBe(0)
  })
})

const question = (sample = 0): Question => ({
  messages: [{ role: 'user', content: 'Name a river.' }],
  schema: 'instances',
  temperature: 0.7,
  maxTokens: 1_000_000,
  sample,
})
const reply = (completion_tokens: number, text = ''): Reply => {
  const usage = { prompt_tokens: completion_tokens > 0 ? 10 : 0, completion_tokens, cached_tokens: 0 }
  return { request: {}, reply: text, finish_reason: 'stop', usage }
}
const never = new AbortController().signal

/** A dollar a million tokens, so that one question costs a dollar at worst. */
function budgetOf(budget: number | undefined, steps: ('generate' | 'instances')[] = ['instances']): Budget {
  return new Budget(
    { budget, price: '0/1', steps, judge: false, language: 'en' },
    provider('compatible', 'my-model'),
  )
}

describe('a budget', () => {
  it('holds the worst case of what is under way, and goes on when that cost less', async () => {
    const budget = budgetOf(1.5)
    const order: string[] = []
    let answer: (reply: Reply) => void = () => undefined
    const first = budget.pay(
      'instances',
      question(),
      () => new Promise((resolve) => (answer = resolve)),
      never,
    )
    const second = budget.pay('instances', question(), async () => (order.push('second'), reply(1000)), never)
    await new Promise((resolve) => setImmediate(resolve))
    order.push('first')
    answer(reply(250_000))
    await Promise.all([first, second])
    expect(order).toEqual(['first', 'second'])
    expect(budget.account.paid).toBeCloseTo(0.251, 9)
  })

  it('refuses what it might not cover, and ends the run with a sentence', async () => {
    const budget = budgetOf(1.5)
    await budget.pay('instances', question(), async () => reply(750_000), never)
    const refused = budget.pay('instances', question(), async () => reply(1), never)
    await expect(refused).rejects.toMatchObject({
      kind: 'fatal',
      words: { en: expect.stringMatching(/budget of \$1\.5 is reached: \$0\.7500 spent/) },
    })
  })

  it.each([
    ['that nobody answered counts at its worst', { connection: true }, 1],
    ['that was refused costs nothing', {}, 0],
  ])('an attempt %s', async (_, trait, spent) => {
    const budget = budgetOf(5)
    const problem = { kind: 'again', words: { en: 'x', zh: 'x' }, ...trait }
    await expect(budget.pay('instances', question(), () => Promise.reject(problem), never)).rejects.toBe(
      problem,
    )
    expect(budget.account).toMatchObject({ paid: 0, unanswered: expect.closeTo(spent, 9) })
  })

  it('estimates a reply whose tokens the server does not count', async () => {
    const budget = budgetOf(5)
    await budget.pay('instances', question(), async () => reply(0, 'word '.repeat(1000)), never)
    expect(budget.account.paid).toBeCloseTo(tokensOf('word '.repeat(1000)) / 1e6, 9)
  })

  it('ends step 1 alone while the later steps have something to do, and knows when they have not', async () => {
    const budget = budgetOf(2, ['generate', 'instances'])
    const ask = () => budget.pay('generate', question(3), async () => reply(1000), never)
    budget.beginGeneration(new Set(['old']))
    budget.took(['old'])
    await budget.pay('instances', question(), async () => reply(10_000), never)
    await expect(ask()).rejects.toMatchObject({ kind: 'stopped' })
    expect(budget.endedInVain).toBe(true)
    budget.beginGeneration(new Set(['old']))
    budget.took(['old', 'new'])
    await expect(ask()).rejects.toMatchObject({ kind: 'stopped' })
    expect(budget.endedInVain).toBe(false)
  })
})

describe('a run with a budget', () => {
  it('stays within it, buys a data set and not a list, and goes on with the same command', async () => {
    const folder = await temporaryFolder()
    const server = await serve()
    const args = ['--num-instructions', '40', '--budget', '0.0045']
    const first = await workshop(folder, args, openai(server))
    expect(first.code).toBe(1)
    expect(first.err).toMatch(/^the budget of \$0\.0045 is reached: \$0\.00\d\d spent/)
    const calls = await rowsOf<{ usage: Usage }>(folder, 'calls.jsonl')
    const spent = calls.reduce((sum, call) => sum + luna(call.usage), 0)
    expect(spent).toBeLessThanOrEqual(0.0045)
    expect(spent).toBeGreaterThan(0.002)
    const [accepted, made] = [
      await rowsOf(folder, '1-instructions.jsonl'),
      await rowsOf(folder, '3-instances.jsonl'),
    ]
    expect(made.length).toBeGreaterThanOrEqual(accepted.length - 2)
    expect((await rowsOf(folder, '4-dataset.jsonl')).length).toBeGreaterThan(made.length * 0.8)
    expect(first.out).toContain(`in all ${calls.length} calls, `)

    const asked = server.received.length
    const second = await workshop(folder, args, openai(server))
    expect(second).toMatchObject({ code: 0, err: '' })
    const total = /in all (\d+) new calls, \d+ from the log.*paid in this run: \$0\.00[0-3]/.exec(second.out)
    expect(Number(total?.[1])).toBe(server.received.length - asked)
    expect(server.received.length - asked).toBeLessThan(asked)
  })

  it('that covers no request asks nothing and writes nothing, and says so in Chinese too', async () => {
    const folder = await temporaryFolder()
    const server = await serve()
    const { code, err } = await workshop(folder, ['--budget', '0.0001', '--language', 'zh'], openai(server))
    expect({ code, asked: server.received.length }).toEqual({ code: 1, asked: 0 })
    expect(err).toContain('预算 $0.0001 不够发下一次请求')
    expect(await readdir(folder)).toEqual([])
  })

  it('needs a price where none is known', async () => {
    const folder = path.join(await temporaryFolder(), 'data')
    const server = await serve()
    const args = ['--base-url', server.url, '--model', 'my-model', '--budget', '1']
    const { code, err } = await workshop(folder, args)
    expect({ code, asked: server.received.length }).toEqual({ code: 2, asked: 0 })
    expect(err).toMatch(/none is known for my-model .*--price 0\.40\/1\.20/)
    await expect(readdir(folder)).rejects.toThrow('ENOENT')
  })

  it('prints cached tokens apart and bills them at their price', async () => {
    const folder = await temporaryFolder()
    const usage = {
      prompt_tokens: 1_000_000,
      completion_tokens: 400,
      prompt_tokens_details: { cached_tokens: 900_000 },
    }
    const server = await serve(async ({ body }, count) => {
      const { reply, finish_reason } = await answerOffline(body.messages, 512, count)
      return { status: 200, body: completion(reply, finish_reason, usage) }
    })
    const { out } = await workshop(folder, ['generate', '--num-instructions', '1'], openai(server))
    expect(out).toContain('1 calls, 1,000,400 tokens (900,000 cached), $0.0192')
  })
})

// The raw text of `usage`, since JSON knows numbers that are none afterwards.
describe.each([
  ['nothing', '{}'],
  ['no completion tokens', '{"prompt_tokens":900,"total_tokens":900}'],
  ['no prompt tokens', '{"completion_tokens":3}'],
  ['a token each', '{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}'],
  ['null', '{"prompt_tokens":null,"completion_tokens":null}'],
  ['less than nothing', '{"prompt_tokens":-5000,"completion_tokens":-5000}'],
  [
    'infinity',
    '{"prompt_tokens":1e999,"completion_tokens":1e999,"prompt_tokens_details":{"cached_tokens":1e999}}',
  ],
  ['words', '{"prompt_tokens":"many","completion_tokens":[7]}'],
  ['a list', '[]'],
])('a server that tells %s of its tokens', (_, usage) => {
  it('bills no more than the budget by what can be read, and leaves a log that is read again', async () => {
    const folder = await temporaryFolder()
    let billed = 0
    const server = await serve(async ({ body }, count) => {
      const { reply, finish_reason } = await answerOffline(body.messages, 512, count)
      billed += luna({ prompt_tokens: promptTokens(body.messages), completion_tokens: tokensOf(reply ?? '') })
      const text = JSON.stringify(completion(reply, finish_reason)).replace(
        /"usage":.*\}$/,
        `"usage":${usage}}`,
      )
      return (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(text)
    })
    const args = ['--num-instructions', '40', '--budget', '0.002']
    const { code, err } = await workshop(folder, args, openai(server))
    expect({ code, err }).toEqual({
      code: 1,
      err: expect.stringContaining('the budget of $0.002 is reached'),
    })
    expect(billed).toBeGreaterThan(0.0008)
    expect(billed).toBeLessThan(0.0022)
    const again = await workshop(folder, ['filter'])
    expect({ ...again, out: '' }).toMatchObject({ err: expect.not.stringContaining('recorded call') })
    expect((await rowsOf(folder, '4-dataset.jsonl')).length).toBeGreaterThan(0)
  })
})

/** Step 3 with 0.002 dollars, and what its server bills: `thoughts` tokens a reply more than can be read. */
async function billedWith(
  thoughts: number,
  told: (prompt: number, completion: number) => object,
  spoilt: (text: string, count: number) => string = (text) => text,
): Promise<{ billed: number; code: number | null; err: string }> {
  const folder = await folderWithRun()
  await writeFile(path.join(folder, 'calls.jsonl'), '')
  let billed = 0
  const server = await serve(async ({ body }, count) => {
    const { reply, finish_reason } = await answerOffline(body.messages, 512, count)
    const [prompt, completed] = [promptTokens(body.messages), tokensOf(reply ?? '') + thoughts]
    const whole = { ...completion(reply, finish_reason), usage: undefined, ...told(prompt, completed) }
    const text = spoilt(JSON.stringify(whole), count)
    const isEmpty = text.endsWith('"usage":{}}')
    billed += luna({ prompt_tokens: prompt, completion_tokens: isEmpty ? 0 : completed })
    return (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(text)
  })
  const args = ['instances', '--provider', 'openai', '--budget', '0.002']
  return { ...(await workshop(folder, args, openai(server))), billed }
}

describe('a run with a budget bills thoughts that are told', () => {
  it.each([
    ['in the total alone', (p: number, c: number) => ({ usage: { total_tokens: p + c } })],
    ['under other names', (p: number, c: number) => ({ usage: { input_tokens: p, output_tokens: c } })],
    [
      'apart',
      (p: number, c: number) => ({
        usage: {
          prompt_tokens: p,
          completion_tokens: c - 300,
          completion_tokens_details: { reasoning_tokens: 300 },
        },
      }),
    ],
    [
      'as words, with a comma in the thousands',
      (p: number, c: number) => ({ usage: { prompt_tokens: `${p}`, completion_tokens: ` ${c},000` } }),
    ],
  ])('%s', async (_, told) => {
    const { billed, code, err } = await billedWith(300, told)
    expect({ code, err }).toMatchObject({ code: 1, err: expect.stringContaining('the budget of $0.002') })
    expect(billed).toBeGreaterThan(0.0005)
    expect(billed).toBeLessThan(0.0021)
  })
})

describe('a run with a budget bills replies that come to nothing', () => {
  const none = JSON.stringify(completion(null))
  it.each([
    ['cut in the middle', (text: string) => text.slice(0, -60)],
    ['with no choices', () => '{"choices":[]}'],
    ['with no text and no count', () => none.replace(/"usage":.*\}$/, '"usage":{}}')],
    ['broken off by an error', () => none.replace('"finish_reason"', '"error":{"code":502},"finish_reason"')],
  ])('%s', async (_, spoil) => {
    const spoilt = (text: string, count: number) => (count % 3 === 0 ? text : spoil(text))
    const told = (prompt_tokens: number, completion_tokens: number) => ({
      usage: { prompt_tokens, completion_tokens },
    })
    const { billed, err } = await billedWith(0, told, spoilt)
    expect(err).toContain('the budget of $0.002 is reached')
    expect(billed).toBeGreaterThan(0.0003)
    expect(billed).toBeLessThan(0.0021)
  })
})

describe('tokens', () => {
  it.each([
    ['as numbers in strings, are taken', { prompt_tokens: '120', completion_tokens: ' 30 ' }, [120, 30]],
    ['beyond any reply, count as not told', { prompt_tokens: 1e12, completion_tokens: 7 }, [0, 7]],
  ])('told %s', (_, usage, [prompt_tokens, completion_tokens]) => {
    const reply = readReply({}, completion('x', 'stop', usage), provider('openai', 'm'))
    expect(reply.usage).toMatchObject({ prompt_tokens, completion_tokens })
  })

  it('told as more than can be read, such as thoughts, are billed', () => {
    const account = new Account(
      { price: '1/1', steps: ['instances'], judge: false, language: 'en' },
      provider('openai', 'm'),
    )
    const usage = { prompt_tokens: 100, completion_tokens: 5000, cached_tokens: 0 }
    account.pay([], { request: {}, reply: 'Yes.', finish_reason: 'stop', usage })
    expect(account.paid).toBeCloseTo(5100 / 1e6)
  })

  it('that an earlier version wrote down as null do not make the log unreadable', async () => {
    const folder = await folderWithRun()
    const file = path.join(folder, 'calls.jsonl')
    const text = await readFile(file, 'utf8')
    await writeFile(
      file,
      text.replace(
        /"usage":\{[^}]*\}/g,
        '"usage":{"prompt_tokens":null,"completion_tokens":1e999,"cached_tokens":-1}',
      ),
    )
    expect(await workshop(folder, [])).toMatchObject({ code: 0, err: '' })
  })
})

describe('a dry run', () => {
  it('needs no key: it prints the first prompt of each step and what the run would cost, and touches nothing', async () => {
    const folder = path.join(await temporaryFolder(), 'data')
    const { code, out, err } = await workshop(folder, [
      '--dry-run',
      '--provider',
      'openai',
      '--budget',
      '0.001',
    ])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    for (const shape of ['tasks', 'answers', 'instances']) expect(out).toContain(`{"${shape}":[`)
    const forecasts = out.match(/about \d+ calls, [\d,]+ prompt and [\d,]+ reply tokens, \$0\.00\d\d/g)
    expect(forecasts).toHaveLength(4)
    expect(out).toContain('more than the budget of $0.001')
    await expect(readdir(folder)).rejects.toThrow('ENOENT')
  })

  it('counts what the log holds, and shows the rows of the files without what a terminal would obey', async () => {
    const folder = await folderWithRun()
    const log = await readFile(path.join(folder, 'calls.jsonl'), 'utf8')
    const paid = log.trim().split('\n').length
    const whole = await workshop(folder, ['--dry-run', '--budget', '1', '--temperature', '0.7'])
    expect(whole.out).toContain(
      `about 0 calls, 0 prompt and 0 reply tokens, $0.0000; ${paid} more are in the log`,
    )
    expect(whole.out).toContain('! --temperature, --budget: no effect here')

    const row = { instruction: 'Name \u001b[2Ja \u202Eriver.', is_classification: false }
    await writeFile(path.join(folder, '2-classified.jsonl'), `${JSON.stringify(row)}\n`)
    const names = await readdir(folder)
    const single = await workshop(folder, ['instances', '--dry-run', '--language', 'zh'])
    expect(single.code).toBe(0)
    expect(single.out).toContain('1. Name [2Ja river.')
    expect(single.out).toContain('预计约 1 次调用')
    expect(await readdir(folder)).toEqual(names)
    expect(await readFile(path.join(folder, 'calls.jsonl'), 'utf8')).toBe(log)
  })
})

// The whole workshop through the real openai package against a local server.
import { execFile } from 'node:child_process'
import { appendFile, copyFile, cp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { areShipped, shippedSeeds } from '../steps/workspace/environment.ts'
import {
  bytesOf,
  cleanEnvironment,
  folderWithRun,
  project,
  rowsOf,
  temporaryFolder,
  workshop,
} from './support/command.ts'
import { steady } from './support/faults.ts'
import { type Answering, TestServer, completion, questionIn, rowsAsked } from './support/server.ts'

const secret = 'sk-test-0123456789abcdef'

async function serve(answering?: Answering): Promise<TestServer> {
  const server = await TestServer.start(answering)
  onTestFinished(() => server.close())
  return server
}

/** Holds the first answers of step 3 until so many requests are waiting for theirs. */
function untilTogether(count: number): Answering {
  let waiting = 0
  let release: () => void
  const together = new Promise<void>((resolve) => (release = resolve))
  return async ({ body }) => {
    if (!questionIn(body.messages).includes('"instances"')) return undefined
    if (++waiting === count) release()
    await together
    return undefined
  }
}

/** A 400 that names a parameter. */
const refuse = (parameter: string) => ({
  status: 400,
  body: {
    error: {
      message: `Unsupported parameter: '${parameter}'`,
      type: 'invalid_request_error',
      param: parameter,
      code: 'unsupported_parameter',
    },
  },
})

const distinct = (rows: { instruction: string }[]): number => new Set(rows.map((row) => row.instruction)).size

describe('a run against a server', () => {
  it('reaches 120 instructions with few requests and the concurrency asked for, and is replayed without a key', async () => {
    const [folder, handedOut] = [await temporaryFolder(), await temporaryFolder()]
    const server = await serve(untilTogether(6))
    const env = { OPENAI_API_KEY: secret, OPENAI_BASE_URL: server.url }
    const run = await workshop(folder, ['--num-instructions', '120', '--concurrency', '6'], env)
    expect(run).toMatchObject({ code: 0, err: '' })
    expect(distinct(await rowsOf(folder, '4-dataset.jsonl'))).toBe(120)
    expect(server.asked('tasks').length).toBeLessThanOrEqual(36)
    expect(server.asked('answers').length).toBeLessThanOrEqual(20)
    expect(server.mostInFlight).toBe(6)

    for (const name of await readdir(folder))
      expect(await readFile(path.join(folder, name), 'utf8')).not.toContain(secret)
    for (const name of ['calls.jsonl', 'run.json'])
      await copyFile(path.join(folder, name), path.join(handedOut, name))
    await server.close()
    const replay = await workshop(handedOut)
    expect(replay).toMatchObject({ code: 0, err: '' })
    expect(replay.out).toMatch(/^Self-Instruct · no key: replaying gpt-6-luna's replies of \d+ \w+\n/)
    expect(await bytesOf(handedOut)).toEqual(await bytesOf(folder))
  })

  it('speaks OpenAI’s spelling to openai, and sends its key nowhere else', async () => {
    const folder = await temporaryFolder()
    const server = await serve()
    await workshop(folder, ['--num-instructions', '3'], {
      OPENAI_API_KEY: secret,
      OPENAI_BASE_URL: server.url,
      OPENAI_ORG_ID: 'org-x',
    })
    const [first] = server.received
    expect(first?.headers).toMatchObject({ authorization: `Bearer ${secret}` })
    expect(first?.headers).not.toHaveProperty('openai-organization')
    expect(first?.body).toMatchObject({
      model: 'gpt-6-luna',
      max_completion_tokens: 512,
      reasoning_effort: 'none',
      temperature: 0.7,
    })
    expect(first?.body.response_format).toMatchObject({ type: 'json_schema', json_schema: { name: 'tasks' } })
    expect(server.asked('answers')[0]?.body.temperature).toBe(0)
  })

  it('speaks plainly to a server named by its address', async () => {
    const folder = await temporaryFolder()
    const server = await serve()
    const env = { OPENAI_API_KEY: secret, LLM_API_KEY: 'llm-key' }
    await workshop(folder, ['--num-instructions', '3', '--base-url', server.url, '--model', 'my-model'], env)
    const [first] = server.received
    expect(first?.headers.authorization).toBe('Bearer llm-key')
    expect(first?.body).toMatchObject({ model: 'my-model', max_tokens: 512 })
    expect(first?.body).not.toHaveProperty('reasoning_effort')
    expect((await rowsOf(folder, 'calls.jsonl'))[0]).toMatchObject({
      provider: 'compatible',
      model: 'my-model',
    })
  })

  it('works in Chinese at DashScope, with its thoughts switched off', async () => {
    const folder = await temporaryFolder()
    const server = await serve()
    const env = { DASHSCOPE_API_KEY: secret, DASHSCOPE_BASE_URL: server.url }
    const run = await workshop(folder, ['--language', 'zh', '--num-instructions', '5'], env)
    expect(run).toMatchObject({ code: 0, err: '' })
    expect(run.out).toContain('密钥来自 DASHSCOPE_API_KEY')
    expect(server.received[0]?.body).toMatchObject({
      model: 'qwen-plus',
      max_tokens: 512,
      enable_thinking: false,
    })
    expect(distinct(await rowsOf(folder, '4-dataset.jsonl'))).toBe(5)
    expect(await readFile(path.join(folder, '4-dataset.jsonl'), 'utf8')).not.toMatch(/\\u[0-9a-f]{4}/)
  })

  it('takes a parameter that a 400 names back, once for the run', async () => {
    const folder = await temporaryFolder()
    const server = await serve(({ body }) => {
      if (body.response_format?.type === 'json_schema') return refuse('response_format')
      if (body.reasoning_effort) return refuse('reasoning_effort')
      if (body.max_completion_tokens) return refuse('max_completion_tokens')
      return undefined
    })
    const run = await workshop(folder, ['--num-instructions', '5'], {
      OPENAI_API_KEY: secret,
      OPENAI_BASE_URL: server.url,
    })
    expect(run).toMatchObject({ code: 0, err: '' })
    const refused = server.received.filter(
      ({ body }) =>
        body.reasoning_effort || body.max_completion_tokens || body.response_format?.type === 'json_schema',
    )
    expect(refused).toHaveLength(3)
    expect(server.received.find((received) => !refused.includes(received))?.body).toMatchObject({
      max_tokens: 512,
      response_format: { type: 'json_object' },
    })
  })
})

describe('what is asked', () => {
  const asking = (server: TestServer, ...more: string[]) => [
    '--base-url',
    server.url,
    '--model',
    'm',
    ...more,
  ]

  it('for one instruction are five requests at most', async () => {
    const seeds = await rowsOf<{ instruction: string; is_classification: boolean }>(
      path.join(project, 'data'),
      'seed_tasks.jsonl',
    )
    const label = new Map(seeds.map((seed) => [seed.instruction, seed.is_classification]))
    const server = await serve((received) => {
      const { messages } = received.body
      if (!questionIn(messages).includes('"answers"')) return steady(received)
      const answers = rowsAsked(messages).map((task, place) => ({
        task: place + 1,
        is_classification: label.get(task) ?? false,
      }))
      return { status: 200, body: completion(JSON.stringify({ answers })) }
    })
    const run = await workshop(await temporaryFolder(), asking(server, '--num-instructions', '1'))
    expect(run).toMatchObject({ code: 0, err: '' })
    expect(server.received.length).toBeLessThanOrEqual(5)
  })

  it('ends with the target; a row somebody adds is asked about, and none that was spare', async () => {
    const [server, folder] = [await serve(steady), await temporaryFolder()]
    expect((await workshop(folder, asking(server, '--num-instructions', '10'))).code).toBe(0)
    const spare = (await rowsOf<{ step: string; reason: string }>(folder, 'rejected.jsonl')).filter(
      ({ step, reason }) => step === 'instances' && reason === 'beyond_target',
    )
    expect(spare.length).toBeGreaterThan(0)
    const tasks = server.asked('instances').map(({ body }) => rowsAsked(body.messages).join())
    expect(new Set(tasks).size + spare.length).toBe((await rowsOf(folder, '2-classified.jsonl')).length)
    const asked = server.received.length
    const added = '{"instruction":"Say why the sky is blue, to a child of five.","is_classification":false}'
    await appendFile(path.join(folder, '2-classified.jsonl'), `${added}\n`)
    await workshop(folder, ['instances', ...asking(server)])
    const since = server.received.slice(asked).map(({ body }) => questionIn(body.messages))
    expect([...new Set(since)]).toEqual([expect.stringContaining('Say why the sky is blue')])
  })

  it('is asked ahead where many are in flight, and comes to the same bytes', async () => {
    const [few, many] = [await temporaryFolder(), await temporaryFolder()]
    let begun: () => void = () => undefined
    const ahead = new Promise<void>((resolve) => (begun = resolve))
    let tasks = 0
    const server = await serve(async (received) => {
      const question = questionIn(received.body.messages)
      if (question.includes('"instances"')) begun()
      // The fifth reply of step 1 waits until step 3 has begun.
      if (question.includes('"tasks"') && ++tasks === 5) await ahead
      return steady(received)
    })
    const target = ['--num-instructions', '35']
    expect((await workshop(many, asking(server, ...target, '--concurrency', '16'))).code).toBe(0)
    const asked = server.received.length
    expect((await workshop(few, asking(server, ...target, '--concurrency', '3'))).code).toBe(0)
    expect(server.received.length).toBe(2 * asked)
    expect(await bytesOf(many)).toEqual(await bytesOf(few))
  })
})

describe('a log without its server', () => {
  it('is replayed also where the provider wants no key, and where an offline run lies beside it', async () => {
    const [folder, handedOut] = [await temporaryFolder(), await folderWithRun()]
    const server = await serve()
    await workshop(folder, ['--num-instructions', '5', '--base-url', server.url, '--model', 'my-model'])
    await server.close()
    expect((await workshop(folder)).out).toContain("replaying my-model's replies")
    await copyFile(path.join(folder, 'calls.jsonl'), path.join(handedOut, 'calls.jsonl'))
    const replay = await workshop(handedOut, ['--num-instructions', '5'])
    expect(replay.code).toBe(0)
    expect(await rowsOf(handedOut, '4-dataset.jsonl')).toEqual(await rowsOf(folder, '4-dataset.jsonl'))
  })

  it('rejects what it does not hold as not_recorded, and ends step 1 there', async () => {
    const folder = await temporaryFolder()
    const server = await serve()
    await workshop(folder, ['--num-instructions', '5', '--base-url', server.url, '--model', 'my-model'])
    await server.close()
    const file = path.join(folder, '2-classified.jsonl')
    await appendFile(
      file,
      '{"instruction":"Say why the sky is blue, to a child of five.","is_classification":false}\n',
    )
    const replay = await workshop(folder, ['instances', '--replay', path.join(folder, 'calls.jsonl')])
    expect(replay.code).toBe(0)
    expect(await rowsOf(folder, 'rejected.jsonl')).toContainEqual(
      expect.objectContaining({ step: 'instances', reason: 'not_recorded' }),
    )
    const more = await workshop(folder, ['--num-instructions', '50'])
    expect(more.code).toBe(1)
    expect(more.err).toMatch(/not in the recorded calls: .* asked for no more\. .*--provider/)
  })
})

/** Copies these files of a run into a new folder, as a teacher hands them out. */
async function handOut(folder: string, ...names: string[]): Promise<string> {
  const handedOut = await temporaryFolder()
  for (const name of names) await copyFile(path.join(folder, name), path.join(handedOut, name))
  return handedOut
}

describe('a folder that was handed out', () => {
  const five = ['--num-instructions', '5']
  type Asking = (url: string) => [args: string[], env: Record<string, string>]
  const byAddress: Asking = (url) => [['--base-url', url, '--model', 'my-model', '--seed', '5'], {}]
  const byKey: Asking = (url) => [['--seed', '5'], { OPENAI_API_KEY: secret, OPENAI_BASE_URL: url }]

  it.each([
    ['a key in the environment', byKey],
    ['an address', byAddress],
  ])('gives the run again though there is %s, and asks nobody for an edited row', async (_, asking) => {
    const folder = await temporaryFolder()
    const server = await serve()
    const [args, env] = asking(server.url)
    await workshop(folder, [...five, ...args], env)
    const asked = server.received.length
    const handedOut = await handOut(folder, 'calls.jsonl', 'run.json')
    const keys = { OPENAI_API_KEY: secret, OPENAI_BASE_URL: server.url, LLM_API_KEY: 'llm-key' }
    const again = await workshop(handedOut, [], keys)
    expect(again).toMatchObject({ code: 0, err: '' })
    expect(again.out).toMatch(/replaying .* from a log[^]*nobody is asked[^]*--provider/)
    const { 'run.json': record = '', ...files } = await bytesOf(folder)
    const address = /^ *"base-url": .*\n/m // is taken from no folder of elsewhere
    expect(await bytesOf(handedOut)).toEqual({ ...files, 'run.json': record.replace(address, '') })

    await appendFile(path.join(handedOut, '1-instructions.jsonl'), '{"instruction":"Say why bread rises."}\n')
    await workshop(handedOut, ['classify', 'instances', 'filter'], keys)
    await workshop(handedOut, [], keys)
    expect(server.received).toHaveLength(asked)
    expect(await readFile(path.join(handedOut, 'rejected.jsonl'), 'utf8')).not.toContain(secret)

    await workshop(handedOut, [...five, ...args, '--provider', 'openai', '--seed', '6'], keys)
    expect(server.received.length).toBeGreaterThan(asked)
  })

  it('is refused another language than its run’s', async () => {
    const handedOut = await handOut(await folderWithRun(), 'calls.jsonl', 'run.json')
    const run = await workshop(handedOut, ['--language', 'zh'])
    expect(run).toMatchObject({ code: 2, err: expect.stringContaining('是一次英文的运行') })
    expect((await readdir(handedOut)).toSorted()).toEqual(['calls.jsonl', 'run.json'])
  })

  it('gives the stand-in’s run again, with its seed and its own seed tasks', async () => {
    const folder = await temporaryFolder()
    const seedFile = path.join(await temporaryFolder(), 'mine.txt')
    await writeFile(
      seedFile,
      'Say why the sky is blue.\nName five uses of a brick.\nTranslate the letter into French.\n',
    )
    await workshop(folder, ['--seed', '7', ...five, '--seed-file', seedFile])
    await rm(seedFile)
    const handedOut = await handOut(folder, 'calls.jsonl', 'run.json', 'seeds.jsonl')
    const again = await workshop(handedOut, [], { OPENAI_API_KEY: secret })
    expect(again).toMatchObject({ code: 0, err: '' })
    expect(again.out).toMatch(/with the settings of that run: .*seed 7/)
    expect(await bytesOf(handedOut)).toEqual(await bytesOf(folder))
    expect(await rowsOf(handedOut, 'calls.jsonl')).toEqual(await rowsOf(folder, 'calls.jsonl'))
    expect(await readFile(path.join(folder, 'run.json'), 'utf8')).not.toContain('mine.txt')
    const single = await workshop(handedOut, ['generate'], { OPENAI_API_KEY: secret })
    expect(single.out).toMatch(/^Self-Instruct · offline/)

    const lacking = await handOut(folder, 'calls.jsonl', 'run.json')
    const refused = await workshop(lacking)
    expect(refused).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining('its seeds.jsonl is not'),
    })
    expect((await readdir(lacking)).toSorted()).toEqual(['calls.jsonl', 'run.json'])
    const named = await workshop(lacking, ['--seed-file', path.join(folder, 'seeds.jsonl')])
    expect(named.code).toBe(0)
    expect(await rowsOf(lacking, '1-instructions.jsonl')).toEqual(
      await rowsOf(folder, '1-instructions.jsonl'),
    )
  })

  it('has its seed tasks in it, too, where somebody added one to the project’s own', async () => {
    const copy = await temporaryFolder()
    for (const name of ['workshop.ts', 'package.json', 'steps', 'data/seed_tasks.jsonl', 'data/offline'])
      await cp(path.join(project, name), path.join(copy, name), { recursive: true })
    await symlink(path.join(project, 'node_modules'), path.join(copy, 'node_modules'))
    await appendFile(
      path.join(copy, 'data', 'seed_tasks.jsonl'),
      '{"instruction":"Thank the night nurse."}\n',
    )
    const folder = path.join(copy, 'data', 'workshop')
    const runThere = (...args: string[]) =>
      promisify(execFile)(process.execPath, ['--import', 'tsx', 'workshop.ts', ...args], {
        cwd: copy,
        env: cleanEnvironment(),
      })
    expect((await runThere(...five)).stdout).toContain('5 instructions from 31 seed tasks')
    expect(await rowsOf(folder, 'seeds.jsonl')).toHaveLength(31)
    const handedOut = await handOut(folder, 'calls.jsonl', 'run.json', 'seeds.jsonl')
    expect(await workshop(handedOut)).toMatchObject({ code: 0, err: '' })
    expect(await bytesOf(handedOut)).toEqual(await bytesOf(folder))

    // And a run of the project's own seed tasks is no other one there.
    const plain = await handOut(await folderWithRun(), 'calls.jsonl', 'run.json')
    const there = runThere('--data-dir', plain)
    await expect(there).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('was changed here'),
    })
    expect((await readdir(plain)).toSorted()).toEqual(['calls.jsonl', 'run.json'])
  })

  it.each(['en', 'zh'])('has none of the project’s seed tasks as they are (%s)', (language) => {
    expect(areShipped(shippedSeeds(language)), 'they changed: so does the checksum beside their name').toBe(
      true,
    )
  })
})

describe('Ollama', () => {
  const nowhere = 'http://127.0.0.1:9/v1'
  it.each([
    [['--model', 'qwen3:8b'], 'Is Ollama running? Its app starts it, or: ollama serve'],
    [[], 'Is Ollama running? Its app starts it, or: ollama serve'],
    [['--language', 'zh'], 'Ollama 是否在运行？请打开它的应用，或运行 ollama serve'],
  ])('that does not run is asked for first, not its model: %j', async (args, cure) => {
    const named = ['--provider', 'ollama', '--base-url', nowhere, ...args]
    const { code, err } = await workshop(await temporaryFolder(), named)
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining(cure) })
    expect(err).not.toContain('--model')
  })

  it.each([
    ['en', 'To fetch it: ollama pull qwen3:8b.'],
    ['zh', '下载它：ollama pull qwen3:8b。'],
  ])('without the model says how to fetch it (%s)', async (language, cure) => {
    const message = 'model "qwen3:8b" not found, try pulling it first'
    const { url } = await serve(() => ({ status: 404, body: { error: { message, type: 'api_error' } } }))
    const args = ['--provider', 'ollama', '--base-url', url, '--model', 'qwen3:8b', '--language', language]
    const { code, err } = await workshop(await temporaryFolder(), args)
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining(cure) })
  })
})

describe('a missing key', () => {
  it.each([
    ['en', 'This server wants a key: put the line LLM_API_KEY=…'],
    ['zh', '该服务器需要密钥：请在此处的 .env 文件中写入一行 LLM_API_KEY=…'],
  ])('of a compatible server is asked for by its name (%s)', async (language, cure) => {
    const { url } = await serve(() => ({ status: 401, body: { error: { message: 'Invalid API key' } } }))
    const args = ['--base-url', url, '--model', 'my-model', '--language', language]
    const { code, err } = await workshop(await temporaryFolder(), args)
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining(cure) })
  })

  it.each([
    ['openai', 'OPENAI_API_KEY'],
    ['dashscope', 'DASHSCOPE_API_KEY'],
  ])('of %s is one sentence that names %s', async (provider, variable) => {
    const { code, out, err } = await workshop(await temporaryFolder(), ['--provider', provider])
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err.trim().split('\n')).toHaveLength(1)
    expect(err).toContain(variable)
  })
})

// The Batch API: the whole workshop through it, and what may go wrong on a long road.
import { copyFile, readFile, readdir, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Batching } from '../steps/model/batch.ts'
import { type Answer, BatchServer, type Fate } from './support/batch-server.ts'
import { bytesOf, folderWithRun, rowsOf, start, temporaryFolder, workshop } from './support/command.ts'
import { modelWith, questionOf, remote } from './support/model.ts'
import { TestServer } from './support/server.ts'

type Call = {
  key: string
  sample: number
  step: string
  rows?: string[]
  batch?: string
  request: { messages: unknown }
}
type Instruction = { instruction: string }

const batch = ['--batch', '--poll', '0.02']
const distinct = (rows: Instruction[]): number => new Set(rows.map((row) => row.instruction)).size

async function serve(fate?: (line: { custom_id: string }, attempt: number) => Fate | undefined) {
  const server = await BatchServer.start(fate)
  onTestFinished(() => server.chat.close())
  return { server, env: { OPENAI_API_KEY: 'sk-test', OPENAI_BASE_URL: server.chat.url } }
}

let instructions: Promise<Buffer> | undefined

/** A folder in which step 1 is done; the rest has to be asked of a server. */
async function folderWithInstructions(): Promise<string> {
  const folder = await temporaryFolder()
  instructions ??= readFile(path.join(await folderWithRun(), '1-instructions.jsonl'))
  await writeFile(path.join(folder, '1-instructions.jsonl'), await instructions)
  return folder
}

/** Waits until a file of the folder holds this. */
async function until(folder: string, name: string, holds: (text: string) => boolean): Promise<void> {
  while (!holds(await readFile(path.join(folder, name), 'utf8').catch(() => '')))
    await new Promise((resolve) => setTimeout(resolve, 20))
}

/** Step 2 by batch, as far as its upload: the first look at it is refused, and the run ends. */
async function leaveOpen(server: BatchServer, folder: string, env: Record<string, string>): Promise<void> {
  const { around } = server
  const forbidden = { status: 403, body: { error: { message: 'not now' } } }
  server.around = (request, answer) =>
    server.batches.length > 0 && request === 'GET batches' ? Promise.resolve(forbidden) : answer()
  expect(await workshop(folder, ['classify', ...batch], env)).toMatchObject({
    code: 1,
    err: expect.stringContaining('not now'),
  })
  server.around = around
}

let undisturbed: Promise<Record<string, string>> | undefined

/** The files of a run to 20 by batch with nothing in its way, made once. */
async function reference(): Promise<Record<string, string>> {
  const folder = await temporaryFolder()
  const { server, env } = await serve()
  expect(await workshop(folder, batch, env)).toMatchObject({ code: 0, err: '' })
  expect(server.batches).toHaveLength(2)
  return bytesOf(folder)
}

describe('a run by batch', () => {
  it('to 30 asks over the chat in step 1 and for repairs alone', async () => {
    const folder = await temporaryFolder()
    const { server, env } = await serve()
    const run = await workshop(folder, ['--num-instructions', '30', ...batch], env)
    expect(run).toMatchObject({ code: 0, err: '' })
    expect(distinct(await rowsOf(folder, '4-dataset.jsonl'))).toBe(30)
    expect(run.out).toContain('not by batch')
    expect(run.out).toMatch(/batch_1: \d+ requests at half price/)

    const calls = await rowsOf<Call>(folder, 'calls.jsonl')
    const asked = (call: Call) => call.rows ?? [JSON.stringify(call.request.messages)]
    const batched = calls.filter((call) => call.batch)
    const first = new Set(batched.flatMap(asked))
    const byChat = calls.filter((call) => call.step !== 'generate' && !call.batch)
    expect(byChat.flatMap(asked).filter((question) => !first.has(question))).toEqual([])
    expect(batched.filter((call) => call.step === 'generate')).toEqual([])
    expect(server.chat.received).toHaveLength(calls.length - batched.length)
  })

  it('gives the files of a run without, steps 2 and 3 at half price, and the same again from its log alone', async () => {
    const [folder, plain, handedOut] = [
      await temporaryFolder(),
      await temporaryFolder(),
      await temporaryFolder(),
    ]
    const [{ server, env }, other] = [await serve(), await serve()]
    expect(await workshop(folder, batch, env)).toMatchObject({ code: 0, err: '' })
    undisturbed ??= bytesOf(folder)
    // By batch a quarter more is asked for in step 1; what follows is compared on the same instructions.
    for (const name of ['1-instructions.jsonl', 'rejected.jsonl', 'run.json'])
      await copyFile(path.join(folder, name), path.join(plain, name))
    const later = ['classify', 'instances', 'filter']
    expect(await workshop(plain, later, other.env)).toMatchObject({ code: 0, err: '' })
    const { 'run.json': dear = '', ...files } = await bytesOf(plain)
    const { 'run.json': cheap = '', ...same } = await bytesOf(folder)
    expect(same).toEqual(files)
    const { batch: halved, ...half } = JSON.parse(cheap).cost.instances
    const { dollars, ...full } = JSON.parse(dear).cost.instances
    expect(half).toMatchObject(full)
    const saved = (halved.prompt_tokens * 0.1 + halved.completion_tokens * 0.5) / 1e6 / 2
    expect(half.dollars).toBeCloseTo(dollars - saved, 10)
    expect(half.dollars).toBeLessThan(0.6 * dollars)

    for (const name of ['calls.jsonl', 'run.json'])
      await copyFile(path.join(folder, name), path.join(handedOut, name))
    const again = await Promise.all([workshop(folder, batch, env), workshop(handedOut, batch)])
    for (const run of again) expect(run).toMatchObject({ code: 0, err: '' })
    expect(server.uploads).toHaveLength(2)
    for (const place of [folder, handedOut])
      expect(await bytesOf(place)).toEqual({ 'run.json': cheap, ...same })
  })
})

describe('requests a batch does not answer', () => {
  const error = { message: 'The server had an error.', code: 'server_error' }

  it.each<[string, Fate]>([
    ['failed', { status: 500, error }],
    ['expired', 'expired'],
  ])('go into the next batch when they %s, and after that by normal calls', async (_, fate) => {
    const folder = await folderWithInstructions()
    const unlucky = new Map<string, number>() // how often a request goes wrong
    const { server, env } = await serve(({ custom_id: key }, attempt) => {
      if (server.uploads.length === 1) unlucky.set(key, unlucky.size)
      return attempt <= (unlucky.get(key) ?? 0) ? fate : undefined
    })
    const run = await workshop(folder, ['classify', ...batch], env)
    expect(run).toMatchObject({ code: 0, err: '' })
    const [first = [], second = [], ...more] = server.uploads
    expect(more).toEqual([])
    expect(second.map((line) => line.custom_id)).toEqual(first.slice(1).map((line) => line.custom_id))
    const calls = await rowsOf<Call>(folder, 'calls.jsonl')
    const road = (key: string) => calls.find((call) => call.key === key)?.batch
    expect(first.map((line) => road(line.custom_id)).slice(0, 2)).toEqual(['batch_1', 'batch_2'])
    expect(first.slice(2).map((line) => road(line.custom_id))).toEqual(first.slice(2).map(() => undefined))
    expect(await rowsOf(folder, '2-classified.jsonl')).toHaveLength(
      (await rowsOf(folder, '1-instructions.jsonl')).length,
    )
  })

  it('are spelt otherwise the next time when a parameter was refused, and stay out when a filter objects', async () => {
    const folder = await folderWithInstructions()
    const { server, env } = await serve(({ custom_id: key }, attempt) => {
      if (key === server.uploads[0]?.[1]?.custom_id)
        return { status: 400, error: { code: 'content_filter', message: 'WRECK' } }
      const message = "Unsupported parameter: 'reasoning_effort'"
      return attempt === 1 ? { status: 400, error: { message, param: 'reasoning_effort' } } : undefined
    })
    const run = await workshop(folder, ['classify', ...batch], env)
    const rows = (await rowsOf(folder, '1-instructions.jsonl')).length
    expect(run.out).toContain(`about ${Math.ceil((rows + 20) / 20)} requests`) // of this file, the canary included
    const [first = [], second = []] = server.uploads
    expect(first[0]?.body).toMatchObject({ reasoning_effort: 'none', max_completion_tokens: 512 })
    expect(second[0]?.body).not.toHaveProperty('reasoning_effort')
    const again = second.map((line) => line.custom_id)
    for (const [place, line] of first.entries()) expect(again.includes(line.custom_id)).toBe(place !== 1)
    const verdict = (await rowsOf<Call>(folder, 'calls.jsonl')).find(
      (call) => call.key === first[1]?.custom_id,
    )
    expect(verdict).toMatchObject({ finish_reason: 'content_filter', reply: null, batch: 'batch_1' })
  })
})

describe('a run that ends while a batch is under way', () => {
  it.each<[NodeJS.Signals, number | null]>([
    ['SIGKILL', null],
    ['SIGINT', 130],
  ])('by %s finds it again and goes on, without a second upload', async (signal, code) => {
    const whole = await (undisturbed ??= reference())
    const folder = await temporaryFolder()
    const { server, env } = await serve()
    server.held = true
    const first = start([...batch, '--data-dir', folder], env)
    await until(folder, 'batches.jsonl', (text) => text.endsWith('\n'))
    first.kill(signal)
    expect((await first.finished).code).toBe(code)
    const [line] = await rowsOf<{ id: string; step: string; file: string; keys: string[] }>(
      folder,
      'batches.jsonl',
    )
    expect(line).toMatchObject({ id: 'batch_1', step: 'classify' })
    expect(line?.keys).toEqual(server.uploads[0]?.map(({ custom_id: key }) => key))

    server.held = false
    const second = await workshop(folder, batch, env)
    expect(second).toMatchObject({ code: 0, err: '' })
    expect(second.out).toContain('batch_1')
    expect(server.batches.map(({ id }) => id)).toEqual(['batch_1', 'batch_2'])
    expect(await bytesOf(folder)).toEqual(whole)
    expect((await readdir(folder)).filter((name) => name.startsWith('.batch'))).toEqual([])
  })

  it.each([
    ['was made', 1, async (make: () => Promise<Answer>) => void (await make())],
    ['was not made', 2, async () => undefined],
  ])('before it knows whether it %s asks the server, and pays once', async (_, uploads, arrives) => {
    const folder = await folderWithInstructions()
    const { server, env } = await serve()
    const { around } = server
    server.around = async (request, answer) => {
      if (request !== 'POST batches') return answer()
      await arrives(answer)
      first.kill('SIGKILL')
      return new Promise<never>(() => undefined)
    }
    const first = start(['classify', ...batch, '--data-dir', folder], env)
    await first.finished
    server.around = around
    expect(await workshop(folder, ['classify', ...batch], env)).toMatchObject({ code: 0, err: '' })
    expect([server.batches.length, server.uploads.length]).toEqual([1, uploads])
    expect((await readdir(folder)).filter((name) => name.startsWith('.batch'))).toEqual([])
    const asked = server.uploads[0]?.map((line) => line.custom_id)
    const answered = (await rowsOf<Call>(folder, 'calls.jsonl')).filter((call) => call.batch)
    expect(answered.map(({ key }) => key).toSorted()).toEqual(asked?.toSorted())
  })

  it('with the list of batches out of reach finds it the next time', async () => {
    const folder = await folderWithInstructions()
    const { server, env } = await serve()
    const { around } = server
    const refused = { status: 403, body: { error: { message: 'not now' } } }
    server.around = async (request, answer) => {
      if (request === 'POST batches') return (await answer(), { status: 500, body: 'oops' })
      return request === 'GET batches' && server.batches.length > 0 ? refused : answer()
    }
    expect(await workshop(folder, ['classify', ...batch], env)).toMatchObject({ code: 1 })
    server.around = around
    const second = await workshop(folder, ['classify', ...batch], env)
    expect(second).toMatchObject({ code: 0, err: '' })
    expect(second.out).toContain('batch_1')
    expect([server.batches.length, server.uploads.length]).toEqual([1, 1])
  })

  it('keeps what a batch answered for rows that are gone meanwhile, and asks only for new ones', async () => {
    const folder = await folderWithInstructions()
    const { server, env } = await serve()
    await leaveOpen(server, folder, env)
    const known = await rowsOf<Instruction>(folder, '1-instructions.jsonl')
    const rows = [{ instruction: 'Explain to a child why the sky is blue.' }, ...known.slice(2)]
    await writeFile(
      path.join(folder, '1-instructions.jsonl'),
      rows.map((row) => JSON.stringify(row)).join('\n'),
    )
    expect(await workshop(folder, ['classify', ...batch], env)).toMatchObject({ code: 0, err: '' })
    const calls = await rowsOf<Call>(folder, 'calls.jsonl')
    expect(
      calls
        .filter((call) => call.batch)
        .map((call) => call.key)
        .toSorted(),
    ).toEqual(
      server.uploads
        .flat()
        .map((line) => line.custom_id)
        .toSorted(),
    )
    expect(server.uploads.slice(1).flat().length).toBeLessThanOrEqual(1)
    expect(await rowsOf(folder, '2-classified.jsonl')).toHaveLength(rows.length)
  })
})

describe('a fault that passes', () => {
  const broken = { status: 500, body: { error: { message: 'oops' } } }
  const page = { status: 200, body: '<html>sign in</html>' }

  it.each<[string, string, number, (answer: () => Promise<Answer>) => Promise<Answer>]>([
    ['the first question, whether there is an API', 'GET batches', 1, async () => broken],
    ['an upload', 'POST files', 1, async () => broken],
    ['the making of a batch', 'POST batches', 1, async () => ({ ...broken, status: 429 })],
    ['the answer when a batch was made', 'POST batches', 1, async (make) => (await make(), broken)],
    ['a look that meets a gateway', 'GET batches', 3, async () => page],
    ['a look at nothing', 'GET batches', 3, async () => ({ status: 200, body: {} })],
    ['a look at an empty answer', 'GET batches', 3, async () => ({ status: 200, body: null })],
    [
      'a look at another batch',
      'GET batches',
      3,
      async () => ({ status: 200, body: { id: 'x', status: 'failed' } }),
    ],
    ['a list that is none', 'GET batches', 1, async () => ({ status: 200, body: {} })],
    ['an upload that is answered by a page', 'POST files', 1, async () => page],
    [
      'a batch that is made without a word',
      'POST batches',
      1,
      async (make) => (await make(), { status: 200, body: {} }),
    ],
    ['results that are a page', 'GET files', 1, async () => page],
    ['results that are empty', 'GET files', 1, async () => ({ status: 200, body: '' })],
    [
      'half of the results',
      'GET files',
      1,
      async (results) => {
        const text = String((await results()).body)
        return { status: 200, body: text.slice(0, text.length / 2) }
      },
    ],
  ])('is waited out, and nothing is asked twice: %s', async (_, where, at, mishap) => {
    const folder = await folderWithInstructions()
    const { server, env } = await serve()
    let count = 0
    server.around = (request, answer) => (request === where && ++count === at ? mishap(answer) : answer())
    expect(await workshop(folder, ['classify', ...batch], env)).toMatchObject({ code: 0, err: '' })
    expect(count).toBeGreaterThanOrEqual(at)
    expect(server.batches).toHaveLength(1)
    const calls = await rowsOf<Call>(folder, 'calls.jsonl')
    const repairs = calls.filter((call) => !call.batch)
    expect(repairs.every(({ sample }) => sample > 0)).toBe(true)
    expect(server.chat.received).toHaveLength(repairs.length)
    expect(
      calls
        .filter((call) => call.batch)
        .map(({ key }) => key)
        .toSorted(),
    ).toEqual(
      server.uploads
        .at(-1)
        ?.map((line) => line.custom_id)
        .toSorted(),
    )
  })

  it('in what a server does not count is found out all the same', async () => {
    const folder = await folderWithInstructions()
    const { server, env } = await serve()
    let downloads = 0
    server.around = async (request, answer) => {
      const { status, body } = await answer()
      if (request === 'GET files' && ++downloads === 1) return { status, body: String(body).slice(0, 900) }
      return {
        status,
        body: request === 'GET batches' ? { ...(body as object), request_counts: undefined } : body,
      }
    }
    expect(await workshop(folder, ['classify', ...batch], env)).toMatchObject({ code: 0, err: '' })
    expect([server.batches.length, downloads]).toEqual([1, 2])
  })

  it('leaves no trace when lines come twice', async () => {
    const folder = await folderWithInstructions()
    const { server, env } = await serve()
    server.around = async (request, answer) => {
      const { status, body } = await answer()
      return { status, body: request === 'GET files' ? `${String(body)}${String(body)}` : body }
    }
    expect(await workshop(folder, ['classify', ...batch], env)).toMatchObject({ code: 0, err: '' })
    const batched = (await rowsOf<Call>(folder, 'calls.jsonl')).filter((call) => call.batch)
    expect(batched).toHaveLength(server.uploads[0]?.length ?? 0)
  })
})

describe('a batch that the server knows no more', () => {
  it('is told with what to do about its line', async () => {
    const folder = await folderWithInstructions()
    const { server, env } = await serve()
    server.around = async (request, answer) =>
      request === 'GET files' ? { status: 404, body: { error: { message: 'gone' } } } : answer()
    const run = await workshop(folder, ['classify', ...batch], env)
    expect(run.code).toBe(1)
    expect(run.err).toMatch(/knows no batch batch_1.*delete the line of batch_1 in batches\.jsonl/)
    expect((await rowsOf(folder, 'batches.jsonl')).at(-1)).toHaveProperty('keys')
  })
})

describe('a ledger that somebody changed', () => {
  it.each([{ file: '../precious.jsonl' }, { file: '1-instructions.jsonl' }, { keys: 5 }, { step: 'x' }])(
    'names no batch and touches no file: %j',
    async (change) => {
      const folder = await folderWithInstructions()
      const { server, env } = await serve()
      const file = '.batch-0123456789abcdef.jsonl'
      const line = { id: 'batch_9', provider: 'openai', step: 'classify', file, keys: [], ...change }
      await writeFile(path.join(folder, 'batches.jsonl'), `${JSON.stringify(line)}\n`)
      expect(await workshop(folder, ['classify', ...batch], env)).toMatchObject({ code: 0, err: '' })
      expect(server.batches).toHaveLength(1)
      expect(await readdir(folder)).toContain('1-instructions.jsonl')
    },
  )
})

describe('a batch whose questions are gone', () => {
  it('is not given up: a sentence says what to put back', async () => {
    const folder = await folderWithInstructions()
    const { server, env } = await serve()
    await leaveOpen(server, folder, env)
    const [line] = await rowsOf<{ file: string }>(folder, 'batches.jsonl')
    const questions = path.join(folder, line?.file ?? '')
    await rename(questions, `${questions}.away`)
    const stopped = await workshop(folder, ['classify', ...batch], env)
    expect(stopped.code).toBe(1)
    expect(stopped.err).toMatch(/\.batch-\w+\.jsonl is gone\. .*Put it back.*delete the line of batch_1/)
    await rename(`${questions}.away`, questions)
    expect(await workshop(folder, ['classify', ...batch], env)).toMatchObject({ code: 0, err: '' })
    expect(server.batches.map(({ id }) => id)).toEqual(['batch_1'])
  })
})

describe('the judge of step 4', () => {
  it('goes by batch too, and looks at no more rows than it would without', async () => {
    const judge = ['filter', '--judge', '--num-instructions', '8', '--provider', 'openai']
    const [first, second] = [await folderWithRun(), await folderWithRun()]
    const [plain, { server, env }] = [await serve(), await serve()]
    expect((await workshop(first, judge, plain.env)).err).toBe('')
    expect((await workshop(second, [...judge, ...batch], env)).err).toBe('')
    const judged = async (folder: string) =>
      (await rowsOf<Call>(folder, 'calls.jsonl')).filter((call) => call.step === 'filter')
    const rows = (calls: Call[]) => [...new Set(calls.flatMap((call) => call.rows ?? []))].toSorted()
    expect(rows(await judged(second))).toEqual(rows(await judged(first)))
    expect((await judged(second)).filter((call) => call.batch).length).toBeGreaterThan(0)
    expect(server.batches.length).toBeLessThanOrEqual(2)
    const { 'run.json': _, ...same } = await bytesOf(second)
    expect(same).toEqual(
      Object.fromEntries(Object.entries(await bytesOf(first)).filter(([name]) => name !== 'run.json')),
    )
  })
})

describe('a batch under way', () => {
  it('is not forgotten by a command without --batch', async () => {
    const folder = await folderWithInstructions()
    const { env } = await serve()
    const line = {
      id: 'batch_7',
      provider: 'openai',
      step: 'classify',
      file: '.batch-0123456789abcdef.jsonl',
      keys: [],
    }
    await writeFile(path.join(folder, 'batches.jsonl'), `${JSON.stringify(line)}\n`)
    const run = await workshop(folder, ['classify'], env)
    expect(run).toMatchObject({ code: 0, err: '' })
    expect(run.out).toContain('under way since an earlier run: batch_7. With --batch')
  })
})

describe('a step with more requests than a file may hold', () => {
  it('goes up in several batches', async () => {
    const folder = await temporaryFolder()
    const { server } = await serve()
    const provider = { ...remote, baseUrl: server.chat.url }
    const model = await modelWith(() => Promise.reject(new Error('asked')), 4, undefined, provider)
    const most = { lines: 2, bytes: 1_000_000 }
    const batching = await Batching.open({
      model,
      dir: folder,
      poll: 0.01,
      maxTokens: 512,
      tell: () => undefined,
      most,
    })
    const questions = ['bread', 'dice', 'rivers', 'clouds', 'bread'].map((text) => questionOf(text))
    const ask = () => Promise.all(questions.map((question) => model.ask('instances', question)))
    await batching.fill('instances', async () => void (await ask()))
    expect(server.uploads.map((lines) => lines.length)).toEqual([2, 2])
    expect((await ask()).map((call) => 'batch' in call && call.batch)).toEqual(
      [1, 1, 2, 2, 1].map((number) => `batch_${number}`),
    )
  })
})

describe('a batch that cannot be', () => {
  it('at a server without the API is one sentence, and nothing is touched', async () => {
    const folder = await temporaryFolder()
    const server = await TestServer.start()
    onTestFinished(() => server.close())
    const env = { OPENAI_API_KEY: 'sk-test', OPENAI_BASE_URL: server.url }
    const run = await workshop(path.join(folder, 'data'), batch, env)
    expect(run).toMatchObject({ code: 2, out: '' })
    expect(run.err.trim()).toMatch(/^--batch needs a server with a Batch API[^\n]*$/)
    expect(server.received).toEqual([])
    expect(await readdir(folder)).toEqual([])
  })

  it('at a gateway that knows no way to one is the same sentence, after one look', async () => {
    const { server, env } = await serve()
    let looks = 0
    const message = '当前分组 default 下对于模型 无可用渠道'
    server.around = async () => (
      looks++,
      { status: 503, body: { error: { message, type: 'new_api_error' } } }
    )
    const run = await workshop(await temporaryFolder(), batch, env)
    expect(run).toMatchObject({ code: 2, out: '' })
    expect(run.err).toContain('Leave --batch out')
    expect(looks).toBe(1)
  })

  it('offline is one sentence', async () => {
    const run = await workshop(await temporaryFolder(), batch)
    expect(run).toMatchObject({ code: 2, out: '' })
    expect(run.err).toContain('--batch needs a server with a Batch API')
  })

  it('is told with the provider’s reason; the same command makes another', async () => {
    const folder = await folderWithInstructions()
    const { server, env } = await serve()
    server.refusal = 'The model gpt-6-luna is not offered for batches'
    const refused = await workshop(folder, ['classify', ...batch], env)
    expect(refused).toMatchObject({ code: 1 })
    expect(refused.err).toContain('is not offered for batches')
    expect(server.chat.received).toEqual([])
    server.refusal = undefined
    expect(await workshop(folder, ['classify', ...batch], env)).toMatchObject({ code: 0, err: '' })
    expect(server.batches).toHaveLength(2)
  })
})

describe('another dialect of the Batch API', () => {
  /** Classifies by batch at a server whose answers are changed on their way. */
  async function classifyAt(change: (request: string, body: Record<string, unknown>) => unknown, runs = 1) {
    const folder = await folderWithInstructions()
    const { server, env } = await serve()
    server.around = async (request, answer) => {
      const { status, body } = await answer()
      const odd = typeof body === 'object' && body !== null ? change(request, { ...body }) : undefined
      return { status, body: odd ?? body }
    }
    let run = await workshop(folder, ['classify', ...batch], env)
    for (let again = 1; again < runs; again++) run = await workshop(folder, ['classify', ...batch], env)
    return { run, server }
  }

  it.each<[string, (request: string, body: Record<string, unknown>) => unknown]>([
    [
      'in capitals',
      (_, body) => (body.status ? { ...body, status: String(body.status).toUpperCase() } : undefined),
    ],
    [
      'with a queue',
      (_, body) => (body.status === 'in_progress' ? { ...body, status: 'in_queue' } : undefined),
    ],
    [
      'with empty names of files',
      (_, body) => (body.status ? { error_file_id: '', output_file_id: '', ...body } : undefined),
    ],
    [
      'with ids under data',
      (request, body) => (request === 'POST files' ? { code: 20000, data: body } : undefined),
    ],
    [
      'with no list of batches yet',
      (_, body) =>
        body.object === 'list' ? { ...body, data: [body.data].flat(2).at(0) ?? null } : undefined,
    ],
    ['wrapped, all of it', (_, body) => ({ code: 0, msg: 'success', data: body })],
    ['with times as texts', (_, body) => (body.status ? { ...body, completed_at: '2026-11-28' } : undefined)],
    [
      'with another word for the work',
      (_, body) => (body.status === 'in_progress' ? { ...body, status: 'processing' } : undefined),
    ],
  ])('is understood: %s', async (_, change) => {
    const { run, server } = await classifyAt(change)
    expect(run).toMatchObject({ code: 0, err: '' })
    expect(server.batches).toHaveLength(1)
  })

  it('with results that say no status is understood', async () => {
    const folder = await folderWithInstructions()
    const { server, env } = await serve()
    server.around = async (request, answer) => {
      const { status, body } = await answer()
      const bare = (line: string): string =>
        line.replace(/"response":\{"status_code":200,"body":(\{.*\})\},"error"/, '"response":$1,"error"')
      return {
        status,
        body:
          request === 'GET files' && typeof body === 'string' ? body.split('\n').map(bare).join('\n') : body,
      }
    }
    expect(await workshop(folder, ['classify', ...batch], env)).toMatchObject({ code: 0, err: '' })
    expect(server.batches).toHaveLength(1)
  })

  it.each<[string, unknown]>([
    ['a list', [{ message: 'no such model here' }]],
    ['a text', 'no such model here'],
  ])('that fails says why, in %s', async (_, errors) => {
    const { run } = await classifyAt((_request, body) =>
      body.status ? { ...body, status: 'failed', errors } : undefined,
    )
    expect(run).toMatchObject({ code: 1, err: expect.stringContaining('no such model here') })
  })

  it.each<[string, RegExp]>([
    ['POST files', /out of credit: top it up/],
    ['GET batches', /out of credit: top it up/],
  ])('with an error in the place of an answer says what it is: %s', async (where, cure) => {
    const error = { choices: null, base_resp: { status_code: 1008, status_msg: 'insufficient balance' } }
    const { run, server } = await classifyAt((request) => (request === where ? error : undefined))
    expect(run).toMatchObject({ code: 1, err: expect.stringMatching(cure) })
    expect(server.batches).toEqual([])
  })

  it('with a status nobody knows is said, and ends', async () => {
    const { run } = await classifyAt((_, body) =>
      body.status ? { ...body, status: 'pondering' } : undefined,
    )
    expect(run.code).toBe(1)
    expect(run.err).toContain('"pondering"')
  })
})

it('every line of a batch failing is shown, and nothing goes to full price, nor the next time', async () => {
  const folder = await folderWithInstructions()
  const { server, env } = await serve(() => ({
    status: 429,
    error: { message: 'Rate limit reached', code: 'x' },
  }))
  for (const made of [1, 2]) {
    const run = await workshop(folder, ['classify', ...batch], env)
    expect(run.code).toBe(1)
    expect(run.err).toContain('Rate limit reached')
    expect(server.batches).toHaveLength(made)
  }
  expect(server.chat.received).toEqual([])
})

it('a limit of what may be queued makes smaller batches, one after the other', async () => {
  const folder = await temporaryFolder()
  const { server } = await serve()
  server.refuse = (lines) => (lines > 2 ? 'Enqueued token limit reached for gpt-6-luna' : undefined)
  const provider = { ...remote, baseUrl: server.chat.url }
  const model = await modelWith(() => Promise.reject(new Error('asked')), 4, undefined, provider)
  const terms = { model, dir: folder, poll: 0.01, maxTokens: 512, tell: () => undefined }
  const batching = await Batching.open(terms)
  const questions = ['bread', 'dice', 'rivers', 'clouds'].map((text) => questionOf(text))
  await batching.fill('instances', async () => {
    await Promise.all(questions.map((question) => model.ask('instances', question)))
  })
  expect(model.stopped).toBeUndefined()
  expect(server.uploads.map((lines) => lines.length)).toEqual([4, 2, 2])
})

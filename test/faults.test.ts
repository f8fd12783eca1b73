// The whole workshop through everything that goes wrong between it and a server.
import { readFile, readdir } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { bytesOf, folderWithRun, rowsOf, temporaryFolder, workshop } from './support/command.ts'
import { failing, fatal, passing, useless, verdicts } from './support/faults.ts'
import { type Answering, type Received, TestServer, questionIn, rowsAsked } from './support/server.ts'

type Row = { instruction: string; call: string }
type Rejected = Row & { step: string; reason: string }
type Logged = { key: string; step: string; skipped?: string }

const secret = 'sk-test-0123456789abcdef'

async function serve(answering: Answering) {
  const server = await TestServer.start(answering)
  onTestFinished(() => server.close())
  return { server, env: { OPENAI_API_KEY: secret, OPENAI_BASE_URL: server.url } }
}

describe('with a third of all requests failing', () => {
  it('60 of 60 instructions are reached, and each that fell out says why', async () => {
    const folder = await temporaryFolder()
    const { server, env } = await serve(failing(1 / 3, { ...passing, ...useless, ...verdicts }))
    const run = await workshop(folder, ['--num-instructions', '60', '--concurrency', '16'], env)
    expect(run).toMatchObject({ code: 0, err: '' })

    const dataset = await rowsOf<Row>(folder, '4-dataset.jsonl')
    const inData = new Set(dataset.map((row) => row.instruction))
    expect(inData.size).toBe(60)
    expect(JSON.stringify(dataset)).not.toContain('WRECK')

    const rejected = await rowsOf<Rejected>(folder, 'rejected.jsonl')
    const accounted = new Set([...inData, ...rejected.map((row) => row.instruction)])
    const accepted = await rowsOf<Row>(folder, '1-instructions.jsonl')
    expect(accepted.filter((row) => !accounted.has(row.instruction))).toEqual([])

    // Requests that came to nothing are accounted for as well, each under its own reason.
    const reasons = new Set(rejected.map((row) => row.reason))
    expect([...reasons]).toEqual(expect.arrayContaining(['content_filter', 'refusal']))

    // So are the attempts that were repeated, on the screen, on the page and in the record: there in an order that does
    // not tell which came first.
    const { repeated } = JSON.parse(await readFile(path.join(folder, 'run.json'), 'utf8'))
    expect(Object.keys(repeated)).toEqual(['failed', 'refused', 'reset'])
    expect(run.out).toMatch(/\d+ attempts repeated \(\d+ refused, .*\d+ faults of the server\), .* waited/)
    expect(await readFile(path.join(folder, 'report.html'), 'utf8')).toMatch(
      /attempts repeated \(\d+ refused/,
    )

    const calls = await rowsOf<Logged>(folder, 'calls.jsonl')
    expect(new Set(calls.map((call) => call.key)).size).toBe(calls.length)
    const [asked, bytes] = [server.received.length, await bytesOf(folder)]
    const again = await workshop(folder, ['--num-instructions', '60', '--concurrency', '16'], env)
    expect(again).toMatchObject({ code: 0, err: '' })
    expect(await bytesOf(folder)).toEqual(bytes)
    expect(server.received).toHaveLength(asked)
  })
})

describe('a fault that ends the run', () => {
  it.each([
    ['401', /OPENAI_API_KEY/],
    ['404', /--model gpt-6-luna/],
  ])('is told once with its cure, and leaves an empty folder empty: %s', async (name, cure) => {
    const folder = await temporaryFolder()
    const { server, env } = await serve(() => fatal[name])
    const run = await workshop(folder, [], env)
    expect(run.code).toBe(1)
    expect(run.err.trim().split('\n')).toHaveLength(1)
    expect(run.err).toMatch(cure)
    expect(run.err).not.toContain(secret)
    expect(server.received.length).toBeLessThanOrEqual(8)
    expect(await readdir(folder).catch(() => [])).toEqual([])
  })

  it('of a gateway whose model is gone ends soon, with the cure; the same command goes on', async () => {
    const folder = await temporaryFolder()
    let gone = true
    const said = 'litellm.InternalServerError: OpenAIException - Connection error. No fallback was attempted.'
    const { server, env } = await serve(() =>
      gone ? { status: 500, body: { error: { message: said, code: '500' } } } : undefined,
    )
    const first = await workshop(folder, ['--num-instructions', '5'], env)
    expect(first.code).toBe(1)
    expect(first.err).toContain('cannot reach the model behind it')
    expect(server.received.length).toBeLessThanOrEqual(3 * 8)
    gone = false
    expect(await workshop(folder, ['--num-instructions', '5'], env)).toMatchObject({ code: 0, err: '' })
  })

  it('leaves the files of the last run alone', async () => {
    const folder = await folderWithRun()
    const bytes = await bytesOf(folder)
    const { env } = await serve(() => fatal.insufficient_quota)
    const run = await workshop(folder, [], env)
    expect(run.code).toBe(1)
    expect(run.err).toContain('out of credit')
    expect(await bytesOf(folder)).toEqual(bytes)
  })
})

describe('a row whose call finally fails', () => {
  it('is rejected as call_failed, and is all that the next run asks for', async () => {
    const folder = await temporaryFolder()
    let healed = false
    const asksFor = ({ body }: Received): string | undefined =>
      questionIn(body.messages).includes('"instances"') ? rowsAsked(body.messages)[0] : undefined
    const { server, env } = await serve((received) => {
      const task = asksFor(received)
      return task && task.length % 2 === 0 && !healed ? { status: 413, body: 'too large' } : undefined
    })
    await workshop(folder, ['--num-instructions', '10'], env)
    const failed = (await rowsOf<Rejected>(folder, 'rejected.jsonl')).filter(
      (row) => row.reason === 'call_failed',
    )
    expect(failed.length).toBeGreaterThan(0)
    expect(failed.every((row) => row.step === 'instances')).toBe(true)

    healed = true
    const asked = server.received.length
    expect(await workshop(folder, ['instances', 'filter'], env)).toMatchObject({ code: 0, err: '' })
    const askedAgain = new Set(server.received.slice(asked).map(asksFor))
    expect(askedAgain).toEqual(new Set(failed.map((row) => row.instruction)))
    const left = (await rowsOf<Rejected>(folder, 'rejected.jsonl')).filter(
      (row) => row.reason === 'call_failed',
    )
    expect(left).toEqual([])
  })
})

// The whole workshop through everything that goes wrong between it and a server.
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { bytesOf, folderWithRun, rowsOf, temporaryFolder, workshop } from './support/command.ts'
import { failing, fatal, passing, useless, verdicts } from './support/faults.ts'
import { type Answering, TestServer } from './support/server.ts'

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
  it('150 of 150 instructions are reached, and each that fell out says why', async () => {
    const folder = await temporaryFolder()
    const { server, env } = await serve(failing(1 / 3, { ...passing, ...useless, ...verdicts }))
    const run = await workshop(folder, ['--num-instructions', '150'], env)
    expect(run).toMatchObject({ code: 0, err: '' })
    console.log(run.out, server.received.length)

    const dataset = await rowsOf<Row>(folder, '4-dataset.jsonl')
    const inData = new Set(dataset.map((row) => row.instruction))
    expect(inData.size).toBe(150)
    expect(JSON.stringify(dataset)).not.toContain('WRECK')

    const rejected = await rowsOf<Rejected>(folder, 'rejected.jsonl')
    const accounted = new Set([...inData, ...rejected.map((row) => row.instruction)])
    const accepted = await rowsOf<Row>(folder, '1-instructions.jsonl')
    expect(accepted.filter((row) => !accounted.has(row.instruction))).toEqual([])

    // Requests that came to nothing are accounted for as well, each under its own reason.
    const reasons = new Set(rejected.map((row) => row.reason))
    expect([...reasons]).toEqual(expect.arrayContaining(['content_filter', 'refusal']))

    const calls = await rowsOf<Logged>(folder, 'calls.jsonl')
    expect(new Set(calls.map((call) => call.key)).size).toBe(calls.length)
    const [asked, bytes] = [server.received.length, await bytesOf(folder)]
    const again = await workshop(folder, ['--num-instructions', '150'], env)
    expect(again).toMatchObject({ code: 0, err: '' })
    expect(await bytesOf(folder)).toEqual(bytes)
    expect(server.received).toHaveLength(asked)
  })
})

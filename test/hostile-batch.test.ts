// The Batch API of a server that lies, errs or breaks off: what it sends is read as it is meant, or the run ends with a sentence.
import { readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Answer, BatchServer } from './support/batch-server.ts'
import { type Finished, folderWithRun, rowsOf, workshop } from './support/command.ts'

type Change = (request: string, body: unknown) => unknown

const mostAsked = 40 // then the server denies the key, so that no run goes on for ever

/** Step 2 by batch at a server whose answers are changed on their way. */
async function classifyAt(change: Change, ...more: string[]) {
  const folder = await folderWithRun()
  await writeFile(path.join(folder, 'calls.jsonl'), '')
  const server = await BatchServer.start()
  onTestFinished(() => server.chat.close())
  const { around } = server
  let asked = 0
  server.around = async (request, answer): Promise<Answer> => {
    if (asked++ > mostAsked) return { status: 403, body: { error: { message: 'enough' } } }
    const { status, body } = await around(request, answer)
    return { status, body: change(request, body) }
  }
  const args = ['classify', '--provider', 'openai', '--batch', '--poll', '0.01', ...more]
  const run = await workshop(folder, args, { OPENAI_API_KEY: 'sk-test', OPENAI_BASE_URL: server.chat.url })
  return { run, folder, server, asked }
}

/** Changes the lines of results. */
const lines =
  (change: (lines: string[]) => string[]): Change =>
  (request, body) =>
    request === 'GET files' ? `${change(String(body).trimEnd().split('\n')).join('\n')}\n` : body

/** Changes what is told of a batch that has ended. */
const told =
  (change: object): Change =>
  (request, body) =>
    request === 'GET batches' && Reflect.get(body as object, 'status') === 'completed'
      ? { ...(body as object), ...change }
      : body

function expectNoTrace({ out, err }: Finished): void {
  expect(out + err).not.toMatch(/TypeError|RangeError|^ {4}at /m)
}

const renamed = (line: string, id: unknown) =>
  JSON.stringify({ ...(JSON.parse(line) as object), custom_id: id })
const failedFirst = (line: string) =>
  JSON.stringify({
    custom_id: (JSON.parse(line) as { custom_id: string }).custom_id,
    response: { status_code: 500, body: { error: { message: 'oops' } } },
  })

describe('results of a batch', () => {
  it.each<[string, Change]>([
    ['with errors that are no list', told({ errors: { data: 'none' } })],
    ['with errors that are none', told({ errors: { data: [null, 5, 'x', {}] } })],
    ['with counts that cannot be', told({ request_counts: { total: '5', completed: '5', failed: -7 } })],
    ['with times that cannot be', told({ created_at: 'then', completed_at: 1e308 })],
    [
      'with ids nobody asked for',
      lines((all) => [
        ...['../../x', '__proto__', { toString: 5 }, null].map((id) => renamed(all[0] ?? '', id)),
        ...all,
      ]),
    ],
    ['twice', lines((all) => [...all, ...all])],
    ['of which a failure comes first', lines((all) => [...all.map(failedFirst), ...all])],
    ['between blocks of NUL bytes', lines((all) => ['\0'.repeat(100), ...all, '\0'])],
  ])('%s are read', async (_, change) => {
    const { run, server, folder } = await classifyAt(change)
    expect(run).toMatchObject({ code: 0, err: '' })
    expect(server.batches).toHaveLength(1)
    const brought = (await rowsOf(folder, 'calls.jsonl')).filter((call) => call.batch)
    expect(brought).toHaveLength(server.uploads[0]?.length ?? 0)
  })

  it.each<[string, Change, string]>([
    ['are never named', told({ output_file_id: undefined }), 'names no file of its results'],
    ['lie at no name', told({ output_file_id: { a: 1 } }), 'names no file of its results'],
    ['are a page', lines(() => ['<html>']), 'came down incomplete: 0 of'],
    ['lack some lines', lines((all) => all.slice(1)), 'came down incomplete'],
    ['are one endless line', lines(() => ['x'.repeat(65 * 2 ** 20)]), 'a line of more than 64 MB'],
  ])('that %s end the run with a sentence, and can be fetched again', async (_, change, sentence) => {
    const { run, folder } = await classifyAt(change)
    expect({ code: run.code, err: run.err }).toEqual({ code: 1, err: expect.stringContaining(sentence) })
    expectNoTrace(run)
    const left = (await readdir(folder)).filter((name) => /tmp$|^\.batch/.test(name))
    expect(left).toEqual([expect.stringMatching(/^\.batch-\w+\.jsonl$/)])
  })

  it('that cannot be read, though they are paid for, count at their worst', async () => {
    const cut = lines(([first = '', ...others]) => [
      first,
      ...others.map((line) => line.replace(/"choices":.*"usage"/, '"usage"')),
    ])
    const { run } = await classifyAt(cut, '--budget', '0.0012')
    expect(run.err).toContain('the budget of $0.0012 is reached: up to $0.00')
  })
})

describe('a server', () => {
  it('that answers something else than a batch is named while the run looks again', async () => {
    const { run } = await classifyAt(told({ status: { done: true } }))
    expect(run.out + run.err).toContain('the answer is none of a Batch API')
  })

  it('that gives a batch no name is asked for it by its questions', async () => {
    const { run, server } = await classifyAt((request, body) =>
      request === 'POST batches' ? { ...(body as object), id: '' } : body,
    )
    expect(run).toMatchObject({ code: 0, err: '' })
    expect(server.batches).toHaveLength(1)
  })

  it('whose list never ends fills no memory', async () => {
    const { run } = await classifyAt((request, body) =>
      request === 'GET batches' ? 'x'.repeat(65 * 2 ** 20) : body,
    )
    expect(run.err).toContain('an answer of more than 64 MB')
  })
})

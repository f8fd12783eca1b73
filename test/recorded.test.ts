// The recorded runs of a small open model: replayed without a key, to the end. A changed prompt is a question that nobody
// recorded; then record anew, with the model and the server that README names under "A small model's run".
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { bytesOf, project, rowsOf, temporaryFolder, workshop } from './support/command.ts'

describe.each([
  ['en', /asked 40 .* kept 20/],
  ['zh', /保留 20/],
])('the recorded run (%s)', (language, funnel) => {
  it('gives its 20 instructions again, its mistakes and their reasons', async () => {
    const folder = await temporaryFolder()
    const log = path.join(project, 'data', 'recorded', language, 'calls.jsonl')
    const { code, out, err } = await workshop(folder, ['--replay', log])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(funnel)
    const reasons = (await rowsOf<{ reason: string }>(folder, 'rejected.jsonl')).map(({ reason }) => reason)
    expect(reasons, 'a prompt has changed: record the run anew').not.toContain('not_recorded')
    expect(reasons).toContain('copied_demonstration')
    const rows = await rowsOf<{ instruction: string }>(folder, '4-dataset.jsonl')
    expect(new Set(rows.map(({ instruction }) => instruction)).size).toBe(20)
  })

  it('says nothing of the address it was recorded at, and tells prompts, replies and the loop from its log', async () => {
    const folder = await temporaryFolder()
    const log = path.join(project, 'data', 'recorded', language, 'calls.jsonl')
    const { out } = await workshop(folder, ['--replay', log])
    expect(out).not.toContain('--base-url')
    const [, words = ''] = /workshop\.ts why (\S+) /.exec(out) ?? []
    const reason = await workshop(folder, ['why', words])
    const [, id = ''] = /workshop\.ts why ([0-9a-f]{12}) /.exec(reason.out) ?? []
    expect((await workshop(folder, ['why', id])).out).toContain('    | ') // the reply
    const drawn = await readFile(path.join(folder, 'report.html'), 'utf8')
    expect(drawn).toMatch(/<section id="loop">[^]*<blockquote/)
    expect(drawn).toContain('"replies":{')
    await workshop(folder, ['report'])
    expect(await readFile(path.join(folder, 'report.html'), 'utf8')).toBe(drawn)
  })

  it('is gone on from by single steps, which ask nobody, even with a key', async () => {
    const folder = await temporaryFolder()
    await workshop(folder, ['--replay', path.join(project, 'data', 'recorded', language, 'calls.jsonl')])
    const bytes = await bytesOf(folder)
    const again = await workshop(folder, ['classify', 'instances', 'filter'], {
      OPENAI_API_KEY: 'sk-test-0123456789abcdef',
    })
    expect(again).toMatchObject({ code: 0, err: '' })
    expect(again.out).toContain('qwen2.5-coder-1.5b-instruct')
    expect(again.out).toContain(`replay data/recorded/${language}/calls.jsonl`)
    expect(await bytesOf(folder)).toEqual(bytes)
  })
})

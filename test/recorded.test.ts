// The recorded runs of a small open model: replayed without a key, to the end. A changed prompt is a question that nobody
// recorded; then record anew, with the model and the server that README names under "A small model's run".
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { bytesOf, project, rowsOf, temporaryFolder, workshop } from './support/command.ts'

describe.each([
  ['en', /asked 40 .* kept 20/],
  ['zh', /保留 20/],
])('the recorded run (%s)', (language, funnel) => {
  it('gives its 20 instructions again, its mistakes and their reasons, and tells prompts, replies and the loop from its log', async () => {
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

    expect(out, 'the address it was recorded at').not.toContain('--base-url')
    const [, words = ''] = /workshop\.ts why (\S+) /.exec(out) ?? []
    const reason = await workshop(folder, ['why', words])
    const [, id = ''] = /workshop\.ts why ([0-9a-f]{12}) /.exec(reason.out) ?? []
    expect((await workshop(folder, ['why', id])).out).toContain('    | ') // the reply
    const page = path.join(folder, 'report.html')
    const drawn = await readFile(page, 'utf8')
    expect(drawn).toMatch(/<section id="loop">[^]*<blockquote/)
    expect(drawn).toContain('"replies":{')
    await workshop(folder, ['report'])
    expect(await readFile(page, 'utf8')).toBe(drawn)

    // Single steps go on from it, and ask nobody, even with a key.
    const bytes = await bytesOf(folder)
    const key = { OPENAI_API_KEY: 'sk-test-0123456789abcdef' }
    const again = await workshop(folder, ['classify', 'instances', 'filter'], key)
    expect(again).toMatchObject({ code: 0, err: '' })
    expect(again.out).toContain('qwen2.5-coder-1.5b-instruct')
    expect(again.out).toContain(`replay data/recorded/${language}/calls.jsonl`)
    expect(await bytesOf(folder)).toEqual(bytes)

    // Where that log is gone, they say how to name it.
    const record = path.join(folder, 'run.json')
    const told = await readFile(record, 'utf8')
    await writeFile(record, told.replace(`recorded/${language}/calls.jsonl`, 'recorded/gone.jsonl'))
    const lost = await workshop(folder, ['classify'])
    expect(lost).toMatchObject({ code: 2, err: expect.stringContaining('--replay') })
  })
})

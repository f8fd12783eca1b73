// The recorded runs of a small open model: replayed without a key, to the end. A changed prompt is a question that nobody
// recorded; then record anew, with the model and the server that README names under "A small model's run".
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { project, rowsOf, temporaryFolder, workshop } from './support/command.ts'

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
})

// --rules chooses the filter rules of a run; run.json keeps them, a single step and the page go by them.
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { selectRules } from '../steps/text/rules.ts'
import { folderWithRun, rowsOf, temporaryFolder, workshop } from './support/command.ts'

const reasonsIn = async (folder: string) =>
  new Set((await rowsOf<{ reason: string }>(folder, 'rejected.jsonl')).map(({ reason }) => reason))

describe('--rules', () => {
  it.each([
    [undefined, true, true],
    ['near_duplicate', true, false],
    ['near_duplicate,refusal', true, true],
    ['-refusal', true, false],
    ['-refusal,-near_duplicate', false, false],
    ['near_duplicate，refusal，-refusal', true, false],
  ])('%s', (names, nearDuplicate, refusal) => {
    const on = selectRules(names)
    expect([on.has('near_duplicate'), on.has('refusal')]).toEqual([nearDuplicate, refusal])
  })

  it('leaves rows that the rule would have taken, in step 1 and in step 4', async () => {
    const usual = await reasonsIn(await folderWithRun())
    const folder = await folderWithRun(['--rules', '-blocked_keyword,-cut_off'])
    const without = await reasonsIn(folder)
    expect([usual.has('blocked_keyword'), usual.has('cut_off')]).toEqual([true, true])
    expect([without.has('blocked_keyword'), without.has('cut_off')]).toEqual([false, false])
    expect(without.size).toBeGreaterThan(3)
    expect(await readFile(path.join(folder, 'report.html'), 'utf8')).toContain('off (--rules)')
  })

  it('is kept for single steps, which say so and can be told otherwise', async () => {
    const folder = await folderWithRun(['--rules', '-blocked_keyword,-cut_off'])
    const row = { instruction: 'Say why bread rises.', is_classification: false, call: '' }
    const instances = [{ input: '', output: 'Bread rises because yeast eats the sugar in the' }]
    await writeFile(path.join(folder, '3-instances.jsonl'), `${JSON.stringify({ ...row, instances })}\n`)
    const kept = await workshop(folder, ['filter'])
    expect(kept.out).toContain('rules -blocked_keyword,-cut_off')
    expect(await rowsOf(folder, '4-dataset.jsonl')).toHaveLength(1)
    await workshop(folder, ['filter', '--rules', 'cut_off'])
    expect(await rowsOf(folder, '4-dataset.jsonl')).toHaveLength(0)
  })

  it.each([
    ['en', 'there is no rule "near_duplicates". Did you mean near_duplicate? The rules are: too_short, '],
    ['zh', '没有名为 "near_duplicates" 的规则。您是否想用 near_duplicate？全部规则：too_short、'],
  ])('names the nearest rule for one that there is not (%s)', async (language, said) => {
    const folder = await temporaryFolder()
    const run = await workshop(folder, ['--language', language, '--rules', 'refusal,-near_duplicates'])
    expect(run).toMatchObject({ code: 2, err: expect.stringContaining(said) })
  })
})

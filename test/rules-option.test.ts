// --rules chooses the filter rules of a run; run.json keeps them, a single step and the page go by them.
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  BrokenRule,
  type Rule,
  checkInstances,
  checkInstruction,
  checkOwnRules,
} from '../steps/text/check.ts'
import { rules, selectRules } from '../steps/text/rules.ts'
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

/** A rule of one's own, put before `near_duplicate` as the README says, for one test. */
function ownRule(rule: object): void {
  const list = rules as Rule[]
  const place = list.findIndex(({ reason }) => reason === 'near_duplicate')
  const usual = { reason: 'my_rule', of: 'instruction', why: { en: 'Mine.', zh: '我的。' } }
  list.splice(place, 0, { ...usual, ...rule } as Rule)
  onTestFinished(() => void list.splice(place, 1))
}

/** What the rules say of a row, with a rule of one's own among them. */
function measured(rule: object): string[] {
  ownRule(rule)
  checkOwnRules(rules)
  const pool = { rival: () => undefined }
  const instruction = 'Say why the sky is blue.'
  const on = selectRules(undefined)
  const instances = checkInstances(instruction, [{ input: '', output: 'Air scatters it.' }], 'en', on)
  return [checkInstruction(instruction, 'en', pool, on), ...instances].flatMap((found) => found?.reason ?? [])
}

describe('a rule of one’s own', () => {
  it.each([
    ['instruction', null],
    ['instruction', undefined],
    ['text', false],
    ['instance', null],
    ['instances', false],
  ])('of kind %s that returns %s objects to nothing', (of, nothing) => {
    expect(measured({ of, test: () => nothing })).toEqual([])
  })

  it('that returns null breaks neither a run, nor its page, nor the next step', async () => {
    ownRule({ test: () => null })
    const folder = await temporaryFolder()
    expect(await workshop(folder, ['--num-instructions', '5'])).toMatchObject({ code: 0, err: '' })
    expect(await readFile(path.join(folder, 'rejected.jsonl'), 'utf8')).not.toContain('my_rule')
    expect(await readFile(path.join(folder, 'report.html'), 'utf8')).toMatch(
      /my_rule.*\n[^]*?<td class="number">0</,
    )
    expect(await workshop(folder, ['filter'])).toMatchObject({ code: 0 })
  })

  it.each([
    ['true', { test: () => true }, 'my_rule" gave back true; expected is what it measured'],
    ['a number', { test: () => 3 }, 'my_rule" gave back 3'],
    ['a match', { test: (text: string) => /./.exec(text) }, 'my_rule" gave back […]'],
    ['one language', { test: () => ({ en: 'x' }) }, 'my_rule" gave back {…}'],
    ['a promise', { test: async () => 'x' }, 'my_rule" gave back a promise'],
    ['an error', { test: () => JSON.parse('{') }, 'my_rule" failed: SyntaxError'],
    ['true of a text', { of: 'text', test: () => true }, 'my_rule" gave back true'],
    ['true of an answer', { of: 'instance', test: () => true }, 'my_rule" gave back true'],
    ['true of instances', { of: 'instances', test: () => true }, 'my_rule" gave back true'],
    ['a kind there is not', { of: 'instruktion', test: () => undefined }, 'needs an of'],
    ['no reason', { reason: undefined, test: () => 'x' }, 'needs a reason'],
    ['a name there is', { reason: 'too_short', test: () => 'x' }, 'has a reason that is taken'],
    ['no test', {}, 'needs a test'],
    ['no why', { why: undefined, test: () => 'x' }, 'needs a why'],
  ])('that gives %s is named', (_, rule, said) => {
    let words: { en: string; zh: string } | undefined
    try {
      measured(rule)
    } catch (error) {
      words = error instanceof BrokenRule ? error.words : undefined
    }
    expect(words?.en).toContain(said)
    expect(words?.zh).toMatch(/请在 steps\/text\/rules\.ts 中修改/)
  })

  it.each([
    ['en', { test: (): unknown => true }, 'The rule "my_rule" gave back true; expected'],
    ['zh', { test: (): unknown => true }, '规则“my_rule”返回了 true；应返回测得的文字'],
    [
      'en',
      { reason: 'beyond_target', test: () => 'x' },
      'The rule "beyond_target" has a reason that is taken',
    ],
    ['zh', { reason: 'call_failed', test: () => 'x' }, '规则“call_failed”的 reason 已被占用'],
    ['en', { of: 'instance', test: (): unknown => 7 }, 'The rule "my_rule" gave back 7'],
  ])('ends a run with that sentence alone, and no row is broken (%s)', async (language, rule, said) => {
    ownRule(rule)
    const folder = await temporaryFolder()
    const run = await workshop(folder, ['--language', language, '--num-instructions', '5'])
    expect(run).toMatchObject({ code: 2, err: expect.stringContaining(said) })
    expect(run.err.trim().split('\n')).toHaveLength(1)
    expect(existsSync(path.join(folder, '4-dataset.jsonl'))).toBe(false)
  })
})

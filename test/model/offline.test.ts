import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { classificationPrompt } from '../../steps/classify.ts'
import { generationPrompt } from '../../steps/generate.ts'
import { instancesPrompt } from '../../steps/instances.ts'
import { judgementPrompt } from '../../steps/model/judge.ts'
import { answerOffline } from '../../steps/model/offline.ts'
import { readAnswers, readInstances, readTasks, readVerdicts } from '../../steps/text/replies.ts'
import { NoveltyIndex } from '../../steps/text/novelty.ts'
import { rules } from '../../steps/text/rules.ts'
import { folderWithRun, project, rowsOf, temporaryFolder, workshop } from '../support/command.ts'

type Task = {
  instruction: string
  is_classification: boolean
  instances: { input: string; output: string }[]
  fault?: string
}

describe.each(['en', 'zh'] as const)('the offline model, in %s', (language) => {
  let bank: Task[]
  let seeds: string[]
  let shown: string[]
  beforeAll(async () => {
    bank = await rowsOf<Task>(path.join(project, 'data', 'offline'), `${language}.jsonl`)
    const file = language === 'zh' ? 'seed_tasks.zh.jsonl' : 'seed_tasks.jsonl'
    seeds = (await rowsOf<Task>(path.join(project, 'data'), file)).map(({ instruction }) => instruction)
    shown = seeds.slice(0, 8)
  })

  it('answers the same for the same request and sample, and otherwise something else', async () => {
    const messages = generationPrompt(shown, language)
    const [a, b] = [await answerOffline(messages, 512, 0), await answerOffline(messages, 512, 0)]
    expect(b).toEqual(a)
    expect((await answerOffline(messages, 512, 1)).reply).not.toBe(a.reply)
    expect((await answerOffline(generationPrompt(shown.slice(1), language), 512, 0)).reply).not.toBe(a.reply)
  })

  it('writes ten tasks of its bank, a topic’s own words among the likelier ones', async () => {
    const known = new Set(bank.map((task) => task.instruction.replace(/\s+/g, ' ')))
    const { reply } = await answerOffline(generationPrompt(shown, language), 4000, 3)
    const tasks = readTasks(reply, false)?.tasks ?? []
    expect(tasks).toHaveLength(10)
    expect(tasks.filter((task) => known.has(task)).length).toBeGreaterThanOrEqual(9)
  })

  it('labels and does the tasks it knows, and says so where it knows none', async () => {
    const sound = bank.filter((task) => task.fault === undefined).slice(0, 20)
    const instructions = sound.map((task) => task.instruction)
    const labels = readAnswers(
      (await answerOffline(classificationPrompt(instructions, language), 4000, 0)).reply,
      false,
      20,
    )
    for (const [number, label] of labels ?? []) expect(label).toBe(sound[number - 1]?.is_classification)
    expect(labels?.size).toBeGreaterThan(15)

    const [task] = sound
    const done = await answerOffline(instancesPrompt(task?.instruction ?? '', false, language), 4000, 0)
    expect(readInstances(done.reply, false, false)?.instances).toEqual(task?.instances)
    const unknown = await answerOffline(instancesPrompt('Zyx wvu tsr qpo nml.', false, language), 4000, 0)
    expect(readInstances(unknown.reply, false, false)).toBeUndefined()
  })

  it('judges its own faulty answers rightly most of the time, and not always', async () => {
    const rows = bank.filter((task) => task.fault === 'wrong_fact' || task.fault === undefined).slice(0, 200)
    const lines = rows.map(({ instruction, instances }) => JSON.stringify({ instruction, ...instances[0] }))
    const messages = judgementPrompt(lines, language)
    const verdicts = readVerdicts((await answerOffline(messages, 100_000, 0)).reply, false, rows.length)
    const right = rows.filter(
      (row, place) => verdicts?.get(place + 1)?.output_correct === (row.fault === undefined),
    )
    expect(right.length / rows.length).toBeGreaterThan(0.7)
    expect(right.length).toBeLessThan(rows.length)
  })

  it('shows a class every rule of step 4 in a run to 120, and keeps to itself which answers are faulty', async () => {
    const folder = await temporaryFolder()
    const run = await workshop(folder, ['--language', language, '--num-instructions', '120'])
    expect(run.code).toBe(0)
    const rejected = await rowsOf<{ reason: string }>(folder, 'rejected.jsonl')
    const seen = new Set(rejected.map((row) => row.reason))
    expect(rules.map((rule) => rule.reason).filter((reason) => !seen.has(reason))).toEqual([])
    for (const name of ['calls.jsonl', '3-instances.jsonl', '4-dataset.jsonl']) {
      expect(await readFile(path.join(folder, name), 'utf8')).not.toMatch(/"fault"|\\"fault\\"/)
    }
  })

  it('shows a near-duplicate that is no copy in the first run, and three more with a stricter threshold', async () => {
    type Rejected = {
      step: string
      reason: string
      instruction: string
      most_similar: { instruction: string }
    }
    const folder = await folderWithRun(['--language', language])
    const near = (await rowsOf<Rejected>(folder, 'rejected.jsonl')).filter(
      ({ step, reason }) => step === 'generate' && reason === 'near_duplicate',
    )
    const bare = (text: string) => text.replace(/^请|, please\.$|[.?。？]$/g, '')
    const real = near.filter((row) => bare(row.instruction) !== bare(row.most_similar.instruction))
    expect(real.length).toBeGreaterThan(0)

    const pool = new NoveltyIndex(0.5)
    for (const instruction of seeds) pool.add(instruction)
    const alike = (await rowsOf<Task>(folder, '1-instructions.jsonl')).filter(({ instruction }) => {
      const rival = pool.rival(instruction)
      if (!rival) pool.add(instruction)
      return rival
    })
    expect(alike.length).toBeGreaterThanOrEqual(3)
  })

  it('says that its bank is used up when nothing new comes', async () => {
    // In a step alone, and in a run, which then ends with what it has.
    const [args, said] =
      language === 'zh'
        ? [['generate', '--num-instructions', '600'], /题库已经用完/]
        : [
            ['--similarity', '0.2', '--num-instructions', '80'],
            /its bank is used up[^]*\d+ of 80 instructions · page: /,
          ]
    const run = await workshop(await temporaryFolder(), ['--language', language, ...args])
    expect(run).toMatchObject({ code: 1, err: '', out: expect.stringMatching(said) })
  })
})

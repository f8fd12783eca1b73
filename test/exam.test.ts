// The exam of step 2: seed tasks whose labels are known decide how many tasks a request holds.
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readSeedTasks } from '../steps/workspace/data-rows.ts'
import { project, rowsOf, temporaryFolder, workshop } from './support/command.ts'
import { type Answering, TestServer, completion, questionIn, rowsAsked } from './support/server.ts'

const seeds = await readSeedTasks(path.join(project, 'data', 'seed_tasks.jsonl'))
const labels = new Map(seeds.map(({ instruction, is_classification }) => [instruction, is_classification]))

/** Labels by these; other requests are answered as the offline model does. */
const labelling =
  (answersTo: (tasks: string[]) => (boolean | undefined)[]): Answering =>
  ({ body }) => {
    const question = questionIn(body.messages)
    if (!question.includes('"answers"')) return undefined
    const answers = answersTo(rowsAsked(body.messages)).flatMap((is_classification, place) =>
      is_classification === undefined ? [] : [{ task: place + 1, is_classification }],
    )
    return { status: 200, body: completion(JSON.stringify({ answers })) }
  }
const rightly = (task: string) => labels.get(task) ?? false

async function run(answering: Answering) {
  const server = await TestServer.start(answering)
  onTestFinished(() => server.close())
  const folder = await temporaryFolder()
  const env = { OPENAI_API_KEY: 'sk-test-0123456789abcdef', OPENAI_BASE_URL: server.url }
  const { out, code } = await workshop(folder, ['--num-instructions', '5'], env)
  const groups = server.asked('answers').map(({ body }) => rowsAsked(body.messages))
  return { out, code, groups }
}

describe('the exam of step 2', () => {
  it('asks all seed tasks that classify and as many that do not, and then many a request', async () => {
    const { out, groups } = await run(labelling((tasks) => tasks.map(rightly)))
    expect(groups[0]?.map((task) => labels.get(task))).toEqual([
      ...Array(5).fill(true),
      ...Array(5).fill(false),
    ])
    expect(groups[1]?.length).toBeGreaterThan(1)
    expect(out).toContain('seed labels: 10 of 10 agree')
  })

  it('asks one by one where a model answers the first of many alone, and wrongly', async () => {
    const { out, groups } = await run(labelling((tasks) => (tasks.length > 1 ? [false] : tasks.map(rightly))))
    expect(out).toContain('seed labels: 10 of 10 agree')
    expect(out).not.toContain('asked one by one too')
    const alone = groups.filter((group) => group.length === 1).flat()
    expect(alone.filter((task) => labels.has(task))).toHaveLength(10)
    expect(groups.at(-1)).toHaveLength(1)
  })

  it('is not set where there is nothing to label', async () => {
    const server = await TestServer.start()
    onTestFinished(() => server.close())
    const folder = await temporaryFolder()
    await writeFile(path.join(folder, '1-instructions.jsonl'), '')
    const env = { OPENAI_API_KEY: 'sk-test-0123456789abcdef', OPENAI_BASE_URL: server.url }
    const { code, out } = await workshop(folder, ['classify', '--concurrency', '32'], env)
    expect({ code, asked: server.received }).toEqual({ code: 0, asked: [] })
    expect(out).toContain('0 of 0 are classification tasks')
    expect(await rowsOf(folder, '2-classified.jsonl')).toEqual([])
  })

  it.each([false, true])('says so where a model says %s to everything', async (label) => {
    const { out, code, groups } = await run(labelling((tasks) => tasks.map(() => label)))
    expect(code).toBe(0)
    expect(groups.at(-1)).toHaveLength(1)
    const [yes, no] = label ? [5, 0] : [0, 5]
    expect(out).toContain(`asked one by one too, this model labels ${yes} of 5 classification tasks`)
    expect(out).toContain(`${no} of 5 others`)
  })
})

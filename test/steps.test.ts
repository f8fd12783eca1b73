// The four steps as functions, in memory: what step 1 writes is what step 2 is given, and so on.
import { describe, expect, it } from 'vitest'
import { classifyInstructions } from '../steps/classify.ts'
import { filterInstances } from '../steps/filter.ts'
import { generateInstructions } from '../steps/generate.ts'
import { generateInstances } from '../steps/instances.ts'
import type { Wire } from '../steps/model/call.ts'
import type { MemoryFiles } from '../steps/run/rehearsal.ts'
import type { ClassifiedRow, ExampleRow, InstancesRow, Row } from '../steps/workspace/records.ts'
import { replied } from './support/model.ts'
import { runStep } from './support/round.ts'

const seeds = [
  { instruction: 'Name three rivers of Asia.', is_classification: false },
  { instruction: 'Is this review friendly or unfriendly?', is_classification: true },
]
const tasks = [
  'Explain why the sky is red in the evening.',
  'Decide whether the message is urgent or can wait.',
  'Please name three rivers of Asia.',
  'Rewrite the note so that it sounds polite.',
]
const instances = {
  [tasks[0] ?? '']: [
    { input: '', output: 'The light of a low sun passes through more air, which takes the blue out.' },
  ],
  [tasks[1] ?? '']: [
    { output: 'urgent', input: 'The cellar is under water.' },
    { output: 'can wait', input: 'We are out of blue pens.' },
  ],
  [tasks[3] ?? '']: [
    { input: 'Give me the key.', output: 'Could you give me the key, please?' },
    { input: 'Be quiet.', output: '' },
  ],
}

/** A model that writes these four tasks, and does them. */
const wire: Wire = async ({ messages, schema }) => {
  const question = messages.at(-1)?.content ?? ''
  const asked = [...question.matchAll(/^\d+\. (.*)$/gm)].map((match) => match[1] ?? '')
  if (schema === 'tasks') return replied(JSON.stringify({ tasks }))
  if (schema === 'classification')
    return replied(
      JSON.stringify({
        answers: asked.map((task, place) => ({
          task: place + 1,
          is_classification: /whether|or un/.test(task),
        })),
      }),
    )
  return replied(JSON.stringify({ instances: instances[asked[0] ?? ''] }))
}
const given = { wire, seeds, wanted: 3, settings: { target: 2 } }
const written = <T>(files: MemoryFiles): T[] => files.written as T[]

/** Each step on what the one before it has written. */
const generated = () => runStep(generateInstructions, given)
const classified = async () => runStep(classifyInstructions, given, (await generated()).written)
const withInstances = async () => runStep(generateInstances, given, (await classified()).written)
const filtered = async () => runStep(filterInstances, given, (await withInstances()).written)

describe('the steps, one after another in memory', () => {
  it('generate accepts what is new, with its nearest neighbour, and rejects what is not', async () => {
    const files = await generated()
    const rows = written<Row<'instruction'>>(files)
    expect(rows.map((row) => row.instruction)).toEqual([tasks[0], tasks[1], tasks[3]])
    for (const [place, { most_similar }] of rows.entries())
      expect([...seeds, ...rows.slice(0, place)].map((task) => task.instruction)).toContain(
        most_similar?.instruction,
      )
    expect(files.rejects).toMatchObject([
      { step: 'generate', reason: 'near_duplicate', instruction: 'Please name three rivers of Asia.' },
    ])
    expect(files.counts).toMatchObject({ parsed: 4, novel: 3 })
  })

  it('classify labels each row and compares the seed tasks with what people said', async () => {
    const files = await classified()
    const labels = written<ClassifiedRow>(files).map((row) => row.is_classification)
    expect(labels).toEqual([false, true, false])
    expect(files.counts).toEqual({ classified: 3, classification: 1 })
    expect(files.notes).toHaveLength(1)
  })

  it('instances writes the answers, for a classification task one a label', async () => {
    const files = await withInstances()
    const rows = written<InstancesRow>(files)
    expect(rows.map((row) => row.instances.length)).toEqual([1, 2, 2])
    expect(rows[1]?.instances[0]).toEqual({ input: 'The cellar is under water.', output: 'urgent' })
  })

  it('filter keeps what is sound until the target is reached, and says why the rest is gone', async () => {
    const files = await filtered()
    expect(written<ExampleRow>(files)).toHaveLength(3)
    expect(new Set(written<ExampleRow>(files).map((row) => row.instruction)).size).toBe(2)
    expect(files.rejects.map((row) => row.reason)).toEqual(['empty_output', 'beyond_target'])
  })
})

// What is counted how, on files of a few rows.
import { describe, expect, it } from 'vitest'
import { countRun } from '../../steps/report/count.ts'
import { folderWith, runIn } from './folder.ts'

describe('counting', () => {
  it('takes 1 for each Chinese character and each foreign word', async () => {
    const dataset = [{ instruction: '用 Python 写一首诗。', input: '', output: '床前明月光，疑是地上霜。' }]
    const { lengths } = await countRun(
      await runIn(await folderWith({ '4-dataset': dataset }, { language: 'zh' })),
    )
    expect([lengths.instruction.mean, lengths.input.mean, lengths.output.mean]).toEqual([6, undefined, 10])
  })

  it('puts a score on the upper edge of a bin into that bin', async () => {
    const scored = [0, 0.35, 0.55, 0.7, 0.7000001].map((score, place) => ({
      instruction: `Task ${place}`,
      most_similar: { instruction: 'Another', score },
    }))
    const { similarity } = await countRun(await runIn(await folderWith({ '1-instructions': scored })))
    const filled = [...similarity.accepted.entries()].filter(([, count]) => count > 0).map(([bin]) => bin)
    expect(filled).toEqual([0, 6, 10, 13, 14])
  })

  it('tells rows of merged files from its own, and does not know what was asked for without a run.json', async () => {
    const own = {
      instruction: 'Name a river.',
      is_classification: false,
      instances: [{ input: '', output: 'Elbe' }],
    }
    const dataset = ['Name a river.', 'Name a lake.', 'Name a lake.'].map((instruction, place) => ({
      instruction,
      input: String(place),
      output: 'x',
    }))
    const folder = await folderWith({ '3-instances': [own], '4-dataset': dataset })
    const figures = await countRun(await runIn(folder))
    expect(figures).toMatchObject({
      merged: 1,
      rows: 3,
      funnel: { asked: undefined, with_instances: 1, kept: 2 },
    })
  })

  it('takes a candidate that a rule removed as read, and any other reject of step 1 as never read', async () => {
    const reasons = ['too_short', 'near_duplicate', 'already_elsewhere', 'cut', 'call_failed', 'refusal']
    const rejected = reasons.map((reason) => ({
      step: 'generate',
      reason,
      detail: '',
      instruction: 'Name it.',
    }))
    const folder = await folderWith({ '1-instructions': [{ instruction: 'Name a river.' }], rejected })
    const { funnel, losses } = await countRun(await runIn(folder))
    expect([...losses.parsed.keys()]).toEqual(['cut', 'call_failed', 'refusal'])
    expect(funnel).toMatchObject({ parsed: 4, novel: 1 })
  })
})

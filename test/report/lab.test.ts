// The filter lab against the plain definition, pair by pair.
import { describe, expect, it } from 'vitest'
import { openLab } from '../../steps/report/lab.ts'
import { rougeL } from '../../steps/text/rouge.ts'
import { folderWith, runIn } from './folder.ts'

const subjects = ['rivers', 'lakes', 'old towns', 'mountain birds', 'card games', 'winter soups']
const accepted = subjects.flatMap((subject) => [
  `Name three ${subject} and say where they are found.`,
  `Name three ${subject} and say why they matter to you.`,
  `Write a short poem about ${subject} for a child.`,
])
const nearDuplicates = subjects.map(
  (subject) => `Name three ${subject} and say where they are found, please.`,
)

/** How many stay when everything is compared with everything. */
function slowly(instructions: string[], threshold: number): number {
  const pool: string[] = []
  for (const instruction of instructions)
    if (pool.every((kept) => rougeL(instruction, kept) <= threshold)) pool.push(instruction)
  return pool.length
}

async function labOf(accepted: string[], rejected: object[], settings = {}, instances: object[] = []) {
  const files = {
    '1-instructions': accepted.map((instruction) => ({ instruction })),
    '3-instances': instances,
    rejected,
  }
  return openLab(await runIn(await folderWith(files, settings)))
}

const reject = (reason: string, instruction: string) => ({
  step: 'generate',
  reason,
  detail: '',
  instruction,
})

describe('other thresholds', () => {
  it('keep as many instructions as all pairs say, and show the removed pairs closest to them', async () => {
    const lab = await labOf(
      accepted,
      nearDuplicates.map((text) => reject('near_duplicate', text)),
      { similarity: 0.65 },
    )
    const tried = [...accepted, ...nearDuplicates]
    expect(lab.trials.map(({ threshold }) => threshold)).toEqual([0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.8, 0.9])
    for (const { threshold, stay, pairs } of lab.trials) {
      expect(stay).toBe(slowly(tried, threshold))
      expect(pairs).toHaveLength(Math.min(3, tried.length - stay))
      for (const { instruction, rival, score } of pairs) {
        expect(score).toBe(rougeL(instruction, rival))
        expect(score).toBeGreaterThan(threshold)
      }
    }
    expect(new Set(lab.trials.map(({ stay }) => stay)).size).toBeGreaterThan(3)
  })
})

describe('each rule alone', () => {
  it('removes what it would remove if there were no other', async () => {
    const instances = [
      { input: '', output: 'As an AI language model, I cannot name any.' },
      { input: '', output: '' },
      { input: '', output: 'The Rhine, the Elbe and the Danube.' },
    ]
    const short = ['Draw a cat.', 'Draw a dog.', '- Draw it.']
    const lab = await labOf(
      ['Name three rivers in Europe.', ...accepted],
      short.map((text) => reject('too_short', text)),
      {},
      [{ instruction: 'Name three rivers in Europe.', is_classification: false, instances }],
    )
    const removed = Object.fromEntries(lab.alone.map((count) => [count.reason, count.removed]))
    expect(removed).toMatchObject({
      too_short: 3,
      blocked_keyword: 3,
      starts_with_punctuation: 1,
      too_long: 0,
      refusal: 1,
      empty_output: 1,
      repetition: 0,
    })
    expect([lab.instructions, lab.instances]).toEqual([22, 3])
  })
})

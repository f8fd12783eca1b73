// The neighbour of a candidate that was too like another: data in rejected.jsonl, which `why` and the page read.
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { tellWhy } from '../steps/display/why.ts'
import { countRun } from '../steps/report/count.ts'
import { gatherRows } from '../steps/report/rows.ts'
import { rougeL } from '../steps/text/rouge.ts'
import { embedded, folderWith, runIn } from './report/folder.ts'
import { capture } from './support/capture.ts'
import { folderWithRun, project, rowsOf, temporaryFolder, workshop } from './support/command.ts'

type Similar = { instruction: string; score: number }
type Rejected = { reason: string; detail: string; instruction: string; call: string; most_similar?: Similar }

const rejectedIn = (folder: string) => rowsOf<Rejected>(folder, 'rejected.jsonl')
const instructionsIn = async (folder: string, name: string) =>
  (await rowsOf<{ instruction: string }>(folder, name)).map((row) => row.instruction)
const told = async (folder: string, ...words: string[]) =>
  (await capture(() => tellWhy(['why', ...words, '--data-dir', folder]))).out

/** What a row must say of its neighbour, measured again. */
function similarTo(instruction: string, neighbour = ''): Similar {
  return { instruction: neighbour, score: Number(rougeL(instruction, neighbour).toFixed(4)) }
}

describe.each([
  ['en', 'seed_tasks.jsonl', 'that'],
  ['zh', 'seed_tasks.zh.jsonl', '那条'],
])('a near-duplicate of a run in %s', (language, seedFile, that) => {
  const args = ['--language', language, '--num-instructions', '60']

  it('names its neighbour in the pool and the score, last in its row; no other reject does', async () => {
    const folder = await folderWithRun(args)
    const pool = [
      ...(await instructionsIn(path.join(project, 'data'), seedFile)),
      ...(await instructionsIn(folder, '1-instructions.jsonl')),
    ]
    const rejected = await rejectedIn(folder)
    const near = rejected.filter((row) => row.reason === 'near_duplicate')
    expect(near.length).toBeGreaterThan(3)
    for (const row of near) {
      expect(Object.keys(row)).toEqual(['step', 'reason', 'detail', 'instruction', 'call', 'most_similar'])
      expect(row.most_similar).toEqual(similarTo(row.instruction, row.most_similar?.instruction))
      expect(row.most_similar?.score).toBeGreaterThan(0.7)
      expect(pool).toContain(row.most_similar?.instruction)
      expect(row.detail.startsWith(row.most_similar?.score.toFixed(2) ?? '?')).toBe(true)
    }
    for (const row of rejected) expect('most_similar' in row).toBe(row.reason === 'near_duplicate')
  })

  it('stands beside that neighbour in why and on the page, and in the bin of its score', async () => {
    const folder = await folderWithRun(args)
    const near = (await rejectedIn(folder)).filter((row) => row.reason === 'near_duplicate')
    const [first] = near
    const out = (await told(folder, first?.instruction ?? '')).replace(/[[\]]/g, '')
    expect(out).toContain(`${that}  ${first?.most_similar?.instruction.replace(/[[\]]/g, '')}`)
    const rows = embedded(
      await readFile(path.join(folder, 'report.html'), 'utf8'),
      'rows-embedded',
    ) as unknown[][]
    for (const { instruction, most_similar, call } of near)
      expect(rows).toContainEqual([
        instruction,
        0,
        0,
        expect.any(Number),
        expect.any(String),
        most_similar?.score.toFixed(2),
        most_similar?.instruction,
        call,
      ])
    const { nearDuplicates } = (await countRun(await runIn(folder))).similarity
    for (const [bin, count] of nearDuplicates.entries()) {
      const within = near.filter(({ instruction, most_similar }) => {
        const score = rougeL(instruction, most_similar?.instruction ?? '')
        return score > bin / 20 && score <= (bin + 1) / 20
      })
      expect(count).toBe(within.length)
    }
  })
})

describe('the neighbour', () => {
  it('is named too where it lies in an --avoid file or in another merged file', async () => {
    const [own, other, merged] = [await folderWithRun(), await temporaryFolder(), await temporaryFolder()]
    const avoid = path.join(own, '1-instructions.jsonl')
    await workshop(other, ['--num-instructions', '5', '--avoid', avoid])
    const owned = (await rejectedIn(other)).filter((row) => row.reason === 'already_elsewhere')
    expect(owned.length).toBeGreaterThan(0)
    for (const row of owned)
      expect(row.most_similar).toEqual(similarTo(row.instruction, row.most_similar?.instruction))

    const mine = path.join(own, '3-instances.jsonl')
    const copy = path.join(merged, 'copy.jsonl')
    await writeFile(copy, await readFile(mine))
    await workshop(merged, ['filter', '--num-instructions', 'all', '--merge', mine, '--merge', copy])
    const copied = await rowsOf(merged, 'copy.jsonl')
    const near = (await rejectedIn(merged)).filter((row) => row.reason === 'near_duplicate')
    expect(near.length).toBeGreaterThan(0)
    for (const { instruction, detail, most_similar } of near) {
      expect(most_similar).toEqual({ instruction, score: 1 })
      const line = copied.findIndex((row) => row.instruction === instruction) + 1
      expect(detail).toBe(`copy.jsonl:${line}: 1.00 to: ${instruction}`)
    }
  })

  const reject = {
    step: 'generate',
    reason: 'near_duplicate',
    detail: '0.80 to: Name three rivers of Europe.',
    instruction: 'Name four rivers of Europe.',
  }
  it.each([
    ['a row of an older run', {}],
    [
      'a row damaged by hand',
      { most_similar: { instruction: 'Name three rivers of Europe.', score: 'high' } },
    ],
  ])('is not made out of the detail of %s, which is shown as it stands', async (_, field) => {
    const folder = await folderWith({ rejected: [{ ...reject, ...field }], '1-instructions': [] })
    const out = await told(folder, 'four', 'rivers')
    expect(out).toContain(`measured: ${reject.detail}`)
    expect(out).not.toContain('brackets')
    const run = await runIn(folder)
    const figures = await countRun(run)
    const { rows } = await gatherRows(run, figures)
    expect(rows.map((row) => row.slice(5, 7))).toEqual([[reject.detail, 0]])
    expect(figures.similarity).toMatchObject({ unknown: 1, nearDuplicates: Array(20).fill(0) })
  })

  it('survives when another step writes rejected.jsonl anew', async () => {
    const folder = await folderWithRun()
    const before = (await rejectedIn(folder)).filter((row) => row.reason === 'near_duplicate')
    await workshop(folder, ['filter', '--similarity', '0.3'])
    const after = await rejectedIn(folder)
    expect(after).toEqual(expect.arrayContaining(before))
    expect(after.length).toBeGreaterThan(before.length)
  })
})

// The page of whole runs: its figures against a count of the same files made here, in another way.
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { countRun } from '../../steps/report/count.ts'
import { folderWithRun, rowsOf, workshop } from '../support/command.ts'
import { embedded, runIn } from './folder.ts'

type Row = { instruction: string; input: string; output: string; is_classification: boolean }
type Instruction = { instruction: string; most_similar: { score: number } }
type Rejected = { step: 'generate'; reason: string }

const sumOf = (numbers: number[]): number => numbers.reduce((sum, number) => sum + number, 0)
const meanWords = (texts: string[]): number =>
  sumOf(texts.map((text) => text.trim().split(/\s+/).length)) / texts.length

describe.each([
  ['en', []],
  ['zh', ['--language', 'zh']],
])('the figures of a run in %s', (language, args) => {
  it('are those that its files hold', async () => {
    const folder = await folderWithRun(args)
    const figures = await countRun(await runIn(folder))
    const novel = await rowsOf<Instruction>(folder, '1-instructions.jsonl')
    const classified = await rowsOf<Row>(folder, '2-classified.jsonl')
    const dataset = await rowsOf<Row>(folder, '4-dataset.jsonl')
    const rejected = await rowsOf<Rejected>(folder, 'rejected.jsonl')
    const record = JSON.parse(await readFile(path.join(folder, 'run.json'), 'utf8'))
    const kept = [...new Set(dataset.map((row) => row.instruction))]
    const inputs = dataset.map((row) => row.input).filter((input) => input !== '')
    const tasks = classified.filter((row) => row.is_classification && kept.includes(row.instruction))

    expect(figures.funnel).toEqual({
      asked: record.funnel.asked,
      parsed: record.funnel.parsed,
      novel: novel.length,
      classified: classified.length,
      with_instances: (await rowsOf(folder, '3-instances.jsonl')).length,
      kept: kept.length,
    })
    expect([figures.rows, figures.emptyInputs]).toEqual([dataset.length, dataset.length - inputs.length])
    expect([figures.classification, figures.merged]).toEqual([tasks.length, 0])
    expect(figures.verbs.total).toBe(kept.length)
    if (language === 'en') {
      const { instruction, input, output } = figures.lengths
      expect(instruction.mean).toBeCloseTo(meanWords(kept), 9)
      expect(input.mean).toBeCloseTo(meanWords(inputs), 9)
      expect(output.mean).toBeCloseTo(meanWords(dataset.map((row) => row.output)), 9)
    }
    for (const { step, reason } of rejected) {
      const same = rejected.filter((row) => row.step === step && row.reason === reason)
      expect(figures.rejected[step].get(reason)).toBe(same.length)
    }
    const lost = Object.values(figures.losses).flatMap((reasons) => [...reasons.values()])
    expect(sumOf(lost)).toBe(rejected.length)
    const low = novel.filter((row) => row.most_similar.score <= 0.3)
    expect(sumOf(figures.similarity.accepted.slice(0, 6))).toBe(low.length)
    expect(sumOf(figures.similarity.nearDuplicates)).toBe(
      rejected.filter((row) => row.step === 'generate' && row.reason === 'near_duplicate').length,
    )
    expect(figures.cost.calls).toBe((await rowsOf(folder, 'calls.jsonl')).length)
  })
})

describe('the page of a run', () => {
  it('is the same, byte for byte, for the same files, and after step 4 as from report', async () => {
    const folder = await folderWithRun()
    const file = path.join(folder, 'report.html')
    const first = await readFile(file, 'utf8')
    const { code, out, err } = await workshop(folder, ['report'])
    expect([code, err]).toEqual([0, ''])
    expect(out).toContain('report.html')
    expect(await readFile(file, 'utf8')).toBe(first)
  })

  it('shows the figures of the files, and embeds each row and the replies', async () => {
    const folder = await folderWithRun()
    const page = await readFile(path.join(folder, 'report.html'), 'utf8')
    const dataset = await rowsOf<{ instruction: string }>(folder, '4-dataset.jsonl')
    const rejected = await rowsOf<{ call: string }>(folder, 'rejected.jsonl')
    const calls = await rowsOf<{ key: string; reply: string }>(folder, 'calls.jsonl')
    const kept = new Set(dataset.map((row) => row.instruction)).size
    expect(page).toContain(`${dataset.length} rows from ${kept} instructions`)
    expect(embedded(page, 'rows-embedded')).toHaveLength(dataset.length + rejected.length)
    const { replies } = embedded(page, 'figures') as { replies: Record<string, string> }
    for (const { call } of rejected) expect(replies[call]).toBe(calls.find(({ key }) => key === call)?.reply)
  })
})

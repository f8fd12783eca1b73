// `report` as a command, alone and with another run beside it.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { shareFoundIn } from '../../steps/report/compare.ts'
import { report } from '../../steps/report/page.ts'
import { readSettings } from '../../steps/workspace/settings.ts'
import { temporaryFolder } from '../support/command.ts'
import { folderWith } from './folder.ts'

beforeEach(() => {
  vi.spyOn(process.stdout, 'write').mockReturnValue(true)
})

const rows = (...instructions: string[]) => ({
  '1-instructions': instructions.map((instruction) => ({ instruction })),
})
const call = (step: string, ms: number, reply: string | null = '{}') => ({
  v: 1,
  key: String(ms),
  step,
  reply,
  ms,
})

describe('report', () => {
  it('puts two runs side by side: stages, latency and the overlap of their pools', async () => {
    const calls = [900, 1000, 1100, 1200, 9000].map((ms) => call('generate', ms))
    const ours = await folderWith({ ...rows('Name a river.', 'Write a haiku.', 'Sum the numbers.'), calls })
    const lost = call('generate', 99_000, null)
    const theirs = await folderWith({
      ...rows('Name a river.', 'Explain tides.'),
      calls: [lost, call('generate', 250)],
    })
    const before = await readdir(theirs)
    await report(['report', '--data-dir', ours, '--compare', theirs])
    const page = await readFile(path.join(ours, 'report.html'), 'utf8')
    const section = /<section id="compare">([^]*?)<\/section>/.exec(page)?.[1] ?? ''
    const cells = [...section.matchAll(/<td>([^]*?)<\/td>/g)].map((cell) =>
      cell[1]?.replace(/<[^>]*>/g, '').trim(),
    )
    expect(cells).toEqual(
      expect.arrayContaining(['1.10 (9.00)', '0.25 (0.25)', '33.3\u00a0%', '50.0\u00a0%']),
    )
    expect(section).toContain(path.basename(theirs))
    expect(section).toMatch(
      new RegExp(`this run: ${path.basename(ours)}.*the other: ${path.basename(theirs)}`, 's'),
    )
    expect(section).toMatch(/random seed<|seed<\/th>\s*<td>42<\/td>\s*<td>42</)
    expect(page).not.toContain(path.dirname(ours))
    expect(await readdir(theirs)).toEqual(before)

    await report(['report', '--data-dir', ours])
    expect(await readFile(path.join(ours, 'report.html'), 'utf8')).not.toContain('<section id="compare">')
  })

  it.each([
    ['a setting it does not take', ['--similarity', '0.5'], /--similarity has no effect/],
    ['a folder without a run', [], /holds no run/],
  ])('refuses %s, and touches nothing', async (_, args, sentence) => {
    const folder = path.join(await temporaryFolder(), 'none')
    const refused = report(['report', '--data-dir', folder, ...args])
    await expect(refused).rejects.toMatchObject({ exit: 2, message: expect.stringMatching(sentence) })
    await expect(readdir(folder)).rejects.toThrow('ENOENT')
  })

  it('refuses to compare with a folder that holds no run, and keeps the page as it was', async () => {
    const folder = await folderWith(rows('Name a river.'))
    await expect(report(['report', '--data-dir', folder, '--compare', '/nowhere'])).rejects.toThrow(/nowhere/)
    expect(await readdir(folder)).not.toContain('report.html')
  })

  it('alone takes --compare', () => {
    expect(() => readSettings(['filter', '--compare', '/nowhere'], {})).toThrow(/--compare belongs to/)
  })
})

describe('the reviews of a class', () => {
  const verdicts = (instruction: string, ...said: boolean[]) => {
    const [instruction_valid, input_appropriate, output_correct] = said
    return { instruction, input: '', output: 'x', instruction_valid, input_appropriate, output_correct }
  }
  const put = async (folder: string, file: string, review: object) => {
    await mkdir(path.dirname(path.join(folder, file)), { recursive: true })
    await writeFile(path.join(folder, file), JSON.stringify({ v: 1, ...review }))
  }

  it('are gathered into one table: how many said no to each row, and how far people agree', async () => {
    const [folder, all] = [await temporaryFolder(), await folderWith(rows('Name a river.'))]
    await put(folder, 'seat-1/review.json', {
      name: 'Ana',
      rows: [verdicts('A', true, true, true), verdicts('B', true, true, false)],
    })
    await put(folder, 'seat-2/review (1).json', {
      name: '',
      rows: [verdicts('A', true, true, true), verdicts('B', true, true, true)],
    })
    await put(folder, 'seat-3/seat-3/review.json', {
      name: 'Cem',
      rows: [verdicts('B', false, true, false), verdicts('C', true, true, true)],
    })
    await put(folder, 'seat-4/review.json', { name: 'Cem', rows: 'none' })
    await put(folder, 'seat-5/notes.json', { rows: [verdicts('A', false, false, false)] })
    await report(['report', '--data-dir', all, '--merge', folder])
    const page = await readFile(path.join(all, 'report.html'), 'utf8')
    const section = /<section id="reviews">([^]*?)<\/section>/.exec(page)?.[1] ?? ''
    expect(section).toContain('3 reviews of 3 rows; 2 of the rows had two or more.')
    expect(section).toContain('Ana, seat-2, Cem')
    expect(section).toContain('no review could be read from: seat-4')
    const lines = [...section.matchAll(/class="text">([ABC]) ⇒ x<\/span>([^]*?)<\/tr>/g)].map(
      ([, text, cells]) => [
        text,
        ...[...(cells ?? '').matchAll(/<td[^>]*>([^<]*)</g)].map((cell) => cell[1]?.trim()),
      ],
    )
    expect(lines).toEqual([
      ['B', '3', '1', '0', '2', '2', '33.3\u00a0%'],
      ['A', '2', '0', '0', '0', '0', '100.0\u00a0%'],
      ['C', '1', '0', '0', '0', '0', '–'],
    ])
    await expect(report(['report', '--data-dir', all, '--merge', all])).rejects.toThrow(/holds no review/)
  })
})

describe('the share of a pool found in another', () => {
  it.each([
    [['Name a river in Asia.'], ['Name a river in Asia.', 'Write a haiku.'], 0.5],
    [[], ['Write a haiku.'], 0],
    [['Write a haiku.'], [], undefined],
  ])('%j holds of %j: %s', (pool, instructions, share) => {
    expect(shareFoundIn(pool, instructions, 0.7)).toBe(share)
  })
})

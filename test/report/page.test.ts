// The page as a file: what it lets run, what model text can do in it, and that it does not change by itself.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { html, scriptJson } from '../../steps/report/html.ts'
import { drawReport } from '../../steps/report/page.ts'
import { gatherRows, shownAtMost } from '../../steps/report/rows.ts'
import { readSettings } from '../../steps/workspace/settings.ts'
import { embedded, folderWith, runIn } from './folder.ts'
import { attacks, hostileFiles, hostileSettings } from './hostile.ts'

async function draw(folder: string, language: 'en' | 'zh' = 'en'): Promise<string> {
  return readFile(await drawReport(readSettings(['report', '--data-dir', folder], {}), language), 'utf8')
}

const elements = (page: string, name: string): string[] =>
  [...page.matchAll(new RegExp(`<${name}[^>]*>([^]*?)</${name}>`, 'g'))].map((match) => match[1] ?? '')
describe('the page', () => {
  it('lets run its own style and script alone, by their hashes, and loads nothing', async () => {
    const page = await draw(await folderWith({ '1-instructions': [{ instruction: 'Name a river.' }] }))
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1] ?? ''
    const hashed = (text: string | undefined) =>
      `'sha256-${createHash('sha256')
        .update(text ?? '')
        .digest('base64')}'`
    expect(policy.split('; ')).toEqual([
      "default-src 'none'",
      `style-src ${hashed(elements(page, 'style')[0])}`,
      `script-src ${hashed(elements(page, 'script').at(-1))}`,
      "base-uri 'none'",
      "form-action 'none'",
    ])
    expect(page.match(/https?:\/\/|<link|@import|url\(|\son\w+=|\sstyle=|innerHTML|\ssrc=/)).toBeNull()
  })

  it('holds hostile text as text, in its markup and in its JSON', async () => {
    const page = await draw(await folderWith(hostileFiles, hostileSettings))
    expect(elements(page, 'script')).toHaveLength(4)
    expect(elements(page, 'style')).toHaveLength(1)
    expect(page.match(/<img|<svg onload|<!--/)).toBeNull()
    const rows = embedded(page, 'rows-embedded') as string[][]
    expect(rows.map((row) => row[0])).toEqual(
      [...(hostileFiles['4-dataset'] ?? []), ...(hostileFiles.rejected ?? [])].map(
        (row) => 'instruction' in row && row.instruction,
      ),
    )
  })

  it('gives the paper’s columns to a real model, and not to the offline one', async () => {
    const dataset = [{ instruction: 'Name a river.', input: '', output: 'Elbe' }]
    const judge = { rows: 1, instruction_valid: 1, input_appropriate: 1, output_correct: 0.5, all: 0.5 }
    const real = await draw(
      await folderWith({ '4-dataset': dataset }, { provider: 'openai' }, { judge }),
      'zh',
    )
    const offline = await draw(await folderWith({ '4-dataset': dataset }, { provider: 'offline' }))
    for (const figure of ['52,445', '82,439', '22.1 %', '43.5 %', '52,002', '50.0\u00a0%', '与论文对照'])
      expect(real).toContain(figure)
    expect(offline).toContain('says nothing about models')
    expect(offline).not.toContain('52,445')
  })

  it('can be drawn of a run that has only begun', async () => {
    const page = await draw(await folderWith({ '1-instructions': [{ instruction: 'Name a river.' }] }))
    expect(page).toContain('0 rows from 0 instructions')
  })
})

describe('markup', () => {
  it.each(attacks)('takes no markup from %j', (text) => {
    expect(html`<b title="${text}">${text}</b>`.text.replace(/<\/?b( title="[^"]*")?>/g, '')).not.toMatch(
      /[<>"']/,
    )
    expect(scriptJson({ text })).not.toMatch(/[<>&\u2028\u2029]/)
    expect(JSON.parse(scriptJson({ text }))).toEqual({ text })
  })
})

describe('more rows than the page shows', () => {
  it('are sampled with the seed of the run, in their order', async () => {
    const row = (place: number) => ({ instruction: `Task ${place}`, input: '', output: 'x' })
    const folder = await folderWith({
      '4-dataset': Array.from({ length: shownAtMost + 500 }, (_, at) => row(at)),
    })
    const none = new Map<string, number>()
    const rejected = { generate: none, classify: none, instances: none, filter: none }
    const figures = { rows: shownAtMost + 500, rejected }
    const { rows, sampled, replies } = await gatherRows(await runIn(folder), figures)
    const places = rows.map(([instruction]) => Number(instruction.slice(5)))
    expect([rows.length, sampled, replies]).toEqual([shownAtMost, true, undefined])
    expect(places).toEqual(places.toSorted((a, b) => a - b))
    expect(places.at(-1)).toBeGreaterThan(shownAtMost)
  })
})

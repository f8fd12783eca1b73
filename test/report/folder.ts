// Folders with the files of a run, written by hand for the tests of the report.
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type Run, openRun } from '../../steps/report/count.ts'
import { readSettings } from '../../steps/workspace/settings.ts'
import { temporaryFolder } from '../support/command.ts'

export type Files = Partial<
  Record<'1-instructions' | '2-classified' | '3-instances' | '4-dataset' | 'rejected' | 'calls', object[]>
>

/** A folder with these files; `run` is what run.json says beside its settings. */
export async function folderWith(files: Files, settings: object = {}, run: object = {}): Promise<string> {
  const folder = await temporaryFolder()
  for (const [name, rows] of Object.entries(files))
    await writeFile(
      path.join(folder, `${name}.jsonl`),
      rows.map((row) => `${JSON.stringify(row)}\n`).join(''),
    )
  const kept = { language: 'en', similarity: 0.7, seed: 42, 'seed-file': 'data/no-seeds.jsonl', ...settings }
  await writeFile(path.join(folder, 'run.json'), JSON.stringify({ settings: kept, ...run }))
  return folder
}

export function runIn(folder: string): Promise<Run> {
  return openRun(readSettings(['report', '--data-dir', folder], {}))
}

/** The JSON that a page carries under this id. */
export const embedded = (page: string, id: string): unknown =>
  JSON.parse(new RegExp(`<script type="application/json" id="${id}">([^]*?)</script>`).exec(page)?.[1] ?? '')

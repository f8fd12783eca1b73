// One finished run as the report reads it: its files, its run.json, the seed tasks it began with.
import { type Language, languageOf } from '../../text/language.ts'
import { Fault } from '../../workspace/fault.ts'
import { exists, fileOf, Folder, rejectedFile, steps } from '../../workspace/folder.ts'
import { type Row, readRows } from '../../workspace/rows.ts'
import { readRunRecord, type RunRecord } from '../../workspace/run-record.ts'
import { readSeedTasks } from '../../workspace/seeds.ts'
import type { Settings } from '../../workspace/settings.ts'

export type Run = {
  settings: Settings
  /** Of the prompts and rules; the page may speak another. */
  language: Language
  folder: Folder
  record: RunRecord
  seeds: string[]
}

/** Settings are those of run.json. A folder without any of the step files is a Fault. */
export async function openRun(settings: Settings): Promise<Run> {
  const folder = await Folder.open(settings.dataDir, settings.outputPath)
  const there = await Promise.all(steps.map((step) => exists(folder.output(step))))
  if (!there.includes(true)) throw nothingThere(settings.dataDir)
  const seeds = (await exists(settings.seedFile)) ? await readSeedTasks(settings.seedFile) : []
  const instructions = seeds.map((seed) => seed.instruction)
  const stored = settings.carried.language
  const language = stored === 'en' || stored === 'zh' ? stored : languageOf(instructions)
  return { settings, language, folder, record: await readRunRecord(folder), seeds: instructions }
}

/** The rows of a step's file, none where the file is missing. */
export async function* rowsOf<K extends keyof typeof fileIn>(run: Run, kind: K): AsyncGenerator<Row<K>> {
  const file = fileIn[kind](run.folder)
  if (await exists(file)) yield* readRows(file, kind)
}

const fileIn = {
  instruction: (folder: Folder) => folder.output('generate'),
  classified: (folder: Folder) => folder.output('classify'),
  withInstances: (folder: Folder) => folder.output('instances'),
  example: (folder: Folder) => folder.output('filter'),
  rejected: (folder: Folder) => folder.path(rejectedFile),
}

function nothingThere(dir: string): Fault {
  const names = Object.values(fileOf).join(', ')
  return new Fault({
    en: `${dir} holds no run: none of ${names} is there. Make one first: npx tsx workshop.ts --data-dir "${dir}"`,
    zh: `${dir} 中没有运行结果：${names} 都不存在。请先运行：npx tsx workshop.ts --data-dir "${dir}"`,
  })
}

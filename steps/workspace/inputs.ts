// Looks through what a command will read and where it will write before anything is asked or touched, so that a broken
// line in a hand-edited file costs nothing. Files as the workshop wrote them are known to be sound.
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { codeOf, Fault, unreadable } from './fault.ts'
import { exists, fileOf, type Folder, jsonlFiles, type Step, steps } from './folder.ts'
import type { shapes } from './records.ts'
import { readRows } from './rows.ts'
import type { Settings } from './settings.ts'

/** A Fault where a step would later find one in its files. */
export async function checkFiles(settings: Settings, folder: Folder): Promise<void> {
  await checkOutput(settings, folder)
  await checkOwn(folder, folder.path('rejected.jsonl'), 'rejected')
  for (const step of settings.steps) await checkInput(folder, step, settings)
  if (!settings.steps.includes('filter')) return
  for (const file of await jsonlFiles(settings.merge)) await readThrough(file, 'withInstances')
}

const rowsRead = { classify: 'instruction', instances: 'classified', filter: 'withInstances' } as const

async function checkInput(folder: Folder, step: Step, settings: Settings): Promise<void> {
  const before = steps[steps.indexOf(step) - 1]
  if (step === 'generate' || before === undefined || settings.steps.includes(before)) return
  if (step === 'filter' && settings.merge.length > 0 && !(await exists(folder.output(before)))) return
  await checkOwn(folder, await folder.input(step), rowsRead[step])
}

async function checkOwn(folder: Folder, file: string, kind: keyof typeof shapes): Promise<void> {
  if ((await exists(file)) && !(await folder.wrote(file))) await readThrough(file, kind)
}

async function readThrough(file: string, kind: keyof typeof shapes): Promise<void> {
  const rows = readRows(file, kind)
  while (!(await rows.next()).done);
}

// The data set may go anywhere but over what the workshop reads or keeps.
async function checkOutput(settings: Settings, folder: Folder): Promise<void> {
  const { outputPath, seedFile, topics, avoid, merge, replay } = settings
  if (outputPath === undefined) return
  const own = Object.values(fileOf).slice(0, -1)
  const kept = [...own, 'rejected.jsonl', 'calls.jsonl', 'run.json', 'report.html'].map((name) =>
    folder.path(name),
  )
  const read = [seedFile, topics, replay, ...avoid, ...(await jsonlFiles(merge))]
  if ([...kept, ...read].includes(outputPath)) throw overwrites(outputPath)
  await checkPlace(outputPath, true)
}

/** Every folder on the way is one, and the file is none. */
async function checkPlace(target: string, isFile: boolean): Promise<void> {
  try {
    if ((await stat(target)).isDirectory() === isFile) throw isFile ? aFolder(target) : aFile(target)
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes(codeOf(error)))
      throw error instanceof Fault ? error : unreadable(target, error)
    await checkPlace(path.dirname(target), false)
  }
}

function overwrites(file: string): Fault {
  return new Fault({
    en: `--output-path: ${file} is a file the workshop itself reads or keeps, and would be lost. Name another file.`,
    zh: `--output-path：${file} 是工作坊自己要读取或保存的文件，会被覆盖。请换一个文件名。`,
  })
}

function aFolder(target: string): Fault {
  return new Fault({
    en: `--output-path: ${target} is a folder; a file was expected. Name a file in it.`,
    zh: `--output-path：${target} 是文件夹，这里需要一个文件。请指定其中的文件。`,
  })
}

function aFile(target: string): Fault {
  return new Fault({
    en: `--output-path: ${target} is a file; a folder was expected there. Name another place.`,
    zh: `--output-path：${target} 是一个文件，那里需要文件夹。请换一个位置。`,
  })
}

// Looks through what a command will read and where it will write before anything is asked or touched, so that a broken
// line in a hand-edited file costs nothing. Files as the workshop wrote them are known to be sound.
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { codeOf, Fault, unreadable, type Words } from './fault.ts'
import {
  exists,
  fileOf,
  type Folder,
  jsonlFiles,
  logFile,
  pageFile,
  recordFile,
  rejectedFile,
  type Step,
  steps,
} from './folder.ts'
import type { shapes } from './records.ts'
import { readRows } from './rows.ts'
import type { Settings } from './settings.ts'

/** A Fault where a step would later find one in its files. */
export async function checkFiles(settings: Settings, folder: Folder): Promise<void> {
  await checkOutputs(settings, folder)
  await checkOwn(folder, folder.path(rejectedFile), 'rejected')
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
async function checkOutputs(settings: Settings, folder: Folder): Promise<void> {
  const { seedFile, topics, avoid, merge, replay } = settings
  const own = Object.values(fileOf).filter((name) => name !== fileOf.filter)
  const kept = [...own, rejectedFile, logFile, recordFile, pageFile].map((name) => folder.path(name))
  const read = [seedFile, topics, replay, ...avoid, ...(await jsonlFiles(merge))]
  if ([...kept, ...read].includes(folder.dataset)) throw overwrites(folder.dataset)
  for (const step of settings.steps) await checkPlace(folder.output(step))
}

/** A file can be written there: it is no folder, and every folder on the way is one. */
async function checkPlace(target: string): Promise<void> {
  if (await isFolder(target)) throw inTheWay(target, { en: 'a folder', zh: '文件夹' })
  for (let dir = path.dirname(target); (await isFolder(dir)) !== true; dir = path.dirname(dir))
    if ((await isFolder(dir)) === false) throw inTheWay(dir, { en: 'a file', zh: '文件' })
}

async function isFolder(place: string): Promise<boolean | undefined> {
  try {
    return (await stat(place)).isDirectory()
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return undefined
    throw unreadable(place, error)
  }
}

function overwrites(file: string): Fault {
  return new Fault({
    en: `--output-path: ${file} is a file the workshop itself reads or keeps, and would be lost. Name another file.`,
    zh: `--output-path：${file} 是工作坊自己要读取或保存的文件，会被覆盖。请换一个文件名。`,
  })
}

function inTheWay(place: string, what: Words): Fault {
  return new Fault({
    en: `${place} is ${what.en}, and in the way of a file that is to be written. Move it, or name another place (--output-path, --data-dir).`,
    zh: `${place} 是${what.zh}，妨碍写入所需的文件。请移走它，或另选位置（--output-path、--data-dir）。`,
  })
}

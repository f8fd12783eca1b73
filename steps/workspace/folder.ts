// The data folder: which file belongs to which step, which files are out of date, and that its files are no links.
import { existsSync, readdirSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { projectFolder, realOf } from './environment.ts'
import { Fault, type Words, codeOf, isOdd, lookAt, noFile, unreadable } from './fault.ts'
import { Journal, Replacement, checksumOf } from './replacement.ts'

export const steps = ['generate', 'classify', 'instances', 'filter'] as const
export type Step = (typeof steps)[number]

/**
 * What the steps hand to each other: the file a step writes, the shape of the rows it reads and of those it writes (see
 * `shapes`), and the name under which run.json counts what came of it.
 */
export const handOffs = {
  generate: { file: '1-instructions.jsonl', reads: undefined, writes: 'instruction', counted: 'novel' },
  classify: { file: '2-classified.jsonl', reads: 'instruction', writes: 'classified', counted: 'classified' },
  instances: {
    file: '3-instances.jsonl',
    reads: 'classified',
    writes: 'withInstances',
    counted: 'with_instances',
  },
  filter: { file: '4-dataset.jsonl', reads: 'withInstances', writes: 'example', counted: 'kept' },
} as const satisfies Record<Step, object>

/** The files that the steps write, in their order. */
export const stepFiles = steps.map((step) => handOffs[step].file)

/** The step whose rows a step reads; step 1 reads none. */
export function stepBefore(step: Step): Step | undefined {
  return steps[steps.indexOf(step) - 1]
}

/** The other files of a run. */
export const rejectedFile = 'rejected.jsonl'
export const logFile = 'calls.jsonl'
export const recordFile = 'run.json'
export const pageFile = 'report.html'
export const batchesFile = 'batches.jsonl'
/** The rows of a seed file of one's own, so that the folder can be handed out. */
export const seedsFile = 'seeds.jsonl'

/** All of them. */
export const ownFiles = [
  ...stepFiles,
  rejectedFile,
  logFile,
  recordFile,
  pageFile,
  batchesFile,
  seedsFile,
  'review.json',
  '.written.jsonl',
  '.lock',
]

/**
 * The folder may have been handed out, and a link in it leads anywhere: what is written goes to the file itself. Nor is a
 * pipe waited for. A Fault names the first that is no file, or no folder of an export.
 */
export function refuseLinks(dir: string): void {
  const odd = namesIn(dir).find((name) => isOurs(name) && isOdd(path.join(dir, name)))
  if (odd !== undefined) throw noFile(path.join(dir, odd))
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir)
  } catch {
    return [] // there is none yet, or what is wrong with it is said by who reads its files
  }
}

/** The lock is looked at by whoever takes it. Exports begin as the data set does. */
function isOurs(name: string): boolean {
  const stem = handOffs.filter.file.replace('jsonl', '')
  return (
    (ownFiles.includes(name) && name !== '.lock') ||
    name === 'paste' ||
    name.startsWith(stem) ||
    name.startsWith('.batch-')
  )
}

/** The data folder of a run. */
export class Folder {
  readonly dir: string
  /** Where the data set goes: `4-dataset.jsonl` in the folder unless `--output-path` says otherwise. */
  readonly dataset: string
  private readonly journal: Journal

  private constructor(dir: string, dataset: string, journal: Journal) {
    this.dir = dir
    this.dataset = dataset
    this.journal = journal
  }

  static async open(dir: string, outputPath?: string): Promise<Folder> {
    refuseLinks(dir)
    const dataset = outputPath ?? path.join(dir, handOffs.filter.file)
    const guarded = [...stepFiles, path.basename(dataset)]
    return new Folder(dir, dataset, await Journal.open(dir, guarded))
  }

  path(name: string): string {
    return path.join(this.dir, name)
  }

  /** The file a step writes. */
  output(step: Step): string {
    return step === 'filter' ? this.dataset : this.path(handOffs[step].file)
  }

  /** The file a step reads; a missing one is a Fault that names the step to run first. */
  async input(step: Step): Promise<string> {
    const before = stepBefore(step)
    if (before === undefined) throw new Error('step 1 has no file to read')
    const file = this.output(before)
    if (await exists(file)) return file
    const here = path.relative(process.cwd(), this.dir)
    const elsewhere = here === path.join('data', 'workshop') ? '' : ` --data-dir "${here || '.'}"`
    const command = (language: string): string => `npx tsx workshop.ts ${before}${language}${elsewhere}`
    const others = runsElsewhere(this.dir)
    throw new Fault({
      en: `Step ${step} reads ${file}, which is not there yet. Run this first: ${command('')}${others.en && `.${others.en}`}`,
      zh: `步骤 ${step} 需要读取 ${file}，但该文件还不存在。请先运行：${command(' --language zh')}${others.zh && `。${others.zh}`}`,
    })
  }

  /** Whether a file is as the workshop wrote it; never true of a folder. */
  async wrote(file: string): Promise<boolean> {
    const checksum = await checksumOf(file).catch(() => undefined)
    return checksum !== undefined && this.journal.wrote(path.basename(file), checksum)
  }

  replace(name: string): Replacement {
    return new Replacement(path.isAbsolute(name) ? name : this.path(name), this.journal)
  }

  /**
   * An export of the data set. Readers take every file of an export's folder for a part of it: a version edited by hand is
   * kept beside the folder.
   */
  replaceExport(target: string): Replacement {
    const dir = path.dirname(target)
    if (dir !== path.dirname(this.dataset) && isOdd(dir)) throw noFile(dir)
    const name = this.nameOfExport(target)
    this.journal.guard(name)
    const beside = path.relative(path.dirname(this.dataset), target).split(path.sep).join('.')
    return new Replacement(target, this.journal, name, path.join(path.dirname(this.dataset), beside))
  }

  /** Whether an export was made, or last written, from a data set with this checksum; undefined where it is none of ours. */
  madeFrom(target: string, checksum: string): boolean | undefined {
    const last = this.journal.lastFrom(this.nameOfExport(target))
    return last && last.from === checksum
  }

  private nameOfExport(target: string): string {
    return path.relative(this.dir, target).split(path.sep).join('/')
  }

  /** The steps before this one that have not been run again since a file before them was edited. */
  async behind(step: Step): Promise<Step[]> {
    const earlier = steps.slice(1, steps.indexOf(step))
    for (const before of [steps[0], ...earlier]) if (!(await exists(this.output(before)))) return []
    const stale = await this.stale('generate')
    return earlier.filter((name) => stale.includes(name))
  }

  /** The later steps whose files are missing or were made from another version of their input, in order. */
  async stale(after: Step): Promise<Step[]> {
    const later = steps.slice(steps.indexOf(after) + 1)
    for (const [place, step] of later.entries()) {
      const input = await checksumOf(await this.input(step))
      const made = await checksumOf(this.output(step))
      const from = made && this.journal.madeFrom(path.basename(this.output(step)), made)
      if (from !== input) return later.slice(place)
    }
    return []
  }
}

// Where something is to be written

/** Whether two paths lead to one file: by their names once links are followed, or, as hard links do, by what is there. */
export function isSameFile(a: string, b: string): boolean {
  // Some systems take capitals and small letters for the same.
  if (realOf(a).toLowerCase() === realOf(b).toLowerCase()) return true
  const [first, second] = [a, b].map((file) => lookAt(file, 'followed'))
  return first !== undefined && first.ino !== 0n && first.ino === second?.ino && first.dev === second.dev
}

/** A file can be written there: it is no folder, and every folder on the way is one. */
export async function checkPlace(target: string): Promise<void> {
  if (isOdd(target)) throw noFile(target)
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

function inTheWay(place: string, what: Words): Fault {
  return new Fault({
    en: `${place} is ${what.en}, and in the way of a file that is to be written. Move it, or name another place (--output-path, --data-dir).`,
    zh: `${place} 是${what.zh}，妨碍写入所需的文件。请移走它，或另选位置（--output-path、--data-dir）。`,
  })
}

const namedAtMost = 5 // folders that hold a run; a class of forty has more

/** Where runs are, said behind a sentence that there is none here. */
export function runsElsewhere(dir: string): Words {
  const near = runsNear(dir).map(shownFrom)
  const [first] = near
  if (first === undefined) return { en: '', zh: '' }
  const [en, zh] = [', ', '、'].map((comma) => near.slice(0, namedAtMost).join(comma))
  const more = near.length > namedAtMost ? ' …' : ''
  return {
    en: ` There are runs in ${en}${more}: name one with --data-dir ${quotedPath(first)}.`,
    zh: `这些文件夹里有运行结果：${zh}${more}，可用 --data-dir ${quotedPath(first)} 指定。`,
  }
}

function shownFrom(folder: string): string {
  const here = path.relative(process.cwd(), folder)
  return here.startsWith('..') || path.isAbsolute(here) ? folder : here
}

function quotedPath(folder: string): string {
  return /\s/.test(folder) ? `"${folder}"` : folder
}

/** Folders beside this one, and in the project's `data`, that hold a run; as paths, by name. */
function runsNear(dir: string): string[] {
  const beside = [path.dirname(dir), path.join(projectFolder, 'data')].flatMap((parent) =>
    foldersIn(parent).map((name) => path.join(parent, name)),
  )
  const holdsRun = (folder: string): boolean =>
    [recordFile, ...stepFiles].some((name) => existsSync(path.join(folder, name)))
  return [...new Set(beside)].filter((folder) => folder !== dir && holdsRun(folder)).toSorted()
}

export function foldersIn(parent: string): string[] {
  try {
    const there = readdirSync(parent, { withFileTypes: true })
    return there.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  } catch {
    return []
  }
}

export async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  )
}

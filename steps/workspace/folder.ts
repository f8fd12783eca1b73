// The data folder: the names of the files the steps hand to each other, and what each is made from.
import { writeFileSync } from 'node:fs'
import { mkdir, readFile, readdir, rm, rmdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault, codeOf, messageOf, unreadable } from './fault.ts'
import { Journal, Replacement, checksumOf } from './replacement.ts'

export const steps = ['generate', 'classify', 'instances', 'filter'] as const
export type Step = (typeof steps)[number]

/** The hand-off file each step writes. */
export const fileOf: Record<Step, string> = {
  generate: '1-instructions.jsonl',
  classify: '2-classified.jsonl',
  instances: '3-instances.jsonl',
  filter: '4-dataset.jsonl',
}

/** The other files of a run. */
export const rejectedFile = 'rejected.jsonl'
export const logFile = 'calls.jsonl'
export const recordFile = 'run.json'
export const pageFile = 'report.html'
export const batchesFile = 'batches.jsonl'

/** The card of the Hugging Face export, in which people state their licence. */
export const datasetCardFile = 'README.md'

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
    const dataset = outputPath ?? path.join(dir, fileOf.filter)
    const guarded = [...Object.values(fileOf), path.basename(dataset), datasetCardFile]
    return new Folder(dir, dataset, await Journal.open(dir, guarded))
  }

  path(name: string): string {
    return path.join(this.dir, name)
  }

  /** The file a step writes. */
  output(step: Step): string {
    return step === 'filter' ? this.dataset : this.path(fileOf[step])
  }

  /** The file a step reads; a missing one is a Fault that names the step to run first. */
  async input(step: Exclude<Step, 'generate'>): Promise<string> {
    const before = steps[steps.indexOf(step) - 1] ?? 'generate'
    const file = this.output(before)
    if (await exists(file)) return file
    const here = path.relative(process.cwd(), this.dir)
    const elsewhere = here === path.join('data', 'workshop') ? '' : ` --data-dir "${here || '.'}"`
    const command = `npx tsx workshop.ts ${before}${elsewhere}`
    throw new Fault({
      en: `Step ${step} reads ${file}, which is not there yet. Run this first: ${command}`,
      zh: `步骤 ${step} 需要读取 ${file}，但该文件还不存在。请先运行：${command}`,
    })
  }

  /** Whether a file stands as the workshop wrote it; a folder does not. */
  async wrote(file: string): Promise<boolean> {
    const checksum = await checksumOf(file).catch(() => undefined)
    return checksum !== undefined && this.journal.wrote(path.basename(file), checksum)
  }

  replace(name: string): Replacement {
    return new Replacement(path.isAbsolute(name) ? name : this.path(name), this.journal)
  }

  /** The steps before this one whose files do not hold yet what was changed by hand before them. */
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
      const input = await checksumOf(await this.input(step as Exclude<Step, 'generate'>))
      const made = await checksumOf(this.output(step))
      const from = made && this.journal.madeFrom(path.basename(this.output(step)), made)
      if (from !== input) return later.slice(place)
    }
    return []
  }
}

export async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  )
}

/**
 * The files that paths stand for: a folder means every `*.jsonl` in it, in name order, and the folder of a run its file
 * of step 3. A missing path, and a folder without any, is a Fault.
 */
export async function jsonlFiles(paths: readonly string[]): Promise<string[]> {
  const files: string[] = []
  for (const name of paths) {
    try {
      if ((await stat(name)).isDirectory()) files.push(...(await jsonlFilesIn(name)))
      else files.push(name)
    } catch (error) {
      throw error instanceof Fault ? error : unreadable(name, error)
    }
  }
  return files
}

async function jsonlFilesIn(dir: string): Promise<string[]> {
  const names = (await readdir(dir)).filter((name) => name.endsWith('.jsonl') && !name.startsWith('.'))
  if (names.length === 0) throw nothingIn(dir)
  const chosen = names.includes(fileOf.instances) ? [fileOf.instances] : names.toSorted()
  return chosen.map((name) => path.join(dir, name))
}

function nothingIn(dir: string): Fault {
  return new Fault({
    en: `${dir} holds no *.jsonl file. Name the files of the other runs, or a folder they lie in.`,
    zh: `${dir} 中没有 *.jsonl 文件。请指定其他运行的文件，或它们所在的文件夹。`,
  })
}

// One run at a time in a data folder. A lock left by a dead process, or naming our own number (containers), is taken over.

/** Takes the folder's lock, making the folder if need be; returns what gives it back. A live holder is a Fault. */
export async function lockFolder(dir: string): Promise<() => Promise<void>> {
  const file = path.join(dir, '.lock')
  const made: string[] = []
  // A command that wrote nothing leaves no empty folder behind.
  const release = async (): Promise<void> => {
    for (const folder of made) await rmdir(folder).catch(() => undefined)
  }
  try {
    await makeFolders(dir, made)
    await acquire(file, dir)
  } catch (error) {
    await release()
    throw error instanceof Fault ? error : noFolder(dir, error)
  }
  return async () => {
    await rm(file, { force: true })
    await release()
  }
}

/** Makes the folder and those it lies in; `made` takes their names, the innermost first. */
async function makeFolders(dir: string, made: string[]): Promise<void> {
  try {
    if ((await stat(dir)).isDirectory()) return
    throw aFile(dir)
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes(codeOf(error)) || path.dirname(dir) === dir) throw error
  }
  await makeFolders(path.dirname(dir), made)
  try {
    await mkdir(dir)
    made.unshift(dir)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error // another run made it this moment
  }
}

function aFile(place: string): Fault {
  return new Fault({
    en: `${place} is a file; --data-dir expects a folder. Name another folder or move the file away.`,
    zh: `${place} 是一个文件，--data-dir 需要一个文件夹。请换一个文件夹名，或移走该文件。`,
  })
}

// A dead holder's lock is removed by whoever holds the lock on that, and only while it is still the dead one's:
// else two who find it at the same moment could each remove the other's new lock.
async function acquire(file: string, dir: string): Promise<void> {
  while (!take(file)) {
    const holder = await holderOf(file)
    if (holder === undefined) continue // just given back
    if (isAlive(Number(holder))) throw atWork(holder, dir)
    const claim = `${file}.${Number(holder)}`
    await acquire(claim, dir)
    if ((await holderOf(file)) === holder) await rm(file, { force: true })
    await rm(claim, { force: true })
  }
}

function take(file: string): boolean {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

/** The process named in a lock, '' when its maker died before it could write that, undefined when there is no lock. */
async function holderOf(file: string): Promise<string | undefined> {
  const read = (): Promise<string | undefined> => readFile(file, 'utf8').then((text) => text.trim(), gone)
  const holder = await read()
  if (holder !== '') return holder
  await sleep(100) // it was made this moment, or long ago
  return read()
}

function gone(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') throw error
}

function atWork(holder: string, dir: string): Fault {
  return new Fault({
    en: `Another run (process ${holder}) is at work in ${dir}. Wait for it, or give this one its own --data-dir. If no run is at work there, delete ${dir}/.lock.`,
    zh: `另一个运行（进程 ${holder}）正在使用 ${dir}。请等它结束，或用 --data-dir 为本次运行另选文件夹。如果那里并没有运行，请删除 ${dir}/.lock。`,
  })
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

function noFolder(dir: string, error: unknown): Fault {
  const why = ['EACCES', 'EPERM', 'EROFS'].includes(codeOf(error))
    ? { en: 'Check its permissions', zh: '请检查权限设置' }
    : {
        en: `The system said ${codeOf(error) || messageOf(error)}: free the place`,
        zh: `系统返回 ${codeOf(error) || messageOf(error)}：请清理该位置`,
      }
  return new Fault({
    en: `Nothing can be written in ${dir}. ${why.en}, or name another folder with --data-dir.`,
    zh: `无法在 ${dir} 中写入。${why.zh}，或用 --data-dir 指定其他文件夹。`,
  })
}

// The data folder: which file belongs to which step, which files are out of date, and that its files are no links.
import { existsSync, readdirSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { projectFolder } from './environment.ts'
import { Fault, type Words, isOdd, noFile, unreadable } from './fault.ts'
import { Ledger, field } from './jsonl.ts'
import { Journal, Replacement, checksumOf, journalFile } from './replacement.ts'

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
    const command = `npx tsx workshop.ts ${before}${elsewhere}`
    const others = runsElsewhere(this.dir)
    throw new Fault({
      en: `Step ${step} reads ${file}, which is not there yet. Run this first: ${command}${others.en && `.${others.en}`}`,
      zh: `步骤 ${step} 需要读取 ${file}，但该文件还不存在。请先运行：${command}${others.zh && `。${others.zh}`}`,
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

// A folder that was handed out: a log and a run.json, made elsewhere, gave the run again. What it cannot answer is asked of
// nobody until somebody names a provider here: the keys of this machine were not meant for it.

/** Whether the folder was handed out: nothing but a log and a record is there, or that was so when the run was first given again. */
export async function isHandedOut(dir: string): Promise<boolean> {
  const there = (name: string): boolean => existsSync(path.join(dir, name))
  if (![logFile, recordFile].every(there)) return false
  return !stepFiles.some(there) || markOf(await journalIn(dir))
}

/** Remembers that a folder was handed out, or that its owner has named a provider. */
export async function markHandedOut(dir: string, handedOut: boolean): Promise<void> {
  const journal = await journalIn(dir)
  if (markOf(journal) !== handedOut) await journal.append({ handed_out: handedOut })
}

function journalIn(dir: string): Promise<Ledger> {
  return Ledger.open(path.join(dir, journalFile))
}

function markOf({ lines }: Ledger): boolean {
  const marks = lines.map((line) => field(line, 'handed_out'))
  return marks.findLast((mark) => typeof mark === 'boolean') === true
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

function foldersIn(parent: string): string[] {
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

/**
 * The files that paths stand for: a folder means every file of rows in it, in the order of their names; the folder of a
 * run means its file of step 3. A missing path is a Fault, and a folder without such a file.
 */
export async function dataFiles(paths: readonly string[], own?: string): Promise<string[]> {
  return (await mergedFiles(paths, own)).files.map(({ file }) => file)
}

/** A file that is merged; `contributor`: the folder whose run it is, in a folder of run folders. */
export type MergedFile = { file: string; contributor: string | undefined }

/**
 * The same with the names of contributors. `own`: the folder that is written, no contributor of its own. `without`: folders
 * of such a folder in which no run came to step 3.
 */
export async function mergedFiles(
  paths: readonly string[],
  own?: string,
): Promise<{ files: MergedFile[]; without: string[] }> {
  const files: MergedFile[] = []
  const without: string[] = []
  for (const name of paths) {
    try {
      if (!(await stat(name)).isDirectory()) files.push({ file: name, contributor: undefined })
      else {
        const found = await dataFilesIn(name)
        files.push(
          ...found.files.filter(
            ({ file, contributor }) => !contributor || path.dirname(path.resolve(file)) !== own,
          ),
        )
        without.push(...found.without)
      }
    } catch (error) {
      throw error instanceof Fault ? error : unreadable(name, error)
    }
  }
  return { files, without }
}

const endsAsRows = /\.(?:jsonl?|csv|tsv|parquet)(?:\.gz)?$/i
const holdsNoRows: readonly string[] = [recordFile, 'dataset_info.json', logFile, batchesFile]
const isReview = /^review.*\.json$/i

async function dataFilesIn(dir: string): Promise<{ files: MergedFile[]; without: string[] }> {
  const names = (await readdir(dir)).filter(
    (name) =>
      endsAsRows.test(name) && !name.startsWith('.') && !holdsNoRows.includes(name) && !isReview.test(name),
  )
  const ofRun: string = handOffs.instances.file
  if (names.includes(ofRun))
    return { files: [{ file: path.join(dir, ofRun), contributor: undefined }], without: [] }
  const runs = runFoldersIn(dir).map((name) => ({ name, file: rowsOfRun(path.join(dir, name)) }))
  const files = names.toSorted().map((name) => ({ file: path.join(dir, name), contributor: undefined }))
  const ofRuns = runs.flatMap(({ name, file }) => (file === undefined ? [] : [{ file, contributor: name }]))
  if (files.length + ofRuns.length === 0) throw nothingIn(dir)
  const without = runs.flatMap(({ name, file }) => (file === undefined ? [name] : []))
  return { files: [...ofRuns, ...files], without }
}

const noRunsIn = /^(?:\.|__MACOSX$|4-dataset\.)/

/** The folders in a folder that may each hold somebody's run, by name; seat-10 comes after seat-9. */
export function runFoldersIn(dir: string): string[] {
  const names = foldersIn(dir).filter((name) => !noRunsIn.test(name))
  return names.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
}

/** The rows of the run in a folder, or in the one folder that an unpacked archive put inside it. */
function rowsOfRun(dir: string): string | undefined {
  const own = [handOffs.instances.file, handOffs.filter.file].map((name) => path.join(dir, name))
  const found = own.find((file) => existsSync(file))
  const [inner, ...others] = found === undefined ? runFoldersIn(dir) : []
  return inner === undefined || others.length > 0 ? found : rowsOfRun(path.join(dir, inner))
}

/** The folder of the run that a file came out of: its files lie in it, its exports perhaps in a folder there. */
export function runFolderOf(file: string): string | undefined {
  const dir = path.dirname(file)
  const run = path.basename(dir).startsWith('4-dataset.') ? path.dirname(dir) : dir
  const isOfRun =
    run !== dir || stepFiles.some((name) => path.basename(file).startsWith(name.replace('.jsonl', '.')))
  return isOfRun && existsSync(path.join(run, recordFile)) ? run : undefined
}

function nothingIn(dir: string): Fault {
  return new Fault({
    en: `${dir} holds no *.jsonl file, and no JSON, CSV, TSV or parquet. Name the files of the other runs, or a folder they lie in.`,
    zh: `${dir} 中没有 *.jsonl 文件，也没有 JSON、CSV、TSV 或 parquet 文件。请指定其他运行的文件，或它们所在的文件夹。`,
  })
}

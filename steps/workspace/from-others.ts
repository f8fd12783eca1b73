// What comes from other people: a folder that was handed out, which decides nothing outside itself, and the files that
// --merge takes.
import { appendFileSync, existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { hash } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { areChanged, found, isFile, liesIn, projectFolder, realOf } from './environment.ts'
import { Fault, lookAt, noFile, unreadable } from './fault.ts'
import { batchesFile, foldersIn, handOffs, logFile, recordFile, seedsFile, stepFiles } from './folder.ts'
import { Ledger, field } from './jsonl.ts'
import type { OptionName, Values } from './options.ts'
import { journalFile } from './replacement.ts'

// Two questions, with opposite answers in doubt. Does a value of run.json count that leads out of the folder? Only where this
// machine remembers that somebody gave it here. May anybody be asked at all? Yes, unless the folder itself remembers that it
// came as a log and a record: else a run could not go on in a container, which remembers nothing, or in another place.

/** Where requests go, what goes with them, which files are read and written; with a budget, what is spent. */
const leadingOut = [
  'base-url',
  'param',
  'seed-file',
  'output-path',
  'topics',
  'avoid',
  'merge',
  'replay',
  'price',
] as const
type LeadingOut = (typeof leadingOut)[number]

/** The stored settings that count here, and those that do not. */
export function sorted(
  dir: string,
  values: Values,
  environment: NodeJS.ProcessEnv,
  given: Values,
): { carried: Values; notTaken: Values } {
  const known = new Set(linesOf(memoryFile(environment)))
  const [carried, notTaken] = [new Map(values), new Map<OptionName, string[]>()]
  for (const name of leadingOut) {
    if (name === 'price' && !given.has('budget')) continue
    const counts = (value: string): boolean =>
      staysInside(dir, name, value) || known.has(markOf(dir, name, value))
    const all = values.get(name) ?? []
    const refused = all.filter((value) => !counts(value))
    if (refused.length === 0) continue
    notTaken.set(name, refused)
    if (refused.length === all.length) carried.delete(name)
    else carried.set(name, all.filter(counts))
  }
  return { carried, notTaken }
}

/** The project's own `data` is the same on every machine. No run.json chooses which file of the project is replaced. */
function staysInside(dir: string, name: LeadingOut, value: string): boolean {
  if (!isPath(name)) return false
  const inside = name === 'output-path' ? [dir] : [dir, path.join(projectFolder, 'data')]
  const place = placeOf(name, value)
  return liesIn(place, inside) && !holdsLinks(place)
}

/** Whether a folder holds a link, which may lead out of it, or what cannot be looked into. */
function holdsLinks(place: string): boolean {
  if (!lookAt(place, 'followed')?.isDirectory()) return false
  try {
    const inside = readdirSync(place, { recursive: true, withFileTypes: true })
    return inside.some((entry) => entry.isSymbolicLink())
  } catch {
    return true
  }
}

function isPath(name: LeadingOut): boolean {
  return !['base-url', 'param', 'price'].includes(name)
}

/** A value as it is made use of. */
function placeOf(name: LeadingOut, value: string): string {
  if (!isPath(name)) return value
  return name === 'output-path' ? path.resolve(projectFolder, value) : found(value)
}

/**
 * Remembers that on this machine a run in this folder was given these settings. Where nothing can be written, as in some
 * containers, nothing is remembered, and they have to be given again.
 */
export function rememberGiven(
  dir: string,
  kept: Partial<Record<OptionName, unknown>>,
  environment: NodeJS.ProcessEnv,
): void {
  const file = memoryFile(environment)
  const known = linesOf(file)
  const marks = leadingOut.flatMap((name) => {
    const outside = [kept[name] ?? []]
      .flat()
      .map(String)
      .filter((value) => !staysInside(dir, name, value))
    return outside.map((value) => markOf(dir, name, value))
  })
  const fresh = marks.filter((mark) => !known.includes(mark))
  if (fresh.length === 0 || file === '') return
  try {
    mkdirSync(path.dirname(file), { recursive: true })
    appendFileSync(file, fresh.map((mark) => `${mark}\n`).join(''))
  } catch {
    // No fault of this run: what was given counts now, and the next command's first line asks for it again.
  }
}

/** A line for each folder, option and value, from which none of them can be read. */
function markOf(dir: string, name: LeadingOut, value: string): string {
  return hash('sha256', JSON.stringify([realOf(dir), name, placeOf(name, value)]))
}

/** Outside every data folder, where the system keeps what programs remember of a person's work; '' where there is no such place. */
function memoryFile(environment: NodeJS.ProcessEnv): string {
  const { XDG_STATE_HOME, LOCALAPPDATA, HOME, USERPROFILE } = environment
  const usual = [HOME, USERPROFILE].map((home) => home && path.join(home, '.local', 'state'))
  const state = [XDG_STATE_HOME, LOCALAPPDATA, ...usual].find((dir) => dir && path.isAbsolute(dir))
  return state ? path.join(state, 'self-instruct-workshop', 'given.txt') : ''
}

function linesOf(file: string): string[] {
  try {
    return isFile(file) ? readFileSync(file, 'utf8').split('\n') : []
  } catch {
    return []
  }
}

/** Whether the folder was handed out: nothing but a log and a record is there, or that was so when the run was first given again. */
export async function isHandedOut(dir: string): Promise<boolean> {
  const there = (name: string): boolean => existsSync(path.join(dir, name))
  if (![logFile, recordFile].every(there)) return false
  return !stepFiles.some(there) || markIn(await journalIn(dir))
}

/** Remembers that a folder was handed out, or that its owner has named a provider. */
export async function markHandedOut(dir: string, handedOut: boolean): Promise<void> {
  const journal = await journalIn(dir)
  if (markIn(journal) !== handedOut) await journal.append({ handed_out: handedOut })
}

/**
 * A Fault where a run cannot be given again for want of its seed tasks: with some of its own it names no file of them, which
 * others would not have, and has them beside it; with the project's it needs these as they were.
 */
export function refuseWithoutSeeds(
  dir: string,
  {
    carried,
    notTaken,
    given,
    seedFile,
  }: Record<'carried' | 'notTaken' | 'given', Values> & { seedFile: string },
): void {
  if (given.has('seed-file')) return
  if (carried.has('seed-file') && areChanged(seedFile)) throw seedsChanged(dir, seedFile)
  const isNamed = carried.has('seed-file') || notTaken.has('seed-file')
  const isWhole = alwaysKept.every((name) => carried.has(name)) // not a few settings that somebody wrote by hand
  if (!isWhole || isNamed || existsSync(path.join(dir, seedsFile))) return
  throw new Fault({
    en: `The run in ${dir} had seed tasks of its own, and its ${seedsFile} is not there: put that file beside ${logFile}, or name the seed tasks with --seed-file.`,
    zh: `${dir} 中的运行用的是自备的种子任务，但其中没有 ${seedsFile}：请把那次运行的这个文件放到 ${logFile} 旁边，或用 --seed-file 指定种子任务。`,
  })
}

const alwaysKept = ['num-instructions', 'temperature', 'max-tokens'] as const

function seedsChanged(dir: string, seedFile: string): Fault {
  return new Fault({
    en: `The run in ${dir} had the project's seed tasks, and ${seedFile} was changed here. Put that file back as it was; your own tasks go into another, which --seed-file names.`,
    zh: `${dir} 中的运行用的是项目自带的种子任务，而这里的 ${seedFile} 被改动过。请把它恢复原样；自己的任务另存一个文件，用 --seed-file 指定。`,
  })
}

function journalIn(dir: string): Promise<Ledger> {
  return Ledger.open(path.join(dir, journalFile))
}

function markIn({ lines }: Ledger): boolean {
  const marks = lines.map((line) => field(line, 'handed_out'))
  return marks.findLast((mark) => typeof mark === 'boolean') === true
}

// The files that --merge takes

/**
 * The files that paths stand for: a folder means every file of rows in it, in the order of their names; the folder of a
 * run means its file of step 3. A missing path is a Fault, and a folder without such a file.
 */
export async function dataFiles(paths: readonly string[], own?: string): Promise<string[]> {
  return (await mergedFiles(paths, own)).files.map(({ file }) => file)
}

/** A file that is merged; `contributor`: the folder whose run it is, in a folder of run folders. */
export type MergedFile = { file: string; contributor: string | undefined }

/** `without`: folders of such a folder in which no run came to step 3. */
type Merged = { files: MergedFile[]; without: string[] }

/** The same with the names of contributors. `own`: the folder that is written, no contributor of its own. */
export async function mergedFiles(paths: readonly string[], own?: string): Promise<Merged> {
  const all = await Promise.all(paths.map(filesAt))
  const files = all.flatMap((found) => found.files)
  const isOwn = ({ file, contributor }: MergedFile): boolean =>
    contributor !== undefined && path.dirname(path.resolve(file)) === own
  return { files: files.filter((one) => !isOwn(one)), without: all.flatMap((found) => found.without) }
}

async function filesAt(place: string): Promise<Merged> {
  try {
    if ((await stat(place)).isDirectory()) return await dataFilesIn(place)
    return { files: [{ file: place, contributor: undefined }], without: [] }
  } catch (error) {
    throw error instanceof Fault ? error : unreadable(place, error)
  }
}

const endsAsRows = /\.(?:jsonl?|csv|tsv|parquet)(?:\.gz)?$/i
const datasetList = 'dataset_info.json'
const holdsNoRows: readonly string[] = [recordFile, datasetList, logFile, batchesFile]
const isReview = /^review.*\.json$/i

async function dataFilesIn(dir: string): Promise<Merged> {
  const all = await readdir(dir)
  if (all.includes('dataset_dict.json') || all.some((name) => name.endsWith('.arrow'))) throw savedToDisk(dir)
  // The export for LLaMA-Factory holds its rows in two forms.
  const isTwice = (name: string) => name === 'train.messages.jsonl' && all.includes(datasetList)
  const names = all.filter(
    (name) =>
      endsAsRows.test(name) &&
      !name.startsWith('.') &&
      !holdsNoRows.includes(name) &&
      !isReview.test(name) &&
      !isTwice(name),
  )
  const ofRun: string = handOffs.instances.file
  const isRun = names.includes(ofRun)
  const own = (isRun ? [ofRun] : names.toSorted()).map((name) => path.join(dir, name))
  const runs = (isRun ? [] : runFoldersIn(dir)).map((name) => ({
    file: rowsOfRun(path.join(dir, name)),
    contributor: name,
  }))
  const files = [...runs.filter(hasRows), ...own.map((file) => ({ file, contributor: undefined }))]
  if (files.length === 0) throw nothingIn(dir)
  for (const { file } of files) refusePipe(file)
  return { files, without: runs.filter((run) => !hasRows(run)).map(({ contributor }) => contributor) }
}

/** In a folder of other people's a pipe or a device would be waited for, or never end. */
function refusePipe(file: string): void {
  if (existsSync(file) && !isFile(file)) throw noFile(file)
}

function hasRows(run: { file: string | undefined; contributor: string }): run is MergedFile & typeof run {
  return run.file !== undefined
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
  return isOfRun && isFile(path.join(run, recordFile)) ? run : undefined
}

function savedToDisk(dir: string): Fault {
  const load = 'datasets.load_from_disk("…").to_json("rows.jsonl")'
  return new Fault({
    en: `${dir} is a data set as \`datasets\` saves it to disk, in Arrow. In Python: ${load}, of a DatasetDict for each of its splits; then name that file.`,
    zh: `${dir} 是 datasets 用 save_to_disk 存下的数据集（Arrow 格式）。可在 Python 中转换：${load}（DatasetDict 需逐个 split 转换），再指定得到的文件。`,
  })
}

function nothingIn(dir: string): Fault {
  return new Fault({
    en: `${dir} holds no *.jsonl file, and no JSON, CSV, TSV or parquet. Name the files of the other runs, or a folder they lie in.`,
    zh: `${dir} 中没有 *.jsonl 文件，也没有 JSON、CSV、TSV 或 parquet 文件。请指定其他运行的文件，或它们所在的文件夹。`,
  })
}

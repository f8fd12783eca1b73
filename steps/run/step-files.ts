// What a step works on: the rows it reads, the file it writes, its rejects and its counts.
import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Contribution, Vocabulary } from '../display/words.ts'
import type { Failure } from '../model/call.ts'
import type { Model } from '../model/model.ts'
import type { Language } from '../text/language.ts'
import type { TaskPool } from '../text/pool.ts'
import type { Instance } from '../text/rules.ts'
import { unwritable } from '../workspace/fault.ts'
import { type Folder, type Step, exists, jsonlFiles, rejectedFile, steps } from '../workspace/folder.ts'
import { jsonLine } from '../workspace/jsonl.ts'
import { type Judgement, type RejectedRow, type Row, type SeedTask, readRows } from '../workspace/records.ts'
import { type Replacement, checksumOf } from '../workspace/replacement.ts'
import type { Settings } from '../workspace/settings.ts'

const samplesShown = 3

/** A line for the screen, in whatever language it speaks. */
type Remark = (words: Vocabulary) => string

export class Sheet {
  rows = 0
  /** Rows that are neither written nor rejected, because the run stopped before their answer. */
  pending = 0
  readonly samples: string[] = []
  readonly remarks: Remark[] = []
  readonly notes: Remark[] = []
  /** The step's part of the funnel. */
  counts: Record<string, number> = {}
  /** What the judge said, when step 4 asked one. */
  judgement: Judgement | undefined
  readonly rejects: Rejects
  private readonly contributions = new Contributions()
  readonly step: Step
  private readonly folder: Folder
  private readonly language: Language
  private readonly output: Replacement
  private readonly tick: (done: number, all: number | undefined) => void
  private inputFile: string | undefined
  private inputFrom: string | undefined // its checksum before the first row was read: who saves it meanwhile makes this step stale
  private inputRows = 0
  private source = '' // the merged file being read

  constructor(
    step: Step,
    folder: Folder,
    language: Language,
    tick: (done: number, all: number | undefined) => void,
  ) {
    this.step = step
    this.folder = folder
    this.language = language
    this.tick = tick
    this.output = folder.replace(folder.output(step))
    this.rejects = new Rejects(folder, step)
  }

  /** The rows of the step's input; a row that stands there twice is rejected once. */
  async *read<K extends 'instruction' | 'classified' | 'withInstances'>(kind: K): AsyncGenerator<Row<K>> {
    if (this.step === 'generate') throw new Error('step 1 has no file to read')
    this.inputFile = await this.folder.input(this.step)
    this.inputFrom = await checksumOf(this.inputFile)
    const seen = new Set<string>()
    for await (const row of readRows(this.inputFile, kind)) {
      if (seen.has(row.id))
        await this.reject({ reason: 'duplicate_row', detail: row.id, instruction: row.instruction })
      else yield row
      seen.add(row.id)
      this.inputRows = seen.size
    }
  }

  /** The rows of step 3, if any, then those of each file of another run; `--merge` names files or folders. Says what each file gave. */
  async *readMerged(merge: readonly string[]): AsyncGenerator<AsyncIterable<Row<'withInstances'>>> {
    const own = this.folder.output('instances')
    const files = await jsonlFiles(merge)
    const names = contributorNames([own, ...files])
    if (files.length === 0 || (await exists(own))) {
      if (files.length > 0) this.contributions.begin(names[0] ?? '')
      yield this.counted(this.read('withInstances'))
    }
    for (const [place, file] of files.entries()) {
      this.source = names[place + 1] ?? file
      this.contributions.begin(this.source)
      yield this.counted(readRows(file, 'withInstances'))
    }
    this.source = ''
    for (const gave of this.contributions.all) this.note((words) => words.contributed(gave))
    if (files.length > 0 && this.rejects.counts.has('beyond_target'))
      this.remark((words) => words.mergedBeyond)
  }

  private async *counted<T>(rows: AsyncIterable<T>): AsyncGenerator<T> {
    for await (const row of rows) {
      if (this.contributions.current) this.contributions.current.instructions++
      yield row
    }
  }

  /** `sample` is what the screen shows of the row, where it shows it at all. */
  async add<T extends { instruction: string }>(row: T, sample?: string): Promise<void> {
    this.contributions.own(row.instruction)
    if (this.contributions.current) this.contributions.current.rows++
    if (sample !== undefined && this.samples.length < samplesShown) this.samples.push(sample)
    this.rows++
    await this.output.add(row)
  }

  /** `rival`: the instruction of the pool this one is too near to. */
  async reject({ rival, ...row }: Omit<RejectedRow, 'step'> & { rival?: string }): Promise<void> {
    if (rival !== undefined) this.contributions.clash(rival)
    if (row.reason === 'beyond_target') this.contributions.own(row.instruction)
    await this.rejects.add(this.source === '' ? row : { ...row, detail: `${this.source}: ${row.detail}` })
  }

  /** A question without an answer: a reject under its reason, or nothing yet when the run stopped first. */
  async fail({ failed, detail, call }: Failure, instruction: string, instance?: Instance): Promise<void> {
    if (failed === 'stopped') this.pending++
    else
      await this.reject({
        reason: failed,
        detail: detail[this.language],
        instruction,
        ...instance,
        ...(call === undefined ? {} : { call }),
      })
  }

  /** Something to know. */
  note(note: Remark): void {
    this.notes.push(note)
  }

  /** Something to think about. */
  remark(remark: Remark): void {
    this.remarks.push(remark)
  }

  /** How far a step came that was stopped: the rows of its input that are decided, or in step 1 the `wanted` that are there. */
  reached(wanted: number): { done: number; all: number } {
    if (this.inputFile === undefined) return { done: this.rows, all: wanted }
    return { done: this.inputRows - this.pending, all: this.inputRows }
  }

  progress(done: number, all?: number): void {
    this.tick(done, all)
  }

  /** Rejects first, then the file. Returns the name under which a hand-edited file was kept. */
  async commit(): Promise<string | undefined> {
    await this.rejects.commit()
    return this.output.commit(this.inputFrom)
  }

  async discard(): Promise<void> {
    await this.rejects.discard()
    await this.output.discard()
  }
}

// Who gave what when step 4 merges several runs (`--merge`): rows, and instructions that another's file had already.

export class Contributions {
  readonly all: Contribution[] = []
  private readonly ownerOf = new Map<string, Contribution>()

  /** What follows is this contributor's. */
  begin(file: string): void {
    this.all.push({ file, instructions: 0, rows: 0, duplicates: 0 })
  }

  get current(): Contribution | undefined {
    return this.all.at(-1)
  }

  /** An instruction that is in the pool from now on. */
  own(instruction: string): void {
    if (this.current && !this.ownerOf.has(instruction)) this.ownerOf.set(instruction, this.current)
  }

  /** An instruction was too near to `rival`; that counts where the rival is another's, not a seed task or one's own. */
  clash(rival: string): void {
    const owner = this.ownerOf.get(rival)
    if (this.current && owner && owner !== this.current) this.current.duplicates++
  }
}

/** The files by name, which is the contributor's; two of the same name also by their folder. */
export function contributorNames(files: readonly string[]): string[] {
  const names = files.map((file) => path.basename(file))
  return files.map((file, place) => {
    const name = names[place] ?? file
    return names.indexOf(name) === names.lastIndexOf(name)
      ? name
      : `${path.basename(path.dirname(file))}/${name}`
  })
}

// rejected.jsonl: every candidate that did not make it, and why. A step replaces its own rows only; the order is that of the steps.

/** Gathers one step's rejects in a file of their own, so that memory does not grow with them. */
export class Rejects {
  readonly counts = new Map<string, number>()
  private readonly folder: Folder
  private readonly step: Step
  private readonly spool: string
  private file: FileHandle | undefined
  private gathered = ''

  constructor(folder: Folder, step: Step) {
    this.folder = folder
    this.step = step
    this.spool = folder.path(`.rejected-${step}.tmp`)
  }

  async add(row: Omit<RejectedRow, 'step'>): Promise<void> {
    this.counts.set(row.reason, (this.counts.get(row.reason) ?? 0) + 1)
    this.gathered += `${jsonLine({ step: this.step, ...row })}\n`
    if (this.gathered.length > 1 << 16) await this.flush()
  }

  private async flush(): Promise<void> {
    try {
      await mkdir(this.folder.dir, { recursive: true })
      this.file ??= await open(this.spool, 'w')
      await this.file.appendFile(this.gathered)
      this.gathered = ''
    } catch (error) {
      throw unwritable(this.spool, error)
    }
  }

  /** Writes rejected.jsonl anew: the rejects of other steps as they were, this step's own in their place. */
  async commit(): Promise<void> {
    await this.flush()
    await this.file?.close()
    const whole = this.folder.replace(rejectedFile)
    const mine = steps.indexOf(this.step)
    await this.copy(whole, (step) => steps.indexOf(step) < mine)
    for await (const text of createReadStream(this.spool, 'utf8')) await whole.addText(String(text))
    await this.copy(whole, (step) => steps.indexOf(step) > mine)
    await whole.commit()
    await rm(this.spool, { force: true })
  }

  async discard(): Promise<void> {
    await this.file?.close()
    await rm(this.spool, { force: true })
  }

  private async copy(whole: ReturnType<Folder['replace']>, wanted: (step: Step) => boolean): Promise<void> {
    const file = this.folder.path(rejectedFile)
    if (!(await exists(file))) return
    for await (const row of readRows(file, 'rejected')) if (wanted(row.step)) await whole.add(row)
  }
}

// What the cells of one round share.

/** What a step does in a round, on its sheet. */
export type Work = (round: Round, sheet: Sheet) => Promise<void>

export type Round = {
  number: number
  /** Instructions asked of step 1 in this round. */
  wanted: number
  settings: Settings
  language: Language
  seeds: SeedTask[]
  topics: string[] | undefined
  /** A pool that holds the seed tasks and what is to be avoided, and nothing else yet. */
  newPool: () => TaskPool
  folder: Folder
  model: Model
  /** Set by step 1 when the model has nothing new to say. */
  ranDry: boolean
  /** Instructions in the data set before this round. */
  keptBefore: number
  /** Runs a step's work as a cell: heading, progress, counts, samples, the record of the run. */
  perform: (step: Step, work: Work) => Promise<void>
}

// A step as a cell of the notebook: skipped when the command does not name it, shown when it is done.

/** The cell of a step: what it does, run in every round. */
export function cell(step: Step, work: Work): (round: Round) => Promise<void> {
  return (round) => round.perform(step, work)
}

/** A task with its answer on one line, as the sample rows show it. */
export function withAnswer(instruction: string, { input, output }: Instance): string {
  return `${instruction} ⇒ ${input === '' ? '' : `[${input}] `}${output}`
}

// What a step reads and writes: rows in, rows out, rejects, counts, and what there is to say about them. On disk a step's
// file is replaced in one go at its end.
import { createReadStream } from 'node:fs'
import type { Failure } from '../model/call.ts'
import type { Model } from '../model/model.ts'
import type { Instance } from '../text/given.ts'
import type { Language } from '../text/language.ts'
import type { TaskPool } from '../text/pool.ts'
import { Omissions, groupedRows } from '../workspace/data-rows.ts'
import { type Folder, type Step, handOffs, rejectedFile, steps } from '../workspace/folder.ts'
import { TextWriter, temporaryName } from '../workspace/jsonl.ts'
import {
  type Judgement,
  type RejectedRow,
  type Row,
  type SeedTask,
  readRows,
  rejectedLines,
  rowsIn,
} from '../workspace/records.ts'
import { type Replacement, checksumOf } from '../workspace/replacement.ts'
import type { Settings } from '../workspace/settings.ts'
import { Contributions, type Copies, type Merged, type Remark, filesToMerge, remarksOn } from './merging.ts'

/** What the steps of one round share. */
export type Round = {
  number: number
  /** Instructions asked of step 1 in this round. */
  wanted: number
  settings: Settings
  language: Language
  seeds: SeedTask[]
  topics: string[] | undefined
  model: Model
  /** A pool that holds the seed tasks and what is to be avoided, and nothing else yet. */
  newPool: () => TaskPool
  /** Set by step 1 when the model has nothing new to say. */
  ranDry: boolean
  /** Instructions in the data set before this round. */
  keptBefore: number
  /** Does a step's work: on its files, under its heading, with progress, counts, samples and the record of the run. */
  run: (step: Step, work: Work) => Promise<void>
}

/** What a step does in a round, with its files. */
export type Work = (round: Round, files: StepFiles) => Promise<void>

/** What each step does, by its name, as far as this command has loaded them. */
export const works = new Map<Step, Work>()

/** A step: what it does, run in every round that includes it. */
export function step(name: Step, work: Work): (round: Round) => Promise<void> {
  works.set(name, work)
  return (round) => round.run(name, work)
}

/** A task with its answer on one line, as the sample rows show it. */
export function withAnswer(instruction: string, { input, output }: Instance): string {
  return `${instruction} ⇒ ${input === '' ? '' : `[${input}] `}${output}`
}

/** The rows of the files that steps hand to each other. */
export type RowsOf = { [H in HandOff as H['file']]: Row<H['writes']> }
type HandOff = (typeof handOffs)[Step]
export type Input = Exclude<keyof RowsOf, '4-dataset.jsonl'>
type Rejected = Omit<RejectedRow, 'step'> & { at?: string | undefined }

const samplesShown = 3

export abstract class StepFiles {
  /** Rows written. */
  rows = 0
  /** Rows that are neither written nor rejected, because the run stopped before their answer. */
  pending = 0
  readonly samples: string[] = []
  readonly remarks: Remark[] = []
  readonly notes: Remark[] = []
  readonly rejected = new Map<string, number>()
  /** The step's part of the funnel. */
  counts: Record<string, number> = {}
  /** What the judge said, when step 4 asked one. */
  judgement: Judgement | undefined
  /** Why step 1 will get no further reply. */
  endedBy: Failure | undefined
  /** Who gave what, when step 4 merged files. */
  readonly contributions = new Contributions()
  protected inputRows = 0
  readonly step: Step
  private readonly language: Language
  private readonly tick: (done: number, all: number | undefined) => void

  constructor(step: Step, language: Language, tick: StepFiles['tick'] = () => undefined) {
    this.step = step
    this.language = language
    this.tick = tick
  }

  protected abstract rowsIn<F extends Input>(file: F): AsyncIterable<RowsOf[F]>
  protected abstract put(row: { instruction: string }): Promise<void>
  protected abstract drop(row: Omit<RejectedRow, 'step'>): Promise<void>
  protected async merged(_paths: readonly string[]): Promise<Merged> {
    return { own: true, ownName: '', files: [], without: [] }
  }

  /** The candidates of a merged file. */
  protected async *candidatesIn(_file: string, _omitted: Omissions): AsyncGenerator<Row<'withInstances'>> {}

  /** The rows of the step's input; a row that stands there twice is rejected once. */
  async *read<F extends Input>(file: F): AsyncGenerator<RowsOf[F]> {
    const seen = new Set<string>()
    for await (const row of this.rowsIn(file)) {
      if (seen.has(row.id))
        await this.reject({ reason: 'duplicate_row', detail: row.id, instruction: row.instruction })
      else yield row
      seen.add(row.id)
      this.inputRows = seen.size
    }
  }

  /** Whether there is anything to do, now or later: in a step begun ahead rows are still to come. */
  async hasRows(): Promise<boolean> {
    return true
  }

  /**
   * Which rows need no answer once the target is met: all in a whole run. A step run alone asks about what somebody added
   * or changed, wherever it stands; spare are the rows that were so before. Undefined where there are none.
   */
  async spareRows(_whole: boolean): Promise<((row: { instruction: string }) => boolean) | undefined> {
    return () => true
  }

  /** The rows of step 3, if any, then those of each file that `--merge` names. Says what each file gave. */
  async *readMerged(
    paths: readonly string[],
    skipsBad = false,
  ): AsyncGenerator<AsyncIterable<Row<'withInstances'>>> {
    const { own, ownName, files, without } = await this.merged(paths)
    const { contributions } = this
    if (own) {
      if (files.length > 0) contributions.begin(ownName)
      yield contributions.counted(this.read('3-instances.jsonl'))
    }
    for (const { file, contributor, source, of } of files) {
      contributions.begin(contributor ?? source, of)
      this.source = source
      const omissions = new Omissions(skipsBad)
      yield contributions.counted(this.candidatesIn(file, omissions))
      if (omissions.any) this.remark((words) => words.leftOut(source, omissions))
    }
    this.source = ''
    const gave = contributions.concluded(own)
    if (files.length > 0) for (const one of gave) this.note((words) => words.contributed(one))
    this.remarks.push(...remarksOn(gave, without))
    if (files.length > 0 && this.rejected.has('beyond_target')) this.remark((words) => words.mergedBeyond)
  }
  private source = '' // the merged file being read

  /** Writes a row of the step's file. `sample` is what the screen shows of it, where it shows it at all. */
  async write<F extends keyof RowsOf>(_file: F, row: RowsOf[F], sample?: string): Promise<void> {
    this.contributions.take(row.instruction)
    if (sample !== undefined && this.samples.length < samplesShown) this.samples.push(sample)
    this.rows++
    await this.put(row)
  }

  /** The neighbour a candidate is too near to stands last in its row. `at`: where it stands in the merged file. */
  async reject({ most_similar, at = '', ...row }: Rejected): Promise<void> {
    if (most_similar) this.contributions.clash(most_similar)
    if (row.reason === 'beyond_target') this.contributions.owns(row.instruction)
    this.rejected.set(row.reason, (this.rejected.get(row.reason) ?? 0) + 1)
    const detail = this.source === '' ? row.detail : `${this.source}${at}: ${row.detail}`
    await this.drop({ ...row, detail, ...(most_similar && { most_similar }) })
  }

  /**
   * A question without an answer: a reject under its reason, or nothing yet when the run stopped first. In step 1, false
   * when there will be no further replies.
   */
  async fail(failure: Failure, instruction = '', instance?: Instance): Promise<boolean> {
    const { failed, detail, call } = failure
    const reason = { reason: failed, detail: detail[this.language] }
    if (failed === 'stopped') this.pending++
    else await this.reject({ ...reason, instruction, ...instance, ...(call === undefined ? {} : { call }) })
    if (this.step === 'generate' && (failed === 'stopped' || failed === 'not_recorded'))
      this.endedBy = failure
    return this.endedBy === undefined
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
    if (this.step === 'generate') return { done: this.rows, all: wanted }
    return { done: this.inputRows - this.pending, all: this.inputRows }
  }

  progress(done = this.rows, all?: number): void {
    this.tick(done, all)
  }
}

/** The files of a step in the data folder. */
export class FolderFiles extends StepFiles {
  private readonly folder: Folder
  private readonly output: Replacement
  private readonly rejects: Rejects
  private readonly pass: (row: object) => void
  /** Tells which rows, or instructions, were copied from a run of the stand-in. */
  copies: Copies | undefined
  /** What step 1 has accepted. */
  readonly instructions: string[] = []
  private inputFrom: string | undefined // the input's checksum before its first row was read: who saves it meanwhile makes this step stale

  /** `pass`: told every row that is written. */
  constructor(
    step: Step,
    folder: Folder,
    language: Language,
    tick?: (done: number, all?: number) => void,
    pass: (row: object) => void = () => undefined,
  ) {
    super(step, language, tick)
    this.folder = folder
    this.pass = pass
    this.output = folder.replace(folder.output(step))
    this.rejects = new Rejects(folder, step)
  }

  protected override async *rowsIn<F extends Input>(): AsyncGenerator<RowsOf[F]> {
    const input = await this.folder.input(this.step)
    this.inputFrom = await checksumOf(input)
    const { reads } = handOffs[this.step]
    if (!reads) return
    for await (const row of readRows(input, reads) as AsyncGenerator<RowsOf[F]>) {
      if (await this.copies?.has(row)) this.contributions.copied(handOffs.instances.file)
      yield row
    }
  }

  override async hasRows(): Promise<boolean> {
    for await (const _ of this.rowsIn()) return true
    return false
  }

  protected override merged(paths: readonly string[]): Promise<Merged> {
    return filesToMerge(this.folder, paths)
  }

  override async spareRows(whole: boolean): Promise<((row: { instruction: string }) => boolean) | undefined> {
    if (whole) return () => true
    const spare = new Set<string>()
    for await (const { step, reason, instruction } of rowsIn(this.folder, 'rejected'))
      if (step === this.step && reason === 'beyond_target') spare.add(instruction)
    return spare.size === 0 ? undefined : ({ instruction }) => spare.has(instruction)
  }

  protected override candidatesIn(file: string, omitted: Omissions) {
    return groupedRows(file, temporaryName(this.folder.path('merged')), omitted)
  }

  protected override put(row: { instruction: string }): Promise<void> {
    if (this.step === 'generate') this.instructions.push(row.instruction)
    this.pass(row)
    return this.output.add(row)
  }

  protected override drop(row: Omit<RejectedRow, 'step'>): Promise<void> {
    return this.rejects.add(row)
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

/** Gathers one step's rejects in a file of their own, so that memory does not grow with them. */
class Rejects {
  private readonly folder: Folder
  private readonly step: Step
  private readonly spool: TextWriter

  constructor(folder: Folder, step: Step) {
    this.folder = folder
    this.step = step
    this.spool = new TextWriter(temporaryName(folder.path(`rejected-${step}`)))
  }

  async add(row: Omit<RejectedRow, 'step'>): Promise<void> {
    await this.spool.add({ step: this.step, ...row })
  }

  /** Writes rejected.jsonl anew: the rejects of other steps as they were, this step's own in their place. */
  async commit(): Promise<void> {
    await this.spool.close()
    const whole = this.folder.replace(rejectedFile)
    const mine = steps.indexOf(this.step)
    await this.copy(whole, (step) => steps.indexOf(step) < mine)
    for await (const text of createReadStream(this.spool.file, 'utf8')) await whole.addText(String(text))
    await this.copy(whole, (step) => steps.indexOf(step) > mine)
    await whole.commit()
    await this.spool.discard()
  }

  async discard(): Promise<void> {
    await this.spool.discard()
  }

  private async copy(whole: Replacement, wanted: (step: Step) => boolean): Promise<void> {
    for await (const { step, text } of rejectedLines(this.folder))
      if (wanted(step)) await whole.addText(`${text}\n`)
  }
}

// What a step works on: the rows it reads, the file it writes, its rejects and its counts.
import type { Failure } from '../model/failure.ts'
import type { Language } from '../text/language.ts'
import type { Instance } from '../text/rules.ts'
import { exists, type Folder, jsonlFiles, type Step } from '../workspace/folder.ts'
import type { Judgement, RejectedRow } from '../workspace/records.ts'
import { Rejects } from '../workspace/rejected.ts'
import { checksumOf, type Replacement } from '../workspace/replacement.ts'
import { type Row, readRows } from '../workspace/rows.ts'
import { Contributions, contributorNames } from './contributions.ts'
import type { Vocabulary } from './words.ts'

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

// rejected.jsonl: every candidate that did not make it, and why. A step replaces its own rows only; the order is that of the steps.
import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises'
import { unwritable } from './fault.ts'
import { exists, type Folder, rejectedFile, type Step, steps } from './folder.ts'
import type { RejectedRow } from './records.ts'
import { jsonLine } from './json.ts'
import { readRows } from './rows.ts'

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

// .written.jsonl: the checksum of every file the workshop wrote, and of the file each was made from.
// A step file whose checksum is not among them was edited by hand; one made from another version of its input is stale.
import path from 'node:path'
import { field } from './json.ts'
import { Ledger } from './ledger.ts'

type Written = { file: string; sha256: string; from?: string }

export class Journal {
  private readonly ledger: Ledger
  private readonly guarded: ReadonlySet<string>
  private readonly written: Written[]

  private constructor(ledger: Ledger, guarded: readonly string[]) {
    this.ledger = ledger
    this.guarded = new Set(guarded)
    this.written = ledger.lines.filter(isWritten)
  }

  /** `guarded` names the files people edit by hand; only of these is an edited version kept. */
  static async open(dir: string, guarded: readonly string[]): Promise<Journal> {
    return new Journal(await Ledger.open(path.join(dir, '.written.jsonl')), guarded)
  }

  guards(file: string): boolean {
    return this.guarded.has(file)
  }

  wrote(file: string, sha256: string): boolean {
    return this.written.some((line) => line.file === file && line.sha256 === sha256)
  }

  /** The checksum of the input from which this version of a file was last made. */
  madeFrom(file: string, sha256: string): string | undefined {
    return this.written.findLast((line) => line.file === file && line.sha256 === sha256)?.from
  }

  /** On disk before the rename it announces; a line that says nothing new is not written. */
  async record(file: string, sha256: string, from?: string): Promise<void> {
    if (this.wrote(file, sha256) && this.madeFrom(file, sha256) === from) return
    const line: Written = from === undefined ? { file, sha256 } : { file, sha256, from }
    await this.ledger.append(line)
    this.written.push(line)
  }
}

// A line that is missing only means that one version will be taken for hand-edited, and so be kept.
function isWritten(line: unknown): line is Written {
  return typeof field(line, 'file') === 'string' && typeof field(line, 'sha256') === 'string'
}

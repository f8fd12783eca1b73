// .written.jsonl: the checksum of every file the workshop wrote, and of the file each was made from.
// A step file whose checksum is not among them was edited by hand; one made from another version of its input is stale.
import { type FileHandle, open, readFile } from 'node:fs/promises'
import path from 'node:path'
import { codeOf, unreadable, unwritable } from './fault.ts'

type Written = { file: string; sha256: string; from?: string }

export class Journal {
  private readonly path: string
  private readonly guarded: ReadonlySet<string>
  private readonly written: Written[]
  private torn: boolean

  private constructor(file: string, guarded: readonly string[], text: string) {
    this.path = file
    this.guarded = new Set(guarded)
    this.written = text.split('\n').flatMap(parseLine)
    this.torn = text !== '' && !text.endsWith('\n')
  }

  /** `guarded` names the files people edit by hand; only of these is an edited version kept. */
  static async open(dir: string, guarded: readonly string[]): Promise<Journal> {
    const file = path.join(dir, '.written.jsonl')
    const text = await readFile(file, 'utf8').catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return ''
      throw unreadable(file, error)
    })
    return new Journal(file, guarded, text)
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

  /** Appended and flushed before the rename it announces; a line that says nothing new is not written. */
  async record(file: string, sha256: string, from?: string): Promise<void> {
    if (this.wrote(file, sha256) && this.madeFrom(file, sha256) === from) return
    const line: Written = from === undefined ? { file, sha256 } : { file, sha256, from }
    let handle: FileHandle | undefined
    try {
      handle = await open(this.path, 'a')
      await handle.appendFile(`${this.torn ? '\n' : ''}${JSON.stringify(line)}\n`)
      this.torn = false
      await handle.sync()
    } catch (error) {
      throw unwritable(this.path, error)
    } finally {
      await handle?.close()
    }
    this.written.push(line)
  }
}

// A line torn by a crash only means that one version will be taken for hand-edited, and so be kept.
function parseLine(text: string): Written[] {
  try {
    const line: unknown = JSON.parse(text)
    return typeof line === 'object' && line !== null && 'file' in line && 'sha256' in line
      ? [line as Written]
      : []
  } catch {
    return []
  }
}

// Files are replaced in one go: written beside under another name, flushed, closed, then renamed. Nobody ever sees half a file.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, copyFile, mkdir, open, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Fault, codeOf, unreadable, unwritable } from './fault.ts'
import { Ledger, field, jsonLine } from './jsonl.ts'

const flushAt = 1 << 16 // characters gathered before a write
const renameTries = [50, 100, 200, 400, 600, 650] // ms, 2 s in all: editors and virus scanners on Windows let go by then

/** A file being written anew; the old one stays until `commit`. */
export class Replacement {
  readonly target: string
  private readonly temporary: string
  private readonly journal: Journal
  private file: FileHandle | undefined
  private gathered = ''
  private readonly checksum = createHash('sha256')

  constructor(target: string, journal: Journal) {
    this.target = target
    this.journal = journal
    this.temporary = path.join(path.dirname(target), `.${path.basename(target)}.tmp`)
  }

  async add(row: object): Promise<void> {
    this.gathered += `${jsonLine(row)}\n`
    if (this.gathered.length >= flushAt) await this.flush()
  }

  async addText(text: string): Promise<void> {
    this.gathered += text
    if (this.gathered.length >= flushAt) await this.flush()
  }

  private async flush(): Promise<void> {
    try {
      if (!this.file) {
        await mkdir(path.dirname(this.target), { recursive: true })
        this.file = await open(this.temporary, 'w')
      }
      this.checksum.update(this.gathered)
      await this.file.appendFile(this.gathered)
      this.gathered = ''
    } catch (error) {
      await this.discard() // a full disk needs the room
      throw unwritable(this.target, error)
    }
  }

  /**
   * Puts the new file in the old one's place, unless the bytes are the same. `from` is the checksum of the file it
   * was made from. Returns the name under which a hand-edited old file was kept, if there was one.
   */
  async commit(from?: string): Promise<string | undefined> {
    try {
      await this.flush()
      const [fresh, old] = [this.checksum.digest('hex'), await checksumOf(this.target)]
      if (old !== fresh)
        await this.file?.sync().catch((error) => Promise.reject(unwritable(this.target, error)))
      await this.close()
      return await this.putInPlace(fresh, old, from)
    } catch (error) {
      await this.discard()
      throw error
    }
  }

  private async putInPlace(
    fresh: string,
    old: string | undefined,
    from: string | undefined,
  ): Promise<string | undefined> {
    const kept = old !== fresh && (await this.keepEdited(old))
    await this.journal.record(path.basename(this.target), fresh, from)
    if (old === fresh) await rm(this.temporary, { force: true })
    else await renameInto(this.temporary, this.target)
    return kept || undefined
  }

  private async keepEdited(old: string | undefined): Promise<string | undefined> {
    const name = path.basename(this.target)
    if (old === undefined || !this.journal.guards(name) || this.journal.wrote(name, old)) return undefined
    const kept = await this.nameForEdited(old)
    if (kept === undefined) return undefined
    const copy = path.join(path.dirname(this.target), `.${kept}.tmp`)
    await copyFile(this.target, copy)
    await renameInto(copy, path.join(path.dirname(this.target), kept))
    return kept
  }

  /** `1-instructions.edited.jsonl`, then `.edited-2`, `-3` …; undefined where this very version is kept already. */
  private async nameForEdited(old: string): Promise<string | undefined> {
    for (let count = 1; ; count++) {
      const mark = count === 1 ? '.edited' : `.edited-${count}`
      const kept = path.basename(this.target).replace(/(\.[^.]*)?$/, (ending) => `${mark}${ending}`)
      const there = await checksumOf(path.join(path.dirname(this.target), kept))
      if (there === undefined) return kept
      if (there === old) return undefined
    }
  }

  private async close(): Promise<void> {
    await this.file?.close()
    this.file = undefined
  }

  async discard(): Promise<void> {
    await this.close()
    await rm(this.temporary, { force: true })
  }
}

/** The SHA-256 of a file in hexadecimal, undefined when there is none. */
export async function checksumOf(file: string): Promise<string | undefined> {
  const checksum = createHash('sha256')
  try {
    for await (const chunk of createReadStream(file)) checksum.update(chunk)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw unreadable(file, error)
  }
  return checksum.digest('hex')
}

async function renameInto(temporary: string, target: string): Promise<void> {
  for (const pause of [...renameTries, 0]) {
    try {
      return await rename(temporary, target)
    } catch (error) {
      if (!['EPERM', 'EBUSY', 'EACCES'].includes(codeOf(error)) || pause === 0) throw held(target, error)
      await wait(pause)
    }
  }
}

function held(target: string, error: unknown): Fault {
  const name = path.basename(target)
  return new Fault(
    {
      en: `${name} cannot be replaced (${codeOf(error)}): close ${name} where it is open, and run the same command again. (${target})`,
      zh: `无法替换 ${name}（${codeOf(error)}）：请关闭正在打开 ${name} 的程序，然后重新运行同一命令。（${target}）`,
    },
    1,
  )
}

// .written.jsonl: the checksum of every file the workshop wrote, and of the file each was made from.
// A step file whose checksum is not among them was edited by hand; one made from another version of its input is stale.

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

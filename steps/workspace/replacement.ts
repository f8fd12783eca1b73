// Files are replaced in one go: written under another name, flushed, closed, then renamed. Nobody ever sees half a file.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { constants, copyFile, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Fault, codeOf, isMissing, isOdd, noFile, unreadable } from './fault.ts'
import { Ledger, TextWriter, field, temporaryName } from './jsonl.ts'

const renameTries = [50, 100, 200, 400, 600, 650] // ms, 2 s in all: editors and virus scanners on Windows let go by then

/** A file being written anew; the old one stays until `commit`. */
export class Replacement extends TextWriter {
  readonly target: string
  private readonly journal: Journal
  private readonly entry: string
  private readonly kept: string

  /** `entry`: how the journal calls it. `kept`: the file beside which, and by whose name, an edited version is kept. */
  constructor(target: string, journal: Journal, entry = path.basename(target), kept = target) {
    super(temporaryName(target), target)
    this.target = target
    this.journal = journal
    this.entry = entry
    this.kept = kept
  }

  /**
   * Puts the new file in the old one's place, unless the bytes are the same. `from` is the checksum of the file it
   * was made from. Returns the name under which a hand-edited old file was kept, if there was one.
   */
  async commit(from?: string): Promise<string | undefined> {
    try {
      this.refuseOdd()
      const [fresh, old] = [await this.flush(), await checksumOf(this.target)]
      await this.close(old === fresh ? undefined : 'synced')
      const kept = old === fresh ? undefined : await this.keepEdited(old)
      await this.journal.record(this.entry, fresh, from)
      if (old === fresh) await rm(this.file, { force: true })
      else await renameInto(this.file, this.target)
      return kept
    } catch (error) {
      await this.discard()
      throw error
    }
  }

  /** Takes the old file away, with nothing in its place. Returns the name under which a hand-edited one was kept. */
  async retire(): Promise<string | undefined> {
    this.refuseOdd()
    const kept = await this.keepEdited(await checksumOf(this.target))
    await rm(this.target, { force: true })
    return kept
  }

  /** Only plain files are replaced: a rename would put one in the place of a device, or of a link somebody made. */
  private refuseOdd(): void {
    if (isOdd(this.target)) throw noFile(this.target)
  }

  private async keepEdited(old: string | undefined): Promise<string | undefined> {
    const { entry, journal } = this
    if (old === undefined || !journal.guards(entry) || journal.wrote(entry, old)) return undefined
    const kept = await this.nameForEdited(old)
    if (kept === undefined) return undefined
    const place = path.join(path.dirname(this.kept), kept)
    const copy = temporaryName(place)
    await copyFile(this.target, copy, constants.COPYFILE_EXCL)
    await renameInto(copy, place)
    return kept
  }

  /** `1-instructions.edited.jsonl`, then `.edited-2`, `-3` …; undefined where this very version is kept already. */
  private async nameForEdited(old: string): Promise<string | undefined> {
    for (let count = 1; ; count++) {
      const mark = count === 1 ? '.edited' : `.edited-${count}`
      const kept = path.basename(this.kept).replace(/(\.[^.]*)?$/, (ending) => `${mark}${ending}`)
      const there = await checksumOf(path.join(path.dirname(this.kept), kept))
      if (there === undefined) return kept
      if (there === old) return undefined
    }
  }
}

/** The SHA-256 of a file in hexadecimal, undefined when there is none. */
export async function checksumOf(file: string): Promise<string | undefined> {
  const checksum = createHash('sha256')
  try {
    for await (const chunk of createReadStream(file)) checksum.update(chunk)
  } catch (error) {
    if (isMissing(error)) return undefined
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

export const journalFile = '.written.jsonl'

type Written = { file: string; sha256: string; from?: string }

/**
 * `.written.jsonl`: the checksum of every file the workshop wrote, and of the file each was made from. A step file whose
 * checksum is not among them was edited by hand; one made from another version of its input is stale.
 */
export class Journal {
  private readonly ledger: Ledger
  private readonly guarded: Set<string>
  private readonly written: Written[]

  private constructor(ledger: Ledger, guarded: readonly string[]) {
    this.ledger = ledger
    this.guarded = new Set(guarded)
    this.written = ledger.lines.filter(isWritten)
  }

  /** `guarded` names the files people edit by hand; only of these is an edited version kept. */
  static async open(dir: string, guarded: readonly string[]): Promise<Journal> {
    return new Journal(await Ledger.open(path.join(dir, journalFile)), guarded)
  }

  guard(file: string): void {
    this.guarded.add(file)
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

  /** The checksum of the input from which a file was last written; undefined where it never was. */
  lastFrom(file: string): { from: string | undefined } | undefined {
    const last = this.written.findLast((line) => line.file === file)
    return last && { from: last.from }
  }

  /** Written to disk before the file is renamed; nothing is written when the journal says it already. */
  async record(file: string, sha256: string, from?: string): Promise<void> {
    if (this.wrote(file, sha256) && this.madeFrom(file, sha256) === from) return
    const line: Written = from === undefined ? { file, sha256 } : { file, sha256, from }
    await this.ledger.append(line)
    this.written.push(line)
  }
}

// A line that cannot be read does no harm: the version it named is taken for hand-edited, and so is kept.
function isWritten(line: unknown): line is Written {
  return typeof field(line, 'file') === 'string' && typeof field(line, 'sha256') === 'string'
}

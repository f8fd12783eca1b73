// calls.jsonl: every question to a model and its reply, one line each, appended and flushed before anybody uses the reply.
// What is in it is never asked, and never paid, again. Memory holds an index of places in the file, not the replies.
import { isUtf8 } from 'node:buffer'
import { type FileHandle, open, rm } from 'node:fs/promises'
import path from 'node:path'
import { Fault, type Words, lookAt, shorten, unreadable, unwritable } from '../workspace/fault.ts'
import { exists, logFile, refuseLinks } from '../workspace/folder.ts'
import { chunksOf, jsonIn, notText, onOneLine, splitLines } from '../workspace/jsonl.ts'
import type { Settings } from '../workspace/settings.ts'
import { type Call, isCall, soundUsage } from './call.ts'
import { known } from './provider.ts'

type Entry = { key: string; rows: string[]; provider: string; model: string; at: string }

// The fields before `request` stand in this order in every line we write, so that a line of any size is indexed by its head.
const head =
  /^\{"v":1,"key":"([0-9a-f]{16})","sample":\d+,(?:"rows":\[([^\]]*)\],)?"step":"\w+","at":"([^"]*)","provider":"([^"]*)","model":"([^"\\]*)",/
const keyAt = '{"v":1,"key":"'.length
const headBytes = 4096 // 100 row keys and a long model name

export class CallLog {
  readonly file: string
  private readonly readOnly: boolean
  private reading: Promise<FileHandle> | undefined
  private writing: Promise<FileHandle> | undefined
  private readonly placeOf = new Map<string, number>()
  private readonly callsOfRow = new Map<string, number[]>()
  private readonly starts: number[] = []
  private readonly lengths: number[] = []
  private end = 0 // of the last whole line
  private whole = 0 // places up to there
  private unended = false // that line lacks its line break
  private made = false // there was no log before
  /** Set once the file is not what we wrote any more: replies under way still go into it, wherever it is now. */
  lost: Fault | undefined
  private waiting: Call[] = []
  private flushed: Promise<void> = Promise.resolve()
  /** What is wrong with a line of a provider nobody here knows; who only looks need not mind. */
  strange: Fault | undefined
  /** The latest reply of each provider and model, as `provider model` → ISO time; the last used comes last. */
  readonly latest = new Map<string, string>()

  private constructor(file: string, readOnly: boolean) {
    this.file = file
    this.readOnly = readOnly
  }

  /** Indexes the log, if there is one. What a crash left of a last line is passed over, and cut off by the next append. */
  static async open(file: string, readOnly: boolean): Promise<CallLog> {
    const log = new CallLog(file, readOnly)
    if (await exists(file)) await log.index()
    else if (readOnly) throw unreadable(file, Object.assign(new Error('missing'), { code: 'ENOENT' }))
    return log
  }

  private async index(): Promise<void> {
    const hole = { bytes: 0 }
    let [number, offset] = [0, 0]
    for await (const { bytes, ended } of splitLines(this.file, solid(this.file, hole))) {
      number++
      const length = bytes.length + hole.bytes
      const line = legible(bytes, hole.bytes > 0)
      hole.bytes = 0
      const isTorn = isBlank(line) || (!ended && !isWhole(line))
      if (isTorn)
        this.locate(0, 0) // it has a place too, so that places tell line numbers
      else {
        const entry = readHead(line, this.file, number)
        if (!Object.hasOwn(known, entry.provider)) this.strange ??= strange(this.file, number, entry.provider)
        this.note(entry, offset + length - line.length, line.length)
        this.end = offset + length + Number(ended)
        this.whole = this.starts.length
        this.unended = !ended
      }
      offset += length + Number(ended)
    }
  }

  private note(entry: Entry, start: number, length: number): void {
    const place = this.locate(start, length)
    this.placeOf.set(entry.key, place)
    for (const row of entry.rows) {
      const calls = this.callsOfRow.get(row)
      if (calls) calls.push(place)
      else this.callsOfRow.set(row, [place])
    }
    const source = `${entry.provider} ${entry.model}`
    this.latest.delete(source)
    this.latest.set(source, entry.at)
  }

  /** Takes down where a line of this length lies; returns its place, which is its line number less one. */
  private locate(start: number, length: number): number {
    this.starts.push(start)
    return this.lengths.push(length) - 1
  }

  has(key: string): boolean {
    return this.placeOf.has(key)
  }

  async get(key: string): Promise<Call | undefined> {
    const place = this.placeOf.get(key)
    return place === undefined ? undefined : this.read(place)
  }

  /** Every call that asked about this row, oldest first. */
  async about(row: string): Promise<Call[]> {
    return Promise.all((this.callsOfRow.get(row) ?? []).map((place) => this.read(place)))
  }

  private async read(place: number): Promise<Call> {
    const length = this.lengths[place] ?? 0
    const handle = await (this.reading ??= open(this.file, 'r'))
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, this.starts[place])
    const call = jsonIn(buffer.toString('utf8'))
    if (!isCall(call)) throw broken(this.file, place + 1)
    return { ...call, usage: soundUsage(call.usage) }
  }

  /**
   * Resolves when the call is on disk. Calls that come in while a flush is under way share the next one; after a failed
   * flush there is none.
   */
  async append(call: Call): Promise<void> {
    this.waiting.push(call)
    this.flushed = this.flushed.then(() => this.flush())
    await this.flushed
    if (this.lost) throw this.lost
  }

  /** Resolves when replies can be written: a reply that cannot is paid for and lost. */
  async ready(): Promise<void> {
    if (this.lost) throw this.lost
    await (this.writing ??= this.openToWrite())
  }

  private async flush(): Promise<void> {
    const calls = this.waiting
    this.waiting = []
    if (calls.length === 0) return
    const lines = calls.map((call) => Buffer.from(`${onOneLine(call)}\n`))
    await this.ready().catch((error: unknown) => {
      if (error !== this.lost) throw error
    })
    try {
      const handle = await this.writing
      await handle?.appendFile(Buffer.concat(lines))
      await handle?.datasync()
    } catch (error) {
      throw unwritable(this.file, error)
    }
    for (const [at, call] of calls.entries()) {
      const length = lines[at]?.length ?? 0
      this.note({ ...call, rows: call.rows ?? [] }, this.end, length - 1)
      this.end += length
    }
    if (!(await this.isOurs())) this.lost ??= vanished(this.file)
  }

  /** Whether the file of that name is the one that was opened, with nothing in it that we did not write. */
  private async isOurs(): Promise<boolean> {
    const [there, opened] = [lookAt(this.file, 'seen'), await (await this.writing)?.stat({ bigint: true })]
    if (!there || !opened) return false
    // Windows numbers one file in two ways, and lets nobody replace one that is open.
    const isSame = process.platform === 'win32' || (there.ino === opened.ino && there.dev === opened.dev)
    return isSame && opened.size === BigInt(this.end)
  }

  private async openToWrite(): Promise<FileHandle> {
    if (this.readOnly) throw new Error(`${this.file} is only replayed`)
    this.made = !(await exists(this.file))
    try {
      const handle = await open(this.file, 'a')
      await handle.truncate(this.end)
      this.starts.length = this.lengths.length = this.whole
      if (this.unended) await handle.appendFile('\n')
      this.end += Number(this.unended)
      // Room for a reply is asked for before it is paid. What a crash leaves of this is cut off like any torn line.
      await handle.appendFile(' '.repeat(roomTried))
      await handle.datasync()
      await handle.truncate(this.end)
      return handle
    } catch (error) {
      throw unwritable(this.file, error)
    }
  }

  async close(): Promise<void> {
    await this.flushed.catch(() => undefined)
    for (const opened of [this.reading, this.writing])
      await opened?.then((handle) => handle.close()).catch(() => undefined)
    if (this.made && this.end === 0 && !this.lost) await rm(this.file, { force: true })
  }
}

const roomTried = 1 << 16 // bytes

// When the power fails, some systems leave a block of NUL bytes where a line was being written, of any length.

const nothing = Buffer.alloc(1 << 18)

/** The bytes of a log without chunks of NUL alone, which are counted instead. */
async function* solid(file: string, hole: { bytes: number }): AsyncGenerator<Buffer> {
  for await (const chunk of chunksOf(file))
    if (chunk[0] === 0 && chunk.equals(nothing.subarray(0, chunk.length))) hole.bytes += chunk.length
    else yield chunk
}

const shortestBlock = 8 // NUL bytes in a row; in UTF-16, which somebody may have saved the log in, they stand alone

/** What can be read of a line: what stands behind its last NUL byte, where that is whole; nothing of a torn line. */
function legible(bytes: Buffer, hasHole: boolean): Buffer {
  const last = bytes.lastIndexOf(0)
  if (last === -1) return hasHole ? nothing.subarray(0, 0) : bytes
  const isBlock = hasHole || bytes.includes(nothing.subarray(0, shortestBlock))
  if (!isBlock && !bytes.equals(nothing.subarray(0, bytes.length))) return bytes
  const tail = bytes.subarray(last + 1)
  return isWhole(tail) ? tail : nothing.subarray(0, 0)
}

const brace = '{'.charCodeAt(0)

function isBlank(bytes: Buffer): boolean {
  return bytes.length <= 1 || (bytes[0] !== brace && bytes.toString('latin1').trim() === '')
}

function isWhole(bytes: Buffer): boolean {
  return jsonIn(bytes.toString('utf8')) !== undefined
}

function readHead(bytes: Buffer, file: string, number: number): Entry {
  const match = head.exec(bytes.toString('utf8', 0, headBytes))
  if (!match) return readWhole(bytes, file, number)
  const [, , rows = '', at = '', provider = '', model = ''] = match
  const key = bytes.toString('latin1', keyAt, keyAt + 16) // cut out of the head it would keep all of that in memory
  return { key, rows: rows === '' ? [] : (JSON.parse(`[${rows}]`) as string[]), at, provider, model }
}

// A line in another order of fields: somebody's tool rewrote the log.
function readWhole(bytes: Buffer, file: string, number: number): Entry {
  if (!isUtf8(bytes)) throw notText(file, number)
  const call = jsonIn(bytes.toString('utf8'))
  if (typeof call !== 'object' || call === null) throw broken(file, number)
  const { v, key, rows = [], provider = '', model = '', at = '' } = call as Record<keyof Call, unknown>
  if (v !== 1) throw foreign(file, number, v)
  if (!isText(key) || !isText(provider) || !isText(model) || !isText(at)) throw broken(file, number)
  if (!Array.isArray(rows) || !rows.every(isText)) throw broken(file, number)
  return { key, rows, provider, model, at }
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function broken(file: string, number: number): Fault {
  return atLine(file, number, {
    en: 'is not a recorded call. Delete that line (its reply will be asked for again) or restore the file.',
    zh: '不是一条调用记录。请删除该行（该回复会重新请求）或恢复该文件。',
  })
}

function foreign(file: string, number: number, version: unknown): Fault {
  const found = JSON.stringify(version) ?? 'none'
  return atLine(file, number, {
    en: `has "v": ${found}; this workshop reads version 1. Use the workshop that wrote it, or move the file away.`,
    zh: `的 "v" 为 ${found}；本程序只读版本 1。请使用写出它的程序版本，或移走该文件。`,
  })
}

function strange(file: string, number: number, provider: string): Fault {
  const [all, shown] = [Object.keys(known), shorten(provider)]
  return atLine(file, number, {
    en: `has "provider": "${shown}", which is none of the workshop's: ${all.join(', ')}. Mend or delete that line, or use the workshop that wrote it.`,
    zh: `的 "provider" 为 "${shown}"，不是本程序认识的：${all.join('、')}。请修改或删除该行，或使用写出它的程序。`,
  })
}

function atLine(file: string, number: number, { en, zh }: Words): Fault {
  const name = path.basename(file)
  return new Fault({
    en: `${name} line ${number} ${en} (${file})`,
    zh: `${name} 第 ${number} 行${zh}（${file}）`,
  })
}

function vanished(file: string): Fault {
  const name = path.basename(file)
  return new Fault(
    {
      en: `${name} was deleted, moved, replaced or changed while this run wrote to it; nothing more is asked. Put it back where it was, if you can: what it holds is never paid again. (${file})`,
      zh: `本次运行正在写入 ${name} 时，它被删除、移走、替换或改动；不再发送请求。如有可能，请将它放回原处：其中的回复不会再次付费。（${file}）`,
    },
    1,
  )
}

// Looks a few calls up in a log without indexing it: the log is read once, its other lines are not even parsed.

export type Found = { call: Call; line: number }

const keyHead = /^\{"v":1,"key":"([0-9a-f]{16})"/ // as the workshop writes it
const keyBytes = 40

/** The calls with these keys, by key, and the line of the log each stands on. Lines that cannot be read are passed over. */
export async function findCalls(file: string, keys: ReadonlySet<string>): Promise<Map<string, Found>> {
  const found = new Map<string, Found>()
  let line = 0
  for await (const { bytes } of splitLines(file, solid(file, { bytes: 0 }))) {
    line++
    const key = keyHead.exec(bytes.toString('latin1', 0, keyBytes))?.[1]
    if (key !== undefined && !keys.has(key)) continue
    const call = jsonIn(bytes.toString('utf8')) // a torn last line is none
    if (isCall(call) && keys.has(call.key)) found.set(call.key, { call, line })
    if (found.size === keys.size) break
  }
  return found
}

/** The log the replies go to, or come from and stay as they are: with `--replay`, and where nothing is asked. */
export async function openLog({
  replay,
  dataDir,
  dryRun,
}: Pick<Settings, 'replay' | 'dataDir' | 'dryRun'>): Promise<CallLog> {
  if (replay === undefined) refuseLinks(dataDir)
  const file = replay ?? path.join(dataDir, logFile)
  const log = await CallLog.open(file, replay !== undefined || (dryRun && (await exists(file))))
  if (log.strange) throw log.strange
  return log
}

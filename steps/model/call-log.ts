// calls.jsonl: every question to a model and its reply, one line each, appended and flushed before anybody uses the reply.
// What is in it is never asked, and never paid, again. Memory holds an index of places in the file, not the replies.
import { isUtf8 } from 'node:buffer'
import { type FileHandle, open } from 'node:fs/promises'
import path from 'node:path'
import { Fault, unreadable, unwritable } from '../workspace/fault.ts'
import { exists, logFile, refuseLinks } from '../workspace/folder.ts'
import { field, isObject, jsonIn, notText, onOneLine, splitLines } from '../workspace/jsonl.ts'
import type { Settings } from '../workspace/settings.ts'
import type { Call, Usage } from './call.ts'

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
  private unended = false // that line lacks its line break
  private waiting: Call[] = []
  private flushed: Promise<void> = Promise.resolve()
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
    let number = 0
    for await (const { bytes, ended } of splitLines(this.file)) {
      number++
      if (!ended && !isWhole(bytes)) return
      if (bytes.length > 1) this.note(readHead(bytes, this.file, number), bytes.length)
      else this.locate(0) // a blank line has a place too, so that places tell line numbers
      this.end += bytes.length + Number(ended)
      this.unended = !ended
    }
  }

  private note(entry: Entry, length: number): void {
    const place = this.locate(length)
    this.placeOf.set(entry.key, place)
    for (const row of entry.rows) this.callsOfRow.set(row, [...(this.callsOfRow.get(row) ?? []), place])
    const source = `${entry.provider} ${entry.model}`
    this.latest.delete(source)
    this.latest.set(source, entry.at)
  }

  /** Takes down where a line of this length lies; returns its place, which is its line number less one. */
  private locate(length: number): number {
    this.starts.push(this.end)
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

  /** Resolves when the call is on disk. Calls that come in while a flush is under way share the next one; after a failed flush there is none. */
  append(call: Call): Promise<void> {
    this.waiting.push(call)
    this.flushed = this.flushed.then(() => this.flush())
    return this.flushed
  }

  private async flush(): Promise<void> {
    const calls = this.waiting
    this.waiting = []
    if (calls.length === 0) return
    const lines = calls.map((call) => Buffer.from(`${onOneLine(call)}\n`))
    try {
      const handle = await (this.writing ??= this.openToWrite())
      await handle.appendFile(Buffer.concat(lines))
      await handle.datasync()
    } catch (error) {
      throw unwritable(this.file, error)
    }
    for (const [at, call] of calls.entries()) {
      const length = lines[at]?.length ?? 0
      this.note({ ...call, rows: call.rows ?? [] }, length - 1)
      this.end += length
    }
  }

  private async openToWrite(): Promise<FileHandle> {
    if (this.readOnly) throw new Error(`${this.file} is only replayed`)
    const handle = await open(this.file, 'a')
    await handle.truncate(this.end)
    if (this.unended) await handle.appendFile('\n')
    this.end += Number(this.unended)
    return handle
  }

  async close(): Promise<void> {
    await this.flushed.catch(() => undefined)
    for (const opened of [this.reading, this.writing])
      await opened?.then((handle) => handle.close()).catch(() => undefined)
  }
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

/** Whether a line holds what is made use of: a reply and what it cost. Its head was looked at when it was indexed. */
function isCall(line: unknown): line is Call {
  const reply = field(line, 'reply')
  return (isText(reply) || reply === null) && isObject(field(line, 'usage'))
}

/** What a server told is no reason not to read a line: a number that is none counts as not told. */
function soundUsage(usage: Record<keyof Usage, unknown>): Usage {
  const sound = (tokens: unknown): number =>
    typeof tokens === 'number' && tokens >= 0 && Number.isFinite(tokens) ? tokens : 0
  const { prompt_tokens, completion_tokens, cached_tokens } = usage
  return {
    prompt_tokens: sound(prompt_tokens),
    completion_tokens: sound(completion_tokens),
    cached_tokens: sound(cached_tokens),
  }
}

function broken(file: string, number: number): Fault {
  const name = path.basename(file)
  return new Fault({
    en: `${name} line ${number} is not a recorded call. Delete that line (its reply will be asked for again) or restore the file. (${file})`,
    zh: `${name} 第 ${number} 行不是一条调用记录。请删除该行（该回复会重新请求）或恢复该文件。（${file}）`,
  })
}

function foreign(file: string, number: number, version: unknown): Fault {
  const name = path.basename(file)
  const found = JSON.stringify(version) ?? 'none'
  return new Fault({
    en: `${name} line ${number} has "v": ${found}; this workshop reads version 1. Use the workshop that wrote it, or move the file away. (${file})`,
    zh: `${name} 第 ${number} 行的 "v" 为 ${found}；本程序只读版本 1。请使用写出它的程序版本，或移走该文件。（${file}）`,
  })
}

// Looks a few calls up in a log without indexing it: the log is read once, its other lines are not even parsed.

export type Found = { call: Call; line: number }

const keyHead = /^\{"v":1,"key":"([0-9a-f]{16})"/ // as the workshop writes it
const keyBytes = 40

/** The calls with these keys, by key, and the line of the log each stands on. Lines that cannot be read are passed over. */
export async function findCalls(file: string, keys: ReadonlySet<string>): Promise<Map<string, Found>> {
  const found = new Map<string, Found>()
  let line = 0
  for await (const { bytes } of splitLines(file)) {
    line++
    const key = keyHead.exec(bytes.toString('latin1', 0, keyBytes))?.[1]
    if (key !== undefined && !keys.has(key)) continue
    const call = jsonIn(bytes.toString('utf8')) as Call | undefined // a torn last line is none
    if (call && keys.has(call.key)) found.set(call.key, { call, line })
    if (found.size === keys.size) break
  }
  return found
}

/** The log the replies go to, or come from and stay as they are: with `--replay`, and where nothing is asked. */
export async function openLog({ replay, dataDir, dryRun }: Settings): Promise<CallLog> {
  if (replay === undefined) refuseLinks(dataDir)
  const file = replay ?? path.join(dataDir, logFile)
  return CallLog.open(file, replay !== undefined || (dryRun && (await exists(file))))
}

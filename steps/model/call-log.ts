// calls.jsonl: every question to a model and its reply, one line each, appended and flushed before anybody uses the reply.
// What is in it is never asked, and never paid, again. Memory holds an index of places in the file, not the replies.
import { type FileHandle, open } from 'node:fs/promises'
import path from 'node:path'
import { Fault, unreadable, unwritable } from '../workspace/fault.ts'
import { exists, type Step } from '../workspace/folder.ts'
import { splitLines } from '../workspace/lines.ts'

export type Usage = { prompt_tokens: number; completion_tokens: number; cached_tokens: number }

/** One line of the log. `rows` are the keys of the rows asked about together, in the order of their numbers. */
export type Call = {
  v: 1
  key: string
  sample: number
  rows?: string[]
  step: Step
  at: string // ISO 8601
  provider: string
  model: string
  request: unknown // what was sent
  reply: string | null
  finish_reason: string
  refusal?: string
  skipped?: string
  usage: Usage
  ms: number
}

type Entry = { key: string; rows: string[]; provider: string; model: string; at: string }

// The fields before `request` stand in this order in every line we write, so that a line of any size is indexed by its head.
const head =
  /^\{"v":1,"key":"([0-9a-f]{16})","sample":\d+,(?:"rows":\[([^\]]*)\],)?"step":"\w+","at":"([^"]*)","provider":"([^"]*)","model":"([^"\\]*)",/
const headBytes = 4096 // 100 row keys and a long model name

export class CallLog {
  readonly file: string
  private readonly readOnly: boolean
  private handle: FileHandle | undefined
  private readonly placeOf = new Map<string, number>()
  private readonly callsOfRow = new Map<string, number[]>()
  private readonly starts: number[] = []
  private readonly lengths: number[] = []
  private end = 0
  private waiting: Call[] = []
  private flushed: Promise<void> = Promise.resolve()
  /** The latest reply of each provider and model, as `provider model` → ISO time; the last used comes last. */
  readonly latest = new Map<string, string>()

  private constructor(file: string, readOnly: boolean) {
    this.file = file
    this.readOnly = readOnly
  }

  /** Indexes the log, if there is one. A last line torn by a crash is dropped, and cut off unless `readOnly`. */
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
      if (bytes.length > 1 && (ended || isWhole(bytes)))
        this.note(readHead(bytes, this.file, number), bytes.length)
      if (ended || isWhole(bytes)) this.end += bytes.length + 1
      if (!ended && !this.readOnly) await this.mend(isWhole(bytes))
    }
  }

  // A line that is whole lacks only its line break; a torn one is cut off.
  private async mend(whole: boolean): Promise<void> {
    const handle = await this.open()
    if (whole) await handle.write('\n', this.end - 1)
    else await handle.truncate(this.end)
  }

  private note(entry: Entry, length: number): void {
    const place = this.starts.length
    this.starts.push(this.end)
    this.lengths.push(length)
    this.placeOf.set(entry.key, place)
    for (const row of entry.rows) this.callsOfRow.set(row, [...(this.callsOfRow.get(row) ?? []), place])
    const source = `${entry.provider} ${entry.model}`
    this.latest.delete(source)
    this.latest.set(source, entry.at)
  }

  get size(): number {
    return this.placeOf.size
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
    const handle = await this.open()
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, this.starts[place])
    try {
      return JSON.parse(buffer.toString('utf8')) as Call
    } catch {
      throw broken(this.file, place + 1)
    }
  }

  /** Resolves when the call is on disk. Calls that come in while a flush is under way share the next one. */
  append(call: Call): Promise<void> {
    this.waiting.push(call)
    this.flushed = this.flushed.then(() => this.flush())
    return this.flushed
  }

  private async flush(): Promise<void> {
    const calls = this.waiting
    this.waiting = []
    if (calls.length === 0) return
    const lines = calls.map((call) => Buffer.from(`${JSON.stringify(call)}\n`))
    try {
      const handle = await this.open()
      await handle.write(Buffer.concat(lines), 0, undefined, this.end)
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

  private opening: Promise<FileHandle> | undefined

  private open(): Promise<FileHandle> {
    this.opening ??= this.openFile()
    return this.opening
  }

  private async openFile(): Promise<FileHandle> {
    const missing = !this.readOnly && !(await exists(this.file))
    this.handle = await open(this.file, this.readOnly ? 'r' : missing ? 'w+' : 'r+')
    return this.handle
  }

  async close(): Promise<void> {
    await this.flushed.catch(() => undefined)
    await this.handle?.close()
  }
}

function isWhole(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString('utf8'))
    return true
  } catch {
    return false
  }
}

function readHead(bytes: Buffer, file: string, number: number): Entry {
  const match = head.exec(bytes.toString('utf8', 0, headBytes))
  if (!match) return readWhole(bytes, file, number)
  const [, key = '', rows = '', at = '', provider = '', model = ''] = match
  return { key, rows: rows === '' ? [] : (JSON.parse(`[${rows}]`) as string[]), at, provider, model }
}

// A line in another order of fields: somebody's tool rewrote the log.
function readWhole(bytes: Buffer, file: string, number: number): Entry {
  let call: Partial<Call>
  try {
    call = JSON.parse(bytes.toString('utf8').replace(/^\uFEFF/, '')) as Partial<Call>
  } catch {
    throw broken(file, number)
  }
  if (call.v !== 1) throw foreign(file, number, call.v)
  if (typeof call.key !== 'string') throw broken(file, number)
  const { key, rows = [], provider = '', model = '', at = '' } = call
  return { key, rows, provider, model, at }
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

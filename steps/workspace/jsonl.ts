// Text files line by line, in and out, in little memory. (node:readline also splits at U+2028, which JSON allows in strings.)
import { isUtf8 } from 'node:buffer'
import { createHash, hash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, appendFile, mkdir, open, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { setImmediate as immediate } from 'node:timers/promises'
import { Fault, type Words, isMissing, shorten, unreadable, unwritable } from './fault.ts'

// No instruction needs more; a 100 MB line is a mistake, and would be held in memory whole.
export const longestLine = 64 * 1024 * 1024
export const longestShown = `${longestLine / 1024 / 1024} MB`

/**
 * Yields every line without its break; a BOM and a CR before the LF are dropped. A missing file is a Fault. `chunks`: its
 * bytes, where they are not as they lie there.
 */
export async function* readLines(
  file: string,
  chunks: AsyncIterable<Buffer> = chunksOf(file),
): AsyncGenerator<{ number: number; text: string }> {
  let number = 0
  for await (const { bytes } of splitLines(file, chunks)) {
    number++
    if (!isUtf8(bytes)) throw notText(file, number)
    const start = number === 1 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
    const end = bytes[bytes.length - 1] === 0x0d ? bytes.length - 1 : bytes.length
    yield { number, text: bytes.toString('utf8', start, end) }
  }
}

/** A whole file, '' where there is none. */
export async function textOf(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    if (isMissing(error)) return ''
    throw unreadable(file, error)
  })
}

/** How many lines of a file are not blank. */
export async function countLines(file: string): Promise<number> {
  let count = 0
  for await (const { bytes } of splitLines(file)) if (bytes.length > 1) count++
  return count
}

/** The bytes of a file as they are read. */
export function chunksOf(file: string): AsyncIterable<Buffer> {
  return createReadStream(file, { highWaterMark: 1 << 18 }) as AsyncIterable<Buffer>
}

/** The lines as raw bytes, and whether a line break followed them. */
export async function* splitLines(
  file: string,
  chunks: AsyncIterable<Buffer> = chunksOf(file),
): AsyncGenerator<{ bytes: Buffer; ended: boolean }> {
  let rest: Buffer[] = []
  let restBytes = 0
  try {
    for await (const chunk of chunks) {
      let start = 0
      for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
        const tail = chunk.subarray(start, end)
        yield { bytes: rest.length > 0 ? Buffer.concat([...rest, tail]) : tail, ended: true }
        rest = []
        restBytes = 0
        start = end + 1
      }
      if (start < chunk.length) rest.push(chunk.subarray(start))
      restBytes += chunk.length - start
      if (restBytes > longestLine) throw tooLong(file)
    }
  } catch (error) {
    throw error instanceof Fault ? error : unreadable(file, error)
  }
  if (restBytes > 0) yield { bytes: Buffer.concat(rest), ended: false }
}

const breathAfter = 10 // ms

/**
 * To be called at each row: now and then a promise to wait for, so that signals and sockets are answered. tsx kills a program
 * that does not answer Ctrl-C within about 60 ms.
 */
export function breathing(): () => Promise<void> | undefined {
  let breathed = performance.now()
  return () => {
    if (performance.now() - breathed < breathAfter) return undefined
    return immediate().then(() => {
      breathed = performance.now()
    })
  }
}

/** The sentence about a file: its name in front, and behind it where it lies. */
export function faultIn(file: string, { en, zh }: Words): Fault {
  const name = path.basename(file)
  return new Fault({ en: `${name}${en} (${file})`, zh: `${name}${zh}（${file}）` })
}

/** The sentence for a line that is not UTF-8. */
export function notText(file: string, number: number): Fault {
  return faultIn(file, {
    en: ` line ${number} is not UTF-8 text. Save the file as UTF-8 and try again.`,
    zh: ` 第 ${number} 行不是 UTF-8 文本。请将文件另存为 UTF-8 后重试。`,
  })
}

function tooLong(file: string): Fault {
  return faultIn(file, {
    en: ` has a line of more than ${longestShown}; one row a line was expected. Put each row on a line of its own.`,
    zh: ` 中有一行超过 ${longestShown}；每行应为一条数据。请将每条数据单独放在一行。`,
  })
}

/** What is wrong with a row that is no JSON. */
export function notJson(text: string): Words {
  const shown = shorten(text.slice(0, 1000).replace(/\s+/g, ' '))
  return {
    en: ` is not JSON; one {"…"} row was expected, got: ${shown} `,
    zh: `不是 JSON；应为一条 {"…"} 数据，实际为：${shown} `,
  }
}

// JSON. Its shape is always looked at: somebody may have edited it.

/**
 * A row as a line of JSONL. A lone surrogate, which is no character and which other readers refuse, becomes U+FFFD;
 * JSON spells nothing else as `\ud`.
 */
export function jsonLine(row: object): string {
  const text = onOneLine(row)
  return text.includes('\\ud') ? text.replace(/\\(ud[89a-f]..|.)/g, asCharacter) : text
}

/** The JSON of a value. The three characters that JSON leaves as they are, and at which Python ends a line, are escaped. */
export function onOneLine(value: unknown): string {
  const text = JSON.stringify(value)
  return lineEnds.test(text) ? text.replace(new RegExp(lineEnds, 'g'), asEscape) : text
}

const lineEnds = /[\u2028\u2029\u0085]/

function asEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function asCharacter(escape: string): string {
  return escape.length > 2 ? '\ufffd' : escape
}

/** The value of a JSON text, with or without a byte order mark; undefined where it is not JSON. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    return undefined
  }
}

/** A field of a value; undefined when the value is not an object. */
export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

/** A field as text, of a number too; '' of anything else: there are values that cannot be made text. */
export function textField(value: unknown, name: string): string {
  const found = field(value, name)
  return typeof found === 'string' || typeof found === 'number' ? String(found) : ''
}

/** Whether a value is an object and not a list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

// Writing

const flushAt = 1 << 16 // characters gathered before a write

/** A name beside a file for what is not finished, which nobody can foresee. */
export function temporaryName(file: string): string {
  const name = path.basename(file).slice(0, 40) // systems take 255 bytes
  return path.join(path.dirname(file), `.${name}.${randomBytes(6).toString('hex')}.tmp`)
}

/**
 * Writes a new file; what had its name before, be it a link, is taken away. Text is gathered first, so that not every
 * line is a write of its own. The ledgers below and the call log do not use it: each of their lines must be on disk before
 * the work goes on.
 */
export class TextWriter {
  readonly file: string
  private readonly name: string
  private gathered = ''
  private begun = false
  private handle: FileHandle | undefined
  private written: Promise<void> = Promise.resolve()
  private readonly hash = createHash('sha256')

  /** `name`: what a Fault calls the file, when it will get another name in the end. */
  constructor(file: string, name = file) {
    this.file = file
    this.name = name
  }

  /** Resolves when there is room for more. Several may add at the same time. */
  add(row: object): Promise<void> {
    return this.addText(`${jsonLine(row)}\n`)
  }

  addText(text: string): Promise<void> {
    this.gathered += text
    if (this.gathered.length >= flushAt) this.send()
    return this.written
  }

  /** Bytes that are no text, after what was added before. */
  addBytes(bytes: Uint8Array): Promise<void> {
    if (this.gathered !== '') this.send()
    this.begun = true
    this.written = this.written.then(() => this.write(bytes))
    return this.written
  }

  private send(): void {
    const text = this.gathered
    this.gathered = ''
    this.begun = true
    this.written = this.written.then(() => this.write(text))
  }

  private async write(text: string | Uint8Array): Promise<void> {
    try {
      this.handle ??= await this.open()
      await this.handle.appendFile(text)
      this.hash.update(text)
    } catch (error) {
      await this.remove() // a full disk needs the room
      throw unwritable(this.name, error)
    }
  }

  private async open(): Promise<FileHandle> {
    await mkdir(path.dirname(this.file), { recursive: true })
    await rm(this.file, { force: true })
    return open(this.file, 'wx')
  }

  /** Writes what is left. Returns the SHA-256 of the whole in hexadecimal. */
  async flush(): Promise<string> {
    if (this.gathered !== '' || !this.begun) this.send()
    await this.written
    return this.hash.copy().digest('hex')
  }

  /** Writes what is left and closes the file; `synced`: it is on disk, even if the power fails. */
  async close(synced?: 'synced'): Promise<void> {
    await this.flush()
    if (synced) await this.handle?.sync().catch((error) => Promise.reject(unwritable(this.name, error)))
    await this.release()
  }

  async discard(): Promise<void> {
    await this.written.catch(() => undefined) // whoever added the text got the error
    await this.remove()
  }

  private async remove(): Promise<void> {
    await this.release()
    await rm(this.file, { force: true })
  }

  private async release(): Promise<void> {
    await this.handle?.close()
    this.handle = undefined
  }
}

/** A small JSONL file that is only appended to, such as `.written.jsonl`. A line cut off by a crash is passed over. */
export class Ledger {
  /** The lines that were there when it was opened. */
  readonly lines: unknown[]
  private readonly file: string
  private torn: boolean

  private constructor(file: string, text: string) {
    this.file = file
    this.lines = text.split('\n').map(jsonIn)
    this.torn = text !== '' && !text.endsWith('\n')
  }

  /** Empty where there is no such file yet. */
  static async open(file: string): Promise<Ledger> {
    return new Ledger(file, await textOf(file))
  }

  /** Resolves when the line is on disk. */
  async append(line: object): Promise<void> {
    try {
      await appendFile(this.file, `${this.torn ? '\n' : ''}${onOneLine(line)}\n`, { flush: true })
      this.torn = false
    } catch (error) {
      throw unwritable(this.file, error)
    }
  }
}

// Short names for texts

/** 12 hexadecimal digits, the same for the same instruction: an edited instruction is a new row. */
export function idOf(instruction: string): string {
  return hash('sha256', instruction).slice(0, 12)
}

/** 16 hexadecimal digits for any JSON value; object keys count in the order written. */
export function keyOf(value: unknown): string {
  return hash('sha256', JSON.stringify(value)).slice(0, 16)
}

// Reading text files line by line with bounded memory. (node:readline also splits at U+2028, which JSON allows inside strings.)
import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { appendFile, readFile } from 'node:fs/promises'
import path from 'node:path'
import { Fault, codeOf, unreadable, unwritable } from './fault.ts'

type Line = { number: number; text: string }

// No instruction needs more; a 100 MB line is a mistake, and would be held in memory whole.
const longestLine = 64 * 1024 * 1024

/** Yields every line without its break; a BOM and a CR before the LF are dropped. A missing file is a Fault. */
export async function* readLines(file: string): AsyncGenerator<Line> {
  let number = 0
  for await (const { bytes } of splitLines(file)) {
    number++
    if (!isUtf8(bytes)) throw notText(file, number)
    const start = number === 1 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
    const end = bytes[bytes.length - 1] === 0x0d ? bytes.length - 1 : bytes.length
    yield { number, text: bytes.toString('utf8', start, end) }
  }
}

/** How many lines of a file are not blank. */
export async function countLines(file: string): Promise<number> {
  let count = 0
  for await (const { bytes } of splitLines(file)) if (bytes.length > 1) count++
  return count
}

/** The same without looking inside: raw bytes, and whether a line break followed them. */
export async function* splitLines(file: string): AsyncGenerator<{ bytes: Buffer; ended: boolean }> {
  let rest: Buffer[] = []
  let restBytes = 0
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 1 << 18 }) as AsyncIterable<Buffer>) {
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

/** The sentence for a line that is no text. */
export function notText(file: string, number: number): Fault {
  return new Fault({
    en: `${path.basename(file)} line ${number} is not UTF-8 text. Save the file as UTF-8 and try again. (${file})`,
    zh: `${path.basename(file)} 第 ${number} 行不是 UTF-8 文本。请将文件另存为 UTF-8 后重试。（${file}）`,
  })
}

function tooLong(file: string): Fault {
  const most = `${longestLine / 1024 / 1024} MB`
  return new Fault({
    en: `${path.basename(file)} has a line of more than ${most}; one row a line was expected. Put each row on a line of its own. (${file})`,
    zh: `${path.basename(file)} 中有一行超过 ${most}；每行应为一条数据。请将每条数据单独放在一行。（${file}）`,
  })
}

// JSON as the workshop writes it, and as somebody else may have written it: its shape is looked at, not trusted.

/**
 * A row as a line of JSONL. A lone surrogate, which is no character and which other readers refuse, becomes U+FFFD;
 * JSON spells nothing else as `\ud`.
 */
export function jsonLine(row: object): string {
  const text = JSON.stringify(row)
  return text.includes('\\ud') ? text.replace(/\\(ud[89a-f]..|.)/g, asCharacter) : text
}

function asCharacter(escape: string): string {
  return escape.length > 2 ? '\ufffd' : escape
}

/** What a text says as JSON, with or without a byte order mark; undefined where it is none. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    return undefined
  }
}

/** A field of what may be no object at all. */
export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

// A small JSONL file that is only appended to, such as `.written.jsonl`. A line torn by a crash is passed over.

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
    const text = await readFile(file, 'utf8').catch((error: unknown) => {
      if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return ''
      throw unreadable(file, error)
    })
    return new Ledger(file, text)
  }

  /** Resolves when the line is on disk. */
  async append(line: object): Promise<void> {
    try {
      await appendFile(this.file, `${this.torn ? '\n' : ''}${JSON.stringify(line)}\n`, { flush: true })
      this.torn = false
    } catch (error) {
      throw unwritable(this.file, error)
    }
  }
}

// Short names for texts: the id of an instruction, the key of a call, the checksum of a file.

/** 12 hexadecimal digits, the same for the same instruction: an edited instruction is a new row. */
export function idOf(instruction: string): string {
  return createHash('sha256').update(instruction).digest('hex').slice(0, 12)
}

/** 16 hexadecimal digits for any JSON value; object keys count in the order written. */
export function keyOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16)
}

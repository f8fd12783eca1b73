// Reading text files line by line with bounded memory. (node:readline also splits at U+2028, which JSON allows inside strings.)
import { isUtf8 } from 'node:buffer'
import { createReadStream } from 'node:fs'
import path from 'node:path'
import { Fault, unreadable } from './fault.ts'

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

// The rows of a file in each of the forms they come in, as they stand there, in little memory: a file of any size is read
// through, never held.
import { isUtf8 } from 'node:buffer'
import { createReadStream } from 'node:fs'
import type { AsyncBuffer } from 'hyparquet'
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { Fault, type Words, codeOf, messageOf, shorten, unreadable } from './fault.ts'
import { JsonSplitter, type Piece, rowIn } from './json-pieces.ts'
import { chunksOf, faultIn, longestLine, longestShown, notJson, notText, readLines } from './jsonl.ts'

/** Where a row stands: on its line, or, where lines do not tell rows apart, by its number in the file. */
export type Place = { unit: 'line' | 'row'; number: number }
/** A row as it stands there. `broken`: why nobody can read it. */
export type RawRow = { place: Place; value?: unknown; broken?: Words }

// Bytes

/** The text of a file in bytes, without a byte order mark; of a gz file the text in it. */
async function* bytesOf(file: string): AsyncGenerator<Buffer> {
  let isFirst = true
  try {
    for await (const chunk of unzipped(file)) {
      const hasMark = isFirst && chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf
      isFirst = false
      yield hasMark ? chunk.subarray(3) : chunk
    }
  } catch (error) {
    if (codeOf(error).startsWith('Z_')) throw brokenGz(file)
    throw error instanceof Fault ? error : unreadable(file, error)
  }
}

async function* unzipped(file: string): AsyncGenerator<Buffer> {
  if (!(await isZipped(file))) return yield* chunksOf(file)
  const source = createReadStream(file)
  const unzip = createGunzip({ chunkSize: sampled })
  source.on('error', (error) => unzip.destroy(error))
  source.pipe(unzip)
  try {
    yield* unzip as AsyncIterable<Buffer>
  } finally {
    source.destroy()
  }
}

async function isZipped(file: string): Promise<boolean> {
  for await (const chunk of chunksOf(file)) return chunk[0] === 0x1f && chunk[1] === 0x8b
  return false
}

function brokenGz(file: string): Fault {
  return new Fault({
    en: `${file} is a gz file that is damaged or cut off. Copy or download it again.`,
    zh: `${file} 是已损坏或不完整的 gz 文件。请重新复制或下载。`,
  })
}

const sampled = 1 << 18 // bytes that are looked at to see what a file is

/** The beginning of a file, or all of it. */
export async function sampleOf(file: string, most = sampled): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of bytesOf(file)) {
    chunks.push(chunk)
    size += chunk.length
    if (size >= most) break
  }
  return Buffer.concat(chunks)
}

// JSON

export async function* jsonLines(file: string): AsyncGenerator<RawRow> {
  for await (const { number, text } of readLines(file, bytesOf(file))) {
    if (text.trim() === '') continue
    const place: Place = { unit: 'line', number }
    const value = rowIn(text)
    yield value === undefined ? { place, broken: notJson(text) } : { place, value }
  }
}

/** The values that stand in a JSON file at this depth; `name`: those in the member of this name alone. */
export async function* piecesOf(file: string, depth: number, name?: string): AsyncGenerator<Piece> {
  const splitter = new JsonSplitter(depth)
  const wanted = ({ path }: Piece): boolean => name === undefined || path[0] === name
  for await (const chunk of bytesOf(file)) {
    yield* splitter.push(chunk).filter(wanted)
    if (splitter.size > longestLine) throw endlessRow(file, splitter.line)
  }
  yield* splitter.rest().filter(wanted)
}

export async function* pieceRows(pieces: AsyncIterable<Piece>): AsyncGenerator<RawRow> {
  let number = 0
  for await (const piece of pieces) {
    number++
    const place: Place = piece.shares ? { unit: 'row', number } : { unit: 'line', number: piece.line }
    const text = piece.bytes.toString()
    const value = isUtf8(piece.bytes) ? rowIn(text) : undefined
    yield value === undefined ? { place, broken: text === '' ? cutOff : notJson(text) } : { place, value }
  }
}

const cutOff: Words = {
  en: ': the file ends there, but its list does not; it was cut off.',
  zh: '：文件到此为止，但列表没有结束，文件不完整。',
}

function endlessRow(file: string, line: number): Fault {
  return faultIn(file, {
    en: `: a row that is not over at line ${line} is longer than ${longestShown}; probably a bracket or quote is missing at its end.`,
    zh: `：到第 ${line} 行仍未结束的一条数据已超过 ${longestShown}，可能末尾缺少括号或引号。`,
  })
}

/** pandas, orient="split": the names of the columns, then rows that are lists. */
export async function* splitRows(file: string): AsyncGenerator<RawRow> {
  const names: string[] = []
  let number = 0
  for await (const { path, bytes } of piecesOf(file, 2)) {
    const cells = rowIn(bytes.toString())
    if (path[0] === 'columns') names.push(String(cells))
    if (path[0] !== 'data') continue
    const place: Place = { unit: 'row', number: ++number }
    if (!Array.isArray(cells)) yield { place, broken: notJson(bytes.toString()) }
    else yield { place, value: Object.fromEntries(names.map((name, at) => [name, cells[at]])) }
  }
}

/** pandas, orient="columns": the columns one after the other. Each is read on its own, all of them side by side. */
export async function* columnRows(file: string, fields: ReadonlySet<string>): AsyncGenerator<RawRow> {
  const names = new Set<string>()
  for await (const { path } of piecesOf(file, 2)) if (fields.has(String(path[0]))) names.add(String(path[0]))
  const columns = [...names].map((name) => ({ name, cells: piecesOf(file, 2, name) }))
  try {
    for (let number = 1; ; number++) {
      const row: Record<string, unknown> = {}
      for (const { name, cells } of columns) {
        const cell = await cells.next()
        if (!cell.done) row[name] = rowIn(cell.value.bytes.toString())
      }
      if (Object.keys(row).length === 0) return
      yield { place: { unit: 'row', number }, value: row }
    }
  } finally {
    for (const { cells } of columns) await cells.return(undefined)
  }
}

// CSV and TSV

/** A column's name as it is looked for. */
export function headingOf(cell: string): string {
  return cell
    .trim()
    .replace(/^"(.*)"$/, '$1')
    .trim()
    .toLowerCase()
}

export function noKnownColumn(file: string, names: readonly string[]): Fault {
  const shown = shorten(names.join(', '))
  return faultIn(file, {
    en: ` has the columns ${shown}; one named instruction, prompt, question, messages or conversations was expected. Rename the column that holds the instructions, or keep the file elsewhere if none does.`,
    zh: ` 的列为 ${shown}；应有名为 instruction、prompt、question、messages 或 conversations 的列。请给存放指令的列改名；如果没有这样的列，请把文件移到别处。`,
  })
}

export async function* csvRows(file: string, delimiter: string): AsyncGenerator<RawRow> {
  const { parse } = await import('csv-parse')
  const parser = parse({
    delimiter,
    record_delimiter: ['\r\n', '\n', '\r'],
    info: true,
    relax_quotes: true,
    relax_column_count: true,
    max_record_size: longestLine,
  })
  const source = Readable.from(decoded(file))
  source.on('error', (error) => parser.destroy(error))
  source.pipe(parser)
  let names: string[] | undefined
  let line = 1
  try {
    for await (const { record, info } of parser as AsyncIterable<{
      record: string[]
      info: { lines: number }
    }>) {
      const place: Place = { unit: 'line', number: line }
      line = info.lines + 1
      if (names === undefined) names = record.map(headingOf)
      else if (record.some((cell) => cell !== '')) yield csvRow(place, names, record)
    }
  } catch (error) {
    throw error instanceof Fault ? error : brokenCsv(file, line, error)
  } finally {
    source.destroy()
  }
}

function csvRow(place: Place, names: readonly string[], record: readonly string[]): RawRow {
  const [cells, headings] = [record.findLastIndex((cell) => cell !== '') + 1, names.length]
  if (cells <= headings && record.length >= headings)
    return { place, value: Object.fromEntries(names.map((name, at) => [name, record[at]])) }
  return {
    place,
    broken: {
      en: `: ${record.length} cells under ${headings} column names. A cell with commas, quotes or line breaks in it stands in quotes.`,
      zh: `：列名有 ${headings} 个，这一行却有 ${record.length} 格。含逗号、引号或换行的单元格要用引号括起来。`,
    },
  }
}

function brokenCsv(file: string, line: number, error: unknown): Fault {
  return faultIn(file, {
    en: `: the row that begins on line ${line} does not end (${messageOf(error)}); probably a quote is missing. Mend it.`,
    zh: `：从第 ${line} 行开始的一条数据没有结束（${messageOf(error)}），可能缺少引号。请修改。`,
  })
}

/** The text of a file in pieces; one that is not UTF-8 is a Fault. */
async function* decoded(file: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let line = 1
  for await (const chunk of bytesOf(file)) {
    try {
      yield decoder.decode(chunk, { stream: true })
    } catch {
      throw notText(file, line + soundLines(chunk))
    }
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) line++
  }
}

/** How many whole lines stand before the first that is not UTF-8. */
function soundLines(chunk: Buffer): number {
  let [count, start] = [0, 0]
  for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
    if (!isUtf8(chunk.subarray(start, end))) break
    count++
    start = end + 1
  }
  return count
}

// Plain text

export async function* textLines(file: string): AsyncGenerator<RawRow> {
  for await (const { number, text } of readLines(file, bytesOf(file)))
    for (const line of text.split('\r')) yield { place: { unit: 'line', number }, value: line }
}

// Parquet, whose readers are loaded only here

export async function* parquetRows(file: string, fields: ReadonlySet<string>): AsyncGenerator<RawRow> {
  const { parquetMetadataAsync, parquetReadObjects, parquetSchema } = await import('hyparquet')
  const { compressors } = await import('hyparquet-compressors')
  const source = await opened(file)
  const metadata = await parquetMetadataAsync(source).catch((error: unknown) => {
    throw brokenParquet(file, error)
  })
  const { children } = parquetSchema(metadata)
  const columns = children.map(({ element }) => element.name).filter((name) => fields.has(name))
  if (columns.length === 0) throw noTexts(file, children)
  let begin = 0
  for (const group of metadata.row_groups) {
    const end = begin + Number(group.num_rows)
    const range = { file: source, metadata, compressors, columns, rowStart: begin, rowEnd: end }
    const rows = await parquetReadObjects(range).catch((error: unknown) => brokenParquet(file, error))
    for (let at = begin; at < end; at++) {
      const place: Place = { unit: 'row', number: at + 1 }
      yield rows instanceof Fault ? { place, broken: unreadablePage } : { place, value: rows[at - begin] }
    }
    begin = end
  }
}

/** Parquet is read from its end: a file that comes as gz is held whole. */
async function opened(file: string): Promise<AsyncBuffer> {
  const { asyncBufferFromFile } = await import('hyparquet')
  if (!(await isZipped(file))) return asyncBufferFromFile(file)
  return new Uint8Array(await sampleOf(file, Infinity)).buffer
}

const unreadablePage: Words = {
  en: ': its part of the file is damaged or written in a way that cannot be read.',
  zh: '：文件的这一部分已损坏，或写法无法读取。',
}

function brokenParquet(file: string, error: unknown): Fault {
  return faultIn(file, {
    en: ` is a parquet file that cannot be read (${messageOf(error)}). Copy it again, or write it again with pandas: to_parquet.`,
    zh: ` 是无法读取的 parquet 文件（${messageOf(error)}）。请重新复制，或用 pandas 的 to_parquet 重新写出。`,
  })
}

type Column = { element: { name: string }; children: { element: { name: string } }[] }

function noTexts(file: string, columns: readonly Column[]): Fault {
  const names = columns.map(({ element }) => element.name)
  const inner = columns.flatMap(({ children }) => children.map(({ element }) => element.name))
  const isOfImages = (name: string): boolean => /^(image|img|bytes|png|jpe?g|pixel_values)$/i.test(name)
  if (![...names, ...inner].some(isOfImages)) return noKnownColumn(file, names)
  return faultIn(file, {
    en: ' is a parquet file of images; instructions in text were expected. Name a file that holds some.',
    zh: ' 是存放图像的 parquet 文件；应为文本指令。请指定含有指令的文件。',
  })
}

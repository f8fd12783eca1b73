// The rows of a file in each of the forms they come in, as they stand there, in little memory: a file of any size is read
// through, never held.
import { isUtf8 } from 'node:buffer'
import { createReadStream } from 'node:fs'
import type { AsyncBuffer } from 'hyparquet'
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { Fault, type Words, codeOf, messageOf, unreadable } from './fault.ts'
import { JsonSplitter, type Piece, asSpelt, rowIn } from './json-pieces.ts'
import { type Fields, answers, headingOf, noKnownColumn } from './row-parts.ts'
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
    yield value === undefined ? { place, broken: notJson(text) } : { place, value: asSpelt(value, text) }
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
    const isText = isUtf8(piece.bytes)
    const value = isText ? rowIn(text) : undefined
    if (value !== undefined) yield { place, value: asSpelt(value, text) }
    else yield { place, broken: text === '' ? cutOff : isText ? notJson(text) : otherEncoding }
  }
}

const otherEncoding: Words = {
  en: ' is not UTF-8 text: save the whole file as UTF-8.',
  zh: '不是 UTF-8 文本：请将整个文件另存为 UTF-8。',
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
export async function* columnRows(file: string, fields: Fields): AsyncGenerator<RawRow> {
  const names = new Set<string>()
  for await (const { path } of piecesOf(file, 2))
    if (fields.reads(String(path[0]))) names.add(String(path[0]))
  const columns = [...names].map((name) => ({ name, cells: piecesOf(file, 2, name) }))
  try {
    for (let number = 1; ; number++) {
      const row: Record<string, unknown> = {}
      for (const { name, cells } of columns) {
        const cell = await cells.next()
        if (cell.done) continue
        const text = cell.value.bytes.toString()
        row[name] = asSpelt(rowIn(text), text)
      }
      if (Object.keys(row).length === 0) return
      yield { place: { unit: 'row', number }, value: row }
    }
  } finally {
    for (const { cells } of columns) await cells.return(undefined)
  }
}

// CSV and TSV

/** `isSpaced`: a space stands behind each delimiter, in front of the quotes. */
export type Dialect = { delimiter: string; isSpaced: boolean }

export async function* csvRows(
  file: string,
  { delimiter, isSpaced }: Dialect,
  fields: Fields,
): AsyncGenerator<RawRow> {
  const { parse } = await import('csv-parse')
  const parser = parse({
    delimiter,
    record_delimiter: ['\r\n', '\n', '\r'],
    info: true,
    relax_quotes: true,
    relax_column_count: true,
    max_record_size: longestLine,
    ltrim: isSpaced,
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
      if (record.every((cell) => cell === '') || (names === undefined && /^sep=/i.test(record[0] ?? '')))
        continue
      if (names === undefined) names = headings(file, record, fields)
      else yield csvRow(place, names, record)
    }
  } catch (error) {
    throw error instanceof Fault ? error : brokenCsv(file, line, error)
  } finally {
    source.destroy()
  }
}

function headings(file: string, record: readonly string[], fields: Fields): string[] {
  const names = record.map(headingOf)
  const twice = names.find((name, at) => fields.has(name) && names.indexOf(name) < at)
  if (twice === undefined) return names
  throw faultIn(file, {
    en: ` has two columns named ${twice}. Rename or delete one of them.`,
    zh: ` 有两列都叫 ${twice}。请给其中一列改名或将其删除。`,
  })
}

function csvRow(place: Place, names: readonly string[], record: readonly string[]): RawRow {
  const [cells, wanted] = [record.findLastIndex((cell) => cell !== '') + 1, names.length]
  if (cells <= wanted && record.length >= wanted)
    return { place, value: Object.fromEntries(names.map((name, at) => [name, record[at]])) }
  return {
    place,
    broken: {
      en: `: ${record.length} cells under ${wanted} column names. A cell with commas, quotes or line breaks in it stands in quotes.`,
      zh: `：列名有 ${wanted} 个，这一行却有 ${record.length} 格。含逗号、引号或换行的单元格要用引号括起来。`,
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

export async function* parquetRows(file: string, fields: Fields): AsyncGenerator<RawRow> {
  const { parquetMetadataAsync, parquetReadObjects, parquetSchema } = await import('hyparquet')
  const { compressors } = await import('hyparquet-compressors')
  const source = await opened(file)
  const metadata = await parquetMetadataAsync(source).catch((error: unknown) => {
    throw brokenParquet(file, error)
  })
  const { children } = parquetSchema(metadata)
  const all = children.map(({ element }) => element.name)
  if (!all.some(fields.has) || children.some(isOfMedia)) throw noTexts(file, children)
  const columns = all.filter(fields.reads)
  // A sentence about a file without answers names all its columns.
  const unread = answers(all) ? undefined : Object.fromEntries(all.map((name) => [name, undefined]))
  for (const [begin, end] of rangesIn(metadata.row_groups)) {
    const range = { file: source, metadata, compressors, columns, rowStart: begin, rowEnd: end }
    const rows = await parquetReadObjects(range).catch((error: unknown) => brokenParquet(file, error))
    for (let at = begin; at < end; at++) {
      const place: Place = { unit: 'row', number: at + 1 }
      yield rows instanceof Fault
        ? { place, broken: unreadablePage }
        : { place, value: unread ? { ...unread, ...rows[at - begin] } : rows[at - begin] }
    }
  }
}

/** The rows that are read at a time: a group, or a quarter of a large one, since each time its bytes are gone through anew. */
function* rangesIn(groups: readonly { num_rows: bigint }[]): Generator<[begin: number, end: number]> {
  let begin = 0
  for (const { num_rows } of groups) {
    const last = begin + Number(num_rows)
    const most = Math.max(10_000, Math.ceil(Number(num_rows) / 4))
    for (; begin < last; begin = Math.min(begin + most, last)) yield [begin, Math.min(begin + most, last)]
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

type Column = { element: { name: string }; children: Column[] }

/** Whether a column holds images or sound in bytes, one or a list of them, as `datasets` keeps them. */
function isOfMedia({ element, children }: Column): boolean {
  if (children.length === 0) return /^(image|img|audio|bytes|png|jpe?g|pixel_values)$/i.test(element.name)
  return children.some((child) =>
    child.children.length > 0 ? isOfMedia(child) : child.element.name === 'bytes',
  )
}

function noTexts(file: string, columns: readonly Column[]): Fault {
  if (!columns.some(isOfMedia))
    return noKnownColumn(
      file,
      columns.map(({ element }) => element.name),
    )
  return faultIn(file, {
    en: ' is a parquet file of images or sound; instructions in text alone were expected. Name a file that holds some.',
    zh: ' 是存放图像或声音的 parquet 文件；应为纯文本指令。请指定含有指令的文件。',
  })
}

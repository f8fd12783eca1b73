// What a file of instruction data is, by what it holds and not by its name, and its rows one by one, whatever it is: JSONL, a
// JSON list or object of any size, CSV, TSV, parquet, plain text, each of them also as gz. What is none of these is
// named for what it is. What a row means is the business of data-rows.ts.
import { isUtf8 } from 'node:buffer'
import { createReadStream } from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { Fault, type Words, codeOf, messageOf, shorten, unreadable } from './fault.ts'
import { foreignKind, isYaml } from './foreign.ts'
import { JsonSplitter, type Piece } from './json-pieces.ts'
import { chunksOf, longestLine, notText, readLines } from './jsonl.ts'

/** Where a row stands: on its line, or, where lines do not tell rows apart, by its number in the file. */
export type Place = { unit: 'line' | 'row'; number: number }
/** A row as it stands there. `broken`: why nobody can read it. */
export type RawRow = { place: Place; value?: unknown; broken?: Words }

type Shape =
  | { kind: 'lines' | 'list' | 'objects' | 'index' | 'split' | 'columns' | 'parquet' | 'text' }
  | { kind: 'wrapped'; name: string }
  | { kind: 'csv'; delimiter: string }
/** `fields`: the names under which rows hold what they say. */
export type DataFile = { file: string; shape: Shape; fields: ReadonlySet<string> }

const sampled = 1 << 18 // bytes that are looked at to see what a file is

/** Looks at the beginning of a file. One that holds no instruction data in a form that can be read is a Fault. */
export async function openData(file: string, fields: ReadonlySet<string>): Promise<DataFile> {
  const sample = await sampleOf(file)
  if (sample.subarray(0, 4).toString('latin1') === 'PAR1') return { file, shape: { kind: 'parquet' }, fields }
  const foreign = foreignKind(sample, file)
  if (foreign) throw isForeign(file, foreign.what, foreign.cure)
  const name = file.replace(/\.gz$/i, '')
  return { file, shape: shapeIn(sample, name, file, fields), fields }
}

/** The rows of a file in their order. */
export function rawRows({ file, shape, fields }: DataFile): AsyncGenerator<RawRow> {
  switch (shape.kind) {
    case 'lines':
      return jsonLines(file)
    case 'csv':
      return csvRows(file, shape.delimiter)
    case 'parquet':
      return parquetRows(file, fields)
    case 'text':
      return textLines(file)
    case 'split':
      return splitRows(file)
    case 'columns':
      return columnRows(file, fields)
    case 'wrapped':
      return pieceRows(within(piecesOf(file, 2), shape.name))
    default:
      return pieceRows(piecesOf(file, shape.kind === 'objects' ? 0 : 1))
  }
}

// What it is

async function sampleOf(file: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of bytesOf(file)) {
    chunks.push(chunk)
    size += chunk.length
    if (size >= sampled) break
  }
  return Buffer.concat(chunks)
}

function shapeIn(sample: Buffer, name: string, file: string, fields: ReadonlySet<string>): Shape {
  const text = sample
    .toString()
    .replace(/^\uFEFF/, '')
    .trimStart()
  const isJson = /\.jsonl?$/i.test(name)
  if (/^\[\s*\[/.test(text) && isJson)
    throw isForeign(
      file,
      { en: 'a JSON list of lists without column names', zh: '没有列名的 JSON 嵌套列表' },
      {
        en: 'With pandas write it by to_json(…, orient="records").',
        zh: '请用 pandas 的 to_json(…, orient="records") 重新写出。',
      },
    )
  if (/^\[\s*[{"\]]/.test(text)) return { kind: 'list' }
  if (text.startsWith('{')) return shapeOfObject(sample, text, fields)
  if (isJson) return { kind: 'lines' }
  if (isYaml(text, name, fields))
    throw isForeign(
      file,
      { en: 'a YAML list', zh: 'YAML 列表' },
      {
        en: 'Write each entry as one {"instruction":"…"} a line (JSONL), or as plain text, one instruction a line.',
        zh: '请将每一项写成一行 {"instruction":"…"}（JSONL），或写成每行一条指令的纯文本。',
      },
    )
  const delimiter = delimiterIn(text, name, file, fields)
  return delimiter === undefined ? { kind: 'text' } : { kind: 'csv', delimiter }
}

/** Rows one after the other, or one large object: pandas writes its tables by rows, by columns, or both apart. */
function shapeOfObject(sample: Buffer, text: string, fields: ReadonlySet<string>): Shape {
  const members = membersIn(sample)
  const names = [...members.keys()]
  const [first = ''] = names
  const known = names.filter((name) => fields.has(name))
  const kinds = known.map((name) => members.get(name)?.kind)
  if (first === 'columns' && members.get(first)?.inner === '"') return { kind: 'split' }
  if (first === 'schema' && members.get(first)?.kind === 'object') return { kind: 'wrapped', name: 'data' }
  if (kinds.length > 0 && kinds.every((kind) => kind === 'object')) return { kind: 'columns' }
  const areRows = [...members.values()].every(({ kind, first }) => kind === 'object' && fields.has(first))
  if (names.length > 0 && areRows) return { kind: 'index' }
  const list = names.find((name) => members.get(name)?.inner === '{')
  if (known.length === 0 && list !== undefined) return { kind: 'wrapped', name: list }
  return areLines(text) ? { kind: 'lines' } : { kind: 'objects' }
}

type Member = { kind: 'scalar' | 'list' | 'object'; first: string; inner: string }

/** The members of the first object, as far as the sample goes; `first` and `inner`: the name and the first character of what stands in it. */
function membersIn(sample: Buffer): Map<string, Member> {
  const members = new Map<string, Member>()
  const splitter = new JsonSplitter(2)
  for (let at = 0; at < sample.length && splitter.ended === 0; at += 1024)
    for (const { path, bytes } of splitter.push(sample.subarray(at, at + 1024))) {
      const [name, second] = path
      if (typeof name !== 'string' || members.has(name)) continue
      const kind = second === undefined ? 'scalar' : typeof second === 'number' ? 'list' : 'object'
      const inner = kind === 'list' ? String.fromCharCode(bytes[0] ?? 0) : ''
      members.set(name, { kind, first: String(second), inner })
    }
  return members
}

/** One row a line, also where the first is broken; else a row may take several lines. */
function areLines(text: string): boolean {
  const [first = '', second = ''] = text.split('\n', 50).filter((line) => line.trim() !== '')
  return rowIn(first) !== undefined || second === '' || second.trimStart().startsWith('{')
}

const delimiters = ['\t', ',', ';', '|']

function delimiterIn(
  text: string,
  name: string,
  file: string,
  fields: ReadonlySet<string>,
): string | undefined {
  const [header = ''] = text.split(/\r\n?|\n/, 1)
  const namesIn = (delimiter: string) => header.split(delimiter).map(headingOf)
  const found = delimiters.find((delimiter) => {
    const names = namesIn(delimiter)
    return names.length > 1 && names.some((heading) => fields.has(heading))
  })
  if (found !== undefined || !/\.(csv|tsv)$/i.test(name) || header === '') return found
  if (fields.has(headingOf(header))) return ',' // a single column
  throw noKnownColumn(file, namesIn(/\.tsv$/i.test(name) ? '\t' : ','))
}

/** A column's name as it is looked for. */
function headingOf(cell: string): string {
  return cell
    .trim()
    .replace(/^"(.*)"$/, '$1')
    .trim()
    .toLowerCase()
}

function noKnownColumn(file: string, names: readonly string[]): Fault {
  const shown = shorten(names.join(', '))
  return new Fault({
    en: `${path.basename(file)} has the columns ${shown}; one named instruction, prompt, question, messages or conversations was expected. Rename the column that holds the instructions. (${file})`,
    zh: `${path.basename(file)} 的列为 ${shown}；应有名为 instruction、prompt、question、messages 或 conversations 的列。请给存放指令的列改名。（${file}）`,
  })
}

/** The sentence for a file that is something else. */
export function isForeign(file: string, what: Words, cure: Words): Fault {
  const name = path.basename(file)
  return new Fault({
    en: `${name} is ${what.en}; JSONL, a JSON list, CSV, TSV, parquet or plain text was expected. ${cure.en} (${file})`,
    zh: `${name} 是${what.zh}；应为 JSONL、JSON 列表、CSV、TSV、parquet 或纯文本。${cure.zh}（${file}）`,
  })
}

// Bytes

/** The bytes of a file; of a gz file those in it. */
async function* bytesOf(file: string): AsyncGenerator<Buffer> {
  let isFirst = true
  try {
    for await (const chunk of chunksOf(file)) {
      if (isFirst && chunk[0] === 0x1f && chunk[1] === 0x8b) return yield* unzipped(file)
      isFirst = false
      yield chunk
    }
  } catch (error) {
    if (codeOf(error).startsWith('Z_')) throw brokenGz(file)
    throw error instanceof Fault ? error : unreadable(file, error)
  }
}

async function* unzipped(file: string): AsyncGenerator<Buffer> {
  const zipped = createReadStream(file)
  const unzip = createGunzip({ chunkSize: sampled })
  zipped.on('error', (error) => unzip.destroy(error))
  zipped.pipe(unzip)
  try {
    yield* unzip as AsyncIterable<Buffer>
  } finally {
    zipped.destroy()
  }
}

function brokenGz(file: string): Fault {
  return new Fault({
    en: `${file} is a gz file that is damaged or cut off. Copy or download it again.`,
    zh: `${file} 是已损坏或不完整的 gz 文件。请重新复制或下载。`,
  })
}

// JSON

/** The value of a row's JSON; Python's NaN is null, and a comma may stand behind it. Undefined where it is no JSON. */
function rowIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    const mended = text
      .replace(/,\s*$/, '')
      .replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g, (token) =>
        token.startsWith('"') ? token : 'null',
      )
    try {
      return JSON.parse(mended)
    } catch {
      return undefined
    }
  }
}

function noJson(text: string): Words {
  const shown = shorten(text.slice(0, 1000).replace(/\s+/g, ' '))
  return {
    en: ` is not JSON; one {"…"} row was expected, got: ${shown} `,
    zh: `不是 JSON；应为一条 {"…"} 数据，实际为：${shown} `,
  }
}

async function* jsonLines(file: string): AsyncGenerator<RawRow> {
  for await (const { number, text } of readLines(file, bytesOf(file))) {
    if (text.trim() === '') continue
    const place: Place = { unit: 'line', number }
    const value = rowIn(text)
    yield value === undefined ? { place, broken: noJson(text) } : { place, value }
  }
}

async function* piecesOf(file: string, depth: number): AsyncGenerator<Piece> {
  const splitter = new JsonSplitter(depth)
  let isFirst = true
  for await (const chunk of bytesOf(file)) {
    const hasMark = isFirst && chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf
    isFirst = false
    yield* splitter.push(hasMark ? chunk.subarray(3) : chunk)
    if (splitter.size > longestLine) throw endlessRow(file, splitter.line)
  }
  yield* splitter.rest()
}

async function* within(pieces: AsyncIterable<Piece>, name: string): AsyncGenerator<Piece> {
  for await (const piece of pieces) if (piece.path[0] === name) yield piece
}

async function* pieceRows(pieces: AsyncIterable<Piece>): AsyncGenerator<RawRow> {
  let number = 0
  for await (const piece of pieces) {
    number++
    const place: Place = piece.shares ? { unit: 'row', number } : { unit: 'line', number: piece.line }
    const text = piece.bytes.toString()
    const value = isUtf8(piece.bytes) ? rowIn(text) : undefined
    yield value === undefined ? { place, broken: text === '' ? cutOff : noJson(text) } : { place, value }
  }
}

const cutOff: Words = {
  en: ': the file ends there, but its list does not; it was cut off.',
  zh: '：文件到此为止，但列表没有结束，文件不完整。',
}

function endlessRow(file: string, line: number): Fault {
  const most = `${longestLine / 1024 / 1024} MB`
  return new Fault({
    en: `${path.basename(file)}: a row that is not over at line ${line} is longer than ${most}; probably a bracket or quote is missing at its end. (${file})`,
    zh: `${path.basename(file)}：到第 ${line} 行仍未结束的一条数据已超过 ${most}，可能末尾缺少括号或引号。（${file}）`,
  })
}

/** pandas, orient="split": the names of the columns, then rows that are lists. */
async function* splitRows(file: string): AsyncGenerator<RawRow> {
  const names: string[] = []
  let number = 0
  for await (const {
    path: [part],
    bytes,
  } of piecesOf(file, 2)) {
    if (part === 'columns') names.push(String(rowIn(bytes.toString())))
    if (part !== 'data') continue
    const place: Place = { unit: 'row', number: ++number }
    const cells = rowIn(bytes.toString())
    if (!Array.isArray(cells)) yield { place, broken: noJson(bytes.toString()) }
    else yield { place, value: Object.fromEntries(names.map((name, at) => [name, cells[at]])) }
  }
}

/** pandas, orient="columns": the columns one after the other. Each is read on its own, all of them side by side. */
async function* columnRows(file: string, fields: ReadonlySet<string>): AsyncGenerator<RawRow> {
  const names = [...membersIn(await sampleOf(file)).keys()].filter((name) => fields.has(name))
  for (const name of fields) if (!names.includes(name)) names.push(name)
  const columns = names.map((name) => ({ name, cells: within(piecesOf(file, 2), name) }))
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

async function* csvRows(file: string, delimiter: string): AsyncGenerator<RawRow> {
  const { parse } = await import('csv-parse')
  const parser = parse({
    delimiter,
    record_delimiter: ['\r\n', '\n', '\r'],
    bom: true,
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
  return new Fault({
    en: `${path.basename(file)}: the row that begins on line ${line} does not end (${messageOf(error)}); probably a quote is missing. Mend it. (${file})`,
    zh: `${path.basename(file)}：从第 ${line} 行开始的一条数据没有结束（${messageOf(error)}），可能缺少引号。请修改。（${file}）`,
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
      throw notText(file, line)
    }
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) line++
  }
}

// Plain text

async function* textLines(file: string): AsyncGenerator<RawRow> {
  for await (const { number, text } of readLines(file, bytesOf(file)))
    for (const line of text.split('\r')) yield { place: { unit: 'line', number }, value: line }
}

// Parquet, whose readers are loaded only here

async function* parquetRows(file: string, fields: ReadonlySet<string>): AsyncGenerator<RawRow> {
  const [{ asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema }, { compressors }] =
    await Promise.all([import('hyparquet'), import('hyparquet-compressors')])
  const opened = async () => {
    const source = await asyncBufferFromFile(file)
    return { source, metadata: await parquetMetadataAsync(source) }
  }
  const { source, metadata } = await opened().catch((error: unknown) => {
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

const unreadablePage: Words = {
  en: ': its part of the file is damaged or written in a way that cannot be read.',
  zh: '：文件的这一部分已损坏，或写法无法读取。',
}

function brokenParquet(file: string, error: unknown): Fault {
  return new Fault({
    en: `${path.basename(file)} is a parquet file that cannot be read (${messageOf(error)}). Copy it again, or write it again with pandas: to_parquet. (${file})`,
    zh: `${path.basename(file)} 是无法读取的 parquet 文件（${messageOf(error)}）。请重新复制，或用 pandas 的 to_parquet 重新写出。（${file}）`,
  })
}

type Column = { element: { name: string }; children: { element: { name: string } }[] }

function noTexts(file: string, columns: readonly Column[]): Fault {
  const parts = columns.flatMap(({ element, children }) => [
    element,
    ...children.map((child) => child.element),
  ])
  const isOfImages = parts.some(({ name }) => /^(image|img|bytes|png|jpe?g|pixel_values)$/i.test(name))
  if (!isOfImages)
    return noKnownColumn(
      file,
      columns.map(({ element }) => element.name),
    )
  return new Fault({
    en: `${path.basename(file)} is a parquet file of images; instructions in text were expected. Name a file that holds some. (${file})`,
    zh: `${path.basename(file)} 是存放图像的 parquet 文件；应为文本指令。请指定含有指令的文件。（${file}）`,
  })
}

// What a file of instruction data is, by what it holds and not by its name, and its rows one by one, whatever it is: JSONL, a
// JSON list or object of any size, CSV, TSV, parquet, plain text, each of them also as gz. What is none of these is
// named for what it is. What a row means is the business of data-rows.ts.
import path from 'node:path'
import { Fault, type Words } from './fault.ts'
import { foreignKind, isYaml } from './foreign.ts'
import { JsonSplitter } from './json-pieces.ts'
import {
  type RawRow,
  columnRows,
  csvRows,
  headingOf,
  jsonLines,
  noKnownColumn,
  parquetRows,
  pieceRows,
  piecesOf,
  rowIn,
  sampleOf,
  splitRows,
  textLines,
  within,
} from './raw-rows.ts'

type Shape =
  | { kind: 'lines' | 'list' | 'objects' | 'index' | 'split' | 'columns' | 'parquet' | 'text' }
  | { kind: 'wrapped'; name: string }
  | { kind: 'csv'; delimiter: string }
/** `fields`: the names under which rows hold what they say. */
export type DataFile = { file: string; shape: Shape; fields: ReadonlySet<string> }

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

/** The sentence for a file that is something else. */
export function isForeign(file: string, what: Words, cure: Words): Fault {
  const name = path.basename(file)
  return new Fault({
    en: `${name} is ${what.en}; JSONL, a JSON list, CSV, TSV, parquet or plain text was expected. ${cure.en} (${file})`,
    zh: `${name} 是${what.zh}；应为 JSONL、JSON 列表、CSV、TSV、parquet 或纯文本。${cure.zh}（${file}）`,
  })
}

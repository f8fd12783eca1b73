// What a file of instruction data is, by what it holds and not by its name, and its rows one by one, whatever it is: JSONL, a
// JSON list or object of any size, CSV, TSV, parquet, plain text, each of them also as gz. What is none of these is
// named for what it is. What a row means is the business of data-rows.ts.
import { type Fault, type Words, refusePipe } from './fault.ts'
import { JsonSplitter, type Piece, rowIn } from './json-pieces.ts'
import { faultIn, isObject, notText } from './jsonl.ts'
import {
  type Dialect,
  type RawRow,
  columnRows,
  csvRows,
  jsonLines,
  parquetRows,
  pieceRows,
  piecesOf,
  sampleOf,
  splitRows,
  textLines,
} from './raw-rows.ts'
import { type Fields, headingOf, noKnownColumn } from './row-parts.ts'

type Shape =
  | { kind: 'lines' | 'list' | 'objects' | 'index' | 'split' | 'columns' | 'parquet' | 'text' }
  | { kind: 'wrapped'; without: string[] }
  | ({ kind: 'csv' } & Dialect)
/** `fields`: the names under which rows hold what they say. */
export type DataFile = { file: string; shape: Shape; fields: Fields }

/** Looks at the beginning of a file. One that holds no instruction data in a form that can be read is a Fault. */
export async function openData(file: string, fields: Fields): Promise<DataFile> {
  refusePipe(file)
  const sample = await sampleOf(file)
  if (sample.subarray(0, 4).toString('latin1') === 'PAR1') return { file, shape: { kind: 'parquet' }, fields }
  if (utf16.test(sample.toString('latin1', 0, 4))) throw notText(file, 1)
  refuseForeign(sample, file)
  const name = file.replace(/\.gz$/i, '')
  return { file, shape: shapeIn(sample, name, file, fields), fields }
}

/** The rows of a file in their order. */
export function rawRows({ file, shape, fields }: DataFile): AsyncGenerator<RawRow> {
  switch (shape.kind) {
    case 'lines':
      return jsonLines(file)
    case 'csv':
      return csvRows(file, shape, fields)
    case 'parquet':
      return parquetRows(file, fields)
    case 'text':
      return textLines(file)
    case 'split':
      return splitRows(file)
    case 'columns':
      return columnRows(file, fields)
    case 'wrapped':
      return pieceRows(wrappedIn(file, shape.without))
    default:
      return pieceRows(piecesOf(file, shape.kind === 'objects' ? 0 : 1))
  }
}

// What it is

function shapeIn(sample: Buffer, name: string, file: string, fields: Fields): Shape {
  const text = sample.toString().trimStart()
  const isJson = /\.jsonl?$/i.test(name)
  if (/^\[\s*(?:[{"\]]|null\b)/.test(text)) return { kind: 'list' }
  if (text.startsWith('{')) return shapeOfObject(sample, text, fields)
  if (isJson) return { kind: 'lines' }
  if (isYaml(text, name, fields)) throw isForeign(file, { en: 'a YAML list', zh: 'YAML 列表' }, asJsonl)
  const dialect = dialectIn(text, name, file, fields)
  if (dialect && backslashes.test(text)) throw isForeign(file, byBackslash, readByPandas)
  if (dialect) return { kind: 'csv', ...dialect }
  if (control.test(text.split('\n', 1)[0] ?? ''))
    throw isForeign(file, { en: 'binary data', zh: '二进制数据' }, noText)
  return { kind: 'text' }
}

/** Rows one after the other, or one large object: pandas writes its tables by rows, by columns, or both apart. */
function shapeOfObject(sample: Buffer, text: string, fields: Fields): Shape {
  const members = membersIn(sample)
  const names = [...members.keys()]
  const [first = ''] = names
  const known = names.filter((name) => fields.has(name))
  if (first === 'columns' && typeof members.get(first)?.first === 'string') return { kind: 'split' }
  if (first === 'schema' && members.get(first)?.kind === 'object') return { kind: 'wrapped', without: [] }
  const columns = known.flatMap((name) => members.get(name) ?? [])
  if (areColumns(columns, new JsonSplitter(0).push(sample).length < 2)) return { kind: 'columns' }
  const rows = [...members.values()].filter((member) => [...member.names].some((name) => fields.has(name)))
  const rest = [...members.values()].filter((member) => !rows.includes(member))
  if (rows.length > 0 && rest.every(({ kind, isWhole }) => kind === 'object' && !isWhole))
    return { kind: 'index' }
  const lists = names.filter((name) => members.get(name)?.kind === 'list')
  const without = lists.filter((name) => !isRow(members.get(name)?.first, fields))
  if (known.length === 0 && without.length < lists.length) return { kind: 'wrapped', without }
  return areLines(sample, text) ? { kind: 'lines' } : { kind: 'objects' }
}

/** `names`: those in it, all of them where it `isWhole`. `first`: the first value in it. */
type Member = { kind: 'scalar' | 'list' | 'object'; names: Set<string>; first: unknown; isWhole: boolean }

/** Columns name their rows all alike; a single one, by numbers, or there are many. `isAlone`: no row comes behind. */
function areColumns(members: readonly Member[], isAlone: boolean): boolean {
  const [first, ...more] = members
  const [name = ''] = first?.names ?? []
  const isLike = ({ kind, names }: Member): boolean => kind === first?.kind && [...names][0] === name
  if (!first || !more.every(isLike)) return false
  if (first.kind === 'list') return more.length > 0 && isAlone && typeof first.first !== 'object'
  return first.kind === 'object' && (more.length > 0 || !first.isWhole || /^\d/.test(name))
}

function isRow(value: unknown, fields: Fields): boolean {
  return isObject(value) && Object.keys(value).some(fields.has)
}

/** The rows in the lists of an object, as of `{"train": [...], "test": [...]}`. */
async function* wrappedIn(file: string, without: readonly string[]): AsyncGenerator<Piece> {
  for await (const piece of piecesOf(file, 2)) {
    const [name = '', place] = piece.path
    if ((typeof place === 'number' && !without.includes(String(name))) || piece.bytes.length === 0)
      yield piece
  }
}

/** The members of the first object, as far as the sample goes. */
function membersIn(sample: Buffer): Map<string, Member> {
  const members = new Map<string, Member>()
  const splitter = new JsonSplitter(2)
  for (let at = 0; at < sample.length && splitter.ended === 0; at += 1024)
    for (const { path, bytes } of splitter.push(sample.subarray(at, at + 1024))) {
      const [name, second] = path
      if (typeof name !== 'string') continue
      const kind = second === undefined ? 'scalar' : typeof second === 'number' ? 'list' : 'object'
      const member = members.get(name) ?? {
        kind,
        names: new Set(),
        first: rowIn(bytes.toString()),
        isWhole: true,
      }
      members.set(name, member)
      member.names.add(String(second))
    }
  const last = [...members.values()].at(-1)
  if (last) last.isWhole = splitter.ended > 0
  return members
}

/** One row a line, also where the first is broken; else a row may take several lines, or several rows one line. */
function areLines(sample: Buffer, text: string): boolean {
  const [first = '', second = ''] = text.split('\n', 50).filter((line) => line.trim() !== '')
  if (rowIn(first) !== undefined) return true
  const [row] = new JsonSplitter(0).push(sample)
  if (row && rowIn(row.bytes.toString()) !== undefined) return false
  return second === '' || second.trimStart().startsWith('{')
}

const delimiters = ['\t', ',', ';', '|']

function dialectIn(text: string, name: string, file: string, fields: Fields): Dialect | undefined {
  // What Excel writes to itself, and rows of empty cells, are no header.
  const lines = text.split(/\r\n?|\n/, 50).filter((line) => !/^"?sep=|^[\s,;|]*$/i.test(line))
  const [header = '', next = ''] = lines
  const isNamed = /\.(csv|tsv)$/i.test(name)
  const namesIn = (delimiter: string) => header.split(delimiter).map(headingOf)
  const isSpaced = (delimiter: string) =>
    header.split(delimiter).every((cell, at) => at === 0 || cell.startsWith(' '))
  const found = delimiters.find((delimiter) => {
    const names = namesIn(delimiter)
    const goesOn = isNamed || next === '' || /^\s*"/.test(next) || next.includes(delimiter)
    return names.length > 1 && names.some(fields.has) && goesOn // one sentence alone may look like a header
  })
  if (found !== undefined) return { delimiter: found, isSpaced: isSpaced(found) }
  if (!isNamed || header === '') return undefined
  if (fields.has(headingOf(header))) return { delimiter: ',', isSpaced: false } // a single column
  throw noKnownColumn(file, namesIn(/\.tsv$/i.test(name) ? '\t' : ','))
}

/** The sentence for a file that is something else. */
export function isForeign(file: string, what: Words, cure: Words): Fault {
  return faultIn(file, {
    en: ` is ${what.en}; JSONL, a JSON list, CSV, TSV, parquet or plain text was expected. ${cure.en}`,
    zh: ` 是${/^\w/.test(what.zh) ? ' ' : ''}${what.zh}；应为 JSONL、JSON 列表、CSV、TSV、parquet 或纯文本。${cure.zh}`,
  })
}

// Files that hold no rows this program reads

/** `starts`: its first bytes as Latin-1. `ending`: of its name, where the bytes do not say enough. */
type Foreign = [starts: string | RegExp, what: Words, cure: Words, ending?: RegExp]

const asCsv = { en: 'Save it from there as CSV in UTF-8.', zh: '请在原程序中另存为 UTF-8 编码的 CSV。' }
const asText = { en: 'Save it as plain text in UTF-8.', zh: '请另存为 UTF-8 纯文本。' }
const asList = {
  en: 'Save it as plain text in UTF-8, one instruction a line.',
  zh: '请另存为 UTF-8 纯文本，每行一条指令。',
}
const asJsonl = {
  en: 'Write each entry as one {"instruction":"…"} a line (JSONL), or as plain text, one instruction a line.',
  zh: '请将每一项写成一行 {"instruction":"…"}（JSONL），或写成每行一条指令的纯文本。',
}
const copied = {
  en: 'Copy its text into a file, one instruction a line.',
  zh: '请将其中的文字复制到文本文件，每行一条指令。',
}
const asRecords = {
  en: 'With pandas write it by to_json(…, orient="records").',
  zh: '请用 pandas 的 to_json(…, orient="records") 重新写出。',
}
const rawFile = {
  en: 'The page about the file was saved, not the file: download the raw file.',
  zh: '保存下来的是介绍该文件的网页，不是文件本身：请下载原始文件（raw）。',
}
const pulled = { en: 'Fetch the file with: git lfs pull', zh: '请用 git lfs pull 取得文件。' }
const exported = { en: 'Export the table as CSV.', zh: '请将数据表导出为 CSV。' }
const unpack = { en: 'Unpack it and name the file in it.', zh: '请先解压，再指定其中的文件。' }
const noText = { en: 'Name a file of text.', zh: '请指定文本文件。' }
// Taken as they are, the backslashes would become part of the texts.
const backslashes = /(?:^|[\t,;|\n])"[^"]*\\"[^"\t,;|\r\n]/
const byBackslash = {
  en: 'CSV with \\" for a quote inside a cell, as Spark and MySQL write it',
  zh: '单元格内的引号写成 \\" 的 CSV（Spark、MySQL 的写法）',
}
const byPython = (code: string) => ({ en: `In Python: ${code}`, zh: `可在 Python 中转换：${code}` })
const byPandas = (reader: string) =>
  byPython(`pandas.${reader}("…").to_json("rows.jsonl", orient="records", lines=True)`)
const readByPandas = byPython(
  'pandas.read_csv("…", escapechar="\\\\").to_json("rows.jsonl", orient="records", lines=True)',
)
const byDatasets = byPython('datasets.Dataset.from_file("…").to_json("rows.jsonl")')

// https://en.wikipedia.org/wiki/List_of_file_signatures
const foreigners: readonly Foreign[] = [
  ['PK\x03\x04', { en: 'an Excel workbook', zh: 'Excel 工作簿' }, asCsv, /\.xls[xmb]$/i],
  ['PK\x03\x04', { en: 'an OpenDocument file', zh: 'OpenDocument 文件' }, asCsv, /\.od[st]$/i],
  ['PK\x03\x04', { en: 'a Word document', zh: 'Word 文档' }, asList, /\.docx$/i],
  [
    /^PK\x03\x04[^]{26}(?:\[Content_Types\]|docProps\/|_rels\/|xl\/)/, // what programs of Office put first, whatever the name
    { en: 'a document of Excel, Word or PowerPoint', zh: 'Excel、Word 或 PowerPoint 文档' },
    asCsv,
  ],
  [/^PK(?:\x03\x04|\x05\x06)/, { en: 'a zip archive', zh: 'zip 压缩包' }, unpack],
  ['\xd0\xcf\x11\xe0', { en: 'an old Office document', zh: '旧版 Office 文档' }, asCsv],
  ['%PDF', { en: 'a PDF', zh: 'PDF 文件' }, copied],
  ['SQLite format 3', { en: 'an SQLite database', zh: 'SQLite 数据库' }, exported],
  ['ARROW1', { en: 'an Arrow file', zh: 'Arrow 文件' }, byPandas('read_feather')],
  [
    '\xff\xff\xff\xff',
    { en: 'an Arrow stream, as datasets keeps it', zh: 'Arrow 数据流（datasets 的缓存格式）' },
    byDatasets,
  ],
  ['\x93NUMPY', { en: 'a NumPy array', zh: 'NumPy 数组' }, noText],
  [/^\x80[\x02-\x05]/, { en: 'a Python pickle', zh: 'Python pickle 文件' }, byPandas('read_pickle')],
  ['\x89HDF', { en: 'an HDF5 file', zh: 'HDF5 文件' }, byPandas('read_hdf')],
  ['ORC', { en: 'an ORC file', zh: 'ORC 文件' }, byPandas('read_orc')],
  ['Obj\x01', { en: 'an Avro file', zh: 'Avro 文件' }, noText],
  ['\x28\xb5\x2f\xfd', { en: 'packed with zstd', zh: '用 zstd 压缩的文件' }, unpack],
  [/^BZh[1-9]/, { en: 'packed with bzip2', zh: '用 bzip2 压缩的文件' }, unpack],
  ['\xfd7zXZ', { en: 'packed with xz', zh: '用 xz 压缩的文件' }, unpack],
  ['7z\xbc\xaf', { en: 'a 7z archive', zh: '7z 压缩包' }, unpack],
  ['Rar!', { en: 'a RAR archive', zh: 'RAR 压缩包' }, unpack],
  [/^[^]{257}ustar/, { en: 'a tar archive', zh: 'tar 压缩包' }, unpack],
  [/^(?:\x89PNG|\xff\xd8\xff|GIF8|BM[^]{4}\0\0\0\0|RIFF[^]{4}WEBP)/, { en: 'an image', zh: '图像' }, noText],
  [
    /^(?:ID3|OggS|fLaC|RIFF[^]{4}(?:WAVE|AVI )|[^]{4}ftyp)/,
    { en: 'sound or film', zh: '音频或视频' },
    noText,
  ],
  ['\x1f\x8b', { en: 'packed with gz twice', zh: '用 gz 压缩了两次的文件' }, unpack],
  [/^[^\n]*\|[^\n]*\n\s*\|?\s*:?-{3,}:?\s*\|/, { en: 'a Markdown table', zh: 'Markdown 表格' }, asCsv],
  [
    /\n[^\n]*\|[^\n]*\n\s*\|?\s*:?-{3,}:?\s*\|/,
    { en: 'a Markdown table', zh: 'Markdown 表格' },
    asCsv,
    /\.(?:md|markdown)$/i,
  ],
  ['GGUF', { en: 'a model (GGUF)', zh: '模型文件（GGUF）' }, noText],
  ['{\\rtf', { en: 'a rich text document', zh: 'RTF 文档' }, asText],
  [
    /^\s*(?:<!--[^]{0,500}?-->\s*)?<(?:!doctype html|html|head|body|meta|script|table|div)\b/i,
    { en: 'a web page', zh: '网页' },
    rawFile,
  ],
  [/^\s*<\?xml\b/i, { en: 'an XML file', zh: 'XML 文件' }, byPandas('read_xml')],
  // Such as the answer of a server that has no such file: a tag, and the next at once.
  [
    /^\s*<[a-z][\w:.-]*(?:\s[^<>]*)?>\s*</i,
    { en: 'an XML file', zh: 'XML 文件' },
    {
      en: 'Write its rows as JSONL, or, where a server sent it instead of a file, download the file again.',
      zh: '请将其中的数据写成 JSONL；如果这是服务器返回的出错信息，请重新下载文件。',
    },
    /\.(?:jsonl?|csv|tsv|xml|svg)(?:\.gz)?$/i,
  ],
  [
    /^\s*(?:#[^\n]*\n\s*)*\[\[?[\w. -]+\]\]?\s*\n\s*[\w.-]+\s*=/,
    { en: 'a file of settings (TOML or INI)', zh: '配置文件（TOML 或 INI）' },
    asJsonl,
  ],
  [
    /^\s*\{\s*(?:"v":\s*1,\s*"key"|"settings":\s*\{|"file":"[^"]*","sha256")/,
    { en: 'what a run keeps for itself', zh: '运行自用的记录' },
    {
      en: 'Name its 4-dataset.jsonl or 3-instances.jsonl.',
      zh: '请指定其 4-dataset.jsonl 或 3-instances.jsonl。',
    },
  ],
  [
    /^\s*\{\s*"[^"]*"\s*:\s*\{[^{}]*"(?:file_name|hf_hub_url)"/,
    { en: 'a list of the data sets of LLaMA-Factory', zh: 'LLaMA-Factory 的数据集列表' },
    { en: 'Name the file that stands in it under file_name.', zh: '请指定其中 file_name 所写的文件。' },
  ],
  [
    'version https://git-lfs',
    { en: 'a pointer of Git LFS, not the file itself', zh: 'Git LFS 指针，不是文件本身' },
    pulled,
  ],
  [
    /^\s*\[\s*(?:\[|"[^\n]*\]\s*\n\s*\[)/,
    { en: 'a JSON list of lists without column names', zh: '没有列名的 JSON 嵌套列表' },
    asRecords,
    /\.jsonl?(?:\.gz)?$/i,
  ],
]

const control = /[\0-\x08\x0e-\x1a\x1c-\x1f]/ // in no text, but for the colours of a terminal
const utf16 = /^(?:\xff\xfe|\xfe\xff|[^\0]\0[^\0]\0|\0[^\0]\0[^\0])/ // of ASCII every second byte is 0

/** A Fault where a file holds no rows of ours. */
function refuseForeign(sample: Buffer, file: string): void {
  const start = sample.toString('latin1', 0, 1024)
  const found = foreigners.find(([starts, , , ending]) => {
    const begins = typeof starts === 'string' ? start.startsWith(starts) : starts.test(start)
    return begins && (ending === undefined || ending.test(file))
  })
  if (found) throw isForeign(file, found[1], found[2])
}

/** Whether a text is YAML with a field to each entry; or of texts in quotes; a plain list with bullets is text. */
function isYaml(text: string, name: string, fields: Fields): boolean {
  if (/\.ya?ml$/i.test(name)) return true
  const lines = text.split('\n', 200).filter((line) => /^\s*[^\s#]/.test(line))
  const named = lines.filter((line) => fields.has(/^\s*(?:- +)?(\w+):(?:\s|$)/.exec(line)?.[1] ?? ''))
  const entries = lines.filter((line) => /^\s*- /.test(line))
  if (lines.length > 0 && lines.every((line) => /^\s*- +(["']).*\1\s*$/.test(line))) return true
  const kinds = new Set(named.map((line) => line.split(':', 1)[0]))
  if (kinds.size > 1 && named.length === lines.length) return true
  return (named.length > 0 && entries.length > 0 && named.length >= entries.length) || /^---\r?\n/.test(text)
}

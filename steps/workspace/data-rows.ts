// Files of instruction data as the run takes them: seed tasks, lists of instructions and topics, and the rows that step 4
// merges. What cannot be taken is counted, or ends the run with a sentence.
import { closeSync, openSync, readSync } from 'node:fs'
import type { Instance } from '../text/given.ts'
import { withoutNumber } from '../text/labels-and-numbers.ts'
import { Fault, type Words } from './fault.ts'
import { type DataFile, isForeign, openData, rawRows } from './formats.ts'
import { TextWriter, breathing, faultIn, idOf, isObject, onOneLine } from './jsonl.ts'
import type { Place } from './raw-rows.ts'
import { type InstancesRow, type SeedTask, checkRow } from './records.ts'
import {
  type Parts,
  asks,
  fields,
  instancesOf,
  mended,
  noKnownColumn,
  otherNames,
  partsOf,
  whole,
} from './row-parts.ts'

/** What was left out of a file. `skipsBad`: rows that cannot be read are, too (`--skip-bad-rows`). */
export class Omissions {
  unanswered = 0
  turns = 0
  bad = 0
  readonly skipsBad: boolean

  constructor(skipsBad = false) {
    this.skipsBad = skipsBad
  }

  get any(): boolean {
    return this.unanswered + this.turns + this.bad > 0
  }
}

// A file row by row

/** The rows that can be read, in their order. */
async function* partsIn(data: DataFile, omitted: Omissions): AsyncGenerator<{ parts: Parts; place: Place }> {
  const breathe = breathing()
  let isFirst = true
  for await (const { place, value, broken } of rawRows(data)) {
    if (isFirst && !omitted.skipsBad) refuseOtherColumns(data.file, value)
    isFirst = false
    const parts = broken ? { wrong: broken } : partsOf(value)
    if (parts === 'batch') throw isForeign(data.file, batchOutput, batchInput)
    else if (parts === 'turns') omitted.turns++
    else if ('wrong' in parts) complain(data, omitted, place, parts.wrong)
    else yield { parts, place }
    const pause = breathe()
    if (pause) await pause
  }
}

/** A Fault where nothing in a row has a name under which rows hold their instruction. */
function refuseOtherColumns(file: string, row: unknown): void {
  // What every object has, as `constructor`, is no column.
  const names = isObject(row) ? Object.keys(row).filter((name) => !(name in Object.prototype)) : []
  if (names.length > 0 && !asks(names)) throw noKnownColumn(file, names)
}

/** A bad row ends the run, or is counted as left out. */
function complain({ file }: DataFile, omitted: Omissions, place: Place, wrong: Words): void {
  if (!omitted.skipsBad) throw atPlace(file, place, wrong)
  omitted.bad++
}

function atPlace(file: string, { unit, number }: Place, wrong: Words): Fault {
  const [en, zh, measure] =
    unit === 'line' ? ['Mend or delete the line', '请修改或删除该行', '行'] : ['Mend it', '请修改它', '条']
  return faultIn(file, {
    en: ` ${unit} ${number}${wrong.en} ${en}, or leave such rows out with --skip-bad-rows.`,
    zh: ` 第 ${number} ${measure}${wrong.zh}${zh}，或用 --skip-bad-rows 跳过这样的数据。`,
  })
}

const batchOutput: Words = {
  en: 'the output of a batch: it holds answers and no questions',
  zh: '批处理的输出：只有回答，没有问题',
}
const batchInput: Words = { en: 'Name the file the batch was made from.', zh: '请指定生成该批处理的文件。' }

// Lists of instructions

/** `kind`: whether rows need an instruction alone, or are seed tasks as a whole. */
async function* instructionsIn(
  file: string,
  kind: 'seed' | 'any',
  omitted: Omissions,
): AsyncGenerator<SeedTask> {
  const data = await openData(file, fields)
  if (data.shape.kind === 'text') return yield* plainTasks(data)
  for await (const { parts, place } of partsIn(data, omitted)) {
    const { is_classification, instances } = parts
    const list = Array.isArray(instances) ? instances.map(mended) : (instances ?? undefined)
    const checked = checkRow({ instruction: whole(parts), is_classification, instances: list }, kind)
    if ('wrong' in checked) complain(data, omitted, place, checked.wrong)
    else yield checked.row
  }
}

async function* plainTasks(data: DataFile): AsyncGenerator<SeedTask> {
  for await (const { value, place } of rawRows(data)) {
    const text = String(value)
    if (text.includes('\0')) throw binary(data.file, place.number)
    if (/^\s*(?:\{|\[\s*["{[])/.test(text)) throw notPlain(data.file, place.number)
    const instruction = withoutMark(text)
    if (instruction !== '') yield { instruction }
  }
}

const headingLine =
  /^\s{0,3}[#＃]{1,6}(?:\s|$)|^\s*([-=*_])(?:\s?\1){2,}\s*$|^\s*(?:```|~~~)|^\s*<!--.*-->\s*$/
const bullet =
  /^\s*(?:[-*+–—>・]\s+|-(?=[\p{Lu}\p{Script=Han}])|[•·●○▪◦‣⁃∙➤►▶▸▹→➔➜➢➣☞☐☑✅✓✔■□◆◇❖★☆✦✧]\ufe0f?\s*|\[[ x]?\]\s+)/iu
/** Those that are no digits, and words in front of digits that only people write. */
const ordinal =
  /^\s*(?:[（(]?[一二三四五六七八九十]{1,3}[)）、](?![一二三四五六七八九十])\s*|(?:question|prompt|example|seed|no\.|q|问题)\s?\d{1,4}\s?[.:：)、]\s*|[（(]?(?:[a-h]|[ivx]{1,4})[)）]\s+|\d{4}[.)、]\s*(?!\d)|\d{1,4}(?:\t\s*|\s[-–—|]\s(?!\d))|(?:\d\ufe0f?\u20e3)+\s*)/i

/** A line of a list without its bullets and number; '' for a heading, a rule and a fence. */
function withoutMark(line: string): string {
  if (headingLine.test(line)) return ''
  const bare = line.replace(bullet, '').replace(bullet, '')
  const unnumbered = withoutNumber(bare.replace(ordinal, ''))
  return unnumbered.replace(bullet, '').trim()
}

/** The tasks of a seed file, at least one; an instruction that stands there again is one task. */
export async function readSeedTasks(file: string, omitted = new Omissions()): Promise<SeedTask[]> {
  const seeds: SeedTask[] = []
  const seen = new Set<string>()
  for await (const seed of instructionsIn(file, 'seed', omitted)) {
    if (!seed.instances && seen.has(seed.instruction)) continue
    seen.add(seed.instruction)
    seeds.push(seed)
  }
  if (seeds.length > 0) return seeds
  throw omitted.any ? nothingLeft(file, omitted) : noSeeds(file)
}

/** The instructions of any rows or lines, as in an `--avoid` file, each once; an empty file holds none. */
export async function readInstructions(file: string, omitted = new Omissions()): Promise<string[]> {
  const instructions = new Set<string>()
  for await (const { instruction } of instructionsIn(file, 'any', omitted)) instructions.add(instruction)
  if (instructions.size === 0 && omitted.any) throw nothingLeft(file, omitted)
  return [...instructions]
}

/** The topics of a `--topics` file, at least one. */
export async function readTopics(file: string, omitted = new Omissions()): Promise<string[]> {
  const topics = await readInstructions(file, omitted)
  if (topics.length > 0) return topics
  throw new Fault({
    en: `${file} holds no topic. Write at least one into it, one a line, or leave --topics out.`,
    zh: `${file} 中没有话题。请至少写入一个，每行一个，或省略 --topics。`,
  })
}

function noSeeds(file: string): Fault {
  return new Fault({
    en: `${file} holds no seed task. Write at least one instruction into it, one a line. Few good ones beat many poor ones.`,
    zh: `${file} 中没有种子任务。请至少写入一条指令，每行一条。少而精胜过多而滥。`,
  })
}

function nothingLeft(file: string, { unanswered, turns, bad }: Omissions, more = { en: '', zh: '' }): Fault {
  return new Fault({
    en: `${file} holds no row that can be taken: ${unanswered} without an answer, ${turns} of several turns, ${bad} that cannot be read. Rows with one question and one answer are needed.${more.en}`,
    zh: `${file} 中没有可用的数据：${unanswered} 条没有答案，${turns} 条是多轮对话，${bad} 条无法读取。需要一问一答的数据。${more.zh}`,
  })
}

function notPlain(file: string, number: number): Fault {
  return new Fault({
    en: `${file} line ${number} looks like JSON in a file of plain text: expected either one instruction a line, or one {"instruction":"…"} a line (JSONL).`,
    zh: `${file} 第 ${number} 行像是 JSON，而这是纯文本文件：应为每行一条指令，或每行一个 {"instruction":"…"}（JSONL）。`,
  })
}

function binary(file: string, number: number): Fault {
  return new Fault({
    en: `${file} line ${number} holds binary data; text with one instruction a line, or JSONL, was expected.`,
    zh: `${file} 第 ${number} 行是二进制数据；应为每行一条指令的文本，或 JSONL。`,
  })
}

// Rows with answers, for step 4

/** A row with its answers. `single`: it holds one of them, and others may hold more to the same instruction. `labelled`: it says whether its task classifies. */
type MergedRow = Omit<InstancesRow, 'id' | 'instances'> & {
  instances: Instance[]
  single: boolean
  labelled: boolean
}

/** The rows of a file with an instruction and an answer. */
export async function* readMergeRows(file: string, omitted: Omissions): AsyncGenerator<MergedRow> {
  const data = await openData(file, fields)
  if (data.shape.kind === 'text') {
    for await (const { value, place } of rawRows(data))
      if (String(value).trim() !== '') throw noAnswers(file, place)
    return
  }
  let taken = 0
  let columns: string[] = [] // of a row without an answer
  for await (const { parts, place } of partsIn(data, omitted)) {
    const row = answeredRow(parts, place)
    if (row === undefined) {
      omitted.unanswered++
      columns = parts.columns ?? []
    } else if ('wrong' in row) complain(data, omitted, place, row.wrong)
    else {
      taken++
      yield row
    }
  }
  if (taken > 0 || !omitted.any) return
  throw nothingLeft(file, omitted, otherNames(columns))
}

/** A row as step 4 takes it, or what is wrong with it; undefined where it has no answer. */
function answeredRow(parts: Parts, { unit, number }: Place): MergedRow | { wrong: Words } | undefined {
  if (parts.unfit) return { wrong: parts.unfit }
  const found = instancesOf(parts)
  if ('wrong' in found) return found
  if (found.list === undefined && parts.instruction !== undefined) return undefined
  const { is_classification = false, call } = parts
  const instruction = whole(parts)
  const at = `${unit === 'line' ? ':' : '#'}${number}`
  const labelled = parts.is_classification !== undefined
  // Most rows are a million of one kind, and their texts are looked at already.
  if (found.instance && typeof instruction === 'string' && instruction.trim() !== '')
    return {
      instruction,
      is_classification: is_classification === true,
      instances: [{ ...found.instance, at }],
      call: '',
      single: true,
      labelled,
    }
  const checked = checkRow({ instruction, is_classification, instances: found.list, call }, 'merged')
  if ('wrong' in checked) return checked
  const instances = checked.row.instances.map(({ input, output }) => ({ input, output, at }))
  return { ...checked.row, instances, single: false, labelled }
}

function noAnswers(file: string, { number }: Place): Fault {
  const what = {
    en: `plain text (line ${number} is no row): it has no answers`,
    zh: `纯文本（第 ${number} 行不是数据行），没有答案`,
  }
  const cure = {
    en: 'Give it to --seed-file, --avoid or --topics, or name a file whose rows have answers.',
    zh: '请将它用于 --seed-file、--avoid 或 --topics，或指定带有答案的文件。',
  }
  return isForeign(file, what, cure)
}

// Rows of a file that share an instruction make one candidate, wherever they stand: rules compare the instances of an
// instruction, and its second row is no rival of its first. What must wait for its first row waits on disk: memory grows
// with the instructions and the number of rows, not with their text.

/** The candidates of a file, in the order of their first rows. `spool`: a file for the rows that wait. */
export async function* groupedRows(
  file: string,
  spool: string,
  omitted: Omissions,
): AsyncGenerator<MergedRow & { id: string }> {
  const later = new LaterRows(spool)
  try {
    await later.gather(readMergeRows(file, new Omissions(omitted.skipsBad)))
    for await (const row of readMergeRows(file, omitted)) {
      const id = idOf(row.instruction)
      const others = row.single ? later.of(id) : []
      if (others) yield { id, ...row, instances: [...row.instances, ...others] }
    }
  } finally {
    await later.discard()
  }
}

class LaterRows {
  private readonly spool: TextWriter
  /** Where on disk the rows of an instruction lie: the place in bytes and the length of each, one after the other; [] once given out. */
  private readonly rows = new Map<number, number[]>()
  private end = 0
  private opened: number | undefined

  constructor(spool: string) {
    this.spool = new TextWriter(spool)
  }

  /** Takes down every row whose instruction stood in an earlier one. */
  async gather(rows: AsyncIterable<MergedRow>): Promise<void> {
    const seen = new Set<number>()
    for await (const { instruction, instances, single } of rows) {
      if (!single) continue // a whole candidate of its own
      const key = keyOf(idOf(instruction))
      if (!seen.has(key)) seen.add(key)
      else for (const instance of instances) await this.put(key, instance)
    }
    await this.spool.close()
  }

  private put(key: number, instance: Instance): Promise<void> {
    const line = `${onOneLine(instance)}\n`
    const length = Buffer.byteLength(line)
    const lying = this.rows.get(key)
    if (lying) lying.push(this.end, length)
    else this.rows.set(key, [this.end, length])
    this.end += length
    return this.spool.addText(line)
  }

  /** The later instances of the instruction of a first row; undefined where they were given out with it before. */
  of(id: string): Instance[] | undefined {
    const key = keyOf(id)
    const lying = this.rows.get(key)
    if (!lying) return []
    if (lying.length === 0) return undefined
    this.rows.set(key, [])
    const spool = (this.opened ??= openSync(this.spool.file, 'r'))
    const instances: Instance[] = []
    for (let place = 0; place < lying.length; place += 2) {
      const bytes = Buffer.alloc(lying[place + 1] ?? 0)
      readSync(spool, bytes, 0, bytes.length, lying[place] ?? 0) // a promise would take ten times as long
      instances.push(JSON.parse(bytes.toString()) as Instance)
    }
    return instances
  }

  async discard(): Promise<void> {
    if (this.opened !== undefined) closeSync(this.opened)
    await this.spool.discard()
  }
}

/** The 48 bits of an id as a number, which takes less room. */
function keyOf(id: string): number {
  return Number.parseInt(id, 16)
}

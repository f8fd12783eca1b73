// The data set in the formats of other tools (`--export`), written beside it after step 4, row by row.
import { createHash } from 'node:crypto'
import { rmdir } from 'node:fs/promises'
import path from 'node:path'
import type { Language } from '../text/language.ts'
import { type Source, datasetCard } from './dataset-card.ts'
import { type Folder, exists } from './folder.ts'
import { jsonLine } from './jsonl.ts'
import { type ExportName, exportNames } from './options.ts'
import { type ExampleRow, readRows } from './records.ts'
import { type Replacement, checksumOf } from './replacement.ts'

/** `fewest`: the least number of examples the format's reader takes. `edited`: where files edited by hand were kept. */
export type Exported = {
  name: ExportName
  /** Every file of it, and what there is to open: the folder, where there is one. */
  files: string[]
  shown: string[]
  /** Of the train part. */
  rows: number
  fewest: number
  edited: string[]
  /** The lines that its reader wants in a config. */
  config: string[]
}
/** An export of an earlier data set that was taken away, and where its hand-edited version was kept. */
type Retired = { path: string; edited: string | undefined }

type Part = 'train' | 'test'
/** A file of an export: with the rows of a part of the data set, or with a text about them. */
type Output = { file: string } & (
  | { part: Part; write: Write }
  | { part?: undefined; text: (source: Source, language: Language, hasTest: boolean) => string }
)
/** `folder`: the outputs are files in a folder of this ending; else they lie beside the data set. */
type Format = { folder?: string; fewest?: number; outputs: readonly Output[] }

const parts = (train: string, test: string, write: Write): Output[] => [
  { file: train, part: 'train', write },
  { file: test, part: 'test', write },
]

const formats: Record<ExportName, Format> = {
  alpaca: { outputs: parts('alpaca.json', 'alpaca.test.json', asList) },
  openai: {
    fewest: 10, // https://platform.openai.com/docs/guides/supervised-fine-tuning
    outputs: parts('openai.jsonl', 'openai.test.jsonl', asLines(asChat)),
  },
  // https://huggingface.co/docs/trl/dataset_formats: of prompt and completion the prompt is masked, of messages it is not
  trl: { folder: 'trl', outputs: parts('train.jsonl', 'test.jsonl', asLines(asPrompt)) },
  // https://github.com/hiyouga/LLaMA-Factory/blob/main/data/README.md
  llamafactory: {
    folder: 'llamafactory',
    outputs: [
      { file: 'train.json', part: 'train', write: asList },
      { file: 'train.messages.jsonl', part: 'train', write: asLines(asChat) },
      { file: 'test.json', part: 'test', write: asList },
      { file: 'dataset_info.json', text: (_source, _language, hasTest) => datasetInfo(hasTest) },
    ],
  },
  huggingface: {
    folder: 'huggingface',
    outputs: [
      ...parts(
        'train.jsonl',
        'test.jsonl',
        asLines((row) => row),
      ),
      { file: 'README.md', text: datasetCard },
    ],
  },
  parquet: { outputs: parts('parquet', 'test.parquet', asParquet) },
}

/** Writes the data set in each format, beside it and under its name with another ending. */
export async function exportDataset(
  folder: Folder,
  names: readonly ExportName[],
  source: Source,
  language: Language,
): Promise<Exported[]> {
  const from = await checksumOf(folder.dataset)
  const isTest = await testSplit(folder, source.settings)
  const exported: Exported[] = []
  for (const name of names) {
    const format = formats[name]
    const { fewest = 0 } = format
    const done: Exported = { name, files: [], shown: [], rows: 0, fewest, edited: [], config: [] }
    for (const output of format.outputs) {
      if (output.part === 'test' && !isTest) continue
      const file = folder.replaceExport(placeOf(folder, format, output))
      if (!output.part) await file.addText(output.text(source, language, isTest !== undefined))
      else {
        const rows = await output.write(rowsOf(folder, output.part, isTest), file)
        if (output.part === 'train') done.rows = rows
      }
      done.edited.push(...[await file.commit(from)].filter((kept) => kept !== undefined))
      done.files.push(file.target)
    }
    const place = format.folder && folderOf(folder, format.folder)
    done.shown = place ? [place] : done.files
    if (place && name === 'llamafactory') done.config = trainingConfig(place, isTest !== undefined)
    exported.push(done)
  }
  return exported
}

/** Takes away what earlier exports left that does not fit the data set, or the split, of now. */
export async function retireExports(folder: Folder, exported: readonly Exported[]): Promise<Retired[]> {
  const checksum = (await checksumOf(folder.dataset)) ?? ''
  const written = new Set(exported.flatMap(({ files }) => files))
  const retired: Retired[] = []
  for (const name of exportNames) {
    const format = formats[name]
    const isAnew = exported.some((done) => done.name === name)
    for (const output of format.outputs) {
      const target = placeOf(folder, format, output)
      const fits = folder.madeFrom(target, checksum)
      if (written.has(target) || fits === undefined || (fits && !isAnew) || !(await exists(target))) continue
      retired.push({ path: target, edited: await folder.replaceExport(target).retire() })
    }
    // What others put into the folder keeps it there.
    if (format.folder && !isAnew) await rmdir(folderOf(folder, format.folder)).catch(() => undefined)
  }
  return retired
}

function stemOf(folder: Folder): string {
  return folder.dataset.replace(/\.jsonl?$/i, '')
}

function folderOf(folder: Folder, name: string): string {
  return `${stemOf(folder)}.${name}`
}

function placeOf(folder: Folder, format: Format, { file }: Output): string {
  return format.folder ? path.join(folderOf(folder, format.folder), file) : `${stemOf(folder)}.${file}`
}

// The split

type IsTest = (instruction: string) => boolean

/** Which instructions go into the test part; undefined where there is none, or where one part would be empty. */
async function testSplit(folder: Folder, { split, seed }: Source['settings']): Promise<IsTest | undefined> {
  if (split === undefined) return undefined
  // A place for each instruction, drawn by the seed: rows of one instruction are never on both sides.
  const placeIn = (instruction: string): number =>
    createHash('sha256').update(`${seed} ${instruction}`).digest().readUIntBE(0, 6)
  const places = new Set<number>()
  for await (const { instruction } of readRows(folder.dataset, 'example')) places.add(placeIn(instruction))
  if (places.size < 2) return undefined
  const count = Math.min(Math.max(1, Math.round(split * places.size)), places.size - 1)
  const last = Float64Array.from(places).toSorted()[count - 1] ?? 0
  return (instruction) => placeIn(instruction) <= last
}

async function* rowsOf(folder: Folder, part: Part, isTest: IsTest | undefined): AsyncGenerator<ExampleRow> {
  for await (const row of readRows(folder.dataset, 'example'))
    if (!isTest || isTest(row.instruction) === (part === 'test')) yield row
}

// The ways to write rows; each says how many they were

type Write = (rows: AsyncIterable<ExampleRow>, file: Replacement) => Promise<number>

async function asList(rows: AsyncIterable<ExampleRow>, file: Replacement): Promise<number> {
  let count = 0
  for await (const row of rows) await file.addText((count++ === 0 ? '[\n' : ',\n') + jsonLine(row))
  await file.addText('\n]\n')
  return count
}

function asLines(spell: (row: ExampleRow) => object): Write {
  return async (rows, file) => {
    let count = 0
    for await (const row of rows) {
      await file.add(spell(row))
      count++
    }
    return count
  }
}

// A row group of parquet is held in memory until it is full.
const perGroup = 10_000 // rows
const charactersPerGroup = 1 << 25

/** Three columns of text, whatever the texts look like. The writer is loaded only here. */
async function asParquet(rows: AsyncIterable<ExampleRow>, file: Replacement): Promise<number> {
  const { ByteWriter, ParquetWriter, schemaFromColumnData } = await import('hyparquet-writer')
  const names = ['instruction', 'input', 'output'] as const
  const columns = names.map((name) => ({ name, data: [] as string[], nullable: false }))
  const typed = columns.map((column) => ({ ...column, type: 'STRING' as const }))
  const writer = new ByteWriter()
  const parquet = new ParquetWriter({ writer, schema: schemaFromColumnData({ columnData: typed }) })
  const flush = async (): Promise<void> => {
    const bytes = Buffer.from(writer.getBytes())
    writer.index = 0
    await file.addBytes(bytes)
  }
  let [count, characters] = [0, 0]
  const writeGroup = async (): Promise<void> => {
    await parquet.write({ columnData: columns, rowGroupSize: perGroup })
    for (const { data } of columns) data.length = 0
    characters = 0
    await flush()
  }
  for await (const row of rows) {
    for (const { name, data } of columns) {
      data.push(row[name])
      characters += row[name].length
    }
    if (++count % perGroup === 0 || characters >= charactersPerGroup) await writeGroup()
  }
  if (characters > 0) await writeGroup()
  await parquet.finish()
  await flush()
  return count
}

// What a row is to a trainer of chats: the instruction and its input joined by one blank line, and the answer

type Message = { role: 'user' | 'assistant'; content: string }

function turnsOf({ instruction, input, output }: ExampleRow): [question: Message, answer: Message] {
  const content = input === '' ? instruction : `${instruction}\n\n${input}`
  return [
    { role: 'user', content },
    { role: 'assistant', content: output },
  ]
}

function asChat(row: ExampleRow): object {
  return { messages: turnsOf(row) }
}

function asPrompt(row: ExampleRow): object {
  const [question, answer] = turnsOf(row)
  return { prompt: [question], completion: [answer] }
}

// LLaMA-Factory opens this file in the encoding of the system: it must be ASCII. The columns of Alpaca are its defaults.
function datasetInfo(hasTest: boolean): string {
  const info = {
    self_instruct: { file_name: 'train.json' },
    ...(hasTest ? { self_instruct_test: { file_name: 'test.json' } } : {}),
    self_instruct_messages: {
      file_name: 'train.messages.jsonl',
      formatting: 'sharegpt',
      columns: { messages: 'messages' },
      tags: {
        role_tag: 'role',
        content_tag: 'content',
        user_tag: 'user',
        assistant_tag: 'assistant',
        system_tag: 'system',
      },
    },
  }
  return `${JSON.stringify(info, null, 2)}\n`
}

/** The lines that name the data set in a training config, which is YAML; JSON's quotes hold there. */
function trainingConfig(folder: string, hasTest: boolean): string[] {
  return [
    `dataset_dir: ${JSON.stringify(path.resolve(folder))}`,
    'dataset: self_instruct',
    'template: default',
    hasTest ? 'eval_dataset: self_instruct_test' : 'val_size: 0.1',
  ]
}

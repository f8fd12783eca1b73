// The data set in the formats of other tools (`--export`), written beside it after step 4, row by row.
import path from 'node:path'
import type { Language } from '../text/language.ts'
import { datasetCard, type Source } from './dataset-card.ts'
import { datasetCardFile, type Folder } from './folder.ts'
import { jsonLine } from './json.ts'
import type { ExportName } from './options.ts'
import type { ExampleRow } from './records.ts'
import { readRows } from './rows.ts'

/** Fine-tuning at OpenAI takes no fewer: https://platform.openai.com/docs/guides/supervised-fine-tuning */
const fewestForOpenai = 10

/** `fewest`: examples the format's reader wants at least. `edited`: where a file edited by hand was kept. */
export type Exported = { path: string; fewest: number } & Written
type Written = { rows: number; edited?: string | undefined }

/** Writes the data set in each format, under its own name with another ending. */
export async function exportDataset(
  folder: Folder,
  names: readonly ExportName[],
  source: Source,
  language: Language,
): Promise<Exported[]> {
  const stem = folder.dataset.replace(/\.jsonl?$/i, '')
  const exported: Exported[] = []
  for (const name of names) {
    const target = `${stem}.${ending[name]}`
    const written = await writers[name](folder, target, source, language)
    exported.push({ path: target, ...written, fewest: name === 'openai' ? fewestForOpenai : 0 })
  }
  return exported
}

const ending: Record<ExportName, string> = {
  alpaca: 'alpaca.json',
  openai: 'openai.jsonl',
  huggingface: 'huggingface',
}

type Writer = (folder: Folder, target: string, source: Source, language: Language) => Promise<Written>

const writers: Record<ExportName, Writer> = {
  alpaca: (folder, target) => write(folder, target, list, (row) => row),
  openai: (folder, target) => write(folder, target, lines, asChat),
  async huggingface(folder, target, source, language) {
    const { rows } = await write(folder, path.join(target, 'train.jsonl'), lines, (row) => row)
    const card = folder.replace(path.join(target, datasetCardFile))
    await card.addText(datasetCard(source, language))
    return { rows, edited: await card.commit() }
  },
}

type Layout = { open: string; between: string; close: string }
const list: Layout = { open: '[\n', between: ',\n', close: '\n]\n' }
const lines: Layout = { open: '', between: '\n', close: '\n' }

async function write(
  folder: Folder,
  target: string,
  { open, between, close }: Layout,
  spell: (row: ExampleRow) => object,
): Promise<Written> {
  const file = folder.replace(target)
  let rows = 0
  for await (const row of readRows(folder.dataset, 'example')) {
    await file.addText(rows === 0 ? open : between)
    await file.addText(jsonLine(spell(row)))
    rows++
  }
  await file.addText(rows > 0 ? close : open.trim() + close.trimStart())
  await file.commit()
  return { rows }
}

/** One example of a chat: the user asks, the assistant answers. */
function asChat({ instruction, input, output }: ExampleRow): object {
  const user = input === '' ? instruction : `${instruction}\n\n${input}`
  return {
    messages: [
      { role: 'user', content: user },
      { role: 'assistant', content: output },
    ],
  }
}

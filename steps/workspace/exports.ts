// The data set in the formats of other tools (`--export`), written beside it after step 4, row by row.
import path from 'node:path'
import type { Language } from '../text/language.ts'
import { type Folder, type Step, datasetCardFile, steps } from './folder.ts'
import { jsonLine } from './jsonl.ts'
import type { ExportName } from './options.ts'
import { type ExampleRow, type RunRecord, readRows } from './records.ts'
import type { Settings } from './settings.ts'

/** `fewest`: the least number of examples the format's reader takes. `edited`: where a file edited by hand was kept. */
export type Exported = { path: string; fewest: number } & Written
type Written = { rows: number; edited?: string | undefined }

/** What the dataset card tells about. */
type Source = { settings: Settings; record: RunRecord }

type Format = {
  ending: string
  fewest?: number
  write: (folder: Folder, target: string, source: Source, language: Language) => Promise<Written>
}

const formats: Record<ExportName, Format> = {
  alpaca: {
    ending: 'alpaca.json',
    write: (folder, target) => write(folder, target, list, (row) => row),
  },
  openai: {
    ending: 'openai.jsonl',
    fewest: 10, // https://platform.openai.com/docs/guides/supervised-fine-tuning
    write: (folder, target) => write(folder, target, lines, asChat),
  },
  huggingface: {
    ending: 'huggingface',
    async write(folder, target, source, language) {
      const { rows } = await write(folder, path.join(target, 'train.jsonl'), lines, (row) => row)
      const card = folder.replace(path.join(target, datasetCardFile))
      await card.addText(datasetCard(source, language))
      return { rows, edited: await card.commit() }
    },
  },
}

/** Writes the data set in each format, beside it and under its name with another ending. */
export async function exportDataset(
  folder: Folder,
  names: readonly ExportName[],
  source: Source,
  language: Language,
): Promise<Exported[]> {
  const stem = folder.dataset.replace(/\.jsonl?$/i, '')
  const exported: Exported[] = []
  for (const name of names) {
    const { ending, fewest = 0, write } = formats[name]
    const target = `${stem}.${ending}`
    exported.push({ path: target, fewest, ...(await write(folder, target, source, language)) })
  }
  return exported
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
    await file.addText((rows++ === 0 ? open : between) + jsonLine(spell(row)))
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

/**
 * The dataset card of the Hugging Face export: YAML front matter that the Hub reads, and a page that says where the rows
 * come from. It names no folder and no address of the person who made it.
 */
function datasetCard({ settings, record }: Source, language: Language): string {
  const { rows = 0, kept = 0 } = record.funnel
  const words = vocabularies[language]
  const models = steps.flatMap((step) => (record.cost[step] ? [{ step, ...record.cost[step] }] : []))
  const offline = models.some(({ provider }) => provider === 'offline')
  return `${frontMatter(rows, language, offline)}
# ${words.title}

${words.about(rows, kept)}
${offline ? `\n> **${words.offline}**\n` : ''}
## ${words.models}

| ${words.step} | ${words.provider} | ${words.model} |
| --- | --- | --- |
${models.map(({ step, provider, model }) => `| ${words.steps[step]} | ${cell(provider)} | ${cell(model)} |`).join('\n')}
${settings.merge.length > 0 ? `\n${words.merged}\n` : ''}
## ${words.settings}

| | |
| --- | --- |
${settingsShown(settings)
  .map(([name, value]) => `| \`${name}\` | ${cell(value)} |`)
  .join('\n')}

## ${words.counts}

| | |
| --- | --- |
${countsShown(record)
  .map(([name, value]) => `| ${name} | ${value} |`)
  .join('\n')}

## ${words.licence}

${offline ? words.licenceOffline : words.licenceModel}
`
}

// https://github.com/huggingface/hub-docs/blob/main/datasetcard.md
function frontMatter(rows: number, language: Language, offline: boolean): string {
  return `---
pretty_name: Self-Instruct workshop
language:
  - ${language}
license: unknown
task_categories:
  - text-generation
tags:
  - instruction-tuning
  - self-instruct
  - synthetic${offline ? '\n  - not-for-training' : ''}
size_categories:
  - ${sizeCategory(rows)}
configs:
  - config_name: default
    data_files:
      - split: train
        path: train.jsonl
---`
}

function sizeCategory(rows: number): string {
  if (rows < 1000) return 'n<1K'
  if (rows < 10_000) return '1K<n<10K'
  if (rows < 100_000) return '10K<n<100K'
  return rows < 1_000_000 ? '100K<n<1M' : '1M<n<10M'
}

function settingsShown(settings: Settings): [string, string][] {
  const { seedFile, topics = '', avoid, merge } = settings
  const named = (files: readonly string[]): string => files.map((file) => path.basename(file)).join(', ')
  const shown: [string, string][] = [
    ['seed-file', named([seedFile])],
    ['num-instructions', Number.isFinite(settings.target) ? String(settings.target) : 'all'],
    ['temperature', String(settings.temperature)],
    ['max-tokens', String(settings.maxTokens)],
    ['similarity', String(settings.similarity)],
    ['seed', String(settings.seed)],
    ['topics', named([topics])],
    ['avoid', named(avoid)],
    ['merge', named(merge)],
    ['judge', settings.judge ? 'yes' : ''],
  ]
  return shown.filter(([, value]) => value !== '')
}

function countsShown({ funnel, rejected, judge }: RunRecord): [string, number | string][] {
  const counts = Object.entries(funnel)
  const reasons = steps.flatMap((step) =>
    Object.entries(rejected[step] ?? {}).map(([reason, count]): [string, number] => [
      `${step}: \`${reason}\``,
      count,
    ]),
  )
  const verdicts = Object.entries(judge ?? {}).map(([name, value]): [string, string] => [
    `judge: \`${name}\``,
    name === 'rows' ? String(value) : `${(value * 100).toFixed(1)} %`,
  ])
  return [...counts, ...reasons, ...verdicts]
}

// A model's name is free text: nothing in it may end the cell or start a tag.
function cell(text: string): string {
  return text.replace(/[\s|<>`\\[\]]+/g, ' ').trim()
}

const en = {
  title: 'Instructions made by Self-Instruct',
  about: (rows: number, kept: number) =>
    `${rows} rows from ${kept} distinct instructions: \`instruction\`, \`input\` (often empty), \`output\`. They were made in four steps (instructions, classification, instances, filter) after [Self-Instruct](https://arxiv.org/abs/2212.10560), starting from a few seed tasks written by people. No person has checked them one by one; of the paper's own rows 46 % had some fault.`,
  offline:
    'Made with the offline stand-in of the workshop, which is not a model: it draws from tasks written for the lesson, some of them faulty on purpose. These rows say nothing about any model. Do not train on them, and do not publish them as model output.',
  models: 'Source models',
  merged: 'Some rows come from other runs (`merge` below), made by models not named here.',
  step: 'Step',
  provider: 'Provider',
  model: 'Model',
  steps: {
    generate: 'Instructions',
    classify: 'Classification',
    instances: 'Instances',
    filter: 'Judge',
  } satisfies Record<Step, string>,
  settings: 'Settings',
  counts: 'Counts',
  licence: 'Licence',
  licenceModel:
    'None is stated (`license: unknown`), because it is not the workshop that can grant one. What may be done with these rows depends on the terms of the models named above (some providers do not allow their output to train competing models) and on the licence of the seed tasks. Read both, then state a licence here before you share the data.',
  licenceOffline:
    'None is stated (`license: unknown`). The texts belong to the workshop and come under its own licence.',
}

const zh: typeof en = {
  title: '用 Self-Instruct 生成的指令数据',
  about: (rows, kept) =>
    `共 ${rows} 行数据，来自 ${kept} 条不同的指令，字段为 \`instruction\`、\`input\`（常为空）、\`output\`。数据按 [Self-Instruct](https://arxiv.org/abs/2212.10560) 的四个步骤（生成指令、判断分类任务、生成实例、过滤）生成，起点是少量人工编写的种子任务。没有人逐条检查过；论文自己的数据中有 46 % 存在某种问题。`,
  offline:
    '由工作坊的离线替身生成；它不是模型，只是从为课堂编写的任务中抽取，其中一些是故意写错的。这些数据不能说明任何模型的水平。请不要用来训练，也不要当作模型的输出发布。',
  models: '来源模型',
  merged: '部分数据来自其他运行（见下方 `merge`），其模型未在此列出。',
  step: '步骤',
  provider: '服务商',
  model: '模型',
  steps: { generate: '生成指令', classify: '判断分类任务', instances: '生成实例', filter: '评审' },
  settings: '设置',
  counts: '数目',
  licence: '许可',
  licenceModel:
    '这里没有写明许可（`license: unknown`），因为工作坊无权授予。这些数据可以怎样使用，取决于上述模型的服务条款（有些服务商不允许用其输出训练竞争模型）以及种子任务的许可。请先阅读两者，在此写明许可之后再分享数据。',
  licenceOffline: '这里没有写明许可（`license: unknown`）。文字属于工作坊，适用工作坊自己的许可。',
}

const vocabularies: Record<Language, typeof en> = { en, zh }

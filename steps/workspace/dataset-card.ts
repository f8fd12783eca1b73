// The dataset card of the Hugging Face export, which the Hub shows.
import path from 'node:path'
import type { Language } from '../text/language.ts'
import { type Step, steps } from './folder.ts'
import { type Contribution, type RunRecord, isSampled, makersOf } from './records.ts'
import type { Settings } from './settings.ts'

/** What the dataset card tells about. */
export type Source = { settings: Settings; record: RunRecord }

/**
 * The dataset card of the Hugging Face export: YAML front matter that the Hub reads, and a page that says where the rows
 * come from. It names no folder and no address of the person who made it.
 */
export function datasetCard({ settings, record }: Source, language: Language): string {
  const { kept = 0 } = record.funnel
  const words = vocabularies[language]
  const own = steps.flatMap((step) =>
    record.cost[step] ? [{ step: words.steps[step], ...record.cost[step] }] : [],
  )
  const { merged = [] } = record
  const models = [...own, ...mergedModels(merged, words.mergedFrom)]
  const offline = makersOf(record).some(({ provider }) => provider === 'offline')
  // https://github.com/huggingface/hub-docs/blob/main/datasetcard.md. The front matter counts no rows and names no files:
  // `datasets` finds train.jsonl and test.jsonl by their names, and with a `configs:` block it would give the rows of an
  // earlier export.
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
---
# ${words.title}

${words.about(kept)}
${offline ? `\n> **${words.offline}**\n` : ''}
## ${words.models}

${table(
  [words.step, words.provider, words.model],
  models.map(({ step, provider, model }) => [step, provider, model].map(cell)),
)}
${merged.some(({ made_by }) => made_by.length === 0) ? `\n${words.merged}\n` : ''}
## ${words.settings}

${table(
  ['', ''],
  settingsShown(settings, isSampled(record)).map(([name, value]) => [`\`${name}\``, cell(value)]),
)}

## ${words.counts}

${table(['', ''], countsShown(record))}

## ${words.licence}

${offline ? words.licenceOffline : words.licenceModel}
`
}

/** The models of merged rows, each once with those who brought them. */
function mergedModels(merged: readonly Contribution[], from: (names: string) => string) {
  const brought = new Map<string, { provider: string; model: string; names: string[] }>()
  for (const { name, made_by } of merged)
    for (const maker of made_by) {
      const key = `${maker.provider} ${maker.model}`
      const known = brought.get(key) ?? { ...maker, names: [] }
      brought.set(key, { ...known, names: [...known.names, name] })
    }
  return [...brought.values()].map(({ names, ...maker }) => ({ step: from(names.join(', ')), ...maker }))
}

function table(heads: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]): string =>
    `|${cells.map((text) => (text === '' ? ' |' : ` ${text} |`)).join('')}`
  return [heads, heads.map(() => '---'), ...rows].map(line).join('\n')
}

function settingsShown(settings: Settings, sampled: boolean): [string, string][] {
  const { seedFile, topics = '', avoid, merge, split } = settings
  const named = (files: readonly string[]): string => files.map((file) => path.basename(file)).join(', ')
  const shown: [string, string][] = [
    ['seed-file', named([seedFile])],
    ['num-instructions', Number.isFinite(settings.target) ? String(settings.target) : 'all'],
    ['temperature', sampled ? String(settings.temperature) : ''],
    ['max-tokens', sampled ? String(settings.maxTokens) : ''],
    ['similarity', String(settings.similarity)],
    ['seed', String(settings.seed)],
    ['topics', named([topics])],
    ['avoid', named(avoid)],
    ['merge', named(merge)],
    ['judge', settings.judge ? 'yes' : ''],
    ['split', split === undefined ? '' : String(split)],
  ]
  return shown.filter(([, value]) => value !== '')
}

function countsShown({ funnel, rejected, judge }: RunRecord): [string, number | string][] {
  const counts = Object.entries(funnel).filter(([name]) => name !== 'rows')
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
  about: (kept: number) =>
    `Rows from ${kept} distinct instructions: \`instruction\`, \`input\` (often empty), \`output\`. They were made in four steps (instructions, classification, instances, filter) after [Self-Instruct](https://arxiv.org/abs/2212.10560), starting from a few seed tasks written by people. No person has checked them one by one; of the paper's own rows 46 % had some fault.`,
  offline:
    'Made, wholly or in part, with the offline stand-in of the workshop, which is not a model: it draws from tasks written for the lesson, some of them faulty on purpose. These rows say nothing about any model. Do not train on them, and do not publish them as model output.',
  models: 'Source models',
  merged: 'Some rows come from other files (`merge` below), made by models or people not named here.',
  mergedFrom: (names: string) => `merged: ${names}`,
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
  about: (kept) =>
    `数据来自 ${kept} 条不同的指令，字段为 \`instruction\`、\`input\`（常为空）、\`output\`。数据按 [Self-Instruct](https://arxiv.org/abs/2212.10560) 的四个步骤（生成指令、判断分类任务、生成实例、过滤）生成，起点是少量人工编写的种子任务。没有人逐条检查过；论文自己的数据中有 46 % 存在某种问题。`,
  offline:
    '全部或部分由工作坊的离线替身生成；它不是模型，只是从为课堂编写的任务中抽取，其中一些是故意写错的。这些数据不能说明任何模型的水平。请不要用来训练，也不要当作模型的输出发布。',
  models: '来源模型',
  merged: '部分数据来自其他文件（见下方 `merge`），出自哪个模型或什么人，这里并不知道。',
  mergedFrom: (names) => `合并：${names}`,
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

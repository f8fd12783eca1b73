// The shape of one row of every file. Unknown fields are ignored; a wrong `id` or `call` is corrected.
import path from 'node:path'
import * as v from 'valibot'
import { saysNothing } from '../text/leftovers.ts'
import { type Fault, type Words, shorten } from './fault.ts'
import { type Folder, type Step, exists, handOffs, recordFile, rejectedFile, steps } from './folder.ts'
import {
  breathing,
  faultIn,
  field,
  idOf,
  isObject,
  jsonIn,
  jsonLine,
  notJson,
  readLines,
  textOf,
} from './jsonl.ts'

const text = v.string()
const number = v.pipe(v.number(), v.finite())
const instruction = v.pipe(
  text,
  v.check((words) => words.trim() !== ''),
)
const call = v.fallback(text, '')
/** "No input" in any spelling is none, in replies and files alike. */
const input = v.pipe(
  text,
  v.transform((words) => (saysNothing(words) ? '' : words)),
)
const instance = v.object({ input, output: text })
const mostSimilar = v.fallback(v.optional(v.object({ instruction: text, score: number })), undefined)

const stepName = v.picklist(steps)
const noList = v.check((value: unknown) => !Array.isArray(value))
const counts = v.pipe(v.unknown(), noList, v.record(text, number))
const stepCost = v.object({
  provider: text,
  model: text,
  calls: number,
  prompt_tokens: number,
  cached_tokens: number,
  completion_tokens: number,
  dollars: v.nullable(number), // null: price not known
  /** Those of the tokens that a batch answered, at half price. */
  batch: v.optional(v.object({ prompt_tokens: number, cached_tokens: number, completion_tokens: number })),
})
/** Shares of the rows judged for which the answer to each quality question was yes, 0 to 1. */
const judgement = v.object({
  rows: number,
  instruction_valid: number,
  input_appropriate: number,
  output_correct: number,
  all: number,
})
/** Who gave what to a merged data set. `shared`: of its instructions in the set, those that others had too. */
const contribution = v.object({
  name: text,
  instructions: number,
  rows: number,
  shared: number,
  duplicates: number,
  made_by: v.array(v.object({ provider: text, model: text })),
  funnel: v.optional(counts), // of its own run, where that is known
})
const none = () => ({})
const runParts = v.object({
  settings: v.fallback(v.record(text, v.unknown()), none),
  versions: v.fallback(v.record(text, text), none),
  funnel: v.fallback(counts, none),
  rejected: v.fallback(v.record(stepName, counts), none),
  cost: v.fallback(v.record(stepName, stepCost), none),
  judge: v.fallback(v.optional(judgement), undefined),
  merged: v.fallback(v.optional(v.array(contribution)), undefined),
  repeated: v.fallback(v.optional(counts), undefined),
})

const named = <T extends { instruction: string }>(row: T) => ({ id: idOf(row.instruction), ...row })

const answered = v.object({
  instruction,
  is_classification: v.boolean(),
  instances: v.pipe(v.array(instance), v.minLength(1)),
  call,
})

export const shapes = {
  instruction: v.pipe(v.object({ instruction, most_similar: mostSimilar, call }), v.transform(named)),
  classified: v.pipe(v.object({ instruction, is_classification: v.boolean(), call }), v.transform(named)),
  withInstances: v.pipe(answered, v.transform(named)),
  /** The same from a file that is merged; its id follows from the instruction. */
  merged: answered,
  example: v.object({ instruction: text, input: text, output: text }),
  rejected: v.object({
    step: stepName,
    reason: text,
    detail: text,
    instruction: text,
    input: v.optional(text),
    output: v.optional(text),
    call: v.optional(text),
    most_similar: mostSimilar,
  }),
  /** Any row with an instruction. */
  any: v.object({ instruction }),
  run: v.fallback(runParts, () => ({ settings: {}, versions: {}, funnel: {}, rejected: {}, cost: {} })),
  seed: v.object({
    instruction,
    is_classification: v.optional(v.boolean()),
    instances: v.optional(v.array(instance)),
  }),
  offlineTask: v.object({
    instruction,
    is_classification: v.boolean(),
    instances: v.array(instance),
    fault: v.optional(text),
    /** Which of several instances has the fault. */
    wrong: v.optional(number),
  }),
}

type Shapes = typeof shapes
export type Row<K extends keyof Shapes> = v.InferOutput<Shapes[K]>
export type ClassifiedRow = Row<'classified'>
export type InstancesRow = Row<'withInstances'>
export type ExampleRow = Row<'example'>
export type RejectedRow = Row<'rejected'>
export type SeedTask = Row<'seed'>
export type OfflineTask = Row<'offlineTask'>
export type StepCost = v.InferOutput<typeof stepCost>
export type Judgement = v.InferOutput<typeof judgement>
export type Contribution = v.InferOutput<typeof contribution>

// Reading rows: each is checked against its shape; an error names file, line, field, what was expected, and the cure

/** The shapes whose rows lie in a file of the run. */
type Filed = (typeof handOffs)[Step]['writes'] | 'rejected'

/** The rows of this shape in the folder of a run; none where their file is missing. */
export async function* rowsIn<K extends Filed>(
  folder: Folder,
  kind: K,
  wanted?: (row: unknown) => boolean,
): AsyncGenerator<Row<K>> {
  const step = steps.find((name) => handOffs[name].writes === kind)
  const file = step ? folder.output(step) : folder.path(rejectedFile)
  if (await exists(file)) yield* readRows(file, kind, wanted)
}

/**
 * Yields the rows of a JSONL file one by one; blank lines, a BOM and CRLF are fine. A bad row is a Fault. `wanted` may
 * pass over rows before their shape is checked, which takes most of the time.
 */
export async function* readRows<K extends keyof Shapes>(
  file: string,
  kind: K,
  wanted?: (row: unknown) => boolean,
): AsyncGenerator<Row<K>> {
  const breathe = breathing()
  for await (const line of readLines(file)) {
    if (line.text.trim() === '') continue
    const row = parsed(line.text, file, line.number)
    if (wanted && !wanted(row)) continue
    const checked = checkRow(row, kind)
    if ('wrong' in checked) throw atLine(file, line.number, checked.wrong)
    yield checked.row
    const pause = breathe()
    if (pause) await pause
  }
}

const stepHead = /^\{"step":"(generate|classify|instances|filter)",/ // as the workshop writes it

/** The lines of rejected.jsonl as they are, with the step of each: there may be millions, and most are only copied. */
export async function* rejectedLines(folder: Folder): AsyncGenerator<{ step: Step; text: string }> {
  const file = folder.path(rejectedFile)
  if (!(await exists(file))) return
  for await (const { text, number } of readLines(file)) {
    const step = stepHead.exec(text)?.[1] as Step | undefined
    if (step) yield { step, text }
    else if (text.trim() !== '') {
      const checked = checkRow(parsed(text, file, number), 'rejected')
      if ('wrong' in checked) throw atLine(file, number, checked.wrong)
      yield { step: checked.row.step, text: jsonLine(checked.row) }
    }
  }
}

type Checked<K extends keyof Shapes> = { row: Row<K> } | { wrong: Words }

/** A value as a row of this shape, or what is wrong with it. */
export function checkRow<K extends keyof Shapes>(value: unknown, kind: K): Checked<K> {
  const checked = v.safeParse(shapes[kind], value)
  if (checked.success) return { row: checked.output as Row<K> }
  return { wrong: badRow(shapes[kind], checked.issues[0], value) }
}

function parsed(text: string, file: string, number: number): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw atLine(file, number, notJson(text))
  }
}

function badRow(shape: Shape, issue: v.BaseIssue<unknown>, row: unknown): Words {
  const place = placeOf(issue)
  const expected = issue.kind === 'validation' ? broken(issue) : expectedBy(shapeAt(shape, place))
  const got = place.reduce<unknown>((inner, key) => field(inner, String(key)), row)
  return wrongField(place.join('.'), expected, got)
}

/** That a field holds something else than expected; the row itself where the field has no name. */
export function wrongField(name: string, expected: Words, value: unknown): Words {
  const got = kindOf(value)
  return {
    en: `${name && `, field "${name}"`}: expected ${expected.en}, got ${got.en}.`,
    zh: `${name && `，字段 "${name}"`}：应为${expected.zh}，实际为${got.zh}。`,
  }
}

/** The field that is wrong. Where a list stands in place of a row, the list is wrong, not the field it lacks. */
function placeOf({ path }: v.BaseIssue<unknown>): PropertyKey[] {
  const keys = path?.map((item) => item.key as PropertyKey) ?? []
  return Array.isArray(path?.at(-1)?.input) && typeof keys.at(-1) === 'string' ? keys.slice(0, -1) : keys
}

function atLine(file: string, number: number, what: Words): Fault {
  return faultIn(file, {
    en: ` line ${number}${what.en} Mend or delete the line.`,
    zh: ` 第 ${number} 行${what.zh}请修改或删除该行。`,
  })
}

export const types = {
  string: { en: 'text', zh: '文本' },
  boolean: { en: 'true or false', zh: ' true 或 false' },
  number: { en: 'a number', zh: '数' },
  array: { en: 'a list', zh: '列表' },
  object: { en: 'one {"…"} row', zh: '一条 {"…"} 数据' },
  turns: { en: 'turns with "role" and "content"', zh: '带 "role" 和 "content" 的对话' },
} as const satisfies Record<string, Words>

/** The parts of a shape that a message speaks of. */
type Shape = {
  readonly type: string
  readonly entries?: Readonly<Record<string, Shape>>
  readonly item?: Shape
  readonly wrapped?: Shape
  readonly options?: readonly string[]
}

function shapeAt(shape: Shape, place: readonly PropertyKey[]): Shape | undefined {
  return place.reduce<Shape | undefined>((outer, key) => {
    const inner = outer?.wrapped ?? outer
    return inner?.item ?? inner?.entries?.[String(key)]
  }, shape)
}

function expectedBy(shape: Shape | undefined): Words {
  const { type = '', options } = shape?.wrapped ?? shape ?? {}
  if (options) return { en: `one of ${options.join(', ')}`, zh: ` ${options.join('、')} 之一` }
  return (types as Record<string, Words>)[type] ?? { en: type, zh: type }
}

function broken({ type }: v.BaseIssue<unknown>): Words {
  if (type === 'min_length') return { en: 'at least one entry', zh: '至少一项' }
  return { en: 'text that is not empty', zh: '非空文本' }
}

function kindOf(value: unknown): Words {
  if (value === undefined) return { en: 'nothing', zh: '空' }
  if (Array.isArray(value)) return { en: `a list of ${value.length}`, zh: `含 ${value.length} 项的列表` }
  if (isObject(value)) return { en: 'an object', zh: '对象' }
  const shown = typeof value === 'string' ? `"${shorten(value)}"` : String(value)
  return { en: shown, zh: ` ${shown}` }
}

/**
 * run.json: the settings of the last whole run, and what each step last came to. No clock times: the same run, the same
 * bytes.
 */
export type RunRecord = v.InferOutput<typeof runParts>

/** The record of a folder as it stands; what is missing in it, or what somebody broke, is empty. */
export async function readRunRecord({ dir }: Pick<Folder, 'dir'>): Promise<RunRecord> {
  return v.parse(shapes.run, jsonIn(await textOf(path.join(dir, recordFile))))
}

/** Whether a temperature meant anything: the stand-in and a person at a chat window know none. */
export function isSampled({ cost }: RunRecord): boolean {
  return steps.some((step) => cost[step] && !['offline', 'paste'].includes(cost[step].provider))
}

/** The models whose replies a run was made of, those of the runs merged into it too, each once. */
export function makersOf({ cost, merged = [] }: RunRecord): { provider: string; model: string }[] {
  const own = steps.flatMap((step) => cost[step] ?? [])
  const all = [...own, ...merged.flatMap(({ made_by }) => made_by)]
  const known = new Map(all.map(({ provider, model }) => [`${provider} ${model}`, { provider, model }]))
  return [...known.values()]
}

export async function writeRunRecord(folder: Folder, record: RunRecord): Promise<void> {
  const { settings, versions, funnel, rejected, cost, judge, merged, repeated } = record // in this order
  const file = folder.replace(recordFile)
  const parts = { settings, versions, funnel, rejected, cost, judge, merged, repeated }
  await file.addText(`${JSON.stringify(parts, null, 2)}\n`)
  await file.commit()
}

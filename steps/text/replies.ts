// Reads model replies into what each step asked for: as JSON, as repaired JSON, as labelled or numbered text, in this
// order. Every piece is checked on its own; what does not fit is left out, and undefined means that no reading fits.
import type { Instance } from './given.ts'
import {
  type Entry,
  type JsonList,
  fieldsOf,
  isObject,
  numberOf,
  plainKey,
  readJsonList,
  unfenced,
  withoutThoughts,
} from './json-in-text.ts'
import { isDoubtful, scalarText, shownText, structureText } from './json-scan.ts'
import {
  type Dropped,
  isLabelled,
  preambleOf,
  readLabelled,
  readList,
  readMark,
} from './labels-and-numbers.ts'
import { ended, taskIn, withoutNextExample, withoutNoInput } from './leftovers.ts'

const TASK_LISTS =
  'tasks newtasks tasklist instructions newinstructions questions prompts 任务 指令 新任务 任务列表'.split(
    ' ',
  )
// The best name first: the others may stand beside it for something else.
const TASK_KEYS = 'instruction task question prompt text 指令 任务 问题 题目'.split(' ')
const PLACEHOLDER = /^(?:…|\.{3})?$/

/** New tasks of step 1. A reply cut short keeps its whole tasks. */
export function readTasks(reply: string, cut: boolean): { tasks: string[]; dropped: Dropped[] } | undefined {
  const { body, unclosed } = withoutThoughts(reply)
  const list = readJsonList(body, TASK_LISTS, (entry) => taskOf(entry) !== undefined, cut || unclosed)
  if (list) return sortTasks(list, taskOf)
  const text = unfenced(ended(body), (text) => readList(text).length > 0)
  const entries = readList(text).map((value) => ({ value }))
  if (entries.length === 0 || REFUSAL.test(preambleOf(text))) return undefined
  const whole = cut || unclosed ? entries.slice(0, -1) : entries
  const partial = whole.length < entries.length ? entries.at(-1)?.value : undefined
  return sortTasks(partial === undefined ? { entries } : { entries: whole, partial }, taskOfLine)
}

// A list inside a refusal gives reasons, not tasks.
const REFUSAL = /\b(?:sorry|cannot|can't|can’t|unable|as an ai)\b|抱歉|对不起|无法|不能/i

function sortTasks(list: JsonList, read: (entry: Entry) => string | undefined) {
  const tasks = list.entries.map(read)
  const odd = list.entries.filter((_, index) => tasks[index] === undefined)
  return {
    tasks: tasks.filter((task) => task !== undefined),
    dropped: [
      ...odd.map(({ value }) => dropped(shown(value), 'not_a_row')),
      ...(list.partial === undefined ? [] : [dropped(list.partial, 'cut')]),
    ],
  }
}

function taskOf({ value }: Entry): string | undefined {
  const text = isObject(value) ? taskField(value) : textUnlessNumber(value)
  const task = taskIn(text ?? '')
  return PLACEHOLDER.test(task) ? undefined : task
}

function taskField(value: object): string | undefined {
  const texts = TASK_KEYS.flatMap((key) => fieldsOf(value, [key]).map(textUnlessNumber))
  return texts.find((text) => text !== undefined)
}

const textUnlessNumber = (value: unknown) => (numberOf(value) === undefined ? scalarText(value) : undefined)

/** A list entry up to its first empty line, or up to the next one where the first paragraph announces it by a colon. */
function taskOfLine({ value }: Entry): string | undefined {
  const [first = '', second = ''] = taskIn(scalarText(value) ?? '').split(/\n[ \t]*\n/)
  const task = (/[:：]$/.test(first) ? `${first}\n\n${second}` : first).trim()
  return PLACEHOLDER.test(task) ? undefined : task
}

const INSTANCE_LISTS = 'instances instance examples rows samples 实例 示例'.split(' ')
const INPUT_KEYS = 'input 输入'.split(' ')
const OUTPUT_KEYS = 'output classlabel 输出 类别'.split(' ')
const OTHER_INPUT_KEYS = 'question text query review 问题 文本 题目'.split(' ')
const OTHER_OUTPUT_KEYS = 'answer response label 回答 答案 标签'.split(' ')
// Said beside a row by models that say more than asked; anything else beside it may belong to the input.
const BESIDE_KEYS = `
  id index number no step instance example task instruction prompt title name type tasktype category topic domain tag tags
  explanation explain reason reasoning rationale thought thoughts analysis note notes comment comments source language
  confidence score difficulty level status isclassification 编号 序号 指令 任务 解释 说明 理由 原因 分析 备注 难度 类型 主题
`.split(/\s+/)

type Row = Instance | Dropped

/**
 * Instances of step 3. `cut`: the reply ended before its last instance did, or inside a thought. Code that no label
 * announces is an answer only where the `instruction` asks for code.
 */
export function readInstances(
  reply: string,
  cut: boolean,
  isClassification: boolean,
  instruction = '',
): { instances: Instance[]; dropped: Dropped[]; cut: boolean } | undefined {
  const { body, unclosed } = withoutThoughts(reply)
  const isWhole = !cut && !unclosed
  const text = () => unfenced(ended(body), isLabelled)
  const rows =
    readJsonRows(body, !isWhole) ??
    readTextRows(readLabelled(text(), isClassification, instruction), isWhole) ??
    (isWhole ? undefined : [dropped(body, 'cut')])
  if (!rows) return undefined
  const left = rows.filter((row) => 'why' in row)
  return {
    instances: rows.filter((row) => 'output' in row),
    dropped: left,
    cut: unclosed || left.some(({ why }) => why === 'cut'),
  }
}

function readJsonRows(body: string, cut: boolean): Row[] | undefined {
  const list = readJsonList(body, INSTANCE_LISTS, (entry) => 'output' in instanceOf(entry), cut)
  if (!list) return undefined
  const rows = list.entries.map(instanceOf)
  return list.partial === undefined ? rows : [...rows, dropped(list.partial, 'cut')]
}

// A list number with nothing behind it: the reply broke off there, whatever the server said.
const DANGLING_NUMBER = /\n\s*\d{1,3}[.)、]\s*$/

function readTextRows(rows: Row[] | undefined, isWhole: boolean): Row[] | undefined {
  const last = rows?.at(-1)
  if (!rows || !last) return undefined
  const broken = !isWhole || ('output' in last && DANGLING_NUMBER.test(last.output.slice(-20)))
  const settled = broken
    ? [...rows.slice(0, -1), dropped('why' in last ? last.text : last.output, 'cut')]
    : rows
  return settled.map((row) => ('why' in row ? dropped(row.text, row.why) : finished(row.input, row.output)))
}

function instanceOf({ value }: Entry): Row {
  if (!isObject(value) || Object.values(value).some(isDoubtful)) return dropped(shown(value), 'not_a_row')
  const outputKeys = hasField(value, OUTPUT_KEYS) ? OUTPUT_KEYS : OTHER_OUTPUT_KEYS
  const inputKeys = hasField(value, INPUT_KEYS) ? INPUT_KEYS : OTHER_INPUT_KEYS
  const inputs = differing(fieldsOf(value, inputKeys))
  const outputs = differing(fieldsOf(value, outputKeys))
  const foreign = outputKeys === OTHER_OUTPUT_KEYS && outputs.some(isObject)
  const known = [...inputKeys, ...outputKeys, ...BESIDE_KEYS]
  const strange = Object.entries(value).some(
    ([key, field]) => !known.includes(plainKey(key)) && !isMeasure(field),
  )
  if (inputs.length > 1 || outputs.length > 1 || strange || foreign) return dropped(shown(value), 'not_a_row')
  if (outputs.length === 0) return dropped(shown(value), inputs.length === 0 ? 'not_a_row' : 'no_output')
  // An output written as "" is a row all the same: step 4 rejects it by name.
  if (outputs[0] === '') return { input: withoutNoInput(textOf(inputs[0])), output: '' }
  const row = finished(textOf(inputs[0]), textOf(outputs[0]))
  return 'why' in row ? dropped(shown(value), row.why) : row
}

const hasField = (value: object, names: string[]) => fieldsOf(value, names).length > 0

/** The same field twice over counts once. */
const differing = (fields: unknown[]) =>
  fields.filter((field, index) => !fields.slice(0, index).some((other) => textOf(other) === textOf(field)))

/** A number, true, false or null beside a row measures it; it is no part of its text. */
const isMeasure = (field: unknown) =>
  field === null || typeof field === 'boolean' || (typeof field === 'string' && scalarText(field) !== field)

function finished(input: string, output: string): Row {
  const row = { input: withoutNoInput(input), output: withoutNextExample(output).trim() }
  if (row.output === '') return dropped(row.input, 'no_output')
  return PLACEHOLDER.test(row.output) ? dropped(`${row.input}\n${row.output}`, 'not_a_row') : row
}

/** A field as text: as written, or a list or an object as JSON; nothing for null. */
function textOf(value: unknown): string {
  if (typeof value === 'object' && value !== null) return structureText(value)
  return typeof value === 'boolean' ? String(value) : (shownText(value) ?? '')
}

const shown = (value: unknown): string => (value === undefined ? '' : textOf(value))
const dropped = (text: string, why: Dropped['why']): Dropped => ({
  text: text.slice(0, 500).replace(/[\uD800-\uDBFF]$/, ''),
  why,
})

// Answers under a number, of step 2 and the judge: what is missing, odd or contradicted is left out, and asked again.

export type Verdict = { instruction_valid: boolean; input_appropriate: boolean; output_correct: boolean }

const ANSWER_LISTS = 'answers answer results classification classifications 答案 回答'.split(' ')
const ANSWER_KEYS = 'isclassification isclassificationtask classification answer 是否分类 答案'.split(' ')

/** Step 2: task number to is_classification; a task that is missing or answered oddly is not in the map. */
export function readAnswers(reply: string, cut: boolean, count: number): Map<number, boolean> | undefined {
  const { body, unclosed } = withoutThoughts(reply)
  const list = readJsonList(body, ANSWER_LISTS, (entry) => answerOf(entry) !== undefined, cut || unclosed)
  if (list) return byNumber(list.entries, count, answerOf)
  const lines = ended(body)
    .split(/\r\n?|\n/)
    .filter((line) => line.trim() !== '')
  if (cut || unclosed) lines.pop()
  const marks = lines.map(readMark).filter((mark) => mark !== undefined)
  const entries = marks.map(({ number, rest }) => ({ key: String(number), value: rest }))
  const only = count === 1 && lines.length === 1 ? yesOrNo(lines[0]) : undefined
  return only === undefined
    ? byNumber(entries, count, ({ value }) => yesOrNoLine(value))
    : new Map([[1, only]])
}

function answerOf({ value }: Entry): boolean | undefined {
  const fields = isObject(value) ? fieldsOf(value, ANSWER_KEYS) : [value]
  return fields.length === 1 ? yesOrNo(fields[0]) : undefined
}

const VERDICT_LISTS = 'verdicts verdict judgements judgments results'.split(' ')
const QUESTION_KEYS = 'instructionvalid inputappropriate outputcorrect'.split(' ')

/** The judge of step 4: row number to its three answers; a row that lacks one of them is not in the map. */
export function readVerdicts(reply: string, cut: boolean, count: number): Map<number, Verdict> | undefined {
  const { body } = withoutThoughts(reply)
  const list = readJsonList(body, VERDICT_LISTS, (entry) => threeAnswersOf(entry) !== undefined, cut)
  return list && byNumber(list.entries, count, threeAnswersOf)
}

function threeAnswersOf({ value }: Entry): Verdict | undefined {
  if (!isObject(value)) return undefined
  const [valid, appropriate, correct] = QUESTION_KEYS.map((name) => yesOrNo(fieldsOf(value, [name])[0]))
  if (valid === undefined || appropriate === undefined || correct === undefined) return undefined
  return { instruction_valid: valid, input_appropriate: appropriate, output_correct: correct }
}

const NUMBER_KEYS = 'task row number id index no tasknumber taskid 任务 编号 序号'.split(' ')

/** Answers under their numbers; a list as long as asked and without numbers counts from 1. Contradictions fall out. */
function byNumber<T>(
  entries: Entry[],
  count: number,
  read: (entry: Entry) => T | undefined,
): Map<number, T> | undefined {
  const numbers = entries.map(({ key, value }) =>
    numberOf(key ?? (isObject(value) ? fieldsOf(value, NUMBER_KEYS)[0] : undefined)),
  )
  const unnumbered = entries.length === count && entries.every((entry) => !hasNumberKey(entry))
  if (numbers.includes(0)) return undefined
  const answers = new Map<number, T>()
  const contradicted = new Set<number>()
  for (const [index, entry] of entries.entries()) {
    const number = unnumbered ? index + 1 : numbers[index]
    const answer = read(entry)
    if (number === undefined || number > count || answer === undefined) continue
    if (answers.has(number) && JSON.stringify(answers.get(number)) !== JSON.stringify(answer))
      contradicted.add(number)
    answers.set(number, answer)
  }
  for (const number of contradicted) answers.delete(number)
  return answers.size > 0 ? answers : undefined
}

const hasNumberKey = ({ key, value }: Entry) =>
  key !== undefined || (isObject(value) && fieldsOf(value, NUMBER_KEYS).length > 0)

function yesOrNo(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value
  const text = (scalarText(value) ?? '').replace(/[\s*_`"'“”.。!！]/g, '').toLowerCase()
  if (['yes', 'true', '是', '是的'].includes(text)) return true
  return ['no', 'false', '否', '不是'].includes(text) ? false : undefined
}

/** A line that opens with yes or no and then ends, or goes on after a mark: `Yes`, `No, it is open-ended`. */
function yesOrNoLine(value: unknown): boolean | undefined {
  const line = (scalarText(value) ?? '')
    .slice(0, 200)
    .replace(/^[\s*_`]*(?:is[_ ]?classification\s*[:：=]\s*)?/i, '')
  return yesOrNo(/^[^\s,，.。;；:：(（—–*_-]+(?=\s*(?:$|[,，.。;；:：(（—–*_-]))/.exec(line)?.[0])
}

// Reads the answers that stand under a number: step 2's yes or no for each task, the judge's three for each row. A task
// that is missing, answered oddly or answered twice in two ways is left out, so that it alone is asked again.
import { scalarText, withoutThoughts } from './json-in-text.ts'
import { fieldsOf, isObject, numberOf, readJsonList, type Entry } from './json-lists.ts'
import { readMark } from './numbered.ts'

export type Verdict = { instruction_valid: boolean; input_appropriate: boolean; output_correct: boolean }

const ANSWER_LISTS = ['answers', 'answer', 'results', 'classification', 'classifications', '答案', '回答']
const ANSWER_KEYS = [
  'isclassification',
  'isclassificationtask',
  'classification',
  'answer',
  '是否分类',
  '答案',
]

/** Step 2: task number to is_classification; a task that is missing or answered oddly is not in the map. */
export function readAnswers(reply: string, cut: boolean, count: number): Map<number, boolean> | undefined {
  const { body, unclosed } = withoutThoughts(reply)
  const list = readJsonList(body, ANSWER_LISTS, (entry) => answerOf(entry) !== undefined)
  if (list) return byNumber(list.entries, count, answerOf)
  const lines = body.split(/\r\n?|\n/).filter((line) => line.trim() !== '')
  if (cut || unclosed) lines.pop()
  const marks = lines.map(readMark).filter((mark) => mark !== undefined)
  const entries = marks.map(({ number, rest }) => ({ key: String(number), value: rest }))
  const only = count === 1 && lines.length === 1 ? yesOrNo(body) : undefined
  return only === undefined
    ? byNumber(entries, count, ({ value }) => yesOrNoLine(value))
    : new Map([[1, only]])
}

function answerOf({ value }: Entry): boolean | undefined {
  const fields = isObject(value) ? fieldsOf(value, ANSWER_KEYS) : [value]
  return fields.length === 1 ? yesOrNo(fields[0]) : undefined
}

const VERDICT_LISTS = ['verdicts', 'verdict', 'judgements', 'judgments', 'results']

/** The judge of step 4: row number to its three answers; a row that lacks one of them is not in the map. */
export function readVerdicts(reply: string, _cut: boolean, count: number): Map<number, Verdict> | undefined {
  const { body } = withoutThoughts(reply)
  const list = readJsonList(body, VERDICT_LISTS, (entry) => verdictOf(entry) !== undefined)
  return list && byNumber(list.entries, count, verdictOf)
}

function verdictOf({ value }: Entry): Verdict | undefined {
  if (!isObject(value)) return undefined
  const [instruction_valid, input_appropriate, output_correct] = [
    'instructionvalid',
    'inputappropriate',
    'outputcorrect',
  ].map((name) => yesOrNo(fieldsOf(value, [name])[0]))
  if (instruction_valid === undefined || input_appropriate === undefined || output_correct === undefined)
    return undefined
  return { instruction_valid, input_appropriate, output_correct }
}

const NUMBER_KEYS = [
  'task',
  'row',
  'number',
  'id',
  'index',
  'no',
  'tasknumber',
  'taskid',
  '任务',
  '编号',
  '序号',
]

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

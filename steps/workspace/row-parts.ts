// What one row says, however it is spelt: as Alpaca, Dolly, prompt and completion, a chat, a bare text.
import type { Instance } from '../text/given.ts'
import { saysNothing } from '../text/leftovers.ts'
import { type Fault, type Words, shorten } from './fault.ts'
import { faultIn, field, isObject, jsonIn } from './jsonl.ts'
import { types, wrongField } from './records.ts'

// The names under which published data sets and tools keep the parts of a row, in the order in which they are looked for.
const names = {
  instruction: ['instruction', 'prompt', 'question', 'query', 'inputs', '指令', '问题'],
  input: ['input', 'context', '输入'],
  output: ['output', 'response', 'completion', 'answer', 'targets', '输出', '回答', '答案'],
  chat: ['messages', 'conversations', 'conversation', 'contents'],
  system: ['system', 'system_prompt', 'systeminstruction', 'system_instruction'],
} as const
/** Under these stands a row of another shape: a request of a batch, a row as the viewer of Hugging Face gives it. */
const around = ['body', 'params', 'row'] as const
const asking = [...names.instruction, ...names.chat, ...around, 'custom_id']
const others = ['history', 'instances', 'is_classification', 'call']
const known = new Set<string>([...Object.values(names).flat(), ...asking, ...others])
/** What no part of a row stands under, and yet says whether it is one question with one answer. */
const telling = /^(?:[a-d]|choices|options|label|images?|audios?|videos?)$/i

/** Names of a row's parts, whatever the size of their letters; `reads`: also of what tells about it. */
export type Fields = { has: (name: string) => boolean; reads: (name: string) => boolean }
export const fields: Fields = {
  has: (name) => known.has(name.toLowerCase()),
  reads: (name) => fields.has(name) || telling.test(name),
}

/** Whether one of these names may hold an instruction. */
export function asks(found: readonly string[]): boolean {
  return found.some((name) => asking.includes(name.toLowerCase()))
}

/** Whether one of these names may hold an answer. */
export function answers(found: readonly string[]): boolean {
  const wanted: readonly string[] = [...names.output, ...names.chat, ...around, 'instances']
  return found.some((name) => wanted.includes(name.toLowerCase()))
}

/** A column's name as it is looked for. */
export function headingOf(cell: string): string {
  return cell
    .trim()
    .replace(/^"(.*)"$/, '$1')
    .trim()
    .toLowerCase()
}

export function noKnownColumn(file: string, names: readonly string[]): Fault {
  const shown = shorten(names.join(', '))
  return faultIn(file, {
    en: ` has the columns ${shown}; one named instruction, prompt, question, messages or conversations was expected. Rename the column that holds the instructions, or keep the file elsewhere if none does.`,
    zh: ` 的列为 ${shown}；应有名为 instruction、prompt、question、messages 或 conversations 的列。请给存放指令的列改名；如果没有这样的列，请把文件移到别处。`,
  })
}

/** Where the answers may stand under another name; '' where there is no such column. */
export function otherNames(columns: readonly string[]): Words {
  if (answers(columns) || columns.every(fields.has)) return { en: '', zh: '' }
  const shown = shorten(columns.join(', '))
  return {
    en: ` None of the columns ${shown} is named output, response, completion or answer: if one holds the answers, rename it.`,
    zh: `各列 ${shown} 中没有名为 output、response、completion 或 answer 的：如有存放答案的列，请给它改名。`,
  }
}

/** A row's parts, not yet checked. `instances`: where a row holds several, as in this program's own files. */
export type Parts = {
  instruction: unknown
  input?: unknown
  output?: unknown
  system?: unknown
  instances?: unknown
  is_classification?: unknown
  call?: unknown
  /** The field names of input and output, for messages. */
  called?: { input: string; output: string }
  /** The names in the row, where it has no answer. */
  columns?: string[]
  /** Why its answer is none to its instruction alone. */
  unfit?: Words | undefined
}
type Unfit = 'turns' | 'batch' | { wrong: Words }

export function partsOf(value: unknown): Parts | Unfit {
  if (typeof value === 'string') return partsOfText(value)
  if (!isObject(value)) return { wrong: wrongField('', types.object, value) }
  const row = inSmallLetters(value)
  const { custom_id, response, result, error } = row
  if (custom_id !== undefined && [response, result, error].some(isObject)) return 'batch'
  const isWhole = holdsQuestion(row) || chatIn(row) !== undefined
  const inner = isWhole ? undefined : around.map((name) => row[name]).find(isObject)
  const source = inner ? inSmallLetters(inner) : row
  const chat = chatIn(source)
  const parts = chat ? partsOfChat(...chat, systemIn(source)) : flatParts(source)
  if (typeof parts === 'string' || 'wrong' in parts) return parts
  parts.unfit = unfitIn(source, `${textOrNone(parts.instruction)}\n${textOrNone(parts.input)}`)
  if (parts.output === undefined) parts.columns = Object.keys(value)
  return parts
}

/** A text alone is an instruction; one that holds a row was made JSON twice. */
function partsOfText(text: string): Parts | Unfit {
  const inner = /^\s*[{[]/.test(text) ? jsonIn(text) : undefined
  if (isObject(inner) && Object.keys(inner).some(fields.has)) return partsOf(inner)
  return Array.isArray(inner) && inner.some(isObject) ? { wrong: twice } : { instruction: text }
}

/** A row with the names that are known in small letters. */
function inSmallLetters(row: Record<string, unknown>): Record<string, unknown> {
  const capitals = Object.keys(row).filter((name) => !known.has(name) && fields.has(name))
  const small = capitals.map((name) => [name.toLowerCase(), row[name]] as const)
  return capitals.length === 0 ? row : { ...Object.fromEntries(small), ...row }
}

// Rows that would be taken for what they are not

const twice: Words = {
  en: ' is a list of rows inside a text: it was made JSON twice. In Python: json.loads of it gives the list.',
  zh: '是写在文本里的列表：它被转成了两次 JSON。在 Python 中用 json.loads 可还原成列表。',
}
const withChoices: Words = {
  en: ' is a question with choices, for which a row has no place: write them into a column named input.',
  zh: '是选择题，而一条数据没有存放选项的位置：请把选项写入名为 input 的列。',
}
const judgedBad: Words = {
  en: ' holds an answer that was judged bad (label: false).',
  zh: '的答案被标为差（label: false）。',
}
const withMedia = (name: string): Words => ({
  en: ` holds more than text (${shorten(name)}); only text can be taken.`,
  zh: `中有不是文本的内容（${shorten(name)}），只能收入文本。`,
})
const wasRejected: Words = {
  en: ' was rejected by a run; its rows that were kept stand in 4-dataset.jsonl beside this file.',
  zh: '是某次运行淘汰的；保留下来的数据在同一文件夹的 4-dataset.jsonl 中。',
}

function unfitIn(row: Record<string, unknown>, asked: string): Words | undefined {
  const media = Object.keys(row).find((name) => /^(?:image|audio|video)s?$/i.test(name) && isFull(row[name]))
  if (media !== undefined) return withMedia(media)
  if (choicesIn(row).some((choice) => !asked.includes(textOrNone(choice)))) return withChoices
  const { label, step, reason, detail } = row
  if (label === false || label === 'False') return judgedBad
  return [step, reason, detail].every((text) => typeof text === 'string') ? wasRejected : undefined
}

/** A list, a list with letters beside it, or an object or columns with a letter to each. */
function choicesIn(row: Record<string, unknown>): unknown[] {
  const { choices, options } = row
  const lettered = [row.A ?? row.a, row.B ?? row.b]
  const lists = [choices, options].map(
    (value) => field(value, 'text') ?? (field(value, 'A') && Object.values(value ?? {})) ?? value,
  )
  return [...lists, lettered.every(isFull) ? lettered : []].flatMap((list) =>
    Array.isArray(list) && list.length > 1 ? (list as unknown[]) : [],
  )
}

function isFull(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value)
}

function textOrNone(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

// Chats

/** The turns of a chat, and their name; a cell of CSV holds them as JSON, and TRL keeps the last of them apart. */
function chatIn(row: Record<string, unknown>): [name: string, turns: unknown[]] | undefined {
  for (const name of names.chat) {
    const value = row[name]
    const turns = typeof value === 'string' && value.startsWith('[') ? jsonIn(value) : value
    if (Array.isArray(turns) && !(holdsQuestion(row) && isBeside(name, turns))) return [name, turns]
  }
  if (!Array.isArray(row.prompt)) return undefined
  return ['prompt', [row.prompt, row.completion ?? []].flat()]
}

function holdsQuestion(row: Record<string, unknown>): boolean {
  return names.instruction.some((name) => row[name] !== undefined)
}

/** Texts beside a question are what it is about, no chat. */
function isBeside(name: string, turns: readonly unknown[]): boolean {
  return name === 'contents' || turns.every((turn) => typeof turn === 'string')
}

const roles = new Map<string, 'user' | 'assistant' | 'system'>([
  ['user', 'user'],
  ['human', 'user'],
  ['prompter', 'user'],
  ['assistant', 'assistant'],
  ['gpt', 'assistant'],
  ['model', 'assistant'],
  ['bot', 'assistant'],
  ['system', 'system'],
  ['developer', 'system'],
])

type Turn = { role: unknown; text: unknown }

/** A turn says who speaks in a field or by its name; texts alone are turns of user and assistant. */
function turnsOf(turn: unknown, place: number): Turn[] {
  if (typeof turn === 'string') return [{ role: place % 2 === 0 ? 'user' : 'assistant', text: turn }]
  const role = field(turn, 'role') ?? field(turn, 'from')
  const content = field(turn, 'content') ?? field(turn, 'value') ?? field(turn, 'parts')
  if (role !== undefined || !isObject(turn)) return [{ role, text: contentText(content) }]
  const spoken = Object.entries(turn).filter(([name]) => roles.has(name.toLowerCase()))
  return spoken.length > 0
    ? spoken.map(([name, text]) => ({ role: name, text }))
    : [{ role, text: undefined }]
}

function partsOfChat(name: string, chat: readonly unknown[], system: string): Parts | Unfit {
  const all = chat.flatMap(turnsOf)
  if (!all.every(({ role }) => typeof role === 'string'))
    return { wrong: wrongField(name, types.turns, chat) }
  const turns = all.map(({ role, text }) => ({ role: roles.get(String(role).toLowerCase()), text }))
  const told = turns.filter(({ role }) => role === 'system').map(({ text }) => text)
  const [question, answer, ...more] = turns.filter(({ role }) => role !== 'system')
  if (more.length > 0 || (answer && answer.role !== 'assistant') || question?.role !== 'user') return 'turns'
  const odd = [question.text, answer?.text].find((text) => Array.isArray(text))
  if (odd) return { wrong: withMedia(kindIn(odd)) }
  return {
    instruction: question.text,
    output: answer?.text,
    system: [system, ...told].filter((text) => typeof text === 'string' && text.trim() !== '').join('\n\n'),
    called: { input: 'input', output: 'content' },
  }
}

/** A turn's text; some tools keep it as a list of parts. */
function contentText(content: unknown): unknown {
  if (!Array.isArray(content)) return content
  const texts = content.map((part) => field(part, 'text'))
  return texts.every((text) => typeof text === 'string') ? texts.join('') : content
}

/** What the first part is that is no text. */
function kindIn(parts: readonly unknown[]): string {
  const odd = parts.find((part) => typeof field(part, 'text') !== 'string')
  const type = field(odd, 'type') ?? (isObject(odd) ? Object.keys(odd)[0] : odd)
  return typeof type === 'string' ? type : typeof odd
}

/** What the system was told, where it stands beside the rest. */
function systemIn(row: Record<string, unknown>): string {
  const told = row[nameIn(row, names.system)]
  const text = contentText(field(told, 'parts') ?? told)
  return typeof text === 'string' ? text : ''
}

function flatParts(row: Record<string, unknown>): Parts | Unfit {
  if (Array.isArray(row.history) && row.history.length > 0) return 'turns'
  const instruction = row[nameIn(row, names.instruction)]
  const chat = names.chat.find((name) => row[name] !== undefined && row[name] !== null)
  if (instruction === undefined && chat) return { wrong: wrongField(chat, types.array, row[chat]) }
  const input = nameIn(row, names.input)
  const output = nameIn(row, names.output)
  const { instances, is_classification, call } = row
  return {
    instruction,
    input: row[input],
    output: row[output],
    called: { input, output },
    instances: instances ?? undefined,
    is_classification: is_classification ?? undefined,
    call,
    system: systemIn(row),
  }
}

/** The first of these names under which a row holds something; else the usual one. */
function nameIn(row: Record<string, unknown>, known: readonly [string, ...string[]]): string {
  for (const name of known) if (row[name] !== undefined && row[name] !== null) return name
  return known[0]
}

/** The instruction with what the system was told in front of it. */
export function whole({ instruction, system }: Parts): unknown {
  const told = typeof system === 'string' ? system.trim() : ''
  return told === '' || typeof instruction !== 'string' ? instruction : `${told}\n\n${instruction}`
}

/** A cell as text; undefined where it is empty, as in null or a column of numbers with a hole. */
function textIn(value: unknown, name: string): string | undefined | { wrong: Words } {
  if (value === undefined || value === null || Number.isNaN(value)) return undefined
  if (Array.isArray(value) && value.length === 0) return undefined
  if (typeof value === 'string') return value
  if (['number', 'boolean', 'bigint'].includes(typeof value)) return String(value)
  if (value instanceof Date) return value.toISOString().replace('T00:00:00.000Z', '') // a day alone
  return { wrong: wrongField(name, types.string, value) }
}

/** Input and output as text; undefined where there is no answer. */
function instanceIn(
  { input, output }: { input?: unknown; output?: unknown },
  called = { input: 'input', output: 'output' },
): Instance | { wrong: Words } | undefined {
  const given = textIn(input, called.input) ?? ''
  const answer = textIn(output, called.output)
  if (typeof given !== 'string') return given
  if (typeof answer !== 'string') return answer
  // An input that only says that there is none is none; any other stays as it stands.
  return { input: given === '' || saysNothing(given) ? '' : given, output: answer }
}

/** `list`: not yet checked. `instance`: the only one, which is sound. */
type Found = { list: unknown; instance?: Instance } | { wrong: Words }

/** The instances of a row: its own list, or its one input and output; none where there is no answer. */
export function instancesOf(parts: Parts): Found {
  const { instances } = parts
  if (instances !== undefined && instances !== null)
    return { list: Array.isArray(instances) ? instances.map(mended) : instances }
  const instance = instanceIn(parts, parts.called)
  if (instance === undefined) return { list: undefined }
  return 'wrong' in instance ? instance : { list: [instance], instance }
}

/** An instance of a list with its cells as text; one that is none stays as it is, for the check. */
export function mended(instance: unknown): unknown {
  const found = isObject(instance) ? instanceIn(instance) : undefined
  return found === undefined || 'wrong' in found ? instance : found
}

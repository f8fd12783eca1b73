// What one row says, however it is spelt: as Alpaca, Dolly, prompt and completion, a chat, a bare text.
import type { Instance } from '../text/given.ts'
import { saysNothing } from '../text/leftovers.ts'
import type { Words } from './fault.ts'
import { field, isObject, jsonIn } from './jsonl.ts'
import { types, wrongField } from './records.ts'

// The names under which published data sets and tools keep the parts of a row, in the order in which they are looked for.
const names = {
  instruction: ['instruction', 'prompt', 'question', 'query', '指令', '问题'],
  input: ['input', 'context', '输入'],
  output: ['output', 'response', 'completion', 'answer', '输出', '回答', '答案'],
  chat: ['messages', 'conversations', 'conversation'],
} as const
const others = ['system', 'history', 'instances', 'is_classification', 'call', 'custom_id', 'body']
export const fields: ReadonlySet<string> = new Set([...Object.values(names).flat(), ...others])

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
}
type Unfit = 'turns' | 'batch' | { wrong: Words }

export function partsOf(value: unknown): Parts | Unfit {
  if (typeof value === 'string') return { instruction: value }
  if (!isObject(value)) return { wrong: wrongField('', types.object, value) }
  const { custom_id, body, response, result, error } = value
  if (custom_id !== undefined && [response, result, error].some(isObject)) return 'batch'
  const source = custom_id !== undefined && isObject(body) ? body : value
  const chat = chatIn(source)
  return chat ? partsOfChat(chat, source.system) : flatParts(source)
}

/** The turns of a chat, wherever they stand; a cell of CSV holds them as JSON, and TRL keeps the last of them apart. */
function chatIn(row: Record<string, unknown>): unknown[] | undefined {
  for (const name of names.chat) {
    const value = row[name]
    const turns = typeof value === 'string' && value.startsWith('[') ? jsonIn(value) : value
    if (Array.isArray(turns)) return turns
  }
  if (!Array.isArray(row.prompt)) return undefined
  return [row.prompt, row.completion ?? []].flat()
}

const roles: Record<string, 'user' | 'assistant' | 'system'> = {
  user: 'user',
  human: 'user',
  prompter: 'user',
  assistant: 'assistant',
  gpt: 'assistant',
  model: 'assistant',
  bot: 'assistant',
  system: 'system',
  developer: 'system',
}

function partsOfChat(chat: readonly unknown[], system: unknown): Parts | Unfit {
  const turns = chat.map((turn) => ({
    role: roles[String(field(turn, 'role') ?? field(turn, 'from')).toLowerCase()],
    text: contentText(field(turn, 'content') ?? field(turn, 'value')),
  }))
  const told = turns.filter(({ role }) => role === 'system').map(({ text }) => text)
  const [question, answer, ...more] = turns.filter(({ role }) => role !== 'system')
  if (more.length > 0 || (answer && answer.role !== 'assistant') || question?.role !== 'user') return 'turns'
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

function flatParts(row: Record<string, unknown>): Parts | Unfit {
  if (Array.isArray(row.history) && row.history.length > 0) return 'turns'
  const instruction = row[nameIn(row, names.instruction)]
  const chat = names.chat.find((name) => row[name] !== undefined && row[name] !== null)
  if (instruction === undefined && chat) return { wrong: wrongField(chat, types.array, row[chat]) }
  const input = nameIn(row, names.input)
  const output = nameIn(row, names.output)
  const { instances, is_classification, call, system } = row
  return {
    instruction,
    input: row[input],
    output: row[output],
    called: { input, output },
    instances: instances ?? undefined,
    is_classification: is_classification ?? undefined,
    call,
    system,
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
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') return value
  if (['number', 'boolean', 'bigint'].includes(typeof value)) return String(value)
  if (value instanceof Date) return value.toISOString()
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

// What a step asked for, in the JSON of a reply: thoughts taken off, the list picked under its name, bare, as single objects
// one after another, or keyed by numbers. Nothing here knows what an entry should mean; the reader of each step checks that.
import { type FoundJson, findJson, isJson, scalarText } from './json-scan.ts'
import { isLabelled, readList } from './labels-and-numbers.ts'
import { endOf } from './leftovers.ts'

/** The inside of a code fence where what `has` looks for stands inside of it alone, else the text. */
export function unfenced(text: string, has: (text: string) => boolean): string {
  const fence = /```[^\n`]*\n([^]*?)(?:\n[ \t]*```|$)/.exec(text)
  const inside = fence?.[1] ?? ''
  const outside = fence ? text.slice(0, fence.index) + '\n' + text.slice(fence.index + fence[0].length) : text
  return has(inside) && !has(outside) ? inside : text
}

// As Qwen and DeepSeek, Seed, Mistral, Kimi, Cohere and gpt-oss mark what they think; the last also where its marks are lost.
const NAMES = '(?:seed:)?(?:think(?:ing)?|thoughts?|reasoning)'
const OPENS = String.raw`<${NAMES}>|\[THINK\]|◁think▷|<\|(?:begin_of_thought|START_THINKING)\|>|<\|channel\|>analysis|analysis(?=[a-z])`
const CLOSES = String.raw`<\/${NAMES}>|\[\/THINK\]|◁\/think▷|<\|(?:end_of_thought|END_THINKING)\|>|<\|channel\|>final[^<\n]{0,40}<\|message\|>|assistantfinal(?![a-z])`

/** Takes off `<think>…</think>`, also where only the closing tag came; `unclosed` when the reply ended inside a thought. */
export function withoutThoughts(reply: string): { body: string; unclosed: boolean } {
  const text = reply.trimEnd()
  if (isJson(text)) return { body: text, unclosed: false }
  const tags = [...text.matchAll(new RegExp(CLOSES, 'gi'))].map((tag) => tag.index + tag[0].length)
  const first = text.slice(tags[0] ?? 0).trim()
  if (isJson(first)) return { body: first, unclosed: false }
  const rest = text.slice(tags.at(-1) ?? 0)
  const opening = new RegExp(`^[ \\t]*(?:${OPENS})`, 'im').exec(rest)
  const body = rest.slice(0, opening?.index).trimEnd()
  return { body: body.replace(/^(?:[^\S\n]*\n)+/, ''), unclosed: opening !== null }
}

/** One entry of the list; `key` where the list was an object keyed by numbers. */
export type Entry = { value: unknown; key?: string }
/** `partial`: the reply ended inside the last entry, which is not among `entries`; its text as far as it came. */
export type JsonList = { entries: Entry[]; partial?: string }

type View = JsonList & { shape: 'named' | 'list' | 'single'; alone: boolean }

/** The list in a reply; `fits` says whether an entry is one of the asked kind. `cut`: the server stopped the reply. */
export function readJsonList(
  body: string,
  names: string[],
  fits: (entry: Entry) => boolean,
  cut: boolean,
): JsonList | undefined {
  const found = findJson(body)
  const text = (index: number) => body.slice(found[index - 1]?.end ?? 0, found[index]?.start)
  const turn = found.findIndex((_, index) => index > 0 && endOf(text(index)) < text(index).length)
  const clear = found.findIndex((_, index) => isTextual(text(index)))
  const views = found
    .slice(0, turn < 0 ? found.length : turn)
    .flatMap((json, index) => view(json, names, fits, cut, body, clear < 0 || index < clear))
  const fitting = (candidates: View[]) => candidates.findLast(({ entries }) => entries.some(fits))
  const named = views.filter(({ shape }) => shape === 'named')
  if (named.length > 0) return fitting(named) ?? named.at(-1)
  const bare = views.filter(({ alone }) => alone)
  const list = fitting(bare.filter(({ shape }) => shape === 'list'))
  return (
    list ??
    joined(
      bare.filter(({ shape, entries, partial }) => shape === 'single' && (entries.some(fits) || partial)),
    )
  )
}

/** Single objects one after another as one list. */
function joined(singles: View[]): JsonList | undefined {
  const partial = singles.at(-1)?.partial
  const entries = singles.flatMap(({ entries }) => entries)
  if (entries.length === 0 && partial === undefined) return undefined
  return partial === undefined ? { entries } : { entries, partial }
}

/** `clear`: no list and no label stands before it, of which bare JSON might be a part. */
function view(
  found: FoundJson,
  names: string[],
  fits: (entry: Entry) => boolean,
  cut: boolean,
  body: string,
  clear: boolean,
): View[] {
  const alone = clear && found.ownLine
  const as = (shape: View['shape'], entries: Entry[], depth: number): View[] => [
    { shape, alone, ...whole(entries, found, depth, cut, body) },
  ]
  const named = underName(found.value, names, 2)
  if (named) return as('named', entriesOf(named.list), named.depth)
  if (Array.isArray(found.value)) return as('list', found.value.map(asEntry), 1)
  if (!isObject(found.value)) return []
  if (isKeyedByNumbers(found.value)) return as('list', entriesOf(found.value), 1)
  const [only, ...others] = Object.values(found.value)
  if (Array.isArray(only) && others.length === 0 && !fits({ value: found.value }))
    return as('list', entriesOf(only), 2)
  return as('single', [{ value: found.value }], 0)
}

const DEEPEST_NAME = 6

/** What stands under one of the names, also inside other objects or as JSON in a string; `depth`: brackets around an entry. */
function underName(
  value: unknown,
  names: string[],
  depth: number,
): { list: object; depth: number } | undefined {
  if (depth > DEEPEST_NAME) return undefined
  if (Array.isArray(value))
    return value.length === 1 && isObject(value[0]) ? underName(value[0], names, depth + 1) : undefined
  if (!isObject(value)) return undefined
  const named = Object.entries(value).filter(([key]) => names.includes(plainKey(key)))
  const [inner] = named.map(([, content]) => listIn(content))
  if (named.length > 0) return named.length === 1 && inner ? { list: inner, depth } : undefined
  const nested = Object.values(value).map((field) => underName(inString(field), names, depth + 1))
  const fields = nested.filter((list) => list !== undefined)
  return fields.length === 1 ? fields[0] : undefined
}

/** A list or an object, also where it was written as JSON or as lines into a string. */
function listIn(value: unknown): object | undefined {
  const inner = inString(value)
  if (typeof inner === 'object' && inner !== null) return inner
  const lines = readList(scalarText(inner) ?? '')
  return lines.length > 0 ? lines : undefined
}

function inString(value: unknown): unknown {
  const text = scalarText(value)?.trim() ?? ''
  return /^[{[]/.test(text) && isJson(text) ? findJson(text)[0]?.value : value
}

const isTextual = (text: string) => isLabelled(text) || readList(text).length > 0

const asEntry = (value: unknown): Entry => ({ value })

function entriesOf(value: object): Entry[] {
  if (Array.isArray(value)) return value.map(asEntry)
  if (!isKeyedByNumbers(value)) return [{ value }]
  return Object.entries(value).map(([key, value]) => ({ key, value }))
}

/**
 * Takes the last entry away where the reply ended inside it. `depth`: the brackets open between two entries. One bracket
 * alone is forgotten, not cut off, where the server says that the reply is whole.
 */
function whole(
  entries: Entry[],
  { open, start }: FoundJson,
  depth: number,
  cut: boolean,
  body: string,
): JsonList {
  const forgotten = !cut && open?.depth === 1 && open.whole && !open.comma
  if (!open || open.depth < depth || (open.depth === depth && open.whole) || forgotten) return { entries }
  return { entries: entries.slice(0, -1), partial: body.slice(start).slice(-500) }
}

const isKeyedByNumbers = (value: object) => {
  const keys = Object.keys(value)
  return keys.length > 0 && keys.every((key) => numberOf(key) !== undefined)
}

/** The number in `3`, `"3"`, `"Task 3"`, `"任务3"`; undefined for anything else. */
export function numberOf(value: unknown): number | undefined {
  const text = scalarText(value)?.slice(0, 40).normalize('NFKC').trim() ?? ''
  const match =
    /^(?:(?:(?:new )?task|row|instruction|question|example|instance|任务|指令|行|第|no\.?|#)[\s_#-]*)?(\d{1,6})[.):、]?$/i.exec(
      text,
    )
  return match ? Number(match[1]) : undefined
}

export const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** `Is_Classification`, `is classification` and `isClassification` are one key. */
export const plainKey = (key: string): string => (scalarText(key) ?? '').toLowerCase().replace(/[\s_-]/g, '')

/** The values under any of these names; more than one means that the object can be read two ways. */
export const fieldsOf = (value: object, names: string[]): unknown[] =>
  Object.entries(value).flatMap(([key, field]) => (names.includes(plainKey(key)) ? [field] : []))

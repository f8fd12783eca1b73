// Picks from the JSON of a reply the list a step asked for: under its name, bare, as single objects one after another,
// or as an object keyed by numbers.
import { isLabelled } from './labelled.ts'
import { readList } from './numbered.ts'
import { findJson, scalarText, type FoundJson } from './json-in-text.ts'

/** One entry of the list; `key` where the list was an object keyed by numbers. */
export type Entry = { value: unknown; key?: string }
/** `partial`: the reply ended inside the last entry, which is not among `entries`; its text as far as it came. */
export type JsonList = { entries: Entry[]; partial?: string }

type View = JsonList & { shape: 'named' | 'list' | 'single'; alone: boolean }

/** The list in a reply; `fits` says whether an entry is one of the asked kind. */
export function readJsonList(
  body: string,
  names: string[],
  fits: (entry: Entry) => boolean,
): JsonList | undefined {
  const found = findJson(body)
  const text = (index: number) => body.slice(found[index - 1]?.end ?? 0, found[index]?.start)
  const clear = found.findIndex((_, index) => isTextual(text(index)))
  const views = found.flatMap((json, index) => view(json, names, body, clear < 0 || index < clear))
  const named = views.filter(({ shape }) => shape === 'named')
  const fitting = (candidates: View[]) => candidates.findLast(({ entries }) => entries.some(fits))
  if (named.length > 0) return fitting(named) ?? named.at(-1)
  const bare = views.filter(({ alone }) => alone)
  const list = fitting(bare.filter(({ shape }) => shape === 'list'))
  if (list) return list
  const singles = bare.filter(
    ({ shape, entries, partial }) => shape === 'single' && (entries.some(fits) || partial),
  )
  const partial = singles.at(-1)?.partial
  const entries = singles.flatMap(({ entries }) => entries)
  if (entries.length === 0 && partial === undefined) return undefined
  return partial === undefined ? { entries } : { entries, partial }
}

/** `clear`: no list and no label stands before it, of which bare JSON might be a part. */
function view(found: FoundJson, names: string[], body: string, clear: boolean): View[] {
  const { value } = found
  const alone = clear && found.ownLine
  if (Array.isArray(value)) return [{ shape: 'list', alone, ...whole(value.map(asEntry), found, 1, body) }]
  if (!isObject(value)) return []
  const named = Object.entries(value).filter(([key]) => names.includes(plainKey(key)))
  const [inner] = named.map(([, content]) => content)
  if (named.length === 1 && typeof inner === 'object' && inner !== null)
    return [{ shape: 'named', alone, ...whole(entriesOf(inner), found, 2, body) }]
  if (isKeyedByNumbers(value)) return [{ shape: 'list', alone, ...whole(entriesOf(value), found, 1, body) }]
  return [{ shape: 'single', alone, ...whole([{ value }], found, 0, body) }]
}

const isTextual = (text: string) => isLabelled(text) || readList(text).length > 0

const asEntry = (value: unknown): Entry => ({ value })

function entriesOf(value: object): Entry[] {
  if (Array.isArray(value)) return value.map(asEntry)
  if (!isKeyedByNumbers(value)) return [{ value }]
  return Object.entries(value).map(([key, value]) => ({ key, value }))
}

/** Takes the last entry away where the reply ended inside it. `depth`: the brackets open between two entries. */
function whole(entries: Entry[], { open, start }: FoundJson, depth: number, body: string): JsonList {
  if (!open || (open.depth === depth && !open.dangling)) return { entries }
  const kept = open.depth < depth ? entries : entries.slice(0, -1)
  return { entries: kept, partial: body.slice(start).slice(-500) }
}

const isKeyedByNumbers = (value: object) => {
  const keys = Object.keys(value)
  return keys.length > 0 && keys.every((key) => numberOf(key) !== undefined)
}

/** The number in `3`, `"3"`, `"Task 3"`, `"任务3"`; undefined for anything else. */
export function numberOf(value: unknown): number | undefined {
  const text = scalarText(value)?.slice(0, 40).normalize('NFKC').trim() ?? ''
  const match = /^(?:(?:task|row|任务|行|第|no\.?|#)[\s_#-]*)?(\d{1,6})[.):、]?$/i.exec(text)
  return match ? Number(match[1]) : undefined
}

export const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** `Is_Classification`, `is classification` and `isClassification` are one key. */
export const plainKey = (key: string): string => (scalarText(key) ?? '').toLowerCase().replace(/[\s_-]/g, '')

/** The values under any of these names; more than one means that the object can be read two ways. */
export const fieldsOf = (value: object, names: string[]): unknown[] =>
  Object.entries(value).flatMap(([key, field]) => (names.includes(plainKey(key)) ? [field] : []))

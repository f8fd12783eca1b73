// Finds the JSON values in a model's reply: thoughts taken off, chatter and code fences stepped over, small faults
// repaired. Nothing here knows what the JSON should mean; the reader of each step checks that, item by item.
import { createRequire } from 'node:module'
import type * as JsonRepair from 'jsonrepair'
import { isLabelled } from './labelled.ts'
import { readList } from './numbered.ts'

/** `ownLine`: nothing but a fence stands before it on its line. `open`: the reply ended inside it. */
type FoundJson = { value: unknown; start: number; end: number; ownLine: boolean; open?: Open }
/** `depth`: brackets left open. `dangling`: what was written last is neither closed nor followed by a comma. */
type Open = { depth: number; dangling: boolean }

const require = createRequire(import.meta.url) // most replies need no repair: it is loaded when one does

// jsonrepair recurses; a reply within the token limits of the steps is far shorter than this.
const LONGEST_REPAIR = 200_000
const MOST_FALSE_STARTS = 4
const DEEPEST = 100

/** Takes off `<think>…</think>`, also where only the closing tag came; `unclosed` when the reply ended inside a thought. */
export function withoutThoughts(reply: string): { body: string; unclosed: boolean } {
  const text = reply.trimEnd()
  if (isJson(text)) return { body: text, unclosed: false }
  const tags = [...text.matchAll(/<\/think(?:ing)?>/gi)].map((tag) => tag.index + tag[0].length)
  const first = text.slice(tags[0] ?? 0).trim()
  if (isJson(first)) return { body: first, unclosed: false }
  const rest = text.slice(tags.at(-1) ?? 0)
  const opening = /^[ \t]*<think(?:ing)?>/im.exec(rest)
  const body = rest.slice(0, opening?.index).trimEnd()
  return { body: body.replace(/^(?:[^\S\n]*\n)+/, ''), unclosed: opening !== null }
}

/** True for a JSON object or array, alone or in a code fence. */
function isJson(text: string): boolean {
  const fenced = text.endsWith('```') ? /^```\w*\n/.exec(text) : null
  const bare = fenced ? text.slice(fenced[0].length, -3) : text
  if (!/^\s*[{[]/.test(bare)) return false
  try {
    JSON.parse(bare)
    return true
  } catch {
    return false
  }
}

/** The inside of a code fence where what `has` looks for stands inside of it alone, else the text. */
export function unfenced(text: string, has: (text: string) => boolean): string {
  const fence = /```[^\n`]*\n([^]*?)(?:\n[ \t]*```|$)/.exec(text)
  const inside = fence?.[1] ?? ''
  const outside = fence ? text.slice(0, fence.index) + '\n' + text.slice(fence.index + fence[0].length) : text
  return has(inside) && !has(outside) ? inside : text
}

/** The JSON objects and arrays in a text, outermost ones only, in the order they stand. */
function findJson(text: string): FoundJson[] {
  const found: FoundJson[] = []
  const opener = /[{[](?=\s*(?:["'“‘{[}\]]|true|false|\w+\s*:))/gi
  let falseStarts = 0
  for (let match = opener.exec(text); match && falseStarts < MOST_FALSE_STARTS; match = opener.exec(text)) {
    const start = match.index
    const strict = scan(text, start, strictEnd)
    const span = isJson(text.slice(start, strict.end)) ? strict : scan(text, start, likelyEnd)
    const { end, open } = span
    const value = parse(span)
    if (value === undefined) falseStarts += open ? 1 : 0
    else found.push({ value, start, end, ownLine: opensLine(text, start), ...(open && { open }) })
    if (value !== undefined && open) break
    if (!open) opener.lastIndex = end
  }
  return found
}

function opensLine(text: string, at: number): boolean {
  return /(?:^|\n)[^\S\n]*(?:```\w*\s*)?$/.test(at > 40 ? `-${text.slice(at - 40, at)}` : text.slice(0, at))
}

type Span = { json: string; bare: string; end: number; unsure: boolean; open?: Open }

/**
 * Reads one bracketed value from `start` to its closing bracket or the end of the text, and writes its strings anew as
 * valid JSON: where they end is the one thing that jsonrepair cannot tell. `bare` is what stood outside of them; `unsure`
 * when one holds half a pair of quotes, and so may have ended elsewhere.
 */
function scan(text: string, start: number, endOfString: typeof likelyEnd): Span {
  const json: string[] = []
  const bare: string[] = []
  let depth = 0
  let at = start
  let inString = false
  let unsure = false
  while (at < text.length) {
    PLAIN.lastIndex = at
    const run = PLAIN.exec(text)?.[0] ?? text.charAt(at)
    const ending = CLOSING.get(run)
    if (ending && (/["“]/.test(run) || /[{[,:]\s*$/.test(bare.at(-1) ?? ''))) {
      const close = endOfString(text, at + 1, ending)
      const raw = text.slice(at + 1, close)
      json.push(jsonString(raw))
      bare.push('"')
      inString = close === text.length
      unsure ||= !inString && hasHalfAPair(raw)
      at = close + 1
      continue
    }
    const comment = run === '/' || run === '#' ? commentAt(text, at) : ''
    const plainRun = comment ? ' ' : run.replaceAll('：', ':').replaceAll('，', ',')
    json.push(plainRun)
    bare.push(plainRun)
    at += comment.length || run.length
    if (run === '{' || run === '[') depth += 1
    if (run === '}' || run === ']') depth -= 1
    if (depth > DEEPEST) return { json: '', bare: '', end: at, unsure: true }
    if (depth === 0) return { json: json.join(''), bare: bare.join(''), end: at, unsure }
  }
  const left = bare.join('').trimEnd()
  const dangling = inString || !/[}\],]$/.test(left)
  return { json: json.join(''), bare: left, end: text.length, unsure, open: { depth, dangling } }
}

const PLAIN = /[^"'“‘`\\{}[\]/#]+/y
const CLOSING = new Map([
  ['"', /["”]/g],
  ['“', /[”"]/g],
  ["'", /'/g],
  ['‘', /’/g],
  ['`', /`/g],
])

/** The first quote that is not escaped. */
function strictEnd(text: string, from: number): number {
  const string = /[^"\\]*(?:\\[^][^"\\]*)*/y
  string.lastIndex = from
  return string.test(text) ? string.lastIndex : text.length
}

/** The first quote behind which a comma, a colon or a bracket stands. */
function likelyEnd(text: string, from: number, quote: RegExp): number {
  const stop = new RegExp(`\\\\[^]|${quote.source}`, 'g')
  stop.lastIndex = from
  for (let match = stop.exec(text); match; match = stop.exec(text)) {
    if (match[0].length === 2) continue
    const gap = /\s*/y
    gap.lastIndex = stop.lastIndex
    const white = gap.exec(text)?.[0] ?? ''
    const next = text.charAt(stop.lastIndex + white.length)
    if (/^[,:\]}，：]?$/.test(next) || (white.includes('\n') && /["'“‘/#]/.test(next))) return match.index
  }
  return text.length
}

const hasHalfAPair = (raw: string) =>
  (raw.match(/\\[^]|"/g) ?? []).filter((mark) => mark === '"').length % 2 === 1

function commentAt(text: string, at: number): string {
  const comment = /\/\/.*|#.*/y
  comment.lastIndex = at
  return comment.exec(text)?.[0] ?? ''
}

// JSON would read LaTeX's `\frac` as a form feed and `\times` as a tab: no model means those, nor a backspace.
const ESCAPE =
  /\\(?:(["\\/]|u[\da-f]{4}|n(?!abla|eq)|r(?!ho|ight)|t(?!imes|heta|ext\b|frac|riangle))|('))?|["\u0000-\u001f]/gi

function jsonString(raw: string): string {
  const quoted = raw.startsWith('""') && raw.endsWith('""') && raw.length > 3 ? raw.slice(2, -2) : raw
  const body = quoted.replace(ESCAPE, (all: string, valid?: string, apostrophe?: string) => {
    if (apostrophe) return apostrophe
    if (valid) return all
    return all === '\\' ? '\\\\' : JSON.stringify(all).slice(1, -1)
  })
  return `"${body}"`
}

/** The value of a span, repaired where it must be; undefined where words stand outside of strings (prose, code). */
function parse({ json, bare, unsure, open }: Span): unknown {
  if (unsure) return undefined
  try {
    return JSON.parse(withNumbersMarked(json))
  } catch {
    if (json.length > LONGEST_REPAIR) return undefined
  }
  const settled = open ? json.replace(/[\w.+-]{1,40}$/, '') : json
  if (/[^\s{}[\],:."\d+-]/.test(bare.replace(KNOWN_WORDS, '').replace(open ? /[\w.+-]{1,40}$/ : '', '')))
    return undefined
  try {
    const { jsonrepair } = require('jsonrepair') as typeof JsonRepair
    return JSON.parse(withNumbersMarked(jsonrepair(settled)))
  } catch {
    return undefined
  }
}

const KNOWN_WORDS = /\b(?:true|false|null|none|[a-z_]\w*(?=\s*:))/gi

// A number read as a JavaScript number loses what was written (3.10, 1e3, long digits), so it is kept as marked text.
const MARK = '\u0000'
const withNumbersMarked = (json: string) =>
  json.replace(/"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/gi, (token) =>
    token.startsWith('"') ? token : `"\\u0000${token}"`,
  )

/** A string, or a number as it was written. */
export function scalarText(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  return value.startsWith(MARK) ? value.slice(1) : value
}

/** Lists and objects as one line of JSON, with the numbers as written. */
export function structureText(value: object): string {
  return JSON.stringify(value).replace(/"\\u0000([^"]*)"/g, '$1')
}

// The list a step asked for: under its name, bare, as single objects one after another, or keyed by numbers.

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

// Finds the JSON values in a text: prose and code fences stepped over, small faults repaired. Valid JSON is never repaired.
import { createRequire } from 'node:module'
import type * as JsonRepair from 'jsonrepair'
import { ended, isTokenAt, unescaped } from './leftovers.ts'

/** `ownLine`: nothing but a fence stands before it on its line. `open`: the reply ended inside it. */
export type FoundJson = { value: unknown; start: number; end: number; ownLine: boolean; open?: Open }
/** `depth`: brackets left open. `whole`: what was written last has its end, or its `comma`. */
type Open = { depth: number; whole: boolean; comma: boolean }

const require = createRequire(import.meta.url) // most replies need no repair: it is loaded when one does

// jsonrepair recurses; a reply within the token limits of the steps is far shorter than this.
const LONGEST_REPAIR = 200_000
const MOST_FALSE_STARTS = 4
const MOST_BROKEN = 20 // values in one reply; after these none is taken for valid JSON at first
const MOST_FAULTS = 200
const DEEPEST = 100

/** True for a JSON object or array, alone or in a code fence. */
export function isJson(text: string): boolean {
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

/** The JSON objects and arrays in a text, outermost ones only, in the order they stand. */
export function findJson(text: string): FoundJson[] {
  const found: FoundJson[] = []
  const opener = /[{[](?=\s*(?:["'“‘{[}\]]|true|false|\w+\s*:))/gi
  let falseStarts = 0
  let broken = 0
  for (let match = opener.exec(text); match && falseStarts < MOST_FALSE_STARTS; match = opener.exec(text)) {
    const start = match.index
    const strict = broken < MOST_BROKEN ? new Scan(text, start, strictEnd).run() : undefined
    const valid = strict && isJson(text.slice(start, strict.end))
    const span = valid ? strict : new Scan(text, start, likelyEnd).run()
    broken += valid ? 0 : 1
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

/** `json` has `"#3"` in the place of its fourth string, so that no repair touches what stands in strings. */
type Span = { json: string; strings: string[]; end: number; open?: Open }
type EndOfString = (text: string, from: number, quote: string, isKey: boolean, depth: number) => number

/**
 * Reads one bracketed value from `start` to its closing bracket or the end of the text. Where its strings end is the one
 * thing that jsonrepair cannot tell: it takes a quote before a comma for an end, and loses LaTeX.
 */
class Scan {
  private readonly text: string
  private readonly endOfString: EndOfString
  private readonly json: string[] = []
  private readonly strings: string[] = []
  private readonly brackets: string[] = []
  private at: number
  /** What was written last: a bracket, a comma, a colon, `"` for a value, `k` for a key, `w` for a word or half a string. */
  private last = ''

  constructor(text: string, start: number, endOfString: EndOfString) {
    this.text = text
    this.at = start
    this.endOfString = endOfString
  }

  run(): Span {
    let sign = ''
    while (this.at < this.text.length && !isTokenAt(this.text, this.at)) {
      PLAIN.lastIndex = this.at
      sign = PLAIN.exec(this.text)?.[0] ?? this.text.charAt(this.at)
      if (/["“]/.test(sign) || (/['‘`]/.test(sign) && /[{[,:]/.test(this.last))) this.string(sign)
      else if (sign === '{' || sign === '[') this.opened(sign)
      else if (sign === '}' || sign === ']') this.closed(sign)
      else this.between(sign)
      if (this.brackets.length === 0 || this.brackets.length > DEEPEST) return this.span(this.at)
    }
    const open = {
      depth: this.brackets.length,
      whole: /[}\],"]/.test(this.last),
      comma: this.last === ',',
    }
    return { ...this.span(this.text.length), open }
  }

  private span(end: number): Span {
    const tooDeep = this.brackets.length > DEEPEST
    return { json: tooDeep ? '' : this.json.join('').trimEnd(), strings: this.strings, end }
  }

  private string(quote: string): void {
    const isKey = this.brackets.at(-1) === '{' && this.last !== ':'
    const tripled =
      quote === '"' &&
      /^"""(?!")/.test(this.text.slice(this.at, this.at + 4)) &&
      this.endOfString !== strictEnd
    const from = this.at + (tripled ? 3 : 1)
    const found = tripled
      ? this.text.indexOf('"""', from)
      : this.endOfString(this.text, from, quote, isKey, this.brackets.length)
    const end = found < 0 ? this.text.length : found
    const raw = this.text.slice(from, end)
    const closed = end < this.text.length
    const doubt = closed && !tripled && this.endOfString !== strictEnd && hasHalfAPair(raw) ? DOUBT : ''
    this.json.push(`"#${this.strings.length}"`)
    this.strings.push(doubt + (isKey ? unescaped(raw) : ended(unescaped(raw))))
    this.last = !closed ? 'w' : isKey ? 'k' : '"'
    this.at = end + (tripled ? 3 : 1)
  }

  private opened(bracket: string): void {
    this.json.push(bracket)
    this.brackets.push(bracket)
    this.last = bracket
    this.at += 1
  }

  /** A bracket that was forgotten closes with the one around it; one that nothing opened goes. */
  private closed(bracket: string): void {
    const opened = this.brackets.lastIndexOf(bracket === '}' ? '{' : '[')
    const inner = opened < 0 ? [] : this.brackets.splice(opened)
    for (const open of inner.toReversed()) this.json.push(open === '{' ? '}' : ']')
    this.last = bracket
    this.at += 1
  }

  private between(run: string): void {
    const comment = run === '/' || run === '#' ? commentAt(this.text, this.at) : ''
    const plain = comment ? ' ' : run.replaceAll('：', ':').replaceAll('，', ',')
    this.json.push(plain)
    const sign = plain.trimEnd().at(-1)
    if (sign) this.last = /[,:]/.test(sign) ? sign : 'w'
    this.at += comment.length || run.length
  }
}

const PLAIN = /[^"'“‘`\\{}[\]/#<]+/y

function commentAt(text: string, at: number): string {
  const comment = /\/\/.*|#.*/y
  comment.lastIndex = at
  return comment.exec(text)?.[0] ?? ''
}

/** The first quote that is not escaped. */
function strictEnd(text: string, from: number): number {
  const string = /[^"\\]*(?:\\[^][^"\\]*)*/y
  string.lastIndex = from
  return string.test(text) ? string.lastIndex : text.length
}

/** What a string that was opened so may be closed by, and escapes, which are passed over. */
const CLOSING = new Map(
  Object.entries({ '"': '"""|["”]', '“': '["”]', "'": "'", '‘': '’', '`': '`' }).map(([quote, closing]) => [
    quote,
    new RegExp(`\\\\[^]|${closing}`, 'g'),
  ]),
)
const LONGEST_LOOK = 2000 // behind a quote that may end a string, for what shows that it does not

/** The quote behind which JSON goes on, unless it closes a pair of quotes that was opened inside the string. */
function likelyEnd(text: string, from: number, quote: string, isKey: boolean, depth: number): number {
  const stop = CLOSING.get(quote)
  if (!stop) return text.length
  stop.lastIndex = from
  let inPair = false
  let passed = -1
  for (let match = stop.exec(text); match; match = stop.exec(text)) {
    const { 0: mark, index } = match
    const last = index + mark.length - 1
    if (passed >= 0 && index > passed + LONGEST_LOOK) break
    if (mark.startsWith('\\') || (mark === '”' && quote === '"' && closesCurly(text, from, index))) continue
    const goesOn = jsonGoesOn(text, last + 1, isKey, depth)
    if (goesOn === 'surely' || (goesOn && !inPair)) return last
    if (mark.length > 1) continue
    if (inPair && passed >= 0 && /\s/.test(text.charAt(index - 1))) break
    if (goesOn && passed < 0) passed = index
    inPair = !inPair && mark === '"' && opensPair(text, from, index)
  }
  return passed < 0 ? text.length : passed
}

const COLON = /\s*[:：]/y
const NEXT_KEY = /\s*,?\s*["“'][\w \p{sc=Han}-]{1,40}["”']\s*[:：]/uy
const NEXT_VALUE = /\s*$|\s*[,，]\s*(?:["'“‘{[}\]#]|-?\d|(?:true|false|null|none)\b|\/\/|\w{1,30}\s*:|$)/iy
const BRACKETS = /\s*[}\]][}\]\s]*/y
const NEXT_STRING = /\s*["“](?!\s*[,:}\]])\S|\s*\n\s*["'“‘/#]/y

/** Whether what stands behind a quote is JSON: the next key, a comma with a value, brackets, a string without its comma. */
function jsonGoesOn(text: string, at: number, isKey: boolean, depth: number): 'surely' | boolean {
  const behind = (pattern: RegExp) => {
    pattern.lastIndex = at
    return pattern.exec(text)?.[0]
  }
  if (isKey && behind(COLON)) return 'surely'
  if (!isKey && behind(NEXT_KEY)) return 'surely'
  if (behind(NEXT_VALUE) !== undefined) return true
  const brackets = behind(BRACKETS)
  if (brackets) {
    const enough = brackets.includes('\n') || brackets.replace(/\s/g, '').length >= depth
    return enough || /^(?:[,，"`{<]|$)/.test(text.charAt(at + brackets.length))
  }
  return behind(NEXT_STRING) !== undefined || isTokenAt(text, at)
}

function opensPair(text: string, from: number, index: number): boolean {
  const before = index === from ? ' ' : text.charAt(index - 1)
  return (
    /[\s([{（「“‘:：,，、=\p{sc=Han}]/u.test(before) &&
    /[^\s,.:;!?，。：；！？、)}\]"”]/.test(text.charAt(index + 1))
  )
}

/** Whether a curly quote closes one that was opened inside the string, shortly before. */
function closesCurly(text: string, from: number, index: number): boolean {
  const before = text.slice(Math.max(from, index - 200), index)
  return before.lastIndexOf('“') > before.lastIndexOf('”')
}

/** An odd number of quotes inside a string, and none of inches among them: it may have ended elsewhere. */
const hasHalfAPair = (raw: string) =>
  (raw.match(/\\[^]|"/g) ?? []).filter((mark) => mark === '"').length % 2 === 1 && !/\d"(?= )/.test(raw)

/** The value of a span, repaired where it must be; undefined where words stand outside of strings (prose, code). */
function parse({ json, strings, open }: Span): unknown {
  try {
    return filled(JSON.parse(withNumbersMarked(json)), strings)
  } catch {
    const half = open && !open.whole ? /[\w.+-]{1,40}$/ : /(?!)/
    return isRepairable(json.replace(half, '')) ? repaired(json.replace(half, ''), strings) : undefined
  }
}

// A comma that lacks or is too many. jsonrepair copies all it has written for each, so a reply may have only so many.
const FAULT = /["}\]\w]\s*["{[]|\w\s+[\w-]|,\s*[}\]]/g
const KNOWN_WORDS = /\b(?:true|false|null|none|[a-z_]\w*(?=\s*:))/gi

function isRepairable(json: string): boolean {
  const bare = json.replace(/"#\d+"/g, '"')
  const words = /[^\s{}[\],:."\d+-]/.test(bare.replace(KNOWN_WORDS, ''))
  return !words && json.length <= LONGEST_REPAIR && (bare.match(FAULT)?.length ?? 0) <= MOST_FAULTS
}

function repaired(json: string, strings: string[]): unknown {
  try {
    const { jsonrepair } = require('jsonrepair') as typeof JsonRepair
    return filled(JSON.parse(withNumbersMarked(jsonrepair(json))), strings)
  } catch {
    return undefined
  }
}

/** The value with its strings in their places. */
function filled(value: unknown, strings: string[]): unknown {
  const own = (text: string) => (text.startsWith('#') ? (strings[Number(text.slice(1))] ?? '') : text)
  if (typeof value === 'string') return own(value)
  if (Array.isArray(value)) return value.map((member) => filled(member, strings))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [own(key), filled(field, strings)]))
}

// A number read as a JavaScript number loses what was written (3.10, 1e3, long digits), so it is kept as marked text.
const MARK = '\u0000'
// A string that may have ended elsewhere.
const DOUBT = `${MARK}?`
const withNumbersMarked = (json: string) =>
  json.replace(/"[^"]*"|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/gi, (token) =>
    token.startsWith('"') ? token : `"\\u0000${token}"`,
  )

/** A string, or a number as it was written; undefined where a string may have ended elsewhere. */
export function scalarText(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.startsWith(DOUBT)) return undefined
  return value.startsWith(MARK) ? value.slice(1) : value
}

/** A string as it stands, whatever it may be; for showing what was dropped. */
export const shownText = (value: unknown): string | undefined =>
  isDoubtful(value) ? String(value).slice(DOUBT.length) : scalarText(value)

export const isDoubtful = (value: unknown): boolean => typeof value === 'string' && value.startsWith(DOUBT)

/** Lists and objects as one line of JSON, with the numbers as written. */
export function structureText(value: object): string {
  return JSON.stringify(value)
    .replaceAll('"\\u0000?', '"')
    .replace(/"\\u0000([^"]*)"/g, '$1')
}

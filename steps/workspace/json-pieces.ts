// Takes a JSON text of any size apart into its rows, in little memory: only the row being read is held. The text around
// the rows is followed byte by byte; a row's own text is left to JSON.parse.
import { isObject, jsonIn } from './jsonl.ts'

// Bytes of the ASCII characters that JSON is built of; no byte of a longer UTF-8 character looks like one of them.
const [LF, CR, TAB, SPACE, QUOTE, COMMA, COLON] = [0x0a, 0x0d, 0x09, 0x20, 0x22, 0x2c, 0x3a]
const [OPEN_LIST, BACKSLASH, CLOSE_LIST, OPEN, CLOSE] = [0x5b, 0x5c, 0x5d, 0x7b, 0x7d]

/**
 * A value of a JSON text. `path`: the names or places of what it stands in, from the outside. `line`: where it begins.
 * `shares`: another value ends on that line, so that the line alone does not say which is meant.
 */
export type Piece = { path: (string | number)[]; bytes: Buffer; line: number; shares: boolean }

/** A list or an object that is taken apart. `key`: the name of the member that comes, undefined between members. */
type Level = { isList: boolean; next: number; key: string | undefined }

const oddNumber = /(?:^|[:[])\s*-?(?:\d+\.\d*0|\d{16,}|\d+\.\d{16,}|\d[\d.]*e[+-]?\d+)\s*(?:$|[,}\]])/i

/** A value with its numbers as texts, as they are spelt there: JSON.parse makes 1 of 1.0, and rounds a long one. */
export function asSpelt(value: unknown, text: string): unknown {
  if (!oddNumber.test(text)) return value
  if (typeof value === 'number') return text.trim()
  if (!isObject(value)) return value
  const spelt = new JsonSplitter(1)
    .push(Buffer.from(text))
    .flatMap(({ path: [name = ''], bytes }) =>
      typeof value[name] === 'number' ? [[name, bytes.toString()]] : [],
    )
  return { ...value, ...(Object.fromEntries(spelt) as Record<string, string>) }
}

export class JsonSplitter {
  /** How many values have ended that stand in nothing else. */
  ended = 0
  /** Bytes of the value that has begun. */
  size = 0
  /** The line that is being read. */
  line = 1
  private readonly depth: number
  private readonly levels: Level[] = []
  private held: Buffer[] = [] // the value's bytes in earlier chunks
  private from = -1 // where the value begins in this chunk; -1 between values
  private kind: 'none' | 'scalar' | 'enclosed' = 'none' // enclosed: in brackets or quotes
  private nested = 0
  private isObject = false
  private inString = false
  private escaped = false
  private last = 0 // the last byte of the value that is no white space
  private began = 1 // the line on which the value begins
  private lastEnd = 0 // the line on which the last value ended

  /** `depth`: how many lists and objects lie around the values wanted; those nearer to the outside are given as well. */
  constructor(depth: number) {
    this.depth = depth
  }

  /** The values that end in this chunk. */
  push(chunk: Buffer): Piece[] {
    const pieces: Piece[] = []
    if (this.kind !== 'none') this.from = 0
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0
      if (byte === LF) this.line++
      if (this.kind === 'none') this.between(chunk, at, byte, pieces)
      else if (this.kind === 'enclosed') at = this.inside(chunk, at, byte, pieces)
      else if (byte <= SPACE || byte === COMMA || byte === CLOSE || byte === CLOSE_LIST) {
        this.finish(chunk, at, pieces)
        this.between(chunk, at, byte, pieces)
      }
    }
    if (this.from >= 0) {
      this.held.push(chunk.subarray(this.from))
      this.size += chunk.length - this.from
      this.from = -1
    }
    return pieces
  }

  /** What stands at the end of the text without an end of its own. */
  rest(): Piece[] {
    const pieces: Piece[] = []
    if (this.kind !== 'none') {
      this.from = 0
      this.finish(Buffer.alloc(0), 0, pieces)
    }
    // A list without its last bracket was cut off, perhaps with rows behind the cut: an empty piece is no JSON.
    if (this.levels.length > 0) pieces.push(this.piece(Buffer.alloc(0), this.line))
    return pieces
  }

  private between(chunk: Buffer, at: number, byte: number, pieces: Piece[]): void {
    const level = this.levels.at(-1)
    if (byte === SPACE || byte === LF || byte === CR || byte === TAB || byte === COMMA) return
    if (byte === COLON && level?.key !== undefined) return
    if (byte === CLOSE || byte === CLOSE_LIST) {
      if (level?.isList === (byte === CLOSE_LIST)) this.close()
      else pieces.push(this.piece(chunk.subarray(at, at + 1), this.line)) // a bracket too many
      return
    }
    const opens = byte === OPEN || byte === OPEN_LIST
    const isKey = level !== undefined && !level.isList && level.key === undefined
    if (opens && !isKey && this.levels.length < this.depth)
      this.levels.push({ isList: byte === OPEN_LIST, next: 0, key: undefined })
    else this.begin(at, byte, opens)
  }

  private begin(at: number, byte: number, opens: boolean): void {
    this.from = at
    this.began = this.line
    this.inString = byte === QUOTE
    this.kind = opens || this.inString ? 'enclosed' : 'scalar'
    this.nested = opens ? 1 : 0
    this.isObject = byte === OPEN
    this.last = byte
    this.escaped = false
  }

  private close(): void {
    this.levels.pop()
    this.move()
  }

  /** On to the next member of what lies around. */
  private move(): void {
    const level = this.levels.at(-1)
    if (level === undefined) this.ended++
    else if (level.isList) level.next++
    else level.key = undefined
  }

  /** A byte of a list, object or text. Text is run over quickly; returns the place of the last byte looked at. */
  private inside(chunk: Buffer, start: number, first: number, pieces: Piece[]): number {
    let [at, byte] = [start, first]
    if (this.inString) {
      for (; at < chunk.length; at++) {
        byte = chunk[at] ?? 0
        if (at > start && byte === LF) this.line++
        if (this.escaped) this.escaped = false
        else if (byte === BACKSLASH) this.escaped = true
        else if (byte === QUOTE || byte === LF) break // JSON text holds no line break: its quote is missing
      }
      if (at === chunk.length) return at
      this.inString = false
      this.last = byte
      if (this.nested === 0) this.finish(chunk, at + 1, pieces)
      return at
    }
    if (byte <= SPACE) return at
    if (byte === QUOTE) this.inString = true
    else if (byte === OPEN || byte === OPEN_LIST) {
      // A row inside a row, where a name was to come: the outer row lacks its bracket.
      if (byte === OPEN && this.nested === 1 && this.isObject && this.last !== COLON) {
        this.finish(chunk, at, pieces)
        this.begin(at, byte, true)
        return at
      }
      this.nested++
    } else if ((byte === CLOSE || byte === CLOSE_LIST) && --this.nested === 0)
      this.finish(chunk, at + 1, pieces)
    this.last = byte
    return at
  }

  private finish(chunk: Buffer, end: number, pieces: Piece[]): void {
    const tail = chunk.subarray(this.from, end)
    const bytes = this.held.length > 0 ? Buffer.concat([...this.held, tail]) : tail
    const level = this.levels.at(-1)
    const isName = bytes[0] === QUOTE && level !== undefined && !level.isList && level.key === undefined
    this.held = []
    this.size = 0
    this.from = -1
    this.kind = 'none'
    if (isName) level.key = String(jsonIn(bytes.toString()))
    else {
      pieces.push(this.piece(bytes, this.began))
      this.lastEnd = this.line
      this.move()
    }
  }

  private piece(bytes: Buffer, line: number): Piece {
    const path = this.levels.map(({ isList, next, key }) => (isList ? next : (key ?? '')))
    return { path, bytes, line, shares: this.lastEnd === line }
  }
}

/** The value of a row's JSON; Python's NaN is null, and a comma may stand behind it. Undefined where it is no JSON. */
export function rowIn(text: string): unknown {
  return jsonIn(text) ?? jsonIn(withoutPython(text.replace(/,\s*$/, '')))
}

/** The same with null for what JSON has no number for; texts stay as they are. One pattern for a text of 20 MB is too much. */
function withoutPython(text: string): string {
  const parts: string[] = []
  let at = 0
  while (at < text.length) {
    const found = text.indexOf('"', at)
    const quote = found === -1 ? text.length : found
    const end = endOfText(text, quote)
    parts.push(text.slice(at, quote).replace(/-?\b(?:NaN|Infinity)\b/g, 'null'), text.slice(quote, end))
    at = end
  }
  return parts.join('')
}

/** Where the text ends that begins at this quote. */
function endOfText(text: string, quote: number): number {
  let end = text.indexOf('"', quote + 1)
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end === -1 ? text.length : end + 1
}

function isEscaped(text: string, place: number): boolean {
  let before = place
  while (text[before - 1] === '\\') before--
  return (place - before) % 2 === 1
}

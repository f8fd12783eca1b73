// Replies that are text instead of JSON. Instances stand under labels: `Input:` / `Output:` / `Class label:` and their Chinese
// forms, several pairs, bold or numbered or not; what could be read two ways is dropped with a reason, never guessed. Tasks
// stand in lists, under numbers in every style.
import { asksForCode, isCode } from './language.ts'
import type { Instance } from './given.ts'

/** A piece that could not be read as a row: its first 500 characters and a code. */
export type Dropped = { text: string; why: 'no_output' | 'not_a_row' | 'cut' }

type Kind = 'before' | 'input' | 'output' | 'class'
/** One label with the text up to the next; `raw` as it stood, `adjacent` when no empty line is above it. */
type Part = { kind: Kind; text: string; raw: string; adjacent: boolean }
type OpenPart = { kind: Kind; lines: string[]; raw: string[]; adjacent: boolean; written: boolean }
/** What belongs to one instance: at best one input and one output. */
type Turn = { before: string; inputs: string[]; outputs: string[]; raw: string[] }

const KINDS = new Map<string, Kind>([
  ['input', 'input'],
  ['输入', 'input'],
  ['output', 'output'],
  ['输出', 'output'],
  ['class label', 'class'],
  ['class_label', 'class'],
  ['类别', 'class'],
  ['类别标签', 'class'],
])
const LABEL =
  /^[\s>#*_`-]*(?:\d{1,3}[.)、]\s*[*_]*\s*)?(?:(?:example|task|示例|例)\s*\d*\s*[:：.]?\s*)?(input|output|class[ _]label|输入|输出|类别标签|类别)\s*\d{0,2}\s*[*_`]*\s*[:：]\s*(?:\*\*|__)?/i
const EXAMPLE = /^[\s>#*_-]*(?:example|instance|示例|例子|样例|实例|例)\s*(\d{0,3})[.)、:：*_#\s-]*$/i
const NUMBER_OR_RULE = /^[\s>#*_-]*(?:\d{1,3}[.)、:：])?[*_#\s-]*$/
const NEXT_TASK = /^[\s#*]*(?:task|任务)\s*\d*[*\s]*(?:[:：].*)?$/i
// `18. Instruction:`, `### Instruction:`, `Task 2:`: a second example, with no empty line needed before it.
const NEXT_EXAMPLE =
  /^[\s#*]*(?:\d{1,3}[.)、]\s*)?[*_]*(?:instruction|指令|(?:task|任务)\s*\d{1,3})[*\s]*[:：]/i
const CHATTER =
  /^(?:sure|certainly|of course|here|below|okay|ok\b|以下|下面|好的|当然|这是|这里)[^]*[:：.。!！]$/i
// A closing remark on the rows themselves, not the end of a row.
const REMARK =
  /^(?:let me know|i hope|hope|feel free|would you|these are|希望|如果|以上)[^\n]*(?:examples?|instances?|例子|示例|实例)\b/i
const FIELD = /^(?!example\b|示例|例)[\p{L}\d][\p{L}\d '-]{0,30}[:：]\s*\S/iu
const EXAMPLE_TEXT = /^(?:example|示例|例)/i
const QUOTED_EXAMPLE = /^(?:example|示例|例子?)\s*[:：]\s*(["“'[{(「][^\n]*)$/i
// `Output should be:`, `Expected Input` inside a value: the value can be read two ways.
const HALF_LABEL = /^(?:Expected |Example |Sample )?(?:Input|Output)\b/m
const NAMES_ANSWER = /^(?:answer|solution|答案|回答)\s*[:：]/im
const ANSWER = /^[*_]{0,2}(?:answer|solution|答案|回答)\s*[:：][*_]{0,2}\s*/i

/** The instances of a labelled reply in order; undefined where nothing says which part is the output. */
export function readLabelled(
  text: string,
  isClassification: boolean,
  instruction: string,
): (Instance | Dropped)[] | undefined {
  const parts = splitAtLabels(text)
  const kinds = parts.filter(({ kind }) => kind !== 'before').map(({ kind }) => kind)
  if (kinds.length === 0) {
    const output = answerIn(parts[0]?.text ?? '', instruction)
    return output === undefined ? undefined : [{ input: '', output }]
  }
  const outputFirst = /^output input(?: output input)*$/.test(kinds.join(' '))
  if (kinds[0] === 'class' || (outputFirst && isClassification)) return readOutputFirst(parts)
  if (outputFirst) return [{ text, why: 'not_a_row' }]
  return turnsOf(parts).flatMap((turn) => settle(turn, instruction))
}

function splitAtLabels(text: string): Part[] {
  const lines = text.split(/\r\n?|\n/)
  const labels = lines.map(labelOf)
  const heads = headings(lines, labels)
  const lastWritten = lines.findLastIndex((line) => line.trim() !== '')
  let current: OpenPart = { kind: 'before', lines: [], raw: [], adjacent: false, written: false }
  const parts = [current]
  const start = (part: Omit<OpenPart, 'written'>) => {
    current = { ...part, written: part.lines.some((line) => line.trim() !== '') }
    parts.push(current)
  }
  for (const [index, line] of lines.entries()) {
    const label = labels[index]
    const head = heads[index]
    if (label)
      start({
        kind: label.kind,
        lines: [label.value],
        raw: [line],
        adjacent: (lines[index - 1] ?? '').trim() !== '',
      })
    else if ((parts.length > 1 || current.written) && opensNextTask(lines, index, lastWritten)) break
    else if (answered(current) && NEXT_EXAMPLE.test(line.slice(0, 80))) break
    else if (head === 'row') start({ kind: 'before', lines: [], raw: [], adjacent: false })
    else if (head === undefined || (head === 'mark' && current.kind !== 'before' && !current.written)) {
      current.lines.push(line)
      current.raw.push(line)
      current.written ||= line.trim() !== ''
    }
  }
  return parts.map(({ kind, lines, raw, adjacent }) => ({
    kind,
    text: lines
      .join('\n')
      .replace(/\n[ \t]*#{2,6}\s*$/, '')
      .trim(),
    raw: raw.join('\n'),
    adjacent,
  }))
}

const answered = ({ kind, written }: OpenPart) => written && (kind === 'output' || kind === 'class')

export function labelOf(line: string): { kind: Kind; value: string } | undefined {
  const match = LABEL.exec(line.slice(0, 80))
  const kind = KINDS.get(match?.[1]?.toLowerCase() ?? '')
  if (!match || !kind) return undefined
  const value = line.slice(match[0].length)
  const boldGoesOn = /^[\s>#-]*(?:\*\*|__)/.test(match[0]) && !/(?:\*\*|__)$/.test(match[0].trimEnd())
  return { kind, value: boldGoesOn ? value.replace(/(?:\*\*|__)$/, '') : value }
}

/**
 * Lines between rows that belong to none: `Example 2` above a label, or above a row whose input has a name of its own
 * (`row`), and numbers and rules above a label (`mark`, unless one is all that a part holds).
 */
function headings(
  lines: string[],
  labels: ReturnType<typeof labelOf>[],
): ('heading' | 'row' | 'mark' | undefined)[] {
  const found: ReturnType<typeof headings> = []
  let leadsToLabel = false
  let nextKind: Kind | undefined
  for (let index = lines.length - 1; index >= 0; index -= 1) {
    const line = (lines[index] ?? '').slice(0, 80)
    const example = EXAMPLE.exec(line)
    const mark = NUMBER_OR_RULE.test(line)
    if (example && leadsToLabel) found[index] = 'heading'
    else if (example?.[1] && nextKind === 'output' && FIELD.test(lines[index + 1] ?? '')) found[index] = 'row'
    else if (mark && leadsToLabel) found[index] = 'mark'
    else found[index] = undefined
    nextKind = labels[index]?.kind ?? nextKind
    leadsToLabel = labels[index] !== undefined || (leadsToLabel && (mark || example !== null))
  }
  return found
}

/** A model that goes on with a task of its own writes `Task:` after an empty line: the paper's stop sequence. */
function opensNextTask(lines: string[], index: number, lastWritten: number): boolean {
  const line = (lines[index] ?? '').slice(0, 80)
  if (!NEXT_TASK.test(line) || (lines[index - 1] ?? '').trim() !== '') return false
  return /[:：]/.test(line) || index === lastWritten
}

function turnsOf(parts: Part[]): Turn[] {
  const turns: Turn[] = []
  for (const { kind, text, raw, adjacent } of parts) {
    const current = turns.at(-1)
    const joins =
      kind === 'output' ||
      kind === 'class' ||
      (kind === 'input' && current?.outputs.length === 0 && (current.inputs.length === 0 || adjacent))
    const turn = current && joins ? current : { before: '', inputs: [], outputs: [], raw: [] }
    if (turn !== current) turns.push(turn)
    if (kind === 'before') turn.before = text
    else if (kind === 'input') turn.inputs.push(text)
    else turn.outputs.push(text)
    turn.raw.push(raw)
  }
  return turns
}

function settle({ before, inputs, outputs, ...turn }: Turn, instruction: string): (Instance | Dropped)[] {
  const raw = turn.raw.join('\n').trim()
  const written = outputs.filter((output) => output !== '').map(withoutRemark)
  const [output] = written
  const [input] = inputs
  if (inputs.length === 0 && outputs.length === 0) return []
  if (inputs.length > 1 || written.length > 1) return [{ text: raw, why: 'not_a_row' }]
  if (output === undefined) {
    const moved = input === undefined ? answerIn(before, instruction) : undefined
    return [moved === undefined ? { text: raw, why: 'no_output' } : { input: '', output: moved }]
  }
  const own = inputOf(before, input)
  const clear = own !== undefined && !HALF_LABEL.test(own) && !HALF_LABEL.test(output)
  return [clear ? { input: own, output } : { text: raw, why: 'not_a_row' }]
}

/** The labelled input, or what stands before without a label: nothing, a named field, a quoted example. Never both. */
function inputOf(before: string, input = ''): string | undefined {
  const field = FIELD.test(before) && !NAMES_ANSWER.test(before) && !isCode(before)
  const idle = before === '' || CHATTER.test(before)
  if (input !== '')
    return idle || EXAMPLE_TEXT.test(before) || (!field && /[:：]$/.test(before)) ? input : undefined
  if (idle) return ''
  return QUOTED_EXAMPLE.exec(before)?.[1] ?? (field ? before : undefined)
}

/** The answer in a text that no `Output:` announces: it calls itself an answer, or is the code that was asked for. */
function answerIn(text: string, instruction: string): string | undefined {
  const answer = ANSWER.exec(text)
  if (answer) return text.slice(answer[0].length)
  return asksForCode(instruction) && isCode(text) ? text : undefined
}

function withoutRemark(output: string): string {
  const last = /\n[ \t]*\n([^\n]{1,300})$/.exec(output)
  return last && REMARK.test(last[1] ?? '') ? output.slice(0, last.index).trim() : output
}

/** `Class label:` on one line, what was classified below it, as the paper asks for classification tasks. */
function readOutputFirst(parts: Part[]): (Instance | Dropped)[] {
  const rows: { output: string; inputs: string[]; raw: string[] }[] = []
  for (const { kind, text, raw } of parts) {
    const current = rows.at(-1)
    if (kind === 'class' || kind === 'output') {
      const [label = '', ...below] = kind === 'class' ? text.split('\n') : [text]
      const unlabelled = below.join('\n').trim()
      rows.push({ output: label.trim(), inputs: unlabelled === '' ? [] : [unlabelled], raw: [raw] })
    } else if (current) {
      current.inputs.push(text)
      current.raw.push(raw)
    }
  }
  return rows.map(({ output, inputs, raw }) => {
    if (output === '') return { text: raw.join('\n'), why: 'no_output' }
    const [input = ''] = inputs
    const clear = inputs.length === 1 ? input !== '' : inputs.length === 0 && rows.length === 1
    return clear ? { input: withoutRemark(input), output } : { text: raw.join('\n'), why: 'not_a_row' }
  })
}

export const isLabelled = (text: string): boolean =>
  text.split(/\r\n?|\n/).some((line) => labelOf(line) !== undefined)

/** Tasks as the prompts show them: numbered, each on one line. */
export function numberedTasks(tasks: readonly string[]): string {
  return tasks.map((task, place) => `${place + 1}. ${task.replace(/\s+/g, ' ')}`).join('\n')
}

type Mark = { number: number; indent: number; rest: string }

const DIGITS = '[0-9０-９]{1,3}'
const CIRCLED = /^[①-⑳⑴-⒇⒈-⒛❶-❿]/u
const NUMBER = new RegExp(
  `^(?:(?:task|instruction|任务|指令|题目|第)[ \\t]*#?(${DIGITS})[ \\t]*[条个项题]?[ \\t]*[*_]*[ \\t]*(?:[:：、)）-]|[.．](?![0-9０-９]))` +
    `|[([（【]?(${DIGITS})[ \\t]?\\\\?(?:[)）\\]】、]|[:：](?![0-9０-９])|[.．](?![0-9０-９])))`,
  'iu',
)
const WRAP = /^[>#*_\s-]*/

/** The number in front of a line, however it is written; undefined where the line has none. `3.14` is none. */
export function readMark(line: string): Mark | undefined {
  const indent = /^[ \t　]*/.exec(line)?.[0].length ?? 0
  const wrap = WRAP.exec(line.slice(0, 60))?.[0] ?? ''
  const head = line.slice(wrap.length, wrap.length + 60)
  const circled = CIRCLED.exec(head)?.[0]
  const match = circled ? null : NUMBER.exec(head)
  if (!circled && !match) return undefined
  const digits = circled ?? match?.[1] ?? match?.[2] ?? ''
  const after = line.slice(wrap.length + (circled ?? match?.[0] ?? '').length)
  const rest = closeBold(after, /[*_]{2}/.exec(wrap)?.[0])
  return {
    number: Number.parseInt(digits.normalize('NFKC').replace(/\D/g, ''), 10),
    indent,
    rest: rest.trim(),
  }
}

/** `**9. Title** text` leaves a lone closing `**` behind once the number is gone; it goes too. */
function closeBold(after: string, opened: string | undefined): string {
  const closed = /^\s*[*_]{1,3}(?=\s|$)/.exec(after) ?? (opened ? /^[*_]{2,3}/.exec(after) : null)
  if (closed) return after.slice(closed[0].length)
  return opened ? after.replace(opened, '') : after
}

/** Takes the number off a task, and the same number once more where the model wrote it twice. */
export function withoutNumber(text: string): string {
  const [line = '', ...more] = text.trim().split('\n')
  const first = readMark(line)
  if (!first) return text.trim()
  const second = readMark(first.rest)
  const rest = second?.number === first.number ? second.rest : first.rest
  return [rest, ...more].join('\n').trim()
}

type ListEntry = { number: number; text: string }

/** The entries of the list a reply holds: numbered ones, else at least three bullets; each with its following lines. */
export function readList(text: string): string[] {
  const lines = text.split(/\r\n?|\n/)
  const numbered = entries(lines, (line) => (labelOf(line) ? undefined : readMark(line)))
  const [only] = numbered
  if (only) return numbered.length === 1 ? onOneLine(only) : numbered.map(({ text }) => text)
  const bulleted = entries(lines, readBullet)
  return bulleted.length < 3 ? [] : bulleted.map(({ text }) => text)
}

/** What stands above the first entry of a list. */
export function preambleOf(text: string): string {
  const lines = text.split(/\r\n?|\n/)
  const first = lines.findIndex((line) => readMark(line) ?? readBullet(line))
  return lines.slice(0, Math.max(first, 0)).join('\n')
}

function readBullet(line: string): Mark | undefined {
  const bullet = /^([ \t]*)[-*•–][ \t]+(?=\S)/.exec(line)
  if (!bullet) return undefined
  return { number: 0, indent: bullet[1]?.length ?? 0, rest: line.slice(bullet[0].length).trim() }
}

function entries(lines: string[], read: (line: string) => Mark | undefined): ListEntry[] {
  const found: { number: number; lines: string[] }[] = []
  let outermost = Infinity
  for (const line of lines) {
    const mark = read(line)
    if (mark && mark.indent <= outermost) {
      outermost = found.length === 0 ? mark.indent : outermost
      found.push({ number: mark.number, lines: [mark.rest] })
    } else found.at(-1)?.lines.push(line)
  }
  return found.map(({ number, lines }) => ({ number, text: lines.join('\n').trim() }))
}

/** `1. … 2. … 3. …` on a single line: split where the numbers count on and there are at least three. */
function onOneLine({ number, text }: ListEntry): string[] {
  const parts: string[] = []
  let from = 0
  for (const mark of text.matchAll(/[ \t](\d{1,3})[.)、][ \t]+/g)) {
    if (Number(mark[1]) !== number + parts.length + 1) continue
    parts.push(text.slice(from, mark.index).trim())
    from = mark.index + mark[0].length
  }
  return parts.length < 2 ? [text] : [...parts, text.slice(from).trim()]
}

// Reads instances from text that is labelled instead of JSON: `Input:` / `Output:` / `Class label:` and their Chinese
// forms, several pairs, bold or numbered or not. What could be read two ways is dropped with a reason, never guessed.
import type { Dropped, Instance } from './replies.ts'

type Kind = 'before' | 'input' | 'output' | 'class'
type Part = { kind: Kind; text: string; adjacent: boolean }
type Turn = { before: string; inputs: string[]; outputs: string[]; text: string }

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
  /^[\s>#*_`-]*(?:\d{1,3}[.)、]\s*[*_]*\s*)?(?:(?:example|示例|例)\s*\d*\s*[:：.]?\s*)?(input|output|class[ _]label|输入|输出|类别标签|类别)\s*\d{0,2}\s*[*_`]*\s*[:：]\s*(?:\*\*|__)?/i
const HEADING = /^[\s>#*_-]*(?:(?:example|instance|示例|例子|样例|实例|例)\s*)?\d{0,3}[.)、:：*_#\s-]*$/i
const NEXT_TASK = /^[\s#*]*(?:task|任务)\s*\d*[*\s]*(?:[:：].*)?$/i
const CHATTER =
  /^(?:sure|certainly|of course|here|below|the following|okay|ok\b|以下|下面|好的|当然|这是|这里)[^]*[:：.。]$/i
const FIELD = /^[\p{L}\d][\p{L}\d '()-]{0,30}[:：]/u
const ANSWER = /^(?:answer|response|solution|答案|回答)\s*[:：]\s*/i

export type Reading = (Instance | Dropped)[]

/** The instances of a labelled reply in order; undefined where it holds no label. */
export function readLabelled(text: string, isClassification: boolean): Reading | undefined {
  const parts = splitAtLabels(text)
  const kinds = parts.filter(({ kind }) => kind !== 'before').map(({ kind }) => kind)
  if (kinds.length === 0) return undefined
  if (kinds[0] === 'class') return readOutputFirst(parts)
  const pairs = kinds.join(' ')
  if (/^output input(?: output input)*$/.test(pairs))
    return isClassification ? readOutputFirst(parts) : [{ text: clip(text), why: 'not_a_row' }]
  return turns(parts).flatMap(settle)
}

export const clip = (text: string): string => text.slice(0, 500)

function splitAtLabels(text: string): Part[] {
  const lines = text.split(/\r\n?|\n/)
  const leads = leadsToLabel(lines)
  const parts: { kind: Kind; lines: string[]; adjacent: boolean }[] = [
    { kind: 'before', lines: [], adjacent: false },
  ]
  for (const [index, line] of lines.entries()) {
    const label = labelOf(line)
    const current = parts.at(-1)
    if (label) parts.push({ ...label, adjacent: (lines[index - 1] ?? '').trim() !== '' })
    else if (startsNextTask(lines, index) && (parts.length > 1 || current?.lines.join('').trim())) break
    else if (!(leads[index] && HEADING.test(line))) current?.lines.push(line)
  }
  return parts.map(({ kind, lines, adjacent }) => ({ kind, text: lines.join('\n').trim(), adjacent }))
}

function labelOf(line: string): { kind: Kind; lines: string[] } | undefined {
  const match = LABEL.exec(line.slice(0, 80))
  const kind = KINDS.get(match?.[1]?.toLowerCase() ?? '')
  if (!match || !kind) return undefined
  const value = line.slice(match[0].length)
  const wrapped = /^[\s>#-]*(?:\*\*|__)/.test(match[0]) && !/(?:\*\*|__)$/.test(match[0].trimEnd())
  return { kind, lines: [wrapped ? value.replace(/(?:\*\*|__)\s*$/, '') : value] }
}

/** An instruction without the word that announces it and without the labelled rows that follow it. */
export function withoutLabels(text: string): string {
  const lines = text.split('\n')
  const end = lines.findIndex((line) => labelOf(line) !== undefined)
  const own = end < 0 ? lines : lines.slice(0, end)
  return own
    .join('\n')
    .replace(/^(?:instruction|task|指令|任务)[*_\s]*[:：][*_\s]*/i, '')
    .trim()
}

/** For each line: whether only blank lines and headings stand between it and the next label. */
function leadsToLabel(lines: string[]): boolean[] {
  const leads: boolean[] = []
  for (let index = lines.length - 1; index >= 0; index -= 1) {
    const line = lines[index] ?? ''
    leads[index] =
      labelOf(line) !== undefined ||
      (HEADING.test(line.slice(0, 60)) && line.length < 60 && (leads[index + 1] ?? false))
  }
  return leads
}

/** A model that goes on with a task of its own writes `Task:` after a blank line: the paper's stop sequence. */
function startsNextTask(lines: string[], index: number): boolean {
  const line = lines[index] ?? ''
  if (line.length > 2000 || !NEXT_TASK.test(line)) return false
  const blankBefore = (lines[index - 1] ?? '').trim() === ''
  return blankBefore && (/[:：]/.test(line) || lines.slice(index + 1).every((later) => later.trim() === ''))
}

function turns(parts: Part[]): Turn[] {
  const found: Turn[] = []
  for (const { kind, text, adjacent } of parts) {
    const current = found.at(-1)
    const goesOn =
      current &&
      (kind !== 'input' || (current.outputs.length === 0 && (current.inputs.length === 0 || adjacent)))
    const turn = goesOn ? current : { before: '', inputs: [], outputs: [], text: '' }
    if (!goesOn) found.push(turn)
    if (kind === 'before') turn.before = text
    else if (kind === 'input') turn.inputs.push(text)
    else turn.outputs.push(text)
    turn.text = clip(`${turn.text}\n${text}`.trim())
  }
  return found
}

function settle({ before, inputs, outputs, text }: Turn): Reading {
  const written = outputs.filter((output) => output !== '')
  const [output] = written
  const [input] = inputs
  if (inputs.length > 1 || written.length > 1) return [{ text, why: 'not_a_row' }]
  if (output === undefined) return input === undefined ? moved(before, text) : [{ text, why: 'no_output' }]
  if (input !== undefined) return [{ input, output }]
  if (before === '' || CHATTER.test(before)) return [{ input: '', output }]
  return FIELD.test(before) ? [{ input: before, output }] : [{ text, why: 'not_a_row' }]
}

/** An empty `Output:` with the answer before it: only what calls itself an answer is moved. */
function moved(before: string, text: string): Reading {
  const answer = ANSWER.exec(before)
  if (answer) return [{ input: '', output: before.slice(answer[0].length) }]
  return [{ text, why: 'no_output' }]
}

function readOutputFirst(parts: Part[]): Reading {
  const rows: { output: string; input: string }[] = []
  for (const { kind, text } of parts) {
    const current = rows.at(-1)
    if (kind === 'class' || kind === 'output') {
      const [label = '', ...rest] = kind === 'class' ? text.split('\n') : [text]
      rows.push({ output: label.trim(), input: rest.join('\n').trim() })
    } else if (current) current.input = `${current.input}\n${text}`.trim()
  }
  return rows.map((row) => (row.output === '' ? { text: clip(row.input), why: 'no_output' } : row))
}

// Numbered lists: as the prompts show tasks, and as models write them, in every style; and the number off a single line.
import { labelOf } from './labelled.ts'

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

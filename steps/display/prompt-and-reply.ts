// A logged call, cut down to what a person looks at: the lines of the prompt, and the part of the reply that matters.
import type { Call } from '../model/call-log.ts'
import { field } from '../workspace/json.ts'
import { plain } from './plain.ts'

/** The lines of the user's message; numbered ones that are no seed task are marked as made by the model. */
export function promptLines(call: Call, seeds: readonly string[], mark: string): string[] {
  const known = new Set(seeds.map(plain))
  return userMessage(call)
    .split('\n')
    .map((line) => {
      const task = /^\d+\. (.*)$/.exec(line)?.[1]
      const made = known.size > 0 && task !== undefined && !known.has(plain(task))
      return made ? `${line} ${mark}` : line
    })
}

// `request` is what was sent, and may have been rewritten by hand: its shape is looked at, not trusted.
function userMessage({ request }: Call): string {
  const messages = field(request, 'messages')
  const content = field(Array.isArray(messages) ? messages.at(-1) : undefined, 'content')
  return typeof content === 'string' ? content : ''
}

/** About `size` characters of a reply: from its start, or around a text in it, which is put between >>> and <<<. */
export function excerpt(reply: string, size: number, around?: string): string[] {
  const [start, end] = around === undefined ? [-1, -1] : placeOf(around, reply)
  const from = Math.max(0, (start === -1 ? 0 : start) - Math.floor(size / 4))
  const to = start === -1 ? size : end + Math.floor(size / 2)
  const shown =
    start === -1
      ? reply.slice(0, to)
      : `${reply.slice(from, start)}>>>${reply.slice(start, end)}<<<${reply.slice(end, to)}`
  return `${from > 0 ? '…' : ''}${shown}${to < reply.length ? '…' : ''}`
    .split('\n')
    .filter((line) => line.trim() !== '')
}

/** Where a text stands in a reply, as it is or as JSON spells it. */
function placeOf(text: string, reply: string): [start: number, end: number] {
  for (const spelt of [text, JSON.stringify(text).slice(1, -1)]) {
    const start = reply.indexOf(spelt)
    if (start !== -1) return [start, start + spelt.length]
  }
  return [-1, -1]
}

// A person as the wire: each prompt is a numbered file to carry to any chat window, and the reply comes back pasted in the
// terminal or saved beside it. So replies of a real model reach the call log without a key.
import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isChinese } from '../text/language.ts'
import { codeOf, isOdd, noFile, unreadable, unwritable } from '../workspace/fault.ts'
import {
  type Message,
  type Question,
  type SchemaName,
  type Wire,
  interrupted,
  noUsage,
  samplesAtMost,
} from './call.ts'

/** Who sits at the terminal. `hear` gives what was pasted; it never resolves once nothing more can come from there. */
export type Person = {
  show: (prompt: string, promptFile: string, replyFile: string) => void
  hear: (signal: AbortSignal) => Promise<string>
  thank: (from: string, reply: string) => void
}

const stepOf: Record<SchemaName, string> = {
  tasks: 'generate',
  classification: 'classify',
  instances: 'instances',
  labelled: 'instances',
  judgement: 'filter',
}
const glance = 200 // ms between looks at the reply file, and the age from which it counts as saved

/** The wire; `folder` holds the prompts and the replies saved beside them. */
export function openPasteWire(folder: string, person: Person): Wire {
  return async (question, signal) => {
    const prompt = asText(question.messages)
    const name = await promptFile(folder, prompt, question)
    const replyName = name.replace('.prompt.', '.reply.')
    person.show(prompt, path.join(folder, name), path.join(folder, replyName))
    const reply = await firstReply(path.join(folder, replyName), person, signal)
    return { request: { messages: question.messages }, reply, finish_reason: 'stop', usage: noUsage }
  }
}

/** A prompt as one text for a chat window: its demonstrations are read as tasks with their answers. */
export function asText(messages: readonly Message[]): string {
  const [task, answer] = isChinese(messages[0]?.content ?? '') ? ['任务：', '回答：'] : ['Task: ', 'Answer: ']
  const shown = messages.map(({ role, content }, place) => {
    if (role === 'assistant') return answer + content
    return messages[place + 1]?.role === 'assistant' ? task + content : content
  })
  return shown.join('\n\n')
}

/** The prompt's file: the one saved before the run was interrupted, or a new one under the next number. */
async function promptFile(folder: string, prompt: string, { schema, sample }: Question): Promise<string> {
  try {
    await mkdir(folder, { recursive: true })
    const names = (await readdir(folder)).filter((name) => /^\d+-.*\.prompt\.txt$/.test(name))
    // The same prompt asked again, because its reply could not be read, is a file of its own.
    const again = sample % samplesAtMost
    const ending = `-${stepOf[schema]}${again > 0 ? `-again${again}` : ''}.prompt.txt`
    for (const name of names.filter((name) => name.endsWith(ending) && !isOdd(path.join(folder, name))))
      if ((await readFile(path.join(folder, name), 'utf8')) === `${prompt}\n`) return name
    const last = Math.max(0, ...names.map((name) => Number.parseInt(name, 10)))
    const name = `${String(last + 1).padStart(3, '0')}${ending}`
    await writeFile(path.join(folder, name), `${prompt}\n`, { flag: 'wx' })
    return name
  } catch (error) {
    throw unwritable(folder, error)
  }
}

/** What comes first: a saved file or a pasted text. */
async function firstReply(file: string, person: Person, signal: AbortSignal): Promise<string> {
  const done = new AbortController()
  const either = AbortSignal.any([signal, done.signal])
  const left = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(interrupted)
    signal.addEventListener('abort', () => reject(interrupted), { once: true })
  })
  const saved = savedReply(file, either)
  const pasted = person.hear(either).then((reply) => ({ reply, from: '' }))
  try {
    const { reply, from } = await Promise.race([saved, pasted, left])
    person.thank(from, reply)
    return reply
  } finally {
    done.abort()
  }
}

/** Waits until there is a reply file that is not empty and no longer being written. */
async function savedReply(file: string, signal: AbortSignal): Promise<{ reply: string; from: string }> {
  for (;;) {
    if (isOdd(file)) throw noFile(file)
    const age = await stat(file).then(({ mtimeMs }) => Date.now() - mtimeMs, missing(file))
    const reply = Math.abs(age) >= glance ? decode(await readFile(file)).trim() : ''
    if (reply !== '') return { reply, from: file }
    await sleep(glance, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return new Promise(() => undefined) // the other one came first
  }
}

function missing(file: string) {
  return (error: unknown): number => {
    if (codeOf(error) !== 'ENOENT') throw unreadable(file, error)
    return 0
  }
}

// Windows editors may save UTF-16.
function decode(bytes: Buffer): string {
  const utf16 = bytes[0] === 0xff && bytes[1] === 0xfe
  return new TextDecoder(utf16 ? 'utf-16le' : 'utf-8').decode(bytes)
}

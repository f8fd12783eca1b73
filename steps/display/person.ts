// The person at the terminal, who is asked a line now and then, and with `--provider paste` is the wire: each prompt is shown and
// is a numbered file to carry to any chat window, and the reply comes back pasted or saved beside it. So replies of a real
// model reach the call log without a key.
import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type Interface, createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Message,
  type Provider,
  type Question,
  type SchemaName,
  type Wire,
  interrupted,
  noUsage,
  samplesAtMost,
} from '../model/call.ts'
import { type Language, isChinese } from '../text/language.ts'
import { codeOf, isOdd, noFile, unreadable, unwritable } from '../workspace/fault.ts'
import { type Screen, shownPath } from './screen.ts'
import { number } from './words.ts'

export class PersonAtTerminal implements Person {
  private readonly screen: Screen
  private readonly words: typeof en
  private lines: Interface | undefined
  private heard: string[] = []
  private finish: ((reply: string) => void) | undefined
  private ended = false
  private greeted = false
  private readonly progress: () => Carried

  constructor(screen: Screen, progress: () => Carried) {
    this.screen = screen
    this.words = personWords[screen.language]
    this.progress = progress
  }

  show(prompt: string, promptFile: string, replyFile: string): void {
    const { screen, words } = this
    if (!this.greeted) screen.remark(words.newChat)
    this.greeted = true
    const { answered, about } = this.progress()
    const at = answered + 1
    screen.title(words.carry(shownPath(promptFile), at, Math.max(at, about)))
    screen.line(prompt)
    screen.title(words.bringBack(path.basename(replyFile)))
  }

  thank(from: string, reply: string): void {
    this.screen.detail(this.words.received(from === '' ? '' : path.basename(from), reply.length))
  }

  /** What is pasted up to a line with a single dot; lines that came early are kept for the next prompt. */
  hear(signal: AbortSignal): Promise<string> {
    this.listen()
    return new Promise((resolve) => {
      this.finish = resolve
      const leave = () => {
        if (this.finish === resolve) this.finish = undefined
      }
      signal.addEventListener('abort', leave, { once: true })
      this.readOn()
    })
  }

  // On a terminal readline reads key by key: line by line the system cuts lines at 4096 bytes, or at 1024.
  private listen(): void {
    if (this.lines) return
    const terminal = process.stdin.isTTY
    const output = terminal ? { output: process.stdout } : {}
    const lines = createInterface({ input: process.stdin, ...output, terminal, prompt: '', historySize: 0 })
    this.lines = lines
    lines.on('line', (line) => {
      this.heard.push(line)
      this.readOn()
    })
    lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
    lines.on('close', () => {
      if (this.lines !== lines) return // let go of by us
      if (terminal && !process.stdin.readableEnded) this.listenOn()
      else this.ended = true
      this.readOn()
    })
  }

  // Ctrl-D ends a reply as a dot does; at a terminal the next one can still come.
  private listenOn(): void {
    this.heard.push('.')
    this.lines = undefined
    this.listen()
  }

  // The end of the input ends a reply too; an empty reply is a mistake of the hand.
  private readOn(): void {
    const dot = this.heard.findIndex((line) => /^\s*[.。．]\s*$/.test(line))
    const { finish } = this
    if (!finish || (dot === -1 && !this.ended)) return
    const reply = this.heard
      .splice(0, dot === -1 ? Infinity : dot + 1)
      .slice(0, dot === -1 ? undefined : -1)
      .join('\n')
      .trim()
    if (reply !== '') {
      this.finish = undefined // what comes now answers the next prompt
      finish(reply)
    } else if (dot !== -1) {
      this.screen.remark(this.words.nothingCame)
      this.readOn()
    }
  }

  close(): void {
    const { lines } = this
    this.lines = undefined
    lines?.close()
  }
}

/** How many prompts are answered, and how many there will be. */
type Carried = { answered: number; about: number }

/** One line from the person at the terminal; '' where there is none. */
export async function askAtTerminal(question: string): Promise<string> {
  if (!process.stdin.isTTY) return ''
  const lines = createInterface({ input: process.stdin, output: process.stdout, historySize: 0 })
  try {
    return await new Promise((resolve) => {
      lines.question(question, (answer) => resolve(answer.trim()))
      lines.on('close', () => resolve(''))
      lines.on('SIGINT', () => process.exit(130))
    })
  } finally {
    lines.close()
  }
}

export type Wires = { open: () => Promise<Wire>; close: () => void }

/** Who is at the other end: a server, the offline model, or the person here. Loaded when first asked; `close` lets go of the keyboard. */
export function wiresTo(
  provider: Provider,
  pasteFolder: string,
  screen: Screen,
  progress: () => Carried,
): Wires {
  let person: PersonAtTerminal | undefined
  const open = async (): Promise<Wire> => {
    if (provider.standIn) return (await import('../model/offline.ts')).openOfflineWire()
    if (!provider.byHand) return (await import('../model/wire.ts')).openWire(provider)
    person = new PersonAtTerminal(screen, progress)
    return openPasteWire(pasteFolder, person)
  }
  return { open, close: () => person?.close() }
}

// The wire that a person is.

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

// What is said to the person, in both languages.

const en = {
  newChat:
    'take a new chat for each prompt: in an old one the model sees what came before, and the rows are no longer comparable',
  carry: (file: string, at: number, about: number) =>
    `── ${file} ── ${number(at)} of about ${number(about)} ── copy this into the chat window:`,
  bringBack: (file: string) =>
    `── paste the reply here and end with a line holding only a dot, or save it as ${file} beside the prompt`,
  nothingCame: 'nothing came before the dot: paste the reply first, then the dot',
  received: (from: string, length: number) =>
    `thank you: ${number(length)} characters${from === '' ? '' : ` from ${from}`}`,
}

const zh: typeof en = {
  newChat: '每个提示词都请新开一个对话：在旧对话里模型看得到前面的内容，数据就不能相互比较了',
  carry: (file, at, about) =>
    `── ${file} ── 第 ${number(at)} 个，大约共 ${number(about)} 个 ── 请把下面的内容复制到聊天窗口：`,
  bringBack: (file) =>
    `── 请把回复粘贴到这里，贴完后另起一行，只输入一个句点再回车；或把回复另存为提示词旁边的 ${file}`,
  nothingCame: '句点之前没有内容：请先粘贴回复，再输入句点',
  received: (from, length) => `已读入${from === '' ? '回复' : ` ${from}`}（${number(length)} 字）`,
}

const personWords: Record<Language, typeof en> = { en, zh }

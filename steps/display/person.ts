// The person at the terminal: shows prompts to carry to a chat window, hears the replies that are pasted, and asks a line now and then.
import path from 'node:path'
import { type Interface, createInterface } from 'node:readline'
import type { Provider, Wire } from '../model/call.ts'
import type { Person } from '../model/paste.ts'
import type { Language } from '../text/language.ts'
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
    this.lines = createInterface({ input: process.stdin, ...output, terminal, prompt: '', historySize: 0 })
    this.lines.on('line', (line) => {
      this.heard.push(line)
      this.readOn()
    })
    this.lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
    this.lines.on('close', () => {
      this.ended = true
      this.readOn()
    })
  }

  // The end of the input ends a reply too; an empty reply is a mistake of the hand and is passed over.
  private readOn(): void {
    const dot = this.heard.findIndex((line) => /^\s*[.。]\s*$/.test(line))
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
    } else if (dot !== -1) this.readOn()
  }

  close(): void {
    this.lines?.close()
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
    return (await import('../model/paste.ts')).openPasteWire(pasteFolder, person)
  }
  return { open, close: () => person?.close() }
}

// What is said to the person, in both languages.

const en = {
  newChat:
    'take a new chat for each prompt: in an old one the model sees what came before, and the rows are no longer comparable',
  carry: (file: string, at: number, about: number) =>
    `── ${file} ── ${number(at)} of about ${number(about)} ── copy this into the chat window:`,
  bringBack: (file: string) =>
    `── paste the reply here and end with a line holding only a dot, or save it as ${file} beside the prompt`,
  received: (from: string, length: number) =>
    `thank you: ${number(length)} characters${from === '' ? '' : ` from ${from}`}`,
}

const zh: typeof en = {
  newChat: '每个提示词都请新开一个对话：在旧对话里模型看得到前面的内容，数据就不能相互比较了',
  carry: (file, at, about) =>
    `── ${file} ── 第 ${number(at)} 个，大约共 ${number(about)} 个 ── 请把下面的内容复制到聊天窗口：`,
  bringBack: (file) =>
    `── 请把回复粘贴到这里，贴完后另起一行，只输入一个句点再回车；或把回复另存为提示词旁边的 ${file}`,
  received: (from, length) => `已读入${from === '' ? '回复' : ` ${from}`}（${number(length)} 字）`,
}

const personWords: Record<Language, typeof en> = { en, zh }

// A person as the wire: prompts as files, replies pasted or saved, and a run that can be left and taken up again.
import { spawn } from 'node:child_process'
import { copyFile, mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Person, PersonAtTerminal, openPasteWire } from '../steps/display/person.ts'
import { Screen } from '../steps/display/screen.ts'
import type { Question } from '../steps/model/call.ts'
import { answerOffline } from '../steps/model/offline.ts'
import {
  bytesOf,
  cleanEnvironment,
  project,
  rowsOf,
  temporaryFolder,
  underTsx,
  workshop,
} from './support/command.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

const pasteArgs = [...underTsx, 'workshop.ts', '--provider', 'paste', '--data-dir']

/** Runs the workshop and hands each prompt, with its file, to `answer`, which returns what to paste, or nothing. */
async function pasteRun(
  folder: string,
  answer: (prompt: string, file: string, interrupt: () => void) => Promise<string | undefined>,
): Promise<{ code: number | null; out: string; prompts: string[] }> {
  const child = spawn(process.execPath, [...pasteArgs, folder], { cwd: project, env: cleanEnvironment() })
  const prompts: string[] = []
  let out = ''
  child.stdout.on('data', async (chunk) => {
    out += String(chunk)
    const asked = [...out.matchAll(/beside the prompt/g)].length
    const file = [...out.matchAll(/^── (.*\.prompt\.txt) ──/gm)][asked - 1]?.[1]
    if (!file || prompts.length >= asked) return
    prompts.push(path.basename(file))
    const reply = await answer(await readFile(file, 'utf8'), file, () => child.kill('SIGINT'))
    if (reply !== undefined) child.stdin.write(`${reply}\n.\n`)
  })
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, out, prompts }
}

/** What a chat window says to a prompt copied into it whole. */
async function chat(prompt: string): Promise<string> {
  const end = prompt.lastIndexOf('\n\n')
  const messages = [
    { role: 'system' as const, content: prompt.slice(0, end) },
    { role: 'user' as const, content: prompt.slice(end + 2).trimEnd() },
  ]
  return (await answerOffline(messages, 512, 0)).reply
}

it('a reply that was pasted before its prompt came is kept for it', async () => {
  const input = new PassThrough()
  vi.spyOn(process, 'stdin', 'get').mockReturnValue(input as unknown as typeof process.stdin)
  const person = new PersonAtTerminal(new Screen('en'), () => ({ answered: 0, about: 1 }))
  const { signal } = new AbortController()
  const first = person.hear(signal)
  input.write('one\n.\ntwo\n.\n')
  expect([await first, await person.hear(signal)]).toEqual(['one', 'two'])
  person.close()
})

it.each([
  ['en', 'nothing came before the dot'],
  ['zh', '句点之前没有内容'],
] as const)(
  'a dot alone is told of, Ctrl-D ends a reply, and the next is heard (%s)',
  async (language, said) => {
    const typing = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => undefined })
    vi.spyOn(process, 'stdin', 'get').mockReturnValue(typing as unknown as typeof process.stdin)
    const shown = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    const person = new PersonAtTerminal(new Screen(language), () => ({ answered: 0, about: 1 }))
    const { signal } = new AbortController()
    const first = person.hear(signal)
    typing.write('\r\r.\rone\r\u0004') // Ctrl-D on an empty line
    expect(await first).toBe('one')
    expect(shown.mock.calls.filter(([text]) => String(text).includes(said))).toHaveLength(1)
    const second = person.hear(signal)
    typing.write('two\r．\r')
    expect(await second).toBe('two')
    person.close()
  },
)

describe('a run answered by hand', () => {
  it('is left with Ctrl-C, taken up where it was, reaches 5 instructions, and is replayed to others', async () => {
    const folder = await temporaryFolder()
    const left = await pasteRun(folder, async (prompt, file, interrupt) => {
      if (file.includes('001-')) await writeFile(file.replace('.prompt.', '.reply.'), await chat(prompt))
      else interrupt()
      return undefined
    })
    expect(left).toMatchObject({ code: 130, prompts: ['001-generate.prompt.txt', '002-classify.prompt.txt'] })
    expect(left.out).toMatch(/001-generate\.reply\.txt/)

    const whole = await pasteRun(folder, chat)
    expect(whole.code).toBe(0)
    expect(whole.prompts.slice(0, 2)).toEqual(['002-classify.prompt.txt', '003-classify.prompt.txt'])
    const rows = await rowsOf<{ instruction: string }>(folder, '4-dataset.jsonl')
    expect(new Set(rows.map((row) => row.instruction)).size).toBe(5)
    const calls = await rowsOf(folder, 'calls.jsonl')
    const usage = { prompt_tokens: 0, completion_tokens: 0, cached_tokens: 0 }
    expect(calls).toHaveLength(whole.prompts.length + 1)
    expect(calls[0]).toMatchObject({ provider: 'paste', model: 'paste', finish_reason: 'stop', usage })

    expect(left.out).toMatch(/about \d+ prompts\n/)
    expect(left.out).toMatch(/001-generate\.prompt\.txt ── 1 of about \d+ ──/)
    expect(whole.out).toMatch(/002-classify\.prompt\.txt ── 2 of about \d+ ──/)
    expect(whole.out.match(/new chat for each prompt/g)).toHaveLength(1)
    expect(left.out + whole.out).not.toMatch(/\$0\.00| 0 tokens/)
    const page = await readFile(path.join(folder, 'report.html'), 'utf8')
    expect(page).not.toMatch(/<dt>temperature|US dollars<|>tokens</)

    const bytes = await bytesOf(folder)
    const replay = await workshop(folder)
    expect(replay).toMatchObject({ code: 0, err: '' })
    expect(replay.out).toContain("replaying paste's replies")
    expect(await bytesOf(folder)).toEqual(bytes)

    const handedOut = await temporaryFolder()
    for (const name of ['calls.jsonl', 'run.json'])
      await copyFile(path.join(folder, name), path.join(handedOut, name))
    const again = await workshop(handedOut, [], { OPENAI_API_KEY: 'sk-test-0123456789' })
    expect(again).toMatchObject({ code: 0, err: '' })
    expect(await bytesOf(handedOut)).toEqual(bytes)
  })
})

it('says why a reply could not be read before its prompt comes again, and keeps the name of its model', async () => {
  const folder = await temporaryFolder()
  await mkdir(path.join(folder, 'paste'))
  await writeFile(path.join(folder, 'paste', 'model.txt'), 'kimi-k2\n')
  const { out } = await pasteRun(folder, async (prompt, file, interrupt) => {
    if (file.includes('001-')) return 'I am happy to help!\nWhat shall I write?'
    if (file.includes('002-')) return '{"tas'
    if (file.includes('003-')) return chat(prompt)
    interrupt()
    return undefined
  })
  const said = [...out.matchAll(/^ {2}! (this reply .*)$/gm)].map((match) => match[1])
  expect(said).toEqual([
    expect.stringMatching(/is not in it; it begins: "I am happy to help!"\. .*The prompt comes again\.$/),
    expect.stringMatching(/it stops before anything is whole; .*The prompt comes again\.$/),
  ])
  expect(out).toMatch(/^Self-Instruct · paste · kimi-k2 ·/)
  const calls = await rowsOf(folder, 'calls.jsonl')
  expect(calls).toHaveLength(3)
  for (const call of calls) expect(call).toMatchObject({ provider: 'paste', model: 'kimi-k2' })
})

const question: Question = {
  messages: [
    { role: 'system', content: 'Write tasks.' },
    { role: 'user', content: '1. Name a river.' },
  ],
  schema: 'tasks',
  temperature: 0.7,
  maxTokens: 512,
  sample: 0,
}

/** Somebody who pastes these texts, one a prompt, and then nothing more. */
function personWith(...pasted: string[]): Person & { shown: string[] } {
  const shown: string[] = []
  return {
    shown,
    show: (_, promptFile) => shown.push(path.basename(promptFile)),
    hear: () => {
      const text = pasted.shift()
      return text === undefined ? new Promise(() => undefined) : Promise.resolve(text)
    },
    thank: () => undefined,
  }
}

const never = new AbortController().signal

describe('the paste wire', () => {
  it('writes system and user part as one text, and numbers the prompts', async () => {
    const folder = await temporaryFolder()
    const person = personWith('a', 'b')
    const wire = openPasteWire(folder, person)
    expect(await wire(question, never)).toMatchObject({ reply: 'a', finish_reason: 'stop' })
    await wire({ ...question, messages: [{ role: 'user', content: 'x' }], schema: 'instances' }, never)
    expect(person.shown).toEqual(['001-generate.prompt.txt', '002-instances.prompt.txt'])
    expect(await readFile(path.join(folder, '001-generate.prompt.txt'), 'utf8')).toBe(
      'Write tasks.\n\n1. Name a river.\n',
    )
  })

  it('asks again in a file of its own, and finds the file of an earlier run', async () => {
    const folder = await temporaryFolder()
    const person = personWith('cannot be read', 'nor this', '{"tasks":[]}')
    await openPasteWire(folder, person)(question, never)
    await openPasteWire(folder, person)({ ...question, sample: 1 }, never)
    await openPasteWire(folder, person)(question, never)
    const files = ['001-generate.prompt.txt', '002-generate-again1.prompt.txt']
    expect(person.shown).toEqual([...files, files[0]])
    expect(await readdir(folder)).toEqual(files)
  })

  it.each([
    ['UTF-8', Buffer.from('  一条河\r\n'), '一条河'],
    ['UTF-8 with a BOM', Buffer.from('\uFEFF{"tasks":[]}'), '{"tasks":[]}'],
    ['UTF-16 from a Windows editor', Buffer.from('\uFEFF一条河', 'utf16le'), '一条河'],
  ])('takes a reply saved as %s', async (_, bytes, reply) => {
    const folder = await temporaryFolder()
    const file = path.join(folder, '001-generate.reply.txt')
    await writeFile(file, bytes)
    await utimes(file, 0, 0)
    expect(await openPasteWire(folder, personWith())(question, never)).toMatchObject({ reply })
  })

  it('is not taken in by an empty reply file, and ends at once when the run does', async () => {
    const folder = await temporaryFolder()
    const file = path.join(folder, '001-generate.reply.txt')
    await writeFile(file, ' \n')
    await utimes(file, 0, 0)
    const stop = new AbortController()
    const person = { ...personWith(), hear: async () => (stop.abort(), new Promise<string>(() => undefined)) }
    await expect(openPasteWire(folder, person)(question, stop.signal)).rejects.toMatchObject({
      kind: 'stopped',
    })
  })
})

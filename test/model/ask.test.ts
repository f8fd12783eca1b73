// Several rows in one request: what is answered is kept, what is not is asked for alone, and one bad row harms no other.
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { askAboutRows, askUntilRead } from '../../steps/model/ask.ts'
import { type Wire, isFailure } from '../../steps/model/call.ts'
import { readReply } from '../../steps/model/reply.ts'
import { readTasks } from '../../steps/text/replies.ts'
import { temporaryFolder } from '../support/command.ts'
import { modelWith, problem, questionOf, remote, replied } from '../support/model.ts'
import { completion } from '../support/server.ts'

const rows = Array.from({ length: 20 }, (_, k) => ({ instruction: `row ${k}` }))
const bad = 'row 7'

const question = {
  step: 'classify' as const,
  schema: 'classification' as const,
  temperature: 0,
  maxTokens: 64,
  prompt: (texts: readonly string[]) => [{ role: 'user' as const, content: texts.join('\n') }],
  read: (reply: string) =>
    reply.startsWith('[')
      ? new Map((JSON.parse(reply) as (string | null)[]).flatMap((text, k) => (text ? [[k + 1, text]] : [])))
      : undefined,
}

/** A wire that answers every row with its own text, and counts what was sent; `trouble` speaks first. */
function echo(trouble: (texts: string[]) => ReturnType<Wire> | undefined = () => undefined) {
  const sent: string[][] = []
  const wire: Wire = ({ messages }) => {
    const texts = (messages[0]?.content ?? '').split('\n')
    sent.push(texts)
    return trouble(texts) ?? Promise.resolve(replied(JSON.stringify(texts)))
  }
  return { sent, wire }
}

async function askAll(wire: Wire, file: string, asked = rows) {
  const model = await modelWith(wire, 4, file)
  const answers = await askAboutRows(model, question, asked, (row) => row.instruction)
  await model.close()
  return answers.map(({ row, answer }) => [row.instruction, isFailure(answer) ? answer.failed : answer.value])
}

const logFile = async (): Promise<string> => path.join(await temporaryFolder(), 'calls.jsonl')
const fails = (kind: Parameters<typeof problem>[0]) => (texts: string[]) =>
  texts.includes(bad) ? Promise.reject(problem(kind) as unknown as Error) : undefined
const refuses = (texts: string[]) =>
  texts.includes(bad) ? Promise.resolve({ ...replied(''), refusal: 'no' }) : undefined

describe('a row that no group got an answer for', () => {
  it('is asked anew alone, three times at most, and costs nothing the next time', async () => {
    const mute = (texts: string[]) =>
      texts.length > 1 || texts[0] === bad ? Promise.resolve(replied('?')) : undefined
    const [{ sent, wire }, file] = [echo(mute), await logFile()]
    expect((await askAll(wire, file)).every(([, answer]) => answer === 'unreadable_reply')).toBe(true)
    const grouped = sent.length
    for (const row of rows.slice(5, 8))
      expect(await askAll(wire, file, [row])).toEqual([
        [row.instruction, row.instruction === bad ? 'unreadable_reply' : row.instruction],
      ])
    expect(sent.slice(grouped)).toEqual([['row 5'], ['row 6'], [bad], [bad], [bad]])
    for (const row of rows.slice(5, 8)) await askAll(wire, file, [row])
    expect(sent.length).toBe(grouped + 5)
  })
})

describe('one bad row among twenty', () => {
  it.each([
    ['that a content filter stops', fails('filter'), 'content_filter'],
    ['that fails', fails('request'), 'call_failed'],
    ['that is refused', refuses, 'refusal'],
  ])('%s is found by halves, and the others are answered', async (_, trouble, failed) => {
    const { sent, wire } = echo(trouble)
    const answers = await askAll(wire, await logFile())
    expect(answers).toEqual(rows.map(({ instruction: row }) => [row, row === bad ? failed : row]))
    expect(sent.length).toBeLessThanOrEqual(1 + 2 * Math.ceil(Math.log2(rows.length)))
  })

  it('keeps its verdict when rows are added or taken away around it', async () => {
    const file = await logFile()
    await askAll(echo(fails('filter')).wire, file)
    const { sent, wire } = echo()
    const shifted = [{ instruction: 'a new row' }, ...rows.slice(3)]
    const answers = await askAll(wire, file, shifted)
    expect(answers).toEqual(
      shifted.map(({ instruction: row }) => [row, row === bad ? 'content_filter' : row]),
    )
    expect(sent).toEqual([['a new row']])
  })

  it('costs nothing twice, wherever the run was cut off', async () => {
    const whole = await logFile()
    const undisturbed = await askAll(echo(fails('filter')).wire, whole)
    const lines = (await readFile(whole, 'utf8')).split('\n').slice(0, -1)
    for (const cut of lines.keys()) {
      const file = await logFile()
      await writeFile(
        file,
        lines
          .slice(0, cut)
          .map((line) => `${line}\n`)
          .join(''),
      )
      const { sent, wire } = echo(fails('filter'))
      expect(await askAll(wire, file)).toEqual(undisturbed)
      expect(sent).toHaveLength(lines.length - cut)
    }
  })
})

describe('rows left out of a reply', () => {
  it('are asked for without the others, at most twice more, and never again', async () => {
    const leftOut = [bad, 'row 9']
    const { sent, wire } = echo((texts) =>
      Promise.resolve(replied(JSON.stringify(texts.map((text) => (leftOut.includes(text) ? null : text))))),
    )
    const file = await logFile()
    const answers = await askAll(wire, file)
    expect(answers).toEqual(
      rows.map(({ instruction: row }) => [row, leftOut.includes(row) ? 'unreadable_reply' : row]),
    )
    expect(sent.slice(1)).toEqual([leftOut, leftOut])
    expect(await askAll(wire, file)).toEqual(answers)
    expect(sent).toHaveLength(3)
  })
})

describe('a reply beyond all measure', () => {
  const tasks = (count: number) =>
    JSON.stringify({ tasks: Array.from({ length: count }, (_, k) => `Name river number ${k}.`) })
  const asked = { messages: questionOf('?').messages, schema: 'tasks', temperature: 0 } as const

  it.each([
    ['to 64 kB', 64, 1 << 16],
    ['further, where more tokens were asked for', 20_000, 160_000],
  ])('is read %s, as cut, also out of the log', async (_, maxTokens, most) => {
    const file = path.join(await temporaryFolder(), 'calls.jsonl')
    const long = tasks(20_000)
    for (const wire of [
      () => Promise.resolve(replied(long)),
      () => Promise.reject(new Error('asked again')),
    ]) {
      const model = await modelWith(wire, 4, file)
      const read = vi.fn((reply: string, cut: boolean) => ({ reply, cut }))
      const answer = await askUntilRead(model, 'generate', { ...asked, maxTokens }, read)
      expect(answer).toMatchObject({ value: { reply: long.slice(0, most), cut: true } })
      await model.close()
    }
  })

  it('is cut before it is logged, and billed whole', () => {
    const long = tasks(20_000)
    const reply = readReply(
      { max_tokens: 64 },
      completion(long, 'stop', { completion_tokens: 0, total_tokens: 100 }),
      remote,
    )
    expect(reply).toMatchObject({ reply: long.slice(0, 1 << 16), finish_reason: 'length' })
    expect(reply.usage.completion_tokens).toBeGreaterThan(long.length / 5)
    expect(readReply({ max_completion_tokens: 200_000 }, completion(long), remote)).toMatchObject({
      reply: long,
      finish_reason: 'stop',
    })
  })

  it('keeps its whole tasks', () => {
    const read = readTasks(tasks(20_000).slice(0, 1 << 16), true)
    expect(read?.tasks.length).toBeGreaterThan(2000)
    expect(read?.tasks.at(-1)).toMatch(/^Name river number \d+\.$/)
  })
})

// The call log: whatever is left of it loads, and nothing in it is lost or changed.
import { existsSync } from 'node:fs'
import { appendFile, copyFile, mkdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CallLog, findCalls, openLog } from '../../steps/model/call-log.ts'
import type { Call } from '../../steps/model/call.ts'
import { anyCharacter } from '../support/characters.ts'
import { folderWithRun, temporaryFolder, workshop } from '../support/command.ts'

function callOf(number: number, more: Partial<Call> = {}, rows?: string[]): Call {
  return {
    v: 1,
    key: number.toString(16).padStart(16, '0'),
    sample: 0,
    ...(rows && { rows }),
    step: 'instances',
    at: '2026-11-20T10:00:00.000Z',
    provider: 'openai',
    model: 'gpt-6-luna',
    request: { messages: [] },
    reply: '{"instances":[]}',
    finish_reason: 'stop',
    usage: { prompt_tokens: 1, completion_tokens: 1, cached_tokens: 0 },
    ms: 1,
    ...more,
  }
}

const text = fc.string({ unit: anyCharacter, maxLength: 20 })
const calls = fc
  .array(
    fc.record({
      rows: fc.option(fc.array(fc.constantFrom('aaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbb'), { minLength: 1 })),
      model: text,
      reply: fc.option(text),
      request: fc.dictionary(text, text),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((all) => all.map(({ rows, ...rest }, number) => callOf(number, rest, rows ?? undefined)))

const bytesOf = (all: readonly object[]): Buffer =>
  Buffer.from(all.map((call) => `${JSON.stringify(call)}\n`).join(''))

async function logFile(content: string | Buffer = ''): Promise<string> {
  const file = path.join(await temporaryFolder(), 'calls.jsonl')
  if (content.length > 0) await writeFile(file, content)
  return file
}

async function keysIn(file: string): Promise<string[]> {
  const lines = (await readFile(file, 'utf8')).replace(/^\uFEFF/, '').split('\n')
  expect(lines.pop()).toBe('')
  return lines.filter((line) => line.trim() !== '').map((line) => (JSON.parse(line) as Call).key)
}

/** Opens a log cut off at this byte, as a crash leaves it, and checks all that must hold. */
async function survives(file: string, all: readonly Call[], cut: number, appends: boolean): Promise<void> {
  const whole = bytesOf(all)
  const left = whole.subarray(0, cut)
  await writeFile(file, left)
  // A last line that lacks only its line break is whole.
  const kept = all.filter((_, number) => bytesOf(all.slice(0, number + 1)).length - 1 <= cut)
  const log = await CallLog.open(file, false)
  expect(all.filter((call) => log.has(call.key))).toEqual(kept)
  for (const call of kept) expect(await log.get(call.key)).toEqual(JSON.parse(JSON.stringify(call)))
  for (const row of new Set(kept.flatMap((call) => call.rows ?? [])))
    expect((await log.about(row)).map((call) => call.key)).toEqual(
      expect.arrayContaining(kept.filter((call) => call.rows?.includes(row)).map((call) => call.key)),
    )
  expect(left.equals(await readFile(file))).toBe(true)
  if (!appends) return log.close()
  await log.append(callOf(99))
  await log.close()
  expect(await keysIn(file)).toEqual([...kept, callOf(99)].map((call) => call.key))
}

describe('a log cut off', () => {
  it('at any byte of its last line loads what is whole, and is mended by the next append, not before', async () => {
    const file = await logFile()
    const all = [callOf(1, { reply: '好的，\n"1"' }, ['aaaaaaaaaaaaaaaa']), callOf(2)]
    const first = bytesOf(all.slice(0, 1)).length - 2
    for (let cut = first; cut <= bytesOf(all).length; cut++) await survives(file, all, cut, cut % 20 === 0)
  })

  it('whatever its replies hold', async () => {
    const file = await logFile()
    await fc.assert(
      fc.asyncProperty(calls, fc.nat(), async (all, die) =>
        survives(file, all, die % (bytesOf(all).length + 1), true),
      ),
      { numRuns: 60 },
    )
  })

  it('is not touched by a replay', async () => {
    const bytes = bytesOf([callOf(1), callOf(2)]).subarray(0, -20)
    const file = await logFile(bytes)
    const log = await CallLog.open(file, true)
    expect(await log.get(callOf(1).key)).toEqual(callOf(1))
    await expect(log.append(callOf(3))).rejects.toThrow()
    await log.close()
    expect(await readFile(file)).toEqual(bytes)
  })
})

describe('a log that somebody else wrote to', () => {
  const [one, two] = [JSON.stringify(callOf(1)), JSON.stringify(callOf(2))]
  it.each([
    ['a BOM', `\uFEFF${one}\n${two}\n`],
    ['CRLF', `${one}\r\n${two}\r\n`],
    ['blank lines', `\n${one}\n\n\r\n  \t\n${two}\n   \n`],
    [
      'fields in another order',
      `${JSON.stringify(Object.fromEntries(Object.entries(callOf(1)).toReversed()))}\n${two}`,
    ],
  ])('with %s is read all the same', async (_, content) => {
    const file = await logFile(content)
    const log = await CallLog.open(file, false)
    for (const number of [1, 2]) expect(await log.get(callOf(number).key)).toEqual(callOf(number))
    await log.append(callOf(3))
    await log.close()
    expect(await keysIn(file)).toEqual([1, 2, 3].map((number) => callOf(number).key))
  })

  it.each([
    ['version 2', one.replace('"v":1', '"v":2'), /line 2 has "v": 2; this workshop reads version 1/],
    ['no version', '{"key":"x"}', /line 2 has "v": none/],
    ['another tool’s row', '{"v":1,"id":"x"}', /line 2 is not a recorded call/],
    ['half a line', one.slice(0, 80), /line 2 is not a recorded call/],
  ])('is refused with the line and the cure: %s', async (_, line, sentence) => {
    const file = await logFile(`${two}\n${line}\n${two}\n`)
    await expect(CallLog.open(file, false)).rejects.toThrow(sentence)
  })
})

it.each([
  ['a reply that is no text', { reply: 5 }],
  ['a refusal that is no text', { refusal: { why: 'no' } }],
])(
  'a call with %s is refused by its line in every step, shown by why to nobody, and spoils no file',
  async (_, odd) => {
    const folder = await folderWithRun()
    const file = path.join(folder, 'calls.jsonl')
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n')
    await writeFile(
      file,
      `${lines.map((line) => JSON.stringify({ ...JSON.parse(line), ...odd })).join('\n')}\n`,
    )
    const before = await readFile(path.join(folder, 'rejected.jsonl'), 'utf8')
    const { code, err } = await workshop(folder, ['generate'])
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining('line 1 is not a recorded call') })
    expect(await readFile(path.join(folder, 'rejected.jsonl'), 'utf8')).toBe(before)
    expect(await workshop(folder, ['why', 'dice'])).toMatchObject({ code: 0, err: '' })
  },
)

it('a row that every call asked about takes no longer to find than many rows', async () => {
  const time = async (count: number): Promise<number> => {
    const lines = Array.from({ length: count }, (_, at) => JSON.stringify(callOf(at, {}, ['a'.repeat(16)])))
    const file = await logFile(`${lines.join('\n')}\n`)
    const before = process.cpuUsage()
    const log = await CallLog.open(file, true)
    const { user, system } = process.cpuUsage(before)
    await log.close()
    return (user + system) / 1000
  }
  const [short, long] = [await time(10_000), await time(40_000)]
  expect(long).toBeLessThan(8 * Math.max(short, 60))
})

it('a call without what it cost is refused by its own line, blank ones counted', async () => {
  const { usage: _, ...free } = callOf(2)
  const file = await logFile(`\n\n${JSON.stringify(callOf(1))}\n\n${JSON.stringify(free)}\n`)
  const log = await CallLog.open(file, false)
  await expect(log.get(free.key)).rejects.toThrow(/line 5 is not a recorded call/)
  await log.close()
})

it('calls that come in together are written in one flush, in order', async () => {
  const file = await logFile()
  const log = await CallLog.open(file, false)
  await Promise.all([1, 2, 3, 4].map((number) => log.append(callOf(number))))
  expect(await log.get(callOf(3).key)).toEqual(callOf(3))
  await log.close()
  expect(await keysIn(file)).toEqual([1, 2, 3, 4].map((number) => callOf(number).key))
})

describe('a block of NUL bytes, as a power cut leaves it,', () => {
  const [first, second] = [bytesOf([callOf(1)]), bytesOf([callOf(2)])]
  const nuls = (count: number) => Buffer.alloc(count)
  const torn = second.subarray(0, 90)
  const break_ = Buffer.from('\n')
  it.each([
    ['at the end', [first, nuls(4096)], [1]],
    ['with a line break behind it', [first, nuls(4096), break_], [1]],
    ['behind half a line', [first, torn, nuls(4096), break_], [1]],
    ['in the middle of a line', [first, torn, nuls(50), second.subarray(140)], [1]],
    ['of a megabyte', [first, torn, nuls(1 << 20), break_, nuls(1 << 20), break_], [1]],
    ['with a whole line behind it', [first, nuls(700_000), second], [1, 2]],
    ['with lines behind it', [first, nuls(700_000), break_, second], [1, 2]],
    ['alone', [nuls(4096)], []],
    ['of blanks, where room was tried', [first, Buffer.alloc(4096, ' ')], [1]],
  ])('%s is passed over, and cut off where nothing follows', async (_, parts, whole) => {
    const file = await logFile(Buffer.concat(parts))
    const log = await CallLog.open(file, false)
    expect([1, 2].filter((number) => log.has(callOf(number).key))).toEqual(whole)
    await log.append(callOf(3))
    for (const number of [...whole, 3]) expect(await log.get(callOf(number).key)).toEqual(callOf(number))
    await log.close()
    const left = await readFile(file)
    expect(left.lastIndexOf(0)).toBeLessThan(left.length - bytesOf([callOf(3)]).length)
    const again = await CallLog.open(file, false)
    for (const number of [...whole, 3]) expect(await again.get(callOf(number).key)).toEqual(callOf(number))
    await again.close()
    expect((await findCalls(file, new Set([callOf(3).key]))).get(callOf(3).key)?.call).toEqual(callOf(3))
  })

  it('of 100 MB too, in little memory', async () => {
    const file = await logFile(first)
    await truncate(file, 100 * 2 ** 20)
    const log = await CallLog.open(file, false)
    await log.append(callOf(3))
    await log.close()
    expect(await keysIn(file)).toEqual([1, 3].map((number) => callOf(number).key))
  })
})

describe('a log that goes away while it is written', () => {
  it.each([
    ['is deleted', (file: string) => rm(file)],
    ['is replaced', (file: string) => copyFile(file, `${file}.new`).then(() => rename(`${file}.new`, file))],
    ['is moved', (file: string) => rename(file, `${file}.old`)],
    ['is emptied', (file: string) => truncate(file)],
    ['is added to', (file: string) => appendFile(file, `${JSON.stringify(callOf(50))}\n`)],
    ['moves with its folder', (file: string) => rename(path.dirname(file), `${path.dirname(file)} moved`)],
  ])('%s: the next reply is a Fault, and no request follows', async (_, go) => {
    const folder = path.join(await temporaryFolder(), 'data')
    await mkdir(folder)
    const file = path.join(folder, 'calls.jsonl')
    const log = await CallLog.open(file, false)
    await log.append(callOf(1))
    await go(file)
    const fault = { exit: 1, message: expect.stringMatching(/deleted, moved, replaced or changed/) }
    await expect(log.append(callOf(2))).rejects.toMatchObject(fault)
    await expect(log.ready()).rejects.toMatchObject(fault)
    // A reply that was under way is still written to wherever the log lies now.
    await expect(log.append(callOf(3))).rejects.toMatchObject(fault)
    await log.close()
    const moved = [`${file}.old`, path.join(`${folder} moved`, 'calls.jsonl')].find((place) =>
      existsSync(place),
    )
    if (moved) expect(await keysIn(moved)).toEqual([1, 2, 3].map((number) => callOf(number).key))
  })

  it('leaves none where nothing came', async () => {
    const file = await logFile()
    const log = await CallLog.open(file, false)
    await log.ready()
    await log.close()
    expect(existsSync(file)).toBe(false)
  })
})

it.each(['anthropic', '', 'constructor', '\u001b[2J'])(
  'a line of the provider %j is a sentence',
  async (provider) => {
    for (const read of [
      JSON.stringify,
      (call: object) => JSON.stringify(Object.fromEntries(Object.entries(call).toReversed())),
    ]) {
      const file = await logFile(`${JSON.stringify(callOf(1))}\n${read(callOf(2, { provider }))}\n`)
      const refusal = openLog({ replay: file, dataDir: '', dryRun: false })
      await expect(refusal).rejects.toThrow(
        /line 2 has "provider": ".*", which is none of the workshop's: openai, dashscope/,
      )
      await expect(refusal).rejects.toMatchObject({
        words: { zh: expect.stringContaining('不是本程序认识的') },
      })
    }
  },
)

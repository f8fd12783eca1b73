// What a model does when calls fail, a run is stopped, or the log cannot be written.
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Wire } from '../../steps/model/call.ts'
import type { Model } from '../../steps/model/model.ts'
import { rowsOf, temporaryFolder } from '../support/command.ts'
import { modelWith, problem, questionOf, replied } from '../support/model.ts'

afterEach(() => {
  vi.useRealTimers()
})

const refuse = (kind: Parameters<typeof problem>[0]): Promise<never> =>
  Promise.reject(problem(kind) as unknown as Error)

/** Asks so many different questions at once. */
function askMany(model: Model, count: number, extras: { skip?: true } = {}) {
  const questions = Array.from({ length: count }, (_, k) => questionOf(`question ${k}`))
  return Promise.all(questions.map((question) => model.ask('instances', question, extras)))
}

/** A wire that counts its calls and answers the n-th by `answer`. */
function counted(answer: (count: number, signal: AbortSignal) => ReturnType<Wire>) {
  const calls = { count: 0 }
  const wire: Wire = (_, signal) => answer(++calls.count, signal)
  return { calls, wire }
}

describe('calls that finally fail', () => {
  it('end the run after ten in a row, with the last reason', async () => {
    const { calls, wire } = counted(() => refuse('request'))
    const model = await modelWith(wire)
    const answers = await askMany(model, 50)
    expect(calls.count).toBeLessThan(10 + 4)
    expect(model.stopped).toMatchObject({
      exit: 1,
      words: { en: expect.stringMatching(/^10 calls.*a problem/) },
    })
    expect(answers.at(-1)).toMatchObject({ failed: 'stopped' })
  })

  it('do not where every tenth succeeds', async () => {
    const { calls, wire } = counted((n) =>
      n % 10 === 0 ? Promise.resolve(replied('{}')) : refuse('request'),
    )
    const model = await modelWith(wire, 1)
    await askMany(model, 50)
    expect(calls.count).toBe(50)
    expect(model.stopped).toBeUndefined()
  })

  // Each letter is a request of step 1: + is answered, - fails. Asked again are those that the log does not hold.
  it.each([
    ['one that failed alone between successes is skipped for good', '+-+', 0],
    ['two that failed one after the other are asked again', '+--+', 2],
    ['one that failed before any success is asked again', '-+', 1],
    ['those that failed when the run ended are asked again', '+---', 3],
  ])('in step 1: %s', async (_, fates, again) => {
    const file = path.join(await temporaryFolder(), 'calls.jsonl')
    const first = await modelWith(
      (({ messages }) =>
        messages[0]?.content.startsWith('-') ? refuse('request') : Promise.resolve(replied('{}'))) as Wire,
      1,
      file,
    )
    const questions = [...fates].map((fate, k) => questionOf(`${fate} ${k}`))
    for (const question of questions) await first.ask('generate', question, { skip: true })
    await first.close()
    const { calls, wire } = counted(() => Promise.resolve(replied('{}')))
    const next = await modelWith(wire, 1, file)
    for (const question of questions) await next.ask('generate', question, { skip: true })
    expect(calls.count).toBe(again)
  })

  it('in later steps are asked again by the next run', async () => {
    const file = path.join(await temporaryFolder(), 'calls.jsonl')
    const failing = await modelWith(() => refuse('request'), 1, file)
    await failing.ask('instances', questionOf('a row'))
    await failing.close()
    const { calls, wire } = counted(() => Promise.resolve(replied('{}')))
    const next = await modelWith(wire, 1, file)
    expect(await next.ask('instances', questionOf('a row'))).toMatchObject({ reply: '{}' })
    expect(calls.count).toBe(1)
  })
})

describe('a status that may be about one text', () => {
  const forbidden = (): Promise<never> =>
    Promise.reject(problem('fatal', { status: 403 }) as unknown as Error)
  /** Eight questions, some of them denied; how the run ends. */
  async function denied(fails: (n: number, text: string) => boolean) {
    let calls = 0
    const wire: Wire = async ({ messages }) =>
      fails(++calls, messages[0]?.content ?? '') ? forbidden() : replied('{}')
    const model = await modelWith(wire, 1)
    const answers = await askMany(model, 8)
    return { calls, stopped: model.stopped !== undefined, failed: answers.filter((each) => 'failed' in each) }
  }

  it('costs nothing when it comes once after successes: it is tried again', async () => {
    expect(await denied((n) => n === 3)).toEqual({ calls: 9, stopped: false, failed: [] })
  })

  it('costs its row when it comes thrice for that one alone', async () => {
    const { calls, stopped, failed } = await denied((_, text) => text === 'question 3')
    expect({ calls, stopped }).toEqual({ calls: 10, stopped: false })
    expect(failed).toMatchObject([{ failed: 'call_failed' }])
  })

  it.each([
    ['ends the run when nothing else comes any more', (n: number) => n > 2],
    ['ends the run at the start', (n: number) => n === 1],
  ])('%s', async (_, fails) => {
    expect(await denied(fails)).toMatchObject({ stopped: true })
  })
})

describe('a fault that no request will change', () => {
  it('ends the run at once: what waits its turn is not sent', async () => {
    const { calls, wire } = counted((n) => (n === 1 ? refuse('fatal') : Promise.resolve(replied('{}'))))
    const model = await modelWith(wire, 2)
    await askMany(model, 50)
    expect(calls.count).toBeLessThanOrEqual(2)
    expect(model.stopped).toMatchObject({ exit: 1, words: { en: 'a problem: fatal' } })
  })
})

describe('a run that was stopped', () => {
  it('still uses every reply in the log, and asks for nothing else', async () => {
    const { calls, wire } = counted(() => Promise.resolve(replied('{}')))
    const model = await modelWith(wire)
    await askMany(model, 3)
    model.stop({ words: { en: 'enough', zh: '够了' }, exit: 1 })
    const answers = await askMany(model, 5)
    expect(answers).toMatchObject([
      ...Array.from({ length: 3 }, () => ({ reply: '{}' })),
      ...Array.from({ length: 2 }, () => ({ failed: 'stopped' })),
    ])
    expect(calls.count).toBe(3)
  })
})

describe('a log that cannot be written', () => {
  it('ends the run before more is paid for and lost', async () => {
    const { calls, wire } = counted(() => Promise.resolve(replied('{}')))
    const model = await modelWith(
      wire,
      2,
      path.join(await temporaryFolder(), 'no such folder', 'calls.jsonl'),
    )
    const answers = await askMany(model, 50)
    expect(calls.count).toBeLessThanOrEqual(4)
    expect(answers.every((answer) => 'failed' in answer && answer.failed === 'stopped')).toBe(true)
    expect(model.stopped).toMatchObject({
      exit: 1,
      words: { en: expect.stringContaining('cannot be written') },
    })
  })
})

describe('an interrupt', () => {
  it('sends nothing new, and logs what was under way', async () => {
    const folder = await temporaryFolder()
    let answer: () => void = () => undefined
    const { calls, wire } = counted(
      () => new Promise((resolve) => (answer = () => resolve(replied('{"late":true}')))),
    )
    const model = await modelWith(wire, 1, path.join(folder, 'calls.jsonl'))
    const asked = askMany(model, 3)
    await vi.waitUntil(() => calls.count === 1)
    model.interrupt({ en: 'interrupted', zh: '已中断' })
    answer()
    const [first, ...others] = await asked
    expect(first).toMatchObject({ reply: '{"late":true}' })
    expect(others).toMatchObject([{ failed: 'stopped' }, { failed: 'stopped' }])
    expect(await rowsOf(folder, 'calls.jsonl')).toHaveLength(1)
    expect(model.stopped?.exit).toBe(130)
  })

  it('waits ten seconds for it, and no longer', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    let abortedAt = 0
    let sent: () => void = () => undefined
    const sending = new Promise<void>((resolve) => (sent = resolve))
    const model = await modelWith((_, signal) => {
      sent()
      return new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => {
          abortedAt = Date.now()
          reject(problem('stopped') as unknown as Error)
        }),
      )
    })
    const asked = model.ask('instances', questionOf('a slow one'))
    await sending
    const pressedAt = Date.now()
    model.interrupt({ en: 'interrupted', zh: '已中断' })
    await vi.runAllTimersAsync()
    expect(await asked).toMatchObject({ failed: 'stopped' })
    expect(abortedAt - pressedAt).toBe(10_000)
  })
})

describe('a question', () => {
  it('asked twice at the same time is sent once', async () => {
    const { calls, wire } = counted(() => Promise.resolve(replied('{}')))
    const model = await modelWith(wire)
    const same = [1, 2].map(() => model.ask('instances', questionOf('the same')))
    expect(await Promise.all(same)).toMatchObject([{ reply: '{}' }, { reply: '{}' }])
    expect(calls.count).toBe(1)
  })

  it('that a content filter stopped is never sent again', async () => {
    const file = path.join(await temporaryFolder(), 'calls.jsonl')
    const { calls, wire } = counted(() => refuse('filter'))
    for (let run = 0; run < 2; run++) {
      const model = await modelWith(wire, 1, file)
      expect(await model.ask('instances', questionOf('a bad word'))).toMatchObject({
        failed: 'content_filter',
      })
      await model.close()
    }
    expect(calls.count).toBe(1)
    expect(await readFile(file, 'utf8')).toContain('"reply":null,"finish_reason":"content_filter"')
  })
})

// The judge behind step 4: whom it asks about, and what becomes of its answers. The model is a wire that reads the rows.
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Budget } from '../../steps/model/budget.ts'
import { CallLog } from '../../steps/model/call-log.ts'
import type { Provider, Question, Reply } from '../../steps/model/call.ts'
import { type Candidate, Judge, judgedLine, judgementPrompt } from '../../steps/model/judge.ts'
import { Model } from '../../steps/model/model.ts'
import { known } from '../../steps/model/provider.ts'
import { temporaryFolder } from '../support/command.ts'
import { rowsAsked } from '../support/server.ts'

type Row = { instruction: string; input: string; output: string }
const yes = { instruction_valid: true, input_appropriate: true, output_correct: true }

const provider: Provider = {
  ...known.compatible,
  name: 'compatible',
  model: 'judge',
  baseUrl: 'http://localhost/v1',
  key: undefined,
  keyFrom: '',
  local: true,
  proxied: '',
  replayOf: undefined,
}

/** A judge whose model says of each row what `verdict` says; `asked` are the rows of each request. */
async function courtroom(verdict: (row: Row) => object | undefined, language: 'en' | 'zh' = 'en') {
  const asked: Row[][] = []
  const questions: Question[] = []
  const wire = async (question: Question): Promise<Reply> => {
    const rows = rowsAsked(question.messages)
    asked.push(rows.map((row) => JSON.parse(row) as Row))
    questions.push(question)
    const verdicts = rows.flatMap((row, at) => {
      const said = verdict(JSON.parse(row) as Row)
      return said ? [{ row: at + 1, ...said }] : []
    })
    const usage = { prompt_tokens: 1, completion_tokens: 1, cached_tokens: 0 }
    return { request: {}, reply: JSON.stringify({ verdicts }), finish_reason: 'stop', usage }
  }
  const log = await CallLog.open(path.join(await temporaryFolder(), 'calls.jsonl'), false)
  const terms = { budget: undefined, price: undefined, steps: ['filter'] as const, judge: true, language }
  const model = new Model(provider, log, new Budget(terms, provider), 4, async () => wire)
  onTestFinished(() => model.close())
  return { asked, questions, model, judge: new Judge(model, { language, maxTokens: 512, concurrency: 4 }) }
}

async function* tasks(...outputs: string[][]): AsyncGenerator<Candidate> {
  for (const [number, group] of outputs.entries()) {
    const instruction = `Do task ${number}.`
    const instances = group.map((output) => ({ input: '', output }))
    const task = { id: '', instruction, is_classification: false, instances, call: 'c0' }
    yield { task, rows: instances.map((instance) => ({ ...instance })) }
  }
}

/** What becomes of each task while the data set still lacks `target`: the reasons against its rows, '' for none. */
async function outcomes(judge: Judge, candidates: AsyncGenerator<Candidate>, target = Infinity) {
  const seen: string[][] = []
  let kept = 0
  const missing = () => target - kept
  for await (const { rows } of judge.judged(candidates, missing, () => undefined)) {
    const reasons = rows.map(({ finding, failure }) => finding?.reason ?? failure?.failed ?? '')
    seen.push(reasons)
    if (reasons.includes('')) kept++
  }
  return seen
}

describe('a verdict', () => {
  it.each([
    ['', yes],
    [
      'judge_invalid_instruction',
      { instruction_valid: false, input_appropriate: false, output_correct: false },
    ],
    ['judge_inappropriate_input', { ...yes, input_appropriate: false, output_correct: false }],
    ['judge_incorrect_output', { ...yes, output_correct: false }],
  ])('rejects under the first "no": %s', async (reason, verdict) => {
    const { judge } = await courtroom(() => verdict)
    expect(await outcomes(judge, tasks(['x']))).toEqual([[reason]])
  })

  it.each([
    ['en', /^the judge: /],
    ['zh', /^评审：/],
  ] as const)('gives its reason in %s, and the call it stands in', async (language, sentence) => {
    const { judge, model } = await courtroom(() => ({ ...yes, output_correct: false }), language)
    for await (const { rows } of judge.judged(
      tasks(['x']),
      () => 1,
      () => undefined,
    )) {
      expect(rows[0]?.finding?.detail).toMatch(sentence)
      expect(model.log.has(rows[0]?.finding?.call ?? '')).toBe(true)
    }
  })

  it('that is left out is asked for again, alone', async () => {
    const answers = new Map<string, number>()
    const { judge, asked } = await courtroom(({ output }) => {
      answers.set(output, (answers.get(output) ?? 0) + 1)
      return output === 'shy' && answers.get(output) === 1 ? undefined : yes
    })
    expect(await outcomes(judge, tasks(['a'], ['shy'], ['b']))).toEqual([[''], [''], ['']])
    expect(asked.map((rows) => rows.map((row) => row.output))).toEqual([['a', 'shy', 'b'], ['shy']])
  })

  it('that never comes keeps the row out, under the reason of the call', async () => {
    const { judge } = await courtroom(({ output }) => (output === 'mute' ? undefined : yes))
    expect(await outcomes(judge, tasks(['a', 'mute'], ['b']))).toEqual([['', 'unreadable_reply'], ['']])
    expect(judge.shares()).toMatchObject({ rows: 2, all: 1 })
  })

  it('is asked for row by row where a request fails, so that only the row at fault stays out', async () => {
    const { judge, asked } = await courtroom(({ output }) => {
      if (output === 'poison') throw { kind: 'request', words: { en: 'no', zh: '不' } }
      return yes
    })
    const outputs = ['a', 'b', 'poison', 'c'].map((output) => [output])
    expect(await outcomes(judge, tasks(...outputs))).toEqual([[''], [''], ['call_failed'], ['']])
    expect(asked.at(-1)).toHaveLength(1)
  })

  it('is not asked for once the run has stopped, and the row waits', async () => {
    const { judge, model, asked } = await courtroom(() => yes)
    model.stop({ words: { en: 'enough', zh: '够了' }, exit: 1 })
    expect(await outcomes(judge, tasks(['a'], ['b']))).toEqual([['stopped'], ['stopped']])
    expect(asked).toEqual([])
  })
})

describe('the judge is asked', () => {
  it('about ten rows a request at temperature 0, in its schema', async () => {
    const { judge, asked, questions } = await courtroom(() => yes)
    await outcomes(judge, tasks(...Array.from({ length: 9 }, (_, at) => [`${at}a`, `${at}b`, `${at}c`])))
    expect(asked.map((rows) => rows.length).toSorted()).toEqual([10, 10, 7])
    expect(questions[0]).toMatchObject({ temperature: 0, maxTokens: 512, schema: 'judgement' })
  })

  it('about nothing that a rule has spoken against', async () => {
    const { judge, asked } = await courtroom(() => yes)
    async function* checked() {
      for await (const candidate of tasks(['good', 'bad'], ['worse'])) {
        for (const row of candidate.rows)
          if (row.output !== 'good') row.finding = { reason: 'refusal', detail: '' }
        yield candidate
      }
    }
    expect(await outcomes(judge, checked())).toEqual([['', 'refusal'], ['refusal']])
    expect(asked).toEqual([[{ instruction: 'Do task 0.', input: '', output: 'good' }]])
  })

  it.each([1, 12, 25, 40])(
    'about no more tasks than a target of %i needs, to the full request',
    async (target) => {
      const bad = (output: string): boolean => Number(output) % 3 === 0
      const { judge, asked } = await courtroom(({ output }) => ({ ...yes, output_correct: !bad(output) }))
      const outputs = Array.from({ length: 200 }, (_, at) => [String(at)])
      const kept = (await outcomes(judge, tasks(...outputs), target)).slice(0, asked.flat().length)
      const [good, needed] = [
        outputs.flat().filter((output) => !bad(output)),
        asked.flat().map((row) => row.output),
      ]
      expect(needed.map(Number).toSorted((a, b) => a - b)).toEqual(kept.map((_, at) => at))
      expect(needed.length).toBeLessThanOrEqual(Number(good[target - 1]) + 10)
    },
  )

  it('nothing twice: rows answered in an earlier call keep their verdicts in any other company', async () => {
    const { judge, asked } = await courtroom(() => yes)
    await outcomes(judge, tasks(['a'], ['b'], ['c']))
    async function* others() {
      for await (const candidate of tasks(['a'], ['new'], ['c'])) yield candidate
    }
    await outcomes(judge, others())
    expect(asked.map((rows) => rows.map((row) => row.output))).toEqual([['a', 'b', 'c'], ['new']])
  })
})

it('the shares are those of the rows with a verdict', async () => {
  const { judge } = await courtroom(({ output }) => ({
    instruction_valid: output !== '1',
    input_appropriate: Number(output) > 2,
    output_correct: Number(output) > 3,
  }))
  expect(judge.shares()).toBeUndefined()
  await outcomes(judge, tasks(...['1', '2', '3', '4', '5', '6'].map((output) => [output])))
  expect(judge.shares()).toEqual({
    rows: 6,
    instruction_valid: 0.8333,
    input_appropriate: 0.6667,
    output_correct: 0.5,
    all: 0.5,
  })
})

describe('the prompt', () => {
  it.each(['en', 'zh'] as const)('shows each row on one numbered line, in %s', (language) => {
    const row = { instruction: 'Do\nthis.', input: '1. a\r\n2. b', output: 'c\u2028d\u2029' }
    const messages = judgementPrompt([judgedLine(row), judgedLine({ ...row, input: '' })], language)
    const lines = messages.at(-1)?.content.split(/\r\n?|[\n\u2028\u2029]/) ?? []
    expect(lines.map((line) => line.slice(0, 3)).slice(0, -1)).toEqual(['1. ', '2. '])
    expect(JSON.parse(lines[0]?.slice(3) ?? '')).toEqual(row)
  })
})

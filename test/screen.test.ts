// The screen: what a run shows, in both languages, on terminals wide, narrow and none.
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { nameOfReason, whyReason } from '../steps/display/reasons.ts'
import { ProgressLine, Screen, cutToWidth, plain, widthOf, wrapToWidth } from '../steps/display/screen.ts'
import { screenWords } from '../steps/display/words.ts'
import { Rate } from '../steps/run/showing.ts'
import { rowsOf, temporaryFolder, workshop } from './support/command.ts'
import { TestServer, completion, questionIn } from './support/server.ts'

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '')

const runs = new Map<string, ReturnType<typeof runOf20>>()

/** What a run of 20 shows, paths as in the usual folder, and why rows were rejected; made once for each language. */
function shown(language: string): ReturnType<typeof runOf20> {
  const made = runs.get(language) ?? runOf20(language)
  runs.set(language, made)
  return made
}

async function runOf20(language: string) {
  const folder = await temporaryFolder('w')
  const { code, out, err } = await workshop(folder, ['--language', language])
  expect({ code, err }).toEqual({ code: 0, err: '' })
  const rejected = await rowsOf<{ reason: string }>(folder, 'rejected.jsonl')
  const usual = out.replaceAll(` --data-dir ${folder}`, '').replaceAll(folder, 'data/workshop')
  return { lines: linesOf(usual), reasons: rejected.map((row) => row.reason) }
}

const isSample = (line: string): boolean => line.startsWith('    · ')

describe('a run of 20', () => {
  it.each(['en', 'zh'])('fits a terminal of 100 × 30, in %s', async (language) => {
    const { lines } = await shown(language)
    const rows = lines.reduce((sum, line) => sum + Math.ceil(widthOf(line) / 100), 0)
    expect(rows).toBeLessThanOrEqual(29) // and the prompt
    expect(lines.join('')).not.toContain('\u001b')
    expect(lines.filter(isSample)).toHaveLength(12)
  })

  it('speaks Chinese in every line that is not the model’s, and keeps the identifiers of the reasons', async () => {
    const { lines, reasons } = await shown('zh')
    const own = lines.filter((line) => !isSample(line))
    expect(own.length).toBeGreaterThan(10)
    for (const line of own) expect(line).toMatch(/\p{Script=Han}/u)
    expect(reasons.length).toBeGreaterThan(5)
    expect(
      reasons.filter((reason) => own.join('').includes(`${nameOfReason(reason, 'zh')} `)).length,
    ).toBeGreaterThan(5)
    expect(own.join('')).toMatch(/另外 \d 种原因 \d/)
    for (const reason of reasons) {
      expect(nameOfReason(reason, 'zh')).not.toBe(reason)
      expect(whyReason(reason, 'zh')).toMatch(/\p{Script=Han}/u)
    }
  })
})

describe('what makes it Self-Instruct', () => {
  it.each([
    ['en', /^ {2}the loop: request (\d+) showed a task the machine wrote in request (\d+): “/m],
    ['zh', /^ {2}自我循环：第 (\d+) 次请求给它看了它在第 (\d+) 次自己写的任务：“/m],
  ])('is said once after a run, with its requests (%s)', async (language, said) => {
    const { lines } = await shown(language)
    const [, shownIn, writtenIn] = (said.exec(lines.join('\n')) ?? []).map(Number)
    expect(shownIn).toBeLessThanOrEqual(3)
    expect(writtenIn).toBeLessThan(shownIn ?? 0)
    expect(lines.filter((line) => said.test(line))).toHaveLength(1)
    expect(lines.join('\n')).toMatch(
      language === 'en' ? /kept 20 instructions[^]*rejected \d+ rows: / : /保留 20 条[^]*淘汰 \d+ 行：/,
    )
    expect(lines.join('\n')).toMatch(
      language === 'en' ? /a changed prompt has no effect/ : /改提示词对替身不起作用/,
    )
  })
})

describe('later rounds', () => {
  it('take one line each', async () => {
    let refused = 0
    const nothing = (shape: string) => shape.includes('"instances"') && refused++ < 16
    const server = await TestServer.start(({ body }) =>
      nothing(questionIn(body.messages)) ? { status: 200, body: completion('{"instances":[]}') } : undefined,
    )
    onTestFinished(() => server.close())
    const env = { OPENAI_API_KEY: 'sk-test', OPENAI_BASE_URL: server.url }
    const { out } = await workshop(await temporaryFolder('w'), [], env)
    const rounds = linesOf(out).filter((line) => line.startsWith('  Round '))
    expect(rounds).toHaveLength(1)
    expect(rounds[0]).toMatch(/^ {2}Round 2: asked \d+ → .* → kept \d+$/)
    expect(linesOf(out).filter((line) => line.startsWith('1 · '))).toHaveLength(1)
  })
})

describe('the language of a command', () => {
  it.each([
    ['the system’s', ['instances'], { LANG: 'zh_CN.UTF-8' }, /[，。]/],
    [
      'the one asked for',
      ['instances', '--language', 'en'],
      { LANG: 'zh_CN.UTF-8' },
      /which is not there yet/,
    ],
  ])('is %s', async (_, args, env, sentence) => {
    expect((await workshop(await temporaryFolder('w'), args, env)).err).toMatch(sentence)
  })
})

describe('text', () => {
  it.each([
    ['\u001b[31mred\u0007 \u202edrawkcab\nline', '[31mred drawkcab line'],
    ['  a\t\tb  ', 'a b'],
    ['张\u200b伟\ud800', '张伟'],
  ])('%j is printed as %j', (text, shown) => {
    expect(plain(text)).toBe(shown)
  })

  it.each([
    ['abcdef', 6, 'abcdef'],
    ['abcdefg', 6, 'abcde…'],
    ['种子任务与指令', 10, '种子任务…'],
  ])('%j is cut to %i columns as %j', (text, columns, shown) => {
    expect(cutToWidth(text, columns)).toBe(shown)
    expect(widthOf(shown)).toBeLessThanOrEqual(columns)
  })

  it.each([
    ['one two three', 8, ['one two', 'three']],
    ['种子任务，指令。', 8, ['种子任', '务，指', '令。']],
    ['a'.repeat(25), 10, ['a'.repeat(10), 'a'.repeat(10), 'aaaaa']],
    ['short', 80, ['short']],
    ['在 a.jsonl：好', 11, ['在', 'a.jsonl：好']],
    ['or so: npx tsx workshop.ts why x', 30, ['or so:', 'npx tsx workshop.ts why x']],
    [
      'npx tsx workshop.ts filter --data-dir "my runs"',
      24,
      ['npx tsx workshop.ts', 'filter --data-dir "my', 'runs"'],
    ],
  ])('%j is wrapped to %i columns', (text, columns, lines) => {
    expect(wrapToWidth(text, columns)).toEqual(lines)
  })
})

describe('the progress line', () => {
  const terminal = (columns: number | undefined, env: Record<string, string> = {}) => {
    const { isTTY, columns: before } = process.stderr
    Object.assign(process.stderr, { isTTY: columns !== undefined, columns })
    for (const [name, value] of Object.entries({ CI: '', TERM: 'xterm', ...env })) vi.stubEnv(name, value)
    onTestFinished(() => {
      Object.assign(process.stderr, { isTTY, columns: before })
      vi.unstubAllEnvs()
    })
  }
  it.each([
    ['on a terminal', 80, {}, 1],
    ['on a terminal of 0 columns', 0, {}, 0],
    ['away from a terminal', undefined, {}, 0],
    ['in CI', 80, { CI: 'true' }, 0],
    ['on a dumb terminal', 80, { TERM: 'dumb' }, 0],
  ])('%s of %s columns and with %j is made %i times', (_, columns, env, times) => {
    terminal(columns, env)
    const text = vi.fn(() => '1/20')
    const line = new ProgressLine()
    for (let row = 0; row < 3; row++) line.show(text)
    line.clear()
    expect(text).toHaveBeenCalledTimes(times)
  })

  it.each([
    ['en', 'instances 400/1,200 · 10/s · 45,000 tokens · 12 tokens/s · $0.0123 · 80 s left'],
    ['zh', '生成实例 400/1,200 · 每秒 10 · 45,000 个 token · 每秒 12 个 token · $0.0123 · 还需约 80 秒'],
  ] as const)('holds count, rate, tokens, cost and time left in %s', (language, line) => {
    const progress = { done: 400, all: 1200, rate: 10, tokens: 45_000, tokenRate: 12, dollars: 0.0123 }
    expect(screenWords[language].progress('instances', progress)).toBe(line)
  })

  it('shows the rate of a slow laptop without commas behind the point', () => {
    const progress = { done: 16, all: 22, rate: 0.00761, tokens: 32_678, tokenRate: 0.288, dollars: 0 }
    expect(screenWords.en.progress('instances', progress)).toContain(
      '0.0076/s · 32,678 tokens · 0.29 tokens/s',
    )
  })

  it('tells from the third reply on how long the rest takes, however slow the model', () => {
    const rate = new Rate()
    expect([0, 50, 100, 150].map((second, done) => rate.perSecond(done, second * 1000))).toEqual([
      undefined,
      1 / 50,
      1 / 50,
      1 / 50,
    ])
  })

  it.each([
    [
      'however often it is cleared while its spinner is loaded',
      () => {
        const line = new ProgressLine()
        for (let time = 0; time < 3; time++) {
          line.clear()
          line.show(() => '1/20')
        }
        return () => line.clear()
      },
    ],
    [
      'where a fault ends the command on another screen',
      () => {
        new Screen('en').progress(() => '1/20')
        return () => new Screen('zh').error('…')
      },
    ],
  ])('leaves nothing running, %s', async (_, begin) => {
    terminal(80)
    vi.stubEnv('CI', undefined) // even an empty one stills the spinner
    const moves = { clearLine: () => true, cursorTo: () => true, moveCursor: () => true }
    Object.assign(process.stderr, moves)
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    onTestFinished(() => write.mockRestore())
    const end = begin()
    await vi.waitFor(() => expect(write.mock.calls.join('')).toContain('1/20'))
    end()
    write.mockClear()
    await sleep(300) // a spinner moves every 80 ms
    expect(write).not.toHaveBeenCalled()
  })

  it('takes a line every half minute away from a terminal', () => {
    terminal(undefined, {})
    const clock = vi.spyOn(performance, 'now')
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    onTestFinished(() => {
      clock.mockRestore()
      write.mockRestore()
    })
    const line = new ProgressLine()
    for (let second = 0; second <= 130; second += 10) {
      clock.mockReturnValue(second * 1000)
      line.show(() => `at ${second} s`)
    }
    expect(write.mock.calls.map(([text]) => text)).toEqual(
      [30, 60, 90, 120].map((second) => `at ${second} s\n`),
    )
  })

  it('tells the rate of the last half minute, not of what came out of the log at once', () => {
    const rate = new Rate()
    expect(rate.perSecond(0, 0)).toBeUndefined()
    expect(rate.perSecond(5000, 1000)).toBeUndefined()
    for (let second = 2; second <= 60; second++) rate.perSecond(5000 + 2 * second, second * 1000)
    expect(rate.perSecond(5122, 61_000)).toBeCloseTo(2)
  })
})

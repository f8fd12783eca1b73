/** A whole run beside its ideal schedule, which `ideal.ts` explains, and beside the time its requests would take if none
 *  had to wait for the reply to another. */
import { createHash } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Row } from './bench.ts'
import { inFolder, run } from './command.ts'
import { type Timed, leastTime, requestsIn, scheduled } from './ideal.ts'
import { type Fault, type Habits, SlowServer } from './slow-server.ts'

const TARGET = 500
const LATENCY = { latency: 300, spread: 1 / 3, tasks: 40 * TARGET } // 300 ± 100 ms
const FAULTS: Record<Fault, number> = {
  refused: 0.05,
  failed: 0.03,
  reset: 0.02,
  blank: 0.01,
  'no choices': 0.01,
}
/** Who is unlucky and how often changes a run by a quarter, so that one throw would say little. */
const DICE = [1, 2, 3]
const LIMIT = { aSecond: 20, concurrency: 32 }
const GOALS = [
  { concurrency: 8, span: 1.06, goal: 1.25 },
  { concurrency: 32, span: 1.12, goal: 1.5 },
  { concurrency: 128, span: 1.2, goal: undefined },
]

export async function measureWholeRun(): Promise<Row[]> {
  const rows: Row[] = []
  const results = new Set<string>() // of the clean runs, and of those with the same dice
  for (const { concurrency, span, goal } of GOALS) {
    const what = `whole run: ${TARGET} instructions, ${concurrency} in flight`
    const clean = await wholeRun(concurrency)
    const faulty = []
    for (const dice of DICE) faulty.push(await wholeRun(concurrency, { faults: FAULTS, dice }))
    for (const [dice, run] of [clean, ...faulty].entries()) results.add(`${dice} ${run.results}`)
    rows.push(
      {
        what,
        measured: `${besideIdeal(clean, concurrency)}; ${told(clean)}`,
        goal: `at most ${span} ×`,
      },
      faultyRow(`${what}, 12 % of attempts failing`, faulty, clean, goal),
    )
  }
  rows.push({
    what: 'whole run: results with the same faults or none, whatever is in flight',
    measured: results.size === 1 + DICE.length ? 'the same bytes' : `${results.size} different ones`,
    goal: 'the same bytes',
  })
  return [...rows, await limited()]
}

function faultyRow(what: string, runs: readonly WholeRun[], clean: WholeRun, goal: number | undefined): Row {
  const spans = runs.map(({ span }) => span / clean.span)
  const mean = sum(spans) / spans.length
  const each = runs.map((run, at) => `${spans[at]?.toFixed(2)}: ${told(run)}`)
  return {
    what,
    measured: `${mean.toFixed(2)} × the clean run, the mean of ${each.join(' | ')}`,
    goal: goal === undefined ? '' : `at most ${goal} ×`,
  }
}

function besideIdeal({ span, requests }: WholeRun, concurrency: number): string {
  const ideal = scheduled(requests, concurrency)
  const least = seconds(leastTime(requests, concurrency))
  const waitless = scheduled(
    requests.map(({ takes }) => ({ from: 0, takes })),
    concurrency,
  )
  return `${ratio(span, ideal)} × the ideal ${seconds(ideal)} (no schedule is under ${least}), ${ratio(span, waitless)} × ${seconds(waitless)} if none waited for another`
}

async function limited(): Promise<Row> {
  const { aSecond, concurrency } = LIMIT
  const limit = await wholeRun(concurrency, { aSecond })
  const ideal = (1000 * limit.sent) / aSecond
  return {
    what: `whole run: ${TARGET} instructions, ${concurrency} in flight, ${aSecond} requests a second allowed`,
    measured: `${ratio(limit.wall, ideal)} × the ideal ${seconds(ideal)} with start-up, ${limit.refused} refused; ${told(limit)}`,
    goal: 'at most 1.15 ×, 40 refused',
  }
}

interface WholeRun {
  wall: number
  peakMB: number
  span: number
  sent: number
  requests: Timed[]
  refused: number
  kept: number
  twice: number
  lost: number
  results: string
}

async function wholeRun(concurrency: number, habits: Partial<Habits> = {}): Promise<WholeRun> {
  return inFolder(async (folder) => {
    const server = await SlowServer.start({ ...LATENCY, ...habits })
    const asking = ['--base-url', server.url, '--model', 'bench', '--concurrency', String(concurrency)]
    const { ms, peakMB } = await run(['--num-instructions', String(TARGET), '--data-dir', folder, ...asking])
    await server.close()
    const { funnel } = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'))
    const answers = sum([...server.answered.values()])
    const calls = readFileSync(join(folder, 'calls.jsonl'), 'utf8').trim().split('\n')
    const replies = calls.filter((call) => JSON.parse(call).reply)
    return {
      wall: ms,
      peakMB,
      span: server.took,
      sent: server.latencies.length,
      requests: requestsIn(folder, (messages) => server.latencyOf(messages)),
      refused: server.refused,
      kept: funnel.kept,
      twice: answers - server.answered.size,
      lost: answers - replies.length,
      results: resultsIn(folder),
    }
  })
}

/** A name for all that a run leaves, but for its log and page. */
function resultsIn(folder: string): string {
  const hash = createHash('sha256')
  const names = readdirSync(folder).filter((name) => /^(\d-|rejected|run)/.test(name))
  for (const name of names.toSorted())
    hash.update(name).update(withoutAddress(readFileSync(join(folder, name), 'utf8')))
  return hash.digest('hex')
}

/** Every run has a server of its own, whose address is in run.json. */
function withoutAddress(text: string): string {
  return text.replaceAll(/127\.0\.0\.1:\d+/g, '')
}

function told({ sent, wall, peakMB, kept, twice, lost }: WholeRun): string {
  const spoilt =
    twice + lost === 0 ? 'nothing lost or paid twice' : `${lost} replies lost, ${twice} paid twice`
  return `${sent} requests, ${seconds(wall)} with start-up, ${peakMB} MB, ${kept} kept, ${spoilt}`
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, number) => all + number, 0)
const ratio = (measured: number, ideal: number): string => (measured / ideal).toFixed(2)
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

/** How busy the workshop keeps a server: the time of a step against the same replies, in the order in which they were
 *  asked for, put one after another into as many slots as there are requests in flight. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { replies } from '../../steps/generate.ts'
import { samplesAtMost } from '../../steps/model/call.ts'
import { wantedFirst } from '../../steps/model/account.ts'
import type { Row } from './bench.ts'
import { inFolder, run } from './command.ts'
import { occupy, scheduled } from './ideal.ts'
import { SlowServer } from './slow-server.ts'
import { writtenTexts } from './texts.ts'

/** Requests in flight, and the usual latency, long enough for one core to send so many (ms). */
const RUNS = [
  { concurrency: 8, latency: 200 },
  { concurrency: 32, latency: 300 },
  { concurrency: 128, latency: 400 },
]
const REQUESTS_A_SLOT = { generate: 6, classify: 12, instances: 12 }
const ACCEPTED_A_REPLY = 6 // roughly, of the made-up tasks
const ROWS_A_REQUEST = { classify: 20, instances: 1 }

export async function measureThroughput(): Promise<Row[]> {
  const rows: Row[] = []
  for (const { concurrency, latency } of RUNS) {
    rows.push(await generating(concurrency, latency))
    rows.push(await answering('classify', concurrency, latency))
    rows.push(await answering('instances', concurrency, latency))
  }
  return rows
}

/** Steps 2 and 3 know all their questions beforehand. */
async function answering(step: 'classify' | 'instances', concurrency: number, latency: number): Promise<Row> {
  const requests = REQUESTS_A_SLOT[step] * concurrency
  const texts = writtenTexts(requests * ROWS_A_REQUEST[step], 1)
  const lines = texts.map((instruction) => JSON.stringify({ instruction, is_classification: false }))
  return inFolder(async (folder) => {
    writeFileSync(
      join(folder, step === 'classify' ? '1-instructions.jsonl' : '2-classified.jsonl'),
      lines.join('\n'),
    )
    const server = await SlowServer.start({ latency, slowOnes: true })
    await run([step, ...asking(folder, server, concurrency)])
    await server.close()
    const ideal = scheduled(
      server.latencies.map((takes) => ({ from: 0, takes })),
      concurrency,
    )
    return row(step, concurrency, server, ideal)
  })
}

function asking(folder: string, server: SlowServer, concurrency: number): string[] {
  return [
    '--data-dir',
    folder,
    '--base-url',
    server.url,
    '--model',
    'bench',
    '--concurrency',
    String(concurrency),
  ]
}

function row(step: string, concurrency: number, server: SlowServer, ideal: number): Row {
  const { latencies, took } = server
  const measured = `${(took / ideal).toFixed(2)} × the ideal ${(ideal / 1000).toFixed(1)} s (${latencies.length} requests)`
  return { what: `throughput: ${step}, ${concurrency} in flight`, measured, goal: 'at most 1.15 ×' }
}

/** In step 1 a prompt waits for replies before it: the ideal is the step's own schedule, played in slots. */
async function generating(concurrency: number, latency: number): Promise<Row> {
  const target = REQUESTS_A_SLOT.generate * concurrency * ACCEPTED_A_REPLY
  return inFolder(async (folder) => {
    const server = await SlowServer.start({ latency, slowOnes: true, tasks: 40 * target })
    await run(['generate', '--num-instructions', String(target), ...asking(folder, server, concurrency)])
    await server.close()
    const { latencies, accepted } = record(folder, server)
    return row(
      'generate',
      concurrency,
      server,
      await played(
        latencies,
        accepted,
        wantedFirst({ target, batch: false }, { standIn: false }),
        concurrency,
      ),
    )
  })
}

/** From the log of a run: the latency of each request of step 1, and how many instructions were accepted up to it. */
function record(folder: string, server: SlowServer): { latencies: number[]; accepted: number[] } {
  const lines = (name: string) => readFileSync(join(folder, name), 'utf8').trim().split('\n')
  const latencies: number[] = []
  const place = new Map<string, number>()
  for (const call of lines('calls.jsonl').map((line) => JSON.parse(line))) {
    const k = Math.floor(call.sample / samplesAtMost)
    latencies[k] = (latencies[k] ?? 0) + server.latencyOf(call.request.messages)
    place.set(call.key, k)
  }
  const each = latencies.map(() => 0)
  for (const { call } of lines('1-instructions.jsonl').map((line) => JSON.parse(line)))
    each[place.get(call) ?? 0] = (each[place.get(call) ?? 0] ?? 0) + 1
  let sum = 0
  return { latencies, accepted: each.map((count) => (sum += count)) }
}

/** How long the schedule of step 1 takes on a clock of its own, where nothing but replies takes time. */
async function played(
  latencies: number[],
  accepted: number[],
  wanted: number,
  slots: number,
): Promise<number> {
  let now = 0
  const free = Array.from({ length: slots }, () => 0)
  const ends = new Map<() => void, number>()
  const ask = (k: number): Promise<void> =>
    new Promise((resolve) => ends.set(resolve, occupy(free, latencies[k] ?? 0, now)))
  const seen = [0]
  const waves = replies({ ask, accepted: seen, wanted, unmet: () => (seen.at(-1) ?? 0) < wanted })
  let done = false
  const reading = (async () => {
    for await (const _ of waves) seen.push(accepted[seen.length - 1] ?? wanted)
    done = true
  })()
  for (; !done; await new Promise(setImmediate)) {
    const [next] = [...ends].toSorted((a, b) => a[1] - b[1])
    if (!next) continue
    now = next[1]
    ends.delete(next[0])
    next[0]()
  }
  await reading
  return now
}

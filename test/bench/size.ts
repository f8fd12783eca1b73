/** Files too large for memory: step 4 on a million rows, step 3 with a log of 2 GB. */
import { once } from 'node:events'
import { createWriteStream, statSync } from 'node:fs'
import { join } from 'node:path'
import { instancesPrompt } from '../../steps/instances.ts'
import { keyOf } from '../../steps/workspace/jsonl.ts'
import type { Row } from './bench.ts'
import { type Finished, inFolder, run } from './command.ts'
import { candidateLines } from './texts.ts'

const MEMORY = 'at most 4,096 MB'
const GROWTH = '1.15 (at most 1.35)'
const BYTES_A_CALL = 4_000
const PROVIDER = { name: 'openai', model: 'gpt-6-luna' }

export async function measureSize(): Promise<Row[]> {
  const [few, many] = [10_000, 1_000_000]
  const runs = [await filter(few), await filter(few), await filter(few)].toSorted((a, b) => a.ownMs - b.ownMs)
  const [small, large] = [runs[1], await filter(many)]
  if (!small) return []
  const growth = Math.log(large.ownMs / small.ownMs) / Math.log(many / few)
  const span = `${few.toLocaleString('en')} to ${many.toLocaleString('en')} rows`
  return [
    sizeRow(`filter on ${few.toLocaleString('en')} rows, with its report page`, small),
    sizeRow(`filter on ${many.toLocaleString('en')} rows`, large),
    { what: `size: filter, growth exponent, ${span}`, measured: growth.toFixed(2), goal: GROWTH },
    await replay(2_000),
  ]
}

function sizeRow(what: string, { ms, peakMB }: Finished): Row {
  return {
    what: `size: ${what}`,
    measured: `${(ms / 1000).toFixed(1)} s, ${peakMB.toLocaleString('en')} MB`,
    goal: MEMORY,
  }
}

/** `ownMs`: without the start-up and the report page, which is not drawn past 50,000 rows. */
async function filter(count: number): Promise<Finished & { ownMs: number }> {
  return inFolder(async (folder) => {
    const lines = candidateLines(count)
    await write(join(folder, '3-instances.jsonl'), lines.length, (at) => {
      const { instruction } = JSON.parse(lines[at] ?? '') as { instruction: string }
      const instances = [{ input: '', output: `It is answered at length in the book on page ${at}.` }]
      return JSON.stringify({ instruction, is_classification: false, instances })
    })
    const whole = await run(['filter', '--num-instructions', 'all', '--data-dir', folder])
    const besides = await run(
      whole.out.includes('report.html') ? ['report', '--data-dir', folder] : ['--help'],
    )
    return { ...whole, ownMs: whole.ms - besides.ms }
  })
}

/** Step 3 with every reply in the log. */
async function replay(megabytes: number): Promise<Row> {
  const calls = (megabytes * 1e6) / BYTES_A_CALL
  return inFolder(async (folder) => {
    const instruction = (at: number) => `Write down what the book says on page ${at} about rivers.`
    const classified = (at: number) =>
      JSON.stringify({ instruction: instruction(at), is_classification: false })
    await write(join(folder, '2-classified.jsonl'), calls, classified)
    await write(join(folder, 'calls.jsonl'), calls, (at) => callFor(instruction(at)))
    const { size } = statSync(join(folder, 'calls.jsonl'))
    const finished = await run(['instances', '--data-dir', folder])
    return sizeRow(
      `instances from a log of ${(size / 1e9).toFixed(1)} GB (${calls.toLocaleString('en')} calls)`,
      finished,
    )
  })
}

/** A line of the log, as step 3 with its default settings looks for it. */
function callFor(instruction: string): string {
  const messages = instancesPrompt(instruction, false, 'en')
  const { name: provider, model } = PROVIDER
  const key = keyOf(['instances', provider, model, messages, 0.7, 512, 0])
  const head = { v: 1, key, sample: 0, step: 'instances', at: '2026-01-01T00:00:00.000Z', provider, model }
  const request = { model, messages }
  const missing = BYTES_A_CALL - JSON.stringify({ ...head, request }).length
  const instances = [{ input: '', output: 'It says a lot. '.repeat(missing / 15 - 12) }]
  const usage = { prompt_tokens: 150, completion_tokens: 600, cached_tokens: 0 }
  const reply = JSON.stringify({ instances })
  return JSON.stringify({ ...head, request, reply, finish_reason: 'stop', usage, ms: 900 })
}

async function write(file: string, lines: number, line: (at: number) => string): Promise<void> {
  const stream = createWriteStream(file)
  for (let at = 0; at < lines; at++) if (!stream.write(`${line(at)}\n`)) await once(stream, 'drain')
  stream.end()
  await once(stream, 'finish')
}

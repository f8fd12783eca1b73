/** All benchmarks, one table, in some minutes: `npm run bench`, `npm run bench -- FILE.jsonl` for novelty with candidates
 *  of your own, `--full` for the largest sizes, `--only start-up` for those of one name. */
import { parseArgs } from 'node:util'
import { measureNovelty } from './novelty.ts'
import { measureSize } from './size.ts'
import { measureStartup } from './startup.ts'
import { measureThroughput } from './throughput.ts'
import { measureTokens } from './tokens.ts'

export interface Row {
  what: string
  measured: string
  goal: string
}

const { values, positionals } = parseArgs({
  options: { full: { type: 'boolean' }, only: { type: 'string' } },
  allowPositionals: true,
})
const full = values.full ?? false

const benchmarks: Record<string, () => Row[] | Promise<Row[]>> = {
  'start-up': measureStartup,
  throughput: measureThroughput,
  tokens: measureTokens,
  size: () => measureSize(full),
  novelty: () => measureNovelty(positionals[0], full),
}

const rows: Row[] = []
for (const [name, measure] of Object.entries(benchmarks)) {
  if (values.only !== undefined && values.only !== name) continue
  console.error(`measuring ${name} …`)
  rows.push(...(await measure()))
}

const width = (key: keyof Row): number => Math.max(...rows.map((row) => row[key].length))
for (const { what, measured, goal } of rows)
  console.log(
    `${what.padEnd(width('what'))}  ${measured.padEnd(width('measured'))}  ${goal && `goal ${goal}`}`,
  )

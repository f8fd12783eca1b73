/** All benchmarks, one table, in eight minutes and 5 GB of room on the disk: `npm run bench`. `npm run bench -- FILE.jsonl`
 *  measures novelty with candidates of your own, `--only start-up` the benchmarks of that name, `--only rules --en FILE
 *  --zh FILE` the filter rules on seed tasks that people wrote. */
import { parseArgs } from 'node:util'
import { measureNovelty } from './novelty.ts'
import { measureRules } from './rules.ts'
import { measureSize } from './size.ts'
import { measureStartup } from './startup.ts'
import { measureThroughput } from './throughput.ts'
import { measureTokens } from './tokens.ts'
import { measureWholeRun } from './whole-run.ts'

export interface Row {
  what: string
  measured: string
  goal: string
}

const { values, positionals } = parseArgs({
  options: { only: { type: 'string' }, en: { type: 'string' }, zh: { type: 'string' } },
  allowPositionals: true,
})

const benchmarks: Record<string, () => Row[] | Promise<Row[]>> = {
  'start-up': measureStartup,
  throughput: measureThroughput,
  'whole-run': measureWholeRun,
  tokens: measureTokens,
  size: measureSize,
  novelty: () => measureNovelty(positionals[0]),
  rules: () => measureRules({ en: values.en, zh: values.zh }),
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

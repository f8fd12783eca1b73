/** All benchmarks, one table: `npm run bench`, `npm run bench -- FILE.jsonl` for candidates of your own, and `--full`
 *  for those that take a minute. */
import { parseArgs } from 'node:util'
import { measureNovelty } from './novelty.ts'

export interface Row {
  what: string
  measured: string
  goal: string
}

const { values, positionals } = parseArgs({ options: { full: { type: 'boolean' } }, allowPositionals: true })
const rows = [...measureNovelty(positionals[0], values.full ?? false)]

const width = (key: keyof Row): number => Math.max(...rows.map((row) => row[key].length))
for (const { what, measured, goal } of rows)
  console.log(
    `${what.padEnd(width('what'))}  ${measured.padEnd(width('measured'))}  ${goal && `goal ${goal}`}`,
  )

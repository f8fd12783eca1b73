/** What the command costs before it does anything: against `npx tsx` on an empty file, in the same minutes. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Row } from './bench.ts'
import { NO_KEYS, ROOT, inFolder, run } from './command.ts'

const TIMES = 15 // the fastest counts: whatever else the machine does only adds

export async function measureStartup(): Promise<Row[]> {
  return inFolder(async (folder) => {
    const empty = join(folder, 'empty.ts')
    writeFileSync(empty, '')
    await run(['--provider', 'offline', '--num-instructions', '14', '--data-dir', folder])
    const commands = [[empty], ['workshop.ts', '--help'], ['workshop.ts', 'filter', '--data-dir', folder]]
    const taken = commands.map((): number[] => [])
    for (let time = 0; time < TIMES; time++)
      for (const [at, command] of commands.entries()) taken[at]?.push(timed(command))
    const [bareMs = 0, helpMs = 0, filterMs = 0] = taken.map((times) => Math.min(...times))
    return [
      { what: 'start-up: npx tsx on an empty file', measured: `${bareMs.toFixed(0)} ms`, goal: '' },
      { what: 'start-up: --help', measured: ratio(helpMs, bareMs), goal: 'at most 1.20 ×' },
      { what: 'start-up: filter on 20 rows', measured: ratio(filterMs, bareMs), goal: 'at most 1.50 ×' },
    ]
  })
}

function timed(command: string[]): number {
  const started = performance.now()
  const { status, stderr } = spawnSync('npx', ['tsx', ...command], {
    cwd: ROOT,
    env: { ...process.env, ...NO_KEYS },
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`npx tsx ${command.join(' ')}: ${stderr}`)
  return performance.now() - started
}

function ratio(ms: number, bare: number): string {
  return `${(ms / bare).toFixed(2)} × (${ms.toFixed(0)} ms)`
}

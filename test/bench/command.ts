/** Runs the real command for a benchmark: how long it took and how much memory it came to. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const ROOT = join(import.meta.dirname, '..', '..')

export const NO_KEYS = {
  OPENAI_API_KEY: '',
  DASHSCOPE_API_KEY: '',
  LLM_API_KEY: '',
  OPENAI_BASE_URL: '',
  DASHSCOPE_BASE_URL: '',
}
/** Loaded before the command: says at its end how much memory it had at most, in KB. */
const WITNESS = `process.on('exit', () => process.stderr.write('peak ' + process.resourceUsage().maxRSS))`

export interface Finished {
  ms: number
  peakMB: number
  out: string
}

/** Runs the workshop to its end; anything but a good end is an error. */
export async function run(args: string[], env: Record<string, string> = {}): Promise<Finished> {
  const witness = `data:text/javascript,${encodeURIComponent(WITNESS)}`
  const program = ['--import', witness, '--import', 'tsx', join(ROOT, 'workshop.ts'), ...args]
  const started = performance.now()
  const child = spawn(process.execPath, program, {
    cwd: ROOT,
    env: { ...process.env, ...NO_KEYS, NO_COLOR: '1', LANG: 'en_US.UTF-8', ...env },
  })
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk) => (out += String(chunk)))
  child.stderr.on('data', (chunk) => (err += String(chunk)))
  const code = await new Promise((resolve) => child.on('close', resolve))
  const ms = performance.now() - started
  if (code !== 0) throw new Error(`workshop.ts ${args.join(' ')} ended with ${String(code)}: ${err}\n${out}`)
  return { ms, peakMB: Math.round(Number(/peak (\d+)$/.exec(err)?.[1]) / 1024), out }
}

/** Gives work a folder of its own, removed afterwards. */
export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'workshop-bench-'))
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

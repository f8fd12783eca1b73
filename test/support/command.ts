// Runs the real command in a folder of its own, without any key of the person who runs the tests.
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { onTestFinished } from 'vitest'

export const project = path.resolve(import.meta.dirname, '..', '..')

/** An empty value counts as set, so that no .env fills it in. */
export const noKeys = {
  OPENAI_API_KEY: '',
  DASHSCOPE_API_KEY: '',
  LLM_API_KEY: '',
  OPENAI_BASE_URL: '',
  DASHSCOPE_BASE_URL: '',
  HTTPS_PROXY: '',
  https_proxy: '',
}
/** Where the runs of this process remember what they were given. */
const state = mkdtempSync(path.join(os.tmpdir(), 'workshop state '))
process.on('exit', () => rmSync(state, { recursive: true, force: true }))
export const plainScreen = {
  NO_COLOR: '1',
  LANG: 'en_US.UTF-8',
  LC_ALL: '',
  CI: '',
  XDG_STATE_HOME: state,
}

/** The environment of a run: nothing of the person who runs the tests. */
export function cleanEnvironment(more: Record<string, string> = {}): NodeJS.ProcessEnv {
  return { ...process.env, ...noKeys, ...plainScreen, ...more }
}

export type Finished = { code: number | null; out: string; err: string }
export type Running = {
  finished: Promise<Finished>
  kill: (signal: NodeJS.Signals) => void
  pid: number | undefined
}

/** A folder that is removed after the test. */
export async function temporaryFolder(name = 'workshop 张伟 '): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), name))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** How Node runs a program of the project. */
export const underTsx = ['--import', 'tsx']

/** Starts `workshop.ts` (or another program of the project) with these arguments. */
export function start(
  args: readonly string[],
  env: Record<string, string> = {},
  program = 'workshop.ts',
): Running {
  const child = spawn(process.execPath, [...underTsx, path.join(project, program), ...args], {
    cwd: project,
    env: cleanEnvironment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => (out += String(chunk)))
  child.stderr.on('data', (chunk) => (err += String(chunk)))
  const finished = new Promise<Finished>((resolve) =>
    child.on('close', (code) => resolve({ code, out, err: withoutProgress(err) })),
  )
  return { finished, kill: (signal) => child.kill(signal), pid: child.pid }
}

/** What a run wrote to standard error without the notes on how far it is: on a machine with other work, where it takes half a
 *  minute, they come by the clock and are no part of what a test looks at. */
export function withoutProgress(err: string): string {
  return err.replace(
    /^(?:generate|classify|instances|filter|生成指令|判断分类任务|生成实例|过滤去重) (?:[\d,/]+ )?· .*\n/gm,
    '',
  )
}

/** Runs the workshop on a data folder to its end, as a process of its own. */
export function command(
  folder: string,
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<Finished> {
  return start([...args, '--data-dir', folder], env).finished
}

/** Runs the workshop on a data folder to its end, in this process. */
export async function workshop(
  folder: string,
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<Finished> {
  const { runHere } = await import('./here.ts')
  return runHere([...args, '--data-dir', folder], env)
}

const runs = new Map<string, Promise<string>>()

/** A folder of its own with a finished run in it; the run itself is made once for a test file. */
export async function folderWithRun(args: readonly string[] = []): Promise<string> {
  const key = args.join(' ')
  const made = runs.get(key) ?? makeRun(args)
  runs.set(key, made)
  const folder = await temporaryFolder()
  cpSync(await made, folder, { recursive: true })
  return folder
}

async function makeRun(args: readonly string[]): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'workshop run '))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  const { code, err } = await workshop(folder, args)
  if (code !== 0) throw new Error(`the run ended with ${code}: ${err}`)
  return folder
}

export async function rowsOf<T = Record<string, unknown>>(folder: string, name: string): Promise<T[]> {
  const text = await readFile(path.join(folder, name), 'utf8')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)
}

/** The bytes of the files that a repeated run must leave as they are. */
export async function bytesOf(folder: string): Promise<Record<string, string>> {
  const names = [
    '1-instructions.jsonl',
    '2-classified.jsonl',
    '3-instances.jsonl',
    '4-dataset.jsonl',
    'rejected.jsonl',
    'run.json',
  ]
  return Object.fromEntries(
    await Promise.all(
      names.map(async (name) => [name, await readFile(path.join(folder, name), 'utf8')] as const),
    ),
  )
}

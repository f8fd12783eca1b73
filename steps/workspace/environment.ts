// The few variables of the environment, and of .env, that count: keys, addresses, the proxy; and what a terminal can show.
import { existsSync, realpathSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { address, isAddress } from './arguments.ts'
import { Fault } from './fault.ts'

const variables = [
  'OPENAI_API_KEY',
  'DASHSCOPE_API_KEY',
  'LLM_API_KEY',
  'OPENAI_BASE_URL',
  'DASHSCOPE_BASE_URL',
  'HTTPS_PROXY',
  'https_proxy',
] as const

/** Keys and addresses of the providers, from the environment and from .env; never stored, never printed. */
export type Environment = Partial<Record<(typeof variables)[number], string>>

/** Reads `.env` here and in the project's folder (what is set already wins), and hands over the few variables that count. */
export async function readEnvironment(): Promise<Environment> {
  const files = [path.resolve('.env'), path.join(projectFolder, '.env')].filter((file) => existsSync(file))
  if (files.length > 0) (await import('dotenv')).config({ path: files, quiet: true })
  return checkedVariables(process.env)
}

/** The variables that count, trimmed. A wrong one is named; what is in a key is never shown. */
export function checkedVariables(environment: NodeJS.ProcessEnv): Environment {
  const checked: Environment = {}
  for (const name of variables) {
    const value = environment[name]?.trim()
    if (!value) continue
    if (name.endsWith('_BASE_URL') && !isAddress(value)) throw noAddress(name)
    if (name.endsWith('_KEY') && !/^[!-~]+$/.test(value)) throw noKeyAtAll(name)
    checked[name] = value
  }
  return checked
}

function noAddress(name: string): Fault {
  return new Fault({
    en: `${name}: expected ${address.en}. Correct it in the environment or in .env.`,
    zh: `${name}：应为${address.zh}。请在环境变量或 .env 文件中改正。`,
  })
}

function noKeyAtAll(name: string): Fault {
  return new Fault({
    en: `${name}: expected a key, got a text with spaces or letters that no key has. Copy the key again, into the environment or into .env.`,
    zh: `${name}：应为密钥，实际内容含有空格或密钥中不会出现的字符。请重新复制密钥到环境变量或 .env 文件。`,
  })
}

type Stream = { isTTY?: boolean }

/** Whether colours are seen there, and nobody asked for none (https://no-color.org). */
export function takesColour({ isTTY }: Stream): boolean {
  return isTTY === true && !process.env.NO_COLOR
}

/** Whether a line can be drawn again over itself there. */
export function redrawsLines({ isTTY }: Stream): boolean {
  return isTTY === true && !process.env.CI && process.env.TERM !== 'dumb'
}

// Files of the project: found from whatever folder the command is typed in, and named alike on every machine.

/** The folder the project lies in. */
export const projectFolder = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..')

/** A file of the project by its name in it, so that a run handed to somebody else finds it there too. */
export function portable(file: string): string {
  const inside = path.relative(projectFolder, file)
  return inside.startsWith('..') || path.isAbsolute(inside) ? file : inside.split(path.sep).join('/')
}

/** The whole path of a file as seen from here, or else of the one of that name shipped with the project. */
export function found(name: string): string {
  const shipped = path.join(projectFolder, name)
  return !existsSync(path.resolve(name)) && existsSync(shipped) ? shipped : path.resolve(name)
}

// Whether a module is the program itself: `npx tsx steps/classify.ts`.

/** Compares real paths without extension, so that links, a missing `.ts`, spaces and Chinese characters do not matter. */
export function isMain(moduleUrl: string): boolean {
  const program = process.argv[1]
  return program !== undefined && withoutExtension(program) === withoutExtension(fileURLToPath(moduleUrl))
}

function withoutExtension(file: string): string {
  const real =
    realpathIfAny(path.resolve(file)) ?? realpathIfAny(`${path.resolve(file)}.ts`) ?? path.resolve(file)
  return real.replace(/\.[cm]?[jt]s$/, '')
}

function realpathIfAny(file: string): string | undefined {
  try {
    return realpathSync.native(file)
  } catch {
    return undefined // no such file: the caller tries the next spelling
  }
}

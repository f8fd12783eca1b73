// What is read from the environment and from .env: keys, addresses, the proxy. Also what a terminal can show, and where the
// project lies.
import { existsSync, realpathSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Fault } from './fault.ts'
import { address } from './options.ts'

/** Variables that name a proxy, which Node's fetch does not use. */
export const proxyVariables = [
  'HTTPS_PROXY',
  'https_proxy',
  'HTTP_PROXY',
  'http_proxy',
  'ALL_PROXY',
  'all_proxy',
] as const

const variables = [
  'OPENAI_API_KEY',
  'DASHSCOPE_API_KEY',
  'LLM_API_KEY',
  'OPENAI_BASE_URL',
  'DASHSCOPE_BASE_URL',
  ...proxyVariables,
] as const

/** Keys and addresses of the providers, from the environment and from .env; never stored, never printed. */
export type Environment = Partial<Record<(typeof variables)[number], string>>

/** Reads `.env` here and in the project's folder; a variable that is set already stays as it is. */
export async function readEnvironment(): Promise<Environment> {
  const files = [path.resolve('.env'), path.join(projectFolder, '.env')].filter((file) => existsSync(file))
  if (files.length > 0) (await import('dotenv')).config({ path: files, quiet: true })
  return checkedVariables(process.env)
}

/** The variables the workshop uses, trimmed. A wrong one is named; the text of a key is never shown. */
export function checkedVariables(environment: NodeJS.ProcessEnv): Environment {
  const checked: Environment = {}
  for (const name of variables) {
    const value = environment[name]?.trim()
    if (!value) continue
    if (name.endsWith('_BASE_URL') && !address.fits(value)) throw noAddress(name)
    if (name.endsWith('_KEY') && !/^[!-~]+$/.test(value)) throw noKeyAtAll(name)
    checked[name] = value
  }
  return checked
}

function noAddress(name: string): Fault {
  return new Fault({
    en: `${name}: expected ${address.words.en}. Correct it in the environment or in .env.`,
    zh: `${name}：应为${address.words.zh}。请在环境变量或 .env 文件中改正。`,
  })
}

function noKeyAtAll(name: string): Fault {
  return new Fault({
    en: `${name}: expected a key, got a text with spaces or letters that no key has. Copy the key again, into the environment or into .env.`,
    zh: `${name}：应为密钥，实际内容含有空格或密钥中不会出现的字符。请重新复制密钥到环境变量或 .env 文件。`,
  })
}

type Stream = { isTTY?: boolean }

/** Whether a stream shows colours, and the user did not turn them off (https://no-color.org). */
export function takesColour({ isTTY }: Stream): boolean {
  return isTTY === true && !process.env.NO_COLOR
}

/** Whether a stream can draw a line again over itself. */
export function redrawsLines({ isTTY }: Stream): boolean {
  return isTTY === true && !process.env.CI && process.env.TERM !== 'dumb'
}

// Files of the project, found from whatever folder the command is typed in, and named alike on every machine

/** The folder the project lies in. */
export const projectFolder = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..')

/** The name of a file inside the project, so that a run given to somebody else finds it there too; else its whole path. */
export function portable(file: string): string {
  const inside = path.relative(projectFolder, file)
  return inside.startsWith('..') || path.isAbsolute(inside) ? file : inside.split(path.sep).join('/')
}

/** The whole path of a file in the working folder, or else of the file of that name in the project. */
export function found(name: string): string {
  const shipped = path.join(projectFolder, name)
  return !existsSync(path.resolve(name)) && existsSync(shipped) ? shipped : path.resolve(name)
}

/**
 * Whether a module is the program itself, as in `npx tsx steps/classify.ts`. Compares real paths without extension, so
 * that links, a missing `.ts`, spaces and Chinese characters do not matter.
 */
export function isMain(moduleUrl: string): boolean {
  const program = process.argv[1]
  return program !== undefined && withoutExtension(program) === withoutExtension(fileURLToPath(moduleUrl))
}

function withoutExtension(file: string): string {
  const real = [file, `${file}.ts`].find((name) => existsSync(name))
  return (real === undefined ? path.resolve(file) : realpathSync.native(real)).replace(/\.[cm]?[jt]s$/, '')
}

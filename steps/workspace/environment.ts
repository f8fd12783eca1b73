// The few variables of the environment, and of .env, that count: keys, addresses, the proxy; and what a terminal can show.
import { existsSync } from 'node:fs'
import path from 'node:path'
import { address, isAddress } from './arguments.ts'
import { Fault } from './fault.ts'
import { projectFolder } from './project.ts'

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

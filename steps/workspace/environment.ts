// What is read from the environment and from .env: keys, addresses, the proxy. Also what a terminal can show, where the
// project lies, and what came with it.
import { hash } from 'node:crypto'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Fault, type Words, lookAt } from './fault.ts'
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
export async function readEnvironment(dataDir: string): Promise<Environment> {
  const [here, own] = envFiles()
  const files = (mayHaveCome(here, dataDir) ? [own] : [here, own]).filter(isFile)
  if (files.length > 0) (await import('dotenv')).config({ path: files, quiet: true })
  return checkedVariables(process.env)
}

/**
 * A `.env` that lies in the data folder may have come with it, and is left alone: an address in it would get this machine's
 * key. So is what is no file: a pipe would be waited for.
 */
function mayHaveCome(here: string, dataDir: string): boolean {
  return here !== envFiles()[1] && liesIn(here, [dataDir])
}

/** What to say of such a `.env` where a key or an address stands in it; undefined where nothing is missed. */
export async function tellOfUnread(dataDir: string): Promise<Words | undefined> {
  const [here, own] = envFiles()
  if (!mayHaveCome(here, dataDir) || !isFile(here)) return undefined
  const there: Record<string, string> = {}
  const { config } = await import('dotenv')
  config({ path: here, quiet: true, processEnv: there })
  const missed = variables.filter((name) => there[name] && process.env[name] === undefined)
  if (missed.length === 0) return undefined
  return {
    en: `not read: ${missed.join(', ')} in ${here}. It lies in the data folder, and may have come with it; put your own into ${own} or into the environment`,
    zh: `没有读取 ${here} 中的 ${missed.join('、')}：它在数据文件夹里，可能是随文件夹一起来的。您自己的请写入 ${own}，或设为环境变量`,
  }
}

/** The `.env` of where the command is typed, and the project's. */
export function envFiles(): [here: string, own: string] {
  return [path.resolve('.env'), path.join(projectFolder, '.env')]
}

export function isFile(file: string): boolean {
  return lookAt(file, 'followed')?.isFile() ?? false
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

// A key is in no file and no message, however a server, or a proxy on the way, spells it when it sends it back.

export type Hide = (text: string) => string

const shortestSecret = 8 // characters; the providers' keys have 32 and more
// What people write where a server wants a key and looks at none.
const noSecret =
  /^(?:empty|null|ollama|lm[-_ ]?studio|llama[-_.]?(?:cpp|server)|vllm|local(?:host|ai)?|dummy\w*|placeholder|password|changeme|anything|whatever|(?:sk-)?(?:no|not|none)(?:[-_]?(?:api|key|needed|required|used|auth)){0,4}|(?:your[-_])?api[-_]?key(?:[-_]here)?|(?:sk-)?(.)\1*|(?:sk-)?(?:1234567890?|12345678))$/i

/** Takes a key out of a text, whole or cut off in the middle, as it is and in the spellings of JSON, URLs and HTML. */
export function hiding(key = ''): Hide {
  if (key.length < shortestSecret || noSecret.test(key)) return (text) => text
  const known = hides.get(key) ?? hidingBegun(key)
  hides.set(key, known)
  return known
}

const hides = new Map<string, Hide>()
// A pattern of the whole of a long key takes half a second to make, or more memory than there is: one of its beginning
// finds it, and what follows is looked at sign by sign.
const longestBeginning = 64 // characters

function hidingBegun(key: string): Hide {
  const half = Math.max(shortestSecret, Math.ceil(key.length / 2)) // so much of it is told by nobody by chance
  const begun = key.slice(0, Math.min(half, longestBeginning))
  const plain = [...begun].map(spellings).join('')
  const anyOfThem = new RegExp(`(${plain})|(?:${encoded(begun).join('|')})[\\w+/-]*`, 'gi')
  const signs = new Map([...key].map((sign) => [sign, new RegExp(spellings(sign), 'iy')]))
  const rest = [...key].slice(begun.length).flatMap((sign) => signs.get(sign) ?? [])
  return (text) => {
    let [kept, end] = ['', 0]
    for (const { 0: found, 1: isPlain, index } of text.matchAll(anyOfThem)) {
      if (index < end) continue
      kept += `${text.slice(end, index)}…`
      end = index + found.length
      if (isPlain) end = endOf(rest, text, end)
    }
    return end === 0 ? text : kept + text.slice(end)
  }
}

/** How far the text goes on with these signs, one after the other, from this place. */
function endOf(signs: readonly RegExp[], text: string, place: number): number {
  let end = place
  for (const sign of signs) {
    sign.lastIndex = end
    if (!sign.test(text)) break
    end = sign.lastIndex
  }
  return end
}

const entities: Record<string, string> = { '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot', "'": 'apos' }

/** How one sign may be written: `a`, `\\a`, `\\u0061`, `%61`, `&#97;`; in JSON inside JSON with more backslashes. */
function spellings(sign: string): string {
  const code = sign.charCodeAt(0)
  const hex = code.toString(16).padStart(2, '0')
  const itself = sign.replace(/[\\^$.*+?()[\]{}|/-]/, '\\$&')
  const named = entities[sign] ? `|${entities[sign]};` : ''
  return `(?:&(?:amp;){0,3}(?:#(?:0{0,6}${code}|x0{0,6}${hex});?${named})|\\\\{0,8}(?:${itself}|u00${hex}|x${hex})|%(?:25){0,3}${hex})`
}

/** The beginning of a key in Base64, wherever it stands in what was encoded, and in hexadecimal. */
function encoded(begun: string): string[] {
  const shifted = [0, 1, 2].map((before) => {
    const text = Buffer.from(' '.repeat(before) + begun).toString('base64')
    // The first and last characters hold bits of the neighbours.
    return text
      .slice(before === 0 ? 0 : before + 1)
      .replace(/.?=+$|.$/, '')
      .replace(/[+/]/g, (sign) => (sign === '+' ? '[+-]' : '[/_]'))
  })
  return [...shifted, Buffer.from(begun).toString('hex')]
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

export function ownVersion(): string {
  const text = readFileSync(path.join(projectFolder, 'package.json'), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

/** The name of a file inside the project, so that a run given to somebody else finds it there too; else its whole path. */
export function portable(file: string): string {
  const inside = path.relative(projectFolder, file)
  return inside.startsWith('..') || path.isAbsolute(inside) ? file : inside.split(path.sep).join('/')
}

/** The project's seed tasks, with the beginning of their checksums. */
const shipped = [
  { file: path.join(projectFolder, 'data', 'seed_tasks.jsonl'), sum: '691d7a0f757c3c67' },
  { file: path.join(projectFolder, 'data', 'seed_tasks.zh.jsonl'), sum: '5d7a3ff27049b0d2' },
] as const

/** The seed tasks of a language where none are named. */
export function shippedSeeds(language: string | undefined): string {
  return shipped[language === 'zh' ? 1 : 0].file
}

/** Whether seed tasks are the project's, as everybody has them: who adds one to that file has seed tasks of their own. */
export function areShipped(seedFile: string): boolean {
  return shipped.some(({ file }) => file === seedFile) && !areChanged(seedFile)
}

/** Whether somebody changed the project's seed tasks here. */
export function areChanged(seedFile: string): boolean {
  const known = shipped.find(({ file }) => file === seedFile)
  if (!known || !isFile(seedFile)) return false
  return !hash('sha256', readFileSync(seedFile, 'utf8').replaceAll('\r', '')).startsWith(known.sum)
}

/** The whole path of a file in the working folder, or else of the file of that name in the project. */
export function found(name: string): string {
  const shipped = path.join(projectFolder, name)
  return !existsSync(path.resolve(name)) && existsSync(shipped) ? shipped : path.resolve(name)
}

/** Whether a file lies in one of these folders, or would, with every link on the way followed. */
export function liesIn(file: string, folders: readonly string[]): boolean {
  const real = realOf(file)
  return folders.some((folder) => {
    const inside = path.relative(realOf(folder), real)
    return !/^\.\.(?:[/\\]|$)/.test(inside) && !path.isAbsolute(inside)
  })
}

/** The path with every link on the way followed, as far as it exists. */
export function realOf(file: string): string {
  try {
    return realpathSync.native(file)
  } catch {
    const dir = path.dirname(file)
    return dir === file ? file : path.join(realOf(dir), path.basename(file))
  }
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

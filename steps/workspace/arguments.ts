// Reads the command line by the table of options. Whatever is misspelt or out of range is a sentence with the nearest right word.
import { parseArgs } from 'node:util'
import { Fault, type Words, nearest, shorten, unknownWord } from './fault.ts'
import { type Step, steps } from './folder.ts'
import { type Option, type OptionName, type Stored, options } from './options.ts'

const optionNames = Object.keys(options) as OptionName[]

/** What stood on the command line, checked word by word, nothing filled in. */
export type Given = {
  words: string[]
  text: Partial<Record<OptionName, string>>
  lists: Partial<Record<OptionName, string[]>>
}

/** Reads the command line; anything misspelt or out of range is a Fault with the nearest right word. */
export function readCommandLine(argv: readonly string[]): Given {
  const given: Given = { words: [], text: {}, lists: {} }
  const kinds = optionNames.map((name) => [
    name,
    { type: options[name].kind === 'flag' ? 'boolean' : 'string', multiple: true },
  ])
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(kinds),
    strict: false,
    tokens: true,
  })
  for (const token of tokens) {
    // A word processor turns two hyphens into a dash.
    if (token.kind === 'positional' && /^[–—－−]/.test(token.value)) throw unknownOption(token.value)
    if (token.kind === 'positional') given.words.push(token.value)
    if (token.kind === 'option') readOption(given, token, argv[token.index] ?? token.rawName)
  }
  return given
}

function unknownOption(typed: string): Fault {
  return unknownWord(
    typed,
    optionNames.map((known) => `--${known}`),
    'option',
  )
}

type OptionToken = {
  rawName: string
  name: string
  value?: string | undefined
  inlineValue?: boolean | undefined
}

function readOption(given: Given, { rawName, name, value, inlineValue }: OptionToken, typed: string): void {
  if (!isOption(name) || !rawName.startsWith('--')) throw unknownOption(typed)
  const option: Option = options[name]
  if (option.kind === 'flag') {
    if (value !== undefined) throw wrongValue(name, option, value)
    given.text[name] = 'yes'
    return
  }
  const forgotten = value === undefined || value.trim() === '' || (!inlineValue && value.startsWith('--'))
  if (forgotten) throw wrongValue(name, option, '')
  checkValue(name, option, value)
  given.text[name] = value
  if (option.repeatable) given.lists[name] = [...(given.lists[name] ?? []), value]
}

function checkValue(name: OptionName, option: Option, value: string): void {
  if (option.oneOf && !option.oneOf.includes(value)) throw wrongValue(name, option, value)
  if (option.range) {
    const [least, most, whole] = option.range
    const number = Number(value)
    const inside = number >= least && number <= most && (!whole || Number.isInteger(number))
    if (!inside || !/^-?(\d+\.?\d*|\.\d+)$/.test(value.trim())) throw wrongValue(name, option, value)
  }
  if (name === 'num-instructions' && value !== 'all' && !/^[1-9]\d{0,8}$/.test(value))
    throw wrongValue(name, option, value)
  if (name === 'price' && !/^\d+(\.\d+)?\/\d+(\.\d+)?$/.test(value)) throw wrongValue(name, option, value)
  if (name === 'base-url' && !isAddress(value)) throw wrongValue(name, option, value)
  if (value.includes('\0')) throw wrongValue(name, option, value)
}

/** An address is shown and stored, and must not carry a secret: no name, password or query. */
export function isAddress(value: string): boolean {
  if (!URL.canParse(value) || /\s/.test(value)) return false
  const { protocol, username, password, search, hash } = new URL(value)
  return ['http:', 'https:'].includes(protocol) && !username && !password && !search && !hash
}

/**
 * Settings read back from run.json obey the same rules as those typed; people edit that file too. What is no option is
 * left out.
 */
export function checkStored(stored: object, file: string): Stored {
  const known = Object.entries(stored).filter(([name]) => isOption(name))
  for (const [name, value] of known) {
    if (!isOption(name) || (name === 'provider' && value === 'compatible')) continue // the name of a --base-url server
    try {
      checkStoredValue(name, options[name], value)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      const what = complaint(name, options[name], typeof value === 'string' ? value : JSON.stringify(value))
      throw new Fault({
        en: `${file}, settings: ${what.en} Mend the file, or delete it and run all steps once.`,
        zh: `${file} 的 settings：${what.zh}请修改该文件，或删除后完整运行一次。`,
      })
    }
  }
  return Object.fromEntries(known)
}

function checkStoredValue(name: OptionName, option: Option, value: unknown): void {
  const values = option.repeatable && Array.isArray(value) ? value : [value]
  const type =
    option.kind === 'flag' ? ['boolean'] : option.kind === 'number' ? ['number'] : ['string', 'number']
  for (const one of values) {
    const spelt = typeof one === 'string' ? one : typeof one === 'number' ? plainNumber(one) : ''
    if (!type.includes(typeof one) || (spelt === '' && option.kind !== 'flag'))
      throw wrongValue(name, option, spelt)
    if (option.kind !== 'flag') checkValue(name, option, spelt)
  }
}

// As one would type it: JSON writes 1e-7.
function plainNumber(value: number): string {
  return /e-/.test(String(value)) ? value.toFixed(20) : String(value)
}

function isOption(name: string): name is OptionName {
  return Object.hasOwn(options, name)
}

/** What a server's address looks like. */
export const address: Words = {
  en: 'an address like http://localhost:8000/v1, without name, password or query',
  zh: '形如 http://localhost:8000/v1 的地址，不含用户名、密码或参数',
}

function expectation(name: OptionName, option: Option): Words {
  if (option.oneOf) return { en: `one of ${option.oneOf.join(', ')}`, zh: ` ${option.oneOf.join('、')} 之一` }
  if (option.kind === 'flag')
    return { en: 'no value (in run.json: true)', zh: '单独使用、不带值（在 run.json 中为 true）' }
  if (name === 'num-instructions')
    return { en: 'a whole number from 1 to 999999999, or all', zh: ' 1 到 999999999 之间的整数，或 all' }
  if (name === 'price')
    return { en: 'dollars per million tokens like 0.40/1.20', zh: '形如 0.40/1.20 的每百万 token 美元价格' }
  if (name === 'base-url') return address
  if (!option.range) return { en: `a ${option.value ?? 'value'}`, zh: `一个值（${option.value ?? ''}）` }
  const [least, most, whole] = option.range
  return {
    en: `a ${whole ? 'whole ' : ''}number from ${least} to ${most}`,
    zh: ` ${least} 到 ${most} 之间的${whole ? '整数' : '数'}`,
  }
}

function wrongValue(name: OptionName, option: Option, value: string): Fault {
  const what = complaint(name, option, value)
  const cure = cureFor(name, option, value)
  return new Fault({ en: `${what.en} ${cure.en}`, zh: what.zh + cure.zh })
}

/** What was expected and what came; of an address only what cannot be a secret. */
function complaint(name: OptionName, option: Option, value: string): Words {
  const expected = expectation(name, option)
  const host = name === 'base-url' && URL.canParse(value) ? new URL(value).host : ''
  const shown = host ? `…${host}…` : shorten(value)
  const got = value === '' ? { en: 'nothing', zh: '空' } : { en: `"${shown}"`, zh: ` "${shown}"` }
  return {
    en: `--${name}: expected ${expected.en}, got ${got.en}.`,
    zh: `--${name}：应为${expected.zh}，实际为${got.zh}。`,
  }
}

function cureFor(name: OptionName, { oneOf, fallback }: Option, value: string): Words {
  const near = oneOf && nearest(value, oneOf)
  if (near !== undefined) return { en: `Did you mean ${near}?`, zh: `您是否想用 ${near}？` }
  if (name === 'base-url') return { en: 'A key goes into LLM_API_KEY.', zh: '密钥请放在 LLM_API_KEY。' }
  if (fallback === undefined)
    return { en: 'See: npx tsx workshop.ts --help', zh: '用法见：npx tsx workshop.ts --help' }
  return { en: `Leave --${name} out for ${fallback}.`, zh: `省略 --${name} 即为 ${fallback}。` }
}

/** Commands that are no steps: they look at a run, or at what a run needs. */
const commands = ['why', 'report', 'check'] as const
type Command = (typeof commands)[number]

/** The command a command line starts with, if it names one. */
export function readCommand(words: readonly string[]): Command | undefined {
  return commands.find((command) => command === words[0])
}

/** The steps named on the command line, in the order in which they run; none means all. */
export function readSteps(words: readonly string[]): Step[] {
  for (const word of words) {
    if (commands.some((command) => command === word)) throw standsAlone(word)
    if (!steps.some((step) => step === word)) throw unknownWord(word, [...steps, ...commands], 'step')
  }
  return steps.filter((step) => words.includes(step))
}

function standsAlone(word: string): Fault {
  return new Fault({
    en: `"${word}" is a command of its own and stands first, without steps: npx tsx workshop.ts ${word}`,
    zh: `“${word}”是单独的命令，要写在最前面，不能与步骤同用：npx tsx workshop.ts ${word}`,
  })
}

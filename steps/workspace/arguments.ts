// Reads the command line, and the settings kept in run.json, by the table of options. A word that is misspelt or a value
// out of range is a Fault that says what is right.
import { parseArgs } from 'node:util'
import { Fault, type Words, nearest, shorten, unknownWord } from './fault.ts'
import { type Step, steps } from './folder.ts'
import { type Option, type OptionName, type Values, options } from './options.ts'

const optionNames = Object.keys(options) as OptionName[]

/** The words and the options on a command line, each checked, nothing filled in. */
export function readCommandLine(argv: readonly string[]): { words: string[]; given: Values } {
  const words: string[] = []
  const given = new Map<OptionName, string[]>()
  for (const token of tokensOf(argv)) {
    // A word processor turns two hyphens into a dash.
    if (token.kind === 'positional' && /^[–—－−]/.test(token.value)) throw unknownOption(token.value)
    if (token.kind === 'positional') words.push(token.value)
    if (token.kind !== 'option') continue
    const { name, rawName, value, inlineValue } = token
    if (!isOption(name) || !rawName.startsWith('--')) throw unknownOption(argv[token.index] ?? rawName)
    const typed = typedValue(name, value, inlineValue)
    if (!takes(name, typed)) throw wrongValue(name, typed)
    given.set(name, isRepeatable(name) ? [...(given.get(name) ?? []), typed] : [typed])
  }
  return { words, given }
}

/**
 * `npm start --language zh` keeps the option for npm and hands on "zh" alone. npm tells its options to the programs it
 * starts, so what was meant can be said.
 */
export function refuseOptionsOfNpm(argv: readonly string[], environment: NodeJS.ProcessEnv): void {
  const { npm_lifecycle_event: script } = environment
  const taken = optionNames.filter(
    (name) => environment[`npm_config_${name.replaceAll('-', '_')}`] && name !== 'help',
  )
  if (script === undefined || script === 'npx' || taken.length === 0) return
  const known: readonly string[] = [...steps, ...commands]
  const words = argv.filter((word) => known.includes(word))
  const values = argv.filter((word) => !known.includes(word))
  const meant = taken.map((name) => {
    const value = environment[`npm_config_${name.replaceAll('-', '_')}`] ?? ''
    if (isFlag(name)) return `--${name}`
    return `--${name} ${value === 'true' ? (values.shift() ?? '…') : value}`
  })
  const npm = script === 'start' ? 'npm start' : `npm run ${script}`
  const command = [npm, '--', ...words, ...meant, ...values].join(' ')
  throw new Fault({
    en: `npm keeps options for itself unless two hyphens stand before them. Like this: ${command}`,
    zh: `选项前面要加两个连字符，否则会被 npm 拿走。应为：${command}`,
  })
}

/** A command line without an option and its values. */
export function withoutOption(argv: readonly string[], name: OptionName): string[] {
  return argv.filter((word, place) => {
    const spelt = `--${name}`
    return word !== spelt && argv[place - 1] !== spelt && !word.startsWith(`${spelt}=`)
  })
}

/** A flag needs no value; another option that is last, or followed by the next option, has none: ''. */
function typedValue(name: OptionName, value: string | undefined, inline: boolean | undefined): string {
  if (value === undefined) return isFlag(name) ? 'true' : ''
  return value.startsWith('--') && !inline ? '' : value
}

function tokensOf(argv: readonly string[]) {
  const kinds = optionNames.map((name) => [name, { type: isFlag(name) ? 'boolean' : 'string' }])
  const known = Object.fromEntries(kinds) as Record<string, { type: 'boolean' | 'string' }>
  return parseArgs({ args: [...argv], options: known, strict: false, tokens: true }).tokens
}

/**
 * Reads the settings kept in run.json, which people edit too. The rules are those of the command line, and the JSON type
 * must be right as well. Names of no option are left out.
 */
export function readStored(stored: object, file: string): Values {
  const values = new Map<OptionName, string[]>()
  for (const [name, value] of Object.entries(stored)) {
    if (!isOption(name) || (isFlag(name) && value === false)) continue
    const typed = (isRepeatable(name) ? [value].flat() : [value]).map((one) => asTyped(name, one))
    if (!typed.every((one) => isServer(name, one) || takes(name, one))) throw wrongStored(name, value, file)
    values.set(name, typed)
  }
  return values
}

/** A stored value as one would type it, '' when it is of another type than the option's. */
function asTyped(name: OptionName, value: unknown): string {
  const { flag, range }: Option = options[name]
  if (typeof value === 'string') return flag || range ? '' : value
  if (typeof value === 'boolean') return flag ? String(value) : ''
  if (typeof value !== 'number') return ''
  return /e-/.test(String(value)) ? value.toFixed(20).replace(/0+$/, '') : String(value) // JSON writes 1e-7
}

/** The provider's name in a run that was made with `--base-url` alone. */
function isServer(name: OptionName, value: string): boolean {
  return name === 'provider' && value === 'compatible'
}

function isOption(name: string): name is OptionName {
  return Object.hasOwn(options, name)
}

function isFlag(name: OptionName): boolean {
  return 'flag' in options[name]
}

function isRepeatable(name: OptionName): boolean {
  return 'repeatable' in options[name]
}

function takes(name: OptionName, value: string): boolean {
  const { flag, oneOf, range, form }: Option = options[name]
  if (value.trim() === '' || value.includes('\0')) return false
  if (flag) return value === 'true'
  if (oneOf) return oneOf.includes(value)
  return range ? isWithin(range, value) : (form?.fits(value) ?? true)
}

function isWithin([least, most, whole]: NonNullable<Option['range']>, value: string): boolean {
  const number = Number(value)
  const inside = number >= least && number <= most && (!whole || Number.isInteger(number))
  return inside && /^-?(\d+\.?\d*|\.\d+)$/.test(value.trim())
}

function unknownOption(typed: string): Fault {
  const known = optionNames.map((name) => `--${name}`)
  return unknownWord(typed, known, 'option')
}

function wrongValue(name: OptionName, value: string): Fault {
  const what = complaint(name, value)
  const cure = cureFor(name, value)
  return new Fault({ en: `${what.en} ${cure.en}`, zh: what.zh + cure.zh })
}

function wrongStored(name: OptionName, value: unknown, file: string): Fault {
  const what = complaint(name, typeof value === 'string' ? value : JSON.stringify(value))
  return new Fault({
    en: `${file}, settings: ${what.en} Mend the file, or delete it and run all steps once.`,
    zh: `${file} 的 settings：${what.zh}请修改该文件，或删除后完整运行一次。`,
  })
}

/** What was expected and what came. Of an address only the host is shown: the rest may hold a secret. */
function complaint(name: OptionName, value: string): Words {
  const expected = expectation(options[name])
  const host = name === 'base-url' && URL.canParse(value) ? new URL(value).host : ''
  const shown = host ? `…${host}…` : shorten(value)
  const got = value.trim() === '' ? { en: 'nothing', zh: '空' } : { en: `"${shown}"`, zh: ` "${shown}"` }
  return {
    en: `--${name}: expected ${expected.en}, got ${got.en}.`,
    zh: `--${name}：应为${expected.zh}，实际为${got.zh}。`,
  }
}

function expectation({ flag, oneOf, range, form, value = '' }: Option): Words {
  if (form) return form.words
  if (oneOf) return { en: `one of ${oneOf.join(', ')}`, zh: ` ${oneOf.join('、')} 之一` }
  if (flag) return { en: 'no value (in run.json: true)', zh: '单独使用、不带值（在 run.json 中为 true）' }
  if (!range) return { en: `a ${value}`, zh: `一个值（${value}）` }
  const [least, most, whole] = range
  return {
    en: `a ${whole ? 'whole ' : ''}number from ${least} to ${most}`,
    zh: ` ${least} 到 ${most} 之间的${whole ? '整数' : '数'}`,
  }
}

function cureFor(name: OptionName, value: string): Words {
  const { oneOf, form, fallback }: Option = options[name]
  const near = oneOf && nearest(value, oneOf, value.length > 3 ? 2 : 1) // of three letters two are nearly all
  if (near !== undefined) return { en: `Did you mean ${near}?`, zh: `您是否想用 ${near}？` }
  if (form?.hint) return form.hint
  if (fallback === undefined)
    return { en: 'See: npx tsx workshop.ts --help', zh: '用法见：npx tsx workshop.ts --help' }
  return { en: `Leave --${name} out for ${fallback}.`, zh: `省略 --${name} 即为 ${fallback}。` }
}

/** Commands that are not steps: they look at a run, or at what a run needs. */
const commands = ['why', 'report', 'check'] as const

/** The command a command line starts with, if it names one. */
export function readCommand(words: readonly string[]): (typeof commands)[number] | undefined {
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

// Every setting of a command. It comes from the command line, else from the last whole run, else it has a default.
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { Language } from '../text/language.ts'
import { readCommand, readCommandLine, readSteps, readStored } from './arguments.ts'
import { areShipped, found, portable, projectFolder, shippedSeeds } from './environment.ts'
import { Fault, isMissing, isOdd, noFile, unreadable } from './fault.ts'
import { type Step, recordFile, seedsFile, steps } from './folder.ts'
import { sorted } from './from-others.ts'
import { isObject, jsonIn } from './jsonl.ts'
import { type ExportName, type OptionName, type Values, exportNames, options } from './options.ts'

export type Settings = {
  steps: Step[]
  whole: boolean
  provider: string | undefined
  model: string | undefined
  baseUrl: string | undefined
  target: number // of distinct instructions; Infinity for "all"
  seedFile: string
  dataDir: string
  outputPath: string | undefined
  temperature: number
  maxTokens: number
  language: Language | undefined // of prompts and rules; undefined: as the seeds are
  screen: Language
  similarity: number
  concurrency: number
  seed: number
  topics: string | undefined
  avoid: string[]
  merge: string[]
  rules: string | undefined // as typed: names of filter rules, with a minus before those to leave out
  judge: boolean
  exports: ExportName[]
  split: number | undefined // share of the instructions that go into a test split
  skipBadRows: boolean
  replay: string | undefined
  budget: number | undefined // US dollars
  price: string | undefined // dollars per million tokens, as input/output
  params: Record<string, unknown> // fields for every request
  timeout: number | undefined // seconds without a byte
  dryRun: boolean
  batch: boolean
  poll: number // seconds
  compare: string | undefined
  /** What stood on the command line. */
  given: Values
  /** What was taken over from the last whole run. */
  carried: Values
  /** What was not: it leads out of the folder, and nobody gave it on this machine. */
  notTaken: Values
}

const targetByHand = '5' // about a dozen prompts to carry to a chat and back

/** The settings of a command line. Single steps, `report` and `why` go on from the last whole run in their folder. */
export function readSettings(argv: readonly string[], environment: NodeJS.ProcessEnv): Settings {
  const { words, given } = readCommandLine(argv)
  const command = readCommand(words)
  const named = command ? [] : readSteps(words)
  if (given.has('compare') && command !== 'report') throw onlyInReport()
  const dataDir = path.resolve(
    lastOf(given)('data-dir') ?? path.join(projectFolder, options['data-dir'].fallback),
  )
  const looksBack = named.length > 0 || command === 'why' || command === 'report'
  const stored = looksBack ? { ...storedIn(dataDir, environment, given), from: dataDir } : nothingStored
  const spoken = words.some((word) => /\p{Script=Han}/u.test(word)) ? ('zh' as const) : undefined
  return settled({ given, named, dataDir, spoken, ...stored }, environment)
}

function onlyInReport(): Fault {
  return new Fault({
    en: '--compare belongs to: npx tsx workshop.ts report --compare DIR',
    zh: '--compare 只用于：npx tsx workshop.ts report --compare 文件夹',
  })
}

/** The settings of the run that lies in a folder. */
export function settingsOf(dir: string, environment: NodeJS.ProcessEnv): Settings {
  const dataDir = path.resolve(dir)
  const stored = { ...storedIn(dataDir, environment), from: dataDir }
  return settled({ given: new Map(), named: [], dataDir, ...stored }, environment)
}

/** The same command, its gaps filled from the run.json beside the log it replays. */
export function withStored(asked: Settings, log: string, environment: NodeJS.ProcessEnv): Settings {
  const { given, whole, dataDir } = asked
  const named = whole ? [] : asked.steps
  const from = path.dirname(log)
  const { carried, notTaken } = storedIn(from, environment, given)
  const known = without(whole ? ['replay'] : [], carried) // a whole run has its log before it, or names one
  return settled({ given, named, dataDir, from, carried: known, notTaken }, environment)
}

/** What run.json says: what counts here, and what does not. */
type Stored = { carried: Values; notTaken: Values }
const nothingStored: Stored = { carried: new Map(), notTaken: new Map() }

/** `named`: the steps on the command line, none for all. `from`: the folder that `carried` stood in. `spoken`: the language of the words. */
type Known = Stored & {
  given: Values
  named: Step[]
  dataDir: string
  from?: string
  spoken?: Language | undefined
}

/** Every setting: as given, or else as in the last whole run, or else its default. */
function settled(
  { given, named, dataDir, carried, notTaken, from, spoken }: Known,
  environment: NodeJS.ProcessEnv,
): Settings {
  const typed = lastOf(given)
  const stored = lastOf(carried)
  const text = (name: OptionName) => typed(name) ?? stored(name)
  const number = (name: 'temperature' | 'max-tokens' | 'similarity' | 'seed') =>
    Number(text(name) ?? options[name].fallback)
  const list = (name: OptionName) => given.get(name) ?? carried.get(name) ?? []
  const { elsewhere, ...whoAnswers } = answering(given, carried)
  const usualTarget = whoAnswers.provider === 'paste' ? targetByHand : options['num-instructions'].fallback
  const target = text('num-instructions') ?? usualTarget
  const language = text('language') as Language | undefined
  // A replayed run judges again; a single step only when told to, since it may cost.
  const judge = given.has('judge') || (named.length === 0 && carried.has('judge'))
  const others: OptionName[] = elsewhere ? ['provider', 'model', 'base-url', 'param'] : []
  const dropped = [...others]
  const log = namesWhoAnswers(given) ? undefined : logIn(carried)
  if (log === undefined) dropped.push('replay')
  if (whoAnswers.price === undefined) dropped.push('price')
  if (!judge) dropped.push('judge')
  return {
    ...whoAnswers,
    steps: named.length > 0 ? named : [...steps],
    whole: named.length === 0,
    target: target === 'all' ? Infinity : Number(target),
    seedFile:
      read(text('seed-file'), found) ??
      seedsIn(from) ??
      shippedSeeds(typed('language') ?? stored('language')),
    dataDir,
    outputPath: read(typed('output-path'), path.resolve) ?? read(stored('output-path'), insideProject),
    temperature: number('temperature'),
    maxTokens: number('max-tokens'),
    language,
    screen: language ?? spoken ?? systemLanguage(environment),
    similarity: number('similarity'),
    concurrency: Number(typed('concurrency') ?? options.concurrency.fallback),
    seed: number('seed'),
    topics: read(text('topics'), found),
    avoid: list('avoid').map(found),
    merge: list('merge').map(found),
    rules: text('rules'),
    judge,
    exports: exportNames.filter((name) => list('export').includes(name)),
    split: read(text('split'), Number),
    skipBadRows: given.has('skip-bad-rows') || carried.has('skip-bad-rows'),
    replay: read(typed('replay'), path.resolve) ?? log,
    params: paramsIn(given.get('param') ?? (elsewhere ? [] : (carried.get('param') ?? []))),
    timeout: read(typed('timeout'), Number),
    budget: read(typed('budget'), Number),
    dryRun: given.has('dry-run'),
    batch: given.has('batch'),
    poll: Number(typed('poll') ?? options.poll.fallback),
    compare: read(typed('compare'), path.resolve),
    given,
    carried: without(dropped, carried),
    notTaken: new Map([...notTaken].filter(([name]) => !given.has(name) && !others.includes(name))),
  }
}

/** Whether the command line says who is to answer. */
export function namesWhoAnswers(given: Values): boolean {
  return (['provider', 'base-url', 'model', 'replay'] as const).some((name) => given.has(name))
}

/** The log that the last whole run replayed, as long as it is there: it goes on answering, and telling of its calls. */
function logIn(carried: Values): string | undefined {
  const log = read(lastOf(carried)('replay'), found)
  return log !== undefined && existsSync(log) ? log : undefined
}

function without(names: readonly OptionName[], values: Values): Values {
  return new Map([...values].filter(([name]) => !names.includes(name)))
}

/** Who answers, and at what price. Another provider than the stored one knows neither its model nor its address. */
function answering(given: Values, carried: Values) {
  const [typed, stored] = [lastOf(given), lastOf(carried)]
  const elsewhere = given.has('base-url') || (typed('provider') ?? stored('provider')) !== stored('provider')
  const kept = (name: OptionName, isKept: boolean) => typed(name) ?? (isKept ? stored(name) : undefined)
  return {
    elsewhere,
    provider: kept('provider', !given.has('base-url')),
    model: kept('model', !elsewhere),
    baseUrl: kept('base-url', !elsewhere),
    price: kept('price', !elsewhere && !given.has('model')),
  }
}

/** Fields as `--param` names them; what is no JSON is text. */
function paramsIn(typed: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    typed.map((param) => {
      const [name = '', ...parts] = param.split('=')
      const text = parts.join('=')
      return [name, jsonIn(text) ?? text]
    }),
  )
}

/** Of an option that was repeated the last value counts, unless it is a list. */
function lastOf(values: Values): (name: OptionName) => string | undefined {
  return (name) => values.get(name)?.at(-1)
}

/** The seed tasks of a run that brought its own; its run.json then names no file, which others would not have. */
function seedsIn(dir: string | undefined): string | undefined {
  const own = dir === undefined ? undefined : path.join(dir, seedsFile)
  if (own === undefined || !existsSync(own)) return undefined
  if (isOdd(own)) throw noFile(own) // a link may lead to anything, and a prompt would send it away
  return own
}

function read<T>(text: string | undefined, how: (text: string) => T): T | undefined {
  return text === undefined ? undefined : how(text)
}

function insideProject(name: string): string {
  return path.resolve(projectFolder, name)
}

/** The language for an error: that of the screen, if the command line can be read that far. */
export function errorLanguage(argv: readonly string[], environment: NodeJS.ProcessEnv): Language {
  try {
    return readSettings(argv, environment).screen
  } catch {
    return screenLanguage(argv, environment)
  }
}

/** The language of the screen from the command line alone, which may be wrong elsewhere; for help and errors. */
export function screenLanguage(argv: readonly string[], environment: NodeJS.ProcessEnv): Language {
  const { npm_config_language: byNpm } = environment // npm kept the option, see `refuseOptionsOfNpm`
  const typed =
    byNpm === undefined ? argv.join(' ') : `--language ${byNpm === 'true' ? argv.join(' ') : byNpm}`
  const named = /(?:^| )--language[= ](en|zh)(?: |$)/.exec(typed)?.[1]
  return named ? (named as Language) : systemLanguage(environment)
}

function systemLanguage(environment: NodeJS.ProcessEnv): Language {
  const posix = environment.LC_ALL || environment.LC_MESSAGES || environment.LANG
  const locale = posix || Intl.DateTimeFormat().resolvedOptions().locale
  return locale.toLowerCase().startsWith('zh') ? 'zh' : 'en'
}

/**
 * What run.json keeps of the settings of a whole run, for single steps and replays to take over: whatever decides what
 * comes out, nothing that only decides how fast. What is undefined is not written.
 */
export function keptSettings(
  settings: Settings,
  provider: { name: string; model: string },
  language: Language,
): Partial<Record<OptionName, unknown>> {
  const someOf = (list: string[]) => (list.length > 0 ? list : undefined)
  return {
    provider: provider.name,
    model: provider.model,
    'base-url': settings.baseUrl,
    'num-instructions': Number.isFinite(settings.target) ? settings.target : 'all',
    'seed-file': areShipped(settings.seedFile) ? portable(settings.seedFile) : undefined,
    'output-path': read(settings.outputPath, portable),
    temperature: settings.temperature,
    'max-tokens': settings.maxTokens,
    language,
    similarity: settings.similarity,
    seed: settings.seed,
    price: settings.price,
    param: someOf(Object.entries(settings.params).map(([name, value]) => `${name}=${JSON.stringify(value)}`)),
    topics: read(settings.topics, portable),
    avoid: someOf(settings.avoid.map(portable)),
    merge: someOf(settings.merge.map(portable)),
    rules: settings.rules,
    judge: settings.judge || undefined,
    export: someOf(settings.exports),
    split: settings.split,
    'skip-bad-rows': settings.skipBadRows || undefined,
    replay: read(settings.replay, portable),
  }
}

/** Options that no run.json keeps: who puts one there decides nothing. */
const ofOneCommand = [
  'data-dir',
  'concurrency',
  'budget',
  'timeout',
  'dry-run',
  'batch',
  'poll',
  'compare',
  'help',
]

/** The settings of the run in a folder; none where there is no run.json. */
function storedIn(dir: string, environment: NodeJS.ProcessEnv, given: Values = new Map()): Stored {
  const file = path.join(dir, recordFile)
  if (isOdd(file)) throw noFile(file)
  try {
    const run = jsonIn(readFileSync(file, 'utf8'))
    const settings = isObject(run) ? (run.settings ?? {}) : undefined
    if (!isObject(settings)) throw noRecord(file)
    const kept = Object.entries(settings).filter(([name]) => !ofOneCommand.includes(name))
    return sorted(dir, readStored(Object.fromEntries(kept), file), environment, given)
  } catch (error) {
    if (isMissing(error)) return nothingStored
    throw error instanceof Fault ? error : unreadable(file, error)
  }
}

function noRecord(file: string): Fault {
  return new Fault({
    en: `${file} is not the record of a run: expected {"settings":{…},…}. Mend it, or delete it and run all steps once.`,
    zh: `${file} 不是运行记录：应为 {"settings":{…},…}。请修改它，或删除后完整运行一次。`,
  })
}

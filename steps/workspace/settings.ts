// Every setting of a command, and where it came from: the command line, the last whole run, the environment, or the default.
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Language } from '../text/language.ts'
import { codeOf, Fault, unreadable } from './fault.ts'
import { type Step, steps } from './folder.ts'
import { checkStored, type Given, readCommand, readCommandLine, readSteps } from './arguments.ts'
import { type ExportName, exportNames, type OptionName, options } from './options.ts'

/** The folder the project lies in: shipped files are found from anywhere. */
export const projectFolder = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..')

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
  judge: boolean
  exports: ExportName[]
  replay: string | undefined
  budget: number | undefined // US dollars
  price: string | undefined // dollars per million tokens, as input/output
  dryRun: boolean
  batch: boolean
  poll: number // seconds
  compare: string | undefined
  /** Settings that were given on the command line, not filled in. */
  given: ReadonlySet<OptionName>
  /** Settings taken over from the last whole run, as stored. */
  carried: Carried
}

const targetByHand = '5' // about a dozen prompts to carry to and fro

/** Settings as run.json keeps them, spelt as on the command line. */
export type Carried = Partial<Record<OptionName, string | number | boolean | string[]>>

/** Puts the settings together. `stored` gives the settings of run.json when the command goes on from an earlier run. */
export function readSettings(argv: readonly string[], environment: NodeJS.ProcessEnv): Settings {
  const given = readCommandLine(argv)
  const command = readCommand(given.words)
  const named = command ? [] : readSteps(given.words)
  if (given.text.compare !== undefined && command !== 'report') throw onlyInReport()
  const dataDir = path.resolve(
    given.text['data-dir'] ?? path.join(projectFolder, options['data-dir'].fallback),
  )
  const looksBack = named.length > 0 || command === 'why' || command === 'report'
  const carried = looksBack ? storedSettings(path.join(dataDir, 'run.json')) : {}
  return settingsFrom(given, named, dataDir, carried, environment)
}

function onlyInReport(): Fault {
  return new Fault({
    en: '--compare belongs to: npx tsx workshop.ts report --compare DIR',
    zh: '--compare 只用于：npx tsx workshop.ts report --compare 文件夹',
  })
}

/** The same command line, its gaps filled from the run.json beside the log it replays. */
export function withStored(
  settings: Settings,
  argv: readonly string[],
  log: string,
  environment: NodeJS.ProcessEnv,
): Settings {
  const stored = storedSettings(path.join(path.dirname(log), 'run.json'))
  const named = settings.whole ? [] : settings.steps
  return settingsFrom(readCommandLine(argv), named, settings.dataDir, stored, environment)
}

function settingsFrom(
  given: Given,
  named: Step[],
  dataDir: string,
  carried: Carried,
  environment: NodeJS.ProcessEnv,
): Settings {
  const pick = (name: keyof Carried): string | undefined => {
    const stored = carried[name]
    return given.text[name] ?? (stored === undefined || Array.isArray(stored) ? undefined : String(stored))
  }
  const number = (name: OptionName): number => Number(pick(name) ?? fallbackOf(name))
  const list = (name: 'avoid' | 'merge' | 'export'): string[] =>
    given.lists[name] ?? [carried[name] ?? []].flat().map(String)
  const file = (name: keyof Carried): string | undefined => found(pick(name))
  // Another provider than the stored one knows neither its model nor its address.
  const elsewhere =
    given.text['base-url'] !== undefined || (given.text.provider ?? carried.provider) !== carried.provider
  const model = elsewhere ? given.text.model : pick('model')
  const baseUrl = elsewhere ? given.text['base-url'] : pick('base-url')
  const price = elsewhere || given.text.model !== undefined ? given.text.price : pick('price')
  const provider = given.text['base-url'] === undefined ? pick('provider') : given.text.provider
  const usualTarget = provider === 'paste' ? targetByHand : fallbackOf('num-instructions')
  const target = pick('num-instructions') ?? usualTarget
  // A replayed run judges again; a single step only when told to, since it may cost.
  const judge = given.text.judge !== undefined || (named.length === 0 && carried.judge === true)
  const language = pick('language') as Language | undefined
  return {
    steps: named.length > 0 ? named : [...steps],
    whole: named.length === 0,
    provider,
    model,
    baseUrl,
    target: target === 'all' ? Infinity : Number(target),
    seedFile: file('seed-file') ?? shippedSeeds(given.text.language as Language | undefined),
    dataDir,
    outputPath: absolute(given.text['output-path']) ?? insideProject(carried['output-path']),
    temperature: number('temperature'),
    maxTokens: number('max-tokens'),
    language,
    screen: language ?? systemLanguage(environment),
    similarity: number('similarity'),
    concurrency: Number(given.text.concurrency ?? fallbackOf('concurrency')),
    seed: number('seed'),
    topics: file('topics'),
    avoid: list('avoid').map((name) => found(name) ?? name),
    merge: list('merge').map((name) => found(name) ?? name),
    judge,
    exports: exportNames.filter((name) => list('export').includes(name)),
    replay: absolute(given.text.replay),
    budget: given.text.budget === undefined ? undefined : Number(given.text.budget),
    price,
    dryRun: given.text['dry-run'] !== undefined,
    batch: given.text.batch !== undefined,
    poll: Number(given.text.poll ?? fallbackOf('poll')),
    compare: absolute(given.text.compare),
    given: new Set(Object.keys(given.text) as OptionName[]),
    carried: without(carried, [
      ...(elsewhere ? (['provider', 'model', 'base-url'] as const) : []),
      ...(price === undefined ? (['price'] as const) : []),
      ...(judge ? [] : (['judge'] as const)),
    ]),
  }
}

function without(carried: Carried, dropped: readonly OptionName[]): Carried {
  const kept = Object.entries(carried).filter(([name]) => !dropped.some((option) => option === name))
  return Object.fromEntries(kept)
}

function fallbackOf(name: OptionName): string {
  const option = options[name]
  return 'fallback' in option ? option.fallback : ''
}

function shippedSeeds(language: Language | undefined): string {
  return path.join(projectFolder, 'data', language === 'zh' ? 'seed_tasks.zh.jsonl' : 'seed_tasks.jsonl')
}

function absolute(name: string | undefined): string | undefined {
  return name === undefined ? undefined : path.resolve(name)
}

function insideProject(name: Carried['output-path']): string | undefined {
  return typeof name === 'string' ? path.resolve(projectFolder, name) : undefined
}

// A relative name means the file as seen from here, or else the one shipped with the project.
function found(name: string | undefined): string | undefined {
  if (name === undefined) return undefined
  const shipped = path.join(projectFolder, name)
  return !existsSync(path.resolve(name)) && existsSync(shipped) ? shipped : path.resolve(name)
}

/** The language in which a command speaks of an error: that of its screen, as far as the command line can be read. */
export function errorLanguage(argv: readonly string[], environment: NodeJS.ProcessEnv): Language {
  try {
    return readSettings(argv, environment).screen
  } catch {
    return screenLanguage(argv, environment)
  }
}

/** The language of the screen as far as the bare command line tells; for help and errors. */
export function screenLanguage(argv: readonly string[], environment: NodeJS.ProcessEnv): Language {
  const named = /(?:^| )--language[= ](en|zh)(?: |$)/.exec(argv.join(' '))?.[1]
  return named ? (named as Language) : systemLanguage(environment)
}

function systemLanguage(environment: NodeJS.ProcessEnv): Language {
  const posix = environment.LC_ALL || environment.LC_MESSAGES || environment.LANG
  const locale = posix || Intl.DateTimeFormat().resolvedOptions().locale
  return locale.toLowerCase().startsWith('zh') ? 'zh' : 'en'
}

/** What run.json keeps of the settings of a whole run: whatever decides what comes out, nothing that only decides how fast. */
export function keptSettings(
  settings: Settings,
  provider: { name: string; model: string },
  language: Language,
): Carried {
  const { baseUrl, outputPath, topics, avoid, merge, judge, exports, price } = settings
  return {
    provider: provider.name,
    model: provider.model,
    ...(baseUrl === undefined ? {} : { 'base-url': baseUrl }),
    'num-instructions': settings.target,
    'seed-file': portable(settings.seedFile),
    ...(outputPath === undefined ? {} : { 'output-path': portable(outputPath) }),
    temperature: settings.temperature,
    'max-tokens': settings.maxTokens,
    language,
    similarity: settings.similarity,
    seed: settings.seed,
    ...(price === undefined ? {} : { price }),
    ...(topics === undefined ? {} : { topics: portable(topics) }),
    ...(avoid.length > 0 ? { avoid: avoid.map(portable) } : {}),
    ...(merge.length > 0 ? { merge: merge.map(portable) } : {}),
    ...(judge ? { judge } : {}),
    ...(exports.length > 0 ? { export: exports } : {}),
  }
}

// Files of the project by their name in it, so that a run handed to somebody else finds them there too.
export function portable(file: string): string {
  const inside = path.relative(projectFolder, file)
  return inside.startsWith('..') || path.isAbsolute(inside) ? file : inside.split(path.sep).join('/')
}

function storedSettings(file: string): Carried {
  try {
    const run: unknown = JSON.parse(readFileSync(file, 'utf8').replace(/^\uFEFF/, ''))
    const stored = isRecord(run) ? (run.settings ?? {}) : undefined
    if (!isRecord(stored)) throw new SyntaxError('no object')
    return checkStored(stored as Carried, file)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return {}
    if (error instanceof Fault) throw error
    if (!(error instanceof SyntaxError)) throw unreadable(file, error)
    throw new Fault({
      en: `${file} is not the record of a run: expected {"settings":{…},…}. Mend it, or delete it and run all steps once.`,
      zh: `${file} 不是运行记录：应为 {"settings":{…},…}。请修改它，或删除后完整运行一次。`,
    })
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

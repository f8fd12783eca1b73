// Every setting of a command, and where it came from: the command line, the last whole run, the environment, or the default.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Language } from '../text/language.ts'
import { type Given, checkStored, readCommand, readCommandLine, readSteps } from './arguments.ts'
import { found, portable, projectFolder } from './environment.ts'
import { Fault, codeOf, unreadable } from './fault.ts'
import { type Step, recordFile, steps } from './folder.ts'
import { type ExportName, type OptionName, type Stored, exportNames, options } from './options.ts'

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
  carried: Stored
}

const targetByHand = '5' // about a dozen prompts to carry to and fro

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
  const carried = looksBack ? storedSettings(path.join(dataDir, recordFile)) : {}
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
  const stored = storedSettings(path.join(path.dirname(log), recordFile))
  const named = settings.whole ? [] : settings.steps
  return settingsFrom(readCommandLine(argv), named, settings.dataDir, stored, environment)
}

function settingsFrom(
  given: Given,
  named: Step[],
  dataDir: string,
  carried: Stored,
  environment: NodeJS.ProcessEnv,
): Settings {
  const filled = new Filled(given, carried)
  const { text } = given
  const { elsewhere, ...whoAnswers } = answering(filled)
  const { provider, price } = whoAnswers
  const target = filled.text('num-instructions') ?? usualTarget(provider)
  const language = filled.text('language') as Language | undefined
  // A replayed run judges again; a single step only when told to, since it may cost.
  const judge = text.judge !== undefined || (named.length === 0 && carried.judge === true)
  return {
    ...whoAnswers,
    steps: named.length > 0 ? named : [...steps],
    whole: named.length === 0,
    target: target === 'all' ? Infinity : Number(target),
    seedFile: filled.file('seed-file') ?? shippedSeeds(text.language),
    dataDir,
    outputPath: absolute(text['output-path']) ?? insideProject(carried['output-path']),
    temperature: filled.number('temperature'),
    maxTokens: filled.number('max-tokens'),
    language,
    screen: language ?? systemLanguage(environment),
    similarity: filled.number('similarity'),
    concurrency: Number(text.concurrency ?? fallbackOf('concurrency')),
    seed: filled.number('seed'),
    topics: filled.file('topics'),
    avoid: filled.list('avoid').map(found),
    merge: filled.list('merge').map(found),
    judge,
    exports: exportNames.filter((name) => filled.list('export').includes(name)),
    replay: absolute(text.replay),
    budget: text.budget === undefined ? undefined : Number(text.budget),
    dryRun: text['dry-run'] !== undefined,
    batch: text.batch !== undefined,
    poll: Number(text.poll ?? fallbackOf('poll')),
    compare: absolute(text.compare),
    given: new Set(Object.keys(text) as OptionName[]),
    carried: without(carried, [
      ...(elsewhere ? (['provider', 'model', 'base-url'] as const) : []),
      ...(price === undefined ? (['price'] as const) : []),
      ...(judge ? [] : (['judge'] as const)),
    ]),
  }
}

/** The command line, its gaps filled from the last whole run; numbers have defaults besides. */
class Filled {
  readonly given: Given
  readonly carried: Stored

  constructor(given: Given, carried: Stored) {
    this.given = given
    this.carried = carried
  }

  text(name: OptionName): string | undefined {
    const stored = this.carried[name]
    return (
      this.given.text[name] ?? (stored === undefined || Array.isArray(stored) ? undefined : String(stored))
    )
  }

  number(name: OptionName): number {
    return Number(this.text(name) ?? fallbackOf(name))
  }

  file(name: OptionName): string | undefined {
    const text = this.text(name)
    return text === undefined ? undefined : found(text)
  }

  list(name: 'avoid' | 'merge' | 'export'): string[] {
    return this.given.lists[name] ?? [this.carried[name] ?? []].flat().map(String)
  }
}

/** Who answers, and at what price. Another provider than the stored one knows neither its model nor its address. */
function answering(filled: Filled) {
  const { text } = filled.given
  const { provider: stored } = filled.carried
  const elsewhere = text['base-url'] !== undefined || (text.provider ?? stored) !== stored
  const ownPrice = elsewhere || text.model !== undefined
  return {
    elsewhere,
    provider: text['base-url'] === undefined ? filled.text('provider') : text.provider,
    model: elsewhere ? text.model : filled.text('model'),
    baseUrl: elsewhere ? text['base-url'] : filled.text('base-url'),
    price: ownPrice ? text.price : filled.text('price'),
  }
}

function usualTarget(provider: string | undefined): string {
  return provider === 'paste' ? targetByHand : fallbackOf('num-instructions')
}

function without(carried: Stored, dropped: readonly OptionName[]): Stored {
  const kept = Object.entries(carried).filter(([name]) => !dropped.some((option) => option === name))
  return Object.fromEntries(kept)
}

function fallbackOf(name: OptionName): string {
  const option = options[name]
  return 'fallback' in option ? option.fallback : ''
}

function shippedSeeds(language: string | undefined): string {
  return path.join(projectFolder, 'data', language === 'zh' ? 'seed_tasks.zh.jsonl' : 'seed_tasks.jsonl')
}

function absolute(name: string | undefined): string | undefined {
  return name === undefined ? undefined : path.resolve(name)
}

function insideProject(name: Stored['output-path']): string | undefined {
  return typeof name === 'string' ? path.resolve(projectFolder, name) : undefined
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

// The settings of the last whole run, as run.json keeps them: single steps and replays take them over.

/** What run.json keeps of the settings of a whole run: whatever decides what comes out, nothing that only decides how fast. */
export function keptSettings(
  settings: Settings,
  provider: { name: string; model: string },
  language: Language,
): Stored {
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

/** Those of a run.json; none where there is no such file. */
export function storedSettings(file: string): Stored {
  try {
    const run: unknown = JSON.parse(readFileSync(file, 'utf8').replace(/^\uFEFF/, ''))
    const stored = isRecord(run) ? (run.settings ?? {}) : undefined
    if (!isRecord(stored)) throw new SyntaxError('no object')
    return checkStored(stored, file)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return {}
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

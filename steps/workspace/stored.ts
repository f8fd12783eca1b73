// The settings of the last whole run, as run.json keeps them: single steps and replays take them over.
import { readFileSync } from 'node:fs'
import type { Language } from '../text/language.ts'
import { checkStored } from './arguments.ts'
import { codeOf, Fault, unreadable } from './fault.ts'
import type { OptionName } from './options.ts'
import { portable } from './project.ts'
import type { Settings } from './settings.ts'

/** Spelt as on the command line. */
export type Stored = Partial<Record<OptionName, string | number | boolean | string[]>>

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

// What a command works with: settings, who answers, seed tasks, topics; all of it read and checked before anything is touched.
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { CallLog } from '../model/call-log.ts'
import { chooseProvider, type Provider } from '../model/provider.ts'
import { type Language, languageOf } from '../text/language.ts'
import { Fault } from '../workspace/fault.ts'
import type { SeedTask } from '../workspace/records.ts'
import { readInstructions, readSeedTasks, readTopics } from '../workspace/seeds.ts'
import type { Environment } from '../workspace/environment.ts'
import { projectFolder, type Settings, withStored } from '../workspace/settings.ts'

/** What a command works with, all of it checked before anything is touched. */
export type Materials = {
  settings: Settings
  language: Language
  seeds: SeedTask[]
  topics: string[] | undefined
  avoided: string[]
}

/** Who answers; a replayed run takes its settings from the run it replays. */
export function settle(
  asked: Settings,
  argv: readonly string[],
  environment: Environment,
  log: CallLog,
): { settings: Settings; provider: Provider } {
  const found = chooseProvider(asked, environment, log.latest)
  if (found.replayOf === undefined) return { settings: asked, provider: found }
  const stored = withStored(asked, argv, log.file, process.env)
  const isRecorded = log.latest.has(`${stored.provider} ${stored.model}`)
  const settings = isRecorded ? stored : { ...stored, provider: found.name, model: found.model }
  const provider = chooseProvider(settings, environment, log.latest)
  return { settings, provider: { ...provider, replayOf: provider.replayOf ?? found.replayOf } }
}

export async function gather(settings: Settings): Promise<Materials> {
  const seeds = await readSeedTasks(settings.seedFile)
  const topics = settings.topics === undefined ? undefined : await readTopics(settings.topics)
  const avoided: string[] = []
  for (const file of settings.avoid)
    for (const instruction of await readInstructions(file)) avoided.push(instruction)
  const language = settings.language ?? languageOf(seeds.map((seed) => seed.instruction))
  return { settings, language, seeds, topics, avoided }
}

export async function ownVersion(): Promise<string> {
  const text = await readFile(path.join(projectFolder, 'package.json'), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

export function refuseEndlessTarget({ target, steps }: Settings): void {
  if (target !== Infinity || !steps.includes('generate')) return
  throw new Fault({
    en: '--num-instructions all is for filter alone; generating needs a number.',
    zh: '--num-instructions all 只用于单独的 filter；生成指令需要一个数目。',
  })
}

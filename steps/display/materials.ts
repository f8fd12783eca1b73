// What a command works with: the call log, settings, who answers, seed tasks, topics, the record of the last run.
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { CallLog } from '../model/call-log.ts'
import { chooseProvider, type Provider } from '../model/provider.ts'
import { type Language, languageOf } from '../text/language.ts'
import { Fault } from '../workspace/fault.ts'
import { exists, type Folder, logFile } from '../workspace/folder.ts'
import type { SeedTask } from '../workspace/records.ts'
import { readInstructions, readSeedTasks, readTopics } from '../workspace/seeds.ts'
import type { Environment } from '../workspace/environment.ts'
import { readRunRecord, type RunRecord } from '../workspace/run-record.ts'
import { type Settings, withStored } from '../workspace/settings.ts'
import { keptSettings } from '../workspace/stored.ts'
import { projectFolder } from '../workspace/project.ts'

/** What a command works with, all of it checked before anything is touched. */
export type Materials = {
  settings: Settings
  language: Language
  seeds: SeedTask[]
  topics: string[] | undefined
  avoided: string[]
}

/** The log the replies go to, or come from and stay as they are: with `--replay`, and where nothing is asked. */
export async function openLog({ replay, dataDir, dryRun }: Settings): Promise<CallLog> {
  const file = replay ?? path.join(dataDir, logFile)
  return CallLog.open(file, replay !== undefined || (dryRun && (await exists(file))))
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

/** Reads and checks what the steps share. A broken file is a Fault. */
export async function gather(settings: Settings): Promise<Materials> {
  const seeds = await readSeedTasks(settings.seedFile)
  const topics = settings.topics === undefined ? undefined : await readTopics(settings.topics)
  const avoided: string[] = []
  for (const file of settings.avoid)
    for (const instruction of await readInstructions(file)) avoided.push(instruction)
  const language = settings.language ?? languageOf(seeds.map((seed) => seed.instruction))
  return { settings, language, seeds, topics, avoided }
}

/** The record of the last run, to be filled in; a whole run puts its own settings there. */
export async function beginRecord(
  folder: Folder,
  { settings, language }: Materials,
  provider: Provider,
): Promise<RunRecord> {
  const record = await readRunRecord(folder)
  if (settings.whole) record.settings = keptSettings(settings, provider, language)
  record.versions = { workshop: await ownVersion() }
  return record
}

async function ownVersion(): Promise<string> {
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

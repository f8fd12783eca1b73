// What a command works with: the call log, settings, who answers, seed tasks, topics, the record of the last run.
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { askAtTerminal } from '../display/person.ts'
import { shownPath, typed } from '../display/screen.ts'
import { screenWords } from '../display/words.ts'
import { CallLog } from '../model/call-log.ts'
import type { Provider } from '../model/call.ts'
import { chooseProvider } from '../model/provider.ts'
import { type Language, languageOf } from '../text/language.ts'
import { withoutOption } from '../workspace/arguments.ts'
import { checkOwnRules, ruleFor, ruleNames, rules } from '../text/rules.ts'
import {
  Omissions,
  readInstructions,
  readMergeRows,
  readSeedTasks,
  readTopics,
} from '../workspace/data-rows.ts'
import { type Environment, envFiles, projectFolder, realOf } from '../workspace/environment.ts'
import {
  Fault,
  type Words,
  codeOf,
  isOdd,
  lookAt,
  nearest,
  noFile,
  shorten,
  unreadable,
} from '../workspace/fault.ts'
import {
  type Folder,
  type Step,
  dataFiles,
  exists,
  handOffs,
  isHandedOut,
  logFile,
  ownFiles,
  recordFile,
  rejectedFile,
  seedsFile,
  stepBefore,
  steps,
  stepFiles,
} from '../workspace/folder.ts'
import {
  type RunRecord,
  type SeedTask,
  readRows,
  readRunRecord,
  rowsIn,
  type shapes,
} from '../workspace/records.ts'
import { type Settings, bringsSeeds, keptSettings, rememberGiven, withStored } from '../workspace/settings.ts'

/** What a command works with, all of it checked before anything is touched. */
export type Materials = {
  settings: Settings
  language: Language
  seeds: SeedTask[]
  topics: string[] | undefined
  avoided: string[]
  /** What was left out of the files named on the command line. */
  omitted: { file: string; omissions: Omissions }[]
}

/** Whether the log of a folder that was handed out answers, and nobody else: nothing on the command line names who should. */
export async function answersFromLog({ given, dataDir }: Settings): Promise<boolean> {
  const named = (['provider', 'base-url', 'model', 'replay'] as const).some((name) => given.has(name))
  return !named && isHandedOut(dataDir)
}

/** Whether this machine has a key of any provider. */
export function hasKey(environment: Environment): boolean {
  return Object.keys(environment).some((name) => name.endsWith('_KEY'))
}

/** Who answers; a replayed run, and one from a folder that was handed out, takes its settings from the run it gives again. */
export function settle(
  asked: Settings,
  environment: Environment,
  log: CallLog,
  handedOut: false | 'no key' | 'despite a key' = false,
): { settings: Settings; provider: Provider } {
  const found = chooseProvider(asked, environment, log.latest)
  if (found.replayOf === undefined && !handedOut) return { settings: asked, provider: found }
  const stored = withStored(asked, log.file, process.env)
  const isRecorded = log.latest.has(`${stored.provider} ${stored.model}`)
  const settings = isRecorded ? stored : { ...stored, provider: found.name, model: found.model }
  const provider = chooseProvider(settings, environment, log.latest)
  if (handedOut && provider.standIn) return { settings, provider }
  const recorded = log.latest.get(`${provider.name} ${provider.model}`) ?? ''
  const replayOf = provider.replayOf ?? found.replayOf ?? recorded
  const note = handedOut === 'despite a key' ? { note: nobodyNamed } : {}
  return { settings, provider: { ...provider, ...note, replayOf } }
}

const nobodyNamed: Words = {
  en: 'this folder was handed out: its log answers, and nobody is asked. To ask a model for more, name one with --provider',
  zh: '这个文件夹是别人分发的：回复都取自其中的日志，不会请求任何模型。要请求模型，请用 --provider 指明',
}

/** The name of the model behind a chat window: asked for once, and kept beside the prompts. */
export async function withModelOfChat(settings: Settings, log: CallLog): Promise<Settings> {
  const { provider, model, replay, dryRun, dataDir, screen } = settings
  const isKnown = [...log.latest.keys()].some((source) => source.startsWith('paste '))
  if (provider !== 'paste' || model !== undefined || replay !== undefined || dryRun || isKnown)
    return settings
  const file = path.join(dataDir, 'paste', 'model.txt')
  const kept = (await exists(file)) ? (await readFile(file, 'utf8')).trim() : ''
  const named = kept || (await askAtTerminal(screenWords[screen].askModel)).replace(/\s+/g, ' ')
  if (named === '') return settings
  if (kept === '') {
    await mkdir(path.dirname(file), { recursive: true })
    await writeFile(file, `${named}\n`)
  }
  return { ...settings, model: named }
}

/** Reads and checks what the steps share. A broken file is a Fault. */
export async function gather(settings: Settings): Promise<Materials> {
  checkRules(settings.rules ?? '')
  const omitted: Materials['omitted'] = []
  const omissionsOf = (file: string): Omissions => {
    const omissions = new Omissions(settings.skipBadRows)
    omitted.push({ file, omissions })
    return omissions
  }
  const { seedFile, topics: topicFile } = settings
  const seeds = await readSeedTasks(seedFile, omissionsOf(seedFile))
  const topics = topicFile === undefined ? undefined : await readTopics(topicFile, omissionsOf(topicFile))
  const avoided: string[] = []
  for (const file of settings.avoid)
    for (const instruction of await readInstructions(file, omissionsOf(file))) avoided.push(instruction)
  const language = settings.language ?? languageOf(seeds.map((seed) => seed.instruction))
  return { settings, language, seeds, topics, avoided, omitted }
}

/** Every name of --rules is one of a rule. */
function checkRules(names: string): void {
  checkOwnRules()
  const known = rules.map(({ reason }) => reason)
  for (const name of ruleNames(names)) {
    const bare = name.replace(/^-/, '')
    if (ruleFor(bare)) continue
    const near = nearest(bare, known)
    throw new Fault({
      en: `--rules: there is no rule "${shorten(bare)}".${near ? ` Did you mean ${near}?` : ''} The rules are: ${known.join(', ')}.`,
      zh: `--rules：没有名为 "${shorten(bare)}" 的规则。${near ? `您是否想用 ${near}？` : ''}全部规则：${known.join('、')}。`,
    })
  }
}

/** With a seed file of one's own, its rows: the third file to hand out. */
export async function keepSeeds(folder: Folder, { settings, seeds }: Materials): Promise<void> {
  if (!settings.whole || !bringsSeeds(settings) || settings.seedFile === folder.path(seedsFile)) return
  const file = folder.replace(seedsFile)
  for (const seed of seeds) await file.add(seed)
  await file.commit()
}

/**
 * The record of the last run, to be filled in; a whole run puts its own settings there. So does a look at other people's
 * data in a folder of its own, so that `report`, `why` and another filter find the same files.
 */
export async function beginRecord(
  folder: Folder,
  { settings, language }: Materials,
  provider: Provider,
): Promise<RunRecord> {
  const record = await readRunRecord(folder)
  const kept = keptSettings(settings, provider, language)
  const looks = !settings.whole && (await onlyMerges(folder, settings, record))
  const { provider: _, model: __, ...looked } = kept // nobody was asked
  if (settings.whole || looks) record.settings = looks ? looked : kept
  if ((settings.whole || looks) && !settings.dryRun) rememberGiven(folder.dir, kept, process.env)
  record.versions = { workshop: await ownVersion() }
  return record
}

async function onlyMerges(
  folder: Folder,
  { steps, merge }: Settings,
  { settings }: RunRecord,
): Promise<boolean> {
  const isLook = steps.length === 1 && steps[0] === 'filter' && merge.length > 0
  const isFirst = settings['num-instructions'] === undefined || settings.provider === undefined
  return isLook && isFirst && !(await exists(folder.output('instances')))
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

/** A run in another language than the folder's would put its files in place of those. */
export async function refuseOtherLanguage(
  folder: Folder,
  { settings, language }: Materials,
  argv: readonly string[],
): Promise<void> {
  const { language: there } = (await readRunRecord(folder)).settings
  if (settings.dryRun || there === language || (there !== 'en' && there !== 'zh')) return
  if (!(await Promise.all([...stepFiles, logFile].map((name) => exists(folder.path(name))))).includes(true))
    return
  const dir = shownPath(folder.dir)
  const bare = dir.replace(/-(?:en|zh)$/, '')
  const other = language === 'en' && bare !== dir ? bare : `${bare}-${language}`
  const isThere = await exists(path.join(path.resolve(other), recordFile))
  const words = withoutOption(argv, 'data-dir').filter(
    (word) => isThere || !steps.some((step) => step === word),
  )
  const command = typed([...words, '--data-dir', other])
  const names = { en: { en: 'English', zh: '英文' }, zh: { en: 'Chinese', zh: '中文' } }
  throw new Fault({
    en: `${dir} holds a run in ${names[there].en}, and this one is in ${names[language].en}: its files would be lost. Give it a folder of its own: ${command}`,
    zh: `${dir} 中是一次${names[there].zh}的运行，而这一次是${names[language].zh}的，会把那些文件覆盖掉。请为它另选一个文件夹：${command}`,
  })
}

// Looks through what a command will read and where it will write before anything is asked or touched, so that a broken
// line in a hand-edited file costs nothing. Files as the workshop wrote them are known to be sound.

/** A Fault where a step would later find one in its files. */
export async function checkFiles(settings: Settings, folder: Folder): Promise<void> {
  await checkOutputs(settings, folder)
  await checkOwn(folder, folder.path(rejectedFile), 'rejected')
  for (const step of settings.steps) await checkInput(folder, step, settings)
  if (!settings.steps.includes('filter')) return
  for (const file of await dataFiles(settings.merge, folder.dir)) {
    const rows = readMergeRows(file, new Omissions(settings.skipBadRows))
    while (!(await rows.next()).done);
  }
}

async function checkInput(folder: Folder, step: Step, settings: Settings): Promise<void> {
  const before = stepBefore(step)
  const { reads } = handOffs[step]
  if (!reads || !before || settings.steps.includes(before)) return
  if (step === 'filter' && settings.merge.length > 0 && !(await exists(folder.output(before)))) return
  await checkOwn(folder, await folder.input(step), reads)
}

async function checkOwn(folder: Folder, file: string, kind: keyof typeof shapes): Promise<void> {
  if ((await exists(file)) && !(await folder.wrote(file))) await readThrough(file, kind)
}

async function readThrough(file: string, kind: keyof typeof shapes): Promise<void> {
  const rows = readRows(file, kind)
  while (!(await rows.next()).done);
}

// The data set may go anywhere but over what the workshop reads or keeps, by whatever name or link.
async function checkOutputs(settings: Settings, folder: Folder): Promise<void> {
  const { seedFile, topics, avoid, merge, replay } = settings
  const own = ownFiles.filter((name) => name !== handOffs.filter.file).map((name) => folder.path(name))
  const merged = await dataFiles(merge, folder.dir)
  const read = [seedFile, topics, replay, ...avoid, ...merged, ...envFiles()]
  const { dataset } = folder
  if ([...own, ...read].some((file) => file !== undefined && isSameFile(dataset, file)))
    throw overwrites(dataset)
  for (const step of settings.steps) await checkPlace(folder.output(step))
}

/** Whether two paths lead to one file: by their names once links are followed, or, as hard links do, by what is there. */
function isSameFile(a: string, b: string): boolean {
  // Some systems take capitals and small letters for the same.
  if (realOf(a).toLowerCase() === realOf(b).toLowerCase()) return true
  const [first, second] = [a, b].map((file) => lookAt(file, 'followed'))
  return first !== undefined && first.ino !== 0n && first.ino === second?.ino && first.dev === second.dev
}

/** A file can be written there: it is no folder, and every folder on the way is one. */
async function checkPlace(target: string): Promise<void> {
  if (isOdd(target)) throw noFile(target)
  if (await isFolder(target)) throw inTheWay(target, { en: 'a folder', zh: '文件夹' })
  for (let dir = path.dirname(target); (await isFolder(dir)) !== true; dir = path.dirname(dir))
    if ((await isFolder(dir)) === false) throw inTheWay(dir, { en: 'a file', zh: '文件' })
}

async function isFolder(place: string): Promise<boolean | undefined> {
  try {
    return (await stat(place)).isDirectory()
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return undefined
    throw unreadable(place, error)
  }
}

function overwrites(file: string): Fault {
  return new Fault({
    en: `--output-path: ${file} is a file the workshop itself reads or keeps, and would be lost. Name another file.`,
    zh: `--output-path：${file} 是工作坊自己要读取或保存的文件，会被覆盖。请换一个文件名。`,
  })
}

function inTheWay(place: string, what: Words): Fault {
  return new Fault({
    en: `${place} is ${what.en}, and in the way of a file that is to be written. Move it, or name another place (--output-path, --data-dir).`,
    zh: `${place} 是${what.zh}，妨碍写入所需的文件。请移走它，或另选位置（--output-path、--data-dir）。`,
  })
}

// The instructions that steps 2 and 3 have dealt with already: those with instances, and those rejected on the way there.

/** Those of the files as they stand; a row that was rejected because its call failed is still to be dealt with. */
export async function carriedInstructions(folder: Folder): Promise<Set<string>> {
  const carried = new Set<string>()
  for await (const { instruction } of rowsIn(folder, 'withInstances')) carried.add(instruction)
  for await (const { step, reason, instruction } of rowsIn(folder, 'rejected'))
    if ((step === 'classify' || step === 'instances') && reason !== 'call_failed') carried.add(instruction)
  return carried
}

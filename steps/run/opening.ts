// Opens a command: its lock and its log, who answers, seed tasks and topics, the record of the last run. All of it is read
// and checked before anything is asked or written.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { askAtTerminal } from '../display/person.ts'
import { namesOfSteps } from '../display/reasons.ts'
import { Screen, shownPath, tellNotTaken, typed } from '../display/screen.ts'
import { screenWords } from '../display/words.ts'
import { type CallLog, openLog } from '../model/call-log.ts'
import type { Provider } from '../model/call.ts'
import { chooseProvider, withListedModel } from '../model/provider.ts'
import { checkOwnRules } from '../text/check.ts'
import { type Language, languageOf } from '../text/language.ts'
import { ruleFor, ruleNames, rules } from '../text/rules.ts'
import { withoutOption } from '../workspace/arguments.ts'
import {
  Omissions,
  readInstructions,
  readMergeRows,
  readSeedTasks,
  readTopics,
} from '../workspace/data-rows.ts'
import {
  type Environment,
  areShipped,
  envFiles,
  ownVersion,
  readEnvironment,
  tellOfUnread,
} from '../workspace/environment.ts'
import { Fault, type Words, isOdd, nearest, noFile, shorten } from '../workspace/fault.ts'
import {
  Folder,
  type Step,
  checkPlace,
  exists,
  handOffs,
  isSameFile,
  logFile,
  ownFiles,
  recordFile,
  rejectedFile,
  seedsFile,
  stepBefore,
  stepFiles,
  steps,
} from '../workspace/folder.ts'
import {
  dataFiles,
  isHandedOut,
  markHandedOut,
  refuseWithoutSeeds,
  rememberGiven,
} from '../workspace/from-others.ts'
import { lockFolder } from '../workspace/lock.ts'
import { type RunRecord, type SeedTask, readRows, readRunRecord, type shapes } from '../workspace/records.ts'
import {
  type Settings,
  keptSettings,
  namesWhoAnswers,
  readSettings,
  withStored,
} from '../workspace/settings.ts'

/** A command that can begin. */
export type Opened = {
  materials: Materials
  provider: Provider
  log: CallLog
  folder: Folder
  /** That of the last run, to be filled in. */
  record: RunRecord
  lock: Lock
}

/** `lost`: why the folder is this run's no more; `tell` hears it. */
type Lock = { release: () => Promise<void>; lost: Words | undefined; tell: (words: Words) => void }

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

export async function openCommand(argv: readonly string[]): Promise<Opened> {
  const asked = readSettings(argv, process.env)
  const screen = new Screen(asked.screen)
  tellNotTaken(screen, asked)
  if (asked.steps.includes('filter')) void import('../report/page.ts') // loads meanwhile; wanted at the end
  const unread = await tellOfUnread(asked.dataDir)
  if (unread) screen.remark(screen.say(unread))
  const environment = await readEnvironment(asked.dataDir)
  refuseEndlessTarget(asked)
  const lock: Lock = { release: async () => undefined, lost: undefined, tell: () => undefined }
  const lost = (words: Words): void => {
    lock.lost = words
    lock.tell(words)
  }
  if (!asked.dryRun) lock.release = await lockFolder(asked.dataDir, lost)
  try {
    const log = await openLog(asked)
    const handedOut = await answersFromLog(asked)
    const { settings, provider } = await whoAnswers(asked, environment, log, handedOut)
    if (asked.notTaken.size === 0) tellNotTaken(new Screen(settings.screen), settings)
    const materials = await gather(settings)
    const folder = await Folder.open(settings.dataDir, settings.outputPath)
    await checkFiles(settings, folder)
    await refuseOtherLanguage(folder, materials, argv)
    const record = await beginRecord(folder, materials, provider)
    if (settings.whole && !settings.dryRun) await markHandedOut(settings.dataDir, handedOut)
    if (!settings.dryRun) await keepSeeds(folder, materials)
    return { materials, provider, log, folder, record, lock }
  } catch (error) {
    await lock.release()
    throw error
  }
}

// Who answers

/** Whether the log of a folder that was handed out answers, and nobody else: nothing on the command line names who should. */
async function answersFromLog({ given, dataDir }: Settings): Promise<boolean> {
  return !namesWhoAnswers(given) && isHandedOut(dataDir)
}

/** Who answers; a replayed run, and one from a folder that was handed out, takes its settings from the run it gives again. */
async function whoAnswers(
  asked: Settings,
  environment: Environment,
  log: CallLog,
  handedOut: boolean,
): Promise<{ settings: Settings; provider: Provider }> {
  const known = handedOut ? {} : environment // no key of this machine is for a run made elsewhere
  const listed = await withListedModel(asked, known, log.latest)
  const named = handedOut ? listed : await withModelOfChat(listed, log)
  const found = chooseProvider(named, known, log.latest)
  if (found.replayOf === undefined && !handedOut) return { settings: named, provider: found }
  const beside = asked.given.has('replay') ? log.file : path.join(asked.dataDir, logFile)
  const stored = withStored(named, beside, process.env)
  if (asked.whole) refuseWithoutSeeds(path.dirname(beside), stored)
  const isRecorded = log.latest.has(`${stored.provider} ${stored.model}`)
  const settings = isRecorded ? stored : { ...stored, provider: found.name, model: found.model }
  const provider = chooseProvider(settings, known, log.latest)
  if (handedOut && provider.standIn) return { settings, provider }
  const recorded = log.latest.get(`${provider.name} ${provider.model}`) ?? ''
  const replayOf = provider.replayOf ?? found.replayOf ?? recorded
  const hasKey = Object.keys(environment).some((name) => name.endsWith('_KEY'))
  const note = handedOut && hasKey ? { note: nobodyNamed } : {}
  return { settings, provider: { ...provider, ...note, replayOf } }
}

const nobodyNamed: Words = {
  en: 'this folder was handed out: its log answers, and nobody is asked. To ask a model for more, name one with --provider',
  zh: '这个文件夹是别人分发的：回复都取自其中的日志，不会请求任何模型。要请求模型，请用 --provider 指明',
}

/** The name of the model behind a chat window: asked for once, and kept beside the prompts. */
async function withModelOfChat(settings: Settings, log: CallLog): Promise<Settings> {
  const { provider, model, replay, dryRun, dataDir, screen } = settings
  const isKnown = [...log.latest.keys()].some((source) => source.startsWith('paste '))
  if (provider !== 'paste' || model !== undefined || replay !== undefined || dryRun || isKnown)
    return settings
  const file = path.join(dataDir, 'paste', 'model.txt')
  if (isOdd(file)) throw noFile(file)
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
async function gather(settings: Settings): Promise<Materials> {
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
  checkOwnRules(rules, namesOfSteps)
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
async function keepSeeds(folder: Folder, { settings, seeds }: Materials): Promise<void> {
  if (!settings.whole || areShipped(settings.seedFile) || settings.seedFile === folder.path(seedsFile)) return
  const file = folder.replace(seedsFile)
  for (const seed of seeds) await file.add(seed)
  await file.commit()
}

/**
 * The record of the last run, to be filled in; a whole run puts its own settings there. So does a look at other people's
 * data in a folder of its own, so that `report`, `why` and another filter find the same files.
 */
async function beginRecord(
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
  record.versions = { workshop: ownVersion() }
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

function refuseEndlessTarget({ target, steps }: Settings): void {
  if (target !== Infinity || !steps.includes('generate')) return
  throw new Fault({
    en: '--num-instructions all is for filter alone; generating needs a number.',
    zh: '--num-instructions all 只用于单独的 filter；生成指令需要一个数目。',
  })
}

/** A run in another language than the folder's would put its files in place of those. */
export async function refuseOtherLanguage(
  folder: Folder,
  { settings, language }: Pick<Materials, 'settings' | 'language'>,
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
  const brings = settings.merge.length > 0 && settings.steps[0] === 'filter' // its rows, and needs none of a run
  const words = withoutOption(argv, 'data-dir').filter(
    (word) => isThere || brings || !steps.some((step) => step === word),
  )
  const command = typed([...words, '--data-dir', other])
  const names = { en: { en: 'English', zh: '英文' }, zh: { en: 'Chinese', zh: '中文' } }
  const meant = settings.given.has('language') || settings.given.has('seed-file')
  const goOn = meant ? '' : typed([...argv, '--language', there])
  throw new Fault({
    en: `${dir} holds a run in ${names[there].en}, and this one is in ${names[language].en}: its files would be lost. Give it a folder of its own: ${command}${goOn && `. Or go on with the one there: ${goOn}`}`,
    zh: `${dir} 中是一次${names[there].zh}的运行，而这一次是${names[language].zh}的，会把那些文件覆盖掉。请为它另选一个文件夹：${command}${goOn && `。要继续那里的运行，请用：${goOn}`}`,
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

function overwrites(file: string): Fault {
  return new Fault({
    en: `--output-path: ${file} is a file the workshop itself reads or keeps, and would be lost. Name another file.`,
    zh: `--output-path：${file} 是工作坊自己要读取或保存的文件，会被覆盖。请换一个文件名。`,
  })
}

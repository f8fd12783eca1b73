// One command from its first line to its exit status: who answers, the cells as they finish, the end.
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { type Provider, chooseProvider } from '../model/provider.ts'
import { CallLog } from '../model/call-log.ts'
import { estimate } from '../model/estimate.ts'
import { Model } from '../model/model.ts'
import { dollars, priceOf } from '../model/prices.ts'
import { type Language, languageOf } from '../text/language.ts'
import { TaskPool } from '../text/pool.ts'
import { Fault } from '../workspace/fault.ts'
import { exists, Folder, type Step } from '../workspace/folder.ts'
import { lockFolder } from '../workspace/lock.ts'
import { wantedFirst, wantedNext } from '../workspace/plan.ts'
import type { SeedTask } from '../workspace/records.ts'
import { readRunRecord, type RunRecord, writeRunRecord } from '../workspace/run-record.ts'
import { readSeedTasks, readTopics } from '../workspace/seeds.ts'
import {
  type Environment,
  keptSettings,
  projectFolder,
  readEnvironment,
  readSettings,
  type Settings,
  withStored,
} from '../workspace/settings.ts'
import { commandLine } from './command-line.ts'
import { onInterrupt } from './interrupt.ts'
import { isReason } from './reasons.ts'
import { Rate } from './rate.ts'
import type { Round } from './round.ts'
import { Screen, shownPath } from './screen.ts'
import { Sheet } from './sheet.ts'
import { showCell, showExports, showFirstLines } from './summary.ts'

/** What a command works with, all of it checked before anything is touched. */
type Materials = {
  settings: Settings
  language: Language
  seeds: SeedTask[]
  topics: string[] | undefined
  avoided: string[]
}

export class Session {
  readonly screen: Screen
  private readonly materials: Materials
  private readonly model: Model
  private readonly folder: Folder
  private readonly record: RunRecord
  private readonly release: () => Promise<void>
  private lastStep: Step | undefined
  private unfinished: { done: number; all: number } | undefined
  private readonly past = { tokens: 0, dollars: 0 } // of the steps this command has behind it

  private constructor(
    screen: Screen,
    materials: Materials,
    model: Model,
    folder: Folder,
    record: RunRecord,
    release: () => Promise<void>,
  ) {
    this.screen = screen
    this.materials = materials
    this.model = model
    this.folder = folder
    this.record = record
    this.release = release
  }

  static async open(argv: readonly string[]): Promise<Session> {
    const asked = readSettings(argv, process.env)
    const environment = await readEnvironment()
    refuseEndlessTarget(asked)
    const release = await lockFolder(asked.dataDir)
    try {
      const log = await CallLog.open(
        asked.replay ?? path.join(asked.dataDir, 'calls.jsonl'),
        asked.replay !== undefined,
      )
      const { settings, provider } = settle(asked, argv, environment, log)
      const materials = await gather(settings)
      const folder = await Folder.open(settings.dataDir, settings.outputPath)
      const record = await readRunRecord(folder)
      if (settings.whole) record.settings = keptSettings(settings, provider, materials.language)
      record.versions = { workshop: await ownVersion() }
      const model = new Model(provider, log, settings.concurrency, () => openWireOf(provider))
      const session = new Session(new Screen(settings.screen), materials, model, folder, record, release)
      session.begin()
      return session
    } catch (error) {
      await release()
      throw error
    }
  }

  private begin(): void {
    const { settings, seeds } = this.materials
    const rows = wantedFirst(Number.isFinite(settings.target) ? settings.target : 0)
    showFirstLines(
      this.screen,
      settings,
      this.model.provider,
      seeds.length,
      estimate(rows, settings.steps, priceOf(this.model.provider), settings.judge),
    )
    onInterrupt(() => {
      this.screen.error(this.screen.words.interrupted)
      this.model.interrupt({ en: 'interrupted', zh: '已中断' })
    })
  }

  firstRound(): Round {
    return this.round(1, wantedFirst(this.materials.settings.target))
  }

  /** Another round when a whole run is below its target and the last round brought it nearer. */
  nextRound(last: Round): Round | undefined {
    const { target, whole } = this.materials.settings
    const { novel = 0, kept = 0 } = this.record.funnel
    if (!whole || this.model.stopped || last.ranDry || kept >= target) return undefined
    if (kept <= last.keptBefore) {
      this.model.stop({
        words: { en: this.screen.words.nothingSurvives, zh: this.screen.words.nothingSurvives },
        exit: 1,
      })
      return undefined
    }
    return { ...this.round(last.number + 1, wantedNext(target, novel, kept)), keptBefore: kept }
  }

  private round(number: number, wanted: number): Round {
    const { settings, language, seeds, topics, avoided } = this.materials
    const newPool = () =>
      new TaskPool(
        settings.similarity,
        language,
        seeds.map((seed) => seed.instruction),
        avoided,
      )
    const { folder, model } = this
    const perform: Round['perform'] = async (step, work) => this.perform(step, round, work)
    const round: Round = {
      number,
      wanted,
      settings,
      language,
      seeds,
      topics,
      newPool,
      folder,
      model,
      ranDry: false,
      keptBefore: 0,
      perform,
    }
    return round
  }

  private async perform(
    step: Step,
    round: Round,
    work: (round: Round, sheet: Sheet) => Promise<void>,
  ): Promise<void> {
    if (!round.settings.steps.includes(step) || this.model.stopped) return
    if (round.number === 1) this.screen.heading(step, shownPath(this.folder.output(step)))
    this.model.begin()
    const rate = new Rate()
    const sheet = new Sheet(step, this.folder, round.language, (done, all) =>
      this.showProgress(step, rate, done, all),
    )
    let edited: string | undefined
    try {
      await work(round, sheet)
      // A run that was stopped before its first answer leaves the files of the last one alone.
      if (this.model.stopped && sheet.rows === 0) return await sheet.discard()
      edited = await sheet.commit()
    } catch (error) {
      await sheet.discard()
      throw error
    }
    this.lastStep = step
    this.unfinished = sheet.pending > 0 ? sheet.reached(round.wanted) : undefined
    await this.keepRecord(step, sheet)
    showCell(this.screen, round, sheet, {
      edited,
      cost: this.costOf(step),
      funnel: this.record.funnel,
    })
  }

  private showProgress(step: Step, rate: Rate, done: number, all: number | undefined): void {
    this.screen.progress(() => {
      const { tally, provider } = this.model
      const tokens = this.past.tokens + tally.prompt_tokens + tally.completion_tokens
      const cost = dollars(tally, priceOf(provider))
      const spent = cost === undefined ? undefined : this.past.dollars + cost
      const perSecond = rate.perSecond(done, performance.now())
      const known = all ?? this.expectedRows(step)
      const expected = known !== undefined && known >= done ? known : undefined
      return this.screen.words.progress(step, {
        done,
        all: expected,
        rate: perSecond,
        tokens,
        dollars: spent,
      })
    })
  }

  /** Rows a step will come to, as far as the steps before it have told. */
  private expectedRows(step: Step): number | undefined {
    const { novel, classified } = this.record.funnel
    const { target } = this.materials.settings
    if (step === 'filter') return Number.isFinite(target) ? target : undefined
    return step === 'classify' ? novel : classified
  }

  private costOf(step: Step) {
    const { fresh } = this.model.tally
    const cost = this.record.cost[step]
    return cost && { ...cost, fresh }
  }

  private async keepRecord(step: Step, sheet: Sheet): Promise<void> {
    const { name: provider, model } = this.model.provider
    const { fresh: _, ...tokens } = this.model.tally
    Object.assign(this.record.funnel, sheet.counts)
    this.record.rejected[step] = Object.fromEntries(sheet.rejects.counts)
    const price = priceOf(this.model.provider)
    if (step === 'filter') {
      this.record.judge = sheet.judgement
      delete this.record.cost.filter
    }
    if (step !== 'filter' || this.materials.settings.judge)
      this.record.cost[step] = { provider, model, ...tokens, dollars: dollars(tokens, price) ?? null }
    await writeRunRecord(this.folder, this.record)
    this.past.tokens += tokens.prompt_tokens + tokens.completion_tokens
    this.past.dollars += dollars(tokens, price) ?? 0
  }

  /** The last lines and the exit status. */
  async conclude(): Promise<void> {
    const { words } = this.screen
    const { settings } = this.materials
    const { kept = 0, rows = 0 } = this.record.funnel
    const { stopped } = this.model
    const reached = kept >= settings.target || settings.target === Infinity
    if (stopped) {
      process.exitCode = stopped.exit
      this.screen.error(stopped.exit === 130 ? words.stopped : this.screen.say(stopped.words))
    } else if (settings.steps.includes('filter')) process.exitCode = reached ? 0 : 1
    if (this.lastStep === undefined) return
    if (this.unfinished) {
      const { done, all } = this.unfinished
      const hint = this.lastStep === 'instances' ? words.filterThese : ''
      this.screen.detail(words.partial(done, all, hint))
    }
    if (this.lastStep === 'filter') await this.export()
    if (stopped) return
    if (this.lastStep === 'filter') {
      const result = reached
        ? words.done(rows, kept, shownPath(this.folder.dataset))
        : words.belowTarget(kept, settings.target)
      this.screen.title(`${result} · ${await this.drawReport(rows)}`)
      const subject = this.commonestReason() ?? words.someWords
      this.screen.detail(words.askWhy(commandLine(settings, `why ${subject}`)))
      this.screen.detail(words.tryNext(commandLine(settings, 'filter --similarity 0.3')))
    } else {
      const stale = await this.folder.stale(this.lastStep)
      if (stale.length > 0) this.screen.detail(words.next(commandLine(settings, stale.join(' '))))
    }
  }

  private async export(): Promise<void> {
    const { settings, language } = this.materials
    if (settings.exports.length === 0 || !(await exists(this.folder.dataset))) return
    const { exportDataset } = await import('../workspace/exports.ts')
    const source = { settings, record: this.record }
    showExports(this.screen, await exportDataset(this.folder, settings.exports, source, language))
  }

  /** Draws the page of this run, from run.json and the files, unless it would take long; returns what to say of it. */
  private async drawReport(rows: number): Promise<string> {
    const { words, language } = this.screen
    const { dataDir, outputPath } = this.materials.settings
    const { drawReport, shownAtMost } = await import('./report/draw.ts')
    if (rows > shownAtMost) return words.reportLater(rows)
    const stored = readSettings(['report', '--data-dir', dataDir], process.env)
    const file = await drawReport({ ...stored, outputPath }, language)
    return words.page(shownPath(file))
  }

  /** The reason most rows were rejected for; being too many is no fault of theirs. */
  private commonestReason(): string | undefined {
    const counts = Object.values(this.record.rejected).flatMap((reasons) => Object.entries(reasons))
    const [commonest] = counts
      .filter(([reason]) => reason !== 'beyond_target' && isReason(reason))
      .toSorted((a, b) => b[1] - a[1])
    return commonest?.[0]
  }

  async close(): Promise<void> {
    this.screen.clearProgress()
    await this.model.close()
    await this.release()
  }
}

/** Who answers; a replayed run takes its settings from the run it replays. */
function settle(
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

async function gather(settings: Settings): Promise<Materials> {
  const seeds = await readSeedTasks(settings.seedFile)
  const topics = settings.topics === undefined ? undefined : await readTopics(settings.topics)
  const avoided: string[] = []
  for (const file of settings.avoid)
    for (const task of await readSeedTasks(file)) avoided.push(task.instruction)
  const language = settings.language ?? languageOf(seeds.map((seed) => seed.instruction))
  return { settings, language, seeds, topics, avoided }
}

async function ownVersion(): Promise<string> {
  const text = await readFile(path.join(projectFolder, 'package.json'), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

function refuseEndlessTarget({ target, steps }: Settings): void {
  if (target !== Infinity || !steps.includes('generate')) return
  throw new Fault({
    en: '--num-instructions all is for filter alone; generating needs a number.',
    zh: '--num-instructions all 只用于单独的 filter；生成指令需要一个数目。',
  })
}

async function openWireOf(provider: Provider) {
  if (provider.name === 'offline') return (await import('../model/offline.ts')).openOfflineWire()
  return (await import('../model/wire.ts')).openWire(provider)
}

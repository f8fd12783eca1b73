// One command from its first line to its exit status: who answers, the cells as they finish, the end.
import path from 'node:path'
import { CallLog } from '../model/call-log.ts'
import { Budget } from '../model/budget.ts'
import { Model } from '../model/model.ts'
import { dollars } from '../model/prices.ts'
import { TaskPool } from '../text/pool.ts'
import { exists, Folder, type Step } from '../workspace/folder.ts'
import { carriedInstructions } from '../workspace/carried.ts'
import { checkFiles } from '../workspace/inputs.ts'
import { lockFolder } from '../workspace/lock.ts'
import { wantedFirst, wantedNext } from '../workspace/plan.ts'
import { readRunRecord, type RunRecord, writeRunRecord } from '../workspace/run-record.ts'
import { readEnvironment } from '../workspace/environment.ts'
import { keptSettings, readSettings } from '../workspace/settings.ts'
import type { DryRun } from './dry-run.ts'
import { commandLine } from './command-line.ts'
import { showEnding } from './ending.ts'
import { gather, type Materials, ownVersion, refuseEndlessTarget, settle } from './materials.ts'
import { onInterrupt } from './interrupt.ts'
import { Rate } from './rate.ts'
import type { Batches } from './batches.ts'
import type { Round } from './round.ts'
import { Screen, shownPath } from './screen.ts'
import { Sheet } from './sheet.ts'
import { showCell, showFirstLines } from './summary.ts'
import { Wires } from './wires.ts'

export class Session {
  readonly screen: Screen
  private readonly materials: Materials
  private readonly model: Model
  private readonly folder: Folder
  private readonly record: RunRecord
  private readonly release: () => Promise<void>
  private dryRun: DryRun | undefined
  private batches: Batches | undefined
  private lastStep: Step | undefined
  private ranDry = false
  private unfinished: { done: number; all: number } | undefined

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
    if (asked.steps.includes('filter')) void import('./report/draw.ts') // loads meanwhile; wanted at the end
    const environment = await readEnvironment()
    refuseEndlessTarget(asked)
    const release = asked.dryRun ? async () => undefined : await lockFolder(asked.dataDir)
    try {
      const logFile = asked.replay ?? path.join(asked.dataDir, 'calls.jsonl')
      const readOnly = asked.replay !== undefined || (asked.dryRun && (await exists(logFile)))
      const log = await CallLog.open(logFile, readOnly)
      const { settings, provider } = settle(asked, argv, environment, log)
      const materials = await gather(settings)
      const folder = await Folder.open(settings.dataDir, settings.outputPath)
      await checkFiles(settings, folder)
      const record = await readRunRecord(folder)
      if (settings.whole) record.settings = keptSettings(settings, provider, materials.language)
      record.versions = { workshop: await ownVersion() }
      const budget = new Budget({ ...settings, language: materials.language }, provider)
      const screen = new Screen(settings.screen)
      const wires = new Wires(provider, folder.path('paste'), screen)
      const concurrency = provider.name === 'paste' ? 1 : settings.concurrency
      const dry = settings.dryRun ? await import('./dry-run.ts') : undefined
      const model = new (dry?.Rehearsal ?? Model)(provider, log, budget, concurrency, () => wires.open())
      const session = new Session(screen, materials, model, folder, record, async () => {
        wires.close()
        await release()
      })
      if (dry && model instanceof dry.Rehearsal) session.dryRun = new dry.DryRun(screen, model)
      if (settings.batch || (await exists(folder.path('batches.jsonl')))) {
        const { Batches } = await import('./batches.ts')
        session.batches = await Batches.open(model, settings, screen)
      }
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
    showFirstLines(this.screen, settings, this.model.provider, seeds.length, this.model.budget.forecast(rows))
    onInterrupt(() => {
      if (this.model.provider.name !== 'paste') this.screen.error(this.screen.words.interrupted)
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
    if (!whole || this.dryRun || this.model.stopped || last.ranDry || kept >= target) return undefined
    if (kept <= last.keptBefore) {
      const { nothingSurvives } = this.screen.words
      const { ended, words } = this.model.budget
      this.model.stop({ words: ended ? words : { en: nothingSurvives, zh: nothingSurvives }, exit: 1 })
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
    if (this.dryRun) return this.dryRun.perform(step, round, work)
    if (!round.settings.steps.includes(step) || (this.model.stopped && !this.finishesFree(step))) return
    if (step === 'generate' && this.model.budget.limit < Infinity)
      this.model.budget.beginGeneration(await carriedInstructions(this.folder))
    if (round.number === 1) this.screen.heading(step, shownPath(this.folder.output(step)))
    if (!round.settings.whole && step === round.settings.steps[0]) await this.remarkBehind(step)
    await this.batches?.before(step, round, work)
    this.model.begin()
    const rate = new Rate()
    const sheet = new Sheet(step, this.folder, round.language, (done, all) =>
      this.showProgress(step, rate, done, all),
    )
    let edited: string | undefined
    try {
      await work(round, sheet)
      const { endedInVain, words } = this.model.budget
      if (step === 'generate' && endedInVain) this.model.stop({ words, exit: 1 })
      // A run that was stopped before its first answer, or before a new one, leaves the files of the last one alone.
      if (this.model.stopped && (sheet.rows === 0 || endedInVain)) return await sheet.discard()
      edited = await sheet.commit()
    } catch (error) {
      await sheet.discard()
      throw error
    }
    this.lastStep = step
    if (!this.model.stopped || step !== 'filter')
      this.unfinished = sheet.pending > 0 ? sheet.reached(round.wanted) : undefined
    this.ranDry ||= step === 'generate' && round.ranDry
    await this.keepRecord(step, sheet)
    showCell(this.screen, round, sheet, {
      edited,
      cost: this.costOf(step),
      funnel: this.record.funnel,
    })
  }

  // A change by hand goes down the road step by step; a command that skips one would show nothing of it.
  private async remarkBehind(step: Step): Promise<void> {
    const behind = await this.folder.behind(step)
    const command = commandLine(this.materials.settings, [...behind, step].join(' '))
    if (behind.length > 0) this.screen.remark(this.screen.words.behind(command))
  }

  // When the money is used up in step 3, what it bought still becomes a data set.
  private finishesFree(step: Step): boolean {
    return step === 'filter' && this.lastStep === 'instances' && this.model.budget.reached
  }

  private showProgress(step: Step, rate: Rate, done: number, all: number | undefined): void {
    if (this.model.provider.name === 'paste') return // the person is typing
    this.screen.progress(() => {
      const { used, price } = this.model.budget
      const tokens = used.prompt_tokens + used.completion_tokens
      const perSecond = rate.perSecond(done, performance.now())
      const known = all ?? this.expectedRows(step)
      const expected = known !== undefined && known >= done ? known : undefined
      return this.screen.words.progress(step, {
        done,
        all: expected,
        rate: perSecond,
        tokens,
        dollars: dollars(used, price),
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
    const { price } = this.model.budget
    if (step === 'filter') {
      this.record.judge = sheet.judgement
      delete this.record.cost.filter
    }
    if (step !== 'filter' || this.materials.settings.judge)
      this.record.cost[step] = { provider, model, ...tokens, dollars: dollars(tokens, price) ?? null }
    await writeRunRecord(this.folder, this.record)
  }

  /** The last lines and the exit status. */
  async conclude(): Promise<void> {
    if (this.dryRun) return this.dryRun.conclude()
    const { screen, materials, model, folder, record, lastStep, unfinished, ranDry } = this
    await showEnding({ screen, materials, model, folder, record, lastStep, unfinished, ranDry })
  }

  async close(): Promise<void> {
    this.screen.clearProgress()
    await this.model.close()
    await this.release()
  }
}

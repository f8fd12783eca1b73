// A command that was opened: its rounds, its steps as they finish, the record it keeps.
import { readdir } from 'node:fs/promises'
import { type Wires, wiresTo } from '../display/person.ts'
import { Screen, commandLine, shownPath } from '../display/screen.ts'
import type { Progress } from '../display/words.ts'
import { wantedFirst, wantedInAll, wantedNext } from '../model/account.ts'
import { Budget } from '../model/budget.ts'
import { Model } from '../model/model.ts'
import { askingSteps } from '../model/provider.ts'
import { TaskPool } from '../text/pool.ts'
import type { Words } from '../workspace/fault.ts'
import { type Folder, type Step, batchesFile, exists, stepBefore } from '../workspace/folder.ts'
import { countLines } from '../workspace/jsonl.ts'
import { type RunRecord, rowsIn, writeRunRecord } from '../workspace/records.ts'
import { Copies } from './merging.ts'
import { type Materials, type Opened, openCommand } from './opening.ts'
import type { Ahead, Batches, DryRun } from './rehearsal.ts'
import { Rate, commonestReason, showEnding, showFirstLines, showStep } from './showing.ts'
import { FolderFiles, type Round, type Work } from './step-files.ts'

export class Session {
  readonly screen: Screen
  private readonly materials: Materials
  private readonly folder: Folder
  private readonly record: RunRecord
  private readonly lock: Opened['lock']
  private readonly wires: Wires
  private readonly model: Model
  private readonly dryRun: DryRun | undefined
  private batches: Batches | undefined
  private expectedCalls = 0
  private ahead: Ahead | undefined
  private lastStep: Step | undefined
  private ranDry = false
  private seen: Progress = { done: 0, tokens: 0, dollars: undefined } // on the progress line
  private unfinished: { done: number; all: number } | undefined

  /** `dry` is there when nothing is to be asked. */
  private constructor(opened: Opened, dry: typeof import('./rehearsal.ts') | undefined) {
    const { materials, provider, log, folder, record, lock } = opened
    const { settings, language } = materials
    this.materials = materials
    this.folder = folder
    this.record = record
    this.lock = lock
    this.screen = new Screen(settings.screen)
    this.wires = wiresTo(provider, folder.path('paste'), this.screen, () => ({
      answered: this.model.account.used.calls,
      about: this.expectedCalls,
    }))
    const budget = new Budget({ ...settings, language }, provider)
    const inFlight = provider.byHand ? 1 : settings.concurrency
    this.model = new Model(
      provider,
      log,
      budget,
      inFlight,
      () => this.wires.open(),
      (words) => this.screen.remark(this.screen.say(words)),
    )
    if (dry) this.dryRun = new dry.DryRun(this.screen, this.model, folder)
  }

  static async open(argv: readonly string[]): Promise<Session> {
    const opened = await openCommand(argv)
    try {
      const dry = opened.materials.settings.dryRun ? await import('./rehearsal.ts') : undefined
      const session = new Session(opened, dry)
      await session.begin()
      return session
    } catch (error) {
      await opened.lock.release()
      throw error
    }
  }

  private async begin(): Promise<void> {
    const { materials, model, folder, screen } = this
    const { settings, seeds, omitted } = materials
    this.lock.tell = (words) => model.stop({ words, exit: 1 })
    if (this.lock.lost) this.lock.tell(this.lock.lost)
    if (!settings.dryRun) await this.removeOrphans()
    if (settings.batch || (await exists(folder.path(batchesFile))))
      this.batches = await (await import('./rehearsal.ts')).Batches.open(model, settings, screen, folder)
    const forecast = model.account.forecast(await this.rowsAhead())
    this.expectedCalls = forecast.calls
    showFirstLines(screen, settings, model.provider, seeds.length, forecast)
    for (const { file, omissions } of omitted)
      if (omissions.any) screen.remark(screen.words.leftOut(shownPath(file), omissions))
  }

  /** A killed batch may have left its questions behind. */
  private async removeOrphans(): Promise<void> {
    const { dir } = this.folder
    if (!(await readdir(dir)).some((name) => name.startsWith('.batch-'))) return
    await (await import('../model/batch-results.ts')).removeOrphans(dir)
  }

  /** Comes to a good end. `quietly`: nobody reads what is said any more. */
  interrupt(quietly = false): void {
    if (quietly) this.screen.mute()
    else if (!this.model.provider.byHand) this.screen.error(this.screen.words.interrupted)
    this.model.interrupt({ en: 'interrupted', zh: '已中断' })
  }

  /** Rows the first step that asks will come to: what its file holds, or what step 1 will be asked for. */
  private async rowsAhead(): Promise<number> {
    const { settings } = this.materials
    const [first] = askingSteps(settings.steps, settings.judge)
    const before = first && stepBefore(first)
    if (first === 'generate')
      return Number.isFinite(settings.target) ? wantedInAll(settings, this.model.provider) : 0
    if (before === undefined || !(await exists(this.folder.output(before)))) return 0
    return countLines(this.folder.output(before))
  }

  firstRound(): Round {
    const wanted = this.dryRun ? wantedInAll : wantedFirst
    return this.round(1, wanted(this.materials.settings, this.model.provider))
  }

  /** Another round when a whole run is below its target and the last round brought it nearer. */
  nextRound(last: Round): Round | undefined {
    const { target, whole } = this.materials.settings
    const { novel = 0, kept = 0 } = this.record.funnel
    if (!whole || this.dryRun || this.model.stopped || last.ranDry || kept >= target) return undefined
    if (kept <= last.keptBefore) {
      const { ended, words } = this.model.budget
      const why = this.screen.words.nothingSurvives(commonestReason(this.record))
      this.model.stop({ words: ended ? words : { en: why, zh: why }, exit: 1 })
      return undefined
    }
    return this.round(last.number + 1, wantedNext(target, novel, kept), kept)
  }

  private round(number: number, wanted: number, keptBefore = 0): Round {
    const { materials } = this
    const { settings, language, seeds, avoided } = materials
    const instructions = seeds.map((seed) => seed.instruction)
    const newPool = () => new TaskPool(settings, language, instructions, avoided)
    const round: Round = {
      ...materials,
      number,
      wanted,
      model: this.model,
      newPool,
      ranDry: false,
      keptBefore,
      run: (step, work) => this.run(step, round, work),
    }
    return round
  }

  /** Does one step, if the command names it and the run goes on. */
  private async run(step: Step, round: Round, work: Work): Promise<void> {
    if (this.dryRun) return this.dryRun.run(step, round, work)
    if (!round.settings.steps.includes(step) || (this.model.stopped && !this.finishesFree(step))) return
    await this.announce(step, round)
    await this.batches?.before(step, round, work)
    this.model.beginStep(step)
    if (step === 'generate') await this.beginAhead(round)
    const files = this.filesOf(step, round)
    const ticking = this.tick(step)
    const written = await this.write(files, () => work(round, files)).finally(() => clearInterval(ticking))
    if (step === 'generate') this.ahead?.end()
    if (!written) return
    this.lastStep = step
    if (!this.model.stopped || step !== 'filter')
      this.unfinished = files.pending > 0 ? files.reached(round.wanted) : undefined
    this.ranDry ||= step === 'generate' && round.ranDry
    await this.keepRecord(step, files)
    showStep(this.screen, round, files, { ...written, cost: this.costOf(step), funnel: this.record.funnel })
  }

  private async beginAhead(round: Round): Promise<void> {
    await this.ahead?.ended()
    this.ahead = (await import('./rehearsal.ts')).Ahead.begin(round)
  }

  /** The step's files; whenever it tells its progress, the screen shows it, and the budget learns what step 1 has accepted. */
  private filesOf(step: Step, { language }: Round): FolderFiles {
    const { budget } = this.model
    const rates = { rows: new Rate(), tokens: new Rate() }
    const tick = (done: number, all?: number): void => {
      if (step === 'generate') budget.took(files.instructions)
      this.showProgress(step, rates, done, all)
    }
    const pass = step === 'generate' ? (row: object) => this.ahead?.pass(row) : undefined
    const files = new FolderFiles(step, this.folder, language, tick, pass)
    if (step === 'filter') files.copies = new Copies(this.folder, (call) => this.model.log.has(call))
    return files
  }

  private async announce(step: Step, round: Round): Promise<void> {
    if (step === 'generate' && this.model.budget.limit < Infinity)
      this.model.budget.beginGeneration(await carriedInstructions(this.folder))
    if (round.number === 1) this.screen.heading(step, shownPath(this.folder.output(step)))
    if (!round.settings.whole && step === round.settings.steps[0]) await this.remarkBehind(step)
  }

  /** Does the work and puts its file in place; undefined where the file of the last run is left as it is. */
  private async write(
    files: FolderFiles,
    work: () => Promise<void>,
  ): Promise<{ edited: string | undefined } | undefined> {
    const { model } = this
    try {
      await work()
      if (files.endedBy?.failed === 'not_recorded') model.stop({ words: endOfLog, exit: 1 })
      const inVain = files.step === 'generate' && model.budget.endedInVain
      if (inVain) model.stop({ words: model.budget.words, exit: 1 })
      // A run that was stopped before its first answer, or before a new one, has nothing to put in its place.
      // Nor has one whose folder is somebody else's by now, or elsewhere.
      if (!this.lock.lost && !model.log.lost && (!model.stopped || (files.rows > 0 && !inVain)))
        return { edited: await files.commit() }
      await files.discard()
    } catch (error) {
      await files.discard()
      throw error
    }
    return undefined
  }

  // A change by hand comes through step by step; a command that skips a step would show nothing of it.
  private async remarkBehind(step: Step): Promise<void> {
    const behind = await this.folder.behind(step)
    const command = commandLine(this.materials.settings, [...behind, step].join(' '))
    if (behind.length > 0) this.screen.remark(this.screen.words.behind(command))
  }

  // When the money is used up in step 3, what it bought still becomes a data set.
  private finishesFree(step: Step): boolean {
    return step === 'filter' && this.lastStep === 'instances' && this.model.budget.reached
  }

  private showProgress(step: Step, rates: Rates, done: number, all: number | undefined): void {
    if (this.model.provider.byHand) return // the person is typing
    this.screen.progress(() => {
      const { account } = this.model
      const { used } = account
      const tokens = used.prompt_tokens + used.completion_tokens
      const now = performance.now()
      const known = all ?? this.expectedRows(step)
      const expected = known !== undefined && known >= done ? known : undefined
      const rate = rates.rows.perSecond(done, now)
      const tokenRate = rates.tokens.perSecond(used.completion_tokens, now)
      this.seen = { done, all: expected, rate, tokens, tokenRate, dollars: account.dollars(used) }
      return this.screen.words.progress(step, this.seen)
    })
  }

  // The line stands before the first reply, too, and is drawn again while nothing comes.
  private tick(step: Step): NodeJS.Timeout {
    const { account } = this.model
    this.seen = { done: 0, all: this.expectedRows(step), tokens: 0, dollars: account.dollars(account.used) }
    const draw = (): void => {
      if (this.model.provider.byHand || this.model.provider.standIn) return
      this.screen.progress(() => {
        const silent = this.model.silentFor
        const { words } = this.screen
        return silent === undefined ? words.progress(step, this.seen) : words.noReplyYet(step, silent / 1000)
      })
    }
    draw()
    return setInterval(draw, redrawnEvery).unref()
  }

  /** Rows a step will come to, as far as the steps before it have told. */
  private expectedRows(step: Step): number | undefined {
    const { novel, classified } = this.record.funnel
    const { target } = this.materials.settings
    if (step === 'filter') return Number.isFinite(target) ? target : undefined
    return step === 'classify' ? novel : classified
  }

  private costOf(step: Step) {
    const { fresh } = this.model.account.step
    const cost = this.record.cost[step]
    return cost && { ...cost, fresh }
  }

  private async keepRecord(step: Step, files: FolderFiles): Promise<void> {
    const { name: provider, model } = this.model.provider
    Object.assign(this.record.funnel, files.counts)
    this.record.rejected[step] = Object.fromEntries(files.rejected)
    if (step === 'filter') {
      this.record.judge = files.judgement
      const { others, classification } = files.contributions
      this.record.merged = others
      delete this.record.funnel.kept_classification
      if (classification !== undefined) this.record.funnel.kept_classification = classification
      delete this.record.cost.filter
    }
    if (step !== 'filter' || this.materials.settings.judge)
      this.record.cost[step] = { provider, model, ...this.model.account.stepCost() }
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
    this.wires.close()
    await this.ahead?.ended()
    await this.model.close()
    await this.lock.release()
  }
}

const redrawnEvery = 1_000 // ms

const endOfLog: Words = {
  en: 'this request is not in the recorded calls: the run that is given again asked for no more. To ask a model for it, name one with --provider, and have its key',
  zh: '调用记录中没有该请求：所重放的运行只问到这里。要继续请求模型，请用 --provider 指明，并准备好密钥',
}

type Rates = { rows: Rate; tokens: Rate }

/** The instructions that steps 2 and 3 have dealt with already, by the files as they stand; a row that was rejected because its call failed is still to be dealt with. */
async function carriedInstructions(folder: Folder): Promise<Set<string>> {
  const carried = new Set<string>()
  for await (const { instruction } of rowsIn(folder, 'withInstances')) carried.add(instruction)
  for await (const { step, reason, instruction } of rowsIn(folder, 'rejected'))
    if ((step === 'classify' || step === 'instances') && reason !== 'call_failed') carried.add(instruction)
  return carried
}

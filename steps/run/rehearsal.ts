// Steps rehearsed: done on what the log already answers, with nothing asked and nothing written. The dry run shows the
// first prompt of each step and what the rest would take; `--batch` sends the questions it hears as a batch, and then the
// step is done for real.
import path from 'node:path'
import { type Screen, plainLines } from '../display/screen.ts'
import { BatchLedger } from '../model/batch-results.ts'
import { type BatchNews, BatchRoad } from '../model/batch.ts'
import { type CallHead, type Message, type Question, addTo, noUsage } from '../model/call.ts'
import type { Model } from '../model/model.ts'
import { dollars, expected } from '../model/prices.ts'
import { TaskPool } from '../text/pool.ts'
import { Folder, type Step, batchesFile, handOffs } from '../workspace/folder.ts'
import { idOf } from '../workspace/jsonl.ts'
import { rowsIn } from '../workspace/records.ts'
import type { Settings } from '../workspace/settings.ts'
import { FolderFiles, MemoryFiles, type Round, type Work } from './step-files.ts'

/** `input.missing`: how many rows do not exist yet; all that are wanted where seed tasks stand in for them. */
type Input = { rows: object[]; missing: number }

export class DryRun {
  private readonly screen: Screen
  private readonly model: Model
  private readonly folder: Folder
  private readonly prompts = new Map<Step, readonly Message[]>() // the first of each step
  private written: object[] = [] // by the step before, as far as the log goes
  private chained = false // the step before is part of this command
  private readonly sum = { calls: 0, ...noUsage, batch: { ...noUsage } }
  private logged = 0

  constructor(screen: Screen, model: Model, folder: Folder) {
    this.screen = screen
    this.model = model
    this.folder = folder
    const hear = async ({ step }: CallHead, { messages }: Question): Promise<void> => {
      if (!this.prompts.has(step)) this.prompts.set(step, messages)
    }
    model.rehearsal = { hear, counts: true }
  }

  async run(step: Step, round: Round, work: Work): Promise<void> {
    if (!round.settings.steps.includes(step)) return
    this.screen.heading(step)
    if (step === 'filter' && !round.settings.judge) return this.screen.detail(this.screen.words.asksNothing)
    this.model.begin()
    const { rows, missing } = await this.input(step, round)
    const standIns = missing >= round.wanted
    const files = new MemoryFiles(step, round.language, rows)
    await work(standIns ? withEmptyPool(round) : round, files)
    this.showPrompt(step)
    const open = step === 'generate' ? Math.max(0, round.wanted - files.rows) : files.pending
    this.estimate(step, standIns ? round.wanted : missing + open)
    this.written = standIns ? [] : files.written
    this.chained = true
  }

  /** What a step would read: the rows of the step before it, or, on its own, of its file, or seed tasks in their place. */
  private async input(step: Step, { wanted, seeds }: Round): Promise<Input> {
    const { reads } = handOffs[step]
    if (!reads) return { rows: [], missing: 0 }
    if (this.written.length > 0)
      return { rows: this.written, missing: Math.max(0, wanted - this.written.length) }
    const rows: object[] = []
    if (!this.chained) for await (const row of rowsIn(this.folder, reads)) rows.push(row)
    if (rows.length > 0) return { rows, missing: 0 }
    const standIn = { is_classification: false, instances: [], call: '' }
    return {
      rows: seeds.map((seed) => ({ id: idOf(seed.instruction), ...standIn, ...seed })),
      missing: wanted,
    }
  }

  private showPrompt(step: Step): void {
    for (const { role, content } of this.prompts.get(step) ?? [])
      for (const line of [`[${role}]`, ...plainLines(content).split('\n')]) this.screen.detail(line)
  }

  private estimate(step: Step, rows: number): void {
    const { budget, tally } = this.model
    const { calls, ...tokens } = expected(step, rows, budget.experience, this.prompts.get(step))
    const billed = budget.billed(step, tokens)
    this.sum.calls += calls
    addTo(this.sum, billed)
    addTo(this.sum.batch, billed.batch)
    this.logged += tally.calls
    this.show({ calls, ...billed }, tally.calls)
  }

  /** What the whole run would take, beside its budget. */
  conclude(): void {
    const { words } = this.screen
    const { budget } = this.model
    this.screen.title(words.dryTotal)
    this.show(this.sum, this.logged)
    const cost = dollars(this.sum, budget.price)
    if (cost !== undefined && cost > budget.limit) this.screen.remark(words.overBudget(budget.limit))
  }

  private show(use: DryRun['sum'], logged: number): void {
    const { prompt_tokens, completion_tokens } = use
    const cost = dollars(use, this.model.budget.price)
    this.screen.detail(this.screen.words.forecast(use.calls, prompt_tokens, completion_tokens, cost, logged))
  }
}

// Seed tasks that stand in for rows would be near-duplicates of themselves.
function withEmptyPool(round: Round): Round {
  return { ...round, newPool: () => new TaskPool(round.settings.similarity, round.language, [], []) }
}

/** `--batch`: before a step is done, its questions go through the Batch API, and the screen tells how far they are. */
export class Batches {
  private readonly road: BatchRoad
  private readonly screen: Screen

  private readonly folder: Folder

  private constructor(road: BatchRoad, screen: Screen, folder: Folder) {
    this.road = road
    this.screen = screen
    this.folder = folder
  }

  /** Nothing without `--batch`, or where nothing is asked anyway; a server that cannot do it is a Fault. */
  static async open(
    model: Model,
    settings: Settings,
    screen: Screen,
    folder: Folder,
  ): Promise<Batches | undefined> {
    if (settings.dryRun || model.provider.replayOf !== undefined) return undefined
    if (!settings.batch) return remindOfOpenOnes(model, settings, screen)
    const { dataDir: dir, poll, maxTokens } = settings
    const road = await BatchRoad.open({ model, dir, poll, maxTokens, tell: (news) => show(screen, news) })
    return new Batches(road, screen, folder)
  }

  /** Fills the log with what this step will ask; step 1 stays on the normal road, since its replies feed its prompts. */
  async before(step: Step, round: Round, work: Work): Promise<void> {
    if (step === 'generate') return this.screen.detail(this.screen.words.notByBatch)
    if (step === 'filter' && !round.settings.judge) return
    await this.road.fill(step, () => work(round, new UnwrittenFiles(step, this.folder, round.language)))
    this.screen.clearProgress()
  }
}

async function remindOfOpenOnes(
  model: Model,
  { dataDir, steps }: Settings,
  screen: Screen,
): Promise<undefined> {
  const ledger = await BatchLedger.read(path.join(dataDir, batchesFile))
  const { name, model: modelName } = model.provider
  const open = ledger.open(name, modelName).filter(({ step }) => steps.includes(step))
  if (open.length > 0) screen.remark(screen.words.batchForgotten(open.map(({ id }) => id).join(', ')))
}

/** The files of a step that is only rehearsed: read, and not written. */
class UnwrittenFiles extends FolderFiles {
  protected override async put(): Promise<void> {}
  protected override async drop(): Promise<void> {}
}

function show(screen: Screen, { step, made, found, answered, ended, waiting, left }: BatchNews): void {
  const { words } = screen
  if (made) screen.detail(words.batchMade(made.id, made.requests))
  if (found) screen.detail(words.batchFound(found.id, found.requests))
  if (ended) screen.detail(words.batchEnded(ended.id, ended.requests, ended.failed))
  if (waiting) screen.detail(words.batchWaiting(waiting))
  if (left) screen.detail(words.batchLeft(left))
  if (answered) screen.progress(() => words.batchProgress(step, answered.done, answered.all))
}

// The dry run: every step does its work on what the log already answers, shows its first prompt, and is estimated for the
// rest. Nothing is asked, nothing is written.
import path from 'node:path'
import { type Screen, plainLines } from '../display/screen.ts'
import { BatchLedger } from '../model/batch-results.ts'
import { type BatchNews, BatchRoad } from '../model/batch.ts'
import { addTo, noUsage } from '../model/call.ts'
import { type Model, Rehearsal } from '../model/model.ts'
import { dollars, expected } from '../model/prices.ts'
import { TaskPool } from '../text/pool.ts'
import { type Step, batchesFile, exists, fileOf } from '../workspace/folder.ts'
import { type Row, readRows } from '../workspace/records.ts'
import type { Settings } from '../workspace/settings.ts'
import { type Round, Sheet, type Work } from './step-files.ts'

type ReadKind = 'instruction' | 'classified' | 'withInstances'
const inputOf = {
  classify: { file: fileOf.generate, kind: 'instruction' },
  instances: { file: fileOf.classify, kind: 'classified' },
  filter: { file: fileOf.instances, kind: 'withInstances' },
} as const

export class DryRun {
  private readonly screen: Screen
  private readonly model: Rehearsal
  private written: object[] = [] // by the step before, as far as the log goes
  private chained = false // the step before is part of this command
  private readonly sum = { calls: 0, ...noUsage, batch: { ...noUsage } }
  private logged = 0

  constructor(screen: Screen, model: Rehearsal) {
    this.screen = screen
    this.model = model
  }

  async perform(step: Step, round: Round, work: Work): Promise<void> {
    if (!round.settings.steps.includes(step)) return
    this.screen.heading(step)
    if (step === 'filter' && !round.settings.judge) return this.screen.detail(this.screen.words.asksNothing)
    this.model.begin()
    const input = step === 'generate' ? { rows: [], missing: 0 } : await this.input(step, round)
    const sheet = new Notes(step, round, input.rows)
    await work(input.missing < round.wanted ? round : withEmptyPool(round), sheet)
    this.showPrompt(step)
    const open = step === 'generate' ? Math.max(0, round.wanted - sheet.rows) : sheet.pending
    this.estimate(step, input.missing < round.wanted ? input.missing + open : round.wanted)
    this.written = input.missing < round.wanted ? sheet.written : []
    this.chained = true
  }

  /**
   * What a step would read: the rows of the step before it, or, on its own, of its file; seed tasks stand in for rows that
   * do not exist yet. `missing`: how many do not; all that are wanted when the rows given only stand in for them.
   */
  private async input(
    step: keyof typeof inputOf,
    { folder, wanted, seeds }: Round,
  ): Promise<{ rows: object[]; missing: number }> {
    if (this.written.length > 0)
      return { rows: this.written, missing: Math.max(0, wanted - this.written.length) }
    const filed: object[] = []
    const file = folder.path(inputOf[step].file)
    if (!this.chained && (await exists(file)))
      for await (const row of readRows(file, inputOf[step].kind)) filed.push(row)
    if (filed.length > 0) return { rows: filed, missing: 0 }
    const standIn = { id: '', is_classification: false, instances: [], call: '' }
    return { rows: seeds.map((seed) => ({ ...standIn, ...seed })), missing: wanted }
  }

  private showPrompt(step: Step): void {
    for (const { role, content } of this.model.prompts.get(step) ?? [])
      for (const line of [`[${role}]`, ...plainLines(content).split('\n')]) this.screen.detail(line)
  }

  private estimate(step: Step, rows: number): void {
    const { budget, tally, prompts } = this.model
    const { calls, ...tokens } = expected(step, rows, budget.experience, prompts.get(step))
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

/** A sheet that is not written. Its rows are those given. */
class Notes extends Sheet {
  readonly written: object[] = []
  private readonly given: readonly object[]

  constructor(step: Step, { folder, language }: Round, given: readonly object[]) {
    super(step, folder, language, () => undefined)
    this.given = given
  }

  override async *read<K extends ReadKind>(_kind: K): AsyncGenerator<Row<K>> {
    for (const row of this.given) yield row as Row<K>
  }

  override async add(row: object): Promise<void> {
    this.rows++
    this.written.push(row)
  }

  override async reject(): Promise<void> {}
}

// `--batch` on screen: before a step is done, its questions go through the Batch API, and its progress is told.

export class Batches {
  private readonly road: BatchRoad
  private readonly screen: Screen

  private constructor(road: BatchRoad, screen: Screen) {
    this.road = road
    this.screen = screen
  }

  /** Nothing without `--batch`, or where nothing is asked anyway; a server that cannot do it is a Fault. */
  static async open(model: Model, settings: Settings, screen: Screen): Promise<Batches | undefined> {
    if (settings.dryRun || model.provider.replayOf !== undefined) return undefined
    if (!settings.batch) return remindOfOpenOnes(model, settings, screen)
    const { dataDir: dir, poll, maxTokens } = settings
    const road = await BatchRoad.open({ model, dir, poll, maxTokens, tell: (news) => show(screen, news) })
    return new Batches(road, screen)
  }

  /** Fills the log with what this step will ask; step 1 stays on the normal road, since its replies feed its prompts. */
  async before(step: Step, round: Round, work: Work): Promise<void> {
    if (step === 'generate') return this.screen.detail(this.screen.words.notByBatch)
    if (step === 'filter' && !round.settings.judge) return
    await this.road.fill(step, async () => {
      const sheet = new BlankSheet(step, round.folder, round.language, () => undefined)
      await work(round, sheet)
    })
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

/** A sheet on which nothing is written. */
class BlankSheet extends Sheet {
  override async add(): Promise<void> {
    this.rows++
  }

  override async reject(): Promise<void> {}
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

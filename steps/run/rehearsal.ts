// Steps rehearsed: done on what the log already answers, with nothing asked and nothing written. The dry run shows the
// first prompt of each step and what the rest would take; `--batch` sends the questions it hears as a batch, and then the
// step is done for real. Steps begun ahead do the same while an earlier one still runs.
import { type Screen, plainLines } from '../display/screen.ts'
import { type Estimate, sumOf } from '../model/account.ts'
import { BatchLedger } from '../model/batch-results.ts'
import { type BatchNews, Batching } from '../model/batch.ts'
import type { Message } from '../model/call.ts'
import type { Model, Rehearsal } from '../model/model.ts'
import type { Language } from '../text/language.ts'
import { TaskPool } from '../text/pool.ts'
import { Folder, type Step, handOffs } from '../workspace/folder.ts'
import { idOf } from '../workspace/jsonl.ts'
import { type RejectedRow, rowsIn } from '../workspace/records.ts'
import type { Settings } from '../workspace/settings.ts'
import {
  FolderFiles,
  type Input,
  type Round,
  type RowsOf,
  StepFiles,
  type Work,
  works,
} from './step-files.ts'

/** `input.missing`: how many rows do not exist yet; all that are wanted where seed tasks stand in for them. */
type Given = { rows: object[]; missing: number }

export class DryRun {
  private readonly screen: Screen
  private readonly model: Model
  private readonly folder: Folder
  private readonly prompts = new Map<Step, readonly Message[]>() // the first of each step
  private written: object[] = [] // by the step before, as far as the log goes
  private chained = false // the step before is part of this command
  private readonly estimates: Estimate[] = []
  private logged = 0

  constructor(screen: Screen, model: Model, folder: Folder) {
    this.screen = screen
    this.model = model
    this.folder = folder
    const hear: Rehearsal['hear'] = async ({ step }, { messages }) => {
      if (!this.prompts.has(step)) this.prompts.set(step, messages)
      return undefined
    }
    model.rehearsal = { hear, counts: true }
  }

  async run(step: Step, round: Round, work: Work): Promise<void> {
    if (!round.settings.steps.includes(step)) return
    this.screen.heading(step)
    if (step === 'filter' && !round.settings.judge) return this.screen.detail(this.screen.words.asksNothing)
    this.model.account.beginStep(step)
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
  private async input(step: Step, { wanted, seeds }: Round): Promise<Given> {
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
    const { account } = this.model
    const estimate = account.estimate(step, rows, this.prompts.get(step))
    this.estimates.push(estimate)
    this.logged += account.step.calls
    this.show(estimate, account.step.calls)
  }

  /** What the whole run would take, beside its budget. */
  conclude(): void {
    const { words } = this.screen
    const { account, budget } = this.model
    const sum = sumOf(this.estimates)
    this.screen.title(words.dryTotal)
    this.show(sum, this.logged)
    const cost = account.dollars(sum)
    if (cost !== undefined && cost > budget.limit) this.screen.remark(words.overBudget(budget.limit))
  }

  private show(use: Estimate, logged: number): void {
    const { calls, prompt_tokens, completion_tokens } = use
    const cost = this.model.account.dollars(use)
    this.screen.detail(this.screen.words.forecast(calls, prompt_tokens, completion_tokens, cost, logged))
  }
}

/** The files of a step in memory: `given` are the rows it reads. */
export class MemoryFiles extends StepFiles {
  readonly written: object[] = []
  readonly rejects: RejectedRow[] = []
  private readonly given: Iterable<object> | AsyncIterable<object>

  constructor(step: Step, language: Language, given: MemoryFiles['given'] = [], tick?: () => void) {
    super(step, language, tick)
    this.given = given
  }

  protected override async *rowsIn<F extends Input>(): AsyncGenerator<RowsOf[F]> {
    for await (const row of this.given) yield row as RowsOf[F]
  }

  protected override async put(row: object): Promise<void> {
    this.written.push(row)
  }

  protected override async drop(row: Omit<RejectedRow, 'step'>): Promise<void> {
    this.rejects.push({ step: this.step, ...row })
  }
}

// Seed tasks that stand in for rows would be near-duplicates of themselves.
function withEmptyPool(round: Round): Round {
  return { ...round, newPool: () => new TaskPool(round.settings, round.language, [], []) }
}

/**
 * Steps 2 and 3 begun while step 1 still runs: they work on its rows as these come, so that of many places in flight few
 * stay empty while a step waits for its last replies. Nothing is written but the log; the step itself finds its answers
 * there, and what it makes of them is the same.
 */
export class Ahead {
  private readonly accepted = new Rows()
  private readonly work: Promise<unknown>

  private constructor(round: Round) {
    const classified = new Rows()
    const does = (step: Step, rows: Rows, pass: (row: object) => void) =>
      works.get(step)?.(round, new PassedFiles(step, round.language, rows, pass))
    this.work = Promise.allSettled([
      does('classify', this.accepted, (row) => classified.push(row))?.finally(() => classified.end()),
      does('instances', classified, () => undefined),
    ])
  }

  /** Nothing where few are in flight, where it would change what a budget allows, or where nobody waits for replies. */
  static begin(round: Round): Ahead | undefined {
    const { settings, model } = round
    const { provider, budget } = model
    const asksNobody = provider.standIn || provider.byHand || provider.replayOf !== undefined
    const apart = settings.batch || budget.limit < Infinity || !settings.whole
    return asksNobody || apart || settings.concurrency <= busyAlone ? undefined : new Ahead(round)
  }

  /** Step 1 has accepted this. */
  pass(row: object): void {
    this.accepted.push(row)
  }

  /** Step 1 has no more. */
  end(): void {
    this.accepted.end()
  }

  /** Resolves when the steps begun ahead are through. */
  async ended(): Promise<void> {
    this.end()
    await this.work
  }
}

const busyAlone = 8 // in flight; one step keeps so many busy

/** Rows as they come. */
class Rows implements AsyncIterable<object> {
  private readonly rows: object[] = []
  private ended = false
  private wake: () => void = () => undefined

  push(row: object): void {
    this.rows.push(row)
    this.wake()
  }

  end(): void {
    this.ended = true
    this.wake()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<object> {
    for (let at = 0; ; at++) {
      while (at >= this.rows.length && !this.ended) await new Promise<void>((wake) => (this.wake = wake))
      const row = this.rows[at]
      if (!row) return
      yield row
    }
  }
}

/** The files of a step begun ahead: rows come from the step before and go to the next. */
class PassedFiles extends MemoryFiles {
  private readonly pass: (row: object) => void

  constructor(step: Step, language: Language, given: Rows, pass: (row: object) => void) {
    super(step, language, given)
    this.pass = pass
  }

  protected override async put(row: object): Promise<void> {
    this.pass(row)
  }

  protected override async drop(): Promise<void> {}
}

/** `--batch`: before a step is done, its questions go through the Batch API, and the screen tells how far they are. */
export class Batches {
  private readonly batching: Batching
  private readonly screen: Screen
  private readonly folder: Folder

  private constructor(batching: Batching, screen: Screen, folder: Folder) {
    this.batching = batching
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
    const batching = await Batching.open({ model, dir, poll, maxTokens, tell: (news) => show(screen, news) })
    return new Batches(batching, screen, folder)
  }

  /** Fills the log with what this step will ask; step 1 is left to normal calls, since its replies feed its prompts. */
  async before(step: Step, round: Round, work: Work): Promise<void> {
    if (step === 'generate') return this.screen.detail(this.screen.words.notByBatch)
    if (step === 'filter' && !round.settings.judge) return
    await this.batching.fill(step, () => work(round, new UnwrittenFiles(step, this.folder, round.language)))
    this.screen.clearProgress()
  }
}

async function remindOfOpenOnes(
  model: Model,
  { dataDir, steps }: Settings,
  screen: Screen,
): Promise<undefined> {
  const ledger = await BatchLedger.read(dataDir)
  const open = ledger.open(model.provider).filter(({ step }) => steps.includes(step))
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

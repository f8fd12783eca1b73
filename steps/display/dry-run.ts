// The dry run: every step does its work on what the log already answers, shows its first prompt, and is estimated for the
// rest. Nothing is asked, nothing is written.
import { noUsage } from '../model/call-log.ts'
import { expected } from '../model/estimate.ts'
import { dollars } from '../model/prices.ts'
import { Rehearsal } from '../model/rehearsal.ts'
import { addTo } from '../model/tally.ts'
import { TaskPool } from '../text/pool.ts'
import { exists, fileOf, type Step } from '../workspace/folder.ts'
import { type Row, readRows } from '../workspace/rows.ts'
import { plainLines } from './plain.ts'
import type { Round, Work } from './round.ts'
import type { Screen } from './screen.ts'
import { Sheet } from './sheet.ts'

export { Rehearsal }

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

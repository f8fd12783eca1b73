// `--batch` on screen: before a step is done, its questions go through the Batch API, and its progress is told.
import path from 'node:path'
import { BatchLedger } from '../model/batch-ledger.ts'
import { type BatchNews, BatchRoad } from '../model/batch.ts'
import type { Model } from '../model/model.ts'
import { batchesFile, type Step } from '../workspace/folder.ts'
import type { Settings } from '../workspace/settings.ts'
import type { Round, Work } from './round.ts'
import type { Screen } from './screen.ts'
import { Sheet } from './sheet.ts'

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

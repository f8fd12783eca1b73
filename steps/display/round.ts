// What the cells of one round share.
import type { Model } from '../model/model.ts'
import type { Language } from '../text/language.ts'
import type { TaskPool } from '../text/pool.ts'
import type { Folder, Step } from '../workspace/folder.ts'
import type { SeedTask } from '../workspace/records.ts'
import type { Settings } from '../workspace/settings.ts'
import type { Sheet } from './sheet.ts'

/** What a step does in a round, on its sheet. */
export type Work = (round: Round, sheet: Sheet) => Promise<void>

export type Round = {
  number: number
  /** Instructions asked of step 1 in this round. */
  wanted: number
  settings: Settings
  language: Language
  seeds: SeedTask[]
  topics: string[] | undefined
  /** A pool that holds the seed tasks and what is to be avoided, and nothing else yet. */
  newPool: () => TaskPool
  folder: Folder
  model: Model
  /** Set by step 1 when the model has nothing new to say. */
  ranDry: boolean
  /** Instructions in the data set before this round. */
  keptBefore: number
  /** Runs a step's work as a cell: heading, progress, counts, samples, the record of the run. */
  perform: (step: Step, work: Work) => Promise<void>
}

// run.json: the settings of the last whole run, and what each step last came to. No clock times: the same run, the same bytes.
import { readFile } from 'node:fs/promises'
import { codeOf, unreadable } from './fault.ts'
import type { Folder, Step } from './folder.ts'
import type { Carried } from './settings.ts'

export type StepCost = {
  provider: string
  model: string
  calls: number
  prompt_tokens: number
  cached_tokens: number
  completion_tokens: number
  dollars: number | null // null: price not known
}

/** Shares of the rows judged for which the answer to each quality question was yes, 0 to 1. */
export type Judgement = {
  rows: number
  instruction_valid: number
  input_appropriate: number
  output_correct: number
  all: number
}

export type RunRecord = {
  settings: Carried
  versions: Record<string, string>
  funnel: Record<string, number>
  rejected: Partial<Record<Step, Record<string, number>>>
  cost: Partial<Record<Step, StepCost>>
  judge?: Judgement | undefined
}

/** The record as it stands; an empty one when there is none or somebody broke it. */
export async function readRunRecord(folder: Folder): Promise<RunRecord> {
  const empty: RunRecord = { settings: {}, versions: {}, funnel: {}, rejected: {}, cost: {} }
  try {
    return {
      ...empty,
      ...(JSON.parse(await readFile(folder.path('run.json'), 'utf8')) as Partial<RunRecord>),
    }
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || error instanceof SyntaxError) return empty
    throw unreadable(folder.path('run.json'), error)
  }
}

export async function writeRunRecord(
  folder: Folder,
  { settings, versions, funnel, rejected, cost, judge }: RunRecord,
): Promise<void> {
  const file = folder.replace('run.json')
  await file.addText(`${JSON.stringify({ settings, versions, funnel, rejected, cost, judge }, null, 2)}\n`)
  await file.commit()
}

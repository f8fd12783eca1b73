// run.json: the settings of the last whole run, and what each step last came to. No clock times: the same run, the same bytes.
import { readFile } from 'node:fs/promises'
import { parse } from 'valibot'
import { codeOf, unreadable } from './fault.ts'
import { type Folder, recordFile, type Step } from './folder.ts'
import { type Judgement, shapes, type StepCost } from './records.ts'
import type { Stored } from './stored.ts'

export type RunRecord = {
  settings: Stored
  versions: Record<string, string>
  funnel: Record<string, number>
  rejected: Partial<Record<Step, Record<string, number>>>
  cost: Partial<Record<Step, StepCost>>
  judge?: Judgement | undefined
}

/** The record as it stands; what is missing in it, or what somebody broke, is empty. */
export async function readRunRecord(folder: Folder): Promise<RunRecord> {
  return parse(shapes.run, await readJson(folder.path(recordFile))) as RunRecord
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse((await readFile(file, 'utf8')).replace(/^\uFEFF/, ''))
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || error instanceof SyntaxError) return {}
    throw unreadable(file, error)
  }
}

export async function writeRunRecord(
  folder: Folder,
  { settings, versions, funnel, rejected, cost, judge }: RunRecord,
): Promise<void> {
  const file = folder.replace(recordFile)
  await file.addText(`${JSON.stringify({ settings, versions, funnel, rejected, cost, judge }, null, 2)}\n`)
  await file.commit()
}

// Reads the written tasks of both languages for the tests over them, and checks their shape on the way.

import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Language } from '../../steps/text/language.ts'

export const languages: readonly Language[] = ['en', 'zh']

/** Faults no rule sees: a reader finds them, or a judge. */
export const readerFaults = [
  'wrong_fact',
  'wrong_sum',
  'wrong_label',
  'unsuitable_input',
  'beside_the_point',
  'nonsense_instruction',
]
/** Near-duplicates that only a stricter threshold than the paper's 0.7 removes. */
export const SIMILAR = 'similar'

/** One line: a prompt lists its tasks as numbered lines. */
const instruction = z.string().regex(/^\S.*\S$/)
const instances = z
  .array(z.strictObject({ input: z.string(), output: z.string() }))
  .min(1)
  .max(5)

const seedTask = z.strictObject({
  id: z.string().regex(/^seed_task_(?:zh_)?\d+$/),
  name: z.string().regex(/^[a-z0-9]+(?:_[a-z0-9]+)*$/),
  instruction,
  instances,
  is_classification: z.boolean(),
})
const offlineTask = z.strictObject({
  instruction,
  is_classification: z.boolean(),
  instances,
  fault: z.string().optional(),
})
export type SeedTask = z.infer<typeof seedTask>
export type OfflineTask = z.infer<typeof offlineTask>

const data = new URL('../../data/', import.meta.url)

export function readSeedTasks(language: Language): SeedTask[] {
  return readRows(language === 'en' ? 'seed_tasks.jsonl' : `seed_tasks.${language}.jsonl`, seedTask)
}

export function readOfflineTasks(language: Language): OfflineTask[] {
  return readRows(`offline/${language}.jsonl`, offlineTask)
}

export function readTopics(language: Language): string[] {
  return readLines(`topics.${language}.txt`)
}

function readRows<Row>(name: string, shape: z.ZodType<Row>): Row[] {
  return readLines(name).map((line) => shape.parse(JSON.parse(line)))
}

function readLines(name: string): string[] {
  return readFileSync(new URL(name, data), 'utf8').trimEnd().split('\n')
}

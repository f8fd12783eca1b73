// Reads the written tasks of both languages for the tests over them, and checks their shape on the way.

import { readFileSync } from 'node:fs'
import * as v from 'valibot'
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
const instruction = v.pipe(v.string(), v.regex(/^\S.*\S$/))
const instances = v.pipe(
  v.array(v.strictObject({ input: v.string(), output: v.string() })),
  v.minLength(1),
  v.maxLength(5),
)

const seedTask = v.strictObject({
  id: v.pipe(v.string(), v.regex(/^seed_task_(?:zh_)?\d+$/)),
  name: v.pipe(v.string(), v.regex(/^[a-z0-9]+(?:_[a-z0-9]+)*$/)),
  instruction,
  instances,
  is_classification: v.boolean(),
})
const offlineTask = v.strictObject({
  instruction,
  is_classification: v.boolean(),
  instances,
  fault: v.optional(v.string()),
  wrong: v.optional(v.number()), // which of several instances has the fault
})
export type SeedTask = v.InferOutput<typeof seedTask>
export type OfflineTask = v.InferOutput<typeof offlineTask>

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

function readRows<Row>(name: string, shape: v.GenericSchema<unknown, Row>): Row[] {
  return readLines(name).map((line) => v.parse(shape, JSON.parse(line)))
}

function readLines(name: string): string[] {
  return readFileSync(new URL(name, data), 'utf8').trimEnd().split('\n')
}

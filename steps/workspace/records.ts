// The shape of one row of every file, in one place. Unknown fields are ignored; a wrong `id` or `call` is mended, not refused.
import * as v from 'valibot'
import { idOf } from './hash.ts'

const text = v.string()
const number = v.pipe(v.number(), v.finite())
const instruction = v.pipe(
  text,
  v.check((words) => words.trim() !== ''),
)
const call = v.fallback(text, '')
const instance = v.object({ input: text, output: text })
const mostSimilar = v.fallback(v.optional(v.object({ instruction: text, score: number })), undefined)

const stepName = v.picklist(['generate', 'classify', 'instances', 'filter'])
const noList = v.check((value: unknown) => !Array.isArray(value))
const counts = v.pipe(v.unknown(), noList, v.record(text, number))
const stepCost = v.object({
  provider: text,
  model: text,
  calls: number,
  prompt_tokens: number,
  cached_tokens: number,
  completion_tokens: number,
  dollars: v.nullable(number), // null: price not known
  /** Those of the tokens that a batch answered, at half price. */
  batch: v.optional(v.object({ prompt_tokens: number, cached_tokens: number, completion_tokens: number })),
})
/** Shares of the rows judged for which the answer to each quality question was yes, 0 to 1. */
const judgement = v.object({
  rows: number,
  instruction_valid: number,
  input_appropriate: number,
  output_correct: number,
  all: number,
})
const none = () => ({})
const runParts = v.object({
  settings: v.fallback(v.record(text, v.unknown()), none),
  versions: v.fallback(v.record(text, text), none),
  funnel: v.fallback(counts, none),
  rejected: v.fallback(v.record(stepName, counts), none),
  cost: v.fallback(v.record(stepName, stepCost), none),
  judge: v.fallback(v.optional(judgement), undefined),
})

const named = <T extends { instruction: string }>(row: T) => ({ id: idOf(row.instruction), ...row })

export const shapes = {
  instruction: v.pipe(v.object({ instruction, most_similar: mostSimilar, call }), v.transform(named)),
  classified: v.pipe(v.object({ instruction, is_classification: v.boolean(), call }), v.transform(named)),
  withInstances: v.pipe(
    v.object({
      instruction,
      is_classification: v.boolean(),
      instances: v.pipe(v.array(instance), v.minLength(1)),
      call,
    }),
    v.transform(named),
  ),
  example: v.object({ instruction: text, input: text, output: text }),
  rejected: v.object({
    step: stepName,
    reason: text,
    detail: text,
    instruction: text,
    input: v.optional(text),
    output: v.optional(text),
    call: v.optional(text),
  }),
  /** Whatever row has an instruction. */
  any: v.object({ instruction }),
  run: v.fallback(runParts, () => ({ settings: {}, versions: {}, funnel: {}, rejected: {}, cost: {} })),
  seed: v.object({
    instruction,
    is_classification: v.optional(v.boolean()),
    instances: v.optional(v.array(instance)),
  }),
  offlineTask: v.object({
    instruction,
    is_classification: v.boolean(),
    instances: v.array(instance),
    fault: v.optional(text),
  }),
}

export type InstructionRow = v.InferOutput<typeof shapes.instruction>
export type ClassifiedRow = v.InferOutput<typeof shapes.classified>
export type InstancesRow = v.InferOutput<typeof shapes.withInstances>
export type ExampleRow = v.InferOutput<typeof shapes.example>
export type RejectedRow = v.InferOutput<typeof shapes.rejected>
export type SeedTask = v.InferOutput<typeof shapes.seed>
export type OfflineTask = v.InferOutput<typeof shapes.offlineTask>
export type StepCost = v.InferOutput<typeof stepCost>
export type Judgement = v.InferOutput<typeof judgement>

// The shape of one row of every file, in one place. Unknown fields are ignored; a wrong `id` or `call` is mended, not refused.
import Module, { createRequire } from 'node:module'
import type * as Zod from 'zod'
import { idOf } from './hash.ts'

// Required, not imported, and without its error messages in sixty languages: as ES modules under tsx it takes a tenth of
// a second to load, more than a small command.
const require = createRequire(import.meta.url)
const languages = require.resolve('zod/v4/locales')
require.cache[languages] = Object.assign(new Module(languages), { loaded: true })
const { z } = require('zod') as typeof Zod

const text = z.string()
const instruction = z.string().refine((words) => words.trim() !== '', { error: 'must not be empty' })
const call = z.string().catch('')
const instance = z.object({ input: text, output: text })
const mostSimilar = z.object({ instruction: text, score: z.number() }).optional().catch(undefined)

const stepName = z.enum(['generate', 'classify', 'instances', 'filter'])
const counts = z.record(text, z.number())
const stepCost = z.looseObject({
  provider: text,
  model: text,
  calls: z.number(),
  prompt_tokens: z.number(),
  cached_tokens: z.number(),
  completion_tokens: z.number(),
  dollars: z.number().nullable(),
})
const judgement = z.object({
  rows: z.number(),
  instruction_valid: z.number(),
  input_appropriate: z.number(),
  output_correct: z.number(),
  all: z.number(),
})
const runParts = z.object({
  settings: z.record(text, z.unknown()).catch(() => ({})),
  versions: z.record(text, text).catch(() => ({})),
  funnel: counts.catch(() => ({})),
  rejected: z.partialRecord(stepName, counts).catch(() => ({})),
  cost: z.partialRecord(stepName, stepCost).catch(() => ({})),
  judge: judgement.optional().catch(undefined),
})

const named = <T extends { instruction: string }>(row: T) => ({ id: idOf(row.instruction), ...row })

export const shapes = {
  instruction: z.object({ instruction, most_similar: mostSimilar, call }).transform(named),
  classified: z.object({ instruction, is_classification: z.boolean(), call }).transform(named),
  withInstances: z
    .object({ instruction, is_classification: z.boolean(), instances: z.array(instance).min(1), call })
    .transform(named),
  example: z.object({ instruction: text, input: text, output: text }),
  rejected: z.object({
    step: stepName,
    reason: text,
    detail: text,
    instruction: text,
    input: text.optional(),
    output: text.optional(),
    call: text.optional(),
  }),
  /** Whatever row has an instruction. */
  any: z.object({ instruction }),
  run: runParts.catch(() => ({ settings: {}, versions: {}, funnel: {}, rejected: {}, cost: {} })),
  seed: z.object({
    instruction,
    is_classification: z.boolean().optional(),
    instances: z.array(instance).optional(),
  }),
  written: z.object({
    instruction,
    is_classification: z.boolean(),
    instances: z.array(instance),
    fault: text.optional(),
  }),
}

export type InstructionRow = Zod.infer<typeof shapes.instruction>
export type ClassifiedRow = Zod.infer<typeof shapes.classified>
export type InstancesRow = Zod.infer<typeof shapes.withInstances>
export type ExampleRow = Zod.infer<typeof shapes.example>
export type RejectedRow = Zod.infer<typeof shapes.rejected>
export type SeedTask = Zod.infer<typeof shapes.seed>

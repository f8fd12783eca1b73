// The four reply shapes as JSON schemas for servers that enforce them: every field required, nothing else allowed
// (the rules of OpenAI's strict mode). Each step's prompt shows the same shape in words, for servers that do not.

const object = (properties: Record<string, object>) => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
})
const list = (items: object) => ({ type: 'array', items })
const text = { type: 'string' }
const number = { type: 'integer' }
const yesOrNo = { type: 'boolean' }

export const schemas = {
  tasks: object({ tasks: list(text) }),
  classification: object({ answers: list(object({ task: number, is_classification: yesOrNo })) }),
  instances: object({ instances: list(object({ input: text, output: text })) }),
  // Servers that enforce a schema write the fields in its order: for classification the label comes first.
  labelled: object({ instances: list(object({ output: text, input: text })) }),
  judgement: object({
    verdicts: list(
      object({
        row: number,
        instruction_valid: yesOrNo,
        input_appropriate: yesOrNo,
        output_correct: yesOrNo,
      }),
    ),
  }),
}

export type SchemaName = keyof typeof schemas

/** The name a schema has on the wire. */
export function wireName(schema: SchemaName): string {
  return schema === 'labelled' ? 'instances' : schema
}

import { describe, expect, it } from 'vitest'
import { readAnswers, readInstances, readTasks, readVerdicts } from '../../steps/text/replies.ts'

describe('the shapes as asked', () => {
  it('reads all four', () => {
    expect(readTasks('{"tasks":["Name three rivers."]}', false)?.tasks).toEqual(['Name three rivers.'])
    expect(readAnswers('{"answers":[{"task":1,"is_classification":true}]}', false, 1)).toEqual(
      new Map([[1, true]]),
    )
    expect(readInstances('{"instances":[{"input":"2, 3","output":"5"}]}', false, false)?.instances).toEqual([
      { input: '2, 3', output: '5' },
    ])
    const verdict = { instruction_valid: true, input_appropriate: true, output_correct: false }
    expect(readVerdicts(JSON.stringify({ verdicts: [{ row: 1, ...verdict }] }), false, 1)).toEqual(
      new Map([[1, verdict]]),
    )
  })
})

import { describe, expect, it } from 'vitest'
import { readAnswers, readVerdicts } from '../../steps/text/replies.ts'

const read = (reply: string, count = 3, cut = false) => {
  const answers = readAnswers(reply, cut, count)
  return answers && Object.fromEntries(answers)
}

describe('classification answers', () => {
  it.each([
    ['as asked', '{"answers":[{"task":1,"is_classification":true},{"task":2,"is_classification":false}]}'],
    ['a bare array', '[{"task":1,"is_classification":true},{"task":2,"is_classification":false}]'],
    ['objects one a line', '{"task":1,"is_classification":true}\n{"task":2,"is_classification":false}'],
    [
      'numbers and booleans as strings',
      '[{"task":"1","is_classification":"yes"},{"task":"Task 2","is_classification":"No."}]',
    ],
    ['Python literals', "[{'task': 1, 'is_classification': True}, {'task': 2, 'is_classification': False}]"],
    [
      'other spellings of the keys',
      '[{"Task Number":1,"isClassification":true},{"id":2,"Is Classification":false}]',
    ],
    ['Chinese keys and answers', '[{"任务":1,"答案":"是"},{"任务":2,"答案":"否"}]'],
    ['keyed by number', '{"1":"yes","2":"no"}'],
    ['keyed by number under the name', '{"answers":{"task1":true,"task2":false}}'],
    ['a numbered list', '1. yes\n2. no'],
    [
      'a list that explains itself',
      'Here are my answers:\n1) **Yes** - it has two labels\n2) No, it is open-ended',
    ],
    ['labelled lines', 'Task 1: Yes\nTask 2: No'],
    ['named lines', '1. is_classification: true\n2. is_classification: false'],
    ['Chinese lines', '1、是\n2、不是'],
    ['after a thought', '<think>1. no, wait</think>{"1":"yes","2":"no"}'],
  ])('reads %s', (_, reply) => {
    expect(read(reply)).toEqual({ 1: true, 2: false })
  })

  it.each([
    ['booleans', '[true,false,true]'],
    ['words', '["yes","no","yes"]'],
    [
      'objects',
      '{"answers":[{"is_classification":true},{"is_classification":false},{"is_classification":true}]}',
    ],
  ])('counts %s without numbers only where their number is right', (_, reply) => {
    expect(read(reply, 3)).toEqual({ 1: true, 2: false, 3: true })
    expect(read(reply, 4)).toBeUndefined()
  })

  it.each([
    ['an odd answer', '[{"task":1,"is_classification":"maybe"},{"task":2,"is_classification":true}]'],
    ['a number as an answer', '[{"task":1,"is_classification":1},{"task":2,"is_classification":true}]'],
    ['no answer', '[{"task":1},{"task":2,"is_classification":true}]'],
    [
      'two answers at once',
      '[{"task":1,"is_classification":true,"answer":false},{"task":2,"is_classification":true}]',
    ],
    [
      'answers that contradict',
      '[{"task":1,"is_classification":true},{"task":1,"is_classification":false},{"task":2,"is_classification":true}]',
    ],
    [
      'a task nobody asked about',
      '[{"task":9,"is_classification":true},{"task":2,"is_classification":true}]',
    ],
    ['a sentence that opens with no', '1. No idea\n2. Yes'],
    ['yes and no', '1. Yes and no\n2. Yes'],
  ])('leaves out %s', (_, reply) => {
    expect(read(reply)).toEqual({ 2: true })
  })

  it.each([
    ['prose', 'Yes, most of them are classification tasks.'],
    [
      'numbers that count from 0',
      '[{"index":0,"is_classification":true},{"index":1,"is_classification":false}]',
    ],
    ['a thought without end', '<think>\n1. yes\n2. no'],
    ['nothing', ''],
  ])('makes no answer of %s', (_, reply) => {
    expect(read(reply)).toBeUndefined()
  })

  it('takes a lone yes or no where one task was asked about', () => {
    expect(read('Yes.', 1)).toEqual({ 1: true })
    expect(read('否', 1)).toEqual({ 1: false })
    expect(read('Yes.', 2)).toBeUndefined()
  })

  it('keeps the whole answers of a reply that was cut', () => {
    expect(read('{"answers":[{"task":1,"is_classification":true},{"task":2,"is_classif', 20, true)).toEqual({
      1: true,
    })
    expect(read('{"1":true,"2":fal', 20, true)).toEqual({ 1: true })
    expect(read('1. yes\n2. no\n3. no', 20, true)).toEqual({ 1: true, 2: false })
  })
})

const verdicts = (reply: string) => {
  const read = readVerdicts(reply, false, 3)
  return read && Object.fromEntries(read)
}

describe('verdicts', () => {
  const good = { instruction_valid: true, input_appropriate: true, output_correct: false }

  it.each([
    ['as asked', JSON.stringify({ verdicts: [{ row: 1, ...good }] })],
    ['a bare array in a fence', `\`\`\`json\n${JSON.stringify([{ row: '1', ...good }])}\n\`\`\``],
    [
      'words',
      '{"verdicts":[{"row":1,"instruction_valid":"yes","input_appropriate":"Yes","output_correct":"no"}]}',
    ],
    ['keyed by number', JSON.stringify({ '1': good })],
  ])('reads %s', (_, reply) => {
    expect(verdicts(reply)).toEqual({ 1: good })
  })

  it('leaves out a row that lacks one of the three answers', () => {
    const reply = {
      verdicts: [
        { row: 1, instruction_valid: true, output_correct: true },
        { row: 2, ...good },
      ],
    }
    expect(verdicts(JSON.stringify(reply))).toEqual({ 2: good })
  })

  it('makes no verdict of prose', () => {
    expect(verdicts('All rows look valid to me.')).toBeUndefined()
  })
})

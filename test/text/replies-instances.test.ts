import { describe, expect, it } from 'vitest'
import { readInstances } from '../../steps/text/replies.ts'

const read = (reply: string, isClassification = false) => readInstances(reply, false, isClassification)
const rows = (reply: string, isClassification = false) => read(reply, isClassification)?.instances
const why = (reply: string, isClassification = false) => {
  const { instances, dropped } = read(reply, isClassification) ?? {}
  return { instances, dropped: dropped?.map(({ why }) => why) }
}

const fenced = (output: number) => `\`\`\`json\n{"input":"a","output":"${output}"}\n\`\`\``

describe('instances as JSON', () => {
  it.each([
    ['as asked', '{"instances":[{"input":"2, 3","output":"5"}]}'],
    ['a bare array', '[{"input":"2, 3","output":"5"}]'],
    ['a single object', '{"input":"2, 3","output":"5"}'],
    ['capital keys', '{"Instances":[{"Input":"2, 3","Output":"5"}]}'],
    ['Chinese keys', '[{"输入":"2, 3","输出":"5"}]'],
    ['a number as output', '{"instances":[{"input":"2, 3","output":5}]}'],
    ['an explanation beside', '{"instances":[{"id":1,"input":"2, 3","output":"5","explanation":"2 + 3"}]}'],
    ['one object under the name', '{"instance":{"input":"2, 3","output":"5"}}'],
    ['after an unfinished example', 'Like {"input": …}:\n{"instances":[{"input":"2, 3","output":"5"}]}'],
    [
      'after a thought that quotes its own end',
      '<think>`</think>` ends it</think>{"instances":[{"input":"2, 3","output":"5"}]}',
    ],
    ['in triple quotes', '{"instances":[{"input":"2, 3","output":"""5"""}]}'],
    ['question and answer', '{"instances":[{"question":"2, 3","answer":"5"}]}'],
    ['text and label', '[{"label":"5","text":"2, 3"}]'],
    ['input and response', '[{"input":"2, 3","response":"5"}]'],
    ['the instruction beside', '[{"instruction":"Add.","input":"2, 3","output":"5"}]'],
    ['measures beside', '[{"input":"2, 3","output":"5","score":0.9,"checked":true}]'],
    ['the same answer twice', '[{"input":"2, 3","output":"5","class_label":"5"}]'],
    ['a bracket forgotten', '{"instances":[{"input":"2, 3","output":"5"]}'],
    ['the last bracket forgotten', '{"input":"2, 3","output":"5"'],
    ['a bracket too many', '{"instances":[{"input":"2, 3","output":"5"}}]}'],
    ['a comma forgotten', '{"input":"2, 3" "output":"5"}'],
    ['inside another object', '{"result":{"instances":[{"input":"2, 3","output":"5"}]}}'],
    ['before a special token', '{"instances":[{"input":"2, 3","output":"5</s>"}]}<|im_end|>'],
    ['before another turn', '{"instances":[{"input":"2, 3","output":"5<|eot_id|><|start_header_id|>user"}]}'],
  ])('reads %s', (_, reply) => {
    expect(read(reply)).toEqual({ instances: [{ input: '2, 3', output: '5' }], dropped: [], cut: false })
  })

  it.each(['<noinput>', 'N/A', 'n/a.', 'None', '无', '<无输入>', 'No input', ''])(
    'takes %j for no input',
    (input) => {
      expect(rows(JSON.stringify({ instances: [{ input, output: 'x' }] }))).toEqual([
        { input: '', output: 'x' },
      ])
      expect(rows(`Input: ${input}\nOutput: x`)).toEqual([{ input: '', output: 'x' }])
    },
  )

  it.each([
    ['no input', '{"instances":[{"output":"x"}]}', '', 'x'],
    ['null for no input', '{"instances":[{"input":null,"output":"x"}]}', '', 'x'],
    ['numbers as written', '[{"input":3.10,"output":12345678901234567890}]', '3.10', '12345678901234567890'],
    ['lists and objects', '[{"input":[3, 1.50],"output":{"a":"1"}}]', '[3,1.50]', '{"a":"1"}'],
    ['lines and capitals', '[{"input":"  A\\n\\n b","output":"C  d\\n"}]', 'A\n\n b', 'C  d'],
    [
      'thoughts inside strings',
      '</think>[{"input":"<think>a</think>","output":"b"}]',
      '<think>a</think>',
      'b',
    ],
  ])('keeps %s', (_, reply, input, output) => {
    expect(rows(reply)).toEqual([{ input, output }])
  })

  it('joins objects in several fences', () => {
    expect(rows(`${fenced(1)}\n\nAnd another:\n\n${fenced(2)}`)?.map(({ output }) => output)).toEqual([
      '1',
      '2',
    ])
  })

  it('checks each row on its own', () => {
    const reply =
      '{"instances":[{"input":"a","output":"b"},{"input":"c"},{"input":"d","output":""},"e",{"x":1}]}'
    expect(why(reply)).toEqual({
      instances: [
        { input: 'a', output: 'b' },
        { input: 'd', output: '' },
      ],
      dropped: ['no_output', 'not_a_row', 'not_a_row'],
    })
  })

  it.each([
    ['curly quotes before a comma', '放进“冰箱”，关门。'],
    ['half a pair of curly quotes', '他说：“好'],
    ['an escaped straight quote', 'Say "no", then go.'],
    ['brackets and colons', 'a: {b} [c], "d": e'],
    ['labels of another row', '明天答复。\n输入：开会总迟到\n输出：早十分钟。'],
  ])('reads valid JSON as it is, with %s inside', (_, output) => {
    const reply = JSON.stringify({ instances: [{ input: '', output }] })
    expect(why(reply)?.instances).toEqual([{ input: '', output }])
    expect(why(`好的：\n\n\`\`\`json\n${reply}\n\`\`\`\n\n请看。`)?.instances).toEqual([
      { input: '', output },
    ])
  })

  it.each([
    ['code', '{"input":"","output":"print("a")"}', 'print("a")'],
    ['an object of code', '{"input":"","output":"x = {"a": 1, "b": [2]}"}', 'x = {"a": 1, "b": [2]}'],
    ['a place in a list', '{"input":"","output":"return row["a"]\n"}', 'return row["a"]'],
    [
      'a comment of code',
      '{"input":"","output":"def f():\\n    """Ends, or not."""\\n    return {}"}',
      'def f():\n    """Ends, or not."""\n    return {}',
    ],
    ['a time in code', '{"input":"","output":"at("07:00").do("eat", 5)"}', 'at("07:00").do("eat", 5)'],
    ['speech', '{"input":"","output":"He said "no", then "yes"."}', 'He said "no", then "yes".'],
    ['an opening quotation', '{"input":"","output":""画龙点睛"是成语。"}', '"画龙点睛"是成语。'],
  ])('keeps the quotes of %s', (_, reply, output) => {
    expect(rows(reply)).toEqual([{ input: '', output }])
    expect(rows(`{"instances":[${reply},${reply}]}`)).toEqual([
      { input: '', output },
      { input: '', output },
    ])
  })

  it.each([
    ['a number', 'Spring.\n##\n18. Instruction: Name a hill.\n18. Input:\nHarz\n18. Output:\nBrocken'],
    ['a heading', 'Spring.\n\n### Instruction:\nName a hill.\n\n### Response:\nBrocken'],
    ['a label and its rows', 'Spring.\n\nInstruction: Name a hill.\nInput: <noinput>\nOutput: Brocken'],
    ['a counted task', 'Spring.\nTask 2: Name a hill.\nBrocken'],
    ['a task and its rows', 'Spring.\n\nTask: Name a hill.\nOutput: Brocken'],
    ['a Chinese number', 'Spring.\n##\n18. 指令：说出一座山\n18. 输出：\n黄山'],
    ['a Chinese heading', 'Spring.\n\n### 指令：\n说出一座山。\n### 输出：\n黄山'],
    ['a rule on the same line', 'Spring. ## 18. Instruction: Name a hill.'],
  ])('cuts an output where a second example begins with %s', (_, output) => {
    expect(rows(JSON.stringify({ instances: [{ input: '', output }] }))).toEqual([
      { input: '', output: 'Spring.' },
    ])
    expect(rows(`Output: ${output}`)).toEqual([{ input: '', output: 'Spring.' }])
  })

  it.each([
    'Task 1: sweep.\nTask 2: mop.',
    '# Plan\n\n## Task: sweep\nBegin at the door.',
    'To do:\nTask: sweep\nDone.',
    'Ingredients: eggs.\nInstructions: whisk.',
  ])('leaves the output %j whole', (output) => {
    expect(rows(JSON.stringify({ instances: [{ input: '', output }] }))).toEqual([{ input: '', output }])
  })

  it.each([
    ['the shape repeated', '{"instances":[{"input":"…","output":"…"}]}'],
    ['two outputs', '{"instances":[{"input":"a","output":"b","class_label":"c"}]}'],
    ['a field that may belong to the input', '{"instances":[{"input":"a","context":"b","output":"c"}]}'],
    ['an input under a name of its own', '{"instances":[{"sentence":"a","output":"c"}]}'],
  ])('drops %s', (_, reply) => {
    expect(why(reply)).toEqual({ instances: [], dropped: ['not_a_row'] })
  })

  it.each([
    ['inside the last row', '{"instances":[{"input":"a","output":"b"},{"input":"c","output":"d', true],
    ['between two fields', '{"instances":[{"input":"a","output":"b"},{"input":"c",', true],
    ['between two rows', '{"instances":[{"input":"a","output":"b"},', false],
    ['before the last brackets', '{"instances":[{"input":"a","output":"b"}', false],
    ['behind the last bracket', '{"instances":[{"input":"a","output":"b"}]}', false],
  ])('keeps the whole rows of a reply that ended %s', (_, reply, cut) => {
    for (const said of [true, false]) {
      expect(readInstances(reply, said, false)).toMatchObject({
        instances: [{ input: 'a', output: 'b' }],
        cut,
      })
    }
  })

  it('is harmless under prototype keys', () => {
    expect(rows('{"instances":[{"__proto__":{"output":"x"},"input":"a"}]}')).toEqual([])
    expect(rows('{"instances":[{"input":"a","output":"b"}],"constructor":{"prototype":1}}')).toHaveLength(1)
  })
})

describe('instances as labelled text', () => {
  it.each([
    ['plain', 'Input: a\nOutput: b\n\nInput: c\nOutput: d'],
    ['on lines of their own', 'INPUT:\na\n\nOUTPUT:\nb\n\nINPUT:\nc\n\nOUTPUT:\nd'],
    ['bold', '**Input:** a\n**Output:** b\n\n**Input**: c\n**Output**: d'],
    ['bold lines', '**Input: a**\n**Output: b**\n**Input: c**\n**Output: d**'],
    ['Chinese', '输入：a\n输出：b\n输入:c\n输出:d'],
    ['numbered', '1. Input: a\n   Output: b\n2. Input: c\n   Output: d'],
    ['with numbers behind', 'Input 1: a\nOutput 1: b\n\nInput 2: c\nOutput 2: d'],
    [
      'under headings',
      'Sure!\n\n### Example 1\nInput: a\nOutput: b\n\n---\n\n**Example 2:**\nInput: c\nOutput: d',
    ],
    ['under numbers', '1.\nInput: a\nOutput: b\n\n2.\nInput: c\nOutput: d'],
    ['in a fence', 'Here are two:\n```\nInput: a\nOutput: b\n\nInput: c\nOutput: d\n```\nGood luck!'],
    ['with CRLF', 'Input: a\r\nOutput: b\r\n\r\nInput: c\r\nOutput: d\r\n'],
    [
      'before a closing remark',
      'Input: a\nOutput: b\n\nInput: c\nOutput: d\n\nLet me know if you need more examples!',
    ],
    [
      'before a task of its own',
      'Input: a\nOutput: b\n\nInput: c\nOutput: d\n\nTask: Name a hill.\nOutput: Brocken',
    ],
    ['before a task cut short', 'Input: a\nOutput: b\n\nInput: c\nOutput: d\n\nTask  '],
  ])('reads several pairs %s', (_, reply) => {
    const pairs = [
      { input: 'a', output: 'b' },
      { input: 'c', output: 'd' },
    ]
    expect(read(reply)).toEqual({ instances: pairs, dropped: [], cut: false })
  })

  it.each([
    ['an output alone', 'Output: Berlin', '', 'Berlin'],
    ['an empty input', 'Input:\nOutput: Berlin', '', 'Berlin'],
    ['an input with a name of its own', 'Country: Germany\nOutput: Berlin', 'Country: Germany', 'Berlin'],
    [
      'that input above an empty label',
      'Country: Germany\nInput:\nOutput: Berlin',
      'Country: Germany',
      'Berlin',
    ],
    ['a quoted example', 'Example: "Germany"\nOutput: Berlin', '"Germany"', 'Berlin'],
    ['chatter before', 'Here is one:\nOutput: Berlin', '', 'Berlin'],
    ['a number alone on its line', 'Input:\n5\n\nOutput:\n7.\n', '5', '7.'],
    ['JSON as output', 'Input: a\nOutput: [{"name":"b"}]', 'a', '[{"name":"b"}]'],
    ['code as output', 'Output:\ndef f():\n  return {"output": 5}', '', 'def f():\n  return {"output": 5}'],
    [
      'paragraphs',
      'Input: a\nOutput: First.\n\nSecond: yes.\n\n1. Third',
      'a',
      'First.\n\nSecond: yes.\n\n1. Third',
    ],
    ['a task inside the output', 'Output: To do\nTask: sweep\nDone.', '', 'To do\nTask: sweep\nDone.'],
    ['an answer above an empty output', 'Answer: Berlin.\n\nOutput:\n', '', 'Berlin.'],
    ['an answer alone', 'Answer: Berlin.', '', 'Berlin.'],
  ])('reads %s', (_, reply, input, output) => {
    expect(rows(reply)).toEqual([{ input, output }])
  })

  it.each([
    ['an input alone', 'Input: Germany', 'no_output'],
    ['an input with an empty output', 'Input: Germany\nOutput:\n', 'no_output'],
    ['two empty labels', 'Input:\nOutput:', 'no_output'],
    ['a named field above an empty output', 'Country: Germany\nOutput:', 'no_output'],
    ['prose above an empty output', 'The capital of Germany is Berlin.\n\nOutput:', 'no_output'],
    ['an output on the line of the input', 'Input: Germany Output: Berlin', 'no_output'],
    ['prose above an output', 'Germany is in Europe.\nOutput: Berlin', 'not_a_row'],
    ['an answer above an output', 'Answer: Berlin\nOutput: Bonn', 'not_a_row'],
    ['code above an output', 'def f():\n  return 5\nOutput: 5', 'not_a_row'],
    ['two inputs in a row', 'Input: Germany\nInput: France\nOutput: Berlin', 'not_a_row'],
    ['two outputs for one input', 'Input: Germany\nOutput: Berlin\nOutput: Bonn', 'not_a_row'],
    [
      'an example and a program',
      'Example Input: 2\nExample Output: 4\n\nOutput:\ndef double(n): ...',
      'not_a_row',
    ],
    ['half a label in the output', 'Input: 2\nOutput: 4\n\nOutput should be: 5', 'not_a_row'],
    ['a field beside the input', 'Country: Germany\nInput: 3\nOutput: Berlin', 'not_a_row'],
    ['output first where the task is none of classification', 'Output: Berlin\nInput: Germany', 'not_a_row'],
  ])('drops %s', (_, reply, code) => {
    expect(why(reply)).toEqual({ instances: [], dropped: [code] })
  })

  it('keeps the pair beside an input that lacks its output', () => {
    expect(read('Input: a\n\nInput: b\nOutput: c')).toEqual({
      instances: [{ input: 'b', output: 'c' }],
      dropped: [{ text: 'Input: a', why: 'no_output' }],
      cut: false,
    })
  })

  it.each([
    ['labels', 'Class label: Good\nReview: I came back twice.\n\nClass label: Bad\nReview: Never again.'],
    [
      'labels and inputs',
      'Class label: Good\nInput: Review: I came back twice.\nClass label: Bad\nInput: Review: Never again.',
    ],
    [
      'outputs and inputs',
      'Output: Good\nInput: Review: I came back twice.\n\nOutput: Bad\nInput: Review: Never again.',
    ],
    [
      'inputs and labels',
      'Input: Review: I came back twice.\nClass label: Good\nInput: Review: Never again.\nClass label: Bad',
    ],
    ['Chinese labels', '类别：Good\n输入：Review: I came back twice.\n类别：Bad\n输入：Review: Never again.'],
  ])('reads %s of a classification task', (_, reply) => {
    expect(rows(reply, true)).toEqual([
      { input: 'Review: I came back twice.', output: 'Good' },
      { input: 'Review: Never again.', output: 'Bad' },
    ])
  })

  it('drops class labels that stand without what they label', () => {
    expect(why('Class label: Good\nClass label: Bad', true)).toEqual({
      instances: [],
      dropped: ['not_a_row', 'not_a_row'],
    })
  })

  it('drops the last row of a reply that was cut', () => {
    expect(readInstances('Input: a\nOutput: b\n\nInput: c\nOutput: d', true, false)).toEqual({
      instances: [{ input: 'a', output: 'b' }],
      dropped: [{ text: 'd', why: 'cut' }],
      cut: true,
    })
    expect(readInstances('Input: a\nOutput:\n1. b\n2.', false, false)).toMatchObject({
      instances: [],
      cut: true,
    })
  })
})

describe('replies that hold no instance', () => {
  it.each([
    ['nothing', ''],
    ['prose', 'The capital of Germany is Berlin.'],
    ['a refusal', 'I am sorry, but I cannot help with that.'],
    ['a question', 'Could you tell me what you mean by "it"?'],
    ['a list without labels', '1. Berlin\n2. Paris'],
    ['code that nobody asked for', 'def f():\n  return 5'],
    ['words outside of strings', '{"input": Germany, please, "output": Berlin}'],
    ['an error as JSON', '{"error":{"message":"overloaded"}}'],
    ['another shape', '{"result":{"text":"overloaded"}}'],
    ['an answer that is another shape', '{"response":{"message":"overloaded"}}'],
  ])('reads nothing from %s', (_, reply) => {
    expect(read(reply)).toBeUndefined()
  })

  it.each([
    ['a thought without end', '<think>\nInput: a\nOutput: b', false],
    ['an empty reply', '', true],
    ['chatter', 'Sure! Here are two', true],
  ])('calls %s cut', (_, reply, said) => {
    expect(readInstances(reply, said, false)).toMatchObject({ instances: [], cut: true })
  })
})

const answer = (reply: string, instruction: string) =>
  readInstances(reply, false, false, instruction)?.instances

describe('code without a label', () => {
  const code = 'def double(n):\n  return 2 * n'

  it.each([
    ['bare', code],
    ['in a fence', `\`\`\`python\n${code}\n\`\`\``],
    ['above an empty output', `${code}\n\nOutput:\n`],
  ])('is the answer where the instruction asks for code: %s', (_, reply) => {
    const output = reply.replace(/\s*Output:\s*$/, '')
    expect(answer(reply, 'Write a function that doubles a number.')).toEqual([{ input: '', output }])
    expect(answer(reply, '编写一个函数，把数字加倍。')).toEqual([{ input: '', output }])
  })

  it.each([
    'Explain how this works.',
    'Write a test for the following function.',
    'Make this code faster.',
    '',
  ])('is no answer to %j', (instruction) => {
    expect(answer(code, instruction)).toBeUndefined()
  })

  it('is no answer where prose stands beside it', () => {
    expect(
      answer(`${code}\n\nThis function takes a number and doubles it.`, 'Write a function that doubles.'),
    ).toBeUndefined()
  })
})

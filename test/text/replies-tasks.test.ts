import { describe, expect, it } from 'vitest'
import { readTasks } from '../../steps/text/replies.ts'

const read = (reply: string, cut = false) => readTasks(reply, cut)?.tasks

describe('tasks as JSON', () => {
  it.each([
    ['as asked', '{"tasks":["Name a river.","Name a lake."]}'],
    ['a bare array', '["Name a river.","Name a lake."]'],
    ['objects in the list', '{"tasks":[{"task":"Name a river."},{"Instruction":"Name a lake."}]}'],
    ['objects one a line', '{"task":"Name a river."}\n{"task":"Name a lake."}'],
    ['keyed by number', '{"1":"Name a river.","2":"Name a lake."}'],
    ['keyed by number under the name', '{"tasks":{"task1":"Name a river.","task2":"Name a lake."}}'],
    ['another name for the list', '{"New Tasks":["Name a river.","Name a lake."]}'],
    ['numbered inside the strings', '{"tasks":["9. Name a river.","10) Name a lake."]}'],
    ['in a fence', '```json\n["Name a river.","Name a lake."]\n```'],
    [
      'after a fence of another language',
      '```python\nprint(1)\n```\n```json\n["Name a river.","Name a lake."]\n```',
    ],
    ['between chatter', 'Sure! Here you go:\n\n["Name a river.","Name a lake."]\n\nAnything else?'],
    ['on the line of the chatter', 'Here: {"tasks":["Name a river.","Name a lake."]} Done [1].'],
    ['after the shape repeated', '{"tasks":["…"]}\n\n{"tasks":["Name a river.","Name a lake."]}'],
    ['in single quotes', "{'tasks': ['Name a river.', 'Name a lake.']}"],
    ['in smart quotes', '{“tasks”: [“Name a river.”, “Name a lake.”]}'],
    [
      'with full-width punctuation',
      '{"tasks"："Name a river."，"x"：1}'.replace('"Name a river."', '["Name a river."，"Name a lake."]'),
    ],
    ['with trailing commas', '{"tasks":["Name a river.","Name a lake.",],}'],
    ['with a comma forgotten', '{"tasks":["Name a river."\n"Name a lake."]}'],
    ['with comments', '{"tasks":[ // two\n"Name a river.", # one\n"Name a lake."]}'],
    ['with bare keys', '{tasks:["Name a river.","Name a lake."]}'],
    ['with the last brackets forgotten', '{"tasks":["Name a river.","Name a lake.",'],
    ['with the last bracket forgotten', '{"tasks":["Name a river.","Name a lake."]'],
    ['with the inner bracket forgotten', '{"tasks":["Name a river.","Name a lake."}'],
    ['with a comma forgotten on one line', '{"tasks":["Name a river." "Name a lake."]}'],
    ['with a comma and the space forgotten', '{"tasks":["Name a river.""Name a lake."]}'],
    ['inside another object', '{"data":{"tasks":["Name a river.","Name a lake."]}}'],
    [
      'as the arguments of a tool call',
      '<tool_call>\n{"name":"add","arguments":{"tasks":["Name a river.","Name a lake."]}}\n</tool_call>',
    ],
    ['in a string of JSON', '{"tasks":"[\\"Name a river.\\",\\"Name a lake.\\"]"}'],
    ['as lines in a string', '{"tasks":"1. Name a river.\\n2. Name a lake."}'],
    ['under a name of its own', '{"exercises":["Name a river.","Name a lake."]}'],
    ['keyed by task', '{"task_1":"Name a river.","task_2":"Name a lake."}'],
    ['as texts', '[{"text":"Name a river."},{"text":"Name a lake."}]'],
    [
      'with numbers beside',
      '[{"task":1,"instruction":"Name a river."},{"task":2,"instruction":"Name a lake."}]',
    ],
    [
      'with answers beside',
      '[{"question":"Name a river.","answer":"Rhine"},{"prompt":"Name a lake.","output":"Como"}]',
    ],
    [
      "after harmony's analysis",
      '<|channel|>analysis<|message|>{"tasks":["No."]}<|end|><|start|>assistant<|channel|>final<|message|>["Name a river.","Name a lake."]<|return|>',
    ],
    ['beside a prototype key', '{"__proto__":{"tasks":["x"]},"tasks":["Name a river.","Name a lake."]}'],
  ])('reads %s', (_, reply) => {
    expect(read(reply)).toEqual(['Name a river.', 'Name a lake.'])
  })

  it.each([
    [
      'quotes left open inside a string',
      '{"tasks":["Explain "maybe" to a child."]}',
      'Explain "maybe" to a child.',
    ],
    ['an apostrophe in single quotes', "['It's late: write an excuse.']", "It's late: write an excuse."],
    ['a line break inside a string', '["Sort:\nb, a"]', 'Sort:\nb, a'],
    ['a thought inside a string', '{"tasks":["Explain the <think> tag."]}', 'Explain the <think> tag.'],
    [
      'LaTeX with single backslashes',
      '["Solve $\\frac{1}{x} \\times 2 = \\beta$."]',
      'Solve $\\frac{1}{x} \\times 2 = \\beta$.',
    ],
    ['LaTeX with double backslashes', '["Solve $\\\\frac{1}{x}$."]', 'Solve $\\frac{1}{x}$.'],
    ['a pattern', '["Explain \\d+\\s."]', 'Explain \\d+\\s.'],
    ['escapes', '["Say \\"hi\\"\\tand\\u0021"]', 'Say "hi"\tand!'],
    ['a lone surrogate', '["Explain \ud83d."]', 'Explain \ud83d.'],
    ['a quoted word', '["Use "set" twice in one sentence."]', 'Use "set" twice in one sentence.'],
    ['quoted words in a row', '["Choose "yes", "no" or both."]', 'Choose "yes", "no" or both.'],
    ['a quoted idiom', '["解释成语"画龙点睛"，再造一个句子。"]', '解释成语"画龙点睛"，再造一个句子。'],
    ['quoted idioms in a row', '["比较"画龙点睛","锦上添花"的意思。"]', '比较"画龙点睛","锦上添花"的意思。'],
    ['a quotation to the end', '["Who said "I came, I saw"?"]', 'Who said "I came, I saw"?'],
    ['inches', '["Describe a 5" nail."]', 'Describe a 5" nail.'],
    ['curly quotes', '["解释“锦上添花”，再造一个句子。",]', '解释“锦上添花”，再造一个句子。'],
    ['quotes of an attribute', '["Explain <a href="x.html">."]', 'Explain <a href="x.html">.'],
  ])('keeps %s', (_, reply, task) => {
    expect(read(reply)).toEqual([task])
  })

  it.each([
    ['words outside of strings', '{"tasks":[Name a river, Name a lake]}'],
    ['brackets in prose', 'I am [Name], and [Age] years old.'],
    ['a list inside prose', 'My favourites are ["red", "blue"], as you know.'],
    ['numbers', '[1, 2, 3]'],
  ])('makes no task of %s', (_, reply) => {
    expect(read(reply)).toBeUndefined()
  })

  it.each([
    ['a label', 'Instruction: Name a river.'],
    ['a bold label', '**Task:** Name a river.'],
    ['a bold line', '**Task: Name a river.**'],
    ['a heading', '### Instruction: Name a river.'],
    ['a label on its own line', 'Instruction:\nName a river.'],
    ['a number and a label', 'Task 1: Name a river.'],
    ['a number before a label', '3. Task: Name a river.'],
    ['a Chinese label', '指令：Name a river.'],
    ['a Chinese number', '任务3：Name a river.'],
    ['a tag', '[Geography] Name a river.'],
    ['a tag in round brackets', '(Geography) Name a river.'],
    ['a category', 'Category: Geography. Name a river.'],
    ['an answer', 'Name a river. Answer: the Rhine'],
    ['an answer below', 'Name a river.\nAnswer: the Rhine'],
    ['an answer in brackets', 'Name a river. (Answer: the Rhine)'],
    ['a Chinese answer', 'Name a river. 答案：莱茵河'],
    ['an example', 'Name a river.\nInput: Germany\nOutput: the Rhine'],
    ['an example after a blank line', 'Name a river.\n\n**Input:**\nGermany\n\n**Output:**\nthe Rhine'],
    ['no input', 'Name a river.\n<noinput>'],
    ['no input behind a label', 'Name a river. Input: None'],
    ['a special token', 'Name a river.</s>'],
    ['a special token of MiniMax', 'Name a river.[e~['],
    ['another turn', 'Name a river.<|im_end|>\n<|im_start|>user\nThanks!'],
    ['a rule', 'Name a river.\n###'],
  ])('takes %s off a task', (_, written) => {
    expect(read(JSON.stringify({ tasks: [written, 'Name a lake.'] }))).toEqual([
      'Name a river.',
      'Name a lake.',
    ])
  })

  it.each([
    'Answer the question: how tall is Everest?',
    'Sort the list: pears, apples.',
    'Explain what `<|endoftext|>` stands for.',
    'Explain what <s>old</s> does in HTML.',
    'Question the claim that rivers sleep.',
    'List three tasks of a mayor.\n- one a line',
  ])('leaves %j alone', (task) => {
    expect(read(JSON.stringify({ tasks: [task] }))).toEqual([task])
  })

  it('loses one task to a quote that may end elsewhere, not the reply', () => {
    expect(readTasks('["He said "go", "Name a lake.", "Name a hill."]', false)).toEqual({
      tasks: ['Name a lake.', 'Name a hill.'],
      dropped: [{ text: 'He said "go', why: 'not_a_row' }],
    })
  })

  it('keeps the last closed task of a reply that was cut', () => {
    const reply = '{"tasks":["Name a river.","Name a lake."'
    expect(readTasks(reply, true)).toEqual({ tasks: ['Name a river.', 'Name a lake.'], dropped: [] })
    expect(readTasks(`${reply}</s>`, false)?.tasks).toEqual(['Name a river.', 'Name a lake.'])
    expect(readTasks(`${reply}],"note":"I ho`, true)?.dropped).toEqual([])
  })

  it.each([
    '</s>',
    '<|im_end|>\n<|im_start|>user\n',
    '<|eot_id|>',
    '<end_of_turn>\n',
    '[/INST]',
    '<｜end▁of▁sentence｜>',
    '<|end▁of▁sentence|>',
    '<seed:eos>',
    '<turn|>\n<|turn>user\n',
    '[|endofturn|]',
    '<|reserved_special_token_0|>',
  ])('reads nothing behind %j', (token) => {
    expect(read(`{"tasks":["Name a river."]}${token}{"tasks":["Name a hill."]}`)).toEqual(['Name a river.'])
    expect(read(`1. Name a river.\n2. Name a lake.${token}3. Name a hill.`)).toEqual([
      'Name a river.',
      'Name a lake.',
    ])
  })

  it('keeps the whole tasks of a reply that was cut, and says what was lost', () => {
    const reply = '{"tasks":["Name a river.","Name a lake.","Name a mou'
    expect(readTasks(reply, true)).toEqual({
      tasks: ['Name a river.', 'Name a lake.'],
      dropped: [{ text: reply, why: 'cut' }],
    })
    expect(readTasks(reply, false)).toEqual(readTasks(reply, true))
  })

  it('loses nothing where the cut fell behind the closing bracket', () => {
    expect(readTasks('{"tasks":["Name a river."]}', true)).toEqual({ tasks: ['Name a river.'], dropped: [] })
  })

  it('drops the entry that is no task and keeps the rest', () => {
    expect(readTasks('{"tasks":["Name a river.",7,"...",{"x":1}]}', false)).toEqual({
      tasks: ['Name a river.'],
      dropped: ['7', '...', '{"x":1}'].map((text) => ({ text, why: 'not_a_row' })),
    })
  })

  it('takes an empty list for an answer', () => {
    expect(readTasks('{"tasks":[]}', false)).toEqual({ tasks: [], dropped: [] })
  })
})

describe('tasks as a list', () => {
  it.each([
    ['9. Name a river.\n10. Name a lake.'],
    ['9.Name a river.\n10.Name a lake.'],
    ['9 . Name a river.\n10 . Name a lake.'],
    ['9) Name a river.\n10) Name a lake.'],
    ['(9) Name a river.\n(10) Name a lake.'],
    ['9: Name a river.\n10: Name a lake.'],
    ['9\\. Name a river.\n10\\. Name a lake.'],
    ['**9.** Name a river.\n**10.** Name a lake.'],
    ['**9. Name a river.**\n**10. Name a lake.**'],
    ['9、Name a river.\n10、Name a lake.'],
    ['９．Name a river.\n１０．Name a lake.'],
    ['①Name a river.\n② Name a lake.'],
    ['### 9. Name a river.\n### 10. Name a lake.'],
    ['Task 9: Name a river.\nTask 10: Name a lake.'],
    ['**Task 9:** Name a river.\n\n**Task 10:** Name a lake.'],
    ['任务9：Name a river.\n任务 10：Name a lake.'],
    ['9. 9. Name a river.\n10. 10. Name a lake.'],
    ['1. Name a river.\n1. Name a lake.'],
    ['  1. Name a river.\r\n  2. Name a lake.\r\n'],
    ['1. Instruction: Name a river.\n2. **Task:** Name a lake.'],
    ['Here are 2 tasks:\n\n1. Name a river.\n\n2. Name a lake.\n\nLet me know if you need more!'],
    ['```\n1. Name a river.\n2. Name a lake.\n```'],
    ['<think>\n1. No.\n</think>\n1. Name a river.\n2. Name a lake.'],
    ['1. No.\n</think>\n1. Name a river.\n2. Name a lake.'],
    ['<seed:think>1. No.</seed:think>1. Name a river.\n2. Name a lake.'],
    ['<|START_THINKING|>1. No.<|END_THINKING|>1. Name a river.\n2. Name a lake.'],
    ['analysis1. No.assistantfinal1. Name a river.\n2. Name a lake.'],
    ['1. Name a river.\nInput: none\nOutput: Rhine\n2. Name a lake.'],
    [
      '1. Instruction: Name a river.\n1. Input:\n<noinput>\n1. Output:\nRhine\n###\n2. Instruction: Name a lake.\n###',
    ],
    ['Task 1:\n** Name a river.\n\n** Input:\n<noinput>\n\n** Output:\nRhine\n\nTask 2:\n** Name a lake.'],
    ['###\n1. 指令: Name a river.\n1. 输入:\n<无输入>\n1. 输出:\n莱茵河\n###\n2. 指令：Name a lake.'],
  ])('reads %j', (reply) => {
    expect(read(reply)).toEqual(['Name a river.', 'Name a lake.'])
  })

  it.each([
    ['decimals', '1. 3.14 is a number: name it.', '3.14 is a number: name it.'],
    ['a decimal behind the number', '1. Round 2.5 up.', 'Round 2.5 up.'],
    ['a number with a full stop', '1. Count from 1 to 20. Then stop.', 'Count from 1 to 20. Then stop.'],
    ['a time', '1. 10:30 is late: say why.', '10:30 is late: say why.'],
    ['a word of refusal', '1. Say why we cannot divide by 0.', 'Say why we cannot divide by 0.'],
    ['capitals and inner space', '1. WRITE  it   twice.', 'WRITE  it   twice.'],
    ['the lines below it', '1. Sort:\n   - pears\n   - apples', 'Sort:\n   - pears\n   - apples'],
    [
      'the paragraph a colon announces',
      '1. Correct this:\n\nI is late.\n\nThanks!',
      'Correct this:\n\nI is late.',
    ],
    ['a list in JSON below it', '1. Sort:\n["b","a"]', 'Sort:\n["b","a"]'],
  ])('keeps %s', (_, reply, task) => {
    expect(read(reply)).toEqual([task])
  })

  it('splits a list written on one line where its numbers count on', () => {
    expect(read('1. Name a river. 2. Name a lake. 3. Count to 20. Then rest.')).toEqual([
      'Name a river.',
      'Name a lake.',
      'Count to 20. Then rest.',
    ])
  })

  it('reads bullets only where there are no numbers, and three at least', () => {
    expect(read('- Name a river.\n- Name a lake.\n* Name a hill.')).toHaveLength(3)
    expect(read('- Name a river.\n- Name a lake.')).toBeUndefined()
  })

  it('drops the last task of a reply that was cut', () => {
    expect(readTasks('1. Name a river.\n2. Name a la', true)).toEqual({
      tasks: ['Name a river.'],
      dropped: [{ text: 'Name a la', why: 'cut' }],
    })
  })

  it.each([
    ['nothing', ''],
    ['prose', 'A good task is short. Think of rivers, lakes and hills.'],
    ['a decimal', '3.5 tasks are not enough.'],
    ['a refusal with reasons', 'I am sorry, but I cannot do that:\n1. It is unsafe.\n2. It is rude.'],
    ['a thought without end', '<think>\n1. Name a river.\n2. Name a lake.'],
    ['Seed’s thought without end', '<seed:think>So {"tasks":["Name a river."]} and'],
    ['Cohere’s thought without end', '<|START_THINKING|>So {"tasks":["Name a river."]} and'],
    ['a thought of gpt-oss without end', '<|channel|>analysis<|message|>So {"tasks":["Name a river."]} and'],
    ['the same without its marks', 'analysisWe might write {"tasks":["Name a river."]} and'],
    ['an error page', '<html><body><h1>502 Bad Gateway</h1></body></html>'],
  ])('makes no task of %s', (_, reply) => {
    expect(read(reply)).toBeUndefined()
  })
})

// What people have, brought in: each kind of file gives its rows, and what is no such file is named for what it is.
import { symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { describe, expect, it } from 'vitest'
import {
  Omissions,
  groupedRows,
  readInstructions,
  readMergeRows,
  readSeedTasks,
  readTopics,
} from '../../steps/workspace/data-rows.ts'
import { Fault, type Words } from '../../steps/workspace/fault.ts'
import { dataFiles } from '../../steps/workspace/from-others.ts'
import { temporaryFolder } from '../support/command.ts'

const river = { instruction: 'Name a river in Asia.', input: '', output: 'The Mekong.' }
const word = { instruction: 'Translate the word.', input: 'bread', output: 'pain' }
const both = [river, word]
const joined = 'Be brief.\n\nName a river in Asia.'

type Row = typeof river
const flat = ({ instruction, input, output }: Row) => [instruction, input, output]
const lines = (rows: readonly unknown[]): string => rows.map((row) => JSON.stringify(row)).join('\n')
const byColumn = (rows: readonly Row[]) =>
  Object.fromEntries(
    (['instruction', 'input', 'output'] as const).map((name) => [
      name,
      Object.fromEntries(rows.map((row, at) => [String(at), row[name]])),
    ]),
  )
const asLists = (rows: readonly Row[]) => ({
  instruction: rows.map((row) => row.instruction),
  input: rows.map((row) => row.input),
  output: rows.map((row) => row.output),
})
const chat = (question: string, answer: string, system?: string) => [
  ...(system === undefined ? [] : [{ role: 'system', content: system }]),
  { role: 'user', content: question },
  { role: 'assistant', content: answer },
]
const parquet = (columns: Record<string, unknown[]>, type?: 'STRING'): Buffer =>
  Buffer.from(
    parquetWriteBuffer({
      columnData: Object.entries(columns).map(([name, data]) => ({ name, data, ...(type && { type }) })),
    }),
  )
const inParquet = parquet(
  {
    instruction: both.map((row) => row.instruction),
    input: both.map((row) => row.input),
    output: both.map((row) => row.output),
  },
  'STRING',
)

async function fileOf(name: string, content: string | Buffer): Promise<string> {
  const file = path.join(await temporaryFolder('data '), name)
  await writeFile(file, content)
  return file
}

async function merged(file: string, omitted = new Omissions()): Promise<string[][]> {
  const rows: string[][] = []
  for await (const { instruction, instances } of readMergeRows(file, omitted))
    for (const { input, output } of instances) rows.push([instruction, input, output])
  return rows
}

async function faultOf(work: () => Promise<unknown>): Promise<Words> {
  const error = await work().then(
    () => new Error('no fault'),
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof Fault)) throw error
  expect(error.words.zh).toMatch(/\p{Script=Han}/u)
  expect(error.words.en.replace(/"[^"]*"|\(.*\)$/g, '')).not.toMatch(/\p{Script=Han}|undefined|\n/u)
  return error.words
}

describe('rows come in from', () => {
  it.each<[string, string, string | Buffer]>([
    ['JSONL as Alpaca writes it', 'a.jsonl', lines(both.map((row) => ({ ...row, text: 'Below is …' })))],
    ['the same under another name', 'a.data', lines(both)],
    ['a JSON list', 'alpaca_data.json', JSON.stringify(both, null, 4)],
    ['a JSON list on one line', 'a.json', JSON.stringify(both)],
    [
      'a JSON list with a BOM and CRLF',
      'a.json',
      `\uFEFF${JSON.stringify(both, null, 1).replace(/\n/g, '\r\n')}`,
    ],
    [
      'names in capitals',
      'a.jsonl',
      lines([
        { Instruction: river.instruction, Input: '', Output: river.output },
        { INSTRUCTION: word.instruction, input: word.input, RESPONSE: word.output },
      ]),
    ],
    ['rows with nothing between them', 'a.jsonl', both.map((row) => JSON.stringify(row)).join('')],
    ['line ends of an old Mac', 'a.jsonl', lines(both).replaceAll('\n', '\r')],
    ['rows made JSON twice', 'a.jsonl', lines(both.map((row) => JSON.stringify(row)))],
    ['rows over several lines each', 'a.jsonl', both.map((row) => JSON.stringify(row, null, 2)).join('\n')],
    ['lines with commas behind', 'a.jsonl', both.map((row) => `${JSON.stringify(row)},`).join('\n')],
    [
      'input null, NaN, missing, or spelt out',
      'a.jsonl',
      `{"instruction":"Name a river in Asia.","input":NaN,"output":"The Mekong."}\n${lines([word])}`,
    ],
    [
      'Dolly',
      'a.jsonl',
      lines(
        both.map(({ instruction, input, output }) => ({
          instruction,
          context: input,
          response: output,
          category: 'open_qa',
        })),
      ),
    ],
    [
      'question and answer',
      'a.jsonl',
      lines([
        { question: river.instruction, answer: river.output },
        { query: word.instruction, input: word.input, response: word.output },
      ]),
    ],
    [
      'pandas by split',
      'a.json',
      JSON.stringify({ columns: ['instruction', 'input', 'output'], index: [0, 1], data: both.map(flat) }),
    ],
    ['pandas by index', 'a.json', JSON.stringify({ 0: river, 1: word })],
    [
      'pandas by index, other columns first',
      'a.json',
      JSON.stringify({ 0: { score: 1, ...river }, 1: { score: 2, ...word } }),
    ],
    ['pandas by columns', 'a.json', JSON.stringify(byColumn(both))],
    ['columns as lists', 'a.json', JSON.stringify(asLists(both))],
    [
      'pandas by columns, the rows named and the first column long',
      'a.json',
      JSON.stringify({
        instruction: { a: river.instruction, b: word.instruction },
        note: { a: 'x'.repeat(1 << 18), b: '' },
        input: { a: river.input, b: word.input },
        output: { a: river.output, b: word.output },
      }),
    ],
    ['pandas by columns, with a BOM', 'a.json', `\uFEFF${JSON.stringify(byColumn(both))}`],
    [
      'pandas as a table',
      'a.json',
      JSON.stringify({
        schema: { fields: [{ name: 'index', type: 'integer' }], primaryKey: ['index'] },
        data: both.map((row, index) => ({ index, ...row })),
      }),
    ],
    ['a list under a name', 'a.json', JSON.stringify({ version: '1.0', data: both })],
    ['lists under several names', 'a.json', JSON.stringify({ train: [river], test: [word] })],
    [
      'the viewer of Hugging Face',
      'a.json',
      JSON.stringify({
        features: [{ feature_idx: 0, name: 'instruction' }],
        rows: both.map((row, at) => ({ row_idx: at, row, truncated_cells: [] })),
      }),
    ],
    [
      'CSV',
      'a.csv',
      'instruction,input,output\n"Name a river in Asia.",,The Mekong.\nTranslate the word.,bread,pain\n',
    ],
    [
      'CSV under blank lines and the line that Excel writes to itself',
      'a.csv',
      '\n,,\nsep=,\ninstruction,input,output\nName a river in Asia.,,The Mekong.\nTranslate the word.,bread,pain\n',
    ],
    [
      'CSV with a space behind each comma',
      'a.csv',
      'instruction, input, output\n"Name a river in Asia.", "", "The Mekong."\nTranslate the word., bread, "pain"\n',
    ],
    [
      'CSV with a BOM, CRLF and an index',
      'a.csv',
      '\uFEFF,Instruction,Input,Output\r\n0,Name a river in Asia.,,The Mekong.\r\n1,Translate the word.,bread,pain\r\n',
    ],
    [
      'CSV with semicolons, no name to tell it by',
      'a.txt',
      'instruction;input;output\nName a river in Asia.;;The Mekong.\nTranslate the word.;bread;pain\n',
    ],
    [
      'TSV',
      'a.tsv',
      'instruction\tinput\toutput\nName a river in Asia.\t\tThe Mekong.\nTranslate the word.\tbread\tpain',
    ],
    ['gz of JSONL', 'a.jsonl.gz', gzipSync(lines(both))],
    ['gz of a JSON list', 'a.json.gz', gzipSync(JSON.stringify(both, null, 2))],
    [
      'gz of CSV',
      'a.csv.gz',
      gzipSync(
        'instruction,input,output\nName a river in Asia.,,The Mekong.\nTranslate the word.,bread,pain',
      ),
    ],
    ['parquet', 'a.parquet', inParquet],
    ['gz of parquet', 'a.parquet.gz', gzipSync(inParquet)],
    [
      'step 3',
      '3-instances.jsonl',
      lines(
        both.map(({ instruction, ...instance }) => ({
          instruction,
          is_classification: false,
          instances: [instance],
        })),
      ),
    ],
    [
      'a batch to be sent',
      'a.jsonl',
      lines(
        both.map((row, at) => ({
          custom_id: String(at),
          method: 'POST',
          url: '/v1',
          body: {
            messages: chat(
              row.input === '' ? row.instruction : `${row.instruction}\n\n${row.input}`,
              row.output,
            ),
          },
        })),
      ),
    ],
  ])('%s', async (_, name, content) => {
    const rows = (await merged(await fileOf(name, content))).map(([instruction = '', input = '', output]) => [
      ...(instruction === `${word.instruction}\n\n${word.input}`
        ? [word.instruction, word.input]
        : [instruction, input]),
      output,
    ])
    expect(rows).toEqual(both.map(flat))
  })

  it.each<[string, unknown]>([
    ['messages', { messages: chat(river.instruction, river.output, 'Be brief.') }],
    [
      'messages in parts',
      {
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: [{ type: 'text', text: river.instruction }] },
          { role: 'assistant', content: [{ type: 'text', text: river.output }] },
        ],
      },
    ],
    [
      'ShareGPT',
      {
        conversations: [
          { from: 'system', value: 'Be brief.' },
          { from: 'human', value: river.instruction },
          { from: 'gpt', value: river.output },
        ],
      },
    ],
    [
      'ShareGPT with the system text beside',
      {
        system: 'Be brief.',
        conversations: [
          { from: 'human', value: river.instruction },
          { from: 'gpt', value: river.output },
        ],
      },
    ],
    [
      'prompt and completion as chats',
      {
        prompt: chat(river.instruction, '', 'Be brief.').slice(0, 2),
        completion: [{ role: 'assistant', content: river.output }],
      },
    ],
    ['OpenOrca', { system_prompt: 'Be brief.', question: river.instruction, response: river.output }],
    [
      'Gemini',
      {
        systemInstruction: { parts: [{ text: 'Be brief.' }] },
        contents: [
          { role: 'user', parts: [{ text: river.instruction }] },
          { role: 'model', parts: [{ text: river.output }] },
        ],
      },
    ],
    ['Alpaca with a system text', { ...river, system: 'Be brief.', history: [] }],
  ])('%s, with the system text in front', async (_, row) => {
    expect(await merged(await fileOf('a.jsonl', lines([row])))).toEqual([[joined, '', river.output]])
  })

  it.each<[string, unknown]>([
    ['texts in turn', { conversations: [river.instruction, river.output] }],
    ['pairs', { conversation: [{ human: river.instruction, assistant: river.output }] }],
    ['FLAN', { inputs: river.instruction, targets: river.output, task: 'rivers' }],
    ['an empty list for an input', { ...river, input: [] }],
    ['documents beside the question', { ...river, contents: ['Asia is large.', 'Rivers are long.'] }],
  ])('%s', async (_, row) => {
    expect(await merged(await fileOf('a.jsonl', lines([row])))).toEqual([flat(river)])
  })

  it('parquet in one large group, each row with its number', async () => {
    const wanted = Array.from({ length: 10_050 }, (_, at) => `Question ${at + 1}`)
    const file = await fileOf('a.parquet', parquet({ question: wanted, answer: wanted }, 'STRING'))
    const rows: string[] = []
    for await (const { instruction, instances } of readMergeRows(file, new Omissions()))
      rows.push(`${instruction}${instances[0]?.at}`)
    expect(rows).toEqual(wanted.map((question, at) => `${question}#${at + 1}`))
  })

  it('choices that stand in the question as well', async () => {
    const row = { ...word, input: 'A. bread\nB. pain', options: { A: 'bread', B: 'pain' } }
    expect(await merged(await fileOf('a.jsonl', lines([row])))).toEqual([flat(row)])
  })

  it('parquet with a hole in a column of numbers', async () => {
    const file = await fileOf(
      'a.parquet',
      parquet({ question: ['What is 1 + 1?', 'Why?'], answer: [2.5, NaN] }),
    )
    const omitted = new Omissions()
    expect(await merged(file, omitted)).toEqual([['What is 1 + 1?', '', '2.5']])
    expect(omitted.unanswered).toBe(1)
  })

  it('parquet with days', async () => {
    const day = new Date(Date.UTC(1998, 3, 1))
    const file = await fileOf('a.parquet', parquet({ question: ['Which day was it?'], answer: [day] }))
    expect(await merged(file)).toEqual([['Which day was it?', '', '1998-04-01']])
  })

  it('prompt and completion, and numbers as they are spelt', async () => {
    const file = await fileOf('a.jsonl', lines([{ prompt: 'Add two and three.', completion: 5 }]))
    expect(await merged(file)).toEqual([['Add two and three.', '', '5']])
    const cells = ['1.0', '0.50', '12345678901234567890', '1e3', '-2.5', '7']
    const wanted = cells.map((cell) => ['Add two and three.', cell, cell])
    const odd = cells.map(
      (cell) => `{"prompt": "Add two and three.", "input": ${cell}, "completion":${cell}}`,
    )
    expect(await merged(await fileOf('a.jsonl', odd.join('\n')))).toEqual(wanted)
    expect(await merged(await fileOf('a.json', `[${odd.join(',')}]`))).toEqual(wanted)
    const column = `{${cells.map((cell, at) => `"${at}":${cell}`).join(',')}}`
    const prompts = JSON.stringify({ ...cells.map(() => 'Add two and three.') })
    const columns = `{"prompt":${prompts},"input":${column},"completion":${column}}`
    expect(await merged(await fileOf('a.json', columns))).toEqual(wanted)
  })

  it('CSV with chats in its cells, as JSON', async () => {
    const cell = JSON.stringify(chat(river.instruction, river.output)).replaceAll('"', '""')
    const file = await fileOf('a.csv', `id,messages\n1,"${cell}"\n`)
    expect(await merged(file)).toEqual([[river.instruction, '', river.output]])
  })

  it('a word under a chat’s name beside an instruction, as if it were not there', async () => {
    const file = await fileOf('a.jsonl', lines([{ ...river, conversation: 'no' }]))
    expect(await merged(file)).toEqual([flat(river)])
  })

  it('parquet with chats in it', async () => {
    const file = await fileOf('a.parquet', parquet({ messages: [chat(river.instruction, river.output)] }))
    expect(await merged(file)).toEqual([[river.instruction, '', river.output]])
  })
})

describe('rows that are no one question with one answer', () => {
  it('are counted and left out', async () => {
    const omitted = new Omissions()
    const rows = [
      { messages: [...chat('Hello?', 'Hello.'), ...chat('Name a river.', 'Rhine.')] },
      {
        conversations: [
          { from: 'gpt', value: 'How can I help?' },
          { from: 'human', value: 'Name a river.' },
        ],
      },
      { ...river, history: [['Hello?', 'Hello.']] },
      { messages: [{ role: 'user', content: 'Name a river.' }] },
      { instruction: 'Name a river.' },
      { prompt: 'Name a river.', completion: null },
      river,
    ]
    expect(await merged(await fileOf('a.jsonl', lines(rows)), omitted)).toEqual([flat(river)])
    expect(omitted).toMatchObject({ turns: 3, unanswered: 3, bad: 0 })
  })

  it('leave an empty answer to the rule for it', async () => {
    expect(await merged(await fileOf('a.jsonl', lines([{ ...river, output: '' }])))).toEqual([
      [river.instruction, '', ''],
    ])
  })
})

const among = (bad: unknown): string => lines([river, bad, word])
const missing = (row: object) =>
  Object.fromEntries(Object.entries(row).filter(([name]) => name !== 'instruction'))

describe('a bad row', () => {
  it.each<[string, string, string | Buffer, RegExp]>([
    [
      'of JSONL',
      'a.jsonl',
      `${lines([river])}\n{"instruction":"x,\n${lines([word])}`,
      /^a\.jsonl line 2 is not JSON.*Mend or delete the line, or leave such rows out with --skip-bad-rows\./,
    ],
    [
      'of a list, without its quote',
      'a.json',
      `[\n ${lines([river])},\n {"instruction":"x,\n "output":"y"},\n ${lines([word])}\n]`,
      /^a\.json line 3 is not JSON/,
    ],
    [
      'of a list, without its bracket',
      'a.json',
      `[\n ${lines([river])},\n {"instruction":"x","output":"y"\n ,\n ${lines([word])}\n]`,
      /^a\.json line 3 is not JSON/,
    ],
    [
      'of a list on one line',
      'a.json',
      `[${lines([river])},{"instruction":x},${lines([word])}]`,
      /^a\.json row 2 is not JSON.* Mend it, or leave/,
    ],
    [
      'of CSV',
      'a.csv',
      'instruction,input,output\nName a river in Asia.,,The Mekong.\nName a lake, a river, and, a sea.\nTranslate the word.,bread,pain',
      /^a\.csv line 3: 4 cells under 3 column names/,
    ],
    [
      'with a list for an answer',
      'a.jsonl',
      lines([river, { ...river, output: [1] }, word]),
      /line 2, field "output": expected text, got a list of 1/,
    ],
    [
      'without an instruction',
      'a.jsonl',
      lines([river, missing(river), word]),
      /line 2, field "instruction": expected text, got nothing/,
    ],
    ['that is a number', 'a.json', JSON.stringify([river, 7, word]), /expected one \{"…"\} row, got 7/],
    [
      'of parquet',
      'a.parquet',
      parquet(
        {
          instruction: [river.instruction, '', word.instruction],
          input: ['', '', 'bread'],
          output: ['The Mekong.', 'x', 'pain'],
        },
        'STRING',
      ),
      /^a\.parquet row 2, field "instruction": expected text that is not empty/,
    ],
    [
      'in another encoding',
      'a.json',
      Buffer.concat([
        Buffer.from(`[\n${lines([river])},\n{"instruction":"`),
        Buffer.from([0xc7, 0xeb]),
        Buffer.from(`","output":"y"},\n${lines([word])}\n]`),
      ]),
      /^a\.json line 3 is not UTF-8 text/,
    ],
    [
      'that is null, and the first',
      'a.json',
      JSON.stringify([null, ...both]),
      /^a\.json line 1: expected .* got null/,
    ],
    [
      'with a picture',
      'a.jsonl',
      among({ ...river, image: 'a.png' }),
      /line 2 holds more than text \(image\)/,
    ],
    [
      'with a picture in its chat',
      'a.jsonl',
      among({ messages: [{ role: 'user', content: [{ type: 'text', text: 'x' }, { type: 'image_url' }] }] }),
      /line 2 holds more than text \(image_url\)/,
    ],
    [
      'with choices',
      'a.jsonl',
      among({ ...river, choices: ['Nile', 'Po'] }),
      /line 2 is a question with choices/,
    ],
    [
      'with choices by letter',
      'a.jsonl',
      among({ ...river, A: 'Nile', B: 'Po' }),
      /line 2 is a question with choices/,
    ],
    [
      'with a bad answer',
      'a.jsonl',
      among({ ...river, label: false }),
      /line 2 holds an answer that was judged bad/,
    ],
    [
      'that a run rejected',
      'rejected.jsonl',
      among({ step: 'filter', reason: 'too_short', detail: '1', ...river }),
      /line 2 was rejected by a run; .*4-dataset\.jsonl/,
    ],
    [
      'with turns of nobody',
      'a.jsonl',
      among({ conversations: [{ question: 'x', answer: 'y' }] }),
      /line 2, field "conversations": expected turns with "role" and "content"/,
    ],
    [
      'with a speaker that is no text',
      'a.jsonl',
      among({ messages: [{ role: { toString: 1 }, content: 'x' }] }),
      /line 2, field "messages": expected turns/,
    ],
    [
      'that is a list made JSON twice',
      'a.jsonl',
      among(JSON.stringify(both)),
      /line 2 is a list of rows inside a text/,
    ],
  ])('%s is named, and skipped only when told to', async (_, name, content, sentence) => {
    const file = await fileOf(name, content)
    expect((await faultOf(() => merged(file))).en).toMatch(sentence)
    const omitted = new Omissions(true)
    expect(await merged(file, omitted)).toEqual(both.map(flat))
    expect(omitted.bad).toBeGreaterThan(0)
  })

  it('is the end of a list that was cut off', async () => {
    const file = await fileOf('a.json', `[\n${lines([river])},\n${lines([word]).slice(0, 30)}`)
    expect((await faultOf(() => merged(file))).en).toMatch(/^a\.json line 3 is not JSON/)
    const between = await fileOf('a.json', `[\n${lines([river])},\n`)
    expect((await faultOf(() => merged(between))).en).toMatch(
      /line 3: the file ends there, but its list does not/,
    )
  })
})

describe('a file of another kind is named for what it is:', () => {
  const list = JSON.stringify([['Name a river.', '', 'The Rhine.']])
  it.each<[string, string | Buffer, RegExp]>([
    ['a.yaml', 'seeds:\n  - instruction: Name a river.\n    input: ""\n', /is a YAML list;.*JSONL/],
    ['a.txt', '- instruction: Name a river.\n- instruction: Name a lake.\n', /is a YAML list/],
    ['a.json', list, /list of lists without column names.*orient="records"/],
    ['a.xlsx', Buffer.from('PK\x03\x04xl/'), /is an Excel workbook;.*as CSV in UTF-8/],
    ['a.zip', Buffer.from('PK\x03\x04'), /is a zip archive;.*Unpack/],
    ['calls.jsonl', '{"v":1,"key":"a","sample":0}', /is what a run keeps for itself;.*4-dataset\.jsonl/],
    ['run.json', '{\n  "settings": {\n    "language": "en"}}', /is what a run keeps for itself/],
    ['empty.zip', Buffer.from('PK\x05\x06'), /is a zip archive/],
    [
      'workbook.csv',
      Buffer.from(`PK\x03\x04${'\0'.repeat(26)}[Content_Types].xml`),
      /is a document of Excel, Word or PowerPoint/,
    ],
    ['a.bin', Buffer.from('\x7fELF\x02\x01\0\0text'), /is binary data;/],
    ['a.html', '<!-- saved -->\n<html>', /is a web page/],
    ['a.jsonl', '<Error><Code>NoSuchKey</Code></Error>', /is an XML file/],
    [
      'a.toml',
      '# seeds\n[[seeds]]\ninstruction = "Name a river."\n',
      /is a file of settings \(TOML or INI\)/,
    ],
    ['a.txt', 'prompt: Name a river.\nresponse: Rhine.\n', /is a YAML list/],
    ['a.md', '# Seeds\n\n| instruction | output |\n| --- | --- |\n', /is a Markdown table/],
    [
      'dataset_info.json',
      '{\n  "self_instruct": {\n    "file_name": "train.json" } }',
      /is a list of the data sets of LLaMA-Factory;.*under file_name/,
    ],
    [
      'a.jsonl',
      '["Name a river.", "Rhine."]\n["Name a lake.", "Baikal."]\n',
      /list of lists without column names/,
    ],
    [
      'a.csv',
      'instruction,output\n"Say \\"hi\\" to me, twice",Hi hi\n',
      /is CSV with \\" for a quote inside a cell.*escapechar/,
    ],
    ['a.csv', 'instruction,instruction,output\na,b,c\n', /has two columns named instruction/],
    ['a.jsonl', lines([{ input: 'x', output: 'y' }]), /has the columns input, output; one named instruction/],
    [
      'a.jsonl',
      lines([{ id: '1', replies: [{ message_id: '2', text: 'x' }] }]),
      /has the columns id, replies; one named instruction/,
    ],
    [
      'a.parquet',
      parquet({ image: [{ bytes: 'x', path: 'a.png' }], question: ['What is this?'], answer: ['A cat.'] }),
      /a parquet file of images/,
    ],
    ['a.pdf', '%PDF-1.7', /is a PDF/],
    ['a.json', '<!DOCTYPE html>\n<html>', /is a web page;.*raw/],
    [
      'a.jsonl',
      'version https://git-lfs.github.com/spec/v1\noid sha256:1',
      /pointer of Git LFS.*git lfs pull/,
    ],
    ['a.txt', '- "Name a river."\n- "Name a lake."\n', /is a YAML list/],
    ['a.md', '| instruction | output |\n| --- | --- |\n| Name a river. | Rhine. |\n', /is a Markdown table/],
    ['a.csv', Buffer.from('\uFEFFinstruction,output\nx,y\n', 'utf16le'), /line 1 is not UTF-8 text\. Save/],
    ['a.tsv', Buffer.from('instruction\toutput\nx\ty\n', 'utf16le'), /line 1 is not UTF-8 text\. Save/],
    ['a.csv', Buffer.from('instruction,output\nx,y\n\xc7\xeb,z\n', 'latin1'), /line 3 is not UTF-8 text/],
    ['a.json.gz', gzipSync(gzipSync(lines(both))), /packed with gz twice/],
    ['a.jsonl', lines([{ text: 'Name a river.' }]), /has the columns text; one named instruction/],
    ['a.csv', `messages\n"[{'role': 'user'}]"\n`, /line 2, field "messages": expected a list/],
    [
      'a.jsonl',
      lines([{ id: 'b', custom_id: '1', response: null, error: { code: 'batch_expired' } }]),
      /the output of a batch/,
    ],
    ['a.pkl', Buffer.from([0x80, 4, 0x95]), /Python pickle/],
    ['a.jsonl.zst', Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), /packed with zstd/],
    [
      'a.csv',
      'title,year\nDune,1965\n',
      /has the columns title, year; one named instruction.*keep the file elsewhere/,
    ],
    ['a.parquet', parquet({ image: [{ bytes: 'x', path: 'a.png' }] }), /a parquet file of images/],
    ['a.parquet', parquet({ title: ['Dune'] }, 'STRING'), /has the columns title/],
    ['a.parquet', 'PAR1 and no more', /a parquet file that cannot be read/],
    ['a.jsonl.gz', gzipSync(lines(both)).subarray(0, 40), /gz file that is damaged or cut off/],
    [
      'a.jsonl',
      lines([{ id: 'b', custom_id: '1', response: { status_code: 200, body: {} } }]),
      /the output of a batch: it holds answers and no questions/,
    ],
  ])('%s', async (name, content, sentence) => {
    const file = await fileOf(name, content)
    for (const read of [merged, readSeedTasks, readInstructions, readTopics])
      expect((await faultOf(() => read(file))).en).toMatch(sentence)
  })

  it.each<[string, string | Buffer]>([
    ['a.jsonl', lines([{ prompt: 'Name a river.', chosen: 'Rhine.', rejected: 'No.' }])],
    ['a.parquet', parquet({ prompt: ['Name a river.'], chosen: ['Rhine.'], rejected: ['No.'] }, 'STRING')],
  ])('answers under another name: %s', async (name, content) => {
    const file = await fileOf(name, content)
    expect((await faultOf(() => merged(file))).en).toMatch(
      /1 without an answer.* None of the columns (?=.*\bprompt\b).*chosen, rejected.*is named output.*, rename it/,
    )
    expect(await readInstructions(file)).toEqual(['Name a river.'])
  })

  it.skipIf(process.platform === 'win32')('a link to itself', async () => {
    const link = path.join(await temporaryFolder('link '), 'a.jsonl')
    await symlink(link, link)
    for (const read of [merged, readSeedTasks, readInstructions, readTopics])
      expect((await faultOf(() => read(link))).en).toMatch(/is a link that leads back to itself\. Name/)
  })

  it.each(['data-00000-of-00001.arrow', 'dataset_dict.json'])(
    'a folder that `datasets` saved, with its %s',
    async (name) => {
      const folder = path.dirname(await fileOf(name, '{}'))
      expect((await faultOf(() => dataFiles([folder]))).en).toMatch(
        /saves it to disk, in Arrow\. .*load_from_disk/,
      )
    },
  )

  it.skipIf(process.platform === 'win32')('a device', async () => {
    for (const read of [merged, readSeedTasks, readInstructions, readTopics])
      expect((await faultOf(() => read('/dev/null'))).en).toMatch(/^\/dev\/null is a pipe or a device/)
  })

  it('plain text has no answers to merge', async () => {
    const file = await fileOf('a.txt', 'Name a river in Asia.\n')
    expect((await faultOf(() => merged(file))).en).toMatch(/plain text.*--seed-file, --avoid or --topics/)
  })
})

describe('a list of instructions', () => {
  const wanted = ['Name a river in Asia.', 'Name 3 lakes.', '3.5 litres of milk: what do they weigh?']
  it.each<[string, string, string | Buffer]>([
    ['plain text', 'a.txt', `${wanted.join('\n')}\n`],
    ['numbers', 'a.txt', wanted.map((line, at) => `${at + 1}. ${line}`).join('\n')],
    ['brackets behind numbers', 'a.txt', wanted.map((line, at) => `${at + 1}) ${line}`).join('\n')],
    [
      'bullets under headings',
      'a.md',
      `# My seeds\n\n## Water\n${wanted.map((line) => `- ${line}`).join('\n')}\n---\n`,
    ],
    ['numbers in square brackets', 'a.txt', wanted.map((line, at) => `[${at + 1}] ${line}`).join('\n')],
    ['words and numbers', 'a.txt', wanted.map((line, at) => `Q${at + 1}. ${line}`).join('\n')],
    ['bold numbers', 'a.md', wanted.map((line, at) => `**${at + 1}.** ${line}`).join('\n')],
    ['letters', 'a.txt', wanted.map((line, at) => `${'abc'[at]}) ${line}`).join('\n')],
    ['thousands of numbers', 'a.txt', wanted.map((line, at) => `${at + 1999}. ${line}`).join('\n')],
    ['arrows, rules and fences between', 'a.md', wanted.map((line) => `→ ${line}\n* * *\n~~~`).join('\n')],
    ['ticks and stars', 'a.md', wanted.map((line, at) => `${['✔️', '★', '➜'][at]} ${line}`).join('\n')],
    ['numbers and a tab', 'a.txt', wanted.map((line, at) => `${at + 1}\t${line}`).join('\n')],
    [
      'numbers and a dash',
      'a.txt',
      wanted.map((line, at) => (at < 2 ? `${at + 1} - ${line}` : line)).join('\n'),
    ],
    ['numbers behind a sign', 'a.txt', wanted.map((line, at) => `#${at + 1}: ${line}`).join('\n')],
    ['numbers in boxes', 'a.txt', wanted.map((line, at) => `${at + 1}\ufe0f\u20e3 ${line}`).join('\n')],
    ['examples with numbers', 'a.txt', wanted.map((line, at) => `Example ${at + 1}: ${line}`).join('\n')],
    ['remarks of HTML', 'a.md', `<!-- mine -->\n${wanted.join('\n')}`],
    ['boxes to tick', 'a.md', wanted.map((line) => `* [ ] ${line}`).join('\n')],
    ['line ends of an old Mac', 'a.txt', wanted.join('\r')],
    ['a JSON list of texts', 'a.json', JSON.stringify(wanted)],
    ['rows without answers', 'a.jsonl', lines(wanted.map((instruction) => ({ instruction })))],
    ['CSV of one column', 'a.csv', `instruction\n${wanted.map((line) => `"${line}"`).join('\n')}`],
    ['gz of text', 'a.txt.gz', gzipSync(wanted.join('\n'))],
    [
      'chats without answers',
      'a.jsonl',
      lines(wanted.map((content) => ({ messages: [{ role: 'user', content }] }))),
    ],
    ['parquet', 'a.parquet', parquet({ prompt: wanted }, 'STRING')],
  ])('in %s is read by --seed-file, --avoid and --topics alike', async (_, name, content) => {
    const file = await fileOf(name, content)
    expect((await readSeedTasks(file)).map((seed) => seed.instruction)).toEqual(wanted)
    expect(await readInstructions(file)).toEqual(wanted)
    expect(await readTopics(file)).toEqual(wanted)
  })

  it('in Chinese loses its numbers as well', async () => {
    const file = await fileOf(
      'a.txt',
      [
        '＃ 种子',
        '1、列出三种水果。',
        '（2）说出一条河。',
        '三、写一首诗。',
        '④讲个故事。',
        '（五）画一只猫。',
        '【6】唱一支歌。',
        '第7题：算一笔账。',
        '•猜一个谜。',
        '-说一句谚语。',
      ].join('\n'),
    )
    expect(await readInstructions(file)).toEqual([
      '列出三种水果。',
      '说出一条河。',
      '写一首诗。',
      '讲个故事。',
      '画一只猫。',
      '唱一支歌。',
      '算一笔账。',
      '猜一个谜。',
      '说一句谚语。',
    ])
  })

  it('may begin with a sentence that looks like the header of a table', async () => {
    const list = ['Write a prompt, question, and answer for a quiz.', 'Name a river.']
    expect(await readInstructions(await fileOf('a.txt', list.join('\n')))).toEqual(list)
  })

  it('may begin with tags that it asks about', async () => {
    const list = ['<ul><li>: what are these tags for?', 'Name a river.']
    expect(await readInstructions(await fileOf('a.txt', list.join('\n')))).toEqual(list)
  })

  it('keeps what only looks like a mark', async () => {
    const kept = [
      '三、四线城市有何不同？',
      '2024年有哪些大事？',
      '-5 + 3 = ?',
      '*Emphasis* at the start: what is it?',
      '5 - 3 = ?',
      '#1 hits of 1999: name five.',
      'No. 5 by Chanel: what is it?',
      '7-Eleven: what is it?',
    ]
    expect(await readInstructions(await fileOf('a.txt', kept.join('\n')))).toEqual(kept)
  })
})

describe('rows of one instruction', () => {
  it('are one candidate, wherever they stand, each with its own line', async () => {
    const rows = ['a', 'b', 'a', 'c', 'b', 'a'].map((name, at) => ({
      instruction: `Translate the ${name} word.`,
      input: `word ${at}`,
      output: `mot ${at}`,
    }))
    const file = await fileOf('a.jsonl', lines(rows))
    const groups: (string | undefined)[][] = []
    const spool = path.join(path.dirname(file), '.spool')
    for await (const { instruction, instances } of groupedRows(file, spool, new Omissions()))
      groups.push([instruction, ...instances.map(({ input, at }) => `${input}${at}`)])
    expect(groups).toEqual([
      ['Translate the a word.', 'word 0:1', 'word 2:3', 'word 5:6'],
      ['Translate the b word.', 'word 1:2', 'word 4:5'],
      ['Translate the c word.', 'word 3:4'],
    ])
  })
})

describe('a line that is no JSON', () => {
  it('is found out in a time that grows as it does', async () => {
    const time = async (length: number): Promise<number> => {
      const file = await fileOf('rows.jsonl', `${lines([river])}\n${'\\"'.repeat(length / 2)}\n`)
      const before = process.cpuUsage()
      await expect(merged(file)).rejects.toThrow('line 2 is not JSON')
      const { user, system } = process.cpuUsage(before)
      return (user + system) / 1000
    }
    const [short, long] = [await time(40_000), await time(160_000)]
    expect(long).toBeLessThan(8 * Math.max(short, 40))
  })

  it('may be as long as lines may be, with what Python writes and JSON does not know', async () => {
    const output = `${'\\"a'.repeat(8_000_000)}NaN`
    const row = `{"instruction":"Name a river in Asia.","input":NaN,"output":"${output}"},`
    const rows = await merged(await fileOf('rows.jsonl', `${row}\n`))
    expect(rows.map(([name, input, told = '']) => [name, input, told.length])).toEqual([
      [river.instruction, '', 16_000_003],
    ])
  })
})

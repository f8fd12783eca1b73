// The rules on whole rows, sound and faulty, in both languages: what they must leave and what they must take.
import { describe, expect, it } from 'vitest'
import { checkInstances, checkInstruction } from '../../steps/text/check.ts'
import { selectRules } from '../../steps/text/rules.ts'
import { faultyChinese, faultyEnglish } from './faulty-rows.ts'
import { soundChinese, soundEnglish } from './sound-rows.ts'

const all = selectRules()

/** Rules of the paper that go by length and words alone; they may err. */
const ofThePaper = ['too_short', 'too_long', 'blocked_keyword', 'write_a_program']
const pool = { rival: () => undefined }

describe.each([
  ['en', soundEnglish],
  ['zh', soundChinese],
] as const)('sound rows (%s)', (language, rows) => {
  it.each(rows)('stays: %s', (instruction, input, output) => {
    const findings = [
      checkInstruction(instruction, language, pool, all),
      ...checkInstances(instruction, [{ input, output }], language, all),
    ]
    expect(findings.filter((finding) => finding && !ofThePaper.includes(finding.reason))).toEqual([])
  })
})

describe.each([
  ['en', faultyEnglish],
  ['zh', faultyChinese],
] as const)('faulty rows (%s)', (language, rows) => {
  it.each(rows)('%s: %s', (reason, instruction, input, output) => {
    expect(checkInstruction(instruction, language, pool, all)).toBeUndefined()
    expect(checkInstances(instruction, [{ input, output }], language, all)[0]?.reason).toBe(reason)
  })
})

describe('instructions that stop in the middle', () => {
  it.each([
    ['en', 'Suggest five different ways to write'],
    ['en', 'Name a fruit that is sweet and'],
    ['en', 'Pick a number between three and'],
    ['en', 'Compare the novels of the two sisters with the'],
    ['en', 'List the colours red, green, blue,'],
    ['en', 'Write a letter to the landlord ('],
    ['zh', '请你为小区写一句标语，并且'],
    ['zh', '写出五种可以在阳台上种的'],
    ['zh', '比较老城区的公交车和'],
    ['zh', '给舅舅写一封信，告诉他柿子熟了，'],
    ['zh', '解释下面这句话的意思：他说“'],
  ] as const)('%s: %s', (language, instruction) => {
    expect(checkInstruction(instruction, language, pool, all)?.reason).toBe('unfinished_instruction')
  })

  it.each([
    ['en', 'What is the capital of France'],
    ['en', 'Tell me what you are good at'],
    ['en', 'Which article is right, "a" or "an"'],
    ['en', 'Complete the sentence: The best thing about winter is the'],
    ['en', 'Explain who the letter was addressed to'],
    ['en', 'Translate the following sentence:'],
    ['en', 'Continue the story.\nIt was dark and'],
    ['zh', '他到底是从哪里来的'],
    ['zh', '这句话是谁说的'],
    ['zh', '什么样的天气适合晒被子'],
    ['zh', '接着写：雨停了，'],
    ['zh', '翻译下面的句子：'],
  ] as const)('%s, whole: %s', (language, instruction) => {
    expect(checkInstruction(instruction, language, pool, all)).toBeUndefined()
  })

  it.each([
    ['en', `Say why you like ${'the sea and the sky and '.repeat(9)}more.`],
    ['zh', `造一个句子，用${'“不是”、'.repeat(40)}连接。`],
  ] as const)('or go round in circles (%s)', (language, instruction) => {
    expect(checkInstruction(instruction, language, pool, all)?.reason).toBe('repetition')
  })
})

describe('instances side by side', () => {
  const reasons = (instruction: string, rows: [string, string][], language: 'en' | 'zh' = 'en') =>
    checkInstances(
      instruction,
      rows.map(([input, output]) => ({ input, output })),
      language,
      all,
    ).map((finding) => finding?.reason)

  it('go when a list was asked for and each is one piece of it', () => {
    const split = ['split_answer', 'split_answer', 'split_answer']
    expect(
      reasons('Suggest five names for a cat.', [
        ['', 'Miso'],
        ['', 'Tram'],
        ['', 'Ada'],
      ]),
    ).toEqual(split)
    expect(
      reasons('Give me four tips for a long flight.', [
        ['1', 'Drink water.'],
        ['2', 'Walk.'],
        ['3', 'Sleep.'],
      ]),
    ).toEqual(split)
    expect(
      reasons(
        '给猫起五个名字。',
        [
          ['', '米粒'],
          ['', '团子'],
          ['', '电车'],
        ],
        'zh',
      ),
    ).toEqual(split)
    expect(reasons('Suggest five names for a cat.', [['', 'Miso']])).toEqual(['split_answer'])
  })

  it('stay when each is a list, or the task brings inputs of its own', () => {
    expect(reasons('Suggest five names for a cat.', [['', 'Miso, Tram, Ada, Pip, Bo']])).toEqual([undefined])
    expect(
      reasons('Suggest five names.', [
        ['cat', 'Miso, Tram, Ada, Pip, Bo'],
        ['dog', 'Rex'],
      ]),
    ).toEqual([undefined, undefined])
    expect(reasons('Name three rivers.', [['', 'Rhine Rhone Po']])).toEqual([undefined])
    expect(reasons('Write four words on autumn.', [['', 'Leaves']])).toEqual([undefined])
    expect(reasons('Name the country that touches three seas.', [['', 'Turkey']])).toEqual([undefined])
    expect(reasons('写三句话介绍你自己。', [['', '我爱笑']], 'zh')).toEqual([undefined])
  })

  it('go when all inputs get one and the same sentence, not when they share a label', () => {
    const same = 'The report expresses disappointment with the service.'
    const inputs = ['Cold soup.', 'Late train.', 'Broken lift.']
    expect(
      reasons(
        'Find the mood of the report.',
        inputs.map((input) => [input, same]),
      ),
    ).toEqual(['same_answer', 'same_answer', 'same_answer'])
    expect(
      reasons(
        'Find the mood of the report.',
        inputs.map((input) => [input, 'anger']),
      ),
    ).toEqual([undefined, undefined, undefined])
    expect(
      reasons('Find the mood of the report.', [
        ...inputs.map((input): [string, string] => [input, same]),
        ['Fine day.', 'joy'],
      ]),
    ).toEqual([undefined, undefined, undefined, undefined])
    expect(
      reasons(
        `Answer "yes" or "${same}"`,
        inputs.map((input) => [input, same]),
      ),
    ).toEqual([undefined, undefined, undefined])
  })
})

describe('a set in Chinese', () => {
  it('takes no instruction in traditional characters, unless its seeds are', () => {
    const instruction = '請用三句話介紹臺北的夜市。'
    expect(checkInstruction(instruction, 'zh', pool, all)?.reason).toBe('wrong_language')
    expect(checkInstruction(instruction, 'zh', { ...pool, traditional: true }, all)).toBeUndefined()
    expect(checkInstruction('请用三句话介绍台北的夜市。', 'zh', pool, all)).toBeUndefined()
  })
})

// The filter rules, each with texts it must catch and sound ones it must leave alone.

import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Instance } from '../../steps/text/given.ts'
import { type Language, ending, opening } from '../../steps/text/language.ts'
import { checkInstances, checkInstruction } from '../../steps/text/check.ts'
import { ruleFor, rules, selectRules } from '../../steps/text/rules.ts'

const all = selectRules()

const emptyPool = { rival: () => undefined }

function reasonFor(instruction: string, language: Language) {
  return checkInstruction(instruction, language, emptyPool, all)?.reason
}

function reasonsFor(instruction: string, instances: Instance[], language: Language) {
  return checkInstances(instruction, instances, language, all).map((finding) => finding?.reason)
}

function words(count: number, word: string) {
  return Array.from({ length: count }, (_, i) => `${word}${i}`).join(' ')
}

/** Different Chinese characters, so that nothing is said twice. */
function characters(count: number) {
  return String.fromCodePoint(...Array.from({ length: count }, (_, i) => 0x4e00 + i))
}

describe('the list of rules', () => {
  it('names each rule once, with one sentence in each language', () => {
    const reasons = rules.map((rule) => rule.reason)
    expect(new Set(reasons).size).toBe(reasons.length)
    for (const { why } of rules) {
      expect(why.en).toMatch(/^[A-Z].*\.$/)
      expect(why.zh).toMatch(/\p{Script=Han}.*。$/u)
    }
  })

  it('checks instructions before instances, novelty last of the instruction rules, and compares instances at the end', () => {
    const kinds = rules.map((rule) => rule.of)
    expect(kinds.lastIndexOf('instruction')).toBeLessThan(kinds.indexOf('instance'))
    expect(rules[kinds.lastIndexOf('instruction')]?.reason).toBe('near_duplicate')
    expect(kinds.lastIndexOf('instance')).toBeLessThan(kinds.indexOf('instances'))
    expect(kinds.lastIndexOf('text')).toBeLessThan(kinds.lastIndexOf('instruction'))
  })

  it('finds a rule by its reason', () => {
    expect(ruleFor('too_long')?.of).toBe('instruction')
    expect(ruleFor('beyond_target')).toBeUndefined()
  })
})

describe('instructions in English', () => {
  it.each([
    ['too_short', 'Tell a joke'],
    ['too_short', ''],
    [undefined, 'Tell a short joke'],
    [undefined, 'Compute 3 + 4'],
    ['too_long', words(151, 'w')],
    [undefined, words(150, 'w')],
    ['blocked_keyword', 'Describe what the Pictures on this wall show.'],
    ['blocked_keyword', 'Write a script that opens every FILE in a folder.'],
    ['blocked_keyword', 'Sketch a flowchart for making tea.'],
    ['blocked_keyword', 'Tell me how to go  to the harbour from here.'],
    [undefined, 'Improve the profile of a paragraph on photographers.'],
    [undefined, 'Explain why cargo took so long to arrive.'],
    ['write_a_program', 'Write a program that counts the vowels of a word.'],
    ['write_a_program', 'write a program to greet the user by name'],
    [undefined, 'Write a programme note for a choir concert.'],
    [undefined, 'Explain how to write a program in small steps.'],
    ['starts_with_punctuation', '- name three rivers of Africa'],
    ['starts_with_punctuation', '…and then say why it matters most'],
    [undefined, '“Carpe diem” is Latin: say what it means.'],
    ['wrong_language', '给房东写一封信，请他修理暖气。'],
    ['wrong_language', 'Напиши короткое стихотворение о море.'],
  ])('%s: %s', (reason, instruction) => {
    expect(reasonFor(instruction, 'en')).toBe(reason)
  })
})

describe('instructions in Chinese', () => {
  it.each([
    ['too_short', '讲笑话。'],
    ['too_short', '写一首诗。'],
    [undefined, '写一首小诗。'],
    ['too_long', characters(301)],
    [undefined, characters(300)],
    ['blocked_keyword', '说说这张图片里有什么。'],
    ['blocked_keyword', '画一幅春天的山水。'],
    ['blocked_keyword', '请用铅笔画出一个等边三角形。'],
    ['blocked_keyword', '帮我画个圆，再标出半径。'],
    ['blocked_keyword', '画一只正在睡觉的猫。'],
    [undefined, '给学校运动会写一份计划书。'],
    [undefined, '概括一部动画片的剧情。'],
    [undefined, '介绍一位你喜欢的画家。'],
    [undefined, '给这部漫画出个副标题。'],
    [undefined, '简述欧洲油画史的三个阶段。'],
    [undefined, '动画一般每秒多少帧？'],
    [undefined, '解释成语“画龙点睛”。'],
    [undefined, '请你用对话刻画一个人物。'],
    [undefined, '画画对孩子有什么好处？'],
    ['write_a_program', '编写一个程序，统计一句话里的字数。'],
    ['write_a_program', '请写一个程序判断闰年。'],
    [undefined, '写一个程序员的一天，三百字。'],
    [undefined, '说明写程序之前为什么要先想清楚。'],
    ['starts_with_punctuation', '，然后说明理由是什么'],
    ['starts_with_punctuation', '- 列出三条长江支流的名字'],
    [undefined, '《红楼梦》的作者是谁？'],
    [undefined, '“守株待兔”讽刺的是哪种人？'],
    ['wrong_language', 'Write a letter to the landlord about the heating.'],
    [undefined, 'Python 和 Java 有什么区别？'],
  ])('%s: %s', (reason, instruction) => {
    expect(reasonFor(instruction, 'zh')).toBe(reason)
  })
})

describe('what was measured', () => {
  it.each([
    ['Tell jokes', 'en', '2 words, at least 4'],
    ['讲笑话', 'zh', '3 个字，至少 5 个'],
    ['Plan a trip and draw the way.', 'en', 'draw'],
    ['写一个程序求和，从一加到一百。', 'zh', '写一个程序'],
  ] as const)('%s in %s: %s', (instruction, language, detail) => {
    expect(checkInstruction(instruction, language, emptyPool, all)?.detail).toBe(detail)
  })

  it('is cut between characters, never within one', () => {
    const letters = 'a'.repeat(59)
    expect(opening(`${letters}😀 and more`)).toBe(`${letters}…`)
    expect(ending(`much before 😀${letters}`)).toBe(`…${letters}`)
  })

  it('names the nearest neighbour and the score', () => {
    const pool = { rival: () => ({ instruction: 'Name three rivers in Asia.', score: 0.8333 }) }
    expect(checkInstruction('Name three rivers in Africa.', 'en', pool, all)).toEqual({
      reason: 'near_duplicate',
      detail: '0.83 to: Name three rivers in Asia.',
    })
  })

  it('asks for neighbours only when no other rule objects', () => {
    const pool = { rival: (instruction: string) => ({ instruction, score: 1 }) }
    expect(checkInstruction('Tell a joke', 'en', pool, all)?.reason).toBe('too_short')
  })
})

const plain = { en: 'Answer the question of the guest.', zh: '回答客人提出的问题。' }

describe('answers in English', () => {
  it.each([
    ['empty_output', 'Where is it?', ' \n '],
    ['output_repeats_input', 'Where is it?', 'Where is it? '],
    ['output_repeats_input', 'where is it?', 'Where is it?'],
    [undefined, 'where is it?', 'Where is what?'],
    ['ends_with_colon', 'Where is it?', 'You will need the following: '],
    [undefined, 'The list is:', 'Salt and pepper.'],
    ['refusal', 'Who won?', "I'm sorry, but I can't help with that."],
    ['refusal', 'Who won?', 'As an AI language model, I don’t have access to live results.'],
    ['refusal', 'Sum it up.', "Please provide the text you'd like me to summarize."],
    ['refusal', 'Who won?', "I'm just an AI, so I don't have a favourite."],
    ['refusal', 'Who won?', "I don't have enough information to answer this."],
    [undefined, 'Can you help?', "I can't help with the move on Saturday, but my brother can."],
    [undefined, 'Who comes?', 'Please send the list of guests and I will book the table.'],
    [undefined, 'A refund?', 'You did not include the receipt, so we cannot tell when you bought it.'],
    [
      undefined,
      'Will you come?',
      "I'm sorry, but I can't come to the party on Saturday; my sister is visiting.",
    ],
    [undefined, 'A refund?', 'Sorry, I cannot give refunds for worn shoes, but I can mend them.'],
    ['placeholder', 'Sign it.', 'Yours sincerely,\n[Your Name]'],
    ['placeholder', 'Sign it.', 'I look forward to working at [company name].'],
    ['placeholder', '[insert paragraph here]', 'It is about tides.'],
    [undefined, 'Stage it.', '[Enter the king, alone]\nKing: I hear no birds.'],
    [undefined, 'Quote her.', 'She said that [the company name] would stay.'],
    [undefined, 'Index it.', 'ages[name] = 4'],
    [undefined, 'Link it.', 'See the [Company Name](https://example.org) page.'],
    [undefined, 'Perform it.', '[Chorus]\nWe sail away at dawn.'],
    [undefined, 'Dear [Your Name]', 'Dear [Your Name], thank you.'],
    ['label_leak', 'France', 'Paris\n\nInput: Spain\nOutput: Madrid'],
    ['label_leak', 'France', 'Output: Paris'],
    ['label_leak', 'Input: France', 'Paris'],
    [undefined, 'France', 'The input: a name; the output: a city.'],
    ['repetition', 'Why?', 'It is good for you. '.repeat(9)],
    ['repetition', 'Why?', 'Because the sea level rises every year and '.repeat(3)],
    [undefined, 'Sing.', 'Row, row, row your boat. Row, row, row your boat, gently down the stream.'],
    [undefined, 'List ten zeros.', Array(40).fill('0').join(', ')],
    ['cut_off', 'Why?', 'Bread rises because yeast eats the sugar in the'],
    ['cut_off', 'Why?', 'The dough must rest. It grows as the yeast gives off gas, which'],
    ['cut_off', 'Why?', 'The dough needs warmth, a little sugar, plenty of time to rest,'],
    ['cut_off', 'Why?', 'It needs three things.\n1. Time.\n2.'],
    ['cut_off', 'Why?', 'The starter is alive (it holds yeast from the'],
    ['cut_off', 'As JSON.', '{"name": "Ada", "born": [18'],
    ['cut_off', 'In code.', 'Here it is.\n```python\nprint(1)'],
  ])('%s: %j → %j', (reason, input, output) => {
    expect(reasonsFor(plain.en, [{ input, output }], 'en')).toEqual([reason])
  })
})

describe('answers in Chinese', () => {
  it.each([
    ['empty_output', '在哪里？', '　'],
    ['output_repeats_input', '在哪里？', '在哪里？'],
    ['ends_with_colon', '在哪里？', '需要准备以下几样：'],
    ['refusal', '谁赢了？', '很抱歉，我无法回答这个问题。'],
    ['refusal', '谁赢了？', '作为一个人工智能语言模型，我没有实时信息。'],
    ['refusal', '谁赢了？', '请提供您需要翻译的句子。'],
    ['refusal', '谁赢了？', '由于没有给出具体文本，我无法翻译。'],
    [undefined, '行吗？', '我不能完成这件事了，请另找人吧。'],
    [undefined, '几号房？', '请提供您的房号，我们马上派人过去。'],
    [undefined, '来吗？', '抱歉，我周六不能来参加聚会，家里有事。'],
    [undefined, '能退吗？', '抱歉，我们无法为穿过的鞋办理退货。'],
    ['placeholder', '落款。', '此致\n敬礼\n【你的名字】'],
    ['placeholder', '落款。', '尊敬的[姓名]先生：您好。'],
    ['placeholder', '落款。', '尊敬的XXX先生：您好。'],
    ['placeholder', '落款。', '我在XX公司工作了三年。'],
    [undefined, '写成数字。', '三十的罗马数字是 XXX。'],
    [undefined, '整理。', '【姓名】李雷\n【电话】没有留下'],
    ['label_leak', '法国', '巴黎\n输入：西班牙\n输出：马德里'],
    ['label_leak', '法国', '输出：巴黎'],
    ['label_leak', '法国', '巴黎。输入：西班牙 输出：马德里'],
    ['repetition', '为什么？', '要多喝水，早点休息。'.repeat(5)],
    [undefined, '唱。', '两只老虎，两只老虎，跑得快，跑得快。'],
    ['cut_off', '为什么？', '面团要放在温暖的地方，因为酵母喜欢温度和'],
    ['cut_off', '为什么？', '酵母吃糖，放出气体，面团就慢慢地涨起来了，'],
    [
      'cut_off',
      '为什么？',
      '面团先要放在温暖的地方醒一个小时。酵母吃掉面里的糖，放出气体，面筋把气体网住，因为',
    ],
  ])('%s: %j → %j', (reason, input, output) => {
    expect(reasonsFor(plain.zh, [{ input, output }], 'zh')).toEqual([reason])
  })
})

describe('answers that end without a full stop and are whole', () => {
  it.each([
    'spam',
    'Neutral. Slightly positive',
    '- Flour\n- Salt\n- Water and time',
    '1. Mix the flour.\n2. Let it rest. Cover it with a cloth',
    'def add(a, b):\n    return a + b',
    'SELECT name FROM guests WHERE room = 4',
    '{"name": "Ada", "tags": ["a", "b"]}',
    '| fruit | price |\n| --- | --- |\n| pear | 2 |',
    'Where the river bends at night\na lantern holds a ring of light,\nand nobody is near',
    'Ring in the Bread: What the Baker Found',
    'See https://example.org/how-to-bake',
    'Best regards,\nMaria',
    'Dear Tom, thank you for the plums. They were gone by noon. Yours, Maria',
    '42',
    'Answer: B',
    'a, an, the',
    'The sign said „Rauchen verboten“',
    'Patience is bitter. Its fruit is sweet. — Proverb',
    '春眠不觉晓，处处闻啼鸟',
    '一、和面\n二、醒面\n三、上锅蒸',
    '谢谢您的来信。我们已经更换了零件，明天送到府上，不收费用。耽误您的时间，十分抱歉。——修理铺老秦',
    '总和',
    '积极',
  ])('%j', (output) => {
    const language = /\p{Script=Han}/u.test(output) ? 'zh' : 'en'
    expect(reasonsFor(plain[language], [{ input: 'x', output }], language)).toEqual([undefined])
  })
})

describe('a text that is spoken of and not there', () => {
  it.each([
    ['en', 'Summarize the following paragraph.'],
    ['en', 'Summarize the following paragraph. Use at most two sentences.'],
    ['en', 'Classify the given review as "positive" or "negative".'],
    ['en', 'Correct the grammar of this sentence.'],
    ['en', 'Sort the words below by length.'],
    ['en', 'Classify the following email. Labels: spam, ham.'],
    ['zh', '概括下面这段话的大意。'],
    ['zh', '把下列词语按笔画排序。'],
    ['zh', '判断这条评论是好评还是差评。'],
    ['zh', '给定一个句子，找出其中的动词。'],
    ['zh', '翻译以下句子，不要超过二十个字。'],
  ] as const)('%s, missing: %s', (language, instruction) => {
    expect(reasonsFor(instruction, [{ input: '', output: 'Done' }], language)).toEqual(['missing_given_text'])
    expect(reasonsFor(instruction, [{ input: 'It rains.', output: 'Done' }], language)).toEqual([undefined])
  })

  it.each([
    ['en', 'Summarize the following paragraph: Tides come twice a day and the moon pulls them.'],
    ['en', 'Use the following words in a sentence: salt, sea, ship.'],
    ['en', 'Correct the grammar of this sentence: "He go home."'],
    ['en', 'Sort the following numbers 5, 3 and 9 from small to large.'],
    ['en', 'Put the following word "tide" into a sentence.'],
    ['en', 'Rewrite the following sentence in the passive. The cat ate the mouse.'],
    ['en', 'The cat ate the mouse. Rewrite this sentence in the passive.'],
    ['en', 'Write a function that sorts the given list.'],
    ['en', 'Describe what changed in the following decades.'],
    ['en', 'Name the ingredients of a good story.'],
    ['en', 'What do "affect" and "effect" mean, and how do I keep these words apart?'],
    ['en', 'Write a poem on tides and set this poem in Lisbon.'],
    ['en', 'Say how a fridge keeps its inside below 5 degrees.'],
    ['en', 'Improve this text:\nme like sea'],
    ['zh', '概括下面这段话：潮水一天涨落两次，那是月亮的引力。'],
    ['zh', '“欲速则不达”这句话是什么意思？'],
    ['zh', '《静夜思》这首诗写了什么？'],
    ['zh', '写一份两百字以下的自我介绍。'],
    ['zh', '写一个猫躲在桌子下面的故事。'],
    ['zh', '这段时间总睡不好，给点建议。'],
    ['zh', '把下列数字从小到大排好：5，3，9。'],
  ] as const)('%s, carried or not needed: %s', (language, instruction) => {
    expect(reasonsFor(instruction, [{ input: '', output: 'done(x)' }], language)).toEqual([undefined])
  })
})

function check(instances: Instance[]) {
  return reasonsFor('Name the capital of a country.', instances, 'en')
}

describe('instances of one instruction', () => {
  it('drops all answers that conflict, and only those', () => {
    const instances = [
      { input: 'Italy', output: 'Rome' },
      { input: 'Peru', output: 'Lima' },
      { input: 'Italy ', output: 'Milan' },
    ]
    expect(check(instances)).toEqual(['conflicting_outputs', undefined, 'conflicting_outputs'])
  })

  it('keeps different answers where there is no input', () => {
    const instances = [
      { input: '', output: 'Rome' },
      { input: '', output: 'Lima' },
    ]
    expect(check(instances)).toEqual([undefined, undefined])
  })

  it('keeps the first of several equal instances', () => {
    const instances = [
      { input: 'Italy', output: 'Rome' },
      { input: 'Italy', output: 'rome.' },
      { input: 'Italy', output: 'Rome' },
    ]
    expect(checkInstances('Name the capital of a country.', instances, 'en', all)).toEqual([
      undefined,
      { reason: 'duplicate_instance', detail: 'same as instance 1' },
      { reason: 'duplicate_instance', detail: 'same as instance 1' },
    ])
  })

  it('lets an answer that another rule removes conflict with none', () => {
    const instances = [
      { input: 'Italy', output: '' },
      { input: 'Italy', output: "I'm sorry, but I can't help with that." },
      { input: 'Italy', output: 'Rome' },
    ]
    expect(check(instances)).toEqual(['empty_output', 'refusal', undefined])
  })

  it('checks fifty thousand instances of one instruction', () => {
    const instances = Array.from({ length: 50_000 }, (_, i) => ({
      input: `country ${i}`,
      output: `city ${i}`,
    }))
    expect(check(instances).every((reason) => reason === undefined)).toBe(true)
  })
})

const upstreamSeeds = process.env['UPSTREAM_SEEDS'] ?? '../shared/data/upstream_seed_tasks.jsonl'

describe.skipIf(!existsSync(upstreamSeeds))('the 175 seed tasks of the paper', () => {
  it('meet only rules of the paper itself', () => {
    const counts: Record<string, number> = {}
    for (const line of readFileSync(upstreamSeeds, 'utf8').trim().split('\n')) {
      const { instruction, instances } = JSON.parse(line) as { instruction: string; instances: Instance[] }
      const reasons = [reasonFor(instruction, 'en'), ...reasonsFor(instruction, instances, 'en')]
      for (const reason of reasons) if (reason) counts[reason] = (counts[reason] ?? 0) + 1
    }
    expect(counts).toEqual({
      too_short: 2,
      blocked_keyword: 1,
      write_a_program: 1,
    })
  })
})

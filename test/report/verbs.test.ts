// What instructions ask for: leading verb and object, found by word lists.
import { describe, expect, it } from 'vitest'
import { Verbs, leadingIn } from '../../steps/report/verbs.ts'

describe('the leading verb and its object', () => {
  it.each([
    ['Write a short poem about the sea.', 'write', 'poem'],
    ['Given the table, list all cities without a harbour.', 'list', 'city'],
    ['You are a patient teacher. Explain the following concept to a child.', 'explain', 'concept'],
    ['Please translate the sentences into French.', 'translate', 'sentence'],
    ['Come up with five names for a small bakery.', 'come', 'name'],
    ['Which of the two is older?', undefined, undefined],
    ['Explain to a ten-year-old why the moon changes.', 'explain', ''],
    ['Decide whether the following email is spam.', 'decide', ''],
    ['Why is the sky blue? Answer in a paragraph suitable for a newsletter.', 'answer', ''],
    ["Translate the phrase 'I love you' into French.", 'translate', 'phrase'],
  ])('of "%s" are %s and %s', (instruction, verb, object) => {
    expect(leadingIn('en', instruction)).toEqual(verb === undefined ? undefined : { verb, object })
  })

  it.each([
    ['请写一首关于春天的诗。', '写', '诗'],
    ['把下面的句子翻译成英文。', '翻译', '句子'],
    ['给定两段文字，比较它们的观点。', '比较', '观点'],
    ['请你列出三种水果。', '列出', '水果'],
    ['为什么天空是蓝色的？', undefined, undefined],
    ['根据下面的会议记录，提取出待办事项。', '提取', ''],
    ['比较电动汽车和燃油汽车在日常使用中的优缺点。', '比较', ''],
    ['将下面的动物按“鸟类”“鱼类”分类。', '分类', '动物'],
    ['请给下面的产品起三个好记的中文名字。', '起', '名字'],
    ['有什么区别？请列出三点。', '列出', ''],
  ])('of “%s” are %s and %s', (instruction, verb, object) => {
    expect(leadingIn('zh', instruction)).toEqual(verb === undefined ? undefined : { verb, object })
  })

  it('are counted, the most frequent first, with the instructions that have none', () => {
    const verbs = new Verbs()
    for (const task of [
      'Name a river.',
      'Write a poem.',
      'Write a letter.',
      'Write the poem.',
      'Why is it so?',
    ])
      verbs.add(leadingIn('en', task))
    expect([verbs.total, verbs.none]).toEqual([5, 1])
    expect(verbs.most(1, 2)).toEqual([
      {
        verb: 'write',
        count: 3,
        objects: [
          { object: 'poem', count: 2 },
          { object: 'letter', count: 1 },
        ],
      },
    ])
  })
})

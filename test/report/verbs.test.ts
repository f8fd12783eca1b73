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
  ])('of "%s" are %s and %s', (instruction, verb, object) => {
    expect(leadingIn('en', instruction)).toEqual(verb === undefined ? undefined : { verb, object })
  })

  it.each([
    ['请写一首关于春天的诗。', '写', '诗'],
    ['把下面的句子翻译成英文。', '翻译', '句子'],
    ['给定两段文字，比较它们的观点。', '比较', '观点'],
    ['请你列出三种水果。', '列出', '水果'],
    ['为什么天空是蓝色的？', undefined, undefined],
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

// Which language a text is in, and whether a task is put in another one than the run's.

import { describe, expect, it } from 'vitest'
import { foreignIn, isChinese, languageOf } from '../../steps/text/language.ts'

describe('isChinese', () => {
  it.each([
    ['写一首关于秋天的短诗。', true],
    ['用 Python 写一个排序函数', true],
    ['解释一下 HTTP 和 HTTPS 的区别', true],
    ['Explain why the sea is salt.', false],
    ['Translate 你好 into French, please.', false],
    ['次の文章を要約してください。', false],
    ['다음 문장을 요약하세요', false],
    ['3 + 4 = ?', false],
    ['', false],
  ])('%s: %s', (text, expected) => {
    expect(isChinese(text)).toBe(expected)
  })
})

describe('languageOf', () => {
  it.each([
    [[], 'en'],
    [['Name a river.'], 'en'],
    [['说出一条河的名字。'], 'zh'],
    [['说出一条河的名字。', '什么是潮汐？', 'Name a river.'], 'zh'],
    [['说出一条河的名字。', 'Name a river.'], 'en'],
  ] as const)('takes the language of most texts: %j is %s', (texts, expected) => {
    expect(languageOf(texts)).toBe(expected)
  })
})

describe('foreignIn', () => {
  it.each([
    ['Write a letter to the landlord.', 'en', false],
    ['Translate the sentence: 今天下午我们去河边散步，顺便买点水果。', 'en', false],
    ['“画蛇添足” means what in English?', 'en', false],
    ['给房东写一封信。', 'en', true],
    ['Напиши стихотворение о море.', 'en', true],
    ['¿Cuál es la capital de Perú?', 'en', true],
    ['Schreibe ein Gedicht über den Herbst.', 'en', true],
    ['Écris une lettre à ma mère.', 'en', true],
    ['Explain crème de la crème briefly.', 'en', false],
    ['Compare Los Angeles, Las Vegas, El Paso, La Paz.', 'en', false],
    ['π and e are both irrational: explain why.', 'en', false],
    ['给房东写一封信。', 'zh', false],
    ['把 “The early bird catches the worm, so they say” 译成中文。', 'zh', false],
    ['"The early bird catches the worm" 用中文怎么说？', 'zh', false],
    ['Python 和 Java 有什么区别？', 'zh', false],
    ['把下面的日文译成中文：ありがとうございます、また明日', 'zh', false],
    ['Write a letter to the landlord.', 'zh', true],
    ['次の文章を要約してください。', 'zh', true],
    ['3 + 4 = ?', 'zh', false],
  ] as const)('%s in a run in %s: %s', (instruction, language, expected) => {
    expect(foreignIn(instruction, language) !== undefined).toBe(expected)
  })
})

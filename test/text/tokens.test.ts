import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { tokenize } from '../../steps/text/rouge.ts'
import { anyCharacter } from '../support/characters.ts'

describe('tokenize', () => {
  it.each([
    ['Hello, World! 3.14', 'hello world 3 14'],
    ["don't snake_case x=y2", 'don t snake case x y2'],
    ['', ''],
    [' \t\n', ''],
    ['?! … — “”', ''],
    ['don’t “quote”', 'don t quote'],
    ['Zoë’s naïve café', 'zoë s naïve café'],
    ['cafe\u0301', 'café'],
    ['ＦＵＬＬ ｗｉｄｔｈ １２３', 'full width 123'],
    ['ﬁve ② ㎏', 'five 2 kg'],
    ['Привет, Мир!', 'привет мир'],
    ['ΑΘΗΝΑ 2004', 'αθηνα 2004'],
    ['👍🏽 ❤️ 🇫🇷', ''],
    ['ok👍ok', 'ok ok'],
    ['co\u00adoperate', 'cooperate'],
    ['\ud800abc', 'abc'],
  ])('cuts spaced scripts into words: %j', (text, tokens) => {
    expect(tokenize(text).join(' ')).toBe(tokens)
  })

  it.each([
    ['你好,世界!', '你 好 世 界'],
    ['用GPT4写3首诗', '用 gpt4 写 3 首 诗'],
    ['人々は〇と言う', '人 々 は 〇 と 言 う'],
    ['スーパー ｶﾞｷﾞ', 'ス ー パ ー ガ ギ'],
    ['𠮷野家', '𠮷 野 家'],
    ['กินข้าว', 'กิ น ข้ า ว'],
    ['ລາວ', 'ລ າ ວ'],
    ['ខ្មែរ', 'ខ្ មែ រ'],
  ])('makes one token of each character where words are not spaced: %j', (text, tokens) => {
    expect(tokenize(text).join(' ')).toBe(tokens)
  })

  it.each([
    ['한국어 문장입니다', '한국어 문장입니다'],
    ['한국어'.normalize('NFD'), '한국어'],
    ['كَتَبَ الوَلَدُ', 'كَتَبَ الوَلَدُ'],
    ['می\u200cخواهم', 'میخواهم'],
    ['अंग्रेज़ी में', 'अंग्रेज़ी में'.normalize('NFKC')],
    ['தமிழ் மொழி', 'தமிழ் மொழி'],
  ])('keeps words with marks and joiners whole: %j', (text, tokens) => {
    expect(tokenize(text).join(' ')).toBe(tokens)
  })

  it('takes ASCII text to the same tokens whether or not other text stands beside it', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 30 }), (text) => {
        expect(tokenize(`${text} é`)).toEqual([...tokenize(text), 'é'])
      }),
    )
  })

  it('gives only non-empty tokens of letters, digits and marks, none of them in upper case', () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter, maxLength: 60 }), (text) => {
        const sound = (token: string) =>
          /^[\p{L}\p{N}][\p{L}\p{N}\p{M}]*$/u.test(token) && token === token.toLowerCase()
        expect(tokenize(text).filter((token) => !sound(token))).toEqual([])
      }),
    )
  })
})

// Finds an instruction that speaks of a text it does not bring along ("Summarize the following paragraph.").

import type { Language } from './language.ts'
import type { ByLanguage } from './patterns.ts'

const LONG_QUOTE = 16 // characters of a quotation that is a text, and not a label such as "not ethical"

const texts =
  'sentence paragraph text passage article excerpt e-?mail message review tweet poem snippet headline dialogue ' +
  'conversation equation idiom proverb riddle word phrase'
const textWord = `(?:${texts.split(' ').join('|')})s?`
// Words after "below" by which it points to a text, and not to a limit ("below the average", "below 5 degrees").
const afterBelow = '(?= ?(?:[.,:;?!\\n]|$| (?:and|in|into|to|by|as|from|for|with|so|is|are)\\b))'

const pointers: ByLanguage<readonly RegExp[]> = {
  en: [
    /\bthe following (?!(?:days?|weeks?|months?|years?|decades?|centur\w{1,4}|mornings?|evenings?|nights?|seasons?|generations?|\w{3,6}day)\b)[\w'-]{1,20}/i,
    /\bthe (?:given|provided|attached) (?!(?:day|time|date|moment|year|topic)\b)[\w'-]{1,20}/i,
    new RegExp(`\\b(?:this|these) (?:[\\w'-]{1,12} )?${textWord}\\b`, 'i'),
    new RegExp(`\\b(?:the|this|these|each) (?:[\\w'-]{1,20} ){1,3}below\\b${afterBelow}`, 'i'),
    new RegExp(`^given an? (?:[\\w'-]{1,12} )?${textWord},`, 'i'),
  ],
  zh: [
    /(?:(?<![\d字词岁元度级个名钟天年月周米克斤层倍成万千百十%％℃人号])以下|(?<![子床桌椅树桥山楼水底雪地灯台])下面|如下|给定|所给|给出的|上述)[^，。！？：:；\n]{0,8}?(?:句子|句|段|文字|文本|文章|短文|材料|词语|词|成语|诗|故事|对话|邮件|评论|新闻|数字|数据|列表|代码|题|问题|内容|信息|通知|名单|清单|国家|城市|食材|情况|事实|留言|消息)/,
    /下列[\p{Script=Han}]{1,4}/u,
    /这(?:段|篇|首|则|条|封|道|份|些|组|串|几[句条道])(?:[A-Za-z+# ]{1,12})?(?:话|文字|文本|对话|代码|材料|内容|文章|短文|作文|新闻|报道|诗|词|句子|信|邮件|通知|消息|评论|微博|短信|留言|反馈|数字?|日期|名单|简历|自我介绍|合同条款|题|数学题)/,
    /这(?:句话|句诗|个句子)/,
  ],
}
// Programs are asked for with the data to come: "a function that sorts the given list" is whole.
const programWanted =
  /\b(?:write|create|implement|develop|design|build|define)\b[^.\n]{0,40}\b(?:function|program|code|script|algorithm|method|query|regex|regular expression|class|formula|macro|app|system|tool|prompt|website|web page|model)s?\b|(?:编写|写|实现|设计|定义|开发)[^。\n]{0,20}(?:函数|程序|代码|脚本|算法|方法|查询|正则|公式|系统|工具)/i

/** The words that point to a text the instruction does not bring along, or undefined. */
export function missingTextIn(instruction: string, language: Language): string | undefined {
  if (programWanted.test(instruction)) return undefined
  for (const pattern of pointers[language]) {
    const match = pattern.exec(instruction)
    if (!match) continue
    const before = instruction.slice(0, match.index)
    const after = instruction.slice(match.index + match[0].length)
    if (isNamed(match[0], before, language) || isCarried(before, after)) return undefined
    return match[0]
  }
  return undefined
}

/** Whether the thing was named before it was pointed to: "Tell a joke and say why this joke is funny." */
function isNamed(pointer: string, before: string, language: Language): boolean {
  const noun = language === 'zh' ? pointer.slice(-2) : (pointer.split(' ').at(-1) ?? pointer)
  return before.toLowerCase().includes(noun.toLowerCase())
}

const quoteAfter =
  /^(?:[ ]{1,2}(?!as\b|into\b|is\b|either\b|or\b)[\w'-]{1,20}){0,4}[\s的，,]{0,3}["“「『《'`‘]/
const longQuote = new RegExp(
  [
    `"[^"\\n]{${LONG_QUOTE},}"|“[^“”\\n]{${LONG_QUOTE},}”|\`[^\`\\n]{8,}\``,
    '["“「『《][^"“”「」『』《》\\n]{0,40}\\p{Script=Han}{5}|《[^《》\\n]{1,40}》',
  ].join('|'),
  'u',
)
const afterColon = /^([^.!?。！？\n:：]{0,200})(?::|：|—|–)[ \t]{0,9}(\S.)/
const choices =
  /\b(?:categor|label|option|class|type|one of|as|into (?:one|two|three|either|these)|either)|类别|标签|选项|之一|分类|分为|归/i
const brackets = /[([{（【][^()[\]{}（）【】\n]{3,}[)\]}）】]/
const numberList = /\d[ ]{0,2}(?:,|，|、|and|or|和)[ ]{0,2}(?:and )?-?\d/

/** Whether an instruction brings its text along: quoted, after a colon, in brackets, as numbers, or as its own sentence. */
function isCarried(before: string, after: string): boolean {
  const colon = afterColon.exec(after)
  if (colon && (/^["“「『`]/.test(colon[2] ?? '') || !choices.test(colon[1] ?? ''))) return true
  if (/["”」』》`]/.test(before) || quoteAfter.test(after)) return true
  if (longQuote.test(after) || numberList.test(after)) return true
  const bracket = brackets.exec(after)?.[0]
  if (bracket !== undefined && !/ or |\/|或/.test(bracket)) return true
  if (/\n[^\S\n]{0,9}\S/.test(after.trim())) return true
  const sentences = [...before.split(/[.!?。！？\n]/).slice(0, -1), ...after.split(/[.!?。！？\n]/).slice(1)]
  return sentences.some((sentence) => /[\p{L}\p{N}]{2}/u.test(sentence) && !isOrder(sentence))
}

const orders =
  "use make keep do don't your you answer output write return give if include limit explain please then also select " +
  'choose list provide rewrite be respond state only each avoid try say name add and for identify determine classify ' +
  'decide what which how is are does can could summari[sz]e translate read imagine assume think consider start end ' +
  'begin number sort mark mention show tell find put replace labels? categories options choices possible format no in ' +
  'at one two three generate create describe correct compare extract rank turn convert'
const orderStart = new RegExp(`^\\s{0,9}(?:${orders.split(' ').join('|')})\\b`, 'i')
const orderWithin = /\b(?:should|must|needs?|candidates|categories|labels|options)\b/i
const orderStartHan =
  /^\s{0,9}(?:[请不用只并若使需限可尽你按把将从先再给写说列以别为对选改找答]|要求|字数|注意|如果|控制|保持|每|输出|根据|然后|最后|指出|判断|概括|总结|翻译|解释|结果|语气|长度|风格|确保|避免|回答|计算|分析|提取|归纳)/

/** Whether a sentence tells how to do the task ("Use at most two sentences"), and is not the text the task is about. */
function isOrder(sentence: string): boolean {
  return orderStart.test(sentence) || orderWithin.test(sentence) || orderStartHan.test(sentence)
}

// Finds answers that do not end well: cut off in mid-sentence, or caught in a loop. Whole texts that look unfinished
// are common (lists, code, verses, labels, titles, signatures), so each sign of a cut needs a second one beside it.
import { type Language, lastOf } from './language.ts'
import { type ByLanguage, hasCode } from './patterns.ts'

const longestPhrase = 50 // longest phrase, in words or Han characters, that is looked for in a loop
const loop = 12 // words beyond the first saying that make a loop; songs repeat three words four times
const shortLoop = 24 // the same for phrases of one or two words: "ha ha ha", a column of labels
const tail = 24 // characters of the end that are shown

const loopWanted =
  /\b(?:repeat\w{0,5}|\d times|song|lyrics|chorus|chant|tongue twister)\b|重复|[\d二三五十百][遍次]|歌|绕口令/i

/** The phrase an answer has fallen into repeating, or undefined. */
export function loopIn(instruction: string, output: string): string | undefined {
  if (loopWanted.test(instruction)) return undefined
  const unnumbered = output.toLowerCase().replace(/^[ \t]{0,9}\d{1,4}[.)、．]/gm, '')
  const words = unnumbered.match(/\p{Script=Han}|(?:(?!\p{Script=Han})[\p{L}\p{N}'’])+/gu) ?? []
  for (let period = 1; period <= longestPhrase; period++) {
    const end = endOfLoop(words, period)
    if (end === undefined) continue
    const phrase = words.slice(end - period, end)
    return phrase.join(/\p{Script=Han}/u.test(phrase[0] ?? '') ? '' : ' ')
  }
  return undefined
}

/** Where a phrase of `period` words has been said two and a half times in a row or more; bare numbers do not count. */
function endOfLoop(words: readonly string[], period: number): number | undefined {
  const enough = Math.max(Math.ceil(1.5 * period), period < 3 ? shortLoop : loop)
  let same = 0
  for (let i = period; i < words.length; i++) {
    same = words[i] === words[i - period] ? same + 1 : 0
    if (same === enough && words.slice(i + 1 - period, i + 1).some((word) => /\p{L}/u.test(word)))
      return i + 1
  }
  return undefined
}

/** The last words of an answer that stops in mid-sentence, or undefined. */
export function cutOffIn(output: string): string | undefined {
  const text = output.trimEnd()
  const lines = text.split('\n')
  const last = (lines.at(-1) ?? '').trim()
  const isCut =
    hasOpenFence(lines) ||
    hasOpenJson(text) ||
    hasEmptyEntry(lines) ||
    (!hasCode(text) &&
      !/:\/\/|\|/.test(last) &&
      (endsDangling(last, lines.length) || endsUnfinished(last, lines)))
  return isCut ? `…${lastOf(text, tail)}` : undefined
}

/** Whether a code block is begun and not closed; a lone fence on the last line closes one begun in the prompt. */
function hasOpenFence(lines: readonly string[]): boolean {
  const fences = lines.flatMap((line, at) => (/^[ \t]{0,9}```/.test(line) ? [at] : []))
  return fences.length % 2 === 1 && fences.at(-1) !== lines.length - 1
}

/** Whether a text that begins as JSON ends before its brackets are closed. */
function hasOpenJson(text: string): boolean {
  if (!/^\s{0,9}(?:\{\s{0,99}"|\[\s{0,99}["{[])/.test(text)) return false
  const marks = text.replace(/"(?:[^"\\]|\\.)*"/gs, '').match(/[[\]{}]/g) ?? []
  return marks.reduce((depth, mark) => depth + ('[{'.includes(mark) ? 1 : -1), 0) > 0
}

/** Whether a list ends with a number or a dash that nothing follows. */
function hasEmptyEntry(lines: readonly string[]): boolean {
  const entry = /^[ \t]{0,9}(?:\d{1,3}[.)、．]|[-*•])/
  return entry.test(lines.at(-2) ?? '') && (lines.at(-1) ?? '').replace(entry, '').trim() === ''
}

// Words that no English sentence ends with, save one that speaks of the word itself ("the article is an").
const dangling =
  /[^,:"“'‘]\s(?:a|an|the|and|or|but|nor|because|although|whereas|unless|my|your|their|our|than)$/
const namedWord =
  /\b(?:is|are|be|word|article|conjunction|use|used|answer|vitamin|grade|plan|type|with) \w{1,9}$/i
const danglingHan =
  /(?:以及|或者|因为|由于|但是|而且|并且|如果|虽然|对于|关于|例如|比如|为了|包括|使得|从而|(?<![温柔随缓饱总共中谦祥调平附应暖亲讲求人掺缓])和|(?<![参给赠赋授])与)$/

/** Whether the last line breaks off at a word, a comma or a bracket that needs something behind it. */
function endsDangling(last: string, lines: number): boolean {
  const words = last.split(/\s+/).length
  const han = last.match(/\p{Script=Han}/gu)?.length ?? 0
  const commas = last.match(/[,，、]/g)?.length ?? 0
  if (words >= 5 && commas * 3 <= words && dangling.test(last) && !namedWord.test(last)) return true
  if (han >= 8 && danglingHan.test(last)) return true
  if (/(?:^|[\s\p{Script=Han}])[（(]\p{L}[^()（）\]]*$|^[^„]*[“「][^“”「」„"]*$/u.test(last)) return true
  // A comma ends a line of verse, a greeting or "Best regards," as well: only a long line is a paragraph.
  if (!/[,，、]$/.test(last)) return false
  return lines < 3 ? words >= 7 || han >= 10 : words >= 20 || han >= 40
}

const sentenceEnd: ByLanguage<RegExp> = {
  en: /[a-z]{3}[.!?]["”’)\]]{0,2}[ ]{1,2}(?=["“‘(]?[A-Z])/g,
  zh: /\p{Script=Han}[。！？][”」』）]{0,2}(?=[^”」』）\s])/gu,
}
const loose =
  /\s(?:of|to|for|with|in|on|at|by|from|into|as|if|that|which|who|when|where|while|since|is|are|was|were|be|has|have|had|will|can|could|would|should|may|might|must|not|its|his|her|very|so|such|through|about|between|during|without)$/

/** Whether the last sentence has no end while those before it have one. */
function endsUnfinished(last: string, lines: readonly string[]): boolean {
  const isHan = /\p{Script=Han}$/u.test(last)
  if (!isHan && !/[a-z]$/.test(last)) return false
  const ends = [...last.matchAll(sentenceEnd[isHan ? 'zh' : 'en'])]
  const end = ends.at(-1)
  if (!end) return isLastOfWholeLines(last, lines)
  const fragment = last.slice(end.index + end[0].length)
  if (/[:：=—–]/.test(fragment)) return false
  if (isHan)
    return last.length >= 40 && (fragment.match(/\p{Script=Han}/gu)?.length ?? 0) >= (ends.length > 1 ? 4 : 8)
  const words = last.split(/\s+/).length
  const begun = /^\W{0,2}[A-Z].{0,400} [a-z'’-]{1,30}$/.test(fragment)
  return (
    begun &&
    (loose.test(fragment) ? words >= 8 : words >= 25 && (ends.length >= 2 || fragment.split(' ').length >= 6))
  )
}

/** Whether every line before ends its sentence and only the last, long enough not to be a signature, does not. */
function isLastOfWholeLines(last: string, lines: readonly string[]): boolean {
  const before = lines.slice(0, -1).filter((line) => line.trim() !== '')
  const isLong = last.split(/\s+/).length >= 8 || /[，；：]\p{Script=Han}|\p{Script=Han}{20}/u.test(last)
  return isLong && before.length >= 2 && before.every((line) => /[.!?。！？][”"’』」)）]?\s*$/.test(line))
}

// An instruction that speaks of a text it does not bring along: "Summarize the following paragraph."
const longQuotation = 16 // characters of a quotation that is a text, and not a label such as "not ethical"

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
    `"[^"\\n]{${longQuotation},}"|“[^“”\\n]{${longQuotation},}”|\`[^\`\\n]{8,}\``,
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

// What an instruction is given: whether the text it speaks of is there, for all to see, and whether input and output do
// more than say again what was said. Patterns run in linear time, as in patterns.ts.
import type { ByLanguage, Language } from './language.ts'
import { rougeL, tokenize } from './rouge.ts'

/** One example of a task; the input is empty where the instruction says all. `at`: where it stands in a merged file, `:12` or `#12`. */
export type Instance = { input: string; output: string; at?: string }

// A text that an instruction speaks of and does not bring along: "Summarize the following paragraph."
const longQuotation = 16 // characters of a quotation that is a text, and not a label such as "not ethical"

const texts =
  'sentence paragraph text passage article excerpt e-?mail message review tweet poem snippet headline dialogue ' +
  'conversation equation idiom proverb riddle word phrase'
const textWord = `(?:${texts.split(' ').join('|')})s?`
// Words after "below" by which it points to a text, and not to a limit ("below the average", "below 5 degrees").
const afterBelow = '(?= ?(?:[.,:;?!\\n]|$| (?:and|in|into|to|by|as|from|for|with|so|is|are)\\b))'

const pointers: ByLanguage<readonly RegExp[]> = {
  en: [
    /\bthe following (?!(?:days?|weeks?|months?|years?|decades?|centur\w{1,4}|mornings?|evenings?|nights?|seasons?|generations?|ways?|manner|\w{3,6}day|stages?|steps)\b)[\w'-]{1,20}/i,
    /\bthe (?:given|provided|attached) (?!(?:day|time\w{0,5}|date|moment|year|topic|budget|deadline|circumstances|conditions|order|space|invoice|agenda|cv|resume)\b)[\w'-]{1,20}/i,
    new RegExp(`\\b(?:this|these) (?:[\\w'-]{1,12} )?${textWord}\\b`, 'i'),
    new RegExp(`\\b(?:the|this|these|each) (?:[\\w'-]{1,20} ){1,3}below\\b${afterBelow}`, 'i'),
    new RegExp(`^given an? (?:[\\w'-]{1,12} )?${textWord},`, 'i'),
    /\b(?:in|of|by|from) the (?:novel|movie|film|book|song|poem|word|phrase|sentence|passage|paragraph|text|article)$/i,
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

// A problem to be solved is no data to come: these point to a text even where a program is asked for.
const problems: ByLanguage<RegExp> = {
  en: /\b(?:solve|answer|fix|debug|complete) (?:this|these|the given|the above) (?:\w{1,12} )?(?:problem|question|puzzle|riddle|equation|code|exercise|task)s?\b/i,
  zh: /(?:解决|回答|解答|修复)(?:这个|这道|这些|上述|上面的)(?:问题|题目?|方程|代码)/,
}

// A letter may speak of what is attached to it.
const letterWritten = /\b(?:write|draft|compose|prepare)\b[^.\n]{0,40}\b(?:e-?mail|letter|message|note)\b/i

/** The words that point to a text the instruction does not bring along, or undefined. */
export function missingTextIn(instruction: string, language: Language): string | undefined {
  for (const pattern of [problems[language], ...pointers[language]]) {
    const match = pattern.exec(instruction)
    if (!match) continue
    if (pattern !== problems[language] && programWanted.test(instruction)) return undefined
    if (/attached/i.test(match[0]) && letterWritten.test(instruction)) continue
    const before = instruction.slice(0, match.index)
    const after = instruction.slice(match.index + match[0].length)
    if (isNamed(match[0], before, language) || isCarried(before, match[0], after)) return undefined
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
    "(?:^|[\\s(])['‘][^'‘’\\n]{3,200}['’](?=[\\s.,;:?!)]|$)",
  ].join('|'),
  'u',
)
const afterColon = /^([^.!?。！？\n:：]{0,200})(?::|：|—|–)[ \t]{0,9}(\S.)/
const choices =
  /\b(?:categor|label|option|class|type|one of|as|into (?:one|two|three|either|these)|either)|类别|标签|选项|之一|分类|分为|归/i
// "as positive or negative:" names the labels, so that what follows is the text; "into these categories:" does not.
const choicesNamed = /\b(?:as|into|is|are|whether|either)\b.*\b(?:or|and)\b|[/、]|[为是属].*(?:或|还是|和)/i
const optionsAsked = /\b(?:which|what|who) of (?:the following|these)\b|(?:下列|以下|下面)哪/i
const questionAsked = /question|riddle|puzzle|problem|quiz|问|题|谜/i
const brackets = /[([{（【][^()[\]{}（）【】\n]{3,}[)\]}）】]/
const numberList = /\d[ ]{0,2}(?:,|，|、|and|or|和)[ ]{0,2}(?:and )?-?\d/
const latinText = /[A-Za-z'’]{2,}[ ,]{1,2}[A-Za-z'’]+[ ,]{1,2}[A-Za-z'’]{2,}/
const saidByPerson = /[，,](?=[^，,。！？\n]{0,12}(?:我|他|她|它|你|咱|今天|昨天|明天))[^，,。！？\n]{4,}/

/** Whether an instruction brings its text along: quoted, after a colon, in brackets, as numbers, or as its own sentence. */
function isCarried(before: string, pointer: string, after: string): boolean {
  const colon = afterColon.exec(after)
  const head = colon?.[1] ?? ''
  if (colon && (/^["“「『`]/.test(colon[2] ?? '') || !choices.test(head) || choicesNamed.test(head)))
    return true
  if (/["”」』》`]/.test(before) || quoteAfter.test(after)) return true
  if (longQuote.test(before) || longQuote.test(after) || numberList.test(after)) return true
  const bracket = brackets.exec(after)?.[0]
  if (bracket !== undefined && !/ or |\/|或/.test(bracket)) return true
  if (/\n[^\S\n]{0,9}\S/.test(after.trim())) return true
  if (
    optionsAsked.test(before.slice(-20) + pointer + after.slice(0, 20)) &&
    /,|，|、| or |还是|或/.test(after)
  )
    return true
  const isChinese = /\p{Script=Han}/u.test(pointer)
  if (isChinese && latinText.test(after)) return true
  const told = before.split(/[，,：:]/).slice(0, -1)
  if (isChinese && told.some((clause) => /\p{Script=Han}{4}/u.test(clause) && !isOrder(clause))) return true
  const said = isChinese ? saidByPerson.exec(after)?.[0].slice(1) : undefined
  if (said !== undefined && !isOrder(said)) return true
  const own = [...sentencesOf(before).slice(0, -1), ...sentencesOf(after).slice(1)]
  const question = questionAsked.test(pointer)
  return own.some(
    (sentence) =>
      /[\p{L}\p{N}]{2}/u.test(sentence) && (!isOrder(sentence) || (question && /[?？]$/.test(sentence))),
  )
}

/** Sentences with the mark that ends each; the last one may be empty. */
function sentencesOf(text: string): string[] {
  return text.split(/(?<=[.!?。！？\n])/)
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

// Inputs that nobody can see: an address, "[photo attached]", "(Insert the poem)", "见附件".

const unseen =
  'paragraph text article code poem image picture photo(?:graph)? document file audio video clip passage essay story song ' +
  'recording attachment link url sentence e-?mail review snippet table chart graph map screenshot message dataset ' +
  'report letter page website website link transcript'
const unseenHan =
  '(?:图片|照片|图像|截图|附件|链接|网址|文件|音频|视频|录音|文章|段落|文本|短文|原文|诗歌|诗|歌曲|材料|表格|图表|报道|句子|邮件|评论|代码|网页|文字|图)'
const word = `(?:${unseen.split(' ').join('|')})s?`
const inBrackets = new RegExp(
  `^(?:[<[({]{1,2}|&lt;)\\s?(?:(?:${word}|insert|paste|attach(?:ed|ment)?|upload(?:ed)?|provided?|add|enter|see|given|your|the|an?|of|to|here|be|input|user|example|sample|full|short|news|link|url|content|above|below)[ _-]?){1,6}(?:[>\\])}]{1,2}|&gt;)[.]?$`,
  'i',
)
const inBracketsHan = new RegExp(
  `^(?:[<[({【［（〈]|&lt;)[^<>[\\](){}【】（）〈〉\\n]{0,8}${unseenHan}[^<>[\\](){}【】（）〈〉\\n]{0,4}(?:[>\\])}】］）〉]|&gt;)[。]?$`,
)
// One of these is in all that the next two patterns find, which are so large that building them takes milliseconds.
const whereTextIs = /attach|following|below|above|provided|given|uploaded|inserted|included|shown|here/i
const saidToBeThere = new RegExp(
  `^(?:please )?(?:see|refer to|find|open|use)? ?(?:the |an? |in )?(?:attach(?:ed|ment)|(?:following|below|above|provided|given) (?:${word}))(?: (?:${word}))?(?: (?:below|above|here))?[.!]?$|^(?:please )?see (?:the )?(?:${word} )?(?:above|below|attached)[.!]?$`,
  'i',
)
const saidAttached = new RegExp(
  `^(?:the |an? |my |your )?(?:\\w{1,12} )?(${word}) (?:is |are |has been |was )?(?:attached|provided|given|uploaded|inserted|included|shown|here|above|below)(?: (?:above|below|here))?[.!]?$`,
  'i',
)
const wordAlone = new RegExp(`^(?:an? |the |this |some |any )?(${word})(?: of text)?[.]?$`, 'i')
const saidToBeThereHan = new RegExp(
  `^(?:请|详|具体|内容)?(?:参?见|看|参考|阅读)?(?:所附|随附|附上的?|附|上|下|以上|以下|上述|上面的?|下面的?|给定的?|提供的?|[一某][段篇首则封份])?的?${unseenHan}(?:内容)?(?:见附件|如下|如上|已上传|已附上?|在此|略)?[。！]?$`,
)
const address = /^<?(?:https?:\/\/|www\.)[^\s<>]{3,2000}>?[.。]?$/i
const aboutAddresses =
  /\b(?:urls?|links?|domains?|web ?address\w{0,2}|hostnames?|protocols?|slugs?|tags?|html|xml|elements?|href|phishing|safe|valid|shorten\w{0,3}|pars\w{1,3}|regex|placeholder)\b|网址|链接|域名|网站地址|标签|元素|协议|短链|钓鱼|安全/i

/** An input that only says where a text would be, or undefined; a task may be about addresses or tags themselves. */
export function unseenInputIn(instruction: string, input: string): string | undefined {
  const given = input.trim()
  if (given.length > 2000 || given === '') return undefined
  if (aboutAddresses.test(instruction)) return undefined
  const isBracketed = /^[<[({【［（〈&]/.test(given) && (inBrackets.test(given) || inBracketsHan.test(given))
  const isSaid = given.length < 200 && whereTextIs.test(given) && saidToBeThere.test(given)
  const isUnseen = isBracketed || isSaid || address.test(given)
  return isUnseen || isNamedAgain(instruction, given) ? given : undefined
}

/** Whether the input is the word for itself: "the paragraph" for "Rewrite the paragraph", 一段文字 for 概括这段文字. */
function isNamedAgain(instruction: string, given: string): boolean {
  if (given.length > 60) return false
  if (saidToBeThereHan.test(given))
    return /[见附上下略]|给定|提供/.test(given) || /[这该此段篇首则封]/.test(instruction)
  const attached = whereTextIs.test(given) ? saidAttached.exec(given)?.[1] : undefined
  if (attached !== undefined) return instruction.toLowerCase().includes(attached.toLowerCase())
  const [, noun] = wordAlone.exec(given) ?? []
  return (
    noun !== undefined &&
    new RegExp(`\\b(?:the|this|following|given) (?:\\w{1,12} )?${noun}\\b`, 'i').test(instruction)
  )
}

// Echoes: an output or an input that says again what was there.

const mayRepeat =
  /\b(?:capital\w{0,5}|(?:upper|lower|title|sentence)[ -]?case|letter case|punctuat\w{0,5}|repeat\w{0,3}|copy|echo|unchanged|verbatim|already|if (?:it|the \w{1,12}|there) (?:is|are|has)|proofread|full stops?|periods?|back (?:in)?to)\b|大小写|标点|句号|重复|照抄|原样|不变|如果|若/i
const oneWordMayStay =
  /\b(?:plural|singular|lemma\w{0,6}|stem|root|base form|palindrome|reverse\w{0,2}|absolute|round\w{0,3}|maximum|minimum|largest|smallest|greatest|convert|spell\w{0,3}|correct|normali[sz]e|simplify|sort|translate)\b|复数|单数|词干|回文|倒|绝对值|四舍五入|最大|最小|换算|拼写|改正|纠正|化简|排序|翻译/i

/** Whether an answer only says its input again, case and full stop aside; tasks about case or marks may want just that. */
export function repeatsInput(instruction: string, input: string, output: string): boolean {
  const given = input.trim()
  if (given === '') return false
  const isShort = isOneWord(given) || !/\p{L}/u.test(given)
  if (given === output.trim()) return !(isShort ? oneWordMayStay : mayRepeat).test(instruction)
  if (isShort || firstLetter(given) !== firstLetter(output)) return false
  return bare(given) === bare(output) && !mayRepeat.test(instruction)
}

function isOneWord(text: string): boolean {
  return /^(?:[^\s\p{Script=Han}]{1,40}|\p{Script=Han}{1,4})$/u.test(text)
}

/** A text as it is compared: without case, without marks at its ends, white space folded. */
export function bare(text: string): string {
  const folded = text
    .toLowerCase()
    .replace(/["“”「」『』]/g, '')
    .replace(/\s+/g, ' ')
  const start = folded.search(/[\p{L}\p{N}]/u)
  return start < 0 ? '' : folded.slice(start).replace(/[ .。!！?？"”'’…]{1,9}$/u, '')
}

const frame = /^\W{0,5}(?:instruction|task|question|指令|任务|问题)(?: ?\d{1,3})?[ \t]{0,3}[:：]\s{0,9}/i
const rewriting =
  /\b(?:quote|copy|repeat|rewrite|continue|complete|finish|fix|correct|edit|improve|translate|paraphrase|fill|count|read aloud)\b|重复|改|续写|补全|完成|填|译/i
const picking = /\b(?:which|choose|pick|select|find|extract|identify)\b|哪|选|找|摘|抽取|提取/i
const shortEcho = { words: 4, longWords: 8 }
const hardlyChanged = 0.8 // ROUGE-L of an answer with its instruction: a small model tells a situation again, a word or two left out

/** What of a row only says its instruction again: the output, its beginning, or the input. */
export function instructionAgain(instruction: string, { input, output }: Instance): string | undefined {
  // What is much longer than the instruction may begin with it, but not be it.
  const answer = output.slice(0, 2 * instruction.length + 100).replace(frame, '')
  if (isPieceOfOrder(instruction, answer)) return output
  const isLike =
    beginsOrEndsLike(answer, instruction) || (input !== '' && beginsOrEndsLike(input, instruction))
  if (!isLike) return undefined
  const asked = bare(instruction)
  if (asked.length < 6) return undefined
  if (saysAgain(asked, bare(answer), instruction)) return output
  const mayChange = rewriting.test(instruction)
  if (input === '' && !mayChange && isHardlyChanged(asked, bare(answer))) return output
  if (input === '' && isToldAgain(asked, answer)) return output
  const given = bare(input)
  // A question said again with its answer is the matter of another rule; behind a colon or in quotes a text may be given twice.
  if (!/[?？:：“”"「]/.test(instruction) && isHardlyChanged(asked, given)) return input
  const isInside = wordsIn(given) >= shortEcho.longWords && asked.endsWith(given)
  return given !== '' && (given === asked || isInside) ? input : undefined
}

/** Whether an answer is the instruction, begins with it, or is the text at its end. */
function saysAgain(asked: string, answer: string, instruction: string): boolean {
  if (answer === asked) return true
  if (rewriting.test(instruction)) return false
  const begins = answer.startsWith(asked) && /^[?？.。!！:：]/.test(answer.slice(asked.length))
  if (begins && wordsIn(asked) >= shortEcho.words && /[?？.。!！]\s*$/.test(instruction.slice(-5)))
    return true
  const isEnd = asked.endsWith(answer) && answer.length * 2 >= asked.length
  return isEnd && wordsIn(answer) >= shortEcho.longWords && !picking.test(instruction)
}

function isHardlyChanged(asked: string, answer: string): boolean {
  if (wordsIn(asked) < shortEcho.longWords) return false
  return shareIn(answer, asked) >= 2 / 3 && rougeL(asked, answer) >= hardlyChanged // 0.8 takes two thirds at least
}

/** Which share of the words of a text stands in another one too. */
function shareIn(other: string, text: string): number {
  const known = new Set(tokenize(other))
  const words = tokenize(text)
  return words.length === 0 ? 0 : words.filter((word) => known.has(word)).length / words.length
}

// "小何听说了某个公司的新产品，他想亲自体验一下。": a situation that asks for nothing, which a small model tells once more.
const situation =
  /(?:^\p{Script=Han}{1,3}|[，,]\p{Script=Han}{0,3}(?:[他她我]们?|于是))(?:很|也|都|正|一直|非常|特别)?(?:想|要|希望|打算|决定|准备|需要)|^(?:i|we|he|she|they|(?:an?|the|my) \w{1,20}|\p{Lu}\p{Ll}{1,20}(?: and \p{Lu}\p{Ll}{1,20})?) (?:[\w'’]{1,20},? ){0,15}(?:wants?|wanted|needs?|needed|decided|decides|plans?|planned|hopes?|hoped|wishes|wished|would like|tries|tried|(?:is|was|are|am) (?:going|about|trying)) to\b/iu
const request =
  /[?？:：“”"「『]|\b(?:please|you|your|write|give|tell|list|help|what|how|why|which|who|find out|calculate|explain|describe)\b|[请帮你您写列译把将]|给[出他她我]|什么|如何|怎|为何|哪|多少|几|吗|呢|说明|解释|计算|分析|判断|建议|回答|描述|概括|总结/i
const toldAgain = 2 / 3 // of the words of an answer stand in the situation already

const composing =
  /^\W{0,3}(?:please )?(?:write|compose|draft|design|describe|explain|outline) (?!down\b|out\b|the (?:word|name|number|letter)\b)|^[请你]{0,2}(?:撰?写(?![出下])|创作|起草|设计|描述|解释|介绍|说明)/i
const offersWords = /[：:“”"「『']|或|还是|\bor\b/i

/** Whether a text was asked for and some words of the order came: "Write a paper on the style of poems." gives "style". */
function isPieceOfOrder(instruction: string, answer: string): boolean {
  if (answer.length > instruction.length || !composing.test(instruction)) return false
  const piece = bare(answer)
  return piece !== '' && !offersWords.test(instruction) && bare(instruction).includes(piece)
}

/** Whether an answer only tells a situation that asks for nothing again, in other words or another order. */
function isToldAgain(asked: string, answer: string): boolean {
  return situation.test(asked) && !request.test(asked) && shareIn(asked, answer) >= toldAgain
}

/** A quick look at the first and the last letter, since most texts share neither. */
function beginsOrEndsLike(text: string, other: string): boolean {
  return firstLetter(text) === firstLetter(other) || lastLetter(text) === lastLetter(other)
}

const letter = /[\p{L}\p{N}]/u

function firstLetter(text: string): string | undefined {
  return letter.exec(text)?.[0].toLowerCase()
}

function lastLetter(text: string): string | undefined {
  for (let at = text.length - 1; at >= 0 && at >= text.length - 20; at--)
    if (letter.test(text.charAt(at))) return text.charAt(at).toLowerCase()
  return undefined
}

function wordsIn(text: string): number {
  return text.match(/\p{Script=Han}{2}|[\p{L}\p{N}'’]+/gu)?.length ?? 0
}

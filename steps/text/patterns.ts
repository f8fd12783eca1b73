// What the filter rules look for, in both languages. Model text is hostile: every pattern runs in linear time, so
// no `\s*` before `$`, no class that can run past its own opening character, and a bound on every "anything between".

import type { Language } from './language.ts'

const LOOP_PERIOD = 50 // longest phrase, in words or Han characters, that is looked for in a loop
const LOOP_COPIES = 12 // words beyond the first saying that make a loop; songs repeat three words four times
const LOOP_COPIES_SHORT = 24 // the same for phrases of one or two words: "ha ha ha", a column of labels
const OPENING = 300 // characters at the start of an answer in which a refusal stands

export type ByLanguage<T> = Readonly<Record<Language, T>>

/** The paper's list (its released code), with Alpaca's video, audio, music, flowchart and diagram. */
export const blockedKeyword: ByLanguage<RegExp> = {
  en: /\b(?:(?:image|graph|picture|file|map|draw|plot|video|audio|music|flowchart|diagram)s?|go\s{1,3}to)\b/i,
  // 画 only as a verb: with something to be drawn after it, and not the end of 动画, 漫画, 计画, 一幅画 …
  zh: /图片|图像|图表|文件|地图|视频|音频|音乐|流程图|链接|绘制|(?<![动漫油国版壁字书绘图笔插年连名水彩刻计策规幅张])画(?:出(?!了)|下来|(?:[一二两三四五六几多]|个$)?[幅张个只条朵棵座头匹间栋架辆双对](?![人月])|一(?:下|画)|[个条](?=.))|(?:^|请你?|帮我|给我|替我|为我|[，。])(?:用.{1,6})?画(?=[^家面展廊室册报风作院派像质坛龙蛇饼地])/u,
}

/** The paper drops instructions that begin so: models put it before tasks that need no program. */
export const writeAProgram: ByLanguage<RegExp> = {
  en: /^\s{0,9}write a program\b/i,
  zh: /^\s{0,9}(?:请你?|帮我|请帮我|请你帮我)?(?:编写|编|写出?)(?:一个|一段|个)?程序(?![员猿设化性正])/,
}

/** ASCII punctuation as in the paper, and that of other scripts. A Chinese task may open with a title or a quotation. */
export const leadingPunctuation: ByLanguage<RegExp> = {
  en: /^(?:[!-/:-@[-`{-~]|(?![\p{Ps}\p{Pi}])\p{P})/u,
  zh: /^(?!["'(<[\p{Ps}\p{Pi}])(?:[!-/:-@[-`{-~]|\p{P})/u,
}

const refusals = [
  /\bas an? (?:AI|artificial intelligence|(?:large )?language model|(?:AI|virtual|digital) (?:assistant|model))\b[^.!?\n]{0,80}\b(?:can't|cannot|can not|don't|do not|won't|am not|am unable|'m not|'m unable)\b/i,
  /^(?:(?:(?:I'm|I am) (?:\w{1,9} )?sorry|sorry|apologies|unfortunately|I apologi[sz]e)[,.!;]?\s{1,3}(?:but )?)?I(?:'m| am)? ?(?:can't|cannot|can not|won't|unable to|not able to) (?:(?:assist|help)(?: you)?(?: with (?:that|this|your|the|such)\b|[.!]|$)|(?:fulfil?l|comply|complete|answer|process|perform|provide|generate|create|write|access)[^.!?\n]{0,30}\b(?:(?:that|this|your|the) (?:request|question|task|kind|content|information)|without (?:the|more|further|a|any)|instructions (?:for|on|to)|(?:medical|legal|financial) advice)\b)/i,
  /\b(?:please|could you|can you)\b[^.!?\n]{0,20}\b(?:provide|share|paste|give|send)\b[^.!?\n]{0,20}\b(?:text|sentence|paragraph|passage|article|input|code|context|list|email|review)s?\b[^.!?\n]{0,20}\b(?:you(?:'d| would)? (?:like|want|need)|so (?:that )?I can|and I(?:'ll| will| can))\b/i,
  /\b(?:you (?:haven't|have not|didn't|did not) (?:provided?|include|includ(?:e|ed)|shared?|given?)|no (?:text|sentence|input|paragraph|article|passage) (?:was|has been|is) (?:provided|given))\b/i,
  /作为(?:一个|一名|一款)?(?:AI|人工智能|(?:大型?)?语言模型|智能助手|虚拟助手)[^。！？\n]{0,40}(?:无法|不能|没有|不会|不具备|不可以|并不)/i,
  /^(?:很|非常|十分|真的)?(?:抱歉|对不起|遗憾|不好意思)[^。！？\n]{0,10}我(?!们)[^。！？\n]{0,6}(?:无法|不能|没法|没有办法|不可以)[^。！？\n]{0,12}(?:回答|提供|帮助|协助|完成|满足|生成|处理|访问|讨论|给出|执行|识别|写)/,
  /^我(?:无法|不能|没有办法|没法)(?:直接)?(?:回答|提供|协助|完成|满足|生成|处理|访问|执行)(?:这|该|此|您|你|相关|任何)/,
  /请(?:您|你)?先?(?:提供|给出|输入|发送|粘贴|补充)[^。！？\n]{0,12}(?:(?:需要|想要|希望|要)我?(?:翻译|总结|概括|改写|分析|修改|处理|分类|润色|回答|解释)的|(?:文本|文字|句子|段落|文章|内容|原文|材料|代码)[^。！？\n]{0,8}(?:以便|我(?:才|就|将|会|来|好|再)))/,
  /(?:您|你)(?:没有|并未|还没有?|尚未|未)(?:提供|给出|输入)/,
]
const refusalWanted =
  /\b(?:AI|chatbot|robot|assistant|language model|refus\w{0,5}|declin\w{0,4}|reject\w{0,4}|apolog\w{0,4}|turn(?:ing)? (?:\w{1,12} )?down|say(?:ing)? no)\b|人工智能|机器人|助手|拒绝|婉拒|谢绝|道歉|致歉|回绝|推辞/i

/** The words in which an answer refuses or asks for its text, or undefined; a task may ask for just that. */
export function refusalIn(instruction: string, output: string): string | undefined {
  if (refusalWanted.test(instruction)) return undefined
  const opening = output.trim().slice(0, OPENING).replaceAll('’', "'")
  return firstMatch(refusals, opening)
}

const blanksToFill = [
  /\[(?:your|my|insert|enter|add|paste|recipient(?:'s|’s)?|sender(?:'s|’s)?) [^[\]\n]{1,60}\](?!\()/i,
  /(?<![\w\])])\[(?:[A-Za-z'’]{1,20}[ ,]{1,2}){1,4}(?:name|date|address|title|number|position|location|signature|age|amount|state)\](?!\()/i,
  /(?<![\w\])])\[(?:Name|NAME|Date|DATE|Address|Company|COMPANY|Recipient|City|Position|Location|Signature|School|Age)\](?!\()/,
  /[[【［〔](?:你的|您的|我的|请?填写|在此|此处|请?插入|请?输入)[^[\]【】［］〔〕\n]{1,30}[\]】］〕]/,
  /(?<![\w\])])[[［〔](?:[\p{Script=Han}]{0,6})(?:姓名|名字|日期|公司|地址|电话|号码|联系方式|职位|职务|学校|单位|时间|地点|名称)[\]］〕](?!\()/u,
  /(?<=[^\s【】])【(?:[\p{Script=Han}]{0,4})(?:姓名|名字|日期|公司|地址|电话|职位|学校|单位|名称)】/u,
  /【(?:姓名|名字|日期|签名|公司名称|单位名称)】(?=[ \t]{0,9}(?:\n|$))/,
  /(?<![A-Za-z×])[Xx×]{2,9}(?=先生|女士|小姐|老师|同学|教授|经理|总监|医生|公司|集团|大学|中学|小学|学校|学院|部门|有限|单位|年|月|日|省|市|区|路|街|号|您好|你好)/,
  /(?:尊敬的|亲爱的|我是|我叫|名叫|姓名[：:]|名字[：:]|电话[：:]|地址[：:]|日期[：:]|联系人[：:]|此致)[ \t]{0,3}[Xx×]{2,9}/,
]
const blankInput =
  /\[(?:insert|paste|enter|add) [^[\]\n]{1,60}\]|[[【［](?:在此|此处|请?插入|请?粘贴|请?输入)[^[\]【】［］\n]{1,30}[\]】］]/i
const blanksWanted =
  /\b(?:templates?|placeholders?|fill[- ]in|blanks?|brackets?|boilerplate|form letter|mad libs?)\b|模板|样板|占位|填空|空白|括号/i

/** A blank left for a person to fill in, or undefined; templates, code and blanks copied from the input are sound. */
export function placeholderIn(instruction: string, input: string, output: string): string | undefined {
  if (blanksWanted.test(instruction)) return undefined
  const pasted = blankInput.exec(input)?.[0]
  if (pasted !== undefined) return pasted
  if (isCode(output)) return undefined
  const blank = firstMatch(blanksToFill, output)
  return blank !== undefined && input.includes(blank) ? undefined : blank
}

const label = /^[ \t]{0,9}(?:#{1,4} |\*\*)?(?:input|output|class label|输入|输出)(?:\*\*)?[ \t]{0,3}[:：]/im
const answerLabel = /^\s{0,9}(?:#{1,4} |\*\*)?(?:output|class label|输出)(?:\*\*)?[ \t]{0,3}[:：]/i
const labelsWanted =
  /\b(?:code|program\w{0,5}|functions?|scripts?|algorithms?|examples?|test cases?|inputs? and outputs?|input\/output|sample|specifications?|adapter|machine)\b|代码|程序|函数|算法|脚本|示例|例子|样例|测试|输入和?输出/i

/** A label of the prompt's own form left in the text, or undefined. Programming tasks may speak of input and output. */
export function labelIn(instruction: string, input: string, output: string): string | undefined {
  const start = answerLabel.exec(output)?.[0]
  if (start !== undefined || labelsWanted.test(instruction) || isCode(output)) return start?.trim()
  const inline = /\bInput: /.test(output) ? /\bOutput: /.exec(output) : null
  return (label.exec(output) ?? label.exec(input) ?? inline)?.[0].trim()
}

const codeLine =
  /^[ \t]{0,99}(?:```|(?:def|class|import|function|const|let|var|public|private|return|print|console|package|using|#include|SELECT|CREATE|INSERT|UPDATE|DELETE|echo|sudo|git|npm|pip)\b.{0,200}[(){};=*"'<]|<\/?\w[^<>\n]{0,200}>|@\w)|[;{}][ \t]{0,9}$/m

export function isCode(text: string): boolean {
  return codeLine.test(text)
}

function firstMatch(patterns: readonly RegExp[], text: string): string | undefined {
  for (const pattern of patterns) {
    const match = pattern.exec(text)
    if (match) return match[0]
  }
  return undefined
}

const pointers: ByLanguage<readonly RegExp[]> = {
  en: [
    /\bthe following\b(?! (?:days?|weeks?|months?|years?|decades?|centur\w{1,4}|mornings?|evenings?|nights?|season|generations?|\w{3,6}day)\b)/i,
    /\bthe (?:given|provided|attached)\b(?! (?:day|time|date|moment|year|topic)\b)(?= \w)/i,
    /\b(?:this|these) (?:\w{1,12} )?(?:sentence|paragraph|text|passage|article|excerpt|e-?mail|message|review|tweet|poem|snippet|headline|dialogue|conversation|list of)s?\b/i,
    /\b(?:the|this|these) (?:[\w'-]{1,20} ){0,2}(?:sentence|paragraph|text|passage|article|story|poem|e-?mail|letter|message|review|tweet|question|word|phrase|list|number|item|table|code|snippet|equation|dialogue|conversation|description|statement|data|facts?)s? (?:given |provided |shown )?below\b/i,
    /^given an? (?:\w{1,12} )?(?:sentence|paragraph|text|passage|article|e-?mail|review|tweet|poem|dialogue|conversation),/i,
  ],
  zh: [
    /(?:(?<![\d字词岁元度级个名钟天年月周米克斤层倍成万千百十%％℃人号])以下|(?<![子床桌椅树桥山楼水底雪地灯台])下面|下列|如下|给定|所给|给出的|上述)[^，。！？：:；\n]{0,8}?(?:句|段|文字|文本|文章|短文|材料|词|成语|诗|故事|对话|邮件|评论|新闻|数字|数据|列表|代码|题|问题|内容|信息|通知|名单|清单|国家|城市|食材|情况|事实|留言|消息)/,
    /这(?:段(?:话|文字|文本|对话|代码|材料|内容)|篇(?:文章|短文|作文|新闻|报道|文字)|首(?:诗|词)|句话|个句子|些句子|封(?:信|邮件)|则(?:新闻|通知|消息|故事|评论)|条(?:评论|消息|留言|新闻|微博|短信)|组(?:数|词)|道(?:题|数学))/,
  ],
}
const programWanted =
  /\b(?:write|create|implement|develop|design|build|generate|define|make)\b[^.\n]{0,40}\b(?:function|program|code|script|algorithm|method|query|regex|regular expression|class|formula|macro|app|system|tool|prompt|website|web page|model)s?\b|(?:编写|写|实现|设计|定义|开发)[^。\n]{0,20}(?:函数|程序|代码|脚本|算法|方法|查询|正则|公式|系统|工具)/i

/** The words that point to a text the instruction does not bring along, or undefined. */
export function missingTextIn(instruction: string, language: Language): string | undefined {
  if (programWanted.test(instruction)) return undefined
  for (const pattern of pointers[language]) {
    const match = pattern.exec(instruction)
    if (!match) continue
    const before = instruction.slice(0, match.index)
    const after = instruction.slice(match.index + match[0].length)
    return carriesText(before, after) ? undefined : match[0]
  }
  return undefined
}

const quoteAfter =
  /^(?:[ ]{1,2}(?!as\b|into\b|is\b|either\b|or\b)[\w'-]{1,20}){0,4}[\s的，,]{0,3}["“「『《'`‘]/
const longQuote =
  /"[^"\n]{16,}"|“[^“”\n]{16,}”|`[^`\n]{8,}`|["“「『《][^"“”「」『』《》\n]{0,40}\p{Script=Han}{5}|《[^《》\n]{1,40}》/u
const choices =
  /\b(?:categor|label|option|class|type|one of|as|into (?:one|two|three|either|these)|either)|类别|标签|选项|之一|分类|分为|归/i
const afterColon = /^([^.!?。！？\n:：]{0,200})(?::|：|—|–)[ \t]{0,9}(\S.)/
const brackets = /[([{（【][^()[\]{}（）【】\n]{3,}[)\]}）】]/
const numberList = /\d[ ]{0,2}(?:,|，|、|and|or|和)[ ]{0,2}(?:and )?-?\d/
const order =
  /^\s{0,9}(?:use|make|keep|do|don't|your|you|answer|output|write|return|give|if|include|limit|explain|please|then|also|select|choose|list|provide|rewrite|be|respond|state|only|each|avoid|try|say|name|add|and|for each|identify|determine|classify|decide|what|which|how|is|are|does|can|could|summari[sz]e|translate|read|imagine|assume|think|consider|start|end|begin|number|sort|mark|mention|show|tell|find|put|replace|labels?|categories|options|choices|possible|format|example|no|in (?:one|two|at most|no more)|at most|one|two|three)\b|\b(?:should|must|need|needs)\b|^\s{0,9}(?:请|要求|不|用|字数|注意|只|并|如果|若|控制|保持|每|答案|输出|使|需|限|可|尽|你|按|根据|把|将|从|先|再|然后|最后|给|写|说|列|指出|判断|概括|总结|翻译|解释|结果|语气|长度|风格|以|确保|避免|别|为|对|选|回答|改|找|计算|分析|提取|归纳)/i

/** Whether an instruction brings its text along: quoted, after a colon, in brackets, as numbers, or as its own sentence. */
function carriesText(before: string, after: string): boolean {
  const colon = afterColon.exec(after)
  if (colon && (/^["“「『`]/.test(colon[2] ?? '') || !choices.test(colon[1] ?? ''))) return true
  if (quoteAfter.test(after) || /["”」』》'`’)）][\s,，]{0,3}$/.test(before.slice(-9))) return true
  if (longQuote.test(before) || longQuote.test(after) || numberList.test(after)) return true
  const bracket = brackets.exec(after)?.[0]
  if (bracket !== undefined && !/ or |\/|或/.test(bracket)) return true
  if (/\n[^\S\n]{0,9}\S/.test(after.trim())) return true
  const endOfOwn = after.search(/[.!?。！？]/)
  const following = endOfOwn < 0 ? '' : after.slice(endOfOwn + 1)
  const preceding = before.slice(
    0,
    Math.max(...['.', '!', '?', '。', '！', '？', '\n'].map((end) => before.lastIndexOf(end))) + 1,
  )
  return [following, preceding].some((text) =>
    text.split(/[.!?。！？\n]/).some((own) => /[\p{L}\p{N}]{2}/u.test(own) && !order.test(own)),
  )
}

const loopWanted =
  /\b(?:repeat\w{0,5}|\d times|song|lyrics|chorus|chant|tongue twister)\b|重复|[\d二三五十百][遍次]|歌|绕口令/i

/** The phrase an answer has fallen into repeating, or undefined. */
export function loopIn(instruction: string, output: string): string | undefined {
  if (loopWanted.test(instruction)) return undefined
  const unnumbered = output.toLowerCase().replace(/^[ \t]{0,9}\d{1,4}[.)、．]/gm, '')
  const words = unnumbered.match(/\p{Script=Han}|(?:(?!\p{Script=Han})[\p{L}\p{N}'’])+/gu) ?? []
  for (let period = 1; period <= LOOP_PERIOD; period++) {
    const enough = Math.max(2 * period, period < 3 ? LOOP_COPIES_SHORT : LOOP_COPIES)
    let same = 0
    for (let i = period; i < words.length; i++) {
      same = words[i] === words[i - period] ? same + 1 : 0
      if (same !== enough) continue
      const phrase = words.slice(i - period + 1, i + 1)
      if (phrase.some((word) => /\p{L}/u.test(word)))
        return phrase.join(/\p{Script=Han}/u.test(phrase[0] ?? '') ? '' : ' ')
    }
  }
  return undefined
}

// Words no English sentence ends with, and words it rarely ends with.
const dangling =
  /[^,:"“'‘]\s(?:a|an|the|and|or|but|nor|because|although|whereas|unless|my|your|their|our|than)$/
const loose =
  /\s(?:of|to|for|with|in|on|at|by|from|into|as|if|that|which|who|when|where|while|since|is|are|was|were|be|has|have|had|will|can|could|would|should|may|might|must|not|its|his|her|very|so|such|through|about|between|during|without)$/
const namedWord =
  /\b(?:is|are|be|word|article|conjunction|use|used|answer|vitamin|grade|plan|type|with) \w{1,9}$/i
const danglingHan =
  /(?:以及|或者|因为|由于|但是|而且|并且|如果|虽然|对于|关于|例如|比如|为了|包括|使得|从而|(?<![温柔随缓饱总共中谦祥调平附应暖亲讲求人掺缓])和|(?<![参给赠赋授])与)$/
const sentenceEnd: ByLanguage<RegExp> = {
  en: /[a-z]{3}[.!?]["”’)\]]{0,2}[ ]{1,2}(?=["“‘(]?[A-Z])/g,
  zh: /\p{Script=Han}[。！？][”」』）]{0,2}(?=[^”」』）\s])/gu,
}
const listLine = /^(?:[-*•#>|·+—–]|\(?\d{1,3}[.)、．：:]|[（(]?[一二三四五六七八九十][、.）)]|[A-Za-z][.)] )/

/** The last words of an answer that stops in mid-sentence, or undefined. Lists, code, verses and labels are left alone. */
export function cutOffIn(output: string): string | undefined {
  const text = output.trimEnd()
  const lines = text.split('\n')
  const last = (lines.at(-1) ?? '').trim()
  const tail = `…${text.slice(-24).replace(/\s+/g, ' ')}`
  if (hasOpenFence(lines) || hasOpenJson(text)) return tail
  if (isCode(text) || /:\/\//.test(last)) return undefined
  return endsDangling(last, lines.length) || endsUnfinished(last) ? tail : undefined
}

/** Whether a code block is begun and not closed; a lone fence on the last line closes one begun in the prompt. */
function hasOpenFence(lines: readonly string[]): boolean {
  const fences = lines.flatMap((line, at) => (/^[ \t]{0,9}```/.test(line) ? [at] : []))
  return fences.length % 2 === 1 && fences.at(-1) !== lines.length - 1
}

/** Whether a text that begins as JSON ends before its brackets are closed. */
function hasOpenJson(text: string): boolean {
  if (!/^\s{0,9}(?:\{\s{0,99}"|\[\s{0,99}["{[])/.test(text)) return false
  const marks = text.replace(/"(?:[^"\\]|\\.)*"/gs, '').match(/["[\]{}]/g) ?? []
  const open = marks.reduce((depth, mark) => depth + ('[{'.includes(mark) ? 1 : mark === '"' ? 0 : -1), 0)
  return open > 0
}

function endsDangling(last: string, lines: number): boolean {
  const words = last.split(/\s+/).length
  const han = last.match(/\p{Script=Han}/gu)?.length ?? 0
  const commas = last.match(/[,，、]/g)?.length ?? 0
  if (words >= 5 && commas * 3 <= words && dangling.test(last) && !namedWord.test(last)) return true
  if (han >= 8 && danglingHan.test(last)) return true
  if (!/[,，、（(]$/.test(last) || listLine.test(last)) return false
  return lines < 3 ? words >= 7 || han >= 10 : words >= 20 || han >= 40
}

/** Whether a paragraph of whole sentences ends with one that has no end. */
function endsUnfinished(last: string): boolean {
  if (listLine.test(last)) return false
  const chinese = /\p{Script=Han}$/u.test(last)
  const ends = [...last.matchAll(sentenceEnd[chinese ? 'zh' : 'en'])]
  const end = ends.at(-1)
  if (!end) return false
  const fragment = last.slice(end.index + end[0].length)
  if (/[:：|=—]/.test(fragment)) return false
  if (chinese) return ends.length >= 2 && last.length >= 40 && /\p{Script=Han}{4}/u.test(fragment)
  const words = last.split(/\s+/).length
  const unfinished = /^\W{0,2}[A-Z].{0,400} [a-z'’-]{1,30}$/.test(fragment)
  return unfinished && (loose.test(fragment) ? words >= 8 : ends.length >= 2 && words >= 25)
}

// What the filter rules look for, in both languages. Model text is hostile: every pattern runs in linear time, so
// no `\s*` before `$`, no class that can run past its own opening character, and a bound on every "anything between".
import type { Language } from './language.ts'

export type ByLanguage<T> = Readonly<Record<Language, T>>

/** The paper's list (its released code), with Alpaca's video, audio, music, flowchart and diagram. */
export const blockedKeyword: ByLanguage<RegExp> = {
  en: /\b(?:(?:image|graph|picture|file|map|draw|plot|video|audio|music|flowchart|diagram)s?|go\s{1,3}to)\b/i,
  // 画 only as a verb: something to be drawn follows, or somebody is asked to. 动画, 漫画, 计画, 一幅画, 画家 are nouns.
  zh: /图片|图像|图表|文件|地图|视频|音频|音乐|流程图|链接|绘制|(?<![动漫油国版壁字书绘图笔插年连名水彩刻计策规描比幅张画])画(?:出(?!了)|下来|[一二两三四五六几多]?[幅张个只条朵棵座头匹间栋架辆双](?![人月])|一(?:下|画)|[个条](?=.))|(?:请你?|帮我|给我|替我|为我)(?:用[^，。刻]{1,6})?画(?![家面展廊室册报风作院派像质坛龙蛇饼地布眉])/u,
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

const refusalStands = 300 // within so many characters of the start of an answer
const refusals: ByLanguage<readonly RegExp[]> = {
  en: [
    /\b(?:as|I am|I'm)(?: only| just)? an? (?:AI|artificial intelligence|(?:large )?language model|(?:AI|virtual|digital) (?:assistant|model))\b[^.!?\n]{0,80}\b(?:can't|cannot|can not|don't|do not|won't|am not|am unable|'m not|'m unable)\b/i,
    /^(?:(?:(?:I'm|I am) (?:\w{1,9} )?sorry|sorry|apologies|unfortunately|I apologi[sz]e)[,.!;]?\s{1,3}(?:but )?)?I(?:'m| am| must)? ?(?:can't|cannot|can not|won't|unable to|not able to|decline to) (?:(?:assist|help)(?: you)?(?: with (?:that|this|your|such)(?:[.,!?;]|$| (?:request|question|task|topic)))|(?:fulfil?l|comply|complete|answer|process|perform|provide|generate|create|write|access)[^.!?\n]{0,30}\b(?:(?:that|this|your|the) (?:request|question|task|kind|content|information|link|website|attachment)|without (?:the text|more|further)|instructions (?:for|on|to)|(?:medical|legal|financial) advice)\b)/i,
    /\bI (?:don't|do not) have (?:enough|sufficient) (?:information|context) to (?:answer|complete|respond|determine)\b/i,
    /\b(?:please|could you|can you)\b[^.!?\n]{0,20}\b(?:provide|share|paste)\b[^.!?\n]{0,20}\b(?:text|sentence|paragraph|passage|article|input|document)s?\b[^.!?\n]{0,20}\b(?:you(?:'d| would)? (?:like|want|need)|so (?:that )?I can|and I(?:'ll| will| can))\b/i,
    /\byou (?:haven't|have not|didn't|did not) (?:provided?|included?|shared?) (?:me with )?(?:the|a|any|your) (?:text|sentence|input|paragraph|article|passage)\b|\bno (?:text|sentence|input|paragraph|article|passage) (?:was |has been |is |were )?(?:provided|given)\b/i,
  ],
  zh: [
    /(?:作为|我(?:只|仅仅)?是)(?:一个|一名|一款)?(?:AI|人工智能|(?:大型?)?语言模型|智能助手|虚拟助手)[^。！？\n]{0,40}(?:无法|不能|没有|不会|不具备|不可以|并不)/i,
    /^(?:很|非常|十分|真的)?(?:抱歉|对不起|遗憾|不好意思)[^。！？\n]{0,10}我(?!们)[^。！？\n]{0,6}(?:无法|不能|没法|没有办法|不可以)[^。！？\n]{0,12}(?:回答|提供|帮助|协助|完成|满足|生成|处理|访问|讨论|给出|执行|识别|判断)/,
    /^我(?:无法|不能|没有办法|没法)(?:直接)?(?:回答|提供|协助|完成|满足|生成|处理|访问|执行)(?:[这该此][个项类一]{0,2}(?:请求|要求|任务|问题|内容)|您的|你的|相关|任何)/,
    /请(?:您|你)?先?(?:提供|给出|输入|发送|粘贴|补充)[^。！？\n]{0,12}(?:(?:需要|想要|希望|要)我?(?:翻译|总结|概括|改写|分析|修改|处理|分类|润色|回答|解释)的|(?:文本|文字|句子|段落|文章|内容|原文|材料|代码)[^。！？\n]{0,8}(?:以便|我(?:才|就|将|会|来|好|再)))/,
    /(?:没有|并未|尚未|未)(?:提供|给出|输入)[^。！？\n]{0,8}(?:文本|文字|句子|段落|文章|内容|原文|材料|输入)[^。！？\n]{0,12}(?:无法|不能|请)/,
  ],
}
const refusalWanted =
  /\b(?:AI|chatbot|robot|assistant|language model|refus\w{0,5}|declin\w{0,4}|reject\w{0,4}|apolog\w{0,4}|turn(?:ing)? (?:\w{1,12} )?down|say(?:ing)? no)\b|人工智能|机器人|助手|拒绝|婉拒|谢绝|道歉|致歉|回绝|推辞/i

/** The words in which an answer refuses or asks for its text, or undefined; a task may ask for just that. */
export function refusalIn(instruction: string, output: string): string | undefined {
  if (refusalWanted.test(instruction)) return undefined
  return firstMatch(refusals, output.trim().slice(0, refusalStands).replaceAll('’', "'"))
}

const blanksToFill: ByLanguage<readonly RegExp[]> = {
  en: [
    /\[(?:your|insert|enter your|add|paste|recipient(?:'s|’s)?|sender(?:'s|’s)?) [^[\]\n]{1,60}\](?!\()/i,
    /(?<![\w\])])\[(?!(?:the|an?|his|her|its|their|this|that) )(?:[A-Za-z'’]{1,20}[ ,]{1,2}){1,4}(?:name|date|address|title|number|position|location|signature|age|amount|state)\](?!\()/i,
    /(?<![\w\])])\[(?:Name|NAME|Date|DATE|Address|Company|COMPANY|Recipient|City|Position|Location|Signature|School|Age)\](?!\()/,
  ],
  zh: [
    /[[【［〔（(](?:你的|您的|请?填写|在此|此处|请?插入|请?输入)[^[\]【】［］〔〕()（），。\n]{1,20}[\]】］〕）)]/,
    /(?<![\w\])])[[［〔](?:[\p{Script=Han}]{0,6})(?:姓名|名字|日期|公司|地址|电话|号码|联系方式|联系人|职位|职务|学校|单位|时间|地点|名称)[\]］〕](?!\()/u,
    /(?<=[^\s【】])【(?:[\p{Script=Han}]{0,4})(?:姓名|名字|日期|公司|地址|电话|职位|学校|单位|名称)】/u,
    /【(?:姓名|名字|日期|签名|公司名称|单位名称)】(?=[ \t]{0,9}(?:\n|$))/,
    /(?<![A-Za-z×])[Xx×]{2,9}(?:先生|女士|小姐|老师|同学|教授|经理|总监|医生|公司|集团|大学|中学|小学|学校|学院|部门|有限|单位|年|月|日|省|市|区|路|街|号|您好|你好)/,
    /(?:尊敬的|亲爱的|我是|我叫|名叫|姓名[：:]|名字[：:]|电话[：:]|地址[：:]|日期[：:]|联系人[：:]|此致)[ \t]{0,3}[Xx×]{2,9}/,
  ],
}
const blankInput =
  /\[(?:insert|paste|enter|add) [^[\]\n]{1,60}\]|[[【［](?:在此|此处|请?插入|请?粘贴|请?输入)[^[\]【】［］\n]{1,30}[\]】］]/i
const blanksWanted =
  /\b(?:templates?|placeholders?|fill[- ]in|blanks?|brackets?|boilerplate|form letter|mad libs?)\b|模板|样板|占位|填空|空白|括号/i

/** A blank left for a person to fill in, or undefined; templates, code and blanks copied from the input are sound. */
export function placeholderIn(instruction: string, input: string, output: string): string | undefined {
  if (blanksWanted.test(instruction)) return undefined
  const pasted = blankInput.exec(input)?.[0]
  if (pasted !== undefined) return pasted
  if (hasCode(output)) return undefined
  const blank = firstMatch(blanksToFill, output)
  return blank !== undefined && input.includes(blank) ? undefined : blank
}

const leaked = /^[ \t]{0,9}(?:#{1,4} |\*\*)?(?:input|output|class label|输入|输出)(?:\*\*)?[ \t]{0,3}[:：]/im
const leakedFirst = /^\s{0,9}(?:#{1,4} |\*\*)?(?:output|class label|输出)(?:\*\*)?[ \t]{0,3}[:：]/i
const leakedInInput = /^\s{0,9}(?:input|输入)[ \t]{0,3}[:：]/i
const labelsWanted =
  /\b(?:code|program\w{0,5}|functions?|scripts?|algorithms?|examples?|test cases?|inputs? and outputs?|input\/output|sample|specifications?|adapter|machine)\b|代码|程序|函数|算法|脚本|示例|例子|样例|测试|输入和?输出/i

/** A label of the prompt's own form left in the text, or undefined. Programming tasks may speak of input and output. */
export function labelIn(instruction: string, input: string, output: string): string | undefined {
  const first = leakedFirst.exec(output)?.[0]
  if (first !== undefined || labelsWanted.test(instruction) || hasCode(output)) return first?.trim()
  const inline = /\bInput: |输入：/.test(output) ? /\bOutput: |输出：/.exec(output) : null
  return (leaked.exec(output) ?? leakedInInput.exec(input) ?? inline)?.[0].trim()
}

/** Answers may be in either language, whatever the run's. Every Chinese pattern needs a Chinese character. */
function firstMatch(patterns: ByLanguage<readonly RegExp[]>, text: string): string | undefined {
  return matchOf(patterns.en, text) ?? (/\p{Script=Han}/u.test(text) ? matchOf(patterns.zh, text) : undefined)
}

function matchOf(patterns: readonly RegExp[], text: string): string | undefined {
  for (const pattern of patterns) {
    const match = pattern.exec(text)
    if (match) return match[0]
  }
  return undefined
}

// Program code: told from prose, and asked for. A reply that is code and nothing else is an answer without a label.
const codeLine =
  /^[ \t]{0,99}(?:```|(?:def|class|import|function|const|let|var|public|private|return|print|console|package|using|#include|SELECT|CREATE|INSERT|UPDATE|DELETE|echo|sudo|git|npm|pip)\b.{0,200}[(){};=*"'<]|<\/?\w[^<>\n]{0,200}>|@\w)|[;{}][ \t]{0,9}$/m

/** Whether there is a line of code anywhere in a text. */
export function hasCode(text: string): boolean {
  return codeLine.test(text)
}

const asks =
  /^(?:(?:please|can you|could you)\s+)?(?:write|create|implement|develop|make|define|build|design)\b[^.?!\n]*\b(?:function|program|code|script|method|algorithm|class|query)\b|(?:编写|写|创建|实现|定义|设计)[^。？！\n]*(?:函数|程序|代码|脚本|方法|算法|查询)/i
const speaksOfGiven =
  /\b(?:following|below|above|given|provided|existing|this|that|your)\s+(?:\w+\s+)?(?:function|program|code|script|snippet|method|class|query)\b|\bcode\s+(?:below|above|given|provided)\b|(?:下面|以下|上面|给定|这段|该)的?(?:函数|程序|代码|脚本)/i
const opensAsCode =
  /^(?:(?:async )?def \w+ ?\(|class \w+ ?[:({]|import [\w.]+(?: as \w+)?;?$|from [\w.]+ import |#include\b|(?:async )?function \w+ ?\(|(?:const|let|var) \w+ ?=|public (?:static|class)\b|SELECT\s|CREATE TABLE\b|<!DOCTYPE|<html)/m
const sentence = /^[A-Z][a-z']+,?(?: [\w',-]+){3,}.*[.!:]$/m
const fencedCode = /^```(?!json|text|markdown|md\b)[a-z][\w+#-]*\n[^]*```$/i

/** True where new code is asked for; false where the instruction speaks of code that it brings along. */
export function asksForCode(instruction: string): boolean {
  return asks.test(instruction) && !speaksOfGiven.test(instruction)
}

/** True for one fenced block that names its language, or bare code without a sentence of prose between its lines. */
export function isCode(text: string): boolean {
  if (fencedCode.test(text)) return text.indexOf('```', 3) === text.length - 3
  return text.search(opensAsCode) === 0 && !sentence.test(text)
}

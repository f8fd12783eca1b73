// What the filter rules look for, in both languages. Model text is hostile: every pattern runs in linear time, so
// no `\s*` before `$`, no class that can run past its own opening character, and a bound on every "anything between".
import { type Language, isChinese, lengthOf } from './language.ts'

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

/**
 * ASCII punctuation as in the paper, and that of other scripts, where it stands for nothing: not before a number or a name
 * ("-40 degrees", "$240", ".NET", "#hashtag", "@name", "/etc/hosts"), not as an opening quotation mark or bracket.
 */
export const leadingPunctuation =
  /^(?![\p{Ps}\p{Pi}<¿¡]|(["'`])(?=.+\1)|[-+−–~±<>≈≤≥]? ?[$€£¥]?\.?\p{N}|[$\\(]|[.#@/\\&%*_-]{1,2}\p{L})(?:[!-/:-@[-`{-~]|\p{P})/u

const refusalStands = 300 // within so many characters of the start of an answer
const refusals: ByLanguage<readonly RegExp[]> = {
  en: [
    /\b(?:as|I am|I'm)(?: only| just)? an? (?:AI|artificial intelligence|(?:large )?language model|(?:AI|virtual|digital) (?:assistant|model))\b(?! (?:researcher|engineer|developer|expert|company|start-?up|scientist|student|teacher|enthusiast|consultant|lab|ethicist))[^.!?\n]{0,80}\b(?:can't|cannot|can not|don't|do not|won't|am not|am unable|'m not|'m unable)\b/i,
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
const asModel =
  /^(?:\W{0,3}(?:well|sorry|unfortunately|I'm sorry,? but|I apologi[sz]e,? but)\W{1,3})?(?:(?:as|being|since I am|since I'm) an? (?:AI|artificial intelligence|(?:large )?language model|(?:AI|virtual|digital) (?:assistant|model))\b(?! (?:researcher|engineer|developer|expert|company|start-?up|scientist|student|teacher|enthusiast|consultant|lab|ethicist))|(?:作为|身为)(?:一个|一名|一款)?(?:AI|人工智能|(?:大型?)?语言模型|智能助手|虚拟助手))/i
const goesOn =
  /\b(?:however|that said|but|nevertheless|still|instead|here (?:is|are))\b|但是?|不过|然而|尽管如此|以下/i
const fullAnswer = { en: 25, zh: 40 } // words, or Chinese characters, behind a disclaimer

/** How an answer refuses, asks for its text or speaks of itself as a model: the words; a task may ask for just that. */
export function refusalIn(
  instruction: string,
  output: string,
): { words: string; answers: boolean } | undefined {
  if (refusalWanted.test(instruction)) return undefined
  const text = output.trim().replaceAll('’', "'")
  const start = text.slice(0, refusalStands)
  const refusal = firstMatch(refusals, start)
  const words = refusal ?? asModel.exec(start)?.[0]
  if (words === undefined) return undefined
  const rest = text
    .slice(text.indexOf(words) + words.length)
    .replace(/^[^.!?。！？\n]{0,300}[.!?。！？\n]/, '')
  const isLong =
    lengthOf(rest, 'en') >= fullAnswer.en && (!isChinese(rest) || lengthOf(rest, 'zh') >= fullAnswer.zh)
  const answers =
    isLong &&
    (asModel.test(start) || goesOn.test(rest.slice(0, refusalStands))) &&
    firstMatch(refusals, rest.slice(0, refusalStands)) === undefined
  return { words, answers: answers || refusal === undefined }
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

const lettersWanted = /\b(?:letter|e-?mail|memo|message|invitation|note)s?\b|信|邮件|函|便条|短信|通知/i
const salutation = /^(?:dear|hi|hello|尊敬的|亲爱的)/i
/** Who writes and who is written to, on lines of their own in a letter: nobody has told the model their names. */
const nameInLetter =
  /^(?:dear|hi|hello|to|尊敬的|亲爱的|致)?\s{0,3}[[【［](?:(?:[a-z'’]{1,12} ){0,2}(?:name|recipient|recruiter|sender|signature|address|position|title|company|number|email|date|information)|\p{Script=Han}{0,6}(?:姓名|名字|签名|职位|地址|电话|日期|单位|公司|联系方式))[\]】］](?:先生|女士|老师)?[,.:!，：。！]?$/iu
/** The whole answer a description of one in angle brackets: "<web page with a flower shop design>". */
const describedInBrackets = /^<[A-Za-z][A-Za-z',-]{0,20}(?: [A-Za-z',-]{1,20}){2,12}>$/

/** A blank left for a person to fill in, or undefined; templates, code and blanks copied from the input are sound. */
export function placeholderIn(instruction: string, input: string, output: string): string | undefined {
  if (blanksWanted.test(instruction)) return undefined
  const pasted = blankInput.exec(input)?.[0] ?? describedInBrackets.exec(output.trim())?.[0]
  if (pasted !== undefined) return pasted
  if (hasCode(output)) return undefined
  const isLetter = lettersWanted.test(instruction) || salutation.test(output.trim())
  const written = isLetter ? withoutNames(output) : output
  const blank = firstMatch(blanksToFill, written)
  return blank !== undefined && input.includes(blank) ? undefined : blank
}

function withoutNames(letter: string): string {
  const lines = letter.trim().split('\n')
  return lines.length < 3 ? letter : lines.filter((line) => !nameInLetter.test(line.trim())).join('\n')
}

const labelNames = 'input|output|class label|输入|输出'
const leaked = new RegExp(`^[ \\t]{0,9}(?:#{1,4} |\\*\\*)?(?:${labelNames})(?:\\*\\*)?[ \\t]{0,3}[:：]`, 'im')
const leakedFirst = /^\s{0,9}(?:#{1,4} |\*\*)?(?:output|class label|输出|输出结果)(?:\*\*)?[ \t]{0,3}[:：]/i
const leakedInInput = /^\s{0,9}(?:input|输入)[ \t]{0,3}[:：]/i
/** The next example of a prompt, glued to an answer: "18. Instruction:", "### Response:", "Task 2:", a line "指令：". */
const glued =
  /\n[ \t]{0,9}(?:(?:#{1,4}|\*\*|\d{1,3}[.)、])[ \t]{0,3}){0,2}(?:instruction|指令|任务描述)(?: \d{1,3})?(?:\*\*)?[ \t]{0,3}[:：]/i
const gluedNumbered =
  /\n[ \t]{0,9}(?:#{1,4} ?|\*\*)?(task|example|任务|示例|例)[ \t]{0,3}(?:[2-9]|\d\d)(?:\*\*)?[ \t]{0,3}[:：]/i
const gluedHeading =
  /\n[ \t]{0,9}#{2,4} ?(?:(?:instruction|指令|指示)[ \t]{0,3}[:：]?[ \t]{0,9}(?:\n|$)|(?:response|human|assistant|回复)[ \t]{0,3}[:：])/i
const partsWanted =
  /\b(?:tasks?|examples?|exercises|instructions?|steps|questions?|responses?|story|email|letter|chat\w{0,4}|dialog\w{0,3}|conversation|interview|transcript|script|scene|play|prompts?|dataset|assistant)\b|任务|例|练习|指令|步骤|对话|访谈|剧本|提示词/i
const labelsWanted =
  /\b(?:code|program\w{0,5}|functions?|scripts?|algorithms?|examples?|test cases?|inputs?|outputs?|api|json|format|template|systems?|sample|specifications?|adapter|machine)\b|代码|程序|函数|算法|脚本|示例|例子|样例|测试|输入|输出|接口|格式|系统/i

/** "Task 2:" behind an answer; behind a "Task 1:" it is part of the answer. */
function nextExample(output: string): RegExpExecArray | null {
  const numbered = gluedNumbered.exec(output)
  const [, name = ''] = numbered ?? []
  const isOwn = new RegExp(`(?:^|\\n|\\W)${name}[ \\t]{0,3}(?:1|one|一)\\b`, 'i').test(output)
  return glued.exec(output) ?? (isOwn ? null : numbered)
}

/** A label of the prompt's own form left in the text, or undefined. Programming tasks may speak of input and output. */
export function labelIn(instruction: string, input: string, output: string): string | undefined {
  const next = gluedHeading.exec(output) ?? (partsWanted.test(instruction) ? null : nextExample(output))
  const first = leakedFirst.exec(output) ?? next
  if (first || labelsWanted.test(instruction) || hasCode(output)) return first?.[0].trim()
  const inline = /\bInput: |输入：/.test(output) ? /\bOutput: |输出：/.exec(output) : null
  return (leaked.exec(output) ?? leakedInInput.exec(input) ?? inline)?.[0].trim()
}

// Nothing said, in the many spellings of models.
const wrapping = '["\'“”‘’`「」『』<>\\[\\](){}【】（）［］〈〉《》*_.。!！\\-–—\\s]{0,6}'
const nothing =
  'no ?(?:input|output|answer|response|reply|data|content)s?(?: (?:is |was )?(?:required|needed|necessary|provided|given|available|applicable|specified))?|not (?:applicable|required|needed|available|provided|given|specified)|(?:input|output|answer): ?(?:none|n/?a|empty)|n/?a|none(?: (?:required|needed|provided|given))?|nothing|null|nil|empty|blank|无(?:需|须)?(?:任何)?(?:输入|输出|内容|答案|回答)?|(?:没有|不需要|无须|暂无)(?:任何)?(?:输入|输出|内容|答案|回答)?|不适用|不需要|空'
const saidNothing = new RegExp(`^${wrapping}(?:${nothing})${wrapping}$`, 'i')
const longestNothing = 60 // characters

/** Whether a text only says that there is none: "N/A", "<noinput>", "No input required.", "&lt;无输入&gt;". */
export function saysNothing(text: string): boolean {
  const said = text.trim()
  return (
    said === '' || (said.length <= longestNothing && saidNothing.test(said.replace(/&lt;|&gt;|&quot;/g, ' ')))
  )
}

const bracketed = /^(?:[<[【［（({]|&lt;)/
const bracketedName =
  /^[<[【［({（](?:your )?(?:output|answer|response|result|输出|答案|回答|结果)[>\]】］)}）]$/i
/** Tasks that "none" may truly answer: something is asked or looked for, or the word itself is offered. */
const noneMayAnswer: ByLanguage<RegExp> = {
  en: /\?|\b(?:which|what|who|how (?:many|much)|any|whether|find|extract|identify|detect|label|classify|categori[sz]e|locate|spot|count|predict|evaluate|result|determine|decide|tell|return|output|filter|common|differences?|compare|mistakes?|errors?|corrections?|antonyms?|synonyms?|opposite|rhym\w{1,3}|(?:the|each|a|this) words?|none|null|nil|n\/a|nothing|empty|blank)\b/i,
  zh: /[？?]|找出|提取|抽取|指出|哪|什么|谁|多少|几[个条种处]|是否|有没有|有无|判断|分类|归类|识别|检查|标出|查出|反义|近义|同义|词|汉字|无|没有|不适用|空|若|如果|返回/,
}

/** Whether an answer is none, however it is spelt; a bare "none" may answer a task that looks for something. */
export function isNoAnswer(output: string, instruction: string, language: Language): boolean {
  if (output.trim() === '' || bracketedName.test(output.trim())) return true
  return saysNothing(output) && (bracketed.test(output.trim()) || !noneMayAnswer[language].test(instruction))
}

// What harms the training rather than the reader.

/**
 * Control tokens of chat templates and tokenisers. Trainers (seen in TRL and LLaMA-Factory) turn them into real tokens
 * wherever they stand, in a code span too, so no quotation makes them harmless.
 */
export const controlToken =
  /<[|｜][\w▁:/.-]{1,40}[|｜]>|\[\/?INST\]|<<\/?SYS>>|<(?:start|end)_of_(?:turn|image)>|<\/?(?:bos|eos|eod|pad|unk|sop|eop|think|tool_call|tool_response|im_start|im_end|_?system|_user|_bot)>|\[gMASK\]|\[UNUSED_TOKEN_\d{1,4}\]|<(?:extra_id|reserved|unused)_?\d{1,4}>|<fim_(?:prefix|middle|suffix)>|<(image|video|audio)>(?![^]{0,4000}?<\/\1>)|^\s{0,9}<s>(?![^\n<]{0,200}<\/s>)|(?<!<s>[^\n<]{0,200})<\/s>\s{0,9}$/

const aboutCharacters =
  /\b(?:unicode|utf-?\d{1,2}|encod\w{0,4}|decod\w{0,4}|mojibake|replacement character|ascii|control characters?)\b|编码|解码|乱码|字符集/i
// eslint-disable-next-line no-control-regex
const broken =
  /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffd-\uffff]|\p{Surrogate}|锟斤拷|[ÃÂ][\u0080-\u00bf]|â€[™œ“”¦\u009d]/u

/** A character that no text has but a damaged one: U+FFFD, NUL, other control characters, half a pair. */
export function brokenIn(text: string): string | undefined {
  const found = broken.exec(text)?.[0]
  return found !== undefined && aboutCharacters.test(text) && !/[\0-\x1f]/.test(found) ? undefined : found
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

const computerLanguage =
  /\b(?:python|java(?:script)?|typescript|ruby|perl|php|golang|rust|kotlin|swift|scala|haskell|lua|matlab|bash|shell|powershell|sql|mysql|html|css|c\+\+|c#|regex|regular expression)(?![\w+#])|正则|网页代码/i
const codeAsked =
  /\b(?:write|create|implement|code|define|develop)\b[^.?!\n]{0,60}\b(?:functions?\b(?=[.,:;(]|$| (?:that|to|which|in|called|named|for|with|taking|returning|whose|using|and)\b)|(?:computer )?programs?\b(?=[^.?!\n]{0,40}\b(?:that|to|which|for) (?:print|comput|calculat|sort|count|read|find|convert|check|return|add|revers|display|tak|generat|output|input)\w{0,5})|(?:sql|mongodb|graphql|database|select) quer(?:y|ies)|quer(?:y|ies) (?:that|to|which) (?:select|find|get|list|return|count|show|retriev)\w{0,4}|regex(?:es)?|regular expressions?|html)\b|(?:编写|写出?|实现|定义)[^。？！\n]{0,20}(?:函数|程序(?![员设])|脚本|正则(?:表达式)?|查询语句|SQL|HTML|代码)(?!的|时|和|前)/i
const scriptAsked =
  /\b(?:write|create|implement|develop|give|provide)\b[^.?!\n]{0,60}\b(?:scripts?|programs?|code|quer(?:y|ies)|snippets?)\b/i
const codeNotMeant =
  /\b(?:pseudo-?code|in words|describe|explain|role|purpose|wedding|movie|film|play|mathematical|quadratic|linear function|trigonometric|query letter|inverse|function of|about|write (?:an? |the )?(?:[\w'-]{1,15} ){0,2}(?:essay|paragraph|article|story|speech|letter|e-?mail|report)|cells?|organs?|party|volunteers?|people|children|students|communit\w{1,3}|fitness|training|workout|charity|schools?|events?|concert|loyalty|mentor\w{0,3}|tv|radio|podcasts?)\b|伪代码|思路|剧本|视频|直播|广告|短剧|动画|主持|拍摄|话术|司法|会议|诉讼|办事|流程|介绍|二次函数|一次函数|函数图|解析式|作用|课程|计划|说明/i
const signOfCode =
  /[{};=`\\<>^|]|\w\(|^\s{0,9}[(#.@]|\[[^\]\n]{1,60}\][+*?{]|^\s{0,9}(?:SELECT|INSERT|UPDATE|DELETE|print|echo|ls|cd|grep|find|rm|cp|mv|cat|curl|for|while|if|import|def|end|return)\b/im

/** Whether an instruction asks for code and the output holds no line that could be any. */
export function lacksCode(instruction: string, output: string): boolean {
  const asked =
    codeAsked.test(instruction) || (scriptAsked.test(instruction) && computerLanguage.test(instruction))
  if (!asked || codeNotMeant.test(instruction) || signOfCode.test(output)) return false
  return !(/\b(?:bash|shell|powershell)\b/i.test(instruction) && /^[a-z][^.]*$/.test(output.trim()))
}

const sumAsked =
  /\b(?:calculate|compute|work out|how (?:many|much|far|long|old|tall)|what is (?:\d|the (?:sum|area|volume|product|average|mean|perimeter|probability|result|total|value|square|cube|difference))|find the (?:\w{1,12} ){0,2}(?:sum|area|volume|product|average|mean|perimeter|circumference|value|probability|total|number|length|distance|speed|price|cost|root)|solve)\b|计算|求出?|多少|等于几|解方程|算出|算一算/i
const codeWanted =
  /\b(?:code|coding|program\w{0,5}|functions?|scripts?|algorithms?|quer(?:y|ies)|formulas?|expressions?|excel|spreadsheet|latex|json|xml|variables?|methods?|implement\w{0,6}|snippet|loops?|arrays?|strings?|class|pandas|numpy)\b|代码|编程|程序|函数|脚本|算法|查询|公式|表达式|变量|数组|字符串/i
const statement =
  /^\s{0,9}(?:(?:const|let|var|int|double|float) \w{1,40} ?=.*|(?:async )?function \w{0,40} ?\(.*|def \w{1,40} ?\(.*|import [\w.]{1,60}(?: as \w{1,20})?;?|from [\w.]{1,60} import .*|#include\b.*|public (?:static|class)\b.*|(?:console\.log|print|System\.out\.print\w{0,3}|printf) ?\(.*|```[a-z+#]{1,12})$/m

/** The first line of an answer to a sum that is a program instead of the result. */
export function programForSum(instruction: string, input: string, output: string): string | undefined {
  if (!sumAsked.test(instruction) || /\bhow (?:do|to|can)\b|怎么|如何/i.test(instruction)) return undefined
  if (codeWanted.test(instruction) || computerLanguage.test(instruction)) return undefined
  const first = /^.*/.exec(output.trim())?.[0] ?? ''
  return statement.test(first) && !statement.test(input) && !sentence.test(output) ? first : undefined
}

/** True for one fenced block that names its language, or bare code without a sentence of prose between its lines. */
export function isCode(text: string): boolean {
  if (fencedCode.test(text)) return text.indexOf('```', 3) === text.length - 3
  return text.search(opensAsCode) === 0 && !sentence.test(text)
}

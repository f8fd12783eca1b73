// What the filter rules look for, in both languages. Model text is hostile: every pattern runs in linear time, so
// no `\s*` before `$`, no class that can run past its own opening character, and a bound on every "anything between".
import { type Instance, bare } from './given.ts'
import { type ByLanguage, type Language, hasCode, isChinese, lengthOf, opening } from './language.ts'
import { saysNothing } from './leftovers.ts'

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
/** One of these is in every refusal and every such opening; most answers have none, and need no closer look. */
const refusalSign =
  /n't|not|unable|declin|provid|share|paste|given|^\W{0,3}(?:well|sorry|unfortunately|I'm|I apolog|as|being|since)|[^\0-\x7f]/i
const goesOn =
  /\b(?:however|that said|but|nevertheless|still|instead|here (?:is|are))\b|但是?|不过|然而|尽管如此|以下/i
const fullAnswer = { en: 25, zh: 40 } // words, or Chinese characters, behind a disclaimer

/**
 * The words by which an answer refuses or asks for its text, or by which it speaks of itself as a model and answers all
 * the same; a task may ask for just that.
 */
export function refusalIn(
  instruction: string,
  output: string,
): { refusal?: string; disclaimer?: string } | undefined {
  const text = output.trim().replaceAll('’', "'")
  const start = text.slice(0, refusalStands)
  if (!refusalSign.test(start)) return undefined
  const refusal = firstMatch(refusals, start)
  const words = refusal ?? asModel.exec(start)?.[0]
  if (words === undefined || refusalWanted.test(instruction)) return undefined
  const rest = text
    .slice(text.indexOf(words) + words.length)
    .replace(/^[^.!?。！？\n]{0,300}[.!?。！？\n]/, '')
  const isLong =
    lengthOf(rest, 'en') >= fullAnswer.en && (!isChinese(rest) || lengthOf(rest, 'zh') >= fullAnswer.zh)
  const answers =
    isLong &&
    (asModel.test(start) || goesOn.test(rest.slice(0, refusalStands))) &&
    firstMatch(refusals, rest.slice(0, refusalStands)) === undefined
  return answers || refusal === undefined ? { disclaimer: words } : { refusal: words }
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
/** How a blank begins. */
const blankSign = /[[<【［〔×]|[(（][你您请填在此插输]|[Xx]{2}/
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
  if (!(blankSign.test(output) || /[[【［]/.test(input)) || blanksWanted.test(instruction)) return undefined
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
// "input:focus" is a selector of CSS.
const leaked = new RegExp(
  `^[ \\t]{0,9}(?:#{1,4} |\\*\\*)?(?:${labelNames})(?:\\*\\*)?[ \\t]{0,3}[:：](?!:?[a-z-]{2,20}(?:[,{]|$))`,
  'im',
)
const leakedFirst = /^\s{0,9}(?:#{1,4} |\*\*)?(?:output|class label|输出|输出结果)(?:\*\*)?[ \t]{0,3}[:：]/i
const leakedInInput = /^\s{0,9}(?:input[ \t]{0,3}(?::\s|：)|输入[ \t]{0,3}[:：])/i
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

/** An input of several examples, each with its output, wants the next one in the same form. */
function isInForm(input: string): boolean {
  return (input.match(new RegExp(leaked.source, 'gim'))?.length ?? 0) > 2
}

/** A label of the prompt's own form left in the text, or undefined. Programming tasks may speak of input and output. */
export function labelIn(instruction: string, input: string, output: string): string | undefined {
  if (!/[:：#]/.test(output) && !/[:：]/.test(input)) return undefined
  const next = gluedHeading.exec(output) ?? (partsWanted.test(instruction) ? null : nextExample(output))
  if (!next && isInForm(input)) return undefined
  const first = leakedFirst.exec(output) ?? next
  if (first || labelsWanted.test(instruction) || hasCode(output)) return first?.[0].trim()
  const inline = /\bInput: |输入：/.test(output) ? /\bOutput: |输出：/.exec(output) : null
  return (leaked.exec(output) ?? leakedInInput.exec(input) ?? inline)?.[0].trim()
}

// No answer, in the many spellings of models.
const bracketed = /^(?:[<[【［（({]|&lt;)/
/** Tasks that "none" may truly answer: something is asked or looked for, or the word itself is offered. */
const noneMayAnswer: ByLanguage<RegExp> = {
  en: /\?|\b(?:which|what|who|how (?:many|much)|any|whether|find|extract|identify|detect|label|classify|categori[sz]e|locate|spot|count|predict|evaluate|result|determine|decide|tell|return|output|filter|common|differences?|compare|mistakes?|errors?|corrections?|antonyms?|synonyms?|opposite|rhym\w{1,3}|(?:the|each|a|this) words?|none|null|nil|n\/a|nothing|empty|blank)\b/i,
  zh: /[？?]|找出|提取|抽取|指出|哪|什么|谁|多少|几[个条种处]|是否|有没有|有无|判断|分类|归类|识别|检查|标出|查出|反义|近义|同义|词|汉字|无|没有|不适用|空|若|如果|返回/,
}

// "No output" speaks of the answer itself; only a program that prints may have none.
const namesAnswer = /output|answer|response|input|输[出入]|回答|答案/i
const printWanted =
  /\b(?:print\w{0,3}|outputs?|displays?|returns?|logs?|code|scripts?|programs?)\b|打印|输出|返回/i

/** Whether a longer text names the word: 'if there is none, say "none"', "options: [full, empty]". */
function offers(input: string, said: string): boolean {
  const word = said.replace(/[^\p{L}\p{N}/]/gu, '').toLowerCase()
  return word.length < 12 && input.length > 2 * said.length && input.toLowerCase().includes(word)
}

/** An answer that is none, however it is spelt; a bare "none" may answer a task that looks for something. */
export function noAnswerIn({ input, output }: Instance, instruction: string, language: Language) {
  const said = output.trim()
  if (said === '') return { en: '0 characters', zh: '0 个字' }
  if (!saysNothing(said) || offers(input, said)) return undefined
  const bare = namesAnswer.test(said) ? printWanted : noneMayAnswer[language]
  const mayAnswer = bracketed.test(said) ? /\[|brackets?\b|方括号/ : bare
  return mayAnswer.test(instruction) ? undefined : opening(said)
}

// An input that holds the question and its answer, and nothing else: "The largest continent is Asia."

const fillers = new Set(
  (
    'the a an of to in on at is are was were be it its this that and or for with by as from what which who whom whose where when why how ' +
    'do does did can could would i am im you your me my we please tell give name want know looking asking think answer question called ' +
    '的 了 是 在 有 和 与 吗 呢 什 么 哪 个 谁 几 多 少 请 问 我 想 知 道 你 这 那 为 一 叫 做 名 字 最'
  ).split(' '),
)
const contentOf = (text: string) =>
  new Set(
    (text.toLowerCase().match(/\p{Script=Han}|[\p{L}\p{N}]+/gu) ?? []).filter((piece) => !fillers.has(piece)),
  )
const announced =
  /(?:label|class|category|answer|sentiment|类别|答案|标签|分类|情感)[ \t]{0,3}(?:is|[:：]|是|为)[ \t]{0,3}(.{1,60})$/i
const checksAnswer =
  /\b(?:extract|find|check|verify|grade|correct|read off|pull)\b|提取|抽取|找出|检查|批改|核对/i
const asking = /[?？]|\b(?:what|which|who|where|when|how many|name)\b|什么|哪|谁|几|多少/i
const longestTold = 200 // characters of an input that may be question and answer together
const enough = 0.6 // of the words of the question

/** Whether an input says no more than the question and, with it, the answer. */
export function givesAnswerAway(instruction: string, { input, output }: Instance): boolean {
  const given = input.trim()
  if (given === '' || given.length > longestTold) return false
  const label = announced.exec(given)?.[1]
  if (label === undefined && !asking.test(instruction)) return false
  const answer = bare(output)
  if (answer === '' || answer.length > 60) return false
  if (label !== undefined && bare(label) === answer) return !checksAnswer.test(instruction)
  if (!asking.test(instruction)) return false
  const asked = contentOf(instruction)
  const [said, answered] = [contentOf(given), contentOf(answer)]
  const shared = [...said].filter((piece) => asked.has(piece)).length
  const isNew = [...said].some((piece) => !asked.has(piece) && !answered.has(piece))
  return !isNew && shared >= 2 && shared >= enough * asked.size
}

// An output that speaks about its input instead of doing the task: "The report expresses disappointment with …"

const aboutInput =
  /^(?:the|this|that) (?:given |above |following |provided |input )?(?:input|text|sentence|passage|paragraph|report|article|review|message|e-?mail|comment|statement|tweet|post|poem|story|letter|note|notice|announcement|complaint|request|speech|essay|document|question|user|customer|author|writer|speaker) (?:is about|describes?|express\w{0,2}|talks? about|discuss\w{0,2}|mentions?|conveys?|tells? (?:of|about|how|that)|refers? to|reports? (?:on|that)|is describing|is expressing|is talking about|is discussing)\b|^(?:这|该|本|此)(?:一?[段篇句条封则份首]|个)?(?:话|文字|文章|短文|句子|评论|报告|新闻|邮件|文本|输入|材料|对话|消息|留言|内容|通知)(?:主要|大致)?(?:讲述?了?|描述|表达|介绍|说的是|说了|谈|提到|是关于|反映|讨论|叙述|表示|指出)/i
const taskToDo =
  /^\W{0,3}(?:please |kindly )?(?:translate|rewrite|rephrase|paraphrase|correct|fix|proofread|sort|convert|classify|categori[sz]e|label|turn|change|shorten|reverse|capitali[sz]e|edit|reword|decide|assign|put|reply to|answer)\b|^(?:请|帮我)?(?:把|将)?.{0,20}?(?:翻译|译成|改写|改成|改为|润色|纠正|修改|排序|转换|分类|归类|缩写|判断.{1,20}(?:还是|或))/i
const aboutIsAsked =
  /(?:in)?to english|成(?:中|汉)[文语]|\b(?:summar\w{1,6}|describe|explain|what|why|how|analy[sz]e|about|meaning|main|topic|theme|tone|gist|interpret|discuss|review|third person|reported speech|indirect)\b|概括|总结|说明|解释|为什么|什么|分析|大意|主题|含义|意思|转述|第三人称|评价/i

const labelling = /\b(?:classify|categori[sz]e|label|decide|assign)\b|判断|分类|归类/i
const alternatives = /\bor\b|[,:/，：、]|或|还是/i

/** The sentence about the input that stands where the task done should be, or undefined. */
export function sentenceAboutInput(instruction: string, input: string, output: string): string | undefined {
  if (input.trim() === '' || !/^(?:th[eia]|[这该本此])/i.test(output.trim())) return undefined
  const about = aboutInput.exec(output.trim())
  if (!about || aboutInput.test(input.trim()) || hasCode(output)) return undefined
  if (!taskToDo.test(instruction) || aboutIsAsked.test(instruction)) return undefined
  // Where no labels are named, "The sentence expresses a wish" may be one.
  if (labelling.test(instruction) && !alternatives.test(instruction)) return undefined
  return namesLabel(output.trim().slice(about[0].length), instruction) ? undefined : output
}

/** "… expresses a positive opinion" names the label that was asked for, and so do 积极 and 消极 beside 或, 还是, 、. */
function namesLabel(text: string, instruction: string): boolean {
  const asked = contentOf(instruction)
  const labels =
    instruction.match(/\p{Script=Han}{2}(?=[、或]|还是)|(?<=[、或]|还是)\p{Script=Han}{2}/gu) ?? []
  const words = [...contentOf(text)].filter((piece) => piece.length > 3)
  return words.some((piece) => asked.has(piece)) || labels.some((label) => text.includes(label))
}

// What harms the training rather than the reader.

/**
 * Control tokens of chat templates and tokenisers. Trainers (seen in TRL and LLaMA-Factory) turn them into real tokens
 * wherever they stand, in a code span too, so no quotation makes them harmless.
 */
const controlToken =
  /<[|｜][\w▁:/.-]{1,40}[|｜]>|\[\/?INST\]|<<\/?SYS>>|<(?:start|end)_of_(?:turn|image)>|<\/?(?:bos|eos|eod|pad|unk|sop|eop|think|tool_call|tool_response|im_start|im_end|_?system|_user|_bot)>|\[gMASK\]|\[UNUSED_TOKEN_\d{1,4}\]|<(?:extra_id|reserved|unused)_?\d{1,4}>|<fim_(?:prefix|middle|suffix)>|<0x[0-9A-F]{2}>|<(image|video|audio)>(?![^]{0,4000}?<\/\1>)|^\s{0,9}<s>(?![^\n<]{0,200}<\/s>)|(?<!<s>[^\n<]{0,200})<\/s>\s{0,9}$/

export function controlTokenIn(text: string): string | undefined {
  return /[<[]/.test(text) ? controlToken.exec(text)?.[0].trim() : undefined
}

const aboutCharacters =
  /\b(?:unicode|utf-?\d{1,2}|encod\w{0,4}|decod\w{0,4}|mojibake|replacement character|ascii|control characters?)\b|编码|解码|乱码|字符集/i
// eslint-disable-next-line no-control-regex
const broken =
  /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffd-\uffff]|\p{Surrogate}|锟斤拷|[ÃÂ][\u0080-\u00bf]|[ä-é][¡-º¼-¿]{2}|(?<=\p{L})Ġ(?=\p{Ll})|â€[™œ“”¦\u009d]/u

/** The number of a character that no text has but a damaged one: U+FFFD, NUL, other control characters, half a pair. */
export function brokenIn(text: string): string | undefined {
  if (!/[^\t\n\r -~]/.test(text)) return undefined
  const found = broken.exec(text)?.[0].codePointAt(0)
  if (found === undefined || (found > 0x1f && aboutCharacters.test(text))) return undefined
  return `U+${found.toString(16).toUpperCase().padStart(4, '0')}`
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

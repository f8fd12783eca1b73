// Which language a text is in: English or Chinese, judged by its script; small words tell other European ones. And whether it
// is program code.

export type Language = 'en' | 'zh'
export type ByLanguage<T> = Readonly<Record<Language, T>>

/** Most texts are plain ASCII, and what holds for other scripts need not be looked for in them. */
export function isAscii(text: string): boolean {
  return !/[^\0-\x7f]/.test(text)
}

/** Counts what a text is written in: a Latin word weighs as much as one character of a script without spaces. */
function countScripts(text: string) {
  if (isAscii(text)) return { han: 0, kana: 0, latin: matches(text, /[A-Za-z]+/g), other: 0 }
  return {
    han: matches(text, /\p{Script=Han}/gu),
    kana: matches(text, /[\p{Script=Hiragana}\p{Script=Katakana}]/gu),
    latin: matches(text, /\p{Script=Latin}+/gu),
    other: matches(text, /(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Latin}])\p{L}/gu),
  }
}

function matches(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0
}

export function isChinese(text: string): boolean {
  const { han, kana, latin, other } = countScripts(text)
  return han > latin + other && han > kana
}

/** `zh` when more than half of the texts hold mainly Han characters. */
export function languageOf(texts: Iterable<string>): Language {
  let lead = 0
  for (const text of texts) lead += isChinese(text) ? 1 : -1
  return lead > 0 ? 'zh' : 'en'
}

// Small words of Spanish, French, German, Italian and Portuguese, and small words no English task does without.
const smallForeignWord =
  /(?<![\p{L}'’])(?:el|los|las|una?|del?|que|para|por|con|sobre|es|en|les?|des|une|est|et|pour|avec|sur|dans|ma|mon|à|der|die|das|den|dem|und|eine?n?|ist|mit|für|über|von|zu|il|di|che|per|sono|uma?|os|em|não|la)(?![\p{L}'’])/gu
const smallEnglishWord =
  /\b(?:the|an?|of|to|in|and|is|are|for|with|your|my|that|this|what|how|from|by|me|you|i|it|or)\b/i
const smallForeignWordsAtLeast = 3 // that many small words of another language, and none of English: "crème de la crème" has two

/** The words by which a task is put in another language than the run's; text it quotes or brings along does not count. */
export function foreignIn(instruction: string, language: Language, traditional = false): string | undefined {
  if (language === 'zh' && !traditional && isTraditional(instruction)) return instruction
  const unquoted = instruction.replace(/"[^"]*"|“[^“”]*”|「[^「」]*」|『[^『』]*』|《[^《》]*》/g, ' ')
  const head = /^[^:：\n]*/.exec(unquoted)?.[0] ?? ''
  const task = [head, unquoted, instruction].find((text) => /\p{L}/u.test(text)) ?? ''
  if (!(language === 'en' && isAscii(task)) && isInForeignScript(task, language)) return task.trim()
  if (language === 'zh' || smallEnglishWord.test(task)) return undefined
  const small = task.match(smallForeignWord) ?? []
  return small.length >= smallForeignWordsAtLeast
    ? small.slice(0, smallForeignWordsAtLeast).join(', ')
    : undefined
}

const smallChineseWord = /什么|怎么|如何|多少|哪|为何|有何|区别|意思|解释|请|吗|是|用|的/

function isInForeignScript(task: string, language: Language): boolean {
  const { han, kana, latin, other } = countScripts(task)
  if (language === 'zh' && kana > han) return true
  // "iPhone 15 Pro Max 和 Samsung Galaxy S24 Ultra 哪个好？" asks in Chinese about things with Latin names.
  if (language === 'zh' && smallChineseWord.test(task)) return false
  const [own, foreign] = language === 'zh' ? [han, latin + other] : [latin, han + kana + other]
  const first = /\p{L}/u.exec(task)?.[0] ?? ''
  const startsForeign = language === 'zh' ? !/\p{Script=Han}/u.test(first) : !/\p{Script=Latin}/u.test(first)
  // Two words of grace: "Python 和 Java 有什么区别？" is a Chinese task.
  return startsForeign && (own === 0 ? foreign > 0 : foreign > own + 2)
}

// An answer in another language than its task.

const tongues =
  'english spanish irish danish swedish finnish polish turkish scottish german italian russian ukrainian hungarian ' +
  'norwegian romanian bulgarian croatian serbian persian french chinese mandarin cantonese japanese korean portuguese ' +
  'latin arabic hindi urdu bengali greek hebrew dutch czech vietnamese thai swahili welsh gaelic indonesian esperanto'
const languageAsked: ByLanguage<RegExp> = {
  en: new RegExp(
    `\\b(?:translat\\w{0,6}|languages?|\\w{1,5}lingual|scripts?|alphabets?|characters?|kanji|hanzi|haiku|pinyin|unicode|encod\\w{0,4}|${tongues.replaceAll(' ', '|')})\\b`,
    'i',
  ),
  zh: /译|英|[法德俄日韩泰葡][文语]|西班牙|意大利|拉丁|阿拉伯|外语|外文|外来|语言|单词|字母|缩写|术语|拼音|音标|代码|编程|程序|函数|脚本|命令|查询|正则|变量|公式|方程|格式|网页|歌|乐队|电影|影片|剧|游戏|网站|软件|公司|期刊|大学|品牌/,
}
/** Which script a translation must have some letters of. */
const wantedScripts: readonly [RegExp, RegExp][] = [
  [/(?:chinese|mandarin)|(?:白话|现代汉语|中文|汉语)/, /\p{Script=Han}/u],
  [/japanese|日[文语]/, /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u],
  [/russian|ukrainian|俄[文语]/, /\p{Script=Cyrillic}/u],
  [/korean|韩[文语]/, /\p{Script=Hangul}/u],
  [
    /english|french|german|spanish|italian|portuguese|dutch|(?:英|法|德|西班牙|意大利|葡萄牙)[文语]/,
    /\p{Script=Latin}/u,
  ],
]
const translation =
  /\btranslat(?:e|ion|ing)\b[^.\n]{0,60}?\b(?:in)?to (?:\w{1,12} )?(\w{4,12})\b|(?:翻译|译)[成为作]([\p{Script=Han}]{2,5})/iu
const aboutTranslating =
  /\b(?:how|explain|why|tips?|guide|difficult\w{0,2}|roman\w{0,6}|romaji|pinyin|advice|essay|story|poem)\b|如何|怎样|怎么(?!说)|为什么|步骤|方法|建议|注意|拼音|罗马/i
const quoted =
  /"[^"\n]*"|“[^“”]*”|「[^「」]*」|『[^『』]*』|《[^《》]*》|`[^`\n]*`|\([^()\n]*\)|（[^（）\n]*）/g
const ordinaryWord = /(?<![\p{L}\p{N}\\_.`/'’-])[a-z]{3,}(?![\p{L}\p{N}_(=`/])/gu
const englishFrame =
  /\b(?:the|an?|of|to|in|and|is|are|was|were|for|with|that|this|off|on|at|when|not|be|you|your|it)\b/

/** What shows that an answer is in another language than its task asks for. */
export function foreignAnswerIn(
  output: string,
  instruction: string,
  input: string,
  language: Language,
): string | undefined {
  if (lacksWantedScript(output, instruction)) return output
  const answer = output.replace(quoted, ' ')
  if (language === 'en' && isPlainEnglish(answer)) return undefined
  const task = `${instruction}\n${input}`
  if (languageAsked[language].test(task)) return undefined
  return language === 'zh' ? notChineseIn(answer, task) : notEnglishIn(answer, task)
}

/** Whether a translation holds no letter of the script it was asked for. */
function lacksWantedScript(output: string, instruction: string): boolean {
  const [, into, han] = /translat|译/i.test(instruction) ? (translation.exec(instruction) ?? []) : []
  const target = (into ?? han ?? '').toLowerCase()
  if (target === '' || aboutTranslating.test(instruction)) return false
  const wanted = wantedScripts.find(([name]) => name.test(target))?.[1]
  return wanted !== undefined && /\p{L}{2}/u.test(output) && !wanted.test(output)
}

const englishWord = /\b(?:the|of|and|is|are|with)\b/i

function isPlainEnglish(answer: string): boolean {
  return englishWord.test(answer) && !/[^\p{ASCII}’“”–—]/u.test(answer)
}

function notEnglishIn(answer: string, task: string): string | undefined {
  const { han, kana, latin, other } = countScripts(answer)
  const theirs = countScripts(task)
  if (han + kana > 3 && theirs.han + theirs.kana === 0 && !languageAsked.en.test(answer))
    return /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}][^A-Za-z]*/u.exec(answer)?.[0]
  if (other > 3 * latin + 3 && theirs.other === 0) return answer
  const small = englishWord.test(answer) ? [] : (answer.match(smallForeignWord) ?? [])
  const isForeign = small.length >= 5 && latin <= 6 * small.length
  return isForeign && (task.match(smallForeignWord) ?? []).length < 2
    ? small.slice(0, 5).join(', ')
    : undefined
}

function notChineseIn(answer: string, task: string): string | undefined {
  const { han, kana, latin, other } = countScripts(answer)
  const theirs = countScripts(task)
  if (kana > 3 && kana * 4 > han && theirs.kana === 0) return answer
  if (other > han + 3 && theirs.other === 0) return answer
  const words = answer.match(ordinaryWord) ?? []
  const isEnglish = words.length >= 4 && latin * 2 >= han && (han > 0 || englishFrame.test(answer))
  return isEnglish && theirs.latin === 0 ? words.slice(0, 8).join(' ') : undefined
}

// Letters that only one of the two scripts of Chinese has, among the most frequent.
const traditional = /[們這個來時說為國會學對過還開關東車門問題應該實現體與華書長見點電話請讓從後發經員產業]/gu
const simplified = /[们这个来时说为国会学对过还开关东车门问题应该实现体与华书长见点电话请让从后发经员产业]/gu

/** Whether a Chinese text is written in traditional characters, as in Hong Kong and Taiwan. */
export function isTraditional(text: string): boolean {
  return (text.match(traditional)?.length ?? 0) > 1 + 2 * (text.match(simplified)?.length ?? 0)
}

// What the rules measure of a text and how they show it: its length, its beginning, its end.
const shown = 60 // characters

/** Words as the paper counts them, by white space; in Chinese each character, and each foreign word or number, is one. */
export function lengthOf(text: string, language: Language): number {
  if (language === 'en' && isAscii(text)) return matches(text, /\S+/g)
  const pieces = text.match(/\p{Script=Han}|(?:(?!\p{Script=Han})\S)+/gu) ?? []
  return language === 'zh' ? pieces.filter((piece) => /[\p{L}\p{N}]/u.test(piece)).length : pieces.length
}

type Limits = ByLanguage<number>

/** How long an instruction is where that is less than it must be. */
export function lengthBelow(instruction: string, language: Language, least: Limits) {
  const size = language === 'zh' ? saidIn(instruction) : lengthOf(instruction, language)
  if (size >= least[language]) return undefined
  const words = size === 1 ? 'word' : 'words'
  return { en: `${size} ${words}, at least ${least.en}`, zh: `${size} 个字，至少 ${least.zh} 个` }
}

/** How long an instruction is where that is more than it may be. */
export function lengthAbove(instruction: string, language: Language, most: Limits) {
  if (instruction.length <= most[language]) return undefined // a word has a character at least
  const size = lengthOf(instruction, language)
  if (size <= most[language]) return undefined
  return { en: `${size} words, at most ${most.en}`, zh: `${size} 个字，最多 ${most.zh} 个` }
}

/** How much a Chinese text says, in characters: a number or foreign word counts two, a sign of arithmetic one. */
function saidIn(text: string): number {
  const pieces =
    text.match(/\p{Script=Han}|\p{N}+(?:\.+\p{N}+)*|(?:(?!\p{Script=Han})\p{L})+|[+−×÷*/^=<>√≈-]/gu) ?? []
  return pieces.reduce((sum, piece) => sum + (/^(?!\p{Script=Han})[\p{L}\p{N}]/u.test(piece) ? 2 : 1), 0)
}

/** The beginning of a text on one line, 60 characters at most; of nothing, nothing. */
export function opening(text: string): string
export function opening(text: string | undefined): string | undefined
export function opening(text: string | undefined): string | undefined {
  const line = text
    ?.trim()
    .slice(0, 4 * shown)
    .replace(/\s+/g, ' ')
  // A cut may leave half of a character, such as an emoji, that UTF-16 writes as two.
  return line && line.length > shown ? `${line.slice(0, shown).replace(/[\ud800-\udbff]$/, '')}…` : line
}

/** The end of a text on one line, 60 characters at most. */
export function ending(text: string): string {
  return text.length > shown ? `…${lastOf(text, shown)}` : lastOf(text, shown)
}

/** The last characters of a text, so many at most, on one line. */
export function lastOf(text: string, most: number): string {
  return text
    .slice(-most)
    .replace(/^[\udc00-\udfff]/, '')
    .replace(/\s+/g, ' ')
}

/** "Positive" and "positive." are one answer. */
export function answerKey(output: string): string {
  return output
    .trim()
    .toLowerCase()
    .replace(/[.。]$/, '')
}

// Program code is a language too: told from prose, asked for, missing where it is asked for, and given where a result was
// wanted. A reply that is code and nothing else is an answer without a label. Patterns run in linear time, as in patterns.ts.

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
// "I will provide you with the code", "to put into my code": it is there already.
const scriptAsked =
  /(?<!\b(?:will|shall|I|I'll|we) )\b(?:write|create|implement|develop|give|provide)\b(?![^.?!\n]{0,60}\b(?:my|your|our|existing) (?:\w{1,12} )?(?:scripts?|programs?|code|quer(?:y|ies)|snippets?)\b)[^.?!\n]{0,60}\b(?:scripts?|programs?|code|quer(?:y|ies)|snippets?)\b/i
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

// Program code: told from prose, asked for, missing where it is asked for, and given where a result was wanted. A reply
// that is code and nothing else is an answer without a label. Patterns run in linear time, as in patterns.ts.

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

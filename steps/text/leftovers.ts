// What models leave in a text that is no part of it: the special tokens of their chat template, words for "no input", a
// second example behind the first, the label, number or answer of a task, and the tabs and line breaks that single
// backslashes become.
import { labelOf, withoutNumber } from './labels-and-numbers.ts'

// Of ChatML, Llama, DeepSeek, Gemma, Mistral, and of EXAONE, MiniMax and Seed.
const TOKEN = String.raw`<\|[\w▁/]{2,40}\|>|<｜[^｜<>\n]{1,40}｜>|<\/?(?:(?:seed:)?eos|(?:seed:)?bos|pad|end_of_turn|start_of_turn|end_of_utterance)>|<turn\|>|<\|turn>|\[\|[a-z]{3,12}\|\]|\[e~\[|<\/s>|\[\/?INST\]|<<\/?SYS>>`
const END = new RegExp(`(?<![\`])(?:${TOKEN})`, 'gi')
const AT = new RegExp(TOKEN, 'iy')
const OPENING = new RegExp(
  `^(?:\\s*(?:<s>(?![^\\n]{0,500}</s>[^\\n]{0,500}\\w)|${TOKEN})(?:\\s*(?:assistant|model)(?=\\s|<))?){1,9}\\s*`,
  'i',
)

/** Where a special token ends the text; a pair of HTML's own `<s>` and `</s>` does not, nor does a token in backticks. */
export function endOf(text: string): number {
  let struck = text.indexOf('<s>')
  for (const { 0: token, index } of text.matchAll(END)) {
    if (token !== '</s>' || struck < 0 || struck > index) return index
    struck = text.indexOf('<s>', index)
  }
  return text.length
}

/** Whether a special token stands at this place. */
export function isTokenAt(text: string, at: number): boolean {
  const sign = text.charAt(at)
  if (sign !== '<' && sign !== '[') return false
  AT.lastIndex = at
  return AT.test(text)
}

/** The text up to the first special token, without those that open it. */
export function ended(text: string): string {
  if (!/[<[]/.test(text)) return text
  const own = text.replace(OPENING, '')
  const end = endOf(own)
  return end < own.length ? own.slice(0, end).trimEnd() : own
}

// "No input", however it is spelt: bracketed, quoted, labelled, as a sentence.

const THING = '(?:input|output|answer|response|context|text|content|data|information|value)'
const NOTHING = new RegExp(
  '^(?:' +
    [
      `(?:there (?:is|are) |with )?no[ _-]?(?:(?:additional|further|extra|specific|other|explicit|given) )?${THING}(?: ?(?:text|data|value|field))?s?(?: (?:is|are|was|were))?(?: (?:needed|required|necessary|provided|given|available|applicable|expected|specified|here))?(?: (?:for|in|to) (?:this|the) (?:task|instruction|question|case|example))?`,
      `(?:the |an |any )?${THING} (?:is |was )?(?:not|n't) (?:needed|required|necessary|applicable|provided|given|available|specified)`,
      `(?:this |the )?(?:task|instruction|question) (?:does not|doesn't) (?:need|require) (?:an |any )?(?:additional )?${THING}`,
      `(?:does not|doesn't|do not|don't) (?:need|require) (?:an |any )?(?:additional )?${THING}`,
      `without (?:any )?${THING}|not (?:applicable|available|needed|required|provided|given|specified)|none(?: (?:needed|required|given|provided|necessary))?|n\\.?[/\\\\]?a|null`,
      '(?:(?:本|该|此|这个?)(?:任务|题|指令|问题))?(?:无|没有|无需|无须|不需要|不需|不用|不必|暂无|未提供|无需提供|不需要提供)(?:任何|额外的?|其他|具体的?|附加的?|特定的?|附加)?(?:的)?(?:输入|输出|回答|答案|内容|文本|信息|数据)(?:内容|文本|信息|数据)?',
      '(?:输入|输出)(?:内容)?(?:为|是)?(?:空|无|不需要|不适用)|无|暂无|不适用|不需要|无需',
    ].join('|') +
    ')$',
)
const BRACKETED = new RegExp(
  `^(?:empty|blank|nil|nothing|nan|空|空白|没有|(?:your )?${THING}(?: here)?|输入|输出|回答|答案)$`,
)
const WRAPPED =
  /^(?:<([^<>]*?)\/?>|\[([^[\]]*)\]|\(([^()]*)\)|\{([^{}]*)\}|（([^（）]*)）|【([^【】]*)】|《([^《》]*)》|〈([^〈〉]*)〉|["“”'‘’`*_]{1,3}([^"“”‘’`*_]+?)["“”'‘’`*_]{1,3})$/
const OWN_LABEL = /^(?:input|output|输入|输出) ?[:：](.*)$/
const ENTITIES = new Map(Object.entries({ lt: '<', gt: '>', quot: '"', '#39': "'", amp: '&' }))

// No, not, none, null, n/a, without, does not; or a bracket, quotation, colon or letter of another script.
const MAY_BE_NOTHING = /\b[dnw]|[^a-z\d\s.,;!?'-]/i

/** Whether a text says that there is none: `<noinput>`, N/A, "No input required", 无输入; empty text says nothing too. */
export function saysNothing(text: string): boolean {
  if (/^\s*(?:["“”'‘’]{2}\s*)?$/.test(text)) return true
  if (text.length > 120 || !MAY_BE_NOTHING.test(text)) return false
  let words = plain(text.replace(/&(lt|gt|quot|#39|amp);/g, (_, name: string) => ENTITIES.get(name) ?? ''))
  let bracketed = false
  for (let inside = insideOf(words); inside !== undefined; inside = insideOf(words)) {
    bracketed ||= /^[<[({（【]/.test(words)
    words = plain(inside)
  }
  return NOTHING.test(words) || (bracketed && BRACKETED.test(words))
}

/** What stands in brackets, quotes or stars, or behind `Input:`. */
function insideOf(words: string): string | undefined {
  const inside = WRAPPED.exec(words)?.slice(1)
  return inside?.find((part) => part !== undefined) ?? OWN_LABEL.exec(words)?.[1]
}

const plain = (text: string) =>
  text
    .toLowerCase()
    .replaceAll('’', "'")
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/(?<=[\p{L}\p{N}\p{Pe}>"”*`])[.。!！;；,，]{1,3}$/u, '')

/** An input as it stands, trimmed; empty where it only says that there is none. */
export function withoutNoInput(text: string): string {
  return saysNothing(text) ? '' : text.trim()
}

// A second example that a model has glued to the first.

const NEXT = '(?:(?:new|next|another)[ \\t])?(?:task|instruction|任务|指令|示例)'
const RULED = String.raw`[ \t]{0,9}#{2,6}[ \t]{0,9}(?:\n[ \t]{0,9})?`
const LABELS_FOLLOW = String.raw`(?=[^]{0,2000}\n[ \t*#]{0,9}(?:input|output|response|输入|输出)[ \t*]{0,3}[:：])`
const COLON = String.raw`(?:\*\*)?[ \t]*[:：]`
const NUMBERED = String.raw`\d{1,3}[.)、][ \t]*(?:\*\*)?`
const NEXT_EXAMPLE = new RegExp(
  [
    `(?:^|\\n)${RULED}(?:${NUMBERED}${NEXT}|(?:\\*\\*)?(?:instruction|指令))[ \\t]*\\d{0,3}${COLON}`,
    `[ \\t]#{2,6}[ \\t]{0,9}${NUMBERED}${NEXT}${COLON}`,
    `\\n[ \\t]{0,9}${NUMBERED}(?:instruction|指令)${COLON}`,
    `\\n[ \\t]{0,9}(?:\\*\\*)?(?:instruction|指令)${COLON}${LABELS_FOLLOW}`,
    `\\n(?:${RULED})?[ \\t]{0,9}(?:\\*\\*)?(?:task|任务)[ \\t]*(\\d{1,3})${COLON}`,
    `\\n[ \\t]{0,9}\\n[ \\t]{0,9}(?:\\*\\*)?(?:task|任务)${COLON}${LABELS_FOLLOW}`,
  ].join('|'),
  'gi',
)

/** An output up to where the model goes on with a task of its own; one that counts its tasks from the start does not. */
export function withoutNextExample(output: string): string {
  const counted = /(?:^|\n)[ \t*#]*(?:task|任务)[ \t]*1(?!\d)/i.test(output)
  for (const { 1: number, index } of output.matchAll(NEXT_EXAMPLE)) {
    if (number !== undefined && (counted || number === '1')) continue
    if (output.slice(0, index).trim() === '') continue
    return output.slice(0, index).replace(/(?<![\s#])[\s#]+$/, '')
  }
  return output
}

// A task and nothing else: no number, no label, no tag, no answer.

const TASK_LABEL =
  /^[*_#>\s]{0,9}(?:(?:new|next|another) )?(?:instruction|task|question|prompt|指令|任务|问题|题目|新任务)(?:[ \t]*#?\d{1,3})?[*_\s]{0,5}[:：][*_\s]{0,9}/i
const TAG =
  /^(?:\[[A-Z][\w &/-]{1,30}\](?!\()|\([A-Z][\w &/-]{1,30}\)|【[^】\n]{1,15}】|\[\p{sc=Han}{1,10}\]|（\p{sc=Han}{1,6}）)[ \t]*(?=[A-Z\p{sc=Han}])|^(?:[Cc]lassification|[Gg]eneration|[Oo]pen[- ]ended)[:：][ \t]+(?=[A-Z])|^(?:[Cc]ategory|[Tt]opic|[Tt]ype|[Dd]omain|类别|话题|主题)[:：][ \t]*[\w &/\p{sc=Han}-]{1,30}[.。;；|\n]\s*(?=[A-Z\p{sc=Han}])/u
const ANSWER_NAMES =
  '(?:(?:expected |sample |correct |model )?(?:answer|output|response|solution)|答案|参考答案|输出|回答|回复)'
const ANSWER_LINE = new RegExp(`^[ \\t>#*_-]{0,9}${ANSWER_NAMES}[*_]{0,3}[ \\t]*[:：]`, 'i')
const ANSWER_BEHIND = new RegExp(
  `(?<=[.?!。？！"”')\\]])[ \\t]{0,9}(?:\\*\\*)?${ANSWER_NAMES}(?:\\*\\*)?[ \\t]*[:：][^]*$|[ \\t]{0,9}[(（]${ANSWER_NAMES}[ \\t]*[:：][^()（）\\n]{1,200}[)）][.。]?$`,
  'i',
)

/** An instruction without what announces it, and without the rows or the answer that follow it. */
export function taskIn(text: string): string {
  let task = withoutNumber(ended(text).trim())
  for (let layer = 0; layer < 3; layer++) {
    const label = TASK_LABEL.exec(task)?.[0] ?? TAG.exec(task)?.[0] ?? /^[*_]{2,3}[ \t]+/.exec(task)?.[0]
    if (label === undefined) break
    const rest = task.slice(label.length)
    const bold = (label.match(/\*\*|__/g) ?? []).length % 2 === 1
    task = withoutNumber(bold ? rest.replace(/(?:\*\*|__)(?=\s*(?:\n|$))/, '') : rest)
  }
  const lines = task.split('\n')
  const end = lines.findIndex(
    (line, index) => labelOf(line) || (index > 0 && ANSWER_LINE.test(line.slice(0, 60))),
  )
  const own = (end < 0 ? lines : lines.slice(0, end)).join('\n').replace(ANSWER_BEHIND, '')
  return withoutEnd(own)
}

/** Takes off the rule behind a task, and the words that say it has no input. */
function withoutEnd(task: string): string {
  const lines = task.trimEnd().split('\n')
  while (lines.length > 1 && (/^[\s#*=_-]*$/.test(lines.at(-1) ?? '') || saysNothing(lines.at(-1) ?? '')))
    lines.pop()
  const last = lines.at(-1) ?? ''
  const inline = /[ \t](?:(?:input|输入)[ \t]?[:：][ \t]?|(?=<))([^\n:：]{1,40})$/i.exec(last)
  if (inline && saysNothing(inline[1] ?? '')) lines[lines.length - 1] = last.slice(0, inline.index)
  return lines.join('\n').trim()
}

// Strings as the model meant them. A model that writes LaTeX or a Windows path with single backslashes has `\theta` read
// as a tab and `\new` as a line break by JSON. They come back only where LaTeX or the path itself shows that they were
// meant: a tab between ordinary words is a tab.

const MEANT = new Map(
  Object.entries({ b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', '"': '"', '/': '/', "'": "'" }),
)
const LETTER = new Map([...MEANT].map(([letter, control]) => [control, letter]))

/** What stands between the quotes of a JSON string; a backslash that JSON does not know stays what it is. */
export function unescaped(raw: string): string {
  if (!raw.includes('\\')) return raw
  const single = (raw.match(/\\[^]/g) ?? []).some((pair) => /\\[^"'\\/bfnrtu\n]/.test(pair))
  const text = raw.replace(
    /\\(?:u([\da-f]{4})|([^]))?/gi,
    (all: string, code: string | undefined, letter: string | undefined, at: number) => {
      if (code) return String.fromCharCode(Number.parseInt(code, 16))
      if (letter === '\\') return single && endsRow(raw, at) ? '\\\\' : '\\'
      return letter === '\n' ? letter : (MEANT.get(letter ?? '') ?? all)
    },
  )
  return SWALLOWED.test(text) ? withLatex(withPaths(text, single)) : text
}

/** Where other backslashes are single, two of them end a row of a matrix or open the name of a server. */
function endsRow(raw: string, at: number): boolean {
  return /^(?:[^a-z(){}[\]|,;%#&_$]|$)|^\w[\w.-]{0,60}\\\w/i.test(raw.slice(at + 2, at + 70))
}

const SWALLOWED = /[\b\t\n\f\r](?=[a-z])/i

const NAME = String.raw`[\w.~$@()+-]{1,60}`
const PATH = new RegExp(
  String.raw`(?<![A-Za-z\d])(?:[A-Za-z]:|\\\\${NAME})(?:[\\\x08\t\n\f\r]${NAME}(?:(?: [A-Z(\d]${NAME}){1,3}(?=[\\\x08\t\f\r]))?){1,20}`,
  'g',
)

/** `single`: other backslashes of this string were not doubled, so that these were not either. */
function withPaths(text: string, single: boolean): string {
  return text.replace(PATH, (path) => {
    const doubled = !single && path.includes('\\')
    return path.replace(/[\b\t\n\f\r](?=[^A-Z])/g, (control, at: number) => {
      const shown = single ? path.includes('\\') : /\\|\.\w{1,5}$/.test(path.slice(at))
      const lineBreak = doubled && (control === '\n' || control === '\r')
      return shown && !lineBreak ? `\\${LETTER.get(control) ?? ''}` : control
    })
  })
}

// Commands that begin with a letter JSON takes for an escape: LaTeX, amsmath, amssymb.
const COMMANDS = new RegExp(
  String.raw`^(?:b(?:ackslash|ackprime|ar|arwedge|ecause|egin|eta|eth|etween|f|fseries|ibitem|ig[a-z]*|inom|lack[a-z]+|m|mod|oldsymbol|ot|owtie|ox(?:dot|ed|minus|plus|times)?|ra|reve|ullet|umpeq)|` +
    String.raw`f(?:allingdotseq|box|cfrac|color|lat|lushleft|lushright|ont(?:size|family)|ootnote(?:size|text)?|orall|rac|rame(?:box)?|rown)|` +
    String.raw`n(?:abla|atural|cong|e|earrow|eg|eq|ew(?:command|environment|line|page|theorem)|exists|geq|geqslant|gtr|i|left(?:right)?arrow|leq|leqslant|less|mid|o(?:break|indent|limits|number|pagebreak|rm|rmalsize|t|tag|tin)|parallel|prec|preceq|rightarrow|shortmid|sim|subseteq|succ|succeq|supseteq|triangle[a-z]+|u|um|vdash|vDash|Vdash|warrow)|` +
    String.raw`r(?:aggedright|aisebox|angle|brace|brack|ceil|eal|ef|enewcommand|esizebox|floor|group|ho|hd|ight[a-z]*|isingdotseq|m|m?oustache|otatebox|owcolor|times|ule|Vert|vert)|` +
    String.raw`t(?:ableofcontents|ag|an(?! [a-z]{2})|anh|au|binom|ext[a-z]*|frac|hanks|herefore|heta|hick[a-z]+|hinspace|ilde|imes|iny|itle(?={)|o|oday|op|oprule|riangle[a-z]*|t|wohead[a-z]+))(?![a-zA-Z])`,
)
const DISPLAY = String.raw`\$\$[^$]{1,2000}\$\$|\\\[[^]{1,600}?\\\]|\\begin\{[^]{1,600}?\\end\{`
const INLINE = String.raw`\$(?=[^\s$]|[\b\t\n\f\r][a-z])[^$]{1,300}(?<!\s)\$(?!\d)|\\\([^]{1,300}?\\\)`
const MATH = new RegExp(`(${DISPLAY})|(${INLINE})`, 'gi')
const REAL = /\\[a-z]{2}|\\[()[\]{}]/i
const CONTROL = /[\b\t\n\f\r](?=[a-z])/gi

/** Control characters become the commands they were, in mathematics and wherever the text holds other LaTeX. */
function withLatex(text: string): string {
  const beside = holdsLatex(text)
    ? (control: string, at: number) => besideLatex(text, control, at)
    : undefined
  let from = 0
  let meant = ''
  for (const { 0: math, 1: display, index } of text.matchAll(MATH)) {
    meant += turned(text.slice(from, index), from, beside) + inMath(math, display !== undefined)
    from = index + math.length
  }
  return meant + turned(text.slice(from), from, beside)
}

function holdsLatex(text: string): boolean {
  const prose = text.replace(PATH, ' ')
  if (REAL.test(prose) || prose.search(MATH) >= 0) return true
  return [...prose.matchAll(/[\b\f](?=[a-z])/gi)].some(({ 0: control, index }) =>
    isCommand(prose, control, index),
  )
}

function isCommand(text: string, control: string, at: number): boolean {
  return COMMANDS.test((LETTER.get(control) ?? '') + text.slice(at + 1, at + 32))
}

function turned(part: string, from: number, isMeant?: (control: string, at: number) => boolean): string {
  if (!isMeant) return part
  return part.replace(CONTROL, (control, at: number) =>
    isMeant(control, from + at) ? `\\${LETTER.get(control) ?? ''}` : control,
  )
}

/** A line that begins with the single letter u, e or i is no `\nu`, unless the line above it stopped in the middle. */
function besideLatex(text: string, control: string, at: number): boolean {
  if (!isCommand(text, control, at)) return false
  return (
    control !== '\n' || /^[a-z]{2}/i.test(text.slice(at + 1)) || /[\s={(^_+*/<>-]/.test(text.charAt(at - 1))
  )
}

/** In a formula on one line no control character is meant; in one that is set off, lines may begin and be indented. */
function inMath(math: string, display: boolean): string {
  const price = /^\$\d/.test(math) && !/[\\^_{}=]/.test(math)
  return turned(math, 0, (control, at) => {
    if (isCommand(math, control, at))
      return control !== '\n' || !display || /^[a-z]{2}/i.test(math.slice(at + 1)) || !/\n[^a-z]/i.test(math)
    if (!display) return !price
    return control !== '\n' && (control !== '\t' || math.charAt(at - 1) !== '\n')
  })
}

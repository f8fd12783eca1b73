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

// The screen: lines on standard output, a progress line on standard error. Colours add, they never carry meaning.
import path from 'node:path'
import { Chalk, type ChalkInstance } from 'chalk'
import type { Ora } from 'ora'
import type { Provider } from '../model/call.ts'
import type { Language } from '../text/language.ts'
import { redrawsLines, takesColour } from '../workspace/environment.ts'
import type { Words } from '../workspace/fault.ts'
import type { Step } from '../workspace/folder.ts'
import type { Settings } from '../workspace/settings.ts'
import { type ScreenWords, headings, screenWords } from './words.ts'

const widthElsewhere = 100 // columns where no terminal says how many it has

export type Part = readonly [joint: string, text: string]

export class Screen {
  readonly words: ScreenWords
  readonly language: Language
  private readonly paint: ChalkInstance
  private readonly progressLine = new ProgressLine()
  private muted = false

  constructor(language: Language) {
    this.language = language
    this.words = screenWords[language]
    this.paint = takesColour(process.stdout) ? new Chalk() : new Chalk({ level: 0 })
  }

  /** Columns to cut samples and lists to. */
  get width(): number {
    return process.stdout.columns || widthElsewhere
  }

  say(words: Words): string {
    return words[this.language]
  }

  /** Nobody reads any more: the terminal, or the program behind a pipe, is gone. */
  mute(): void {
    this.clearProgress()
    this.muted = true
  }

  line(text: string): void {
    this.put(plainLines(text))
  }

  /** `painted`: harmless already, but for the colours that were put on it. */
  private put(painted: string): void {
    if (this.muted) return
    this.clearProgress()
    process.stdout.write(`${painted}\n`)
  }

  title(text: string): void {
    this.lines(text, '', this.paint.bold)
  }

  heading(step: Step, file?: string): void {
    this.title(`${headings[step]}${file === undefined ? '' : ` → ${file}`}`)
    this.progressLine.prepare()
  }

  /** A line of our own words, wrapped on a terminal with the next lines set in; `indent` may carry a mark. */
  detail(text: string, indent = '  '): void {
    this.lines(text, indent)
  }

  /** Parts of a line side by side, on as many lines as they need; each comes with what joins it to the one before. */
  flow(parts: readonly Part[]): void {
    const room = 4 // columns: the line is set in by two, and a wide comma may follow
    const lines: string[] = []
    for (const [joint, text] of parts) {
      const line = lines.pop()
      const longer = line === undefined ? text : `${line}${joint}${text}`
      if (line === undefined || widthOf(longer) + room <= this.width) lines.push(longer)
      else lines.push(`${line}${joint.replace(' · ', '').trimEnd()}`, text)
    }
    for (const line of lines) this.detail(line)
  }

  remark(text: string): void {
    this.lines(text, '  ! ', this.paint.yellow)
  }

  /** Something that must be mended. */
  fault(text: string): void {
    this.lines(text, '  ✗ ', this.paint.red)
  }

  // Away from a terminal lines stay whole, for `grep` and for files.
  private lines(text: string, indent: string, paint = (line: string) => line): void {
    const below = ' '.repeat(widthOf(indent))
    const width = process.stdout.columns ? process.stdout.columns - below.length : Infinity
    for (const [place, line] of wrapToWidth(plain(text), Math.max(width, 20)).entries())
      this.put(paint((place === 0 ? indent : below) + line))
  }

  /** One row of model text, harmless and cut to the terminal's width; of a task with its answer both are seen. */
  sample(text: string): void {
    const row = `    · ${plain(text)}`
    const arrow = row.indexOf(' ⇒ ')
    const task = cutToWidth(row.slice(0, Math.max(arrow, 0)), Math.floor(this.width / 2))
    const shown = arrow > 0 && widthOf(row) > this.width ? task + row.slice(arrow) : row
    this.put(this.paint.dim(cutToWidth(shown, this.width)))
  }

  error(text: string): void {
    if (this.muted) return
    this.clearProgress()
    const paint = takesColour(process.stderr) ? this.paint.red : (line: string) => line
    const width = process.stderr.columns || Infinity
    const lines = plainLines(text).split('\n')
    for (const line of lines.flatMap((one) => wrapToWidth(one, width)))
      process.stderr.write(`${paint(line)}\n`)
  }

  progress(text: () => string): void {
    if (!this.muted) this.progressLine.show(() => plain(text()))
  }

  clearProgress(): void {
    this.progressLine.clear()
  }
}

/** A file as the person would type it: relative to where they are, unless it lies elsewhere. */
export function shownPath(file: string): string {
  const relative = path.relative(process.cwd(), file)
  return relative.startsWith('..') || path.isAbsolute(relative) ? file : relative
}

// The progress line on standard error: drawn by ora on a terminal that knows its width, elsewhere a line now and then.

const drawnEvery = 100 // ms; rows may come by the ten thousand a second
const notedEvery = 30_000 // ms between lines where no line can be drawn again
const spinnerWidth = 3 // columns: the spinner, its space, and one left free so that the line never wraps

export class ProgressLine {
  // One for all screens: whoever writes, an error too, clears it first.
  private static spinner: Ora | undefined
  private static text: string | undefined // what is to be seen; nothing after `clear`
  private drawnAt = 0
  private notedAt: number | undefined

  /** Shows the text, which is only made when there is somebody to see it. */
  show(text: () => string): void {
    const now = performance.now()
    if (!isLive()) return this.note(text, now)
    if (now - this.drawnAt < drawnEvery) return
    this.drawnAt = now
    ProgressLine.text = cutToWidth(text(), process.stderr.columns - spinnerWidth)
    if (ProgressLine.spinner) ProgressLine.spinner.text = ProgressLine.text
    else void this.start()
  }

  private note(text: () => string, now: number): void {
    this.notedAt ??= now
    if (now - this.notedAt < notedEvery) return
    this.notedAt = now
    process.stderr.write(`${text()}\n`)
  }

  /** Loads ora while no calls are in flight: later it would hold up whatever answers Ctrl-C. */
  prepare(): void {
    if (isLive()) void import('ora')
  }

  // While ora is loaded the line may be cleared and shown again: only one spinner is made, and none for a line that is gone.
  private async start(): Promise<void> {
    const { default: ora } = await import('ora')
    const { text } = ProgressLine
    if (text === undefined || ProgressLine.spinner) return
    ProgressLine.spinner = ora({
      text,
      color: takesColour(process.stderr) && 'cyan',
      discardStdin: false,
    }).start()
  }

  clear(): void {
    ProgressLine.spinner?.stop()
    ProgressLine.spinner = undefined
    ProgressLine.text = undefined
    this.drawnAt = 0
  }
}

// On a terminal of 0 columns, as in some containers, ora would clear lines for ever.
function isLive(): boolean {
  return redrawsLines(process.stderr) && process.stderr.columns > spinnerWidth
}

// Model text is hostile input: what could steer a terminal or hide in a line is taken out before it is printed.

// Controls, marks of direction, tags, what has no glyph, lone surrogates (`C`), line separators, and what is drawn as
// nothing: fillers of Hangul, joiners, selectors of variants. (U+FE0F, which makes an emoji colourful, may stay.)
const hidden = /(?!\n|\ufe0f)[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu

/** The text on one line, white space folded, nothing in it that a terminal would obey. */
export function plain(text: string): string {
  return text.replace(/\s+/g, ' ').replace(hidden, '').trim()
}

/** The same line by line, for texts of several lines. */
export function plainLines(text: string): string {
  return text.replace(hidden, '')
}

// East Asian wide characters and emoji take two columns.
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u

/** The columns a text takes on a terminal. */
export function widthOf(text: string): number {
  let width = 0
  for (const character of text) width += wide.test(character) ? 2 : 1
  return width
}

/** The text cut to so many columns, with an ellipsis where something is missing. */
export function cutToWidth(text: string, columns: number): string {
  if (text.length * 2 <= columns || widthOf(text) <= columns) return text
  let width = 1
  let cut = ''
  for (const character of text) {
    width += wide.test(character) ? 2 : 1
    if (width > columns) break
    cut += character
  }
  return `${cut}…`
}

/** The text in lines of at most so many columns; it breaks before a command, at a space or between wide characters, else inside a word. */
export function wrapToWidth(text: string, columns: number): string[] {
  if (text.length * 2 <= columns || widthOf(text) <= columns) return [text]
  const lines = ['']
  const add = (part: string, [pattern, ...finer]: readonly RegExp[]): void => {
    for (const piece of part.match(pattern ?? /./gsu) ?? []) {
      const line = lines.at(-1) ?? ''
      if (pattern && widthOf(piece.trimEnd()) > columns) add(piece, finer)
      else if (line === '' || widthOf(line + piece.trimEnd()) <= columns) lines.splice(-1, 1, line + piece)
      else lines.push(piece)
    }
  }
  add(text, [commandsAndWords, words])
  return lines.map((line) => line.trimEnd())
}

// A wide character with the punctuation that may not open a line, or a word with the space after it. A command stays
// on one line where there is room, so that it can be copied.
const wideRange = String.raw`\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff00-\uffef`
const closing = '[，。、；：！？）》”]*'
const word = String.raw`[${wideRange}]${closing}|[^\s${wideRange}]*\s|[^\s${wideRange}]+${closing}`
const words = new RegExp(word, 'gu')
const commandsAndWords = new RegExp(
  String.raw`(?:npx tsx workshop\.ts|npm start --)(?: [\w./\\:,=-]+| "[^"]*")*\s?|${word}`,
  'gu',
)

// Commands to type, as the screen proposes them.

/** The command with these words, for the same data folder. */
export function commandLine({ given, dataDir }: Settings, words: string): string {
  const folder = given.has('data-dir') ? ` --data-dir ${quoted(shownPath(dataDir))}` : ''
  return `${typed([])}${words === '' ? '' : ` ${words}`}${folder}`
}

/** The command that tells of these words; a run that was replayed has its prompts and replies in the log it replayed. */
export function whyCommand(settings: Settings, words: string): string {
  const { given, replay } = settings
  const log = given.has('replay') && replay !== undefined ? ` --replay ${quoted(shownPath(replay))}` : ''
  return `${commandLine(settings, `why ${words}`)}${log}`
}

/** The command as it was typed. */
export function typed(argv: readonly string[]): string {
  return ['npx tsx workshop.ts', ...argv.map(quoted)].join(' ')
}

// Double quotes hold in every shell.
function quoted(word: string): string {
  return /[^\w./\\:,=-]/.test(word) ? `"${word}"` : word
}

/** Says what a run.json from elsewhere asked for and did not get, before anything else is said. */
export function tellNotTaken(screen: Screen, { notTaken, replay }: Settings): void {
  const idle = replay === undefined ? [] : ['base-url', 'param'] // a log that is replayed asks nobody
  const counts = [...notTaken].filter(([name]) => !idle.includes(name))
  const all = counts.flatMap(([name, values]) => values.map((value) => `--${name} ${quoted(value)}`))
  if (all.length > 0) screen.remark(screen.words.notTaken(all.join(' ')))
}

/** The provider and model, and where the key comes from; or what stands in for them. */
export function whoAnswers({ words, language }: Screen, settings: Settings, provider: Provider): string {
  // A look at other people's data: nobody has answered, and nobody will.
  const onlyLooks = settings.provider === undefined && settings.steps.join() === 'filter' && !settings.judge
  if (provider.standIn) return onlyLooks ? words.nobody : words.offline
  if (provider.byHand && provider.replayOf === undefined) return words.pasting(provider.model)
  if (provider.replayOf === undefined) return words.asking(provider.name, provider.model, provider.keyFrom)
  const day = new Date(provider.replayOf)
  const style = { day: 'numeric', month: language === 'zh' ? 'long' : 'short', timeZone: 'UTC' } as const
  const shown = Number.isNaN(day.getTime())
    ? '?'
    : day.toLocaleDateString(language === 'zh' ? 'zh-CN' : 'en-GB', style)
  const fromFile = settings.replay !== undefined || provider.note !== undefined // there may be a key, and nobody is asked
  return fromFile ? words.replayingFile(provider.model, shown) : words.replaying(provider.model, shown)
}

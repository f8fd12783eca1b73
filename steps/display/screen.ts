// The screen: lines on standard output, a progress line on standard error. Colours add, they never carry meaning.
import path from 'node:path'
import { type ChalkInstance, Chalk } from 'chalk'
import type { Language } from '../text/language.ts'
import { takesColour } from '../workspace/environment.ts'
import type { Words } from '../workspace/fault.ts'
import type { Step } from '../workspace/folder.ts'
import { cutToWidth, plain, plainLines, widthOf, wrapToWidth } from './plain.ts'
import { ProgressLine } from './progress.ts'
import { headings, type Vocabulary, vocabularies } from './words.ts'

const widthElsewhere = 100 // columns where no terminal says how many it has

export type Part = readonly [joint: string, text: string]

export class Screen {
  readonly words: Vocabulary
  readonly language: Language
  private readonly paint: ChalkInstance
  private readonly progressLine = new ProgressLine()

  constructor(language: Language) {
    this.language = language
    this.words = vocabularies[language]
    this.paint = takesColour(process.stdout) ? new Chalk() : new Chalk({ level: 0 })
  }

  /** Columns to cut samples and lists to. */
  get width(): number {
    return process.stdout.columns || widthElsewhere
  }

  say(words: Words): string {
    return words[this.language]
  }

  line(text: string): void {
    this.clearProgress()
    process.stdout.write(`${text}\n`)
  }

  title(text: string): void {
    for (const line of this.wrapped(text, '')) this.line(this.paint.bold(line))
  }

  heading(step: Step, file?: string): void {
    this.title(`${headings[step]}${file === undefined ? '' : ` → ${file}`}`)
    this.progressLine.prepare()
  }

  /** A line of our own words, wrapped on a terminal with the next lines set in; `indent` may carry a mark. */
  detail(text: string, indent = '  '): void {
    for (const line of this.wrapped(text, indent)) this.line(line)
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
    for (const line of this.wrapped(text, '  ! ')) this.line(this.paint.yellow(line))
  }

  /** Something that must be mended. */
  fault(text: string): void {
    for (const line of this.wrapped(text, '  ✗ ')) this.line(this.paint.red(line))
  }

  // Away from a terminal lines stay whole, for `grep` and for files.
  private wrapped(text: string, indent: string): string[] {
    const width = process.stdout.columns ? process.stdout.columns - widthOf(indent) : Infinity
    return wrapToWidth(plain(text), Math.max(width, 20)).map((line, place) =>
      place === 0 ? indent + line : ' '.repeat(widthOf(indent)) + line,
    )
  }

  /** One row of model text, harmless and cut to the terminal's width; of a task with its answer both are seen. */
  sample(text: string): void {
    const row = `    · ${plain(text)}`
    const arrow = row.indexOf(' ⇒ ')
    const task = cutToWidth(row.slice(0, Math.max(arrow, 0)), Math.floor(this.width / 2))
    const shown = arrow > 0 && widthOf(row) > this.width ? task + row.slice(arrow) : row
    this.line(this.paint.dim(cutToWidth(shown, this.width)))
  }

  error(text: string): void {
    this.clearProgress()
    const harmless = plainLines(text)
    process.stderr.write(`${takesColour(process.stderr) ? this.paint.red(harmless) : harmless}\n`)
  }

  progress(text: () => string): void {
    this.progressLine.show(text)
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

// The screen: lines on standard output, a progress line on standard error. Colours add, they never carry meaning.
import path from 'node:path'
import { type ChalkInstance, Chalk } from 'chalk'
import type { Ora } from 'ora'
import type { Language } from '../text/language.ts'
import type { Words } from '../workspace/fault.ts'
import type { Step } from '../workspace/folder.ts'
import { cutToWidth, plain } from './plain.ts'
import { headings, type Vocabulary, vocabularies } from './words.ts'

const widthElsewhere = 100 // columns where no terminal says how many it has

export class Screen {
  readonly words: Vocabulary
  readonly language: Language
  private readonly paint: ChalkInstance
  private spinner: Ora | undefined
  private spinnerLoading = false

  constructor(language: Language) {
    this.language = language
    this.words = vocabularies[language]
    this.paint = process.env.NO_COLOR || !process.stdout.isTTY ? new Chalk({ level: 0 }) : new Chalk()
  }

  say(words: Words): string {
    return words[this.language]
  }

  line(text: string): void {
    this.clearProgress()
    process.stdout.write(`${text}\n`)
  }

  title(text: string): void {
    this.line(this.paint.bold(text))
  }

  heading(step: Step): void {
    this.title(headings[step])
    if (showsProgress()) void import('ora') // now, while no calls are in flight that loading it would hold up
  }

  detail(text: string): void {
    this.line(`  ${text}`)
  }

  remark(text: string): void {
    this.line(this.paint.yellow(`  ! ${text}`))
  }

  /** One row of model text, harmless and cut to the terminal's width. */
  sample(text: string): void {
    this.line(this.paint.dim(cutToWidth(`    · ${plain(text)}`, process.stdout.columns || widthElsewhere)))
  }

  error(text: string): void {
    this.clearProgress()
    process.stderr.write(`${process.env.NO_COLOR || !process.stderr.isTTY ? text : this.paint.red(text)}\n`)
  }

  progress(
    step: Step,
    done: number,
    all: number | undefined,
    tokens: number,
    dollars: number | undefined,
  ): void {
    if (!showsProgress()) return
    const text = this.words.progress(step, done, all, tokens, dollars)
    if (this.spinner) this.spinner.text = text
    else if (!this.spinnerLoading) void this.startSpinner(text)
  }

  private async startSpinner(text: string): Promise<void> {
    this.spinnerLoading = true
    const { default: ora } = await import('ora')
    if (this.spinnerLoading)
      this.spinner = ora({
        text,
        color: process.env.NO_COLOR ? 'white' : 'cyan',
        discardStdin: false,
      }).start()
  }

  clearProgress(): void {
    this.spinner?.stop()
    this.spinner = undefined
    this.spinnerLoading = false
  }
}

/** The progress line needs a terminal that knows its width (ora loops for ever on one of 0 columns). */
function showsProgress(): boolean {
  return Boolean(process.stderr.isTTY && process.stderr.columns && !process.env.CI)
}

/** A file as the person would type it: relative to where they are, unless it lies elsewhere. */
export function shownPath(file: string): string {
  const relative = path.relative(process.cwd(), file)
  return relative.startsWith('..') || path.isAbsolute(relative) ? file : relative
}

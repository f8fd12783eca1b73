// HTML in which every value is escaped unless it is markup itself: model text is hostile input.
import { number } from '../display/words.ts'
import type { Language } from '../text/language.ts'
import type { Figures, Run } from './count.ts'
import type { ReportWords } from './words.ts'

/** What every section of the page draws from. */
export type Subject = { run: Run; figures: Figures; words: ReportWords; screen: Language }

export class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export type Value = string | number | Markup | readonly Markup[] | undefined

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Markup from a template; undefined leaves nothing. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Markup {
  const text = parts.map((part, place) => part + (place < values.length ? spelt(values[place]) : ''))
  return new Markup(text.join(''))
}

function spelt(value: Value): string {
  if (value === undefined) return ''
  if (value instanceof Markup) return value.text
  if (typeof value === 'object') return value.map((markup) => markup.text).join('')
  return String(value).replace(/[&<>"']/g, (character) => entities[character] ?? '')
}

export const percent = (share: number): string => `${(100 * share).toFixed(1)}\u00a0%`

/** JSON that may stand inside a script element: it cannot end the element, open a comment or break a line. */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** A table; a column without a title has an empty head, a table without titles none. */
export function table(kind: string, titles: readonly string[], rows: readonly Markup[]): Markup {
  const heads = titles.map((title) => (title === '' ? html`<td></td>` : html`<th scope="col">${title}</th>`))
  const head = html`<thead>
    <tr>
      ${heads}
    </tr>
  </thead>`
  return html`<div class="wide">
    <table class="${kind}">
      ${titles.length > 0 ? head : undefined}
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`
}

/** A row under its title; `kinds` are the classes of its cells, column by column. */
export function row(title: Value, cells: readonly Value[], kinds: readonly string[] = []): Markup {
  const cell = (value: Value, place: number): Markup => {
    const kind = kinds[place]
    return html`<td${kind === undefined ? undefined : html` class="${kind}"`}>${value}</td>`
  }
  return html`<tr>
    <th scope="row">${title}</th>
    ${cells.map(cell)}
  </tr>`
}

// Bars and histograms as SVG. Colours come from the page's style by class; the numbers are also there as text.

const width = 360 // units: a phone's width, so that 12 units of text stay 12 pixels there
const height = 190
const margin = { left: 8, right: 8, top: 26, bottom: 24 }

/** A bar as long as its share, from 0 to 1, of the room it is given. */
export function bar(share: number, kind = 'main'): Markup {
  const length = round(100 * Math.min(1, Math.max(0, share)))
  return html`<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
    <rect class="${kind}" width="${length}" height="10" />
  </svg>`
}

type Histogram = {
  title: string
  /** One bar a bin: `second` stands on `first`. `label` says both in words. */
  bins: { first: number; second?: number; label: string }[]
  /** At a share of the width, 0 to 1. */
  ticks: { at: number; text: string }[]
  line?: { at: number; text: string }
}

export function histogram({ title, bins, ticks, line }: Histogram): Markup {
  const most = Math.max(1, ...bins.map(({ first, second = 0 }) => first + second))
  const across = (share: number): number => round(margin.left + share * (width - margin.left - margin.right))
  const floor = height - margin.bottom
  const tall = (count: number): number => round((count / most) * (floor - margin.top))
  const bars = bins.map(({ first, second = 0, label }, place) => {
    const [x, next] = [across(place / bins.length), across((place + 1) / bins.length)]
    const [low, high] = [tall(first), tall(second)]
    const wide = round(Math.max(1, next - x - 1.5))
    return html`<g
      ><title>${label}</title>
      <rect class="main" x="${x}" y="${round(floor - low)}" width="${wide}" height="${low}" />
      <rect class="loss" x="${x}" y="${round(floor - low - high)}" width="${wide}" height="${high}"
    /></g>`
  })
  const labels = ticks.map(
    ({ at, text }) =>
      html`<text x="${across(at)}" y="${height - 7}" text-anchor="${anchor(at)}">${text}</text>`,
  )
  return html`<svg class="plot" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">
    ${bars}
    <line class="axis" x1="${margin.left}" x2="${width - margin.right}" y1="${floor}" y2="${floor}" />
    <text class="most" x="${margin.left}" y="12">${number(most)}</text>
    <line
      class="grid"
      x1="${margin.left}"
      x2="${width - margin.right}"
      y1="${margin.top}"
      y2="${margin.top}"
    />
    ${labels}${line && threshold(across(line.at), line.text, floor)}
  </svg>`
}

function threshold(x: number, text: string, floor: number): Markup {
  const left = x > width / 2
  return html`<line class="threshold" x1="${x}" x2="${x}" y1="${margin.top - 8}" y2="${floor}" />
    <text
      class="threshold"
      x="${left ? x - 5 : x + 5}"
      y="${margin.top - 10}"
      text-anchor="${left ? 'end' : 'start'}"
      >${text}</text
    >`
}

function anchor(at: number): string {
  if (at === 0) return 'start'
  return at === 1 ? 'end' : 'middle'
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}

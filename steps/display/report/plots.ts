// Bars and histograms as SVG. Colours come from the page's style by class; the numbers are also there as text.
import { number } from '../words.ts'
import { html, Markup } from './html.ts'

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

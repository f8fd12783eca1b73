// The plots: how similar the instructions are, how long the texts, and what is asked for.
import { type Figures, similarityBins } from './count.ts'
import { html, type Markup } from './html.ts'
import { bar, histogram } from './plots.ts'
import type { Subject } from './subject.ts'
import { number } from '../words.ts'

export function plotsSection(subject: Subject): Markup {
  const { words } = subject
  const lengths = (['instruction', 'input', 'output'] as const).map((name) => lengthPlot(name, subject))
  return html`<section id="plots">
    <h2>${words.plots.title}</h2>
    <div class="plots">${similarityPlot(subject)}${lengths}</div>
    <p class="note">${words.plots.lengthsAbout}</p>
    ${verbsPlot(subject)}
  </section>`
}

function similarityPlot({ figures, words, run }: Subject): Markup {
  const { accepted, nearDuplicates, unknown } = figures.similarity
  const edge = (place: number): string => (place / similarityBins).toFixed(2)
  const bins = accepted.map((first, place) => {
    const second = nearDuplicates[place] ?? 0
    return { first, second, label: words.plots.bin(edge(place), edge(place + 1), first, second) }
  })
  const { similarity: at } = run.settings
  const plot = histogram({
    title: words.plots.similarity,
    bins,
    ticks: [0, 0.2, 0.4, 0.6, 0.8, 1].map((tick) => ({ at: tick, text: String(tick) })),
    line: { at, text: words.plots.threshold(at) },
  })
  return html`<figure>
    <h3>${words.plots.similarity}</h3>
    ${plot}
    <p class="key">
      <i class="main"></i> ${words.plots.accepted} <i class="loss"></i> ${words.plots.nearDuplicates}
    </p>
    <figcaption>
      ${words.plots.similarityAbout} ${unknown > 0 ? words.plots.unknown(unknown) : undefined}
    </figcaption>
  </figure>`
}

const lengthBins = 20

function lengthPlot(name: keyof Figures['lengths'], { figures, words, run }: Subject): Markup {
  const lengths = figures.lengths[name]
  const width = niceWidth(lengths.quantile(0.98) / lengthBins)
  const unit = words.unit[run.language]
  const bins = lengths.binned(width, lengthBins).map((first, place) => {
    const to = place === lengthBins - 1 ? undefined : (place + 1) * width - 1
    return { first, label: words.plots.lengthBin(place * width, to, unit, first) }
  })
  const ticks = [0, 0.25, 0.5, 0.75].map((at) => ({ at, text: String(at * lengthBins * width) }))
  const { mean } = lengths
  const title = words.plots.lengths[name]
  return html`<figure>
    <h3>${title}</h3>
    ${mean === undefined ? undefined : histogram({ title, bins, ticks: [...ticks, { at: 1, text: `${lengthBins * width}+` }] })}
    <figcaption>
      ${mean === undefined ? words.plots.empty : words.plots.mean(mean.toFixed(1), unit)}
    </figcaption>
  </figure>`
}

// 1, 2, 5, 10, 20, 50, …: the first that is wide enough.
function niceWidth(least: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, least)))
  return [1, 2, 5, 10].map((digit) => digit * power).find((width) => width >= least) ?? 1
}

function verbsPlot({ figures: { verbs }, words }: Subject): Markup {
  const most = verbs.most(12, 4)
  const top = most[0]?.count ?? 1
  const rows = most.map(({ verb, count, objects }) => {
    const named = objects.map(({ object, count: times }) => `${object} ${number(times)}`).join(' · ')
    return html`<tr>
      <th scope="row">${verb}</th>
      <td class="number">${number(count)}</td>
      <td class="bars">${bar(count / top)}</td>
      <td class="objects">${named}</td>
    </tr>`
  })
  return html`<figure>
    <h3>${words.plots.verbs}</h3>
    <table class="verbs">
      <tbody>
        ${rows}
      </tbody>
    </table>
    <figcaption>${words.plots.verbsAbout(verbs.none, verbs.total)}</figcaption>
  </figure>`
}

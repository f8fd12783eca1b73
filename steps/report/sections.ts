// The funnel: how many instructions were left at each stage, and where the others went.
import { nameOfReason } from '../display/reasons.ts'
import { number } from '../display/words.ts'
import type { Language } from '../text/language.ts'
import { steps } from '../workspace/folder.ts'
import { type Figures, type Lengths, type Stage, similarityBins, stages, sumOf } from './count.ts'
import { type Markup, type Subject, bar, histogram, html, isOffline, shareOf, whyRemoved } from './html.ts'
import type { ReportWords } from './words.ts'

export function funnelSection({ figures, words, screen }: Subject): Markup {
  const { funnel, losses } = figures
  const most = Math.max(1, ...stages.map((stage) => funnel[stage] ?? 0))
  const rows = stages.map((stage, place) => {
    const count = funnel[stage]
    const before = place === 0 ? undefined : funnel[stages[place - 1] ?? 'asked']
    const merged = stage === 'kept' ? figures.merged : 0
    return html`<li>
      ${lossOf(stage, before === undefined || count === undefined ? 0 : before + merged - count, losses[stage], words, screen)}
      <div class="stage">
        <span>${words.funnel.stages[stage]}</span>${bar((count ?? 0) / most)}
        <b>${count === undefined ? words.funnel.unknown : number(count)}</b>
      </div>
      ${merged > 0 ? html`<p class="note">${words.funnel.merged(merged)}</p>` : undefined}
    </li>`
  })
  return html`<section id="funnel">
    <h2>${words.funnel.title}</h2>
    <p>${words.funnel.about}</p>
    <ol class="funnel">
      ${rows}
    </ol>
  </section>`
}

/** What went missing before a stage: how many instructions, and the rejected rows by reason. */
function lossOf(
  stage: Stage,
  lost: number,
  reasons: ReadonlyMap<string, number>,
  words: ReportWords,
  screen: Language,
): Markup | undefined {
  if (lost <= 0 && reasons.size === 0) return undefined
  const step = { asked: '', parsed: 'generate', novel: 'generate' }[stage as 'novel'] ?? stepBefore(stage)
  const links = [...reasons]
    .toSorted((a, b) => b[1] - a[1])
    .map(
      ([reason, count]) =>
        html`<a href="#rows" data-show="${step}/${reason}" title="${whyRemoved(reason, screen)}"
          >${number(count)} ${nameOfReason(reason, screen)}</a
        > `,
    )
  const unread = stage === 'parsed' ? lost - sumOf(reasons) : 0
  const title = lost > 0 ? words.funnel.rows : words.funnel.rowsOnly
  return html`<div class="lost">
    ${lost > 0 ? html`<b>${words.funnel.loss(lost)}</b>` : undefined}
    ${reasons.size > 0 ? html`<span>${title}</span> ${links}` : undefined}
    ${unread > 0 ? html`<span>${words.funnel.unread(unread)}</span>` : undefined}
  </div>`
}

function stepBefore(stage: Stage): string {
  return { classified: 'classify', with_instances: 'instances', kept: 'filter' }[stage as 'kept']
}

// The figures of this run beside those that the paper and Alpaca published.

// Paper: table 1; 11,584 classification tasks, 35,878 empty inputs; the cost as its authors state it. Alpaca: its blog post and data card.
const published: Partial<Record<keyof ReportWords['table'], [paper: string, alpaca: string]>> = {
  instructions: ['52,445', '52,002'],
  classification: ['22.1 %', '–'],
  instances: ['82,439', '52,002'],
  instruction: ['15.9', '–'],
  input: ['12.7', '–'],
  output: ['18.9', '–'],
}

export function tableSection(subject: Subject): Markup {
  const { words, run } = subject
  const offline = isOffline(run)
  const { paper, alpaca } = words.table
  const others = offline
    ? undefined
    : html`<th scope="col">${paper}</th>
        <th scope="col">${alpaca}</th>`
  const rows = figureRows(subject).map(([name, value]) => {
    const [theirs, last] = besides(name, words)
    return html`<tr${name === 'rejected' ? html` class="with-reasons"` : undefined}>
      <th scope="row">${words.table[name] as string}</th>
      <td>${value}</td>
      ${
        offline
          ? undefined
          : html`<td>${theirs}</td>
              <td>${last}</td>`
      }
    </tr>
    ${
      name === 'rejected'
        ? html`<tr>
            <td class="reasons" colspan="4">${reasonsLine(subject)}</td>
          </tr>`
        : undefined
    }`
  })
  return html`<section id="table">
    <h2>${tableTitle(subject)}</h2>
    ${offline ? html`<p class="remark">${words.offline}</p>` : undefined}
    <div class="wide">
      <table>
        <thead>
          <tr>
            <td></td>
            <th scope="col">${words.table.ours}</th>
            ${others}
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>
    <p class="note">${offline ? words.table.ownOnly : words.table.sources}</p>
  </section>`
}

/** Beside the offline model the paper's numbers would say something that is not so. */
export function tableTitle({ run, words }: Subject): string {
  return isOffline(run) ? words.table.ownTitle : words.table.title
}

function besides(name: keyof ReportWords['table'], { table }: ReportWords): [string, string] {
  if (name === 'emptyInput') return ['43.5 %', table.about]
  if (name === 'dollars') return [table.aboutPrice, table.below]
  return published[name] ?? ['–', '–']
}

/** The figures of a run by the name of their row. */
export function figureRows({ figures, words, run }: Subject): [keyof ReportWords['table'], string][] {
  const { funnel, lengths, cost } = figures
  const kept = funnel.kept ?? 0
  const unit = words.unit[run.language]
  const mean = (of: Lengths): string => (of.mean === undefined ? '–' : `${of.mean.toFixed(1)} ${unit}`)
  return [
    ['instructions', number(kept)],
    ['classification', shareOf(figures.classification, kept)],
    ['instances', number(figures.rows)],
    ['emptyInput', shareOf(figures.emptyInputs, figures.rows)],
    ['instruction', mean(lengths.instruction)],
    ['input', mean(lengths.input)],
    ['output', mean(lengths.output)],
    ['rejected', number(sumOf(rejectsByReason(figures)))],
    ['calls', number(cost.calls)],
    ['tokens', number(cost.tokens)],
    [
      'dollars',
      cost.dollars === undefined ? words.table.unknownPrice : cost.dollars.toFixed(cost.dollars < 1 ? 4 : 2),
    ],
  ]
}

/** The rejected rows of all steps by reason, the most frequent first. */
function rejectsByReason({ rejected }: Figures): Map<string, number> {
  const all = new Map<string, number>()
  for (const step of steps)
    for (const [reason, count] of rejected[step]) all.set(reason, (all.get(reason) ?? 0) + count)
  return new Map([...all].toSorted((a, b) => b[1] - a[1]))
}

/** "23 near_duplicate · 4 too_short" */
export function reasonsLine({ figures, screen }: Subject): string {
  return [...rejectsByReason(figures)]
    .map(([reason, count]) => `${number(count)} ${nameOfReason(reason, screen)}`.replaceAll(' ', '\u00a0'))
    .join(' · ')
}

// The plots: how similar the instructions are, how long the texts, and what is asked for.

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

// The sections of the page that are drawn from figures: funnel, table, plots.
import type { Words } from '../../workspace/fault.ts'
import { steps } from '../../workspace/folder.ts'
import { type Figures, similarityBins, type Stage, stages, sumOf } from './count.ts'
import { html, type Markup } from './html.ts'
import type { Lengths } from './lengths.ts'
import { bar, histogram } from './plots.ts'
import { whyRemoved } from './reasons.ts'
import type { Run } from './run.ts'
import type { ReportWords } from './words.ts'

/** What every section draws from. */
export type Subject = { run: Run; figures: Figures; words: ReportWords; screen: keyof Words }

export const shown = (value: number): string => value.toLocaleString('en-US')
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`
export const shareOf = (part: number, whole: number): string => (whole === 0 ? '–' : percent(part / whole))

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
        <b>${count === undefined ? words.funnel.unknown : shown(count)}</b>
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
  screen: keyof Words,
): Markup | undefined {
  if (lost <= 0 && reasons.size === 0) return undefined
  const step = { asked: '', parsed: 'generate', novel: 'generate' }[stage as 'novel'] ?? stepBefore(stage)
  const links = [...reasons]
    .toSorted((a, b) => b[1] - a[1])
    .map(
      ([reason, count]) =>
        html`<a href="#rows" data-show="${step}/${reason}" title="${whyRemoved(reason)[screen]}"
          >${shown(count)} ${reason}</a
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

/** Whether the answers came from the offline model, which is set by hand. */
export function isOffline({ record, settings }: Run): boolean {
  const providers = Object.values(record.cost).map((cost) => cost.provider)
  return providers.length > 0 ? providers.includes('offline') : settings.provider === 'offline'
}

// Paper: table 1; 11,584 classification tasks, 35,878 empty inputs; cost in section 3. Alpaca: its blog post and data card.
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
    return html`<tr>
      <th scope="row">${words.table[name] as string}</th>
      <td>${value}</td>
      ${
        offline
          ? undefined
          : html`<td>${theirs}</td>
              <td>${last}</td>`
      }
    </tr>`
  })
  return html`<section id="table">
    <h2>${words.table.title}</h2>
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

function besides(name: keyof ReportWords['table'], { table }: ReportWords): [string, string] {
  if (name === 'emptyInput') return ['43.5 %', table.about]
  if (name === 'dollars') return [table.aboutPrice, table.below]
  return published[name] ?? ['–', '–']
}

/** The figures of a run by the name of their row. */
export function figureRows({
  figures,
  words,
  run,
}: Subject): [keyof ReportWords['table'], string | Markup][] {
  const { funnel, lengths, cost } = figures
  const kept = funnel.kept ?? 0
  const unit = words.unit[run.language]
  const mean = (of: Lengths): string => (of.mean === undefined ? '–' : `${of.mean.toFixed(1)} ${unit}`)
  return [
    ['instructions', shown(kept)],
    ['classification', shareOf(figures.classification, kept)],
    ['instances', shown(figures.rows)],
    ['emptyInput', shareOf(figures.emptyInputs, figures.rows)],
    ['instruction', mean(lengths.instruction)],
    ['input', mean(lengths.input)],
    ['output', mean(lengths.output)],
    ['rejected', rejectsByReason(subjectRejects(figures), words)],
    ['calls', shown(cost.calls)],
    ['tokens', shown(cost.tokens)],
    [
      'dollars',
      cost.dollars === undefined ? words.table.unknownPrice : cost.dollars.toFixed(cost.dollars < 1 ? 4 : 2),
    ],
  ]
}

function subjectRejects({ rejected }: Figures): [reason: string, count: number][] {
  const all = new Map<string, number>()
  for (const step of steps)
    for (const [reason, count] of rejected[step]) all.set(reason, (all.get(reason) ?? 0) + count)
  return [...all].toSorted((a, b) => b[1] - a[1])
}

function rejectsByReason(rejects: readonly [reason: string, count: number][], words: ReportWords): Markup {
  if (rejects.length === 0) return html`${words.table.none}`
  const items = rejects.map(([reason, count]) => html`<li>${shown(count)} ${reason}</li>`)
  const all = rejects.reduce((sum, [, count]) => sum + count, 0)
  return html`${shown(all)}
    <ul class="reasons">
      ${items}
    </ul>`
}

export function plotsSection(subject: Subject): Markup {
  const { words } = subject
  const lengths = (['instruction', 'input', 'output'] as const).map((name) => lengthPlot(name, subject))
  return html`<section id="plots">
    <h2>${words.plots.title}</h2>
    <div class="plots">${similarityPlot(subject)}${verbsPlot(subject)}</div>
    <div class="plots three">${lengths}</div>
    <p class="note">${words.plots.lengthsAbout}</p>
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
    const named = objects.map(({ object, count: times }) => `${object} ${shown(times)}`).join(' · ')
    return html`<tr>
      <th scope="row">${verb}</th>
      <td class="number">${shown(count)}</td>
      <td>${bar(count / top)}<small>${named}</small></td>
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

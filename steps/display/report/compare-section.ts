// Two runs side by side on the page.
import path from 'node:path'
import { steps } from '../../workspace/folder.ts'
import type { Comparison, Latencies } from './compare.ts'
import { stages } from './count.ts'
import { html, type Markup } from './html.ts'
import { bar } from './plots.ts'
import { percent, type Subject } from './subject.ts'
import { number } from '../words.ts'
import { figureRows, reasonsLine } from './table-section.ts'

export function compareSection(subject: Subject, { run, figures, latencies, overlap }: Comparison): Markup {
  const { words } = subject
  const other: Subject = { ...subject, run, figures }
  const { compare } = words
  const theirs = new Map(figureRows(other))
  const rows = figureRows(subject).map(([name, value]) =>
    name === 'rejected'
      ? row(words.table[name], withReasons(value, subject), withReasons(theirs.get(name), other))
      : row(words.table[name] as string, value, theirs.get(name) ?? ''),
  )
  const table = (body: readonly Markup[]): Markup =>
    html`<div class="wide">
      <table class="runs">
        <thead>
          <tr>
            <td></td>
            <th scope="col">${compare.ours}</th>
            <th scope="col">${compare.theirs}</th>
          </tr>
        </thead>
        <tbody>
          ${body}
        </tbody>
      </table>
    </div>`
  return html`<section id="compare">
    <h2>${compare.title}</h2>
    ${table([...settingRows(subject, other), ...rows])}
    <h3>${compare.stages}</h3>
    ${table(stageRows(subject, other))}
    <h3>${compare.seconds}</h3>
    ${table(steps.filter((step) => latencies.ours[step] ?? latencies.theirs[step]).map((step) => row(step, latency(latencies.ours, step), latency(latencies.theirs, step))))}
    <h3>${compare.overlap}</h3>
    <p>${compare.overlapAbout(subject.run.settings.similarity)}</p>
    <table class="runs">
      <tbody>
        ${shareRow(compare.there, overlap.there)}${shareRow(compare.back, overlap.back)}
      </tbody>
    </table>
  </section>`
}

function row(name: string, ours: string | Markup, theirs: string | Markup): Markup {
  return html`<tr>
    <th scope="row">${name}</th>
    <td>${ours}</td>
    <td>${theirs}</td>
  </tr>`
}

function withReasons(count: string | undefined, subject: Subject): Markup {
  return html`${count}<small class="under">${breakable(reasonsLine(subject))}</small>`
}

/** May be broken behind an underscore: half a phone is narrower than most names. */
function breakable(names: string): Markup[] {
  return names.split('_').map((part, place) => (place === 0 ? html`${part}` : html`_<wbr />${part}`))
}

function settingRows(ours: Subject, theirs: Subject): Markup[] {
  const { settings, compare } = ours.words
  const both = (name: string, of: (subject: Subject) => string): Markup => row(name, of(ours), of(theirs))
  return [
    both(compare.folder, ({ run }) => path.basename(run.settings.dataDir)),
    both(settings.provider, ({ run }) => run.settings.provider ?? '–'),
    both(settings.model, ({ run }) => run.settings.model ?? '–'),
  ]
}

function stageRows(ours: Subject, theirs: Subject): Markup[] {
  const most = Math.max(
    1,
    ...[ours, theirs].flatMap(({ figures }) => Object.values(figures.funnel).map((count) => count ?? 0)),
  )
  const counted = ({ figures }: Subject, stage: (typeof stages)[number]): Markup => {
    const count = figures.funnel[stage]
    return html`${bar((count ?? 0) / most)}${count === undefined ? '–' : number(count)}`
  }
  return stages.map((stage) =>
    row(ours.words.funnel.stages[stage], counted(ours, stage), counted(theirs, stage)),
  )
}

function latency(latencies: Latencies, step: (typeof steps)[number]): string {
  const found = latencies[step]
  return found ? `${found.median.toFixed(2)} (${found.slow.toFixed(2)})` : '–'
}

function shareRow(name: string, share: number | undefined): Markup {
  return html`<tr>
    <th scope="row">${name}</th>
    <td>${bar(share ?? 0)}${share === undefined ? '–' : percent(share)}</td>
  </tr>`
}

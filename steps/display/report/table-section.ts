// The figures of this run beside those that the paper and Alpaca published.
import { steps } from '../../workspace/folder.ts'
import { type Figures, sumOf } from './count.ts'
import { nameOfReason } from '../reasons.ts'
import { html, type Markup } from './html.ts'
import type { Lengths } from './lengths.ts'
import { isOffline, shareOf, type Subject } from './subject.ts'
import { number } from '../words.ts'
import type { ReportWords } from './words.ts'

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

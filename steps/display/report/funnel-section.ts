// The funnel: how many instructions were left at each stage, and where the others went.
import type { Language } from '../../text/language.ts'
import { type Stage, stages, sumOf } from './count.ts'
import { html, type Markup } from './html.ts'
import { bar } from './plots.ts'
import { nameOfReason } from '../reasons.ts'
import { type Subject, whyRemoved } from './subject.ts'
import { number } from '../words.ts'
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

// The filter lab on the page.
import { steps } from '../../workspace/folder.ts'
import { html, type Markup } from './html.ts'
import { type Lab, type Pair, slowFrom, type Trial } from './lab.ts'
import { bar } from './plots.ts'
import { nameOfReason } from '../reasons.ts'
import { type Subject, whyRemoved } from './subject.ts'
import { number } from '../words.ts'

export function labSection(subject: Subject, lab: Lab): Markup {
  const { words, run } = subject
  const notes = [
    lab.left.length > 0 ? words.lab.left(lab.left.join(', '), number(slowFrom)) : '',
    run.settings.merge.length > 0 ? words.lab.merged : '',
    run.seeds.length === 0 ? words.lab.noSeeds : '',
  ].filter((note) => note !== '')
  return html`<section id="lab">
    <h2>${words.lab.title}</h2>
    <h3>${words.lab.thresholds}</h3>
    <p>${words.lab.about(lab.tried)}</p>
    <div class="trials">${lab.trials.map((trial) => trialOf(subject, lab, trial))}</div>
    ${notes.map((note) => html`<p class="note">${note}</p>`)}
    <h3>${words.lab.rules}</h3>
    <p>${words.lab.rulesAbout(lab.instructions, lab.instances)}</p>
    ${rulesTable(subject, lab)}
  </section>`
}

function trialOf({ words, run }: Subject, lab: Lab, { threshold, stay, pairs }: Trial): Markup {
  const own = threshold === run.settings.similarity
  return html`<details name="trial" ${own ? html` open` : undefined}>
    <summary>
      <b>${threshold}</b>${bar(lab.tried === 0 ? 0 : stay / lab.tried)}
      <span>${words.lab.stay(stay)}</span>
      <span class="own">${own ? words.lab.own : ''}</span>
    </summary>
    ${pairs.length === 0 ? html`<p>${words.lab.noPairs}</p>` : pairs.map((pair) => pairOf(pair, words.lab))}
  </details>`
}

/** The page's script marks the words in which the two differ. */
function pairOf({ instruction, rival, score }: Pair, words: { removed: string; because: string }): Markup {
  return html`<dl class="pair">
    <dt>${words.removed}</dt>
    <dd class="text">${instruction}</dd>
    <dt>${words.because} (${score.toFixed(2)})</dt>
    <dd class="text">${rival}</dd>
  </dl>`
}

function rulesTable({ words, figures, screen }: Subject, lab: Lab): Markup {
  const rows = lab.alone.map(({ reason, of, removed }) => {
    const checked = of === 'instruction' ? lab.instructions : lab.instances
    const links = steps
      .map((step) => ({ step, count: figures.rejected[step].get(reason) ?? 0 }))
      .filter(({ count }) => count > 0)
      .map(({ step, count }) => html`<a href="#rows" data-show="${step}/${reason}">${number(count)}</a> `)
    return html`<tr>
      <th scope="row">${nameOfReason(reason, screen)}<small>${whyRemoved(reason, screen)}</small></th>
      <td class="number">${number(removed)}</td>
      <td class="bars">${bar(checked === 0 ? 0 : removed / checked, 'loss')}</td>
      <td class="number">${links.length > 0 ? links : 0}</td>
    </tr>`
  })
  return html`<div class="wide">
    <table class="rules">
      <thead>
        <tr>
          <th scope="col">${words.lab.rule}</th>
          <th scope="col">${words.lab.alone}</th>
          <td class="bars"></td>
          <th scope="col">${words.lab.inRun}</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`
}

// The review sheet on the page: a person answers the paper's questions about some rows; the page's script does the rest.
import type { Judgement } from '../../workspace/records.ts'
import { html, type Markup } from './html.ts'
import { percent, type Subject } from './subject.ts'

const paper = [0.92, 0.79, 0.58, 0.54] // table 2

export function reviewSection({ words: { review }, run }: Subject): Markup {
  const { judge } = run.record
  const heads = review.questions.map((question) => html`<th scope="col">${question}</th>`)
  return html`<section id="review">
    <h2>${review.title}</h2>
    <p>${review.about}</p>
    <noscript><p>${review.script}</p></noscript>
    <div id="review-app"></div>
    <div class="wide">
      <table class="quality">
        <thead>
          <tr>
            <td></td>
            ${heads}
          </tr>
        </thead>
        <tbody>
          <tr id="review-row">
            <th scope="row">${review.you}</th>
            <td>–</td>
            <td>–</td>
            <td>–</td>
            <td>–</td>
          </tr>
          ${judge && judgeRow(judge, review)}
          <tr>
            <th scope="row">${review.paper}<small>${review.paperRows}</small></th>
            ${paper.map((share) => html`<td>${Math.round(100 * share)} %</td>`)}
          </tr>
        </tbody>
      </table>
    </div>
    <p class="note">${review.source}</p>
  </section>`
}

function judgeRow(found: Judgement, { judge, reviewed }: Subject['words']['review']): Markup {
  const { rows, instruction_valid, input_appropriate, output_correct, all } = found
  const shares = [instruction_valid, input_appropriate, output_correct, all]
  return html`<tr>
    <th scope="row">${judge}<small>${reviewed(rows)}</small></th>
    ${shares.map((share) => html`<td>${percent(share)}</td>`)}
  </tr>`
}

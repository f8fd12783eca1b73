// The review sheet on the page: a person answers the paper's questions about some rows; the page's script does the rest.
import type { RunRecord } from '../../workspace/run-record.ts'
import { html, type Markup } from './html.ts'
import { percent, type Subject } from './subject.ts'

/** What the judge of step 4 found: shares of its rows, 0 to 1. */
export type Judge = {
  rows: number
  instruction_valid: number
  input_appropriate: number
  output_correct: number
  all: number
}

const paper = [0.92, 0.79, 0.58, 0.54] // table 2

/** The judge's row of run.json, where there is one. */
export function judgeOf(record: RunRecord): Judge | undefined {
  if (!('judge' in record) || typeof record.judge !== 'object' || record.judge === null) return undefined
  const judge = record.judge as Partial<Judge>
  const { rows, instruction_valid, input_appropriate, output_correct, all } = judge
  const found = [rows, instruction_valid, input_appropriate, output_correct, all]
  return found.every((value) => typeof value === 'number') ? (judge as Judge) : undefined
}

export function reviewSection({ words: { review }, run }: Subject): Markup {
  const judge = judgeOf(run.record)
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
            ${paper.map((share) => html`<td>${Math.round(100 * share)} %</td>`)}
          </tr>
        </tbody>
      </table>
    </div>
    <p class="note">${review.source}</p>
  </section>`
}

function judgeRow(found: Judge, { judge, reviewed }: Subject['words']['review']): Markup {
  const { rows, instruction_valid, input_appropriate, output_correct, all } = found
  const shares = [instruction_valid, input_appropriate, output_correct, all]
  return html`<tr>
    <th scope="row">${judge}<small>${reviewed(rows)}</small></th>
    ${shares.map((share) => html`<td>${percent(share)}</td>`)}
  </tr>`
}

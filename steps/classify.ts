// Step 2: is an instruction a classification task? Step 3 needs to know, since it writes the answers of those tasks
// first: a model that writes the input first ends up with one label for nearly all of them.
//
// reads  data/workshop/1-instructions.jsonl        writes  data/workshop/2-classified.jsonl
// run    npx tsx workshop.ts classify
import { type Read, ahead, askAboutRows, inGroups, inOrder } from './model/ask.ts'
import { type Failure, type Message, isFailure } from './model/call.ts'
import { runStep } from './run/notebook.ts'
import { type Round, type Sheet, cell } from './run/step-files.ts'
import type { Language } from './text/language.ts'
import { numberedTasks } from './text/numbered.ts'
import { readAnswers } from './text/replies.ts'
import { isMain } from './workspace/environment.ts'

const perRequest = 20 // instructions; their answers fit the default token limit
const usualShare = { least: 0.05, most: 0.6 } // of classification tasks; outside of it a remark. The paper: 22 %, section 3.1

/** The request for labels: numbered tasks, answered by number. */
export function classificationPrompt(instructions: readonly string[], language: Language): Message[] {
  return [
    { role: 'system', content: request[language] },
    { role: 'user', content: numberedTasks(instructions) },
  ]
}

const request: Record<Language, string> = {
  en: `For each numbered task say whether it is a classification task: one whose answer is always one of a few fixed labels, such as yes/no, positive/negative, or a list of categories. Tasks with a free answer (write, explain, calculate, extract, choose the best wording) are not.
Answer with JSON and nothing else, one entry for each task: {"answers":[{"task":1,"is_classification":true}]}`,
  zh: `请逐条判断下列编号任务是不是分类任务：分类任务的答案总是少数几个固定类别之一，例如“是/否”“正面/负面”或所列的几个类别。答案自由的任务（写作、解释、计算、提取、选出更好的说法）不是分类任务。
只用 JSON 回答，不要其他内容，每条任务一项：{"answers":[{"task":1,"is_classification":true}]}`,
}

export const classifyInstructions = cell('classify', async (round, sheet) => {
  // Seed tasks whose label is known ride along in the first request: a canary for the model's judgement.
  const canary = round.seeds
    .flatMap(({ instruction, is_classification: label }) =>
      label === undefined ? [] : [{ id: '', instruction, label }],
    )
    .slice(0, perRequest)
  let agreeing = 0
  let classification = 0
  for await (const { row, answer } of judged(round, chain(canary, sheet.read('instruction')))) {
    if ('label' in row) agreeing += Number(!isFailure(answer) && answer.value === row.label)
    else if (isFailure(answer)) await sheet.fail(answer, row.instruction)
    else {
      const { value: is_classification, call } = answer
      await sheet.add(
        { id: row.id, instruction: row.instruction, is_classification, call },
        `${is_classification ? '✓' : '–'} ${row.instruction}`,
      )
      classification += Number(is_classification)
    }
    sheet.progress(sheet.rows)
  }
  sheet.counts = { classified: sheet.rows, classification }
  if (canary.length > 0) sheet.note((words) => words.agreement(agreeing, canary.length))
  if (sheet.rows > 0) remarkOnShare(sheet, classification / sheet.rows)
})

type Row = { id: string; instruction: string; label?: boolean }

/** Every row with its answer, in order; the rows go out in groups by position. */
async function* judged(
  round: Round,
  rows: AsyncIterable<Row>,
): AsyncGenerator<{ row: Row; answer: Read<boolean> | Failure }> {
  const { model, language } = round
  const { maxTokens, concurrency } = round.settings
  const prompt = (instructions: readonly string[]) => classificationPrompt(instructions, language)
  const question = {
    step: 'classify',
    schema: 'classification',
    temperature: 0,
    maxTokens,
    prompt,
    read: readAnswers,
  } as const
  const ask = async (group: Row[]) => askAboutRows(model, question, group, (row) => row.instruction)
  for await (const group of inOrder(inGroups(rows, perRequest), ask, ahead * concurrency)) yield* group
}

async function* chain(...lists: (Iterable<Row> | AsyncIterable<Row>)[]): AsyncGenerator<Row> {
  for (const list of lists) yield* list
}

function remarkOnShare(sheet: Sheet, share: number): void {
  const { least, most } = usualShare
  const shown = `${(share * 100).toFixed(0)} %`
  if (share < least) sheet.remark((words) => words.fewTasks(shown))
  if (share > most) sheet.remark((words) => words.manyTasks(shown))
}

if (isMain(import.meta.url)) await runStep('classify', classifyInstructions)

// Step 2: is an instruction a classification task? Step 3 needs to know, since it writes the answers of those tasks
// first: a model that writes the input first ends up with one label for nearly all of them.
//
// reads  data/workshop/1-instructions.jsonl        writes  data/workshop/2-classified.jsonl
// run    npx tsx workshop.ts classify
import { ahead, askAboutRows, inGroups, inOrder } from './model/ask.ts'
import { type Message, isFailure } from './model/call.ts'
import { runStep } from './run/notebook.ts'
import { type Round, type StepFiles, step } from './run/step-files.ts'
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

export const classifyInstructions = step('classify', async (round, files) => {
  // Seed tasks whose label is known are asked first: they show how far this model's judgement is to be trusted.
  const known = labelledSeeds(round).slice(0, perRequest)
  const rows = chain<Row>(known, files.read('1-instructions.jsonl'))
  let agreeing = 0
  let classification = 0

  // Ask about twenty at a time; the answers come row by row, in the order of the rows.
  const groups = inOrder(inGroups(rows, perRequest), askForLabels(round), ahead * round.settings.concurrency)
  for await (const group of groups) {
    for (const { row, answer } of group) {
      if (row.label !== undefined) agreeing += Number(!isFailure(answer) && answer.value === row.label)
      else if (isFailure(answer)) await files.fail(answer, row.instruction)
      else {
        // Keep the instruction with its label. The file is data/workshop/2-classified.jsonl.
        const { value: is_classification, call } = answer
        const { id, instruction } = row
        const shown = `${is_classification ? '✓' : '–'} ${instruction}`
        await files.write('2-classified.jsonl', { id, instruction, is_classification, call }, shown)
        classification += Number(is_classification)
      }
      files.progress()
    }
  }

  files.counts = { classified: files.rows, classification }
  if (known.length > 0) files.note((words) => words.agreement(agreeing, known.length))
  if (files.rows > 0) remarkOnShare(files, classification / files.rows)
})

/** `label`: of a seed task, as people gave it. */
type Row = { id: string; instruction: string; label?: boolean }

function labelledSeeds({ seeds }: Round): Row[] {
  return seeds.flatMap(({ instruction, is_classification: label }) =>
    label === undefined ? [] : [{ id: '', instruction, label }],
  )
}

/** Asks about a group of rows in one request. */
function askForLabels({ model, language, settings: { maxTokens } }: Round) {
  const prompt = (instructions: readonly string[]) => classificationPrompt(instructions, language)
  // Temperature 0: a label is a decision, and nobody wants a different one each time.
  const question = { schema: 'classification', temperature: 0, maxTokens, prompt, read: readAnswers } as const
  return (group: Row[]) =>
    askAboutRows(model, { step: 'classify', ...question }, group, ({ instruction }) => instruction)
}

async function* chain<T>(...lists: (Iterable<T> | AsyncIterable<T>)[]): AsyncGenerator<T> {
  for (const list of lists) yield* list
}

function remarkOnShare(files: StepFiles, share: number): void {
  const { least, most } = usualShare
  const shown = `${(share * 100).toFixed(0)} %`
  if (share < least) files.remark((words) => words.fewTasks(shown))
  if (share > most) files.remark((words) => words.manyTasks(shown))
}

if (isMain(import.meta.url)) await runStep('classify', classifyInstructions)

// Step 2: is an instruction a classification task? Step 3 needs to know, since it writes the answers of those tasks
// first: a model that writes the input first ends up with one label for nearly all of them.
//
// reads  data/workshop/1-instructions.jsonl        writes  data/workshop/2-classified.jsonl
// run    npx tsx workshop.ts classify
import { ahead, askAboutRows, inGroups, inOrder } from './model/ask.ts'
import { type Message, isFailure, turns } from './model/call.ts'
import { runStep } from './run/notebook.ts'
import { type Round, type StepFiles, step } from './run/step-files.ts'
import type { Language } from './text/language.ts'
import { numberedTasks } from './text/labels-and-numbers.ts'
import { readAnswers } from './text/replies.ts'
import { isMain } from './workspace/environment.ts'

const mostTogether = 20 // instructions in a request; their answers fit the default token limit
const first = { requests: 3, together: 8 } // smaller ones, so that a short list has several in flight
const passMark = 0.8 // of the labels of either kind: a model that says "no" to everything has most seed tasks right
const fewestOthers = 5 // seed tasks that do not classify in the exam, where few or none do
const usualShare = { least: 0.05, most: 0.6 } // of classification tasks; outside of it a remark. The paper: 22 %, section 3.1

/** The request for labels: numbered tasks, answered by number. */
export function classificationPrompt(instructions: readonly string[], language: Language): Message[] {
  const { role, request, demonstrations } = words[language]
  const question = (tasks: readonly string[]): string => `${numberedTasks(tasks)}\n${request}`
  const shown = demonstrations.map(([task, is_classification]) => {
    return [question([task]), { answers: [{ task: 1, is_classification }] }] as const
  })
  return [
    { role: 'system', content: role },
    ...turns(shown),
    { role: 'user', content: question(instructions) },
  ]
}

type Words = { role: string; request: string; demonstrations: [task: string, isClassification: boolean][] }

// The demonstrations show what models stumble over (a sorted list, a label with its reason), yes and no in no order
// that could be copied.
const words: Record<Language, Words> = {
  en: {
    role: 'You decide whether a task is a classification task: its answer is exactly one label out of a short fixed set, for one given item. Sorting a list, a label with a reason, a correction, a calculation and free writing are not.',
    request: 'Is it a classification task? Answer with JSON, a list "answers".',
    demonstrations: [
      ['Arrange the planets by their distance from the Sun.', false],
      ['Is the review of the film positive, mixed or negative?', true],
      ['Write a short speech for the opening of a swimming pool.', false],
      ['Say whether the claim is true or false, and give your reason.', false],
      ['To which department should the letter go: sales, billing or support?', true],
      ['Correct the spelling in the paragraph.', false],
      ['Does the sentence contain a metaphor? Answer yes or no.', true],
      ['A train leaves at 8:40 and arrives at 11:05. How long does it take?', false],
    ],
  },
  zh: {
    role: '请判断：任务的答案是不是只能从少数几个固定的类别里选一个。要写一段话、说明理由、改写、排序、计算的，都不是。',
    request: '答案只能从几个固定类别里选一个吗？JSON："answers"。',
    demonstrations: [
      ['把八大行星按离太阳的远近排序。', false],
      ['这条影评是好评、中评还是差评？', true],
      ['为游泳馆开馆写一段简短的致辞。', false],
      ['周末去爬山还是去看展？从天气和体力两方面比较，给出建议。', false],
      ['这份保证书写得妥当吗？指出毛病，再改写一遍。', false],
      ['这封来信该转给哪个部门：销售、财务还是售后？', true],
      ['为什么切洋葱会流泪？怎样才能不流？', false],
      ['句子里有没有用比喻？回答“有”或“没有”。', true],
      ['给这副对联配一个横批，四个字。', false],
    ],
  },
}

export const classifyInstructions = step('classify', async (round, files) => {
  let classification = 0
  files.counts = { classified: 0, classification }
  if (!(await files.hasRows())) return // nothing to label, and no reason to examine the model

  // The seed tasks are the exam: their labels are known. A model that fails with many tasks a request gets one.
  const { perRequest, ...exam } = await examine(round)
  if (exam.asked > 0) files.note((words) => words.agreement(exam.right, exam.asked))
  if (exam.failed) files.remark((words) => words.unsureOfLabels(exam.yes, exam.no))

  // Ask about the instructions; the answers come row by row, in the order of the rows.
  const rows = inGroups(files.read('1-instructions.jsonl'), perRequest)
  for await (const group of inOrder(
    rows,
    askForLabels(round, perRequest),
    ahead * round.settings.concurrency,
  )) {
    for (const { row, answer } of group) {
      if (isFailure(answer)) await files.fail(answer, row.instruction)
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
  if (files.rows > 0) remarkOnShare(files, classification / files.rows)
})

const undecided = ['stopped', 'not_recorded'] // not asked yet: that says nothing about the model

/** Of the seed tasks asked of either kind: how many, and how many labels are right. */
type Marks = { asked: number; right: number }

/** How many instructions go into a request, by its place: the same whatever the target and however many are in flight. */
type Sizes = (place: number) => number
const inMany: Sizes = (place) => (place < first.requests ? first.together : mostTogether)
const inOnes: Sizes = () => 1

/** Asks for the labels of seed tasks, many a request and, where too few are right, once more one a request. */
async function examine(round: Round) {
  const grouped = await mark(round, () => mostTogether)
  const { yes, no } = passes(grouped) ? grouped : await mark(round, inOnes)
  const asked = yes.asked + no.asked
  const perRequest = passes(grouped) ? inMany : inOnes
  return { perRequest, yes, no, asked, right: yes.right + no.right, failed: !passes({ yes, no }) }
}

/** Asks about all seed tasks that classify, and as many that do not. */
async function mark(round: Round, perRequest: Sizes): Promise<{ yes: Marks; no: Marks }> {
  const known = (label: boolean) => round.seeds.filter((seed) => seed.is_classification === label)
  const others = known(false).slice(0, Math.max(fewestOthers, known(true).length))
  const marks = { yes: { asked: 0, right: 0 }, no: { asked: 0, right: 0 } }
  const exam = inGroups([...known(true), ...others], perRequest)
  for await (const group of inOrder(exam, askForLabels(round, perRequest), round.settings.concurrency)) {
    for (const { row, answer } of group) {
      if (isFailure(answer) && undecided.includes(answer.failed)) continue
      const kind = row.is_classification ? marks.yes : marks.no
      kind.asked++
      kind.right += Number(!isFailure(answer) && answer.value === row.is_classification)
    }
  }
  return marks
}

function passes({ yes, no }: { yes: Marks; no: Marks }): boolean {
  return [yes, no].every(({ asked, right }) => right >= passMark * asked)
}

/** Asks about a group of tasks in one request. */
function askForLabels({ model, language, settings: { maxTokens } }: Round, perRequest: Sizes) {
  const alone = perRequest === inOnes // a model that fails with many tasks has answered those of the exam badly, too
  const prompt = (instructions: readonly string[]) => classificationPrompt(instructions, language)
  // Temperature 0: a label is a decision, and nobody wants a different one each time.
  const asked = { schema: 'classification', temperature: 0, maxTokens, alone } as const
  const question = { step: 'classify', ...asked, prompt, read: readAnswers } as const
  return <Row extends { instruction: string }>(group: Row[]) =>
    askAboutRows(model, question, group, ({ instruction }) => instruction)
}

function remarkOnShare(files: StepFiles, share: number): void {
  const { least, most } = usualShare
  const shown = `${(share * 100).toFixed(0)} %`
  if (share < least) files.remark((words) => words.fewTasks(shown))
  if (share > most) files.remark((words) => words.manyTasks(shown))
}

if (isMain(import.meta.url)) await runStep('classify', classifyInstructions)

// Step 3: the model does the tasks it wrote. For most tasks it writes an input and then the output. For classification
// tasks it names the labels first and writes an input for each: asked the other way round, models write inputs of one
// label nearly always. The result is what a model is later trained on, so step 4 looks at it row by row.
//
// reads  data/workshop/2-classified.jsonl        writes  data/workshop/3-instances.jsonl
// run    npx tsx workshop.ts instances
import { type Read, ahead, askUntilRead, inOrder } from './model/ask.ts'
import { type Failure, type Message, isFailure } from './model/call.ts'
import { runStep } from './run/notebook.ts'
import { type Round, type StepFiles, step, withAnswer } from './run/step-files.ts'
import type { Language } from './text/language.ts'
import { numberedTasks } from './text/numbered.ts'
import { readInstances } from './text/replies.ts'
import { isMain } from './workspace/environment.ts'
import type { ClassifiedRow } from './workspace/records.ts'

const instancesAtMost = { classification: 5, other: 3 }

/** The request for instances of one task; for a classification task the output is asked for first. */
export function instancesPrompt(
  instruction: string,
  isClassification: boolean,
  language: Language,
): Message[] {
  return [
    { role: 'system', content: (isClassification ? outputFirst : inputFirst)[language] },
    { role: 'user', content: numberedTasks([instruction]) },
  ]
}

const shape = '{"instances":[{"input":"…","output":"…"}]}'
const shapeOutputFirst = '{"instances":[{"output":"…","input":"…"}]}'

const inputFirst: Record<Language, string> = {
  en: `Do the task you are given, as an example to learn from.
- If it needs an input (a text, data, a situation), invent a real and complete one, then write the output for it; 1 to 3 such instances, different from each other.
- If it needs none, "input" is "" and there is one instance.
- The output is the whole answer, correct and useful, without introduction.
Answer with JSON and nothing else: ${shape}`,
  zh: `请完成所给任务，作为供学习的范例。
- 如果任务需要输入（文本、数据、情境），请编写真实完整的输入，再写出对应的输出；给 1 到 3 个实例，彼此不同。
- 如果不需要输入，"input" 写 ""，只给一个实例。
- 输出就是完整的答案，正确、有用，不要开场白。
只用 JSON 回答，不要其他内容：${shape}`,
}

const outputFirst: Record<Language, string> = {
  en: `You are given a classification task. First think of its possible labels, then write one instance for each label, ${instancesAtMost.classification} at most: "output" is the label alone, "input" a real and complete text that has this label. One instance a label keeps the labels in balance.
Answer with JSON and nothing else: ${shapeOutputFirst}`,
  zh: `所给的是一个分类任务。先想好它有哪些类别，再为每个类别写一个实例，最多 ${instancesAtMost.classification} 个："output" 只写类别，"input" 是属于该类别的真实完整的文本。每个类别一个实例，使类别均衡。
只用 JSON 回答，不要其他内容：${shapeOutputFirst}`,
}

export const generateInstances = step('instances', async (round, files) => {
  let count = 0
  const ask = async (row: ClassifiedRow) => ({ row, answer: await askForInstances(round, row) })

  // One request a task; the answers come in the order of the tasks.
  const answers = inOrder(files.read('2-classified.jsonl'), ask, ahead * round.settings.concurrency)
  for await (const { row, answer } of answers) {
    if (isFailure(answer)) await files.fail(answer, row.instruction)
    else {
      // Keep a few instances of each task, so that none fills the data set. The file is data/workshop/3-instances.jsonl.
      const instances = answer.value.instances.slice(0, wantedOf(row, answer.value))
      await rejectOthers(files, row.instruction, answer, instances.length)
      const [shown] = instances
      const { id, instruction, is_classification } = row
      const kept = { id, instruction, is_classification, instances, call: answer.call }
      if (shown) await files.write('3-instances.jsonl', kept, withAnswer(instruction, shown))
      count += instances.length
    }
    files.progress()
  }

  files.counts = { with_instances: files.rows, instances: count }
})

type Instances = NonNullable<ReturnType<typeof readInstances>>

/** Asks for instances of one task. A reply that is cut off is asked for once more, with twice the tokens. */
async function askForInstances(round: Round, row: ClassifiedRow): Promise<Read<Instances> | Failure> {
  const { instruction, is_classification } = row
  const { temperature, maxTokens } = round.settings
  const messages = instancesPrompt(instruction, is_classification, round.language)
  const schema = is_classification ? 'labelled' : 'instances'
  const read = (reply: string, cut: boolean) => readInstances(reply, cut, is_classification, instruction)
  const ask = (maxTokens: number) =>
    askUntilRead(round.model, 'instances', { messages, schema, temperature, maxTokens }, read)

  const first = await ask(maxTokens)
  if (isFailure(first) || !first.value.cut) return first
  const longer = await ask(2 * maxTokens)
  return isFailure(longer) || !longer.value.cut ? longer : truncated(longer.call, 2 * maxTokens)
}

function truncated(call: string, tokens: number): Failure {
  const detail = { en: `longer than ${tokens} tokens`, zh: `超过 ${tokens} 个 token` }
  return { failed: 'truncated', detail, call }
}

/** How many instances are taken at most. A task that needs no input has one answer. */
function wantedOf({ is_classification }: ClassifiedRow, { instances }: Instances): number {
  if (is_classification) return instancesAtMost.classification
  return instances.every(({ input }) => input === '') ? 1 : instancesAtMost.other
}

/** Rejects what could not be read, what is too much, and a reply without any instance. */
async function rejectOthers(
  files: StepFiles,
  instruction: string,
  { value: { instances, dropped }, call }: Read<Instances>,
  kept: number,
): Promise<void> {
  for (const { text, why } of dropped) await files.reject({ reason: why, detail: text, instruction, call })
  const detail = `${instances.length} > ${kept}`
  for (const extra of instances.slice(kept))
    await files.reject({ reason: 'too_many_instances', detail, instruction, ...extra, call })
  if (instances.length === 0 && dropped.length === 0)
    await files.reject({ reason: 'no_instances', detail: '', instruction, call })
}

if (isMain(import.meta.url)) await runStep('instances', generateInstances)

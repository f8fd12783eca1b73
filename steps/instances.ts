// Step 3: the model does the tasks it wrote. For most tasks it writes an input and then the output. For classification
// tasks it names the labels first and writes an input for each: asked the other way round, models write inputs of one
// label nearly always. The result is what a model is later trained on, so step 4 looks at it row by row.
//
// reads  data/workshop/2-classified.jsonl        writes  data/workshop/3-instances.jsonl
// run    npx tsx workshop.ts instances
import { type Read, type Unread, ahead, allCopied, askUntilRead, inOrder } from './model/ask.ts'
import { type Failure, type Message, isFailure, turns } from './model/call.ts'
import { runStep } from './run/notebook.ts'
import { type Round, type StepFiles, step, withAnswer } from './run/step-files.ts'
import type { Instance } from './text/given.ts'
import type { Language } from './text/language.ts'
import { numberedTasks } from './text/labels-and-numbers.ts'
import { readInstances } from './text/replies.ts'
import { wordsOf } from './text/rouge.ts'
import { isMain } from './workspace/environment.ts'
import type { ClassifiedRow } from './workspace/records.ts'

// Of one task: a classification task has about as many labels; more of another fill the data set with one instruction.
const instancesAtMost = { classification: 5, other: 3 }

/**
 * The request for instances of one task; for a classification task the output comes first. The demonstrations are always
 * the same and come first, so that servers need not read them again each time.
 */
export function instancesPrompt(
  instruction: string,
  isClassification: boolean,
  language: Language,
): Message[] {
  const { role, request, demonstrations } = (isClassification ? outputFirst : inputFirst)[language]
  const question = (task: string): string => `${numberedTasks([task])}\n${request}`
  const spell = ([input, output]: Shown) => (isClassification ? { output, input } : { input, output })
  return [
    { role: 'system', content: role },
    ...turns(demonstrations.map(({ task, shown }) => [question(task), { instances: shown.map(spell) }])),
    { role: 'user', content: question(instruction) },
  ]
}

type Shown = [input: string, output: string]
type Words = { role: string; request: string; demonstrations: { task: string; shown: Shown[] }[] }

// An answer without an input, code, and a text to work on: once as it usually comes, and once a harder one.
const inputFirst: Record<Language, Words> = {
  en: {
    role: 'You do tasks as examples to learn from. A task about a text or data gets two instances, one ordinary and one hard, with inputs as long and as real as in life; any other task gets one, with an empty input. The output is the whole answer, keeps every limit the task sets, and says nothing that is not in the input or generally known. A task to write code gets the code.',
    request: 'Do this task. JSON: "instances".',
    demonstrations: [
      {
        // Needs no text: one instance, the input empty; and a limit that the answer keeps.
        task: 'Give two reasons to walk to work, one sentence each.',
        shown: [
          [
            '',
            'Half an hour on foot a day keeps heart and back well without a gym. The walk home puts the office behind you before you reach the door.',
          ],
        ],
      },
      {
        // Code is answered by code, not by a call of it with a result, as small models do.
        task: 'Write a Python function that tells whether a year is a leap year.',
        shown: [
          ['', 'def is_leap_year(year):\n    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)'],
        ],
      },
      {
        // Works on a text: an ordinary one, and one whose answer changes halfway through.
        task: 'Shorten the message to at most ten words; keep time and place.',
        shown: [
          [
            'Hello everybody, a quick reminder: choir practice on Thursday starts at half past seven, not at seven, and in the old school, because the hall is being painted.',
            'Choir: Thursday, 7:30 pm, in the old school.',
          ],
          [
            'So I asked Tom about Sunday, and he would rather have noon, but Ella cannot before two, so two it is, at the boathouse unless it rains, then at ours.',
            'Sunday at two: boathouse; if it rains, our place.',
          ],
        ],
      },
    ],
  },
  zh: {
    role: '完成任务，写出示范。要用材料的写两个实例，一个普通，一个难，材料像生活中那样具体、完整；不用材料的写一个，输入留空。输出是完整的答案，守住字数、条数，不写材料和常识之外的内容。要写代码的，输出就是代码。',
    request: '完成任务。JSON："instances"。',
    demonstrations: [
      {
        // 不用材料：只有一个实例，输入留空。
        task: '说出走路上班的两个好处，每个一句话。',
        shown: [['', '每天走半小时，心肺更健康。走回家的路上，烦心事也放下了。']],
      },
      {
        // 要代码，就给代码。
        task: '写一个 Python 函数，判断某一年是不是闰年。',
        shown: [
          ['', 'def is_leap(year):\n    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)'],
        ],
      },
      {
        // 要用材料：一条普通的通知，一条中途改了主意的。
        task: '把通知压缩到二十个字以内，保留时间和地点。',
        shown: [
          [
            '各位好，周四合唱排练改到晚上七点半；礼堂在刷墙，请直接去老教学楼二楼。',
            '周四19:30，老教学楼二楼排练。',
          ],
          ['小艾周日两点以前来不了，那就两点，船坞碰头，下雨就到我家。', '周日两点船坞见，下雨来我家。'],
        ],
      },
    ],
  },
}

// Labels in another order than the task names them, inputs that do not name their label, one that is hard to tell.
const outputFirst: Record<Language, Words> = {
  en: {
    role: `You write instances of classification tasks to learn from: one for each label, ${instancesAtMost.classification} at most, the label first, in mixed order. The output is the label alone; the input is a whole text as it occurs in life, and does not name its label. At least one is hard to tell.`,
    request: 'Write instances of this task. JSON: "instances".',
    demonstrations: [
      {
        // The labels come in another order than in the task, and no input names its own.
        task: 'Is the message to the shop about an order, a bill or a return?',
        shown: [
          ['The shoes pinch at the heel. Where do I send them, and who pays the parcel?', 'return'],
          ['You have charged my card twice for the same lamp, on the 3rd and again on the 5th.', 'bill'],
          ['It says my parcel left Ghent on Monday, and nobody has seen it since.', 'order'],
        ],
      },
      {
        // The hard one: an opinion that is reported is a fact.
        task: 'Decide whether the sentence states a fact or an opinion.',
        shown: [
          ['Nobody who has seen the sea at dawn would choose to live in a city.', 'opinion'],
          ['In the survey, six of ten residents called the new square ugly.', 'fact'],
        ],
      },
    ],
  },
  zh: {
    role: `为分类任务写实例：每个类别一个，最多 ${instancesAtMost.classification} 个，先写类别，次序打乱。输出只写类别；输入是生活中会遇到的完整文字，不出现类别名，至少一个要想一想才能判断。`,
    request: '写实例。JSON："instances"。',
    demonstrations: [
      {
        // 类别的次序与题目里的不同，输入里不出现类别名。
        task: '判断买家留言说的是订单、账单还是退货。',
        shown: [
          ['鞋后跟磨脚，寄回哪里？邮费谁出？', '退货'],
          ['同一盏台灯，三号扣了一次钱，五号又扣了一次。', '账单'],
          ['物流写着周一已从广州发出，到现在一点动静都没有。', '订单'],
        ],
      },
      {
        // 难判断的一条：转述别人的看法，说的是事实。
        task: '这句话说的是事实还是观点？',
        shown: [
          ['看过海上日出的人，没有谁还愿意住在城里。', '观点'],
          ['调查中，十位居民里有六位说新广场难看。', '事实'],
        ],
      },
    ],
  },
}

export const generateInstances = step('instances', async (round, files) => {
  const { target, judge, concurrency } = round.settings
  const pool = round.newPool() // as in step 4: tells which tasks will be kept
  let [count, sound] = [0, 0]
  // Rows past the target are asked about until enough are sound. What the judge will say nobody knows; and the stand-in costs
  // nothing, so that a lesson has rows to spare: these two ask about all.
  const asksAboutAll = judge || round.model.provider.standIn
  const isSpare = asksAboutAll ? undefined : await files.spareRows(round.settings.whole)
  const missing = (row: ClassifiedRow) => (isSpare?.(row) ? target - sound : Infinity)
  const ask = async (row: ClassifiedRow) => ({
    row,
    answer: missing(row) > 0 ? await askForInstances(round, row) : undefined,
  })

  // One request a task; the answers come in the order of the tasks, until as many are sound as are wanted.
  // Many are under way at once, further ahead than are in flight, since one slow reply must not hold up the others.
  const underWay = (row: ClassifiedRow) => Math.min(ahead * concurrency, missing(row))
  for await (const { row, answer } of inOrder(files.read('2-classified.jsonl'), ask, underWay)) {
    const { id, instruction, is_classification } = row
    if (!answer) await files.reject({ reason: 'beyond_target', detail: String(target), instruction })
    else if (isFailure(answer)) await files.fail(answer, instruction)
    else {
      const { call } = answer
      // A demonstration said again is no instance of this task.
      const own = answer.value.instances.filter((instance) => !isDemonstration(instance))
      // Keep a few instances of each task, so that none fills the data set. The file is data/workshop/3-instances.jsonl.
      const instances = own.slice(0, wantedOf(row, own))
      await rejectOthers(files, instruction, answer, own, instances.length)
      const [shown] = instances
      const kept = { id, instruction, is_classification, instances, call }
      if (shown) await files.write('3-instances.jsonl', kept, withAnswer(instruction, shown))
      count += instances.length
      if (isSpare && sound < target) sound += Number(pool.addIfSound(instruction, instances))
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
  // Servers that hold a reply to a schema write its fields in order: the label must stand first there too.
  const schema = is_classification ? 'labelled' : 'instances'
  const read = (reply: string, cut: boolean): Instances | Unread => {
    const found = readInstances(reply, cut, is_classification, instruction)
    return found?.instances.length && found.instances.every(isDemonstration) ? allCopied : found
  }
  const ask = (maxTokens: number) =>
    askUntilRead(round.model, 'instances', { messages, schema, temperature, maxTokens }, read)

  const first = await ask(maxTokens)
  if (isFailure(first) || !first.value.cut) return first
  // Cut twice, the answer is longer than anybody wants it, or a loop: half an answer is not kept.
  const longer = await ask(2 * maxTokens)
  return isFailure(longer) || !longer.value.cut ? longer : truncated(longer.call, 2 * maxTokens)
}

function truncated(call: string, tokens: number): Failure {
  const detail = { en: `longer than ${tokens} tokens`, zh: `超过 ${tokens} 个 token` }
  return { failed: 'truncated', detail, call }
}

/** Whether this is an instance of the demonstrations, word for word; a label alone may be any task's. */
function isDemonstration({ input, output }: Instance): boolean {
  const text = input === '' ? output : input
  if (text.length > longestDemonstrated) return false
  const words = wordsOf(text)
  return words !== '' && demonstrated.has(words)
}

// Both languages, since a model may answer in the other one; the input tells an instance, or the output where it is empty.
const demonstrated = new Set(
  [inputFirst, outputFirst].flatMap(({ en, zh }) =>
    [...en.demonstrations, ...zh.demonstrations].flatMap(({ shown }) =>
      shown.map(([input, output]) => wordsOf(input === '' ? output : input)),
    ),
  ),
)

const longestDemonstrated = 2 * Math.max(...[...demonstrated].map((words) => words.length)) // its words, and marks between them

/** How many instances are taken at most. A task that needs no input has one answer. */
function wantedOf({ is_classification }: ClassifiedRow, instances: readonly Instance[]): number {
  if (is_classification) return instancesAtMost.classification
  return instances.every(({ input }) => input === '') ? 1 : instancesAtMost.other
}

/** Rejects what could not be read, what was copied, what is too much, and a reply without any instance. */
async function rejectOthers(
  files: StepFiles,
  instruction: string,
  { value: { instances, dropped }, call }: Read<Instances>,
  own: readonly Instance[],
  kept: number,
): Promise<void> {
  // What the reader let fall, such as an instance without an output, stands there by its own reason.
  for (const { text, why } of dropped) await files.reject({ reason: why, detail: text, instruction, call })
  for (const copy of instances.filter(isDemonstration))
    await files.reject({ reason: 'copied_demonstration', detail: '', instruction, ...copy, call })
  // What is over is kept with its reason: a student may find the better instance there.
  const detail = `${own.length} > ${kept}`
  for (const extra of own.slice(kept))
    await files.reject({ reason: 'too_many_instances', detail, instruction, ...extra, call })
  // A reply that could be read and says nothing would leave no trace otherwise.
  if (instances.length === 0 && dropped.length === 0)
    await files.reject({ reason: 'no_instances', detail: '', instruction, call })
}

if (isMain(import.meta.url)) await runStep('instances', generateInstances)

// Step 1: the model writes new instructions. It is shown a few tasks from the pool (the seed tasks and what it wrote
// before) and asked for more like them, but different. Only candidates unlike everything in the pool are accepted,
// so the pool grows in variety and not just in number. Step 2 needs the result.
//
// reads  the seed tasks                writes  data/workshop/1-instructions.jsonl
// run    npx tsx workshop.ts generate
import { type Read, askUntilRead, bootstrap } from './model/ask.ts'
import { type Failure, type Message, isFailure, samplesAtMost } from './model/call.ts'
import { runStep } from './run/notebook.ts'
import { type Round, type Sheet, cell } from './run/step-files.ts'
import type { Language } from './text/language.ts'
import { numberedTasks } from './text/numbered.ts'
import { type TaskPool, randomFor, sample, shuffle } from './text/pool.ts'
import { readTasks } from './text/replies.ts'
import { isMain } from './workspace/environment.ts'
import { idOf } from './workspace/jsonl.ts'

const demonstrations = 8 // shown in a request: paper, section 2.2
const machineMade = 2 // of these, once there are some: paper, section 2.2
const newTasks = 10 // asked for in a request; more, and models begin to repeat themselves
const nearestAmong = 100_000 // a larger pool: the nearest neighbour is looked for among the seeds only, as in the paper's figure 4
const dryShare = 0.05 // of the candidates of the last ten replies accepted: fewer, and the model has run dry
const dryReplies = 10

/** The request for new tasks; the part that never changes comes first, so that servers can cache it. */
export function generationPrompt(shown: readonly string[], language: Language, topic?: string): Message[] {
  const tasks = numberedTasks(shown)
  const about = topic === undefined ? '' : topicLine[language] + topic.replace(/\s+/g, ' ')
  return [
    { role: 'system', content: request[language] },
    { role: 'user', content: about ? `${tasks}\n${about}` : tasks },
  ]
}

const request: Record<Language, string> = {
  en: `You write tasks that teach a language model to follow instructions. You are shown some tasks; write ${newTasks} new ones.
- Each is different from those shown and from the others: another verb, subject, form and length; questions and orders; some that classify and name the labels.
- Each can be done in text alone, and is clear without anything else; where it needs a text or data, it says "the following …", and these are given later.
- One or two sentences each, in English.
Answer with JSON and nothing else: {"tasks":["…","…"]}`,
  zh: `你为语言模型编写学习遵循指令的任务。下面会给出一些任务，请再写 ${newTasks} 条新任务。
- 每条都与所给任务及其他新任务不同：动词、主题、形式、长短各异；有提问也有要求；有几条是分类任务，并写明有哪些类别。
- 每条只用文字就能完成，意思清楚；如果需要文本或数据，就写“下面的……”，内容会另外提供。
- 每条一两句话，用中文。
只用 JSON 回答，不要其他内容：{"tasks":["……","……"]}`,
}
const topicLine: Record<Language, string> = { en: 'Topic of the new tasks: ', zh: '新任务的话题：' }

export const generateInstructions = cell('generate', async (round, sheet) => {
  const growth = new PoolGrowth(round, sheet)
  // Request k is shown the pool as it stood after the first half of the replies before it: the pool feeds its own growth.
  const replies = bootstrap({
    ask: (k, seen) => askForTasks(round, k, growth.accepted, growth.acceptedAfter[seen] ?? 0),
    accepted: growth.acceptedAfter,
    wanted: round.wanted,
    goesOn: () => sheet.rows < round.wanted && !growth.ranDry() && !growth.ended,
  })
  for await (const reply of replies) {
    await growth.take(reply)
    sheet.progress(Math.min(sheet.rows, round.wanted), round.wanted)
  }
  round.ranDry = growth.ranDry() && !round.model.stopped
  if (round.ranDry)
    sheet.remark((words) => (round.model.provider.name === 'offline' ? words.bankEmpty : words.ranDry))
  sheet.counts = {
    asked: (growth.acceptedAfter.length - 1) * newTasks,
    parsed: growth.parsed,
    novel: sheet.rows,
  }
})

/** Request k: demonstrations drawn from the seed tasks and the first `among` accepted instructions, by dice of its own. */
async function askForTasks(
  round: Round,
  k: number,
  accepted: readonly string[],
  among: number,
): Promise<Reply> {
  const random = randomFor(round.settings.seed, 'generate', k)
  const made = sample(accepted, machineMade, random, among)
  const seeds = sample(round.seeds, demonstrations - made.length, random).map((seed) => seed.instruction)
  const topic = round.topics && sample(round.topics, 1, random)[0]
  const { temperature, maxTokens } = round.settings
  const messages = generationPrompt(shuffle([...seeds, ...made], random), round.language, topic)
  const question = { messages, schema: 'tasks' as const, temperature, maxTokens, sample: samplesAtMost * k }
  return askUntilRead(round.model, 'generate', question, readTasks, 'skip')
}

type Reply = Read<NonNullable<ReturnType<typeof readTasks>>> | Failure

/** How the pool grows: what was accepted, after which reply, and what became of the other candidates. */
class PoolGrowth {
  readonly accepted: string[] = []
  readonly acceptedAfter: number[] = [0] // replies read → instructions accepted
  private readonly parsedAfter: number[] = [0]
  parsed = 0
  ended = false
  private readonly round: Round
  private readonly sheet: Sheet
  private readonly pool: TaskPool

  constructor(round: Round, sheet: Sheet) {
    this.round = round
    this.sheet = sheet
    this.pool = round.newPool()
  }

  /** Accepts what is novel in a reply. Without a reply the request is passed over; when none will come, the step ends. */
  async take(reply: Reply): Promise<void> {
    if (isFailure(reply)) {
      await this.sheet.fail(reply, '')
      this.ended = reply.failed === 'stopped' || reply.failed === 'not_recorded'
      if (reply.failed === 'not_recorded') this.round.model.stop({ words: reply.detail, exit: 1 })
      if (this.ended) return
    } else {
      for (const task of reply.value.tasks) await this.consider(task, reply.call)
      for (const { text, why } of reply.value.dropped)
        await this.sheet.reject({ reason: why, detail: '', instruction: text, call: reply.call })
    }
    this.round.model.budget.took(this.accepted)
    this.acceptedAfter.push(this.accepted.length)
    this.parsedAfter.push(this.parsed)
  }

  private async consider(instruction: string, call: string): Promise<void> {
    this.parsed++
    const finding = this.pool.check(instruction)
    if (finding) return this.sheet.reject({ ...finding, instruction, call })
    const nearest = this.pool.nearest(instruction, nearestAmong)
    const most_similar = nearest && {
      instruction: nearest.instruction,
      score: Number(nearest.score.toFixed(4)),
    }
    this.pool.add(instruction)
    this.accepted.push(instruction)
    if (this.round.seeds.length + this.accepted.length === nearestAmong + 1)
      this.sheet.remark((words) => words.nearestAmongSeeds)
    await this.sheet.add({ id: idOf(instruction), instruction, most_similar, call }, instruction)
  }

  /** Fewer than 5 % of the candidates of the last ten replies were accepted. */
  ranDry(): boolean {
    const before = this.acceptedAfter.length - 1 - dryReplies
    if (before < 0) return false
    const accepted = this.accepted.length - (this.acceptedAfter[before] ?? 0)
    const candidates = this.parsed - (this.parsedAfter[before] ?? 0)
    return candidates === 0 || accepted < dryShare * candidates
  }
}

if (isMain(import.meta.url)) await runStep('generate', generateInstructions)

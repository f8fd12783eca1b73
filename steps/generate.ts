// Step 1: the model writes new instructions. It is shown a few tasks from the pool (the seed tasks and what it wrote
// before) and asked for more like them, but different. Only candidates unlike everything in the pool are accepted,
// so the pool grows in variety and not just in number. Step 2 needs the result.
//
// reads  the seed tasks                writes  data/workshop/1-instructions.jsonl
// run    npx tsx workshop.ts generate
import { type Read, askUntilRead } from './model/ask.ts'
import { type Failure, type Message, isFailure } from './model/call.ts'
import { runStep } from './run/notebook.ts'
import { type Round, step } from './run/step-files.ts'
import type { Language } from './text/language.ts'
import { numberedTasks } from './text/numbered.ts'
import { randomFor, sample, shuffle } from './text/pool.ts'
import { readTasks } from './text/replies.ts'
import { isMain } from './workspace/environment.ts'
import { idOf } from './workspace/jsonl.ts'

const demonstrations = 8 // shown in a request: paper, section 2.2
const machineMade = 2 // of these, once there are some: paper, section 2.2
const newTasks = 10 // asked for in a request; more, and models begin to repeat themselves
const expectedYield = 6 // of these that are accepted, before any reply has shown how many
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

export const generateInstructions = step('generate', async (round, files) => {
  const pool = round.newPool() // the seed tasks; every accepted instruction joins them
  const accepted: string[] = []
  const after: Counts = { accepted: [0], read: [0] }
  let read = 0
  const { wanted } = round
  const unmet = () => accepted.length < wanted && !ranDry(after)

  // Sample demonstrations and ask; the replies come in the order of their requests.
  const ask = (k: number, seen: number) => askForTasks(round, k, accepted, after.accepted[seen] ?? 0)
  for await (const reply of replies({ ask, accepted: after.accepted, wanted, unmet })) {
    if (isFailure(reply)) {
      const goesOn = await files.fail(reply)
      if (!goesOn) break
    } else {
      for (const instruction of reply.value.tasks) {
        read++
        // Compare with everything in the pool: is it too near to something, or does another rule speak against it?
        const finding = pool.check(instruction)
        if (finding) await files.reject({ ...finding, instruction, call: reply.call })
        else {
          // Keep it, with its nearest neighbour. The file is data/workshop/1-instructions.jsonl.
          const most_similar = pool.nearest(instruction, nearestAmong)
          await files.write(
            '1-instructions.jsonl',
            { id: idOf(instruction), instruction, most_similar, call: reply.call },
            instruction,
          )
          pool.add(instruction)
          accepted.push(instruction)
        }
      }
      for (const { text, why } of reply.value.dropped)
        await files.reject({ reason: why, detail: '', instruction: text, call: reply.call })
    }
    after.accepted.push(accepted.length)
    after.read.push(read)
    files.progress(Math.min(accepted.length, wanted), wanted)
  }

  if (round.seeds.length + accepted.length > nearestAmong) files.remark((words) => words.nearestAmongSeeds)
  round.ranDry = ranDry(after) && !round.model.stopped
  if (round.ranDry) files.remark((words) => (round.model.provider.standIn ? words.bankEmpty : words.ranDry))
  files.counts = { asked: (after.read.length - 1) * newTasks, parsed: read, novel: accepted.length }
})

/** Candidates accepted, and read, after so many replies. */
type Counts = { accepted: number[]; read: number[] }
/** `ask`: sends request k, which may see the first `seen` replies. `accepted`: how many instructions, after so many replies. */
type Waves<T> = {
  ask: (k: number, seen: number) => Promise<T>
  accepted: readonly number[]
  wanted: number
  unmet: () => boolean
}
type Reply = Read<NonNullable<ReturnType<typeof readTasks>>> | Failure

/**
 * The replies, in the order of their requests. Request k is shown the pool as it stood after the first half of the
 * replies before it: so the pool feeds its own growth, wave by wave, and yet many requests are under way at once. It is
 * sent as soon as these replies suggest that it will be needed, or else when all earlier ones are read and the need is
 * unmet. Neither timing nor a larger target changes what an earlier request asked.
 */
export async function* replies<T>({ ask, accepted, wanted, unmet }: Waves<T>): AsyncGenerator<T> {
  const sent: Promise<T>[] = []
  const send = (k: number): void => {
    const reply = ask(k, half(k))
    reply.catch(() => undefined) // heard of when its turn comes
    sent.push(reply)
  }
  try {
    for (let read = 0; unmet(); read++) {
      if (sent.length === read) send(read)
      while (half(sent.length) <= read && willBeNeeded(sent.length, accepted, wanted)) send(sent.length)
      yield (await sent[read]) as T
    }
  } finally {
    await Promise.allSettled(sent)
  }
}

/** How many replies request k may see. */
function half(k: number): number {
  return Math.ceil(k / 2)
}

/** Whether the replies that request k may see, and as much again from those under way, are fewer than wanted. */
function willBeNeeded(k: number, accepted: readonly number[], wanted: number): boolean {
  const seen = accepted[half(k)] ?? 0
  const each = half(k) === 0 ? expectedYield : seen / half(k)
  return seen + (k - half(k)) * each < wanted
}

/** Request k: demonstrations drawn from the seed tasks and the first `among` accepted instructions, by a random generator of its own. */
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
  const messages = generationPrompt(shuffle([...seeds, ...made], random), round.language, topic)
  const { temperature, maxTokens } = round.settings
  const question = { messages, schema: 'tasks', temperature, maxTokens, number: k } as const
  return askUntilRead(round.model, 'generate', question, readTasks, 'skip')
}

/** Of the candidates of the last ten replies fewer than 5 % were accepted. */
function ranDry({ accepted, read }: Counts): boolean {
  const since = (counts: readonly number[]): number =>
    (counts.at(-1) ?? 0) - (counts.at(-1 - dryReplies) ?? 0)
  return read.length > dryReplies && (since(read) === 0 || since(accepted) < dryShare * since(read))
}

if (isMain(import.meta.url)) await runStep('generate', generateInstructions)

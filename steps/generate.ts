// Step 1: the model writes new instructions. It is shown a few tasks from the pool (the seed tasks and what it wrote
// before) and asked for more like them, but different. Only candidates unlike everything in the pool are accepted,
// so the pool grows in variety and not just in number. Step 2 needs the result.
//
// reads  the seed tasks                writes  data/workshop/1-instructions.jsonl
// run    npx tsx workshop.ts generate
import { type Read, type Unread, allCopied, askUntilRead } from './model/ask.ts'
import { type Failure, type Message, isFailure, turns } from './model/call.ts'
import { runStep } from './run/notebook.ts'
import { type Round, step } from './run/step-files.ts'
import type { Finding } from './text/check.ts'
import type { Language } from './text/language.ts'
import { Deck, randomFor, sample, shuffle } from './text/pool.ts'
import { readTasks } from './text/replies.ts'
import { wordsOf } from './text/rouge.ts'
import { isMain } from './workspace/environment.ts'
import { idOf } from './workspace/jsonl.ts'

const demonstrations = 8 // shown in a request: paper, section 2.2
const machineMade = 2 // of these, once there are some: paper, section 2.2
const newTasks = 10 // asked for in a request; more, and models begin to repeat themselves
const firstWaves = [2, 4, 58] as const // requests that see no reply, one, two: the third shows what the model wrote, and many go early
const widening = 4 // requests that see one reply more, after these
const penalty = 0.5 // against repetition; the paper's code sends 2, at which small models lose the JSON
const expectedYield = 6 // of these that are accepted, before any reply has shown how many
const leastYield = 3 // reckoned with, however bad the first replies were: a wave must not be sent for one of them
const nearestAmong = 100_000 // a larger pool: the nearest neighbour is looked for among the seeds only, as in the paper's figure 4
const dryShare = 0.05 // of the candidates of the last ten replies accepted: fewer, and the model has run dry
const dryReplies = 10
const earlyReplies = 4 // of little but copies: then this model says again what it is shown, and ten would teach no more

/** The request for new tasks. The model sees the shown ones as its own: small models repeat a list that they are given. */
export function generationPrompt(shown: readonly string[], language: Language, topic?: string): Message[] {
  const { role, first, more, about } = words[language]
  const onTopic = topic === undefined ? '' : about + topic.replace(/\s+/g, ' ')
  return [
    { role: 'system', content: role },
    ...turns([[first(shown.length), { tasks: shown }]]),
    { role: 'user', content: more + onTopic },
  ]
}

const words = {
  en: {
    role: `You write tasks that teach a language model to follow instructions. They differ in subject, verb, form and length: questions and orders; some long, with a situation and several conditions; some that ask for one of a few labels and name the labels. Each can be done in text alone; one about a text says which kind, as "the letter" or "this table". The same task with another noun is no new task.`,
    first: (count: number) => `Write ${count} tasks. Answer with JSON, the tasks in a list named "tasks".`,
    more: `Write ${newTasks} more tasks, on subjects and with verbs that these do not have. Answer with JSON, the tasks in a list named "tasks".`,
    about: ' Topic of the new tasks: ',
  },
  zh: {
    role: '请你出题，用来训练语言模型按指令做事。题目的内容、动词、形式、长短各不相同：有的是问句，有的是要求；有几条写清具体的人、事和场合；有几条要求从几个类别中选一个，并写明类别。要用到材料的，说明是什么材料，如“这封信”“这张表”。只用 JSON 回答。',
    first: (count: number) => `写 ${count} 个任务："tasks"。`,
    more: `再写 ${newTasks} 个，不要和上面的相似："tasks"。`,
    about: '新任务的话题：',
  },
}

export const generateInstructions = step('generate', async (round, files) => {
  const { wanted } = round
  const pool = round.newPool() // the seed tasks; every accepted instruction joins them
  const accepted: string[] = []
  const after = [0] // instructions accepted after so many replies
  const heard: Counts = { accepted: [0], read: [0], copied: [0] }
  let lost: string[][] = [] // why candidates of the last replies were rejected
  let [read, copies] = [0, 0]
  const unmet = () => accepted.length < wanted && !ranDry(heard) && !onlyCopies(heard)

  // Sample demonstrations and ask; the replies come in the order of their requests.
  const ask = askForTasks(round, accepted, after)
  for await (const reply of replies({ ask, accepted: after, wanted, unmet })) {
    if (isFailure(reply)) {
      const goesOn = await files.fail(reply)
      if (!goesOn) break
    } else {
      const { value, call } = reply
      const reasons: string[] = []
      const reject = async (row: Finding & { instruction: string }): Promise<void> => {
        reasons.push(row.reason)
        await files.reject({ ...row, call })
      }
      for (const instruction of value.tasks) {
        read++
        copies += Number(value.copies.has(instruction))
        // Compare with what the model was shown, and with everything in the pool; the rules look at it too.
        const finding = value.copies.has(instruction) ? copied : pool.check(instruction)
        if (finding) await reject({ ...finding, instruction })
        else if (accepted.length >= wanted) await reject({ ...beyond(wanted), instruction })
        else {
          // Keep it, with its nearest neighbour. The file is data/workshop/1-instructions.jsonl.
          const most_similar = pool.nearest(instruction, nearestAmong)
          const row = { id: idOf(instruction), instruction, most_similar, call }
          await files.write('1-instructions.jsonl', row, instruction)
          pool.add(instruction)
          accepted.push(instruction)
        }
      }
      for (const { text, why } of value.dropped) await reject({ reason: why, detail: '', instruction: text })
      lost = [...lost, reasons].slice(-dryReplies)
      heard.accepted.push(accepted.length)
      heard.read.push(read)
      heard.copied.push(copies)
    }
    after.push(accepted.length)
    files.progress(accepted.length, wanted)
  }

  if (round.seeds.length + accepted.length > nearestAmong) files.remark((words) => words.nearestAmongSeeds)
  round.ranDry = !round.model.stopped && (ranDry(heard) || onlyCopies(heard))
  const { standIn } = round.model.provider
  const why = onlyCopies(heard) ? 'onlyCopies' : standIn ? 'bankEmpty' : 'ranDry'
  if (round.ranDry) files.remark((words) => words.lost(lost.flat()) ?? words[why])
  files.counts = { asked: (after.length - 1) * newTasks, parsed: read, novel: accepted.length }
})

const copied = { reason: 'copied_demonstration', detail: '' }
const beyond = (wanted: number) => ({ reason: 'beyond_target', detail: String(wanted) })

/** Candidates accepted, read, and copied from the demonstrations, after so many replies that could be read. */
type Counts = { accepted: number[]; read: number[]; copied: number[] }
/** `ask`: sends request k, which may see the first `seen` replies. `accepted`: how many instructions, after so many replies. */
type Waves<T> = {
  ask: (k: number, seen: number) => Promise<T>
  accepted: readonly number[]
  wanted: number
  unmet: () => boolean
}
type Tasks = NonNullable<ReturnType<typeof readTasks>> & { copies: ReadonlySet<string> }

/**
 * The replies, in the order of their requests. The first two requests see seed tasks alone, the next four the first reply,
 * a wide wave the first two, and later ones about a quarter of the replies before them: the pool feeds its own growth, and
 * many requests are under way at once. One is sent when the replies it may see suggest that it is needed, or when all are
 * read and the need is unmet. What it asks depends on k alone: neither timing nor a larger target changes it.
 */
export async function* replies<T>({ ask, accepted, wanted, unmet }: Waves<T>): AsyncGenerator<T> {
  const sent: Promise<T>[] = []
  const send = (k: number): void => {
    const reply = ask(k, seenBy(k))
    reply.catch(() => undefined) // heard of when its turn comes
    sent.push(reply)
  }
  try {
    for (let read = 0; unmet(); read++) {
      const allRead = sent.length === read
      if (allRead) send(read)
      for (let k = sent.length; seenBy(k) <= read; k++) {
        if (!willBeNeeded(k, allRead ? read : seenBy(k), accepted, wanted)) break
        send(k)
      }
      yield (await sent[read]) as T
    }
  } finally {
    await Promise.allSettled(sent)
  }
}

/** How many replies request k may see. */
export function seenBy(k: number): number {
  let sent = 0
  for (const [seen, requests] of firstWaves.entries()) if (k < (sent += requests)) return seen
  return firstWaves.length + Math.floor((k - sent) / widening)
}

/** Whether so many replies, and as much again from those under way, bring fewer than wanted. */
function willBeNeeded(k: number, seen: number, accepted: readonly number[], wanted: number): boolean {
  const found = accepted[seen] ?? 0
  const each = seen === 0 ? expectedYield : Math.max(found / seen, leastYield)
  return found + (k - seen) * each < wanted
}

/** Asks with request k: seed tasks, dealt like cards so that all are shown before one comes again, and two new tasks. */
function askForTasks(round: Round, accepted: readonly string[], after: readonly number[]) {
  const { seeds, topics, language, model } = round
  const { seed, temperature, maxTokens } = round.settings
  const deck = new Deck(seeds, demonstrations, (n) => randomFor(seed, 'deck', n))
  const place = (k: number) => k * (demonstrations - machineMade) + Math.min(k, firstWaves[0]) * machineMade
  return async (k: number, seen: number): Promise<Read<Tasks> | Failure> => {
    const random = randomFor(seed, 'generate', k)
    const made = sample(accepted, machineMade, random, after[seen] ?? 0)
    const cards = deck.deal(place(k), demonstrations - made.length).map((card) => card.instruction)
    const shown = shuffle([...cards, ...made], random)
    const topic = topics && sample(topics, 1, random)[0]
    const messages = generationPrompt(shown, language, topic)
    const question = { messages, schema: 'tasks', temperature, maxTokens, penalty, number: k } as const
    return askUntilRead(model, 'generate', question, readNewTasks(shown), 'skip')
  }
}

/** Reads a reply; one that only says again what was shown is as good as none. */
function readNewTasks(shown: readonly string[]) {
  const known = new Set(shown.map(wordsOf))
  return (reply: string, cut: boolean): Tasks | Unread => {
    const found = readTasks(reply, cut)
    if (!found) return undefined
    const copies = new Set(found.tasks.filter((task) => known.has(wordsOf(task))))
    return found.tasks.length > 0 && found.tasks.every((task) => copies.has(task))
      ? allCopied
      : { ...found, copies }
  }
}

/** The first replies held copies of what they were shown, and hardly a new task each. */
function onlyCopies({ accepted, read, copied }: Counts): boolean {
  if (read.length !== earlyReplies + 1) return false
  const [found = 0, all = 0, again = 0] = [accepted, read, copied].map((counts) => counts[earlyReplies])
  return found < earlyReplies && again > 0 && again * 2 >= all
}

/** Of the candidates of the last ten replies that could be read fewer than 5 % were accepted. */
function ranDry({ accepted, read }: Counts): boolean {
  const since = (counts: readonly number[]): number =>
    (counts.at(-1) ?? 0) - (counts.at(-1 - dryReplies) ?? 0)
  return read.length > dryReplies && (since(read) === 0 || since(accepted) < dryShare * since(read))
}

if (isMain(import.meta.url)) await runStep('generate', generateInstructions)

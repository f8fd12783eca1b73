// The offline model: a stand-in for the lesson, not a model. It sees a request as a server does and answers from a
// bank of written tasks (data/offline), by a random generator that the request itself seeds. Like a model it errs: in what it says
// (the bank's faults) and now and then in form. Its rows are no training data.
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Instance } from '../text/given.ts'
import { type Language, isChinese } from '../text/language.ts'
import { NoveltyIndex } from '../text/novelty.ts'
import { type Random, randomFor, shuffle } from '../text/pool.ts'
import { tokenize } from '../text/rouge.ts'
import { ruleFor } from '../text/rules.ts'
import { projectFolder } from '../workspace/environment.ts'
import { field, jsonIn } from '../workspace/jsonl.ts'
import { type OfflineTask, readRows } from '../workspace/records.ts'
import { type Message, type Wire, samplesAtMost } from './call.ts'

/** A request as the stand-in sees it; `lines` are the numbered ones of its last message. */
type Asked = {
  messages: readonly Message[]
  last: string
  lines: string[]
  bank: Bank
  sample: number
  random: Random
}

const tasksPerReply = 10
const plantedPerReply = 3
const plantedWeight = 0.1 // with those three about a third of what is drawn carries a fault that a rule catches
const chances = { chatter: 0.12, cut: 0.03, leftOut: 0.03, echo: 0.25, mistakenVerdict: 0.15 }
const tokensPerCharacter = { han: 1 / 1.5, other: 1 / 4 } // rough averages of current tokenisers

/** The wire of the offline model; asks nobody. */
export async function openOfflineWire(): Promise<Wire> {
  return async ({ messages, maxTokens, sample }) => ({
    request: { messages, max_tokens: maxTokens },
    ...(await answerOffline(messages, maxTokens, sample)),
  })
}

/** What the stand-in replies to these messages: the same for the same request and sample number. */
export async function answerOffline(messages: readonly Message[], maxTokens: number, sample: number) {
  const prompt = messages.map((message) => message.content).join('\n')
  const language: Language = isChinese(messages[0]?.content ?? '') ? 'zh' : 'en'
  const random = randomFor(prompt, maxTokens, sample)
  const last = messages.at(-1)?.content ?? ''
  const lines = [...last.matchAll(/^\d+\. (.*)$/gm)].map((match) => match[1] ?? '')
  const bank = await (banks[language] ??= openBank(language))
  const answered = answer({ messages, last, lines, bank, sample, random }) ?? ignorance[language]
  const whole = dress(answered, language, random)
  const tokens = tokensIn(whole)
  const allowed = random() < chances.cut ? Math.ceil(tokens * 0.6) : maxTokens
  const cut = tokens > allowed
  const reply = cut ? whole.slice(0, Math.floor((whole.length * allowed) / tokens)) : whole
  const prompt_tokens = tokensIn(prompt)
  const usage = { prompt_tokens, completion_tokens: Math.min(tokens, allowed), cached_tokens: 0 }
  return { reply, finish_reason: cut ? 'length' : 'stop', usage }
}

function tokensIn(text: string): number {
  const han = text.match(/\p{Script=Han}/gu)?.length ?? 0
  return Math.ceil(han * tokensPerCharacter.han + (text.length - han) * tokensPerCharacter.other)
}

function answer(asked: Asked): string | undefined {
  const { messages, last, lines, bank } = asked
  if (last.includes('"tasks"')) return JSON.stringify({ tasks: newTasks(asked, shownTasks(messages)) })
  if (last.includes('"answers"')) return JSON.stringify({ answers: labels(asked) })
  if (last.includes('"verdicts"')) return JSON.stringify({ verdicts: verdicts(asked) })
  const task = last.includes('"instances"') ? knownTask(lines[0] ?? '', bank) : undefined
  if (!task) return undefined
  const labelsFirst = /^{"instances":\[{"output"/
  const outputFirst = messages.some(({ role, content }) => role === 'assistant' && labelsFirst.test(content))
  const inOrder = task.instances.map(({ input, output }) =>
    outputFirst ? { output, input } : { input, output },
  )
  return JSON.stringify({ instances: inOrder })
}

/** The tasks a request shows as what was written so far. */
function shownTasks(messages: readonly Message[]): string[] {
  const tasks = messages.map(({ role, content }) =>
    role === 'assistant' ? field(jsonIn(content), 'tasks') : undefined,
  )
  return tasks.flatMap((list) => (Array.isArray(list) ? list.filter((task) => typeof task === 'string') : []))
}

const ignorance: Record<Language, string> = {
  en: 'I am only a stand-in: I only know my own tasks, and this is none of them.',
  zh: '我只是一个替身：我只会自己的那些任务，而这一个不在其中。',
}

/**
 * Ten tasks drawn without putting back, likelier the more rare words they share with the request; now and then an echo
 * of one shown. Three are such as a rule of step 4 catches, other rules with every request, so that a class meets them all;
 * one is alike a seed task, not so much that the usual threshold removes it, so that there is something to argue about.
 */
function newTasks({ last, bank, sample, random }: Asked, shown: readonly string[]): string[] {
  const asked = new Set(tokenize([...shown, last].join('\n')))
  const weights = bank.tasks.map(({ fault }, place) => {
    const shared = [...(bank.rareWords[place] ?? [])].filter((word) => asked.has(word)).length
    return (1 + shared) * (ruleFor(fault ?? '') ? plantedWeight : 1)
  })
  const kinds = [...bank.planted.values()]
  const request = Math.floor(sample / samplesAtMost)
  const first = plantedPerReply * request
  const drawn = bank.alike.slice(request % bank.alike.length).slice(0, 1)
  for (let at = first; at < first + plantedPerReply; at++) {
    const kind = kinds[at % kinds.length] ?? []
    drawn.push(...kind.slice(Math.floor(random() * kind.length)).slice(0, 1))
  }
  while (drawn.length < Math.min(tasksPerReply, bank.tasks.length)) {
    for (const place of drawn) weights[place] = 0
    drawn.push(drawWeighted(weights, random))
  }
  const tasks = drawn.map((place) => oneLine(bank.tasks[place]?.instruction ?? ''))
  const echoed = shown[Math.floor(random() * shown.length)]
  if (echoed && random() < chances.echo) tasks[tasks.length - 1] = vary(echoed)
  return shuffle(tasks, random)
}

function drawWeighted(weights: readonly number[], random: Random): number {
  let left = random() * weights.reduce((sum, weight) => sum + weight, 0)
  const place = weights.findIndex((weight) => (left -= weight) < 0)
  return place === -1 ? weights.findLastIndex((weight) => weight > 0) : place
}

// The near-duplicate a model writes when it has nothing new to say.
function vary(instruction: string): string {
  return isChinese(instruction)
    ? `请${instruction.replace(/^请/, '')}`
    : instruction.replace(/[.?]?$/, ', please.')
}

// Of tasks it does not know it only sees the wording, as a weak model would.
const soundsLikeClassification =
  /classif|categor|sentiment|\blabel|true or false|spam|whether|which of the|\w+" or "\w+|\w+ or \w+\?$|判断|分类|归类|属于|类别|是否|只回答|、[^，。]*还是/i

function labels({ lines, bank, random }: Asked) {
  const answers = lines.map((line, place) => {
    const label = knownTask(line, bank)?.is_classification ?? soundsLikeClassification.test(line)
    return { task: place + 1, is_classification: label }
  })
  return answers.filter(() => random() >= chances.leftOut)
}

const badInput = new Set(['unsuitable_input', 'missing_given_text'])
const badInstruction = new Set([
  'nonsense_instruction',
  'too_short',
  'starts_with_punctuation',
  'wrong_language',
])
const harmless = new Set(['similar', 'near_duplicate', 'duplicate_instance'])

/** The bank knows which of its answers are faulty; the verdict is right most of the time. */
function verdicts({ lines, bank, random }: Asked) {
  return lines.map((row, place) => {
    const fault = knownTask(instructionIn(row), bank)?.fault ?? ''
    const wrongly = random() < chances.mistakenVerdict
    return {
      row: place + 1,
      instruction_valid: !badInstruction.has(fault),
      input_appropriate: !badInput.has(fault),
      output_correct:
        (fault === '' || harmless.has(fault) || badInput.has(fault) || badInstruction.has(fault)) !== wrongly,
    }
  })
}

function instructionIn(row: string): string {
  const instruction = field(jsonIn(row), 'instruction')
  return typeof instruction === 'string' ? instruction : row // not the judge's own line: the instruction itself
}

/** Chatter and a code fence around the JSON, as models add them unasked. */
function dress(reply: string, language: Language, random: Random): string {
  if (!reply.startsWith('{') || random() >= chances.chatter) return reply
  const [before, after] =
    language === 'zh'
      ? ['好的，结果如下：', '希望对您有帮助！']
      : ['Sure! Here you go:', 'Let me know if you need more.']
  return `${before}\n\n\`\`\`json\n${reply}\n\`\`\`\n\n${after}`
}

// The tasks the offline model knows, from data/offline, and how it finds the one it is asked about.

/** Knows a row of the stand-in by its words, or an instruction alone, wherever it was copied to: so that merging does not make training data of it. */
export async function standInRows(): Promise<(instruction: string, instance?: Instance) => boolean> {
  const known = new Map<string, Set<string>>()
  for (const language of ['en', 'zh'] as const)
    for (const { instruction, instances } of await tasksOf(language))
      known.set(oneLine(instruction), new Set(instances.map(({ output }) => oneLine(output))))
  // A million rows are looked at: most are told by their instruction, and few of these have white space to fold.
  const folded = (text: string): string => (/^\s|\s$|\s\s|[^\S ]/.test(text) ? oneLine(text) : text)
  return (instruction, instance) => {
    const outputs = known.get(folded(instruction))
    return outputs !== undefined && (!instance || outputs.has(oneLine(instance.output)))
  }
}

/** The faults that no rule sees, planted in the rows of the bank: by the words of a row (see `rowKey`). */
export async function plantedFaults(language: Language): Promise<ReadonlyMap<string, string>> {
  const faults = new Map<string, string>()
  // Every page of the stand-in's runs waits for this, and the bank is our own: no shape is checked.
  for (const line of (await readFile(bankOf(language), 'utf8')).split('\n')) {
    if (!line.includes('"fault":')) continue
    const { instruction, instances, fault = '', wrong } = JSON.parse(line) as OfflineTask
    if (ruleFor(fault) || harmless.has(fault)) continue
    for (const { input, output } of wrong === undefined ? instances : instances.slice(wrong, wrong + 1))
      faults.set(rowKey(instruction, output, input), fault)
  }
  return faults
}

/** The words by which a row of the bank is known. */
export function rowKey(instruction: string, output: string, input = ''): string {
  return [instruction, output, input].map(oneLine).join('\n')
}

const rareShare = 0.02 // of the bank's tasks a word may stand in and still say what a task is about
const nearEnough = 0.5 // ROUGE-L from which the nearest task it knows is taken for the one asked about

type Bank = Awaited<ReturnType<typeof openBank>>
const banks: Partial<Record<Language, Promise<Bank>>> = {} // each is opened once

function bankOf(language: Language): string {
  return path.join(projectFolder, 'data', 'offline', `${language}.jsonl`)
}

async function tasksOf(language: Language): Promise<OfflineTask[]> {
  const tasks: OfflineTask[] = []
  for await (const task of readRows(bankOf(language), 'offlineTask')) tasks.push(task)
  return tasks
}

/** `rareWords` of each task; `planted`: where the tasks with a fault that a rule catches stand, by rule; `alike`: where those like a seed task stand. */
async function openBank(language: Language) {
  const tasks = await tasksOf(language)
  const index = new NoveltyIndex()
  for (const { instruction } of tasks) index.add(instruction)
  const byInstruction = new Map(tasks.map((task) => [oneLine(task.instruction), task]))
  const alike = [...tasks.keys()].filter((place) => tasks[place]?.fault === 'similar')
  return { tasks, rareWords: rareWordsOf(tasks), planted: plantedIn(tasks), alike, byInstruction, index }
}

// Words that say what a task is about: those that stand in few others.
function rareWordsOf(tasks: readonly OfflineTask[]): Set<string>[] {
  const words = tasks.map((task) => new Set(tokenize(task.instruction)))
  const spread = new Map<string, number>()
  for (const word of words.flatMap((set) => [...set])) spread.set(word, (spread.get(word) ?? 0) + 1)
  return words.map(
    (set) => new Set([...set].filter((word) => (spread.get(word) ?? 0) <= tasks.length * rareShare)),
  )
}

function plantedIn(tasks: readonly OfflineTask[]): Map<string, number[]> {
  const planted = new Map<string, number[]>()
  for (const [place, { fault = '' }] of tasks.entries())
    if (ruleFor(fault)) planted.set(fault, [...(planted.get(fault) ?? []), place])
  return planted
}

/** The task a line asks about: the same, or the nearest that is alike enough. */
function knownTask(instruction: string, bank: Bank): OfflineTask | undefined {
  const exact = bank.byInstruction.get(oneLine(instruction))
  if (exact) return exact
  const nearest = bank.index.nearest(instruction)
  return nearest && nearest.score >= nearEnough
    ? bank.byInstruction.get(oneLine(nearest.instruction))
    : undefined
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}

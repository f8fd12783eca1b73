// The filter rules: what is not worth keeping, and why. One list, one entry a rule, in the order they are checked;
// steps 1 and 4 use the same list. A rule returns what it measured, or undefined where it has nothing to object to.
import type { Instance } from './given.ts'
import { cutOffIn, isListInPieces, loopIn, unfinishedIn } from './incomplete.ts'
import {
  type ByLanguage,
  type Language,
  answerKey,
  ending,
  foreignAnswerIn,
  foreignIn,
  isTraditional,
  lengthOf,
  opening,
  saidIn,
  lacksCode,
  programForSum,
} from './language.ts'
import * as given from './given.ts'
import * as look from './patterns.ts'

const minWords = 4 // the paper's code drops 3 words and fewer
const maxWords = 150 // the paper's code drops more
const minCharacters = 5 // ours, for Chinese: five characters say what takes four English words
const maxCharacters = 300 // ours, for Chinese: two characters to an English word

export type { Instance } from './given.ts'
/** `most_similar`: the neighbour that is too near, its score with four digits, as the row in rejected.jsonl names it. */
export type Finding = {
  reason: string
  detail: string
  most_similar?: { instruction: string; score: number } | undefined
}
/** What is there already; `rival` is the nearest one where that is too near. */
type Neighbours = {
  rival(instruction: string): { instruction: string; score: number } | undefined
  traditional?: boolean // the seed tasks are in traditional characters
}

/** What a rule measured: the same words in both languages, or one wording for each. */
type Measured = string | ByLanguage<string> | undefined
type Task = { instruction: string; language: Language }
/** Instances of one task side by side, without those that a rule has removed; answers by `answerKey`. */
type Comparison = {
  answersTo: ReadonlyMap<string, ReadonlyMap<string, number>> // per input, each answer and where it stands first
  inputsOf: ReadonlyMap<string, number> // per answer, how many inputs have it
  isSplit: boolean // each is one piece of a list that was asked for
}

type Named = { reason: string; why: ByLanguage<string> }
type InstructionRule = Named & {
  of: 'instruction'
  test(instruction: string, language: Language, pool: Neighbours): Measured
}
/** A rule for every text of a row: instruction, input and output. */
type TextRule = Named & { of: 'text'; test(text: string, instruction: string): Measured }
type InstanceRule = Named & { of: 'instance'; test(instance: Instance, task: Task): Measured }
type ComparingRule = Named & {
  of: 'instances'
  test(instance: Instance, task: Task & Comparison, at: number): Measured
}
export type Rule = InstructionRule | TextRule | InstanceRule | ComparingRule

export const rules: readonly Rule[] = [
  {
    reason: 'too_short',
    of: 'instruction',
    why: {
      en: 'So few words rarely say what is to be done.',
      zh: '字数太少，很难把要做的事说清楚。',
    },
    test(instruction, language) {
      const size = language === 'zh' ? saidIn(instruction) : lengthOf(instruction, language)
      if (size >= (language === 'zh' ? minCharacters : minWords)) return undefined
      return {
        en: `${size} ${size === 1 ? 'word' : 'words'}, at least ${minWords}`,
        zh: `${size} 个字，至少 ${minCharacters} 个`,
      }
    },
  },
  {
    reason: 'too_long',
    of: 'instruction',
    why: {
      en: 'So long an instruction is mostly a text the model ran on with, not a task.',
      zh: '指令太长，多半是模型一路写了下去，已经不是一个任务。',
    },
    test(instruction, language) {
      const most = language === 'zh' ? maxCharacters : maxWords
      if (instruction.length <= most) return undefined // a word has a character at least
      const size = lengthOf(instruction, language)
      if (size <= most) return undefined
      return { en: `${size} words, at most ${maxWords}`, zh: `${size} 个字，最多 ${maxCharacters} 个` }
    },
  },
  {
    reason: 'blocked_keyword',
    of: 'instruction',
    why: {
      en: 'A text model cannot see, draw, play or open files; the word alone decides, so "draw a conclusion" goes too.',
      zh: '文本模型不能看图、作画、放音乐，也打不开文件；只认词、不看意思，难免误伤。',
    },
    test: (instruction, language) => look.blockedKeyword[language].exec(instruction)?.[0],
  },
  {
    reason: 'write_a_program',
    of: 'instruction',
    why: {
      en: 'Models like to put "Write a program" before tasks that need none, so the paper drops what begins with it.',
      zh: '模型爱给不需要编程的任务套上“编写一个程序”，所以论文把这样开头的指令都去掉。',
    },
    test: (instruction, language) => look.writeAProgram[language].exec(instruction)?.[0].trim(),
  },
  {
    reason: 'starts_with_punctuation',
    of: 'instruction',
    why: {
      en: 'An instruction that opens with a punctuation mark is a splinter of something else.',
      zh: '以标点开头的，往往是从别处断下来的半句话。',
    },
    test: (instruction) => look.leadingPunctuation.exec(instruction.trimStart())?.[0],
  },
  {
    reason: 'broken_text',
    of: 'text',
    why: {
      en: 'A character that stands for a lost one, or that no text has: the row was damaged on its way.',
      zh: '含有表示丢失的字符或控制字符，文本在途中已经损坏。',
    },
    test(text) {
      const found = look.brokenIn(text)?.codePointAt(0)
      return found === undefined ? undefined : `U+${found.toString(16).toUpperCase().padStart(4, '0')}`
    },
  },
  {
    reason: 'control_token',
    of: 'text',
    why: {
      en: 'A control token of a chat template; a trainer takes it for a real one, in a code span as well.',
      zh: '混入了对话模板的控制标记，训练时会被当成真正的标记，放在代码里也一样。',
    },
    test: (text) => look.controlToken.exec(text)?.[0].trim(),
  },
  {
    reason: 'repetition',
    of: 'text',
    why: {
      en: 'The model has fallen into a loop and says the same phrase over and over.',
      zh: '模型陷入了循环，同一句话翻来覆去地说。',
    },
    test: (text, instruction) => opening(loopIn(instruction, text)),
  },
  {
    reason: 'unfinished_instruction',
    of: 'instruction',
    why: {
      en: 'The instruction stops in the middle of a sentence; nobody can tell what was to be done.',
      zh: '指令话没说完就断了，看不出要做什么。',
    },
    test: unfinishedIn,
  },
  {
    reason: 'wrong_language',
    of: 'instruction',
    why: {
      en: 'The data set is in one language; a task put in another does not belong to it.',
      zh: '数据集只用一种语言，用别的语言提出的任务不收。',
    },
    test(instruction, language, { traditional }) {
      const isOther = language === 'zh' && !traditional && isTraditional(instruction)
      return opening(isOther ? instruction : foreignIn(instruction, language))
    },
  },
  {
    reason: 'near_duplicate',
    of: 'instruction',
    why: {
      en: 'It says nearly the same as a task that is already there, and teaches nothing new.',
      zh: '和已有的任务几乎一样，留下也学不到新东西。',
    },
    test(instruction, _language, pool) {
      const rival = pool.rival(instruction)
      return rival && likeness(rival)
    },
  },
  {
    reason: 'empty_output',
    of: 'instance',
    why: {
      en: 'There is nothing to learn from an empty answer.',
      zh: '答案是空的，没有东西可学。',
    },
    test(instance, { instruction, language }) {
      if (!look.isNoAnswer(instance, instruction, language)) return undefined
      const { output } = instance
      return output.trim() === '' ? { en: '0 characters', zh: '0 个字' } : opening(output)
    },
  },
  {
    reason: 'output_repeats_input',
    of: 'instance',
    why: {
      en: 'An answer that only says the input again has done nothing with it.',
      zh: '答案只是把输入照抄一遍，什么也没做。',
    },
    test: ({ input, output }, { instruction }) =>
      given.repeatsInput(instruction, input, output) ? opening(output) : undefined,
  },
  {
    reason: 'repeats_instruction',
    of: 'instance',
    why: {
      en: 'Input or output only says the instruction again, and adds nothing to it.',
      zh: '输入或答案只是把指令又说了一遍，没有新内容。',
    },
    test: (instance, { instruction }) => opening(given.instructionAgain(instruction, instance)),
  },
  {
    reason: 'ends_with_colon',
    of: 'instance',
    why: {
      en: 'An answer that ends with a colon promises something that did not come.',
      zh: '答案以冒号结尾，说明后面该有的内容没有写出来。',
    },
    test: ({ output }) => (/[:：]$/.test(output.trim()) ? ending(output.trim()) : undefined),
  },
  {
    reason: 'refusal',
    of: 'instance',
    why: {
      en: 'The model declined, or asked for what it should have been given, instead of answering.',
      zh: '模型没有回答，而是拒绝了，或者反过来向人要材料。',
    },
    test({ output }, { instruction }) {
      const found = look.refusalIn(instruction, output)
      return found?.answers === false ? opening(found.words) : undefined
    },
  },
  {
    reason: 'disclaimer',
    of: 'instance',
    why: {
      en: 'The answer is there, but opens by saying what the model is or cannot do; whoever learns from it learns that as well.',
      zh: '答案是有的，却先声明自己是模型、做不到什么；拿来学，这句套话也会学去。',
    },
    test({ output }, { instruction }) {
      const found = look.refusalIn(instruction, output)
      return found?.answers === true ? opening(found.words) : undefined
    },
  },
  {
    reason: 'placeholder',
    of: 'instance',
    why: {
      en: 'A blank such as [Your name] is left for somebody to fill in, so the text is not finished.',
      zh: '文中还留着“[姓名]”“XXX”之类的空，等人来填，算不上写完。',
    },
    test: ({ input, output }, { instruction }) => opening(look.placeholderIn(instruction, input, output)),
  },
  {
    reason: 'label_leak',
    of: 'instance',
    why: {
      en: 'A label of the prompt, "Input:" or "Output:", has slipped into the text, often with another example behind it.',
      zh: '提示里的“输入：”“输出：”混进了正文，后面常常还跟着另一个例子。',
    },
    test: ({ input, output }, { instruction }) => opening(look.labelIn(instruction, input, output)),
  },
  {
    reason: 'missing_given_text',
    of: 'instance',
    why: {
      en: 'The instruction speaks of a text that is given, and none is: the answer is about something nobody can see.',
      zh: '指令说“下面这段”，却没有给出那段文字，答案无从对照。',
    },
    test: ({ input }, { instruction, language }) =>
      opening(
        input.trim() === ''
          ? given.missingTextIn(instruction, language)
          : given.unseenInputIn(instruction, input),
      ),
  },
  {
    reason: 'answer_in_input',
    of: 'instance',
    why: {
      en: 'The input is the question with its answer; nothing is left to be done.',
      zh: '输入里已经写出了答案，没有什么可做的了。',
    },
    test: (instance, { instruction }) =>
      given.givesAnswerAway(instruction, instance) ? opening(instance.input) : undefined,
  },
  {
    reason: 'wrong_answer_language',
    of: 'instance',
    why: {
      en: 'The answer is in another language than the task, or than the one the task asks for.',
      zh: '答案用的语言和任务不一致，也不是任务要求的语言。',
    },
    test: ({ input, output }, { instruction, language }) =>
      opening(foreignAnswerIn(output, instruction, input, language)),
  },
  {
    reason: 'no_code',
    of: 'instance',
    why: {
      en: 'A function, program or query is asked for, and no line of the answer is code.',
      zh: '要求写函数、程序或查询，答案里却没有一行代码。',
    },
    test: ({ output }, { instruction }) => (lacksCode(instruction, output) ? opening(output) : undefined),
  },
  {
    reason: 'unasked_code',
    of: 'instance',
    why: {
      en: 'A sum is to be done, and the answer is a program instead of the result.',
      zh: '本来是要算出结果，答案却给了一段程序。',
    },
    test: ({ input, output }, { instruction }) => opening(programForSum(instruction, input, output)),
  },
  {
    reason: 'about_input',
    of: 'instance',
    why: {
      en: 'The answer speaks about its input instead of doing the task with it.',
      zh: '答案只是在谈论输入，没有完成任务。',
    },
    test: ({ input, output }, { instruction }) =>
      opening(given.sentenceAboutInput(instruction, input, output)),
  },
  {
    reason: 'cut_off',
    of: 'instance',
    why: {
      en: 'The answer stops in mid-sentence; whoever learns from it learns to stop there too.',
      zh: '答案话没说完就断了，拿它来学，也会学得话说一半。',
    },
    test: ({ output }) => cutOffIn(output),
  },
  // The last ones compare instances, among those that no rule above has removed: a refusal takes no good answer with it.
  {
    reason: 'split_answer',
    of: 'instances',
    why: {
      en: 'A list was asked for, and each instance is one piece of it: none answers the task.',
      zh: '要的是一份清单，却拆成几个实例，每个只答了一项。',
    },
    test: ({ output }, { isSplit }) => (isSplit ? opening(output) : undefined),
  },
  {
    reason: 'same_answer',
    of: 'instances',
    why: {
      en: 'Every input gets the same sentence for an answer; a label may repeat, a sentence was copied.',
      zh: '每个输入的答案都是同一句话：标签可以重复，整句相同就是照搬。',
    },
    test({ output }, { instruction, answersTo, inputsOf }) {
      const inputs = inputsOf.get(answerKey(output)) ?? 0
      const isCopied = inputs >= 3 && inputs === answersTo.size && isSentence(output)
      return isCopied && !instruction.includes(output.trim()) ? opening(output) : undefined
    },
  },
  {
    reason: 'conflicting_outputs',
    of: 'instances',
    why: {
      en: 'The same input has different answers; nobody can tell which is right, so all of them go.',
      zh: '同一个输入有几个不同的答案，分不清哪个对，只好都不要。',
    },
    test({ input }, { answersTo }) {
      const answers = input.trim() === '' ? 1 : (answersTo.get(input.trim())?.size ?? 1)
      return answers > 1
        ? { en: `${answers} different outputs for one input`, zh: `同一输入有 ${answers} 种输出` }
        : undefined
    },
  },
  {
    reason: 'duplicate_instance',
    of: 'instances',
    why: {
      en: 'The same input and output stand there already; the first one stays.',
      zh: '同样的输入和输出前面已经有了，只留第一个。',
    },
    test({ input, output }, { answersTo }, at) {
      const first = answersTo.get(input.trim())?.get(answerKey(output))
      if (first === undefined || first === at) return undefined
      return { en: `same as instance ${first + 1}`, zh: `与第 ${first + 1} 个实例相同` }
    },
  },
]

/** The names in what was typed after `--rules`, each with the minus it may have. */
export function ruleNames(typed: string): string[] {
  return typed.split(/[,，\s]+/).filter((name) => name !== '')
}

/** The reasons that `--rules` leaves: "a,b" these alone, "-a" all but this one. */
export function selectRules(names: string | undefined): ReadonlySet<string> {
  const given = ruleNames(names ?? '')
  const left = new Set(given.filter((name) => !name.startsWith('-')))
  if (left.size === 0) for (const { reason } of rules) left.add(reason)
  for (const name of given) if (name.startsWith('-')) left.delete(name.slice(1))
  return left
}

const all = selectRules(undefined)

export function ruleFor(reason: string): Rule | undefined {
  return rules.find((rule) => rule.reason === reason)
}

/** The first rule an instruction breaks, of those that are `on`. */
export function checkInstruction(
  instruction: string,
  language: Language,
  pool: Neighbours,
  on = all,
): Finding | undefined {
  for (const rule of rules) {
    if (!on.has(rule.reason)) continue
    const found = finding(rule, measureInstruction(rule, instruction, language, pool), language)
    if (found) return found
  }
  return undefined
}

/** What a rule has against an instruction; nothing where it is a rule for instances. */
export function measureInstruction(
  rule: Rule,
  instruction: string,
  language: Language,
  pool: Neighbours,
): Measured {
  if (rule.of === 'instruction') return measured(rule, () => rule.test(instruction, language, pool))
  return rule.of === 'text' ? measured(rule, () => rule.test(instruction, instruction)) : undefined
}

/** The first rule each instance of a task breaks, of those that are `on`, in the order of the instances. */
export function checkInstances(
  instruction: string,
  instances: readonly Instance[],
  language: Language,
  on = all,
): (Finding | undefined)[] {
  const findings = instances.map((): Finding | undefined => undefined)
  let task = { instruction, language, ...compare(instruction, [], []) }
  let left = -1 // how many instances `task` compares
  for (const rule of rules) {
    if (!on.has(rule.reason) || rule.of === 'instruction') continue
    const sound = findings.filter((found) => !found).length
    if (rule.of === 'instances' && left !== sound) {
      task = { ...task, ...compare(instruction, instances, findings) }
      left = sound
    }
    for (const [at, instance] of instances.entries())
      findings[at] ??= finding(rule, measureInstance(rule, instance, task, at), language)
  }
  return findings
}

/** What a rule has against an instance; nothing where it is a rule for instructions. */
export function measureInstance(
  rule: Rule,
  instance: Instance,
  task: Task & Comparison,
  at: number,
): Measured {
  if (rule.of === 'instruction') return undefined
  if (rule.of === 'instance') return measured(rule, () => rule.test(instance, task))
  if (rule.of === 'instances') return measured(rule, () => rule.test(instance, task, at))
  const inText = (text: string): Measured => measured(rule, () => rule.test(text, task.instruction))
  return inText(instance.input) ?? inText(instance.output)
}

function finding(rule: Rule, found: Measured, language: Language): Finding | undefined {
  if (found === undefined) return undefined
  return { reason: rule.reason, detail: typeof found === 'string' ? found : found[language] }
}

// A rule is what people write first of their own, and nobody checks its types before it runs: what it gives back is looked
// at, so that no row is written that cannot be read again.

/** A rule that is written wrongly; says which and how to mend it. */
export class BrokenRule extends Error {
  readonly words: ByLanguage<string>

  constructor(reason: unknown, wrong: ByLanguage<string>) {
    const name = typeof reason === 'string' ? reason : String(JSON.stringify(reason) ?? reason)
    super(`${name}: ${wrong.en}`)
    this.words = {
      en: `The rule "${name}" ${wrong.en} Mend it in steps/text/rules.ts.`,
      zh: `规则“${name}”${wrong.zh}请在 steps/text/rules.ts 中修改。`,
    }
  }
}

/** What a rule found. `null` and `false` mean nothing, as `undefined` does; anything else but text is a mistake. */
function measured({ reason }: Rule, test: () => unknown): Measured {
  let found: unknown
  try {
    found = test()
  } catch (error) {
    const said = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    throw new BrokenRule(reason, { en: `failed: ${said}.`, zh: `运行出错：${said}。` })
  }
  if (found === undefined || found === null || found === false) return undefined
  if (typeof found === 'string' || isWorded(found)) return found
  const got = shownValue(found)
  throw new BrokenRule(reason, {
    en: `gave back ${got}; expected is what it measured, as text, or undefined where it has nothing to object to.`,
    zh: `返回了 ${got}；应返回测得的文字，没有意见时返回 undefined。`,
  })
}

function isWorded(found: unknown): found is ByLanguage<string> {
  if (typeof found !== 'object' || found === null) return false
  const { en, zh } = found as Partial<ByLanguage<unknown>>
  return typeof en === 'string' && typeof zh === 'string'
}

function shownValue(value: unknown): string {
  if (value instanceof Promise) return 'a promise (async)'
  if (typeof value === 'object' || typeof value === 'function') return Array.isArray(value) ? '[…]' : '{…}'
  return String(value)
}

/** Refuses a rule whose parts are not what they must be, before any row meets it. */
export function checkOwnRules(list: readonly Rule[] = rules): void {
  const seen = new Set<unknown>()
  for (const { reason, of, why, test } of list as readonly Partial<Rule>[]) {
    const wrong = wrongPart({ reason, of, why, test }, seen.has(reason))
    if (wrong) throw new BrokenRule(reason, wrong)
    seen.add(reason)
  }
}

function wrongPart(
  { reason, of, why, test }: Partial<Record<keyof Named | 'of' | 'test', unknown>>,
  twice: boolean,
): ByLanguage<string> | undefined {
  if (typeof reason !== 'string' || !/^[a-z][a-z0-9_]*$/.test(reason))
    return {
      en: 'needs a reason: small letters joined by "_", such as about_clouds.',
      zh: '缺少合格的 reason：用小写字母和下划线，例如 about_clouds。',
    }
  if (twice) return { en: 'stands in the list twice.', zh: '在列表中出现了两次。' }
  if (typeof of !== 'string' || !kinds.includes(of))
    return { en: `needs an of: one of ${kinds.join(', ')}.`, zh: `的 of 应为 ${kinds.join('、')} 之一。` }
  if (typeof test !== 'function') return { en: 'needs a test: a function.', zh: '缺少 test 函数。' }
  return isWorded(why)
    ? undefined
    : { en: "needs a why: { en: '…', zh: '…' }.", zh: "缺少 why：{ en: '…', zh: '…' }。" }
}

const kinds: readonly string[] = ['instruction', 'text', 'instance', 'instances'] satisfies Rule['of'][]

/** Puts the instances of a task side by side; those a rule removed count for nothing. */
export function compare(
  instruction: string,
  instances: readonly Instance[],
  findings: readonly (Finding | undefined)[],
): Comparison {
  const left = [...instances.entries()].filter(([at]) => !findings[at])
  const answersTo = new Map<string, Map<string, number>>()
  const inputsOf = new Map<string, number>()
  for (const [at, { input, output }] of left) {
    const answers = answersTo.get(input.trim()) ?? new Map<string, number>()
    const key = answerKey(output)
    answersTo.set(input.trim(), answers)
    if (answers.has(key)) continue
    answers.set(key, at)
    inputsOf.set(key, (inputsOf.get(key) ?? 0) + 1)
  }
  const isSplit = isListInPieces(
    instruction,
    left.map(([, row]) => row),
  )
  return { answersTo, inputsOf, isSplit }
}

function isSentence(text: string): boolean {
  return lengthOf(text, 'zh') >= (/\p{Script=Han}/u.test(text) ? 8 : 5)
}

/** What `near_duplicate` and `already_elsewhere` measured, in words: how near an instruction is to which other. */
export function likeness({ instruction, score }: { instruction: string; score: number }) {
  const shown = score.toFixed(2)
  return { en: `${shown} to: ${instruction}`, zh: `${shown}，相近的是：${instruction}` }
}

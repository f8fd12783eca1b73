// The filter rules: what is not worth keeping, and why. One list, one entry a rule, in the order they are checked;
// steps 1 and 4 use the same list. A rule returns what it measured, or undefined where it has nothing to object to.
import { cutOffIn, loopIn, missingTextIn } from './incomplete.ts'
import { type Language, answerKey, ending, foreignIn, lengthOf, opening } from './language.ts'
import * as look from './patterns.ts'

const minWords = 4 // the paper's code drops 3 words and fewer
const maxWords = 150 // the paper's code drops more
const minCharacters = 5 // ours, for Chinese: five characters say what takes four English words
const maxCharacters = 300 // ours, for Chinese: two characters to an English word

export type Instance = { input: string; output: string }
/** `most_similar`: the neighbour that is too near, its score with four digits, as the row in rejected.jsonl names it. */
export type Finding = {
  reason: string
  detail: string
  most_similar?: { instruction: string; score: number } | undefined
}
/** What is there already; `rival` is the nearest one where that is too near. */
type Neighbours = { rival(instruction: string): { instruction: string; score: number } | undefined }

/** What a rule measured: the same words in both languages, or one wording for each. */
type Measured = string | look.ByLanguage<string> | undefined
/** The task around an instance. `outputs`: per non-rejected input, each different output and where it stands first. */
type Task = {
  instruction: string
  language: Language
  outputs: ReadonlyMap<string, ReadonlyMap<string, number>>
}

export type InstructionRule = {
  reason: string
  of: 'instruction'
  why: look.ByLanguage<string>
  test(instruction: string, language: Language, pool: Neighbours): Measured
}
export type InstanceRule = {
  reason: string
  of: 'instance'
  why: look.ByLanguage<string>
  test(instance: Instance, task: Task, at: number): Measured
}
type Rule = InstructionRule | InstanceRule

export const rules: readonly Rule[] = [
  {
    reason: 'too_short',
    of: 'instruction',
    why: {
      en: 'So few words rarely say what is to be done.',
      zh: '字数太少，很难把要做的事说清楚。',
    },
    test(instruction, language) {
      const size = lengthOf(instruction, language)
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
      const size = lengthOf(instruction, language)
      if (size <= (language === 'zh' ? maxCharacters : maxWords)) return undefined
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
    test: (instruction, language) => look.leadingPunctuation[language].exec(instruction.trimStart())?.[0],
  },
  {
    reason: 'wrong_language',
    of: 'instruction',
    why: {
      en: 'The data set is in one language; a task put in another does not belong to it.',
      zh: '数据集只用一种语言，用别的语言提出的任务不收。',
    },
    test: (instruction, language) => opening(foreignIn(instruction, language)),
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
    test: ({ output }) => (output.trim() === '' ? { en: '0 characters', zh: '0 个字' } : undefined),
  },
  {
    reason: 'output_repeats_input',
    of: 'instance',
    why: {
      en: 'An answer that only says the input again has done nothing with it.',
      zh: '答案只是把输入照抄一遍，什么也没做。',
    },
    test: ({ input, output }) => (input.trim() === output.trim() ? opening(output) : undefined),
  },
  {
    reason: 'ends_with_colon',
    of: 'instance',
    why: {
      en: 'A text that ends with a colon promises something that did not come.',
      zh: '以冒号结尾，说明后面该有的内容没有写出来。',
    },
    test: ({ input, output }) =>
      [input, output]
        .map((text) => text.trim())
        .filter((text) => /[:：]$/.test(text))
        .map(ending)[0],
  },
  {
    reason: 'refusal',
    of: 'instance',
    why: {
      en: 'The model declined, or asked for what it should have been given, instead of answering.',
      zh: '模型没有回答，而是拒绝了，或者反过来向人要材料。',
    },
    test: ({ output }, { instruction }) => opening(look.refusalIn(instruction, output)),
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
      input.trim() === '' ? opening(missingTextIn(instruction, language)) : undefined,
  },
  {
    reason: 'repetition',
    of: 'instance',
    why: {
      en: 'The model has fallen into a loop and says the same phrase over and over.',
      zh: '模型陷入了循环，同一句话翻来覆去地说。',
    },
    test: ({ output }, { instruction }) => opening(loopIn(instruction, output)),
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
  // The last two compare instances, among those that no rule above has removed: a refusal takes no good answer with it.
  {
    reason: 'conflicting_outputs',
    of: 'instance',
    why: {
      en: 'The same input has different answers; nobody can tell which is right, so all of them go.',
      zh: '同一个输入有几个不同的答案，分不清哪个对，只好都不要。',
    },
    test({ input }, { outputs }) {
      const answers = input.trim() === '' ? 1 : (outputs.get(input.trim())?.size ?? 1)
      return answers > 1
        ? { en: `${answers} different outputs for one input`, zh: `同一输入有 ${answers} 种输出` }
        : undefined
    },
  },
  {
    reason: 'duplicate_instance',
    of: 'instance',
    why: {
      en: 'The same input and output stand there already; the first one stays.',
      zh: '同样的输入和输出前面已经有了，只留第一个。',
    },
    test({ input, output }, { outputs }, at) {
      const first = outputs.get(input.trim())?.get(answerKey(output))
      if (first === undefined || first === at) return undefined
      return { en: `same as instance ${first + 1}`, zh: `与第 ${first + 1} 个实例相同` }
    },
  },
]

const instructionRules = rules.filter((rule) => rule.of === 'instruction')
const instanceRules = rules.filter((rule) => rule.of === 'instance')

export function ruleFor(reason: string): Rule | undefined {
  return rules.find((rule) => rule.reason === reason)
}

/** The first rule an instruction breaks. */
export function checkInstruction(
  instruction: string,
  language: Language,
  pool: Neighbours,
): Finding | undefined {
  for (const rule of instructionRules) {
    const found = finding(rule, rule.test(instruction, language, pool), language)
    if (found) return found
  }
  return undefined
}

/** The first rule each instance of a task breaks, in the order of the instances. */
export function checkInstances(
  instruction: string,
  instances: readonly Instance[],
  language: Language,
): (Finding | undefined)[] {
  const findings = instances.map((): Finding | undefined => undefined)
  for (const rule of instanceRules) {
    const task = { instruction, language, outputs: outputsByInput(instances, findings) }
    for (const [at, instance] of instances.entries()) {
      findings[at] ??= finding(rule, rule.test(instance, task, at), language)
    }
  }
  return findings
}

function finding(rule: Rule, measured: Measured, language: Language): Finding | undefined {
  if (measured === undefined) return undefined
  return { reason: rule.reason, detail: typeof measured === 'string' ? measured : measured[language] }
}

/** For each input the answers given to it, and the place of the first instance that gives each; those a rule removed count for nothing. */
export function outputsByInput(instances: readonly Instance[], findings: readonly (Finding | undefined)[]) {
  const outputs = new Map<string, Map<string, number>>()
  for (const [at, { input, output }] of instances.entries()) {
    if (findings[at]) continue
    const answers = outputs.get(input.trim()) ?? new Map<string, number>()
    if (!answers.has(answerKey(output))) answers.set(answerKey(output), at)
    outputs.set(input.trim(), answers)
  }
  return outputs
}

/** What `near_duplicate` and `already_elsewhere` measured, in words: how near an instruction is to which other. */
export function likeness({ instruction, score }: { instruction: string; score: number }) {
  const shown = score.toFixed(2)
  return { en: `${shown} to: ${instruction}`, zh: `${shown}，相近的是：${instruction}` }
}

// The filter rules: what is not worth keeping, and why. One list, one entry a rule, in the order they are checked;
// steps 1 and 4 use the same list. A rule returns what it measured, or undefined where it has nothing to object to.
import { type Rule, conflictOver, firstLike, isCopied, likeness } from './check.ts'
import * as given from './given.ts'
import { cutOffIn, loopIn, unfinishedIn } from './incomplete.ts'
import {
  ending,
  foreignAnswerIn,
  foreignIn,
  lacksCode,
  lengthAbove,
  lengthBelow,
  opening,
  programForSum,
} from './language.ts'
import * as look from './patterns.ts'

// The paper's code drops instructions of 3 words and fewer, and of more than 150. The Chinese limits are ours: five
// characters say what takes four English words, and two make an English word.
const least = { en: 4, zh: 5 }
const most = { en: 150, zh: 300 }

export const rules: readonly Rule[] = [
  {
    reason: 'too_short',
    of: 'instruction',
    why: {
      en: 'So few words rarely say what is to be done.',
      zh: '字数太少，很难把要做的事说清楚。',
    },
    test: (instruction, language) => lengthBelow(instruction, language, least),
  },
  {
    reason: 'too_long',
    of: 'instruction',
    why: {
      en: 'So long an instruction is mostly a text the model ran on with, not a task.',
      zh: '指令太长，多半是模型一路写了下去，已经不是一个任务。',
    },
    test: (instruction, language) => lengthAbove(instruction, language, most),
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
    test: look.brokenIn,
  },
  {
    reason: 'control_token',
    of: 'text',
    why: {
      en: 'A control token of a chat template; a trainer takes it for a real one, in a code span as well.',
      zh: '混入了对话模板的控制标记，训练时会被当成真正的标记，放在代码里也一样。',
    },
    test: look.controlTokenIn,
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
    test: (instruction, language, { traditional }) => opening(foreignIn(instruction, language, traditional)),
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
    test: (instance, { instruction, language }) => look.noAnswerIn(instance, instruction, language),
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
    test: ({ output }, { instruction }) => opening(look.refusalIn(instruction, output)?.refusal),
  },
  {
    reason: 'disclaimer',
    of: 'instance',
    why: {
      en: 'The answer is there, but opens by saying what the model is or cannot do; whoever learns from it learns that as well.',
      zh: '答案是有的，却先声明自己是模型、做不到什么；拿来学，这句套话也会学去。',
    },
    test: ({ output }, { instruction }) => opening(look.refusalIn(instruction, output)?.disclaimer),
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
      look.givesAnswerAway(instruction, instance) ? opening(instance.input) : undefined,
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
      opening(look.sentenceAboutInput(instruction, input, output)),
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
    test: ({ output }, task) => (isCopied(output, task) ? opening(output) : undefined),
  },
  {
    reason: 'conflicting_outputs',
    of: 'instances',
    why: {
      en: 'The same input has different answers; nobody can tell which is right, so all of them go.',
      zh: '同一个输入有几个不同的答案，分不清哪个对，只好都不要。',
    },
    test: ({ input }, task) => conflictOver(input, task),
  },
  {
    reason: 'duplicate_instance',
    of: 'instances',
    why: {
      en: 'The same input and output stand there already; the first one stays.',
      zh: '同样的输入和输出前面已经有了，只留第一个。',
    },
    test: firstLike,
  },
]

/** The names in what was typed after `--rules`, each with the minus it may have. */
export function ruleNames(typed: string): string[] {
  return typed.split(/[,，\s]+/).filter((name) => name !== '')
}

/** The rules that `--rules` leaves, by their reasons: "a,b" these alone, "-a" all but this one. */
export function selectRules(names = ''): ReadonlyMap<string, Rule> {
  const named = ruleNames(names)
  const wanted = named.filter((name) => !name.startsWith('-'))
  const left = rules.filter(
    ({ reason }) => (wanted.length === 0 || wanted.includes(reason)) && !named.includes(`-${reason}`),
  )
  return new Map(left.map((rule) => [rule.reason, rule]))
}

export function ruleFor(reason: string): Rule | undefined {
  return rules.find((rule) => rule.reason === reason)
}

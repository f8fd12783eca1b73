// The reasons in rejected.jsonl, told to people: a short Chinese name beside each identifier, and why the reason exists.
// Rules say themselves why they exist (text/rules.ts); here stand the reasons that are no rules.
import type { Language } from '../text/language.ts'
import { ruleFor } from '../text/rules.ts'
import type { Words } from '../workspace/fault.ts'

const otherWhys: Record<string, Words> = {
  cut: {
    en: 'The reply stopped at the token limit in the middle of this piece; half a task is none.',
    zh: '回复到了 token 上限，正好断在这一条中间；半条任务不能算任务。',
  },
  not_a_row: {
    en: 'This piece of the reply could not be read as a task, or as an input with its output.',
    zh: '回复中的这一段既读不成任务，也读不成“输入加输出”。',
  },
  no_output: {
    en: 'The model wrote an input and no output for it: nothing to learn from.',
    zh: '模型只写了输入，没有写输出，没有东西可学。',
  },
  no_instances: {
    en: 'The reply could be read and held no instance.',
    zh: '回复可以解读，但里面一个实例也没有。',
  },
  too_many_instances: {
    en: 'A task gives a few instances at most, so that no single task fills the data set.',
    zh: '每条任务只取几个实例，免得一条任务占满数据集。',
  },
  unreadable_reply: {
    en: 'No reading fits the reply: neither JSON, nor repaired JSON, nor numbered or labelled text. It was asked for three times.',
    zh: '回复怎么也解读不了：不是 JSON，修不成 JSON，也不是带编号或标签的文本。已经请求了三次。',
  },
  truncated: {
    en: 'The answer did not end within the token limit, nor within twice as much: see --max-tokens.',
    zh: '答案超过了 token 上限，放宽一倍仍没写完：参见 --max-tokens。',
  },
  content_filter: {
    en: "The provider's content filter stopped the request or the reply.",
    zh: '服务商的内容过滤拦下了请求或回复。',
  },
  call_failed: {
    en: 'The call gave no reply in the end. Nothing is decided about the row: in steps 2 to 4 the next run asks again.',
    zh: '请求最终没有得到回复。这一行并没有被否定：第 2 到 4 步下次运行时会再问。',
  },
  not_recorded: {
    en: 'Replies come from a recorded log, and this request is not in it. With a key it would be asked.',
    zh: '回复取自已有的日志，其中没有这次请求。有密钥时会向模型请求。',
  },
  duplicate_row: {
    en: 'The same instruction stands in the file a second time; the first one counts.',
    zh: '同一条指令在文件中又出现了一次，只算第一次。',
  },
  already_elsewhere: {
    en: 'Nearly the same task stands in a file named by --avoid: data you own already, or an evaluation set.',
    zh: '--avoid 指定的文件里已有几乎相同的任务：您已有的数据，或评测集。',
  },
  judge_invalid_instruction: {
    en: 'The judge (--judge) does not take it for a task that makes sense and can be done in text. A model said so: it may be wrong.',
    zh: '评审（--judge）认为指令说不通，或者只用文字无法完成。这是模型的判断，也可能有误。',
  },
  judge_inappropriate_input: {
    en: 'The judge (--judge) finds that the input is not what the instruction speaks of, or not complete. A model said so: it may be wrong.',
    zh: '评审（--judge）认为输入与指令不符，或者不完整。这是模型的判断，也可能有误。',
  },
  judge_incorrect_output: {
    en: 'The judge (--judge) finds that the output is not a correct and complete answer. A model said so: it may be wrong.',
    zh: '评审（--judge）认为输出不是正确、完整的答案。这是模型的判断，也可能有误。',
  },
  beyond_target: {
    en: 'Nothing is wrong with it: the data set already had as many instructions as --num-instructions asked for.',
    zh: '它没有问题，只是数据集已达到 --num-instructions 要求的指令数。',
  },
}

const chineseNames: Record<string, string> = {
  too_short: '太短',
  too_long: '太长',
  blocked_keyword: '含禁用词',
  write_a_program: '编写程序',
  starts_with_punctuation: '标点开头',
  wrong_language: '语言不符',
  near_duplicate: '近似重复',
  empty_output: '输出为空',
  output_repeats_input: '输出照抄输入',
  ends_with_colon: '冒号结尾',
  refusal: '拒绝回答',
  placeholder: '留有空位',
  label_leak: '标签混入',
  missing_given_text: '缺少文本',
  repetition: '循环重复',
  cut_off: '没有写完',
  conflicting_outputs: '输出矛盾',
  duplicate_instance: '实例重复',
  cut: '截断',
  not_a_row: '不成一行',
  no_output: '没有输出',
  no_instances: '没有实例',
  too_many_instances: '实例过多',
  unreadable_reply: '回复无法解读',
  truncated: '超出长度',
  content_filter: '内容过滤',
  call_failed: '请求失败',
  not_recorded: '日志中没有',
  duplicate_row: '重复的行',
  already_elsewhere: '别处已有',
  judge_invalid_instruction: '评审：指令无效',
  judge_inappropriate_input: '评审：输入不当',
  judge_incorrect_output: '评审：输出有误',
  beyond_target: '超出目标',
}

/** The identifier as it stands in rejected.jsonl, in Chinese with its name before it. A rule of one's own has no name. */
export function nameOfReason(reason: string, language: Language): string {
  const name = language === 'zh' && Object.hasOwn(chineseNames, reason) ? chineseNames[reason] : undefined
  return name === undefined ? reason : `${name} ${reason}`
}

/** Why rows are rejected for this reason; undefined where nobody said. */
export function whyReason(reason: string, language: Language): string | undefined {
  return (ruleFor(reason)?.why ?? otherWhys[reason])?.[language]
}

/** The identifier of a reason known by its Chinese name. */
export function reasonNamed(name: string): string | undefined {
  return Object.keys(chineseNames).find((reason) => chineseNames[reason] === name)
}

/** Whether this is a reason rather than a word of an instruction: "cut" and "repetition" are words too. */
export function isReason(word: string): boolean {
  return word.includes('_') && whyReason(word, 'en') !== undefined
}

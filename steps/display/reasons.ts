// The reasons in rejected.jsonl, told to people: a short Chinese name beside each identifier, and why the reason exists.
// Rules say themselves why they exist (text/rules.ts); here stand the reasons that are no rules.
import type { Language } from '../text/language.ts'
import { ruleFor } from '../text/rules.ts'
import type { Words } from '../workspace/fault.ts'

const otherWhys: Record<string, Words> = {
  cut: {
    en: 'The reply stopped at the token limit in the middle of this piece; half a task cannot be used.',
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
    en: 'The reply could be read, but there was no instance in it.',
    zh: '回复可以解读，但里面一个实例也没有。',
  },
  too_many_instances: {
    en: 'A task gives a few instances at most, so that no single task fills the data set.',
    zh: '每条任务只取几个实例，免得一条任务占满数据集。',
  },
  unreadable_reply: {
    en: 'The reply could not be read in any way: not as JSON, not as repaired JSON, not as numbered or labelled text. It was asked for three times.',
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
    en: 'Replies come from a recorded log, and this request is not in it. With a key, and named by --provider, a model would be asked.',
    zh: '回复取自已有的日志，其中没有这次请求。要向模型请求，需要密钥，并用 --provider 指明服务商。',
  },
  duplicate_row: {
    en: 'The same instruction stands in the file a second time; the first one counts.',
    zh: '同一条指令在文件中又出现了一次，只算第一次。',
  },
  copied_demonstration: {
    en: 'It is one of the demonstrations of its own prompt, said again: small models copy what they are shown.',
    zh: '它只是把提示里给看的示范又说了一遍：小模型常常照抄给它看的东西。',
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

/** The names that no rule may have: the steps reject by them. */
export const namesOfSteps: readonly string[] = Object.keys(otherWhys)

const chineseNames: Record<string, string> = {
  too_short: '太短',
  too_long: '太长',
  blocked_keyword: '含禁用词',
  write_a_program: '编写程序',
  starts_with_punctuation: '标点开头',
  wrong_language: '语言不符',
  broken_text: '文本损坏',
  control_token: '控制标记',
  unfinished_instruction: '指令不完整',
  near_duplicate: '近似重复',
  empty_output: '输出为空',
  output_repeats_input: '输出照抄输入',
  repeats_instruction: '照抄指令',
  ends_with_colon: '冒号结尾',
  refusal: '拒绝回答',
  disclaimer: '先作声明',
  placeholder: '留有空位',
  label_leak: '标签混入',
  missing_given_text: '缺少文本',
  answer_in_input: '输入已含答案',
  wrong_answer_language: '答案语言不符',
  no_code: '没有代码',
  unasked_code: '以代码代答',
  about_input: '只谈输入',
  repetition: '循环重复',
  cut_off: '没有写完',
  split_answer: '清单被拆开',
  same_answer: '千篇一律',
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
  copied_demonstration: '照抄示范',
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

const saidBefore = ['near_duplicate', 'already_elsewhere', 'copied_demonstration']

/** What a model's last candidates were lost to, and what helps; undefined where most were known already. */
export function lostTo(reasons: readonly string[], language: Language): string | undefined {
  const known = reasons.filter((reason) => saidBefore.includes(reason)).length
  if (known * 2 >= reasons.length) return undefined
  const counts = new Map<string, number>()
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  const sorted = [...counts].toSorted((a, b) => b[1] - a[1])
  const [commonest = ''] = sorted.map(([reason]) => reason)
  const cure = (Object.hasOwn(cures, commonest) ? cures[commonest] : cureFor(commonest))?.[language] ?? ''
  const named = sorted.map(([reason, count]) => `${count} ${nameOfReason(reason, language)}`)
  return language === 'en'
    ? `nearly all of the model's last candidates were rejected, and not for being known already: ${named.join(', ')}. ${cure}`
    : `模型最近的候选几乎都被淘汰，而且不是因为与已有任务重复：${named.join('，')}。${cure}`
}

const cures: Record<string, Words> = {
  wrong_language: {
    en: 'Take a model that writes the language of the seed tasks, or seed tasks in the language it writes, with --language',
    zh: '请换一个能用种子任务的语言写作的模型，或改用它所写语言的种子任务，并用 --language 指明',
  },
  cut: {
    en: 'The replies end before their first task does: give them more room with --max-tokens',
    zh: '回复还没写完一条任务就断了：请调高 --max-tokens',
  },
  not_a_row: {
    en: 'Little of its replies can be read as tasks: take a larger model',
    zh: '它的回复大多读不成任务：请换大一点的模型',
  },
}

function cureFor(rule: string): Words {
  return {
    en: `If these are good tasks, leave the rule out with --rules -${rule}; if not, try other seed tasks, --topics FILE or a larger model`,
    zh: `如果这些任务其实不错，可用 --rules -${rule} 去掉这条规则；否则请换种子任务、使用 --topics 文件，或换大一点的模型`,
  }
}

/** The identifier of a reason known by its Chinese name. */
export function reasonNamed(name: string): string | undefined {
  return Object.keys(chineseNames).find((reason) => chineseNames[reason] === name)
}

/** Whether this is a reason rather than a word of an instruction: "cut" and "repetition" are words too. */
export function isReason(word: string): boolean {
  return word.includes('_') && whyReason(word, 'en') !== undefined
}

// What network and server put in the way of a request.

/** Attempts that were repeated, by what was wrong with them. */
export type Repeated = Readonly<Record<string, number>>

const troubleNames: Record<string, Record<Language, (count: number) => string>> = {
  refused: { en: (count) => `${count} refused`, zh: (count) => `被限流 ${count}` },
  reset: {
    en: (count) => `${count} ${count === 1 ? 'reset' : 'resets'}`,
    zh: (count) => `连接中断 ${count}`,
  },
  silent: { en: (count) => `${count} without an answer`, zh: (count) => `没有回应 ${count}` },
  failed: {
    en: (count) => `${count} ${count === 1 ? 'fault' : 'faults'} of the server`,
    zh: (count) => `服务器出错 ${count}`,
  },
  denied: { en: (count) => `${count} denied`, zh: (count) => `被拒绝 ${count}` },
}
/** "36 refused, 18 resets". */
export const troubles = (counts: Repeated, language: Language): string =>
  Object.entries(troubleNames)
    .flatMap(([trouble, name]) => (counts[trouble] ? [name[language](counts[trouble])] : []))
    .join(language === 'zh' ? '，' : ', ')

type Sum = { shared: number; lengths: [number, number] }

/** What `why` says. */
const en = {
  looking: 'looking through the files …',
  kept: (rows: number, file: string) => `kept: ${rows} ${rows === 1 ? 'row' : 'rows'} in ${file}`,
  rejected: (step: number, reason: string) => `rejected in step ${step}: ${reason}`,
  waiting: (file: string, next: string) => `so far in ${file}; next: ${next}`,
  writtenIn: (call: string) => `Written in request ${call}, which showed these tasks:`,
  writtenAgain: (call: string) => `Written again in request ${call}.`,
  machineMade: '(machine-made)',
  reply: (characters: string, where: string) => `The reply, ${characters} characters, whole in ${where}:`,
  noReply: (where: string) => `There was no reply; the request is in ${where}.`,
  noCall: 'This row names no call: it was written or changed by hand, or comes from another run.',
  callMissing: (call: string, file: string) =>
    `Its request ${call} is not in ${file}, so prompt and reply cannot be shown.`,
  nearest: (score: string) =>
    `Nearest neighbour in the pool at that time: ROUGE-L ${score}. Shared words, in order, in brackets:`,
  limit: (score: string) =>
    `ROUGE-L ${score} with a task that was there already. Shared words, in order, in brackets:`,
  its: 'this',
  neighbours: 'that',
  changedByHand: (call: string) =>
    `This row was changed by hand: the reply of request ${call}, which it names, does not contain it.`,
  sum: ({ shared, lengths: [m, n] }: Sum, score: string) =>
    `ROUGE-L = 2 × ${shared} shared / (${m} + ${n} words) = ${score}`,
  seed: 'a seed task: a person wrote it',
  shownIn: (requests: readonly number[], all: number) =>
    `Shown to the model in ${requests.length === 1 ? 'request' : 'requests'} ${requests.join(', ')} of ${all}. What it wrote there, and was new:`,
  notShown: (all: number) =>
    `Not shown in any of the ${all} requests of this run: seed tasks are dealt like cards, and the run ended before its turn.`,
  noneCame: 'nothing',
  nearestToSeed: (score: string) => `(ROUGE-L ${score} with this seed task)`,
  accepted: (similarity: string) => `Not above ${similarity}: accepted into the pool.`,
  judged: (label: boolean, among: number) =>
    `${label ? 'A classification task' : 'Not a classification task'}${among > 0 ? `, asked together with ${among} other tasks` : ''}.`,
  outputFirst: 'Asked output-first, as a classification task: a label, then an input that has it.',
  inputFirst: 'Asked input-first: an input, then the output for it.',
  instances: (count: number) => (count === 1 ? '1 instance:' : `${count} instances:`),
  measured: 'measured: ',
  detail: 'detail: ',
  whyItExists: 'why the rule exists: ',
  meaning: 'what it means: ',
  elsewhere: 'It is in no earlier file: it comes from another run (--merge), or was written by hand.',
  others: 'Also matching:',
  more: 'More candidates match: add a word, or give an id.',
  ask: (command: string) => `One of them in full: ${command}`,
  nothing: (words: string) => `No candidate of this run has all of these words in it: ${words}`,
  nothingById: (id: string) => `No candidate of this run has the id ${id}.`,
  try: 'Fewer or shorter words find more; part of a word is enough. The candidates are in 1-instructions.jsonl, those that did not make it in rejected.jsonl.',
  notExplained: 'The rule that gives this reason does not say why it exists.',
  allRejected: 'Rejected for it in this run, with what was measured:',
  someRejected: 'Some of those rejected for it in this run, with what was measured:',
  noneRejected: 'Nothing was rejected for this reason in this run.',
  noInstruction: '(no instruction could be read)',
  state: { kept: 'kept', waiting: 'not decided yet' },
}

export type WhyWords = typeof en

const zh: WhyWords = {
  looking: '正在查找……',
  kept: (rows, file) => `保留：${file} 中有 ${rows} 行`,
  rejected: (step, reason) => `在第 ${step} 步淘汰：${reason}`,
  waiting: (file, next) => `目前在 ${file} 中；下一步：${next}`,
  writtenIn: (call) => `来自请求 ${call}，当时给模型看的任务是：`,
  writtenAgain: (call) => `在请求 ${call} 中又写了一遍。`,
  machineMade: '（机器生成）',
  reply: (characters, where) => `回复共 ${characters} 个字符，全文见 ${where}：`,
  noReply: (where) => `没有得到回复；请求见 ${where}。`,
  noCall: '这一行没有对应的调用：它是手工写的或改过的，或者来自另一次运行。',
  callMissing: (call, file) => `${file} 中没有请求 ${call}，无法显示提示词和回复。`,
  nearest: (score) => `写出时任务池中与它最相近的：ROUGE-L ${score}。方括号内是两条按顺序相同的字：`,
  limit: (score) => `与已有任务的 ROUGE-L 为 ${score}。方括号内是两条按顺序相同的字：`,
  its: '本条',
  neighbours: '那条',
  changedByHand: (call) => `这一行被手工改过：它所注明的请求 ${call} 的回复中没有这句话。`,
  sum: ({ shared, lengths: [m, n] }, score) =>
    `ROUGE-L = 2 × ${shared} 个相同的字 / (${m} + ${n} 个字) = ${score}`,
  seed: '种子任务：由人编写',
  shownIn: (requests, all) =>
    `共 ${all} 次请求，其中第 ${requests.join('、')} 次给模型看过它。模型在那里写出的新任务：`,
  notShown: (all) =>
    `这次运行的 ${all} 次请求都没有给模型看它：种子任务像发牌一样轮流给出，还没轮到它就结束了。`,
  noneCame: '没有',
  nearestToSeed: (score) => `（与这条种子任务的 ROUGE-L 为 ${score}）`,
  accepted: (similarity) => `不高于 ${similarity}：收入任务池。`,
  judged: (label, among) =>
    `${label ? '是' : '不是'}分类任务${among > 0 ? `；同一请求中还问了另外 ${among} 条任务` : ''}。`,
  outputFirst: '作为分类任务，先输出后输入：先写类别，再写属于该类别的输入。',
  inputFirst: '先输入后输出：先写输入，再写对应的输出。',
  instances: (count) => `${count} 个实例：`,
  measured: '测得：',
  detail: '说明：',
  whyItExists: '为什么有这条规则：',
  meaning: '含义：',
  elsewhere: '前面的文件中都没有它：它来自另一次运行（--merge），或是手工写入的。',
  others: '其他符合的候选：',
  more: '还有更多符合的：请再加一个词，或直接给出 id。',
  ask: (command) => `查看其中一条的全部经过：${command}`,
  nothing: (words) => `本次运行的候选中，没有一条同时含有这些词：${words}`,
  nothingById: (id) => `本次运行中没有 id 为 ${id} 的候选。`,
  try: '少写几个词、写短一些就能找到更多，只写词的一部分也行。候选都在 1-instructions.jsonl 中，没有入选的在 rejected.jsonl 中。',
  notExplained: '给出这个原因的规则没有说明它为什么存在。',
  allRejected: '本次运行中因此淘汰的候选，以及测得的结果：',
  someRejected: '本次运行中因此淘汰的部分候选，以及测得的结果：',
  noneRejected: '本次运行中没有因此淘汰的候选。',
  noInstruction: '（没有读出指令）',
  state: { kept: '保留', waiting: '尚无结论' },
}

export const whyWords: Record<Language, WhyWords> = { en, zh }

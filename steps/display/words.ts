// What the screen says, in both languages.
import type { Language } from '../text/language.ts'
import type { Step } from '../workspace/folder.ts'
import type { Contribution, Judgement } from '../workspace/records.ts'
import { type Repeated, lostTo, nameOfReason, troubles } from './reasons.ts'

/** Rows of a file that were not taken: without an answer, of several turns, and such as cannot be read. */
type LeftOut = { unanswered: number; turns: number; bad: number }

/** Step headings carry both languages: half a class reads one, half the other. */
export const headings: Record<Step, string> = {
  generate: '1 · Generate instructions 生成指令',
  classify: '2 · Classify instructions 判断分类任务',
  instances: '3 · Generate instances 生成实例',
  filter: '4 · Filter and de-duplicate 过滤去重',
}

/** A whole number with its thousands apart. (Intl would say the same, and takes 10 ms to load.) */
export const number = (value: number): string => String(value).replace(/\B(?=(?:\d{3})+$)/g, ',')
const money = (value: number | undefined): string =>
  value === undefined ? '$?' : `$${value.toFixed(value < 1 ? 4 : 2)}`

/** Labels asked for, and how many were right. */
export type Marks = { asked: number; right: number }

type Cost = { calls: number; tokens: number; cached: number; dollars: number | undefined; fresh: number }

/** Where a step is: rows done of all, rows a second, tokens and dollars of the whole command so far. */
export type Progress = {
  done: number
  all?: number | undefined
  rate?: number | undefined
  tokens: number
  tokenRate?: number | undefined
  dollars: number | undefined
}

const stepNames: Record<Step, string> = {
  generate: '生成指令',
  classify: '判断分类任务',
  instances: '生成实例',
  filter: '过滤去重',
}

const shortNumber = (value: number): string =>
  value < 1000 ? String(Number(value.toPrecision(2))) : number(Number(value.toPrecision(2)))

const units: Record<Language, [second: string, minute: string, hour: string]> = {
  en: [' s', ' min', ' h'],
  zh: [' 秒', ' 分钟', ' 小时'],
}

/** Seconds as people say them: "40 s", "12 min", "3.5 h". */
export function duration(seconds: number, language: Language): string {
  const [second, minute, hour] = units[language]
  if (seconds < 90) return `${Math.ceil(seconds)}${second}`
  if (seconds < 5400) return `${Math.round(seconds / 60)}${minute}`
  return `${(seconds / 3600).toFixed(1)}${hour}`
}

const sumOf = (counts: readonly [string, number][]): number =>
  counts.reduce((sum, [, count]) => sum + count, 0)
/** "1 row", "2 rows". */
export const counted = (count: number, what: string): string =>
  `${number(count)} ${what}${count === 1 ? '' : 's'}`
/** "3 without an answer, 2 of several turns"; what there is none of goes without saying. */
const leftOut = (parts: readonly [count: number, what: string][]): string =>
  parts
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${number(count)} ${what}`)
    .join(', ')

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`

const en = {
  nobody: 'no model is asked',
  offline: 'offline: a stand-in for the lesson, not a model; its rows are no training data',
  replaying: (model: string, day: string) => `no key: replaying ${model}'s replies of ${day}`,
  asking: (provider: string, model: string, key: string) =>
    `${provider} · ${model} · ${key ? `key from ${key}` : 'no key'}`,
  expected: (calls: number, dollars: number | undefined) =>
    `about ${number(calls)} requests${dollars === 0 ? '' : `, ${dollars === undefined ? 'price not known' : money(dollars)}`}`,
  wordingIgnored: 'a changed prompt has no effect on the stand-in',
  plan: (target: number, seeds: number) =>
    `${Number.isFinite(target) ? `${number(target)} instructions` : 'all instructions'} from ${number(seeds)} seed tasks`,
  carried: (settings: string) => `as in the last whole run: ${settings}`,
  notTaken: (settings: string) =>
    `not taken from run.json: ${settings}. It leads out of the data folder, and was not given on this machine; if you want it, give it yourself`,
  givenAgain: (settings: string) => `with the settings of that run: ${settings}`,
  round: (round: number) => `Round ${round}`,
  generate: (novel: number, parsed: number) =>
    `${number(novel)} new instructions of ${number(parsed)} candidates`,
  classify: (tasks: number, all: number) => `${number(tasks)} of ${number(all)} are classification tasks (✓)`,
  instances: (instances: number, rows: number) =>
    `${number(instances)} instances for ${number(rows)} instructions`,
  colon: ': ',
  comma: ', ',
  rejected: (reason: string, count: number, all: number | undefined) =>
    `${all === undefined ? '' : `rejected ${number(all)} ${all === 1 ? 'row' : 'rows'}: `}${number(count)} ${reason}`,
  keptUnit: (count: number): string => (count === 1 ? ' instruction' : ' instructions'),
  otherReasons: (others: readonly [string, number][]) =>
    `${number(sumOf(others))} for ${others.length} other reasons`,
  cost: ({ calls, tokens, cached, dollars, fresh }: Cost) =>
    `${fresh < calls ? `${number(fresh)} new ${fresh === 1 ? 'call' : 'calls'}, ${number(calls - fresh)} from the log` : `${number(calls)} calls`}${tokens > 0 ? `, ${number(tokens)} tokens` : ''}${cached > 0 ? ` (${number(cached)} cached)` : ''}${dollars === 0 ? '' : `, ${money(dollars)}`}`,
  funnel: {
    asked: 'asked',
    parsed: 'parsed',
    novel: 'novel',
    with_instances: 'with instances',
    kept: 'kept',
  },
  agreement: (same: number, all: number) => `seed labels: ${same} of ${all} agree`,
  unsureOfLabels: (yes: Marks, no: Marks) =>
    `asked one by one too, this model labels ${yes.right} of ${yes.asked} classification tasks among the seeds rightly, and ${no.right} of ${no.asked} others: look at 2-classified.jsonl; a wrong label only means that step 3 asks in the other order`,
  judged: ({ rows, ...shares }: Judgement, offline: boolean) =>
    `the judge on ${number(rows)} rows: valid instruction ${percent(shares.instruction_valid)}, appropriate input ${percent(shares.input_appropriate)}, correct output ${percent(shares.output_correct)}, all three ${percent(shares.all)} ${offline ? "(the stand-in's, set by hand: they say nothing about models)" : "(people on the paper's rows: 92, 79, 58, 54 %)"}`,
  fewForOpenai: (rows: number, least: number) =>
    `fine-tuning at OpenAI needs at least ${least} examples; here are ${rows}`,
  fewTasks: (share: string) =>
    `only ${share} classification tasks; the paper had 22 %: do the seed tasks show any?`,
  manyTasks: (share: string) =>
    `${share} classification tasks; the paper had 22 %: can the model's answers be trusted?`,
  ranDry:
    'the model has run dry: of its last candidates fewer than 5 % were new. Try --topics FILE, more seed tasks, a higher --temperature, or --merge with other runs',
  onlyCopies:
    'this model says again what it is shown: most of its first tasks are those of its prompt. Take a larger model, or try a higher --temperature or --topics FILE',
  lost: (reasons: readonly string[]) => lostTo(reasons, 'en'),
  bankEmpty: 'the stand-in knows no more tasks: its bank is used up. More need a real model',
  ineffective: (options: string) => `${options}: no effect here`,
  total: ({ paid, unanswered, ...cost }: Cost & { paid: number | undefined; unanswered: number }) =>
    `in all ${en.cost(cost)}${cost.fresh === 0 ? '' : `; paid in this run: ${money(paid)}`}${unanswered > 0 ? `, at most ${money(unanswered)} more for attempts without an answer` : ''}`,
  repeated: (counts: Repeated, waited?: number) =>
    `${number(sumOf(Object.entries(counts)))} ${sumOf(Object.entries(counts)) === 1 ? 'attempt' : 'attempts'} repeated (${troubles(counts, 'en')})${waited === undefined ? '' : `, ${duration(waited, 'en')} waited`}`,
  dryRun: 'dry run: nothing is asked, nothing is written',
  forecast: (calls: number, prompt: number, reply: number, dollars: number | undefined, logged: number) =>
    `about ${number(calls)} calls, ${number(prompt)} prompt and ${number(reply)} reply tokens${dollars === 0 && calls > 0 ? '' : `, ${dollars === undefined ? 'price not known (--price)' : money(dollars)}`}${logged > 0 ? `; ${number(logged)} more are in the log` : ''}`,
  dryTotal: 'All steps',
  asksNothing: 'asks nothing',
  overBudget: (budget: number) => `more than the budget of $${budget}: the run would end early`,
  pasting: (model: string) => `paste · ${model} · you carry each prompt to a chat window, and its reply back`,
  prompts: (count: number) => `about ${number(count)} prompts`,
  askModel: 'which model answers in that chat window? (its name, kept with the rows; Enter for "paste"): ',
  nearestAmongSeeds: 'the pool is past 100,000: most_similar is looked for among the seed tasks only',
  contributed: ({ name, rows, instructions, duplicates, shared }: Contribution) =>
    `${name}: ${counted(rows, 'row')}; ${number(duplicates)} of its ${number(instructions)} instructions nearly the same as in another file${shared > 0 ? `, ${number(shared)} that others had too` : ''}`,
  withoutRows: (names: string) => `without step 3, so left out: ${names}`,
  madeBy: (who: string) => `the merged rows were made by ${who}`,
  standInMerged: (names: string) =>
    `rows of the stand-in are among them (${names}): written for the lesson, they are no training data`,
  leftOut: (file: string, { unanswered, turns, bad }: LeftOut) =>
    `${file}: left out ${leftOut([
      [unanswered, 'without an answer'],
      [turns, 'of several turns'],
      [bad, 'that cannot be read'],
    ])}`,
  mergedBeyond: 'more rows than the target: --num-instructions all keeps those of every file',
  nothingToExport: 'the data set is empty: no export is written',
  noSplit: '--split: a single instruction cannot be divided; there is no test part',
  trainingConfig: 'for LLaMA-Factory, in the training config (best with the template of your model):',
  retired: (file: string, edited: string | undefined) =>
    `${file} was made from an earlier data set or split and is gone; name it with --export to have it anew${edited === undefined ? '' : `. It was edited by hand; the edited version is kept as ${edited}`}`,
  edited: (file: string) => `this file was edited by hand; the edited version is kept as ${file}`,
  notByBatch:
    'not by batch: the prompts of step 1 are made of its replies, so it would take a dozen batches, one after another; it is about a sixth of the cost',
  batchMade: (id: string, requests: number) =>
    `${id}: ${number(requests)} requests at half price, answered within 24 hours. Ctrl-C or switching off does no harm: the same command goes on`,
  batchFound: (id: string, requests: number) =>
    `${id}: ${number(requests)} requests, under way since an earlier run; going on with it`,
  batchEnded: (id: string, requests: number, failed: number) =>
    `${id}: ${number(requests - failed)} replies${failed > 0 ? `; ${number(failed)} requests without one are sent again` : ''}`,
  batchWaiting: (requests: number) =>
    `${number(requests)} requests wait for the next batch: together with these they might exceed the budget, at maximum cost`,
  batchLeft: (requests: number) =>
    `${number(requests)} requests go by normal API calls, at the full price: repairs, and what batches did not bring`,
  batchForgotten: (ids: string) =>
    `under way since an earlier run: ${ids}. With --batch its replies are fetched; without, the same requests are paid again`,
  batchProgress: (step: Step, done: number, all: number) =>
    `${step} · batch ${number(done)}/${number(all)} · Ctrl-C does no harm`,
  partial: (done: number, all: number, hint: string) =>
    `${number(done)} of ${number(all)};${hint} the same command goes on`,
  filterThese: (command: string) => ` \`${command}\` makes a data set of these now;`,
  interrupted: 'interrupted: waiting for the replies under way (Ctrl-C again: at once)',
  stopped: 'interrupted; run the same command to go on',
  next: (command: string) => `next: ${command}`,
  done: (rows: number, kept: number, file: string) =>
    `${counted(rows, 'row')} from ${counted(kept, 'instruction')} in ${file}`,
  someWords: 'WORDS',
  askWhy: (command: string) => `ask why: ${command}`,
  behind: (command: string) =>
    `an earlier file was changed since then; to take the change over, run: ${command}`,
  loop: ({ task, writtenIn, shownIn }: { task: string; writtenIn: number; shownIn: number }) =>
    `the loop: request ${shownIn} showed a task the machine wrote in request ${writtenIn}: “${task}”`,
  tryStricter: (command: string) => `change a row and run a step again, or be stricter: ${command}`,
  tryPapers: (command: string) =>
    `change a row and run a step again, or go back to the paper’s threshold: ${command}`,
  page: (file: string) => `page: ${file}`,
  report: (file: string) => `${file}: open it in a browser`,
  reportLater: (rows: number, command: string) =>
    `${number(rows)} rows: the report page is drawn by ${command}`,
  belowTarget: (kept: number, target: number) => `${number(kept)} of ${number(target)} instructions`,
  nothingSurvives: (commonest: readonly [reason: string, count: number] | undefined) =>
    `a whole round added nothing to the data set: ${commonest ? `the commonest reason in rejected.jsonl is ${commonest[0]}, ${number(commonest[1])} rows` : 'see rejected.jsonl for the reasons'}`,
  replayingFile: (model: string, day: string) => `replaying ${model}'s replies of ${day} from a log`,
  noReplyYet: (step: Step, seconds: number) => `${step} · no reply yet, ${duration(seconds, 'en')}`,
  progress: (step: Step, { done, all, rate, tokens, tokenRate, dollars }: Progress) =>
    [
      `${step} ${number(done)}${all === undefined ? '' : `/${number(all)}`}`,
      ...(rate === undefined ? [] : [`${shortNumber(rate)}/s`]),
      `${number(tokens)} tokens`,
      ...(tokenRate === undefined ? [] : [`${shortNumber(tokenRate)} tokens/s`]),
      ...(dollars === 0 ? [] : [money(dollars)]),
      ...(rate === undefined || all === undefined ? [] : [`${duration((all - done) / rate, 'en')} left`]),
    ].join(' · '),
}

export type ScreenWords = typeof en

const zh: ScreenWords = {
  nobody: '不请求任何模型',
  offline: '离线：课堂用的替身，不是模型；它的数据不能用于训练',
  replaying: (model, day) => `没有密钥：重放 ${model} 在 ${day} 的回复`,
  asking: (provider, model, key) => `${provider} · ${model} · ${key ? `密钥来自 ${key}` : '无密钥'}`,
  expected: (calls, dollars) =>
    `预计约 ${number(calls)} 次请求${dollars === 0 ? '' : `，${dollars === undefined ? '价格未知' : money(dollars)}`}`,
  wordingIgnored: '改提示词对替身不起作用',
  plan: (target, seeds) =>
    `从 ${number(seeds)} 个种子任务生成${Number.isFinite(target) ? ` ${number(target)} 条` : '全部'}指令`,
  carried: (settings) => `沿用上次完整运行的设置：${settings}`,
  notTaken: (settings) =>
    `run.json 中的这些设置没有采用：${settings}。它们指向数据文件夹之外，也不是在本机上给出的；确实需要，请自己写在命令里`,
  givenAgain: (settings) => `沿用那次运行的设置：${settings}`,
  round: (round) => `第 ${round} 轮`,
  generate: (novel, parsed) => `${number(parsed)} 条候选中有 ${number(novel)} 条新指令`,
  classify: (tasks, all) => `${number(all)} 条指令中有 ${number(tasks)} 条分类任务（✓）`,
  instances: (instances, rows) => `为 ${number(rows)} 条指令生成了 ${number(instances)} 个实例`,
  colon: '：',
  comma: '，',
  rejected: (reason, count, all) =>
    `${all === undefined ? '' : `淘汰 ${number(all)} 行：`}${nameOfReason(reason, 'zh')} ${number(count)}`,
  keptUnit: () => ' 条',
  otherReasons: (others) => `另外 ${others.length} 种原因 ${number(sumOf(others))}`,
  cost: ({ calls, tokens, cached, dollars, fresh }) =>
    `${fresh < calls ? `新问 ${number(fresh)} 次，另有 ${number(calls - fresh)} 次取自日志` : `${number(calls)} 次调用`}${tokens > 0 ? `，${number(tokens)} 个 token` : ''}${cached > 0 ? `（${number(cached)} 个命中缓存）` : ''}${dollars === 0 ? '' : `，${money(dollars)}`}`,
  funnel: { asked: '要了', parsed: '读出', novel: '不重复', with_instances: '有实例', kept: '保留' },
  agreement: (same, all) => `${all} 个种子任务中有 ${same} 个判断与人工标注一致`,
  unsureOfLabels: (yes, no) =>
    `逐条询问之后，种子任务中的 ${yes.asked} 条分类任务它判断对了 ${yes.right} 条，另外 ${no.asked} 条判断对了 ${no.right} 条：请看看 2-classified.jsonl。判断错了，只是第 3 步换了先后顺序来问`,
  judged: ({ rows, ...shares }, offline) =>
    `评审了 ${number(rows)} 行：指令有效 ${percent(shares.instruction_valid)}，输入合适 ${percent(shares.input_appropriate)}，输出正确 ${percent(shares.output_correct)}，三项都对 ${percent(shares.all)}${offline ? '（替身的评审是事先设定的，不能说明任何模型）' : '（论文数据经人工评审为 92、79、58、54 %）'}`,
  fewForOpenai: (rows, least) => `OpenAI 微调至少需要 ${least} 个示例，这里只有 ${rows} 个`,
  fewTasks: (share) => `分类任务只占 ${share}（论文为 22 %）：种子任务里有分类任务吗？`,
  manyTasks: (share) => `分类任务占 ${share}（论文为 22 %）：模型的判断可信吗？`,
  ranDry:
    '模型已经写不出新东西：最近的候选中新指令不足 5 %。可以试试 --topics 文件、增加种子任务、提高 --temperature，或用 --merge 合并其他运行',
  onlyCopies:
    '这个模型只是把给它看的任务再说一遍：前几次回复大多照抄提示词。请换大一点的模型，或调高 --temperature、使用 --topics 文件',
  lost: (reasons) => lostTo(reasons, 'zh'),
  bankEmpty: '替身的题库已经用完；要更多指令需要真正的模型',
  ineffective: (options) => `${options}：在这里不起作用`,
  total: ({ paid, unanswered, ...cost }) =>
    `合计 ${zh.cost(cost)}${cost.fresh === 0 ? '' : `；本次运行花费 ${money(paid)}`}${unanswered > 0 ? `，另有未得到回复的请求，最多 ${money(unanswered)}` : ''}`,
  repeated: (counts, waited) =>
    `重试 ${number(sumOf(Object.entries(counts)))} 次（${troubles(counts, 'zh')}）${waited === undefined ? '' : `，共等待 ${duration(waited, 'zh')}`}`,
  dryRun: '试运行：不发送任何请求，不写入任何文件',
  forecast: (calls, prompt, reply, dollars, logged) =>
    `预计约 ${number(calls)} 次调用，提示词 ${number(prompt)} 个 token，回复 ${number(reply)} 个 token${dollars === 0 && calls > 0 ? '' : `，${dollars === undefined ? '价格未知（可用 --price 指定）' : money(dollars)}`}${logged > 0 ? `；另有 ${number(logged)} 次已在日志中` : ''}`,
  dryTotal: '全部步骤',
  asksNothing: '不需要请求模型',
  overBudget: (budget) => `超出预算 $${budget}：运行会提前停止`,
  pasting: (model) => `paste · ${model} · 请把每个提示词复制到聊天窗口，再把回复粘贴回来`,
  prompts: (count) => `大约 ${number(count)} 个提示词`,
  askModel: '聊天窗口里是哪个模型？（名称会随数据保存；直接回车则记为 paste）：',
  nearestAmongSeeds: '任务池已超过 100,000 条：most_similar 只在种子任务中查找',
  contributed: ({ name, rows, instructions, duplicates, shared }) =>
    `${name}：${number(rows)} 行；${number(instructions)} 条指令中有 ${number(duplicates)} 条与其他文件中的近似重复${shared > 0 ? `，${number(shared)} 条别人也有` : ''}`,
  withoutRows: (names) => `没有第 3 步的结果，未收入：${names}`,
  madeBy: (who) => `合并进来的数据出自 ${who}`,
  standInMerged: (names) => `其中有替身的数据（${names}）：为课堂编写，不能用于训练`,
  leftOut: (file, { unanswered, turns, bad }) =>
    `${file}：未收入的有${leftOut([
      [unanswered, '条没有答案'],
      [turns, '条是多轮对话'],
      [bad, '条无法读取'],
    ])}`,
  mergedBeyond: '超出目标数目的数据未收入：--num-instructions all 会保留每个文件的全部数据',
  nothingToExport: '数据集是空的：没有写出任何导出文件',
  noSplit: '--split：只有一条指令，无法划分，没有测试集',
  trainingConfig: '用于 LLaMA-Factory，请写入训练配置（template 最好换成您的模型所用的模板）：',
  retired: (file, edited) =>
    `${file} 来自之前的数据集或划分，已删除；需要时请用 --export 重新导出${edited === undefined ? '' : `。该文件曾被手工修改，修改后的版本已保留为 ${edited}`}`,
  edited: (file) => `该文件被手工修改过；修改后的版本已保留为 ${file}`,
  notByBatch: '不走批处理：第 1 步的提示词由前面的回复组成，要一批接一批地等；这一步约占总费用的六分之一',
  batchMade: (id, requests) =>
    `${id}：${number(requests)} 次请求，半价，24 小时内得到回复。按 Ctrl-C 或关机都不要紧：重新运行同一命令即可继续`,
  batchFound: (id, requests) => `${id}：${number(requests)} 次请求，上次运行时已提交，现在继续等待`,
  batchEnded: (id, requests, failed) =>
    `${id}：收到 ${number(requests - failed)} 个回复${failed > 0 ? `；${number(failed)} 次请求没有回复，将再次发送` : ''}`,
  batchWaiting: (requests) =>
    `${number(requests)} 次请求要等下一批：按最高费用计算，与这一批一起可能超出预算`,
  batchLeft: (requests) =>
    `${number(requests)} 次请求改用普通 API 调用，按原价计费：补救性的，以及批处理没有答复的`,
  batchForgotten: (ids) =>
    `上次运行提交的批处理 ${ids} 还没有取回。加上 --batch 就会取回其回复；不加则同样的请求会再付一次费`,
  batchProgress: (step, done, all) =>
    `${stepNames[step]} · 批处理 ${number(done)}/${number(all)} · 按 Ctrl-C 不要紧`,
  partial: (done, all, hint) => `已完成 ${number(done)} / ${number(all)}；${hint}重新运行同一命令即可继续`,
  filterThese: (command) => `现在运行 \`${command}\` 即可用这些生成数据集；`,
  interrupted: '已中断：正在等待进行中的回复（再按一次 Ctrl-C 立即退出）',
  stopped: '已中断；重新运行同一命令即可继续',
  next: (command) => `下一步：${command}`,
  done: (rows, kept, file) => `${number(kept)} 条指令共 ${number(rows)} 行，保存在 ${file}`,
  someWords: '词语',
  askWhy: (command) => `想知道原因：${command}`,
  behind: (command) => `前面的文件改过之后还没有往下运行，改动尚未生效；请运行：${command}`,
  loop: ({ task, writtenIn, shownIn }) =>
    `自我循环：第 ${shownIn} 次请求给它看了它在第 ${writtenIn} 次自己写的任务：“${task}”`,
  tryStricter: (command) => `可以改一行再重跑某一步，也可以调严过滤：${command}`,
  tryPapers: (command) => `可以改一行再重跑某一步，也可以回到论文的阈值：${command}`,
  page: (file) => `网页：${file}`,
  report: (file) => `${file}：可在浏览器中打开`,
  reportLater: (rows, command) => `共 ${number(rows)} 行：报告页请用 ${command} 生成`,
  belowTarget: (kept, target) => `${number(kept)} / ${number(target)} 条指令`,
  nothingSurvives: (commonest) =>
    `整整一轮没有为数据集增加任何内容：${commonest ? `rejected.jsonl 中最多的原因是 ${nameOfReason(commonest[0], 'zh')}，共 ${number(commonest[1])} 行` : '原因见 rejected.jsonl'}`,
  replayingFile: (model, day) => `重放日志中 ${model} 在 ${day} 的回复`,
  noReplyYet: (step, seconds) => `${stepNames[step]} · 还没有收到回复，已等 ${duration(seconds, 'zh')}`,
  progress: (step, { done, all, rate, tokens, tokenRate, dollars }) =>
    [
      `${stepNames[step]} ${number(done)}${all === undefined ? '' : `/${number(all)}`}`,
      ...(rate === undefined ? [] : [`每秒 ${shortNumber(rate)}`]),
      `${number(tokens)} 个 token`,
      ...(tokenRate === undefined ? [] : [`每秒 ${shortNumber(tokenRate)} 个 token`]),
      ...(dollars === 0 ? [] : [money(dollars)]),
      ...(rate === undefined || all === undefined ? [] : [`还需约 ${duration((all - done) / rate, 'zh')}`]),
    ].join(' · '),
}

export const screenWords: Record<Language, ScreenWords> = { en, zh }

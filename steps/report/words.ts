// What the report page says, in both languages; numbers of the paper stand where they are drawn.
import { counted, number } from '../display/words.ts'
import type { Language } from '../text/language.ts'

const en = {
  title: 'Self-Instruct: what this run made',
  made: (rows: number, kept: number, asked: string | undefined) =>
    `${counted(rows, 'row')} from ${counted(kept, 'instruction')}${asked === undefined ? '.' : `; ${asked} were asked for.`}`,
  standIn: 'the stand-in (no model)',
  unknownMaker: 'unknown',
  settings: {
    madeBy: 'made by',
    target: 'target',
    language: 'language of the data',
    similarity: 'similarity',
    temperature: 'temperature',
    seed: 'seed',
  },
  all: 'all',
  thisRun: 'this run',
  /** By the language of the data. */
  unit: { en: 'words', zh: 'characters' },
  offline: 'The stand-in’s answers are written by hand: this run says nothing about models.',
  offlineAmong:
    'Some of these rows come from the stand-in of the lesson, written by hand: they are no training data, and the figures say nothing about a model.',
  contributions: {
    title: 'Who gave what',
    about: 'A row that several had counts for all of them.',
    titles: ['instructions', 'rows in the set', 'others had too', 'made by'],
  },
  contents: 'On this page',
  funnel: {
    title: 'Where did they go?',
    about: 'Instructions at each stage; an instruction may have several rows. Each reason opens its rows.',
    stages: {
      asked: 'asked for',
      parsed: 'read from replies',
      novel: 'novel',
      classified: 'classified',
      with_instances: 'with instances',
      kept: 'kept',
    },
    loss: (count: number, rows: number) =>
      count > 0
        ? `− ${counted(count, 'instruction')}${rows > 0 ? ` (${counted(rows, 'row')}):` : ''}`
        : `${counted(rows, 'row')} (their instructions went on):`,
    unread: (count: number) => `${number(count)} were not written: replies with fewer tasks than asked for`,
    merged: (count: number) => `${number(count)} of these came from merged files`,
    before: ({ asked, novel }: { asked: number; novel: number }) =>
      `In the runs that were merged ${number(asked)} instructions were asked for, and ${number(novel)} were novel.`,
    unknown: 'not recorded',
  },
  loop: {
    title: 'The loop: why it is called Self-Instruct',
    about:
      'The first requests show the model tasks that people wrote. Later ones show some that it wrote itself, so the pool grows out of its own words.',
    boxes: ['seed tasks', 'task pool', 'new tasks', 'instances', 'data set'],
    back: 'what is unlike everything in the pool joins it, and is shown later',
    shown: (shown: number, written: number) =>
      `In this run request ${shown} was the first to show a task that the machine had written itself, in request ${written}:`,
    after: 'After it the machine wrote, among others:',
    none: 'In this run no request showed a task of the machine’s own, or the log is not there to tell.',
  },
  table: {
    title: 'Beside the paper',
    ownTitle: 'What this run came to',
    paper: 'Self-Instruct',
    alpaca: 'Alpaca',
    instructions: 'instructions',
    classification: 'classification tasks',
    instances: 'instances',
    emptyInput: 'with empty input',
    instruction: 'mean length of instructions',
    input: 'of inputs that are not empty',
    output: 'of outputs',
    rejected: 'rejected rows',
    calls: 'calls to the model',
    tokens: 'tokens',
    dollars: 'US dollars',
    unknownPrice: 'price not known',
    aboutPrice: 'about 600',
    below: 'below 500',
    about: 'about 60 %',
    sources:
      'Self-Instruct: Wang et al., 2022, arXiv 2212.10560, table 1, the cost as its authors state it (model: GPT-3, davinci). Alpaca: Taori et al., 2023, Stanford CRFM (model: text-davinci-003). ',
    counted: 'Calls, tokens and dollars count every reply used, also those paid for in earlier runs.',
  },
  plots: {
    title: 'How similar, how long, what about?',
    similarity: 'Highest ROUGE-L of each instruction',
    rouge:
      'ROUGE-L says how much two texts share: the longest run of words that both have in the same order (others may stand between), twice, divided by the words of both. 0 is nothing, 1 the same words. In brackets what is shared:',
    sum: (shared: number, [m, n]: [number, number], score: string) =>
      `2 × ${shared} shared / (${m} + ${n} words) = ${score}`,
    similarityAbout:
      'How close each candidate of step 1 is to its nearest neighbour in the pool at that time (like figure 4 of the paper, which compares with the seed tasks only).',
    accepted: 'accepted',
    nearDuplicates: 'rejected as near-duplicates',
    threshold: (value: number) => `threshold ${value}`,
    unknown: (count: number) => `${number(count)} rows carry no score.`,
    bin: (from: string, to: string, accepted: number, rejected: number) =>
      `above ${from} to ${to}: ${number(accepted)} accepted, ${number(rejected)} rejected`,
    lengthBin: (from: number, to: number | undefined, unit: string, count: number) =>
      `${to === undefined ? `${from} or more` : `${from} to ${to}`} ${unit}: ${number(count)}`,
    lengths: {
      instruction: 'Length of instructions',
      input: 'Length of inputs',
      output: 'Length of outputs',
    },
    mean: (mean: string, unit: string) => `mean ${mean} ${unit}`,
    empty: 'nothing to measure',
    lengthsAbout: 'Like figure 5 of the paper; empty inputs are left out.',
    verbs: 'What the instructions ask for',
    verbsAbout: (none: number, all: number) =>
      `Leading verbs of the data set with their most common objects (like figure 3 of the paper). Only approximate: they are found with word lists, and ${number(none)} of ${number(all)} instructions had none, mostly questions.`,
  },
}

export type ReportWords = typeof en

const zh: ReportWords = {
  title: 'Self-Instruct：本次运行的结果',
  made: (rows, kept, asked) =>
    `${number(kept)} 条指令，共 ${number(rows)} 行数据${asked === undefined ? '。' : `；一共要了 ${asked} 条。`}`,
  standIn: '替身（不是模型）',
  unknownMaker: '来源不明',
  settings: {
    madeBy: '出自',
    target: '目标',
    language: '数据的语言',
    similarity: '相似度阈值',
    temperature: '温度',
    seed: '随机种子',
  },
  all: '全部',
  thisRun: '本次运行',
  unit: { en: '个单词', zh: '字' },
  offline: '替身的回答由人工编写：这次运行说明不了任何模型的水平。',
  offlineAmong: '其中有课堂替身的数据，是人工写的：不能用于训练，这些数字也说明不了任何模型。',
  contributions: {
    title: '各人贡献',
    about: '几个人都有的数据，每个人都算。',
    titles: ['指令', '收入的行数', '别人也有', '出自'],
  },
  contents: '本页内容',
  funnel: {
    title: '都去哪儿了？',
    about: '各阶段的指令数；一条指令可以有几行。点击原因可查看相应的行。',
    stages: {
      asked: '要了',
      parsed: '从回复中读出',
      novel: '不重复',
      classified: '已分类',
      with_instances: '有实例',
      kept: '保留',
    },
    loss: (count, rows) =>
      count > 0
        ? `− ${number(count)} 条指令${rows > 0 ? `（${number(rows)} 行）：` : ''}`
        : `${number(rows)} 行（其指令仍留下）：`,
    unread: (count) => `${number(count)} 条没有写出：回复中的任务少于所请求的`,
    merged: (count) => `其中 ${number(count)} 条来自合并的文件`,
    before: ({ asked, novel }) =>
      `合并进来的各次运行一共要了 ${number(asked)} 条指令，其中 ${number(novel)} 条不重复。`,
    unknown: '无记录',
  },
  loop: {
    title: '自我循环：为什么叫 Self-Instruct',
    about:
      '前几次请求给模型看的都是人写的任务；后面的请求里有几条是它自己写的，任务池就这样从它自己的话里长大。',
    boxes: ['种子任务', '任务池', '新任务', '实例', '数据集'],
    back: '与池中各条都不相似的，收入任务池，以后再给模型看',
    shown: (shown, written) =>
      `这次运行中，第 ${shown} 次请求第一次给模型看了它自己写的任务，那是第 ${written} 次请求写出的：`,
    after: '看过之后，模型写出了：',
    none: '这次运行没有哪次请求给模型看过它自己写的任务，或者没有日志可查。',
  },
  table: {
    title: '与论文对照',
    ownTitle: '这次运行的数字',
    paper: 'Self-Instruct',
    alpaca: 'Alpaca',
    instructions: '指令',
    classification: '分类任务',
    instances: '实例',
    emptyInput: '输入为空',
    instruction: '指令平均长度',
    input: '非空输入平均长度',
    output: '输出平均长度',
    rejected: '未通过的行',
    calls: '模型调用次数',
    tokens: 'token 数',
    dollars: '美元',
    unknownPrice: '价格未知',
    aboutPrice: '约 600',
    below: '不到 500',
    about: '约 60 %',
    sources:
      'Self-Instruct：Wang 等，2022，arXiv 2212.10560，表 1，费用据作者所述（模型：GPT-3 davinci）；长度以英文单词计。Alpaca：Taori 等，2023，斯坦福 CRFM（模型：text-davinci-003）。',
    counted: '调用、token 与费用包括用到的全部回复，以前运行中已付费的也计算在内。',
  },
  plots: {
    title: '相似度、长度与任务类型',
    similarity: '每条指令的最高 ROUGE-L',
    rouge:
      'ROUGE-L 衡量两段文字有多少相同：找出两边都有、先后次序也相同的字（中间可以隔着别的字），个数乘以 2，再除以两边的总字数。0 是毫无相同，1 是完全一样。方括号里是相同的字：',
    sum: (shared, [m, n], score) => `2 × ${shared} 个相同的字 / (${m} + ${n} 个字) = ${score}`,
    similarityAbout:
      '第 1 步的每条候选与当时任务池中最相近的一条的相似度（参照论文图 4；论文只与种子任务比较）。',
    accepted: '接受',
    nearDuplicates: '因近似重复淘汰',
    threshold: (value) => `阈值 ${value}`,
    unknown: (count) => `${number(count)} 行没有分数。`,
    bin: (from, to, accepted, rejected) =>
      `大于 ${from}、不超过 ${to}：接受 ${number(accepted)}，淘汰 ${number(rejected)}`,
    lengthBin: (from, to, unit, count) =>
      `${to === undefined ? `${from} ${unit}及以上` : `${from}–${to} ${unit}`}：${number(count)}`,
    lengths: { instruction: '指令长度', input: '输入长度', output: '输出长度' },
    mean: (mean, unit) => `平均 ${mean} ${unit}`,
    empty: '没有可量的',
    lengthsAbout: '参照论文图 5；空输入不计。',
    verbs: '指令要求做什么',
    verbsAbout: (none, all) =>
      `数据集中开头的动词及其最常见的宾语（参照论文图 3）。结果是近似的，靠词表找出；${number(all)} 条指令中有 ${number(none)} 条没有找到，多为提问。`,
  },
}

export const reportWords: Record<Language, ReportWords> = { en, zh }

// The options of the command line in one table: name, default, what is allowed, and the line --help prints.
import type { Words } from './fault.ts'

export type Option = {
  flag?: true // stands alone, without a value
  value?: string // how --help names the value
  fallback?: string
  range?: [least: number, most: number, whole?: 'whole'] // of a number
  oneOf?: readonly string[]
  /** A rule of its own for the value, its description, and a hint for a value that breaks it. */
  form?: { fits: (value: string) => boolean; words: Words; hint?: Words }
  repeatable?: true
  help: Words
}

/** An address is shown and stored, and must not carry a secret: no name, password or query. */
export const address = {
  fits(value: string): boolean {
    if (!URL.canParse(value) || /\s/.test(value)) return false
    const { protocol, username, password, search, hash } = new URL(value)
    return ['http:', 'https:'].includes(protocol) && !username && !password && !search && !hash
  },
  words: {
    en: 'an address like http://localhost:8000/v1, without name, password or query',
    zh: '形如 http://localhost:8000/v1 的地址，不含用户名、密码或参数',
  },
  hint: { en: 'A key goes into LLM_API_KEY.', zh: '密钥请放在 LLM_API_KEY。' },
}

/** Formats of other tools in which the data set is written too. */
export const exportNames = ['alpaca', 'openai', 'trl', 'llamafactory', 'huggingface', 'parquet'] as const
export type ExportName = (typeof exportNames)[number]

export const options = {
  provider: {
    value: 'NAME',
    oneOf: ['openai', 'dashscope', 'ollama', 'offline', 'paste'],
    help: {
      en: 'whose model answers: openai dashscope ollama offline paste (you carry each prompt to a chat)',
      zh: '使用哪家服务商的模型：openai dashscope ollama offline paste（自己把提示词复制到聊天窗口）',
    },
  },
  model: {
    value: 'NAME',
    help: {
      en: 'openai gpt-6-luna, dashscope qwen-plus; elsewhere it must be named',
      zh: 'openai 默认 gpt-6-luna，dashscope 默认 qwen-plus；其他须指定',
    },
  },
  'base-url': {
    value: 'URL',
    form: address,
    help: {
      en: 'any OpenAI-compatible server; its key, if it wants one, is LLM_API_KEY',
      zh: '任何兼容 OpenAI 的服务地址；如需密钥，放在 LLM_API_KEY',
    },
  },
  'num-instructions': {
    value: 'N',
    fallback: '20',
    form: {
      fits: (value) => /^(all|[1-9]\d{0,8})$/.test(value),
      words: {
        en: 'a whole number from 1 to 999999999, or all',
        zh: ' 1 到 999999999 之间的整数，或 all',
      },
    },
    help: {
      en: 'distinct instructions in the data set; for filter also "all"',
      zh: '数据集中不同指令的数目；filter 也可用 all',
    },
  },
  'seed-file': {
    value: 'FILE',
    fallback: 'data/seed_tasks.jsonl',
    help: {
      en: 'seed tasks: JSONL as upstream, text with one instruction a line, or any data as for --merge',
      zh: '种子任务：JSONL、每行一条指令的纯文本，或 --merge 能读的任何数据',
    },
  },
  'output-path': {
    value: 'FILE',
    help: {
      en: 'where the data set goes (default: 4-dataset.jsonl in the data folder)',
      zh: '数据集的位置（默认为数据文件夹中的 4-dataset.jsonl）',
    },
  },
  temperature: {
    value: 'T',
    fallback: '0.7',
    range: [0, 2],
    help: {
      en: 'sampling temperature of steps 1 and 3; step 2 uses 0',
      zh: '第 1、3 步的采样温度，第 2 步总是 0',
    },
  },
  'max-tokens': {
    value: 'N',
    fallback: '512',
    range: [16, 1_000_000, 'whole'],
    help: { en: 'most tokens of one reply', zh: '每次回复的最大 token 数' },
  },
  'data-dir': {
    value: 'DIR',
    fallback: 'data/workshop',
    help: { en: 'folder of the files in between', zh: '中间文件所在的文件夹' },
  },
  language: {
    value: 'LANG',
    oneOf: ['en', 'zh'],
    help: {
      en: 'en or zh: prompts, rules, screen (default: as the seeds are)',
      zh: 'en 或 zh：提示词、规则、界面（默认随种子任务）',
    },
  },
  similarity: {
    value: 'S',
    fallback: '0.7',
    range: [0, 1],
    help: {
      en: 'reject when ROUGE-L with anything kept is above this',
      zh: '与已保留指令的 ROUGE-L 高于此值则淘汰',
    },
  },
  concurrency: {
    value: 'N',
    fallback: '8',
    range: [1, 1024, 'whole'],
    help: { en: 'requests in flight', zh: '同时进行的请求数' },
  },
  seed: {
    value: 'N',
    fallback: '42',
    range: [0, Number.MAX_SAFE_INTEGER, 'whole'],
    help: { en: 'of the random sampling', zh: '抽样用的随机种子' },
  },
  topics: {
    value: 'FILE',
    help: {
      en: 'each generation request also names one topic of this list',
      zh: '每次生成请求另从此列表中取一个话题',
    },
  },
  avoid: {
    value: 'FILE',
    repeatable: true,
    help: { en: 'its instructions count as already there; repeatable', zh: '其中的指令视为已有；可重复使用' },
  },
  merge: {
    value: 'PATH',
    repeatable: true,
    help: {
      en: 'step 4 also takes this file or folder (run folders of a class, Alpaca, Dolly, chats; JSON, CSV, parquet, gz); repeatable. report: the reviews in that folder',
      zh: '第 4 步另读入该文件或文件夹（全班的运行文件夹、Alpaca、Dolly、对话；JSON、CSV、parquet、gz），可重复使用；report：汇总该文件夹中的评审',
    },
  },
  'skip-bad-rows': {
    flag: true,
    help: {
      en: 'rows of files you bring that cannot be read are counted and left out',
      zh: '自带文件中无法读取的数据只计数、不收入，而不中止运行',
    },
  },
  rules: {
    value: 'NAMES',
    help: {
      en: 'filter rules: name,name these alone, -name all but this one (default: all)',
      zh: '过滤规则：name,name 只用这几条，-name 去掉这一条（默认全部）',
    },
  },
  budget: {
    value: 'USD',
    range: [0, 1_000_000],
    help: { en: 'most US dollars this run may spend', zh: '本次运行最多花费多少美元' },
  },
  price: {
    value: 'IN/OUT',
    form: {
      fits: (value) => /^\d+(\.\d+)?\/\d+(\.\d+)?$/.test(value),
      words: {
        en: 'dollars per million tokens like 0.40/1.20',
        zh: '形如 0.40/1.20 的每百万 token 美元价格',
      },
    },
    help: {
      en: 'US dollars per million tokens, for a model whose price is not known',
      zh: '每百万 token 的美元价格（输入/输出），用于价格未知的模型',
    },
  },
  param: {
    value: 'NAME=JSON',
    repeatable: true,
    form: {
      fits: (value) => /^[\w.-]+=/.test(value) && !/^(model|messages)=/.test(value),
      words: {
        en: 'NAME=JSON like enable_thinking=false, and neither model nor messages',
        zh: '形如 enable_thinking=false 的 NAME=JSON，名称不能是 model 或 messages',
      },
    },
    help: {
      en: 'a field for every request, for what a server wants; repeatable',
      zh: '每次请求都带上的字段，用于满足服务器的特殊要求；可重复使用',
    },
  },
  timeout: {
    value: 'S',
    range: [0.01, 86_400],
    help: {
      en: 'seconds without a byte after which a request is given up (default: 60; local 300)',
      zh: '多少秒收不到任何数据就放弃请求（默认 60；本地 300）',
    },
  },
  'dry-run': {
    flag: true,
    help: {
      en: 'print the first prompt of each step and what the run would cost; ask nothing',
      zh: '只显示每一步的第一个提示词和预计费用，不发送任何请求',
    },
  },
  batch: {
    flag: true,
    help: {
      en: 'steps 2 to 4 through the provider’s Batch API: half the price, within a day',
      zh: '第 2 至 4 步走服务商的 Batch API：半价，一天之内完成',
    },
  },
  poll: {
    value: 'S',
    fallback: '30',
    range: [0.01, 86_400],
    help: { en: 'seconds between looks at a batch', zh: '每隔多少秒查看一次批处理' },
  },
  judge: {
    flag: true,
    help: {
      en: 'step 4 also asks the model the paper’s three quality questions about each row',
      zh: '第 4 步另请模型就每行数据回答论文的三个质量问题',
    },
  },
  export: {
    value: 'NAME',
    repeatable: true,
    oneOf: exportNames,
    help: {
      en: 'step 4 also writes alpaca, openai, trl, llamafactory, huggingface or parquet; repeatable',
      zh: '第 4 步另将数据集写成 alpaca、openai、trl、llamafactory、huggingface 或 parquet 格式；可重复使用',
    },
  },
  split: {
    value: 'SHARE',
    range: [0.001, 0.9],
    help: {
      en: 'exports get a test split of this share of the instructions, none of them in both parts',
      zh: '导出时按此比例划出测试集；按指令划分，同一指令不会分在两边',
    },
  },
  replay: {
    value: 'FILE',
    help: { en: 'replies come from this call log alone', zh: '所有回复只取自该调用日志' },
  },
  compare: {
    value: 'DIR',
    help: { en: 'report: this run beside the one in that folder', zh: 'report：与该文件夹中的运行对照' },
  },
  help: {
    flag: true,
    help: { en: 'what a class needs; --help all: everything', zh: '课堂要用的选项；--help all：全部选项' },
  },
} as const satisfies Record<string, Option>

export type OptionName = keyof typeof options

/** The ten that a class needs; `--help all` prints the others too. */
export const forClass = [
  'language',
  'data-dir',
  'num-instructions',
  'seed',
  'similarity',
  'seed-file',
  'provider',
  'model',
  'merge',
  'compare',
] as const satisfies readonly OptionName[]

/** Values of options as one types them; a repeatable option may have several. */
export type Values = ReadonlyMap<OptionName, readonly string[]>

// What `check` says, in both languages; what a run would say too stands where the run says it.
import type { Language } from '../text/language.ts'

type Region = keyof typeof regions.en | undefined

const languages = { en: { en: 'English', zh: 'Chinese' }, zh: { en: '英文', zh: '中文' } } as const
const regions = {
  en: {
    beijing: 'Beijing',
    singapore: 'Singapore',
    virginia: 'Virginia',
    hongkong: 'Hong Kong',
    frankfurt: 'Frankfurt',
    tokyo: 'Tokyo',
  },
  zh: {
    beijing: '北京',
    singapore: '新加坡',
    virginia: '弗吉尼亚',
    hongkong: '香港',
    frankfurt: '法兰克福',
    tokyo: '东京',
  },
} as const

const en = {
  oldNode: (version: string, least: string) =>
    `Node ${version} is too old: install ${least} or newer from nodejs.org, then open a new terminal`,
  folder: (dir: string) => `${dir} can be written`,
  seeds: (count: number, language: Language, file: string) =>
    `${count} seed tasks in ${file}, ${languages.en[language]}`,
  howToGiveKey: (file: string) =>
    `no key needed for this. For a real model write one line into ${file}: OPENAI_API_KEY=… or DASHSCOPE_API_KEY=…`,
  envTxt: (file: string) =>
    `${file}: the name must be .env, without .txt (in the Explorer: View, Show, File name extensions; then rename it)`,
  notUtf8: (file: string) => `${file} is not UTF-8 text and cannot be read: save it again as UTF-8`,
  region: (baseUrl: string, region: Region) =>
    `${baseUrl} · region ${region ? regions.en[region] : 'not one of the known ones'}`,
  proxy:
    'HTTPS_PROXY is set, and Node does not use it: the server must be reachable directly, or --base-url must name a server that is',
  asking: 'one tiny call …',
  answered: (ms: number, tokens: number) => `one tiny call answered in ${ms} ms, ${tokens} tokens`,
  empty:
    'the reply was empty: a model that thinks first spends --max-tokens on its thoughts. Give more, or take a model without',
  unreadable: (reply: string) =>
    `the reply was not the JSON asked for; a run reads what it can: ${reply.slice(0, 100)}`,
  busy: 'The key is accepted; a run waits and goes on.',
  price: (input: number, output: number) => `$${input} in, $${output} out per million tokens`,
  noPrice: (model: string) => `the price of ${model} is not known: costs are shown as $?`,
  mend: (faults: number, command: string) =>
    `${faults === 1 ? 'One thing to mend' : `${faults} things to mend`}, then again: ${command}`,
  works: (command: string) => `A run will work: ${command}`,
}

export type CheckWords = typeof en

const zh: CheckWords = {
  oldNode: (version, least) =>
    `Node ${version} 太旧：请从 nodejs.org 安装 ${least} 或更新的版本，然后打开新的终端窗口`,
  folder: (dir) => `${dir} 可以写入`,
  seeds: (count, language, file) => `${file} 中有 ${count} 个种子任务，${languages.zh[language]}`,
  howToGiveKey: (file) =>
    `这样运行不需要密钥。要用真正的模型，请在 ${file} 中写一行：OPENAI_API_KEY=… 或 DASHSCOPE_API_KEY=…`,
  envTxt: (file) =>
    `${file}：文件名应为 .env，不带 .txt（在资源管理器中依次点“查看”“显示”“文件扩展名”，再改名）`,
  notUtf8: (file) => `${file} 不是 UTF-8 文本，无法读取：请另存为 UTF-8`,
  region: (baseUrl, region) => `${baseUrl} · 地域：${region ? regions.zh[region] : '不在已知地域之中'}`,
  proxy: '已设置 HTTPS_PROXY，但 Node 不会使用它：必须能直接访问服务器，或用 --base-url 指定能访问的服务器',
  asking: '正在发送一次很小的请求……',
  answered: (ms, tokens) => `一次很小的请求：${ms} 毫秒得到回复，${tokens} 个 token`,
  empty: '回复是空的：先思考再回答的模型会把 --max-tokens 用在思考上。请调大该值，或换一个不思考的模型',
  unreadable: (reply) => `回复不是所要的 JSON；运行时会尽量解读：${reply.slice(0, 100)}`,
  busy: '密钥有效；正式运行时会等待后继续。',
  price: (input, output) => `每百万 token：输入 $${input}，输出 $${output}`,
  noPrice: (model) => `${model} 的价格未知：费用显示为 $?`,
  mend: (faults, command) => `有 ${faults} 处需要处理，之后再运行：${command}`,
  works: (command) => `可以运行：${command}`,
}

export const checkWords: Record<Language, CheckWords> = { en, zh }

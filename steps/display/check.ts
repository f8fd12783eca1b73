// `check`: what a teacher runs the evening before the class, and every student in the first minute. Each fault says how to repair it.
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { Account } from '../model/account.ts'
import { openLog } from '../model/call-log.ts'
import type { Message, Problem, Provider, Question, Usage } from '../model/call.ts'
import { isProblem } from '../model/call.ts'
import { unreachable } from '../model/pace.ts'
import { wantedFirst } from '../model/prices.ts'
import { chooseProvider } from '../model/provider.ts'
import { openWire } from '../model/wire.ts'
import { type Language, languageOf } from '../text/language.ts'
import { readTasks } from '../text/replies.ts'
import { readCommandLine } from '../workspace/arguments.ts'
import { projectFolder, readEnvironment } from '../workspace/environment.ts'
import { Fault, type Words } from '../workspace/fault.ts'
import { lockFolder } from '../workspace/folder.ts'
import { readSeedTasks } from '../workspace/records.ts'
import { type Settings, readSettings } from '../workspace/settings.ts'
import { Screen, shownPath, typed, whoAnswers } from './screen.ts'

const oldestNode = [20, 19] as const // as package.json's engines say

export async function checkSetup(argv: readonly string[]): Promise<void> {
  const [, surplus] = readCommandLine(argv).words
  if (surplus !== undefined) throw takesNoWords(surplus)
  const settings = readSettings(argv, process.env)
  const check = new Check(settings.screen)
  checkNode(process.versions.node, check)
  await check.attempt(() => checkFolder(settings, check))
  const language = (await check.attempt(() => checkSeeds(settings, check))) ?? 'en'
  await check.attempt(() => checkAnswers({ ...settings, language }, check))
  process.exitCode = check.faults > 0 ? 1 : 0
  const again = typed(argv.filter((word) => word !== 'check'))
  check.screen.title(
    check.faults > 0 ? check.words.mend(check.faults, typed(argv)) : check.words.works(again),
  )
}

/** What was found so far, said as it is found. */
class Check {
  faults = 0
  readonly screen: Screen
  readonly words: CheckWords

  constructor(language: Language) {
    this.screen = new Screen(language)
    this.words = checkWords[language]
  }

  good(text: string): void {
    this.screen.detail(text, '  ✓ ')
  }

  fault(text: string): void {
    this.faults++
    this.screen.fault(text)
  }

  /** What goes wrong in this work is a fault with its own words. */
  async attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      this.fault(this.screen.say(error.words))
      return undefined
    }
  }
}

function checkNode(version: string, check: Check): void {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [least, leastMinor] = oldestNode
  const old = major < least || (major === least && minor < leastMinor)
  if (old) check.fault(check.words.oldNode(version, oldestNode.join('.')))
  else check.good(`Node ${version}`)
}

/** Takes the lock and gives it back: the folder can be made and written, and no other run is in it. */
async function checkFolder({ dataDir }: Settings, check: Check): Promise<void> {
  const release = await lockFolder(dataDir)
  await release()
  check.good(check.words.folder(shownPath(dataDir)))
}

/** Returns the language of the seed tasks. */
async function checkSeeds({ seedFile, language }: Settings, check: Check): Promise<Language> {
  const seeds = await readSeedTasks(seedFile)
  const spoken = language ?? languageOf(seeds.map((seed) => seed.instruction))
  check.good(check.words.seeds(seeds.length, spoken, shownPath(seedFile)))
  return spoken
}

type Spoken = Settings & { language: Language }

/** Key, region, model, one tiny call, price; where nobody is to be asked, what a run does instead. */
async function checkAnswers(settings: Spoken, check: Check): Promise<void> {
  const { words, screen } = check
  const environment = await readEnvironment()
  const named = Object.keys(environment).some((name) => name.endsWith('_KEY'))
  if (!named) for (const fault of envFileFaults(words)) check.fault(fault)
  const log = await openLog(settings)
  await log.close()
  const provider = chooseProvider(settings, environment, log.latest)
  check.good(whoAnswers(screen, settings, provider))
  if (provider.baseUrl !== '' && provider.replayOf === undefined) await checkServer(provider, settings, check)
  else if (!named) screen.detail(words.howToGiveKey(path.join(projectFolder, '.env')))
}

async function checkServer(provider: Provider, settings: Spoken, check: Check): Promise<void> {
  const { baseUrl, regional } = provider
  const { words, screen } = check
  check.good(regional ? words.region(baseUrl, regionOf(baseUrl)) : baseUrl)
  if (provider.proxied && !provider.local) screen.remark(words.proxy)
  if (!(await answersCall(provider, settings, check))) return
  const account = new Account(settings, provider)
  const { price } = account
  const expected = account.forecast(Number.isFinite(settings.target) ? wantedFirst(settings) : 0)
  if (price) check.good(words.price(price.input, price.output))
  else screen.remark(words.noPrice(provider.model))
  check.good(screen.words.expected(expected.calls, expected.dollars))
}

/** The tiny call; false when a run would not get past it. */
async function answersCall(provider: Provider, { maxTokens }: Settings, check: Check): Promise<boolean> {
  const { words, screen } = check
  screen.progress(() => words.asking)
  const answer = await probe(provider, maxTokens)
  if (!isProblem(answer)) {
    const { ms, usage, reply, readable } = answer
    check.good(words.answered(ms, usage.prompt_tokens + usage.completion_tokens))
    if (!readable) screen.remark(reply === '' ? words.empty : words.unreadable(reply))
    return true
  }
  const busy = answer.kind === 'slow'
  if (busy) screen.remark(`${screen.say(answer.words)} ${words.busy}`)
  else check.fault(screen.say(answer.words))
  return busy
}

/** What keeps a key from being read: `.env.txt`, as editors on Windows name it, or a `.env` that is not UTF-8. */
function envFileFaults(words: CheckWords): string[] {
  const folders = [...new Set([path.resolve('.'), projectFolder])]
  return folders.flatMap((folder) => {
    const file = path.join(folder, '.env')
    if (!existsSync(file)) return existsSync(`${file}.txt`) ? [words.envTxt(`${file}.txt`)] : []
    const bytes = readFileSync(file)
    return bytes.includes(0) ? [words.notUtf8(file)] : []
  })
}

type Region = Words & { host: RegExp }

// Hosts of the regions and of workspaces in them, as DashScope documents them (October 2026).
const regions: readonly Region[] = [
  { en: 'Beijing', zh: '北京', host: /^dashscope\.|\.cn-beijing\./ },
  { en: 'Singapore', zh: '新加坡', host: /^dashscope-intl\.|\.ap-southeast-1\./ },
  { en: 'Virginia', zh: '弗吉尼亚', host: /^dashscope-us\.|\.us-east-1\./ },
  { en: 'Hong Kong', zh: '香港', host: /(?:^|\.)cn-hongkong\./ },
  { en: 'Frankfurt', zh: '法兰克福', host: /\.eu-central-1\./ },
  { en: 'Tokyo', zh: '东京', host: /\.ap-northeast-1\./ },
]

function regionOf(baseUrl: string): Region | undefined {
  const { hostname } = new URL(baseUrl)
  return regions.find(({ host }) => host.test(hostname))
}

function takesNoWords(word: string): Fault {
  return new Fault({
    en: `check takes options and no other words, got "${word}". Like this: npx tsx workshop.ts check --provider dashscope`,
    zh: `check 后面只能写选项，不能写“${word}”。例如：npx tsx workshop.ts check --provider dashscope`,
  })
}

// What `check` says, in both languages; what a run would say too stands where the run says it.

const languages = { en: { en: 'English', zh: 'Chinese' }, zh: { en: '英文', zh: '中文' } } as const

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
  region: (baseUrl: string, region: Region | undefined) =>
    `${baseUrl} · region ${region?.en ?? 'not one of the known ones'}`,
  proxy:
    'HTTPS_PROXY is set, and Node does not use it: the server must be reachable directly, or --base-url must name a server that is',
  asking: 'one tiny call …',
  answered: (ms: number, tokens: number) => `one tiny call answered in ${ms} ms, ${tokens} tokens`,
  empty:
    'the reply was empty: a model that thinks first uses up --max-tokens with its thoughts. Give a larger value, or choose a model that does not think first',
  unreadable: (reply: string) =>
    `the reply was not the JSON asked for; a run reads what it can: ${reply.slice(0, 100)}`,
  busy: 'The key is accepted; a run waits and goes on.',
  price: (input: number, output: number) => `$${input} in, $${output} out per million tokens`,
  noPrice: (model: string) => `the price of ${model} is not known: costs are shown as $?`,
  mend: (faults: number, command: string) =>
    `${faults === 1 ? 'One thing to repair' : `${faults} things to repair`}; then run this again: ${command}`,
  works: (command: string) => `A run will work: ${command}`,
}

type CheckWords = typeof en

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
  region: (baseUrl, region) => `${baseUrl} · 地域：${region?.zh ?? '不在已知地域之中'}`,
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

const checkWords: Record<Language, CheckWords> = { en, zh }

/** `readable`: whether the reply was the JSON asked for. */
type Answered = { ms: number; usage: Usage; reply: string; readable: boolean }

/** Asks one small question, as a run would, once and without a log: it is no part of a run. */
async function probe(provider: Provider, maxTokens: number): Promise<Answered | Problem> {
  const system = 'Answer with JSON and nothing else: {"tasks":["…"]}'
  const user = '1. Write one short task, in at most six words.'
  const messages: Message[] = [
    { role: 'system', content: system },
    { role: 'user', content: user },
  ]
  const question: Question = { messages, schema: 'tasks', temperature: 0.7, maxTokens, sample: 0 }
  const started = performance.now()
  try {
    const wire = await openWire(provider)
    const { reply, usage, finish_reason } = await wire(question, new AbortController().signal)
    const text = reply ?? ''
    const readable = readTasks(text, finish_reason === 'length') !== undefined
    return { ms: Math.round(performance.now() - started), usage, reply: text, readable }
  } catch (error) {
    if (!isProblem(error)) throw error
    return error.connection ? unreachable(error, provider) : error
  }
}

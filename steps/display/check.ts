// `check`: what a teacher runs the evening before, and forty laptops in the first minute. Each fault comes with its cure.
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { Account } from '../model/account.ts'
import { openLog } from '../model/call-log.ts'
import {
  type Problem,
  type Provider,
  type Question,
  type Recorded,
  type Usage,
  isProblem,
} from '../model/call.ts'
import { unreachable } from '../model/pace.ts'
import { wantedFirst } from '../model/prices.ts'
import { chooseProvider } from '../model/provider.ts'
import { openWire } from '../model/wire.ts'
import { type Language, languageOf } from '../text/language.ts'
import { readTasks } from '../text/replies.ts'
import { readCommandLine } from '../workspace/arguments.ts'
import { projectFolder, readEnvironment } from '../workspace/environment.ts'
import { Fault } from '../workspace/fault.ts'
import { lockFolder } from '../workspace/folder.ts'
import { readSeedTasks } from '../workspace/records.ts'
import { type Settings, readSettings } from '../workspace/settings.ts'
import { Screen, shownPath, typed, whoAnswers } from './screen.ts'

const oldestNode = [20, 19] as const // as package.json's engines say

export async function checkSetup(argv: readonly string[]): Promise<void> {
  const [, surplus] = readCommandLine(argv).words
  if (surplus !== undefined) throw takesNoWords(surplus)
  const settings = readSettings(argv, process.env)
  const check = new Check(settings, argv)
  check.node(process.versions.node)
  await check.folder()
  await check.seeds()
  await check.answers()
  check.conclude()
}

class Check {
  private faults = 0
  private language: Language = 'en' // of the seed tasks, once they are read
  private readonly settings: Settings
  private readonly argv: readonly string[]
  private readonly screen: Screen
  private readonly words: CheckWords

  constructor(settings: Settings, argv: readonly string[]) {
    this.settings = settings
    this.argv = argv
    this.screen = new Screen(settings.screen)
    this.words = checkWords[settings.screen]
  }

  private good(text: string): void {
    this.screen.detail(text, '  ✓ ')
  }

  private fault(text: string): void {
    this.faults++
    this.screen.fault(text)
  }

  /** What went wrong in these lines of work is a fault with its own words. */
  private async attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      this.fault(this.screen.say(error.words))
    }
  }

  node(version: string): void {
    const [major = 0, minor = 0] = version.split('.').map(Number)
    const [least, leastMinor] = oldestNode
    const old = major < least || (major === least && minor < leastMinor)
    if (old) this.fault(this.words.oldNode(version, oldestNode.join('.')))
    else this.good(`Node ${version}`)
  }

  /** Takes the lock and gives it back: the folder can be made and written, and no other run is in it. */
  async folder(): Promise<void> {
    await this.attempt(async () => {
      const release = await lockFolder(this.settings.dataDir)
      await release()
      this.good(this.words.folder(shownPath(this.settings.dataDir)))
    })
  }

  async seeds(): Promise<void> {
    await this.attempt(async () => {
      const { seedFile, language } = this.settings
      const seeds = await readSeedTasks(seedFile)
      this.language = language ?? languageOf(seeds.map((seed) => seed.instruction))
      this.good(this.words.seeds(seeds.length, this.language, shownPath(seedFile)))
    })
  }

  /** Key, region, model, one tiny call, price; where nobody is to be asked, what a run does instead. */
  async answers(): Promise<void> {
    await this.attempt(async () => {
      const environment = await readEnvironment()
      const named = Object.keys(environment).some((name) => name.endsWith('_KEY'))
      if (!named) for (const fault of envFileFaults(this.words)) this.fault(fault)
      const provider = chooseProvider(this.settings, environment, await this.recorded())
      const line = whoAnswers(this.screen, this.settings, provider)
      if (provider.baseUrl === '' || provider.replayOf !== undefined) {
        this.good(line)
        if (!named) this.screen.detail(this.words.howToGiveKey(path.join(projectFolder, '.env')))
      } else await this.server(provider, line)
    })
  }

  private async recorded(): Promise<Recorded> {
    const log = await openLog(this.settings)
    await log.close()
    return log.latest
  }

  private async server(provider: Provider, line: string): Promise<void> {
    const { baseUrl, regional } = provider
    this.good(line)
    this.good(regional ? this.words.region(baseUrl, regionOf(baseUrl)) : baseUrl)
    if (provider.proxied && !provider.local) this.screen.remark(this.words.proxy)
    if (await this.call(provider)) this.price(provider)
  }

  /** The tiny call; false when a run would not get past it. */
  private async call(provider: Provider): Promise<boolean> {
    this.screen.progress(() => this.words.asking)
    const answer = await probe(provider, this.settings.maxTokens)
    if (!isProblem(answer)) {
      const { ms, usage, reply, readable } = answer
      this.good(this.words.answered(ms, usage.prompt_tokens + usage.completion_tokens))
      if (!readable) this.screen.remark(reply === '' ? this.words.empty : this.words.unreadable(reply))
      return true
    }
    const busy = answer.kind === 'slow'
    if (busy) this.screen.remark(`${this.screen.say(answer.words)} ${this.words.busy}`)
    else this.fault(this.screen.say(answer.words))
    return busy
  }

  private price(provider: Provider): void {
    const { target } = this.settings
    const account = new Account({ ...this.settings, language: this.language }, provider)
    const { price } = account
    const expected = account.forecast(wantedFirst(Number.isFinite(target) ? target : 0))
    if (price) this.good(this.words.price(price.input, price.output))
    else this.screen.remark(this.words.noPrice(provider.model))
    this.good(this.screen.words.expected(expected.calls, expected.dollars))
  }

  conclude(): void {
    process.exitCode = this.faults > 0 ? 1 : 0
    this.screen.title(
      this.faults > 0
        ? this.words.mend(this.faults, typed(this.argv))
        : this.words.works(typed(this.argv.filter((word) => word !== 'check'))),
    )
  }
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

// Hosts of the regions and of workspaces in them, as DashScope documents them (October 2026).
const regions = [
  ['beijing', /^dashscope\.|\.cn-beijing\./],
  ['singapore', /^dashscope-intl\.|\.ap-southeast-1\./],
  ['virginia', /^dashscope-us\.|\.us-east-1\./],
  ['hongkong', /(?:^|\.)cn-hongkong\./],
  ['frankfurt', /\.eu-central-1\./],
  ['tokyo', /\.ap-northeast-1\./],
] as const

function regionOf(baseUrl: string) {
  const { hostname } = new URL(baseUrl)
  return regions.find(([, host]) => host.test(hostname))?.[0]
}

function takesNoWords(word: string): Fault {
  return new Fault({
    en: `check takes options and no other words, got "${word}". Like this: npx tsx workshop.ts check --provider dashscope`,
    zh: `check 后面只能写选项，不能写“${word}”。例如：npx tsx workshop.ts check --provider dashscope`,
  })
}

// What `check` says, in both languages; what a run would say too stands where the run says it.

type Region = keyof typeof regionNames.en | undefined

const languages = { en: { en: 'English', zh: 'Chinese' }, zh: { en: '英文', zh: '中文' } } as const
const regionNames = {
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
    `${baseUrl} · region ${region ? regionNames.en[region] : 'not one of the known ones'}`,
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
  region: (baseUrl, region) => `${baseUrl} · 地域：${region ? regionNames.zh[region] : '不在已知地域之中'}`,
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

// One tiny call, as a run would make it, to see whether the provider answers. It is not logged: it is no part of a run.

/** `readable`: whether the reply was the JSON asked for. */
type Answered = { ms: number; usage: Usage; reply: string; readable: boolean }

/** Asks once, without another attempt. */
export async function probe(provider: Provider, maxTokens: number): Promise<Answered | Problem> {
  const question: Question = {
    messages: [
      { role: 'system', content: 'Answer with JSON and nothing else: {"tasks":["…"]}' },
      { role: 'user', content: '1. Write one short task, in at most six words.' },
    ],
    schema: 'tasks',
    temperature: 0.7,
    maxTokens,
    sample: 0,
  }
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

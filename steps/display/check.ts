// `check`: what a teacher runs the evening before the class, and every student in the first minute. Each fault says how to repair it.
import { setMaxListeners } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { Account, wantedFirst } from '../model/account.ts'
import { openLog } from '../model/call-log.ts'
import {
  type Message,
  type Problem,
  type Provider,
  type Question,
  type Usage,
  isProblem,
} from '../model/call.ts'
import { Pace, type Tell } from '../model/pace.ts'
import { chooseProvider, withListedModel } from '../model/provider.ts'
import { openWire } from '../model/wire.ts'
import { type Language, languageOf } from '../text/language.ts'
import { readCommandLine } from '../workspace/arguments.ts'
import { Omissions, readSeedTasks } from '../workspace/data-rows.ts'
import { projectFolder, readEnvironment, tellOfUnread } from '../workspace/environment.ts'
import { Fault, type Words } from '../workspace/fault.ts'
import { lockFolder } from '../workspace/lock.ts'
import type { SeedTask } from '../workspace/records.ts'
import { type Settings, readSettings } from '../workspace/settings.ts'
import { Screen, shownPath, typed, whoAnswers } from './screen.ts'
import type { Marks } from './words.ts'

const oldestNode = [20, 19] as const // as package.json's engines say

/** Who is to be examined, and on what: see run/exam.ts. */
export type Examinee = { provider: Provider; settings: Settings; language: Language; seeds: SeedTask[] }

type Looked = { check: Check; examinee?: Examinee } & Pick<Examinee, 'settings' | 'language' | 'seeds'>

/** Looks at all that a run needs but the model itself; `examinee` where a server is there to be asked. */
export async function checkSetup(argv: readonly string[]): Promise<Looked> {
  const [, surplus] = readCommandLine(argv).words
  if (surplus !== undefined) throw takesNoWords(surplus)
  const settings = readSettings(argv, process.env)
  const check = new Check(settings.screen, argv)
  checkNode(process.versions.node, check)
  await check.attempt(() => checkFolder(settings, check))
  const seeds = (await check.attempt(() => checkSeeds(settings, check))) ?? []
  const language = settings.language ?? languageOf(seeds.map((seed) => seed.instruction))
  const provider = await check.attempt(() => checkAnswers({ ...settings, language }, check))
  const examinee = provider && seeds.length > 0 && { provider, settings, language, seeds }
  return { check, settings, language, seeds, ...(examinee && { examinee }) }
}

/** What was found so far, said as it is found. */
export class Check {
  readonly screen: Screen
  readonly words: CheckWords
  private readonly argv: readonly string[]
  private faults = 0

  constructor(language: Language, argv: readonly string[]) {
    this.screen = new Screen(language)
    this.words = checkWords[language]
    this.argv = argv
  }

  good(text: string): void {
    this.screen.detail(text, '  ✓ ')
  }

  fault(text: string): void {
    this.faults++
    this.screen.fault(text)
  }

  /** The last line, and the exit status: 1 where there is something to repair. */
  conclude(): void {
    const { faults, words, argv } = this
    process.exitCode = faults > 0 ? 1 : 0
    const again = typed(argv.filter((word) => word !== 'check'))
    this.screen.title(faults > 0 ? words.mend(faults, typed(argv)) : words.works(again))
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

async function checkSeeds({ seedFile, language, skipBadRows }: Settings, check: Check): Promise<SeedTask[]> {
  const seeds = await readSeedTasks(seedFile, new Omissions(skipBadRows))
  const spoken = language ?? languageOf(seeds.map((seed) => seed.instruction))
  check.good(check.words.seeds(seeds.length, spoken, shownPath(seedFile)))
  return seeds
}

type Spoken = Settings & { language: Language }

/** Key, region, model, one tiny call, price; where nobody is to be asked, what a run does instead. Returns a server that answers. */
async function checkAnswers(settings: Spoken, check: Check): Promise<Provider | undefined> {
  const { words, screen } = check
  const unread = await tellOfUnread(settings.dataDir)
  if (unread) screen.remark(screen.say(unread))
  const environment = await readEnvironment(settings.dataDir)
  const named = Object.keys(environment).some((name) => name.endsWith('_KEY'))
  if (!named) for (const fault of envFileFaults(words)) check.fault(fault)
  const log = await openLog(settings)
  await log.close()
  const whole = await withListedModel(settings, environment, log.latest)
  const provider = chooseProvider(whole, environment, log.latest)
  check.good(whoAnswers(screen, settings, provider))
  if (provider.baseUrl !== '' && provider.replayOf === undefined)
    return (await checkServer(provider, settings, check)) ? provider : undefined
  if (!named) screen.detail(words.howToGiveKey(path.join(projectFolder, '.env')))
  return undefined
}

/** False when a run would not get past it. */
async function checkServer(provider: Provider, settings: Spoken, check: Check): Promise<boolean> {
  const { baseUrl, regional } = provider
  const { words, screen } = check
  if (provider.note) screen.remark(screen.say(provider.note))
  check.good(regional ? words.region(baseUrl, regionOf(baseUrl)) : baseUrl)
  if (provider.proxied && !provider.local) screen.remark(words.proxy(provider.proxied))
  const answered = await answersCall(provider, settings, check)
  if (answered === 'no') return false
  const account = new Account(settings, provider)
  const { price } = account
  const expected = account.forecast(Number.isFinite(settings.target) ? wantedFirst(settings, provider) : 0)
  if (price) check.good(words.price(price.input, price.output))
  else screen.remark(words.noPrice(provider.model))
  check.good(screen.words.expected(expected.calls, expected.dollars))
  return answered === 'yes'
}

/** The tiny call. `busy`: the server knows the key and has no time now. */
async function answersCall(
  provider: Provider,
  { maxTokens }: Settings,
  check: Check,
): Promise<'yes' | 'busy' | 'no'> {
  const { words, screen } = check
  screen.progress(() => words.asking)
  const answer = await probe(provider, maxTokens, (said) => screen.remark(screen.say(said)))
  if (!isProblem(answer)) {
    const { ms, usage } = answer
    check.good(words.answered(ms, usage.prompt_tokens + usage.completion_tokens))
    return 'yes'
  }
  if (answer.kind === 'slow') {
    screen.remark(`${screen.say(answer.words)} ${words.busy}`)
    return 'busy'
  }
  check.fault(screen.say(answer.words))
  return 'no'
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
  proxy: (variable: string) =>
    `${variable} is set, and Node does not use it: the server must be reachable directly, or --base-url must name a server that is`,
  asking: 'one tiny call …',
  answered: (ms: number, tokens: number) => `one tiny call answered in ${ms} ms, ${tokens} tokens`,
  examining: (step: string) => `the exam: ${step} …`,
  tasks: (novel: number, read: number) => `${novel} new tasks of ${read}`,
  labels: (yes: Marks, no: Marks) =>
    `labels: ${yes.right} of ${yes.asked} yes, ${no.right} of ${no.asked} no`,
  instances: (done: number, asked: number) => `${done} of ${asked} instances`,
  speed: (tokens: number, instructions: number, time: string) =>
    `${tokens} tokens/s: ${instructions} instructions in about ${time}`,
  noTasks:
    'asked for new tasks, this model writes none: it says again what it is shown, or nothing that can be read. Take a larger model, a higher --temperature, or --topics FILE',
  noInstances:
    'asked to do two of the seed tasks, this model gives no answer that can be read. Take a larger model, or a larger --max-tokens',
  unread: (step: string, why: string) => `${step}: its replies could not be read: ${why}`,
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
  proxy: (variable) =>
    `已设置 ${variable}，但 Node 不会使用它：必须能直接访问服务器，或用 --base-url 指定能访问的服务器`,
  asking: '正在发送一次很小的请求……',
  answered: (ms, tokens) => `一次很小的请求：${ms} 毫秒得到回复，${tokens} 个 token`,
  examining: (step) => `正在考核：${step}……`,
  tasks: (novel, read) => `写出 ${read} 条任务，其中 ${novel} 条是新的`,
  labels: (yes, no) =>
    `类别判断：${yes.asked} 条分类任务对了 ${yes.right} 条，另外 ${no.asked} 条对了 ${no.right} 条`,
  instances: (done, asked) => `${asked} 条任务写出了 ${done} 条的实例`,
  speed: (tokens, instructions, time) => `每秒 ${tokens} 个 token：${instructions} 条指令大约需要 ${time}`,
  noTasks:
    '让这个模型出新题，它一条也没写出来：只是重复给它看的任务，或者回复无法解读。请换大一点的模型、调高 --temperature，或用 --topics 文件',
  noInstances: '让这个模型做两条种子任务，它没有给出能读的答案。请换大一点的模型，或调大 --max-tokens',
  unread: (step, why) => `${step}：回复无法解读：${why}`,
  busy: '密钥有效；正式运行时会等待后继续。',
  price: (input, output) => `每百万 token：输入 $${input}，输出 $${output}`,
  noPrice: (model) => `${model} 的价格未知：费用显示为 $?`,
  mend: (faults, command) => `有 ${faults} 处需要处理，之后再运行：${command}`,
  works: (command) => `可以运行：${command}`,
}

const checkWords: Record<Language, CheckWords> = { en, zh }

type Answered = { ms: number; usage: Usage }

/** Asks one small question, once and without a log: it is no part of a run. Only a server that is loading is waited for. */
async function probe(provider: Provider, maxTokens: number, tell: Tell): Promise<Answered | Problem> {
  const messages: Message[] = [
    { role: 'user', content: 'Write one short task. Answer with JSON, a list named "tasks" with one text.' },
  ]
  const question: Question = { messages, schema: 'tasks', temperature: 0.7, maxTokens, sample: 0 }
  const started = performance.now()
  try {
    const wire = await openWire(provider)
    const { signal } = new AbortController()
    setMaxListeners(0, signal) // one for each look at a server that is loading
    const attempt = () => wire(question, signal)
    const { usage } = await new Pace(1, provider, tell).patiently(attempt, signal, 0)
    return { ms: Math.round(performance.now() - started), usage }
  } catch (error) {
    if (!isProblem(error)) throw error
    return error
  }
}

// `check`: what a teacher runs the evening before, and forty laptops in the first minute. Each fault comes with its cure.
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { Budget } from '../model/budget.ts'
import { priceOf } from '../model/prices.ts'
import { isProblem } from '../model/problem.ts'
import { chooseProvider, type Provider, type Recorded } from '../model/provider.ts'
import { type Language, languageOf } from '../text/language.ts'
import { Fault } from '../workspace/fault.ts'
import { lockFolder } from '../workspace/lock.ts'
import { readCommandLine } from '../workspace/arguments.ts'
import { wantedFirst } from '../workspace/plan.ts'
import { readSeedTasks } from '../workspace/seeds.ts'
import { readEnvironment } from '../workspace/environment.ts'
import { readSettings, type Settings } from '../workspace/settings.ts'
import { projectFolder } from '../workspace/project.ts'
import { checkWords, type CheckWords } from './check-words.ts'
import { typed } from './command-line.ts'
import { openLog } from './materials.ts'
import { Screen, shownPath } from './screen.ts'
import { whoAnswers } from './summary.ts'

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
    const { baseUrl, name } = provider
    this.good(line)
    this.good(name === 'dashscope' ? this.words.region(baseUrl, regionOf(baseUrl)) : baseUrl)
    if (provider.proxied && !provider.local) this.screen.remark(this.words.proxy)
    if (await this.call(provider)) this.price(provider)
  }

  /** The tiny call; false when a run would not get past it. */
  private async call(provider: Provider): Promise<boolean> {
    this.screen.progress(() => this.words.asking)
    const { probe } = await import('../model/probe.ts')
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
    const price = priceOf(provider, this.settings.price)
    const budget = new Budget({ ...this.settings, budget: undefined, language: this.language }, provider)
    const expected = budget.forecast(wantedFirst(Number.isFinite(target) ? target : 0))
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

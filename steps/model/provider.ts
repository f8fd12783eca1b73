// Who answers: the providers the workshop knows, and how one is chosen when none is named.
import { type Environment, proxyVariables } from '../workspace/environment.ts'
import { Fault, type Words, addressCure, lacksVersion } from '../workspace/fault.ts'
import type { Step } from '../workspace/folder.ts'
import type { Settings } from '../workspace/settings.ts'
import { type Provider, type ProviderFacts, type ProviderName, type Recorded, isProblem } from './call.ts'

/** What the workshop knows of a provider: where it is, its key, its model, and what else is always true of it. */
type Known = ProviderFacts & {
  address: string
  addressVariable?: 'OPENAI_BASE_URL' | 'DASHSCOPE_BASE_URL'
  keyVariable?: 'OPENAI_API_KEY' | 'DASHSCOPE_API_KEY' | 'LLM_API_KEY'
  keyNeeded?: true
  usualModel?: string
}

// What holds where the table below says nothing else.
const server = {
  tokenLimit: 'max_tokens',
  extra: {},
  penalties: ['presence_penalty', 'frequency_penalty'],
  local: false,
  free: false,
  byHand: false,
  standIn: false,
  batches: true,
  regional: false,
  idle: [],
} as const
const noServer = { ...server, address: '', local: true, free: true, batches: false } as const

// Addresses, default models and parameters as the providers document them (November 2026). Reasoning is switched off
// where it can be: it would spend the token limit and answer with an empty reply.
export const known: Record<ProviderName, Known> = {
  openai: {
    ...server,
    address: 'https://api.openai.com/v1',
    addressVariable: 'OPENAI_BASE_URL',
    keyVariable: 'OPENAI_API_KEY',
    keyNeeded: true,
    usualModel: 'gpt-6-luna',
    tokenLimit: 'max_completion_tokens',
    extra: { reasoning_effort: 'none' },
    penalties: [], // its models that reason refuse them
  },
  dashscope: {
    ...server,
    address: 'https://dashscope.aliyuncs.com/compatible-mode/v1', // Beijing
    addressVariable: 'DASHSCOPE_BASE_URL',
    keyVariable: 'DASHSCOPE_API_KEY',
    keyNeeded: true,
    usualModel: 'qwen-plus',
    extra: { enable_thinking: false },
    penalties: ['presence_penalty'],
    regional: true,
  },
  ollama: {
    ...server,
    address: 'http://localhost:11434/v1',
    extra: { reasoning_effort: 'none' },
    local: true,
    free: true,
    idle: ['price'],
  },
  compatible: { ...server, address: '', keyVariable: 'LLM_API_KEY' },
  offline: {
    ...noServer,
    standIn: true,
    idle: ['temperature', 'model', 'base-url', 'price', 'param', 'timeout'],
  },
  paste: {
    ...noServer,
    byHand: true,
    idle: ['temperature', 'max-tokens', 'base-url', 'concurrency', 'price', 'param', 'timeout'],
  },
}

/** The provider of a run: named, or by address, or by the key found, or by the log, or the offline model. */
export function chooseProvider(settings: Settings, environment: Environment, recorded: Recorded): Provider {
  const name = nameOf(settings, environment, recorded)
  if (known[name].standIn) return standIn(name, settings, recorded)
  if (known[name].byHand) return byHand(name, settings, recorded)
  return serverNamed(name, settings, environment, recorded)
}

function serverNamed(
  name: ProviderName,
  settings: Settings,
  environment: Environment,
  recorded: Recorded,
): Provider {
  const { address, addressVariable, keyVariable, keyNeeded, usualModel, ...facts } = known[name]
  const key = keyVariable && environment[keyVariable]
  const last = lastServer(recorded)
  // Without a key, a default model nobody recorded is of no use: take the one that was.
  const fromLog = settings.replay !== undefined || (keyVariable !== undefined && !key)
  const inLog = fromLog && last?.name === name ? last.model : undefined
  const model = settings.model ?? inLog ?? usualModel
  if (!model) throw noModel(name)
  const baseUrl = bare(settings.baseUrl ?? ((addressVariable && environment[addressVariable]) || address))
  const latest = recorded.get(`${name} ${model}`)
  const unreachable = (keyNeeded && !key) || baseUrl === ''
  // Filtering without the judge asks nobody, and so needs no key.
  const asks = askingSteps(settings.steps, settings.judge).length > 0 && !settings.dryRun
  if (unreachable && latest === undefined && !settings.replay && asks)
    throw baseUrl === '' ? noAddress() : noKey(name, keyVariable ?? '')
  // Nobody named a provider and there is no key: the log itself says who answered, and is all there is.
  const { OPENAI_API_KEY, DASHSCOPE_API_KEY } = environment
  const onlyLog = !settings.provider && !settings.baseUrl && !OPENAI_API_KEY && !DASHSCOPE_API_KEY
  return {
    ...facts,
    name,
    model,
    baseUrl,
    key,
    keyFrom: key && keyVariable ? keyVariable : '',
    local: facts.local || isNear(baseUrl),
    proxied: proxyVariables.find((variable) => environment[variable]) ?? '',
    params: settings.params,
    ...(settings.timeout === undefined ? {} : { silence: settings.timeout * 1000 }),
    ...(name === 'compatible' && settings.provider === 'openai' ? { note: notOpenai } : {}),
    replayOf: settings.replay || onlyLog ? (latest ?? '') : unreachable ? latest : undefined,
  }
}

/** The address without what stands behind it in the documents of some servers: requests add it themselves. */
function bare(address: string): string {
  const atEnd =
    /(?:\/+chat\/completions|(?<=\/v\d\w*)(?:\/+(?:chat|completions|models|responses)\/*|\/{2,}))\/?$/
  return address.replace(atEnd, '')
}

// This machine, or one in the same house, by number or by a name that means something only there: they answer more slowly,
// and need no proxy.
const nearHosts =
  /^((127|10)(\.\d+){3}|172\.(1[6-9]|2\d|3[01])(\.\d+){2}|192\.168(\.\d+){2}|\[::1?\]|[\w-]+|.*\.(local|lan|internal))$/

function isNear(address: string): boolean {
  return URL.canParse(address) && nearHosts.test(new URL(address).hostname)
}

function isOpenai(address: string): boolean {
  return URL.canParse(address) && /(^|\.)openai\.com$/.test(new URL(address).hostname)
}

const notOpenai: Words = {
  en: "the address is not OpenAI's: taken as a compatible server, its key, if it wants one, from LLM_API_KEY",
  zh: '该地址不是 OpenAI 的：按兼容服务器处理；如需密钥，请放在 LLM_API_KEY',
}

const nowhere = { baseUrl: '', key: undefined, keyFrom: '', proxied: '' } as const

function standIn(name: ProviderName, { replay }: Settings, recorded: Recorded): Provider {
  const replayOf = replay && (recorded.get(`${name} ${name}`) ?? '')
  return { ...known[name], ...nowhere, name, model: name, replayOf }
}

// Replies a person pasted are replayed to others like a server's; who says `--provider paste` answers the rest.
function byHand(name: ProviderName, settings: Settings, recorded: Recorded): Provider {
  const last = lastServer(recorded)
  const replayed = settings.replay !== undefined || !settings.provider
  const model = settings.model ?? (last?.name === name ? last.model : name)
  const replayOf = replayed ? (recorded.get(`${name} ${model}`) ?? '') : undefined
  return { ...known[name], ...nowhere, name, model, replayOf }
}

function nameOf(
  { provider, baseUrl, replay }: Settings,
  environment: Environment,
  recorded: Recorded,
): ProviderName {
  if (provider === 'openai' && baseUrl && !isOpenai(baseUrl)) return 'compatible'
  if (provider) return provider as ProviderName
  if (!replay) {
    if (baseUrl) return 'compatible'
    if (environment.OPENAI_API_KEY) return 'openai'
    if (environment.DASHSCOPE_API_KEY) return 'dashscope'
  }
  return lastServer(recorded)?.name ?? 'offline'
}

/** The provider whose replies stand last in the log; the stand-in is none. */
function lastServer(recorded: Recorded): { name: ProviderName; model: string } | undefined {
  const sources = [...recorded.keys()].map((source) => {
    const [name = '', ...model] = source.split(' ')
    return { name: name as ProviderName, model: model.join(' ') }
  })
  return sources.findLast(({ name }) => Object.hasOwn(known, name) && !known[name].standIn)
}

function noKey(name: string, variable: string): Fault {
  return new Fault({
    en: `--provider ${name} needs a key in ${variable}, and there is none. Put the line ${variable}=… into a file named .env here, or leave --provider out to run offline.`,
    zh: `--provider ${name} 需要 ${variable} 中的密钥，但没有找到。请在此处的 .env 文件中写入一行 ${variable}=…，或去掉 --provider 离线运行。`,
  })
}

/** The settings with the model filled in where none is named and the server lists a single one. */
export async function withListedModel(
  settings: Settings,
  environment: Environment,
  recorded: Recorded,
): Promise<Settings> {
  const name = nameOf(settings, environment, recorded)
  const unnamed = !settings.model && !settings.replay && !settings.dryRun && !known[name].standIn
  if (!unnamed || known[name].byHand || known[name].usualModel) return settings
  const { address, keyVariable } = known[name]
  const isInLog = lastServer(recorded)?.name === name && !(keyVariable && environment[keyVariable])
  if (isInLog || !(settings.baseUrl ?? address)) return settings
  const draft = serverNamed(name, { ...settings, model: '?' }, environment, recorded)
  const [{ listModels }, { unreachable }] = await Promise.all([import('./wire.ts'), import('./pace.ts')])
  const listed = await listModels(draft).catch((problem: unknown) => {
    if (!isProblem(problem)) throw problem
    if (problem.connection) throw new Fault(unreachable(problem, draft).words, 1)
    const unlisted = lacksVersion(draft.baseUrl) ? addressCure(draft) : listing([])
    throw noModel(name, problem.status === 404 ? unlisted : problem.words)
  })
  const [model, ...others] = listed
  if (model === undefined || others.length > 0) throw noModel(name, listing(listed))
  return { ...settings, model }
}

const listedAtMost = 8 // names, of servers that have hundreds

function listing(models: readonly string[]): Words {
  const shown = models.slice(0, listedAtMost).join(', ') + (models.length > listedAtMost ? ', …' : '')
  return models.length === 0
    ? { en: 'the server lists none', zh: '服务器没有列出任何模型' }
    : { en: `the server lists ${shown}`, zh: `服务器列出的有：${shown}` }
}

function noModel(name: string, why?: Words): Fault {
  const option = name === 'compatible' ? '--base-url' : `--provider ${name}`
  return new Fault({
    en: `${option} needs --model: the name under which the server knows its model${why ? ` (${why.en})` : ''}.`,
    zh: `${option} 需要同时指定 --model，即服务器上的模型名称${why ? `（${why.zh}）` : ''}。`,
  })
}

function noAddress(): Fault {
  return new Fault({
    en: 'The last run used a server by its address, which is not stored here: give it again with --base-url. A run that replayed a log goes on with --replay and where that lies now.',
    zh: '上次运行使用了自定义服务器地址，但此处没有保存：请再次用 --base-url 指定。如果上次是重放调用记录，请用 --replay 指明它现在的位置。',
  })
}

/** Of these steps, those that ask the model: step 4 does when it judges. */
export function askingSteps(steps: readonly Step[], judge: boolean): Step[] {
  return steps.filter((step) => step !== 'filter' || judge)
}

// What a model costs, in US dollars per million tokens. Prices of 2026-11-22, prompts up to 128k tokens, standard tier.
// OpenAI: its model pages and the price data of @pydantic/genai-prices 0.1.8 (2026-09-23).
// DashScope: models.dev (2026-07-02); Beijing's prices are set in yuan (qwen-plus 0.8/2) and turned into dollars there.

export type Price = { input: number; cached: number; output: number }

const openai: Record<string, Price> = {
  'gpt-6-luna': { input: 0.1, cached: 0.01, output: 0.5 },
  'gpt-6.1-terra': { input: 1, cached: 0.05, output: 5 },
  'gpt-5.6-luna': { input: 0.2, cached: 0.02, output: 1.2 },
  'gpt-5.4-nano': { input: 0.2, cached: 0.02, output: 1.25 },
  'gpt-5.4-mini': { input: 0.75, cached: 0.075, output: 4.5 },
  'gpt-5-nano': { input: 0.05, cached: 0.005, output: 0.4 },
  'gpt-5-mini': { input: 0.25, cached: 0.025, output: 2 },
  'gpt-4.1-mini': { input: 0.4, cached: 0.1, output: 1.6 },
  'gpt-4o-mini': { input: 0.15, cached: 0.075, output: 0.6 },
}

// A cache hit costs a fifth of the input at DashScope.
const fifth = (input: number, output: number): Price => ({ input, cached: input / 5, output })
const beijing: Record<string, Price> = { 'qwen-plus': fifth(0.115, 0.287), 'qwen-flash': fifth(0.022, 0.216) }
const elsewhere: Record<string, Price> = {
  'qwen-plus': fifth(0.4, 1.2),
  'qwen-flash': fifth(0.05, 0.4),
  'qwen3.5-plus': fifth(0.4, 2.4),
  'qwen3.6-plus': fifth(0.5, 3),
  'qwen3.7-plus': fifth(0.5, 3),
  'qwen3.6-flash': fifth(0.1875, 1.125),
}

const free: Price = { input: 0, cached: 0, output: 0 }

const lists: Partial<Record<ProviderName, (model: string, address: string) => Price | undefined>> = {
  openai: (model) => openai[model] ?? openai[model.replace(/-\d{4}-\d\d-\d\d$/, '')],
  dashscope: (model, address) => (beijingHosts.test(address) ? beijing : elsewhere)[model],
}

// dashscope.aliyuncs.com, or a workspace's own host there.
const beijingHosts = /^https?:\/\/(dashscope|[^/]+\.cn-beijing\.maas)\.aliyuncs\.com/

/** The price of the provider's model: `told` as `--price` spells it (no discount for cached tokens), or the known one. */
export function priceOf(provider: Provider, told: string | undefined): Price | undefined {
  if (provider.free) return free
  if (told === undefined) return lists[provider.name]?.(provider.model, provider.baseUrl)
  const [input = 0, output = 0] = told.split('/').map(Number)
  return { input, cached: input, output }
}

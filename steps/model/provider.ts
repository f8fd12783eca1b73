// Who answers: the providers the workshop knows, and how one is chosen when none is named.
import type { Environment } from '../workspace/environment.ts'
import { Fault } from '../workspace/fault.ts'
import type { Settings } from '../workspace/settings.ts'
import type { Provider, ProviderFacts, ProviderName, Recorded } from './call.ts'
import { askingSteps } from './prices.ts'

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
  offline: { ...noServer, standIn: true, idle: ['temperature', 'model', 'base-url', 'price'] },
  paste: { ...noServer, byHand: true, idle: ['base-url', 'concurrency', 'price'] },
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
  const baseUrl = settings.baseUrl ?? ((addressVariable && environment[addressVariable]) || address)
  const latest = recorded.get(`${name} ${model}`)
  const unreachable = (keyNeeded && !key) || baseUrl === ''
  // Filtering without the judge asks nobody, and so needs no key.
  const asks = askingSteps(settings.steps, settings.judge).length > 0 && !settings.dryRun
  if (unreachable && latest === undefined && !settings.replay && asks)
    throw baseUrl === '' ? noAddress() : noKey(name, keyVariable ?? '')
  // Nobody named a provider and there is no key: the log itself says who answered, and is all there is.
  const { OPENAI_API_KEY, DASHSCOPE_API_KEY, HTTPS_PROXY, https_proxy } = environment
  const onlyLog = !settings.provider && !settings.baseUrl && !OPENAI_API_KEY && !DASHSCOPE_API_KEY
  return {
    ...facts,
    name,
    model,
    baseUrl,
    key,
    keyFrom: key && keyVariable ? keyVariable : '',
    local: facts.local || /^https?:\/\/(localhost|127\.|\[::1\])/.test(baseUrl),
    proxied: Boolean(HTTPS_PROXY || https_proxy),
    replayOf: settings.replay || onlyLog ? (latest ?? '') : unreachable ? latest : undefined,
  }
}

const nowhere = { baseUrl: '', key: undefined, keyFrom: '', proxied: false } as const

function standIn(name: ProviderName, { replay }: Settings, recorded: Recorded): Provider {
  const replayOf = replay && (recorded.get(`${name} ${name}`) ?? '')
  return { ...known[name], ...nowhere, name, model: name, replayOf }
}

// Replies a person pasted are replayed to others like a server's; who says `--provider paste` answers the rest.
function byHand(name: ProviderName, settings: Settings, recorded: Recorded): Provider {
  const last = lastServer(recorded)
  const replayed = settings.replay !== undefined || !settings.provider
  const model = settings.model ?? (replayed && last?.name === name ? last.model : name)
  const replayOf = replayed ? (recorded.get(`${name} ${model}`) ?? '') : undefined
  return { ...known[name], ...nowhere, name, model, replayOf }
}

function nameOf(
  { provider, baseUrl, replay }: Settings,
  environment: Environment,
  recorded: Recorded,
): ProviderName {
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

function noModel(name: string): Fault {
  const option = name === 'compatible' ? '--base-url' : `--provider ${name}`
  return new Fault({
    en: `${option} needs --model: the name under which the server knows its model.`,
    zh: `${option} 需要同时指定 --model，即服务器上的模型名称。`,
  })
}

function noAddress(): Fault {
  return new Fault({
    en: 'The last run used a server by its address, which is not stored here: give it again with --base-url.',
    zh: '上次运行使用了自定义服务器地址，但此处没有保存：请再次用 --base-url 指定。',
  })
}

// Who answers: the providers the workshop knows, and how one is chosen when none is named.
import type { Environment } from '../workspace/environment.ts'
import { Fault, type Words } from '../workspace/fault.ts'
import type { Settings } from '../workspace/settings.ts'
import type { Provider, ProviderName, Recorded } from './call.ts'
import { askingSteps } from './prices.ts'

type ServerName = Exclude<ProviderName, 'offline' | 'paste'>

/** What the workshop knows of a server: where it is, its key, its model, how its parameters are spelt. */
type Known = {
  address: string
  addressVariable?: 'OPENAI_BASE_URL' | 'DASHSCOPE_BASE_URL'
  keyVariable?: 'OPENAI_API_KEY' | 'DASHSCOPE_API_KEY' | 'LLM_API_KEY'
  model?: string
  tokenLimit: 'max_tokens' | 'max_completion_tokens'
  extra: Record<string, unknown>
  local?: true
}

// Addresses, default models and parameters as the providers document them (November 2026). Reasoning is switched off
// where it can be: it would spend the token limit and answer with an empty reply.
const known: Record<ServerName, Known> = {
  openai: {
    address: 'https://api.openai.com/v1',
    addressVariable: 'OPENAI_BASE_URL',
    keyVariable: 'OPENAI_API_KEY',
    model: 'gpt-6-luna',
    tokenLimit: 'max_completion_tokens',
    extra: { reasoning_effort: 'none' },
  },
  dashscope: {
    address: 'https://dashscope.aliyuncs.com/compatible-mode/v1', // Beijing
    addressVariable: 'DASHSCOPE_BASE_URL',
    keyVariable: 'DASHSCOPE_API_KEY',
    model: 'qwen-plus',
    tokenLimit: 'max_tokens',
    extra: { enable_thinking: false },
  },
  ollama: {
    address: 'http://localhost:11434/v1',
    tokenLimit: 'max_tokens',
    extra: { reasoning_effort: 'none' },
    local: true,
  },
  compatible: { address: '', keyVariable: 'LLM_API_KEY', tokenLimit: 'max_tokens', extra: {} },
}

/** The provider of a run: named, or by address, or by the key found, or by the log, or the offline model. */
export function chooseProvider(settings: Settings, environment: Environment, recorded: Recorded): Provider {
  const name = settings.replay ? recordedName(settings, recorded) : nameOf(settings, environment, recorded)
  if (name === 'offline') return offline(settings.replay && (recorded.get('offline offline') ?? ''))
  if (name === 'paste') return paste(settings, recorded)
  const server = known[name]
  const model = settings.model ?? modelInLog(name, settings, environment, recorded) ?? server.model
  if (!model) throw noModel(name)
  const key = server.keyVariable && environment[server.keyVariable]
  const named = server.addressVariable && environment[server.addressVariable]
  const baseUrl = settings.baseUrl ?? (named || server.address)
  const needsKey = server.keyVariable !== undefined && name !== 'compatible'
  const latest = recorded.get(`${name} ${model}`)
  const unreachable = (needsKey && !key) || baseUrl === ''
  // Filtering without the judge asks nobody, and so needs no key.
  const asks = askingSteps(settings.steps, settings.judge).length > 0
  const inNeed = unreachable && latest === undefined && !settings.replay && asks && !settings.dryRun
  if (inNeed && name === 'compatible') throw noAddress()
  if (inNeed) throw noKey(name, server.keyVariable ?? '')
  // Nobody named a provider and there is no key: the log itself says who answered, and is all there is.
  const onlyLog =
    !settings.provider && !settings.baseUrl && !environment.OPENAI_API_KEY && !environment.DASHSCOPE_API_KEY
  const keyFrom = key && server.keyVariable ? server.keyVariable : ''
  const local = server.local === true || /^https?:\/\/(localhost|127\.|\[::1\])/.test(baseUrl)
  const replayOf = settings.replay || onlyLog ? (latest ?? '') : unreachable ? latest : undefined
  const { tokenLimit, extra } = server
  const proxied = Boolean(environment.HTTPS_PROXY || environment.https_proxy)
  return { name, model, baseUrl, key, keyFrom, tokenLimit, extra, local, proxied, replayOf }
}

function offline(replayOf: string | undefined): Provider {
  return { ...noServer, name: 'offline', model: 'offline', replayOf }
}

// Replies a person pasted are replayed to others like a server's; who says `--provider paste` answers the rest.
function paste(settings: Settings, recorded: Recorded): Provider {
  const last = lastServer(recorded)
  const replayed = settings.replay !== undefined || !settings.provider
  const model = settings.model ?? (replayed && last?.name === 'paste' ? last.model : 'paste')
  const replayOf = replayed ? (recorded.get(`paste ${model}`) ?? '') : undefined
  return { ...noServer, name: 'paste', model, replayOf }
}

const noServer = {
  baseUrl: '',
  key: undefined,
  keyFrom: '',
  tokenLimit: 'max_tokens',
  extra: {},
  local: true,
  proxied: false,
} as const

function nameOf(settings: Settings, environment: Environment, recorded: Recorded): ProviderName {
  if (settings.provider) return settings.provider as ProviderName
  if (settings.baseUrl) return 'compatible'
  if (environment.OPENAI_API_KEY) return 'openai'
  if (environment.DASHSCOPE_API_KEY) return 'dashscope'
  return lastServer(recorded)?.name ?? 'offline'
}

function recordedName(settings: Settings, recorded: Recorded): ProviderName {
  return (settings.provider as ProviderName | undefined) ?? lastServer(recorded)?.name ?? 'offline'
}

/** The server whose replies stand last in the log; the offline model is none. */
function lastServer(recorded: Recorded): { name: ProviderName; model: string } | undefined {
  const source = [...recorded.keys()].findLast((key) => !key.startsWith('offline '))
  if (source === undefined) return undefined
  const [name = '', ...model] = source.split(' ')
  return { name: name as ProviderName, model: model.join(' ') }
}

// Without a key, a default model nobody recorded is of no use: take the one that was.
function modelInLog(
  name: string,
  settings: Settings,
  environment: Environment,
  recorded: Recorded,
): string | undefined {
  const last = lastServer(recorded)
  const server = known[name as ServerName]
  const keyless =
    settings.replay !== undefined || (server.keyVariable !== undefined && !environment[server.keyVariable])
  return keyless && last?.name === name ? last.model : undefined
}

function noKey(name: string, variable: string): Fault {
  return new Fault({
    en: `--provider ${name} needs a key in ${variable}, and there is none. Put the line ${variable}=… into a file named .env here, or leave --provider out to run offline.`,
    zh: `--provider ${name} 需要 ${variable} 中的密钥，但没有找到。请在此处的 .env 文件中写入一行 ${variable}=…，或去掉 --provider 离线运行。`,
  })
}

function noModel(name: string): Fault {
  const words: Words = {
    en: `${name === 'compatible' ? '--base-url' : `--provider ${name}`} needs --model: the name under which the server knows its model.`,
    zh: `${name === 'compatible' ? '--base-url' : `--provider ${name}`} 需要同时指定 --model，即服务器上的模型名称。`,
  }
  return new Fault(words)
}

function noAddress(): Fault {
  return new Fault({
    en: 'The last run used a server by its address, which is not stored here: give it again with --base-url.',
    zh: '上次运行使用了自定义服务器地址，但此处没有保存：请再次用 --base-url 指定。',
  })
}

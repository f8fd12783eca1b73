// What a model costs, in US dollars per million tokens. Prices of 2026-11-22, prompts up to 128k tokens, standard tier.
// OpenAI: its model pages and the price data of @pydantic/genai-prices 0.1.8 (2026-09-23).
// DashScope: models.dev (2026-07-02); Beijing's prices are set in yuan (qwen-plus 0.8/2) and turned into dollars there.
import type { Step } from '../workspace/folder.ts'
import type { Provider, ProviderName, Usage } from './call.ts'

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

const batchShare = 0.5 // of every rate, the cached one too: OpenAI's and DashScope's Batch API

/** Dollars for these tokens; undefined without a price. */
export function dollars(
  { batch, ...usage }: Usage & { batch?: Usage },
  price: Price | undefined,
): number | undefined {
  if (!price) return undefined
  return full(usage, price) - (batch ? full(batch, price) * (1 - batchShare) : 0)
}

function full({ prompt_tokens, cached_tokens, completion_tokens }: Usage, price: Price): number {
  const fresh = prompt_tokens - cached_tokens
  return (fresh * price.input + cached_tokens * price.cached + completion_tokens * price.output) / 1e6
}

/** Of these steps, those that ask the model: step 4 does when it judges. */
export function askingSteps(steps: readonly Step[], judge: boolean): Step[] {
  return steps.filter((step) => step !== 'filter' || judge)
}

// How many instructions a round asks step 1 for: what is needed, and what will be lost on the way. More would be paid for
// and thrown away; too few cost another round, which by batch is another day.
const lostShare = { calls: 0.1, batch: 0.25, standIn: 0.4 } // the stand-in's faults are planted, and known

/**
 * Instructions wanted of step 1 in the first round, when nothing is known yet of what a model loses. Of many no more are
 * asked for than the square root: by then it is known, and another round of calls takes seconds.
 */
export function wantedFirst({ target, batch }: Plan, { standIn }: { standIn: boolean }): number {
  const lost = target * lostShare[standIn ? 'standIn' : batch ? 'batch' : 'calls']
  return Math.ceil(target + (standIn || batch ? lost : Math.min(lost, Math.sqrt(target))))
}

type Plan = { target: number; batch: boolean }

/** Instructions wanted in the next round: what is missing, at the rate at which accepted ones were kept so far. */
export function wantedNext(target: number, accepted: number, kept: number): number {
  return accepted + Math.ceil(((target - kept) * accepted) / Math.max(kept, 1))
}

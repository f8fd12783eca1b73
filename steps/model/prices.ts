// What a model costs, in US dollars per million tokens. Prices of 2026-11-22, prompts up to 128k tokens, standard tier.
// OpenAI: its model pages and the price data of @pydantic/genai-prices 0.1.8 (2026-09-23).
// DashScope: models.dev (2026-07-02); Beijing's prices are set in yuan (qwen-plus 0.8/2) and turned into dollars there.
import type { Language } from '../text/language.ts'
import { type Step, steps } from '../workspace/folder.ts'
import type { Call, Message, Provider, Usage } from './call.ts'

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

const free = { input: 0, cached: 0, output: 0 }

/** Nobody sends a bill: the model runs here, or a person carries the prompts. */
export function isFree({ name }: Provider): boolean {
  return name === 'offline' || name === 'ollama' || name === 'paste'
}

/** The price of the provider's model: `told` as `--price` spells it (no discount for cached tokens), or the known one. */
export function priceOf(provider: Provider, told: string | undefined): Price | undefined {
  if (isFree(provider)) return free
  if (told !== undefined) {
    const [input = 0, output = 0] = told.split('/').map(Number)
    return { input, cached: input, output }
  }
  const { name, model, baseUrl } = provider
  if (name === 'openai') return openai[model] ?? openai[model.replace(/-\d{4}-\d\d-\d\d$/, '')]
  return name === 'dashscope' ? (isBeijing(baseUrl) ? beijing : elsewhere)[model] : undefined
}

// dashscope.aliyuncs.com, or a workspace's own host there.
function isBeijing(address: string): boolean {
  return /^https?:\/\/(dashscope|[^/]+\.cn-beijing\.maas)\.aliyuncs\.com/.test(address)
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

// What requests will take before they are sent: tokens of texts, and calls and tokens of steps, as usual or, once there
// are replies to learn from, as measured.

/** Of these steps, those that ask the model: step 4 does when it judges. */
export function askingSteps(steps: readonly Step[], judge: boolean): Step[] {
  return steps.filter((step) => step !== 'filter' || judge)
}

/** One request: the instructions it serves, and its tokens. */
type Request = { rows: number; prompt: number; completion: number }

// Prompts: these steps' own, over runs to 100 with the shipped seed tasks, in tokens of o200k (gpt-tokenizer 4.0).
// Replies: JSON for 10 tasks, 20 answers and 10 verdicts from the same runs. For instances the stand-in's answers (67) are too short:
// the 175 seed tasks of the paper measure 104 tokens an instance, and 1.7 come to a task.
const usual: Record<Language, Record<Step, Request>> = {
  en: {
    generate: { rows: 6, prompt: 306, completion: 252 },
    classify: { rows: 20, prompt: 489, completion: 199 },
    instances: { rows: 1, prompt: 122, completion: 180 },
    filter: { rows: 4, prompt: 695, completion: 209 },
  },
  zh: {
    generate: { rows: 6, prompt: 335, completion: 263 },
    classify: { rows: 20, prompt: 593, completion: 199 },
    instances: { rows: 1, prompt: 128, completion: 180 },
    filter: { rows: 4, prompt: 839, completion: 202 },
  },
}
const canaryRows = 20 // labelled seed tasks that ride along in step 2
const spelling = 50 // tokens of roles and reply schema around a prompt

/** Tokens of a text, within a tenth of o200k on the workshop's prompts: 4.3 ASCII characters a token, 0.82 tokens for any other. */
export function tokensOf(text: string): number {
  const ascii = text.replace(/[^\x00-\x7f]/g, '').length
  return Math.ceil(ascii / 4.3 + (text.length - ascii) * 0.82)
}

/** Tokens of a prompt as the server counts them. */
export function promptTokens(messages: readonly Message[]): number {
  return messages.reduce((sum, message) => sum + tokensOf(message.content), spelling)
}

/** What calls took so far, by step; a step without calls is judged by the others. */
export class Experience {
  private readonly usual: Record<Step, Request>
  private readonly sums: Record<Step, Request & { calls: number }>

  constructor(language: Language) {
    this.usual = usual[language]
    const none = () => ({ calls: 0, rows: 0, prompt: 0, completion: 0 })
    this.sums = { generate: none(), classify: none(), instances: none(), filter: none() }
  }

  learn({ step, rows, usage }: Pick<Call, 'step' | 'rows' | 'usage'>): void {
    if (usage.prompt_tokens === 0) return
    const sum = this.sums[step]
    sum.calls++
    sum.rows += step === 'classify' && rows ? rows.length : this.usual[step].rows
    sum.prompt += usage.prompt_tokens
    sum.completion += usage.completion_tokens
  }

  /** The next request of a step; `messages` when its prompt is at hand. */
  request(step: Step, messages?: readonly Message[]): Request {
    const { rows, prompt, completion } = this.usual[step]
    const sum = this.sums[step]
    if (sum.calls > 0) return { rows, prompt: sum.prompt / sum.calls, completion: sum.completion / sum.calls }
    const size = messages ? promptTokens(messages) : prompt + spelling
    return { rows, prompt: size * this.ratio('prompt'), completion: completion * this.ratio('completion') }
  }

  /** Tokens for one row of a step. */
  row(step: Step): Pick<Request, 'prompt' | 'completion'> {
    const { rows, prompt, completion } = this.sums[step].calls > 0 ? this.sums[step] : this.request(step)
    return { prompt: prompt / rows, completion: completion / rows }
  }

  // How this model's tokens compare with the usual ones.
  private ratio(of: 'prompt' | 'completion'): number {
    let measured = 0
    let expected = 0
    for (const step of steps) {
      measured += this.sums[step][of]
      expected += this.sums[step].calls * (this.usual[step][of] + (of === 'prompt' ? spelling : 0))
    }
    return expected === 0 ? 1 : measured / expected
  }
}

/** Calls and tokens for so many rows of a step. */
export function expected(step: Step, rows: number, experience: Experience, messages?: readonly Message[]) {
  const request = experience.request(step, messages)
  const calls = rows === 0 ? 0 : Math.ceil((rows + (step === 'classify' ? canaryRows : 0)) / request.rows)
  const prompt_tokens = Math.round(calls * request.prompt)
  return { calls, prompt_tokens, completion_tokens: Math.round(calls * request.completion), cached_tokens: 0 }
}

// How many instructions a round asks step 1 for, so that the data set reaches its target in few rounds.

// Of the accepted instructions about a fifth is lost in steps 3 and 4.
const margin = 1.25

/** Instructions wanted of step 1 in the first round. */
export function wantedFirst(target: number): number {
  return Math.ceil(target * margin) + 1
}

/** Instructions wanted in the next round: what is missing, at the rate at which accepted ones were kept so far. */
export function wantedNext(target: number, accepted: number, kept: number): number {
  const missing = target - kept
  return accepted + Math.ceil((missing * accepted * 1.1) / Math.max(kept, 1)) + 1
}

// What requests will take before they are sent: tokens of texts, and calls and tokens of steps, as usual or, once there
// are replies to learn from, as measured.
import type { Language } from '../text/language.ts'
import { type Step, steps } from '../workspace/folder.ts'
import type { Call } from './call-log.ts'
import type { Message } from './wire.ts'

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

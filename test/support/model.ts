// Models and problems for tests that need no server.
import path from 'node:path'
import { Budget } from '../../steps/model/budget.ts'
import { CallLog } from '../../steps/model/call-log.ts'
import type { Problem, Provider, Question, Reply, Wire } from '../../steps/model/call.ts'
import { Model } from '../../steps/model/model.ts'
import { known } from '../../steps/model/provider.ts'
import { temporaryFolder } from './command.ts'
import { onTestFinished } from 'vitest'

export const remote: Provider = {
  ...known.openai,
  name: 'openai',
  model: 'gpt-6-luna',
  baseUrl: 'https://api.openai.com/v1',
  key: 'sk-test',
  keyFrom: 'OPENAI_API_KEY',
  extra: {},
  proxied: '',
  replayOf: undefined,
}

export const offline: Provider = {
  ...known.offline,
  name: 'offline',
  model: 'offline',
  baseUrl: '',
  key: undefined,
  keyFrom: '',
  proxied: '',
  replayOf: undefined,
}

export function problem(kind: Problem['kind'], more: Partial<Problem> = {}): Problem {
  return { kind, words: { en: `a problem: ${kind}`, zh: `问题：${kind}` }, ...more }
}

export function replied(reply: string): Reply {
  const usage = { prompt_tokens: 10, completion_tokens: 5, cached_tokens: 0 }
  return { request: {}, reply, finish_reason: 'stop', usage }
}

export function questionOf(text: string, sample = 0): Question {
  const messages = [{ role: 'user' as const, content: text }]
  return { messages, schema: 'instances', temperature: 0, maxTokens: 64, sample }
}

/** A model with a log of its own, or the one given. */
export async function modelWith(
  wire: Wire,
  concurrency = 4,
  file?: string,
  provider = remote,
): Promise<Model> {
  const log = await CallLog.open(file ?? path.join(await temporaryFolder(), 'calls.jsonl'), false)
  const terms = { budget: undefined, price: undefined, steps: [], judge: false, language: 'en' as const }
  const model = new Model(provider, log, new Budget(terms, provider), concurrency, () =>
    Promise.resolve(wire),
  )
  onTestFinished(() => model.close())
  return model
}

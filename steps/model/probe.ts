// One tiny call, as a run would make it, to see whether the provider answers. It is not logged: it is no part of a run.
import { readTasks } from '../text/replies.ts'
import type { Usage } from './call-log.ts'
import { unreachable } from './pace.ts'
import { isProblem, type Problem } from './problem.ts'
import type { Provider } from './provider.ts'
import { openWire, type Question } from './wire.ts'

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

/** A model server that takes its time as real ones do: a jittered latency, and one reply in twenty ten times slower.
 *  What it says is made up and quick to make, so that the client is what is measured. */
import { setTimeout as sleep } from 'node:timers/promises'
import { randomFor } from '../../steps/text/pool.ts'
import { type Received, TestServer, completion } from '../support/server.ts'
import { writtenTexts } from './texts.ts'

const SLOW = { share: 0.05, times: 10 }
const TASKS_A_REPLY = 10

export class SlowServer {
  /** Of every request, in the order in which they came, ms. */
  readonly latencies: number[] = []
  private first = Infinity
  private last = 0
  private server: TestServer | undefined
  private readonly latency: number
  private readonly tasks: string[]

  private constructor(latency: number, tasks: number) {
    this.latency = latency
    this.tasks = tasks > 0 ? writtenTexts(tasks, 3) : []
  }

  /** `latency`: of a usual reply, ms. `tasks`: how many new tasks step 1 can be given. */
  static async start(latency: number, tasks = 0): Promise<SlowServer> {
    const slow = new SlowServer(latency, tasks)
    slow.server = await TestServer.start((request) => slow.answer(request))
    return slow
  }

  get url(): string {
    return this.server?.url ?? ''
  }

  /** From the first request to the last reply, ms. */
  get took(): number {
    return this.last - this.first
  }

  /** The latency of a request, always the same for the same messages. */
  latencyOf(messages: unknown): number {
    const random = randomFor(JSON.stringify(messages))
    const usual = this.latency * (0.5 + random())
    return random() < SLOW.share ? SLOW.times * usual : usual
  }

  async close(): Promise<void> {
    await this.server?.close()
  }

  private async answer({ body }: Received) {
    this.first = Math.min(this.first, performance.now())
    const latency = this.latencyOf(body.messages)
    this.latencies.push(latency)
    const reply = JSON.stringify(this.reply(body.messages))
    await sleep(latency)
    this.last = performance.now()
    return { status: 200, body: completion(reply) }
  }

  private reply(messages: Received['body']['messages']): object {
    const prompt = messages.at(-1)?.content ?? ''
    if (prompt.includes('"tasks"')) return { tasks: this.tasks.splice(0, TASKS_A_REPLY) }
    if (!prompt.includes('"answers"')) return { instances: [{ input: '', output: 'It is done as asked.' }] }
    const rows = prompt.match(/^\d+\. /gm) ?? []
    return { answers: rows.map((_, place) => ({ task: place + 1, is_classification: place % 5 === 0 })) }
  }
}

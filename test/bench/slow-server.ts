/** A model server that takes its time as real ones do, and may fail or refuse as they do. What it says is made up and
 *  quick to make, so that the client is what is measured. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { randomFor } from '../../steps/text/pool.ts'
import { type Odd, type Received, TestServer, completion, rowsAsked } from '../support/server.ts'
import { writtenTexts } from './texts.ts'

const SLOW = { share: 0.05, times: 10 }
const TASKS_A_REPLY = 10
const SECOND = 1000 // ms

/** The labels of the seed tasks, which step 2 asks for as its exam. */
const SEEDS = new Map(
  readFileSync(join(import.meta.dirname, '..', '..', 'data', 'seed_tasks.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { instruction: string; is_classification: boolean })
    .map((seed) => [seed.instruction, seed.is_classification]),
)

export interface Habits {
  /** Of a usual reply, ms. */
  latency: number
  /** How far from it a reply may be, as a share of it. */
  spread?: number
  /** One reply in twenty takes ten times as long. */
  slowOnes?: boolean
  /** How many new tasks there are for step 1; each of its requests gets some of them. */
  tasks?: number
  /** The share of attempts that meet each kind of fault. */
  faults?: Partial<Record<Fault, number>>
  /** Which dice decide on faults. */
  dice?: number
  /** Requests answered in any second; more are refused. */
  aSecond?: number
}

export type Fault = 'refused' | 'failed' | 'reset' | 'blank' | 'no choices'

const REFUSED: Odd = {
  status: 429,
  body: { error: { message: 'slow down', code: 'rate_limit_exceeded' } },
  headers: { 'retry-after': '1' },
}
const FAULTS: Record<Fault, Odd> = {
  refused: REFUSED,
  failed: { status: 500, body: { error: { message: 'The server had an error.' } } },
  reset: (response) => response.socket?.resetAndDestroy(),
  blank: { status: 200, body: completion('') },
  'no choices': { status: 200, body: { ...completion(''), choices: [] } },
}

export class SlowServer {
  /** Of every request that was worked on, in the order in which they came, ms. */
  readonly latencies: number[] = []
  /** Requests that got no reply. */
  refused = 0
  /** Replies as far as they were given, by what was asked: more than one were paid twice. */
  readonly answered = new Map<string, number>()
  private first = Infinity
  private last = 0
  private server: TestServer | undefined
  private readonly habits: Habits
  private readonly tasks: string[]
  private readonly attempts = new Map<string, number>()
  private readonly admitted: number[] = []

  private constructor(habits: Habits) {
    const { tasks = 0 } = habits
    this.habits = habits
    this.tasks = tasks > 0 ? writtenTexts(tasks, 3) : []
  }

  static async start(habits: Habits): Promise<SlowServer> {
    const slow = new SlowServer(habits)
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
    const { latency, spread = 0.5, slowOnes } = this.habits
    const random = randomFor(JSON.stringify(messages))
    const usual = latency * (1 - spread + 2 * spread * random())
    return slowOnes && random() < SLOW.share ? SLOW.times * usual : usual
  }

  async close(): Promise<void> {
    await this.server?.close()
  }

  private async answer({ body }: Received): Promise<Odd> {
    const now = performance.now()
    this.first = Math.min(this.first, now)
    const fault = this.isOver(now) ? 'refused' : this.faultFor(body.messages)
    if (fault === 'refused') {
      this.refused++
      return REFUSED
    }
    const latency = this.latencyOf(body.messages)
    this.latencies.push(latency)
    const reply = fault ? undefined : JSON.stringify(this.reply(body.messages))
    await sleep(latency)
    this.last = performance.now()
    if (fault) return FAULTS[fault]
    const key = JSON.stringify(body)
    this.answered.set(key, (this.answered.get(key) ?? 0) + 1)
    return { status: 200, body: completion(reply ?? '') }
  }

  /** Whether as many were admitted in the last second as are allowed. */
  private isOver(now: number): boolean {
    const { aSecond = Infinity } = this.habits
    while (now - (this.admitted[0] ?? now) >= SECOND) this.admitted.shift()
    if (this.admitted.length >= aSecond) return true
    this.admitted.push(now)
    return false
  }

  /** By a die for each request and attempt, so that it does not depend on timing. */
  private faultFor(messages: unknown): Fault | undefined {
    const { faults = {}, dice = 0 } = this.habits
    const key = JSON.stringify(messages)
    const attempt = this.attempts.get(key) ?? 0
    this.attempts.set(key, attempt + 1)
    let die = randomFor(key, attempt, dice)()
    for (const [fault, share] of Object.entries(faults) as [Fault, number][]) {
      die -= share
      if (die < 0) return fault
    }
    return undefined
  }

  private reply(messages: Received['body']['messages']): object {
    const prompt = messages.at(-1)?.content ?? ''
    if (prompt.includes('"tasks"')) return { tasks: this.tasksFor(messages) }
    if (!prompt.includes('"answers"')) return { instances: [{ input: '', output: 'It is done as asked.' }] }
    return {
      answers: rowsAsked(messages).map((task, place) => ({
        task: place + 1,
        is_classification: SEEDS.get(task) ?? place % 5 === 0,
      })),
    }
  }
  /** The same for the same messages, so that what a run makes of them does not depend on who came first. */
  private tasksFor(messages: unknown): string[] {
    const replies = Math.floor(this.tasks.length / TASKS_A_REPLY)
    const from = TASKS_A_REPLY * Math.floor(randomFor('tasks', JSON.stringify(messages))() * replies)
    return this.tasks.slice(from, from + TASKS_A_REPLY)
  }
}

/** The ideal: how long the requests of a run take a program that needs no time itself and knows no latency beforehand.
 *  Each is sent, first come, first served, as soon as a place in flight is free and the replies are there that its text is
 *  made of: a prompt of step 1 shows tasks of earlier replies, a group of step 2 holds rows that were accepted, which
 *  depends on all replies before theirs, and how step 3 asks depends on the label. No program can send them sooner. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { seenBy } from '../../steps/generate.ts'
import { samplesAtMost } from '../../steps/model/call.ts'

/** A request that may be sent at this time, and is answered so much later (ms). */
export interface Timed {
  from: number
  takes: number
}

interface Line {
  id: string
  call: string
  key: string
  step: string
  sample: number
  request: { messages: unknown }
}

/** The requests of a run, from what it left in its folder. */
export function requestsIn(folder: string, latencyOf: (messages: unknown) => number): Timed[] {
  const lines = (name: string): Line[] =>
    readFileSync(join(folder, `${name}.jsonl`), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Line)
  const [calls, accepted, labelled] = [lines('calls'), lines('1-instructions'), lines('2-classified')]
  const timed = new Map(
    calls.map(({ key, request }) => [key, { from: 0, takes: latencyOf(request.messages) }]),
  )
  const of = (call: string): Timed => timed.get(call) ?? { from: 0, takes: 0 }
  const endOf = (call: string): number => of(call).from + of(call).takes
  const delay = (call: string, until = 0): void => {
    of(call).from = Math.max(of(call).from, until)
  }

  const read = [0] // when so many replies of step 1 can be read
  const readAt = new Map<string, number>()
  const asking = calls.filter(({ step }) => step === 'generate').toSorted((a, b) => a.sample - b.sample)
  for (const { key, sample } of asking) {
    const k = Math.floor(sample / samplesAtMost)
    delay(key, read[seenBy(k)])
    read[k + 1] = Math.max(read[k] ?? 0, endOf(key))
    readAt.set(key, read[k + 1] ?? 0)
  }

  const acceptedAt = new Map(accepted.map(({ id, call }) => [id, readAt.get(call)]))
  const labelling = new Map(labelled.map(({ id, call }) => [id, call]))
  const groups = new Set(labelling.values())
  const exam = calls.filter(({ key, step }) => step === 'classify' && !groups.has(key))
  const examined = Math.max(0, ...exam.map(({ key }) => endOf(key)))
  for (const { id, call } of labelled) delay(call, Math.max(examined, acceptedAt.get(id) ?? 0))
  for (const { id, call } of lines('3-instances')) delay(call, endOf(labelling.get(id) ?? ''))
  return [...timed.values()]
}

/** When the last of these is done (ms), with so many places in flight. */
export function scheduled(requests: readonly Timed[], places: number): number {
  const free = Array.from({ length: places }, () => 0)
  for (const { from, takes } of requests.toSorted((a, b) => a.from - b.from)) occupy(free, takes, from)
  return Math.max(...free)
}

/** A time that no schedule can beat, even one that knew all latencies: what may only be sent late is still to be done. */
export function leastTime(requests: readonly Timed[], places: number): number {
  let [least, work] = [0, 0]
  for (const { from, takes } of requests.toSorted((a, b) => b.from - a.from)) {
    work += takes
    least = Math.max(least, from + takes, from + work / places)
  }
  return least
}

/** Gives the first place that is free this much to do, not before `now`; returns when it is done. */
export function occupy(free: number[], takes: number, now: number): number {
  const place = free.indexOf(Math.min(...free))
  const end = Math.max(free[place] ?? 0, now) + takes
  free[place] = end
  return end
}

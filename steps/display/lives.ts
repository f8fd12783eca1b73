// What became of a candidate: its rows in all the files of a run. The files are read once, row by row, and only the
// rows of the few candidates that fit best are held.
import { type Call, samplesAtMost } from '../model/call.ts'
import { Omissions, readSeedTasks } from '../workspace/data-rows.ts'
import { type Folder, exists, logFile, rejectedFile, steps } from '../workspace/folder.ts'
import { field, idOf, jsonIn, readLines } from '../workspace/jsonl.ts'
import { type ExampleRow, type RejectedRow, type Row, rowsIn } from '../workspace/records.ts'
import type { Settings } from '../workspace/settings.ts'
import { plain } from './screen.ts'

export type Life = {
  instruction: string
  generated: Row<'instruction'> | undefined
  classified: Row<'classified'> | undefined
  withInstances: Row<'withInstances'> | undefined
  kept: ExampleRow[]
  rejected: RejectedRow[]
}

/** `lives`: the best first. `more`: whether others matched too. `files`: whether there is a run to look into at all. */
export type Lives = { lives: Life[]; more: boolean; files: boolean }

/** How well a row of any of the files fits, 0 not at all. */
export type Fit = (row: { instruction: string; reason?: string }) => number

const livesHeld = 6
const rowsHeld = 20 // rejected or kept rows of one candidate; a model that repeats itself may write a thousand

/** The candidates that fit best; of equals those seen first, the rejected ones before the others. */
export async function findLives(folder: Folder, fit: Fit): Promise<Lives> {
  const list = new Shortlist(fit)
  await readRejects(folder, list)
  for await (const row of rowsIn(folder, 'instruction', list.wants)) list.note(row, 'generated')
  for await (const row of rowsIn(folder, 'classified', list.wants)) list.note(row, 'classified')
  for await (const row of rowsIn(folder, 'withInstances', list.wants)) list.note(row, 'withInstances')
  for await (const row of rowsIn(folder, 'example', list.wants)) hold(list.life(row).kept, row)
  return list.found(folder)
}

/** Candidates rejected for this reason, with the rows that say so alone. */
export async function findRejected(folder: Folder, reason: string): Promise<Lives> {
  const list = new Shortlist((row) => Number(row.reason === reason))
  await readRejects(folder, list)
  return list.found(folder)
}

async function readRejects(folder: Folder, list: Shortlist): Promise<void> {
  for await (const row of rowsIn(folder, 'rejected', list.wants)) hold(list.life(row).rejected, row)
}

function hasInstruction(row: unknown): row is { instruction: string } {
  return typeof field(row, 'instruction') === 'string'
}

function hold<T>(rows: T[], row: T): void {
  if (rows.length < rowsHeld) rows.push(row)
}

class Shortlist {
  private more = false
  private readonly fit: Fit
  private readonly ranked: { rank: number; life: Life }[] = []

  constructor(fit: Fit) {
    this.fit = fit
  }

  /** Whether a row, not yet checked, is worth checking. */
  readonly wants = (row: unknown): boolean => hasInstruction(row) && this.fit(row) > 0

  async found(folder: Folder): Promise<Lives> {
    const files = [folder.path(rejectedFile), ...steps.map((step) => folder.output(step))]
    const there = await Promise.all(files.map(exists))
    return { lives: this.ranked.map(({ life }) => life), more: this.more, files: there.includes(true) }
  }

  /** The life a row belongs to; one that is not among the best is dropped with its rows. */
  life(row: { instruction: string; reason?: string }): Life {
    const { instruction } = row
    const rank = this.fit(row)
    const known = this.ranked.find(({ life }) => life.instruction === instruction)
    if (known) return known.life
    const rows = { generated: undefined, classified: undefined, withInstances: undefined }
    const life = { instruction, ...rows, kept: [], rejected: [] }
    const place = this.ranked.findIndex((other) => other.rank < rank)
    this.ranked.splice(place === -1 ? this.ranked.length : place, 0, { rank, life })
    if (this.ranked.length > livesHeld) this.more = this.ranked.pop() !== undefined
    return life
  }

  note<K extends 'generated' | 'classified' | 'withInstances'>(row: NonNullable<Life[K]>, kind: K): void {
    this.life(row)[kind] ??= row as Life[K]
  }
}

/** Fits by id, or the beginning of one. */
export function byId(id: string): Fit {
  return ({ instruction }) => Number(idOf(instruction).startsWith(id))
}

/** Fits when all words stand in the instruction; in this order, or as whole words, they fit better. */
export function byWords(words: readonly string[]): Fit {
  const wanted = words.map(folded).filter((word) => word !== '')
  const phrase = wanted.join(' ')
  return ({ instruction }) => {
    const text = folded(instruction)
    if (wanted.length === 0 || !wanted.every((word) => text.includes(word))) return 0
    const closeness = 1 / (1 + text.length) // the less else it says, the nearer it is
    if (standsIn(text, phrase)) return 3 + closeness
    return closeness + (wanted.every((word) => standsIn(text, word)) ? 2 : 1)
  }
}

// Width, case, quotes and the screen's ellipsis do not matter, nor how much white space there is.
function folded(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/["'“”‘’`]|\.\.\./g, '')
    .replace(/\s+/g, ' ')
    .trim()
}

const letter = /[\p{L}\p{N}]/u
const han = /\p{Script=Han}/u

/** Whether it stands there as a word of its own; in Chinese every place will do. */
function standsIn(text: string, word: string): boolean {
  const ends = (inside: string, outside: string): boolean =>
    outside === '' || !letter.test(outside) || !letter.test(inside) || han.test(inside) || han.test(outside)
  for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + 1)) {
    const [before, after] = [text.charAt(at - 1), text.charAt(at + word.length)]
    if (ends(word.charAt(0), before) && ends(word.charAt(word.length - 1), after)) return true
  }
  return false
}

/** The tasks that step 1 showed, and the lines of the question; tasks that are no seed task are marked as made by the model. */
export function promptLines(call: Call, seeds: readonly string[], mark: string): string[] {
  const known = new Set(seeds.map(plain))
  return [
    ...shownTasks(call).map((task, place) => `${place + 1}. ${task}`),
    ...contentOf(call, 'user').split('\n'),
  ].map((line) => {
    const task = /^\d+\. (.*)$/.exec(line)?.[1]
    const made = known.size > 0 && task !== undefined && !known.has(plain(task))
    return made ? `${line} ${mark}` : line
  })
}

/** Which of the numbered tasks of a prompt this one is, from 1. */
export function placeIn(call: Call, instruction: string): number {
  const end = `. ${plain(instruction)}`
  return promptLines(call, [], '').findIndex((line) => plain(line).endsWith(end)) + 1
}

/** What a request showed as written so far: `{"tasks":[…]}` as the model's own turn. */
function shownTasks(call: Call): string[] {
  const tasks = field(jsonIn(contentOf(call, 'assistant')), 'tasks')
  return Array.isArray(tasks) ? tasks.filter((task) => typeof task === 'string') : []
}

/** The last message of a role. `request` is what was sent, and may have been rewritten by hand: its shape is looked at, not trusted. */
function contentOf({ request }: Call, role: string): string {
  const messages = field(request, 'messages')
  const last = Array.isArray(messages)
    ? messages.findLast((message) => field(message, 'role') === role)
    : undefined
  const content = field(last, 'content')
  return typeof content === 'string' ? content : ''
}

// The loop: what the machine wrote is shown to it later. The requests of step 1 tell it.

/** A request of step 1: its number from 1, what it showed, and the key under which its reply stands in the log. */
type Shown = { number: number; key: string; tasks: string[] }

/** The requests of step 1 in their order, each with the sample that was read last; `most`: as many lines are looked at. */
export async function requestsIn(log: string, most = Infinity): Promise<Shown[]> {
  const requests = new Map<number, Shown>()
  let seen = 0
  if (!(await exists(log))) return []
  for await (const { text } of readLines(log)) {
    if (seen++ >= most) break
    if (!text.includes('"step":"generate"')) continue
    const call = jsonIn(text) as Call | undefined
    if (call?.step !== 'generate' || typeof call.sample !== 'number') continue
    const number = Math.floor(call.sample / samplesAtMost) + 1
    requests.set(number, { number, key: call.key, tasks: shownTasks(call) })
  }
  return [...requests.values()].toSorted((a, b) => a.number - b.number)
}

/** A task of the machine's own that a later request showed: which, and the requests that wrote and showed it. */
export type Loop = { task: string; writtenIn: number; shownIn: number; after: string[] }

const callsLookedAt = 500 // the first requests are enough; a log may have a million

/** The first time the machine was shown what it had written itself; undefined where that never was, or no log tells. */
export async function loopIn(folder: Folder, log = folder.path(logFile)): Promise<Loop | undefined> {
  const requests = await requestsIn(log, callsLookedAt)
  const written = new Map<string, string>() // accepted instruction → its call
  for await (const { instruction, call } of rowsIn(folder, 'instruction')) {
    written.set(instruction, call)
    if (written.size > callsLookedAt) break
  }
  const numberOf = new Map(requests.map(({ key, number }) => [key, number]))
  for (const { tasks, number, key } of requests)
    for (const task of tasks) {
      const writtenIn = numberOf.get(written.get(task) ?? '')
      if (writtenIn === undefined || writtenIn >= number) continue
      const after = [...written].filter(([, call]) => call === key).map(([instruction]) => instruction)
      return { task, writtenIn, shownIn: number, after }
    }
  return undefined
}

/** The instructions of the seed tasks of a run; none when their file is gone. */
export async function seedsOf({ seedFile, skipBadRows }: Settings): Promise<string[]> {
  if (!(await exists(seedFile))) return []
  const seeds = await readSeedTasks(seedFile, new Omissions(skipBadRows))
  return seeds.map((seed) => seed.instruction)
}

/** About `size` characters of a reply: from its start, or around a text in it, which is put between >>> and <<<. */
export function replyLines(reply: string, size: number, around?: string): string[] {
  const spellings = around === undefined ? [] : [around, JSON.stringify(around).slice(1, -1)]
  const text = spellings.find((spelt) => reply.includes(spelt)) // as it is, or as JSON spells it
  const start = text === undefined ? 0 : reply.indexOf(text)
  const end = start + (text?.length ?? 0)
  const from = Math.max(0, start - Math.floor(size / 4))
  const to = text === undefined ? size : end + Math.floor(size / 2)
  const marked = text === undefined ? '' : `>>>${text}<<<`
  const shown = `${reply.slice(from, start)}${marked}${reply.slice(end, to)}`
  return `${from > 0 ? '…' : ''}${shown}${to < reply.length ? '…' : ''}`
    .split('\n')
    .filter((line) => line.trim() !== '')
}

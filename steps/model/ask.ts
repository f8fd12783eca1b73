// Asking until an answer can be read. A reply that no reading fits is asked for again, as a new sample, at most twice.
import type { Step } from '../workspace/folder.ts'
import { field, keyOf } from '../workspace/jsonl.ts'
import {
  type Call,
  type Failure,
  type Message,
  type Question,
  isFailure,
  objectionTo,
  readAtMost,
  samplesAtMost,
} from './call.ts'
import type { Model } from './model.ts'

export type Read<T> = { value: T; call: string }

/** Said of a reply that only repeats the demonstrations of its prompt, or the shape that is wanted. */
export const allCopied = Symbol('copied')
/** What a reader says of a reply that it cannot make use of. */
export type Unread = typeof allCopied | undefined

/** What is read of a reply, and whether it is cut: the server stopped it at the token limit, or nobody reads that far. */
function textOf(
  { reply, finish_reason }: Call,
  { maxTokens }: Pick<Question, 'maxTokens'>,
): [string, boolean] {
  const [text, most] = [reply ?? '', readAtMost(maxTokens)]
  return text.length > most ? [text.slice(0, most), true] : [text, finish_reason === 'length']
}

/** `number`: which request of the step it is, where the same messages may be sent for several. */
type Asked = Omit<Question, 'sample'> & { number?: number }

/** Asks one question until `read` makes something of the reply. `skip`: see Model.ask. */
export async function askUntilRead<T>(
  model: Model,
  step: Step,
  { number = 0, ...question }: Asked,
  read: (reply: string, cut: boolean) => T | Unread,
  skip?: 'skip',
): Promise<Read<T> | Failure> {
  let last = ''
  for (let again = 0; again < samplesAtMost; again++) {
    const sample = samplesAtMost * number + again
    const call = await model.ask(step, { ...question, sample }, skip ? { skip: true } : {})
    if (isFailure(call)) return call
    const [text, cut] = textOf(call, question)
    const value = read(text, cut)
    const isRead = value !== undefined && value !== allCopied
    const isCutShort = isRead && isNothingYet(value, cut)
    model.heard(call, question, isRead && !isCutShort ? 'read' : value === allCopied ? 'copied' : 'unread')
    // Whoever pastes half a reply can paste it again, whole.
    if (isRead && !(isCutShort && model.provider.byHand)) return { value, call: call.key }
    last = call.key
  }
  return { ...unread, call: last }
}

/** A reply cut before its first whole item: it can be read, and brings nothing. */
function isNothingYet(value: unknown, cut: boolean): boolean {
  const list = field(value, 'instances') ?? field(value, 'tasks')
  const dropped = field(value, 'dropped')
  const lost = Array.isArray(dropped) && dropped.some((piece) => field(piece, 'why') === 'cut')
  const isCutShort = cut || field(value, 'cut') === true || lost
  return isCutShort && Array.isArray(list) && list.length === 0
}

const unread: Failure = {
  failed: 'unreadable_reply',
  detail: {
    en: `no reading fits any of ${samplesAtMost} replies`,
    zh: `${samplesAtMost} 次回复都无法解读`,
  },
}

/** A question about several rows at once; `prompt` shows their texts as numbered lines, `read` answers by number.
 *  `alone`: what was answered among other rows does not count. */
type RowsQuestion<T> = Omit<Question, 'messages' | 'sample'> & {
  step: Step
  alone?: boolean
  prompt: (texts: readonly string[]) => Message[]
  read: (reply: string, cut: boolean, count: number) => Map<number, T> | Unread
}

/**
 * Answers for one group of rows, in their order. A row answered in any logged call is not asked again; rows left out or
 * answered oddly are asked again without the others; a group that fails as a whole is split in halves.
 */
export async function askAboutRows<T, Row>(
  model: Model,
  question: RowsQuestion<T>,
  rows: readonly Row[],
  textOf: (row: Row) => string,
): Promise<{ row: Row; answer: Read<T> | Failure }[]> {
  const group = new Group(model, question, rows.map(textOf))
  await group.answer([...rows.keys()], 0)
  return rows.map((row, place) => ({ row, answer: group.answers[place] ?? unread }))
}

class Group<T> {
  readonly answers: (Read<T> | Failure)[]
  private readonly model: Model
  private readonly question: RowsQuestion<T>
  private readonly texts: readonly string[]
  private readonly keys: string[]

  constructor(model: Model, question: RowsQuestion<T>, texts: readonly string[]) {
    this.model = model
    this.question = question
    this.texts = texts
    const { name, model: modelName } = model.provider
    const common = [name, modelName, question.temperature, question.maxTokens, question.prompt([])]
    this.keys = texts.map((text) => keyOf([...common, text]))
    this.answers = texts.map(() => unread)
  }

  /** Fills in the answers of the rows at these places, starting at this sample number. */
  async answer(places: number[], sample: number): Promise<void> {
    const asked = this.model.log.has(this.model.keyFor(this.question.step, this.spell(places, sample)))
    const [open, next] = asked ? [places, sample] : await this.lookUp(places, sample)
    if (open.length === 0) return
    const rows = open.map((place) => this.keys[place] ?? '')
    const call = await this.model.ask(this.question.step, this.spell(open, next), { rows })
    if (isFailure(call)) return this.failed(call, open, next)
    const answers = this.answersIn(call)
    this.model.heard(
      call,
      this.spell(open, next),
      answers === allCopied ? 'copied' : answers ? 'read' : 'unread',
    )
    const missing = this.keep(open, foundIn(answers), call.key)
    if (missing.length > 0 && next + 1 < samplesAtMost) await this.answer(missing, next + 1)
  }

  private spell(places: readonly number[], sample: number): Question {
    const { prompt, schema, temperature, maxTokens } = this.question
    const messages = prompt(places.map((place) => this.texts[place] ?? ''))
    return { messages, schema, temperature, maxTokens, sample }
  }

  /** Takes what other logged calls say about these rows; returns the rows left to ask, and their next sample. */
  private async lookUp(places: readonly number[], sample: number): Promise<[open: number[], sample: number]> {
    const open: number[] = []
    let next = sample
    for (const place of places) {
      const calls = await this.callsAbout(place)
      const replies = calls.filter((call) => objectionTo(call) === undefined)
      const answered = replies.find(
        (call) => this.keep([place], foundIn(this.answersIn(call)), call.key).length === 0,
      )
      for (const call of calls.slice(0, answered && calls.indexOf(answered) + 1)) this.model.reuse(call)
      // A group of one asks anew what larger groups left unanswered: alone, a small model may know.
      const tries = replies.filter((call) => this.texts.length > 1 || call.rows?.length === 1).length
      if (answered || this.keepObjection(place, calls) || tries >= samplesAtMost) continue
      next = Math.max(next, tries)
      open.push(place)
    }
    return [open, next]
  }

  private async callsAbout(place: number): Promise<Call[]> {
    const calls = await this.model.log.about(this.keys[place] ?? '')
    return this.question.alone ? calls.filter((call) => call.rows?.length === 1) : calls
  }

  /** What a call says, by the key of each row. */
  private answersIn(call: Call): Map<string, T> | Unread {
    const rows = call.rows ?? []
    const read = this.question.read(...textOf(call, this.question), rows.length)
    if (read === undefined || read === allCopied) return read
    return new Map([...read].map(([number, value]) => [rows[number - 1] ?? '', value]))
  }

  /** Writes down the answers to these rows and returns the places that got none. */
  private keep(places: readonly number[], found: Map<string, T>, call: string): number[] {
    return places.filter((place) => {
      const value = found.get(this.keys[place] ?? '')
      if (value === undefined) return true
      this.answers[place] = { value, call }
      return false
    })
  }

  /** A verdict on a call about this row alone is the row's; on a group it may be anybody's. */
  private keepObjection(place: number, calls: readonly Call[]): boolean {
    const alone = calls.find((call) => call.rows?.length === 1 && objectionTo(call) !== undefined)
    const verdict = alone && objectionTo(alone)
    if (verdict) this.answers[place] = verdict
    return verdict !== undefined
  }

  // Whatever is wrong with a group may be wrong with one of its rows: it is split until that one stands alone.
  private async failed(failure: Failure, places: number[], sample: number): Promise<void> {
    const divisible = ['call_failed', 'content_filter', 'refusal'].includes(failure.failed)
    if (!divisible || places.length === 1) {
      for (const place of places) this.answers[place] = failure
      return
    }
    const half = Math.ceil(places.length / 2)
    await Promise.all([this.answer(places.slice(0, half), sample), this.answer(places.slice(half), sample)])
  }
}

function foundIn<T>(answers: Map<string, T> | Unread): Map<string, T> {
  return answers instanceof Map ? answers : new Map()
}

// Answers arrive in any order and are taken in the order of the questions, so that a run does not depend on timing.

/** Members under way for each request in flight: while one reply takes ten or twenty times as long, no slot is idle. */
export const ahead = 32

/** Works on many members at a time and yields what comes of each, in order. `ahead`: members under way at most when
 *  this one begins, as the answers so far have it; with no other under way it always does. */
export async function* inOrder<In, Out>(
  members: AsyncIterable<In> | Iterable<In>,
  work: (member: In) => Promise<Out>,
  ahead: number | ((next: In) => number),
): AsyncGenerator<Out> {
  const most = typeof ahead === 'number' ? () => ahead : ahead
  const underWay: Promise<Out>[] = []
  const source = (async function* () {
    yield* members
  })()
  try {
    for (let next = source.next(); ;) {
      // The next member may be long in coming: meanwhile answers are handed on.
      while (underWay[0] && (await firstOf(next, underWay[0])) === 'answer')
        yield (await underWay.shift()) as Out
      const { done, value: member } = await next
      if (done) break
      while (underWay.length > 0 && underWay.length >= most(member)) yield (await underWay.shift()) as Out
      const answer = work(member)
      answer.catch(() => undefined) // a rejection is seen when its turn comes
      underWay.push(answer)
      next = source.next()
    }
    while (underWay.length > 0) yield (await underWay.shift()) as Out
  } finally {
    await Promise.allSettled(underWay)
  }
}

/** Which of the two is there first; of both, the member. */
function firstOf(member: Promise<unknown>, answer: Promise<unknown>): Promise<'member' | 'answer'> {
  const asMember = () => 'member' as const
  const asAnswer = () => 'answer' as const
  return Promise.race([member.then(asMember, asMember), answer.then(asAnswer, asAnswer)])
}

/** Members in groups by position, the last one smaller; `size`: of each, or of the group at a place. */
export async function* inGroups<T>(
  members: AsyncIterable<T> | Iterable<T>,
  size: number | ((place: number) => number),
): AsyncGenerator<T[]> {
  let [group, place]: [T[], number] = [[], 0]
  for await (const member of members) {
    group.push(member)
    if (group.length < (typeof size === 'number' ? size : size(place))) continue
    yield group
    group = []
    place++
  }
  if (group.length > 0) yield group
}

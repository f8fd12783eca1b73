// The task pool: seed tasks and accepted instructions. A candidate joins it when no rule speaks against it.
import { createHash } from 'node:crypto'
import { type Finding, checkInstances, checkInstruction, likeness } from './check.ts'
import type { Instance } from './given.ts'
import { type Language, isTraditional } from './language.ts'
import { NoveltyIndex, type Similar } from './novelty.ts'
import { selectRules } from './rules.ts'

export class TaskPool {
  private readonly index: NoveltyIndex
  private readonly seeds: NoveltyIndex
  private readonly elsewhere: NoveltyIndex
  private readonly language: Language
  /** What the rules may ask of the pool; the rival it named last. */
  private readonly neighbours
  private rival: Similar | undefined
  private readonly rules: ReturnType<typeof selectRules>

  /** `elsewhere`: instructions one owns already; candidates like them are rejected too, under a reason of their own. */
  constructor(
    { similarity, rules }: { similarity: number; rules?: string | undefined },
    language: Language,
    seeds: Iterable<string>,
    elsewhere: Iterable<string>,
  ) {
    this.language = language
    this.rules = selectRules(rules)
    this.index = new NoveltyIndex(similarity)
    this.seeds = new NoveltyIndex(similarity)
    this.elsewhere = new NoveltyIndex(similarity)
    let written = ''
    for (const seed of seeds) {
      this.index.add(seed)
      this.seeds.add(seed)
      if (language === 'zh') written += seed
    }
    this.neighbours = {
      rival: (text: string) => (this.rival = this.index.rival(text)),
      traditional: isTraditional(written),
    }
    for (const instruction of elsewhere) this.elsewhere.add(instruction)
  }

  /** The first rule that speaks against a candidate. */
  check(instruction: string): Finding | undefined {
    this.rival = undefined
    const finding = checkInstruction(instruction, this.language, this.neighbours, this.rules)
    if (finding) return this.rival ? { ...finding, most_similar: rounded(this.rival) } : finding
    const owned = this.elsewhere.rival(instruction)
    if (!owned) return undefined
    const detail = likeness(owned)[this.language]
    return { reason: 'already_elsewhere', detail, most_similar: rounded(owned) }
  }

  /** Whether a task with its instances is sound: no rule speaks against it, nor against all of them. Then it joins the pool. */
  addIfSound(instruction: string, instances: readonly Instance[]): boolean {
    const sound =
      !this.check(instruction) &&
      checkInstances(instruction, instances, this.language, this.rules).includes(undefined)
    if (sound) this.add(instruction)
    return sound
  }

  add(instruction: string): void {
    this.index.add(instruction)
  }

  /** The most similar instruction of the pool, or of the seed tasks alone where the pool is larger than `amongAll`. */
  nearest(instruction: string, amongAll: number): Similar | undefined {
    const nearest = (this.index.size <= amongAll ? this.index : this.seeds).nearest(instruction)
    return nearest && rounded(nearest)
  }
}

/** Four digits, as rows carry a score: enough to keep it on its side of a threshold. */
function rounded({ instruction, score }: Similar): Similar {
  return { instruction, score: Number(score.toFixed(4)) }
}

/** Numbers in [0, 1), the same on every machine. */
export type Random = () => number

/** A generator for one request, from whatever names it: (seed, step, k). Mulberry32 (Tommy Ettinger, public domain). */
export function randomFor(...name: (string | number)[]): Random {
  let state = createHash('sha256').update(JSON.stringify(name)).digest().readUInt32LE(0)
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let bits = Math.imul(state ^ (state >>> 15), state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
}

/** `count` different members of the first `among`, in drawn order, all when there are fewer; O(count), however long the list. */
export function sample<T>(list: readonly T[], count: number, random: Random, among = list.length): T[] {
  const moved = new Map<number, number>()
  const drawn: T[] = []
  for (let last = among - 1; last >= 0 && drawn.length < count; last--) {
    const at = Math.floor(random() * (last + 1))
    const member = list[moved.get(at) ?? at]
    moved.set(at, moved.get(last) ?? last)
    if (member !== undefined) drawn.push(member)
  }
  return drawn
}

export function shuffle<T>(list: readonly T[], random: Random): T[] {
  return sample(list, list.length, random)
}

/**
 * An endless row of shuffled decks: every member is dealt before one is dealt again. Whoever asks for the same cards gets
 * the same. The members dealt last come last in the next deck, so that no hand of up to `hand` cards holds one twice.
 */
export class Deck<T> {
  private readonly members: readonly T[]
  private readonly hand: number
  private readonly shuffled: (deck: number) => Random
  private readonly dealt: T[] = []

  /** `shuffled`: the generator that shuffles deck 0, 1, 2 … */
  constructor(members: readonly T[], hand: number, shuffled: (deck: number) => Random) {
    this.members = members
    this.hand = hand
    this.shuffled = shuffled
  }

  /** So many cards from this place of the row on, all members when there are fewer. */
  deal(from: number, count: number): T[] {
    const size = this.members.length
    const end = from + Math.min(count, size)
    while (this.dealt.length < end) {
      const last = this.dealt.slice(-Math.min(this.hand, size))
      const deck = shuffle(this.members, this.shuffled(this.dealt.length / size))
      this.dealt.push(...deck.filter((card) => !last.includes(card)), ...last)
    }
    return this.dealt.slice(from, end)
  }
}

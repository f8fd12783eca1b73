/** Texts to measure with: as many as wanted, natural in length, word order and rare words, made from what stands in the
 *  project's data files. The same on every run, and as long as those files stay. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const DATA = join(import.meta.dirname, '..', '..', 'data')
/** Share of candidates that are an earlier one with at most two words changed. */
const NEAR_DUPLICATES = 0.4
/** Words that only the made texts have, so that new ones keep coming as they do in real text. */
const TAIL = 60_000

/** JSONL lines of instructions: those of `sources`, then more like them with six words changed; without sources texts in
 *  the manner of the project's own. */
export function candidateLines(count: number, sources: string[] = []): string[] {
  const random = randomFrom(42)
  const below = (limit: number): number => Math.floor(random() * limit)
  const write = writer(projectTexts(), random)
  const known = [...sources]
  const anyText = (): string => known[below(known.length)] ?? ''
  const anyWord = (words: string[]): string => words[below(words.length)] ?? ''
  const edited = (edits: number): string => {
    const words = anyText().split(' ')
    for (let i = 0; i < edits; i++) {
      const added = random() < 0.7 ? [anyWord(anyText().split(' '))] : []
      words.splice(below(words.length), random() < 0.7 ? 1 : 0, ...added)
    }
    return words.join(' ')
  }
  const next = (): string => {
    if (sources.length > 0) return edited(6)
    if (known.length > 20 && random() < NEAR_DUPLICATES) return edited(below(3))
    known.push(write())
    return known.at(-1) ?? ''
  }
  return Array.from({ length: count }, (_, i) => JSON.stringify({ instruction: sources[i] ?? next() }))
}

/** Texts with no near-duplicates put in. */
export function writtenTexts(count: number, seed: number): string[] {
  const write = writer(projectTexts(), randomFrom(seed))
  return Array.from({ length: count }, write)
}

/** The instructions of a JSONL file, in order. */
export function instructionsOf(file: string): string[] {
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.filter((line) => line.trim()).map((line) => String(JSON.parse(line).instruction))
}

/** A chain of words: each follows one that it follows somewhere in the texts; in place of a word seen once there is
 *  often a made one, the n-th made word about 1/n as often as the first. */
function writer(texts: string[], random: () => number): () => string {
  const followers = new Map<string, string[]>()
  const seen = new Map<string, number>()
  for (const text of texts) {
    const words = ['', ...text.split(/\s+/), '']
    for (const [i, word] of words.slice(0, -1).entries()) {
      const list = followers.get(word) ?? []
      list.push(words[i + 1] ?? '')
      followers.set(word, list)
      seen.set(word, (seen.get(word) ?? 0) + 1)
    }
  }
  const madeWord = (): string => syllables(Math.floor(TAIL ** random()))
  return () => {
    const words: string[] = []
    for (let word = ''; words.length < 60;) {
      const choices = followers.get(word) ?? ['']
      word = choices[Math.floor(random() * choices.length)] ?? ''
      if (word === '' && words.length >= 5) break
      if (word) words.push((seen.get(word) ?? 0) < 4 && random() < 0.6 ? madeWord() : word)
    }
    return words.join(' ')
  }
}

/** The n-th made word. */
function syllables(n: number): string {
  let word = ''
  for (let rest = n + 12; rest > 0; rest = Math.floor(rest / 60))
    word += ('bdfgklmnprst'[rest % 12] ?? '') + ('aeiou'[Math.floor(rest / 12) % 5] ?? '')
  return word
}

/** The sentences of the seed tasks and of the stand-in. */
function projectTexts(): string[] {
  return ['seed_tasks.jsonl', 'offline/en.jsonl']
    .map((name) => readFileSync(join(DATA, name), 'utf8'))
    .flatMap((file) => file.match(/(?<=": ?")(?:[^"\\]|\\.)+(?=")/g) ?? [])
    .flatMap((text) => text.replaceAll('\\n', ' ').split(/(?<=[.!?:;])\s+/))
    .map((sentence) => sentence.trim())
    .filter((sentence) => /^[\x20-\x7e]{20,}$/.test(sentence))
}

/** Marsaglia's xorshift, 32 bits; good enough to draw texts. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

// The written tasks keep their promises: shape, shares, variety, and each fault found by the rule it names and no other.

import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { Language } from '../../steps/text/language.ts'
import { NoveltyIndex } from '../../steps/text/novelty.ts'
import { checkInstances, checkInstruction } from '../../steps/text/check.ts'
import { rules, selectRules } from '../../steps/text/rules.ts'
import {
  type OfflineTask,
  SIMILAR,
  type SeedTask,
  languages,
  readOfflineTasks,
  readSeedTasks,
  readTopics,
  readerFaults,
} from './tasks.ts'

const all = selectRules()

const DUPLICATE = 'near_duplicate'
const reasons = rules.map((rule) => rule.reason)
const unseenByRules = (task: OfflineTask) => !task.fault || readerFaults.includes(task.fault)
const shareOf = <Row>(rows: readonly Row[], test: (row: Row) => boolean) =>
  rows.filter(test).length / rows.length
const hasInput = ({ instances }: Pick<SeedTask, 'instances'>) => instances.some(({ input }) => input !== '')

function indexOf(threshold: number, instructions: readonly string[]): NoveltyIndex {
  const index = new NoveltyIndex(threshold)
  for (const instruction of instructions) index.add(instruction)
  return index
}

/** The reasons the rules give for a task that meets `pool`: of its instruction, else of its instances. */
function reasonsAgainst(task: OfflineTask | SeedTask, language: Language, pool: NoveltyIndex): string[] {
  const finding = checkInstruction(task.instruction, language, pool, all)
  if (finding) return [finding.reason]
  const findings = checkInstances(task.instruction, task.instances, language, all)
  return [...new Set(findings.flatMap((found) => (found ? [found.reason] : [])))]
}

/** Pairs above the threshold, each instruction against those before it. */
function pairsAbove(threshold: number, instructions: readonly string[]): string[] {
  const index = new NoveltyIndex(threshold)
  return instructions.flatMap((instruction) => {
    const rival = index.rival(instruction)
    index.add(instruction)
    return rival ? [`${rival.score.toFixed(2)}: ${instruction} / ${rival.instruction}`] : []
  })
}

describe.each(languages)('seed tasks (%s)', (language) => {
  const seeds = readSeedTasks(language)

  it('are thirty, numbered in order, each with a name of its own', () => {
    expect(seeds.map(({ id }) => Number(/\d+$/.exec(id)?.[0]))).toEqual(seeds.map((_, at) => at))
    expect(new Set(seeds.map(({ name }) => name)).size).toBe(30)
  })

  it('are a fifth classification, and about half bring an input', () => {
    expect(shareOf(seeds, (seed) => seed.is_classification)).toBeCloseTo(0.2, 1)
    expect(Math.abs(shareOf(seeds, hasInput) - 0.5)).toBeLessThan(0.2)
  })

  it('are far from each other', () => {
    expect(
      pairsAbove(
        0.5,
        seeds.map(({ instruction }) => instruction),
      ),
    ).toEqual([])
  })

  it('pass every rule', () => {
    const nothing = new NoveltyIndex()
    const against = seeds.map((seed) => [seed.name, ...reasonsAgainst(seed, language, nothing)])
    expect(against).toEqual(seeds.map(({ name }) => [name]))
  })
})

describe.each(languages)('offline tasks (%s)', (language) => {
  const seeds = readSeedTasks(language)
  const tasks = readOfflineTasks(language)
  const clean = tasks.filter(unseenByRules)
  const pool = [...seeds, ...clean].map(({ instruction }) => instruction)
  const withFault = (fault: string) => tasks.filter((task) => task.fault === fault)

  it('are at least four hundred, no instruction twice', () => {
    expect(tasks.length).toBeGreaterThanOrEqual(400)
    expect(new Set(tasks.map(({ instruction }) => instruction)).size).toBe(tasks.length)
  })

  it('name no fault but those of the rules and of a reader', () => {
    const known = [...reasons, ...readerFaults, SIMILAR]
    expect(tasks.flatMap(({ fault }) => (fault && !known.includes(fault) ? [fault] : []))).toEqual([])
  })

  it('are a fifth classification, and about half bring an input', () => {
    expect(Math.abs(shareOf(tasks, (task) => task.is_classification) - 0.2)).toBeLessThan(0.04)
    expect(Math.abs(shareOf(tasks, hasInput) - 0.5)).toBeLessThan(0.15)
  })

  it('hold enough faults to argue about, and more that is sound', () => {
    const byRule = shareOf(tasks, ({ fault }) => fault !== undefined && reasons.includes(fault))
    const byReader = shareOf(tasks, ({ fault }) => fault !== undefined && readerFaults.includes(fault))
    expect(Math.abs(byRule - 0.22)).toBeLessThan(0.08)
    expect(Math.abs(byReader - 0.2)).toBeLessThan(0.05)
    expect(shareOf(tasks, ({ fault }) => fault === undefined)).toBeGreaterThan(0.5)
  })

  it('are far from each other and from the seeds, but for the planted duplicates', () => {
    expect(pairsAbove(0.6, pool)).toEqual([])
  })

  it('pass every rule where no rule can see a fault', () => {
    const nothing = new NoveltyIndex()
    const stopped = clean.flatMap((task) =>
      reasonsAgainst(task, language, nothing).map((reason) => `${reason}: ${task.instruction}`),
    )
    expect(stopped).toEqual([])
  })

  it.each(reasons)('show the rule %s at least five times, and no other rule there', (reason) => {
    const index = indexOf(0.7, pool)
    const planted = withFault(reason)
    const found = planted.map((task) => [task.instruction, ...reasonsAgainst(task, language, index)])
    expect(found).toEqual(planted.map(({ instruction }) => [instruction, reason]))
    expect(planted.length).toBeGreaterThanOrEqual(5)
  })

  it('repeat others in varied degrees', () => {
    const index = indexOf(0.7, pool)
    const scores = withFault(DUPLICATE).map(({ instruction }) => index.nearest(instruction)?.score ?? 0)
    const between = (low: number, high: number) =>
      scores.filter((score) => score > low && score <= high).length
    expect([between(0.7, 0.77), between(0.77, 0.87), between(0.87, 1)].map((count) => count >= 2)).toEqual([
      true,
      true,
      true,
    ])
  })

  it('hold some that only a stricter threshold removes, six of them near a seed task', () => {
    const index = indexOf(0.7, pool)
    const alike = withFault(SIMILAR)
    for (const { instruction } of alike) {
      const score = index.nearest(instruction)?.score
      expect(score, instruction).toBeGreaterThan(0.61)
      expect(score, instruction).toBeLessThanOrEqual(0.7)
    }
    const ofSeeds = indexOf(
      0.5,
      seeds.map(({ instruction }) => instruction),
    )
    expect(alike.slice(0, 6).filter(({ instruction }) => !ofSeeds.rival(instruction))).toEqual([])
    expect(alike.length).toBeGreaterThanOrEqual(6)
  })

  it('say which of several instances has a fault that only a reader sees', () => {
    const faulty = tasks.filter(({ fault }) => fault !== undefined && readerFaults.includes(fault))
    const unsaid = faulty.filter(
      ({ instances, wrong }) => instances.length > 1 && instances[wrong ?? -1] === undefined,
    )
    expect(unsaid.map(({ instruction }) => instruction)).toEqual([])
  })

  it('have two to five instances for a classification, up to three otherwise, one without input', () => {
    const wrong = clean.filter(({ is_classification, instances }) => {
      const [least, most] = is_classification ? [2, 5] : [1, hasInput({ instances }) ? 3 : 1]
      return instances.length < least || instances.length > most
    })
    expect(wrong.map(({ instruction }) => instruction)).toEqual([])
  })

  it('name their labels in the instruction', () => {
    const unnamed = clean
      .filter((task) => task.is_classification)
      .filter(({ instruction, instances }) =>
        instances.some(({ output }) => !instruction.toLowerCase().includes(output.toLowerCase())),
      )
    expect(unnamed.map(({ instruction }) => instruction)).toEqual([])
  })
})

describe.each(languages)('topics (%s)', (language) => {
  it('are three hundred different short ones', () => {
    const topics = readTopics(language)
    expect(new Set(topics.map((topic) => topic.toLowerCase())).size).toBe(300)
    expect(topics.filter((topic) => topic !== topic.trim() || topic.length < 2 || topic.length > 40)).toEqual(
      [],
    )
    expect(topics).toHaveLength(300)
  })
})

const upstream =
  process.env['WORKSHOP_UPSTREAM_SEEDS'] ??
  fileURLToPath(new URL('../../../shared/data/upstream_seed_tasks.jsonl', import.meta.url))

describe.skipIf(!existsSync(upstream)).each(languages)('words of our own (%s)', (language) => {
  it('hold no text of the seed tasks of the paper', () => {
    const theirs = readFileSync(upstream, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => flat(textsOf(JSON.parse(line) as SeedTask).join('\n')))
      .join('\n')
    const ours = [...readSeedTasks(language), ...readOfflineTasks(language)].flatMap(textsOf).map(flat)
    const longer = ours.filter((text) => text.split(' ').length > 3)
    expect(longer.filter((text) => theirs.includes(text))).toEqual([])
  })
})

function flat(text: string): string {
  return text.toLowerCase().replace(/\s+/g, ' ').trim()
}

function textsOf({ instruction, instances }: Pick<SeedTask, 'instruction' | 'instances'>): string[] {
  return [instruction, ...instances.map(({ output }) => output)]
}

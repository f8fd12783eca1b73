// The tasks the offline model knows, from data/offline, and how it finds the one it is asked about.
import path from 'node:path'
import type { Language } from '../text/language.ts'
import { NoveltyIndex } from '../text/novelty.ts'
import { ruleFor } from '../text/rules.ts'
import { tokenize } from '../text/tokens.ts'
import type { OfflineTask } from '../workspace/records.ts'
import { readRows } from '../workspace/rows.ts'
import { projectFolder } from '../workspace/project.ts'

/** `rareWords` of each task; `planted`: where the tasks with a fault that a rule catches stand, by rule. */
export type Bank = {
  tasks: OfflineTask[]
  rareWords: Set<string>[]
  planted: Map<string, number[]>
  byInstruction: Map<string, OfflineTask>
  index: NoveltyIndex
}
const rareShare = 0.02 // of the bank's tasks a word may stand in and still say what a task is about
const alike = 0.5 // ROUGE-L from which the nearest task it knows is taken for the one asked about

const banks: Partial<Record<Language, Promise<Bank>>> = {}

/** The bank of a language, read once. */
export function bankIn(language: Language): Promise<Bank> {
  return (banks[language] ??= openBank(language))
}

async function openBank(language: Language): Promise<Bank> {
  const tasks: OfflineTask[] = []
  const index = new NoveltyIndex()
  for await (const task of readRows(
    path.join(projectFolder, 'data', 'offline', `${language}.jsonl`),
    'offlineTask',
  )) {
    tasks.push(task)
    index.add(task.instruction)
  }
  const byInstruction = new Map(tasks.map((task) => [oneLine(task.instruction), task]))
  return { tasks, rareWords: rareWordsOf(tasks), planted: plantedIn(tasks), byInstruction, index }
}

// Words that say what a task is about: those that stand in few others.
function rareWordsOf(tasks: readonly OfflineTask[]): Set<string>[] {
  const words = tasks.map((task) => new Set(tokenize(task.instruction)))
  const spread = new Map<string, number>()
  for (const word of words.flatMap((set) => [...set])) spread.set(word, (spread.get(word) ?? 0) + 1)
  return words.map(
    (set) => new Set([...set].filter((word) => (spread.get(word) ?? 0) <= tasks.length * rareShare)),
  )
}

function plantedIn(tasks: readonly OfflineTask[]): Map<string, number[]> {
  const planted = new Map<string, number[]>()
  for (const [place, { fault = '' }] of tasks.entries())
    if (ruleFor(fault)) planted.set(fault, [...(planted.get(fault) ?? []), place])
  return planted
}

/** The task a line asks about: the same, or the nearest that is alike enough. */
export function knownTask(instruction: string, bank: Bank): OfflineTask | undefined {
  const exact = bank.byInstruction.get(oneLine(instruction))
  if (exact) return exact
  const nearest = bank.index.nearest(instruction)
  return nearest && nearest.score >= alike ? bank.byInstruction.get(oneLine(nearest.instruction)) : undefined
}

export function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}

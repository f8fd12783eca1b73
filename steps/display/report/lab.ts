// The filter lab: what other thresholds would have kept, and what each rule would remove if it were the only one.
import { NoveltyIndex } from '../../text/novelty.ts'
import { type InstanceRule, type InstructionRule, outputsByInput, rules } from '../../text/rules.ts'
import { isCandidate } from './count.ts'
import { rowsOf, type Run } from './run.ts'

const thresholds = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
const slowBelow = 0.5 // there the index must look at many more texts
export const slowFrom = 20_000 // instructions
const pairsShown = 3

export type Pair = { instruction: string; rival: string; score: number }
/** `pairs`: those removed by the smallest margin, the ones to argue about. */
export type Trial = { threshold: number; stay: number; pairs: Pair[] }
type AloneCount = { reason: string; of: 'instruction' | 'instance'; removed: number }
export type Lab = {
  /** Instructions tried: all that step 1 accepted, then those it rejected as near-duplicates, as they stand in the files. */
  tried: number
  trials: Trial[]
  left: number[] // thresholds not tried, because the run is too large
  alone: AloneCount[]
  instructions: number // checked by each rule for instructions
  instances: number // checked by each rule for instances
}

export async function openLab(run: Run): Promise<Lab> {
  const { accepted, nearDuplicates, others } = await candidatesOf(run)
  const tried = [...accepted, ...nearDuplicates]
  const own = run.settings.similarity
  const all = [...new Set([...thresholds, own])].toSorted((a, b) => a - b)
  const slow = (threshold: number): boolean => threshold < slowBelow && tried.length > slowFrom
  const candidates = [...tried, ...others]
  const instances = await instanceCounts(run)
  return {
    tried: tried.length,
    trials: all
      .filter((threshold) => !slow(threshold))
      .map((threshold) => tryThreshold(tried, run.seeds, threshold)),
    left: all.filter(slow),
    alone: [...instructionCounts(run, candidates), ...instances.counts],
    instructions: candidates.length,
    instances: instances.total,
  }
}

async function candidatesOf(run: Run) {
  const accepted: string[] = []
  const nearDuplicates: string[] = []
  const others: string[] = []
  for await (const row of rowsOf(run, 'instruction')) accepted.push(row.instruction)
  for await (const { step, reason, instruction } of rowsOf(run, 'rejected')) {
    if (step !== 'generate' || !isCandidate(reason)) continue
    if (reason === 'near_duplicate') nearDuplicates.push(instruction)
    else others.push(instruction)
  }
  return { accepted, nearDuplicates, others }
}

/** Runs the novelty filter over the instructions, starting from the seed tasks. */
function tryThreshold(instructions: readonly string[], seeds: readonly string[], threshold: number): Trial {
  const index = new NoveltyIndex(threshold)
  for (const seed of seeds) index.add(seed)
  const pairs: Pair[] = []
  let stay = 0
  for (const instruction of instructions) {
    const rival = index.rival(instruction)
    if (rival) keepClosest(pairs, { instruction, rival: rival.instruction, score: rival.score })
    else {
      index.add(instruction)
      stay++
    }
  }
  return { threshold, stay, pairs }
}

function keepClosest(pairs: Pair[], pair: Pair): void {
  const place = pairs.findIndex(({ score }) => score > pair.score)
  pairs.splice(place === -1 ? pairs.length : place, 0, pair)
  pairs.length = Math.min(pairs.length, pairsShown)
}

function instructionCounts(run: Run, candidates: readonly string[]): AloneCount[] {
  const known: AloneCount[] = []
  for (const rule of rules) if (rule.of === 'instruction') known.push(countAlone(rule, run, candidates))
  return known
}

function countAlone(rule: InstructionRule, run: Run, candidates: readonly string[]): AloneCount {
  const index = new NoveltyIndex(run.settings.similarity)
  const pooled = rule.reason === 'near_duplicate' // the others do not look at the pool
  if (pooled) for (const seed of run.seeds) index.add(seed)
  let removed = 0
  for (const instruction of candidates) {
    if (rule.test(instruction, run.language, index) !== undefined) removed++
    else if (pooled) index.add(instruction)
  }
  return { reason: rule.reason, of: 'instruction', removed }
}

async function instanceCounts(run: Run): Promise<{ counts: AloneCount[]; total: number }> {
  const own: InstanceRule[] = rules.filter((rule) => rule.of === 'instance')
  const counts = own.map(({ reason }): AloneCount => ({ reason, of: 'instance', removed: 0 }))
  let total = 0
  for await (const { instruction, instances } of rowsOf(run, 'withInstances')) {
    const task = { instruction, language: run.language, outputs: outputsByInput(instances, []) }
    total += instances.length
    for (const [at, instance] of instances.entries())
      for (const [place, rule] of own.entries())
        if (rule.test(instance, task, at) !== undefined) counts[place] = more(counts[place], rule.reason)
  }
  return { counts, total }
}

function more(count: AloneCount | undefined, reason: string): AloneCount {
  return { reason, of: 'instance', removed: (count?.removed ?? 0) + 1 }
}

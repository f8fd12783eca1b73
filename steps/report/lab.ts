// The filter lab: what other thresholds would have kept, and what each rule would remove if it were the only one.
import { nameOfReason } from '../display/reasons.ts'
import { number } from '../display/words.ts'
import { NoveltyIndex } from '../text/novelty.ts'
import { type InstanceRule, type InstructionRule, outputsByInput, rules } from '../text/rules.ts'
import { steps } from '../workspace/folder.ts'
import { type Run, isCandidate, rowsOf } from './count.ts'
import { type Markup, type Subject, bar, html, whyRemoved } from './html.ts'

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

// The filter lab on the page.

export function labSection(subject: Subject, lab: Lab): Markup {
  const { words, run } = subject
  const notes = [
    lab.left.length > 0 ? words.lab.left(lab.left.join(', '), number(slowFrom)) : '',
    run.settings.merge.length > 0 ? words.lab.merged : '',
    run.seeds.length === 0 ? words.lab.noSeeds : '',
  ].filter((note) => note !== '')
  return html`<section id="lab">
    <h2>${words.lab.title}</h2>
    <h3>${words.lab.thresholds}</h3>
    <p>${words.lab.about(lab.tried)}</p>
    <div class="trials">${lab.trials.map((trial) => trialOf(subject, lab, trial))}</div>
    ${notes.map((note) => html`<p class="note">${note}</p>`)}
    <h3>${words.lab.rules}</h3>
    <p>${words.lab.rulesAbout(lab.instructions, lab.instances)}</p>
    ${rulesTable(subject, lab)}
  </section>`
}

function trialOf({ words, run }: Subject, lab: Lab, { threshold, stay, pairs }: Trial): Markup {
  const own = threshold === run.settings.similarity
  return html`<details name="trial" ${own ? html` open` : undefined}>
    <summary>
      <b>${threshold}</b>${bar(lab.tried === 0 ? 0 : stay / lab.tried)}
      <span>${words.lab.stay(stay)}</span>
      <span class="own">${own ? words.lab.own : ''}</span>
    </summary>
    ${pairs.length === 0 ? html`<p>${words.lab.noPairs}</p>` : pairs.map((pair) => pairOf(pair, words.lab))}
  </details>`
}

/** The page's script marks the words in which the two differ. */
function pairOf({ instruction, rival, score }: Pair, words: { removed: string; because: string }): Markup {
  return html`<dl class="pair">
    <dt>${words.removed}</dt>
    <dd class="text">${instruction}</dd>
    <dt>${words.because} (${score.toFixed(2)})</dt>
    <dd class="text">${rival}</dd>
  </dl>`
}

function rulesTable({ words, figures, screen }: Subject, lab: Lab): Markup {
  const rows = lab.alone.map(({ reason, of, removed }) => {
    const checked = of === 'instruction' ? lab.instructions : lab.instances
    const links = steps
      .map((step) => ({ step, count: figures.rejected[step].get(reason) ?? 0 }))
      .filter(({ count }) => count > 0)
      .map(({ step, count }) => html`<a href="#rows" data-show="${step}/${reason}">${number(count)}</a> `)
    return html`<tr>
      <th scope="row">${nameOfReason(reason, screen)}<small>${whyRemoved(reason, screen)}</small></th>
      <td class="number">${number(removed)}</td>
      <td class="bars">${bar(checked === 0 ? 0 : removed / checked, 'loss')}</td>
      <td class="number">${links.length > 0 ? links : 0}</td>
    </tr>`
  })
  return html`<div class="wide">
    <table class="rules">
      <thead>
        <tr>
          <th scope="col">${words.lab.rule}</th>
          <th scope="col">${words.lab.alone}</th>
          <td class="bars"></td>
          <th scope="col">${words.lab.inRun}</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`
}

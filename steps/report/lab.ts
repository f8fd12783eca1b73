// The filter lab: what other thresholds would have kept, and what each rule would remove if it were the only one.
import { nameOfReason, whyReason } from '../display/reasons.ts'
import { number } from '../display/words.ts'
import { type Rule, compare, measureInstance, measureInstruction } from '../text/check.ts'
import type { Instance } from '../text/given.ts'
import { type Language, isTraditional } from '../text/language.ts'
import { NoveltyIndex } from '../text/novelty.ts'
import { rules, selectRules } from '../text/rules.ts'
import { steps } from '../workspace/folder.ts'
import { rowsIn } from '../workspace/records.ts'
import { type Run, bump, isCandidate } from './count.ts'
import { type Markup, type Subject, bar, html, row, table } from './html.ts'

const thresholds = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
const slowBelow = 0.5 // there the index must look at many more texts
const slowFrom = 20_000 // instructions
const pairsShown = 3

type Pair = { instruction: string; rival: string; score: number }
/** `pairs`: the removed instructions closest to the threshold, which are worth a discussion. */
type Trial = { threshold: number; stay: number; pairs: Pair[] }
/** What a rule removes when it is the only one. */
type AloneCount = { reason: string; removed: number }
export type Lab = {
  /** Instructions tried: all that step 1 accepted, then those it rejected as near-duplicates, as they stand in the files. */
  tried: number
  trials: Trial[]
  areMerged: boolean // they come from merged files alone
  left: number[] // thresholds not tried, because the run is too large
  alone: AloneCount[]
  instructions: number // checked by each rule for instructions
  instances: number // checked by each rule for instances
}

export async function openLab(run: Run): Promise<Lab> {
  const { accepted, nearDuplicates, others, areMerged } = await candidatesOf(run)
  const tried = [...accepted, ...nearDuplicates]
  const own = run.settings.similarity
  const all = [...new Set([...thresholds, own])].toSorted((a, b) => a - b)
  const slow = (threshold: number): boolean => threshold < slowBelow && tried.length > slowFrom
  const candidates = [...tried, ...others]
  const instructionRules = rules.filter((rule) => rule.of === 'instruction')
  const instances = await instanceCounts(run, areMerged)
  return {
    tried: tried.length,
    trials: all
      .filter((threshold) => !slow(threshold))
      .map((threshold) => tryThreshold(tried, run.seeds, threshold)),
    left: all.filter(slow),
    areMerged,
    alone: [...instructionRules.map((rule) => countAlone(rule, run, candidates)), ...instances.counts],
    instructions: candidates.length,
    instances: instances.total,
  }
}

async function candidatesOf(run: Run) {
  const accepted = new Set<string>()
  const nearDuplicates: string[] = []
  const others: string[] = []
  for await (const row of rowsIn(run.folder, 'instruction')) accepted.add(row.instruction)
  // A folder that only merges files has nothing of step 1: what step 4 kept and rejected stands in for it.
  const judgedIn = accepted.size > 0 ? 'generate' : 'filter'
  if (judgedIn === 'filter')
    for await (const row of rowsIn(run.folder, 'example')) accepted.add(row.instruction)
  for await (const { step, reason, instruction } of rowsIn(run.folder, 'rejected')) {
    if (step !== judgedIn || !isCandidate(reason)) continue
    if (reason === 'near_duplicate') nearDuplicates.push(instruction)
    else others.push(instruction)
  }
  return { accepted: [...accepted], nearDuplicates, others, areMerged: judgedIn === 'filter' }
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

function countAlone(rule: Rule, run: Run, candidates: readonly string[]): AloneCount {
  const index = new NoveltyIndex(run.settings.similarity)
  const pooled = rule.reason === 'near_duplicate' // the others do not look at the pool
  if (pooled) for (const seed of run.seeds) index.add(seed)
  const pool = { rival: (text: string) => index.rival(text), traditional: isTraditional(run.seeds.join('')) }
  let removed = 0
  for (const instruction of candidates) {
    if (measureInstruction(rule, instruction, run.language, pool) !== undefined) removed++
    else if (pooled) index.add(instruction)
  }
  return { reason: rule.reason, removed }
}

async function instanceCounts(run: Run, areMerged: boolean) {
  const own = rules.filter((rule) => rule.of !== 'instruction')
  const removed = new Map<string, number>()
  let total = 0
  const all: AsyncIterable<Judged> = areMerged ? mergedInstances(run) : rowsIn(run.folder, 'withInstances')
  for await (const { instruction, instances, reason } of all) {
    const task = { instruction, language: run.language, ...compare(instruction, instances, []) }
    total += instances.length
    for (const [at, instance] of instances.entries())
      for (const rule of own)
        if (rule.reason === reason || measureInstance(rule, instance, task, at) !== undefined)
          bump(removed, rule.reason)
  }
  const counts = own.map(({ reason }) => ({ reason, removed: removed.get(reason) ?? 0 }))
  return { counts, total }
}

type Judged = { instruction: string; instances: Instance[]; reason?: string }

/** What step 4 kept of merged files, and what it rejected: there the reason says what comparing the instances found. */
async function* mergedInstances(run: Run): AsyncGenerator<Judged> {
  for await (const { instruction, input, output } of rowsIn(run.folder, 'example'))
    yield { instruction, instances: [{ input, output }] }
  for await (const { step, instruction, input = '', output, reason } of rowsIn(run.folder, 'rejected'))
    if (step === 'filter' && output !== undefined)
      yield { instruction, instances: [{ input, output }], reason }
}

/** What the page says of it. */
export function labSection(subject: Subject, lab: Lab): Markup {
  const { run, screen } = subject
  const said = labWords[screen]
  const most = Math.max(1, ...lab.alone.map(({ removed }) => removed))
  const notes = [
    ...(lab.left.length > 0 ? [said.left(lab.left.join(', '), number(slowFrom))] : []),
    ...(run.settings.merge.length > 0 && !lab.areMerged ? [said.merged] : []),
    ...(run.seeds.length === 0 ? [said.noSeeds] : []),
  ]
  return html`<h3>${said.thresholds}</h3>
    <p>${said.about(lab.tried)}</p>
    <div class="trials">${lab.trials.map((trial) => trialOf(subject, lab, trial))}</div>
    ${notes.map((note) => html`<p class="note">${note}</p>`)}
    <h3>${said.rules}</h3>
    <p>${said.rulesAbout(lab.instructions, lab.instances)}</p>
    ${table(
      'rules',
      [said.rule, said.alone, '', said.inRun],
      lab.alone.map((count) => ruleRow(count, most, subject)),
    )}`
}

function trialOf({ words, run, screen }: Subject, lab: Lab, { threshold, stay, pairs }: Trial): Markup {
  const said = labWords[screen]
  const own = threshold === run.settings.similarity
  return html`<details name="trial" ${own ? html` open` : undefined}>
    <summary>
      <b>${threshold}</b>${bar(lab.tried === 0 ? 0 : stay / lab.tried)}
      <span>${said.stay(stay)}</span>
      <span class="own">${own ? words.thisRun : ''}</span>
    </summary>
    ${pairs.length === 0 ? html`<p>${said.noPairs}</p>` : pairs.map((pair) => pairOf(pair, said))}
  </details>`
}

/** The page's script marks the words in which the two differ. */
function pairOf({ instruction, rival, score }: Pair, said: typeof en): Markup {
  return html`<dl class="pair">
    <dt>${said.removed}</dt>
    <dd class="text">${instruction}</dd>
    <dt>${said.because} (${score.toFixed(2)})</dt>
    <dd class="text">${rival}</dd>
  </dl>`
}

function ruleRow({ reason, removed }: AloneCount, most: number, { figures, screen, run }: Subject): Markup {
  const isOn = selectRules(run.settings.rules).has(reason)
  const links = steps
    .map((step) => ({ step, count: figures.rejected[step].get(reason) ?? 0 }))
    .filter(({ count }) => count > 0)
    .map(({ step, count }) => html`<a href="#rows" data-show="${step}/${reason}">${number(count)}</a> `)
  return row(
    html`${nameOfReason(reason, screen)}<small>${whyReason(reason, screen)}</small>`,
    [
      number(removed),
      bar(removed / most, 'loss'),
      links.length > 0 ? links : isOn ? 0 : labWords[screen].off,
    ],
    ['number', 'bars', 'number'],
  )
}

// What the lab says, in both languages.

const en = {
  title: 'Filter lab',
  thresholds: 'With another threshold',
  about: (count: number) =>
    `The novelty filter, run again over ${number(count)} instructions: those accepted, then those rejected as near-duplicates. Open a threshold to see the removed pairs closest to it.`,
  left: (thresholds: string, limit: string) =>
    `${thresholds}: not tried with more than ${limit} instructions.`,
  stay: (count: number) => `${number(count)} stay`,
  noPairs: 'Nothing would be removed.',
  removed: 'removed',
  because: 'because of',
  rules: 'Each rule on its own',
  rulesAbout: (instructions: number, instances: number) =>
    `How many each rule would remove if it were the only one: of ${number(instructions)} candidate instructions, or of ${number(instances)} instances. A row can break several rules; in the run it counts for the first one.`,
  rule: 'rule',
  alone: 'alone',
  inRun: 'in the run',
  off: 'off (--rules)',
  merged: 'Rows of merged files are not counted here.',
  noSeeds: 'The seed file is not where run.json says, so the seed tasks are missing from the pool here.',
}

const zh: typeof en = {
  title: '过滤实验室',
  thresholds: '如果换一个阈值',
  about: (count) =>
    `用新颖性过滤器对 ${number(count)} 条指令重新计算：先是被接受的，再是因近似重复淘汰的。点开一个阈值，可以看到离它最近的被删指令。`,
  left: (thresholds, limit) => `${thresholds}：指令超过 ${limit} 条时不计算。`,
  stay: (count) => `留下 ${number(count)} 条`,
  noPairs: '不会删去任何指令。',
  removed: '删去',
  because: '相近的是',
  rules: '逐条看规则',
  rulesAbout: (instructions, instances) =>
    `如果只用这一条规则，会删去多少：指令规则检查 ${number(instructions)} 条候选，实例规则检查 ${number(instances)} 个实例。同一行可能违反几条规则，实际运行时算在最先遇到的那条上。`,
  rule: '规则',
  alone: '单独使用',
  inRun: '本次运行',
  off: '已关闭（--rules）',
  merged: '合并进来的文件不在实验室的计算之内。',
  noSeeds: '在 run.json 所记的位置找不到种子文件，因此这里的任务池不含种子任务。',
}

export const labWords: Record<Language, typeof en> = { en, zh }

// The sections of the page: what was lost where, the figures beside the published ones, the plots.
import { nameOfReason, whyReason } from '../display/reasons.ts'
import { number, screenWords } from '../display/words.ts'
import { steps } from '../workspace/folder.ts'
import type { Loop } from '../display/lives.ts'
import { markShared, partsOfRougeL } from '../text/rouge.ts'
import { makersOf } from '../workspace/records.ts'
import {
  type Figures,
  type Lengths,
  type Run,
  type Stage,
  bump,
  isOffline,
  isStandIn,
  mostFirst,
  similarityBins,
  stages,
  totalOf,
} from './count.ts'
import { type Markup, type Subject, bar, histogram, html, percent, row, table } from './html.ts'
import type { ReportWords } from './words.ts'

/** How many instructions were left at each stage, and where the others went. */
export function funnelSection(subject: Subject): Markup {
  const { figures, words } = subject
  const { funnel } = figures
  // What only merges files counts the candidates they held; how those came about their own runs tell, where they are known.
  const shown = isMergedAlone(subject) ? stages.slice(stages.indexOf('with_instances')) : stages
  const most = Math.max(1, ...shown.map((stage) => funnel[stage] ?? 0))
  const rows = shown.map((stage, place) => {
    const count = funnel[stage]
    const before = place === 0 ? undefined : funnel[shown[place - 1] ?? 'asked']
    const merged = stage === 'kept' && !isMergedAlone(subject) ? figures.merged : 0
    const lost = before === undefined || count === undefined ? 0 : before + merged - count
    return html`<li>
      ${lossOf(stage, lost, subject)}
      <div class="stage">
        <span>${words.funnel.stages[stage]}</span>${bar((count ?? 0) / most)}
        <b>${count === undefined ? words.funnel.unknown : number(count)}</b>
      </div>
      ${merged > 0 ? html`<p class="note">${words.funnel.merged(merged)}</p>` : undefined}
    </li>`
  })
  const { mergedFunnel: sums } = figures
  return html`<p>${words.funnel.about}</p>
    <ol class="funnel">
      ${rows}
    </ol>
    ${sums ? html`<p class="note">${words.funnel.before(sums)}</p>` : undefined}
    ${contributionsTable(subject)}`
}

/** Whether the data set has no step before the last of its own. */
export function isMergedAlone({ figures, run }: Subject): boolean {
  return run.record.merged !== undefined && figures.funnel.novel === 0
}

/** Who gave what to a merged data set. */
function contributionsTable({ run, words }: Subject): Markup | undefined {
  const { merged = [] } = run.record
  if (merged.length === 0) return undefined
  const { titles, title, about } = words.contributions
  const rows = merged.map(({ name, instructions, rows: kept, shared, made_by }) => {
    const makers = made_by.map(({ provider, model }) => (isStandIn({ provider }) ? words.standIn : model))
    return row(name, [number(instructions), number(kept), number(shared), makers.join(', ') || '–'])
  })
  return html`<h3>${title}</h3>
    <p>${about}</p>
    ${table('figures', ['', ...titles], rows)}`
}

const stepBefore: Record<Stage, string> = {
  asked: '',
  parsed: 'generate',
  novel: 'generate',
  classified: 'classify',
  with_instances: 'instances',
  kept: 'filter',
}

/** What went missing before a stage: how many instructions, and the rejected rows by reason. */
function lossOf(stage: Stage, lost: number, { figures, words, screen }: Subject): Markup | undefined {
  const reasons = figures.losses[stage]
  if (lost <= 0 && reasons.size === 0) return undefined
  const links = mostFirst(reasons).map(
    ([reason, count]) =>
      html`<a href="#rows" data-show="${stepBefore[stage]}/${reason}" title="${whyReason(reason, screen)}"
        >${number(count)} ${nameOfReason(reason, screen)}</a
      > `,
  )
  const unread = stage === 'parsed' ? lost - totalOf(reasons) : 0
  return html`<div class="lost">
    <b>${words.funnel.loss(lost, totalOf(reasons))}</b>
    ${reasons.size > 0 ? links : undefined}
    ${unread > 0 ? html`<span>${words.funnel.unread(unread)}</span>` : undefined}
  </div>`
}

export type FigureName = keyof ReportWords['table']

// Paper: table 1; 11,584 classification tasks, 35,878 empty inputs; the cost as its authors state it. Alpaca: its blog post and data card.
function published({ table }: ReportWords): Partial<Record<FigureName, [paper: string, alpaca: string]>> {
  return {
    instructions: ['52,445', '52,002'],
    classification: ['22.1 %', '–'],
    instances: ['82,439', '52,002'],
    emptyInput: ['43.5 %', table.about],
    instruction: ['15.9', '–'],
    input: ['12.7', '–'],
    output: ['18.9', '–'],
    dollars: [table.aboutPrice, table.below],
  }
}

/** The figures of this run; beside the offline model the published numbers would say something that is not so. */
export function tableSection(subject: Subject): Markup {
  const { words, run } = subject
  const { repeated } = run.record
  const offline = isOffline(run)
  const { paper, alpaca, sources, counted } = words.table
  const rows = figureRows(subject).flatMap(([name, value]) => {
    const others = offline ? [] : (published(words)[name] ?? ['–', '–'])
    const reasons = html`<tr>
      <td class="reasons" colspan="${2 + others.length}">${reasonsLine(subject)}</td>
    </tr>`
    return [row(words.table[name], [value, ...others]), ...(name === 'rejected' ? [reasons] : [])]
  })
  const notice = standInNotice(subject)
  return html`${notice ? html`<p class="remark">${notice}</p>` : undefined}
    ${table('figures', ['', words.thisRun, ...(offline ? [] : [paper, alpaca])], rows)}
    <p class="note">${offline ? '' : sources}${subject.figures.cost.calls > 0 ? counted : ''}</p>
    ${repeated && html`<p class="note">${screenWords[subject.screen].repeated(repeated)}</p>`}`
}

export function tableTitle({ run, words }: Subject): string {
  return isOffline(run) ? words.table.ownTitle : words.table.title
}

/** What is to be said of rows of the stand-in; undefined where there are none. */
export function standInNotice({ run, words }: Subject): string | undefined {
  if (!isOffline(run)) return undefined
  return makersOf(run.record).every(isStandIn) && !hasUnknownMaker(run) ? words.offline : words.offlineAmong
}

function hasUnknownMaker({ record: { merged = [] } }: Run): boolean {
  return merged.some(({ made_by }) => made_by.length === 0)
}

/** Who made the rows: "gpt-6-luna (openai)"; undefined where nobody knows. */
export function madeBy({ run, words }: Subject): string | undefined {
  const makers = makersOf(run.record).map(({ provider, model }) =>
    isStandIn({ provider }) ? words.standIn : `${model} (${provider})`,
  )
  const all = [...makers, ...(hasUnknownMaker(run) ? [words.unknownMaker] : [])]
  return all.length > 0 ? all.join(', ') : undefined
}

/** The figures of a run by the name of their row. */
export function figureRows({ figures, words, run }: Subject): [FigureName, string][] {
  const { funnel, lengths, cost, rejected } = figures
  const { kept = 0 } = funnel
  const unit = words.unit[run.language]
  const mean = (of: Lengths): string => (of.mean === undefined ? '–' : `${of.mean.toFixed(1)} ${unit}`)
  const shareOf = (part: number, whole: number): string => (whole === 0 ? '–' : percent(part / whole))
  return [
    ['instructions', number(kept)],
    ['classification', figures.classification === undefined ? '–' : shareOf(figures.classification, kept)],
    ['instances', number(figures.rows)],
    ['emptyInput', shareOf(figures.emptyInputs, figures.rows)],
    ['instruction', mean(lengths.instruction)],
    ['input', mean(lengths.input)],
    ['output', mean(lengths.output)],
    ['rejected', number(steps.reduce((sum, step) => sum + totalOf(rejected[step]), 0))],
    ...(cost.calls > 0 ? costRows(cost, words) : []),
  ]
}

/** What was asked and paid; a page of merged files alone knows nothing of it. */
function costRows(
  { calls, tokens, dollars }: Figures['cost'],
  { table }: ReportWords,
): [FigureName, string][] {
  const paid = dollars === undefined ? table.unknownPrice : dollars.toFixed(dollars < 1 ? 4 : 2)
  return [
    ['calls', number(calls)],
    ...(tokens > 0 ? [['tokens', number(tokens)] as [FigureName, string]] : []),
    ...(dollars === 0 ? [] : [['dollars', paid] as [FigureName, string]]),
  ]
}

/** The rejected rows of all steps by reason, the most frequent first: "23 near_duplicate · 4 too_short". */
export function reasonsLine({ figures: { rejected }, screen }: Subject): string {
  const all = new Map<string, number>()
  for (const step of steps) for (const [reason, count] of rejected[step]) bump(all, reason, count)
  return mostFirst(all)
    .map(([reason, count]) => `${number(count)} ${nameOfReason(reason, screen)}`.replaceAll(' ', '\u00a0'))
    .join(' · ')
}

/** How similar the instructions are, how long the texts, and what is asked for. */
export function plotsSection(subject: Subject): Markup {
  const { plots } = subject.words
  const lengths = (['instruction', 'input', 'output'] as const).map((name) => lengthPlot(name, subject))
  const { accepted, nearDuplicates } = subject.figures.similarity
  const isKnown = [...accepted, ...nearDuplicates].some((count) => count > 0)
  return html`<div class="plots">${isKnown ? similarityPlot(subject) : undefined}${lengths}</div>
    <p class="note">${plots.lengthsAbout}</p>
    ${verbsPlot(subject)}`
}

function figure(title: string, drawn: Markup | undefined, caption: string): Markup {
  return html`<figure>
    <h3>${title}</h3>
    ${drawn}
    <figcaption>${caption}</figcaption>
  </figure>`
}

function similarityPlot({ figures, words: { plots }, run }: Subject): Markup {
  const { accepted, nearDuplicates, unknown } = figures.similarity
  const edge = (place: number): string => (place / similarityBins).toFixed(2)
  const bins = accepted.map((first, place) => {
    const second = nearDuplicates[place] ?? 0
    return { first, second, label: plots.bin(edge(place), edge(place + 1), first, second) }
  })
  const { similarity: at } = run.settings
  const title = plots.similarity
  const ticks = [0, 0.2, 0.4, 0.6, 0.8, 1].map((tick) => ({ at: tick, text: String(tick) }))
  const plot = histogram({ title, bins, ticks, line: { at, text: plots.threshold(at) } })
  const key = html`<p class="key">
    <i class="main"></i> ${plots.accepted} <i class="loss"></i> ${plots.nearDuplicates}
  </p>`
  const caption = `${plots.similarityAbout} ${unknown > 0 ? plots.unknown(unknown) : ''}`
  return figure(title, html`${plot} ${key} ${rougeExample(figures.example, plots)}`, caption)
}

/** ROUGE-L with the numbers of a pair of this run. */
function rougeExample(pair: Figures['example'], { rouge, sum }: ReportWords['plots']): Markup {
  if (!pair) return html`<p>${rouge}</p>`
  const [its, theirs] = markShared(pair.instruction, pair.other)
  const { shared, lengths } = partsOfRougeL(pair.instruction, pair.other)
  return html`<p>${rouge}</p>
    <blockquote class="text">${its}<br />${theirs}</blockquote>
    <p>${sum(shared, lengths, pair.score.toFixed(2))}</p>`
}

/** What makes this Self-Instruct: the picture of the loop, and the first time this run went round it. */
export function loopSection({ words }: Subject, loop: Loop | undefined): Markup {
  const { loop: said } = words
  return html`<p>${said.about}</p>
    ${loopPicture(said.boxes, said.back)}
    ${
      loop
        ? html`<p>${said.shown(loop.shownIn, loop.writtenIn)}</p>
            <blockquote class="text">${loop.task}</blockquote>
            ${
              loop.after.length > 0
                ? html`<p>${said.after}</p>
                    <blockquote class="text">
                      ${loop.after.slice(0, 3).map((task) => html`${task}<br />`)}
                    </blockquote>`
                : undefined
            }`
        : html`<p class="note">${said.none}</p>`
    }`
}

function loopPicture(boxes: readonly string[], back: string): Markup {
  const [wide, gap] = [104, 24]
  const left = (place: number): number => place * (wide + gap) + 2
  const drawn = boxes.map((text, place) => {
    const [x, end] = [left(place), left(place + 1)]
    const arrow = html`<path class="arrow" d="M${x + wide + 3} 34H${end - 8}" />
      <path class="tip" d="M${end - 9} 29l8 5l-8 5z" />`
    return html`<rect class="box" x="${x}" y="14" width="${wide}" height="40" rx="6" />
      <text x="${x + wide / 2}" y="38" text-anchor="middle">${text}</text>
      ${place < boxes.length - 1 ? arrow : undefined}`
  })
  const [from, to] = [left(2) + wide / 2, left(1) + wide / 2]
  return html`<svg
    class="loop"
    viewBox="0 0 ${left(boxes.length) - gap + 2} 100"
    role="img"
    aria-label="${boxes.join(' → ')}; ${back}"
  >
    ${drawn}
    <path class="arrow" d="M${from} 55v21H${to}v-12" />
    <path class="tip" d="M${to - 5} 64l5 -8l5 8z" />
    <text x="2" y="95">${back}</text>
  </svg>`
}

const lengthBins = 20

function lengthPlot(name: keyof Figures['lengths'], { figures, words, run }: Subject): Markup {
  const { plots } = words
  const lengths = figures.lengths[name]
  const { mean } = lengths
  const title = plots.lengths[name]
  if (mean === undefined) return figure(title, undefined, plots.empty)
  const width = niceWidth(lengths.quantile(0.98) / lengthBins)
  const unit = words.unit[run.language]
  const bins = lengths.binned(width, lengthBins).map((first, place) => {
    const to = place === lengthBins - 1 ? undefined : (place + 1) * width - 1
    return { first, label: plots.lengthBin(place * width, to, unit, first) }
  })
  const ticks = [0, 0.25, 0.5, 0.75].map((at) => ({ at, text: String(at * lengthBins * width) }))
  const last = { at: 1, text: `${lengthBins * width}+` }
  return figure(title, histogram({ title, bins, ticks: [...ticks, last] }), plots.mean(mean.toFixed(1), unit))
}

// 1, 2, 5, 10, 20, 50, …: the first that is wide enough.
function niceWidth(least: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, least)))
  return [1, 2, 5, 10].map((digit) => digit * power).find((width) => width >= least) ?? 1
}

function verbsPlot({ figures: { verbs }, words: { plots } }: Subject): Markup {
  const most = verbs.most(12, 4)
  const top = most[0]?.count ?? 1
  const rows = most.map(({ verb, count, objects }) => {
    const named = objects.map(({ object, count: times }) => `${object} ${number(times)}`).join(' · ')
    return row(verb, [number(count), bar(count / top), named], ['number', 'bars', 'objects'])
  })
  return figure(plots.verbs, table('verbs', [], rows), plots.verbsAbout(verbs.none, verbs.total))
}

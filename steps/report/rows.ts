// The rows the page lists and asks about: kept and rejected, a seeded sample where there are too many.
import { CallLog } from '../model/call-log.ts'
import { number } from '../display/words.ts'
import type { Language } from '../text/language.ts'
import { type Random, randomFor, sample } from '../text/pool.ts'
import { type Step, exists, logFile, steps } from '../workspace/folder.ts'
import { idOf, keyOf } from '../workspace/jsonl.ts'
import { type Judgement, rowsIn } from '../workspace/records.ts'
import { type Figures, type Run, isOffline, mostFirst } from './count.ts'
import { type Markup, type Subject, html, percent, row, table } from './html.ts'

export const shownAtMost = 50_000 // rows of each kind: a page of some 30 MB
const withReplies = 2000 // rows: their replies are embedded too
const reviewedAtMost = 200 // rows drawn for the review sheet, of which 20 are shown unless told otherwise

/** What became of a row: kept, or removed by this step for this reason. */
type Fate = { step: Step | ''; reason: string; count: number }
/** Absent fields are 0, which is shorter than null. `fate` is the place in the list of fates. */
type PageRow = [
  instruction: string,
  input: string | 0,
  output: string | 0,
  fate: number,
  id: string,
  detail: string | 0,
  neighbour: string | 0,
  call: string | 0,
]
export type PageRows = {
  fates: Fate[]
  rows: PageRow[]
  /** Whether these are all the rows there are. */
  sampled: boolean
  /** Raw replies by call, undefined where there are too many rows, or no log. */
  replies: Record<string, string> | undefined
  /** Rows for the review, in drawn order: their places, names that stay theirs when the data set changes, planted faults. */
  review: [place: number, name: string, fault: string][]
}

type Counted = Pick<Figures, 'rows' | 'rejected'>

/** The rows of a run, with the replies they came from where they are few. */
export async function gatherRows(run: Run, figures: Counted): Promise<PageRows> {
  const fates = fatesIn(figures)
  const all = fates.reduce((sum, fate) => sum + fate.count, 0)
  const detailed = all <= withReplies
  const random = (what: string): Random => randomFor(run.settings.seed, 'report', what)
  const kept = await keptRows(run, detailed, random('kept'))
  const rejected = await rejectedRows(run, fates, random('rejected'))
  const rows = [...kept, ...rejected]
  const faultOf = await faultsIn(run)
  const review = sample([...kept.keys()], reviewedAtMost, random('review')).map(
    (place): PageRows['review'][number] => {
      const [instruction = '', input = '', output = ''] = kept[place] ?? []
      const name = keyOf([instruction, input, output])
      return [place, name, faultOf(instruction, input || '', output || '')]
    },
  )
  const replies = detailed ? await repliesOf(run, rows) : undefined
  return { fates, rows, sampled: rows.length < all, replies, review }
}

/** What the stand-in has planted, where its rows are among these. */
async function faultsIn(run: Run): Promise<(instruction: string, input: string, output: string) => string> {
  if (!isOffline(run)) return () => ''
  const { plantedFaults, rowKey } = await import('../model/offline.ts')
  const faults = await plantedFaults(run.language)
  return (instruction, input, output) => faults.get(rowKey(instruction, output, input)) ?? ''
}

function fatesIn({ rows, rejected }: Counted): Fate[] {
  const removed = steps.flatMap((step) =>
    mostFirst(rejected[step]).map(([reason, count]): Fate => ({ step, reason, count })),
  )
  return [{ step: '', reason: '', count: rows }, ...removed]
}

async function keptRows(run: Run, detailed: boolean, random: Random): Promise<PageRow[]> {
  const calls = new Map<string, string>()
  const nearest = new Map<string, { instruction: string; score: number }>()
  if (detailed) {
    for await (const { id, call } of rowsIn(run.folder, 'withInstances')) calls.set(id, call)
    for await (const { id, most_similar } of rowsIn(run.folder, 'instruction'))
      if (most_similar) nearest.set(id, most_similar)
  }
  return drawn(rowsIn(run.folder, 'example'), random, ({ instruction, input, output }) => {
    const id = idOf(instruction)
    const near = nearest.get(id)
    const detail = near ? near.score.toFixed(2) : 0
    return [instruction, input, output, 0, id, detail, near?.instruction ?? 0, calls.get(id) ?? 0]
  })
}

async function rejectedRows(run: Run, fates: readonly Fate[], random: Random): Promise<PageRow[]> {
  const places = new Map(fates.map(({ step, reason }, place) => [`${step} ${reason}`, place]))
  return drawn(rowsIn(run.folder, 'rejected'), random, (row) => {
    const { step, reason, detail, instruction, input, output, call, most_similar: near } = row
    const fate = places.get(`${step} ${reason}`) ?? 0
    const said = near ? near.score.toFixed(2) : detail
    const id = instruction === '' ? '' : idOf(instruction)
    return [instruction, input ?? 0, output ?? 0, fate, id, said, near?.instruction ?? 0, call ?? 0]
  })
}

/** So many of the rows, each with the same chance, in their order. */
async function drawn<T>(
  rows: AsyncIterable<T>,
  random: Random,
  shown: (row: T) => PageRow,
): Promise<PageRow[]> {
  let seen = 0
  const held: { at: number; row: PageRow }[] = []
  for await (const row of rows) {
    const at = seen++
    const place = at < shownAtMost ? at : Math.floor(random() * seen)
    if (place < shownAtMost) held[place] = { at, row: shown(row) }
  }
  return held.toSorted((a, b) => a.at - b.at).map(({ row }) => row)
}

async function repliesOf(run: Run, rows: readonly PageRow[]): Promise<Record<string, string> | undefined> {
  const file = run.settings.replay ?? run.folder.path(logFile)
  if (!(await exists(file))) return undefined
  const log = await CallLog.open(file, true)
  const calls = new Set(rows.flatMap((row) => row[7] || []))
  try {
    const reply = async (call: string) => [call, (await log.get(call))?.reply ?? ''] as const
    return Object.fromEntries(await Promise.all([...calls].map(reply)))
  } finally {
    await log.close()
  }
}

// The two sections that the page's script fills: the review, and the list of all rows.

const paper = [0.92, 0.79, 0.58, 0.54] // table 2

/** A person answers the paper's questions about some rows; the page's script does the rest. */
export function reviewSection({ screen, run }: Subject): Markup {
  const { review, script } = rowsWords[screen]
  const { judge } = run.record
  const theirs = paper.map((share) => `${Math.round(100 * share)} %`)
  return html`<p>${review.about}</p>
    <noscript><p>${review.script}</p></noscript>
    <div id="review-app"></div>
    ${table(
      'quality',
      ['', ...script.questions],
      [
        html`<tr id="review-row">
          <th scope="row">${review.you}</th>
          ${paper.map(() => html`<td>–</td>`)}
        </tr>`,
        ...(judge ? [judgeRow(judge, review)] : []),
        row(html`${review.paper}<small>${review.paperRows}</small>`, theirs),
      ],
    )}
    <p class="note">${review.source}</p>`
}

function judgeRow(found: Judgement, { judge, reviewed }: (typeof en)['review']): Markup {
  const { rows, instruction_valid, input_appropriate, output_correct, all } = found
  const shares = [instruction_valid, input_appropriate, output_correct, all].map(percent)
  return row(html`${judge}<small>${reviewed(rows)}</small>`, shares)
}

export function rowsSection({ screen }: Subject, { rows, sampled, fates }: PageRows): Markup {
  const { rows: said } = rowsWords[screen]
  const all = fates.reduce((sum, fate) => sum + fate.count, 0)
  return html`${sampled ? html`<p class="remark">${said.sampled(rows.length, all)}</p>` : undefined}
    <noscript><p>${said.script}</p></noscript>
    <p class="printed note">${said.print}</p>
    <div id="rows-app"></div>
    <div id="rows-printed" class="printed"></div>`
}

// What they say, in both languages.

const en = {
  review: {
    title: 'Review',
    about:
      'How good are the rows really? Twenty kept rows, drawn at random with the seed of the run; three questions each, five minutes in all. The keys work as soon as this is in view. Put the saved review.json into the folder of the run.',
    paper: 'the paper',
    you: 'you',
    judge: 'the judge',
    reviewed: (rows: number) => `${number(rows)} rows`,
    paperRows: '200 rows',
    source: 'The paper: table 2, judged by an expert.',
    script: 'The review needs JavaScript.',
  },
  rows: {
    title: 'All rows',
    sampled: (shown: number, all: number) =>
      `A sample of ${number(shown)} of ${number(all)} rows, drawn with the seed of the run.`,
    script: 'The list needs JavaScript; the rows are in 4-dataset.jsonl and rejected.jsonl.',
    print: 'Each row with what became of it:',
  },
  /** For the page’s own script. */
  script: {
    printLeft: 'Further rows are in 4-dataset.jsonl and rejected.jsonl.',
    search: 'Search',
    filter: 'Show',
    everything: 'all rows',
    kept: 'kept',
    rejected: 'rejected',
    rows: '{0} rows',
    oneRow: '1 row',
    noRows: 'No row fits.',
    instruction: 'instruction',
    input: 'input',
    output: 'output',
    noInput: '(none)',
    detail: 'measured',
    nearest: 'nearest neighbour',
    reply: 'the raw reply',
    noReply: 'what happened to this row, step by step:',
    previous: 'previous',
    next: 'next',
    close: 'close',
    rowOf: 'row {0} of {1}',
    questions: [
      'Is the instruction a valid task?',
      'Is the input appropriate?',
      'Is the output correct?',
      'All fields valid',
    ],
    count: 'rows to review',
    yes: 'yes',
    no: 'no',
    reviewer: 'Your name or seat',
    planted: 'Faults that the stand-in had planted in these rows: {0}. You let pass: {1}.',
    nonePlanted: 'In these rows the stand-in had planted no fault.',
    caught: 'found',
    passed: 'let pass',
    faults: {
      wrong_fact: 'a fact in the output is wrong',
      wrong_sum: 'the result in the output is wrong',
      wrong_label: 'the label is wrong',
      unsuitable_input: 'the input is not what the instruction speaks of',
      beside_the_point: 'the output does not do what was asked',
      nonsense_instruction: 'the instruction makes no sense',
    },
    keys: 'Keys: Y yes, N no, A yes to all; 1 2 3 go to a question, ← → to another row',
    answered: '{0} of {1} rows answered',
    done: 'Done: this run’s row stands below.',
    agree: 'the judge passed all of these, you {0} of {1}',
    save: 'Save as review.json',
    clear: 'Start again',
    clearSure: 'Press again: all answers are deleted',
    notKept: 'This browser does not keep the answers: save them before leaving.',
  },
}

const zh: typeof en = {
  review: {
    title: '人工评审',
    about:
      '这些数据到底有多好？用本次运行的随机种子抽出二十行保留的数据，每行三个问题，一共五分钟。看到这一节就可以用键盘作答；保存的 review.json 请放进这次运行的文件夹。',
    paper: '论文',
    you: '你',
    judge: '模型评审',
    reviewed: (rows) => `${number(rows)} 行`,
    paperRows: '200 行',
    source: '论文：表 2，由专家评定。',
    script: '评审需要启用 JavaScript。',
  },
  rows: {
    title: '全部数据',
    sampled: (shown, all) => `共 ${number(all)} 行，这里是用本次运行的随机种子抽出的 ${number(shown)} 行。`,
    script: '列表需要启用 JavaScript；数据在 4-dataset.jsonl 和 rejected.jsonl 中。',
    print: '每一行，以及它的去向：',
  },
  script: {
    printLeft: '其余的在 4-dataset.jsonl 和 rejected.jsonl 中。',
    search: '搜索',
    filter: '显示',
    everything: '全部',
    kept: '保留',
    rejected: '未通过',
    rows: '{0} 行',
    oneRow: '1 行',
    noRows: '没有符合的行。',
    instruction: '指令',
    input: '输入',
    output: '输出',
    noInput: '（无）',
    detail: '测得',
    nearest: '最相近的指令',
    reply: '原始回复',
    noReply: '这一行的来龙去脉：',
    previous: '上一行',
    next: '下一行',
    close: '关闭',
    rowOf: '第 {0} 行，共 {1} 行',
    questions: ['指令是有效的任务吗？', '输入合适吗？', '输出正确吗？', '各项全部合格'],
    count: '评审行数',
    yes: '是',
    no: '否',
    reviewer: '姓名或座位号',
    planted: '替身在这些数据里埋了 {0} 处错误，你放过了 {1} 处。',
    nonePlanted: '替身没有在这些数据里埋错误。',
    caught: '找到了',
    passed: '放过了',
    faults: {
      wrong_fact: '输出中的事实有误',
      wrong_sum: '输出中的结果算错了',
      wrong_label: '类别判断错了',
      unsuitable_input: '输入与指令说的不是一回事',
      beside_the_point: '输出答非所问',
      nonsense_instruction: '指令本身说不通',
    },
    keys: '按键：Y 是，N 否，A 全部合格；1、2、3 选择问题，← → 上一行／下一行',
    answered: '已完成 {0} / {1} 行',
    done: '评审完成：结果见下表。',
    agree: '这些行模型评审全部通过，你通过了其中 {0} / {1} 行',
    save: '保存为 review.json',
    clear: '重新开始',
    clearSure: '再按一次：删除全部回答',
    notKept: '此浏览器无法保存回答：离开前请先保存。',
  },
}

export const rowsWords: Record<Language, typeof en> = { en, zh }

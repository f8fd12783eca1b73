// `why WORDS|ID`: one candidate's life, from the prompt it came from to the rule that removed it. Looks, and changes nothing.
import { type Found, findCalls } from '../model/call-log.ts'
import type { Call } from '../model/call.ts'
import { readTasks } from '../text/replies.ts'
import { markShared } from '../text/rouge.ts'
import { ruleFor } from '../text/rules.ts'
import { readCommandLine } from '../workspace/arguments.ts'
import { Fault } from '../workspace/fault.ts'
import { Folder, type Step, exists, handOffs, logFile, steps } from '../workspace/folder.ts'
import { idOf } from '../workspace/jsonl.ts'
import { type RejectedRow, readSeedTasks } from '../workspace/records.ts'
import { type Settings, readSettings } from '../workspace/settings.ts'
import {
  type Life,
  type Lives,
  byId,
  byWords,
  excerpt,
  findLives,
  findRejected,
  promptLines,
} from './lives.ts'
import { type WhyWords, isReason, nameOfReason, reasonNamed, whyReason, whyWords } from './reasons.ts'
import { Screen, commandLine, cutToWidth, plain, shownPath, widthOf } from './screen.ts'
import { number } from './words.ts'

export async function tellWhy(argv: readonly string[]): Promise<void> {
  const asked = readCommandLine(argv).words.slice(1).join(' ').trim().split(/\s+/)
  const [word = ''] = asked
  if (word === '') throw nothingAsked()
  const settings = readSettings(argv, process.env)
  const folder = await Folder.open(settings.dataDir, settings.outputPath)
  const look = { settings, folder, screen: new Screen(settings.screen), words: whyWords[settings.screen] }
  look.screen.progress(() => look.words.looking)
  const alone = asked.length === 1
  if (alone && isReason(word)) return tellReason(look, word)
  const named = alone ? reasonNamed(word) : undefined
  if (named !== undefined) return tellReason(look, named)
  const isId = alone && /^[0-9a-f]{6,12}$/.test(word)
  const byName = isId ? await findLives(folder, byId(word)) : undefined
  // "decade" and "facade" are words as well.
  const found = byName?.lives.length ? byName : await findLives(folder, byWords(asked))
  if (!found.files) throw noRun(settings)
  if (found.lives.length > 0) return tellCandidates(look, found)
  if (alone && whyReason(word, 'en') !== undefined) return tellReason(look, word)
  look.screen.line(isId ? look.words.nothingById(word) : look.words.nothing(asked.join(' ')))
  look.screen.detail(look.words.try)
}

/** The candidate that fits best in full, the others in a list. */
async function tellCandidates(look: Look, { lives: [best, ...others], more }: Lives): Promise<void> {
  const { screen, words } = look
  if (best) await tellLife(look, best)
  if (others.length === 0) return
  screen.title(words.others)
  for (const life of others) listed(look, life, stateOf(life, look))
  if (more) screen.detail(words.more)
}

/** What a reason means, and some rows rejected for it. */
async function tellReason(look: Look, reason: string): Promise<void> {
  const { screen, words, folder, settings } = look
  screen.title(nameOfReason(reason, screen.language))
  screen.detail(whyReason(reason, screen.language) ?? words.notExplained)
  const { lives, files, more } = await findRejected(folder, reason)
  if (!files) throw noRun(settings)
  if (lives.length === 0) return screen.detail(words.noneRejected)
  screen.title(more ? words.someRejected : words.allRejected)
  for (const life of lives) listed(look, life, measuredFor(life))
  const example = lives.find((life) => life.instruction !== '')
  if (example) screen.detail(words.ask(commandLine(settings, `why ${idOf(example.instruction)}`)))
}

/** What was measured; of a reply without an instruction also its call, the only name it has. */
function measuredFor({ instruction, rejected: [row] }: Life): string {
  const call = instruction === '' && row?.call ? ` · ${row.call}` : ''
  return `${row?.detail ?? ''}${call}`
}

/** One line: id, instruction, and a remark that may take half of it. */
function listed({ screen, words }: Look, { instruction }: Life, remark: string): void {
  const id = instruction === '' ? ' '.repeat(12) : idOf(instruction)
  const end = cutToWidth(plain(remark), Math.floor(screen.width / 2) - 20)
  const room = screen.width - id.length - widthOf(end) - 6
  const shown = instruction === '' ? words.noInstruction : cutToWidth(plain(instruction), room)
  screen.line(`  ${id}  ${shown}${end === '' ? '' : `  ${end}`}`)
}

function nothingAsked(): Fault {
  return new Fault({
    en: 'why what? Name words of an instruction, an id, or a reason. Like this: npx tsx workshop.ts why near_duplicate',
    zh: 'why 后面要写指令中的几个词、id 或拒绝原因，例如：npx tsx workshop.ts why near_duplicate',
  })
}

function noRun(settings: Settings): Fault {
  const command = commandLine(settings, '')
  return new Fault({
    en: `There is no run in ${settings.dataDir} yet. Run this first: ${command}`,
    zh: `${settings.dataDir} 中还没有运行结果。请先运行：${command}`,
  })
}

// One candidate's life told step by step, under the headings of the steps.

export type Look = { settings: Settings; folder: Folder; screen: Screen; words: WhyWords }

export async function tellLife(look: Look, life: Life): Promise<void> {
  const { screen } = look
  screen.title(life.instruction)
  screen.detail(`${idOf(life.instruction)} · ${summaryOf(life, look)}`)
  const story = new Story(look, life, await callsOf(look, life))
  await story.tellGenerate()
  story.tellClassify()
  story.tellInstances()
  story.tellFilter()
}

/** In a word: kept, the reason it was rejected for, or not decided. */
export function stateOf(life: Life, { screen, words }: Look): string {
  const last = lastReject(life)
  if (life.kept.length > 0) return words.state.kept
  return last ? nameOfReason(last.reason, screen.language) : words.state.waiting
}

function summaryOf(life: Life, { settings, folder, screen, words }: Look): string {
  if (life.kept.length > 0) return words.kept(life.kept.length, shownPath(folder.dataset))
  const last = lastReject(life)
  if (last) return words.rejected(steps.indexOf(last.step) + 1, nameOfReason(last.reason, screen.language))
  const reached: Step = life.withInstances ? 'instances' : life.classified ? 'classify' : 'generate'
  const next = steps.slice(steps.indexOf(reached) + 1).join(' ')
  return words.waiting(handOffs[reached].file, commandLine(settings, next))
}

/** The reject that ended its life: one of step 1 did not, where the same instruction had been accepted before. */
function lastReject(life: Life): RejectedRow | undefined {
  return life.rejected.findLast((row) => row.step !== 'generate' || !life.generated)
}

async function callsOf({ settings, folder }: Look, life: Life): Promise<Map<string, Found>> {
  const log = settings.replay ?? folder.path(logFile)
  const rows = [life.generated, life.classified, life.withInstances, ...life.rejected]
  const keys = new Set(rows.flatMap((row) => (row?.call ? [row.call] : [])))
  return keys.size > 0 && (await exists(log)) ? findCalls(log, keys) : new Map()
}

const longReply = 700 // characters shown of a reply
const shortReply = 240

class Story {
  private readonly look: Look
  private readonly life: Life
  private readonly calls: Map<string, Found>

  constructor(look: Look, life: Life, calls: Map<string, Found>) {
    this.look = look
    this.life = life
    this.calls = calls
  }

  /** The demonstrations it was written after, the reply it stood in, and what it resembles most. */
  async tellGenerate(): Promise<void> {
    const { screen, words, settings } = this.look
    const { generated, instruction } = this.life
    const rejects = this.rejectsOf('generate')
    const call = generated ? generated.call : rejects[0]?.call
    screen.heading('generate')
    if (!generated && rejects.length === 0) return screen.detail(words.elsewhere)
    const found = this.found(call)
    const changed = found !== undefined && !wrote(found.call, instruction)
    if (changed) screen.detail(words.changedByHand(found.call.key))
    else if (found) {
      screen.detail(words.writtenIn(found.call.key))
      for (const line of promptLines(found.call, await this.seeds(), words.machineMade))
        screen.line(cutToWidth(`    ${plain(line)}`, screen.width))
      this.showReply(found, longReply, instruction)
    }
    if (generated?.most_similar && found && !changed) {
      const { instruction: nearest, score } = generated.most_similar
      screen.detail(words.nearest(score.toFixed(2)))
      this.compare(nearest)
      screen.detail(words.accepted(String(settings.similarity)))
    }
    for (const row of rejects) {
      if (row.call && row.call !== call) screen.detail(words.writtenAgain(row.call))
      this.showReject(row)
    }
  }

  tellClassify(): void {
    const { screen, words } = this.look
    const { classified } = this.life
    const rejects = this.rejectsOf('classify')
    if (!classified && rejects.length === 0) return
    screen.heading('classify')
    const found = this.callOf(classified, rejects)
    const others = (found?.call.rows?.length ?? 1) - 1
    if (classified) {
      const label = classified.is_classification
      screen.detail(found ? words.judged(label, others) : words.labelByHand(label))
    }
    if (found) this.showReply(found, shortReply, `"task":${this.placeIn(found)}`)
    for (const row of rejects) this.showReject(row)
  }

  tellInstances(): void {
    const { screen, words } = this.look
    const { withInstances, classified } = this.life
    const rejects = this.rejectsOf('instances')
    if (!withInstances && rejects.length === 0) return
    screen.heading('instances')
    const label = (withInstances ?? classified)?.is_classification
    if (label !== undefined) screen.detail(label ? words.outputFirst : words.inputFirst)
    const found = this.callOf(withInstances, rejects)
    if (found) this.showReply(found, longReply)
    if (withInstances) screen.detail(words.instances(withInstances.instances.length))
    for (const { input, output } of withInstances?.instances ?? []) this.showInstance(input, output)
    for (const row of rejects) this.showReject(row)
  }

  tellFilter(): void {
    const { screen, words, folder } = this.look
    const { kept } = this.life
    const rejects = this.rejectsOf('filter')
    if (kept.length === 0 && rejects.length === 0) return
    screen.heading('filter')
    for (const row of rejects) this.showReject(row)
    if (kept.length > 0) screen.detail(words.kept(kept.length, shownPath(folder.dataset)))
    for (const { input, output } of kept) this.showInstance(input, output)
  }

  private rejectsOf(step: Step): RejectedRow[] {
    return this.life.rejected.filter((row) => row.step === step)
  }

  /** The seed tasks of the run; none when their file is gone, then nothing is marked. */
  private async seeds(): Promise<string[]> {
    const { seedFile } = this.look.settings
    return (await exists(seedFile)) ? (await readSeedTasks(seedFile)).map((seed) => seed.instruction) : []
  }

  /** The call of a row, or of what was rejected instead; a call that gave no reply is none. */
  private callOf(row: { call: string } | undefined, rejects: readonly RejectedRow[]): Found | undefined {
    const key = row ? row.call : rejects[0]?.call
    return row || key ? this.found(key) : undefined
  }

  /** The call with this key; where it cannot be shown, says why. */
  private found(key: string | undefined): Found | undefined {
    const { screen, words } = this.look
    const found = this.calls.get(key ?? '')
    if (!key) screen.detail(words.noCall)
    else if (!found) screen.detail(words.callMissing(key, shownPath(this.log)))
    return found
  }

  private get log(): string {
    return this.look.settings.replay ?? this.look.folder.path(logFile)
  }

  private placeIn({ call }: Found): number {
    const wanted = plain(this.life.instruction)
    const place = promptLines(call, [], '').findIndex((line) => plain(line).endsWith(`. ${wanted}`))
    return place + 1
  }

  private showReply({ call, line }: Found, size: number, around?: string): void {
    const { screen, words } = this.look
    const where = `${shownPath(this.log)}:${line}`
    if (call.reply === null || call.reply === '') return screen.detail(words.noReply(where))
    screen.detail(words.reply(number(call.reply.length), where))
    for (const shown of excerpt(call.reply, size, around)) screen.detail(shown, '    | ')
  }

  private compare(other: string): void {
    const { screen, words } = this.look
    const [its, theirs] = markShared(this.life.instruction, other)
    screen.detail(its, `    ${words.its}  `)
    screen.detail(theirs, `    ${words.neighbours}  `)
  }

  private showReject({ reason, detail, input, output, most_similar: near }: RejectedRow): void {
    const { screen, words } = this.look
    const [measured, sentence] = ruleFor(reason)
      ? [words.measured, words.whyItExists]
      : [words.detail, words.meaning]
    screen.remark(nameOfReason(reason, screen.language))
    if (output !== undefined) this.showInstance(input ?? '', output)
    if (near) {
      screen.detail(words.limit(near.score.toFixed(2)), '    ')
      this.compare(near.instruction)
    } else if (detail !== '') screen.detail(`${measured}${detail}`, '    ')
    const why = whyReason(reason, screen.language)
    if (why !== undefined) screen.detail(`${sentence}${why}`, '    ')
  }

  private showInstance(input: string, output: string): void {
    this.look.screen.sample(`${input === '' ? '' : `[${input}] `}⇒ ${output}`)
  }
}

// Whether a candidate stands in a reply of step 1; one that does not was changed or written by hand.
function wrote({ reply, finish_reason }: Call, instruction: string): boolean {
  const tasks = readTasks(reply ?? '', finish_reason === 'length')?.tasks ?? []
  return tasks.includes(instruction) || (reply ?? '').includes(instruction) || instruction === ''
}

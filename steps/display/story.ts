// One candidate's life told step by step, under the headings of the steps.
import { findCalls, type Found } from '../model/find-calls.ts'
import type { Call } from '../model/call-log.ts'
import { readTasks } from '../text/replies.ts'
import { likenessIn } from '../text/likeness.ts'
import { ruleFor } from '../text/rules.ts'
import { exists, fileOf, type Folder, logFile, type Step, steps } from '../workspace/folder.ts'
import { idOf } from '../workspace/hash.ts'
import type { Life } from '../workspace/lives.ts'
import type { RejectedRow } from '../workspace/records.ts'
import { readSeedTasks } from '../workspace/seeds.ts'
import type { Settings } from '../workspace/settings.ts'
import { commandLine } from './command-line.ts'
import { cutToWidth, plain } from './plain.ts'
import { excerpt, promptLines } from './prompt-and-reply.ts'
import { nameOfReason, whyReason } from './reasons.ts'
import { type Screen, shownPath } from './screen.ts'
import { markShared } from './shared-words.ts'
import type { WhyWords } from './why-words.ts'
import { number } from './words.ts'

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
  return words.waiting(fileOf[reached], commandLine(settings, next))
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

  private showReject({ reason, detail, input, output }: RejectedRow): void {
    const { screen, words } = this.look
    const near = likenessIn(detail)
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

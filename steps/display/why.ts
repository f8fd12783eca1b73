// `why WORDS|ID`: one candidate's life, from the prompt it came from to the rule that removed it. Looks, and changes nothing.
import { type Found, findCalls } from '../model/call-log.ts'
import type { Call } from '../model/call.ts'
import type { Instance } from '../text/given.ts'
import { readTasks } from '../text/replies.ts'
import { markShared, partsOfRougeL, rougeL } from '../text/rouge.ts'
import { ruleFor } from '../text/rules.ts'
import { readCommandLine } from '../workspace/arguments.ts'
import { Fault } from '../workspace/fault.ts'
import { Folder, type Step, exists, handOffs, logFile, runsElsewhere, steps } from '../workspace/folder.ts'
import { idOf } from '../workspace/jsonl.ts'
import { type RejectedRow, rowsIn } from '../workspace/records.ts'
import { type Settings, readSettings } from '../workspace/settings.ts'
import {
  type Fit,
  type Life,
  type Lives,
  byId,
  byWords,
  findLives,
  findRejected,
  placeIn,
  promptLines,
  replyLines,
  requestsIn,
  seedsOf,
} from './lives.ts'
import { type WhyWords, isReason, nameOfReason, reasonNamed, whyReason, whyWords } from './reasons.ts'
import {
  Screen,
  commandLine,
  cutToWidth,
  plain,
  shownPath,
  tellNotTaken,
  whyCommand,
  widthOf,
} from './screen.ts'
import { number } from './words.ts'

type Look = { settings: Settings; folder: Folder; screen: Screen; words: WhyWords }

export async function tellWhy(argv: readonly string[]): Promise<void> {
  const asked = readCommandLine(argv).words.slice(1).join(' ').trim().split(/\s+/)
  const [word = ''] = asked
  if (word === '') throw nothingAsked()
  const settings = readSettings(argv, process.env)
  const folder = await Folder.open(settings.dataDir, settings.outputPath)
  const look = { settings, folder, screen: new Screen(settings.screen), words: whyWords[settings.screen] }
  tellNotTaken(look.screen, settings)
  look.screen.progress(() => look.words.looking)
  const alone = asked.length === 1
  const reason = isReason(word) ? word : reasonNamed(word)
  if (alone && reason !== undefined) return tellReason(look, reason)
  const isId = alone && /^[0-9a-f]{6,12}$/.test(word)
  if (isId && (await tellBest(look, byId(word)))) return
  if (await tellBest(look, byWords(asked))) return // "decade" and "facade" are words as well
  if (alone && whyReason(word, 'en') !== undefined) return tellReason(look, word)
  look.screen.line(isId ? look.words.nothingById(word) : look.words.nothing(asked.join(' ')))
  look.screen.detail(look.words.try)
}

/** Tells the seed task or the candidate that fits best; false where none does. */
async function tellBest(look: Look, fit: Fit): Promise<boolean> {
  const found = await findLives(look.folder, fit)
  if (!found.files) throw noRun(look.settings)
  const [best] = found.lives
  const rankOf = (seed: string): number => fit({ instruction: seed })
  const [seed] = (await seedsOf(look.settings)).toSorted((a, b) => rankOf(b) - rankOf(a))
  if (seed !== undefined && rankOf(seed) > (best ? fit(best) : 0)) await tellSeed(look, seed)
  else if (best) await tellCandidates(look, found)
  else return false
  return true
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
  const named = lives.filter((life) => life.instruction !== '')
  const example = named.find(isNoEcho) ?? named[0]
  if (example) screen.detail(words.ask(whyCommand(settings, idOf(example.instruction))))
}

/** Whether a candidate says more than that its neighbour stands in it, with a word before or behind. */
function isNoEcho({ instruction, rejected: [row] }: Life): boolean {
  if (!row?.most_similar) return true
  const { shared, lengths } = partsOfRougeL(instruction, row.most_similar.instruction)
  return shared < Math.min(...lengths)
}

/** What was measured; of a reply without an instruction also its call, the only name it has. */
function measuredFor({ instruction, rejected: [row] }: Life): string {
  if (row?.most_similar) return row.most_similar.score.toFixed(2)
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

/** A seed task's part in the loop: where it was shown, and what the model wrote there. */
async function tellSeed({ settings, folder, screen, words }: Look, seed: string): Promise<void> {
  screen.title(seed)
  screen.detail(`${idOf(seed)} · ${words.seed}`)
  const requests = await requestsIn(settings.replay ?? folder.path(logFile))
  const shown = requests.filter(({ tasks }) => tasks.includes(seed))
  if (shown.length === 0) return screen.detail(words.notShown(requests.length))
  const places = shown.map((request) => request.number)
  screen.detail(words.shownIn(places, requests.length))
  const keys = new Set(shown.map(({ key }) => key))
  let came = 0
  for await (const { instruction, most_similar, call } of rowsIn(folder, 'instruction')) {
    if (!keys.has(call) || ++came > seedsShown) continue
    const near =
      most_similar?.instruction === seed ? ` ${words.nearestToSeed(most_similar.score.toFixed(2))}` : ''
    screen.sample(`${idOf(instruction)}  ${instruction}${near}`)
  }
  if (came === 0) screen.detail(words.noneCame, '    ')
}

const seedsShown = 20 // instructions that came of a seed task

function nothingAsked(): Fault {
  return new Fault({
    en: 'why what? Name words of an instruction, an id, or a reason. Like this: npx tsx workshop.ts why near_duplicate',
    zh: 'why 后面要写指令中的几个词、id 或淘汰原因，例如：npx tsx workshop.ts why near_duplicate',
  })
}

function noRun(settings: Settings): Fault {
  const { dataDir, given } = settings
  const command = commandLine(settings, given.has('language') ? '--language en' : '')
  const others = runsElsewhere(dataDir)
  return new Fault({
    en: `There is no run in ${shownPath(dataDir)} yet.${others.en} Or make one there: ${command}`,
    zh: `${shownPath(dataDir)} 中还没有运行结果。${others.zh}要在那里运行一次，请用：${commandLine(settings, '--language zh')}`,
  })
}

/** One candidate's life told step by step, under the headings of the steps. */
async function tellLife(look: Look, life: Life): Promise<void> {
  const { screen, settings, folder } = look
  screen.title(life.instruction)
  screen.detail(`${idOf(life.instruction)} · ${summaryOf(life, look)}`)
  const log = settings.replay ?? folder.path(logFile)
  const story = { ...look, life, log, calls: await callsOf(life, log) }
  await tellGenerate(story)
  tellClassify(story)
  tellInstances(story)
  tellFilter(story)
}

/** In a word: kept, the reason it was rejected for, or not decided. */
function stateOf(life: Life, { screen, words }: Look): string {
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

async function callsOf(life: Life, log: string): Promise<Map<string, Found>> {
  const rows = [life.generated, life.classified, life.withInstances, ...life.rejected]
  const keys = new Set(rows.flatMap((row) => (row?.call ? [row.call] : [])))
  return keys.size > 0 && (await exists(log)) ? findCalls(log, keys) : new Map()
}

/** A life with what is told of it: the calls its rows name, as far as the log holds them. */
type Story = Look & { life: Life; log: string; calls: Map<string, Found> }

const longReply = 700 // characters shown of a reply
const shortReply = 240

/** The demonstrations it was written after, the reply it stood in, and what it resembles most. */
async function tellGenerate(story: Story): Promise<void> {
  const { screen, words, settings, life } = story
  const { generated, instruction } = life
  const rejects = rejectsOf('generate', story)
  screen.heading('generate')
  if (!generated && rejects.length === 0) return screen.detail(words.elsewhere)
  const call = generated ? generated.call : rejects[0]?.call
  const found = findCall(call, story)
  const changed = found !== undefined && !wrote(found.call, instruction)
  if (changed) screen.detail(words.changedByHand(found.call.key))
  else if (found) {
    screen.detail(words.writtenIn(found.call.key))
    for (const line of promptLines(found.call, await seedsOf(settings), words.machineMade))
      screen.line(cutToWidth(`    ${plain(line)}`, screen.width))
    showReply(found, longReply, story, instruction)
  }
  if (generated?.most_similar && found && !changed) {
    screen.detail(words.nearest(generated.most_similar.score.toFixed(2)))
    showShared(generated.most_similar.instruction, story)
    screen.detail(words.accepted(String(settings.similarity)))
  }
  for (const row of rejects) {
    if (row.call && row.call !== call) screen.detail(words.writtenAgain(row.call))
    showReject(row, story)
  }
}

function tellClassify(story: Story): void {
  const { screen, words, life } = story
  const { classified, instruction } = life
  const rejects = rejectsOf('classify', story)
  if (!classified && rejects.length === 0) return
  screen.heading('classify')
  const found = callOf(classified, rejects, story)
  const others = (found?.call.rows?.length ?? 1) - 1
  if (classified) screen.detail(words.judged(classified.is_classification, others))
  if (found) showReply(found, shortReply, story, `"task":${placeIn(found.call, instruction)}`)
  for (const row of rejects) showReject(row, story)
}

function tellInstances(story: Story): void {
  const { screen, words, life } = story
  const { withInstances, classified } = life
  const rejects = rejectsOf('instances', story)
  if (!withInstances && rejects.length === 0) return
  screen.heading('instances')
  const label = (withInstances ?? classified)?.is_classification
  if (label !== undefined) screen.detail(label ? words.outputFirst : words.inputFirst)
  const found = callOf(withInstances, rejects, story)
  if (found) showReply(found, longReply, story)
  if (withInstances) screen.detail(words.instances(withInstances.instances.length))
  for (const instance of withInstances?.instances ?? []) showInstance(instance, story)
  for (const row of rejects) showReject(row, story)
}

function tellFilter(story: Story): void {
  const { screen, words, folder, life } = story
  const rejects = rejectsOf('filter', story)
  if (life.kept.length === 0 && rejects.length === 0) return
  screen.heading('filter')
  for (const row of rejects) showReject(row, story)
  if (life.kept.length > 0) screen.detail(words.kept(life.kept.length, shownPath(folder.dataset)))
  for (const row of life.kept) showInstance(row, story)
}

function rejectsOf(step: Step, { life }: Story): RejectedRow[] {
  return life.rejected.filter((row) => row.step === step)
}

/** The call of a row, or of what was rejected instead; a call that gave no reply is none. */
function callOf(
  row: { call: string } | undefined,
  [reject]: readonly RejectedRow[],
  story: Story,
): Found | undefined {
  return row || reject?.call ? findCall((row ?? reject)?.call, story) : undefined
}

/** The call with this key; where it cannot be shown, says why. */
function findCall(key: string | undefined, { screen, words, calls, log }: Story): Found | undefined {
  const found = calls.get(key ?? '')
  if (!key) screen.detail(words.noCall)
  else if (!found) screen.detail(words.callMissing(key, shownPath(log)))
  return found
}

/** Whether a candidate stands in a reply of step 1; one that does not was changed or written by hand. */
function wrote({ reply, finish_reason }: Call, instruction: string): boolean {
  const tasks = readTasks(reply ?? '', finish_reason === 'length')?.tasks ?? []
  return tasks.includes(instruction) || (reply ?? '').includes(instruction) || instruction === ''
}

function showReply(
  { call, line }: Found,
  size: number,
  { screen, words, log }: Story,
  around?: string,
): void {
  const where = `${shownPath(log)}:${line}`
  if (call.reply === null || call.reply === '') return screen.detail(words.noReply(where))
  screen.detail(words.reply(number(call.reply.length), where))
  for (const shown of replyLines(call.reply, size, around)) screen.detail(shown, '    | ')
}

/** This instruction and another, the words they share in brackets, and the sum they make. */
function showShared(other: string, { screen, words, life }: Story): void {
  const [its, theirs] = markShared(life.instruction, other)
  screen.detail(its, `    ${words.its}  `)
  screen.detail(theirs, `    ${words.neighbours}  `)
  const score = rougeL(life.instruction, other).toFixed(2)
  screen.detail(words.sum(partsOfRougeL(life.instruction, other), score), '    ')
}

function showReject({ reason, detail, input = '', output, most_similar }: RejectedRow, story: Story): void {
  const { screen, words } = story
  const ofRule = ruleFor(reason) !== undefined
  screen.remark(nameOfReason(reason, screen.language))
  if (output !== undefined) showInstance({ input, output }, story)
  if (most_similar) {
    screen.detail(words.limit(most_similar.score.toFixed(2)), '    ')
    showShared(most_similar.instruction, story)
  } else if (detail !== '') screen.detail(`${ofRule ? words.measured : words.detail}${detail}`, '    ')
  const why = whyReason(reason, screen.language)
  if (why !== undefined) screen.detail(`${ofRule ? words.whyItExists : words.meaning}${why}`, '    ')
}

function showInstance({ input, output }: Instance, { screen }: Look): void {
  screen.sample(`${input === '' ? '' : `[${input}] `}⇒ ${output}`)
}

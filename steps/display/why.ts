// `why WORDS|ID`: one candidate's life, from the prompt it came from to the rule that removed it. Looks, and changes nothing.
import { Fault } from '../workspace/fault.ts'
import { Folder } from '../workspace/folder.ts'
import { idOf } from '../workspace/hash.ts'
import { byId, byWords, findLives, findRejected, type Life, type Lives } from '../workspace/lives.ts'
import { readCommandLine } from '../workspace/arguments.ts'
import { readSettings, type Settings } from '../workspace/settings.ts'
import { commandLine } from './command-line.ts'
import { cutToWidth, plain, widthOf } from './plain.ts'
import { isReason, nameOfReason, reasonNamed, whyReason } from './reasons.ts'
import { Screen } from './screen.ts'
import { stateOf, type Look, tellLife } from './story.ts'
import { whyWords } from './why-words.ts'

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

// report.html: drawn from the files of a run and nothing else, so the same files give the same page, byte for byte.
import { pageFile } from '../../workspace/folder.ts'
import type { Language } from '../../text/language.ts'
import type { Settings } from '../../workspace/settings.ts'
import type { Comparison } from './compare.ts'
import { countRun } from './count.ts'
import { openLab } from './lab.ts'
import { pageText } from './page.ts'
import { gatherRows } from './rows.ts'
import { openRun, type Run } from './run.ts'
import { reportWordsIn } from './words.ts'

export { shownAtMost } from './rows.ts'

/** Writes the page, in the language of the screen, and returns its place. `compared`: the settings of another run. */
export async function drawReport(settings: Settings, screen: Language, compared?: Settings): Promise<string> {
  const run = await openRun(settings)
  const comparison = compared && (await import('./compare.ts')).compareRuns(run, await openRun(compared))
  return writeReport(run, screen, await comparison)
}

async function writeReport(run: Run, screen: Language, comparison: Comparison | undefined): Promise<string> {
  const [figures, lab] = await Promise.all([countRun(run), openLab(run)])
  const rows = await gatherRows(run, figures)
  const subject = { run, figures, words: await reportWordsIn(screen), screen }
  const file = run.folder.replace(pageFile)
  try {
    for await (const text of pageText({ subject, lab, rows, comparison })) await file.addText(text)
    await file.commit()
  } catch (error) {
    await file.discard()
    throw error
  }
  return file.target
}

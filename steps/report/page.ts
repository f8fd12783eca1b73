// The page itself: one file, opened from disk. Style and script stand in it; nothing is loaded, and nothing else may run.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { type Loop, loopIn } from '../display/lives.ts'
import { nameOfReason, whyReason } from '../display/reasons.ts'
import { Screen, shownPath, tellNotTaken } from '../display/screen.ts'
import { number } from '../display/words.ts'
import type { Language } from '../text/language.ts'
import { portable } from '../workspace/environment.ts'
import { Fault } from '../workspace/fault.ts'
import { pageFile } from '../workspace/folder.ts'
import { lockFolder } from '../workspace/lock.ts'
import { type OptionName, options } from '../workspace/options.ts'
import { isSampled } from '../workspace/records.ts'
import { type Settings, readSettings, settingsOf } from '../workspace/settings.ts'
import {
  type Comparison,
  type Reviews,
  agreementOn,
  compareRuns,
  compareSection,
  compareWords,
  gatherReviews,
  reviewsSection,
} from './compare.ts'
import { countRun, openRun } from './count.ts'
import { type Markup, type Subject, html, percent, scriptJson } from './html.ts'
import { type Lab, labSection, labWords, openLab } from './lab.ts'
import { type PageRows, gatherRows, reviewSection, rowsSection, rowsWords } from './rows.ts'
import {
  funnelSection,
  isMergedAlone,
  loopSection,
  madeBy,
  plotsSection,
  standInNotice,
  tableSection,
  tableTitle,
} from './sections.ts'
import { reportWords } from './words.ts'

type Page = {
  subject: Subject
  lab: Lab
  rows: PageRows
  comparison: Comparison | undefined
  reviews: Reviews | undefined
  loop: Loop | undefined
}

// The sheets as the browser reads them; small screens and paper have the last word.
const styles = ['page.css', 'rows.css']
// Modules for the editor and the linter; in the page, one script in this order.
const scripts = ['rows.js', 'review.js']

/** The page in pieces, in order: its rows may be many. */
async function* pageText(page: Page): AsyncGenerator<string> {
  const { rows } = page.rows
  const style = (await Promise.all(styles.map(asset))).join('\n')
  const script = (await Promise.all(scripts.map(asset))).map(withoutModules).join('\n')
  yield frame(page.subject, style, script)
  yield body(page).text
  yield `<script type="application/json" id="words">${scriptJson(rowsWords[page.subject.screen].script)}</script>\n`
  yield `<script type="application/json" id="figures">${scriptJson(scriptFigures(page))}</script>\n`
  yield `<script type="application/json" id="rows-embedded">[\n`
  for (const [place, row] of rows.entries()) yield `${scriptJson(row)}${place < rows.length - 1 ? ',' : ''}\n`
  yield `]</script>\n<script type="module">${script}</script>\n</body></html>\n`
}

// A browser hashes what it reads, and it reads line breaks as LF.
async function asset(name: string): Promise<string> {
  const text = await readFile(path.join(import.meta.dirname, 'page', name), 'utf8')
  return text.replaceAll('\r\n', '\n')
}

function withoutModules(script: string): string {
  return script.replace(/^import [^]*? from '[^']+'\n/gm, '').replace(/^export /gm, '')
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}

// Written as text: what the policy hashes must not gain a single space.
function frame({ words, screen }: Subject, style: string, script: string): string {
  const policy = `default-src 'none'; style-src ${hashOf(style)}; script-src ${hashOf(script)}; base-uri 'none'; form-action 'none'`
  return `<!doctype html>
<html lang="${screen === 'zh' ? 'zh-CN' : 'en'}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${words.title}</title>
<style>${style}</style>
</head>
<body>
`
}

function body(page: Page): Markup {
  const { words, figures } = page.subject
  const { asked, kept = 0 } = figures.funnel
  const notice = standInNotice(page.subject)
  const sections = sectionsOf(page)
  return html`
    <header>
      <h1>${words.title}</h1>
      <p class="made">${words.made(figures.rows, kept, asked === undefined ? undefined : number(asked))}</p>
      ${notice ? html`<p class="remark">${notice}</p>` : undefined} ${settingsList(page.subject)}
      <nav aria-label="${words.contents}">
        ${sections.map(([id, title]) => html`<a href="#${id}">${title}</a> `)}
      </nav>
    </header>
    <main>
      ${sections.map(
        ([id, title, content]) =>
          html`<section id="${id}">
            <h2>${title}</h2>
            ${content}
          </section>`,
      )}
    </main>
  `
}

/** Those that this run has something to fill with. */
function sectionsOf({ subject, lab, rows, comparison, reviews, loop }: Page): [string, string, Markup][] {
  const { words, screen } = subject
  const said = { ...words, ...compareWords[screen], ...rowsWords[screen], lab: labWords[screen] }
  const all: [id: keyof typeof said, title: string, content: Markup | undefined][] = [
    ['compare', said.compare.title, comparison && compareSection(subject, comparison)],
    ['reviews', said.reviews.title, reviews && reviewsSection(subject, reviews)],
    ['funnel', said.funnel.title, funnelSection(subject)],
    ['loop', said.loop.title, isMergedAlone(subject) ? undefined : loopSection(subject, loop)],
    ['table', tableTitle(subject), tableSection(subject)],
    ['plots', said.plots.title, plotsSection(subject)],
    ['lab', said.lab.title, labSection(subject, lab)],
    ['review', said.review.title, reviewSection(subject)],
    ['rows', said.rows.title, rowsSection(subject, rows)],
  ]
  return all.flatMap(([id, title, content]) => (content ? [[id, title, content]] : []))
}

function settingsList(subject: Subject): Markup {
  const { run, words } = subject
  const { settings, language } = run
  const { target: wanted, similarity, temperature: heat, seed } = settings
  const target = Number.isFinite(wanted) ? wanted : words.all
  // The stand-in and a person at a chat window know no temperature, and merged files none that is known.
  const temperature = isSampled(run.record) ? heat : undefined
  const shown = { madeBy: madeBy(subject), target, language, similarity, temperature, seed }
  const known = Object.entries(shown).filter(([, value]) => value !== undefined)
  const pairs = known.map(
    ([name, value]) =>
      html`<div>
        <dt>${words.settings[name as keyof typeof shown]}</dt>
        <dd>${value}</dd>
      </div>`,
  )
  return html`<dl class="settings">${pairs}</dl>`
}

function scriptFigures({ subject, rows: { fates, replies, review } }: Page): object {
  const { run, screen } = subject
  const named = fates.map((fate) => ({
    ...fate,
    name: nameOfReason(fate.reason, screen),
    why: whyReason(fate.reason, screen) ?? '',
  }))
  const usual = portable(run.settings.dataDir) === options['data-dir'].fallback
  const { settings } = run
  const identity = { seed: settings.seed, made_by: madeBy(subject) ?? '' }
  const judged = run.record.judge !== undefined
  return { fates: named, replies: replies ?? null, review, judged, usual, run: identity }
}

/** Draws report.html from the files of a run and nothing else: the same files give the same page, byte for byte. */
export async function drawReport(
  settings: Settings,
  screen: Language,
  compared?: Settings,
  reviews?: Reviews,
): Promise<string> {
  const run = await openRun(settings)
  const comparison = compared && (await compareRuns(run, await openRun(compared)))
  const [figures, lab] = await Promise.all([countRun(run), openLab(run)])
  const rows = await gatherRows(run, figures)
  const loop = await loopIn(run.folder, settings.replay)
  const subject = { run, figures, words: reportWords[screen], screen }
  const file = run.folder.replace(pageFile)
  try {
    for await (const text of pageText({ subject, lab, rows, comparison, reviews, loop }))
      await file.addText(text)
    await file.commit()
  } catch (error) {
    await file.discard()
    throw error
  }
  return file.target
}

const allowed: readonly OptionName[] = ['data-dir', 'language', 'compare', 'merge']

/** `npx tsx workshop.ts report`: draws the page again from the files, asks nothing, and changes no other file. */
export async function report(argv: readonly string[]): Promise<void> {
  const settings = readSettings(argv, process.env)
  refuseOthers(settings)
  const { compare: dir, dataDir } = settings
  const screen = new Screen(settings.screen)
  tellNotTaken(screen, settings)
  const compared = dir === undefined ? undefined : settingsOf(dir, process.env)
  const reviews = settings.given.has('merge') ? await gatherReviews(settings.merge) : undefined
  if (reviews?.reviewers.length === 0) throw noReviews(settings.merge.map(shownPath).join(', '))
  const release = await lockFolder(dataDir)
  try {
    if (reviews) tellReviews(screen, reviews)
    screen.detail(
      screen.words.report(shownPath(await drawReport(settings, settings.screen, compared, reviews))),
    )
  } finally {
    await release()
  }
}

function tellReviews(screen: Screen, { reviewers, rows, shared, unread }: Reviews): void {
  const all = agreementOn(rows, 'all')
  const said = compareWords[screen.language].reviews
  screen.detail(said.about(reviewers.length, rows.length, shared))
  if (all !== undefined) screen.detail(`${said.agreement}${screen.words.colon}${percent(all)}`)
  if (unread.length > 0) screen.remark(said.unread(unread.join(', ')))
}

function noReviews(folders: string): Fault {
  return new Fault({
    en: `${folders} holds no review: expected review.json, as the page saves it, there or in the run folders in it.`,
    zh: `${folders} 中没有评审：那里或其中各人的文件夹里应有网页保存的 review.json。`,
  })
}

// A setting given here would be one the run was not made with.
function refuseOthers({ given }: Settings): void {
  const other = [...given.keys()].find((name) => !allowed.includes(name))
  if (other === undefined) return
  throw new Fault({
    en: `report draws what run.json says; --${other} has no effect there. It takes ${allowed.map((name) => `--${name}`).join(', ')}.`,
    zh: `report 按 run.json 中的设置绘制，--${other} 不起作用。可用的选项：${allowed.map((name) => `--${name}`).join('、')}。`,
  })
}

// The page itself: one file, opened from disk. Style and script stand in it; nothing is loaded, and nothing else may run.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { nameOfReason } from '../display/reasons.ts'
import { Screen, shownPath } from '../display/screen.ts'
import { number } from '../display/words.ts'
import type { Language } from '../text/language.ts'
import { portable } from '../workspace/environment.ts'
import { Fault } from '../workspace/fault.ts'
import { lockFolder, pageFile } from '../workspace/folder.ts'
import { type OptionName, options } from '../workspace/options.ts'
import type { Judgement } from '../workspace/records.ts'
import { type Settings, readSettings, settingsOf } from '../workspace/settings.ts'
import type { Comparison } from './compare.ts'
import { type Run, countRun, openRun } from './count.ts'
import { type Markup, type Subject, html, isOffline, percent, scriptJson, whyRemoved } from './html.ts'
import { type Lab, labSection, openLab } from './lab.ts'
import { type PageRow, type PageRows, gatherRows } from './rows.ts'
import { funnelSection, plotsSection, tableSection, tableTitle } from './sections.ts'
import { reportWords } from './words.ts'

type Page = { subject: Subject; lab: Lab; rows: PageRows; comparison: Comparison | undefined }

// Small screens and paper have the last word.
const styles = ['page.css', 'figures.css', 'rows.css', 'screens.css']
// Modules for the editor and the linter; in the page, one script in this order.
const scripts = ['elements.js', 'marks.js', 'rows.js', 'review.js']

/** The page in pieces, in order: its rows may be many. */
export async function* pageText(page: Page): AsyncGenerator<string> {
  const style = (await Promise.all(styles.map(asset))).join('\n')
  const script = (await Promise.all(scripts.map(asset))).map(withoutModules).join('\n')
  yield frame(page.subject, style, script)
  yield body(page, await comparedIn(page)).text
  yield `<script type="application/json" id="words">${scriptJson(scriptWords(page))}</script>\n`
  yield `<script type="application/json" id="figures">${scriptJson(scriptFigures(page))}</script>\n`
  yield `<script type="application/json" id="rows-embedded">[\n`
  yield* rowLines(page.rows.rows)
  yield `]</script>\n<script type="module">${script}</script>\n</body></html>\n`
}

function* rowLines(rows: readonly PageRow[]): Generator<string> {
  for (const [place, row] of rows.entries()) yield `${scriptJson(row)}${place < rows.length - 1 ? ',' : ''}\n`
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

async function comparedIn({ subject, comparison }: Page): Promise<Markup | undefined> {
  return comparison && (await import('./compare.ts')).compareSection(subject, comparison)
}

function body({ subject, lab, rows }: Page, compared: Markup | undefined): Markup {
  const { words, figures, run } = subject
  const titles: [id: string, title: string][] = [
    ...(compared ? [['compare', words.compare.title] as [string, string]] : []),
    ['funnel', words.funnel.title],
    ['table', tableTitle(subject)],
    ['plots', words.plots.title],
    ['lab', words.lab.title],
    ['review', words.review.title],
    ['rows', words.rows.title],
  ]
  const { asked, kept = 0 } = figures.funnel
  return html`
    <header>
      <h1>${words.title}</h1>
      <p class="made">${words.made(figures.rows, kept, asked === undefined ? '–' : number(asked))}</p>
      ${isOffline(run) ? html`<p class="remark">${words.offline}</p>` : undefined} ${settingsList(subject)}
      <nav aria-label="${words.contents}">
        ${titles.map(([id, title]) => html`<a href="#${id}">${title}</a> `)}
      </nav>
    </header>
    <main>
      ${compared} ${funnelSection(subject)} ${tableSection(subject)} ${plotsSection(subject)}
      ${labSection(subject, lab)} ${reviewSection(subject)} ${rowsSection(subject, rows)}
    </main>
  `
}

function settingsList({ run: { settings, language }, words }: Subject): Markup {
  const values: [keyof typeof words.settings, string | number | undefined][] = [
    ['provider', settings.provider],
    ['model', settings.model],
    ['target', Number.isFinite(settings.target) ? settings.target : words.all],
    ['language', language],
    ['similarity', settings.similarity],
    ['temperature', settings.temperature],
    ['seed', settings.seed],
  ]
  const known = values.filter(([, value]) => value !== undefined)
  return html`<dl class="settings">
    ${known.map(
      ([name, value]) =>
        html`<div>
          <dt>${words.settings[name]}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`
}

function rowsSection({ words }: Subject, { rows, sampled, fates }: PageRows): Markup {
  const all = fates.reduce((sum, fate) => sum + fate.count, 0)
  return html`<section id="rows">
    <h2>${words.rows.title}</h2>
    ${sampled ? html`<p class="remark">${words.rows.sampled(rows.length, all)}</p>` : undefined}
    <noscript><p>${words.rows.script}</p></noscript>
    <p class="printed note">${words.rows.print}</p>
    <div id="rows-app"></div>
  </section>`
}

function scriptWords({ subject: { words } }: Page): object {
  const { everything, kept, rejected, search, filter } = words.rows
  const { questions, paper, you, judge, paperRows } = words.review
  return {
    ...words.script,
    everything,
    kept,
    rejected,
    search,
    filter,
    questions,
    paper,
    you,
    judge,
    paperRows,
  }
}

function scriptFigures({ subject, rows }: Page): object {
  const { replies, review } = rows
  const fates = rows.fates.map((fate) => ({
    ...fate,
    name: nameOfReason(fate.reason, subject.screen),
    why: whyRemoved(fate.reason, subject.screen),
  }))
  const judged = subject.run.record.judge !== undefined
  const usual = portable(subject.run.settings.dataDir) === options['data-dir'].fallback
  return { fates, replies: replies ?? null, review, judged, usual }
}

// The review sheet on the page: a person answers the paper's questions about some rows; the page's script does the rest.

const paper = [0.92, 0.79, 0.58, 0.54] // table 2

export function reviewSection({ words: { review }, run }: Subject): Markup {
  const { judge } = run.record
  const heads = review.questions.map((question) => html`<th scope="col">${question}</th>`)
  return html`<section id="review">
    <h2>${review.title}</h2>
    <p>${review.about}</p>
    <noscript><p>${review.script}</p></noscript>
    <div id="review-app"></div>
    <div class="wide">
      <table class="quality">
        <thead>
          <tr>
            <td></td>
            ${heads}
          </tr>
        </thead>
        <tbody>
          <tr id="review-row">
            <th scope="row">${review.you}</th>
            <td>–</td>
            <td>–</td>
            <td>–</td>
            <td>–</td>
          </tr>
          ${judge && judgeRow(judge, review)}
          <tr>
            <th scope="row">${review.paper}<small>${review.paperRows}</small></th>
            ${paper.map((share) => html`<td>${Math.round(100 * share)} %</td>`)}
          </tr>
        </tbody>
      </table>
    </div>
    <p class="note">${review.source}</p>
  </section>`
}

function judgeRow(found: Judgement, { judge, reviewed }: Subject['words']['review']): Markup {
  const { rows, instruction_valid, input_appropriate, output_correct, all } = found
  const shares = [instruction_valid, input_appropriate, output_correct, all]
  return html`<tr>
    <th scope="row">${judge}<small>${reviewed(rows)}</small></th>
    ${shares.map((share) => html`<td>${percent(share)}</td>`)}
  </tr>`
}

// report.html: drawn from the files of a run and nothing else, so the same files give the same page, byte for byte.

/** Writes the page, in the language of the screen, and returns its place. `compared`: the settings of another run. */
export async function drawReport(settings: Settings, screen: Language, compared?: Settings): Promise<string> {
  const run = await openRun(settings)
  const comparison = compared && (await import('./compare.ts')).compareRuns(run, await openRun(compared))
  return writeReport(run, screen, await comparison)
}

async function writeReport(run: Run, screen: Language, comparison: Comparison | undefined): Promise<string> {
  const [figures, lab] = await Promise.all([countRun(run), openLab(run)])
  const rows = await gatherRows(run, figures)
  const subject = { run, figures, words: reportWords[screen], screen }
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

// `npx tsx workshop.ts report`: draws the page again from the files, asks nothing, and settles nothing.

const allowed: readonly OptionName[] = ['data-dir', 'language', 'compare']

export async function report(argv: readonly string[]): Promise<void> {
  const settings = readSettings(argv, process.env)
  refuseOthers(settings)
  const screen = new Screen(settings.screen)
  const compared = settings.compare === undefined ? undefined : settingsOf(settings.compare, process.env)
  const release = await lockFolder(settings.dataDir)
  try {
    screen.detail(screen.words.report(shownPath(await drawReport(settings, settings.screen, compared))))
  } finally {
    await release()
  }
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

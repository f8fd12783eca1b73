// The page itself: one file, opened from disk. Style and script stand in it; nothing is loaded, and nothing else may run.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { options } from '../../workspace/options.ts'
import { portable } from '../../workspace/project.ts'
import { nameOfReason } from '../reasons.ts'
import type { Comparison } from './compare.ts'
import { html, type Markup, scriptJson } from './html.ts'
import type { Lab } from './lab.ts'
import { labSection } from './lab-section.ts'
import { reviewSection } from './review-section.ts'
import type { PageRow, PageRows } from './rows.ts'
import { funnelSection } from './funnel-section.ts'
import { plotsSection } from './plots-section.ts'
import { isOffline, type Subject, whyRemoved } from './subject.ts'
import { number } from '../words.ts'
import { tableSection, tableTitle } from './table-section.ts'

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
  return comparison && (await import('./compare-section.ts')).compareSection(subject, comparison)
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

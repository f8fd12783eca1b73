// The page in a real browser, where one is installed.
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { drawReport } from '../../steps/report/page.ts'
import { readSettings } from '../../steps/workspace/settings.ts'
import { Browser, chromium } from '../support/browser.ts'
import { folderWithRun } from '../support/command.ts'
import { folderWith } from './folder.ts'
import { attacks, hostileFiles, hostileSettings } from './hostile.ts'

let browser: Browser

beforeAll(async () => {
  if (chromium === undefined)
    process.stdout.write('no Chromium on the path: the page is not tried in a browser\n')
  else browser = await Browser.open(chromium)
})
afterAll(() => browser?.close())

const count = (selector: string) => `document.querySelectorAll(${JSON.stringify(selector)}).length`
const text = (selector: string) => `document.querySelector(${JSON.stringify(selector)}).innerText`

describe.skipIf(chromium === undefined)('the page in a browser', () => {
  it('is searched and reviewed by keyboard alone, while hostile rows do nothing', async () => {
    const folder = await folderWith(hostileFiles, hostileSettings)
    await browser.show(await drawReport(readSettings(['report', '--data-dir', folder], {}), 'en'))
    const title = await browser.evaluate('document.title')

    await browser.evaluate('document.getElementById("search").focus()')
    await browser.press(...'rivers')
    await browser.evaluate('new Promise((resolve) => setTimeout(resolve, 150))')
    expect(await browser.evaluate(text('.count'))).toBe('1 row')
    await browser.press('Tab', 'Tab', 'Enter')
    expect(await browser.evaluate(text('dialog[open] dd'))).toBe('Name three rivers of Europe.')
    await browser.press('Escape')
    await browser.evaluate('document.querySelector("[data-show=\\"generate/near_duplicate\\"]").click()')
    await browser.press('Enter')
    expect(await browser.evaluate(text('dialog[open] mark'))).toBe('really')
    await browser.press('Escape')
    await browser.evaluate('document.querySelector("#filter").value = "kept"')
    await browser.evaluate('document.querySelector("#filter").onchange()')
    await browser.press('Enter', 'ArrowRight', 'ArrowRight', 'ArrowLeft')
    expect(await browser.evaluate(text('dialog[open] dd'))).toBe(`Explain what ${attacks[1]} means.`)
    await browser.press('Escape')

    await browser.evaluate('document.querySelector(".card").focus()')
    await browser.press('a', 'y', 'y', 'n', 'y', 'n', 'y', 'a', 'n', 'n', 'n', 'a', 'a')
    expect(await browser.evaluate(text('#review-row'))).toBe(
      'you\t86 %\t71 %\t71 %\t57 %'.replaceAll(' ', '\u00a0'),
    )

    expect(await browser.evaluate('document.title')).toBe(title)
    expect(await browser.evaluate(count('img, body script:not([type]), [onload], [onerror]'))).toBe(0)
    expect(browser.console).toEqual([])
    expect(browser.requests).toHaveLength(1)
  })

  it('takes the review keys as soon as the card is in view, and tells what the stand-in had planted', async () => {
    const folder = await folderWithRun()
    await browser.show(path.join(folder, 'report.html'))
    const planted = (await browser.evaluate(
      'JSON.parse(document.getElementById("figures").textContent).review.slice(0, 20).filter(([, , fault]) => fault).length',
    )) as number
    expect(planted).toBeGreaterThan(0)
    await browser.press('n', 'n')
    expect(await browser.evaluate(text('#review-row'))).not.toContain('%') // nobody looks at it
    await browser.evaluate('document.querySelector(".card").scrollIntoView()')
    await browser.evaluate('new Promise((resolve) => setTimeout(resolve, 200))')
    expect(await browser.evaluate('document.activeElement.tagName')).toBe('BODY')
    await browser.press(...'a'.repeat(19))
    expect(await browser.evaluate(text('.revealed'))).toBe('')
    await browser.press('a')
    const told = String(await browser.evaluate(text('.revealed')))
    expect(told).toContain(`had planted in these rows: ${planted}. You let pass: ${planted}.`)
    expect(told).toMatch(/let pass · (?:the|a fact)/)
  })

  it('prints every row, and each pair of the lab once', async () => {
    const folder = await folderWithRun()
    await browser.show(path.join(folder, 'report.html'))
    await browser.evaluate('dispatchEvent(new Event("beforeprint"))')
    await browser.send('Emulation.setEmulatedMedia', { media: 'print' })
    const rows = JSON.parse(
      String(
        await browser.evaluate(
          'JSON.stringify(JSON.parse(document.getElementById("rows-embedded").textContent))',
        ),
      ),
    )
    expect(await browser.evaluate(count('#rows-printed p'))).toBe(rows.length)
    expect(await browser.evaluate('document.getElementById("rows-printed").offsetHeight')).toBeGreaterThan(
      100,
    )
    const pairs = (await browser.evaluate(
      '[...document.querySelectorAll(".pair")].filter((pair) => pair.offsetHeight > 0).map((pair) => [...pair.querySelectorAll("dd")].map((dd) => dd.textContent).join("|"))',
    )) as string[]
    expect(pairs.length).toBeGreaterThan(2)
    expect(new Set(pairs).size).toBe(pairs.length)
    await browser.send('Emulation.setEmulatedMedia', { media: '' })
  })

  it.each([
    [1280, 800],
    [390, 844],
  ])('shows every column and gives equal numbers equal bars on %i × %i', async (width, height) => {
    await browser.send('Emulation.setDeviceMetricsOverride', {
      width,
      height,
      deviceScaleFactor: 1,
      mobile: width < 500,
    })
    await browser.show(path.join(await folderWithRun(), 'report.html'))
    const cut =
      '[...document.querySelectorAll("td, th, svg")].filter((part) => part.getBoundingClientRect().right > innerWidth || part.offsetParent === null && part.tagName !== "svg").length'
    expect(await browser.evaluate(cut)).toBe(0)
    const unequal = (await browser.evaluate(`(() => {
      const found = []
      for (const group of [[...document.querySelectorAll('.rules tr')], [...document.querySelectorAll('.verbs tr')], [...document.querySelectorAll('.trials summary')], [...document.querySelectorAll('.stage')]]) {
        const lengths = new Map()
        for (const line of group) {
          const bar = line.querySelector('.bar rect')
          if (!bar) continue
          const count = (line.querySelector('.number, span:not(.own), b:last-child') ?? line).textContent.replace(/\\D/g, '')
          const name = line.matches('.stage') ? line.querySelector('b').textContent.trim() : count
          const length = Math.round(bar.getBoundingClientRect().width)
          if (lengths.has(name) && Math.abs(lengths.get(name) - length) > 1) found.push(line.textContent)
          lengths.set(name, length)
        }
      }
      return found
    })()`)) as string[]
    expect(unequal).toEqual([])
  })

  it.each([
    [1280, 800],
    [390, 844],
  ])('fits a screen of %i × %i', async (width, height) => {
    await browser.send('Emulation.setDeviceMetricsOverride', {
      width,
      height,
      deviceScaleFactor: 1,
      mobile: true,
    })
    expect(await browser.evaluate('document.documentElement.scrollWidth')).toBe(width)
  })
})

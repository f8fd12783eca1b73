// The page in a real browser, where one is installed.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { drawReport } from '../../steps/report/page.ts'
import { readSettings } from '../../steps/workspace/settings.ts'
import { Browser, chromium } from '../support/browser.ts'
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

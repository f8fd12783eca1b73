// `npx tsx workshop.ts report`: draws the page again from the files, asks nothing, and settles nothing.
import { Fault } from '../../workspace/fault.ts'
import { lockFolder } from '../../workspace/lock.ts'
import type { OptionName } from '../../workspace/options.ts'
import { readSettings, type Settings } from '../../workspace/settings.ts'
import { Screen, shownPath } from '../screen.ts'

const allowed: readonly OptionName[] = ['data-dir', 'language', 'compare']

export async function report(argv: readonly string[]): Promise<void> {
  const settings = readSettings(argv, process.env)
  refuseOthers(settings)
  const screen = new Screen(settings.screen)
  const compared = settings.compare === undefined ? undefined : settingsIn(settings.compare)
  const release = await lockFolder(settings.dataDir)
  try {
    const { drawReport } = await import('./draw.ts')
    screen.detail(screen.words.report(shownPath(await drawReport(settings, settings.screen, compared))))
  } finally {
    await release()
  }
}

function settingsIn(dir: string): Settings {
  return readSettings(['report', '--data-dir', dir], process.env)
}

// A setting given here would be one the run was not made with.
function refuseOthers({ given }: Settings): void {
  const other = [...given].find((name) => !allowed.includes(name))
  if (other === undefined) return
  throw new Fault({
    en: `report draws what run.json says; --${other} has no effect there. It takes ${allowed.map((name) => `--${name}`).join(', ')}.`,
    zh: `report 按 run.json 中的设置绘制，--${other} 不起作用。可用的选项：${allowed.map((name) => `--${name}`).join('、')}。`,
  })
}

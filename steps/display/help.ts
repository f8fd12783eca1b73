// The page that --help prints, from the table of options.
import { type OptionName, options } from '../workspace/options.ts'
import { screenLanguage } from '../workspace/settings.ts'

const usage = {
  en: `npx tsx workshop.ts [step ...] [options]      steps: generate classify instances filter (default: all four)
npx tsx steps/classify.ts [options]           the same as: npx tsx workshop.ts classify
npx tsx workshop.ts report [options]          draws report.html again from the files, asks nothing
npx tsx workshop.ts why WORDS|ID              one candidate's life, from prompt to the rule that removed it
npx tsx workshop.ts check [options]           Node, folder, key, region, model, one tiny call, price

Options:`,
  zh: `npx tsx workshop.ts [步骤 ...] [选项]          步骤：generate classify instances filter（默认四步全做）
npx tsx steps/classify.ts [选项]              等同于：npx tsx workshop.ts classify
npx tsx workshop.ts report [选项]             根据文件重新绘制 report.html，不提问
npx tsx workshop.ts why 词语|ID               一条候选的全部经过：从提示词到去掉它的规则
npx tsx workshop.ts check [选项]              检查 Node、文件夹、密钥、地域、模型、一次小请求、价格

选项：`,
}

export function helpPage(argv: readonly string[]): string {
  const language = screenLanguage(argv, process.env)
  const lines = (Object.keys(options) as OptionName[]).map((name) => {
    const option = options[name]
    const spelt = `--${name}${'value' in option ? ` ${option.value}` : ''}`
    const fallback = 'fallback' in option ? ` (${option.fallback})` : ''
    return `  ${spelt.padEnd(24)} ${option.help[language]}${fallback}`
  })
  return `${usage[language]}\n${lines.join('\n')}\n`
}

// Opens the notebook: settings, lock, model and screen for the steps, and as many rounds as the target needs.
import { Fault, codeOf } from '../workspace/fault.ts'
import type { Session } from './session.ts'
import type { Round } from './step-files.ts'

/**
 * The rounds of one command. Yields one round for single steps, and rounds until the target is reached for a whole run.
 * Sets the exit status: 0 done, 1 stopped early, 2 wrong usage or bad input, 130 interrupted.
 */
export async function* rounds(argv: readonly string[]): AsyncGenerator<Round> {
  process.on('uncaughtException', (error) => void explain(error, argv))
  let session: Session | undefined
  const leave = (error: Error): void => {
    if (!nobodyReads.includes(codeOf(error))) return
    if (session) session.interrupt(true)
    else process.exit(0)
  }
  for (const stream of [process.stdout, process.stderr]) stream.on('error', leave)
  if (['--help', '--help=all', '-h'].some((word) => argv.includes(word))) {
    process.stdout.write(await helpPage(argv))
    return
  }
  void import('./session.ts') // loads meanwhile
  const { readCommand, readCommandLine, refuseOptionsOfNpm } = await import('../workspace/arguments.ts')
  refuseOptionsOfNpm(argv, process.env)
  const command = readCommand(readCommandLine(argv).words)
  if (command === 'why') return (await import('../display/why.ts')).tellWhy(argv)
  if (command === 'check') return yield* (await import('./exam.ts')).examine(argv)
  if (command === 'report') return (await import('../report/page.ts')).report(argv)
  session = await (await import('./session.ts')).Session.open(argv)
  onInterrupt(() => session?.interrupt())
  try {
    for (let round: Round | undefined = session.firstRound(); round; round = session.nextRound(round))
      yield round
    await session.conclude()
  } finally {
    await session.close()
  }
}

const nobodyReads = ['EPIPE', 'EIO', 'ENXIO'] // `| head` has seen enough, or the terminal is closed

// Ctrl-C once: come to a good end. Twice: at once. Under `npx tsx` one key press reaches the program twice within 40 ms.

const secondPressAfter = 1000 // ms

/**
 * Calls `stop` at the first Ctrl-C (or SIGTERM), and ends the program at the second. A terminal that closes sends its
 * signal several times, and means the first.
 */
export function onInterrupt(stop: () => void): void {
  let first = 0
  const press = (): void => {
    if (first === 0) {
      first = Date.now()
      stop()
    } else if (Date.now() - first > secondPressAfter) process.exit(130)
  }
  process.on('SIGINT', press)
  process.on('SIGTERM', press)
  process.on('SIGHUP', () => {
    if (first === 0) press()
  })
}

/** One step on its own, as `npx tsx steps/classify.ts`. */
export async function runStep(step: string, work: (round: Round) => Promise<void>): Promise<void> {
  for await (const round of rounds([step, ...process.argv.slice(2)])) await work(round)
}

/** A user's mistake is a sentence; anything else is a defect of the workshop and shows where it happened. */
export async function explain(error: unknown, argv: readonly string[]): Promise<void> {
  const { errorLanguage } = await import('../workspace/settings.ts')
  const { Screen } = await import('../display/screen.ts')
  const { BrokenRule } = await import('../text/check.ts')
  const language = errorLanguage(argv, process.env)
  const isTold = error instanceof Fault || error instanceof BrokenRule
  const text = isTold
    ? error.words[language]
    : error instanceof Error
      ? (error.stack ?? error.message)
      : String(error)
  new Screen(language).error(text)
  process.exitCode = error instanceof Fault ? error.exit : isTold ? 2 : 1
}

// The page that --help prints, from the table of options: what a class needs, or with `all` the whole of it.

const usage = {
  en: {
    commands: [
      [
        'npx tsx workshop.ts [step ...] [options]',
        'steps: generate classify instances filter (default: all four)',
      ],
      ['npx tsx steps/classify.ts [options]', 'the same as: npx tsx workshop.ts classify'],
      ['npx tsx workshop.ts report [options]', 'draws report.html again from the files, asks nothing'],
      ['npx tsx workshop.ts why WORDS|ID', "one candidate's life, from prompt to the rule that removed it"],
      [
        'npx tsx workshop.ts check [options]',
        'Node, folder, key, region, model, price, an exam of the model',
      ],
    ],
    options: 'Options:',
    byDefault: (value: string) => ` (default: ${value})`,
    more: 'All options: npx tsx workshop.ts --help all',
    npm: 'With npm two hyphens stand before the options: npm start -- --language zh',
  },
  zh: {
    commands: [
      ['npx tsx workshop.ts [步骤 ...] [选项]', '步骤：generate classify instances filter（默认四步全做）'],
      ['npx tsx steps/classify.ts [选项]', '等同于：npx tsx workshop.ts classify'],
      ['npx tsx workshop.ts report [选项]', '根据文件重新绘制 report.html，不调用模型'],
      ['npx tsx workshop.ts why 词语|ID', '一条候选的全部经过：从提示词到淘汰它的规则'],
      ['npx tsx workshop.ts check [选项]', '检查 Node、文件夹、密钥、地域、模型、价格，并考核模型'],
    ],
    options: '选项：',
    byDefault: (value: string) => `（默认 ${value}）`,
    more: '全部选项：npx tsx workshop.ts --help all',
    npm: '用 npm 时，选项前面要加两个连字符：npm start -- --language zh',
  },
} as const

const usualWidth = 80 // where no terminal says how wide it is

async function helpPage(argv: readonly string[]): Promise<string> {
  const [{ forClass, options }, { screenLanguage }, { widthOf, wrapToWidth }] = await Promise.all([
    import('../workspace/options.ts'),
    import('../workspace/settings.ts'),
    import('../display/screen.ts'),
  ])
  const language = screenLanguage(argv, process.env)
  const { commands, options: title, byDefault, more, npm } = usage[language]
  const isWhole = argv.includes('all') || argv.includes('--help=all')
  const shown = Object.entries(options).filter(
    ([name]) => isWhole || forClass.some((known) => known === name),
  )
  const listed = shown.map(([name, option]): [string, string] => {
    const usual = 'fallback' in option ? byDefault(option.fallback) : ''
    return [`--${name}${'value' in option ? ` ${option.value}` : ''}`, `${option.help[language]}${usual}`]
  })
  const columns = process.stdout.columns || usualWidth
  // The names in a column of their own, or, where that leaves no room, each text under its name.
  const table = (rows: readonly (readonly [string, string])[], indent: number): string[] => {
    const wide = Math.max(...rows.map(([name]) => widthOf(name))) + indent + 2
    const beside = columns - wide >= 30
    return rows.flatMap(([name, text]) => {
      const head = `${' '.repeat(indent)}${name}`
      const lines = wrapToWidth(text, columns - (beside ? wide : indent + 2))
      const under = lines.map((line) => ' '.repeat(beside ? wide : indent + 2) + line)
      if (!beside) return [...wrapToWidth(head, columns), ...under]
      return [head + ' '.repeat(wide - widthOf(head)) + (lines[0] ?? ''), ...under.slice(1)]
    })
  }
  const end = [...(isWhole ? [] : [more]), npm].flatMap((line) => wrapToWidth(line, columns))
  return [...table(commands, 0), '', title, ...table(listed, 2), '', ...end, ''].join('\n')
}

// Opens the notebook: settings, lock, model and screen for the cells, and as many rounds as the target needs.
import { codeOf, Fault } from '../workspace/fault.ts'
import type { Round } from './round.ts'

export type { Round } from './round.ts'
export type { Sheet } from './sheet.ts'
export { cell, withAnswer } from './cell.ts'

/**
 * The rounds of one command. Yields one round for single steps, and rounds until the target is reached for a whole run.
 * Sets the exit status: 0 done, 1 stopped early, 2 wrong usage or bad input, 130 interrupted.
 */
export async function* openNotebook(argv: readonly string[]): AsyncGenerator<Round> {
  process.on('uncaughtException', (error) => void explain(error, argv))
  process.stdout.on('error', (error) => {
    if (codeOf(error) === 'EPIPE') process.exit(0) // `| head` has seen enough
  })
  if (argv.includes('--help') || argv.includes('-h')) {
    const { helpPage } = await import('./help.ts')
    process.stdout.write(helpPage(argv))
    return
  }
  void import('./session.ts') // loads meanwhile
  const { readCommand, readCommandLine } = await import('../workspace/arguments.ts')
  const command = readCommand(readCommandLine(argv).words)
  if (command === 'why') return (await import('./why.ts')).tellWhy(argv)
  if (command === 'check') return (await import('./check.ts')).checkSetup(argv)
  if (command === 'report') return (await import('./report/command.ts')).report(argv)
  const { Session } = await import('./session.ts')
  const session = await Session.open(argv)
  try {
    for (let round: Round | undefined = session.firstRound(); round; round = session.nextRound(round))
      yield round
    await session.conclude()
  } finally {
    await session.close()
  }
}

/** One step on its own, as `npx tsx steps/classify.ts`. */
export async function runStep(step: string, work: (round: Round) => Promise<void>): Promise<void> {
  for await (const round of openNotebook([step, ...process.argv.slice(2)])) await work(round)
}

/** A user's mistake is a sentence; anything else is a defect of the workshop and shows where it happened. */
export async function explain(error: unknown, argv: readonly string[]): Promise<void> {
  const { errorLanguage } = await import('../workspace/settings.ts')
  const { plainLines } = await import('./plain.ts')
  const language = errorLanguage(argv, process.env)
  const text =
    error instanceof Fault
      ? error.words[language]
      : error instanceof Error
        ? (error.stack ?? error.message)
        : String(error)
  process.stderr.write(`${plainLines(text)}\n`)
  process.exitCode = error instanceof Fault ? error.exit : 1
}

// Commands to type, as the screen proposes them.
import type { Settings } from '../workspace/settings.ts'
import { shownPath } from './screen.ts'

/** The command with these words, for the same data folder. */
export function commandLine({ given, dataDir }: Settings, words: string): string {
  const folder = given.has('data-dir') ? ` --data-dir ${quoted(shownPath(dataDir))}` : ''
  return `${typed([])}${words === '' ? '' : ` ${words}`}${folder}`
}

/** The command as it was typed. */
export function typed(argv: readonly string[]): string {
  return ['npx tsx workshop.ts', ...argv.map(quoted)].join(' ')
}

// Double quotes hold in every shell.
function quoted(word: string): string {
  return /[^\w./\\:,=-]/.test(word) ? `"${word}"` : word
}

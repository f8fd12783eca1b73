// Commands to type, as the screen proposes them.
import type { Settings } from '../workspace/settings.ts'
import { shownPath } from './screen.ts'

/** The command with these words, for the same data folder; double quotes hold in every shell. */
export function commandLine({ given, dataDir }: Settings, words: string): string {
  const folder = shownPath(dataDir)
  const quoted = /[^\w./\\:-]/.test(folder) ? `"${folder}"` : folder
  return `npx tsx workshop.ts ${words}${given.has('data-dir') ? ` --data-dir ${quoted}` : ''}`
}

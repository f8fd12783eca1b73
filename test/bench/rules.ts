// The filter rules on tasks that people wrote, with their answers: what they reject there, they mostly reject wrongly.
import type { Instance } from '../../steps/text/given.ts'
import type { Language } from '../../steps/text/language.ts'
import { checkInstances, checkInstruction } from '../../steps/text/check.ts'
import { selectRules } from '../../steps/text/rules.ts'
import { readRows } from '../../steps/workspace/records.ts'
import type { Row } from './bench.ts'

const all = selectRules()

/** Rules of the paper and its code, kept as they are; the others are our own. */
const ofThePaper = [
  'too_short',
  'too_long',
  'blocked_keyword',
  'write_a_program',
  'starts_with_punctuation',
  'near_duplicate',
  'ends_with_colon',
]

/** Measures the rules on files of seed tasks, one a language; without files there is nothing to measure. */
export async function measureRules(files: Readonly<Record<Language, string | undefined>>): Promise<Row[]> {
  const languages = (['en', 'zh'] as const).filter((language) => files[language] !== undefined)
  const rows: Row[] = []
  for (const language of languages) rows.push(...(await measureFile(files[language] ?? '', language)))
  return rows
}

async function measureFile(file: string, language: Language): Promise<Row[]> {
  const counts = new Map<string, number>()
  let tasks = 0
  let texts = 0
  for await (const { instruction, instances = [] } of readRows(file, 'seed')) {
    tasks++
    texts += 1 + instances.length
    for (const reason of reasonsAgainst(instruction, instances, language))
      counts.set(reason, (counts.get(reason) ?? 0) + 1)
  }
  const own = [...counts].filter(([reason]) => !ofThePaper.includes(reason))
  const wrongly = own.reduce((sum, [, count]) => sum + count, 0)
  return [
    {
      what: `rules on ${tasks} human seed tasks (${language}): by our own`,
      measured: `${wrongly} of ${texts} instructions and answers`,
      goal: `≤ ${Math.floor(0.003 * texts)}`,
    },
    ...[...counts].map(([reason, count]) => ({ what: `  ${reason}`, measured: String(count), goal: '' })),
  ]
}

function reasonsAgainst(instruction: string, instances: readonly Instance[], language: Language): string[] {
  const pool = { rival: () => undefined } // each would be a near-duplicate of itself
  const findings = [
    checkInstruction(instruction, language, pool, all),
    ...checkInstances(instruction, instances, language, all),
  ]
  return findings.flatMap((finding) => (finding ? [finding.reason] : []))
}

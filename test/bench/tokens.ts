/** Tokens sent and received for each kept instruction, over all requests of a run, those asked again too. Counted at 4
 *  characters a token (1.5 in Chinese), as the figures of the original are. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Row } from './bench.ts'
import { inFolder, run } from './command.ts'

const TARGET = 200
const LANGUAGES = ['en', 'zh']

/** The original's prompt tokens an instruction, from the length of its published templates at 4 characters a token:
 *  900 tokens a request of 8 tasks; 3,560 characters for the question whether it classifies; 5,743 (input first) or
 *  6,851 (output first) for instances. */
const ORIGINAL: Record<string, number> = { generate: 900 / 8, classify: 3560 / 4, instances: 5743 / 4 }

export async function measureTokens(): Promise<Row[]> {
  const rows: Row[] = []
  for (const language of LANGUAGES) rows.push(...(await tokensOf(language)))
  return rows
}

async function tokensOf(language: string): Promise<Row[]> {
  return inFolder(async (folder) => {
    const target = ['--num-instructions', String(TARGET), '--language', language]
    await run(['--provider', 'offline', ...target, '--data-dir', folder])
    const { cost, funnel } = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'))
    const each = (tokens: number): string => (tokens / funnel.kept).toFixed(0)
    let [prompt, original] = [0, 0]
    const rows = Object.entries(ORIGINAL).map(([step, theirs]): Row => {
      const { prompt_tokens, completion_tokens, calls } = cost[step]
      prompt += prompt_tokens
      original += theirs
      const measured = `${each(prompt_tokens)} + ${each(completion_tokens)} (${calls} calls for ${funnel.kept}); the original's prompts ${theirs.toFixed(0)}`
      return {
        what: `tokens: ${step}, ${language}, prompt + completion a kept instruction`,
        measured,
        goal: '',
      }
    })
    const measured = `${each(prompt)}, the original's ${(original / (prompt / funnel.kept)).toFixed(1)} × (${original.toFixed(0)})`
    return [...rows, { what: `tokens: prompts of all steps, ${language}`, measured, goal: 'at most 600' }]
  })
}

// A round whose steps work in memory: what one step writes is what the next is given.
import path from 'node:path'
import type { Wire } from '../../steps/model/call.ts'
import { MemoryFiles } from '../../steps/run/rehearsal.ts'
import type { Round } from '../../steps/run/step-files.ts'
import type { Language } from '../../steps/text/language.ts'
import { TaskPool } from '../../steps/text/pool.ts'
import type { Step } from '../../steps/workspace/folder.ts'
import type { SeedTask } from '../../steps/workspace/records.ts'
import { type Settings, readSettings } from '../../steps/workspace/settings.ts'
import { temporaryFolder } from './command.ts'
import { modelWith, offline } from './model.ts'

type Given = {
  wire: Wire
  seeds: readonly SeedTask[]
  wanted?: number
  language?: Language
  settings?: Partial<Settings>
}

/** Runs a step function on these rows, and returns its files. */
export async function runStep(
  step: (round: Round) => Promise<void>,
  given: Given,
  rows: readonly object[] = [],
): Promise<MemoryFiles> {
  const { wire, seeds, wanted = 20, language = 'en' } = given
  const log = path.join(await temporaryFolder(), 'calls.jsonl')
  const settings = { ...readSettings(['--language', language], {}), ...given.settings }
  const instructions = seeds.map((seed) => seed.instruction)
  const done: MemoryFiles[] = []
  const round: Round = {
    number: 1,
    wanted,
    settings,
    language,
    seeds: [...seeds],
    topics: undefined,
    model: await modelWith(wire, 4, log, offline),
    newPool: () => new TaskPool(settings, language, instructions, []),
    ranDry: false,
    keptBefore: 0,
    run: async (name: Step, work) => {
      const files = new MemoryFiles(name, language, rows)
      done.push(files)
      await work(round, files)
    },
  }
  await step(round)
  const [files] = done
  if (!files) throw new Error('the step did no work')
  return files
}

// Step 4: what is bad or was seen before goes, and says why; the rest is the data set. Every candidate is checked by
// named rules (text/rules.ts), compared with everything kept before it, and kept until the target is reached.
//
// reads  data/workshop/3-instances.jsonl        writes  data/workshop/4-dataset.jsonl
// run    npx tsx workshop.ts filter
import { cell, runStep, type Sheet } from './display/notebook.ts'
import type { Language } from './text/language.ts'
import { checkInstances, type Instance } from './text/rules.ts'
import { isMain } from './workspace/is-main.ts'
import type { InstancesRow } from './workspace/records.ts'

export const filterInstances = cell('filter', async (round, sheet) => {
  const pool = round.newPool()
  const dataset = new DataSet(sheet, round.settings.target)
  for await (const task of sheet.readMerged(round.settings.merge)) {
    const finding = pool.check(task.instruction)
    const sound = finding ? [] : await soundInstances(sheet, task, round.language)
    if (finding) await sheet.reject({ ...finding, instruction: task.instruction, call: task.call })
    if (sound.length === 0) continue
    pool.add(task.instruction)
    await dataset.keep(task, sound)
    sheet.progress(dataset.kept)
  }
  sheet.counts = { kept: dataset.kept, rows: sheet.rows }
})

/** The instances no rule speaks against; the others are rejected one by one. */
async function soundInstances(
  sheet: Sheet,
  { instruction, instances, call }: InstancesRow,
  language: Language,
): Promise<Instance[]> {
  const findings = checkInstances(instruction, instances, language)
  const sound: Instance[] = []
  for (const [place, instance] of instances.entries()) {
    const finding = findings[place]
    if (finding) await sheet.reject({ ...finding, instruction, ...instance, call })
    else sound.push(instance)
  }
  return sound
}

/** Holds as many distinct instructions as the target says; the rest is good, and too much. */
class DataSet {
  kept = 0
  private readonly sheet: Sheet
  private readonly target: number

  constructor(sheet: Sheet, target: number) {
    this.sheet = sheet
    this.target = target
  }

  async keep({ instruction, call }: InstancesRow, instances: readonly Instance[]): Promise<void> {
    const beyond = this.kept >= this.target
    if (!beyond) this.kept++
    for (const [place, { input, output }] of instances.entries()) {
      const row = { instruction, input, output }
      if (beyond)
        await this.sheet.reject({ reason: 'beyond_target', detail: String(this.target), ...row, call })
      else await this.sheet.add(row, place === 0 ? shown(row) : undefined)
    }
  }
}

function shown({ instruction, input, output }: Instance & { instruction: string }): string {
  return `${instruction} ⇒ ${input === '' ? '' : `[${input}] `}${output}`
}

if (isMain(import.meta.url)) await runStep('filter', filterInstances)

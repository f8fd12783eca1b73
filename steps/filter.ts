// Step 4: what is bad or was seen before goes, and says why; the rest is the data set. Every candidate is checked by
// named rules (text/rules.ts), compared with everything kept before it, judged by the model when --judge asks for it
// (model/judge.ts), and kept until the target is reached.
//
// reads  data/workshop/3-instances.jsonl        writes  data/workshop/4-dataset.jsonl
// run    npx tsx workshop.ts filter
import type { Candidate } from './model/judge.ts'
import { runStep } from './run/notebook.ts'
import { type Round, type Sheet, cell, withAnswer } from './run/step-files.ts'
import type { TaskPool } from './text/pool.ts'
import { type Instance, checkInstances } from './text/rules.ts'
import { isMain } from './workspace/environment.ts'
import type { InstancesRow } from './workspace/records.ts'

export const filterInstances = cell('filter', async (round, sheet) => {
  const pool = round.newPool()
  const dataset = new DataSet(sheet, round.settings.target)
  const progress = () => sheet.progress(dataset.kept)
  const judge = round.settings.judge ? await openJudge(round) : undefined
  for await (const tasks of sheet.readMerged(round.settings.merge)) {
    const checked = check(tasks, pool, round)
    for await (const candidate of judge?.judged(checked, () => dataset.missing, progress) ?? checked) {
      if (judge) candidate.finding ??= pool.check(candidate.task.instruction) // has one like it been kept meanwhile?
      const sound = await soundInstances(sheet, candidate)
      if (sound.length === 0) continue
      pool.add(candidate.task.instruction)
      await dataset.keep(candidate.task, sound)
      progress()
    }
  }
  sheet.counts = { kept: dataset.kept, rows: sheet.rows }
  sheet.judgement = judge?.shares()
})

/** Checks the instructions by the rules and against the pool, and the instances of those that pass by theirs. */
async function* check(
  tasks: AsyncIterable<InstancesRow>,
  pool: TaskPool,
  { language }: Round,
): AsyncGenerator<Candidate> {
  for await (const task of tasks) {
    const { instruction, instances } = task
    const finding = pool.check(instruction)
    const findings = finding ? [] : checkInstances(instruction, instances, language)
    const rows = instances.map((instance, place) => ({ ...instance, finding: findings[place] ?? finding }))
    yield { task, finding, rows }
  }
}

async function openJudge({ model, language, settings }: Round) {
  const { Judge } = await import('./model/judge.ts')
  return new Judge(model, { ...settings, language })
}

/** The instances nothing speaks against; the others are rejected one by one, or all with their instruction. */
async function soundInstances(sheet: Sheet, { task, finding, rows }: Candidate): Promise<Instance[]> {
  const { instruction, call } = task
  const unanswered = rows.find(({ failure }) => failure?.failed === 'stopped')?.failure
  if (finding) await sheet.reject({ ...finding, instruction, call })
  else if (unanswered) await sheet.fail(unanswered, instruction)
  if (finding || unanswered) return []
  const sound: Instance[] = []
  for (const { finding: objection, failure, ...instance } of rows) {
    if (failure) await sheet.fail(failure, instruction, instance)
    else if (objection)
      await sheet.reject({
        reason: objection.reason,
        detail: objection.detail,
        instruction,
        ...instance,
        call: objection.call ?? call,
      })
    else sound.push(instance)
  }
  return sound
}

/** Takes instructions until the target is reached; good ones past it are rejected as beyond_target. */
class DataSet {
  kept = 0
  private readonly sheet: Sheet
  private readonly target: number

  constructor(sheet: Sheet, target: number) {
    this.sheet = sheet
    this.target = target
  }

  get missing(): number {
    return this.target - this.kept
  }

  async keep({ instruction, call }: InstancesRow, instances: readonly Instance[]): Promise<void> {
    const beyond = this.missing <= 0
    if (!beyond) this.kept++
    for (const [place, { input, output }] of instances.entries()) {
      const row = { instruction, input, output }
      if (beyond)
        await this.sheet.reject({ reason: 'beyond_target', detail: String(this.target), ...row, call })
      else await this.sheet.add(row, place === 0 ? withAnswer(instruction, row) : undefined)
    }
  }
}

if (isMain(import.meta.url)) await runStep('filter', filterInstances)

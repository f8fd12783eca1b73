// Step 4: what is bad or was seen before goes, and says why; the rest is the data set. Every candidate is checked by
// named rules (text/rules.ts), compared with everything kept before it, judged by the model when --judge asks for it
// (model/judge.ts), and kept until the target is reached.
//
// reads  data/workshop/3-instances.jsonl        writes  data/workshop/4-dataset.jsonl
// run    npx tsx workshop.ts filter
import type { Candidate } from './model/judge.ts'
import { placesOf } from './run/merging.ts'
import { runStep } from './run/notebook.ts'
import { type Round, type StepFiles, step, withAnswer } from './run/step-files.ts'
import { type Finding, checkInstances } from './text/check.ts'
import type { Instance } from './text/given.ts'
import type { TaskPool } from './text/pool.ts'
import { selectRules } from './text/rules.ts'
import { isMain } from './workspace/environment.ts'
import type { InstancesRow } from './workspace/records.ts'

export const filterInstances = step('filter', async (round, files) => {
  const { target, merge, skipBadRows } = round.settings
  const pool = round.newPool() // the seed tasks; every instruction that is kept joins them
  const judge = round.settings.judge ? await openJudge(round) : undefined
  let kept = 0
  const missing = () => target - kept
  const progress = () => files.progress(kept)

  // The rows of step 3, and those of other runs that --merge names.
  for await (const tasks of files.readMerged(merge, skipBadRows)) {
    // Check by the rules, and compare with what is kept already.
    const checked = check(tasks, pool, round)
    // Judge what passed: only as many as are missing, since every verdict costs.
    const judged = judge ? judge.judged(checked, missing, progress) : checked
    for await (const candidate of judged) {
      // While the judge looked at several at once, one like this may have been kept: compare again.
      const finding = candidate.finding ?? (judge && pool.check(candidate.task.instruction))
      const sound = await rejectUnsound(files, candidate, finding)
      if (sound.length === 0) continue
      pool.add(candidate.task.instruction)
      // Keep until the target is reached. The file is data/workshop/4-dataset.jsonl.
      if (missing() <= 0) await rejectBeyond(files, candidate.task, sound, target)
      else {
        kept++
        await keep(files, candidate.task, sound)
      }
      progress()
    }
  }

  files.counts = { kept, rows: files.rows }
  files.judgement = judge?.shares()
})

/** Each task with what speaks against it: a rule or a rival against the instruction, or a rule against an instance. */
async function* check(
  tasks: AsyncIterable<InstancesRow>,
  pool: TaskPool,
  { language, settings }: Round,
): AsyncGenerator<Candidate> {
  const rules = selectRules(settings.rules)
  for await (const task of tasks) {
    const { instruction, instances } = task
    const finding = pool.check(instruction)
    const findings = finding ? [] : checkInstances(instruction, instances, language, rules)
    const rows = instances.map((instance, place) => ({ ...instance, finding: findings[place] ?? finding }))
    yield { task, finding, rows }
  }
}

async function openJudge({ model, language, settings }: Round) {
  const { Judge } = await import('./model/judge.ts') // most runs need none
  return new Judge(model, { ...settings, language })
}

/** The instances nothing speaks against; the others are rejected one by one, or all with their instruction. */
async function rejectUnsound(
  files: StepFiles,
  { task, rows }: Candidate,
  finding: Finding | undefined,
): Promise<Instance[]> {
  const { instruction, call } = task
  const unanswered = rows.find(({ failure }) => failure?.failed === 'stopped')?.failure
  if (finding) await files.reject({ ...finding, instruction, call, at: placesOf(rows) })
  else if (unanswered) await files.fail(unanswered, instruction)
  if (finding || unanswered) return []
  const sound: Instance[] = []
  for (const { finding: objection, failure, ...instance } of rows) {
    if (failure) await files.fail(failure, instruction, instance)
    else if (!objection) sound.push(instance)
    else {
      const { reason, detail } = objection
      await files.reject({ reason, detail, instruction, ...instance, call: objection.call ?? call })
    }
  }
  return sound
}

async function keep(
  files: StepFiles,
  { instruction }: InstancesRow,
  instances: readonly Instance[],
): Promise<void> {
  for (const [place, { input, output }] of instances.entries()) {
    const row = { instruction, input, output }
    await files.write('4-dataset.jsonl', row, place === 0 ? withAnswer(instruction, row) : undefined)
  }
}

/** Good rows, and more than were asked for. */
async function rejectBeyond(
  files: StepFiles,
  { instruction, call }: InstancesRow,
  instances: readonly Instance[],
  target: number,
): Promise<void> {
  const reason = { reason: 'beyond_target', detail: String(target) }
  for (const { input, output, at } of instances)
    await files.reject({ ...reason, instruction, input, output, call, at })
}

if (isMain(import.meta.url)) await runStep('filter', filterInstances)

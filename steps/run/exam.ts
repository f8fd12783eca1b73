// The exam of `check`: each step does its own work in memory, on a question or a few, and what comes back is marked. So a
// model is known by what the steps will ask of it, before a run is paid for.
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { type Check, type Examinee, checkSetup } from '../display/check.ts'
import { duration } from '../display/words.ts'
import { Account, wantedInAll } from '../model/account.ts'
import { Budget } from '../model/budget.ts'
import { CallLog } from '../model/call-log.ts'
import type { Wire } from '../model/call.ts'
import { Model } from '../model/model.ts'
import { openWire } from '../model/wire.ts'
import { TaskPool } from '../text/pool.ts'
import type { Words } from '../workspace/fault.ts'
import { Folder, type Step } from '../workspace/folder.ts'
import { idOf } from '../workspace/jsonl.ts'
import type { ClassifiedRow, SeedTask } from '../workspace/records.ts'
import { refuseOtherLanguage } from './opening.ts'
import { MemoryFiles } from './rehearsal.ts'
import type { Round, Work } from './step-files.ts'

const newTasks = 6 // wanted of step 1: one good reply has them, and one request is sent
const seedsAtMost = 40 // whose labels are asked: upstream's 175 would take nine requests

/** `check`: looks at the setup, and yields the round in which the steps are examined. */
export async function* examine(argv: readonly string[]): AsyncGenerator<Round> {
  const { check, examinee, ...run } = await checkSetup(argv)
  const folder = async () => Folder.open(run.settings.dataDir)
  if (run.seeds.length > 0) await check.attempt(async () => refuseOtherLanguage(await folder(), run, argv))
  if (examinee) {
    const dir = await mkdtemp(path.join(os.tmpdir(), 'workshop-exam-')) // its replies are no part of a run
    try {
      const budget = budgetOf(examinee)
      const modelFor = (step: Step) => modelOf(examinee, budget, path.join(dir, `${step}.jsonl`))
      const exam = new Exam(check, examinee, {
        generate: await modelFor('generate'),
        classify: await modelFor('classify'),
        instances: await modelFor('instances'),
      })
      yield exam.round
      exam.tell()
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  }
  check.conclude()
}

/** A model for each step, since step 1 ends after one reply, and how many requests took how long. */
type Asked = { model: Model; requests: number; ms: number; tokens: number }
type Asking = Record<'generate' | 'classify' | 'instances', Asked>

/** One for all steps; as if there were the first alone, which then holds nothing back for the others. */
function budgetOf({ settings, language, provider }: Examinee): Budget {
  return new Budget({ ...settings, steps: ['generate'], language }, provider)
}

async function modelOf({ settings, provider }: Examinee, budget: Budget, file: string): Promise<Asked> {
  const log = await CallLog.open(file, false)
  const timed = async (): Promise<Wire> => {
    const wire = await openWire(provider)
    return async (question, signal) => {
      const started = performance.now()
      const reply = await wire(question, signal)
      asked.requests++
      asked.ms += performance.now() - started
      asked.tokens += reply.usage.completion_tokens
      return reply
    }
  }
  const model = new Model(provider, log, budget, settings.concurrency, timed)
  const asked: Asked = { model, requests: 0, ms: 0, tokens: 0 }
  return asked
}

class Exam {
  readonly round: Round
  private readonly check: Check
  private readonly examinee: Examinee
  private readonly asking: Asking
  private readonly done = new Map<Step, MemoryFiles>()
  private stopped: Words | undefined

  constructor(check: Check, examinee: Examinee, asking: Asking) {
    this.check = check
    this.examinee = examinee
    this.asking = asking
    const { settings, language, seeds } = examinee
    const instructions = seeds.map((seed) => seed.instruction)
    this.round = {
      number: 1,
      wanted: newTasks,
      settings,
      language,
      seeds,
      topics: undefined,
      model: asking.generate.model,
      newPool: () => new TaskPool(settings, language, instructions, []),
      ranDry: false,
      keptBefore: 0,
      run: (step, work) => this.run(step, work),
    }
  }

  /** Does a step's own work in memory: step 1 on one request, step 2 on the seed tasks, step 3 on two of them. */
  private async run(step: Step, work: Work): Promise<void> {
    if (step === 'filter' || this.stopped) return
    const { check, examinee, round } = this
    const { model } = this.asking[step]
    check.screen.progress(() => check.words.examining(step))
    const oneReply = () => model.stop({ words: enough, exit: 1 })
    const tick = step === 'generate' ? oneReply : undefined
    const files = new MemoryFiles(step, examinee.language, rowsFor(step, examinee.seeds), tick)
    await work({ ...round, model }, files)
    await model.close()
    this.done.set(step, files)
    if (model.stopped && model.stopped.words !== enough) this.stopped = model.stopped.words
  }

  /** Says what the model can do, how fast, and what to do where it cannot. */
  tell(): void {
    const { check } = this
    const { words, screen } = check
    const generate = this.done.get('generate')
    const instances = this.done.get('instances')
    const novel = generate ? generate.rows + (generate.rejected.get('beyond_target') ?? 0) : 0
    const because = (step: 'generate' | 'instances', otherwise: string): string => {
      const why = this.asking[step].model.readings.why
      return why ? words.unread(step, screen.say(why)) : otherwise
    }
    // What is wrong in step 1 is wrong in the others as well, and is said first.
    const wrongAtOnce = novel === 0 && this.asking.generate.model.readings.why !== undefined
    if (this.stopped && !wrongAtOnce) return check.fault(screen.say(this.stopped))
    const lost = screen.words.lost(generate?.rejects.map(({ reason }) => reason) ?? [])
    if (novel === 0) check.fault(because('generate', lost ?? words.noTasks))
    if (this.stopped || !generate || !instances) return
    const labels = this.labels()
    const asked = rowsFor('instances', this.examinee.seeds).length
    if (asked > 0 && instances.rows === 0) check.fault(because('instances', words.noInstances))
    const marks = [
      words.tasks(novel, generate.counts.parsed ?? 0),
      words.labels(labels.yes, labels.no),
      words.instances(instances.rows, asked),
      this.speed(),
    ]
    check.good(marks.join(' · '))
    for (const remark of this.done.get('classify')?.remarks ?? []) screen.remark(remark(screen.words))
  }

  /** The labels of the seed tasks beside those that people gave. */
  private labels() {
    const marks = { yes: { asked: 0, right: 0 }, no: { asked: 0, right: 0 } }
    const written = (this.done.get('classify')?.written ?? []) as ClassifiedRow[]
    const given = new Map(written.map((row) => [row.id, row.is_classification]))
    for (const { instruction, is_classification } of labelled(this.examinee.seeds)) {
      const kind = is_classification ? marks.yes : marks.no
      kind.asked++
      kind.right += Number(given.get(idOf(instruction)) === is_classification)
    }
    return marks
  }

  /** Tokens a second, and how long a run to the target would take at the pace of these replies. */
  private speed(): string {
    const { settings, provider, language } = this.examinee
    const account = new Account({ ...settings, language }, provider)
    const wanted = wantedInAll(settings, provider)
    let [tokens, ms, whole] = [0, 0, 0]
    for (const step of ['generate', 'classify', 'instances'] as const) {
      const asked = this.asking[step]
      tokens += asked.tokens
      ms += asked.ms
      whole += (account.estimate(step, wanted).calls * asked.ms) / Math.max(asked.requests, 1)
    }
    const { words, screen } = this.check
    const target = Number.isFinite(settings.target) ? settings.target : 0
    const seconds = whole / 1000 / (provider.local ? 1 : settings.concurrency)
    const rate = Math.round((tokens / Math.max(ms, 1)) * 1000)
    return words.speed(rate, target, duration(seconds, screen.language))
  }
}

const enough: Words = { en: 'one reply is enough', zh: '一次回复就够了' }

function labelled(seeds: readonly SeedTask[]): SeedTask[] {
  return seeds.filter((seed) => seed.is_classification !== undefined).slice(0, seedsAtMost)
}

/** What a step is examined on: seed tasks, as the step before it would have written them. */
function rowsFor(step: Step, seeds: readonly SeedTask[]): object[] {
  if (step === 'generate') return []
  const known = labelled(seeds)
  const two = [true, false].flatMap((label) => known.find((seed) => seed.is_classification === label) ?? [])
  return (step === 'classify' ? known : two).map(({ instruction, is_classification }) => ({
    id: idOf(instruction),
    instruction,
    call: '',
    ...(step === 'instances' && { is_classification }),
  }))
}

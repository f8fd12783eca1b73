// batches.jsonl: which batches were made, and which of them are in the log. It is what makes a shutdown harmless: the same
// command a day later finds the batch there and goes on with it.
import { type Step, steps } from '../workspace/folder.ts'
import { field } from '../workspace/json.ts'
import { Ledger } from '../workspace/ledger.ts'

/** `file`: what was asked, line by line as in the log, in the data folder. `keys`: of the same calls. */
export type OpenBatch = {
  id: string
  provider?: string
  model?: string
  step: Step
  file: string
  keys: string[]
}

const questionFile = /^\.batch-[0-9a-f]{16}\.jsonl$/

/** Ends of batches that answered nothing they were asked: such a batch does not count as sent. */
const unanswered = ['failed', 'cancelled']

export class BatchLedger {
  private readonly ledger: Ledger
  private readonly batches = new Map<string, OpenBatch>()
  private readonly sent = new Map<string, number>()

  private constructor(ledger: Ledger) {
    this.ledger = ledger
    for (const line of ledger.lines) {
      if (isBatch(line)) this.noteBegin(line)
      else this.noteEnd(String(field(line, 'id')), String(field(line, 'status')))
    }
  }

  static async read(file: string): Promise<BatchLedger> {
    return new BatchLedger(await Ledger.open(file))
  }

  /** The batches that this model of this provider was asked in and that are not in the log yet. */
  open(provider: string, model: string): OpenBatch[] {
    return [...this.batches.values()].filter(
      (batch) => (batch.provider ?? provider) === provider && (batch.model ?? model) === model,
    )
  }

  /** In how many batches a question went up, of those that may have answered it. */
  timesSent(key: string): number {
    return this.sent.get(key) ?? 0
  }

  /** Written and flushed before anybody waits for the batch. */
  async begin(batch: OpenBatch): Promise<void> {
    await this.ledger.append(batch)
    this.noteBegin(batch)
  }

  async end(id: string, status: string): Promise<void> {
    await this.ledger.append({ id, status })
    this.noteEnd(id, status)
  }

  private noteBegin(batch: OpenBatch): void {
    this.batches.set(batch.id, batch)
    for (const key of batch.keys) this.sent.set(key, this.timesSent(key) + 1)
  }

  private noteEnd(id: string, status: string): void {
    const keys = unanswered.includes(status) ? (this.batches.get(id)?.keys ?? []) : []
    for (const key of keys) this.sent.set(key, this.timesSent(key) - 1)
    this.batches.delete(id)
  }
}

// Whatever else stands in the ledger names no batch; and no other file than one of questions, which is removed in the end.
function isBatch(line: unknown): line is OpenBatch {
  const [id, step, file, keys] = ['id', 'step', 'file', 'keys'].map((name) => field(line, name))
  return (
    typeof id === 'string' &&
    steps.some((known) => known === step) &&
    questionFile.test(String(file)) &&
    Array.isArray(keys) &&
    keys.every((key) => typeof key === 'string')
  )
}

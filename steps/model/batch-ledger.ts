// batches.jsonl: which batches were made, and which of them are in the log. It is what makes a shutdown harmless: the same
// command a day later finds the batch there and goes on with it.
import type { Step } from '../workspace/folder.ts'
import { field } from '../workspace/json.ts'
import { Ledger } from '../workspace/ledger.ts'

export const ledgerFile = 'batches.jsonl'

/** `file`: what was asked, line by line as in the log, in the data folder. `keys`: of the same calls. */
export type OpenBatch = { id: string; provider: string; step: Step; file: string; keys: string[] }

export class BatchLedger {
  private readonly ledger: Ledger
  private readonly batches = new Map<string, OpenBatch>()

  private constructor(ledger: Ledger) {
    this.ledger = ledger
    for (const line of ledger.lines) {
      if (isBatch(line)) this.batches.set(line.id, line)
      else this.batches.delete(String(field(line, 'id')))
    }
  }

  static async read(file: string): Promise<BatchLedger> {
    return new BatchLedger(await Ledger.open(file))
  }

  /** The batches of this provider that are not in the log yet. */
  open(provider: string): OpenBatch[] {
    return [...this.batches.values()].filter((batch) => batch.provider === provider)
  }

  /** Written and flushed before anybody waits for the batch. */
  async begin(batch: OpenBatch): Promise<void> {
    await this.ledger.append(batch)
    this.batches.set(batch.id, batch)
  }

  async end(id: string, status: string): Promise<void> {
    await this.ledger.append({ id, status })
    this.batches.delete(id)
  }
}

function isBatch(line: unknown): line is OpenBatch {
  const texts = ['id', 'provider', 'step', 'file'].map((name) => field(line, name))
  const keys = field(line, 'keys')
  return (
    texts.every((text) => typeof text === 'string') &&
    Array.isArray(keys) &&
    keys.every((key) => typeof key === 'string')
  )
}

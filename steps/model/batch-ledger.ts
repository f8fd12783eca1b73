// batches.jsonl: which batches were made, and which of them are in the log. It is what makes a shutdown harmless: the same
// command a day later finds the batch there and goes on with it.
import { appendFile, readFile } from 'node:fs/promises'
import { codeOf, unreadable, unwritable } from '../workspace/fault.ts'
import type { Step } from '../workspace/folder.ts'

export const ledgerFile = 'batches.jsonl'

/** `file`: what was asked, line by line as in the log, in the data folder. `keys`: of the same calls. */
export type OpenBatch = { id: string; provider: string; step: Step; file: string; keys: string[] }

export class BatchLedger {
  private readonly path: string
  private readonly batches: Map<string, OpenBatch>
  private torn: boolean

  private constructor(path: string, batches: Map<string, OpenBatch>, torn: boolean) {
    this.path = path
    this.batches = batches
    this.torn = torn
  }

  static async read(path: string): Promise<BatchLedger> {
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return ''
      throw unreadable(path, error)
    })
    const batches = new Map<string, OpenBatch>()
    for (const line of text.split('\n').flatMap(parsed)) {
      if ('keys' in line) batches.set(line.id, line)
      else batches.delete(line.id)
    }
    return new BatchLedger(path, batches, text !== '' && !text.endsWith('\n'))
  }

  /** The batches of this provider that are not in the log yet. */
  open(provider: string): OpenBatch[] {
    return [...this.batches.values()].filter((batch) => batch.provider === provider)
  }

  /** Written and flushed before anybody waits for the batch. */
  async begin(batch: OpenBatch): Promise<void> {
    await this.append(batch)
    this.batches.set(batch.id, batch)
  }

  async end(id: string, status: string): Promise<void> {
    await this.append({ id, status })
    this.batches.delete(id)
  }

  private async append(line: object): Promise<void> {
    try {
      await appendFile(this.path, `${this.torn ? '\n' : ''}${JSON.stringify(line)}\n`, { flush: true })
      this.torn = false
    } catch (error) {
      throw unwritable(this.path, error)
    }
  }
}

// A line torn by a crash is passed over: its batch had not been waited for.
function parsed(text: string): (OpenBatch | { id: string })[] {
  try {
    const line: unknown = JSON.parse(text)
    return typeof line === 'object' && line !== null && 'id' in line ? [line as OpenBatch] : []
  } catch {
    return []
  }
}

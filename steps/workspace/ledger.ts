// A small JSONL file that is only appended to, such as `.written.jsonl`. A line torn by a crash is passed over.
import { appendFile, readFile } from 'node:fs/promises'
import { codeOf, unreadable, unwritable } from './fault.ts'
import { jsonIn } from './json.ts'

export class Ledger {
  /** The lines that were there when it was opened. */
  readonly lines: unknown[]
  private readonly file: string
  private torn: boolean

  private constructor(file: string, text: string) {
    this.file = file
    this.lines = text.split('\n').map(jsonIn)
    this.torn = text !== '' && !text.endsWith('\n')
  }

  /** Empty where there is no such file yet. */
  static async open(file: string): Promise<Ledger> {
    const text = await readFile(file, 'utf8').catch((error: unknown) => {
      if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return ''
      throw unreadable(file, error)
    })
    return new Ledger(file, text)
  }

  /** Resolves when the line is on disk. */
  async append(line: object): Promise<void> {
    try {
      await appendFile(this.file, `${this.torn ? '\n' : ''}${JSON.stringify(line)}\n`, { flush: true })
      this.torn = false
    } catch (error) {
      throw unwritable(this.file, error)
    }
  }
}

// What a batch will ask, in a file: lines of the log that lack their replies.
import { type FileHandle, open, rm } from 'node:fs/promises'
import { unwritable } from '../workspace/fault.ts'
import type { Call } from './call-log.ts'

const flushAt = 1 << 16 // characters gathered before a write

export class Spool {
  readonly file: string
  readonly keys: string[] = []
  bytes = 0
  private gathered = ''
  private handle: FileHandle | undefined
  private written: Promise<void> = Promise.resolve()

  constructor(file: string) {
    this.file = file
  }

  /** Resolves when there is room for more. */
  add(call: Call): Promise<void> {
    const line = `${JSON.stringify(call)}\n`
    this.keys.push(call.key)
    this.bytes += Buffer.byteLength(line)
    this.gathered += line
    if (this.gathered.length > flushAt) this.written = this.written.then(() => this.flush())
    return this.written
  }

  private async flush(): Promise<void> {
    try {
      this.handle ??= await open(this.file, 'w')
      const text = this.gathered
      this.gathered = ''
      await this.handle.appendFile(text)
    } catch (error) {
      throw unwritable(this.file, error)
    }
  }

  /** On disk: what comes back after a shutdown is read together with it. */
  async close(): Promise<void> {
    await this.written
    await this.flush()
    await this.handle?.sync()
    await this.handle?.close()
  }

  async discard(): Promise<void> {
    await rm(this.file, { force: true })
  }
}

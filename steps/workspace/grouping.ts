// Rows of a file that share an instruction make one candidate, wherever they stand: rules compare the instances of an
// instruction, and its second row is no rival of its first. What must wait for its first row waits on disk: memory grows
// with the instructions and the number of rows, not with their text.
import { type FileHandle, open } from 'node:fs/promises'
import type { Instance } from '../text/rules.ts'
import { type MergedRow, Omissions, readMergeRows } from './data-rows.ts'
import { TextWriter, idOf, onOneLine } from './jsonl.ts'

/** The candidates of a file, in the order of their first rows. `spool`: a file for the rows that wait. */
export async function* groupedRows(
  file: string,
  spool: string,
  omitted: Omissions,
): AsyncGenerator<MergedRow & { id: string }> {
  const later = new LaterRows(spool)
  try {
    await later.gather(readMergeRows(file, new Omissions(omitted.skipsBad)))
    for await (const row of readMergeRows(file, omitted)) {
      const id = idOf(row.instruction)
      if (!row.single) yield { id, ...row }
      else if (!later.isGiven(id))
        yield { id, ...row, instances: [...row.instances, ...(await later.of(id))] }
    }
  } finally {
    await later.discard()
  }
}

/** Where on disk a row lies: its place in bytes, and its length. */
type Lying = { from: number; length: number }
type Waiting = Instance & { instruction: string }

class LaterRows {
  private readonly spool: TextWriter
  private readonly rows = new Map<number, Lying[]>()
  private readonly given = new Set<number>()
  private end = 0
  private handle: FileHandle | undefined

  constructor(spool: string) {
    this.spool = new TextWriter(spool)
  }

  /** Takes down every row whose instruction stood in an earlier one. */
  async gather(rows: AsyncIterable<MergedRow>): Promise<void> {
    const seen = new Set<number>()
    for await (const { instruction, instances, single } of rows) {
      if (!single) continue // a whole candidate of its own
      const key = keyOf(idOf(instruction))
      if (seen.has(key))
        await this.put(
          key,
          instances.map((instance) => ({ instruction, ...instance })),
        )
      else seen.add(key)
    }
    await this.spool.close()
  }

  private async put(key: number, waiting: readonly Waiting[]): Promise<void> {
    for (const row of waiting) {
      const line = `${onOneLine(row)}\n`
      const length = Buffer.byteLength(line)
      const lying = this.rows.get(key) ?? []
      lying.push({ from: this.end, length })
      this.rows.set(key, lying)
      this.end += length
      await this.spool.addText(line)
    }
  }

  /** Whether a row was given out with the first of its instruction. */
  isGiven(id: string): boolean {
    return this.given.has(keyOf(id))
  }

  /** The later instances of the instruction of a first row. */
  async of(id: string): Promise<Instance[]> {
    const key = keyOf(id)
    const lying = this.rows.get(key)
    if (!lying) return []
    this.rows.delete(key)
    this.given.add(key)
    this.handle ??= await open(this.spool.file)
    const instances: Instance[] = []
    for (const { from, length } of lying) {
      const { buffer } = await this.handle.read(Buffer.alloc(length), 0, length, from)
      const { instruction: _, ...instance } = JSON.parse(buffer.toString()) as Waiting
      instances.push(instance)
    }
    return instances
  }

  async discard(): Promise<void> {
    await this.handle?.close()
    await this.spool.discard()
  }
}

/** The 48 bits of an id as a number, which takes less room. */
function keyOf(id: string): number {
  return Number.parseInt(id, 16)
}

// Rows of a file that share an instruction make one candidate, wherever they stand: rules compare the instances of an
// instruction, and its second row is no rival of its first. What must wait for its first row waits on disk: memory grows
// with the instructions and the number of rows, not with their text.
import { closeSync, openSync, readSync } from 'node:fs'
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
      else if (!later.isGiven(id)) yield { id, ...row, instances: [...row.instances, ...later.of(id)] }
    }
  } finally {
    await later.discard()
  }
}

class LaterRows {
  private readonly spool: TextWriter
  /** Where on disk the rows of an instruction lie: the place in bytes and the length of each, one after the other. */
  private readonly rows = new Map<number, number[]>()
  private readonly given = new Set<number>()
  private end = 0
  private opened: number | undefined

  constructor(spool: string) {
    this.spool = new TextWriter(spool)
  }

  /** Takes down every row whose instruction stood in an earlier one. */
  async gather(rows: AsyncIterable<MergedRow>): Promise<void> {
    const seen = new Set<number>()
    for await (const { instruction, instances, single } of rows) {
      if (!single) continue // a whole candidate of its own
      const key = keyOf(idOf(instruction))
      if (!seen.has(key)) seen.add(key)
      else for (const instance of instances) await this.put(key, instance)
    }
    await this.spool.close()
  }

  private put(key: number, instance: Instance): Promise<void> {
    const line = `${onOneLine(instance)}\n`
    const length = Buffer.byteLength(line)
    const lying = this.rows.get(key)
    if (lying) lying.push(this.end, length)
    else this.rows.set(key, [this.end, length])
    this.end += length
    return this.spool.addText(line)
  }

  /** Whether a row was given out with the first of its instruction. */
  isGiven(id: string): boolean {
    return this.given.has(keyOf(id))
  }

  /** The later instances of the instruction of a first row. */
  of(id: string): Instance[] {
    const key = keyOf(id)
    const lying = this.rows.get(key)
    if (!lying) return []
    this.rows.delete(key)
    this.given.add(key)
    const spool = (this.opened ??= openSync(this.spool.file, 'r'))
    const instances: Instance[] = []
    for (let place = 0; place < lying.length; place += 2) {
      const bytes = Buffer.alloc(lying[place + 1] ?? 0)
      readSync(spool, bytes, 0, bytes.length, lying[place] ?? 0) // a promise would take ten times as long
      instances.push(JSON.parse(bytes.toString()) as Instance)
    }
    return instances
  }

  async discard(): Promise<void> {
    if (this.opened !== undefined) closeSync(this.opened)
    await this.spool.discard()
  }
}

/** The 48 bits of an id as a number, which takes less room. */
function keyOf(id: string): number {
  return Number.parseInt(id, 16)
}

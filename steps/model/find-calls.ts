// Looks a few calls up in a log without indexing it: the log is read once, its other lines are not even parsed.
import { jsonIn } from '../workspace/json.ts'
import { splitLines } from '../workspace/lines.ts'
import type { Call } from './call-log.ts'

export type Found = { call: Call; line: number }

const head = /^\{"v":1,"key":"([0-9a-f]{16})"/ // as the workshop writes it
const headBytes = 40

/** The calls with these keys, by key, and the line of the log each stands on. Lines that cannot be read are passed over. */
export async function findCalls(file: string, keys: ReadonlySet<string>): Promise<Map<string, Found>> {
  const found = new Map<string, Found>()
  let line = 0
  for await (const { bytes } of splitLines(file)) {
    line++
    const key = head.exec(bytes.toString('latin1', 0, headBytes))?.[1]
    if (key !== undefined && !keys.has(key)) continue
    const call = jsonIn(bytes.toString('utf8')) as Call | undefined // a torn last line is none
    if (call && keys.has(call.key)) found.set(call.key, { call, line })
    if (found.size === keys.size) break
  }
  return found
}

// JSONL in: every row checked against its shape; an error names file, line, field, what was expected, and the cure.
import path from 'node:path'
import type { z } from 'zod'
import { Fault } from './fault.ts'
import { readLines } from './lines.ts'
import type { shapes } from './records.ts'

type Shapes = typeof shapes
export type Row<K extends keyof Shapes> = z.infer<Shapes[K]>

/**
 * Yields the rows of a JSONL file one by one; blank lines, a BOM and CRLF are fine. A bad row is a Fault. `wanted` may
 * pass over rows before their shape is checked, which takes most of the time.
 */
export async function* readRows<K extends keyof Shapes>(
  file: string,
  kind: K,
  wanted?: (row: unknown) => boolean,
): AsyncGenerator<Row<K>> {
  const { shapes } = await import('./records.ts')
  for await (const line of readLines(file)) {
    if (line.text.trim() === '') continue
    const row = parsed(line.text, file, line.number)
    if (wanted && !wanted(row)) continue
    const checked = shapes[kind].safeParse(row)
    if (!checked.success) throw badRow(checked.error, line.text, file, line.number)
    yield checked.data as Row<K>
  }
}

function parsed(text: string, file: string, number: number): unknown {
  try {
    return JSON.parse(text)
  } catch {
    const where = `${path.basename(file)} line ${number}`
    const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text
    throw new Fault({
      en: `${where} is not JSON; one {"…"} row was expected, got: ${shown}  Mend or delete the line. (${file})`,
      zh: `${path.basename(file)} 第 ${number} 行不是 JSON；应为一条 {"…"} 数据，实际为：${shown}  请修改或删除该行。（${file}）`,
    })
  }
}

function badRow(error: z.ZodError, text: string, file: string, number: number): Fault {
  const issue = error.issues[0]
  const field = issue?.path.join('.') || 'row'
  const expected = issue?.code === 'invalid_type' ? issue.expected : (issue?.message ?? 'another shape')
  const got = kindOf(valueAt(JSON.parse(text), issue?.path ?? []))
  const name = path.basename(file)
  return new Fault({
    en: `${name} line ${number}, field "${field}": expected ${expected}, got ${got}. Mend or delete the line. (${file})`,
    zh: `${name} 第 ${number} 行，字段 "${field}"：应为 ${expected}，实际为 ${got}。请修改或删除该行。（${file}）`,
  })
}

function valueAt(value: unknown, place: readonly PropertyKey[]): unknown {
  return place.reduce<unknown>(
    (inner, key) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, key) : undefined),
    value,
  )
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return `a list of ${value.length}`
  return typeof value === 'string' ? `"${value.slice(0, 40)}"` : typeof value
}

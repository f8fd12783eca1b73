// JSONL in: every row checked against its shape; an error names file, line, field, what was expected, and the cure.
import path from 'node:path'
import { setImmediate as immediate } from 'node:timers/promises'
import { type BaseIssue, type InferOutput, safeParse } from 'valibot'
import { Fault, type Words } from './fault.ts'
import { readLines } from './lines.ts'
import { shorten } from './misspelt.ts'
import { shapes } from './records.ts'

// A program that does not answer Ctrl-C within about 60 ms is killed by tsx: signals and sockets get their turn.
const breathAfter = 10 // ms

type Shapes = typeof shapes
export type Row<K extends keyof Shapes> = InferOutput<Shapes[K]>

/**
 * Yields the rows of a JSONL file one by one; blank lines, a BOM and CRLF are fine. A bad row is a Fault. `wanted` may
 * pass over rows before their shape is checked, which takes most of the time.
 */
export async function* readRows<K extends keyof Shapes>(
  file: string,
  kind: K,
  wanted?: (row: unknown) => boolean,
): AsyncGenerator<Row<K>> {
  let breathed = performance.now()
  for await (const line of readLines(file)) {
    if (line.text.trim() === '') continue
    const row = parsed(line.text, file, line.number)
    if (wanted && !wanted(row)) continue
    const checked = safeParse(shapes[kind], row)
    if (!checked.success) throw badRow(shapes[kind], checked.issues[0], row, file, line.number)
    yield checked.output as Row<K>
    if (performance.now() - breathed < breathAfter) continue
    await immediate()
    breathed = performance.now()
  }
}

function parsed(text: string, file: string, number: number): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw atLine(file, number, {
      en: ` is not JSON; one {"…"} row was expected, got: ${shorten(text)} `,
      zh: `不是 JSON；应为一条 {"…"} 数据，实际为：${shorten(text)} `,
    })
  }
}

function badRow(shape: Shape, issue: BaseIssue<unknown>, row: unknown, file: string, number: number): Fault {
  const place = placeOf(issue)
  const expected = issue.kind === 'validation' ? broken(issue) : expectedBy(shapeAt(shape, place))
  const got = kindOf(valueAt(row, place))
  const field = place.join('.')
  return atLine(file, number, {
    en: `${field && `, field "${field}"`}: expected ${expected.en}, got ${got.en}.`,
    zh: `${field && `，字段 "${field}"`}：应为${expected.zh}，实际为${got.zh}。`,
  })
}

/** Where the fault is. A list lacks every field of a row, and is itself what is wrong. */
function placeOf({ path }: BaseIssue<unknown>): PropertyKey[] {
  const keys = path?.map((item) => item.key as PropertyKey) ?? []
  return Array.isArray(path?.at(-1)?.input) && typeof keys.at(-1) === 'string' ? keys.slice(0, -1) : keys
}

function atLine(file: string, number: number, what: Words): Fault {
  const name = path.basename(file)
  return new Fault({
    en: `${name} line ${number}${what.en} Mend or delete the line. (${file})`,
    zh: `${name} 第 ${number} 行${what.zh}请修改或删除该行。（${file}）`,
  })
}

const types: Record<string, Words> = {
  string: { en: 'text', zh: '文本' },
  boolean: { en: 'true or false', zh: ' true 或 false' },
  number: { en: 'a number', zh: '数' },
  array: { en: 'a list', zh: '列表' },
  object: { en: 'one {"…"} row', zh: '一条 {"…"} 数据' },
}

/** What the checks of `records.ts` are made of, as far as a message speaks of it. */
type Shape = {
  readonly type: string
  readonly entries?: Readonly<Record<string, Shape>>
  readonly item?: Shape
  readonly wrapped?: Shape
  readonly options?: readonly string[]
}

function shapeAt(shape: Shape, place: readonly PropertyKey[]): Shape | undefined {
  return place.reduce<Shape | undefined>((outer, key) => {
    const inner = outer?.wrapped ?? outer
    return inner?.item ?? inner?.entries?.[String(key)]
  }, shape)
}

function expectedBy(shape: Shape | undefined): Words {
  const { type = '', options } = shape?.wrapped ?? shape ?? {}
  if (options) return { en: `one of ${options.join(', ')}`, zh: ` ${options.join('、')} 之一` }
  return types[type] ?? { en: type, zh: type }
}

function broken({ type }: BaseIssue<unknown>): Words {
  if (type === 'min_length') return { en: 'at least one entry', zh: '至少一项' }
  return { en: 'text that is not empty', zh: '非空文本' }
}

function valueAt(value: unknown, place: readonly PropertyKey[]): unknown {
  return place.reduce<unknown>(
    (inner, key) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, key) : undefined),
    value,
  )
}

function kindOf(value: unknown): Words {
  if (value === undefined) return { en: 'nothing', zh: '空' }
  if (Array.isArray(value)) return { en: `a list of ${value.length}`, zh: `含 ${value.length} 项的列表` }
  if (typeof value === 'object' && value !== null) return { en: 'an object', zh: '对象' }
  const shown = typeof value === 'string' ? `"${shorten(value)}"` : String(value)
  return { en: shown, zh: ` ${shown}` }
}

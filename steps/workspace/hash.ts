// Short names for texts: the id of an instruction, the key of a call, the checksum of a file.
import { createHash } from 'node:crypto'

/** 12 hexadecimal digits, the same for the same instruction: an edited instruction is a new row. */
export function idOf(instruction: string): string {
  return createHash('sha256').update(instruction).digest('hex').slice(0, 12)
}

/** 16 hexadecimal digits for any JSON value; object keys count in the order written. */
export function keyOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16)
}

// JSON as the workshop writes it, and as somebody else may have written it: its shape is looked at, not trusted.

/**
 * A row as a line of JSONL. A lone surrogate, which is no character and which other readers refuse, becomes U+FFFD;
 * JSON spells nothing else as `\ud`.
 */
export function jsonLine(row: object): string {
  const text = JSON.stringify(row)
  return text.includes('\\ud') ? text.replace(/\\(ud[89a-f]..|.)/g, asCharacter) : text
}

function asCharacter(escape: string): string {
  return escape.length > 2 ? '\ufffd' : escape
}

/** What a text says as JSON, with or without a byte order mark; undefined where it is none. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    return undefined
  }
}

/** A field of what may be no object at all. */
export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

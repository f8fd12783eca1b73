// Model text is hostile input: what could steer a terminal or hide in a line is taken out before it is printed.

// C0 and C1 controls, soft hyphens, zero-width and bidirectional marks, line separators, tag characters, lone surrogates.
const hidden =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udfff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

/** The text on one line, white space folded, nothing in it that a terminal would obey. */
export function plain(text: string): string {
  return text.replace(/\s+/g, ' ').replace(hidden, '').trim()
}

/** The same line by line, for texts of several lines. */
export function plainLines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.replace(hidden, ''))
    .join('\n')
}

// East Asian wide characters and emoji take two columns.
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u

/** The columns a text takes on a terminal. */
export function widthOf(text: string): number {
  let width = 0
  for (const character of text) width += wide.test(character) ? 2 : 1
  return width
}

/** The text cut to so many columns, with an ellipsis where something is missing. */
export function cutToWidth(text: string, columns: number): string {
  if (text.length * 2 <= columns || widthOf(text) <= columns) return text
  let width = 1
  let cut = ''
  for (const character of text) {
    width += wide.test(character) ? 2 : 1
    if (width > columns) break
    cut += character
  }
  return `${cut}…`
}

/** The text in lines of at most so many columns; it breaks at a space or between wide characters, else inside a word. */
export function wrapToWidth(text: string, columns: number): string[] {
  if (text.length * 2 <= columns || widthOf(text) <= columns) return [text]
  const lines: string[] = []
  let line = ''
  let width = 0
  for (const piece of text.match(pieces) ?? []) {
    for (const part of widthOf(piece.trimEnd()) > columns ? piece : [piece]) {
      if (width + widthOf(part.trimEnd()) > columns && line !== '') {
        lines.push(line.trimEnd())
        line = ''
        width = 0
      }
      line += part
      width += widthOf(part)
    }
  }
  return [...lines, line.trimEnd()]
}

// A wide character with the punctuation that may not open a line, or a word with the space after it.
const wideRange = String.raw`\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff00-\uffef`
const pieces = new RegExp(
  String.raw`[${wideRange}][，。、；：！？）》”]*|[^\s${wideRange}]*\s|[^\s${wideRange}]+`,
  'gu',
)

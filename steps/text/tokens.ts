/** Cuts text into the tokens that ROUGE-L compares. On pure ASCII they are those of Google's `rouge_score` without
 *  stemming; in other scripts a token is a word where words are spaced, and one character where they are not. */

/** Written without spaces between words: Chinese, Japanese, Thai, Lao, Khmer. */
const UNSPACED = String.raw`\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}`
/** Neither letter, digit nor mark: punctuation, symbols, spaces, controls. */
const OTHER = String.raw`\p{P}\p{S}\p{Z}\p{C}`

/** One character with the marks on it, or a run of letters and digits; a mark stays in its word but opens none. */
const TOKEN = new RegExp(
  String.raw`[^${OTHER}\p{M}${UNSPACED}][^${OTHER}${UNSPACED}]*|(?=[\p{L}\p{N}])[${UNSPACED}]\p{M}*`,
  'gu',
)
const ASCII = /^[\x00-\x7f]*$/
/** Soft hyphen and the joiners of Persian and Indic scripts stand inside words and are not read. */
const INVISIBLE = /[\u00ad\u200c\u200d]/g

export function tokenize(text: string): string[] {
  if (ASCII.test(text)) return text.toLowerCase().match(/[a-z0-9]+/g) ?? []
  return text.normalize('NFKC').replace(INVISIBLE, '').toLowerCase().match(TOKEN) ?? []
}

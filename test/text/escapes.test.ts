import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readInstances } from '../../steps/text/replies.ts'

/** The output of a reply in which `written` stands between the quotes, backslashes and all. */
const read = (written: string) =>
  readInstances(`{"instances":[{"input":"","output":"${written}"}]}`, false, false)?.instances[0]?.output

const formulas =
  String.raw`\frac{1}{2} \forall x \flat \frown \boldsymbol{x} \beta \binom{n}{k} \bar{x} \bigl( \theta \times 2
\text{cm} \textbf{a} \tfrac{1}{2} \tan x \tanh x \tau \to 0 \top \tilde{x} \tag{1} \therefore \triangle \nabla f \neq 0 \nu \ne 0 \neg p
\notin A \ni x \nmid b \nleq c \newline \nonumber \rho \right) \rangle \rfloor \rceil \rbrace \rightarrow \rm{a} \ref{x} \rvert
\rtimes \ratio \alpha \sum_{i} \sqrt{2} \uparrow \underline{a} \usepackage \cup \{a\} \, \; \% \& \_ \Rightarrow \unknown`
    .split(/ (?=\\)|\n/)
    .filter((formula) => formula.startsWith('\\'))

describe('LaTeX with single backslashes', () => {
  it.each(formulas)('is read as it was written: %s', (formula) => {
    for (const text of [
      `The value is $${formula}$ here.`,
      `It is $x = ${formula} + 1$.`,
      `So $$y ${formula}$$`,
    ])
      expect(read(text)).toBe(text)
  })

  it.each([
    String.raw`Both \(\theta\) and \[ \nabla f \] count.`,
    String.raw`Here \alpha and \theta and \nabla stand beside \frac{1}{2}.`,
    String.raw`A matrix $\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}$ of two rows.`,
    String.raw`The fraction \frac{a}{b} alone.`,
  ])('comes back outside of dollars where other LaTeX stands: %s', (text) => {
    expect(read(text)).toBe(text)
  })

  it.each([
    ['tabs between words', String.raw`Name\tAge\nTom\t9`, 'Name\tAge\nTom\t9'],
    [
      'lines that begin like commands',
      String.raw`First\nu is a letter\nexists too\ttop`,
      'First\nu is a letter\nexists too\ttop',
    ],
    ['prices', String.raw`It costs $5\tand $6\nto go`, 'It costs $5\tand $6\nto go'],
    ['tabs beside a formula', String.raw`Area\tBreadth\t$\\pi r^2$`, 'Area\tBreadth\t$\\pi r^2$'],
    [
      'lines beside a formula',
      String.raw`Take $\\pi$.\nUse it\nin the end`,
      'Take $\\pi$.\nUse it\nin the end',
    ],
    ['lines of a formula that is set off', String.raw`$$\nx = 2\n$$`, '$$\nx = 2\n$$'],
    [
      'doubled backslashes',
      String.raw`$\\frac{1}{2} \\times \\theta$`,
      String.raw`$\frac{1}{2} \times \theta$`,
    ],
    ['a pattern', String.raw`Match \d+\s with it.`, String.raw`Match \d+\s with it.`],
    ['code', String.raw`if x:\n\treturn t\n\tnext()`, 'if x:\n\treturn t\n\tnext()'],
  ])('leaves %s alone', (_, written, text) => {
    expect(read(written)).toBe(text)
  })
})

describe('Windows paths with single backslashes', () => {
  it.each([
    String.raw`Open C:\Users\name\notes.txt now.`,
    String.raw`Copy C:\temp\new.txt first.`,
    String.raw`See D:\Work\reports\tables\book.csv for it.`,
    String.raw`It is on \\server\share\new\list.txt there.`,
    String.raw`Start C:\Program Files\tool\run.exe twice.`,
  ])('are read as they were written: %s', (text) => {
    expect(read(text)).toBe(text)
  })

  it.each([
    [
      'with doubled backslashes',
      String.raw`Open C:\\Users\\name\\new.txt now.`,
      String.raw`Open C:\Users\name\new.txt now.`,
    ],
    [
      'before a new line',
      String.raw`Go to C:\\Users\\bob\nthen open it.`,
      'Go to C:\\Users\\bob\nthen open it.',
    ],
    ['that are none', String.raw`A:\tyes\nB:\tno`, 'A:\tyes\nB:\tno'],
  ])('stay what JSON says %s', (_, written, text) => {
    expect(read(written)).toBe(text)
  })
})

it('valid JSON without LaTeX or paths is read as JSON reads it', () => {
  const words = fc.constantFrom(
    'tan',
    'u',
    'and',
    '\t',
    '\n',
    ' ',
    '"',
    '\\',
    '五',
    '5',
    '.',
    ',',
    '[',
    '}',
    ':',
  )
  fc.assert(
    fc.property(fc.array(words, { maxLength: 12 }), (parts) => {
      const text = `x${parts.join('').replaceAll(/\\(?=[a-z[\]{}])/g, '')}x`
      fc.pre(!/\b[a-z]:[\n\t]/.test(text)) // x:\n reads as a drive
      expect(read(JSON.stringify(text).slice(1, -1))).toBe(text)
    }),
  )
})

// The leading verb of an English instruction: the first word of the first clause that opens with a known verb.
import type { Leading } from './verbs.ts'

const verbs = new Set(
  `add advise analyse analyze announce answer argue arrange ask assemble assess assign balance be brainstorm build
  calculate categorise categorize change check choose cite classify clean combine come comment compare compile complete
  compose compute condense conduct consider console construct continue convert correct count create criticise criticize
  critique debug decide decode decompose deduce define demonstrate derive describe design detect determine develop devise
  diagnose differentiate discuss distinguish divide draft draw edit elaborate eliminate encode enumerate estimate evaluate
  examine expand explain explore express extend extract fill find finish fix format formulate generate give grade group
  guess help highlight identify illustrate imagine implement improve include infer insert interpret introduce invent
  judge justify keep label leave let link list locate look make map mark match measure mend mention merge mimic mirror
  modify multiply name narrate negate note number observe offer order organise organize outline paraphrase parse perform
  persuade phrase pick plan play point pose predict prepare present pretend print produce proofread propose prove provide
  pull punctuate put rank rate read rearrange recall recast recite reckon recognise recognize recommend reduce refactor
  reformulate refute remove rename render reorder repeat rephrase replace reply report research respond
  restate restore retell return reverse review revise reword rewrite rhyme round say score search select sentence set
  shorten show simplify simulate sketch solve sort specify spell split spot state substitute sum suggest summarise
  summarize supply suppose swap take teach tell test think trace transcribe transform translate treat trim turn
  underline unscramble update use verify weigh work write`.split(/\s+/),
)
const polite =
  /^(?:(?:please|kindly|now|then|first|next|and|just|also|can you|could you|would you|i want you to)\s+)+/
const particles = new Set(
  'up out down off with of about on for in into as to at from over whether back'.split(' '),
)
const determiners = new Set(
  `a an the this these that those each every all any some both following given me us my your our his her their its it
  one two three four five six seven eight nine ten new possible different several few more many`.split(/\s+/),
)
// A noun phrase ends where one of these begins.
const closers = new Set(
  `he she him her them there who take made about after against among and are as at based because before below between but by containing describing during for
  from given how if in including inside into is like of on or over per since so such than that to toward towards under
  until using would could should can do does has have was were needed what when where whether which while who why with within without you your they it`.split(
    /\s+/,
  ),
)

export function leadingEnglish(instruction: string): Leading | undefined {
  for (const clause of instruction.toLowerCase().split(/[.,;:!?\n—–]+\s*/)) {
    const words =
      clause
        .trim()
        .replace(polite, '')
        .match(/[a-z][a-z'’-]*|["“(]|\d+/g) ?? []
    const [verb = ''] = words
    if (verbs.has(verb)) return { verb, object: objectIn(words.slice(1)) }
  }
  return undefined
}

/** The last word of the first noun phrase: "a short poem about the sea" → "poem". */
function objectIn(words: readonly string[]): string {
  let at = 0
  while (particles.has(words[at] ?? '')) at++
  while (determiners.has(words[at] ?? '') || /^\d/.test(words[at] ?? '')) at++
  let head = ''
  for (const word of words.slice(at)) {
    if (closers.has(word) || !/^[a-z]/.test(word)) break
    if (!word.endsWith('ly')) head = word
  }
  return singular(head.replace(/['’]s?$/, ''))
}

function singular(noun: string): string {
  if (/[^aeiou]ies$/.test(noun)) return noun.replace(/ies$/, 'y')
  if (/(?:[sxz]|ch|sh)es$/.test(noun)) return noun.slice(0, -2)
  return /[^suiy]s$/.test(noun) ? noun.slice(0, -1) : noun
}

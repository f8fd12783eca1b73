// Rows that try to break out of the page, and some that do not.
import type { Files } from './folder.ts'

export const attacks = [
  '</script><script>document.title = "owned"</script>',
  '<img src=x onerror="document.title = \'owned\'">',
  '<!-- <script> \u2028 \u2029 ]]> -->',
  '"><svg onload=document.title="owned"> & &lt; \' ` ${document.title}',
  '\u202Edesrever\u202C \u0000 \uD800 </style><style>body{display:none}',
]

const near = (instruction: string) => ({ instruction: `${instruction}, please`, score: 0.65 })
const tasks = [
  ...attacks.map((text) => `Explain what ${text} means.`),
  'Name three rivers of Europe.',
  'Write a haiku.',
]

/** Every field of every file holds an attack. */
export const hostileFiles: Files = {
  '1-instructions': tasks.map((instruction) => ({
    instruction,
    most_similar: near(instruction),
    call: 'c1',
  })),
  '2-classified': tasks.map((instruction) => ({ instruction, is_classification: true })),
  '3-instances': tasks.map((instruction, place) => ({
    instruction,
    is_classification: true,
    instances: [{ input: attacks[place % 5], output: attacks[(place + 1) % 5] }],
    call: attacks[0],
  })),
  '4-dataset': tasks.map((instruction, place) => ({
    instruction,
    input: place > 4 ? '' : attacks[place],
    output: attacks[(place + 1) % 5],
  })),
  rejected: [
    ...attacks.map((text) => ({
      step: 'filter',
      reason: text,
      detail: text,
      instruction: text,
      input: text,
    })),
    {
      step: 'generate',
      reason: 'near_duplicate',
      detail: `0.81 to: Explain what ${attacks[0]} means.`,
      instruction: `Explain what ${attacks[0]} really means.`,
      most_similar: { instruction: `Explain what ${attacks[0]} means.`, score: 0.8125 },
    },
  ],
}

export const hostileSettings = { provider: 'openai', model: attacks[0] }

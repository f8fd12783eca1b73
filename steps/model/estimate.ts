// What a run will take, before it starts: requests and dollars, from what the four kinds of request measure on average.
import type { Step } from '../workspace/folder.ts'
import type { Price } from './prices.ts'
import { dollars } from './prices.ts'

// Rows that one request serves, and tokens of request and reply as measured on runs with the shipped seed tasks.
const requests: Record<Step, { serves: number; prompt: number; completion: number }> = {
  generate: { serves: 6, prompt: 400, completion: 230 },
  classify: { serves: 20, prompt: 500, completion: 300 },
  instances: { serves: 1, prompt: 230, completion: 110 },
  filter: { serves: 4, prompt: 700, completion: 220 }, // the judge
}

/** For so many rows in each of these steps; `dollars` is undefined when the price is not known. */
export function estimate(rows: number, steps: readonly Step[], price: Price | undefined, judge = false) {
  const sum = { calls: 0, prompt_tokens: 0, completion_tokens: 0, cached_tokens: 0 }
  for (const step of steps) {
    if (step === 'filter' && !judge) continue
    const calls = Math.ceil(rows / requests[step].serves)
    sum.calls += calls
    sum.prompt_tokens += calls * requests[step].prompt
    sum.completion_tokens += calls * requests[step].completion
  }
  return { ...sum, dollars: dollars(sum, price) }
}

// What a server says of its limit in the headers of a reply, in whatever way it spells it.
import { describe, expect, it } from 'vitest'
import { quotaIn } from '../../steps/model/limits.ts'

const headers = (of: string, limit: string, remaining: string, reset: string): Headers =>
  new Headers({
    [`x-ratelimit-limit${of}`]: limit,
    [`x-ratelimit-remaining${of}`]: remaining,
    [`x-ratelimit-reset${of}`]: reset,
  })

describe('the limit of a server', () => {
  it.each([
    ['seconds', '1s', 1000],
    ['minutes and seconds', '6m0s', 360_000],
    ['milliseconds', '120ms', 120],
    ['parts of a second', '2m59.56s', 179_560],
    ['a number of seconds', '30', 30_000],
    ['a time that is past', '1700000000', 0],
  ])('is told with a time in %s', (_, reset, ms) => {
    expect(quotaIn(headers('-requests', '60', '59', reset), 0)).toEqual({ limit: 60, left: 59, reset: ms })
    expect(quotaIn(headers('', '60', '59', reset), 0)).toEqual({ limit: 60, left: 59, reset: ms })
  })

  it('may be one of tokens, and is then one of such replies', () => {
    const both = new Headers([
      ...headers('-requests', '60', '59', '1s'),
      ...headers('-tokens', '9000', '1200', '2s'),
    ])
    expect(quotaIn(both, 300)).toEqual({ limit: 30, left: 4, reset: 2000 })
    expect(quotaIn(both, 0)).toEqual({ limit: 60, left: 59, reset: 1000 })
  })

  it.each([
    ['the limit', '', '5', '1s'],
    ['what is left', '60', '', '1s'],
    ['the time', '60', '5', ''],
    ['a number', '60', 'many', '1s'],
    ['one number', '60, 60;w=1', '5', '1s'],
    ['a limit that lets anybody in', '0', '0', '1s'],
    ['a span', '60', '5', 'Fri, 27 Nov 2026 23:00:00 GMT'],
  ])('is not told by headers that lack %s', (_, limit, remaining, reset) => {
    expect(quotaIn(headers('-requests', limit, remaining, reset), 0)).toBeUndefined()
  })
})

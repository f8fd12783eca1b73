// Answers arrive in any order and are taken in the order of the questions, so that a run does not depend on timing.

/** Members under way for each request in flight: while one reply takes ten or twenty times as long, no slot is idle. */
export const ahead = 32

/** Works on many members at a time and yields what comes of each, in order. `ahead`: members under way at most. */
export async function* inOrder<In, Out>(
  members: AsyncIterable<In> | Iterable<In>,
  work: (member: In) => Promise<Out>,
  ahead: number,
): AsyncGenerator<Out> {
  const underWay: Promise<Out>[] = []
  try {
    for await (const member of members) {
      const answer = work(member)
      answer.catch(() => undefined) // a rejection is seen when its turn comes
      underWay.push(answer)
      if (underWay.length >= ahead) yield (await underWay.shift()) as Out
    }
    while (underWay.length > 0) yield (await underWay.shift()) as Out
  } finally {
    await Promise.allSettled(underWay)
  }
}

/** Members in groups of `size` by position, the last one smaller. */
export async function* inGroups<T>(
  members: AsyncIterable<T> | Iterable<T>,
  size: number,
): AsyncGenerator<T[]> {
  let group: T[] = []
  for await (const member of members) {
    group.push(member)
    if (group.length < size) continue
    yield group
    group = []
  }
  if (group.length > 0) yield group
}

/** What step 1 tells its schedule. `accepted[n]`: how many candidates were accepted in the first n replies. */
type Bootstrap<T> = {
  ask: (k: number, seen: number) => Promise<T>
  accepted: readonly number[]
  wanted: number
  goesOn: () => boolean
}

// Expected of the first reply, when none has shown what to expect: 6 of 10 candidates pass.
const expectedYield = 6

// Replies that request k may see: the first half of those before it.
const half = (k: number): number => Math.ceil(k / 2)

/**
 * The schedule of step 1, where replies feed later prompts. Request k sees the first ⌈k/2⌉ replies, whatever the
 * target, and is sent as soon as these are read when they suggest that it will be needed, or else when all earlier
 * ones are read and the need is unmet. So the pool grows wave by wave, requests run side by side, and neither timing
 * nor concurrency nor a larger target changes what an earlier request asked.
 */
export async function* bootstrap<T>({ ask, accepted, wanted, goesOn }: Bootstrap<T>): AsyncGenerator<T> {
  const replies: Promise<T>[] = []
  const expected = (k: number): boolean => {
    const seen = accepted[half(k)] ?? 0
    const each = half(k) === 0 ? expectedYield : seen / half(k)
    return seen + (k - half(k)) * each < wanted
  }
  const send = (): void => {
    const reply = ask(replies.length, half(replies.length))
    reply.catch(() => undefined)
    replies.push(reply)
  }
  try {
    for (let read = 0; goesOn(); read++) {
      if (replies.length === read) send()
      while (half(replies.length) <= read && expected(replies.length)) send()
      yield (await replies[read]) as T
    }
  } finally {
    await Promise.allSettled(replies)
  }
}

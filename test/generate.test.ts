// Step 1 alone: its schedule, the deck of seed tasks, copies of what it showed, and the tasks past the need.
import { describe, expect, it } from 'vitest'
import { screenWords } from '../steps/display/words.ts'
import { generateInstructions, replies } from '../steps/generate.ts'
import type { Message, Wire } from '../steps/model/call.ts'
import { wantedFirst, wantedNext } from '../steps/model/account.ts'
import { Deck, randomFor, shuffle } from '../steps/text/pool.ts'
import { replied } from './support/model.ts'
import { runStep } from './support/round.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('the schedule of step 1', () => {
  /** Runs the schedule with replies that each bring so many accepted instructions; records what each request saw. */
  async function run(brought: number, wanted: number, order: (ready: number[]) => number) {
    const accepted = [0]
    const seenBy: number[] = []
    const waiting = new Map<number, () => void>()
    const ask = (k: number, seen: number) => {
      seenBy[k] = seen
      return new Promise<void>((resolve) => waiting.set(k, resolve))
    }
    const unmet = () => (accepted.at(-1) ?? 0) < wanted
    const waves = replies({ ask, accepted, wanted, unmet })
    const done = (async () => {
      for await (const _ of waves) accepted.push((accepted.at(-1) ?? 0) + brought)
    })()
    let finished = false
    void done.then(() => (finished = true))
    while (!finished) {
      await turn()
      if (waiting.size === 0) continue
      const k = order([...waiting.keys()])
      waiting.get(k)?.()
      waiting.delete(k)
    }
    return { seenBy, read: accepted.length - 1 }
  }
  const first = (ready: number[]) => ready[0] ?? 0
  const last = (ready: number[]) => ready.at(-1) ?? 0

  it('shows two requests seed tasks alone, four one reply, many two, then four one reply more each', async () => {
    const { seenBy } = await run(3, 210, first)
    expect(seenBy.slice(0, 8)).toEqual([0, 0, 1, 1, 1, 1, 2, 2])
    expect(seenBy.slice(62, 70)).toEqual([2, 2, 3, 3, 3, 3, 4, 4])
  })

  it.each([
    ['fills many in flight as soon as two replies are in', () => 6, 330, [2, 53]],
    [
      'sends all that are missing where the first replies promised too much',
      (k: number) => (k < 2 ? 10 : 5),
      200,
      [2, 18, 17, 1],
    ],
    [
      'sends no whole wave for first replies that brought nothing',
      (k: number) => (k < 2 ? 0 : 8),
      22,
      [2, 8],
    ],
  ])('%s', async (_, brought, wanted, waves) => {
    const accepted = [0]
    const underWay: (() => void)[] = []
    const ask = () => new Promise<void>((resolve) => underWay.push(resolve))
    const sent: number[] = []
    const unmet = () => (accepted.at(-1) ?? 0) < wanted
    const reading = (async () => {
      for await (const _reply of replies({ ask, accepted, wanted, unmet }))
        accepted.push((accepted.at(-1) ?? 0) + brought(accepted.length - 1))
    })()
    for (await turn(); underWay.length > 0; await turn()) {
      sent.push(underWay.length)
      for (const answer of underWay.splice(0)) answer()
    }
    await reading
    expect(sent).toEqual(waves)
  })

  it.each([1, 3, 6, 10])(
    'asks the same, in whatever order replies come (%i accepted a reply)',
    async (brought) => {
      expect(await run(brought, 60, last)).toEqual(await run(brought, 60, first))
    },
  )

  it('sends hardly more than is needed', async () => {
    const { seenBy, read } = await run(6, 120, first)
    expect(read).toBe(20)
    expect(seenBy.length - read).toBeLessThanOrEqual(1)
  })

  it('asks on when the replies bring less than expected', async () => {
    expect((await run(1, 30, last)).read).toBe(30)
  })
})

const seedTasks = Array.from({ length: 30 }, (_, place) => ({
  instruction: `Seed task number ${place} speaks of ${'abcdefghijklmnopqrstuvwxyz0123'.charAt(place)}.`,
}))
const subjects = 'acorn bridge candle desert engine forest garden harbour island jungle kettle ladder'.split(
  ' ',
)
const places = 'meadow needle orchard palace quarry river saddle temple valley window yard zoo'.split(' ')

/** The tasks a request shows. */
function shownIn(messages: readonly Message[]): string[] {
  const turn = messages.findLast(({ role }) => role === 'assistant')?.content ?? '{}'
  return (JSON.parse(turn) as { tasks: string[] }).tasks
}

/** A model that writes ten new tasks a reply; `shown` gathers what each request showed. */
function writer(shown: string[][]): Wire {
  let written = 0
  return async ({ messages }) => {
    shown.push(shownIn(messages))
    const tasks = Array.from({ length: 10 }, () => {
      const words = shuffle([...subjects, ...places], randomFor('task', written++))
      return `${words.slice(0, 7).join(' ')}?`
    })
    return replied(JSON.stringify({ tasks }))
  }
}

describe('the seed tasks', () => {
  it('are dealt like cards: all are shown before one is shown again', async () => {
    const shown: string[][] = []
    await runStep(generateInstructions, { wire: writer(shown), seeds: seedTasks, wanted: 60 })
    const seeds = shown.map((hand) => hand.filter((task) => task.startsWith('Seed')))
    expect(new Set(seeds.slice(0, 4).flat()).size).toBe(28)
    expect(new Set(seeds.slice(0, 5).flat()).size).toBe(30)
    for (const hand of shown) expect(new Set(hand).size).toBe(hand.length)
    expect(shown.map((hand) => hand.filter((task) => !task.startsWith('Seed')).length).slice(0, 4)).toEqual([
      0, 0, 2, 2,
    ])
  })

  it.each([1, 3, 8, 9, 12, 30, 175])('from a deck of %i come in hands without doubles, evenly', (size) => {
    const members = Array.from({ length: size }, (_, place) => place)
    const deck = new Deck(members, 8, (n) => randomFor('test', n))
    const hands = Array.from({ length: 60 }, (_, k) => deck.deal(6 * k, 6))
    for (const hand of hands) expect(new Set(hand).size).toBe(Math.min(6, size))
    const counts = members.map((member) => hands.flat().filter((card) => card === member).length)
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(size < 6 ? 60 : 2)
  })

  it('are the same cards for whoever asks, in whatever order', () => {
    const deck = () => new Deck(subjects, 8, (n) => randomFor('test', n))
    const [forward, backward] = [deck(), deck()]
    const late = backward.deal(40, 6)
    expect(Array.from({ length: 8 }, (_, k) => forward.deal(5 * k, 6)).length).toBe(8)
    expect(forward.deal(40, 6)).toEqual(late)
  })
})

describe('a reply that copies', () => {
  const given = { seeds: seedTasks, wanted: 3 }

  it('loses the tasks it was shown, under a name of their own, and keeps the rest', async () => {
    const wire: Wire = async ({ messages }) => {
      const [first = '', second = ''] = shownIn(messages)
      const tasks = [
        first,
        second.toUpperCase(),
        'Name three sorts of cheese.',
        'Add 4 and 5 in words.',
        'Tell a short tale of a goat.',
      ]
      return replied(JSON.stringify({ tasks }))
    }
    const files = await runStep(generateInstructions, { ...given, wire })
    expect(files.rejects.map((row) => row.reason)).toEqual(['copied_demonstration', 'copied_demonstration'])
    expect(files.rows).toBe(3)
  })

  it('and holds nothing else is asked for again, as a new sample', async () => {
    const samples: number[] = []
    const wire: Wire = async ({ messages, sample }) => {
      samples.push(sample)
      const tasks =
        sample === 0
          ? shownIn(messages)
          : ['Name three sorts of cheese.', 'Add 4 and 5 in words.', 'Tell a short tale of a goat.']
      return replied(JSON.stringify({ tasks }))
    }
    const files = await runStep(generateInstructions, { ...given, wire })
    expect(samples).toEqual([0, 1])
    expect(files.rejects).toEqual([])
  })
})

describe('a model that says again what it is shown', () => {
  it('ends step 1 after four such replies, with that sentence and not with "run dry"', async () => {
    const shown: string[][] = []
    const wire: Wire = async ({ messages }) => {
      shown.push(shownIn(messages))
      return replied(
        JSON.stringify({
          tasks: [...shownIn(messages).slice(0, 7), `Tell a tale of ${shown.length} goats.`],
        }),
      )
    }
    const files = await runStep(generateInstructions, { wire, seeds: seedTasks, wanted: 40 })
    expect(files.counts.asked).toBe(40)
    expect(files.remarks.map((remark) => remark(screenWords.en))).toEqual([screenWords.en.onlyCopies])
  })
})

describe('a model whose candidates are all lost', () => {
  const verbs = ['Describe', 'Compare', 'Explain', 'Weigh up', 'Retell', 'Shorten', 'Defend', 'List']
  const nouns = ['a river', 'a lamp', 'the harbour', 'two kings', 'an old song', 'my garden', 'this engine']
  const task = (n: number, end: string) => `${verbs[n % 8]} ${nouns[n % 7]} ${n} ${end}`
  const lostBy = {
    wrong_language: (n: number) => `请说明第${n}座桥与第${n * 7}条河的三处不同，并写出理由。`,
    blocked_keyword: (n: number) => task(n, 'and draw a picture of it.'),
    too_short: (n: number) => `Name ${n}.`,
    near_duplicate: () => 'Give me the names of three long rivers in Asia.',
  }
  /** What step 1 says at its end. */
  const toldOf = async (language: 'en' | 'zh', ...tasks: ((n: number) => string)[]) => {
    let n = 0
    const next = (): string => tasks[n % tasks.length]?.(n++) ?? ''
    const wire: Wire = async () => replied(JSON.stringify({ tasks: Array.from({ length: 10 }, next) }))
    const files = await runStep(generateInstructions, { wire, seeds: seedTasks, wanted: 40 })
    return files.remarks.map((remark) => remark({ en: screenWords.en, zh: screenWords.zh }[language]))
  }

  it.each([
    ['wrong_language', '100 wrong_language', '--language'],
    ['blocked_keyword', '100 blocked_keyword', '--rules -blocked_keyword'],
    ['too_short', '100 too_short', '--rules -too_short'],
  ] as const)('to %s is told so, with how many and what helps', async (reason, count, cure) => {
    const [told = '', ...others] = await toldOf('en', lostBy[reason])
    expect(others).toEqual([])
    expect(told).toContain(count)
    expect(told).toContain(cure)
    expect(told).not.toMatch(/dry|new\./)
  })

  it('to several reasons is told them in order, in Chinese too', async () => {
    const { wrong_language, too_short } = lostBy
    const [told] = await toldOf('zh', wrong_language, wrong_language, too_short)
    expect(told).toMatch(/6[67] 语言不符 wrong_language，3[34] 太短 too_short。/)
    expect(told).toContain('--language')
  })

  it('to likeness has nothing new to say, though a few are lost otherwise', async () => {
    const { near_duplicate, too_short } = lostBy
    expect(await toldOf('en', near_duplicate, near_duplicate, too_short)).toEqual([screenWords.en.bankEmpty])
  })
})

describe('the plan', () => {
  it('takes no more instructions than are wanted: the rest of a reply is over at once', async () => {
    const shown: string[][] = []
    const files = await runStep(generateInstructions, { wire: writer(shown), seeds: seedTasks, wanted: 14 })
    expect(files.rows).toBe(14)
    expect(files.rejects.map((row) => row.reason)).toEqual(Array.from({ length: 6 }, () => 'beyond_target'))
    expect(shown).toHaveLength(2)
  })

  it.each([
    [20, false, 22],
    [1, false, 2],
    [100, false, 110],
    [500, false, 523],
    [20, true, 25],
  ])('asks at first for up to a tenth more than %i, by batch (%s) for a quarter', (target, batch, wanted) => {
    expect(wantedFirst({ target, batch }, { standIn: false })).toBe(wanted)
  })

  it.each([
    [20, 22, 18, 25],
    [20, 22, 11, 40],
    [20, 22, 0, 462],
  ])(
    'of %i with %i accepted and %i kept asks for what is missing at that rate',
    (target, accepted, kept, wanted) => {
      expect(wantedNext(target, accepted, kept)).toBe(wanted)
    },
  )
})

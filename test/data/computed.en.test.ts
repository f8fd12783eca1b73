// Answers that can be computed are computed: sums, dates, orders, units, anagrams, counts, limits of length. Where
// the fault of a task is a wrong sum, what stands there must differ from the computed answer, and in one place only.

import { describe, expect, it } from 'vitest'
import { readOfflineTasks, readSeedTasks } from './tasks.ts'

type Compute = (input: string) => string

const tasks = new Map(
  [...readOfflineTasks('en'), ...readSeedTasks('en')].map((task) => [task.instruction, task.instances]),
)

function instancesOf(instruction: string) {
  const instances = tasks.get(instruction)
  if (!instances) throw new Error(`no such task: ${instruction}`)
  return instances
}

const numbers = (text: string) => (text.match(/-?\d+(?:\.\d+)?/g) ?? []).map(Number)
const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0)
const plainly = (value: number) => String(Number(value.toFixed(6)))
const grouped = (value: number) => value.toLocaleString('en-GB')
const lines = (text: string, change: (line: string) => string) => text.split('\n').map(change).join('\n')
const letters = (text: string) => [...text.toLowerCase().replace(/[^a-z]/g, '')].toSorted().join('')
const count = (text: string, pattern: RegExp) => (text.match(pattern) ?? []).length
const words = (text: string) => count(text, /[\p{L}\p{N}][\p{L}\p{N}'’-]*/gu)
const byName = (a: string, b: string) => a.localeCompare(b, 'en')
const listed = (text: string) => text.split(/,\s*/)
const digitSum = (digits: string) => total([...digits].map(Number))
const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))
const afterColon = (text: string) => text.replace(/^[^:]*: ?/, '')

const DAY = 24 * 60 * 60 * 1000
const dayOf = (text: string) => Date.parse(`${text.replace('the ', '').replace(' of ', ' ')} UTC`)
const isoDate = (text: string) => new Date(dayOf(text)).toISOString().slice(0, 10)
const minutes = (time: string) => {
  const [hour = 0, minute = 0] = time.split(':').map(Number)
  return 60 * hour + minute
}
const clock = (sum: number) =>
  `${String(Math.floor(sum / 60) % 24).padStart(2, '0')}:${String(sum % 60).padStart(2, '0')}`

function primeFactors(value: number): number[] {
  for (let factor = 2; factor * factor <= value; factor++) {
    if (value % factor === 0) return [factor, ...primeFactors(value / factor)]
  }
  return [value]
}

function roman(text: string): number {
  const values = new Map(Object.entries({ I: 1, V: 5, X: 10, L: 50, C: 100, D: 500, M: 1000 }))
  const digits = [...text].map((letter) => values.get(letter) ?? NaN)
  return total(digits.map((digit, at) => (digit < (digits[at + 1] ?? 0) ? -digit : digit)))
}

const UNITS =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  )
const TENS = '- - twenty thirty forty fifty sixty seventy eighty ninety'.split(' ')

/** A number below a million in words, with the British "and". */
function inWords(value: number): string {
  if (value < 20) return UNITS[value] ?? ''
  if (value < 100)
    return [TENS[Math.floor(value / 10)], ...(value % 10 ? [inWords(value % 10)] : [])].join('-')
  const [size, name] = value < 1000 ? [100, 'hundred'] : [1000, 'thousand']
  const rest = value % size
  const joint = rest === 0 ? '' : `${rest < 100 ? ' and' : ','} ${inWords(rest)}`
  return `${inWords(Math.floor(value / size))} ${name}${joint}`
}

/** The next number of a row that grows by a constant factor, or whose differences of some order are constant. */
function next(row: readonly number[]): number {
  const [first = 0, second = 0] = row
  if (row.every((value, at) => at === 0 || value * first === (row[at - 1] ?? 0) * second))
    return ((row.at(-1) ?? 0) * second) / first
  if (row.every((value) => value === first)) return first
  return (row.at(-1) ?? 0) + next(row.slice(1).map((value, at) => value - (row[at] ?? 0)))
}

function age(text: string): number {
  const [birth = '', death = ''] = text.match(/(?:\d+ )?[A-Z][a-z]+ \d{4}/g) ?? []
  const [born, died] = [birth, death].map((day) => new Date(dayOf(/^\d/.test(day) ? day : `17 ${day}`)))
  if (!born || !died) return NaN
  const had = died.getUTCMonth() * 32 + died.getUTCDate() >= born.getUTCMonth() * 32 + born.getUTCDate()
  return died.getUTCFullYear() - born.getUTCFullYear() - (had ? 0 : 1)
}

/** What one side of a linear equation comes to for an x: "5x - 4", "x/4 + 2". */
function valueAt(x: number, side: string): number {
  const terms = side.replace(/ /g, '').matchAll(/([+-]?)(?:(\d+)x|x\/(\d+)|(\d+))/g)
  return total(
    [...terms].map(([, sign, times, over, constant]) => {
      const term = times ? Number(times) * x : over ? x / Number(over) : Number(constant)
      return sign === '-' ? -term : term
    }),
  )
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = [Math.floor((sorted.length - 1) / 2), Math.ceil((sorted.length - 1) / 2)]
  return total(middle.map((at) => sorted[at] ?? NaN)) / 2
}

function clockOfTwelve(time: string): string {
  const [hour = 0, minute = ''] = time.split(':').map((part, at) => (at === 0 ? Number(part) : part))
  return `${((Number(hour) + 11) % 12) + 1}:${minute} ${Number(hour) < 12 ? 'a.m.' : 'p.m.'}`
}

function atoms(side: string): Map<string, number> {
  const sum = new Map<string, number>()
  for (const [, factor, molecule = ''] of side.matchAll(/(\d+ )?([A-Z]\w*)/g)) {
    for (const [, element = '', times] of molecule.matchAll(/([A-Z][a-z]?)(\d*)/g)) {
      sum.set(element, (sum.get(element) ?? 0) + Number(factor ?? 1) * Number(times || 1))
    }
  }
  return sum
}

const order = (known: readonly string[]) => (input: string) =>
  listed(input)
    .toSorted((a, b) => known.indexOf(a) - known.indexOf(b))
    .join(', ')

/** The matches in a line of the tournament, each with its players in the order of the alphabet. */
function matchesIn(round: string): string[] {
  return (round.match(/[A-E]–[A-E]/g) ?? []).map((match) => match.split('–').toSorted().join(''))
}

const isPrime = (value: number) => primeFactors(value).length === 1
const answers: Record<string, Compute> = {
  'Count the vowels (a, e, i, o, u) in the word and answer with the number alone.': (word) =>
    String(count(word, /[aeiou]/g)),
  'Turn the list of temperatures into degrees Fahrenheit, one a line, no decimals.': (input) =>
    lines(input, (line) => `${Math.round(parseInt(line) * 1.8 + 32)} °F`),
  'Compute the total of the shopping list, in euros.': (input) =>
    `${total(input.split('\n').map((line) => numbers(line).reduce((a, b) => a * b))).toFixed(2)} euros`,
  'Sort the names alphabetically by surname, one a line.': (input) =>
    input
      .split('\n')
      .toSorted((a, b) => byName(a.split(' ').at(-1) ?? '', b.split(' ').at(-1) ?? ''))
      .join('\n'),
  'How many days lie between the two dates? Do not count the first day.': (input) => {
    const [from = 0, to = 0] = input.split(' and ').map(dayOf)
    return String((to - from) / DAY)
  },
  'Say whether the number is prime or composite.': (input) =>
    isPrime(Number(input)) ? 'prime' : 'composite',
  'Convert the recipe for four into one for six; keep the order and the units.': (input) =>
    lines(input, (line) => line.replace(/^\d+/, (amount) => String(Number(amount) * 1.5))),
  'Express the time span in hours and minutes.': (input) =>
    `${Math.floor(parseInt(input) / 60)} hours ${parseInt(input) % 60} minutes`,
  'State the greatest common divisor of the pair.': (input) => {
    const [a = 0, b = 0] = numbers(input)
    return String(gcd(a, b))
  },
  'Work out the sale price and round it to whole cents.': (input) => {
    const [price = 0, off = 0] = numbers(input)
    return `${((price * (100 - off)) / 100).toFixed(2)} euros`
  },
  'Convert the Roman numerals into ordinary numbers.': (input) => String(roman(input)),
  'Write down each number in words, British style.': (input) => inWords(Number(input.replace(',', ''))),
  'Mirror the word: spell it backwards.': (input) => [...input].toReversed().join(''),
  'Calculate the average speed in kilometres per hour.': (input) => {
    const [distance = 0, hours = 0, extra = 0] = numbers(input)
    return `${plainly(distance / (hours + extra / 60))} km/h`
  },
  'List the ingredients the cook still has to buy: what the dish needs and the larder lacks.': (input) => {
    const [needs = [], larder = []] = input
      .split('. ')
      .map((part) => listed(afterColon(part).replace('.', '')))
    return needs.filter((food) => !larder.includes(food)).join(', ')
  },
  'Decode the message: each letter has been moved three places forward in the alphabet.': (input) =>
    input.replace(/[A-Z]/g, (letter) => String.fromCharCode(((letter.charCodeAt(0) - 65 + 23) % 26) + 65)),
  'Alphabetise the fruit and number the list.': (input) =>
    listed(input)
      .toSorted(byName)
      .map((fruit, at) => `${at + 1}. ${fruit}`)
      .join('\n'),
  'Read the nutrition label and compute the sugar in the whole pack.': (input) => {
    const [sugar = 0, per = 0, pack = 0] = numbers(input)
    return `${plainly((sugar * pack * (input.includes('litres') ? 1000 : 1)) / per)} g`
  },
  'Extract all the amounts of money with their currency from the paragraph, in order of appearance.': (
    input,
  ) => (input.match(/[$€£][\d,]*\d/g) ?? []).join(', '),
  'Pick the kind of triangle by its sides: equilateral, isosceles or scalene.': (input) =>
    ['equilateral', 'isosceles', 'scalene'][new Set(numbers(input)).size - 1] ?? '',
  'Merge the two lists of guests: each name once, in alphabetical order.': (input) =>
    [...new Set(input.split('. ').flatMap((list) => listed(afterColon(list).replace('.', ''))))]
      .toSorted(byName)
      .join(', '),
  'Find the mean, the median and the range of the numbers.': (input) => {
    const row = numbers(input)
    return `mean ${total(row) / row.length}, median ${median(row)}, range ${Math.max(...row) - Math.min(...row)}`
  },
  'Arrange the planets that are named from nearest to the Sun to farthest.': order(
    listed('Mercury, Venus, Earth, Mars, Jupiter, Saturn, Uranus, Neptune'),
  ),
  'List the inventions from the oldest to the youngest, with commas between them.': order(
    listed('printing press, steam locomotive, telephone, transistor'),
  ),
  'Complete the table of the powers of two from 2^5 to 2^10, one a line.': () =>
    [5, 6, 7, 8, 9, 10].map((power) => `2^${power} = ${2 ** power}`).join('\n'),
  'Transform the 24-hour times into 12-hour times with a.m. or p.m.': (input) =>
    listed(input).map(clockOfTwelve).join(', '),
  'Count the words in the sentence.': (input) => String(words(input)),
  'Which costs less by the kilogram, the "small pack" or the "big pack"?': (input) => {
    const [grams = 0, small = 0, kilos = 0, big = 0] = numbers(input)
    return (small / grams) * 1000 < big / kilos ? 'small pack' : 'big pack'
  },
  'Give the time in the second city.': (input) => {
    const [from = 0, to = 0] = [...input.matchAll(/UTC([+-]\d+)/g)].map(([, offset]) => Number(offset))
    const time = minutes(/\d\d:\d\d/.exec(input)?.[0] ?? '') + 60 * (to - from)
    return clock(time) + (time >= 24 * 60 ? ' on the next day' : '')
  },
  'Give the ISO form (YYYY-MM-DD) of the date.': (input) =>
    isoDate(input.replace('31st', '31').replace('second', '2')),
  'Is the word an anagram of "listen"? Reply yes or no.': (input) =>
    letters(input) === letters('listen') ? 'yes' : 'no',
  'Find the area and the perimeter of the rectangle.': (input) => {
    const [a = 0, b = 0] = numbers(input)
    const unit = input.endsWith('cm') ? 'cm' : 'm'
    return `area ${a * b} ${unit}², perimeter ${2 * (a + b)} ${unit}`
  },
  'Which everyday number hides behind the binary digits?': (input) => String(parseInt(input, 2)),
  'A family of four spends these amounts a month. Find the biggest item and its share of the whole in per cent.':
    (input) => {
      const [rent = 0, ...others] = numbers(input)
      const whole = rent + total(others)
      return `rent: ${rent} of ${grouped(whole)}, that is ${plainly((100 * rent) / whole)} %`
    },
  'List the prime factors of the number in ascending order.': (input) =>
    primeFactors(Number(input)).join(', '),
  'Is the fraction larger than one half? Answer "larger", "smaller" or "equal".': (input) => {
    const [above = 0, below = 1] = numbers(input)
    return ['smaller', 'equal', 'larger'][Math.sign(2 * above - below) + 1] ?? ''
  },
  'Which season ticket pays off for the commuter: "single tickets" or "monthly pass"? A single ticket costs 3.00, the pass 75.00 a month.':
    (input) => (3 * parseInt(input) < 75 ? 'single tickets' : 'monthly pass'),
  'Dry, medium or sweet? Classify the cider from its residual sugar: dry below 9 g, medium from 9 to 20 g, sweet above 20 g a litre.':
    (input) => (parseFloat(input) < 9 ? 'dry' : parseFloat(input) <= 20 ? 'medium' : 'sweet'),
  'Recognise the type of number: natural, negative integer or neither.': (input) =>
    !Number.isInteger(Number(input)) ? 'neither' : Number(input) < 0 ? 'negative integer' : 'natural',
}

/** Tasks whose answer explains itself: what is computed stands in it. */
const within: Record<string, Compute> = {
  'Find the next number in each row and state the rule in a few words.': (input) =>
    `${next(numbers(input))}: `,
  'Simplify the fraction as far as possible.': (input) => {
    const [above = 0, below = 1] = numbers(input)
    return `${above / gcd(above, below)}/${below / gcd(above, below)}`
  },
  'Solve the equation for x.': (input) => {
    const [side = '', other = ''] = input.split(' = ')
    const x = [...Array(100).keys()].find((guess) => valueAt(guess, side) === valueAt(guess, other))
    return `x = ${x}`
  },
  'Check the arithmetic on the receipt and point out the mistake, if there is one.': (input) => {
    const [, , a = 0, , , b = 0, sum = 0] = numbers(input)
    return (a + b).toFixed(2) === sum.toFixed(2)
      ? 'is correct'
      : `${a.toFixed(2)} + ${b.toFixed(2)} = ${(a + b).toFixed(2)}`
  },
  'How much paint do I need? Allow one litre for ten square metres and two coats; ignore doors and windows; round up to whole litres.':
    () => `${Math.ceil((2 * (2 * 4 * 2.5 + 2 * 3 * 2.5)) / 10)} litres`,
  'How long would light need from the Sun to Neptune? Neptune is about 4.5 billion kilometres away; light travels 300,000 kilometres a second.':
    () => `${4.5e9 / 3e5 / 60} minutes`,
  'A ladder of 5 metres leans against a wall; its foot stands 3 metres from the wall. How high does it reach?':
    () => `reaches ${Math.sqrt(5 ** 2 - 3 ** 2)} metres`,
  'Estimate the reading time of the text at 200 words a minute.': (input) =>
    `${Number(input.replace(/\D/g, '')) / 200} minutes`,
  'Multiply in your head and show the trick.': (input) =>
    `= ${grouped(numbers(input).reduce((a, b) => a * b))}`,
  'Write a Python one-liner that gives all even squares below 200, and show what it returns.': () =>
    `returns ${[...Array(15).keys()]
      .map((n) => n * n)
      .filter((square) => square % 2 === 0)
      .join(', ')}.`,
  'How many weekdays (Monday to Friday) are there in a month of 30 days that begins on a Saturday? Show the reasoning.':
    () => `= ${[...Array(30).keys()].filter((day) => (day + 6) % 7 !== 6 && (day + 6) % 7 !== 0).length}.`,
  'A bag holds five red and three blue marbles. You take two without looking and without putting any back. How likely are two red ones?':
    () => `${5 * 4}/${8 * 7} = 5/14, about ${Math.round((100 * 5) / 14)} %`,
  'What is the chance of rolling a total of nine or more with two ordinary dice? Show the count.': () => {
    const faces = [1, 2, 3, 4, 5, 6]
    const ways = faces.flatMap((a) => faces.filter((b) => a + b >= 9)).length
    return `${ways}/36 = ${ways / gcd(ways, 36)}/${36 / gcd(ways, 36)}, about ${Math.round((100 * ways) / 36)} %`
  },
  'Estimate how many piano tuners could live off a city of one million people; show each assumption.': () =>
    `≈ ${Math.round(1e6 / 2.5 / 20 / (4 * 220))}`,
  'Which number between 1 and 100 is it?': (input) => {
    const fits = (value: number) =>
      input.includes('prime')
        ? value > 90 && isPrime(value)
        : Number.isInteger(Math.sqrt(value)) && value % 2 === 0 && digitSum(String(value)) === 10
    return [...Array(101).keys()].slice(1).filter(fits).join(' ')
  },
  'Read the timetable and say which bus Nadia must take to be at the school by 8:00, and how long she waits there.':
    () => {
      const bus = ['7:05', '7:25', '7:45'].findLast((time) => minutes(time) + 22 <= minutes('8:00'))
      return `at ${bus} and arrives at 7:${minutes(bus ?? '') + 22 - 420}, ${inWords(480 - minutes(bus ?? '') - 22)} minutes`
    },
  'On a holiday Ana paid 180 for the room, Ben 60 for petrol and Chloe 30 for food; the three share all costs equally. Work out who owes whom, with as few payments as possible.':
    () => `Ben pays Ana ${270 / 3 - 60}; Chloe pays Ana ${270 / 3 - 30}.`,
}

/** Tasks with a wrong sum: the true answers, of which what stands in the task misses exactly one. */
const truths: Record<string, Compute> = {
  'Add up the working hours of the week.': (input) => `${plainly(total(numbers(input)))} hours`,
  'A jacket costs 80 euros. It is first reduced by 25 %, then by another 10 % of the new price. What does it cost now?':
    () => `${plainly(80 * 0.75 * 0.9)} euros`,
  'How many minutes are there in a leap year of 366 days?': () => `${grouped(366 * 24 * 60)} minutes`,
  'Reckon the change the customer gets back.': (input) => {
    const [bill = 0, paid = 0] = numbers(input)
    return (paid - bill).toFixed(2)
  },
  'A train leaves at 9:48 and arrives at 14:15. How long is the journey?': () => {
    const spent = minutes('14:15') - minutes('9:48')
    return `${Math.floor(spent / 60)} hours and ${spent % 60} minutes`
  },
  'Give the sum of the digits of the number.': (input) => String(digitSum(input)),
  'A bat and a ball cost 1.10 together. The bat costs 1.00 more than the ball. What does the ball cost?':
    () => `ball costs ${((1.1 - 1) / 2).toFixed(2)}`,
  'Calculate the tip of 15 % and the total.': (input) => {
    const [bill = 0] = numbers(input)
    return `tip ${(bill * 0.15).toFixed(2)}, total ${(bill * 1.15).toFixed(2)}`
  },
  'How old was each person on the day of death?': (input) => String(age(input)),
  'A garden hose gives 12 litres a minute. How long does it take to fill a pool of 5 m × 3 m × 1.2 m?': () =>
    `${grouped((5 * 3 * 1.2 * 1000) / 12)} minutes`,
  'Write the decimal number in binary.': (input) => Number(input).toString(2),
  'Work out what the flat costs a month for each of three flatmates.': (input) =>
    `= ${plainly(total(numbers(input)) / 3)}.`,
  'In how many ways can four people stand in a row for a photo?': () => `${4 * 3 * 2} ways`,
  'Count how many times the letter is found in the word.': (input) => {
    const [letter = '', word = ''] = input.split(' in ')
    return String(word.split(letter).length - 1)
  },
  'Which day of the week will it be?': (input) => {
    const week = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
    const [ahead = 0] = numbers(input)
    return week[(week.findIndex((day) => input.includes(day)) + ahead) % 7] ?? ''
  },
  'Convert the distance from miles to kilometres (1 mile = 1.609 km), to one decimal place.': (input) =>
    `${(parseInt(input) * 1.609).toFixed(1)} km`,
  'Explain to a new driver why one should leave two seconds of distance, and what changes on wet roads.':
    () => `${Math.round((100 / 3.6) * 2)} metres`,
  'Find the number of tiles, 20 cm by 20 cm, for a floor of 3 m by 2 m; nothing is cut and nothing breaks.':
    () => `${(300 / 20) * (200 / 20)} tiles`,
}

describe('computed answers', () => {
  it.each(Object.keys(answers))('hold: %s', (instruction) => {
    const instances = instancesOf(instruction)
    const computed = instances.map(({ input }) => answers[instruction]?.(input))
    expect(instances.map(({ output }) => output)).toEqual(computed)
  })

  it.each(Object.keys(within))('stand in the answer: %s', (instruction) => {
    for (const { input, output } of instancesOf(instruction)) {
      expect(output).toContain(within[instruction]?.(input))
    }
  })

  it('differ once from what a task with a wrong sum says', () => {
    const wrong = readOfflineTasks('en').filter(({ fault }) => fault === 'wrong_sum')
    const missed = wrong.map(({ instruction, instances }) => {
      const right = instances.filter(({ input, output }) =>
        output.includes(truths[instruction]?.(input) ?? 'no truth for this task'),
      )
      return [instruction, instances.length - right.length]
    })
    expect(missed).toEqual(wrong.map(({ instruction }) => [instruction, 1]))
    expect(Object.keys(truths).toSorted()).toEqual(wrong.map(({ instruction }) => instruction).toSorted())
  })
})

describe('rearranged answers', () => {
  it.each([
    'Untangle the letters into an animal.',
    'Rearrange the words into a correct English sentence that ends with a full stop.',
  ])('use every letter once: %s', (instruction) => {
    const instances = instancesOf(instruction)
    expect(instances.map(({ output }) => letters(output))).toEqual(
      instances.map(({ input }) => letters(input)),
    )
  })

  it('are the named letters when the vowels are taken out again', () => {
    const instances = instancesOf('Supply the missing vowels of the European country.')
    expect(
      instances.map(({ output }) => [...output.toUpperCase().replace(/[AEIOU]/g, '')].join(' ')),
    ).toEqual(instances.map(({ input }) => input))
  })

  it('spell the rainbow with first letters', () => {
    const [aid] = instancesOf(
      'Come up with a memory aid for the order of the colours of the rainbow (red, orange, yellow, green, blue, indigo, violet) that is about food.',
    )
    expect(
      aid?.output
        .match(/\b[A-Z](?=[a-z]+)/g)
        ?.slice(0, 7)
        .join(''),
    ).toBe('ROYGBIV')
  })

  it('let every player of the tournament meet every other once', () => {
    const [plan] = instancesOf(
      'Set up a tournament for five table-tennis players in which everyone meets everyone once; two tables are free.',
    )
    const matches = (plan?.output.split('\n') ?? []).flatMap(matchesIn)
    expect(new Set(matches).size).toBe(10)
    expect(matches).toHaveLength(10)
  })

  it('balance the chemical equations', () => {
    for (const { input, output } of instancesOf(
      'Balance the chemical equation with the smallest whole numbers.',
    )) {
      const [left = '', right = ''] = output.split(' -> ')
      expect(atoms(left)).toEqual(atoms(right))
      expect(output.replace(/\b\d+ /g, '')).toBe(input)
    }
  })
})

describe('answers with a limit of words', () => {
  it.each([
    ['Shorten the text message to at most ten words without losing a fact.', 10],
    ["Write the entry for a museum label, at most forty words, about a child's wooden sledge from 1910.", 40],
    ['State the moral of the tale in one sentence of at most twelve words.', 12],
    [
      "Tell the story of the tortoise and the hare from the point of view of the hare's mother, in no more than sixty words.",
      60,
    ],
    ['Reduce the poem-like paragraph to a telegram of eight words or fewer.', 8],
    ['Write what the lighthouse would put into a lonely-hearts column. Forty words at most.', 40],
    [
      "Draft a wedding toast of at most eighty words by the bride's grandfather, a retired clockmaker: warm, a little dry, no jokes about marriage.",
      80,
    ],
  ])('keep to it: %s', (instruction, most) => {
    for (const { output } of instancesOf(instruction)) expect(words(output)).toBeLessThanOrEqual(most)
  })

  it('grow shorter with every sentence of the thunderstorm', () => {
    const [storm] = instancesOf(
      'Describe a thunderstorm in four sentences, each shorter than the one before.',
    )
    const lengths = storm?.output.split('\n').map(words) ?? []
    expect(lengths).toEqual(lengths.toSorted((a, b) => b - a))
    expect(new Set(lengths).size).toBe(4)
  })

  it('do without the words the task forbids', () => {
    const [ghost] = instancesOf(
      'Write the opening paragraph of a ghost story set in a car park, without the words "dark", "cold" and "suddenly".',
    )
    expect(ghost?.output).not.toMatch(/dark|cold|suddenly/i)
  })
})

// Whether something grows as the text does: it is measured with 10, 20 and 40 thousand characters.

const lengths = [10_000, 20_000, 40_000]
const noise = 20 // milliseconds, below which a reading says more about the machine than about the text
const tries = 4 // compiling and collecting garbage may come in between: the least counts

/** Milliseconds of the processor for the three lengths, measured again only while they look like more than linear. */
export function timesOf(run: (length: number) => unknown): number[] {
  const longest = processorTime(run, lengths.at(-1) ?? 0)
  if (isLinear([0, 0, longest])) return [0, 0, longest] // the shorter ones would say no more
  const least = lengths.map((length) => processorTime(run, length))
  for (let tried = 1; tried < tries && !isLinear(least); tried++)
    for (const [place, length] of lengths.entries())
      least[place] = Math.min(least[place] ?? Infinity, processorTime(run, length))
  return least
}

/** Four times the text takes about four times as long; sixteen times would be quadratic. */
export function isLinear([short = 0, middle = 0, long = 0]: readonly number[]): boolean {
  const base = Math.max(short, noise)
  return middle < 3.5 * base && long < 9 * base
}

// The processor's time, not the clock's: other processes cost none.
function processorTime(run: (length: number) => unknown, length: number): number {
  const start = process.cpuUsage()
  run(length)
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1000
}

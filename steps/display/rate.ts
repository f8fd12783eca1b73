// How fast a step goes and how long it will take, from what it did in the last half minute: replies out of the log
// come at once and say nothing about the next ones.

const looksBack = 30_000 // ms
const markEvery = 1_000 // ms
const tellsAfter = 2_000 // ms; before that a rate is noise

export class Rate {
  private marks: { at: number; done: number }[] = []

  /** Rows a second, once that can be told. `now` in ms. */
  perSecond(done: number, now: number): number | undefined {
    const newest = this.marks.at(-1)
    if (!newest || now - newest.at >= markEvery) this.marks.push({ at: now, done })
    while ((this.marks[0]?.at ?? now) < now - looksBack) this.marks.shift()
    const [oldest] = this.marks
    if (!oldest || now - oldest.at < tellsAfter || done <= oldest.done) return undefined
    return ((done - oldest.done) / (now - oldest.at)) * 1000
  }
}

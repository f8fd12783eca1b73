// Ctrl-C: the first press asks for a good end, one more than a second later ends at once.
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { onInterrupt } from '../../steps/run/notebook.ts'

const signals = ['SIGINT', 'SIGTERM'] as const
const exit = vi.spyOn(process, 'exit').mockImplementation(() => undefined as never)
const before = new Map(signals.map((signal) => [signal, process.listeners(signal)]))

beforeEach(() => {
  vi.useFakeTimers()
  exit.mockClear()
})
afterEach(() => {
  vi.useRealTimers()
  for (const signal of signals)
    for (const listener of process.listeners(signal))
      if (!before.get(signal)?.includes(listener)) process.off(signal, listener)
})

it.each([
  ['one press', [0], false],
  ['one press that reaches the program twice', [0, 40], false],
  ['two presses within a second', [0, 900], false],
  ['two presses', [0, 1100], true],
  ['a press, its echo, and another', [0, 40, 1500], true],
])('%s, at these ms: %j; ends at once: %s', (_, presses, atOnce) => {
  let stopped = 0
  onInterrupt(() => stopped++)
  let now = 0
  for (const press of presses) {
    vi.advanceTimersByTime(press - now)
    now = press
    process.emit('SIGINT')
  }
  expect(stopped).toBe(1)
  expect(exit.mock.calls).toEqual(atOnce ? [[130]] : [])
})

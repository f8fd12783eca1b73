// Ctrl-C once: come to a good end. Twice: at once. Under `npx tsx` one key press reaches the program twice within 40 ms.
const secondPressAfter = 1000 // ms

/** Calls `stop` at the first Ctrl-C (or SIGTERM), and ends the program at the second. */
export function onInterrupt(stop: () => void): void {
  let first = 0
  const press = (): void => {
    if (first === 0) {
      first = Date.now()
      stop()
    } else if (Date.now() - first > secondPressAfter) process.exit(130)
  }
  process.on('SIGINT', press)
  process.on('SIGTERM', press)
}

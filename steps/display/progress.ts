// The progress line on standard error: only on a terminal that knows its width. ora draws it.
import type { Ora } from 'ora'
import { redrawsLines, takesColour } from '../workspace/environment.ts'
import { cutToWidth } from './plain.ts'

const drawnEvery = 100 // ms; rows may come by the ten thousand a second
const spinnerWidth = 3 // columns: the spinner, its space, and one left free so that the line never wraps

export class ProgressLine {
  private spinner: Ora | undefined
  private loading = false
  private drawnAt = 0

  /** Shows the text, which is only made when there is somebody to see it. */
  show(text: () => string): void {
    if (!isLive() || performance.now() - this.drawnAt < drawnEvery) return
    this.drawnAt = performance.now()
    const shown = cutToWidth(text(), process.stderr.columns - spinnerWidth)
    if (this.spinner) this.spinner.text = shown
    else if (!this.loading) void this.start(shown)
  }

  /** Loads ora while no calls are in flight: later it would hold up whatever answers Ctrl-C. */
  prepare(): void {
    if (isLive()) void import('ora')
  }

  private async start(text: string): Promise<void> {
    this.loading = true
    const { default: ora } = await import('ora')
    if (!this.loading) return
    this.spinner = ora({ text, color: takesColour(process.stderr) && 'cyan', discardStdin: false }).start()
  }

  clear(): void {
    this.spinner?.stop()
    this.spinner = undefined
    this.loading = false
    this.drawnAt = 0
  }
}

// On a terminal of 0 columns, as in some containers, ora would clear lines for ever.
function isLive(): boolean {
  return redrawsLines(process.stderr) && process.stderr.columns > spinnerWidth
}

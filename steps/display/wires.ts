// Who is at the other end: a server, the offline model, or the person at this terminal. Loaded when first asked.
import type { Provider } from '../model/provider.ts'
import type { Wire } from '../model/wire.ts'
import type { PersonAtTerminal } from './person.ts'
import type { Screen } from './screen.ts'

export class Wires {
  private readonly provider: Provider
  private readonly pasteFolder: string
  private readonly screen: Screen
  private person: PersonAtTerminal | undefined

  constructor(provider: Provider, pasteFolder: string, screen: Screen) {
    this.provider = provider
    this.pasteFolder = pasteFolder
    this.screen = screen
  }

  async open(): Promise<Wire> {
    if (this.provider.name === 'offline') return (await import('../model/offline.ts')).openOfflineWire()
    if (this.provider.name !== 'paste') return (await import('../model/wire.ts')).openWire(this.provider)
    const { PersonAtTerminal } = await import('./person.ts')
    this.person = new PersonAtTerminal(this.screen)
    return (await import('../model/paste.ts')).openPasteWire(this.pasteFolder, this.person)
  }

  /** Lets go of the keyboard. */
  close(): void {
    this.person?.close()
  }
}

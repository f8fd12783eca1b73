// Chromium without a window, driven over two pipes: no package, no port. Where none is installed, tests skip.
import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** The first Chromium on the path. */
export const chromium = (process.env.PATH ?? '')
  .split(path.delimiter)
  .flatMap((folder) => names.map((name) => path.join(folder, name)))
  .find(isProgram)

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--remote-debugging-pipe',
]

type Answer = {
  id?: number
  method?: string
  params?: Record<string, unknown>
  result?: unknown
  error?: unknown
}

export class Browser {
  /** What the page said on its console, and requests and scripts that were blocked. */
  readonly console: string[] = []
  /** Addresses the page asked for. */
  readonly requests: string[] = []
  private readonly child: ChildProcess
  private readonly profile: string
  private readonly waiting = new Map<number, (answer: Answer) => void>()
  private readonly events = new Map<string, () => void>()
  private asked = 0
  private received = ''
  private sessionId: string | undefined

  private constructor(child: ChildProcess, profile: string) {
    this.child = child
    this.profile = profile
    child.stdio[4]?.on('data', (chunk) => this.receive(String(chunk)))
  }

  static async open(program: string): Promise<Browser> {
    const profile = await mkdtemp(path.join(os.tmpdir(), 'chromium-'))
    const child = spawn(program, [...flags, `--user-data-dir=${profile}`], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    })
    const browser = new Browser(child, profile)
    const { targetId } = await browser.send<{ targetId: string }>('Target.createTarget', {
      url: 'about:blank',
    })
    const target = { targetId, flatten: true }
    browser.sessionId = (await browser.send<{ sessionId: string }>('Target.attachToTarget', target)).sessionId
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await browser.send(`${domain}.enable`)
    return browser
  }

  async show(file: string): Promise<void> {
    const loaded = new Promise<void>((resolve) => this.events.set('Page.loadEventFired', resolve))
    await this.send('Page.navigate', { url: pathToFileURL(file).href })
    await loaded
  }

  /** The value of an expression in the page. */
  async evaluate<T>(expression: string): Promise<T> {
    const asked = { expression, returnByValue: true, awaitPromise: true }
    const { result, exceptionDetails } = await this.send<{ result: { value: T }; exceptionDetails?: object }>(
      'Runtime.evaluate',
      asked,
    )
    if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails))
    return result.value
  }

  /** Presses keys one after another, by their names in `KeyboardEvent.key`. */
  async press(...keys: string[]): Promise<void> {
    for (const key of keys) {
      const text = key.length === 1 ? { text: key } : key === 'Enter' ? { text: '\r' } : {}
      const codes: Record<string, number> = {
        Tab: 9,
        Enter: 13,
        Escape: 27,
        ArrowLeft: 37,
        ArrowRight: 39,
        ArrowDown: 40,
      }
      const event = { key, windowsVirtualKeyCode: codes[key] ?? key.toUpperCase().charCodeAt(0), ...text }
      await this.send('Input.dispatchKeyEvent', { type: 'keyDown', ...event })
      await this.send('Input.dispatchKeyEvent', { type: 'keyUp', ...event })
    }
  }

  send<T>(method: string, params: object = {}): Promise<T> {
    const id = ++this.asked
    const pipe = this.child.stdio[3]
    if (!pipe || !('write' in pipe)) throw new Error('the browser has no pipe')
    pipe.write(`${JSON.stringify({ id, method, params, sessionId: this.sessionId })}\0`)
    return new Promise((resolve, reject) =>
      this.waiting.set(id, ({ result, error }) =>
        error ? reject(new Error(JSON.stringify(error))) : resolve(result as T),
      ),
    )
  }

  private receive(text: string): void {
    const messages = (this.received + text).split('\0')
    this.received = messages.pop() ?? ''
    for (const message of messages) this.take(JSON.parse(message) as Answer)
  }

  private take(answer: Answer): void {
    if (answer.id !== undefined) this.waiting.get(answer.id)?.(answer)
    else this.note(answer.method ?? '', answer.params ?? {})
  }

  private note(event: string, params: Record<string, unknown>): void {
    const said = ['Runtime.consoleAPICalled', 'Runtime.exceptionThrown', 'Log.entryAdded']
    if (said.includes(event)) this.console.push(JSON.stringify(params))
    if (event === 'Network.requestWillBeSent')
      this.requests.push((params as { request: { url: string } }).request.url)
    this.events.get(event)?.()
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('exit', resolve))
    this.child.kill('SIGKILL')
    await ended
    await rm(this.profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  }
}

// The Batch API of the local server: a file goes up, is answered bit by bit as it is looked at, and its lines come down
// in another order than they went up.
import type { IncomingMessage } from 'node:http'
import { type Elsewhere, type Received, TestServer, notFound } from './server.ts'

type Line = { custom_id: string; method: string; url: string; body: Received['body'] }
/** What becomes of a line instead of a reply; `attempt` counts how often its question has come, from 1. */
export type Fate = 'expired' | { status: number; error: object }
export type Answer = { status: number; body: unknown }
type Batch = { id: string; input: string; looks: number; status: string; output: string; errors: string }

export class BatchServer {
  /** The lines of every file that came up, in order. */
  readonly uploads: Line[][] = []
  readonly batches: Batch[] = []
  /** While set, batches stay in progress. */
  held = false
  /** When set, batches fail with this as the reason. */
  refusal: string | undefined
  /** When it says so of so many lines, their batch fails for this reason. */
  refuse: (lines: number) => string | undefined = () => undefined
  /** Stands between a request, such as `GET files`, and its answer. */
  around: (request: string, answer: () => Promise<Answer>) => Promise<Answer> = (_, answer) => answer()
  private readonly files = new Map<string, string>()
  private readonly attempts = new Map<string, number>()
  private readonly fate: (line: Line, attempt: number) => Fate | undefined
  private started: TestServer | undefined

  private constructor(fate: (line: Line, attempt: number) => Fate | undefined) {
    this.fate = fate
  }

  static async start(
    fate: (line: Line, attempt: number) => Fate | undefined = () => undefined,
  ): Promise<BatchServer> {
    const server = new BatchServer(fate)
    const elsewhere: Elsewhere = (request, text) =>
      server.around(`${request.method} ${request.url?.split(/[/?]/)[2]}`, () => server.answer(request, text))
    server.started = await TestServer.start(undefined, elsewhere)
    return server
  }

  /** The chat side of it. */
  get chat(): TestServer {
    if (!this.started) throw new Error('not started')
    return this.started
  }

  private async answer({ method, url = '', headers }: IncomingMessage, text: string): Promise<Answer> {
    const [, kind = '', name = '', part] = url.replace(/^\/v1|\?.*$/g, '').split('/')
    if (method === 'POST' && kind === 'files') return ok(this.upload(text, headers['content-type'] ?? ''))
    if (method === 'POST' && kind === 'batches') return ok(this.make(JSON.parse(text)))
    if (method === 'GET' && kind === 'batches' && name === '')
      return ok({ object: 'list', data: this.batches.map((batch) => this.shown(batch)) })
    const batch = this.batches.find(({ id }) => id === name)
    if (method === 'GET' && kind === 'batches' && batch) return ok(await this.look(batch))
    const file = this.files.get(name)
    return method === 'GET' && part === 'content' && file !== undefined ? ok(file) : notFound
  }

  private upload(text: string, type: string): object {
    const boundary = `--${/boundary=(.*)$/.exec(type)?.[1] ?? ''}`
    const parts = text.split(boundary).map((part) => part.split('\r\n\r\n'))
    const content = (name: string) =>
      parts.find(([head = '']) => head.includes(`name="${name}"`))?.[1]?.replace(/\r\n$/, '')
    if (content('purpose') !== 'batch') return { error: { message: 'purpose must be batch' } }
    const id = `file-${this.files.size + 1}`
    this.files.set(id, content('file') ?? '')
    this.uploads.push(linesIn(content('file') ?? ''))
    return { id, object: 'file', purpose: 'batch' }
  }

  private make(asked: { input_file_id: string; endpoint: string; completion_window: string }): object {
    const id = `batch_${this.batches.length + 1}`
    const known = asked.endpoint === '/v1/chat/completions' && asked.completion_window === '24h'
    const status = known ? 'validating' : 'failed'
    const batch = { id, input: asked.input_file_id, looks: 0, status, output: '', errors: '' }
    this.batches.push(batch)
    return this.shown(batch)
  }

  /** Looked at once it is in progress, looked at twice it has ended. */
  private async look(batch: Batch): Promise<object> {
    batch.looks++
    if (this.reasonAgainst(batch) !== undefined) batch.status = 'failed'
    else if (batch.status === 'validating') batch.status = 'in_progress'
    else if (batch.status === 'in_progress' && !this.held) await this.end(batch)
    return this.shown(batch)
  }

  private reasonAgainst({ input }: { input: string }): string | undefined {
    return this.refusal ?? this.refuse(this.linesOf(input))
  }

  private async end(batch: Batch): Promise<void> {
    const [output, errors]: [string[], string[]] = [[], []]
    batch.status = 'completed'
    for (const line of linesIn(this.files.get(batch.input) ?? '')) {
      const attempt = (this.attempts.get(line.custom_id) ?? 0) + 1
      this.attempts.set(line.custom_id, attempt)
      const fate = this.fate(line, attempt)
      const result = (response: object | null, error: object | null = null) =>
        JSON.stringify({ id: `req_${output.length}`, custom_id: line.custom_id, response, error })
      if (fate === undefined)
        output.push(result({ status_code: 200, body: await this.chat.complete(line.body) }))
      else if (fate !== 'expired')
        errors.push(result({ status_code: fate.status, body: { error: fate.error } }))
      else {
        batch.status = 'expired'
        errors.push(result(null, { code: 'batch_expired', message: 'This request could not be executed' }))
      }
    }
    batch.output = this.keep(output.toReversed())
    batch.errors = this.keep(errors)
  }

  private keep(lines: string[]): string {
    if (lines.length === 0) return ''
    const id = `file-${this.files.size + 1}`
    this.files.set(id, `${lines.join('\n')}\n`)
    return id
  }

  private linesOf(file: string): number {
    return linesIn(this.files.get(file) ?? '').length
  }

  private shown({ id, status, output, errors, input }: Batch): object {
    const [total, completed, failed] = [input, output, errors].map((name) => this.linesOf(name)) as Counts
    return {
      id,
      object: 'batch',
      status,
      input_file_id: input,
      created_at: 1_000_000,
      completed_at: 1_000_060,
      request_counts: { total, completed, failed },
      ...(output && { output_file_id: output }),
      ...(errors && { error_file_id: errors }),
      ...(status === 'failed' && { errors: { data: [{ message: this.reasonAgainst({ input }) }] } }),
    }
  }
}

type Counts = [total: number, completed: number, failed: number]
const ok = (body: unknown) => ({ status: 200, body })

function linesIn(text: string): Line[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)
}

// A local OpenAI-compatible server: chat completions over real HTTP, its content from the offline model.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Message } from '../../steps/model/call.ts'
import { answerOffline } from '../../steps/model/offline.ts'

/** A request as it came over the wire. */
export type Received = {
  path: string
  headers: IncomingMessage['headers']
  body: {
    model: string
    messages: Message[]
    max_tokens?: number
    max_completion_tokens?: number
    response_format?: { type: string; json_schema?: { name: string } }
    [parameter: string]: unknown
  }
}

/** What the server does instead of answering: a status with a body, or anything with the open response. */
export type Answering = (request: Received, count: number) => undefined | Odd | Promise<undefined | Odd>
export type Odd =
  { status: number; body: unknown; headers?: Record<string, string> } | ((response: ServerResponse) => void)

/** The last message, which asks; those before it show. */
export function questionIn(messages: readonly Message[]): string {
  return messages.at(-1)?.content ?? ''
}

/** The rows a question is about, without their numbers. */
export function rowsAsked(messages: readonly Message[]): string[] {
  return [...questionIn(messages).matchAll(/^\d+\. (.*)$/gm)].map((match) => match[1] ?? '')
}

/** What is at the addresses that are no chat. */
export type Elsewhere = (request: IncomingMessage, text: string) => Promise<{ status: number; body: unknown }>
export const notFound = { status: 404, body: { error: { message: 'Not Found', code: 'not_found' } } }

export class TestServer {
  readonly received: Received[] = []
  mostInFlight = 0
  private inFlight = 0
  private readonly seen = new Map<string, number>()
  private readonly answering: Answering
  private readonly elsewhere: Elsewhere
  private readonly server = createServer((request, response) => void this.serve(request, response))

  private constructor(answering: Answering, elsewhere: Elsewhere) {
    this.answering = answering
    this.elsewhere = elsewhere
  }

  /** `answering` may answer in its own way; where it returns undefined the offline model answers. `elsewhere`: other addresses. */
  static async start(
    answering: Answering = () => undefined,
    elsewhere: Elsewhere = async () => notFound,
  ): Promise<TestServer> {
    const server = new TestServer(answering, elsewhere)
    await new Promise<void>((resolve) => server.server.listen(0, '127.0.0.1', resolve))
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1`
  }

  /** Requests whose prompt asks for this JSON shape: tasks, answers, instances or verdicts. */
  asked(shape: 'tasks' | 'answers' | 'instances' | 'verdicts'): Received[] {
    return this.received.filter(({ body }) => questionIn(body.messages).includes(`"${shape}"`))
  }

  async close(): Promise<void> {
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.inFlight++
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight)
    response.on('close', () => this.inFlight--)
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString()
    if (request.url !== '/v1/chat/completions') {
      const { status, body } = await this.elsewhere(request, text)
      return send(response, status, body)
    }
    const received: Received = {
      path: request.url ?? '',
      headers: request.headers,
      body: JSON.parse(text) as Received['body'],
    }
    this.received.push(received)
    const odd = await this.answering(received, this.received.length)
    if (typeof odd === 'function') odd(response)
    else if (odd) send(response, odd.status, odd.body, odd.headers)
    else send(response, 200, await this.complete(received.body))
  }

  /** What the offline model says. The same prompt asked again is another sample, as it would be at a real server. */
  async complete(body: Received['body']): Promise<object> {
    const limit = body.max_completion_tokens ?? body.max_tokens ?? 512
    const prompt = JSON.stringify([body.messages, limit])
    const sample = this.seen.get(prompt) ?? 0
    this.seen.set(prompt, sample + 1)
    const { reply, finish_reason, usage } = await answerOffline(body.messages, limit, sample)
    return completion(reply, finish_reason, usage)
  }
}

/** A chat completion with this content. */
export function completion(content: string | null, finish_reason = 'stop', usage: object = {}): object {
  return {
    id: 'chatcmpl-test',
    object: 'chat.completion',
    created: 0,
    model: 'test',
    choices: [{ index: 0, message: { role: 'assistant', content, refusal: null }, finish_reason }],
    usage: { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120, ...usage },
  }
}

function send(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  response.writeHead(status, {
    'content-type': typeof body === 'string' ? 'text/html' : 'application/json',
    ...headers,
  })
  response.end(text)
}

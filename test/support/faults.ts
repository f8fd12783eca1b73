// Everything that goes wrong between the workshop and a server, as answers of the local one. Texts that must never reach
// the data set hold the word WRECK.
import type { ServerResponse } from 'node:http'
import { answerOffline } from '../../steps/model/offline.ts'
import { randomFor } from '../../steps/text/pool.ts'
import { type Answering, type Odd, type Received, completion } from './server.ts'

const told = (status: number, code: string, message: string, headers: Record<string, string> = {}): Odd => ({
  status,
  body: { error: { message, type: code, param: null, code } },
  headers,
})
const reply = (content: string | null, finish_reason = 'stop'): Odd => ({
  status: 200,
  body: completion(content, finish_reason),
})

const head = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n{"choices":'

/** The head of a reply and the beginning of its body, and then nothing. */
export const stalledBody = (response: ServerResponse): void => void response.socket?.write(head)

/** Nothing at all, for ever. */
export const silence = (): void => undefined

/** Worth another attempt. Waits asked for are short, as far as the spelling allows. */
export const passing: Record<string, Odd> = {
  '429 with Retry-After in seconds': told(429, 'rate_limit_exceeded', 'slow down', { 'retry-after': '0.02' }),
  '429 with Retry-After as a date': told(429, 'rate_limit_exceeded', 'slow down', {
    'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT',
  }),
  '429 with retry-after-ms': told(429, 'Throttling.RateQuota', 'slow down', { 'retry-after-ms': '10' }),
  '429 with nothing else': { status: 429, body: '' },
  '500': told(500, 'server_error', 'The server had an error.'),
  '502 from a proxy': { status: 502, body: '<html>WRECK Bad Gateway</html>' },
  '503': told(503, 'unavailable_error', 'The server is overloaded.'),
  '408': told(408, 'timeout', 'Request timed out.'),
  '409': told(409, 'conflict', 'Try again.'),
  'connection reset': (response) => response.socket?.resetAndDestroy(),
  'connection closed in the middle of the body': (response) =>
    response.socket?.write(head, () => response.socket?.destroy()),
  'an error at 200': { status: 200, body: { error: { code: 502, message: 'WRECK upstream' } } },
  'an empty object at 200': { status: 200, body: {} },
  'broken JSON at 200': (response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end('{"choices":[{"message":{"content":"WRECK')
  },
}

/** Something else than the API: the address is wrong, unless it has answered before. */
export const pages: Record<string, Odd> = {
  'a page at 200': { status: 200, body: '<!doctype html><title>WRECK sign in to the network</title>' },
  'an unknown endpoint at 200': {
    status: 200,
    body: { error: 'Unexpected endpoint or method. (POST /chat/completions)' },
  },
}

/** Replies as far as the wire goes, and no use. */
export const useless: Record<string, Odd> = {
  'empty content': reply(''),
  'null content': reply(null),
  'null content, all tokens thought away': reply(null, 'length'),
  prose: reply('WRECK is what I would rather talk about today, if that is all right with you.'),
  'an empty object': reply('{}'),
  'lists of nothing': reply('{"tasks":[],"answers":[],"instances":[],"verdicts":[]}'),
  'another shape': reply('{"result":{"text":"WRECK"}}'),
  'numbers for texts': reply('{"tasks":[1,2],"answers":[{"task":"x"}],"instances":[{"input":7,"output":9}]}'),
  'bytes and escapes': reply('\u001b[2J\u0000\u0007\ufffd WRECK \u202e'),
  'a reply cut in its first item': reply('{"tasks":["WRECK and then', 'length'),
  'an answer cut in its first item': reply('{"instances":[{"input":"","output":"WRECK and then', 'length'),
  'a thought without end': reply('<think>WRECK so the user wants 1. this 2. that', 'length'),
}

/** Verdicts: they count as the reply, and are never asked for again. */
export const verdicts: Record<string, Odd> = {
  'a content filter at 400': told(
    400,
    'data_inspection_failed',
    'Input data may contain inappropriate content.',
  ),
  'a content filter as finish_reason': reply('WRECK', 'content_filter'),
  'a refusal': {
    status: 200,
    body: {
      ...completion(null),
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: null, refusal: 'WRECK no' },
          finish_reason: 'stop',
        },
      ],
    },
  },
}

/** The run ends at once. */
export const fatal: Record<string, Odd> = {
  '401': told(401, 'invalid_api_key', 'Incorrect API key provided: sk-te************cdef.'),
  '402': told(402, 'insufficient_balance', 'Insufficient Balance'),
  '403': told(403, 'unsupported_country_region_territory', 'Country not supported'),
  '404': told(404, 'model_not_found', 'The model `gpt-6-lunar` does not exist'),
  insufficient_quota: told(429, 'insufficient_quota', 'You exceeded your current quota.'),
}

/** Lets this share of all requests fail, by a die for each request and attempt; every fault comes up as often as another. */
export function failing(share: number, faults: Record<string, Odd>): Answering {
  const attempts = new Map<string, number>()
  const kinds = Object.values(faults)
  return ({ body }) => {
    const key = JSON.stringify(body)
    const attempt = attempts.get(key) ?? 0
    attempts.set(key, attempt + 1)
    const random = randomFor(key, attempt)
    return random() < share ? kinds[Math.floor(random() * kinds.length)] : undefined
  }
}

/** Answers the same question always in the same way, as far as the wire shows it is the same. */
export async function steady({ body }: Received): Promise<Odd> {
  const limit = body.max_completion_tokens ?? body.max_tokens ?? 512
  const { reply: text, finish_reason, usage } = await answerOffline(body.messages, limit, 0)
  return { status: 200, body: completion(text, finish_reason, usage) }
}

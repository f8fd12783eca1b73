// How long a request is waited for: bytes are life, and so is a server that works on those sent before.
import { type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Silence, readingFetch } from '../../steps/model/transport.ts'

const silence = 60_000 // ms
const address = 'http://10.0.0.1/v1'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** Reads from a server whose n-th answer has its first byte, and others, after so many seconds; the last of them ends it. */
function serveAfter(...seconds: number[][]): ReturnType<typeof readingFetch> {
  let count = 0
  return readingFetch(silence, undefined, async (_url, _init, signal) => {
    const times = seconds[count++] ?? []
    const broken = new Promise<never>((_resolve, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason as Error)),
    )
    broken.catch(() => undefined)
    const wait = (until: number): Promise<unknown> =>
      Promise.race([broken, new Promise((resolve) => setTimeout(resolve, until * 1000))])
    await wait(times[0] ?? 100_000)
    async function* body() {
      for (const [place, at] of times.entries()) {
        await wait(at - (times[place - 1] ?? times[0] ?? 0))
        yield Buffer.from(place === times.length - 1 ? '{"done":true}' : ' \n')
      }
    }
    return { status: 200, headers: new Headers(), body: body() }
  })
}

/** What becomes of so many requests sent at once: a text, or the error. */
async function sendAtOnce(count: number, fetchWhole: ReturnType<typeof serveAfter>): Promise<unknown[]> {
  const asked = Array.from({ length: count }, () =>
    fetchWhole(address).then(
      (response) => response.text(),
      (error: unknown) => error,
    ),
  )
  await vi.runAllTimersAsync()
  return Promise.all(asked)
}

describe('time is counted from the last byte', () => {
  it('so a reply may take longer, while bytes come', async () => {
    const fetchWhole = serveAfter([50, 100, 150, 200])
    expect(await sendAtOnce(1, fetchWhole)).toEqual(['{"done":true}'])
  })

  it('and runs out when they stop', async () => {
    const fetchWhole = serveAfter([50, 111])
    expect(await sendAtOnce(1, fetchWhole)).toEqual([expect.any(Silence)])
  })

  it('of any request sent before: who answers one at a time keeps the others waiting', async () => {
    const fetchWhole = serveAfter(...[1, 2, 3, 4, 5, 6, 7, 8].map((turn) => [turn * 40]))
    expect(await sendAtOnce(8, fetchWhole)).toEqual(Array.from({ length: 8 }, () => '{"done":true}'))
  })

  it('but not of later ones, which overtake it', async () => {
    const fetchWhole = serveAfter([], [50], [50])
    const hung = fetchWhole(address).catch((error: unknown) => error)
    let endedAt = 0
    const start = Date.now()
    void hung.then(() => (endedAt = Date.now() - start))
    await vi.advanceTimersByTimeAsync(30_000)
    const later = [1, 2].map(() => fetchWhole(address))
    await vi.runAllTimersAsync()
    expect(await hung).toBeInstanceOf(Silence)
    expect(endedAt).toBe(silence)
    await Promise.all(later)
  })
})

it('a whole answer that nobody ends is taken when it has been silent for long', async () => {
  const never = new Promise<never>(() => undefined)
  const fetchWhole = readingFetch(silence, undefined, async (_url, _init, signal) => {
    const broken = new Promise<never>((_, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason as Error)),
    )
    async function* body() {
      yield Buffer.from('{"done":true}')
      await Promise.race([never, broken])
    }
    return { status: 200, headers: new Headers(), body: body() }
  })
  expect(await sendAtOnce(1, fetchWhole)).toEqual(['{"done":true}'])
})

describe('an answer', () => {
  /** Reads what a server on this machine does with a request. */
  async function read(answer: (response: ServerResponse) => void): Promise<unknown> {
    vi.useRealTimers()
    const server = createServer((request, response) => {
      request.resume()
      answer(response)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const sent = readingFetch(silence)(`http://127.0.0.1:${port}/v1`, { method: 'POST', body: '{}' })
    const said = await sent.then((response) => response.json()).catch((error: unknown) => error)
    server.closeAllConnections()
    server.close()
    return said
  }
  const whole = { said: 'Größe 大小' }
  const text = JSON.stringify(whole)
  const half = text.slice(0, -3)

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ])('is unpacked: %s', async (packing, pack) => {
    expect(await read((to) => to.writeHead(200, { 'content-encoding': packing }).end(pack(text)))).toEqual(
      whole,
    )
  })

  it.each<[string, string, Buffer]>([
    ['as raw deflate', 'deflate', deflateRawSync(text)],
    ['in capitals', 'GZIP', gzipSync(text)],
    ['twice', 'gzip, gzip', gzipSync(gzipSync(text))],
    ['under no name', '', gzipSync(text)],
    ['not at all, whatever it is called', 'gzip', Buffer.from(text)],
    ['not at all, by another name', 'utf-8', Buffer.from(text)],
    ['not at all, and called br', 'br', Buffer.from(text)],
  ])('is read where it is packed %s', async (_, packing, bytes) => {
    const headers = packing === '' ? {} : { 'content-encoding': packing }
    expect(await read((to) => to.writeHead(200, headers).end(bytes))).toEqual(whole)
  })

  it('is not unpacked beyond all measure', async () => {
    const bomb = gzipSync(Buffer.alloc(65 * 2 ** 20, ' '))
    expect(await read((to) => to.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb))).toBeInstanceOf(
      Error,
    )
  })

  it.each<[string, string, Buffer, string]>([
    ['UTF-16', 'application/json', Buffer.from(`\ufeff${text}`, 'utf16le'), 'Größe 大小'],
    ['GBK', 'application/json;charset=GBK', Buffer.from('7b2273616964223a22b4f3227d', 'hex'), '大'],
    ['UTF-8, whatever it is called', 'text/plain;charset=ISO-8859-1', Buffer.from(text), 'Größe 大小'],
    ['a charset nobody knows', 'text/plain;charset=x-odd', Buffer.from(text), 'Größe 大小'],
  ])('is read in %s', async (_, type, bytes, said) => {
    expect(await read((to) => to.writeHead(200, { 'content-type': type }).end(bytes))).toEqual({ said })
  })

  it.each<[string, (response: ServerResponse) => void]>([
    ['reset', (to) => to.writeHead(200).write(text, () => to.socket?.resetAndDestroy())],
    ['closed', (to) => to.writeHead(200).write(text, () => to.socket?.destroy())],
    [
      'too short',
      (to) => to.writeHead(200, { 'content-length': 99 }).write(text, () => to.socket?.destroy()),
    ],
    [
      'packed',
      (to) =>
        to.writeHead(200, { 'content-encoding': 'gzip' }).write(gzipSync(text), () => to.socket?.destroy()),
    ],
  ])('that is whole, and paid for, is read though its connection was %s', async (_, answer) => {
    expect(await read(answer)).toEqual(whole)
  })

  it('is over with the sign that ends a stream, whether or not the connection is', async () => {
    const event = { choices: [{ index: 0, delta: { content: 'Elbe' }, finish_reason: 'stop' }] }
    const said = read(
      (to) => void to.writeHead(200).write(`data: ${JSON.stringify(event)}\n\ndata: [DONE]\n\n`),
    )
    expect(await said).toMatchObject({ choices: [{ message: { content: 'Elbe' } }] })
  })

  it('may have a long head', async () => {
    const headers = { 'x-policy': 'a'.repeat(40_000) }
    expect(await read((to) => to.writeHead(200, headers).end(text))).toEqual(whole)
  })

  it.each<[string, (response: ServerResponse) => void]>([
    ['reset', ({ socket }) => socket?.resetAndDestroy()],
    ['closed', ({ socket }) => socket?.destroy()],
    ['cut', (to) => to.writeHead(200, { 'content-length': 99 }).write(half, () => to.socket?.destroy())],
    [
      'packed and cut',
      (to) => to.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(text).subarray(0, 20)),
    ],
    [
      'of another protocol',
      ({ socket }) => socket?.end('HTTP/1.1 101 No\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
    ],
    ['of no protocol', ({ socket }) => socket?.end('good day')],
  ])('is an error at once where it is %s', async (_, answer) => {
    expect(await read(answer)).toBeInstanceOf(Error)
  })
})

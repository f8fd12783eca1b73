// Encryption that fails: each kind has its own sentence, and none of them is tried again.
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { authority, elsewhere, expired, key, ofSchool, selfSigned } from '../support/certificates.ts'
import { command, rowsOf, temporaryFolder, workshop } from '../support/command.ts'
import { type Odd, TestServer, completion } from '../support/server.ts'

const task = 'Name three rivers that flow north, with their length.'

/** A server that shows this certificate; `connections` counts who came. */
async function serve(cert: string) {
  const server = createServer({ key, cert }, (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(completion(JSON.stringify({ tasks: [task] }))))
  })
  const counts = { connections: 0 }
  server.on('connection', () => counts.connections++)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return { counts, at: at(`https://127.0.0.1:${(server.address() as AddressInfo).port}/v1`) }
}

const at = (address: string) => ['generate', '--base-url', address, '--model', 'm', '--num-instructions', '1']

describe('a certificate', () => {
  it.each([
    ['that is its own issuer', selfSigned, /name its file.*NODE_EXTRA_CA_CERTS/],
    ['of an unknown issuer', ofSchool, /name its file.*NODE_EXTRA_CA_CERTS/],
    ['with its unknown issuer', ofSchool + authority, /name its file.*NODE_EXTRA_CA_CERTS/],
    ['that has expired', expired, /CERT_HAS_EXPIRED.*not valid today: is the clock/],
  ])('%s ends the run after one connection, and `check` too', async (_, cert, said) => {
    const { counts, at } = await serve(cert)
    const run = await workshop(await temporaryFolder(), at)
    expect(run.code).toBe(1)
    expect(run.err).toMatch(said)
    expect(run.err.includes('NODE_EXTRA_CA_CERTS')).toBe(cert !== expired)
    expect(counts.connections).toBe(1)
    const check = await workshop(await temporaryFolder(), ['check', ...at.slice(1, 5)])
    expect(check.code).toBe(1)
    expect(check.out + check.err).toMatch(said)
    expect(counts.connections).toBe(2)
  })

  /** Generates at a server with this certificate, its issuer made known. */
  async function knowing(cert: string) {
    const folder = await temporaryFolder()
    const known = path.join(folder, 'ca.pem')
    await writeFile(known, authority)
    const run = await command(folder, (await serve(cert)).at, { NODE_EXTRA_CA_CERTS: known })
    return { run, folder }
  }

  it('is taken from an issuer made known', async () => {
    const { folder } = await knowing(ofSchool)
    expect(await rowsOf(folder, '1-instructions.jsonl')).toMatchObject([{ instruction: task }])
  })

  it('of another host is refused all the same', async () => {
    const { run } = await knowing(elsewhere)
    expect(run.code).toBe(1)
    expect(run.err).toMatch(/ALTNAME_INVALID.*another host/)
  })
})

describe('an address', () => {
  it('that begins with https:// where no TLS is spoken says so at once', async () => {
    const server = await TestServer.start()
    onTestFinished(() => server.close())
    const run = await workshop(await temporaryFolder(), at(server.url.replace('http', 'https')))
    expect(run.code).toBe(1)
    expect(run.err).toContain('does the address begin with http:// instead')
  })

  it.each([
    'Client sent an HTTP request to an HTTPS server.',
    '<html><title>400 The plain HTTP request was sent to HTTPS port</title></html>',
  ])('that begins with http:// where only TLS is spoken says so after one request: %s', async (body) => {
    const odd: Odd = { status: 400, body }
    const server = await TestServer.start(() => odd)
    onTestFinished(() => server.close())
    const run = await workshop(await temporaryFolder(), at(server.url))
    expect(run.code).toBe(1)
    expect(run.err).toContain('does the address begin with https:// instead')
    expect(server.received).toHaveLength(1)
  })
})

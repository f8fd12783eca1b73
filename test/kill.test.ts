// The real process killed, interrupted and run out of disk; then the same command again, compared with a run nobody disturbed.
import { spawn } from 'node:child_process'
import { watch } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { bytesOf, project, rowsOf, start, temporaryFolder, underTsx, workshop } from './support/command.ts'
import { steady } from './support/faults.ts'
import { TestServer } from './support/server.ts'

const target = ['--num-instructions', '24']
const concurrency = 8

/** A server that answers the same question always in the same way, and tells how many requests came. */
async function serve(onRequest: () => void | Promise<void> = () => undefined) {
  const server = await TestServer.start(async (received) => {
    await onRequest()
    return steady(received)
  })
  onTestFinished(() => server.close())
  return { server, env: { OPENAI_API_KEY: 'sk-test', OPENAI_BASE_URL: server.url } }
}

let undisturbed: Promise<{ bytes: Record<string, string>; calls: number }> | undefined

/** The same run with nothing in its way, made once. */
async function reference() {
  const folder = await temporaryFolder()
  const { env } = await serve()
  expect(await workshop(folder, target, env)).toMatchObject({ code: 0, err: '' })
  return { bytes: await bytesOf(folder), calls: (await rowsOf(folder, 'calls.jsonl')).length }
}

/** Whole lines of the log. */
async function logged(folder: string): Promise<number> {
  const text = await readFile(path.join(folder, 'calls.jsonl'), 'utf8').catch(() => '')
  return text.split('\n').length - 1
}

describe('kill -9', () => {
  // So many requests after the start, or as soon as a file whose name begins so is touched.
  const moments = [
    1,
    '.1-instructions.jsonl.',
    '.2-classified.jsonl.',
    6,
    '.rejected.jsonl.',
    '.3-instances.jsonl.',
  ]

  it('at six moments loses no logged reply: the files are those of an undisturbed run', async () => {
    const { bytes, calls } = await (undisturbed ??= reference())
    const folder = await temporaryFolder()
    let victim: ReturnType<typeof start> | undefined
    let left = Infinity
    const { server, env } = await serve(() => void (--left === 0 && victim?.kill('SIGKILL')))
    for (const moment of moments) {
      const before = { received: server.received.length, logged: await logged(folder) }
      left = typeof moment === 'number' ? moment : Infinity
      const at = typeof moment === 'string' ? moment : '\0'
      const watcher = watch(folder, (_, name) => name?.startsWith(at) && victim?.kill('SIGKILL'))
      victim = start([...target, '--data-dir', folder], env)
      expect(await victim.finished).toMatchObject({ code: null })
      watcher.close()
      const paid = server.received.length - before.received
      expect(paid - ((await logged(folder)) - before.logged)).toBeLessThanOrEqual(concurrency)
    }
    left = Infinity
    expect(await workshop(folder, target, env)).toMatchObject({ code: 0, err: '' })
    expect(await bytesOf(folder)).toEqual(bytes)
    expect(await rowsOf(folder, 'calls.jsonl')).toHaveLength(calls)
    expect(
      (await readdir(folder)).filter((name) => name.endsWith('.tmp') || name.startsWith('.lock')),
    ).toEqual([])
  })
})

describe.skipIf(process.platform === 'win32')('Ctrl-C', () => {
  // tsx kills a program that has not answered within about 60 ms, which a busy machine may not manage.
  const title =
    'under npx tsx awaits what is in flight, writes what is answered, and the same command goes on'
  it(title, { retry: 3 }, async () => {
    const { bytes, calls } = await (undisturbed ??= reference())
    const folder = await temporaryFolder()
    let release: () => void = () => undefined
    const released = new Promise<void>((resolve) => (release = resolve))
    let pressed: () => void = () => undefined
    const held = new Promise<void>((resolve) => (pressed = resolve))
    let requests = 0
    const { server, env } = await serve(async () => {
      if (++requests === 28) pressed()
      if (requests >= 28 - 4) await released
    })
    const run = spawn('npx', ['tsx', 'workshop.ts', ...target, '--data-dir', folder], {
      cwd: project,
      env: {
        ...process.env,
        ...env,
        DASHSCOPE_API_KEY: '',
        LANG: 'en_US.UTF-8',
        LC_ALL: '',
        npm_config_loglevel: 'error',
      },
      detached: true, // a process group of its own, as in a terminal
    })
    let [out, err] = ['', '']
    run.stdout.on('data', (text) => (out += String(text)))
    run.stderr.on('data', (text) => {
      err += String(text)
      if (err.includes('interrupted: ')) release()
    })
    // npx ends by the signal itself once the program has ended; shells report that as 130 too.
    const code = new Promise((resolve) =>
      run.on('close', (status, signal) => resolve(signal === 'SIGINT' ? 130 : status)),
    )
    await held
    process.kill(-(run.pid ?? 0), 'SIGINT')
    expect(await code).toBe(130)
    expect(err).toContain('run the same command to go on')
    expect(out).toMatch(
      /\d+ of \d+; `npx tsx workshop\.ts filter --data-dir .+` makes a data set of these now; the same command goes on/,
    )
    expect(await logged(folder)).toBe(server.received.length)
    expect((await rowsOf(folder, '3-instances.jsonl')).length).toBeGreaterThan(0)

    expect((await workshop(folder, ['filter'])).code).toBe(1)
    expect((await rowsOf(folder, '4-dataset.jsonl')).length).toBeGreaterThan(0)

    expect(await workshop(folder, target, env)).toMatchObject({ code: 0, err: '' })
    expect(await bytesOf(folder)).toEqual(bytes)
    expect(server.received).toHaveLength(calls)
  })
})

describe.skipIf(process.platform === 'win32')('a full disk', () => {
  it('ends the run with a sentence, stops paying, and the same command goes on', async () => {
    const { bytes, calls } = await (undisturbed ??= reference())
    const folder = await temporaryFolder()
    const { server, env } = await serve()
    // A limit on the size of a file cuts a write in the middle, as a full disk does.
    const limited = spawn(
      'sh',
      [
        '-c',
        'ulimit -f 60 && exec "$0" "$@"',
        process.execPath,
        ...underTsx,
        'workshop.ts',
        ...target,
        '--data-dir',
        folder,
      ],
      { cwd: project, env: { ...process.env, ...env, LANG: 'en_US.UTF-8', LC_ALL: '' } },
    )
    let err = ''
    limited.stderr.on('data', (text) => (err += String(text)))
    expect(await new Promise((resolve) => limited.on('close', resolve))).toBe(1)
    expect(err).toMatch(/calls\.jsonl cannot be written.*the same command goes on/)
    expect(server.received.length - (await logged(folder))).toBeLessThanOrEqual(concurrency)
    expect(await workshop(folder, target, env)).toMatchObject({ code: 0, err: '' })
    expect(await bytesOf(folder)).toEqual(bytes)
    expect(await rowsOf(folder, 'calls.jsonl')).toHaveLength(calls)
  })
})

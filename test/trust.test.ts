// A folder that somebody handed out decides nothing outside itself: where keys go, what is read elsewhere, what is written.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, lstatSync } from 'node:fs'
import {
  appendFile,
  chmod,
  link,
  mkdir,
  readFile,
  readdir,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { readEnvironment, tellOfUnread } from '../steps/workspace/environment.ts'
import { readSettings } from '../steps/workspace/settings.ts'
import {
  cleanEnvironment,
  folderWithRun,
  project,
  rowsOf,
  temporaryFolder,
  underTsx,
  workshop,
} from './support/command.ts'
import { TestServer } from './support/server.ts'

const secret = 'sk-test-Zq83kfPw01mxTT7d'

async function serve(): Promise<TestServer> {
  const server = await TestServer.start()
  onTestFinished(() => server.close())
  return server
}

/** The folder of a whole run, with these settings put into its run.json by somebody else. */
async function handedOut(settings: object, log = true): Promise<string> {
  const folder = await folderWithRun()
  const file = path.join(folder, 'run.json')
  const run = JSON.parse(await readFile(file, 'utf8')) as { settings: object }
  await writeFile(file, JSON.stringify({ ...run, settings: { ...run.settings, ...settings } }))
  if (!log) await writeFile(path.join(folder, 'calls.jsonl'), '')
  return folder
}

describe('an address in a folder that was handed out', () => {
  it.each([
    ['openai', 'OPENAI_API_KEY', ['filter', '--judge']],
    ['openai', 'LLM_API_KEY', ['instances']],
    ['dashscope', 'DASHSCOPE_API_KEY', ['instances']],
    ['dashscope', 'DASHSCOPE_API_KEY', ['classify', '--batch']],
    ['compatible', 'LLM_API_KEY', ['generate']],
  ])('of %s gets no request, and so no key (%s, %j)', async (provider, variable, args) => {
    const [evil, own] = [await serve(), await serve()]
    const folder = await handedOut({ provider, model: 'm', 'base-url': evil.url }, false)
    // The provider's own address, as this machine gives it: the only one that may be asked.
    const env = { [variable]: secret, OPENAI_BASE_URL: own.url, DASHSCOPE_BASE_URL: own.url }
    const { out } = await workshop(folder, args, env)
    expect(evil.received).toEqual([])
    expect(out.split('\n')[0]).toContain(`not taken from run.json: --base-url ${evil.url}`)
  })

  it('is asked where it was given here: in the run itself, and again', async () => {
    const server = await serve()
    const folder = await temporaryFolder()
    const given = ['--base-url', server.url, '--model', 'm', '--num-instructions', '2']
    await workshop(folder, given, { LLM_API_KEY: secret })
    await writeFile(path.join(folder, 'calls.jsonl'), '')
    const before = server.received.length
    const { out } = await workshop(folder, ['classify'], { LLM_API_KEY: secret })
    expect(server.received.length).toBeGreaterThan(before)
    expect(server.received.at(-1)?.headers.authorization).toBe(`Bearer ${secret}`)
    expect(out).not.toContain('not taken')
    // The same files in another place were given nothing.
    const copy = await handedOut({ provider: 'compatible', model: 'm', 'base-url': server.url }, false)
    const asked = server.received.length
    await workshop(copy, ['classify'], { LLM_API_KEY: secret })
    expect(server.received).toHaveLength(asked)
    await workshop(copy, ['classify', '--base-url', server.url, '--model', 'm'], { LLM_API_KEY: secret })
    expect(server.received.length).toBeGreaterThan(asked)
  })

  it.each(['.', '..'])('in a .env of that folder is not read (the folder is %s of here)', async (dataDir) => {
    const folder = await temporaryFolder()
    await writeFile(path.join(folder, '.env'), 'OPENAI_BASE_URL=http://127.0.0.1:9/v1\n')
    const [{ cwd }, before] = [process, process.env.OPENAI_BASE_URL]
    process.cwd = () => folder
    delete process.env.OPENAI_BASE_URL
    onTestFinished(() => {
      process.cwd = cwd
      if (before !== undefined) process.env.OPENAI_BASE_URL = before
    })
    expect((await readEnvironment(path.resolve(dataDir))).OPENAI_BASE_URL).toBeUndefined()
    expect((await readEnvironment(path.resolve('data'))).OPENAI_BASE_URL).toBe('http://127.0.0.1:9/v1')
    delete process.env.OPENAI_BASE_URL
  })

  it('in such a .env is named as not read, a key too, where the environment has none', async () => {
    const folder = await temporaryFolder()
    const link = path.join(await temporaryFolder(), 'link')
    await symlink(folder, link)
    const lines = [`LLM_API_KEY=${secret}`, 'OPENAI_BASE_URL=http://127.0.0.1:9/v1', 'ALL_PROXY=x', 'OTHER=1']
    await writeFile(path.join(folder, '.env'), lines.join('\n'))
    vi.spyOn(process, 'cwd').mockReturnValue(folder)
    vi.stubEnv('LLM_API_KEY', undefined)
    vi.stubEnv('OPENAI_BASE_URL', undefined)
    vi.stubEnv('ALL_PROXY', 'y')
    onTestFinished(() => {
      vi.restoreAllMocks()
      vi.unstubAllEnvs()
    })
    for (const dataDir of [folder, path.dirname(folder), link]) {
      const told = await tellOfUnread(dataDir)
      expect(told?.en).toContain(`not read: LLM_API_KEY, OPENAI_BASE_URL in ${path.join(folder, '.env')}.`)
      expect(told?.zh).toContain(`没有读取 ${path.join(folder, '.env')} 中的 LLM_API_KEY、OPENAI_BASE_URL：`)
      expect(JSON.stringify(told)).not.toContain(secret)
    }
    expect(await tellOfUnread(path.join(folder, 'data'))).toBeUndefined()
    await writeFile(path.join(folder, '.env'), 'OTHER=1\n')
    expect(await tellOfUnread(folder)).toBeUndefined()
  })

  it.each([
    [['filter'], 'not read: ALL_PROXY in '],
    [['filter', '--language', 'zh'], ' 中的 ALL_PROXY：'],
    [['check'], 'not read: ALL_PROXY in '],
  ])('in such a .env is told of on the screen (%j)', async (args, sentence) => {
    const folder = await folderWithRun()
    await writeFile(path.join(folder, '.env'), 'ALL_PROXY=http://127.0.0.1:9\n')
    const spy = vi.spyOn(process, 'cwd').mockReturnValue(folder)
    onTestFinished(() => spy.mockRestore())
    expect((await workshop(folder, args)).out).toContain(sentence)
  })
})

describe('a price in a folder that was handed out', () => {
  const pricedFolder = async () => handedOut({ provider: 'openai', model: 'gpt-6-luna', price: '0/0' })
  it('does not make a budget endless', async () => {
    const folder = await pricedFolder()
    const asked = readSettings(['instances', '--data-dir', folder, '--budget', '1'], {})
    expect([asked.price, [...asked.notTaken.keys()]]).toEqual([undefined, ['price']])
    expect(readSettings(['instances', '--data-dir', folder], {}).price).toBe('0/0')
  })
})

describe('a place in a folder that was handed out', () => {
  const settingsOf = (folder: string, step = 'filter') => readSettings([step, '--data-dir', folder], {})

  it.each(['seed-file', 'topics', 'avoid', 'merge', 'replay', 'output-path'] as const)(
    'outside of it is not taken: %s',
    async (name) => {
      const elsewhere = path.join(await temporaryFolder(), 'private.jsonl')
      await writeFile(elsewhere, '{"instruction":"A private matter."}\n')
      const folder = await handedOut({
        [name]: name === 'avoid' || name === 'merge' ? [elsewhere] : elsewhere,
      })
      const settings = settingsOf(folder)
      expect(JSON.stringify(settings, (key, value) => (key === 'notTaken' ? [...value] : value))).toContain(
        elsewhere,
      )
      expect(JSON.stringify({ ...settings, notTaken: undefined })).not.toContain(elsewhere)
      for (const command of ['filter', 'report', 'why'])
        expect(
          (await workshop(folder, command === 'why' ? ['why', 'music'] : [command])).out.split('\n')[0],
        ).toContain(`--${name}`)
      expect(await readFile(elsewhere, 'utf8')).toBe('{"instruction":"A private matter."}\n')
    },
  )

  it('that a link leads out of it is not taken either', async () => {
    const elsewhere = await temporaryFolder()
    const folder = await temporaryFolder()
    await symlink(elsewhere, path.join(folder, 'more'))
    await writeFile(
      path.join(folder, 'run.json'),
      JSON.stringify({
        settings: {
          'output-path': path.join(folder, 'more', 'x.jsonl'),
          merge: [path.join(folder, '..', 'x')],
        },
      }),
    )
    expect([...settingsOf(folder).notTaken.keys()]).toEqual(['output-path', 'merge'])
  })

  it('is not taken where nothing can be remembered, which is no fault', async () => {
    const folder = await temporaryFolder()
    const nowhere = path.join(folder, 'file')
    await writeFile(nowhere, '')
    const elsewhere = path.join(await temporaryFolder(), 'topics.txt')
    await writeFile(elsewhere, 'rivers\nbridges\n')
    const env = { XDG_STATE_HOME: nowhere }
    const args = ['--topics', elsewhere, '--num-instructions', '2']
    expect(await workshop(folder, args, env)).toMatchObject({ code: 0, err: '' })
    expect((await workshop(folder, ['filter'], env)).out).toContain(`not taken from run.json: --topics`)
    expect((await workshop(folder, ['filter', '--topics', elsewhere], env)).out).not.toContain('not taken')
  })

  it("inside of it, or in the project's data, is", async () => {
    const folder = await temporaryFolder()
    await mkdir(path.join(folder, 'more'))
    const settings = {
      'seed-file': 'data/seed_tasks.zh.jsonl',
      topics: path.join(folder, 'topics.txt'),
      merge: [path.join(folder, 'more')],
      'output-path': path.join(folder, 'out.jsonl'),
    }
    await writeFile(path.join(folder, 'run.json'), JSON.stringify({ settings }))
    const taken = settingsOf(folder)
    expect([...taken.notTaken]).toEqual([])
    expect(taken).toMatchObject({ topics: settings.topics, merge: settings.merge })
    expect(taken.seedFile).toBe(path.join(project, 'data', 'seed_tasks.zh.jsonl'))
    expect(taken.outputPath).toBe(settings['output-path'])
  })

  it('is not taken on a replay, and is not laundered by it', async () => {
    const elsewhere = path.join(await temporaryFolder(), '.profile')
    await writeFile(elsewhere, 'mine\n')
    const folder = await handedOut({ 'output-path': elsewhere, 'base-url': 'http://127.0.0.1:9/v1' })
    const replayed = await temporaryFolder()
    const args = ['--replay', path.join(folder, 'calls.jsonl')]
    const { out } = await workshop(replayed, args)
    expect(out.split('\n')[0]).toContain(`--output-path "${elsewhere}"`)
    expect(await readFile(elsewhere, 'utf8')).toBe('mine\n')
    const { out: again } = await workshop(replayed, ['filter'])
    expect(again).not.toContain('not taken')
    expect(await readFile(path.join(replayed, 'run.json'), 'utf8')).not.toMatch(/profile|127\.0\.0\.1/)
  })
})

it('an option of one command alone is no setting of a run, and is not shown as one', async () => {
  const folder = await handedOut({ budget: 5, 'dry-run': true, concurrency: 1000 })
  const before = await readFile(path.join(folder, 'calls.jsonl'), 'utf8')
  const { code, out } = await workshop(folder, ['filter'])
  expect(code).toBe(0)
  expect(out).toContain('as in the last whole run: provider offline')
  expect(out).not.toMatch(/budget|dry-run|concurrency/)
  expect(readSettings(['filter', '--data-dir', folder], {})).toMatchObject({ concurrency: 8, dryRun: false })
  expect(await readFile(path.join(folder, 'calls.jsonl'), 'utf8')).toBe(before)
})

it('what was not taken is said in Chinese too', async () => {
  const folder = await handedOut({ 'base-url': 'http://127.0.0.1:9/v1', language: 'zh' })
  const { out } = await workshop(folder, ['filter'])
  expect(out.split('\n')[0]).toContain('没有采用：--base-url http://127.0.0.1:9/v1')
})

describe.skipIf(process.platform === 'win32')('the data set', () => {
  it('replaces only plain files', async () => {
    const folder = await folderWithRun()
    const elsewhere = path.join(await temporaryFolder(), 'private')
    await writeFile(elsewhere, 'mine\n')
    const link = path.join(folder, 'link.jsonl')
    await symlink(elsewhere, link)
    const pipe = path.join(folder, 'pipe.jsonl')
    execFileSync('mkfifo', [pipe])
    for (const place of ['/dev/null', link, pipe]) {
      const { code, err } = await workshop(folder, ['filter', '--output-path', place])
      expect(code).toBe(2)
      expect(err).toContain(`${place} is a link, a pipe or a device`)
    }
    expect(lstatSync('/dev/null').isCharacterDevice()).toBe(true)
    expect(await readFile(elsewhere, 'utf8')).toBe('mine\n')
  })

  it.each(['calls.jsonl', '3-instances.jsonl', '.written.jsonl', 'my-seeds.jsonl', '.env'])(
    'does not hit %s by another name',
    async (name) => {
      const folder = await folderWithRun()
      const file = path.join(folder, name)
      if (name === 'my-seeds.jsonl') await writeFile(file, '{"instruction":"Name a river."}\n')
      if (name === '.env') await writeFile(file, 'NO=1\n')
      const before = await readFile(file, 'utf8')
      const elsewhere = await temporaryFolder()
      await symlink(folder, path.join(elsewhere, 'folder'))
      await link(file, path.join(elsewhere, 'hard.jsonl'))
      const { cwd } = process
      if (name === '.env') process.cwd = () => folder
      onTestFinished(() => void (process.cwd = cwd))
      const given = name === 'my-seeds.jsonl' ? ['--seed-file', file] : []
      for (const place of [file, path.join(elsewhere, 'hard.jsonl'), path.join(elsewhere, 'folder', name)]) {
        const { code, err } = await workshop(folder, ['filter', ...given, '--output-path', place])
        expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining('would be lost') })
      }
      expect(await readFile(file, 'utf8')).toBe(before)
    },
  )

  it('does not hit a file that is still to come', async () => {
    const folder = await temporaryFolder()
    const elsewhere = await temporaryFolder()
    await symlink(folder, path.join(elsewhere, 'folder'))
    const place = path.join(elsewhere, 'folder', 'Calls.jsonl')
    expect(await workshop(folder, ['--num-instructions', '2', '--output-path', place])).toMatchObject({
      code: 2,
    })
  })
})

describe.skipIf(process.platform === 'win32')('a folder that was handed out with odd files', () => {
  it.each([
    'calls.jsonl',
    '1-instructions.jsonl',
    'rejected.jsonl',
    'run.json',
    'report.html',
    '.written.jsonl',
    'batches.jsonl',
    'seeds.jsonl',
  ])('writes through no link: %s', async (name) => {
    const folder = await folderWithRun()
    const elsewhere = path.join(await temporaryFolder(), 'private')
    await writeFile(elsewhere, 'mine\n')
    await rm(path.join(folder, name), { force: true })
    await symlink(elsewhere, path.join(folder, name))
    for (const args of [['--num-instructions', '21'], ['filter'], ['report']]) {
      const { code, err } = await workshop(folder, args)
      expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(`${name} is a link, a pipe`) })
    }
    expect(await readFile(elsewhere, 'utf8')).toBe('mine\n')
  })

  it.each(['4-dataset.huggingface', '4-dataset.alpaca.json', 'paste', '.batch-0123456789abcdef.jsonl'])(
    'writes and removes nothing behind a link: %s',
    async (name) => {
      const folder = await folderWithRun()
      const elsewhere = await temporaryFolder()
      const mine = path.join(elsewhere, 'README.md')
      await writeFile(mine, 'mine\n')
      await symlink(name === 'paste' || name.endsWith('face') ? elsewhere : mine, path.join(folder, name))
      const line = { file: `${name}/README.md`, sha256: 'x', from: 'y' } // as if an export had been made there
      await appendFile(path.join(folder, '.written.jsonl'), `${JSON.stringify(line)}\n`)
      for (const args of [['filter', '--export', 'huggingface'], ['filter'], ['--provider', 'paste']]) {
        const { code, err } = await workshop(folder, args)
        expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(`${name} is a link`) })
      }
      expect([await readdir(elsewhere), await readFile(mine, 'utf8')]).toEqual([['README.md'], 'mine\n'])
    },
  )

  it('sends no file that a link leads to: neither as seed tasks nor as the name of a model', async () => {
    const server = await serve()
    const env = { OPENAI_API_KEY: secret, OPENAI_BASE_URL: server.url }
    const elsewhere = path.join(await temporaryFolder(), 'private.txt')
    await writeFile(elsewhere, 'A private matter.\n')
    const folder = await handedOut({ 'seed-file': undefined }) // as where somebody brought seeds
    await symlink(elsewhere, path.join(folder, 'seeds.jsonl'))
    const replay = ['--replay', path.join(folder, 'calls.jsonl')]
    for (const [place, args] of [
      [folder, ['generate', '--provider', 'openai']],
      [await temporaryFolder(), replay],
    ] as const) {
      const { code, err } = await workshop(place, args, env)
      expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining('seeds.jsonl is a link') })
      expect(existsSync(path.join(place, 'seeds.jsonl'))).toBe(place === folder)
    }
    const other = await temporaryFolder()
    await mkdir(path.join(other, 'paste'))
    await symlink(elsewhere, path.join(other, 'paste', 'model.txt'))
    const { code, out, err } = await workshop(other, ['--provider', 'paste'])
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining('model.txt is a link') })
    expect(out + err).not.toContain('A private matter')
    expect(server.received).toEqual([])
  })

  it('is merged by its run.json only where no link lies in what it names', async () => {
    const elsewhere = path.join(await temporaryFolder(), 'private.jsonl')
    await writeFile(elsewhere, '{"instruction":"Tell of a private matter.","output":"It is told."}\n')
    const folder = await folderWithRun()
    const more = path.join(folder, 'more', 'seat')
    await mkdir(more, { recursive: true })
    await symlink(elsewhere, path.join(more, '4-dataset.jsonl'))
    const file = path.join(folder, 'run.json')
    const run = JSON.parse(await readFile(file, 'utf8')) as { settings: object }
    const settings = { ...run.settings, merge: [path.join(folder, 'more')] }
    await writeFile(file, JSON.stringify({ ...run, settings }))
    const { out } = await workshop(folder, ['filter', '--num-instructions', 'all'])
    expect(out.split('\n')[0]).toContain('not taken from run.json: --merge')
    expect(await readFile(path.join(folder, '4-dataset.jsonl'), 'utf8')).not.toContain('private')
  })

  it.each(['3-instances.jsonl', 'run.json', '4-dataset.jsonl'])(
    'is waited for in no class: a pipe for %s',
    async (name) => {
      const [data, others] = [await temporaryFolder(), await temporaryFolder()]
      const seat = path.join(others, 'seat-1')
      await mkdir(seat)
      const row = { instruction: 'Name three rivers.', is_classification: false }
      const rows = JSON.stringify({ ...row, instances: [{ input: '', output: 'Rhine, Elbe and Weser.' }] })
      await writeFile(path.join(seat, '3-instances.jsonl'), name === '4-dataset.jsonl' ? '' : rows)
      await rm(path.join(seat, name), { force: true })
      if (name === '4-dataset.jsonl') await rm(path.join(seat, '3-instances.jsonl'))
      execFileSync('mkfifo', [path.join(seat, name)])
      const { code, err } = await workshop(data, ['filter', '--num-instructions', 'all', '--merge', others])
      if (name === 'run.json') expect({ code, err }).toEqual({ code: 0, err: '' })
      else
        expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(`${name} is a link, a pipe`) })
    },
  )

  it('waits for no pipe', async () => {
    for (const name of ['calls.jsonl', 'run.json', '2-classified.jsonl', '.env']) {
      const folder = await folderWithRun()
      await rm(path.join(folder, name), { force: true })
      execFileSync('mkfifo', [path.join(folder, name)])
      const { cwd } = process
      if (name === '.env') process.cwd = () => folder
      const { code } = await workshop(folder, ['instances']).finally(() => (process.cwd = cwd))
      expect(code).toBe(name === '.env' ? 0 : 2)
    }
  })
})

describe('a log', () => {
  it.skipIf(process.platform === 'win32')(
    'that cannot be written ends the run before anything is asked',
    async () => {
      const server = await serve()
      const folder = await temporaryFolder()
      await chmod(folder, 0o777)
      await writeFile(path.join(folder, 'calls.jsonl'), '', { mode: 0o444 })
      if (process.getuid?.() === 0) {
        process.seteuid?.(65534) // permissions do not bind root
        onTestFinished(() => process.seteuid?.(0))
      }
      const { code, err } = await workshop(folder, [], {
        OPENAI_API_KEY: secret,
        OPENAI_BASE_URL: server.url,
      })
      expect({ code, err }).toEqual({
        code: 1,
        err: expect.stringContaining('calls.jsonl cannot be written'),
      })
      expect(server.received).toEqual([])
    },
  )

  it.each([
    ['deleted', (folder: string) => rm(path.join(folder, 'calls.jsonl'))],
    ['moved with its folder', (folder: string) => rename(folder, `${folder} moved`)],
  ])('that is %s in the middle ends the run, which says so and puts nothing in its place', async (_, go) => {
    const folder = path.join(await temporaryFolder(), 'data')
    const server = await TestServer.start(async (_received, count) => {
      if (count === 20) await go(folder)
      return undefined
    })
    onTestFinished(() => server.close())
    const args = ['--num-instructions', '40', '--concurrency', '4']
    const { code, err } = await workshop(folder, args, {
      OPENAI_API_KEY: secret,
      OPENAI_BASE_URL: server.url,
    })
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('calls.jsonl was deleted, moved') })
    expect(server.received.length).toBeLessThan(20 + 4 + 4)
    expect(existsSync(path.join(folder, 'report.html'))).toBe(false)
  })
})

it('a run whose folder another took over ends and writes nothing more', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const folder = await temporaryFolder()
  const server = await TestServer.start(async (_, count) => {
    if (count !== 10) return undefined
    await writeFile(path.join(folder, '.lock'), 'another')
    vi.advanceTimersByTime(6000)
    return undefined
  })
  onTestFinished(() => server.close())
  const env = { OPENAI_API_KEY: secret, OPENAI_BASE_URL: server.url }
  const { code, err } = await workshop(folder, ['--num-instructions', '20', '--concurrency', '2'], env)
  expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining("is not this run's any more") })
  expect(server.received.length).toBeLessThan(15)
  expect(await readFile(path.join(folder, '.lock'), 'utf8')).toBe('another')
  expect(existsSync(path.join(folder, '3-instances.jsonl'))).toBe(false)
})

it('rejected rows of other steps are copied as they are, and a hand-written line is read', async () => {
  const folder = await folderWithRun()
  const file = path.join(folder, 'rejected.jsonl')
  const odd =
    '{"step":"filter","reason":"mine","detail":"","instruction":"Odd  spacing,\\u0020kept.", "extra" : 1}'
  const own = '{"reason":"by hand","step":"filter","detail":"","instruction":"Another order."}'
  await writeFile(file, `${await readFile(file, 'utf8')}${odd}\n${own}\n`)
  expect(await workshop(folder, ['classify'])).toMatchObject({ code: 0 })
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n')
  expect(lines.slice(-2)).toEqual([
    odd,
    '{"step":"filter","reason":"by hand","detail":"","instruction":"Another order."}',
  ])
})

describe('the end', () => {
  const broken = (code: string) => Object.assign(new Error(code), { code })
  it.each([
    ['a terminal that closes', () => [1, 2, 3].forEach(() => process.emit('SIGHUP'))],
    ['a terminal that closes while it is written to', () => process.stderr.emit('error', broken('EIO'))],
    ['`| head`', () => process.stdout.emit('error', broken('EPIPE'))],
  ])('by %s loses no reply, writes what exists, and says nothing', async (what, end) => {
    const folder = await temporaryFolder()
    let answered = 0
    const server = await TestServer.start(async (_, count) => {
      if (count === 34) end()
      await new Promise((resolve) => setImmediate(resolve))
      answered++
      return undefined
    })
    onTestFinished(() => server.close())
    const env = { OPENAI_API_KEY: secret, OPENAI_BASE_URL: server.url }
    const { code, err } = await workshop(folder, ['--num-instructions', '40'], env)
    expect(code).toBe(130)
    if (what !== 'a terminal that closes') expect(err).toBe('')
    expect(await rowsOf(folder, 'calls.jsonl')).toHaveLength(answered)
    expect((await rowsOf(folder, '3-instances.jsonl')).length).toBeGreaterThan(0)
    expect(existsSync(path.join(folder, '.lock'))).toBe(false)
  })

  it.skipIf(process.platform === 'win32').each([
    ["why 'a'", 0],
    ['--help', 0],
    ['filter --similarity 0.5', 130],
    ['--num-instructions 21', 130],
  ])('of a pipe that nobody reads is quiet: %s', async (words, status) => {
    const folder = await folderWithRun()
    const command = `"${process.execPath}" ${underTsx.join(' ')} workshop.ts ${words} --data-dir '${folder}'`
    const options = { cwd: project, encoding: 'utf8', env: cleanEnvironment() } as const
    const { stderr } = spawnSync('sh', ['-c', `(${command}; echo $? >&2) | true`], options)
    expect(stderr).toBe(`${status}\n`)
    expect((await rowsOf(folder, '4-dataset.jsonl')).length).toBeGreaterThan(0)
    expect(existsSync(path.join(folder, '.lock'))).toBe(false)
  })

  it('of a killed batch leaves questions behind, which go', async () => {
    const folder = await folderWithRun()
    const names = ['.batch-0123456789abcdef.jsonl', '.batch-fedcba9876543210.jsonl']
    for (const name of names) await writeFile(path.join(folder, name), '')
    const open = { id: 'b', provider: 'openai', model: 'm', step: 'classify', file: names[0], keys: ['x'] }
    await writeFile(path.join(folder, 'batches.jsonl'), `${JSON.stringify(open)}\n`)
    await workshop(folder, ['filter'])
    expect((await readdir(folder)).filter((name) => name.startsWith('.batch-'))).toEqual([names[0]])
  })
})

// Files replaced in one go: the old one stays whole until the new one is.
import { existsSync } from 'node:fs'
import { open, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { Journal, Replacement } from '../../steps/workspace/replacement.ts'
import { temporaryFolder } from '../support/command.ts'

// Only what another program does to a file cannot be had from a real file system: rename fails as often as a test says.
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>()
  return { ...real, open: vi.fn(real.open), rename: vi.fn(real.rename) }
})
vi.mock('node:timers/promises', async (original) => ({
  ...(await original<typeof import('node:timers/promises')>()),
  setTimeout: vi.fn(() => Promise.resolve()),
}))

beforeEach(() => vi.clearAllMocks())

function heldFor(times: number, code: string): void {
  for (let time = 0; time < times; time++)
    vi.mocked(rename).mockRejectedValueOnce(Object.assign(new Error(code), { code }))
}

async function folderWith(name: string, content: string) {
  const folder = await temporaryFolder()
  const journal = await Journal.open(folder, [name])
  const first = new Replacement(path.join(folder, name), journal)
  await first.addText(content)
  await first.commit()
  vi.clearAllMocks()
  const replace = () => new Replacement(path.join(folder, name), journal)
  return { folder, replace, read: () => readFile(path.join(folder, name), 'utf8') }
}

const name = '4-dataset.jsonl'

describe('a file being replaced', () => {
  it('is the old one until the new one is whole', async () => {
    const { replace, read } = await folderWith(name, 'old\n')
    const file = replace()
    for (let row = 0; row < 5000; row++)
      await file.add({ instruction: 'a row that is long enough to be flushed' })
    expect(await read()).toBe('old\n')
    await file.commit()
    expect((await read()).split('\n')).toHaveLength(5001)
  })

  it('takes rows that are added at the same time, in the order in which they came', async () => {
    const { replace, read } = await folderWith(name, 'old\n')
    const file = replace()
    const rows = Array.from({ length: 5000 }, (_, at) => ({ instruction: `Describe river number ${at}.` }))
    await Promise.all(rows.map((row) => file.add(row)))
    await file.commit()
    expect(await read()).toBe(rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  })

  it('is not written again where nothing changed', async () => {
    const { folder, replace } = await folderWith(name, 'same\n')
    const { ino, mtimeMs } = await stat(path.join(folder, name))
    const file = replace()
    await file.addText('same\n')
    await file.commit()
    expect(await stat(path.join(folder, name))).toMatchObject({ ino, mtimeMs })
    expect((await readdir(folder)).toSorted()).toEqual(['.written.jsonl', name])
  })

  it('follows no link that lies in its way, and is none', async () => {
    const { folder, replace, read } = await folderWith(name, 'old\n')
    const elsewhere = path.join(await temporaryFolder(), 'private')
    await writeFile(elsewhere, 'mine\n')
    // Every name this could have been given before it was random.
    for (const guess of [`.${name}.tmp`, '.4-dataset.edited.jsonl.tmp'])
      await symlink(elsewhere, path.join(folder, guess))
    await writeFile(path.join(folder, name), 'edited\n')
    const file = replace()
    await file.addText('new\n')
    await file.commit()
    expect([await read(), await readFile(elsewhere, 'utf8')]).toEqual(['new\n', 'mine\n'])

    await rm(path.join(folder, name))
    await symlink(elsewhere, path.join(folder, name))
    const second = replace()
    await second.addText('newer\n')
    await expect(second.commit()).rejects.toMatchObject({
      exit: 2,
      message: expect.stringContaining('is a link'),
    })
    expect(await readFile(elsewhere, 'utf8')).toBe('mine\n')
    expect((await readdir(folder)).filter((left) => /[0-9a-f]{12}\.tmp$/.test(left))).toEqual([])
  })

  it('that was edited by hand is kept first', async () => {
    const { folder, replace, read } = await folderWith(name, 'old\n')
    await writeFile(path.join(folder, name), 'edited\n')
    const file = replace()
    await file.addText('new\n')
    expect(await file.commit()).toBe('4-dataset.edited.jsonl')
    expect(await read()).toBe('new\n')
    expect(await readFile(path.join(folder, '4-dataset.edited.jsonl'), 'utf8')).toBe('edited\n')
  })
})

describe.skipIf(!existsSync('/dev/full'))('a full disk', () => {
  it('leaves the old file whole and nothing beside it', async () => {
    const { folder, replace, read } = await folderWith(name, 'old\n')
    vi.mocked(open).mockImplementationOnce(() =>
      vi
        .importActual<typeof import('node:fs/promises')>('node:fs/promises')
        .then((real) => real.open('/dev/full', 'w')),
    )
    const file = replace()
    await file.addText('new\n')
    await expect(file.commit()).rejects.toMatchObject({
      exit: 1,
      message: expect.stringContaining('disk is full'),
    })
    expect(await read()).toBe('old\n')
    expect((await readdir(folder)).toSorted()).toEqual(['.written.jsonl', name])
  })
})

describe('a file that another program holds', () => {
  it.each(['EPERM', 'EBUSY', 'EACCES'])('is tried again: %s', async (code) => {
    const { replace, read } = await folderWith(name, 'old\n')
    heldFor(3, code)
    const file = replace()
    await file.addText('new\n')
    await file.commit()
    expect(await read()).toBe('new\n')
    expect(rename).toHaveBeenCalledTimes(4)
  })

  it('for two seconds, then a sentence says what to close, and the old file is whole', async () => {
    const { replace, read } = await folderWith(name, 'old\n')
    heldFor(100, 'EBUSY')
    const file = replace()
    await file.addText('new\n')
    await expect(file.commit()).rejects.toMatchObject({
      exit: 1,
      words: {
        en: expect.stringContaining('close 4-dataset.jsonl where it is open'),
        zh: expect.stringContaining('请关闭正在打开 4-dataset.jsonl 的程序'),
      },
    })
    const waited = vi.mocked(wait).mock.calls.reduce((sum, [ms = 0]) => sum + ms, 0)
    expect(waited).toBe(2000)
    expect(await read()).toBe('old\n')
    vi.mocked(rename).mockReset()
  })

  it('is not waited for when waiting will not help', async () => {
    const { replace } = await folderWith(name, 'old\n')
    heldFor(1, 'EXDEV')
    const file = replace()
    await file.addText('new\n')
    await expect(file.commit()).rejects.toThrow('EXDEV')
    expect(wait).not.toHaveBeenCalled()
  })
})

// One run at a time in a folder, and no folder locked for ever.
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import {
  chmod,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Fault } from '../../steps/workspace/fault.ts'
import { keyOf } from '../../steps/workspace/jsonl.ts'
import { lockFolder } from '../../steps/workspace/lock.ts'
import { temporaryFolder } from '../support/command.ts'

const dead = spawnSync(process.execPath, ['--version']).pid

type Holder = { pid: number; host: string; place: string; started: string; run: string }

/** What stands in a lock that this process takes, with something else about its holder. */
async function holder(other: Partial<Holder> = {}): Promise<string> {
  const folder = await temporaryFolder()
  const release = await lockFolder(folder)
  const found = JSON.parse(await readFile(path.join(folder, '.lock'), 'utf8')) as Holder
  await release()
  return JSON.stringify({ ...found, ...other })
}

/** A folder with such a lock, renewed so many seconds ago. */
async function folderLockedBy(text: string, silent = 0): Promise<string> {
  const folder = await temporaryFolder()
  const file = path.join(folder, '.lock')
  await writeFile(file, text)
  await utimes(file, Date.now() / 1000, Date.now() / 1000 - silent)
  return folder
}

const holderIn = async (folder: string) =>
  JSON.parse(await readFile(path.join(folder, '.lock'), 'utf8')) as Holder

describe('a locked folder', () => {
  it.each([
    ['lives', { pid: process.ppid }],
    [
      'is number 1 of another container, as this process may be in its own',
      { pid: process.pid, place: 'elsewhere' },
    ],
    ['is a number nobody has here, but on another machine', { pid: dead, host: 'far away' }],
  ])('is refused while its holder %s, and the holder is named', async (_, other) => {
    const text = await holder(other)
    const folder = await folderLockedBy(text, 20)
    const refused = lockFolder(folder)
    await expect(refused).rejects.toThrow(
      `process ${other.pid} on ${(JSON.parse(text) as Holder).host}, since 2`,
    )
    await expect(refused).rejects.toMatchObject({ exit: 2 })
    expect(await readFile(path.join(folder, '.lock'), 'utf8')).toBe(text)
    expect(await readdir(folder)).toEqual(['.lock'])
  })

  it.each([
    ['a dead process of this machine, at once', { pid: dead }, 0],
    ['an earlier process of our own number, at once', { run: 'another' }, 0],
    ['a living process that was silent', { pid: process.ppid }, 31],
    ['another container that was silent', { pid: 1, place: 'elsewhere' }, 31],
    ['another machine that was silent', { host: 'far away' }, 31],
    ['a lock of the year 2100', { pid: process.ppid }, -2_000_000_000],
  ])('is taken over from %s', async (_, other, silent) => {
    const folder = await folderLockedBy(await holder(other), silent)
    await writeFile(path.join(folder, 'calls.jsonl'), '')
    const release = await lockFolder(folder)
    expect(await holderIn(folder)).toMatchObject({ pid: process.pid, host: os.hostname() })
    await release()
    expect(await readdir(folder)).toEqual(['calls.jsonl'])
  })

  it.each([
    ['nobody, made as its maker died', ''],
    ['nonsense', 'not a number'],
    ['an earlier version of the workshop', String(process.ppid)],
  ])('is taken over after half a minute from %s', async (_, text) => {
    await expect(lockFolder(await folderLockedBy(text))).rejects.toThrow(/^Another run is at work/)
    const folder = await folderLockedBy(text, 31)
    await lockFolder(folder)
    expect((await holderIn(folder)).pid).toBe(process.pid)
  })

  it.skipIf(process.platform === 'win32')(
    'is taken over from a link that leads nowhere, and a pipe',
    async () => {
      for (const make of ['ln -s /nowhere/at-all', 'mkfifo']) {
        const folder = await temporaryFolder()
        spawnSync('sh', ['-c', `${make} "$0"`, path.join(folder, '.lock')])
        const release = await lockFolder(folder)
        expect((await holderIn(folder)).pid).toBe(process.pid)
        await release()
      }
    },
  )

  it('is held by no file of gigabytes, and reads none', async () => {
    const folder = await temporaryFolder()
    const file = path.join(folder, '.lock')
    await writeFile(file, '')
    await truncate(file, 600_000_000)
    await (
      await lockFolder(folder)
    )()
    expect(await readdir(folder)).toEqual([])
  })

  it('is held by whoever wrote something else than names, until it has been silent', async () => {
    const odd = '{"pid":{"toString":5},"host":{"toString":5},"place":[],"started":{"toString":5},"run":{}}'
    await expect(lockFolder(await folderLockedBy(odd, 20))).rejects.toThrow('Another run is at work in')
    await (
      await lockFolder(await folderLockedBy(odd, 40))
    )()
  })

  it('says which folder stands in the place of its lock', async () => {
    const folder = await temporaryFolder()
    await mkdir(path.join(folder, '.lock'))
    await expect(lockFolder(folder)).rejects.toThrow(`${path.join(folder, '.lock')} is a folder`)
  })

  it('is taken over from one that died while taking over, and left to one who lives', async () => {
    const text = await holder({ pid: dead })
    const claim = `.lock.${keyOf(text)}`
    const folder = await folderLockedBy(text)
    await writeFile(path.join(folder, claim), await holder({ pid: dead, run: 'another' }))
    await lockFolder(folder)
    expect(await readdir(folder)).toEqual(['.lock'])
    const second = await folderLockedBy(text)
    await writeFile(path.join(second, claim), await holder({ pid: process.ppid }))
    await expect(lockFolder(second)).rejects.toThrow(`process ${process.ppid}`)
  })

  it('has one winner of twelve who find it dead', async () => {
    const folder = await folderLockedBy(await holder({ pid: dead }))
    const all = await Promise.allSettled(Array.from({ length: 12 }, () => lockFolder(folder)))
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })
})

describe('a lock that is held', () => {
  const held = async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
    const folder = await temporaryFolder()
    const lost = vi.fn()
    const release = await lockFolder(folder, lost)
    return { folder, file: path.join(folder, '.lock'), lost, release }
  }

  it('is renewed every few seconds, and taken again when somebody deletes it', async () => {
    const { file, lost, release } = await held()
    await utimes(file, 0, 0)
    vi.advanceTimersByTime(6000)
    expect(Date.now() - (await stat(file)).mtimeMs).toBeLessThan(20_000)
    await rm(file)
    vi.advanceTimersByTime(6000)
    expect((await stat(file)).isFile()).toBe(true)
    expect(lost).not.toHaveBeenCalled()
    await release()
    await expect(stat(file)).rejects.toThrow('ENOENT')
  })

  it('is lost to who took it over, who keeps it', async () => {
    const { folder, file, lost, release } = await held()
    await writeFile(file, 'another')
    vi.advanceTimersByTime(20_000)
    expect(lost).toHaveBeenCalledOnce()
    expect(lost).toHaveBeenCalledWith({
      en: expect.stringContaining(folder),
      zh: expect.stringContaining('接管'),
    })
    await release()
    expect(await readFile(file, 'utf8')).toBe('another')
  })

  it('is lost with its folder', async () => {
    const { folder, lost, release } = await held()
    await rename(folder, `${folder} moved`)
    onTestFinished(() => rmSync(`${folder} moved`, { recursive: true, force: true }))
    vi.advanceTimersByTime(6000)
    expect(lost).toHaveBeenCalledOnce()
    await release()
  })
})

describe('a folder', () => {
  it('is rid of what a killed run left of its temporary files, and of nothing else', async () => {
    const folder = await temporaryFolder()
    const names = ['.1-instructions.jsonl.0123456789ab.tmp', '.mine.tmp', 'notes.tmp', '1-instructions.jsonl']
    for (const name of names) await writeFile(path.join(folder, name), '')
    await (
      await lockFolder(folder)
    )()
    expect(await readdir(folder)).toEqual(names.slice(1).toSorted())
  })

  it('in which nothing was written is gone again', async () => {
    const folder = path.join(await temporaryFolder(), 'new', 'deeper')
    const release = await lockFolder(folder)
    await release()
    await expect(stat(folder)).rejects.toThrow('ENOENT')
  })

  it('that is a file is refused', async () => {
    const file = path.join(await temporaryFolder(), 'file')
    await writeFile(file, '')
    await expect(lockFolder(file)).rejects.toThrow(/is a file; --data-dir expects a folder/)
  })

  it.skipIf(process.platform === 'win32')('that may not be written is refused, untouched', async () => {
    const folder = path.join(await temporaryFolder(), 'data')
    await mkdir(folder)
    await chmod(folder, 0o555)
    if (process.getuid?.() === 0) {
      process.seteuid?.(65534) // permissions do not bind root
      onTestFinished(() => process.seteuid?.(0))
    }
    const refusal: unknown = await lockFolder(folder).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(Fault)
    expect(refusal).toMatchObject({
      exit: 2,
      message: expect.stringMatching(/permissions|not there|written/),
    })
  })
})

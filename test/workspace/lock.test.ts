// One run at a time in a folder, and no folder locked for ever.
import { spawnSync } from 'node:child_process'
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Fault } from '../../steps/workspace/fault.ts'
import { lockFolder } from '../../steps/workspace/folder.ts'
import { temporaryFolder } from '../support/command.ts'

const dead = spawnSync(process.execPath, ['--version']).pid

async function folderLockedBy(holder: string): Promise<string> {
  const folder = await temporaryFolder()
  await writeFile(path.join(folder, '.lock'), holder)
  return folder
}

describe('a locked folder', () => {
  it('is refused while its holder lives, and the holder is named', async () => {
    const folder = await folderLockedBy(String(process.ppid))
    const refused = lockFolder(folder)
    await expect(refused).rejects.toThrow(`process ${process.ppid}`)
    await expect(refused).rejects.toMatchObject({ exit: 2 })
    expect(await readFile(path.join(folder, '.lock'), 'utf8')).toBe(String(process.ppid))
  })

  it.each([
    ['a dead process', String(dead)],
    ['our own number, as in a container started again', String(process.pid)],
    ['nobody, made as its maker died', ''],
    ['nonsense', 'not a number'],
  ])('is taken over from %s', async (_, holder) => {
    const folder = await folderLockedBy(holder)
    await writeFile(path.join(folder, 'calls.jsonl'), '')
    const release = await lockFolder(folder)
    expect(await readFile(path.join(folder, '.lock'), 'utf8')).toBe(String(process.pid))
    await release()
    expect(await readdir(folder)).toEqual(['calls.jsonl'])
  })

  it('is taken over from one that died while taking over', async () => {
    const folder = await folderLockedBy(String(dead))
    await writeFile(path.join(folder, `.lock.${dead}`), String(dead))
    await lockFolder(folder)
    expect(await readdir(folder)).toEqual(['.lock'])
  })

  it('is left to another who is just taking it over', async () => {
    const folder = await folderLockedBy(String(dead))
    await writeFile(path.join(folder, `.lock.${dead}`), String(process.ppid))
    await expect(lockFolder(folder)).rejects.toThrow(`process ${process.ppid}`)
  })
})

describe('a folder', () => {
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

// One run at a time in a data folder. A lock left by a dead process, or naming our own number (containers), is taken over.
import { writeFileSync } from 'node:fs'
import { mkdir, readFile, rm, rmdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf, Fault, messageOf } from './fault.ts'

/** Takes the folder's lock, making the folder if need be; returns what gives it back. A live holder is a Fault. */
export async function lockFolder(dir: string): Promise<() => Promise<void>> {
  const file = path.join(dir, '.lock')
  const made: string[] = []
  // A command that wrote nothing leaves no empty folder behind.
  const release = async (): Promise<void> => {
    for (const folder of made) await rmdir(folder).catch(() => undefined)
  }
  try {
    await makeFolders(dir, made)
    await acquire(file, dir)
  } catch (error) {
    await release()
    throw error instanceof Fault ? error : noFolder(dir, error)
  }
  return async () => {
    await rm(file, { force: true })
    await release()
  }
}

/** Makes the folder and those it lies in; `made` takes their names, the innermost first. */
async function makeFolders(dir: string, made: string[]): Promise<void> {
  try {
    if ((await stat(dir)).isDirectory()) return
    throw aFile(dir)
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes(codeOf(error)) || path.dirname(dir) === dir) throw error
  }
  await makeFolders(path.dirname(dir), made)
  try {
    await mkdir(dir)
    made.unshift(dir)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error // another run made it this moment
  }
}

function aFile(place: string): Fault {
  return new Fault({
    en: `${place} is a file; --data-dir expects a folder. Name another folder or move the file away.`,
    zh: `${place} 是一个文件，--data-dir 需要一个文件夹。请换一个文件夹名，或移走该文件。`,
  })
}

// A dead holder's lock is removed by whoever holds the lock on that, and only while it is still the dead one's:
// else two who find it at the same moment could each remove the other's new lock.
async function acquire(file: string, dir: string): Promise<void> {
  while (!take(file)) {
    const holder = await holderOf(file)
    if (holder === undefined) continue // just given back
    if (isAlive(Number(holder))) throw atWork(holder, dir)
    const claim = `${file}.${Number(holder)}`
    await acquire(claim, dir)
    if ((await holderOf(file)) === holder) await rm(file, { force: true })
    await rm(claim, { force: true })
  }
}

function take(file: string): boolean {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

/** The process named in a lock, '' when its maker died before it could write that, undefined when there is no lock. */
async function holderOf(file: string): Promise<string | undefined> {
  const read = (): Promise<string | undefined> => readFile(file, 'utf8').then((text) => text.trim(), gone)
  const holder = await read()
  if (holder !== '') return holder
  await sleep(100) // it was made this moment, or long ago
  return read()
}

function gone(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') throw error
}

function atWork(holder: string, dir: string): Fault {
  return new Fault({
    en: `Another run (process ${holder}) is at work in ${dir}. Wait for it, or give this one its own --data-dir. If no run is at work there, delete ${dir}/.lock.`,
    zh: `另一个运行（进程 ${holder}）正在使用 ${dir}。请等它结束，或用 --data-dir 为本次运行另选文件夹。如果那里并没有运行，请删除 ${dir}/.lock。`,
  })
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

function noFolder(dir: string, error: unknown): Fault {
  const why = ['EACCES', 'EPERM', 'EROFS'].includes(codeOf(error))
    ? { en: 'Check its permissions', zh: '请检查权限设置' }
    : {
        en: `The system said ${codeOf(error) || messageOf(error)}: free the place`,
        zh: `系统返回 ${codeOf(error) || messageOf(error)}：请清理该位置`,
      }
  return new Fault({
    en: `Nothing can be written in ${dir}. ${why.en}, or name another folder with --data-dir.`,
    zh: `无法在 ${dir} 中写入。${why.zh}，或用 --data-dir 指定其他文件夹。`,
  })
}

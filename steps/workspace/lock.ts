// One run at a time in a data folder. A lock left by a dead process, or naming our own number (containers), is taken over.
import { mkdir, open, readFile, rm, rmdir } from 'node:fs/promises'
import path from 'node:path'
import { codeOf, Fault, unwritable } from './fault.ts'

/** Takes the folder's lock, making the folder if need be; returns what gives it back. A live holder is a Fault. */
export async function lockFolder(dir: string): Promise<() => Promise<void>> {
  const file = path.join(dir, '.lock')
  try {
    await mkdir(dir, { recursive: true })
    if (!(await take(file))) {
      await refuseLiveHolder(file, dir)
      await rm(file, { force: true })
      if (!(await take(file))) await refuseLiveHolder(file, dir)
    }
  } catch (error) {
    throw error instanceof Fault ? error : notAFolder(dir, error)
  }
  return async () => {
    await rm(file, { force: true })
    await rmdir(dir).catch(() => undefined) // a command that wrote nothing leaves no empty folder behind
  }
}

async function take(file: string): Promise<boolean> {
  try {
    const handle = await open(file, 'wx')
    await handle.write(String(process.pid))
    await handle.close()
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

async function refuseLiveHolder(file: string, dir: string): Promise<void> {
  const holder = Number(await readFile(file, 'utf8').catch(() => ''))
  if (!Number.isInteger(holder) || holder <= 0 || holder === process.pid || !isAlive(holder)) return
  throw new Fault({
    en: `Another run (process ${holder}) is at work in ${dir}. Wait for it, or give this one its own --data-dir.`,
    zh: `另一个运行（进程 ${holder}）正在使用 ${dir}。请等它结束，或用 --data-dir 为本次运行另选文件夹。`,
  })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

function notAFolder(dir: string, error: unknown): Fault {
  if (!['EEXIST', 'ENOTDIR'].includes(codeOf(error))) return unwritable(dir, error)
  return new Fault({
    en: `${dir} is a file; --data-dir expects a folder. Name another folder or move the file away.`,
    zh: `${dir} 是一个文件，--data-dir 需要一个文件夹。请换一个文件夹名，或移走该文件。`,
  })
}

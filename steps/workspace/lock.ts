// One run at a time in a folder, on this machine, in containers and over the network: the lock names its holder and is
// renewed every few seconds. A process number alone says nothing elsewhere: in a container every run is number 1.
import { randomUUID } from 'node:crypto'
import { lstatSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { mkdir, readdir, rm, rmdir, stat } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault, type Words, codeOf, isBarred, isMissing, messageOf, shorten, unreadable } from './fault.ts'
import { field, jsonIn, keyOf, temporaryName } from './jsonl.ts'

const renewedEvery = 5_000 // ms
const silentFor = 30_000 // ms without a renewal after which a holder is taken for dead, whatever its number

/** Who holds a lock. `place`: the machine, since when it is up, and the numbering of its processes. */
type Holder = { pid: number; host: string; place: string; started: string; run: string }

const mine = new Set<string>() // runs of this very process

/**
 * Takes the folder's lock, making the folder if need be, and removes what a killed run left of its temporary files; returns
 * what gives the lock back. A live holder is a Fault. `lost` hears why, when the lock is ours no more.
 */
export async function lockFolder(
  dir: string,
  lost: (words: Words) => void = () => undefined,
): Promise<() => Promise<void>> {
  const file = path.join(dir, '.lock')
  const text = newHolder()
  const made: string[] = []
  // A command that wrote nothing leaves no empty folder behind.
  const release = async (): Promise<void> => {
    for (const folder of made) await rmdir(folder).catch(() => undefined)
  }
  try {
    await makeFolders(dir, made)
    await acquire(file, text, dir)
    await removeTemporary(dir)
  } catch (error) {
    await release()
    throw error instanceof Fault ? error : noFolder(dir, error)
  }
  const renewing = setInterval(() => {
    if (renew(file, text)) return
    clearInterval(renewing)
    lost(taken(dir))
  }, renewedEvery).unref()
  return async () => {
    clearInterval(renewing)
    mine.delete(holderIn(text).run)
    if (textIn(file) === text) rmSync(file, { force: true })
    await release()
  }
}

function newHolder(): string {
  const run = randomUUID()
  mine.add(run)
  const started = new Date(Date.now() - process.uptime() * 1000).toISOString()
  const holder: Holder = { pid: process.pid, host: os.hostname(), place: placeHere(), started, run }
  return JSON.stringify(holder)
}

/** The same only for processes that see each other's numbers. */
function placeHere(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return '' // not Linux: the name of the machine has to do
  }
}

/** Makes the folder and those it lies in; `made` takes their names, the innermost first. */
async function makeFolders(dir: string, made: string[]): Promise<void> {
  try {
    if ((await stat(dir)).isDirectory()) return
    throw aFile(dir)
  } catch (error) {
    if (!isMissing(error) || path.dirname(dir) === dir) throw error
  }
  await makeFolders(path.dirname(dir), made)
  try {
    await mkdir(dir)
    made.unshift(dir)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error // another run made it this moment
  }
}

// To remove the lock of a dead process, a run first takes a second lock (the claim), and looks again: without it, two runs
// that find the dead lock at the same moment could each remove the other's new one.
async function acquire(file: string, text: string, dir: string): Promise<void> {
  while (!take(file, text)) {
    const found = await holderOf(file)
    if (found === undefined) continue // it was given back this moment
    if (!isStale(file, found)) throw atWork(found, dir)
    const claim = `${file}.${keyOf(found)}`
    await acquire(claim, text, dir)
    if ((await holderOf(file)) === found && isStale(file, found)) rmSync(file, { force: true })
    rmSync(claim, { force: true })
  }
}

function take(file: string, text: string): boolean {
  try {
    writeFileSync(file, text, { flag: 'wx' })
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

/** What stands in a lock, '' when its maker has not written yet or died before, undefined when there is no lock. */
async function holderOf(file: string): Promise<string | undefined> {
  const text = textIn(file)
  if (text !== '') return text
  await sleep(100) // it was made this moment, or long ago
  return textIn(file)
}

/** A link, a pipe or a file beyond all measure is no lock of ours, and is not looked into. */
function textIn(file: string): string | undefined {
  try {
    const found = lstatSync(file)
    const mayBeOurs = found.isDirectory() || (found.isFile() && found.size <= longestLock)
    return mayBeOurs ? readFileSync(file, 'utf8') : odd
  } catch (error) {
    if (isMissing(error)) return undefined
    throw codeOf(error) === 'EISDIR' ? unreadable(file, error) : error
  }
}

const longestLock = 1 << 16 // bytes
const odd = 'no file'

function isStale(file: string, text: string): boolean {
  if (text === odd) return true
  const { pid, host, place, run } = holderIn(text)
  const canBeSeen = host === os.hostname() && place === placeHere()
  if (canBeSeen && pid === process.pid ? !mine.has(run) : canBeSeen && !isAlive(pid)) return true
  return silenceOf(file) > silentFor
}

/** Milliseconds since the lock was renewed. Machines that share a folder may disagree on the time: its own clock counts. */
function silenceOf(file: string): number {
  const probe = temporaryName(file)
  try {
    writeFileSync(probe, '', { flag: 'wx' })
    // A lock from the future is none that anybody renews.
    return Math.abs(statSync(probe).mtimeMs - lstatSync(file).mtimeMs)
  } catch {
    return 0 // it was given back this moment
  } finally {
    rmSync(probe, { force: true })
  }
}

function holderIn(text: string): Holder {
  const found = jsonIn(text)
  const pid = field(found, 'pid')
  const word = (name: keyof Holder): string => {
    const told = field(found, name)
    return typeof told === 'string' ? told : ''
  }
  return {
    pid: typeof pid === 'number' ? pid : NaN,
    host: word('host'),
    place: word('place'),
    started: word('started'),
    run: word('run'),
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

/** False when somebody else holds the lock, or the folder is gone. */
function renew(file: string, text: string): boolean {
  try {
    const found = textIn(file)
    if (found === undefined) return take(file, text) // deleted by hand: taken again
    if (found !== text) return false
    writeFileSync(file, text, { flag: 'r+' }) // sets its time by the clock of the folder
    return true
  } catch (error) {
    return !isMissing(error) // a disk that is slow or full for a moment does not end a run
  }
}

const temporary = /^\..+\.[0-9a-f]{12}\.tmp$/ // see temporaryName
const claim = /^\.lock\.[0-9a-f]{16}$/

/** Whoever holds the lock is the only one at work here; those who want it come with files of their own. */
async function removeTemporary(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    const place = path.join(dir, name)
    const isLeft = name.startsWith('.lock')
      ? claim.test(name) && silenceOf(place) > silentFor
      : temporary.test(name)
    if (isLeft) await rm(place).catch(() => undefined)
  }
}

function taken(dir: string): Words {
  return {
    en: `${dir} is not this run's any more: it was moved, or another run took it over after ${silentFor / 1000} seconds without a sign of life. Nothing more is written there; the same command goes on`,
    zh: `${dir} 已不归本次运行所有：文件夹被移走，或者超过 ${silentFor / 1000} 秒没有动静，被另一个运行接管。不再往里写入；重新运行同一命令即可继续`,
  }
}

function atWork(text: string, dir: string): Fault {
  const { pid, host, started } = holderIn(text)
  const [at, since] = [shorten(host), new Date(started)]
  const known = Number.isInteger(pid) && !Number.isNaN(since.getTime())
  const time = known ? since.toISOString().slice(0, 16).replace('T', ' ') : ''
  return new Fault({
    en: `Another run${known ? ` (process ${pid} on ${at}, since ${time} UTC)` : ''} is at work in ${dir}. Wait for it, or give this one its own --data-dir. If it is dead, its lock ends by itself ${silentFor / 1000} seconds after its last sign of life.`,
    zh: `另一个运行${known ? `（${at} 上的进程 ${pid}，自 ${time} UTC）` : ''}正在使用 ${dir}。请等它结束，或用 --data-dir 为本次运行另选文件夹。如果它已中断，最后一次动静 ${silentFor / 1000} 秒之后锁会自动失效。`,
  })
}

function aFile(place: string): Fault {
  return new Fault({
    en: `${place} is a file; --data-dir expects a folder. Name another folder or move the file away.`,
    zh: `${place} 是一个文件，--data-dir 需要一个文件夹。请换一个文件夹名，或移走该文件。`,
  })
}

function noFolder(dir: string, error: unknown): Fault {
  const said = codeOf(error) || messageOf(error)
  const why = isBarred(error)
    ? { en: 'Check its permissions', zh: '请检查权限设置' }
    : { en: `The system said ${said}: free the place`, zh: `系统返回 ${said}：请清理该位置` }
  return new Fault({
    en: `Nothing can be written in ${dir}. ${why.en}, or name another folder with --data-dir.`,
    zh: `无法在 ${dir} 中写入。${why.zh}，或用 --data-dir 指定其他文件夹。`,
  })
}

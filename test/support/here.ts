// Runs workshop.ts in this process: the same program on the same arguments, without the half second a process takes to start.
import path from 'node:path'
import { vi } from 'vitest'
import { explain } from '../../steps/run/notebook.ts'
import { type Finished, cleanEnvironment, project, withoutProgress } from './command.ts'

let runs = 0
let last: Promise<unknown> = Promise.resolve()

/** One run after another, since a process has one screen, one environment and one exit status. */
export function runHere(args: readonly string[], env: Record<string, string> = {}): Promise<Finished> {
  const run = last.then(() => runAlone(args, env))
  last = run.catch(() => undefined)
  return run
}

async function runAlone(args: readonly string[], env: Record<string, string>): Promise<Finished> {
  const restore = remember()
  process.argv = [process.execPath, path.join(project, 'workshop.ts'), ...args]
  Object.assign(process.env, cleanEnvironment(env))
  process.exitCode = undefined
  const [out, err] = [listen(process.stdout), listen(process.stderr)]
  const program: string = `../../workshop.ts?run=${++runs}` // a module of its own for every run
  try {
    await import(/* @vite-ignore */ program).catch((error: unknown) => explain(error, args))
    return { code: Number(process.exitCode ?? 0), out: out(), err: withoutProgress(err()) }
  } finally {
    restore()
  }
}

/** Gathers what is written to a stream; the answer ends it. */
function listen(stream: NodeJS.WriteStream): () => string {
  let text = ''
  const spy = vi.spyOn(stream, 'write').mockImplementation((chunk) => {
    text += String(chunk)
    return true
  })
  return () => {
    spy.mockRestore()
    return text
  }
}

const events = ['uncaughtException', 'SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Everything a run changes in its process, put back by the answer. */
function remember(): () => void {
  const { argv, exitCode } = process
  const env = { ...process.env }
  const listeners = events.map((event) => process.rawListeners(event))
  const streams = [process.stdout, process.stderr]
  const onError = streams.map((stream) => stream.rawListeners('error'))
  return () => {
    process.argv = argv
    process.exitCode = exitCode
    for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name]
    Object.assign(process.env, env)
    for (const [place, event] of events.entries()) {
      for (const added of process.rawListeners(event))
        if (!listeners[place]?.includes(added)) process.removeListener(event, added as () => void)
    }
    for (const [place, stream] of streams.entries())
      for (const added of stream.rawListeners('error'))
        if (!onError[place]?.includes(added)) stream.removeListener('error', added as () => void)
  }
}

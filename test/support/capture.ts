// Runs a command that only looks (why, check) in this process: what it prints, and its exit status.
import { onTestFinished, vi } from 'vitest'
import { noKeys, plainScreen } from './command.ts'

export async function capture(
  command: () => Promise<void>,
  env: Record<string, string> = {},
): Promise<{ code: number; out: string }> {
  let out = ''
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text)
    return true
  })
  onTestFinished(() => {
    spy.mockRestore()
    vi.unstubAllEnvs()
  })
  for (const [name, value] of Object.entries({ ...noKeys, ...plainScreen, ...env })) vi.stubEnv(name, value)
  await command()
  const code = Number(process.exitCode ?? 0)
  process.exitCode = undefined
  spy.mockRestore()
  return { code, out }
}

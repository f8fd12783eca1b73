// Whether a module is the program itself: `npx tsx steps/classify.ts`.
import { realpathSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** Compares real paths without extension, so that links, a missing `.ts`, spaces and Chinese characters do not matter. */
export function isMain(moduleUrl: string): boolean {
  const program = process.argv[1]
  return program !== undefined && withoutExtension(program) === withoutExtension(fileURLToPath(moduleUrl))
}

function withoutExtension(file: string): string {
  const real =
    realpathIfAny(path.resolve(file)) ?? realpathIfAny(`${path.resolve(file)}.ts`) ?? path.resolve(file)
  return real.replace(/\.[cm]?[jt]s$/, '')
}

function realpathIfAny(file: string): string | undefined {
  try {
    return realpathSync.native(file)
  } catch {
    return undefined // no such file: the caller tries the next spelling
  }
}

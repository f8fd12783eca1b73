// Files of the project: found from whatever folder the command is typed in, and named alike on every machine.
import { existsSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder the project lies in. */
export const projectFolder = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..')

/** A file of the project by its name in it, so that a run handed to somebody else finds it there too. */
export function portable(file: string): string {
  const inside = path.relative(projectFolder, file)
  return inside.startsWith('..') || path.isAbsolute(inside) ? file : inside.split(path.sep).join('/')
}

/** The whole path of a file as seen from here, or else of the one of that name shipped with the project. */
export function found(name: string): string {
  const shipped = path.join(projectFolder, name)
  return !existsSync(path.resolve(name)) && existsSync(shipped) ? shipped : path.resolve(name)
}

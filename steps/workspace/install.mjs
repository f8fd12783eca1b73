// Installs the packages when they are missing or the lock file is newer than what is installed; else does nothing.
// Run by `npm start` and `npm test` before anything else, so it is plain JavaScript without packages.
import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..')
const changedAt = (file) => statSync(path.join(root, file), { throwIfNoEntry: false })?.mtimeMs ?? 0

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `The workshop needs Node 20.19 or newer; this is ${process.version}. Install it from nodejs.org.`,
  )
  process.exit(2)
}

// npm writes node_modules/.package-lock.json last, so a broken-off install counts as none.
if (changedAt('node_modules/.package-lock.json') < changedAt('package-lock.json')) {
  console.error('Installing the packages (once, about a minute) … 正在安装依赖（仅此一次）…')
  const npm = process.env.npm_execpath ?? ''
  const installed = npm.endsWith('.js')
    ? spawnSync(process.execPath, [npm, 'ci', '--no-audit', '--no-fund'], {
        cwd: root,
        stdio: ['ignore', 2, 2],
      })
    : spawnSync('npm ci --no-audit --no-fund', { cwd: root, stdio: ['ignore', 2, 2], shell: true })
  if (installed.status !== 0) {
    console.error(
      'The packages could not be installed: see the lines above. Is the network there? Then try again.',
    )
    process.exit(installed.status ?? 1)
  }
}

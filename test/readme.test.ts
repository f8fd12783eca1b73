// The README promises nothing that is not so: its rows come from the first run, its commands exist, its files are there.
import { existsSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { readCommand, readCommandLine, readSteps } from '../steps/workspace/arguments.ts'
import { bytesOf, folderWithRun, project } from './support/command.ts'

const readme = readFileSync(path.join(project, 'README.md'), 'utf8')
const lines = readme.split('\n')

describe('the README', () => {
  it('has the two commands, the steps and three rows on its first screen of 45 lines', () => {
    const screen = lines.slice(0, 45).join('\n')
    for (const shown of [
      'npm start',
      'npm test',
      '1-instructions.jsonl',
      '4-dataset.jsonl',
      'rejected.jsonl',
    ])
      expect(screen).toContain(shown)
    expect(screen.match(/^\{"instruction":/gm)).toHaveLength(3)
  })

  it('shows rows of the first run, to the letter', async () => {
    const written = Object.values(await bytesOf(await folderWithRun()))
      .join('\n')
      .split('\n')
    const shown = lines.filter((line) => line.startsWith('{"'))
    expect(shown.length).toBeGreaterThan(6)
    expect(shown.filter((line) => !written.includes(line))).toEqual([])
  })

  it.each(['en', 'zh'])('has a rule to add that finds something in the first run (%s)', async (language) => {
    const [, pattern = 'no rule'] = /=> \/(.*)\/i\.exec\(instruction\)/.exec(readme) ?? []
    const folder = await folderWithRun(language === 'zh' ? ['--language', 'zh'] : [])
    expect(await readFile(path.join(folder, '1-instructions.jsonl'), 'utf8')).toMatch(
      new RegExp(pattern, 'i'),
    )
  })

  it('names only commands that exist, one a line', () => {
    const commands = lines.filter((line) => line.startsWith('npx tsx workshop.ts '))
    expect(commands.length).toBeGreaterThan(15)
    for (const command of commands) {
      expect(command).not.toMatch(/&&|;|\bexport\s+\w+=/)
      const { words } = readCommandLine(command.split(' ').slice(3))
      if (readCommand(words) === undefined) readSteps(words)
    }
  })

  it('has no blank left to fill in', () => {
    expect(readme).not.toMatch(/@@|TODO|TBD/)
  })

  it('names only files that are there', () => {
    const named = [...readme.matchAll(/`((?:steps|data|test)\/[\w./-]+)`/g)].map((match) => match[1] ?? '')
    const output = /^data\/(workshop|seat-7|paste|other-runs|look)/
    expect(named.filter((file) => !output.test(file) && !existsSync(path.join(project, file)))).toEqual([])
  })
})

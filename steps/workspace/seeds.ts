// Seed tasks and other lists of instructions: JSONL with an `instruction` field, or plain text with one instruction a line.
import { Fault } from './fault.ts'
import { readLines } from './lines.ts'
import type { SeedTask } from './records.ts'
import { readRows } from './rows.ts'

/** The tasks of a seed file, at least one. Upstream's 175 work unchanged; labels and instances may be missing. */
export async function readSeedTasks(file: string): Promise<SeedTask[]> {
  const seeds: SeedTask[] = []
  for await (const seed of (await isJsonl(file)) ? readRows(file, 'seed') : plainTasks(file)) seeds.push(seed)
  if (seeds.length > 0) return seeds
  throw new Fault({
    en: `${file} holds no seed task. Write at least one instruction into it, one a line. Few good ones beat many poor ones.`,
    zh: `${file} 中没有种子任务。请至少写入一条指令，每行一条。少而精胜过多而滥。`,
  })
}

/** The instructions of any rows or lines, as in an `--avoid` file; an empty file holds none. */
export async function readInstructions(file: string): Promise<string[]> {
  const instructions: string[] = []
  for await (const { instruction } of (await isJsonl(file)) ? readRows(file, 'any') : plainTasks(file))
    instructions.push(instruction)
  return instructions
}

// A file is JSONL when its name says so or its first line starts a row.
async function isJsonl(file: string): Promise<boolean> {
  if (/\.jsonl?$/i.test(file)) return true
  for await (const line of readLines(file))
    if (line.text.trim() !== '') return line.text.trim().startsWith('{')
  return false
}

async function* plainTasks(file: string): AsyncGenerator<SeedTask> {
  for await (const line of readLines(file)) {
    if (line.text.includes('\0')) throw binary(file, line.number)
    if (/^\s*[{[]/.test(line.text)) throw notPlain(file, line.number)
    if (line.text.trim() !== '') yield { instruction: line.text.trim() }
  }
}

function notPlain(file: string, number: number): Fault {
  return new Fault({
    en: `${file} line ${number} looks like JSON in a file of plain text: expected either one instruction a line, or one {"instruction":"…"} a line (JSONL, not one big list).`,
    zh: `${file} 第 ${number} 行像是 JSON，而这是纯文本文件：应为每行一条指令，或每行一个 {"instruction":"…"}（JSONL，而不是一整个列表）。`,
  })
}

function binary(file: string, number: number): Fault {
  return new Fault({
    en: `${file} line ${number} holds binary data; text with one instruction a line, or JSONL, was expected.`,
    zh: `${file} 第 ${number} 行是二进制数据；应为每行一条指令的文本，或 JSONL。`,
  })
}

/** The topics of a `--topics` file, one a line, at least one. */
export async function readTopics(file: string): Promise<string[]> {
  const topics = await readInstructions(file)
  if (topics.length > 0) return topics
  throw new Fault({
    en: `${file} holds no topic. Write at least one into it, one a line, or leave --topics out.`,
    zh: `${file} 中没有话题。请至少写入一个，每行一个，或省略 --topics。`,
  })
}

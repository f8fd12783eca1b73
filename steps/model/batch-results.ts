// The replies of an ended batch on their way into the call log: the server's lines come in any order, and tell the key of
// the question; what was asked stands in the file the batch was made from.
import { readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { Fault, type Words } from '../workspace/fault.ts'
import { batchesFile, exists, steps } from '../workspace/folder.ts'
import {
  Ledger,
  TextWriter,
  field,
  jsonIn,
  onOneLine,
  readLines,
  temporaryName,
  textField,
} from '../workspace/jsonl.ts'
import type { BatchState, BatchWire, OpenBatch } from './batch-wire.ts'
import { CallLog } from './call-log.ts'
import { type Problem, type Reply, callOf, isProblem, noUsage } from './call.ts'
import type { Model } from './model.ts'
import { askedAtMost } from './reply.ts'
import { type Body, type Dialect, dialectOf } from './wire.ts'

const linesTogether = 500 // replies appended before the disk is waited for

/** What the lines of results need on their way. `asked`: the questions, as a log; `spelling`: of them, in our dialect. */
type Taking = {
  model: Model
  wire: BatchWire
  asked: CallLog
  spelling: Dialect['spelling']
  came: { ms: number; batch: string }
  download: string
  answered: Set<string> // keys of questions; a line may come twice, and a failure before its reply
  lost: Set<string> // keys of those whose reply cannot be read
  learnt: boolean // a parameter is spelt otherwise from now on
  failed: Problem | undefined // what the first line that failed said
}

/**
 * Appends the replies to the log; `file`: what was asked. Those that did not come down are fetched again; what then is
 * still missing is a Problem. Returns what was said instead of any reply, and whether the next may be spelt otherwise.
 */
export async function takeResults(
  model: Model,
  wire: BatchWire,
  batch: OpenBatch,
  state: BatchState,
  file: string,
): Promise<{ failed: Problem | undefined; learnt: boolean }> {
  if (!(await exists(file))) throw questionsGone(batch.id, file)
  const asked = await CallLog.open(file, true)
  const { spelling } = dialectOf(model.provider)
  const download = temporaryName(path.join(path.dirname(file), 'batch-results'))
  const came = { ms: state.ms, batch: batch.id }
  const taking: Taking = {
    model,
    wire,
    asked,
    spelling,
    came,
    download,
    answered: new Set(),
    lost: new Set(),
    learnt: false,
    failed: undefined,
  }
  try {
    await wire.patiently(async () => {
      const answered = await takeFile(state.results, taking)
      const failed = await takeFile(state.failures, taking)
      const silent = batch.keys.filter((key) => !answered.has(key) && !failed.has(key)).length
      // Where the server does not count, a completed batch has a line for each question.
      const all = state.replies ?? (state.status === 'completed' ? answered.size + silent : 0)
      if (silent > 0 && answered.size < all) throw incomplete(batch.id, answered.size, all)
    })
    const { answered, failed, learnt } = taking
    return { failed: answered.size > 0 ? undefined : failed, learnt }
  } finally {
    await asked.close()
  }
}

/** The keys of the questions a file of results has lines for. */
async function takeFile(name: string | undefined, taking: Taking): Promise<Set<string>> {
  const { wire, asked, came, download } = taking
  const taken = new Set<string>()
  if (name === undefined) return taken
  try {
    await wire.fetch(came.batch, name, download)
    const appended: Promise<void>[] = []
    for await (const { text } of readLines(download)) {
      const line = jsonIn(text) // what is no JSON answers nobody
      const key = field(line, 'custom_id')
      if (typeof key !== 'string' || !asked.has(key)) continue
      taken.add(key)
      const written = append(line, key, taking)
      written.catch(() => undefined) // a full disk is heard of where all are awaited
      appended.push(written)
      if (appended.length >= linesTogether) await Promise.all(appended.splice(0))
    }
    await Promise.all(appended)
    return taken
  } finally {
    await rm(download, { force: true })
  }
}

async function append(line: unknown, key: string, taking: Taking): Promise<void> {
  const { model, asked, came, answered } = taking
  const head = model.log.has(key) ? undefined : await asked.get(key)
  if (!head || answered.has(key)) return
  const request = head.request as Body
  const reply = replyIn(line, key, request, taking)
  if (!reply) return
  answered.add(key)
  model.account.payInBatch(key, request.messages, reply)
  await model.log.append(callOf(head, { ...reply, ...came }))
}

/** The reply in a line of results; a filter's verdict is one too. Nothing when the line failed. */
function replyIn(line: unknown, key: string, request: Body, taking: Taking): Reply | undefined {
  const answer = taking.wire.readLine(line, request)
  if (!isProblem(answer)) return answer
  if (answer.worked && !taking.lost.has(key)) {
    taking.lost.add(key)
    taking.model.budget.loseInBatch({ messages: request.messages, maxTokens: askedAtMost(request) })
  }
  const dialect = dialectOf(taking.model.provider)
  if (answer.kind === 'parameter' && taking.spelling === dialect.spelling)
    taking.learnt = dialect.learn(answer) || taking.learnt
  taking.failed ??= answer
  if (answer.kind !== 'filter') return undefined
  return { request, reply: null, finish_reason: 'content_filter', usage: noUsage }
}

// batches.jsonl: which batches were made, and which of them are in the log. It is what makes a shutdown harmless: the same
// command a day later finds the batch there and goes on with it. What went up, and is no batch yet as far as we know,
// stands in a file beside its questions.

const questionFile = /^\.batch-[0-9a-f]{16}\.jsonl$/
const uploadFile = /^\.batch-[0-9a-f]{16}\.upload\.jsonl$/
const uploadOf = (file: string): string => file.replace(/jsonl$/, 'upload.jsonl')

/** A file of questions that went up; `input`: its name at the provider. */
export type Upload = Omit<OpenBatch, 'id'> & { input: string }

/** The end of a batch whose every line failed. */
export const fruitless = 'fruitless'

/** Ends of batches that answered nothing they were asked: such a batch does not count as sent. */
const unanswered = ['failed', 'cancelled', fruitless]

export class BatchLedger {
  private readonly dir: string
  private readonly ledger: Ledger
  private readonly batches = new Map<string, OpenBatch>()
  private readonly uploads = new Map<string, Upload>() // by the file of their questions
  private readonly sent = new Map<string, number>()

  private constructor(dir: string, ledger: Ledger) {
    this.dir = dir
    this.ledger = ledger
    for (const line of ledger.lines) this.note(line)
  }

  static async read(dir: string): Promise<BatchLedger> {
    const read = new BatchLedger(dir, await Ledger.open(path.join(dir, batchesFile)))
    const made = new Set([...read.batches.values()].map(({ file }) => file))
    for (const name of (await readdir(dir)).filter((name) => uploadFile.test(name))) {
      const [upload] = (await Ledger.open(path.join(dir, name))).lines
      if (isUpload(upload) && uploadOf(upload.file) === name && !made.has(upload.file))
        read.uploads.set(upload.file, upload)
    }
    return read
  }

  /** The batches that this model of this provider was asked in and that are not in the log yet. */
  open(asked: Asked): OpenBatch[] {
    return [...this.batches.values()].filter((batch) => isFor(asked, batch))
  }

  /** What went up for this model of this provider, and may or may not have become a batch. */
  uploaded(asked: Asked): Upload[] {
    return [...this.uploads.values()].filter((upload) => isFor(asked, upload))
  }

  isUploaded(file: string): boolean {
    return this.uploads.has(file)
  }

  /** The names of the files that open batches need. */
  get files(): string[] {
    const uploads = [...this.uploads.keys()]
    return [...this.batches.values()].map(({ file }) => file).concat(uploads, uploads.map(uploadOf))
  }

  /** In how many batches a question went up, of those that may have answered it. */
  timesSent(key: string): number {
    return this.sent.get(key) ?? 0
  }

  /** Writes and flushes what became of a batch. */
  async write(line: OpenBatch | { id: string; status: string }): Promise<void> {
    await this.ledger.append(line)
    this.note(line)
  }

  /** Writes and flushes that questions went up, before a batch is made of them: whoever is killed then finds it again. */
  async begin(upload: Upload): Promise<void> {
    const file = new TextWriter(path.join(this.dir, uploadOf(upload.file)))
    await file.addText(`${onOneLine(upload)}\n`)
    await file.close('synced')
    this.uploads.set(upload.file, upload)
  }

  /** Writes and flushes that a batch was made of these questions, before anybody waits for it. */
  async made(upload: Upload, id: string): Promise<void> {
    await this.write({ id, ...upload })
    await this.forget(upload.file)
  }

  /** There is no batch of these questions. */
  async discard(file: string): Promise<void> {
    await this.forget(file)
    await rm(path.join(this.dir, file), { force: true })
  }

  private async forget(file: string): Promise<void> {
    await rm(path.join(this.dir, uploadOf(file)), { force: true })
    this.uploads.delete(file)
  }

  private note(line: unknown): void {
    if (isBatch(line)) {
      this.batches.set(line.id, line)
      for (const key of line.keys) this.sent.set(key, this.timesSent(key) + 1)
      return
    }
    const id = textField(line, 'id')
    const inVain = unanswered.includes(textField(line, 'status'))
    for (const key of inVain ? (this.batches.get(id)?.keys ?? []) : [])
      this.sent.set(key, this.timesSent(key) - 1)
    this.batches.delete(id)
  }
}

type Asked = { name: string; model: string }

function isFor(asked: Asked, { provider = asked.name, model = asked.model }: Omit<OpenBatch, 'id'>): boolean {
  return provider === asked.name && model === asked.model
}

// Whatever else stands in the ledger names no batch; and no other file than one of questions, which is removed in the end.
function isBatch(line: unknown): line is OpenBatch {
  return typeof field(line, 'id') === 'string' && namesQuestions(line)
}

function isUpload(line: unknown): line is Upload {
  return typeof field(line, 'input') === 'string' && namesQuestions(line)
}

function namesQuestions(line: unknown): boolean {
  const [step, keys] = ['step', 'keys'].map((name) => field(line, name))
  const isOfStep = steps.some((known) => known === step)
  return isOfStep && questionFile.test(textField(line, 'file')) && Array.isArray(keys) && keys.every(isText)
}

const isText = (value: unknown): value is string => typeof value === 'string'

/** Removes the questions of batches that were never made, or are in the log: whoever wrote them was killed. */
export async function removeOrphans(dir: string): Promise<void> {
  const { files } = await BatchLedger.read(dir)
  for (const name of await readdir(dir))
    if ((questionFile.test(name) || uploadFile.test(name)) && !files.includes(name))
      await rm(path.join(dir, name), { force: true })
}

// How a batch may end otherwise than with its replies.

function incomplete(id: string, got: number, all: number): Problem {
  const words = {
    en: `the results of ${id} came down incomplete: ${got} of ${all} replies, which are in the log now. If they never come whole: delete the line of ${id} in ${batchesFile}, and the others are asked and paid for once more`,
    zh: `批处理 ${id} 的结果没有完整下载：${all} 个回复中得到 ${got} 个，已写入日志。如果始终不完整：请删除 ${batchesFile} 中 ${id} 那一行，其余的会重新请求并再次付费`,
  }
  return { kind: 'again', unsure: true, words }
}

function questionsGone(id: string, asked: string): Fault {
  return new Fault(
    {
      en: `${asked} is gone. It holds what the batch ${id} asked, and without it the replies, which are paid for, cannot be put into the log. Put it back, and run the same command again; or delete the line of ${id} in ${batchesFile}, and its questions are asked and paid for once more.`,
      zh: `${asked} 不见了。其中是批处理 ${id} 的提问，没有它，已付费的回复就无法写入日志。请放回该文件后重新运行同一命令；或者删除 ${batchesFile} 中 ${id} 那一行，这些问题会重新请求并再次付费。`,
    },
    1,
  )
}

/** Every line of a batch failed, as this one. */
export function allFailed(id: string, { words: said }: Problem): Words {
  const words = { en: said.en.replace(/\.$/, ''), zh: said.zh.replace(/[.。]$/, '') }
  return {
    en: `no request of the batch ${id} was answered: ${words.en}. Nothing was asked at the full price; the same command sends another batch`,
    zh: `批处理 ${id} 中没有一个请求得到回答：${words.zh}。没有按全价发送任何请求；重新运行同一命令会再提交一个批处理`,
  }
}

export function refused(id: string, status: string, errors: string): Words {
  if (status === 'cancelled')
    return {
      en: `the batch ${id} was cancelled; the same command makes another`,
      zh: `批处理 ${id} 已被取消；重新运行同一命令会另建一个`,
    }
  const [en, zh] = errors === '' ? ['it does not say why', '未说明原因'] : [errors, errors]
  return { en: `the provider did not take the batch ${id}: ${en}`, zh: `服务商没有接受批处理 ${id}：${zh}` }
}

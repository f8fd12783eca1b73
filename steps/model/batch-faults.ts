// What can go wrong with a batch, each as a sentence with its cure.
import { Fault, messageOf, type Words } from '../workspace/fault.ts'
import { batchesFile } from '../workspace/folder.ts'
import type { OpenBatch } from './batch-ledger.ts'
import type { BatchState } from './batch-wire.ts'
import type { Problem } from './problem.ts'
import type { Provider } from './provider.ts'

export function noBatches({ name, baseUrl }: Provider): Fault {
  const who = baseUrl === '' ? name : baseUrl
  return new Fault({
    en: `--batch needs a server with a Batch API, as openai and dashscope have; ${who} has none. Leave --batch out.`,
    zh: `--batch 需要提供 Batch API 的服务（如 openai、dashscope）；${who} 没有。请去掉 --batch。`,
  })
}

// What answers in the server's place, such as a gateway's page, says nothing about a batch.
export function nonsense({ baseUrl }: Provider): Problem {
  const words = {
    en: `${baseUrl}: the answer is none of a Batch API`,
    zh: `${baseUrl}：返回的不是 Batch API 的回答`,
  }
  return { kind: 'again', words }
}

export function unknownBatch(id: string, { baseUrl, keyFrom }: Provider): Fault {
  return new Fault(
    {
      en: `${baseUrl} knows no batch ${id}, or has its results no more. Was it made at another address, or with another key than that of ${keyFrom || 'LLM_API_KEY'}? Else delete the line of ${id} in ${batchesFile}, and its questions are asked and paid for once more.`,
      zh: `${baseUrl} 上没有批处理 ${id}，或者结果已不再保留。它是不是在另一个地址、或用 ${keyFrom || 'LLM_API_KEY'} 以外的密钥提交的？如果都不是，请删除 ${batchesFile} 中 ${id} 那一行，这些问题会重新请求并再次付费。`,
    },
    1,
  )
}

export function unrecorded(id: string, cancelled: boolean, error: unknown): Fault {
  const why = error instanceof Fault ? error.words : { en: messageOf(error), zh: messageOf(error) }
  const cannot = { en: `${why.en} So the batch ${id}`, zh: `${why.zh} 因此批处理 ${id}` }
  return new Fault(
    cancelled
      ? { en: `${cannot.en} was cancelled.`, zh: `${cannot.zh} 已被取消。` }
      : {
          en: `${cannot.en} is written down nowhere, and could not be cancelled either: cancel it at the provider, or it is paid for in vain.`,
          zh: `${cannot.zh} 没有记录下来，也没能取消：请在服务商处取消它，否则会白白付费。`,
        },
    1,
  )
}

export function incomplete({ id }: OpenBatch, got: number, all: number): Problem {
  const words = {
    en: `the results of ${id} came down incomplete: ${got} of ${all} replies, which are in the log now. If they never come whole: delete the line of ${id} in ${batchesFile}, and the others are asked and paid for once more`,
    zh: `批处理 ${id} 的结果没有完整下载：${all} 个回复中得到 ${got} 个，已写入日志。如果始终不完整：请删除 ${batchesFile} 中 ${id} 那一行，其余的会重新请求并再次付费`,
  }
  return { kind: 'again', words }
}

export function questionsGone({ id }: OpenBatch, asked: string): Fault {
  return new Fault(
    {
      en: `${asked} is gone. It holds what the batch ${id} asked, and without it the replies, which are paid for, cannot be put into the log. Put it back, and run the same command again; or delete the line of ${id} in ${batchesFile}, and its questions are asked and paid for once more.`,
      zh: `${asked} 不见了。其中是批处理 ${id} 的提问，没有它，已付费的回复就无法写入日志。请放回该文件后重新运行同一命令；或者删除 ${batchesFile} 中 ${id} 那一行，这些问题会重新请求并再次付费。`,
    },
    1,
  )
}

export function refused(id: string, { status, errors }: BatchState): Words {
  return status === 'cancelled'
    ? {
        en: `the batch ${id} was cancelled; the same command makes another`,
        zh: `批处理 ${id} 已被取消；重新运行同一命令会另建一个`,
      }
    : {
        en: `the provider did not take the batch ${id}: ${errors}`,
        zh: `服务商没有接受批处理 ${id}：${errors}`,
      }
}

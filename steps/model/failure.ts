// Why a question got no answer. A file of its own, so that a step can tell answers from failures without loading a model.
import type { Words } from '../workspace/fault.ts'
import type { Call } from './call-log.ts'

/** The reason under which a row is rejected, or `stopped` when nothing is decided yet. */
export type Failure = {
  failed:
    | 'call_failed'
    | 'content_filter'
    | 'not_recorded'
    | 'refusal'
    | 'unreadable_reply'
    | 'truncated'
    | 'stopped'
  detail: Words
  call?: string
}

export function isFailure(answer: object): answer is Failure {
  return 'failed' in answer
}

/** What a logged call says against its row: a skip, a filter's verdict or a refusal; undefined when it holds a reply. */
export function verdictOf({ key, skipped, finish_reason, refusal }: Call): Failure | undefined {
  if (skipped) return { failed: 'call_failed', detail: skippedBefore, call: key }
  if (finish_reason === 'content_filter') return { failed: 'content_filter', detail: filtered, call: key }
  return refusal ? { failed: 'refusal', detail: { en: refusal, zh: refusal }, call: key } : undefined
}

const skippedBefore: Words = { en: 'skipped in an earlier run', zh: '先前运行中已跳过' }
const filtered: Words = { en: "the provider's content filter stopped it", zh: '被服务商的内容过滤拦截' }

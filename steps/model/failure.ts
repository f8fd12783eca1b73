// Why a question got no answer. A file of its own, so that a step can tell answers from failures without loading a model.
import type { Words } from '../workspace/fault.ts'

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

// Why a row was removed, one sentence a reason in both languages: that of its rule, or what happened on the way to the rules.
import { ruleFor } from '../../text/rules.ts'
import type { Words } from '../../workspace/fault.ts'

const onTheWay: Record<string, Words> = {
  already_elsewhere: {
    en: 'It is much like an instruction of a list named by --avoid.',
    zh: '与 --avoid 所列文件中的某条指令过于相似。',
  },
  beyond_target: {
    en: 'It is good, and more than was asked for; filter --num-instructions all keeps it.',
    zh: '质量没有问题，只是超出了目标数量；用 filter --num-instructions all 可以保留。',
  },
  call_failed: {
    en: 'The request failed for good; the next run asks again.',
    zh: '请求最终失败；下次运行会重新请求。',
  },
  content_filter: {
    en: "The provider's content filter withheld the reply.",
    zh: '服务方的内容过滤拦下了这条回复。',
  },
  cut: {
    en: 'The reply stopped at the token limit in the middle of it.',
    zh: '回复达到 token 上限，写到一半就断了。',
  },
  duplicate_row: { en: 'The same row stands twice in the file.', zh: '文件中有两行完全相同。' },
  judge_inappropriate_input: {
    en: 'The judge finds that the input does not suit the instruction.',
    zh: '评审认为输入与指令不相配。',
  },
  judge_incorrect_output: { en: 'The judge finds the output wrong.', zh: '评审认为输出不正确。' },
  judge_invalid_instruction: {
    en: 'The judge finds that the instruction is not a valid task.',
    zh: '评审认为这条指令不是有效的任务。',
  },
  no_instances: { en: 'The reply held no instance.', zh: '回复中没有实例。' },
  no_output: { en: 'The instance came without an output.', zh: '实例没有输出。' },
  not_a_row: {
    en: 'This part of the reply could not be read as a row.',
    zh: '回复中的这一部分读不成一条数据。',
  },
  not_recorded: { en: 'The replayed log holds no such request.', zh: '所重放的日志里没有这个请求。' },
  too_many_instances: {
    en: 'An instruction gets only so many instances; this one was past them.',
    zh: '每条指令的实例数有上限，这一个超出了。',
  },
  truncated: {
    en: 'The reply hit the token limit twice, the second time with twice the tokens.',
    zh: '回复两次都达到 token 上限，第二次上限已加倍。',
  },
  unreadable_reply: { en: 'No reading fitted the reply.', zh: '回复无法解读。' },
}

/** '' for a reason nobody has described. */
export function whyRemoved(reason: string): Words {
  return ruleFor(reason)?.why ?? onTheWay[reason] ?? { en: '', zh: '' }
}

// What came back of a question: the reply in a completion, its tokens, and whether replies can be read at all.
import { hiding } from '../workspace/environment.ts'
import type { Words } from '../workspace/fault.ts'
import type { Step } from '../workspace/folder.ts'
import { field, jsonIn } from '../workspace/jsonl.ts'
import {
  type Call,
  type Message,
  type Provider,
  type Question,
  type Reply,
  type Usage,
  completionIn,
  endTold,
  messageIn,
  readAtMost,
  refusalIn,
  samplesAtMost,
  schemas,
  textIn,
  thoughtNames,
} from './call.ts'
import { noticeOf } from './problem.ts'
import { moreContext, says } from './says.ts'

// A server may answer 200 with a page, an error object, or something else: the shape is checked, whatever the types say.
export function readReply(request: unknown, completion: unknown, provider: Provider): Reply {
  const { choices, usage } = completionIn(completion)
  // Some put what was said and what was called in choices of their own.
  const choice = choices.find((each) => replyIn(messageIn(each), '')) ?? choices[0]
  const message = messageIn(choice)
  if (message === undefined) throw noticeOf(completion, provider)
  const reason = endTold(choice) ?? ''
  const whole = replyIn(message, reason)
  const text = whole && hiding(provider.key)(whole) // which may have come in pieces
  const failed = field(choice, 'error')
  const notice = failed == null ? undefined : noticeOf({ error: failed }, provider)
  if (notice && (notice.kind === 'filter' || !isWholeAnswer(text ?? ''))) throw { ...notice, worked: true }
  const refusal = refusalIn(message)
  const reply: Reply = {
    request,
    reply: text,
    finish_reason: endOf(reason, text ?? ''),
    ...(refusal === '' ? {} : { refusal: refusal.slice(0, longestRefusal) }),
    usage: readUsage(usage ?? field(choice, 'usage'), request),
  }
  return withinReach(reply)
}

const longestRefusal = 2000 // characters

/** The most tokens a request wants of a reply; 0 where it does not say. */
export function askedAtMost(request: unknown): number {
  return Number(field(request, 'max_completion_tokens') ?? field(request, 'max_tokens') ?? 0)
}

/** Of a reply beyond all measure only the beginning is kept, as cut; all of it is billed. */
function withinReach(reply: Reply): Reply {
  const { request, reply: text, usage } = reply
  const most = readAtMost(askedAtMost(request))
  if (text === null || text.length <= most) return reply
  const completion_tokens = Math.max(usage.completion_tokens, tokensOf(text))
  return {
    ...reply,
    reply: text.slice(0, most),
    finish_reason: reply.finish_reason === 'content_filter' ? reply.finish_reason : 'length',
    usage: { ...usage, completion_tokens },
  }
}

/** How a reply ended, in OpenAI's words; a reason nobody knows means that the text is cut, unless its JSON is whole. */
function endOf(reason: string, text: string): string {
  if (says.verdict.test(reason)) return 'content_filter'
  if (says.end.test(reason) || reason === 'length') return reason
  return isWholeAnswer(text) ? 'stop' : 'length'
}

/** The text of a message, wherever it stands. Thoughts alone are put down as thoughts, unless they are the answer. */
function replyIn(message: unknown, reason: string): string | null {
  const content = field(message, 'content')
  const text = textIn(content)
  if (text.trim() !== '') return text
  const elsewhere = argumentsIn(message) ?? readIn([content, field(message, 'parsed')])
  if (elsewhere !== undefined) return elsewhere
  const thought = thoughtNames
    .map((name) => thoughtIn(field(message, name)))
    .find((each) => each.trim() !== '')
  if (thought === undefined) return typeof content === 'string' ? content : null
  if (!says.end.test(reason)) return `<think>\n${thought}`
  return isWholeAnswer(thought) ? thought : `<think>\n${thought}\n</think>\n`
}

/** An answer that the server has read as JSON already. */
function readIn(values: readonly unknown[]): string | undefined {
  return values.map((value) => JSON.stringify(value) ?? '').find(isWholeAnswer)
}

function thoughtIn(thoughts: unknown): string {
  const texts = [thoughts].flat().map((part) => field(part, 'text') ?? field(part, 'content') ?? part)
  return texts.filter((text) => typeof text === 'string').join('')
}

/** The arguments of the function a model called instead of answering. */
function argumentsIn(message: unknown): string | undefined {
  const parts = [field(message, 'tool_calls'), field(message, 'content')].flat()
  const called = [...parts, field(message, 'function_call')].map((call) => field(call, 'function') ?? call)
  const given = called.map((call) => field(call, 'arguments') ?? field(call, 'input'))
  const texts = given
    .filter((value) => value != null)
    .map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))
  return texts.find(isWholeAnswer) ?? texts.find((text) => text.trim() !== '')
}

// Some servers count thoughts in the total alone, or beside the rest. Each dialect has its own names.
function readUsage(usage: unknown, request: unknown): Usage {
  const prompt_tokens = countIn(
    usage,
    'prompt_tokens',
    'input_tokens',
    'prompt_eval_count',
    'promptTokenCount',
  )
  const written = countIn(usage, 'completion_tokens', 'output_tokens', 'eval_count', 'candidatesTokenCount')
  const total = countIn(usage, 'total_tokens', 'totalTokenCount')
  const thought = countIn(field(usage, 'completion_tokens_details'), 'reasoning_tokens')
  const cached = Math.max(
    countIn(field(usage, 'prompt_tokens_details'), 'cached_tokens'),
    countIn(usage, 'cached_tokens', 'prompt_cache_hit_tokens'),
  )
  // Where a reply is told and no prompt, the total says what the prompt was.
  const prompt = prompt_tokens || (written > 0 ? Infinity : promptTokens(messagesIn(request)))
  const completion_tokens = Math.max(thought > written ? written + thought : written, total - prompt)
  return { prompt_tokens, completion_tokens, cached_tokens: Math.min(cached, prompt_tokens) }
}

const mostTokens = 1e9 // of one reply; who tells more has told nothing
const betweenDigits = /(?<=\d)[,_ '](?=\d{3})/g // as in "1,200"

function countIn(usage: unknown, ...names: string[]): number {
  const counts = names.map((name) => tokensTold(field(usage, name)))
  return counts.find((count) => count > 0) ?? 0
}

function tokensTold(told: unknown): number {
  const isText = typeof told === 'string' && told.trim() !== ''
  const count = isText ? Number(told.replace(betweenDigits, '')) : told
  return typeof count === 'number' && count >= 0 && count <= mostTokens ? Math.floor(count) : 0
}

function messagesIn(request: unknown): Message[] {
  const messages = field(request, 'messages')
  return Array.isArray(messages) ? (messages as Message[]) : []
}

/** Whether a text is the JSON of one of the steps, whole. */
function isWholeAnswer(text: string): boolean {
  const bare = text.trim().replace(/^```\w*\s*|```$/g, '')
  if (!bare.startsWith('{')) return false
  try {
    const value: unknown = JSON.parse(bare)
    return Object.values(schemas).some(({ required }) =>
      required.every((name) => field(value, name) !== undefined),
    )
  } catch {
    return false
  }
}

// Where the first replies of a step cannot be read, or later a stretch of them, more would only cost: the run ends with
// the cause and its cure. Replies of the log do not count: what made them so may be mended.

const firstInVain = 6 // replies of a step, none of them read
const laterInVain = 10 // in a row

/** `unread`: no reading fits. `copied`: it says the demonstrations again. `verdict`: of a filter, or a refusal. */
export type Heard = 'read' | 'unread' | 'copied' | 'verdict'
type Asked = Pick<Question, 'messages' | 'maxTokens'>
type Cause = keyof typeof causes

export class Readings {
  private readonly of = new Map<Step, { anyRead: boolean; inVain: InVain[] }>()

  /** Takes in what came of a fresh reply; why the run should end, if it should. */
  note(call: Call, asked: Asked, heard: Heard): Words | undefined {
    if (heard === 'read') {
      this.of.set(call.step, { anyRead: true, inVain: [] })
      return undefined
    }
    const { anyRead, inVain } = this.of.get(call.step) ?? { anyRead: false, inVain: [] }
    inVain.push({ cause: heard === 'unread' ? causeOf(call, asked) : heard, call, asked })
    this.of.set(call.step, { anyRead, inVain })
    return inVain.length < (anyRead ? laterInVain : firstInVain)
      ? undefined
      : wordsOf(call.step, anyRead, inVain)
  }

  /** Why the latest replies could not be read, with what to do; undefined where they could. */
  get why(): Words | undefined {
    return whyOf([...this.of.values()].flatMap(({ inVain }) => inVain))
  }
}

type InVain = { cause: Cause; call: Call; asked: Asked }

function whyOf(inVain: readonly InVain[]): Words | undefined {
  const times = (cause: Cause) => inVain.filter((reply) => reply.cause === cause).length
  const [commonest] = inVain.toSorted((a, b) => times(b.cause) - times(a.cause))
  return commonest && wordsFor(commonest.cause, commonest.call, commonest.asked)
}

function wordsOf(step: Step, anyRead: boolean, inVain: readonly InVain[]): Words {
  const count = inVain.length
  const why = whyOf(inVain) ?? { en: '', zh: '' }
  return anyRead
    ? {
        en: `${step}: none of the last ${count} replies could be read: ${why.en}`,
        zh: `${step}：最近 ${count} 次回复都无法解读：${why.zh}`,
      }
    : {
        en: `${step}: none of the first ${count} replies could be read: ${why.en}`,
        zh: `${step}：最初 ${count} 次回复都无法解读：${why.zh}`,
      }
}

function wordsFor(cause: Cause, call: Pick<Call, 'reply' | 'usage'>, asked: Asked): Words {
  return causes[cause](call, asked)
}

const leastContext = 256 // prompt tokens; fewer are no context's doing
const contextUnit = 256 // tokens; a prompt and reply of just such a length have filled a context
const cutShare = 0.7 // of the tokens that were sent; other tokenisers differ by less, see `tokensOf`
const thought =
  /^\s*(?:<think(?:ing)?>|\[THINK\]|◁think▷|<seed:think>|<\|(?:channel\|>analysis|START_THINKING|begin_of_thought)|analysis(?=[a-z]))/i

function causeOf(
  { reply, finish_reason, usage }: Pick<Call, 'reply' | 'finish_reason' | 'usage'>,
  asked: Asked,
): Cause {
  const text = reply ?? ''
  const cut = finish_reason === 'length'
  const sent = promptTokens(asked.messages)
  if (usage.prompt_tokens >= leastContext && usage.prompt_tokens < cutShare * sent) return 'context'
  if (thought.test(text) || (text === '' && (cut || usage.completion_tokens > 0))) return 'thinking'
  if (text === '') return 'empty'
  if (text.trimEnd().length < text.length / 2) return 'blank'
  const total = usage.prompt_tokens + usage.completion_tokens
  const isFull = usage.completion_tokens < asked.maxTokens && total > 0 && total % contextUnit === 0
  if (cut) return isFull ? 'full' : 'cut'
  return /^\s*[{[]/.test(text) && jsonIn(text) === undefined ? 'cut' : 'prose'
}

/** Said to the person who pasted a reply that cannot be read, before the prompt comes again. */
export function whyNotRead(call: Call, asked: Asked, heard: Heard): Words {
  const cause = heard === 'unread' ? causeOf(call, asked) : heard
  const why = cause === 'copied' || cause === 'cut' || cause === 'empty' ? pasted[cause] : pasted.prose(call)
  const again = call.sample % samplesAtMost < samplesAtMost - 1
  return {
    en: `this reply could not be read: ${why.en}.${again ? ' The prompt comes again.' : ''}`,
    zh: `这个回复没能读懂：${why.zh}。${again ? '请把提示词再发一次。' : ''}`,
  }
}

const pasted = {
  copied: { en: 'it only says again what the prompt shows', zh: '它只是重复了提示词里的例子' },
  cut: {
    en: 'it stops before anything is whole; copy the reply to its end',
    zh: '它没有写完，没有一项是完整的；请把回复复制到结尾',
  },
  empty: { en: 'it is empty', zh: '它是空的' },
  prose: ({ reply }: Pick<Call, 'reply'>): Words => {
    const line = openingOf(reply)
    return {
      en: `the JSON that the last line of the prompt asks for is not in it; it begins: "${line}". Copy the whole reply, or tell the chat to answer with JSON alone`,
      zh: `里面没有提示词最后一行要的 JSON；它的开头是：“${line}”。请复制整个回复，或让模型只用 JSON 回答`,
    }
  },
}

function openingOf(reply: string | null): string {
  const line = (reply ?? '').trim().split(/[\r\n]/)[0] ?? ''
  return line.length > shownAtMost ? `${line.slice(0, shownAtMost)}…` : line
}

const shownAtMost = 80 // characters of a reply

const causes = {
  thinking: (_: unknown, { maxTokens }: Asked): Words => ({
    en: `the model thinks first, and its thoughts leave no answer within ${maxTokens} tokens. Switch thinking off (--param enable_thinking=false, or --param chat_template_kwargs={"enable_thinking":false}, or a model that does not think), or raise --max-tokens ${4 * maxTokens}`,
    zh: `模型先思考，在 ${maxTokens} 个 token 之内没有写出答案。请关闭思考（--param enable_thinking=false，或 --param chat_template_kwargs={"enable_thinking":false}，或换一个不思考的模型），或调大 --max-tokens ${4 * maxTokens}`,
  }),
  empty: (): Words => ({
    en: 'they were empty. Does the server know this model\'s chat template? Another model, or --param response_format={"type":"text"}, may do',
    zh: '回复是空的。服务器是否有该模型的对话模板？可以换一个模型，或试试 --param response_format={"type":"text"}',
  }),
  blank: (): Words => ({
    en: 'they were white space, all or most of it, as some servers write when they must write JSON. Try --param response_format={"type":"text"}, or another model',
    zh: '回复全部或大部分是空白字符，有些服务器在强制输出 JSON 时会这样。请试试 --param response_format={"type":"text"}，或换一个模型',
  }),
  cut: (_: unknown, { maxTokens }: Asked): Words => ({
    en: `they were cut, at ${maxTokens} tokens or sooner, before anything was whole. Raise the limit: --max-tokens ${4 * maxTokens}`,
    zh: `回复在 ${maxTokens} 个 token 处或更早被截断，没有一项完整。请调大上限：--max-tokens ${4 * maxTokens}`,
  }),
  context: ({ usage }: Pick<Call, 'usage'>, { messages }: Asked): Words => ({
    en: `the server read ${usage.prompt_tokens} tokens of a prompt of about ${promptTokens(messages)}, and has no room for more: its context is too small. ${moreContext.en}`,
    zh: `提示词约 ${promptTokens(messages)} 个 token，服务器只读入了 ${usage.prompt_tokens} 个，再也装不下：上下文长度太小。${moreContext.zh}`,
  }),
  full: ({ usage }: Pick<Call, 'usage'>): Words => ({
    en: `prompt and reply fill the server's context of ${usage.prompt_tokens + usage.completion_tokens} tokens before anything is whole. ${moreContext.en}`,
    zh: `提示词和回复填满了服务器 ${usage.prompt_tokens + usage.completion_tokens} 个 token 的上下文，没有一项完整。${moreContext.zh}`,
  }),
  verdict: (): Words => ({
    en: 'a content filter held them back, or the model refused. Do the seed tasks or topics speak of something it avoids? Another model or provider may answer',
    zh: '回复被内容过滤拦截，或模型拒绝回答。种子任务或话题是否涉及它回避的内容？可以换一个模型或服务商',
  }),
  copied: (): Words => ({
    en: 'they only say again what the prompt shows. A larger model, or one tuned to follow instructions, may do; also a higher --temperature',
    zh: '回复只是重复提示词中的示例。请换更大的、或经过指令微调的模型，也可以调高 --temperature',
  }),
  prose: ({ reply }: Pick<Call, 'reply'>): Words => {
    const shown = openingOf(reply)
    return {
      en: `they are not the JSON asked for, but begin: "${shown}". A larger model, or one tuned to follow instructions, may do`,
      zh: `回复不是所要的 JSON，开头是：“${shown}”。请换更大的、或经过指令微调的模型`,
    }
  },
} as const

// What a prompt and a reply are in tokens, where nobody tells, or tells what cannot be.

export const spelling = 50 // tokens of roles and reply schema around a prompt

/** Tokens of a text, within a tenth of o200k on the workshop's prompts: 4.3 ASCII characters a token, 0.82 tokens for any other. */
export function tokensOf(text: string): number {
  const ascii = text.replace(/[^\x00-\x7f]/g, '').length
  return Math.ceil(ascii / 4.3 + (text.length - ascii) * 0.82)
}

/** Tokens of a prompt as the server counts them. */
export function promptTokens(messages: readonly Message[]): number {
  return messages.reduce((sum, message) => sum + tokensOf(message.content), spelling)
}

// What servers say → what it means, and the cure. Each line is a wording met in public reports or in a provider's documentation, in
// English and in Chinese; add another where a server says it in its own way.
import type { Words } from '../workspace/fault.ts'
import type { Provider } from './call.ts'

/** What a server said. `text`: all of it, but what it repeats of the request. */
export type Told = {
  status: number
  codes: string
  message: string
  text: string
  param: string
  headers: Headers | undefined
}

/** One pattern of several. */
function anyOf(...patterns: readonly RegExp[]): RegExp {
  return new RegExp(patterns.map(({ source }) => source).join('|'), 'i')
}

const filter = anyOf(
  /data_?inspection_?failed|inappropriate content/, // DashScope
  /content_?filter|content_policy|content management policy|responsibleaipolicy/, // OpenAI, Azure, Moonshot
  /usage guidelines|safety_check|usage polic(y|ies)/, // xAI, OpenAI
  /requires moderation|input was flagged|flagged (for|as) /, // OpenRouter
  /content exists risk|considered high risk/, // DeepSeek, Moonshot
  /sensitive ?content|sensitive (information|words?)|new_sensitive|content_?sensitive/, // Volcengine, MiniMax
  /prohibited_content|blocked (due to|by|for) [\w ]{0,30}(safety|polic)|blocked by [\w ]{0,20}filter/, // Gemini
  /不安全或敏感|敏感(内容|信息|词)|违规(内容|信息)|内容(安全|审核|审查|风控)|(内容|文本).{0,10}(违规|不合规)/, // Zhipu, Baidu, Tencent
)
const filterCodes = /(?:^|\s)(?:1301|1026|1027)(?:\s|$)/ // Zhipu; MiniMax

const broke = anyOf(
  /arrear|freetieronly|free tier of the model has been exhausted|good standing|overdue/, // DashScope
  /exceeded_current_quota|suspended, please check your plan/, // Moonshot
  /insufficient[_ ](balance|funds?|credits?|user_quota|account)|(balance|credits?|funds?) (is |are )?(insufficient|too low|exhausted|not enough)/,
  /out of credits?|not enough credits?|no (remaining )?credits|payment required|requires more credits|billing_(hard_limit|not_active)/, // OpenRouter, OpenAI
  /余额不足|余额已|欠费|额度不足|额度已用|无可用资源包|请充值|账户.{0,6}余额/, // Zhipu, new-api
)
const brokeCodes = /(?:^|\s)(?:1113|30001|insufficient_balance)(?:\s|$)/ // Zhipu, SiliconFlow, DeepSeek
const openaiBroke = /insufficient_quota|exceeded your current quota/i // a throttle by the minute at DashScope

const daily = anyOf(
  /per[ -]?day|daily|\b[TR]PD\b|per 24 ?h|24 hours/,
  /每日|每天|当日|今日|单日|日(请求|调用|用)量/, // and the like
)

/** Patterns on all a server said. */
export const says = {
  /** Names of a verdict on the text, as a finish reason. */
  verdict:
    /content_?filter|sensitive|safety|prohibited|recitation|blocklist|spii|^refusal$|blocked|moderation|违规|敏感/i,
  /** Finish reasons of a reply that came to its end. */
  end: /^(stop|eos|eos_token|end_turn|stop_sequence|tool_calls|function_call|complete|)$/i,
  page: anyOf(/^\s*<(!doctype|html|head|body|\?xml)/, /404 page not found/),
  /** Said by a server that speaks TLS alone, of a request without. */
  wantsTls: /plain http request was sent to https|http request to an? (https|tls|ssl)/i, // nginx, Go
  wrongEndpoint:
    /unexpected endpoint|invalid url \(|no such (route|endpoint)|unknown (route|endpoint)|接口不存在|路径不存在/i,
  tooLong: anyOf(
    /context.?(length|window|size)|maximum context|exceed_context|input length|prompt is too long|too many tokens/,
    /`inputs` (tokens|must have)|n_keep|n_ctx/, // TGI, llama.cpp
    /上下文(长度|窗口)|输入(长度|过长)|超出.{0,8}(长度|上下文)/,
  ),
  batchLimit: anyOf(
    /enqueued|(number of|too many) (lines|requests)|lines? (limit|in the file exceed)|file (is )?too large|maximum (number|size)|exceeds? (the )?(limit|maximum)/,
    /行数|请求数.{0,8}(超|上限)|超(过|出).{0,8}(上限|限制)/,
  ),
  place: anyOf(
    /country|region|territory|location is not|geo|not available in your|ip address|cloudflare|error code: 10\d\d|blocked by/,
    /地区|区域|国家|所在地|IP ?地址/,
  ),
  quota: /quota|limit|额度|配额|限额/i,
  notYours:
    /eligible|unpurchased|not activated|has not activated|access to (the )?model|model access|does not have access|未开通|未购买|无权访问/i,
  /** Words about a parameter that count under a status of 500 too, where a message may name anything. */
  atAnyStatus: anyOf(
    /not support|unsupported|required for format|does(n't| not) (support|allow|accept)|must be (set|true|false)|not (allowed|permitted|enabled)/,
    /不支持|必须(设置|为)|仅支持|只支持/,
  ),
  /** Tokens left for a reply, where the server says its context and what the prompt takes of it. */
  room(text: string): number | undefined {
    const context = numberIn(
      text,
      /context length (?:is|of)(?: only)? (\d+)|`max_new_tokens` must be <= (\d+)/i,
    )
    const prompt = numberIn(
      text,
      /(\d+) (?:tokens )?(?:in|from) (?:the |your )?(?:messages|prompt|input)|(\d+) `?inputs?`? tokens/i,
    )
    // vLLM may count no further than it must: "your prompt contains at least 513 input tokens".
    const asked = /at least \d+ input tokens/i.test(text) ? numberIn(text, /(\d+) output tokens/i) : Infinity
    const room = Math.min(context - prompt, Math.floor(asked / 2))
    return room >= leastRoom ? room : undefined
  },
  /** Milliseconds to wait, as in "try again in 1h2m3.5s" and "请 30 秒后重试". */
  waitIn(text: string): number | undefined {
    const units = { h: 3_600_000, 小时: 3_600_000, m: 60_000, 分钟: 60_000, s: 1000, 秒: 1000, ms: 1 }
    const en = /(?:again|retry|wait)\D{0,20}((?:\d[\d.]*\s*(?:ms|[hms])[a-z]*\s*)+)/i.exec(text)?.[1]
    const asked = en ?? /\d+ ?(?:秒|分钟|小时)(?=之?后)/.exec(text)?.[0]
    if (asked === undefined) return undefined
    const parts = [...asked.matchAll(/([\d.]+)\s*(ms|[hms]|小时|分钟|秒)/gi)]
    const ms = parts.map(
      ([, count, unit = '']) => Number(count) * units[unit.toLowerCase() as keyof typeof units],
    )
    return ms.reduce((sum, part) => sum + part, 0)
  },
}
const leastRoom = 64 // tokens; a reply in less is none

/** The number a pattern holds in one of its groups, or NaN. */
function numberIn(text: string, pattern: RegExp): number {
  return Number(
    pattern
      .exec(text)
      ?.slice(1)
      .find((group) => group !== undefined),
  )
}

/** What an answer is, whatever its status. */
export const is = {
  filter: ({ status, codes, text }: Told) =>
    status !== 401 && status !== 429 && (filter.test(text) || filterCodes.test(codes)),
  /** Groq checks the JSON itself, and says 400 where this sample did not fit. */
  badSample: ({ text }: Told) => /json_validate_failed|failed to (generate|validate) json/i.test(text),
  broke: ({ status, codes, text }: Told, { regional, baseUrl }: Provider) =>
    status === 402 ||
    broke.test(text) ||
    brokeCodes.test(codes) ||
    // Gemini says the same of a limit by the minute or the day, and when to come again.
    (openaiBroke.test(text) &&
      !regional &&
      !/aliyuncs\.com/.test(baseUrl) &&
      says.waitIn(text) === undefined),
  waiting402: ({ status, text }: Told, retryAfter: number | undefined) =>
    status === 402 &&
    !broke.test(text) &&
    (retryAfter !== undefined || /try again|retry|wait|稍后|重试/i.test(text)),
  /** Under 400 or 200 too: Gemini, xAI, Baidu. */
  badKey: ({ status, text }: Told) =>
    status < 500 &&
    /(api[ _-]?key|access[ _]token|x-api-key).{0,20}(not valid|invalid|expired)|(invalid|incorrect)[ _](x-)?api[ _-]?key|无效的?(令牌|密钥|API ?Key)|(令牌|密钥|API ?Key)(无效|错误|已过期|不正确)/i.test(
      text,
    ),
  abroad: ({ status, text }: Told) => status === 400 && /location is not supported/i.test(text), // Gemini
  daily: ({ status, text }: Told) => (status === 429 || status === 403) && daily.test(text),
  loading: ({ status, text }: Told) =>
    (status >= 500 || status === 425 || status === 200) &&
    /\bloading|\bloads\b|warming up|starting up|not ready|加载|启动中|预热/i.test(text) &&
    !/failed to load|无法加载|加载失败/i.test(text),
  /** Said by what stands before the model, after it tried in vain; or by a server whose model runs no more. */
  gone: ({ status, text }: Told) =>
    status >= 500 &&
    /connection (error|refused)|ECONNREFUSED|cannot connect|failed to connect|connect(ion)? timed? ?out|dial tcp|no healthy|no (available )?(workers?|upstream|backends?|deployments?)\b/i.test(
      text,
    ),
  /** Under 400 too, at LM Studio. */
  crashed: ({ status, text }: Told) =>
    (status >= 500 || status === 400) &&
    /(model|runner|engine|process).{0,30}(has crashed|has terminated|unexpectedly stopped|(is|was) unloaded)|model unloaded|engine ?(core|dead)/i.test(
      text,
    ),
  tooLarge: ({ status, text }: Told) =>
    (status >= 500 || status === 400) &&
    /requires more (system )?memory|insufficient (system resources|memory)|not enough (memory|resources)|unable to allocate/i.test(
      text,
    ),
  noModel: ({ status, text }: Told) =>
    [400, 403, 404, 503].includes(status) &&
    /model_not_(found|supported)|model.{0,60}(not exist|not found|not supported by any provider)|无可用渠道|no available channel|(invalid|unknown|no such) model(?! param)|not a valid model|模型(名称?)?(不存在|无效|有误)|无此模型/i.test(
      text,
    ),
}

// Which parameter is not wanted. The first that fits is meant: who names `stream` beside thinking speaks of thinking.
const parameterSigns: readonly (readonly [parameter: string, RegExp])[] = [
  ['enable_thinking', /enable[_ ]thinking/i],
  ['reasoning_effort', /reasoning[_ .]?effort|(reasoning|think) value|does not support thinking/i], // Ollama: invalid reasoning value
  ['stream_options', /stream_options/i],
  [
    'stream',
    anyOf(
      /only supports? (the )?stream|stream(ing)? (mode |parameter )?(is )?(required|only)|enable the stream|must be stream|non-stream\w* .{0,30}not support/,
      /(仅|只)支持流式|非流式.{0,10}不支持|不支持非流式/,
    ),
  ],
  [
    'system',
    anyOf(
      /system[_ ]?(role|message|prompt|instruction)s?.{0,40}(not|n't|unsupported)|unsupported.{0,20}system|developer instruction/,
      /(role|roles).{0,40}system|roles must alternate|does not support.{0,20}system/,
      /不支持.{0,10}(system|系统)|(system|系统).{0,10}(不支持|不允许)/,
    ),
  ],
  ['presence_penalty', /presence_?penalty/i],
  ['frequency_penalty', /frequency_?penalty/i],
  [
    'response_format',
    anyOf(
      /response[_ ]?(format|schema|mime)|json[_ ]?(mode|schema|object)|structured[_ ]?output|guided[_ ]?(decoding|json)/,
      /xgrammar|outlines|grammar|required for format|additionalproperties|generation_config/,
      /(JSON|json) ?模式|结构化输出|响应格式/,
    ),
  ],
  ['max_completion_tokens', /max_completion_tokens/i],
  ['max_tokens', /max[_ ]?(output[_ ]?)?tokens/i],
  ['temperature', /temperature|温度/i],
]

/** The parameter an answer speaks of, and the most the server takes of it. */
export function namedIn({ param, text }: Told): { parameter: string; most?: number } | undefined {
  const parts = param.split(/[.[\]]/)
  const known =
    parameterSigns.find(([name]) => parts.includes(name)) ??
    parameterSigns.find(([, sign]) => sign.test(text))
  if (!known) return undefined
  const [parameter] = known
  // "'max_tokens' is not supported, use 'max_completion_tokens'": the first named is meant.
  const first =
    parameter === 'max_completion_tokens' && !parts.includes(parameter) && firstNamed(text) === 'max_tokens'
  const name = first ? 'max_tokens' : parameter
  const most = name.startsWith('max_') ? mostIn(text) : undefined
  return most === undefined ? { parameter: name } : { parameter: name, most }
}

function firstNamed(text: string): string | undefined {
  return /max_(?:completion_)?tokens/i.exec(text)?.[0].toLowerCase()
}

/** The upper end of a range, as in "should be [1, 8192]" and "at most 16384". */
function mostIn(text: string): number | undefined {
  const told =
    /[[(]\s*\d+\s*,\s*(\d+)\s*[\])]/.exec(text) ??
    /(?:at most|maximum(?: value)?(?: is| of)?|less than or equal to|<=|≤|不超过|最大(?:值)?为?|小于等于)\s*(\d+)/i.exec(
      text,
    )
  return told ? Number(told[1]) : undefined
}

// Cures

export const moreContext: Words = {
  en: 'Raise it where the server starts (Ollama: OLLAMA_CONTEXT_LENGTH=8192, llama.cpp: -c 8192, vLLM: --max-model-len)',
  zh: '请在启动服务器时调大（Ollama：OLLAMA_CONTEXT_LENGTH=8192，llama.cpp：-c 8192，vLLM：--max-model-len）',
}

export const wantsTlsCure: Words = {
  en: 'Only TLS is spoken there: does the address begin with https:// instead of http://?',
  zh: '对方只接受 TLS：地址是否应以 https:// 开头，而不是 http://？',
}

export const tooLargeCure: Words = {
  en: 'The model does not fit into the memory of that machine: take a smaller one (--model), or end other programs there.',
  zh: '那台机器的内存装不下这个模型：请换小一点的模型（--model），或关闭其他程序。',
}

// What is wrong with TLS, by the names OpenSSL and Node have for it, as a code or in a sentence. Only an unknown issuer can be made known.
const tlsCures: readonly (readonly [code: RegExp, cure: Words])[] = [
  [
    /wrong.version.number|packet.length.too.long|ssl.http.request/i,
    {
      en: 'No TLS is spoken there: does the address begin with http:// instead of https://?',
      zh: '对方没有使用 TLS：地址是否应以 http:// 开头，而不是 https://？',
    },
  ],
  [
    /EPROTO|ERR_SSL_/,
    {
      en: 'The server and Node cannot agree on how to encrypt: is it an old server, does it want a certificate of whoever asks, or does a proxy or firewall stand in between?',
      zh: '服务器与 Node 无法就加密方式达成一致：服务器是否太旧，是否要求客户端证书，或者中间有代理、防火墙？',
    },
  ],
  [
    /SELF_SIGNED_CERT|UNABLE_TO_(GET_ISSUER|VERIFY)|CERT_UNTRUSTED/,
    {
      en: "The server's certificate is not known here. If it is your school's or your own, name its file, in the environment and not in .env: NODE_EXTRA_CA_CERTS=/path/to/ca.pem",
      zh: '本机不认识该服务器的证书。如果是学校或自己的证书，请用环境变量（不是 .env）指明证书文件：NODE_EXTRA_CA_CERTS=/path/to/ca.pem',
    },
  ],
  [
    /CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/,
    {
      en: "The server's certificate is not valid today: is the clock of this machine right? If it is, whoever runs the server has to renew it.",
      zh: '服务器的证书今天无效：本机的时钟是否正确？如果正确，需要服务器的管理者更换证书。',
    },
  ],
  [
    /ALTNAME_INVALID|HOSTNAME_MISMATCH/,
    {
      en: "The server's certificate is made out for another host: is the address the one it was given for?",
      zh: '服务器的证书是发给另一个主机名的：地址是否与证书上的一致？',
    },
  ],
  [
    /CERT|EE_KEY|CA_KEY|CA_MD|INVALID_CA|INVALID_PURPOSE/,
    {
      en: "The server's certificate is not accepted here; whoever runs the server has to replace it.",
      zh: '本机不接受该服务器的证书：需要服务器的管理者更换证书。',
    },
  ],
]

/** What to do about a connection that TLS does not allow; undefined where it is no matter of TLS. */
export function tlsCure(fault: string): Words | undefined {
  return tlsCures.find(([sign]) => sign.test(fault))?.[1]
}

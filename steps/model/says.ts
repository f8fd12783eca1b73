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
  wait: string // how long to wait, in a field of the body
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
  /prohibited_content|blocked (due to|by|for) [\w ]{0,30}(safety|polic)|blocked by [\w ]{0,20}(filter|moderation)/, // Gemini
  /safety system|moderation_blocked|guardrail|content moderation|potentially unsafe|censorship/, // OpenAI, LiteLLM, SiliconFlow, StepFun
  /content_illegal|illegal (information|content)|content[\w ]{0,20} is illegal/, // Baidu
  /不安全或敏感|敏感(内容|信息|词)|违规(内容|信息)|内容(安全|审核|审查|风控)|(内容|文本|输入|输出).{0,10}(违规|不合规)|违反.{0,6}(安全|规范|政策)|涉政|涉黄|审核不通过/, // Zhipu, Baidu, Tencent, Spark
)
const filterCodes = /(?:^|\s)(?:1301|1026|1027|10013|10014|10019)(?:\s|$)/ // Zhipu; MiniMax; Spark

const broke = anyOf(
  /arrear|freetieronly|free tier of the model has been exhausted|good standing|overdue/, // DashScope
  /exceeded_current_quota|suspended, please check your plan/, // Moonshot
  /insufficient[_ ](balance|funds?|credits?|user_quota|account)|(balance|credits?|funds?) (is |are )?(insufficient|too low|exhausted|not enough)/,
  /out of credits?|not enough credits?|no (remaining )?credits|payment required|requires more credits|billing_(hard_limit|not_active)/, // OpenRouter, OpenAI
  /(monthly )?spending limit|pay past invoices|all available credits|have any credits|quota is not enough|not enough quota/, // Fireworks, xAI, one-api
  /resource ?pack.{0,20}exhausted|(free trial|trial) quota/, // Tencent, Volcengine
  /余额不足|余额已|余额耗尽|欠费|额度不足|额度已用|额度失败|无可用资源包|资源包余量|请充值|账户.{0,6}余额|套餐已到期/, // Zhipu, new-api, Tencent
)
const brokeCodes = /(?:^|\s)(?:1113|1008|30001|insufficient_balance)(?:\s|$)/ // Zhipu, MiniMax, SiliconFlow, DeepSeek
const openaiBroke = /insufficient_quota|exceeded your current quota/i // a throttle by the minute at DashScope

const badKey = anyOf(
  /(api[ _-]?key|access[ _]token|x-api-key).{0,20}(not valid|invalid|expired)|(invalid|incorrect)[ _](x-)?api[ _-]?key/,
  /authorization' (field|header)|authorization header|authentication (error|failed)|authfailure|login fail|no_db_connection/, // Gemini, Cloudflare, Tencent, MiniMax, LiteLLM without a database of keys
  /无效的?(令牌|密钥|API ?Key)|(令牌|密钥|API ?Key)(无效|错误|已过期|不正确)|(身份|鉴权|认证).{0,4}失败/,
)
const noModel = anyOf(
  /model_not_(found|supported)|model_decommissioned|model.{0,60}(not exist|not found|not supported by any provider|decommissioned|end of life)/,
  /(invalid|unknown|no such) model(?! param)|not a valid model|not found the model|non-serverless model|does not support chat(?!_)|无可用渠道|no available channel/,
  /(模型|model).{0,40}(不存在|未找到|已下线)|模型(名称?)?(无效|有误)|无此模型/,
)

const daily = anyOf(
  /per[ -]?day|daily|\b[TR]PD\b|per 24 ?h|24 hours/,
  /每日|每天|当日|今日|单日|日(请求|调用|用)量/, // and the like
)

// Quotas of a week, a month or a plan; a limit by the minute is "exceeded", too.
const usedUp = anyOf(
  /(weekly|monthly)( usage)? (limit|quota)|(calls|requests|tokens) ?(\/|per) ?month|reached (your|its|the set) [\w ]{0,30}(usage|inference) limit/, // Ollama, Cohere, Anthropic, Volcengine
  /usage limit exceeded|budget_exceeded|budget has been exceeded|key limit exceeded/, // MiniMax, LiteLLM, OpenRouter
  /(每周|每月|当月|本月|小时).{0,6}(使用)?上限|限额将在/, // Zhipu
)
const throttled = anyOf(
  /rate.?limit|too many requests|\bqps\b|throttl|\b(request)?limitexceeded\b/,
  /限频|限流|(请求|调用).{0,6}(频繁|过快)|(频率|速率)限制|并发.{0,6}(过高|超|限)/,
)

/** Patterns on all a server said. */
export const says = {
  /** Names of a verdict on the text, as a finish reason. */
  verdict:
    /content_?filter|sensitive|safety|prohibited|recitation|blocklist|spii|^refusal$|blocked|moderation|guardrail|toxic|risk|违规|敏感/i,
  /** Finish reasons of a reply that came to its end. */
  end: /^(stop|eos|eos_token|end_turn|stop_sequence|tool_calls|function_call|complete|)$/i,
  page: anyOf(/^\s*<(!doctype|html|head|body|\?xml)/, /404 page not found/),
  /** Said by a server that speaks TLS alone, of a request without. */
  wantsTls: /plain http request was sent to https|http request to an? (https|tls|ssl)/i, // nginx, Go
  wrongEndpoint:
    /unexpected endpoint|invalid url \(|no such (route|endpoint)|unknown (route|endpoint)|cannot post|接口不存在|路径不存在/i,
  tooLong: anyOf(
    /context.?(length|window|size)|maximum context|exceed_context|input length|prompt is too long|too many tokens/,
    /`inputs` (tokens|must have)|n_keep|n_ctx|max context/, // TGI, llama.cpp, MLX
    /maximum number of tokens allowed|max_seq_len|max message tokens|model token limit|max input characters|tokens_too_long/, // Gemini, SiliconFlow, Volcengine, Moonshot, Baidu
    /上下文(长度|窗口)|输入(长度|过长)|超长|超出.{0,8}(长度|上下文)|tokens?.{0,4}超(过|出)/,
  ),
  batchLimit: anyOf(
    /enqueued|(number of|too many) (lines|requests)|lines? (limit|in the file exceed)|file (is )?too large|maximum (number|size)|exceeds? (the )?(limit|maximum)/,
    /行数|请求数.{0,8}(超|上限)|超(过|出).{0,8}(上限|限制)/,
  ),
  place: anyOf(
    /country|region|territory|location is not|geo|not available in your|ip address|cloudflare|error code: 10\d\d|blocked by|legal reasons|just a moment/,
    /地区|区域|国家|所在地|IP ?地址/,
  ),
  quota: /quota|limit|额度|配额|限额/i,
  notYours: anyOf(
    /eligible|unpurchased|not activated|has not activated|access to (the )?model|model access|does not have access/,
    /permission to use|model disabled|未开通|未开放|未购买|无权(访问|使用)/,
  ),
  /** Of a model that is there, and has to be switched on. */
  notOpen: /modelnotopen|has not activated|unpurchased|未开通|未开放|未购买/i,
  ownSetting: /data policy|privacy settings?/i, // OpenRouter
  apiVersion: /api-version|api version not supported/i, // Azure
  /** Words about a parameter that count under a status of 500 too, where a message may name anything. */
  atAnyStatus: anyOf(
    /not support|unsupported|required for format|does(n't| not) (support|allow|accept)|must be (set|true|false)|not (allowed|permitted|enabled)/,
    /unexpected keyword|must alternate|roles are supported|parse grammar|json schema in format/, // Xinference, jinja, llama.cpp, Ollama
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

const originGone = [521, 522, 523, 525, 526, 530] // Cloudflare, of the server it stands before

/** What an answer is, whatever its status. */
export const is = {
  filter: ({ status, codes, text }: Told) =>
    status !== 401 &&
    status !== 429 &&
    (filter.test(text) || filterCodes.test(codes)) &&
    !says.ownSetting.test(text),
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
  badKey: ({ status, text }: Told) => status < 500 && badKey.test(text),
  abroad: ({ status, text }: Told) =>
    status === 400 && /location is not supported|not available in your country/i.test(text), // Gemini
  /** A gateway's or a proxy's own. */
  signIn: ({ status }: Told) => status === 407 || status === 511,
  ownSetting: ({ status, text }: Told) => status !== 401 && says.ownSetting.test(text),
  denied: (told: Told) =>
    [401, 402, 403, 451].includes(told.status) ||
    is.abroad(told) ||
    is.badKey(told) ||
    (told.status !== 500 && says.notOpen.test(told.text)),
  daily: ({ status, text }: Told) => [429, 403, 200].includes(status) && daily.test(text),
  usedUp: ({ status, text }: Told) => status !== 401 && status < 500 && usedUp.test(text),
  throttled: ({ status, text }: Told) =>
    (status === 429 && !says.notOpen.test(text)) ||
    status === 529 ||
    ([200, 400, 403].includes(status) && throttled.test(text)),
  loading: ({ status, text }: Told) =>
    (status >= 500 || status === 425 || status === 200) &&
    /\bloading|\bloads\b|warming up|starting up|not ready|加载|启动中|预热/i.test(text) &&
    !/failed to load|无法加载|加载失败/i.test(text),
  /** Said by what stands before the model, after it tried in vain; or by a server whose model runs no more. */
  gone: ({ status, text }: Told) =>
    originGone.includes(status) ||
    /ERR_NGROK/.test(text) ||
    (status >= 500 &&
      /connection (error|refused)|ECONNREFUSED|cannot connect|failed to connect|connect(ion)? timed? ?out|dial tcp|no healthy|no (available )?(workers?|upstream|backends?|deployments?)\b/i.test(
        text,
      )),
  /** Under 400 too, at LM Studio. */
  crashed: ({ status, text }: Told) =>
    (status >= 500 || status === 400) &&
    /(model|runner|engine|process).{0,30}(has crashed|has terminated|unexpectedly stopped|(is|was) unloaded)|model unloaded|engine ?(core|dead)|exited prematurely|llama runner|out of memory|cuda error/i.test(
      text,
    ),
  tooLarge: ({ status, text }: Told) =>
    (status >= 500 || status === 400) &&
    /requires more (system )?memory|insufficient (system resources|memory)|not enough (memory|resources)|unable to allocate/i.test(
      text,
    ),
  noModel: ({ status, text }: Told) =>
    status === 410 ||
    ([200, 400, 403, 404, 500, 503].includes(status) && noModel.test(text) && !says.notOpen.test(text)),
}

// Which parameter is not wanted. The first that fits is meant: who names `stream` beside thinking speaks of thinking.
const parameterSigns: readonly (readonly [parameter: string, RegExp])[] = [
  ['enable_thinking', /enable[_ ]thinking/i],
  ['reasoning_effort', /reasoning[_ .]?effort|(reasoning|think) value|does not support thinking/i], // Ollama: invalid reasoning value
  ['stream_options', /stream_options/i],
  [
    'stream',
    anyOf(
      /only supports? (the )?stream|stream(ing)? (mode |parameter )?(is )?(required|only)|enable the stream|must be stream|stream must be|non-stream\w* .{0,30}not support/,
      /(仅|只)支持流式|非流式.{0,10}不支持|不支持非流式/,
    ),
  ],
  [
    'system',
    anyOf(
      /system[_ ]?(role|message|prompt|instruction)s?.{0,40}(not|n't|unsupported)|unsupported.{0,20}system|developer instruction/,
      /(role|roles).{0,40}system|roles must alternate|does not support.{0,20}system|role of message/,
      /only user and assistant|be 'user' or 'assistant'|first message must|messages?\[0\]\.role/,
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
    /(?:at most|maximum(?: value)?(?: is| of)?|less than or equal to|<=|≤|不超过|最大(?:值)?为?|小于等于)[\s`'"]*(\d+)/i.exec(
      text,
    )
  return told ? Number(told[1]) : undefined
}

// Cures

export const moreContext: Words = {
  en: 'Raise it where the server starts (Ollama: OLLAMA_CONTEXT_LENGTH=8192, llama.cpp: -c 8192, vLLM: --max-model-len)',
  zh: '请在启动服务器时调大（Ollama：OLLAMA_CONTEXT_LENGTH=8192，llama.cpp：-c 8192，vLLM：--max-model-len）',
}

export const topUp: Words = {
  en: 'The account is out of credit: top it up, then run the same command.',
  zh: '账户余额不足：请充值后重新运行同一命令。',
}
export const comeBack: Words = {
  en: 'The quota of the day is used up: run the same command when it is renewed; it goes on where it stopped.',
  zh: '当日额度已用完：额度恢复后重新运行同一命令，即可从中断处继续。',
}
export const tooLongCure: Words = {
  en: `The server's context is too small for this. ${moreContext.en}`,
  zh: `服务器的上下文长度不够。${moreContext.zh}`,
}
export const wantsTlsCure: Words = {
  en: 'Only TLS is spoken there: does the address begin with https:// instead of http://?',
  zh: '对方只接受 TLS：地址是否应以 https:// 开头，而不是 http://？',
}
export const goneCure: Words = {
  en: 'What answers there cannot reach the model behind it: is that running? Once it is, the same command goes on.',
  zh: '应答的是中间的网关，它连不上后面的模型：模型是否在运行？恢复后重新运行同一命令即可继续。',
}
export const crashedCure: Words = {
  en: 'The model stopped at the server: what does its own window say? A smaller model, or a smaller context, takes less memory.',
  zh: '服务器上的模型已停止运行：请看看服务器自己的窗口。换小一点的模型或更短的上下文，占用内存更少。',
}
export const tooLargeCure: Words = {
  en: 'The model does not fit into the memory of that machine: take a smaller one (--model), or end other programs there.',
  zh: '那台机器的内存装不下这个模型：请换小一点的模型（--model），或关闭其他程序。',
}
export const renewed: Words = {
  en: "This quota is used up: see in the provider's console when it is renewed, or how it is raised; then the same command goes on.",
  zh: '这项额度已用完：请在服务商控制台查看何时恢复、如何提高；之后重新运行同一命令即可继续。',
}
export const ownSetting: Words = {
  en: 'It is a setting of your account there: change it on the page that is named, then run the same command.',
  zh: '这是您在服务商那里的账户设置：请在上面给出的页面更改，然后重新运行同一命令。',
}
export const signInCure: Words = {
  en: 'The gateway or proxy in between wants a sign-in, which is no matter of the key: ask whoever runs the network, or reach the server without it.',
  zh: '中间的网关或代理要求登录，这与密钥无关：请询问网络管理员，或绕过它直接访问服务器。',
}
export const azureCure: Words = {
  en: "Azure's address ends in /openai/v1 (--base-url https://NAME.openai.azure.com/openai/v1), and --model is the name of the deployment.",
  zh: 'Azure 的地址以 /openai/v1 结尾（--base-url https://NAME.openai.azure.com/openai/v1），--model 填部署的名称。',
}

// What instructions ask for: their leading verb and its object, after the paper's figure 3. There is no parser,
// only lists of words, so it is approximate: questions, and verbs no list holds, count as having none.
import type { Language } from '../text/language.ts'

/** `object` is '' where none was made out. */
type Leading = { verb: string; object: string }
type VerbCount = { verb: string; count: number; objects: { object: string; count: number }[] }

const leadsWithin = 500 // characters: what leads stands at the beginning

/** The leading verb of an instruction in this language; undefined where it has none. */
export function leadingIn(language: Language, instruction: string): Leading | undefined {
  const beginning = instruction.slice(0, leadsWithin)
  return language === 'zh' ? leadingChinese(beginning) : leadingEnglish(beginning)
}

export class Verbs {
  total = 0
  none = 0
  private readonly counts = new Map<string, Map<string, number>>()

  /** Of one more instruction. */
  add(leading: Leading | undefined): void {
    this.total++
    if (!leading) {
      this.none++
      return
    }
    const objects = this.counts.get(leading.verb) ?? new Map<string, number>()
    objects.set(leading.object, (objects.get(leading.object) ?? 0) + 1)
    this.counts.set(leading.verb, objects)
  }

  /** The most frequent verbs, each with its commonest objects; of equals the one met first. */
  most(verbs: number, objects: number): VerbCount[] {
    return [...this.counts]
      .map(([verb, found]) => ({
        verb,
        count: [...found.values()].reduce((sum, count) => sum + count, 0),
        objects: [...found]
          .filter(([object]) => object !== '')
          .toSorted((a, b) => b[1] - a[1])
          .slice(0, objects)
          .map(([object, count]) => ({ object, count })),
      }))
      .toSorted((a, b) => b.count - a.count)
      .slice(0, verbs)
  }
}

// The leading verb of an English instruction: the first word of the first clause that opens with a known verb.

const verbsEn = new Set(
  `add advise analyse analyze announce answer argue arrange ask assemble assess assign balance be brainstorm build
  calculate categorise categorize change check choose cite classify clean combine come comment compare compile complete
  compose compute condense conduct consider console construct continue convert correct count create criticise criticize
  critique debug decide decode decompose deduce define demonstrate derive describe design detect determine develop devise
  diagnose differentiate discuss distinguish divide draft draw edit elaborate eliminate encode enumerate estimate evaluate
  examine expand explain explore express extend extract fill find finish fix format formulate generate give grade group
  guess help highlight identify illustrate imagine implement improve include infer insert interpret introduce invent
  judge justify keep label leave let link list locate look make map mark match measure mend mention merge mimic mirror
  modify multiply name narrate negate note number observe offer order organise organize outline paraphrase parse perform
  persuade phrase pick plan play point pose predict prepare present pretend print produce proofread propose prove provide
  pull punctuate put rank rate read rearrange recall recast recite reckon recognise recognize recommend reduce refactor
  reformulate refute remove rename render reorder repeat rephrase replace reply report research respond
  restate restore retell return reverse review revise reword rewrite rhyme round say score search select sentence set
  shorten show simplify simulate sketch solve sort specify spell split spot state substitute sum suggest summarise
  summarize supply suppose swap take teach tell test think trace transcribe transform translate treat trim turn
  underline unscramble update use verify weigh work write`.split(/\s+/),
)
const politeEn =
  /^(?:(?:please|kindly|now|then|first|next|and|just|also|can you|could you|would you|i want you to)\s+)+/
const particles = new Set('up out down off back'.split(' ')) // part of the verb; what follows another preposition is no object
const withObject = /^(?:up with|think of)$/
const determiners = new Set(
  `a an the this these that those each every all any some both following given me us my your our his her their its it
  one two three four five six seven eight nine ten new possible different several few more many`.split(/\s+/),
)
// A noun phrase ends where one of these begins.
const closers = new Set(
  `he she him her them there who take made about after against among and are as at based because before below between but by containing describing during for
  from given how if in including inside into is like of on or over per since so such than that to toward towards under
  until using would could should can do does has have was were needed what when where whether which while who why with within without you your they it`.split(
    /\s+/,
  ),
)

function leadingEnglish(instruction: string): Leading | undefined {
  for (const clause of instruction.toLowerCase().split(/[.,;:!?\n—–]+\s*/)) {
    const words =
      clause
        .trim()
        .replace(politeEn, '')
        .match(/[a-z][a-z'’-]*|["“(]|(?<=\s)['‘]|\d+/g) ?? []
    const [verb = ''] = words
    if (verbsEn.has(verb)) return { verb, object: objectIn(words) }
  }
  return undefined
}

/** The last word of the first noun phrase behind the verb: "a short poem about the sea" → "poem". */
function objectIn(words: readonly string[]): string {
  let at = 1
  while (particles.has(words[at] ?? '')) at++
  if (withObject.test(`${words[at - 1] ?? ''} ${words[at] ?? ''}`)) at++
  while (determiners.has(words[at] ?? '') || /^\d/.test(words[at] ?? '')) at++
  let head = ''
  for (const word of words.slice(at)) {
    if (closers.has(word) || !/^[a-z]/.test(word)) break
    if (!word.endsWith('ly')) head = word
  }
  return singular(head.replace(/['’]s?$/, ''))
}

function singular(noun: string): string {
  if (/[^aeiou]ies$/.test(noun)) return noun.replace(/ies$/, 'y')
  if (/(?:[sxz]|ch|sh)es$/.test(noun)) return noun.slice(0, -2)
  return /[^suiy]s$/.test(noun) ? noun.slice(0, -1) : noun
}

// The leading verb of a Chinese instruction. Words are cut by Intl.Segmenter; a verb opens its clause, or follows a
// phrase that opens with a coverb: 把句子翻译成英文, 用三句话介绍这座城市.

const verbsZh = new Set(
  `安排 背诵 比较 编 编写 辨别 辨认 辩论 标出 标注 补充 补全 猜 拆分 阐述 撰写 纠正 创建 创作 定义 读 读出 对比 翻译 反驳 仿写
  分成 分类 分析 改 改成 改写 改正 概括 概述 给出 告诉 估计 估算 归类 归纳 规划 回答 回复 绘制 换算 换成 汇总 记录 计算 继续 检查
  简化 简述 建议 讲 讲解 教 解答 解释 介绍 举出 举例 扩写 列 列出 列举 描述 描写 模仿 模拟 拟 拟定 拟写 命名 排列 排序 判断 判定
  配 批改 评价 评估 评论 润色 起草 求 区分 去掉 劝 确定 删除 删掉 设计 设想 生成 识别 数 说 说出 说明 说说 算 算出 缩写 缩短 提炼
  提出 提供 提取 替换 填 填空 填写 挑 挑出 统计 推测 推断 推荐 推理 完成 完善 想 想出 写 写出 写成 修改 修正 续 续写 选 选出 选择
  寻找 演示 验证 预测 阅读 圈出 造 造句 找 找出 找到 整理 证明 指出 制定 制作 转换 转化 转写 总结 组织 组成 作 做 点评 调整 对出
  起 反思 构思 合并 化简 检测 讲讲 判别 译成 译 优化 解决 研究 探讨 讨论 论述 论证 叙述 复述 陈述`.split(
    /\s+/,
  ),
)
const politeZh = /^(?:请(?:你|您)?|麻烦(?:你|您)?|帮(?:我|忙)?|试着|试|先|再|并|然后|接着|最后|你来|您来)+/
const coverbs =
  /^(?:把|将|给|为|替|从|用|以|在|按照?|根据|依据|对于?|向|针对|围绕|就|仿照|参照|通过|利用|结合|同|和|与|分别|逐[字句条])/
const endOfPhrase = /^(?:给|向|为|对|和|与|并|来|以|使|让|是|是否|是不是|属于|应|应该|应当|成|到)$/
const quote = /^[“”「」《》（()、"']$/
const measured = /^(?:[一二两三四五六七八九十百千几0-9０-９]+.?|这.?|那.?|每.?|个|下|该|其)$/

const asking = /^(?:怎么|怎样|如何|为什么|为何|什么|是否|哪.?|谁|多少)$/
const movedEnd = /^(?:按|按照|用|以|从|由|依|依照|根据|翻译|改|写|分|换)/
const functionWord = /[是不的了在什么怎多少谁哪]/

const longestClause = 200 // characters; the segmenter's time grows with the square of what it cuts

let words: Intl.Segmenter | undefined // its dictionary is loaded when there is Chinese

function leadingChinese(instruction: string): Leading | undefined {
  for (const sentence of instruction.split(/[，。；：！？,;:!?\n]+\s*/)) {
    const clause = sentence.trim().replace(politeZh, '').slice(0, longestClause)
    const segments = cut(clause)
    const at = segments.findIndex((segment) => verbsZh.has(segment))
    if (at > 0 && !coverbs.test(clause)) continue
    const verb = segments[at]
    if (verb === undefined) continue
    const moved = /^[把将]/.test(clause) // the object stands before its verb
    // "根据会议记录，……": the last word is what is gone by, and no verb.
    if (!moved && at > 0 && at === segments.length - 1) continue
    const phrase = moved ? movedPhrase(segments, at) : phraseAfter(segments, at)
    return { verb, object: phrase.some((word) => asking.test(word)) ? '' : headOf(phrase) }
  }
  return undefined
}

/** The words of a clause; a verb of two characters at its head stays whole, however the dictionary cuts it. */
function cut(clause: string): string[] {
  const verb = clause.slice(0, 2)
  const rest = verbsZh.has(verb) ? clause.slice(2) : clause
  const segments = [...(words ??= new Intl.Segmenter('zh', { granularity: 'word' })).segment(rest)].map(
    ({ segment }) => segment,
  )
  return verbsZh.has(verb) ? [verb, ...segments] : segments
}

/** What stands between 把 and the verb, as far as it is the object: "把动物按……分类". */
function movedPhrase(segments: readonly string[], verb: number): string[] {
  const between = segments.slice(1, verb)
  const end = between.findIndex((segment, place) => place > 0 && movedEnd.test(segment))
  return end === -1 ? between : between.slice(0, end)
}

/** What follows the verb, as far as its object may reach; none where it reaches past what a list of words can tell. */
function phraseAfter(segments: readonly string[], verb: number): string[] {
  const rest = segments.slice(verb + 1)
  if (/^[来去出]$/.test(rest[0] ?? '')) return []
  const end = rest.findIndex(
    (segment, place) => quote.test(segment) || (place > 0 && endOfPhrase.test(segment)),
  )
  if (end === -1) return rest
  const isJoined =
    /^[和与]$/.test(rest[end] ?? '') && rest.slice(end).some((segment) => segment.endsWith('的'))
  return isJoined ? [] : rest.slice(0, end)
}

/** The last word of a noun phrase, behind its last 的; single characters are joined: 感谢 + 信. */
function headOf(phrase: readonly string[]): string {
  const after = phrase.slice(phrase.findLastIndex((segment) => quote.test(segment)) + 1)
  const spoken = (after.length > 0 ? after : phrase).filter((segment) => /\p{L}/u.test(segment))
  const from = spoken.lastIndexOf('的') + 1
  const noun = (from < spoken.length ? spoken.slice(from) : spoken).filter((segment) => segment !== '的')
  const last = noun.at(-1) ?? ''
  const before = noun.at(-2) ?? ''
  const head = [...last].length === 1 && before !== '' && !measured.test(before) ? before + last : last
  if (/^[一二两三四五六七八九十几0-9]+$/.test(before) && head === last) return '' // 三点, 五条: a count and no object
  return measured.test(head) || functionWord.test(head) ? '' : head
}

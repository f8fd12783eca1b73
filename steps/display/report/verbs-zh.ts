// The leading verb of a Chinese instruction. Words are cut by Intl.Segmenter; a verb opens its clause, or follows a
// phrase that opens with a coverb: 把句子翻译成英文, 用三句话介绍这座城市.
import type { Leading } from './verbs.ts'

const verbs = new Set(
  `安排 背诵 比较 编 编写 辨别 辨认 辩论 标出 标注 补充 补全 猜 拆分 阐述 撰写 纠正 创建 创作 定义 读 读出 对比 翻译 反驳 仿写
  分成 分类 分析 改 改成 改写 改正 概括 概述 给出 告诉 估计 估算 归类 归纳 规划 回答 回复 绘制 换算 换成 汇总 记录 计算 继续 检查
  简化 简述 建议 讲 讲解 教 解答 解释 介绍 举出 举例 扩写 列 列出 列举 描述 描写 模仿 模拟 拟 拟定 拟写 命名 排列 排序 判断 判定
  配 批改 评价 评估 评论 润色 起草 求 区分 去掉 劝 确定 删除 删掉 设计 设想 生成 识别 数 说 说出 说明 说说 算 算出 缩写 缩短 提炼
  提出 提供 提取 替换 填 填空 填写 挑 挑出 统计 推测 推断 推荐 推理 完成 完善 想 想出 写 写出 写成 修改 修正 续 续写 选 选出 选择
  寻找 演示 验证 预测 阅读 圈出 造 造句 找 找出 找到 整理 证明 指出 制定 制作 转换 转化 转写 总结 组织 组成 作 做 点评 调整 对出
  反思 构思 合并 化简 检测 讲讲 判别 译成 译 优化 解决 研究 探讨 讨论 论述 论证 叙述 复述 陈述`.split(/\s+/),
)
const polite = /^(?:请(?:你|您)?|麻烦(?:你|您)?|帮(?:我|忙)?|试着|试|先|再|并|然后|接着|最后|你来|您来)+/
const coverbs =
  /^(?:把|将|给|为|替|从|用|以|在|按照?|根据|依据|对于?|向|针对|围绕|就|仿照|参照|通过|利用|结合|同|和|与|分别|逐[字句条])/
const endOfPhrase = /^(?:给|向|为|对|和|与|并|来|以|使|让|是|是否|是不是|属于|成|到)$/
const quote = /^[“”「」《》（()、"']$/
const measured = /^(?:[一二两三四五六七八九十百千几0-9０-９]+.?|这.?|那.?|每.?|个|下|该|其)$/

const functionWord = /[是不的了在什么怎多少谁哪]/

let words: Intl.Segmenter | undefined // its dictionary is loaded when there is Chinese

export function leadingChinese(instruction: string): Leading | undefined {
  for (const sentence of instruction.split(/[，。；：！？,;:!?\n]+\s*/)) {
    const clause = sentence.trim().replace(polite, '')
    const segments = cut(clause)
    const at = segments.findIndex((segment) => verbs.has(segment))
    if (at > 0 && !coverbs.test(clause)) continue
    const verb = segments[at]
    if (verb === undefined) continue
    const moved = /^[把将]/.test(clause) // the object stands before its verb
    return { verb, object: headOf(moved ? segments.slice(1, at) : phraseAfter(segments, at)) }
  }
  return undefined
}

/** The words of a clause; a verb of two characters at its head stays whole, however the dictionary cuts it. */
function cut(clause: string): string[] {
  const verb = clause.slice(0, 2)
  const rest = verbs.has(verb) ? clause.slice(2) : clause
  const segments = [...(words ??= new Intl.Segmenter('zh', { granularity: 'word' })).segment(rest)].map(
    ({ segment }) => segment,
  )
  return verbs.has(verb) ? [verb, ...segments] : segments
}

/** What follows the verb, as far as its object may reach. */
function phraseAfter(segments: readonly string[], verb: number): string[] {
  const rest = segments.slice(verb + 1)
  const end = rest.findIndex(
    (segment, place) => quote.test(segment) || (place > 0 && endOfPhrase.test(segment)),
  )
  return end === -1 ? rest : rest.slice(0, end)
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
  return measured.test(head) || functionWord.test(head) ? '' : head
}

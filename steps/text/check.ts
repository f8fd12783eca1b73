// How rules are checked: what a rule may be, what it found, and which of those that are on an instruction or an instance
// breaks first.
import type { Instance } from './given.ts'
import { isListInPieces } from './incomplete.ts'
import { type ByLanguage, type Language, answerKey, lengthOf } from './language.ts'

/** `most_similar`: the neighbour that is too near, its score with four digits, as the row in rejected.jsonl names it. */
export type Finding = {
  reason: string
  detail: string
  most_similar?: { instruction: string; score: number } | undefined
}
/** What is there already; `rival` is the nearest one where that is too near. */
type Neighbours = {
  rival(instruction: string): { instruction: string; score: number } | undefined
  traditional?: boolean // the seed tasks are in traditional characters
}

/** What a rule measured: the same words in both languages, or one wording for each. */
type Measured = string | ByLanguage<string> | undefined
type Task = { instruction: string; language: Language }
/** Instances of one task side by side, without those that a rule has removed; answers by `answerKey`. */
type Comparison = {
  answersTo: ReadonlyMap<string, ReadonlyMap<string, number>> // per input, each answer and where it stands first
  inputsOf: ReadonlyMap<string, number> // per answer, how many inputs have it
  isSplit: boolean // each is one piece of a list that was asked for
}

type Named = { reason: string; why: ByLanguage<string> }
type InstructionRule = Named & {
  of: 'instruction'
  test(instruction: string, language: Language, pool: Neighbours): Measured
}
/** A rule for every text of a row: instruction, input and output. */
type TextRule = Named & { of: 'text'; test(text: string, instruction: string): Measured }
type InstanceRule = Named & { of: 'instance'; test(instance: Instance, task: Task): Measured }
type ComparingRule = Named & {
  of: 'instances'
  test(instance: Instance, task: Task & Comparison, at: number): Measured
}
export type Rule = InstructionRule | TextRule | InstanceRule | ComparingRule

/** The rules that are on, in their order, by their reasons. */
type Rules = ReadonlyMap<string, Rule>

/** The first rule an instruction breaks. */
export function checkInstruction(
  instruction: string,
  language: Language,
  pool: Neighbours,
  on: Rules,
): Finding | undefined {
  for (const rule of on.values()) {
    const found = finding(rule, measureInstruction(rule, instruction, language, pool), language)
    if (found) return found
  }
  return undefined
}

/** What a rule has against an instruction; nothing where it is a rule for instances. */
export function measureInstruction(
  rule: Rule,
  instruction: string,
  language: Language,
  pool: Neighbours,
): Measured {
  if (rule.of === 'instruction') return measured(rule, () => rule.test(instruction, language, pool))
  return rule.of === 'text' ? measured(rule, () => rule.test(instruction, instruction)) : undefined
}

/** The first rule each instance of a task breaks, in the order of the instances. */
export function checkInstances(
  instruction: string,
  instances: readonly Instance[],
  language: Language,
  on: Rules,
): (Finding | undefined)[] {
  const findings = instances.map((): Finding | undefined => undefined)
  let task: Task & Comparison = { instruction, language, ...nothingCompared }
  let compared = -1 // how many instances `task` compares
  for (const rule of on.values()) {
    if (rule.of === 'instances') {
      const sound = findings.filter((found) => !found).length
      if (compared !== sound) task = { ...task, ...compare(instruction, instances, findings) }
      compared = sound
    }
    instances.forEach((instance, at) => {
      findings[at] ??= finding(rule, measureInstance(rule, instance, task, at), language)
    })
  }
  return findings
}

/** What a rule has against an instance; nothing where it is a rule for instructions. */
export function measureInstance(
  rule: Rule,
  instance: Instance,
  task: Task & Comparison,
  at: number,
): Measured {
  if (rule.of === 'instruction') return undefined
  if (rule.of === 'instance') return measured(rule, () => rule.test(instance, task))
  if (rule.of === 'instances') return measured(rule, () => rule.test(instance, task, at))
  return (
    measured(rule, () => rule.test(instance.input, task.instruction)) ??
    measured(rule, () => rule.test(instance.output, task.instruction))
  )
}

function finding(rule: Rule, found: Measured, language: Language): Finding | undefined {
  if (found === undefined) return undefined
  return { reason: rule.reason, detail: typeof found === 'string' ? found : found[language] }
}

// A rule is what people write first of their own, and nobody checks its types before it runs: what it gives back is looked
// at, so that no row is written that cannot be read again.

/** A rule that is written wrongly; says which and how to mend it. */
export class BrokenRule extends Error {
  readonly words: ByLanguage<string>

  constructor(reason: unknown, wrong: ByLanguage<string>) {
    const name = typeof reason === 'string' ? reason : String(JSON.stringify(reason) ?? reason)
    super(`${name}: ${wrong.en}`)
    this.words = {
      en: `The rule "${name}" ${wrong.en} Mend it in steps/text/rules.ts.`,
      zh: `规则“${name}”${wrong.zh}请在 steps/text/rules.ts 中修改。`,
    }
  }
}

/** What a rule found. `null` and `false` mean nothing, as `undefined` does; anything else but text is a mistake. */
function measured({ reason }: Rule, test: () => unknown): Measured {
  let found: unknown
  try {
    found = test()
  } catch (error) {
    const said = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    throw new BrokenRule(reason, { en: `failed: ${said}.`, zh: `运行出错：${said}。` })
  }
  if (found === undefined || found === null || found === false) return undefined
  if (typeof found === 'string' || isWorded(found)) return found
  const got = shownValue(found)
  throw new BrokenRule(reason, {
    en: `gave back ${got}; expected is what it measured, as text, or undefined where it has nothing to object to.`,
    zh: `返回了 ${got}；应返回测得的文字，没有意见时返回 undefined。`,
  })
}

function isWorded(found: unknown): found is ByLanguage<string> {
  if (typeof found !== 'object' || found === null) return false
  const { en, zh } = found as Partial<ByLanguage<unknown>>
  return typeof en === 'string' && typeof zh === 'string'
}

function shownValue(value: unknown): string {
  if (value instanceof Promise) return 'a promise (async)'
  if (typeof value === 'object' || typeof value === 'function') return Array.isArray(value) ? '[…]' : '{…}'
  return String(value)
}

/** Refuses a rule whose parts are not what they must be, or whose name is `taken`, before any row meets it. */
export function checkOwnRules(rules: readonly Partial<Rule>[], taken: readonly string[] = []): void {
  const seen = new Set<unknown>(taken)
  for (const { reason, of, why, test } of rules) {
    const wrong = wrongPart({ reason, of, why, test }, seen.has(reason))
    if (wrong) throw new BrokenRule(reason, wrong)
    seen.add(reason)
  }
}

function wrongPart(
  { reason, of, why, test }: Partial<Record<keyof Named | 'of' | 'test', unknown>>,
  twice: boolean,
): ByLanguage<string> | undefined {
  if (typeof reason !== 'string' || !/^[a-z][a-z0-9_]*$/.test(reason))
    return {
      en: 'needs a reason: small letters joined by "_", such as about_clouds.',
      zh: '缺少合格的 reason：用小写字母和下划线，例如 about_clouds。',
    }
  if (twice)
    return { en: 'has a reason that is taken: give it another.', zh: '的 reason 已被占用，请换一个。' }
  if (typeof of !== 'string' || !kinds.includes(of))
    return { en: `needs an of: one of ${kinds.join(', ')}.`, zh: `的 of 应为 ${kinds.join('、')} 之一。` }
  if (typeof test !== 'function') return { en: 'needs a test: a function.', zh: '缺少 test 函数。' }
  return isWorded(why)
    ? undefined
    : { en: "needs a why: { en: '…', zh: '…' }.", zh: "缺少 why：{ en: '…', zh: '…' }。" }
}

const kinds: readonly string[] = ['instruction', 'text', 'instance', 'instances'] satisfies Rule['of'][]

const nothingCompared: Comparison = { answersTo: new Map(), inputsOf: new Map(), isSplit: false }

/** Puts the instances of a task side by side; those a rule removed count for nothing. */
export function compare(
  instruction: string,
  instances: readonly Instance[],
  findings: readonly (Finding | undefined)[],
): Comparison {
  const left = [...instances.entries()].filter(([at]) => !findings[at])
  const answersTo = new Map<string, Map<string, number>>()
  const inputsOf = new Map<string, number>()
  for (const [at, { input, output }] of left) {
    const answers = answersTo.get(input.trim()) ?? new Map<string, number>()
    const key = answerKey(output)
    answersTo.set(input.trim(), answers)
    if (answers.has(key)) continue
    answers.set(key, at)
    inputsOf.set(key, (inputsOf.get(key) ?? 0) + 1)
  }
  const isSplit = isListInPieces(
    instruction,
    left.map(([, row]) => row),
  )
  return { answersTo, inputsOf, isSplit }
}

/** Whether all inputs, three at least, have one sentence for an answer, which is not in the instruction. */
export function isCopied(output: string, { instruction, answersTo, inputsOf }: Task & Comparison): boolean {
  const inputs = inputsOf.get(answerKey(output)) ?? 0
  if (inputs < 3 || inputs !== answersTo.size || instruction.includes(output.trim())) return false
  return lengthOf(output, 'zh') >= (/\p{Script=Han}/u.test(output) ? 8 : 5)
}

/** How many answers an input has, where it is one and they differ. */
export function conflictOver(input: string, { answersTo }: Comparison): Measured {
  const answers = input.trim() === '' ? 1 : (answersTo.get(input.trim())?.size ?? 1)
  if (answers < 2) return undefined
  return { en: `${answers} different outputs for one input`, zh: `同一输入有 ${answers} 种输出` }
}

/** Which instance before this one has the same input and output. */
export function firstLike({ input, output }: Instance, { answersTo }: Comparison, at: number): Measured {
  const first = answersTo.get(input.trim())?.get(answerKey(output))
  if (first === undefined || first === at) return undefined
  return { en: `same as instance ${first + 1}`, zh: `与第 ${first + 1} 个实例相同` }
}

/** What `near_duplicate` and `already_elsewhere` measured, in words: how near an instruction is to which other. */
export function likeness({ instruction, score }: { instruction: string; score: number }) {
  const shown = score.toFixed(2)
  return { en: `${shown} to: ${instruction}`, zh: `${shown}，相近的是：${instruction}` }
}

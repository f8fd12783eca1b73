// What goes to the model: the contract of the prompts that servers, the stand-in and readers of the log rely on.
import { describe, expect, it } from 'vitest'
import { classificationPrompt } from '../steps/classify.ts'
import { generationPrompt } from '../steps/generate.ts'
import { instancesPrompt } from '../steps/instances.ts'
import type { Message } from '../steps/model/call.ts'
import { judgedLine, judgementPrompt } from '../steps/model/judge.ts'
import { asText } from '../steps/display/person.ts'
import { isChinese } from '../steps/text/language.ts'
import { readAnswers, readInstances, readTasks, readVerdicts } from '../steps/text/replies.ts'

const odd = ['Name three rivers.', 'Sort these:\n2. pears\n1. apples', '3 x 4 = ?\u2028Explain.']
const rows = odd.map((instruction) => judgedLine({ instruction, input: '', output: 'x' }))

describe.each(['en', 'zh'] as const)('the prompts, in %s', (language) => {
  const prompts: Record<string, Message[]> = {
    tasks: generationPrompt(odd, language, '3D printing\n4. lamps'),
    answers: classificationPrompt(odd, language),
    instances: instancesPrompt(odd[1] ?? '', false, language),
    'instances (labels first)': instancesPrompt(odd[1] ?? '', true, language),
    verdicts: judgementPrompt(rows, language),
  }
  const all = Object.entries(prompts)

  it.each(all)(
    'number the tasks of the question, and start no other line with a number: %s',
    (_, messages) => {
      const lines = messages.at(-1)?.content.split('\n') ?? []
      const numbered = lines.filter((line) => /^\s*\d/.test(line))
      expect(numbered.map((line) => line.slice(0, 3))).toEqual(
        numbered.map((_line, place) => `${place + 1}. `),
      )
      expect(lines.slice(0, numbered.length)).toEqual(numbered)
      expect(lines.length - numbered.length).toBe(1) // the request, last
    },
  )

  it.each(all)('ask by the name of the list in the last message: %s', (name, messages) => {
    expect(messages.at(-1)).toMatchObject({ role: 'user' })
    expect(messages.at(-1)?.content).toContain(`"${name.split(' ')[0]}"`)
  })

  it.each(all)(
    'show demonstrations as turns whose replies the step itself can read: %s',
    (name, messages) => {
      const roles = messages.map((message) => message.role)
      const pairs = (roles.length - 2) / 2
      expect(roles).toEqual([
        'system',
        ...Array.from({ length: pairs }, () => ['user', 'assistant']).flat(),
        'user',
      ])
      expect(pairs).toBeGreaterThan(0)
      for (const { role, content } of messages)
        if (role === 'assistant') expect(readAs(name, content), content).toBe(true)
    },
  )

  it.each(all)('hold no placeholder where an answer stands: %s', (_, messages) => {
    for (const { content } of messages) expect(content).not.toMatch(/…|\.\.\.|<[a-z]|\[(?:your|insert)/)
  })

  it('keep what never changes in front, so that servers can cache it', () => {
    const fixed = (messages: Message[]) => messages.slice(0, -1)
    expect(fixed(classificationPrompt(odd, language))).toEqual(fixed(classificationPrompt([], language)))
    for (const labelled of [true, false])
      expect(fixed(instancesPrompt('Name a lake.', labelled, language))).toEqual(
        fixed(instancesPrompt('Name a river.', labelled, language)),
      )
    expect(fixed(judgementPrompt(rows, language))).toEqual(fixed(judgementPrompt([], language)))
    expect(generationPrompt(odd, language)[0]).toEqual(generationPrompt(odd.slice(1), language)[0])
  })

  it('show yes and no without a pattern, one instance and several, with an input and without, and code', () => {
    const labels = repliesIn(classificationPrompt([], language)).map((reply) => /true/.test(reply))
    expect(labels.filter(Boolean).length).toBeGreaterThan(1)
    expect(labels.filter((label) => !label).length).toBeGreaterThan(2)
    expect(labels.some((label, place) => place > 1 && label === labels[place - 1])).toBe(true)
    const shown = repliesIn(instancesPrompt('', false, language)).map((reply) =>
      readInstances(reply, false, false),
    )
    expect(new Set(shown.map((reply) => reply?.instances.length)).size).toBe(2)
    expect(shown.some((reply) => reply?.instances[0]?.input === '')).toBe(true)
    expect(JSON.stringify(shown)).toContain('def ')
  })

  it('show labels in another order than the task names them, and inputs that do not name theirs', () => {
    const messages = instancesPrompt('', true, language)
    for (const [place, { role, content }] of messages.entries()) {
      if (role !== 'assistant') continue
      const task = messages[place - 1]?.content ?? ''
      const instances = readInstances(content, false, true)?.instances ?? []
      const places = instances.map(({ output }) => task.indexOf(output))
      expect(places).not.toEqual(places.toSorted((a, b) => a - b))
      for (const { input, output } of instances) expect(input).not.toContain(output)
    }
  })

  it('speak the language of the run', () => {
    for (const messages of Object.values(prompts))
      expect(isChinese(messages[0]?.content ?? '')).toBe(language === 'zh')
  })

  it('read as text in a chat window, tasks with their answers', () => {
    const [task, answer] = language === 'zh' ? ['任务：', '回答：'] : ['Task: ', 'Answer: ']
    const text = asText(classificationPrompt(['Name a river.'], language))
    const count = (word: string): number => text.split(`\n\n${word}`).length - 1
    expect(count(task)).toBe(count(answer))
    expect(count(answer)).toBe(repliesIn(classificationPrompt([], language)).length)
    expect(text.split('\n\n').at(-1)).toMatch(/^1\. Name a river\.\n/)
  })
})

function repliesIn(messages: Message[]): string[] {
  return messages.filter(({ role }) => role === 'assistant').map(({ content }) => content)
}

function readAs(name: string, reply: string): boolean {
  if (name === 'tasks') return readTasks(reply, false)?.tasks.length === odd.length
  if (name === 'answers') return readAnswers(reply, false, 1)?.size === 1
  if (name === 'verdicts') return (readVerdicts(reply, false, 3)?.size ?? 0) > 0
  const found = readInstances(reply, false, name !== 'instances')
  return found !== undefined && found.instances.length > 0 && found.dropped.length === 0
}

// What goes to the model: the contract of the prompts that servers, the stand-in and readers of the log rely on.
import { describe, expect, it } from 'vitest'
import { classificationPrompt } from '../steps/classify.ts'
import { generationPrompt } from '../steps/generate.ts'
import { instancesPrompt } from '../steps/instances.ts'
import { isChinese } from '../steps/text/language.ts'

const odd = ['Name three rivers.', 'Sort these:\n2. pears\n1. apples', '3 x 4 = ?\u2028Explain.']

describe.each(['en', 'zh'] as const)('the prompts, in %s', (language) => {
  const prompts = {
    tasks: generationPrompt(odd, language, '3D printing\n4. lamps'),
    answers: classificationPrompt(odd, language),
    instances: instancesPrompt(odd[1] ?? '', false, language),
    'instances (labels first)': instancesPrompt(odd[1] ?? '', true, language),
  }

  it.each(Object.entries(prompts))(
    'show tasks as numbered lines, and start no other line with a number: %s',
    (_, messages) => {
      const lines = messages.at(-1)?.content.split('\n') ?? []
      const numbered = lines.filter((line) => /^\s*\d/.test(line))
      expect(numbered.map((line) => line.slice(0, 3))).toEqual(
        numbered.map((_line, place) => `${place + 1}. `),
      )
      expect(lines.length - numbered.length).toBeLessThanOrEqual(1)
    },
  )

  it.each(Object.entries(prompts))('show the JSON shape they want: %s', (name, messages) => {
    expect(messages[0]?.content).toContain(`{"${name.split(' ')[0]}":[`)
  })

  it('keep the part that never changes in front', () => {
    const [first, second] = [generationPrompt(odd, language), generationPrompt(odd.slice(1), language)]
    expect(first[0]).toEqual(second[0])
    expect(classificationPrompt(odd, language)[0]).toEqual(classificationPrompt([], language)[0])
    expect(instancesPrompt('Name a lake.', true, language)[0]).toEqual(prompts['instances (labels first)'][0])
  })

  it('speak the language of the run', () => {
    for (const messages of Object.values(prompts))
      expect(isChinese(messages[0]?.content ?? '')).toBe(language === 'zh')
  })
})

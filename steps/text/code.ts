// Tells program code from prose, and whether an instruction asks for code: a reply that is code and nothing else is
// then the answer, though no label says so.

const ASKS =
  /^(?:(?:please|can you|could you)\s+)?(?:write|create|implement|develop|make|define|build|design)\b[^.?!\n]*\b(?:function|program|code|script|method|algorithm|class|query)\b|(?:编写|写|创建|实现|定义|设计)[^。？！\n]*(?:函数|程序|代码|脚本|方法|算法|查询)/i
const GIVEN =
  /\b(?:following|below|above|given|provided|existing|this|that|your)\s+(?:\w+\s+)?(?:function|program|code|script|snippet|method|class|query)\b|\bcode\s+(?:below|above|given|provided)\b|(?:下面|以下|上面|给定|这段|该)的?(?:函数|程序|代码|脚本)/i
const OPENS =
  /^(?:(?:async )?def \w+ ?\(|class \w+ ?[:({]|import [\w.]+(?: as \w+)?;?$|from [\w.]+ import |#include\b|(?:async )?function \w+ ?\(|(?:const|let|var) \w+ ?=|public (?:static|class)\b|SELECT\s|CREATE TABLE\b|<!DOCTYPE|<html)/m
const SENTENCE = /^[A-Z][a-z']+,?(?: [\w',-]+){3,}.*[.!:]$/m
const FENCE = /^```(?!json|text|markdown|md\b)[a-z][\w+#-]*\n[^]*```$/i

/** True where new code is asked for; false where the instruction speaks of code that it brings along. */
export const asksForCode = (instruction: string): boolean =>
  ASKS.test(instruction) && !GIVEN.test(instruction)

/** True for one fenced block that names its language, or bare code without a sentence of prose between its lines. */
export function isCode(text: string): boolean {
  if (FENCE.test(text)) return text.indexOf('```', 3) === text.length - 3
  return text.search(OPENS) === 0 && !SENTENCE.test(text)
}

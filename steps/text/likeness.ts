// What `near_duplicate` and `already_elsewhere` measured, as the detail of a rejected row says it, and read back from there.

/** How near an instruction is to which other. */
export function likeness({ instruction, score }: { instruction: string; score: number }) {
  const shown = score.toFixed(2)
  return { en: `${shown} to: ${instruction}`, zh: `${shown}，相近的是：${instruction}` }
}

// Rows of merged files carry the file's name in front.
const likenessTold = /^(?:.*?: )?([01]\.\d\d)(?: to: |，相近的是：)([^]*)$/

/** Reads back what `likeness` wrote, in either language; undefined for any other detail. */
export function likenessIn(detail: string): { instruction: string; score: number } | undefined {
  const [, score, instruction] = likenessTold.exec(detail) ?? []
  return instruction === undefined ? undefined : { instruction, score: Number(score) }
}

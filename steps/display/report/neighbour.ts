// The nearest neighbour that a near-duplicate's detail names: "0.81 to: …", in Chinese "0.81，相近的是：…".

export type Neighbour = { score: number; instruction: string }

// Rows of merged files carry the file's name in front.
const detailOfNeighbour = /^(?:.*?: )?([01]\.\d\d)(?: to: |，相近的是：)([^]*)$/

export function neighbourIn(detail: string): Neighbour | undefined {
  const match = detailOfNeighbour.exec(detail)
  return match ? { score: Number(match[1]), instruction: match[2] ?? '' } : undefined
}

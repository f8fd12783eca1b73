// How many instructions a round asks step 1 for, so that the data set reaches its target in few rounds.

// Of the accepted instructions about a fifth is lost in steps 3 and 4.
const margin = 1.25

/** Instructions wanted of step 1 in the first round. */
export function wantedFirst(target: number): number {
  return Math.ceil(target * margin) + 1
}

/** Instructions wanted in the next round: what is missing, at the rate at which accepted ones were kept so far. */
export function wantedNext(target: number, accepted: number, kept: number): number {
  const missing = target - kept
  return accepted + Math.ceil((missing * accepted * 1.1) / Math.max(kept, 1)) + 1
}

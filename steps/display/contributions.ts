// Who gave what when step 4 merges several runs (`--merge`): rows, and instructions that another's file had already.
import path from 'node:path'

export type Contribution = { file: string; instructions: number; rows: number; duplicates: number }

export class Contributions {
  readonly all: Contribution[] = []
  private readonly ownerOf = new Map<string, Contribution>()

  /** What follows is this contributor's. */
  begin(file: string): void {
    this.all.push({ file, instructions: 0, rows: 0, duplicates: 0 })
  }

  get current(): Contribution | undefined {
    return this.all.at(-1)
  }

  /** An instruction that is in the pool from now on. */
  own(instruction: string): void {
    if (this.current && !this.ownerOf.has(instruction)) this.ownerOf.set(instruction, this.current)
  }

  /** An instruction was too near to `rival`; that counts where the rival is another's, not a seed task or one's own. */
  clash(rival: string): void {
    const owner = this.ownerOf.get(rival)
    if (this.current && owner && owner !== this.current) this.current.duplicates++
  }
}

/** The files by name, which is the contributor's; two of the same name also by their folder. */
export function contributorNames(files: readonly string[]): string[] {
  const names = files.map((file) => path.basename(file))
  return files.map((file, place) => {
    const name = names[place] ?? file
    return names.indexOf(name) === names.lastIndexOf(name)
      ? name
      : `${path.basename(path.dirname(file))}/${name}`
  })
}

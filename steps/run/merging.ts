// The files that step 4 takes besides its own: what the rejects call them, what each gave, and what the screen says of them.
import path from 'node:path'
import type { ScreenWords } from '../display/words.ts'
import type { Instance } from '../text/given.ts'
import { type Folder, exists } from '../workspace/folder.ts'
import { type MergedFile, mergedFiles, runFolderOf } from '../workspace/from-others.ts'
import { type Contribution, type Row, makersOf, readRunRecord, rowsIn } from '../workspace/records.ts'

/** A line for the screen, in whatever language it speaks. */
export type Remark = (words: ScreenWords) => string

/** `own`: whether the folder has rows of step 3 itself. `source`: what the rejects call a file. */
export type Merged = {
  own: boolean
  ownName: string
  files: (MergedFile & { source: string; of: Origin })[]
  without: string[]
}

/** The files that --merge names, each with who made it as far as the run beside it tells. */
export async function filesToMerge(folder: Folder, paths: readonly string[]): Promise<Merged> {
  const own = folder.output('instances')
  const { files: all, without } = await mergedFiles(paths, folder.dir)
  const others = all.filter(({ file }) => path.resolve(file) !== own)
  const [ownName = '', ...names] = contributorNames([{ file: own, contributor: undefined }, ...others])
  const standIn = others.length > 0 ? await (await import('../model/offline.ts')).standInRows() : undefined
  const files = await Promise.all(
    others.map(async (one, place) => {
      const dir = runFolderOf(one.file)
      const record = dir === undefined ? undefined : await readRunRecord({ dir })
      const of = { made_by: record ? makersOf(record) : [], funnel: record?.funnel, standIn }
      return { ...one, source: names[place] ?? one.file, of }
    }),
  )
  return { own: others.length === 0 || (await exists(own)), ownName, files, without }
}

/** The files by name, which is the contributor's; two of the same name also by their folder. */
function contributorNames(files: readonly MergedFile[]): string[] {
  const names = files.map(({ file }) => path.basename(file))
  return files.map(({ file, contributor }) => {
    const name = path.basename(file)
    if (contributor !== undefined) return `${contributor}/${name}`
    const single = names.indexOf(name) === names.lastIndexOf(name)
    return single ? name : `${path.basename(path.dirname(file))}/${name}`
  })
}

/** What is known of a merged file before its rows are read: who made it, how its own run went, and how to know the stand-in. */
type Origin = Pick<Contribution, 'made_by' | 'funnel'> & { standIn: StandIn | undefined }
type StandIn = (instruction: string, instance: Instance) => boolean

const theStandIn = { provider: 'offline', model: 'offline' }

/** Who gave what when step 4 merges several runs. An instruction that several had counts for all of them. */
export class Contributions {
  private readonly all: Contribution[] = []
  private readonly owned = new Map<string, { owners: Contribution[]; rows: number }>()
  private standIn: StandIn | undefined
  private own = false
  /** Which instructions classify, as long as every merged row says so. */
  private labels: Map<string, boolean> | undefined = new Map()

  /** What follows is this contributor's; `of` is missing for the rows of the folder itself. */
  begin(name: string, of?: Origin): void {
    const { made_by = [], funnel } = of ?? {}
    this.standIn = of?.standIn
    const nothing = { instructions: 0, rows: 0, shared: 0, duplicates: 0 }
    this.all.push({ name, ...nothing, made_by: [...made_by], ...(funnel && { funnel }) })
  }

  /** A row of the folder's own file is the stand-in's: somebody copied it there. */
  copied(name: string): void {
    if (this.all.length === 0) this.begin(name)
    const [own] = this.all
    if (own?.made_by.length === 0) own.made_by.push(theStandIn)
  }

  private get current(): Contribution | undefined {
    return this.all.at(-1)
  }

  async *counted<T extends Judged>(rows: AsyncIterable<T>): AsyncGenerator<T> {
    for await (const row of rows) {
      if (this.current) this.count(row, this.current)
      yield row
    }
  }

  private count(
    { instruction, instances, is_classification, labelled = true }: Judged,
    current: Contribution,
  ) {
    current.instructions++
    if (labelled) this.labels?.set(instruction, is_classification)
    else this.labels = undefined
    const { standIn } = this
    if (!standIn || !instances.some((instance) => standIn(instruction, instance))) return
    this.standIn = undefined // one row is enough to know
    if (!current.made_by.some(({ provider }) => provider === 'offline')) current.made_by.push(theStandIn)
  }

  /** A row goes into the data set. */
  take(instruction: string): void {
    const entry = this.owns(instruction)
    if (entry) entry.rows++
  }

  /** An instruction is in the pool from now on. */
  owns(instruction: string) {
    if (!this.current) return undefined
    const entry = this.owned.get(instruction) ?? { owners: [this.current], rows: 0 }
    this.owned.set(instruction, entry)
    return entry
  }

  /** An instruction was too near to another's, not to a seed task or one's own; the same words are the same instruction. */
  clash({ instruction, score }: { instruction: string; score: number }): void {
    const { current } = this
    const entry = this.owned.get(instruction)
    if (!current || !entry || entry.owners.includes(current)) return
    if (score === 1) entry.owners.push(current)
    else current.duplicates++
  }

  /** The sums. `own`: whether the first of them is the folder's own. */
  concluded(own: boolean): readonly Contribution[] {
    this.own = own
    for (const { owners, rows } of this.owned.values()) {
      for (const owner of owners) {
        owner.rows += rows
        if (owners.length > 1 && rows > 0) owner.shared++
      }
    }
    return this.all
  }

  /** Those of other runs, as run.json keeps them, and the own file where the stand-in's rows are in it; undefined where there are none. */
  get others(): Contribution[] | undefined {
    const others = this.all.filter(({ made_by }, place) => made_by.length > 0 || place >= Number(this.own))
    return this.all.length > Number(this.own) || others.length > 0 ? others : undefined
  }

  /** Classification tasks in a merged data set; undefined where the files do not say. */
  get classification(): number | undefined {
    const { labels } = this
    if (!labels || this.all.length === 0) return undefined
    return [...this.owned].filter(([instruction, { rows }]) => rows > 0 && labels.get(instruction)).length
  }
}

type Judged = Pick<Row<'withInstances'>, 'instruction' | 'instances' | 'is_classification'> & {
  labelled?: boolean
}

/** Whose rows the merged ones are, where that is known, and which folders gave none. */
export function remarksOn(gave: readonly Contribution[], without: readonly string[]): Remark[] {
  const remarks: Remark[] = []
  if (without.length > 0) remarks.push((words) => words.withoutRows(without.join(', ')))
  const makers = new Map<string, string[]>()
  for (const { name, made_by } of gave)
    for (const { provider, model } of made_by)
      makers.set(`${provider} ${model}`, [...(makers.get(`${provider} ${model}`) ?? []), name])
  const standIn = makers.get('offline offline')
  makers.delete('offline offline')
  if (makers.size > 0) remarks.push((words) => words.madeBy([...makers.keys()].join(', ')))
  if (standIn) remarks.push((words) => words.standInMerged(standIn.join(', ')))
  return remarks
}

type RowWithCall = { instruction: string; call: string; instances?: readonly Instance[] }

/** Tells rows that somebody copied into the folder from a run of the stand-in: no request of its own log gave them, or their instruction. */
export class Copies {
  private readonly folder: Folder
  private readonly gave: (call: string) => boolean
  private isStandIns: ((instruction: string, instance?: Instance) => boolean) | undefined
  private instructions: Set<string> | undefined // copied into the files of steps 1 and 2

  constructor(folder: Folder, gave: (call: string) => boolean) {
    this.folder = folder
    this.gave = gave
  }

  async has({ instruction, call, instances = [] }: RowWithCall): Promise<boolean> {
    const isStandIns = (this.isStandIns ??= await this.open())
    if (!this.gave(call)) return instances.some((instance) => isStandIns(instruction, instance))
    return isStandIns(instruction) && (this.instructions ??= await this.copied()).has(instruction)
  }

  /** In a folder of the stand-in's own nothing is to be told. */
  private async open() {
    const { cost } = await readRunRecord(this.folder)
    if (cost.generate?.provider === 'offline' || cost.instances?.provider === 'offline') return () => false
    return (await import('../model/offline.ts')).standInRows()
  }

  private async copied(): Promise<Set<string>> {
    const found = new Set<string>()
    for (const kind of ['instruction', 'classified'] as const)
      for await (const { instruction, call } of rowsIn(this.folder, kind))
        if (!this.gave(call) && this.isStandIns?.(instruction)) found.add(instruction)
    return found
  }
}

const placesShown = 5

/** Where the instances of a candidate stand in a merged file, the first of them by name. */
export function placesOf(instances: readonly Instance[]): string {
  const places = [...new Set(instances.flatMap(({ at }) => at ?? []))] // a row of step 3 holds several
  const [first = '', ...others] = places.slice(0, placesShown)
  const more = places.length > placesShown ? ['…'] : []
  return [first, ...others.map((place) => place.slice(1)), ...more].join(',')
}

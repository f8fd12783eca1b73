// The instructions that steps 2 and 3 have dealt with already: those with instances, and those rejected on the way there.
import { exists, fileOf, type Folder, rejectedFile } from './folder.ts'
import { readRows } from './rows.ts'

/** Those of the files as they stand; a row that was rejected because its call failed is still to be dealt with. */
export async function carriedInstructions(folder: Folder): Promise<Set<string>> {
  const carried = new Set<string>()
  const [done, rejected] = [folder.path(fileOf.instances), folder.path(rejectedFile)]
  if (await exists(done))
    for await (const { instruction } of readRows(done, 'withInstances')) carried.add(instruction)
  if (await exists(rejected))
    for await (const { step, reason, instruction } of readRows(rejected, 'rejected'))
      if ((step === 'classify' || step === 'instances') && reason !== 'call_failed') carried.add(instruction)
  return carried
}

import { blueprintImport } from '../../../operations/blueprint-import.ts'
import { importBlueprints } from '../../../operations/import-blueprints.ts'
import type { MutationResolvers } from '../generated/types.ts'
import { judge, withoutNulls } from '../judge.ts'
import { unwrap } from '../refusal.ts'
import type { Source } from '../sources.ts'

export const importMutations: Pick<MutationResolvers, 'importBlueprints'> = {
  async importBlueprints(_, { input: { dryRun, ...input } }, { context, caller }) {
    const asked = judge(blueprintImport, withoutNulls(input))
    const done = unwrap(await importBlueprints(context, caller, { ...asked, dryRun: dryRun ?? false }))
    return { results: done['results'] as unknown as Source<'ImportResult'>[] } // As the operation presents them.
  },
}

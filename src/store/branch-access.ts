import type pg from 'pg'
import type { EnvironmentDocument } from '../core/document/environment.ts'
import { embeddedRepository } from '../core/place.ts'
import { accessOf, type RepositoryAccess } from '../core/repository.ts'
import { run } from './database.ts'

/**
 * How a branch is reached: as the newest environment in force says that puts something there (all of them say the same);
 * when none does any more, as the last one said.
 */
export async function readBranchAccess(
  pool: pg.Pool,
  { repository, branch }: { readonly repository: string; readonly branch: string },
): Promise<RepositoryAccess> {
  const rows = await run<{ body: EnvironmentDocument }>(
    pool,
    {
      name: 'read_branch_access',
      text: `select v.body from document_version v left join document d using (kind, name, revision)
      where v.kind = 'Environment' and coalesce(v.body->'spec'->'gitops'->>'repository', $3) = $1
        and coalesce(v.body->'spec'->'gitops'->>'branch', 'main') = $2
      order by (d.updated_at is not null) desc, v.applied_at desc, v.revision desc limit 1`,
    },
    [repository, branch, embeddedRepository],
  )
  return rows[0] === undefined ? {} : accessOf(rows[0].body)
}

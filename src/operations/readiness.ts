import type { JsonObject } from '../core/json.ts'
import { readPlatformRevision } from '../store/documents.ts'
import { listBranches } from '../store/deliveries.ts'
import { readRoles } from '../store/roles.ts'
import type { Context } from './context.ts'

export type Readiness = { readonly ready: boolean; readonly checks: JsonObject }

/** What is looked at; a worker has no more of a context than this. */
export type Watched = Pick<Context, 'database' | 'hints' | 'pendingMigrations'>

/** Whether requests can be taken, or delivered: the database answers and is migrated. What else is not well is told under the same answer. */
export async function readiness(context: Watched): Promise<Readiness> {
  const { pool } = context.database
  try {
    const pending = await context.pendingMigrations()
    if (pending.length > 0) return notReady(`the database lacks ${pending.join(', ')}: run purser migrate`)
    const [revision, roles, branches] = await Promise.all([readPlatformRevision(pool), readRoles(pool), listBranches(pool)])
    return {
      ready: true,
      checks: {
        database: { ok: true, detail: null, platformRevision: Number(revision) },
        queue: { ok: context.hints.fault === null, detail: context.hints.fault },
        roles: {
          ok: !roles.applicationOwnsTables,
          detail: roles.applicationOwnsTables
            ? 'the application connects as the owner of the tables; its guards hold, its grants do not'
            : null,
        },
        // Nobody signed in reads this: where a repository is, and what a hook said, is in GET /v1/gitops/branches.
        repositories: branches.map(({ branch, state, since }) => ({ branch, state, since: since.toISOString() })),
      },
    }
  } catch {
    return notReady('the database cannot be reached')
  }
}

function notReady(detail: string): Readiness {
  return { ready: false, checks: { database: { ok: false, detail } } }
}

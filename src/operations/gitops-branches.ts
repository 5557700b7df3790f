import type { JsonObject } from '../core/json.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import { listBranches as listInStore, readBranchByName, acceptHead, type BranchRecord } from '../store/deliveries.ts'
import { missingPlatformRole, missingScope } from './authorize.ts'
import { actorOf, type Caller } from './caller.ts'
import type { Context } from './context.ts'
import { forbid } from './forbid.ts'

/** The GitOps branches, and whether each can take commits. */
export async function listBranches(context: Context, caller: Caller): Promise<Result<readonly JsonObject[]>> {
  const forbidden = missingScope(caller, 'listBranches')
  if (forbidden !== null) return refuse(forbidden)
  return ok((await listInStore(context.database.pool)).map(present))
}

/**
 * After somebody rewrote a branch's history: what is on it now is the truth to go on from. The next delivery fetches, and
 * holds the branch again unless `head` is in what it finds.
 */
export async function acceptBranch(
  context: Context,
  caller: Caller,
  input: { readonly repository: string; readonly branch: string; readonly head: string },
): Promise<Result<JsonObject>> {
  const { pool } = context.database
  const about = { operation: 'acceptBranch', team: null, subject: `${input.repository} ${input.branch}` }
  const forbidden = missingPlatformRole(caller, 'acceptBranch')
  if (forbidden !== null) return forbid(context, caller, forbidden, about)
  const branch = await readBranchByName(pool, input.repository, input.branch)
  if (branch === null)
    return refuse({
      code: 'invalid',
      errors: [{ pointer: '/repository', detail: `no environment writes to ${input.branch} of ${input.repository}` }],
    })
  if (!(await acceptHead(pool, branch.id, input.head, actorOf(caller)))) {
    return refuse({
      code: 'wrong-state',
      state: branch.state,
      detail: `${input.branch} of ${input.repository} is ${branch.state}; only a rewritten history can be accepted.`,
    })
  }
  context.hints.deliver(branch.id)
  return ok(present((await readBranchByName(pool, input.repository, input.branch)) ?? branch))
}

function present({ repository, branch, head, state, since, detail }: BranchRecord): JsonObject {
  return { repository, branch, head, state, since: since.toISOString(), detail }
}

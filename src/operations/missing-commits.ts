import type pg from 'pg'
import type { JsonObject } from '../core/json.ts'
import type { BranchRecord } from '../store/deliveries.ts'
import { readCommitted } from '../store/proofs.ts'
import type { BranchHistory } from './branch-history.ts'
import type { BranchRef } from './ports.ts'

/** Requests of a branch that are committed and whose commit is not in its history, and where to look on; null: at the end. */
export type Missing = { readonly problems: readonly JsonObject[]; readonly next: bigint | null }

/** One walk of git answers for so many. */
const AT_ONCE = 10_000

/**
 * The other direction of the proof: no commit that the database knows has gone from the branch, by a push with force or by a
 * restore. Looks at those that were delivered after number `after`, and answers with at most `limit` that are missing.
 * @throws GitFault
 */
export async function findMissing(
  pool: pg.Pool,
  history: BranchHistory,
  { ref, branch }: { readonly ref: BranchRef; readonly branch: BranchRecord },
  after: bigint,
  limit: number,
): Promise<Missing> {
  const committed = await readCommitted(pool, branch.id, after, AT_ONCE)
  if (committed.length === 0) return { problems: [], next: null }
  // Fetched after they were read: whatever is committed by then is on the branch before it is so in the database.
  const head = await history.fetch(ref)
  const commits = committed.map(({ commit }) => commit)
  const there = head === null ? new Set<string>() : await history.findInHistory(ref, head, commits)
  const missing = committed.filter(({ commit }) => !there.has(commit))
  const shown = missing.slice(0, limit)
  const lastSeen = missing.length > shown.length ? shown.at(-1) : committed.length === AT_ONCE ? committed.at(-1) : undefined
  return {
    problems: shown.map(({ request, commit }) => ({
      repository: branch.repository,
      branch: branch.branch,
      commit,
      path: null,
      reason: `It is the commit of ${request}, and is not in the history of the branch.`,
    })),
    next: lastSeen?.number ?? null,
  }
}

import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import { parseId } from '../../src/core/ids.ts'
import {
  claimDeliveries,
  failDelivery,
  listBranches,
  settleCommits,
  storeAttempts,
  type BranchRecord,
  type ClaimedRequest,
} from '../../src/store/deliveries.ts'

/**
 * Delivery as the database sees it, without git: made-up commits are stored, and settled as if they had been pushed. All
 * environments of the tests' platforms share one branch.
 */

/** As many of the oldest deliveries as asked for, claimed: from here on nobody can cancel them. */
export async function claim(pool: pg.Pool, atMost = 500): Promise<readonly ClaimedRequest[]> {
  return claimDeliveries(pool, (await theBranch(pool)).id, { atMost, maxBytes: 1 << 30 })
}

/** A commit that nobody made. */
export function madeUpSha(): string {
  return randomBytes(20).toString('hex')
}

/** Claims and commits everything that waits; answers the ids of the requests, in the order of their commits. */
export async function commitAll(pool: pg.Pool): Promise<readonly string[]> {
  const ids: string[] = []
  for (let claimed = await claim(pool); claimed.length > 0; claimed = await claim(pool)) {
    await commitClaimed(
      pool,
      claimed.map((request) => request.id),
    )
    ids.push(...claimed.map((request) => request.id))
  }
  return ids
}

/** Commits claimed requests together, as one push. */
export async function commitClaimed(pool: pg.Pool, ids: readonly string[]): Promise<void> {
  const commits = ids.map((id) => ({ request: requestId(id), sha: madeUpSha() }))
  await storeAttempts(pool, commits)
  const head = commits.at(-1)?.sha ?? madeUpSha()
  if (!(await settleCommits(pool, await theBranch(pool), head, commits))) throw new Error('another writer is at work')
}

/** Fails a claimed request, as a hook's refusal would. */
export async function failClaimed(pool: pg.Pool, id: string): Promise<boolean> {
  return failDelivery(pool, await theBranch(pool), requestId(id), { code: 'delivery-refused', detail: 'no' })
}

/** The only branch that there is. */
export async function theBranch(pool: pg.Pool): Promise<BranchRecord> {
  const [branch, ...others] = await listBranches(pool)
  if (branch === undefined || others.length > 0) throw new Error(`${others.length + 1} branches where one was expected`)
  return branch
}

export function requestId(text: string): ClaimedRequest['id'] {
  const id = parseId('request', text)
  if (id === null) throw new Error(`${text} is no id of a request`)
  return id
}

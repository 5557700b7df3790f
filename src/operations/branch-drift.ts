import type pg from 'pg'
import { parseId, type Id } from '../core/ids.ts'
import type { BranchRecord } from '../store/deliveries.ts'
import { readProofs } from '../store/proofs.ts'
import type { BranchHistory, CommitOnBranch } from './branch-history.ts'
import type { BranchRef } from './ports.ts'

/**
 * How a branch and the database have parted. `ahead`: commits follow Purser's last one; `unknown` are the requests of those
 * among them that Purser made and this database has not heard of, newest first. `behind`: Purser's last commit is not in the
 * history. `far`: it is further back than anybody looked.
 */
export type Drift =
  | { readonly kind: 'none' }
  | { readonly kind: 'ahead'; readonly commits: number; readonly unknown: readonly Id<'request'>[] }
  | { readonly kind: 'behind' | 'far'; readonly unknown: readonly Id<'request'>[] }

const PAGE = 500
const MAX_COMMITS = 10_000

/**
 * Compares the history of a branch with what the database has of it, as after one of the two was restored. Reads only.
 * @throws GitFault
 */
export async function readDrift(history: BranchHistory, pool: pg.Pool, ref: BranchRef, { head: last }: BranchRecord): Promise<Drift> {
  const head = await history.fetch(ref)
  if (head === last) return { kind: 'none' }
  if (head === null) return { kind: 'behind', unknown: [] }
  const unknown: Id<'request'>[] = []
  for (let skip = 0; skip < MAX_COMMITS; skip += PAGE) {
    const page = (await history.listCommits(ref, head, { skip, limit: PAGE })) ?? []
    const found = page.findIndex((commit) => commit.sha === last)
    const newer = found === -1 ? page : page.slice(0, found)
    unknown.push(...(await unknownOf(pool, newer)))
    if (found !== -1) return { kind: 'ahead', commits: skip + found, unknown }
    // Without a last commit of its own, the database is behind everything that is there.
    if (page.length < PAGE) return last === null ? { kind: 'ahead', commits: skip + page.length, unknown } : { kind: 'behind', unknown }
  }
  return { kind: 'far', unknown }
}

/** A request that is claimed still, with a stored attempt on the branch, is found there by the next delivery. */
async function unknownOf(pool: pg.Pool, commits: readonly CommitOnBranch[]): Promise<readonly Id<'request'>[]> {
  const named = commits.flatMap(({ sha, requests }) => requests.map((text) => ({ sha, id: parseId('request', text) })))
  const ids = named.flatMap(({ id }) => (id === null ? [] : [id]))
  if (ids.length === 0) return []
  const proofs = await readProofs(pool, ids)
  return named.flatMap(({ sha, id }) => {
    if (id === null) return []
    const proof = proofs.get(id)
    return proof !== undefined && (proof.commit === sha || proof.attempts.includes(sha)) ? [] : [id]
  })
}

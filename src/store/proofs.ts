import type pg from 'pg'
import { idFromUuid, idToUuid, type Id } from '../core/ids.ts'
import type { RequestState } from '../core/request.ts'
import { run } from './database.ts'

/** What backs a commit: the plan of its request, and whether Purser made this commit for it. */
export type Proof = {
  readonly request: Id<'request'>
  readonly state: RequestState
  readonly planDigest: string
  /** The commit that it became; null until that is settled. */
  readonly commit: string | null
  /** Every commit that was ever made for it. */
  readonly attempts: readonly string[]
  /** `digest` null deletes. */
  readonly files: readonly { readonly path: string; readonly digest: string | null }[]
}

/** What is known of requests, by id; those that do not exist are not in it. */
export async function readProofs(pool: pg.Pool, ids: readonly Id<'request'>[]): Promise<ReadonlyMap<string, Proof>> {
  const rows = await run<Omit<Proof, 'request'> & { readonly id: string }>(
    pool,
    {
      name: 'read_proofs',
      text: `select q.id, q.state, q.plan_digest as "planDigest", q.commit_sha as commit,
        array(select a.sha from delivery_attempt a where a.request_id = q.id) as attempts,
        coalesce((select jsonb_agg(jsonb_build_object('path', f.path, 'digest', case when f.operation <> 'delete' then f.digest end))
          from plan_file f where f.request_id = q.id), '[]') as files
      from request q where q.id = any ($1::uuid[])`,
    },
    [ids.map(idToUuid)],
  )
  return new Map(rows.map(({ id, ...proof }) => [idFromUuid('request', id), { ...proof, request: idFromUuid('request', id) }]))
}

export type Committed = { readonly request: Id<'request'>; readonly commit: string; readonly number: bigint }

/** Requests that were committed to a branch, in the order of their delivery, from after a number on. */
export async function readCommitted(pool: pg.Pool, branch: string, after: bigint, limit: number): Promise<readonly Committed[]> {
  const rows = await run<{ readonly id: string; readonly commit: string; readonly number: string }>(
    pool,
    {
      name: 'read_committed',
      text: `select q.id, q.commit_sha as commit, d.number from delivery d join request q on q.id = d.request_id
        where d.branch_id = $1 and d.number > $2 and q.commit_sha is not null order by d.number limit $3`,
    },
    [branch, after, limit],
  )
  return rows.map(({ id, commit, number }) => ({ request: idFromUuid('request', id), commit, number: BigInt(number) }))
}

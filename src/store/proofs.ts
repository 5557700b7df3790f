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

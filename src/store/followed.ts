import type pg from 'pg'
import { idFromUuid, idToUuid, type Id } from '../core/ids.ts'
import { run } from './database.ts'
import type { Sight } from './requests.ts'

/** Whether a request exists within a reader's sight; `requests.ts` reads by the same rule. */
export async function seesRequest(pool: pg.Pool, id: Id<'request'>, sight: Sight): Promise<boolean> {
  const rows = await run(
    pool,
    {
      name: 'sees_request',
      text: `select from request q where q.id = $5 and ($4 or q.team = any ($1) or exists (
        select from approval_requirement n join unnest($2::text[], $3::text[]) mine(team, role) on mine.team = n.team and mine.role = n.role
        where n.request_id = q.id))`,
    },
    [sight.teams, sight.approves.map((a) => a.team), sight.approves.map((a) => a.role), sight.all, idToUuid(id)],
  )
  return rows.length > 0
}

/** A budget in force: `id` changes when another scope makes it another budget. `team` null: it is wider than a team. */
export type FollowedBudget = { readonly id: string; readonly team: string | null }

export async function readFollowedBudget(pool: pg.Pool, name: string): Promise<FollowedBudget | null> {
  const rows = await run<FollowedBudget>(
    pool,
    { name: 'read_followed_budget', text: 'select id, team from budget where name = $1 and retired_at is null' },
    [name],
  )
  return rows[0] ?? null
}

/** Of these requests, those that reserved from a budget, be it nothing. */
export async function requestsOnBudget(
  pool: pg.Pool,
  budget: string,
  requests: readonly Id<'request'>[],
): Promise<ReadonlySet<Id<'request'>>> {
  if (requests.length === 0) return new Set()
  const rows = await run<{ id: string }>(
    pool,
    {
      name: 'requests_on_budget',
      text: `select e.request_id as id from budget_entry e where e.request_id = any ($1::uuid[]) and e.budget_id = $2 and e.kind = 'reserve'`,
    },
    [requests.map(idToUuid), budget],
  )
  return new Set(rows.map((row) => idFromUuid('request', row.id)))
}

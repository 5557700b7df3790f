import type pg from 'pg'
import { idFromUuid, idToUuid, type Id } from '../core/ids.ts'
import type { TeamRole } from '../core/plan.ts'
import type { Actor, ApprovalRecord, ProblemFacts, RequestBody, RequestRecord } from '../core/request-record.ts'
import type { RequestState } from '../core/request.ts'
import { only, run } from './database.ts'
import { parseSnapshots, type SnapshotRow } from './snapshot.ts'

/**
 * Whose requests a reader may see: those of these teams, those that they may approve (a role in a team that a requirement
 * names), or all. Everything else is as if it did not exist (L11), so it is part of each statement's WHERE.
 */
export type Sight = {
  readonly all: boolean
  readonly teams: readonly string[]
  readonly approves: readonly { readonly team: string; readonly role: TeamRole }[]
}

export const sightOfAll: Sight = { all: true, teams: [], approves: [] }

export type RequestFilter = {
  readonly team?: string
  readonly environment?: string
  readonly state?: RequestState
  readonly requester?: string
  /** Id or name of a resource that a change is about. */
  readonly resource?: string
  /** Requests that wait for this principal's vote. */
  readonly awaiting?: string
}

type RequestRow = {
  id: string
  state: RequestState
  team: string
  environment: string
  reason: string
  requester: Actor
  body: RequestBody
  budgets: readonly SnapshotRow[]
  problem: (ProblemFacts & { budgets?: readonly SnapshotRow[] }) | null
  approvals: readonly (Omit<ApprovalRecord, 'at'> & { at: string })[]
  commit_sha: string | null
  committed_at: Date | null
  created_at: Date
  updated_at: Date
  claimed: boolean
  branch: { repository: string; branch: string; state: string; detail: string | null } | null
}

const columns = `
  q.id, q.state, q.team, q.environment, q.reason, q.body, q.budgets, q.problem, q.commit_sha, q.committed_at, q.created_at, q.updated_at,
  jsonb_build_object('subject', p.subject, 'kind', p.kind, 'via', v.subject) as requester,
  d.claimed_at is not null as claimed,
  case when b.id is not null then jsonb_build_object('repository', b.repository, 'branch', b.branch, 'state', b.state, 'detail', b.detail) end as branch,
  coalesce((select jsonb_agg(jsonb_build_object('by', w.subject, 'vote', a.vote, 'comment', a.comment, 'at', a.at, 'satisfies', a.satisfies) order by a.at)
    from approval a join principal w on w.id = a.principal_id where a.request_id = q.id), '[]') as approvals`
const from = `
  from request q join principal p on p.id = q.requester_id left join principal v on v.id = q.via_id
    left join delivery d on d.request_id = q.id left join branch b on b.id = d.branch_id`
const approvable = `exists (select from approval_requirement n join unnest($2::text[], $3::text[]) mine(team, role) on mine.team = n.team and mine.role = n.role where n.request_id = q.id)`

/** One that the reader satisfies and that still lacks votes. */
const unmet = `exists (select from approval_requirement n join unnest($2::text[], $3::text[]) mine(team, role) on mine.team = n.team and mine.role = n.role
  where n.request_id = q.id and n.required > (select count(*) from approval a where a.request_id = q.id and a.vote = 'approve' and n.ordinal = any (a.satisfies)))`

/** One request, or null: absent and out of sight are the same. */
export async function readRequest(pool: pg.Pool, id: Id<'request'>, sight: Sight): Promise<RequestRecord | null> {
  const rows = await run<RequestRow>(
    pool,
    {
      name: 'read_request',
      text: `select ${columns} ${from} where q.id = $5 and ($4 or q.team = any ($1) or ${approvable})`,
    },
    [sight.teams, sight.approves.map((a) => a.team), sight.approves.map((a) => a.role), sight.all, idToUuid(id)],
  )
  return rows[0] === undefined ? null : parseRow(rows[0])
}

/** The request that a key of this caller stands for, with the fingerprint of its body. */
export async function readRequestByKey(
  pool: pg.Pool,
  scope: string,
  key: string,
): Promise<{ record: RequestRecord; fingerprint: string } | null> {
  const rows = await run<RequestRow & { fingerprint: string }>(
    pool,
    {
      name: 'read_request_by_key',
      text: `select ${columns}, q.fingerprint ${from} where q.idempotency_scope = $1 and q.idempotency_key = $2`,
    },
    [scope, key],
  )
  return rows[0] === undefined ? null : { record: parseRow(rows[0]), fingerprint: rows[0].fingerprint }
}

/** A page of requests, newest first: at most `first` of those before `after`. */
export async function listRequests(
  pool: pg.Pool,
  sight: Sight,
  filter: RequestFilter,
  page: { readonly first: number; readonly after: Id<'request'> | null },
): Promise<readonly RequestRecord[]> {
  const values: unknown[] = [sight.teams, sight.approves.map((a) => a.team), sight.approves.map((a) => a.role)]
  const bind = (value: unknown): string => `$${values.push(value)}`
  // Other teams' requests that the reader may approve show among those that wait, which are few; so that any other list
  // stays one scan of an index.
  const waiting = filter.awaiting !== undefined || filter.state === 'pending_approval'
  const where = sight.all ? ['true'] : [waiting ? `(q.team = any ($1) or ${approvable})` : 'q.team = any ($1)']
  const names: string[] = [sight.all ? 'all' : waiting ? 'waiting' : 'teams']
  const add = (name: string, value: string | undefined, condition: (parameter: string) => string) => {
    if (value === undefined) return
    names.push(name)
    where.push(condition(bind(value)))
  }
  add('team', filter.team, (x) => `q.team = ${x}`)
  add('environment', filter.environment, (x) => `q.environment = ${x}`)
  add('state', filter.state, (x) => `q.state = ${x}`)
  add('requester', filter.requester, (x) => `q.requester_id = (select r.id from principal r where r.subject = ${x})`)
  add(
    'resource',
    filter.resource,
    (x) => `exists (select from request_change c where c.request_id = q.id and (c.name = ${x} or c.resource_id::text = ${x}))`,
  )
  add(
    'awaiting',
    filter.awaiting,
    (x) => `q.state = 'pending_approval' and ${unmet}
    and not exists (select from request_party z where z.request_id = q.id and z.principal_id = ${x}::uuid)
    and not exists (select from approval z where z.request_id = q.id and z.principal_id = ${x}::uuid)`,
  )
  add('after', page.after === null ? undefined : idToUuid(page.after), (x) => `q.id < ${x}::uuid`)
  const limit = bind(page.first)
  // Unused parameters need a type, since nothing else gives them one.
  const typed = `($1::text[] is null or $2::text[] is null or $3::text[] is null or true)`
  const rows = await run<RequestRow>(
    pool,
    {
      // PostgreSQL keeps 63 characters of a name.
      name: `list_requests ${names.map((name) => name.slice(0, 4)).join(' ')}`,
      text: `select ${columns} ${from} where ${typed} and ${where.join(' and ')} order by q.id desc limit ${limit}`,
    },
    values,
  )
  return rows.map(parseRow)
}

export type FileRecord = {
  readonly path: string
  readonly operation: 'create' | 'update' | 'delete'
  readonly digest: string | null
  readonly content: string | null
  readonly previous: string | null
}

/** The files of a request's plan, by path. Authorize by `readRequest` first. */
export async function readRequestFiles(pool: pg.Pool, id: Id<'request'>): Promise<readonly FileRecord[]> {
  return run<FileRecord>(
    pool,
    {
      name: 'read_request_files',
      text: 'select path, operation, digest, content, previous from plan_file where request_id = $1 order by ordinal',
    },
    [idToUuid(id)],
  )
}

export type Vote = {
  readonly request: Id<'request'>
  readonly principal: string
  readonly actor: Actor
  readonly vote: 'approve' | 'reject'
  readonly comment: string | null
  readonly planDigest: string
  readonly platformRevision: bigint
  /** How many votes the caller had read when it judged `satisfies`. */
  readonly seen: number
  /** Principal → ordinals of the requirements that they satisfy now. */
  readonly satisfies: Readonly<Record<string, readonly number[]>>
}

export type VoteAnswer =
  | { readonly outcome: 'done'; readonly delivery: string | null }
  | { readonly outcome: 'same' | 'stale' | 'own-request' }
  | { readonly outcome: 'plan-changed'; readonly planDigest: string }
  | { readonly outcome: 'wrong-state'; readonly state: RequestState }

export async function voteOnRequest(pool: pg.Pool, vote: Vote): Promise<VoteAnswer> {
  const document = JSON.stringify({ ...vote, request: idToUuid(vote.request), platformRevision: Number(vote.platformRevision) })
  const rows = await run<{ answer: VoteAnswer }>(pool, { name: 'vote', text: 'select vote($1::jsonb) as answer' }, [document])
  return only(rows).answer
}

/** Who voted on a request, and who had a part in it, as principals. */
export async function readVoters(
  pool: pg.Pool,
  id: Id<'request'>,
): Promise<{
  readonly parties: readonly string[]
  readonly voters: readonly { readonly principal: string; readonly subject: string }[]
  readonly votes: number
}> {
  const rows = await run<{ parties: string[]; voters: { principal: string; subject: string }[]; votes: number }>(
    pool,
    {
      name: 'read_voters',
      text: `select array(select principal_id::text from request_party where request_id = $1) as parties,
      (select count(*)::int from approval where request_id = $1) as votes,
      coalesce((select jsonb_agg(jsonb_build_object('principal', a.principal_id, 'subject', p.subject)) from approval a join principal p on p.id = a.principal_id
        where a.request_id = $1 and a.vote = 'approve'), '[]') as voters`,
    },
    [idToUuid(id)],
  )
  return only(rows)
}

export type CancelAnswer =
  | { readonly outcome: 'done' }
  | { readonly outcome: 'wrong-state'; readonly state: RequestState; readonly claimed: boolean }

export async function cancelRequest(pool: pg.Pool, id: Id<'request'>, actor: Actor): Promise<CancelAnswer> {
  const rows = await run<{ answer: CancelAnswer }>(
    pool,
    { name: 'cancel_request', text: 'select cancel_request($1, $2::jsonb) as answer' },
    [idToUuid(id), JSON.stringify(actor)],
  )
  return only(rows).answer
}

const holds: Record<string, 'history-rewritten' | 'branch-refuses' | 'unreachable'> = {
  refuses: 'branch-refuses',
  unreachable: 'unreachable',
  'history-rewritten': 'history-rewritten',
}

function parseRow(row: RequestRow): RequestRecord {
  const { branch } = row
  const held = row.state === 'queued' && branch !== null ? holds[branch.state] : undefined
  return {
    id: idFromUuid('request', row.id),
    state: row.state,
    team: row.team,
    environment: row.environment,
    reason: row.reason,
    requester: row.requester,
    body: row.body,
    budgets: parseSnapshots(row.budgets),
    problem: row.problem === null ? null : parseFacts(row.problem),
    approvals: row.approvals.map((a) => ({ ...a, at: new Date(a.at) })),
    delivery:
      row.commit_sha === null || row.committed_at === null || branch === null
        ? null
        : { repository: branch.repository, branch: branch.branch, commit: row.commit_sha, committedAt: row.committed_at },
    claimed: row.claimed,
    hold: held === undefined ? null : { kind: held, reason: branch?.detail ?? 'the branch cannot take commits now' },
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

function parseFacts(facts: ProblemFacts & { budgets?: readonly SnapshotRow[] }): ProblemFacts {
  const budgets = parseSnapshots(facts.budgets ?? [])
  switch (facts.code) {
    case 'policy-denied':
      // In the order in which they were shown first: jsonb has another.
      return {
        ...facts,
        budgets,
        violations: facts.violations.map(({ policy, rule, message, remedy }) => ({
          policy,
          rule,
          message,
          ...(remedy === undefined ? {} : { remedy }),
        })),
      }
    case 'budget-exceeded':
      return { ...facts, budgets }
    case 'delivery-refused':
    case 'out-of-band-change':
      return facts
  }
}

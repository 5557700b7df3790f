import type pg from 'pg'
import { idFromUuid, idToUuid, type Id } from '../core/ids.ts'
import type { TeamRole } from '../core/plan.ts'
import type { Actor, ApprovalRecord, ProblemFacts, RequestBody, RequestRecord } from '../core/request-record.ts'
import type { RequestState } from '../core/request.ts'
import { only, run } from './database.ts'
import { rowVersion, type Versioned } from './list-pages.ts'
import { freshGroups } from './principals.ts'
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

type RequestRow = {
  id: string
  version: string | null
  state: RequestState
  team: string
  environment: string
  reason: string
  requester: string
  requester_kind: Actor['kind']
  via: string | null
  body: string
  budgets: readonly SnapshotRow[]
  problem: (ProblemFacts & { budgets?: readonly SnapshotRow[] }) | null
  approvals: readonly (Omit<ApprovalRecord, 'at'> & { at: string })[] | null
  commit_sha: string | null
  committed_at: Date | null
  created_at: Date
  updated_at: Date
  claimed: boolean
  repository: string | null
  branch: string | null
  branch_state: string | null
  branch_detail: string | null
}

/**
 * What changes whenever something changes that is shown of request `q`: its row, and while it is queued the state of its
 * branch. Null while it waits for approvals, for what a vote counts for may change under the same row.
 */
export const versionOf = `case when q.state <> 'pending_approval' then ${rowVersion('q')} || case when q.state = 'queued' and exists (select from branch y where y.state <> 'ok')
  then coalesce((select ' ' || y.state || ' ' || coalesce(y.detail, '') from delivery z join branch y on y.id = z.branch_id where z.request_id = q.id), '') else '' end end`

const columns = `
  q.id, ${versionOf} as version, q.state, q.team, q.environment, q.reason, q.budgets, q.problem, q.commit_sha, q.committed_at, q.created_at, q.updated_at,
  p.subject as requester, p.kind as requester_kind, v.subject as via, d.claimed_at is not null as claimed,
  b.repository, b.branch, b.state as branch_state, b.detail as branch_detail,
  case when q.outcome = 'requires_approval' then
    (select jsonb_agg(jsonb_build_object('by', w.subject, 'vote', a.vote, 'comment', a.comment, 'at', a.at, 'satisfies', a.satisfies) order by a.at)
      from approval a join principal w on w.id = a.principal_id where a.request_id = q.id) end as approvals`
const from = `
  from request q join principal p on p.id = q.requester_id left join principal v on v.id = q.via_id
    left join delivery d on d.request_id = q.id left join branch b on b.id = d.branch_id`
const approvable = `exists (select from approval_requirement n join unnest($2::text[], $3::text[]) mine(team, role) on mine.team = n.team and mine.role = n.role where n.request_id = q.id)`

/** One request, or null: absent and out of sight are the same. */
export async function readRequest(pool: pg.Pool, id: Id<'request'>, sight: Sight): Promise<RequestRecord | null> {
  const read = await readNewerRequest(pool, id, sight, null)
  return read?.newer?.record ?? null
}

/** One request as `readRequest` does; only its version (`newer` null) where the caller has this one already. */
export async function readNewerRequest(
  pool: pg.Pool,
  id: Id<'request'>,
  sight: Sight,
  known: string | null,
): Promise<{ readonly newer: Versioned<RequestRecord> | null } | null> {
  const rows = await run<Omit<RequestRow, 'body'> & { body: string | null }>(
    pool,
    {
      name: 'read_request',
      text: `select ${columns}, case when $6::text is null or ${versionOf} is distinct from $6 then q.body::text end as body ${from}
        where q.id = $5 and ($4 or q.team = any ($1) or ${approvable})`,
    },
    [sight.teams, sight.approves.map((a) => a.team), sight.approves.map((a) => a.role), sight.all, idToUuid(id), known],
  )
  const [row] = rows
  if (row === undefined) return null
  return { newer: row.body === null ? null : versioned({ ...row, body: row.body }) }
}

/** Requests by UUID, in any order. Whoever asks has seen them in a list, which is what authorizes it. */
export async function readRequestsByUuid(pool: pg.Pool, uuids: readonly string[]): Promise<ReadonlyMap<string, Versioned<RequestRecord>>> {
  const rows = await run<RequestRow>(
    pool,
    { name: 'read_requests', text: `select ${columns}, q.body::text as body ${from} where q.id = any ($1::uuid[])` },
    [uuids],
  )
  return new Map(rows.map((row) => [row.id, versioned(row)]))
}

function versioned(row: RequestRow): Versioned<RequestRecord> {
  return { version: row.version, record: parseRow(row), weight: row.body.length }
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
      text: `select ${columns}, q.body::text as body, q.fingerprint ${from} where q.idempotency_scope = $1 and q.idempotency_key = $2`,
    },
    [scope, key],
  )
  return rows[0] === undefined ? null : { record: parseRow(rows[0]), fingerprint: rows[0].fingerprint }
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
  /** The teams that the credentials are for; null: all. */
  readonly onlyTeams: readonly string[] | null
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

/** Somebody who approved, as they are known now. */
export type Voter = {
  readonly principal: string
  readonly email: string | null
  /** Those that they were seen with lately. */
  readonly groups: readonly string[]
  /** The teams that they voted for; null: whichever they have a role in. */
  readonly onlyTeams: readonly string[] | null
  /** The same human as who asks. */
  readonly same: boolean
}

export type Voters = {
  readonly parties: readonly string[]
  /** Whether who asks is one of the parties, under whatever name. */
  readonly hadPart: boolean
  /** The teams of the service accounts that had a part. */
  readonly accountTeams: readonly string[]
  readonly voters: readonly Voter[]
  readonly votes: number
}

/** Who voted on a request and who had a part in it, for somebody who asks; `freshMs`: as long as the groups of somebody absent count. */
export async function readVoters(pool: pg.Pool, id: Id<'request'>, asks: string, freshMs: number): Promise<Voters> {
  const rows = await run<Voters>(
    pool,
    {
      name: 'read_voters',
      text: `with parties as materialized (select x.principal_id as id from request_party x where x.request_id = $1),
        mine as materialized (select p.id from principal m join principal p on p.human_id = m.human_id where m.id = $2)
      select array(select id::text from parties) as parties,
        exists (select from parties join mine using (id)) as "hadPart",
        array(select distinct a.team from service_account a join parties x on x.id = a.principal_id) as "accountTeams",
        (select count(*)::int from approval where request_id = $1) as votes,
        coalesce((select jsonb_agg(jsonb_build_object('principal', p.id, 'onlyTeams', a.only_teams, 'same', p.id in (select id from mine),
            'email', case when p.subject not like '%://%' then p.subject end, 'groups', ${freshGroups('$3')}))
          from approval a join principal p on p.id = a.principal_id where a.request_id = $1 and a.vote = 'approve'), '[]') as voters`,
    },
    [idToUuid(id), asks, freshMs],
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
  const { repository, branch } = row
  const held = row.state === 'queued' && row.branch_state !== null ? holds[row.branch_state] : undefined
  return {
    id: idFromUuid('request', row.id),
    state: row.state,
    team: row.team,
    environment: row.environment,
    reason: row.reason,
    requester: { subject: row.requester, kind: row.requester_kind, via: row.via },
    body: JSON.parse(row.body) as RequestBody, // As `requestBody` wrote it; it never changes.
    budgets: parseSnapshots(row.budgets),
    problem: row.problem === null ? null : parseFacts(row.problem),
    approvals: (row.approvals ?? []).map((a) => ({ ...a, at: new Date(a.at) })),
    delivery:
      row.commit_sha === null || row.committed_at === null || repository === null || branch === null
        ? null
        : { repository, branch, commit: row.commit_sha, committedAt: row.committed_at },
    claimed: row.claimed,
    hold: held === undefined ? null : { kind: held, reason: row.branch_detail ?? 'the branch cannot take commits now' },
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

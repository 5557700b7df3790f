import type pg from 'pg'
import { Fault } from '../core/fault.ts'
import { idFromUuid, idToUuid, type Id } from '../core/ids.ts'
import type { Action } from '../core/plan.ts'
import type { Actor } from '../core/request-record.ts'
import { classifyDatabaseError, run } from './database.ts'

export type BranchState = 'ok' | 'refuses' | 'unreachable' | 'history-rewritten'

export type BranchRecord = {
  readonly id: string
  readonly repository: string
  readonly branch: string
  readonly head: string | null
  readonly epoch: bigint
  readonly state: BranchState
  readonly since: Date
  readonly detail: string | null
}

const branchColumns = 'id, repository, branch, head, epoch::text, state, since, detail'
type BranchRow = Omit<BranchRecord, 'epoch'> & { readonly epoch: string }
const parseBranch = (row: BranchRow): BranchRecord => ({ ...row, epoch: BigInt(row.epoch) })

export async function listBranches(pool: pg.Pool): Promise<readonly BranchRecord[]> {
  return (
    await run<BranchRow>(pool, { name: 'list_branches', text: `select ${branchColumns} from branch order by repository, branch` }, [])
  ).map(parseBranch)
}

export async function readBranch(pool: pg.Pool, id: string): Promise<BranchRecord | null> {
  const rows = await run<BranchRow>(pool, { name: 'read_branch', text: `select ${branchColumns} from branch where id = $1` }, [id])
  return rows[0] === undefined ? null : parseBranch(rows[0])
}

export async function readBranchByName(pool: pg.Pool, repository: string, branch: string): Promise<BranchRecord | null> {
  const rows = await run<BranchRow>(
    pool,
    { name: 'read_branch_by_name', text: `select ${branchColumns} from branch where repository = $1 and branch = $2` },
    [repository, branch],
  )
  return rows[0] === undefined ? null : parseBranch(rows[0])
}

/**
 * Takes a branch for one writer, who holds its lock: whoever wrote before can neither settle nor fail anything from now on,
 * whether or not it knows yet that its lock is lost. The epoch that comes back is the writer's own.
 */
export async function takeBranch(pool: pg.Pool, id: string): Promise<BranchRecord | null> {
  const rows = await run<BranchRow>(pool, { name: 'take_branch', text: `select ${branchColumns} from take_branch($1)` }, [id])
  return rows[0] === undefined ? null : parseBranch(rows[0])
}

/** Whether anything waits for a branch. */
export async function hasWork(pool: pg.Pool, branch: string): Promise<boolean> {
  const rows = await run<{ work: boolean }>(pool, { name: 'branch_work', text: 'select branch_work($1) as work' }, [branch])
  return rows[0]?.work === true
}

/** Branches that have work, and those of which only a fetch can say that they are well again; what the sweep looks for. */
export async function readBranchesToVisit(pool: pg.Pool): Promise<readonly string[]> {
  const rows = await run<{ id: string }>(
    pool,
    {
      name: 'branches_to_visit',
      text: `select distinct branch_id as id from delivery where finished_at is null
      union select id from branch where state <> 'ok'`,
    },
    [],
  )
  return rows.map((row) => row.id)
}

/** A claimed request with all that its commit is made of. */
export type ClaimedRequest = {
  readonly id: Id<'request'>
  readonly team: string
  readonly environment: string
  readonly reason: string
  readonly requestedBy: string
  readonly via: string | null
  readonly approvedBy: readonly string[]
  readonly planDigest: string
  readonly policyDigest: string
  readonly costDelta: bigint
  readonly currency: string
  readonly commitDate: Date
  /** Every commit of this request that may be on the branch. */
  readonly attempts: readonly string[]
  readonly changes: readonly ClaimedChange[]
  readonly files: readonly ClaimedFile[]
}

export type ClaimedChange = {
  readonly action: Action
  readonly blueprint: string
  readonly name: string
  /** May write over what somebody else changed. */
  readonly overwrite: boolean
}

export type ClaimedFile = {
  /** The change that it belongs to, by index. */
  readonly change: number
  readonly path: string
  /** Null: it goes. */
  readonly content: string | null
  /** Of the bytes that Purser wrote there last; null: none. */
  readonly previousDigest: string | null
}

export type ClaimBounds = {
  readonly atMost: number
  readonly maxBytes: number
  /** Claimed ones that are taken only where there is room left. */
  readonly last?: readonly Id<'request'>[]
}

type ClaimedRow = {
  readonly id: string
  readonly team: string
  readonly environment: string
  readonly reason: string
  readonly requested_by: string
  readonly via: string | null
  readonly approved_by: readonly string[]
  readonly plan_digest: string
  readonly policy_digest: string
  readonly cost_delta: string
  readonly currency: string
  readonly commit_date: Date
  readonly attempts: readonly string[]
  readonly changes: readonly ClaimedChange[]
}

type FileRow = {
  readonly request_id: string
  readonly change: number
  readonly path: string
  readonly content: string | null
  readonly previous_digest: string | null
}

/**
 * Claims deliveries of a branch, those claimed before a crash first, then the oldest. From here on nobody can cancel them.
 * Bounded by number and bytes; in the order in which they were released.
 */
export async function claimDeliveries(pool: pg.Pool, branch: string, bounds: ClaimBounds): Promise<readonly ClaimedRequest[]> {
  // Several statements: what the function claims is visible to the next one only. What grows without bound with a request
  // (its parameters, and the bytes that it replaces) stays in the database.
  const claimed = await run<{ request_id: string }>(
    pool,
    { name: 'claim_deliveries', text: 'select request_id from claim_deliveries($1, $2, $3, $4)' },
    [branch, bounds.atMost, bounds.maxBytes, (bounds.last ?? []).map(idToUuid)],
  )
  if (claimed.length === 0) return []
  const ids = claimed.map((row) => row.request_id)
  const [rows, files] = await Promise.all([readClaimed(pool, ids), readClaimedFiles(pool, ids)])
  return rows.map((row) => ({
    id: idFromUuid('request', row.id),
    team: row.team,
    environment: row.environment,
    reason: row.reason,
    requestedBy: row.requested_by,
    via: row.via,
    approvedBy: row.approved_by,
    planDigest: row.plan_digest,
    policyDigest: row.policy_digest,
    costDelta: BigInt(row.cost_delta),
    currency: row.currency,
    commitDate: row.commit_date,
    attempts: row.attempts,
    changes: row.changes,
    files: files.get(row.id) ?? [],
  }))
}

function readClaimed(pool: pg.Pool, ids: readonly string[]): Promise<readonly ClaimedRow[]> {
  return run<ClaimedRow>(
    pool,
    {
      name: 'read_claimed',
      text: `select q.id, q.team, q.environment, q.reason, p.subject as requested_by, v.subject as via, q.plan_digest, q.policy_digest,
        q.cost_delta::text, q.body->'cost'->>'currency' as currency, d.commit_date,
        array(select w.subject from approval a join principal w on w.id = a.principal_id where a.request_id = q.id and a.vote = 'approve' order by a.at) as approved_by,
        array(select a.sha from delivery_attempt a where a.request_id = q.id) as attempts,
        (select jsonb_agg(jsonb_build_object('action', c.action, 'blueprint', c.blueprint_name, 'name', c.name, 'overwrite', c.overwrite) order by c.ordinal)
          from request_change c where c.request_id = q.id) as changes
      from request q join delivery d on d.request_id = q.id join principal p on p.id = q.requester_id left join principal v on v.id = q.via_id
      where q.id = any ($1::uuid[]) order by d.number`,
    },
    [ids],
  )
}

async function readClaimedFiles(pool: pg.Pool, ids: readonly string[]): Promise<ReadonlyMap<string, readonly ClaimedFile[]>> {
  const rows = await run<FileRow>(
    pool,
    {
      name: 'read_claimed_files',
      text: `select request_id, change, path, content, 'sha256:' || encode(sha256(convert_to(previous, 'UTF8')), 'hex') as previous_digest
      from plan_file where request_id = any ($1::uuid[]) order by request_id, ordinal`,
    },
    [ids],
  )
  const files = new Map<string, ClaimedFile[]>()
  for (const { request_id, change, path, content, previous_digest } of rows) {
    const file = { change, path, content, previousDigest: previous_digest }
    const of = files.get(request_id)
    if (of === undefined) files.set(request_id, [file])
    else of.push(file)
  }
  return files
}

export type PushedCommit = { readonly request: Id<'request'>; readonly sha: string }

/** Stored before the push: whatever happens next, these are the commits to look for on the branch. */
export async function storeAttempts(pool: pg.Pool, attempts: readonly PushedCommit[]): Promise<void> {
  await run(pool, { name: 'store_attempts', text: 'select store_attempts($1::jsonb)' }, [commitDocuments(attempts)])
}

/** A branch as its writer holds it. */
type BranchHeld = Pick<BranchRecord, 'id' | 'epoch'>

/** The pushed commits are committed: states, money, resources, head. False: another writer moved the branch's epoch. */
export async function settleCommits(pool: pg.Pool, branch: BranchHeld, head: string, commits: readonly PushedCommit[]): Promise<boolean> {
  const rows = await run<{ settled: boolean }>(
    pool,
    { name: 'settle_commits', text: 'select settle_commits($1, $2, $3, $4::jsonb) as settled' },
    [branch.id, branch.epoch, head, commitDocuments(commits)],
  )
  return rows[0]?.settled === true
}

/** Fails a claimed request of which no attempt is on the branch. False: it was settled, or another writer is at work. */
export async function failDelivery(pool: pg.Pool, branch: BranchHeld, request: Id<'request'>, problem: object): Promise<boolean> {
  const rows = await run<{ failed: boolean }>(
    pool,
    { name: 'fail_delivery', text: 'select fail_delivery($1, $2, $3, $4::jsonb) as failed' },
    [branch.id, branch.epoch, idToUuid(request), JSON.stringify(problem)],
  )
  return rows[0]?.failed === true
}

/** Says what a branch can do now. False: another writer has taken it since. */
export async function setBranchState(
  pool: pg.Pool,
  branch: Pick<BranchRecord, 'id' | 'epoch'>,
  state: BranchState,
  detail: string | null,
): Promise<boolean> {
  const statement = { name: 'set_branch_state', text: 'select set_branch_state($1, $2, $3, $4) as set' }
  return (await run<{ set: boolean }>(pool, statement, [branch.id, branch.epoch, state, detail]))[0]?.set === true
}

/** What is on a branch now is the truth to go on from. False: its history is not held as rewritten. */
export async function acceptHead(pool: pg.Pool, branch: string, head: string, actor: Actor): Promise<boolean> {
  const statement = { name: 'accept_head', text: 'select accept_head($1, $2, $3::jsonb) as accepted' }
  return (await run<{ accepted: boolean }>(pool, statement, [branch, head, JSON.stringify(actor)]))[0]?.accepted === true
}

function commitDocuments(commits: readonly PushedCommit[]): string {
  return JSON.stringify(commits.map((c) => ({ request: idToUuid(c.request), sha: c.sha })))
}

/**
 * The lock of a branch's one writer, on a connection of its own: a lock taken through a pool stays on an unknown
 * connection, or vanishes with it. The signal aborts when that connection is lost, and the lock with it.
 */
export type BranchLock = { readonly signal: AbortSignal; release(): Promise<void> }

/** Null: somebody else holds it. */
export async function lockBranch(connect: () => pg.Client, branch: string): Promise<BranchLock | null> {
  const client = connect()
  const lost = new AbortController()
  const lose = () => lost.abort(new Fault('again', 'the connection that holds the lock of the branch was lost'))
  client.on('error', lose)
  client.on('end', lose)
  // A connection that is gone has released the lock by itself.
  const release = () => client.end().catch(() => undefined)
  try {
    await client.connect()
    const { rows } = await client.query<{ held: boolean }>("select pg_try_advisory_lock(hashtextextended('branch ' || $1, 7073)) as held", [
      branch,
    ])
    if (rows[0]?.held === true) return { signal: lost.signal, release }
  } catch (error) {
    await release()
    throw classifyDatabaseError(error)
  }
  await release()
  return null
}

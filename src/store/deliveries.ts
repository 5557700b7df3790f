import type pg from 'pg'
import { idFromUuid, idToUuid, type Id } from '../core/ids.ts'
import type { RequestBody } from '../core/request-record.ts'
import { run } from './database.ts'
import type { FileRecord } from './requests.ts'

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
  return (await run<BranchRow>(pool, { name: 'list_branches', text: `select ${branchColumns} from branch order by repository, branch` }, [])).map(parseBranch)
}

export async function readBranch(pool: pg.Pool, id: string): Promise<BranchRecord | null> {
  const rows = await run<BranchRow>(pool, { name: 'read_branch', text: `select ${branchColumns} from branch where id = $1` }, [id])
  return rows[0] === undefined ? null : parseBranch(rows[0])
}

export async function readBranchByName(pool: pg.Pool, repository: string, branch: string): Promise<BranchRecord | null> {
  const rows = await run<BranchRow>(pool, { name: 'read_branch_by_name', text: `select ${branchColumns} from branch where repository = $1 and branch = $2` }, [repository, branch])
  return rows[0] === undefined ? null : parseBranch(rows[0])
}

/** Branches that have work; what the sweep compares with what is under way. */
export async function readBranchesWithWork(pool: pg.Pool): Promise<readonly string[]> {
  const rows = await run<{ branch_id: string }>(pool, { name: 'branches_with_work', text: 'select distinct branch_id from delivery where finished_at is null' }, [])
  return rows.map((row) => row.branch_id)
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
  readonly body: RequestBody
  readonly commitDate: Date
  readonly attempts: readonly string[]
  readonly files: readonly (FileRecord & { readonly change: number })[]
  /** By change: may write over what somebody else changed. */
  readonly overwrite: readonly boolean[]
}

type ClaimedRow = Omit<ClaimedRequest, 'id' | 'approvedBy' | 'requestedBy' | 'planDigest' | 'policyDigest' | 'commitDate'> & {
  readonly id: string
  readonly requested_by: string
  readonly approved_by: readonly string[]
  readonly plan_digest: string
  readonly policy_digest: string
  readonly commit_date: Date
}

/**
 * Claims the oldest deliveries of a branch, those claimed before a crash included. From here on nobody can cancel them.
 * Bounded by number and bytes; in the order in which they were released.
 */
export async function claimDeliveries(pool: pg.Pool, branch: string, bounds: { readonly atMost: number; readonly maxBytes: number }): Promise<readonly ClaimedRequest[]> {
  // Two statements: what the function claims is visible to the next one only.
  const claimed = await run<{ request_id: string }>(pool, { name: 'claim_deliveries', text: 'select request_id from claim_deliveries($1, $2, $3)' }, [branch, bounds.atMost, bounds.maxBytes])
  if (claimed.length === 0) return []
  const rows = await run<ClaimedRow>(pool, {
    name: 'read_claimed',
    text: `select q.id, q.team, q.environment, q.reason, p.subject as requested_by, v.subject as via, q.plan_digest, q.policy_digest, q.body, d.commit_date,
        array(select w.subject from approval a join principal w on w.id = a.principal_id where a.request_id = q.id and a.vote = 'approve' order by a.at) as approved_by,
        array(select a.sha from delivery_attempt a where a.request_id = q.id) as attempts,
        array(select c.overwrite from request_change c where c.request_id = q.id order by c.ordinal) as overwrite,
        coalesce((select jsonb_agg(jsonb_build_object('change', f.change, 'path', f.path, 'operation', f.operation, 'digest', f.digest, 'content', f.content, 'previous', f.previous) order by f.ordinal)
          from plan_file f where f.request_id = q.id), '[]') as files
      from request q join delivery d on d.request_id = q.id join principal p on p.id = q.requester_id left join principal v on v.id = q.via_id
      where q.id = any ($1::uuid[]) order by d.number`,
  }, [claimed.map((row) => row.request_id)])
  return rows.map(({ requested_by, approved_by, plan_digest, policy_digest, commit_date, ...row }) => ({
    ...row, id: idFromUuid('request', row.id), requestedBy: requested_by, approvedBy: approved_by, planDigest: plan_digest, policyDigest: policy_digest, commitDate: commit_date,
  }))
}

export type PushedCommit = { readonly request: Id<'request'>; readonly sha: string }

/** Stored before the push: whatever happens next, these are the commits to look for on the branch. */
export async function storeAttempts(pool: pg.Pool, attempts: readonly PushedCommit[]): Promise<void> {
  await run(pool, { name: 'store_attempts', text: 'select store_attempts($1::jsonb)' }, [commitDocuments(attempts)])
}

/** The pushed commits are committed: states, money, resources, head. False: another writer moved the branch's epoch. */
export async function settleCommits(pool: pg.Pool, branch: BranchRecord, head: string, commits: readonly PushedCommit[]): Promise<boolean> {
  const rows = await run<{ settled: boolean }>(pool, { name: 'settle_commits', text: 'select settle_commits($1, $2, $3, $4::jsonb) as settled' }, [branch.id, branch.epoch, head, commitDocuments(commits)])
  return rows[0]?.settled === true
}

/** Fails a claimed request of which no attempt is on the branch. False: it was settled, or another writer is at work. */
export async function failDelivery(pool: pg.Pool, branch: BranchRecord, request: Id<'request'>, problem: object): Promise<boolean> {
  const rows = await run<{ failed: boolean }>(pool, { name: 'fail_delivery', text: 'select fail_delivery($1, $2, $3, $4::jsonb) as failed' }, [branch.id, branch.epoch, idToUuid(request), JSON.stringify(problem)])
  return rows[0]?.failed === true
}

/** Says what a branch can do now; `acceptedHead` is the one that an administrator named, else null. */
export async function setBranchState(pool: pg.Pool, branch: string, state: BranchState, detail: string | null, acceptedHead: string | null = null): Promise<void> {
  await run(pool, { name: 'set_branch_state', text: 'select set_branch_state($1, $2, $3, $4)' }, [branch, state, detail, acceptedHead])
}

function commitDocuments(commits: readonly PushedCommit[]): string {
  return JSON.stringify(commits.map((c) => ({ request: idToUuid(c.request), sha: c.sha })))
}

/**
 * The lock of a branch's one writer, on a connection of its own: a lock taken through a pool stays on an unknown
 * connection, or vanishes with it. The signal aborts when that connection is lost, and the lock with it.
 */
export type BranchLock = { readonly signal: AbortSignal; release(): Promise<void> }

export async function lockBranch(connect: () => pg.Client, branch: string): Promise<BranchLock | null> {
  const client = connect()
  const lost = new AbortController()
  client.on('error', () => lost.abort())
  client.on('end', () => lost.abort())
  await client.connect()
  const { rows } = await client.query<{ held: boolean }>("select pg_try_advisory_lock(hashtextextended('branch ' || $1, 7073)) as held", [branch])
  if (rows[0]?.held !== true) {
    await client.end()
    return null
  }
  return { signal: lost.signal, release: () => client.end() }
}

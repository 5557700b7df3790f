import type pg from 'pg'
import { Fault } from '../core/fault.ts'
import type { Id } from '../core/ids.ts'
import type { Problem } from '../core/problem.ts'
import {
  failDelivery,
  setBranchState,
  settleCommits,
  type BranchLock,
  type BranchRecord,
  type BranchState,
  type PushedCommit,
} from '../store/deliveries.ts'
import type { GitBranch, GitBranches, Head } from './ports.ts'

/** What delivery works with. Made once by `main`, and by tests. */
export type Delivery = {
  readonly pool: pg.Pool
  readonly git: GitBranches
  /** Null: somebody else holds it. */
  lock(branch: string): Promise<BranchLock | null>
  /** Where a repository's name in the API (`embedded`) is found; a URL is itself. */
  locate(repository: string): string
  /** A point at which a test kills the process, or does something in between; does nothing in production. */
  reach(step: DeliveryStep): void | Promise<void>
  readonly warn: (message: string, facts: object) => void
  /** How much is claimed and pushed at once. */
  readonly batch: { readonly atMost: number; readonly maxBytes: number }
  /** By branch: what was refused alone on a head on which nothing has been accepted since. Only the order of tries hangs on it. */
  readonly refusals: Map<string, { readonly head: Head; readonly requests: ReadonlySet<Id<'request'>> }>
}

/** Where a delivery can die; the kill walk of the tests goes through all of them. */
export const deliverySteps = ['locked', 'fetched', 'claimed', 'checked', 'built', 'stored', 'pushed', 'settled'] as const
export type DeliveryStep = (typeof deliverySteps)[number]

/**
 * Four pushes' worth. What each costs, whatever is in it, grows with the branch: on one of 100,000 files the repository looks
 * at all of them, for 0.15 s. 8 MiB of files are a few dozen in memory.
 */
export const standardBatch: Delivery['batch'] = { atMost: 4_000, maxBytes: 8 << 20 }

/** When to come back where something is left that cannot go now. */
export type Delivered = 'done' | { readonly retryInMs: number }

/** The branch cannot take commits: it is tried again at least every 10 s. */
const HELD_MS = 5_000

/** One writer's time with a branch, from the lock to its release. */
export type Turn = {
  readonly d: Delivery
  readonly branchId: string
  readonly git: GitBranch
  /** Aborts when the lock is lost, or the process stops. */
  readonly signal: AbortSignal
  /** The writer's own: whoever takes the branch later has a higher one, and then nothing of this turn is written any more. */
  epoch: bigint
  /**
   * Where its own push has just left the branch. What others have pushed since is seen by the next push, which loses to it;
   * and what an earlier writer pushed too late cannot have arrived, since the branch is not where that expected it.
   */
  pushed: string | null
}

/** Budgets are locked while commits are settled, and submits wait for them. */
const SETTLE_AT_MOST = 500

/**
 * Pushed commits are committed: states, money, resources, head. In several transactions where they are many; those that are
 * left by a crash in between are found by their attempts, wherever they are in the history of the head.
 */
export async function settle(turn: Turn, head: string, commits: readonly PushedCommit[]): Promise<void> {
  for (let i = 0; i < commits.length; i += SETTLE_AT_MOST) {
    const some = commits.slice(i, i + SETTLE_AT_MOST)
    if (!(await settleCommits(turn.d.pool, { id: turn.branchId, epoch: turn.epoch }, head, some))) throw otherWriter()
    turn.epoch += 1n
  }
}

/** A claimed request comes to nothing. That none of its commits is on the branch is for the caller to know. */
export async function fail(
  turn: Turn,
  request: Id<'request'>,
  problem: Extract<Problem, { code: 'out-of-band-change' | 'delivery-refused' }>,
): Promise<void> {
  if (!(await failDelivery(turn.d.pool, { id: turn.branchId, epoch: turn.epoch }, request, problem))) throw otherWriter()
}

/** The branch cannot take commits now; its requests wait, and nothing fails. */
export async function hold(
  { d, epoch }: Pick<Turn, 'd' | 'epoch'>,
  branch: BranchRecord,
  state: Exclude<BranchState, 'ok'>,
  detail: string,
): Promise<Delivered> {
  if (branch.state !== state)
    d.warn('a branch cannot take commits', { repository: branch.repository, branch: branch.branch, state, detail })
  if (!(await setBranchState(d.pool, { id: branch.id, epoch }, state, detail))) throw otherWriter()
  return { retryInMs: HELD_MS }
}

export function otherWriter(): Fault {
  return new Fault('again', 'another writer has taken the branch')
}

import { setTimeout as sleep } from 'node:timers/promises'
import { Fault } from '../core/fault.ts'
import { readBranchAccess } from '../store/branch-access.ts'
import {
  claimDeliveries,
  hasWork,
  readBranch,
  setBranchState,
  takeBranch,
  type BranchRecord,
  type ClaimedRequest,
} from '../store/deliveries.ts'
import { pushBatch, refusedBefore } from './deliver-batch.ts'
import { findForeignChange, pathsToLookAt } from './deliver-checks.ts'
import { fail, hold, otherWriter, settle, type Delivered, type Delivery, type Turn } from './deliver-turn.ts'
import { GitFault, type GitBranch, type Head } from './ports.ts'

/**
 * Delivery of one branch: fetch → claim → settle what has arrived → check → build → store attempts → push → settle. Whatever
 * dies in between, the next turn begins with a fetch and finds by the stored attempts what is on the branch (L6).
 *
 * There is one writer a branch: it holds a lock on a connection of its own, git's children are killed when that is lost, and
 * an epoch keeps a writer that does not know yet from writing to the database. A push of such a writer that still arrives
 * does no harm: it moves the branch only from the head that its commits were checked on, and then the push of the next
 * writer loses and its fetch finds the attempts.
 */

/** Somebody else is writing, or moved the branch; try again soon. */
const SOON_MS = 500
/** Rounds in a row that find the branch moved on before the job gives up its turn. */
const MAX_RACES = 5
/** Batches in one turn; then other branches, and a worker that wants to stop, have theirs. */
const MAX_ROUNDS = 10

/**
 * Delivers everything that waits for a branch. Answers when to come back where something is left that cannot go now.
 * @throws Fault when the database is away, the lock was lost or `stop` aborted; nothing is lost by that.
 */
export async function deliverBranch(d: Delivery, branchId: string, stop: AbortSignal): Promise<Delivered> {
  const lock = await d.lock(branchId)
  if (lock === null) return { retryInMs: SOON_MS }
  const signal = AbortSignal.any([stop, lock.signal])
  try {
    await d.reach('locked')
    return await deliverRounds(d, branchId, signal)
  } catch (error) {
    if (signal.aborted) throw new Fault('again', 'the writer of the branch was stopped, or lost its lock', { cause: error })
    throw error
  } finally {
    await lock.release()
  }
}

async function deliverRounds(d: Delivery, branchId: string, signal: AbortSignal): Promise<Delivered> {
  const branch = await takeBranch(d.pool, branchId)
  if (branch === null) return 'done'
  let git: GitBranch
  try {
    const access = await readBranchAccess(d.pool, branch)
    git = d.git.open({ key: branch.id, repository: d.locate(branch.repository), branch: branch.branch, access }, signal)
  } catch (error) {
    if (!(error instanceof GitFault)) throw error
    return hold({ d, epoch: branch.epoch }, branch, 'unreachable', error.detail)
  }
  const turn: Turn = { d, branchId, git, signal, epoch: branch.epoch, pushed: null }
  let races = 0
  for (let rounds = 0; rounds < MAX_ROUNDS; rounds++) {
    signal.throwIfAborted()
    const outcome = await deliverRound(turn)
    if (outcome === 'again') races = 0
    else if (outcome !== 'raced') return outcome
    else if (++races === MAX_RACES) return { retryInMs: SOON_MS }
    else await sleep(Math.random() * 50 * 2 ** races, undefined, { signal })
  }
  return { retryInMs: 0 }
}

async function deliverRound(turn: Turn): Promise<Delivered | 'again' | 'raced'> {
  const { d, git, signal } = turn
  const branch = await readBranch(d.pool, turn.branchId)
  // A head that an administrator accepted meanwhile has another epoch, too.
  if (branch === null || branch.epoch !== turn.epoch) throw otherWriter()
  const work = await hasWork(d.pool, branch.id)
  if (branch.state === 'ok' && !work) return 'done'

  let head: Head = turn.pushed
  turn.pushed = null
  try {
    head ??= await git.fetch()
  } catch (error) {
    if (!(error instanceof GitFault) || signal.aborted) throw error
    return hold(turn, branch, 'unreachable', error.detail)
  }
  await d.reach('fetched')
  if (branch.head !== null && (head === null || !(await git.isAncestor(branch.head, head))))
    return hold(turn, branch, 'history-rewritten', rewritten(branch, branch.head, head))
  // Whether hooks still refuse, only a push can tell; with nothing to push nobody is refused.
  const well = branch.state !== 'ok' && (branch.state !== 'refuses' || !work)
  if (well && !(await setBranchState(d.pool, branch, 'ok', null))) throw otherWriter()

  const claimed = await claimDeliveries(d.pool, branch.id, { ...d.batch, last: [...refusedBefore(turn, head)] })
  await d.reach('claimed')
  signal.throwIfAborted()
  return claimed.length === 0 ? 'done' : deliverClaimed(turn, branch, head, claimed)
}

function rewritten({ branch }: BranchRecord, last: string, head: Head): string {
  const gone = `The last commit of Purser, ${last.slice(0, 12)}, is not in the history of ${branch} any more.`
  return head === null
    ? `${gone} There is no branch ${branch}: somebody has to put it back.`
    : `${gone} An administrator has to look at it and accept the head ${head}, or somebody puts the history back.`
}

async function deliverClaimed(
  turn: Turn,
  branch: BranchRecord,
  head: Head,
  claimed: readonly ClaimedRequest[],
): Promise<Delivered | 'again' | 'raced'> {
  const { d, git } = turn
  if (await settleArrived(turn, head, claimed)) return 'again'
  const states = await git.readPaths(head, [...new Set(claimed.flatMap(pathsToLookAt))])
  const wanted: ClaimedRequest[] = []
  for (const request of claimed) {
    const problem = await findForeignChange(git, head, request, states)
    if (problem === null) wanted.push(request)
    else await fail(turn, request.id, problem)
  }
  await d.reach('checked')
  return wanted.length === 0 ? 'again' : pushBatch(turn, branch, head, wanted, states)
}

/**
 * Settles the claimed requests of which a stored attempt is on the branch already: pushed before a crash, or by a push whose
 * answer was lost. They are looked for in the whole history: not all of them need fit in one batch, and what follows the
 * first batch would stand behind the head that it has set.
 */
async function settleArrived(turn: Turn, head: Head, claimed: readonly ClaimedRequest[]): Promise<boolean> {
  if (head === null) return false
  const found = await turn.git.findInHistory(
    head,
    claimed.flatMap((request) => request.attempts),
  )
  const arrived = claimed.flatMap((request) => {
    const sha = request.attempts.find((attempt) => found.has(attempt))
    return sha === undefined ? [] : [{ request: request.id, sha }]
  })
  if (arrived.length === 0) return false
  await settle(turn, head, arrived)
  return true
}

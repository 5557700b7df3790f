import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { commitMessage } from '../core/commit-message.ts'
import { Fault } from '../core/fault.ts'
import { digest } from '../core/json.ts'
import { parseMoney } from '../core/money.ts'
import type { Problem } from '../core/problem.ts'
import {
  claimDeliveries, failDelivery, readBranch, setBranchState, settleCommits, storeAttempts,
  type BranchLock, type BranchRecord, type BranchState, type ClaimedRequest, type PushedCommit,
} from '../store/deliveries.ts'
import { GitFault, type CommitPlan, type GitBranch, type GitBranches, type Head, type PathState } from './ports.ts'

/**
 * Delivery of one branch: fetch → settle what arrived → claim → check → build → store attempts → push → settle. Whatever
 * dies in between, the next round begins with a fetch and finds by the stored attempts what is on the branch (L6). One
 * writer a branch: the lock is held on its own connection, and git's children die with it.
 */
export type Delivery = {
  readonly pool: pg.Pool
  readonly git: GitBranches
  lock(branch: string): Promise<BranchLock | null>
  /** Where a repository's name in the API (`embedded`) is found; a URL is itself. */
  locate(repository: string): string
  /** A point at which a test kills the process; does nothing in production. */
  reach(step: DeliveryStep): void
  readonly warn: (message: string, facts: object) => void
  /** Refusals of the lone tries, by branch: what to fail once another request is accepted on the same head. */
  readonly refusals: Map<string, { readonly head: Head; readonly reasons: Map<string, string> }>
}

/** Where a delivery can die; the kill walk of the tests goes through all of them. */
export const deliverySteps = ['locked', 'fetched', 'claimed', 'checked', 'built', 'stored', 'pushed', 'settled'] as const
export type DeliveryStep = (typeof deliverySteps)[number]

export type Delivered = 'done' | { readonly retryInMs: number }

const BATCH = { atMost: 500, maxBytes: 8 << 20 }
/** Somebody else is writing, or moved the branch; try again soon. */
const SOON_MS = 500
/** The branch cannot take commits: a branch that refuses is tried again at least every 10 s. */
const HELD_MS = 5_000
/** Rounds that find the branch moved on before the job gives up its turn. */
const MAX_RACES = 5
/** Requests that are tried alone in one round after their batch was refused. */
const LONE_TRIES = 20

const committer = { name: 'Purser', email: 'purser@purser.dev' }

/**
 * Delivers everything that waits for a branch. Answers when to come back where something is left that cannot go now.
 * @throws Fault when the database is away or the lock was lost; nothing is lost by that.
 */
export async function deliverBranch(d: Delivery, branchId: string, stop: AbortSignal): Promise<Delivered> {
  const lock = await d.lock(branchId)
  if (lock === null) return { retryInMs: SOON_MS }
  try {
    d.reach('locked')
    const signal = AbortSignal.any([stop, lock.signal])
    for (let races = 0; races < MAX_RACES; ) {
      const outcome = await deliverRound(d, branchId, signal)
      if (outcome === 'raced') await sleep(Math.random() * 100 * 2 ** races++)
      else if (outcome !== 'again') return outcome
    }
    return { retryInMs: SOON_MS }
  } finally {
    await lock.release()
  }
}

type Round = { readonly d: Delivery; readonly branch: BranchRecord; readonly git: GitBranch; readonly head: Head }

async function deliverRound(d: Delivery, branchId: string, signal: AbortSignal): Promise<Delivered | 'again' | 'raced'> {
  const branch = await readBranch(d.pool, branchId)
  if (branch === null) return 'done'
  const git = d.git.open({ key: branch.id, repository: d.locate(branch.repository), branch: branch.branch }, signal)
  try {
    const head = await git.fetch()
    d.reach('fetched')
    if (branch.head !== null && (head === null || !(await git.isAncestor(branch.head, head)))) {
      return await hold(d, branch, 'history-rewritten', `The last commit of Purser, ${branch.head.slice(0, 12)}, is not in the history of ${branch.branch} any more. An administrator has to look at it and accept the head ${head ?? '(none)'}.`)
    }
    if (branch.state === 'history-rewritten' || branch.state === 'unreachable') await setBranchState(d.pool, branch.id, 'ok', null)
    const claimed = await claimDeliveries(d.pool, branch.id, BATCH)
    d.reach('claimed')
    if (claimed.length === 0) return 'done'
    signal.throwIfAborted()
    return await deliverClaimed({ d, branch, git, head }, claimed)
  } catch (error) {
    if (signal.aborted) throw new Fault('again', 'the writer of the branch was stopped, or lost its lock', { cause: error })
    if (!(error instanceof GitFault)) throw error
    return hold(d, branch, 'unreachable', error.detail)
  }
}

async function deliverClaimed(round: Round, claimed: readonly ClaimedRequest[]): Promise<Delivered | 'again' | 'raced'> {
  const { d, branch, git, head } = round
  const arrived = await findArrived(round, claimed)
  if (arrived.length > 0 && head !== null) {
    await settle(round, head, arrived)
    return 'again'
  }
  const states = await git.readPaths(head, [...new Set(claimed.flatMap(pathsToLookAt))])
  const wanted: ClaimedRequest[] = []
  for (const request of claimed) {
    const problem = await findForeignChange(round, request, states)
    if (problem === null) wanted.push(request)
    else if (!(await failDelivery(d.pool, branch, request.id, problem))) throw new Fault('again', 'another writer is at work on the branch')
  }
  d.reach('checked')
  if (wanted.length === 0) return 'again'

  const outcome = await pushTogether(round, wanted, states)
  switch (outcome.kind) {
    case 'pushed':
      await settle(round, outcome.head, outcome.commits)
      d.reach('settled')
      return 'again'
    case 'non-fast-forward':
      return 'raced'
    case 'refused':
      return pushAlone(round, wanted, states, outcome.reason)
  }
}

/** Which claimed requests have a stored attempt on the branch already: pushed before a crash, or by a lost answer. */
async function findArrived({ branch, git, head }: Round, claimed: readonly ClaimedRequest[]): Promise<PushedCommit[]> {
  if (head === null || claimed.every((request) => request.attempts.length === 0)) return []
  const onBranch = new Set(await git.commitsBetween(branch.head, head))
  return claimed.flatMap((request) => {
    const sha = request.attempts.find((attempt) => onBranch.has(attempt))
    return sha === undefined ? [] : [{ request: request.id, sha }]
  })
}

async function settle({ d, branch }: Round, head: string, commits: readonly PushedCommit[]): Promise<void> {
  if (!(await settleCommits(d.pool, branch, head, commits))) throw new Fault('again', 'another writer is at work on the branch')
}

type Pushed = { readonly kind: 'pushed'; readonly head: string; readonly commits: readonly PushedCommit[] } | { readonly kind: 'non-fast-forward' } | { readonly kind: 'refused'; readonly reason: string }

async function pushTogether({ d, git, head }: Round, requests: readonly ClaimedRequest[], states: States): Promise<Pushed> {
  const built = await git.buildCommits(head, requests.map((request) => commitPlan(request, states)))
  d.reach('built')
  const byKey = new Map(built.map((commit) => [commit.key, commit.sha]))
  const commits = requests.map((request) => {
    const sha = byKey.get(request.id)
    if (sha === undefined) throw new Error(`no commit was built for ${request.id}`)
    return { request: request.id, sha }
  })
  const last = commits.at(-1)
  if (last === undefined) throw new Error('a push of nothing')
  await storeAttempts(d.pool, commits)
  d.reach('stored')
  const outcome = await git.push(head, last.sha)
  d.reach('pushed')
  return outcome.kind === 'pushed' ? { kind: 'pushed', head: last.sha, commits } : outcome
}

/**
 * A hook refused the batch: each is tried alone on that head. The first that is accepted fails those that were refused on
 * it before; if none is, it is the branch that refuses, and nothing fails.
 */
async function pushAlone(round: Round, requests: readonly ClaimedRequest[], states: States, reason: string): Promise<Delivered | 'again' | 'raced'> {
  const { d, branch, head } = round
  const known = d.refusals.get(branch.id)
  const refused = known !== undefined && known.head === head ? known.reasons : new Map<string, string>()
  d.refusals.set(branch.id, { head, reasons: refused })
  if (requests.length === 1 && requests[0] !== undefined) refused.set(requests[0].id, reason)

  // Those that were not refused on this head yet come first, so that twenty bad ones do not hide a good one for ever.
  const order = requests.length === 1 ? [] : [...requests].sort((a, b) => Number(refused.has(a.id)) - Number(refused.has(b.id))).slice(0, LONE_TRIES)
  for (const request of order) {
    const outcome = await pushTogether(round, [request], states)
    if (outcome.kind === 'non-fast-forward') return 'raced'
    if (outcome.kind === 'refused') {
      refused.set(request.id, outcome.reason)
      continue
    }
    await settle(round, outcome.head, outcome.commits)
    d.refusals.delete(branch.id)
    await failRefused(round, requests, refused)
    return 'again'
  }
  return hold(d, branch, 'refuses', reason)
}

async function failRefused({ d, branch }: Round, requests: readonly ClaimedRequest[], refused: ReadonlyMap<string, string>): Promise<void> {
  const now = await readBranch(d.pool, branch.id)
  for (const request of requests) {
    const reason = refused.get(request.id)
    if (reason === undefined || now === null) continue
    const detail = `${branch.repository} accepted other commits and refused this one: ${reason}`
    if (!(await failDelivery(d.pool, now, request.id, { code: 'delivery-refused', detail } satisfies Problem))) throw new Fault('again', 'another writer is at work on the branch')
  }
}

type States = ReadonlyMap<string, PathState>

/** The files of a request, and for a delete its directory, where somebody may have put more. */
function pathsToLookAt(request: ClaimedRequest): string[] {
  return request.files.flatMap((file) => (file.operation === 'delete' ? [file.path, directoryOf(file.path)] : [file.path]))
}

function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}

/** Whether the branch has, where this request writes, anything that Purser did not write itself; null: all is well. */
async function findForeignChange({ git, head }: Round, request: ClaimedRequest, states: States): Promise<Problem | null> {
  for (const file of request.files) {
    const path = foreignPath(request, file, states)
    if (path === null) continue
    const change = head === null ? null : await git.lastChange(head, path.path)
    const by = change === null ? '' : ` The last change there is ${change.commit.slice(0, 12)} by ${change.author.name}.`
    return {
      code: 'out-of-band-change', path: path.path, commit: change?.commit ?? null,
      detail: `${path.why}.${by} Put it back as it was, or ask again with overwrite.`,
    }
  }
  return null
}

function foreignPath(request: ClaimedRequest, file: ClaimedRequest['files'][number], states: States): { readonly path: string; readonly why: string } | null {
  const state = states.get(file.path) ?? { kind: 'absent' }
  // A symlink or a submodule on the way is never written through, whoever wants it.
  if (state.kind === 'blocked') return { path: state.at, why: `${state.at} is a ${state.by} where a directory or file of Purser's is` }
  if (request.overwrite[file.change] === true) return null
  const expected = file.previous === null ? 'absent' : digest(file.previous)
  const found = state.kind === 'file' ? state.digest : state.kind
  if (found !== expected) return { path: file.path, why: found === 'absent' ? `${file.path} was removed by somebody else` : `${file.path} is not what Purser wrote there` }
  if (file.operation !== 'delete') return null
  const more = foreignEntries(request, file.path, states)[0]
  return more === undefined ? null : { path: more, why: `${more} is not Purser's and stands in a directory that goes` }
}

/** What else is in the directory of a deleted file. */
function foreignEntries(request: ClaimedRequest, path: string, states: States): string[] {
  const directory = states.get(directoryOf(path))
  if (directory?.kind !== 'directory') return []
  const own = new Set(request.files.map((file) => file.path))
  return directory.entries.filter((entry) => !own.has(entry))
}

function commitPlan(request: ClaimedRequest, states: States): CommitPlan {
  const foreign = request.files.flatMap((file) => (file.operation === 'delete' ? foreignEntries(request, file.path, states) : []))
  return {
    key: request.id,
    message: commitMessage(commitFacts(request)),
    author: { name: request.requestedBy, email: request.requestedBy.includes('@') ? request.requestedBy : 'nobody@purser.dev' },
    committer,
    date: request.commitDate,
    files: [...request.files.map(({ path, content }) => ({ path, content })), ...[...new Set(foreign)].map((path) => ({ path, content: null }))],
  }
}

function commitFacts(request: ClaimedRequest): Parameters<typeof commitMessage>[0] {
  type Shown = { readonly action: 'create' | 'update' | 'delete'; readonly blueprint: { readonly name: string }; readonly resource: { readonly name: string } }
  const changes = request.body.changes as unknown as readonly Shown[] // As `requestBody` wrote them.
  return {
    id: request.id, team: request.team, environment: request.environment, reason: request.reason,
    changes: changes.map((change) => ({ action: change.action, blueprint: change.blueprint.name, name: change.resource.name })),
    requestedBy: request.requestedBy, via: request.via, approvedBy: request.approvedBy,
    planDigest: request.planDigest, policyDigest: request.policyDigest,
    monthlyDelta: parseMoney(request.body.cost.monthlyDelta) ?? 0n, currency: request.body.cost.currency,
  }
}

async function hold(d: Delivery, branch: BranchRecord, state: BranchState, detail: string): Promise<Delivered> {
  if (branch.state !== state) d.warn('a branch cannot take commits', { repository: branch.repository, branch: branch.branch, state, detail })
  await setBranchState(d.pool, branch.id, state, detail)
  return { retryInMs: HELD_MS }
}

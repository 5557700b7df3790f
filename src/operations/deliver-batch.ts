import type { Id } from '../core/ids.ts'
import { storeAttempts, type BranchRecord, type ClaimedRequest } from '../store/deliveries.ts'
import type { PathStates } from './deliver-checks.ts'
import { commitPlan } from './deliver-commits.ts'
import { fail, hold, settle, type Delivered, type Turn } from './deliver-turn.ts'
import { GitFault, type Head, type PushOutcome } from './ports.ts'
import { tracedPush } from './tracing.ts'

/**
 * Pushes a batch. When a hook refuses it, its halves are tried, and their halves, down to single requests. A refusal fails a
 * request only where the branch is seen to take others: the request was refused alone on a head on which another one is
 * accepted next; or a batch was refused on a head that then took all of it but this one. Where nothing is accepted it is the
 * branch that refuses, and nothing fails.
 *
 * A branch that refuses is asked again with a few single requests, each time with others: every push leaves its attempts in
 * the database, and while others move such a branch on, a batch would leave hundreds with each of their commits.
 */

/** Refusals in a row after which a branch is given up for this time; a part of 1,000 leads to its first single one in eleven. */
const MAX_REFUSALS = 30
/** As many of those that were refused before, and then of the others: whoever is accepted fails those tried ahead of it. */
const PROBES = 5

type Trial = {
  readonly turn: Turn
  readonly branch: BranchRecord
  readonly states: PathStates
  head: Head
  /** Refused alone on this very head, with the repository's words. */
  readonly refused: Map<Id<'request'>, string>
  refusalsInARow: number
  /** The repository's words when it refused first. */
  reason: string | null
  accepted: boolean
  /** What follows the part that is being tried; it is built while that is pushed. */
  next: readonly ClaimedRequest[] | null
  ahead: { readonly onto: string; readonly requests: readonly ClaimedRequest[]; readonly commits: Promise<Commits> } | null
  /** What was pushed last becomes committed; until that is done, the epoch of the turn is not known. */
  settling: Promise<void>
  /** Why it is over before everything was tried. */
  end: 'moved' | 'enough' | GitFault | null
}

/** `raced`: somebody else moved the branch. `again`: something was committed; look what is left. */
export async function pushBatch(
  turn: Turn,
  branch: BranchRecord,
  head: Head,
  requests: readonly ClaimedRequest[],
  states: PathStates,
): Promise<Delivered | 'again' | 'raced'> {
  const t: Trial = {
    turn,
    branch,
    states,
    head,
    refused: new Map(),
    refusalsInARow: 0,
    reason: null,
    accepted: false,
    next: null,
    ahead: null,
    settling: Promise.resolve(),
    end: null,
  }
  const known = refusedBefore(turn, head)
  try {
    if (branch.state === 'refuses') await probe(t, requests, known)
    else await tryAll(t, requests)
  } finally {
    // Nothing of this turn happens after it: the lock of the branch is somebody else's by then.
    await t.ahead?.commits.catch(() => undefined)
    await t.settling
  }

  turn.pushed = t.accepted && t.end === null ? t.head : null
  if (t.accepted) turn.d.refusals.delete(branch.id)
  else turn.d.refusals.set(branch.id, { head, requests: new Set([...[...known].filter((id) => !t.refused.has(id)), ...t.refused.keys()]) })
  if (t.end === 'moved') return 'raced'
  if (t.end instanceof GitFault) return hold(turn, branch, 'unreachable', t.end.detail)
  return t.accepted ? 'again' : hold(turn, branch, 'refuses', t.reason ?? 'a hook refuses the commits')
}

/** Of a full batch; while one is pushed, the next is built and the one before is settled. */
const PARTS = 4

async function tryAll(t: Trial, requests: readonly ClaimedRequest[]): Promise<void> {
  const size = Math.ceil(t.turn.d.batch.atMost / PARTS)
  const parts = Array.from({ length: Math.ceil(requests.length / size) }, (_, i) => requests.slice(i * size, (i + 1) * size))
  for (const [i, part] of parts.entries()) {
    t.next = parts[i + 1] ?? null
    await tryParts(t, part)
  }
}

/** A few requests one by one, until one is accepted; for the rest it is a branch like any other then. */
async function probe(t: Trial, requests: readonly ClaimedRequest[], known: ReadonlySet<Id<'request'>>): Promise<void> {
  const byId = new Map(requests.map((request) => [request.id, request]))
  const old = [...known].flatMap((id) => byId.get(id) ?? [])
  const fresh = requests.filter((request) => !known.has(request.id))
  for (const one of [...old.slice(0, PROBES), ...fresh.slice(0, PROBES)]) if (await tryParts(t, [one])) return
}

/** What was refused alone on this head; what was tried least recently comes first. */
export function refusedBefore({ d, branchId }: Turn, head: Head): ReadonlySet<Id<'request'>> {
  const known = d.refusals.get(branchId)
  return known !== undefined && known.head === head ? known.requests : new Set()
}

/** True when all of them were accepted in one push. */
async function tryParts(t: Trial, requests: readonly ClaimedRequest[]): Promise<boolean> {
  if (t.end !== null) return false
  const ids = requests.map((request) => request.id)
  const answer = await tracedPush(t.turn.d.pool, t.branch, ids, () => tryTogether(t, requests))
  if (answer === 'refused') await tryHalves(t, requests)
  return answer === 'accepted'
}

async function tryHalves(t: Trial, requests: readonly ClaimedRequest[]): Promise<void> {
  if (requests.length < 2) return
  const half = Math.ceil(requests.length / 2)
  const rest = requests.slice(half)
  const accepted = await tryParts(t, requests.slice(0, half))
  await tryParts(t, rest)
  // The head that refused them together took the others: so it is about this one.
  const [last] = rest
  if (accepted && rest.length === 1 && last !== undefined) await failRefused(t, [last.id])
}

/** One push, and what follows from it. */
async function tryTogether(t: Trial, requests: readonly ClaimedRequest[]): Promise<'accepted' | 'refused' | 'unknown'> {
  const { outcome, commits } = await push(t, requests)
  if (outcome instanceof GitFault || outcome.kind === 'non-fast-forward') {
    t.end = outcome instanceof GitFault ? outcome : 'moved'
    return 'unknown'
  }
  if (outcome.kind === 'refused') {
    const [only] = requests
    if (requests.length === 1 && only !== undefined) t.refused.set(only.id, outcome.reason)
    t.reason ??= outcome.reason
    t.refusalsInARow += 1
    if (t.refusalsInARow >= MAX_REFUSALS) t.end = 'enough'
    return 'refused'
  }
  const head = commits.at(-1)?.sha ?? ''
  await t.settling
  t.settling = settlePushed(t, head, commits)
  t.accepted = true
  t.refusalsInARow = 0
  await failRefused(t, [...t.refused.keys()])
  t.refused.clear()
  t.head = head
  return 'accepted'
}

/** Goes on beside what comes next; whoever waits for it learns how it went, and somebody always does. */
function settlePushed({ turn }: Trial, head: string, commits: Pushed['commits']): Promise<void> {
  const settling = settle(turn, head, commits).then(() => turn.d.reach('settled'))
  settling.catch(() => undefined)
  return settling
}

type Commits = readonly { readonly request: Id<'request'>; readonly sha: string }[]
type Pushed = { readonly outcome: PushOutcome | GitFault; readonly commits: Commits }

/** Builds, stores what may arrive, pushes. A push of which the end is unknown comes back as the fault that it had. */
async function push(t: Trial, requests: readonly ClaimedRequest[]): Promise<Pushed> {
  const { d, git, signal } = t.turn
  const commits = await takeBuilt(t, requests)
  await d.reach('built')
  const last = commits.at(-1)
  if (last === undefined) throw new Error('bug: a push of nothing')
  await storeAttempts(d.pool, commits)
  await d.reach('stored')
  signal.throwIfAborted()
  try {
    const pushing = git.push(t.head, last.sha)
    buildAhead(t, last.sha)
    const outcome = await pushing
    await d.reach('pushed')
    return { outcome, commits }
  } catch (error) {
    if (error instanceof GitFault && !signal.aborted) return { outcome: error, commits }
    throw error
  }
}

/** The next part as it will be if this one is accepted. */
function buildAhead(t: Trial, onto: string): void {
  const requests = t.next
  t.next = null
  if (requests === null) return
  const commits = build(t, onto, requests)
  commits.catch(() => undefined)
  t.ahead = { onto, requests, commits }
}

async function takeBuilt(t: Trial, requests: readonly ClaimedRequest[]): Promise<Commits> {
  const { ahead } = t
  t.ahead = null
  const commits = await ahead?.commits.catch(() => undefined)
  return commits !== undefined && ahead?.onto === t.head && ahead.requests === requests ? commits : build(t, t.head, requests)
}

async function build({ turn, states }: Trial, onto: Head, requests: readonly ClaimedRequest[]): Promise<Commits> {
  const built = await turn.git.buildCommits(
    onto,
    requests.map((request) => commitPlan(request, states)),
  )
  return requests.map((request, index) => {
    const commit = built[index]
    if (commit?.key !== request.id) throw new Error(`bug: no commit was built for ${request.id}`)
    return { request: request.id, sha: commit.sha }
  })
}

/** Fails those of the requests that were refused alone on the present head. */
async function failRefused(t: Trial, requests: readonly Id<'request'>[]): Promise<void> {
  if (requests.length === 0) return
  await t.settling
  for (const request of requests) {
    const reason = t.refused.get(request)
    if (reason === undefined) continue
    t.refused.delete(request)
    await fail(t.turn, request, {
      code: 'delivery-refused',
      detail: `${t.branch.repository} accepted other commits and refused this one: ${reason}`,
    })
  }
}

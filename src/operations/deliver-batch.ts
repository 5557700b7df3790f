import type { Id } from '../core/ids.ts'
import { storeAttempts, type BranchRecord, type ClaimedRequest } from '../store/deliveries.ts'
import type { PathStates } from './deliver-checks.ts'
import { commitPlan } from './deliver-commits.ts'
import { fail, hold, settle, type Delivered, type Turn } from './deliver-turn.ts'
import { GitFault, type Head, type PushOutcome } from './ports.ts'

/**
 * Pushes a batch. When a hook refuses it, its halves are tried, and their halves, down to single requests. A refusal fails a
 * request only where the branch is seen to take others: the request was refused alone on a head on which another one is
 * accepted next; or a batch was refused on a head that then took all of it but this one. Where nothing is accepted it is the
 * branch that refuses, and nothing fails.
 */

/** Refusals in a row after which a branch is given up for this time; a batch of 500 leads to its first single one in ten. */
const MAX_REFUSALS = 30
/** Of those that were refused before, as many are tried ahead of the others, so that whoever is accepted next fails them. */
const OLD_ONES = 5

type Trial = {
  readonly turn: Turn
  readonly branch: BranchRecord
  readonly states: PathStates
  head: Head
  /** Refused alone on this very head, with the repository's words. */
  readonly refused: Map<Id<'request'>, string>
  refusalsInARow: number
  accepted: boolean
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
  const t: Trial = { turn, branch, states, head, refused: new Map(), refusalsInARow: 0, accepted: false, end: null }
  const known = refusedBefore(turn, head)
  const [old, fresh] = [requests.filter((r) => known.has(r.id)), requests.filter((r) => !known.has(r.id))]
  const reason = await tryTogether(t, requests)
  if (reason !== null && (old.length === 0 || fresh.length === 0)) await tryHalves(t, requests)
  else if (reason !== null) {
    for (const one of old.slice(0, OLD_ONES)) await tryParts(t, [one])
    await tryParts(t, fresh)
    await tryParts(t, old.slice(OLD_ONES))
  }

  if (t.accepted) turn.d.refusals.delete(branch.id)
  else turn.d.refusals.set(branch.id, { head, requests: new Set([...known, ...t.refused.keys()]) })
  if (t.end === 'moved') return 'raced'
  if (t.end instanceof GitFault) return hold(turn, branch, 'unreachable', t.end.detail)
  return t.accepted ? 'again' : hold(turn, branch, 'refuses', reason ?? 'a hook refuses the commits')
}

/** What was refused alone on this head, in the order of tries of an earlier time. */
export function refusedBefore({ d, branchId }: Turn, head: Head): ReadonlySet<Id<'request'>> {
  const known = d.refusals.get(branchId)
  return known !== undefined && known.head === head ? known.requests : new Set()
}

/** True when all of them were accepted in one push. */
async function tryParts(t: Trial, requests: readonly ClaimedRequest[]): Promise<boolean> {
  if (requests.length === 0 || t.end !== null) return false
  if ((await tryTogether(t, requests)) !== null) await tryHalves(t, requests)
  else return t.end === null
  return false
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

/** One push. Null when it was accepted, or nothing is known; else the words of the refusal. */
async function tryTogether(t: Trial, requests: readonly ClaimedRequest[]): Promise<string | null> {
  const { outcome, commits } = await push(t, requests)
  if (outcome instanceof GitFault) t.end = outcome
  else if (outcome.kind === 'non-fast-forward') t.end = 'moved'
  else if (outcome.kind === 'refused') {
    const [only] = requests
    if (requests.length === 1 && only !== undefined) t.refused.set(only.id, outcome.reason)
    t.refusalsInARow += 1
    if (t.refusalsInARow >= MAX_REFUSALS) t.end = 'enough'
    return outcome.reason
  } else {
    const head = commits.at(-1)?.sha ?? ''
    await settle(t.turn, head, commits)
    await t.turn.d.reach('settled')
    t.accepted = true
    t.refusalsInARow = 0
    await failRefused(t, [...t.refused.keys()])
    t.refused.clear()
    t.head = head
  }
  return null
}

type Pushed = {
  readonly outcome: PushOutcome | GitFault
  readonly commits: readonly { readonly request: Id<'request'>; readonly sha: string }[]
}

/** Builds, stores what may arrive, pushes. A push of which the end is unknown comes back as the fault that it had. */
async function push({ turn, head, states }: Trial, requests: readonly ClaimedRequest[]): Promise<Pushed> {
  const { d, git, signal } = turn
  const built = await git.buildCommits(
    head,
    requests.map((request) => commitPlan(request, states)),
  )
  await d.reach('built')
  const commits = requests.map((request, index) => {
    const commit = built[index]
    if (commit?.key !== request.id) throw new Error(`bug: no commit was built for ${request.id}`)
    return { request: request.id, sha: commit.sha }
  })
  const last = commits.at(-1)
  if (last === undefined) throw new Error('bug: a push of nothing')
  await storeAttempts(d.pool, commits)
  await d.reach('stored')
  signal.throwIfAborted()
  try {
    const outcome = await git.push(head, last.sha)
    await d.reach('pushed')
    return { outcome, commits }
  } catch (error) {
    if (error instanceof GitFault && !signal.aborted) return { outcome: error, commits }
    throw error
  }
}

/** Fails those of the requests that were refused alone on the present head. */
async function failRefused(t: Trial, requests: readonly Id<'request'>[]): Promise<void> {
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

import { parseId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import { readBranchAccess } from '../store/branch-access.ts'
import { listBranches, type BranchRecord } from '../store/deliveries.ts'
import { readProofs, type Proof } from '../store/proofs.ts'
import { missingPlatformRole } from './authorize.ts'
import type { BranchHistory, CommitOnBranch } from './branch-history.ts'
import type { Caller } from './caller.ts'
import type { Context } from './context.ts'
import { encodeCursor, parseCursor, type PageInput } from './page.ts'
import { findMissing } from './missing-commits.ts'
import { GitFault, type BranchRef, type PathState } from './ports.ts'

/**
 * A page of commits, newest first, branch after branch: how many are proven, and what is wrong with the others. After the
 * commits of a branch comes a page, or more, of those that it lacks.
 */
export type Verification = {
  readonly commits: number
  readonly verified: number
  /** Committed requests whose commit is not on the branch. */
  readonly missing: number
  readonly problems: readonly JsonObject[]
  readonly pageInfo: { readonly endCursor: string | null; readonly hasNextPage: boolean }
}

/** Where a page begins: so many commits behind the head that was seen on the first page of a branch, or with what it lacks. */
type Position = { readonly branch: string } & (
  | { readonly head: string | null; readonly skip: number }
  /** The number of the delivery up to which nothing, or what was told, is missing. */
  | { readonly after: bigint }
)

type BranchAt = { readonly ref: BranchRef; readonly branch: BranchRecord }

/** A foreign commit may change a whole tree. */
const MAX_PROBLEMS_OF_COMMIT = 20

/**
 * Proves the commits of the GitOps branches: each was made for a request that policy allowed or approvals released, once,
 * and holds the bytes of its plan. Whatever is on a branch without that is a problem, whoever put it there, and so is the
 * commit of a request that is not there any more.
 */
export async function verifyGitops(
  context: Context,
  history: BranchHistory,
  caller: Caller,
  page: PageInput,
): Promise<Result<Verification>> {
  const forbidden = missingPlatformRole(caller, 'verifyGitops')
  if (forbidden !== null) return refuse(forbidden)
  const from = parseCursor(page.after, parsePosition)
  if (!from.ok) return from
  const { pool } = context.database
  const branches = await listBranches(pool)
  const [first] = branches
  const at: Position | null = from.value ?? (first === undefined ? null : { branch: first.id, head: null, skip: 0 })
  if (at === null) return ok({ commits: 0, verified: 0, missing: 0, problems: [], pageInfo: { endCursor: null, hasNextPage: false } })
  const index = branches.findIndex((branch) => branch.id === at.branch)
  const branch = branches[index]
  if (branch === undefined) return unknownPosition
  const { id: key, repository, branch: name } = branch
  const ref: BranchRef = { key, repository, branch: name, access: await readBranchAccess(pool, branch) }
  try {
    if ('skip' in at) return await walk(context, history, { ref, branch }, at, page.first)
    const { problems, next } = await findMissing(pool, history, { ref, branch }, at.after, page.first)
    const following = branches[index + 1]
    const position =
      next !== null ? { branch: key, after: next } : following === undefined ? null : { branch: following.id, head: null, skip: 0 }
    return ok({ commits: 0, verified: 0, missing: problems.length, problems, pageInfo: pageInfo(position) })
  } catch (error) {
    if (!(error instanceof GitFault)) throw error
    return refuse({ code: 'unavailable', detail: `${name} of ${repository} cannot be read: ${error.detail}`, retryAfterS: 5 })
  }
}

const unknownPosition = refuse({
  code: 'invalid' as const,
  errors: [{ pointer: '/query/after', detail: 'leads to a commit that is not there any more' }],
})

async function walk(
  context: Context,
  history: BranchHistory,
  { ref, branch }: BranchAt,
  { head: began, skip }: { readonly head: string | null; readonly skip: number },
  limit: number,
): Promise<Result<Verification>> {
  const now = await history.fetch(ref)
  const head = began ?? now
  const found = head === null ? [] : await history.listCommits(ref, head, { skip, limit: limit + 1 })
  if (found === null) return unknownPosition
  const commits = found.slice(0, limit)
  const next: Position = found.length > limit ? { branch: branch.id, head, skip: skip + limit } : { branch: branch.id, after: 0n }
  return ok(await prove(context, history, { ref, branch }, commits, next))
}

function pageInfo(next: Position | null): Verification['pageInfo'] {
  if (next === null) return { endCursor: null, hasNextPage: false }
  const text = 'after' in next ? `${next.branch}.missing.${next.after}` : `${next.branch}.${next.head ?? '-'}.${next.skip}`
  return { endCursor: encodeCursor(text), hasNextPage: true }
}

function parsePosition(text: string): Position | null {
  const missing = /^([0-9a-f-]{36})\.missing\.(\d{1,18})$/.exec(text)
  if (missing !== null) return { branch: missing[1] ?? '', after: BigInt(missing[2] ?? '') }
  const match = /^([0-9a-f-]{36})\.([0-9a-f]{40}|-)\.(\d{1,9})$/.exec(text)
  return match === null ? null : { branch: match[1] ?? '', head: match[2] === '-' ? null : (match[2] ?? null), skip: Number(match[3]) }
}

async function prove(
  context: Context,
  history: BranchHistory,
  { ref, branch }: BranchAt,
  commits: readonly CommitOnBranch[],
  next: Position,
): Promise<Verification> {
  const named = commits.flatMap(({ requests: [only, ...others] }) => {
    const id = only === undefined || others.length > 0 ? null : parseId('request', only)
    return id === null ? [] : [id]
  })
  const proofs = await readProofs(context.database.pool, [...new Set(named)])
  const judged = commits.map((commit) => ({ commit, backing: backingOf(commit, proofs) }))
  const backed = judged.flatMap(({ commit, backing }) => ('proof' in backing ? [{ commit: commit.sha, proof: backing.proof }] : []))
  // All of the page at once: by one git process, not one for each.
  const trees = await history.readPaths(
    ref,
    backed.map(({ commit, proof }) => ({ commit, paths: proof.files.map((file) => file.path) })),
  )
  const treeOf = new Map(backed.map(({ commit }, index) => [commit, trees[index]]))
  const problems: JsonObject[] = []
  let verified = 0
  for (const { commit, backing } of judged) {
    const wrong =
      'proof' in backing ? compare(commit, backing.proof, treeOf.get(commit.sha) ?? new Map()) : [{ path: null, reason: backing.wrong }]
    if (wrong.length === 0) verified += 1
    const { repository, branch: name } = branch
    for (const { path, reason } of wrong.slice(0, MAX_PROBLEMS_OF_COMMIT))
      problems.push({ repository, branch: name, commit: commit.sha, path, reason })
  }
  return { commits: commits.length, verified, missing: 0, problems, pageInfo: pageInfo(next) }
}

/** The request that a commit names, or why there is none to compare it with. */
function backingOf(commit: CommitOnBranch, proofs: ReadonlyMap<string, Proof>): { readonly proof: Proof } | { readonly wrong: string } {
  if (commit.parents > 1) return { wrong: 'It is a merge, which Purser never makes.' }
  const [request, ...others] = commit.requests
  if (request === undefined) return { wrong: 'It names no request.' }
  if (others.length > 0) return { wrong: 'It names several requests.' }
  const proof = proofs.get(request)
  return proof === undefined ? { wrong: 'It names a request that there is not.' } : { proof }
}

type Wrong = { readonly path: string | null; readonly reason: string }

function compare(commit: CommitOnBranch, proof: Proof, states: ReadonlyMap<string, PathState>): readonly Wrong[] {
  const { request } = proof
  const wrong: Wrong[] = []
  const made = proof.commit === null ? proof.attempts.includes(commit.sha) : proof.commit === commit.sha
  if (!made) {
    const really = proof.commit === null ? `which is ${proof.state}` : `which was committed as ${proof.commit}`
    wrong.push({ path: null, reason: `It was not made for ${request}, ${really}.` })
  }
  if (commit.planDigests.length !== 1 || commit.planDigests[0] !== proof.planDigest)
    wrong.push({ path: null, reason: `It names another plan than the one of ${request}.` })
  const planned = new Set(proof.files.map((file) => file.path))
  for (const path of commit.paths) if (!planned.has(path)) wrong.push({ path, reason: `It is not in the plan of ${request}.` })
  for (const { path, digest } of proof.files) {
    const state = states.get(path) ?? { kind: 'absent' }
    const same = digest === null ? state.kind === 'absent' : state.kind === 'file' && state.digest === digest
    if (!same) wrong.push({ path, reason: `It is not what the plan of ${request} says.` })
  }
  return wrong
}

import { parseId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import { readBranchAccess } from '../store/branch-access.ts'
import { listBranches, type BranchRecord } from '../store/deliveries.ts'
import { readProofs, type Proof } from '../store/proofs.ts'
import type { BranchHistory, CommitOnBranch } from './branch-history.ts'
import { missingScope, type Caller, type Forbidden } from './caller.ts'
import type { Context } from './context.ts'
import { encodeCursor, parseCursor, type PageInput } from './page.ts'
import { GitFault, type BranchRef } from './ports.ts'

/** One page of commits, newest first, branch after branch: how many are proven, and what is wrong with the others. */
export type Verification = {
  readonly commits: number
  readonly verified: number
  readonly problems: readonly JsonObject[]
  readonly pageInfo: { readonly endCursor: string | null; readonly hasNextPage: boolean }
}

/** Where a page begins: in a branch, so many commits behind the head that was seen on its first page. */
type Position = { readonly branch: string; readonly head: string | null; readonly skip: number }

/** A foreign commit may change a whole tree. */
const MAX_PROBLEMS_OF_COMMIT = 20

/**
 * Proves the commits of the GitOps branches: each was made for a request that policy allowed or approvals released, once,
 * and holds the bytes of its plan. Whatever is on a branch without that is a problem, whoever put it there.
 */
export async function verifyGitops(
  context: Context,
  history: BranchHistory,
  caller: Caller,
  page: PageInput,
): Promise<Result<Verification>> {
  const forbidden = mayVerify(caller)
  if (forbidden !== null) return refuse(forbidden)
  const from = parseCursor(page.after, parsePosition)
  if (!from.ok) return from
  const { pool } = context.database
  const branches = await listBranches(pool)
  const first = from.value === null ? 0 : branches.findIndex((branch) => branch.id === from.value?.branch)
  const unknown = refuse({
    code: 'invalid' as const,
    errors: [{ pointer: '/query/after', detail: 'leads to a commit that is not there any more' }],
  })
  if (first < 0) return unknown

  for (const [index, branch] of branches.entries()) {
    if (index < first) continue
    const start = index === first ? from.value : null
    try {
      const ref: BranchRef = {
        key: branch.id,
        repository: branch.repository,
        branch: branch.branch,
        access: await readBranchAccess(pool, branch),
      }
      const now = await history.fetch(ref)
      const head = start?.head ?? now
      const skip = start?.skip ?? 0
      const found = head === null ? [] : await history.listCommits(ref, head, { skip, limit: page.first + 1 })
      if (found === null) return unknown
      const last = index === branches.length - 1
      if (found.length === 0 && !last) continue
      const commits = found.slice(0, page.first)
      const next: Position | null =
        found.length > page.first
          ? { branch: branch.id, head, skip: skip + commits.length }
          : last
            ? null
            : { branch: branches[index + 1]?.id ?? '', head: null, skip: 0 }
      return ok(await prove(context, history, { ref, branch }, commits, next))
    } catch (error) {
      if (!(error instanceof GitFault)) throw error
      return refuse({
        code: 'unavailable',
        detail: `${branch.branch} of ${branch.repository} cannot be read: ${error.detail}`,
        retryAfterS: 5,
      })
    }
  }
  return ok({ commits: 0, verified: 0, problems: [], pageInfo: { endCursor: null, hasNextPage: false } })
}

function mayVerify(caller: Caller): Forbidden | null {
  const scope = missingScope(caller, 'audit:read')
  if (scope !== null) return scope
  return caller.administrator
    ? null
    : { code: 'forbidden', detail: 'Only a platform administrator may verify the GitOps repository.', needs: 'platform role administrator' }
}

function parsePosition(text: string): Position | null {
  const match = /^([0-9a-f-]{36})\.([0-9a-f]{40}|-)\.(\d{1,9})$/.exec(text)
  return match === null ? null : { branch: match[1] ?? '', head: match[2] === '-' ? null : (match[2] ?? null), skip: Number(match[3]) }
}

async function prove(
  context: Context,
  history: BranchHistory,
  { ref, branch }: { readonly ref: BranchRef; readonly branch: BranchRecord },
  commits: readonly CommitOnBranch[],
  next: Position | null,
): Promise<Verification> {
  const named = commits.flatMap(({ requests: [only, ...others] }) => {
    const id = only === undefined || others.length > 0 ? null : parseId('request', only)
    return id === null ? [] : [id]
  })
  const proofs = await readProofs(context.database.pool, [...new Set(named)])
  const problems: JsonObject[] = []
  let verified = 0
  for (const commit of commits) {
    const wrong = await problemsOf(history, ref, commit, proofs)
    if (wrong.length === 0) verified += 1
    const { repository, branch: name } = branch
    for (const { path, reason } of wrong.slice(0, MAX_PROBLEMS_OF_COMMIT))
      problems.push({ repository, branch: name, commit: commit.sha, path, reason })
  }
  const endCursor = next === null ? null : encodeCursor(`${next.branch}.${next.head ?? '-'}.${next.skip}`)
  return { commits: commits.length, verified, problems, pageInfo: { endCursor, hasNextPage: next !== null } }
}

type Wrong = { readonly path: string | null; readonly reason: string }

async function problemsOf(
  history: BranchHistory,
  ref: BranchRef,
  commit: CommitOnBranch,
  proofs: ReadonlyMap<string, Proof>,
): Promise<readonly Wrong[]> {
  const whole = (reason: string): readonly Wrong[] => [{ path: null, reason }]
  if (commit.parents > 1) return whole('It is a merge, which Purser never makes.')
  const [request, ...others] = commit.requests
  if (request === undefined) return whole('It names no request.')
  if (others.length > 0) return whole('It names several requests.')
  const proof = proofs.get(request)
  if (proof === undefined) return whole('It names a request that there is not.')
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
  const states = await history.readPaths(ref, commit.sha, [...planned])
  for (const { path, digest } of proof.files) {
    const state = states.get(path) ?? { kind: 'absent' }
    const same = digest === null ? state.kind === 'absent' : state.kind === 'file' && state.digest === digest
    if (!same) wrong.push({ path, reason: `It is not what the plan of ${request} says.` })
  }
  return wrong
}

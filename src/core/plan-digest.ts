import { canonicalize, digest } from './json.ts'
import { formatMoney } from './money.ts'
import type { PlanFile, PlannedChange } from './plan.ts'
import type { Policy } from './policy.ts'

/**
 * What approvers approve: `sha256:` over the canonical JSON of what is asked and what will be committed, all of which is in
 * the answer, so that anyone can recompute it. No ids, times, requester, reason, decision or budgets: planning again on
 * unchanged state gives the same digest. Changes in the order asked, files by path.
 */
export function planDigest(parts: {
  readonly team: string
  readonly environment: string
  readonly repository: string
  readonly branch: string
  readonly changes: readonly PlannedChange[]
  readonly files: readonly PlanFile[]
}): string {
  const { team, environment, repository, branch } = parts
  const changes = parts.changes.map(({ action, blueprint, name, parameters, ttl, cost, baseRevision }) => ({
    action,
    baseRevision,
    blueprint: blueprint.name,
    cost: { after: formatMoney(cost.after), before: formatMoney(cost.before) },
    name,
    parameters,
    ttl,
    version: blueprint.version,
  }))
  const files = parts.files.map(({ path, operation, digest: content }) => ({ digest: content, operation, path }))
  return digest(canonicalize({ branch, changes, environment, files, repository, team }))
}

const digests = new WeakMap<readonly Policy[], string>()

/** Name, revision and content of every policy that had a say in some change; `lists` has those of each. */
export function policyDigest(lists: readonly (readonly Policy[])[]): string {
  const [only] = lists
  if (only === undefined || lists.length > 1) return digestOf(new Set(lists.flat()))
  // One change, and a list that `policiesFor` gives again.
  let known = digests.get(only)
  if (known === undefined) digests.set(only, (known = digestOf(only)))
  return known
}

function digestOf(policies: Iterable<Policy>): string {
  const parts = [...policies].sort((a, b) => (a.name < b.name ? -1 : 1)).map((p) => [p.name, p.revision, p.digest()])
  return digest(canonicalize(parts))
}

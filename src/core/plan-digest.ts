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
    blueprint: blueprint.name,
    version: blueprint.version,
    name,
    parameters,
    ttl,
    cost: { before: formatMoney(cost.before), after: formatMoney(cost.after) },
    baseRevision,
  }))
  const files = parts.files.map(({ path, operation, digest: content }) => ({ path, operation, digest: content }))
  return digest(canonicalize({ team, environment, repository, branch, changes, files }))
}

/** Name, revision and content of every policy that had a say. */
export function policyDigest(policies: Iterable<Policy>): string {
  const parts = [...policies].sort((a, b) => (a.name < b.name ? -1 : 1)).map((p) => [p.name, p.revision, p.digest()])
  return digest(canonicalize(parts))
}

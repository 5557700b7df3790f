import { objectKey } from './blueprint.ts'
import type { Decision, Plan, PlanFacts, PlanFile, PlannedChange, RequestInput, Requirement, Warning } from './plan.ts'
import { decideChange, renderChange, type DecidedChange, type RenderedChange, type Where } from './plan-change.ts'
import { planDigest, policyDigest } from './plan-digest.ts'
import { findPlaintextSecrets } from './plaintext-secret.ts'
import type { Platform } from './platform.ts'
import { outcomeOf, requirement } from './policy.ts'
import type { FieldError, Problem } from './problem.ts'
import { describeObject } from './request-record.ts'
import { resolveRequest } from './resolve-request.ts'
import { ok, refuse, type Result } from './result.ts'
import { findIllFormedText } from './schema.ts'

/** What Git and the database take in one go. */
const maxFileBytes = 1_048_576

/**
 * What a request would do: the exact files, the cost, the decision. A pure function of its arguments, so that approvers,
 * the database and whoever looks later see the same plan. A plan that policy denies is a plan, whole; refused is only what
 * makes no sense, each kind of mistake with all of its places at once.
 */
export function planRequest(platform: Platform, input: RequestInput, facts: PlanFacts): Result<Plan> {
  const illFormed = findIllFormedText(input)
  if (illFormed.length > 0) return refuse({ code: 'invalid', errors: illFormed })
  // Before anything else that could repeat the secret in its answer. The reason stands in the commit.
  const secrets = findSecrets(input)
  if (secrets.length > 0) return refuse({ code: 'plaintext-secret', errors: secrets })
  const resolved = resolveRequest(platform, input, facts)
  if (!resolved.ok) return resolved
  const { where, changes } = resolved.value

  const decided = collect(changes.map((change) => decideChange(where, change, facts)))
  if (!decided.ok) return decided
  const judged = decisionOf(where, decided.value)
  const rendered = renderAll(where, decided.value, facts, judged.outcome === 'denied')
  if (!rendered.ok) return rendered
  const { warnings } = rendered.value
  const decision = warnings.length === 0 ? judged : { ...judged, warnings: distinct([...judged.warnings, ...warnings]) }

  const { repository, branch } = where.environment.place
  const { files } = rendered.value
  const planned = rendered.value.changes
  const [team, environment] = [where.team.name, where.environment.name]
  return ok({
    team,
    environment,
    repository,
    branch,
    changes: planned,
    files,
    decision,
    digest: planDigest({ team, environment, repository, branch, changes: planned, files }),
    policyDigest: policyDigest(decided.value.map((d) => d.policies)),
  })
}

function findSecrets(input: RequestInput): readonly FieldError[] {
  const found = input.reason === undefined ? [] : [...findPlaintextSecrets(input.reason, '/reason')]
  input.changes.forEach((change, i) => {
    found.push(...findPlaintextSecrets(change.name, `/changes/${i}/name`))
    if (change.action !== 'delete' && change.parameters !== undefined)
      found.push(...findPlaintextSecrets(change.parameters, `/changes/${i}/parameters`))
  })
  return found
}

/** All values, or the refusal of the first kind met with the errors of all refusals of that kind. */
function collect<T>(results: readonly Result<T>[]): Result<readonly T[]> {
  const values: T[] = []
  const problems: Problem[] = []
  for (const result of results) {
    if (result.ok) values.push(result.value)
    else problems.push(result.problem)
  }
  const [first] = problems
  if (first === undefined) return ok(values)
  if (!('errors' in first)) return refuse(first)
  const errors = problems.flatMap((p) => (p.code === first.code && 'errors' in p ? p.errors : []))
  return refuse({ ...first, errors } satisfies Problem)
}

/** Policy's answer to the whole request: every reason of every change, each once. */
function decisionOf({ team, environment }: Where, decided: readonly DecidedChange[]): Decision {
  const verdicts = decided.map((d) => d.verdict)
  const approvals: Requirement[] = verdicts.flatMap((v) => v.approvals)
  if (environment.deletion !== null && decided.some(({ change }) => change.action === 'delete')) {
    approvals.push({ source: 'environment', policy: null, rule: null, ...requirement(environment.deletion, team.name) })
  }
  const decision = {
    violations: distinct(verdicts.flatMap((v) => v.violations)),
    warnings: distinct(verdicts.flatMap((v) => v.warnings)),
    applied: distinct(verdicts.flatMap((v) => v.applied)),
    approvals: distinct(approvals),
  }
  return { outcome: outcomeOf(decision), ...decision }
}

function distinct<T>(items: readonly T[]): readonly T[] {
  if (items.length < 2) return items
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()]
}

type Rendered = {
  readonly changes: readonly PlannedChange[]
  readonly files: readonly PlanFile[]
  readonly warnings: readonly Warning[]
}

function objectOfTwo(rendered: readonly RenderedChange[]): Problem | null {
  const owners = new Map<string, number>()
  for (const { change, objects } of rendered) {
    const taken = objects.find((object) => (owners.get(objectKey(object.ref)) ?? change.index) !== change.index)
    if (taken !== undefined) return { code: 'object-exists', object: describeObject(taken.ref), pointer: `/changes/${change.index}` }
    for (const object of objects) owners.set(objectKey(object.ref), change.index)
  }
  return null
}

/** Files by path. What policy denies anyway may be such that it cannot be rendered; then that change has no files. */
function renderAll(where: Where, decided: readonly DecidedChange[], facts: PlanFacts, denied: boolean): Result<Rendered> {
  const results = collect(decided.map((d) => renderChange(where, d, facts, denied)))
  if (!results.ok) return results
  const twice = denied || results.value.length < 2 ? null : objectOfTwo(results.value)
  if (twice !== null) return refuse(twice)
  const files = results.value.flatMap((r) => r.files).sort((a, b) => (a.path < b.path ? -1 : 1))
  const bytes = files.reduce((sum, file) => sum + Buffer.byteLength(file.content ?? ''), 0)
  if (bytes > maxFileBytes)
    return refuse({
      code: 'too-large',
      detail: `The files of this request would be ${bytes} bytes; ${maxFileBytes} are possible. Ask for it in several requests.`,
    })
  return ok({ changes: results.value.map((r) => r.planned), files, warnings: results.value.flatMap((r) => r.warnings) })
}

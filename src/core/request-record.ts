import type { Id } from './ids.ts'
import type { JsonObject } from './json.ts'
import { formatAmount, formatMoney, type Measure } from './money.ts'
import type { ChangeInput, ObjectRef, Plan, PlanFile, Requirement } from './plan.ts'
import type { Problem, Shortfall, Violation } from './problem.ts'
import type { RequestState } from './request.ts'

/** A budget at one moment; `requested` is what the request at hand asks of it (negative for a decrease). */
export type BudgetSnapshot = {
  readonly name: string
  /** Null: wider than any team. */
  readonly team: string | null
  readonly measure: Measure
  readonly limit: bigint
  readonly committed: bigint
  readonly reserved: bigint
  readonly requested: bigint
}

export type Actor = { readonly subject: string; readonly kind: 'person' | 'service-account' | 'system'; readonly via: string | null }

export type ApprovalRecord = {
  readonly by: string
  readonly vote: 'approve' | 'reject'
  readonly comment: string | null
  readonly at: Date
  /** Ordinals of the requirements that it counts for. */
  readonly satisfies: readonly number[]
}

/** Why a request is not what was hoped for, as the database keeps it. */
export type ProblemFacts =
  | { readonly code: 'policy-denied'; readonly violations: readonly Violation[]; readonly budgets: readonly BudgetSnapshot[] }
  | { readonly code: 'budget-exceeded'; readonly budgets: readonly BudgetSnapshot[] }
  | Extract<Problem, { code: 'delivery-refused' | 'out-of-band-change' }>

/** What was asked, planned and decided, in the contract's words; never changes after admission. */
export type RequestBody = {
  readonly changes: readonly JsonObject[]
  readonly cost: { readonly monthlyDelta: string; readonly currency: string }
  readonly decision: JsonObject & { readonly approvals: readonly JsonObject[] }
  readonly plan: { readonly digest: string; readonly repository: string; readonly branch: string; readonly files: readonly JsonObject[] }
  /** The changes as they were typed, for a retry: of an update only the merge patch says what was meant. Never shown. */
  readonly asked?: readonly ChangeInput[]
  /** The request that this one tries again. */
  readonly retryOf?: Id<'request'>
  /** The trace in which it was asked for, where somebody recorded one. Never shown. */
  readonly traceparent?: string
}

/** A request as the database has it. */
export type RequestRecord = {
  readonly id: Id<'request'>
  readonly state: RequestState
  readonly team: string
  readonly environment: string
  readonly reason: string
  readonly requester: Actor
  readonly body: RequestBody
  readonly budgets: readonly BudgetSnapshot[]
  readonly problem: ProblemFacts | null
  readonly approvals: readonly ApprovalRecord[]
  readonly delivery: { readonly repository: string; readonly branch: string; readonly commit: string; readonly committedAt: Date } | null
  /** Delivery has begun: too late to cancel. */
  readonly claimed: boolean
  /** What keeps its branch from taking commits, while the request is queued. */
  readonly hold: { readonly kind: 'history-rewritten' | 'branch-refuses' | 'unreachable'; readonly reason: string } | null
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** Whose budgets a viewer may see in numbers: those of these teams, or all of them. */
export type BudgetView = { readonly all: boolean; readonly teams: ReadonlySet<string> }

/** How much of a budget a request would need beyond its limit; zero or less: it fits. Decreases always fit. */
export function shortfallOf(b: BudgetSnapshot, included: boolean): bigint {
  if (b.requested <= 0n) return 0n
  const missing = b.committed + b.reserved + (included ? 0n : b.requested) - b.limit
  return missing > 0n ? missing : 0n
}

export function toShortfall(b: BudgetSnapshot, view: BudgetView): Shortfall {
  return { ...b, shortfall: shortfallOf(b, false), visible: mayRead(b, view) }
}

function mayRead(b: BudgetSnapshot, view: BudgetView): boolean {
  return view.all || (b.team !== null && view.teams.has(b.team))
}

/** A budget within a request or plan: with this request's own reservation in `reserved` when it has one. */
export function presentBudgetSnapshot(b: BudgetSnapshot, view: BudgetView, included: boolean): JsonObject {
  const amount = (value: bigint) => formatAmount(value, b.measure)
  if (!mayRead(b, view)) {
    const shortfall = shortfallOf(b, included)
    return { name: b.name, fits: shortfall === 0n, shortfall: amount(shortfall) }
  }
  return {
    name: b.name,
    measure: b.measure,
    limit: amount(b.limit),
    committed: amount(b.committed),
    reserved: amount(b.reserved),
    remaining: amount(b.limit - b.committed - b.reserved),
  }
}

/** The problem of a denied or failed request, from its facts. */
export function problemOf(facts: ProblemFacts, requestId: string | null, view: BudgetView): Problem {
  switch (facts.code) {
    case 'policy-denied':
      return { code: facts.code, violations: facts.violations, budgets: facts.budgets.map((b) => toShortfall(b, view)), requestId }
    case 'budget-exceeded':
      return { code: facts.code, budgets: facts.budgets.map((b) => toShortfall(b, view)), requestId }
    case 'delivery-refused':
    case 'out-of-band-change':
      return facts
  }
}

/** The immutable part of a request from its plan. `resourceIds`: one for each create, by change. */
export function requestBody(plan: Plan, resourceIds: readonly (Id<'resource'> | null)[], currency: string): RequestBody {
  return {
    changes: plan.changes.map((change, index) => ({
      action: change.action,
      baseRevision: change.baseRevision,
      blueprint: change.blueprint,
      resource: { id: change.resourceId ?? resourceIds[index] ?? null, name: change.name },
      parameters: change.parameters,
      ttl: change.ttl,
      cost: { before: formatMoney(change.cost.before), after: formatMoney(change.cost.after), currency },
    })),
    cost: { monthlyDelta: formatMoney(plan.changes.reduce((sum, c) => sum + c.cost.after - c.cost.before, 0n)), currency },
    decision: {
      outcome: plan.decision.outcome,
      violations: plan.decision.violations.map((v) => ({ ...v })),
      warnings: plan.decision.warnings.map((w) => ({ ...w })),
      applied: plan.decision.applied.map((a) => ({ ...a })),
      approvals: plan.decision.approvals.map(presentRequirement),
    },
    plan: { digest: plan.digest, repository: plan.repository, branch: plan.branch, files: plan.files.map(presentFile) },
  }
}

function presentRequirement(need: Requirement): JsonObject {
  const from = need.source === 'policy' ? { policy: need.policy, rule: need.rule } : {}
  return { source: need.source, ...from, approvers: need.approvers, required: need.required }
}

function presentFile({ path, operation, digest }: PlanFile): JsonObject {
  return { path, operation, digest }
}

/** `ExternalSecret orders-db-credentials in payments-prod`, for people. */
export function describeObject(o: ObjectRef): string {
  return `${o.kind} ${o.name}${o.namespace === '' ? '' : ` in ${o.namespace}`}`
}

/** `create postgres orders-db and 2 more`: what a request is about, in a line for people. */
export function describeChanges({ changes }: Pick<RequestBody, 'changes'>): string {
  type Shown = { readonly action: string; readonly blueprint: { readonly name: string }; readonly resource: { readonly name: string } }
  const [first, ...rest] = changes as unknown as readonly Shown[] // As `requestBody` wrote them.
  if (first === undefined) return 'nothing'
  return `${first.action} ${first.blueprint.name} ${first.resource.name}${rest.length === 0 ? '' : ` and ${rest.length} more`}`
}

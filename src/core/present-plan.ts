import type { JsonObject } from './json.ts'
import type { Plan } from './plan.ts'
import type { ProblemDocument } from './problem.ts'
import { describeChanges, presentBudgetSnapshot, requestBody, shortfallOf, type BudgetSnapshot, type BudgetView } from './request-record.ts'

/** A plan as every face shows it: the parts that a request has too, and the bytes of its files. */
export function presentPlan(
  plan: Plan,
  about: {
    readonly reason: string
    readonly currency: string
    readonly budgets: readonly BudgetSnapshot[]
    readonly view: BudgetView
    readonly problem: ProblemDocument | null
  },
): JsonObject {
  const { changes, cost, decision, plan: files } = requestBody(plan, [], about.currency)
  return {
    team: plan.team,
    environment: plan.environment,
    reason: about.reason,
    changes,
    cost,
    decision:
      decision.approvals.length === 0 ? decision : { ...decision, approvals: decision.approvals.map((need) => ({ ...need, given: 0 })) },
    budgets: about.budgets.map((b) => presentPlanned(b, about.view)),
    plan: {
      digest: files.digest,
      repository: files.repository,
      branch: files.branch,
      files: plan.files.map(({ path, operation, digest, content }) => ({ path, operation, digest, content })),
    },
    problem: about.problem as JsonObject | null,
    message: message(plan, changes, cost.monthlyDelta, about),
  }
}

/** As the budget would stand with what this plan asks of it; as it stands where that does not fit. */
function presentPlanned(b: BudgetSnapshot, view: BudgetView): JsonObject {
  const fits = shortfallOf(b, false) === 0n
  return presentBudgetSnapshot(fits && b.requested > 0n ? { ...b, reserved: b.reserved + b.requested } : b, view, fits)
}

function message(
  plan: Plan,
  changes: readonly JsonObject[],
  delta: string,
  { problem, currency }: { readonly problem: ProblemDocument | null; readonly currency: string },
): string {
  const head = `${plan.team}/${plan.environment}: ${describeChanges({ changes })} (${delta.startsWith('-') ? '' : '+'}${delta} ${currency} a month)`
  if (problem !== null) return `${head} would be denied. ${problem.message ?? ''}`
  const [need, ...needs] = plan.decision.approvals
  if (need === undefined) return `${head} would be committed at once.`
  const more = needs.length === 0 ? '' : ` and ${needs.length} more`
  return `${head} would wait for ${need.required} approval${need.required === 1 ? '' : 's'} by ${need.approvers.role} of team ${need.approvers.team}${more}.`
}

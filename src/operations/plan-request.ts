import type { JsonObject } from '../core/json.ts'
import type { RequestInput } from '../core/plan.ts'
import { presentPlan } from '../core/present-plan.ts'
import { problemDocument, type Problem } from '../core/problem.ts'
import { problemOf, shortfallOf, type BudgetSnapshot } from '../core/request-record.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import { missingRole } from './authorize.ts'
import { budgetViewOf, type Caller } from './caller.ts'
import { conflictProblem } from './conflict-problem.ts'
import type { Context } from './context.ts'
import { preparePlan } from './prepare-plan.ts'

/**
 * What a request would do: files, cost, decision and budgets. Stores and reserves nothing, so it promises nothing; what a
 * submit would be refused for is refused here too, but a denial by policy or budget is an answer with `problem` filled.
 */
export async function planRequest(context: Context, caller: Caller, input: RequestInput): Promise<Result<JsonObject>> {
  const platform = await context.platform()
  const forbidden = platform.teams.has(input.team) ? missingRole(platform, caller, 'planRequest', input.team) : null
  if (forbidden !== null) return refuse(forbidden)
  const planned = await preparePlan(context, platform, caller, input)
  if (!planned.ok) return planned
  const plan = planned.value
  if (input.planDigest !== undefined && input.planDigest !== plan.digest) {
    return refuse({ code: 'plan-changed', expected: input.planDigest, planDigest: plan.digest })
  }
  const { conflict, budgets } = await context.planReads.standing(plan)
  // A resource that moved between two reads: the plan is of a moment ago, and the next one will see it.
  if (conflict !== null && conflict.outcome !== 'stale') return refuse(conflictProblem(plan, conflict))

  const view = budgetViewOf(platform, caller)
  const problem = denial(plan.decision.violations, budgets)
  return ok(
    presentPlan(plan, {
      reason: input.reason ?? '',
      currency: context.currency,
      budgets,
      view,
      problem: problem === null ? null : problemDocument(problemOf(problem, null, view)),
    }),
  )
}

function denial(
  violations: Extract<Problem, { code: 'policy-denied' }>['violations'],
  budgets: readonly BudgetSnapshot[],
): Parameters<typeof problemOf>[0] | null {
  const short = budgets.filter((b) => shortfallOf(b, false) > 0n)
  if (violations.length > 0) return { code: 'policy-denied', violations, budgets: short }
  return short.length > 0 ? { code: 'budget-exceeded', budgets: short } : null
}

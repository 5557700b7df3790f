import type { JsonObject } from './json.ts'
import { problemDocument } from './problem.ts'
import { describeChanges, presentBudgetSnapshot, problemOf, type BudgetView, type RequestRecord } from './request-record.ts'

/** The request as every face shows it (4-api, "The request"), as far as the viewer may see its budgets. */
export function presentRequest(r: RequestRecord, view: BudgetView): JsonObject {
  const included = r.state !== 'denied'
  const problem = r.problem === null ? null : problemDocument(problemOf(r.problem, r.id, view))
  const approvals = r.body.decision.approvals.map((need, ordinal) => ({ ...need, given: given(r, ordinal) }))
  return {
    id: r.id,
    state: r.state,
    team: r.team,
    environment: r.environment,
    reason: r.reason,
    retryOf: r.body.retryOf ?? null,
    hold: r.hold === null ? null : { ...r.hold, until: null },
    // Member by member: a replay is the first answer to the byte, and the database keeps no order.
    requester: { subject: r.requester.subject, kind: r.requester.kind, via: r.requester.via },
    // A create that was denied came to nothing: no resource has the id that it would have got.
    changes:
      r.state === 'denied'
        ? r.body.changes.map((c) => (c['action'] === 'create' ? { ...c, resource: { ...(c['resource'] as JsonObject), id: null } } : c))
        : r.body.changes,
    cost: r.body.cost,
    decision: approvals.length === 0 ? r.body.decision : { ...r.body.decision, approvals },
    budgets: r.budgets.map((b) => presentBudgetSnapshot(b, view, included)),
    plan: r.body.plan,
    approvals: r.approvals.map((a) => ({ by: a.by, vote: a.vote, comment: a.comment, at: a.at.toISOString() })),
    delivery: r.delivery === null ? null : { ...r.delivery, committedAt: r.delivery.committedAt.toISOString() },
    problem: problem as JsonObject | null,
    nextAction: nextAction(r),
    message: message(r, problem?.message),
    createdAt: r.createdAt.toISOString(),
    updatedAt: r.updatedAt.toISOString(),
  }
}

/** The request in a sentence, as `presentRequest` has it. */
export function requestMessage(r: RequestRecord, view: BudgetView): string {
  return message(r, r.problem === null ? undefined : problemDocument(problemOf(r.problem, r.id, view)).message)
}

/**
 * The same request as it was answered when it was admitted: nothing voted, nothing delivered. A replay of an
 * Idempotency-Key is exactly this, from columns that never change.
 */
export function asAdmitted(r: RequestRecord): RequestRecord {
  const state =
    r.problem !== null && r.state === 'denied' ? 'denied' : r.body.decision['outcome'] === 'allowed' ? 'queued' : 'pending_approval'
  return {
    ...r,
    state,
    approvals: [],
    delivery: null,
    claimed: false,
    hold: null,
    problem: state === 'denied' ? r.problem : null,
    updatedAt: r.createdAt,
  }
}

function given(r: RequestRecord, ordinal: number): number {
  return r.approvals.filter((a) => a.vote === 'approve' && a.satisfies.includes(ordinal)).length
}

type Need = { readonly approvers: { readonly team: string; readonly role: string }; readonly required: number }

function nextAction(r: RequestRecord): string | null {
  switch (r.state) {
    case 'pending_approval':
      return `Waits for ${openNeeds(r).join(', and for ')}`
    case 'queued':
      return r.hold === null ? 'Will be committed in a moment' : `Waits for the GitOps branch: ${r.hold.reason}`
    case 'denied':
      return 'Change what the reasons name, and ask again'
    case 'failed':
      return 'Look at the problem, and ask again'
    case 'rejected':
      return 'Talk to who rejected it, and ask again'
    case 'committed':
    case 'ready':
    case 'cancelled':
    case 'expired':
      return null
  }
}

function openNeeds(r: RequestRecord): string[] {
  return r.body.decision.approvals.flatMap((item, ordinal) => {
    const need = item as unknown as Need // As `requestBody` wrote it.
    const missing = need.required - given(r, ordinal)
    if (missing <= 0) return []
    const article = /^[aeiou]/.test(need.approvers.role) ? 'an' : 'a'
    return [
      missing === 1
        ? `1 approval by ${article} ${need.approvers.role} of team ${need.approvers.team}`
        : `${missing} approvals by ${need.approvers.role}s of team ${need.approvers.team}`,
    ]
  })
}

function message(r: RequestRecord, problem: string | undefined): string {
  const what = `${r.team}/${r.environment}: ${describeChanges(r.body)}`
  const price = `${r.body.cost.monthlyDelta.startsWith('-') ? '' : '+'}${r.body.cost.monthlyDelta} ${r.body.cost.currency} a month`
  switch (r.state) {
    case 'pending_approval':
      return `${what} (${price}) waits for ${openNeeds(r).join(', and for ')}.`
    case 'queued':
      return r.hold === null
        ? `${what} (${price}) is accepted and will be committed in a moment.`
        : `${what} (${price}) is accepted and waits for the GitOps branch.`
    case 'committed':
      return `${what} (${price}) is committed as ${r.delivery?.commit.slice(0, 8) ?? ''}.`
    case 'ready':
      return `${what} (${price}) is ready.`
    case 'denied':
      return `${what} is denied. ${problem ?? ''}`
    case 'failed':
      return `${what} failed. ${problem ?? ''}`
    case 'rejected':
      return `${what} is rejected by ${r.approvals.find((a) => a.vote === 'reject')?.by ?? 'an approver'}.`
    case 'cancelled':
      return `${what} is cancelled.`
    case 'expired':
      return `${what} is expired.`
  }
}

import { isObject, type JsonObject } from '../core/json.ts'
import { requestStates, type RequestState } from '../core/request.ts'
import { notThe, pagesOf, type Page } from './pages.ts'

/**
 * What the command reads of the API's answers. Checked at the door only as far as a wrong server or another version
 * would show; the rest is the contract's word. Members that are not read here pass through to `-o json` untouched.
 */
export type ChangeAnswer = {
  readonly action: 'create' | 'update' | 'delete'
  readonly blueprint: { readonly name: string; readonly version: string }
  readonly resource: { readonly id: string | null; readonly name: string }
  readonly parameters?: JsonObject | null
  readonly ttl?: string | null
  readonly cost: { readonly before: string; readonly after: string; readonly currency: string }
}

export type ApprovalNeed = {
  readonly source: string
  readonly policy?: string | null
  readonly rule?: string | null
  readonly approvers: { readonly team: string; readonly role: string }
  readonly required: number
  readonly given: number
}

export type DecisionAnswer = {
  readonly outcome: 'allowed' | 'requires_approval' | 'denied'
  readonly violations: readonly { readonly policy: string; readonly rule: string; readonly message: string; readonly remedy?: string }[]
  readonly warnings: readonly { readonly policy: string; readonly rule: string; readonly message: string }[]
  readonly applied: readonly { readonly policy: string; readonly rule: string; readonly set: JsonObject }[]
  readonly approvals: readonly ApprovalNeed[]
}

/** A budget wider than the caller's teams has only the first row of members. */
export type BudgetAnswer = {
  readonly name: string
  readonly fits?: boolean
  readonly shortfall?: string
  readonly measure?: string
  readonly limit?: string
  readonly committed?: string
  readonly reserved?: string
  readonly remaining?: string
  readonly requested?: string
}

export type FileAnswer = {
  readonly path: string
  readonly operation: 'create' | 'update' | 'delete'
  readonly digest: string | null
  readonly content?: string | null
}

/** What a plan and a request have in common. */
export type Proposal = {
  readonly team?: string
  readonly environment?: string
  readonly changes: readonly ChangeAnswer[]
  readonly cost: { readonly monthlyDelta: string; readonly currency: string }
  readonly decision: DecisionAnswer
  readonly budgets: readonly BudgetAnswer[]
  readonly plan: { readonly digest: string; readonly repository: string; readonly branch: string; readonly files: readonly FileAnswer[] }
  readonly problem?: Readonly<Record<string, unknown>> | null
}

export type RequestAnswer = Proposal & {
  readonly id: string
  readonly state: RequestState
  readonly team: string
  readonly environment: string
  readonly reason?: string | null
  readonly retryOf?: string | null
  readonly hold?: { readonly kind: string; readonly reason?: string | null } | null
  readonly requester: { readonly subject: string; readonly via?: string | null }
  readonly approvals: readonly { readonly by: string; readonly vote: string; readonly comment?: string | null; readonly at: string }[]
  readonly delivery?: { readonly repository: string; readonly branch: string; readonly commit: string; readonly committedAt: string } | null
  readonly nextAction?: string | null
  readonly createdAt: string
}

export type RequestPage = Page<RequestAnswer>

export type ApplyAnswer = {
  readonly platformRevision: number
  readonly results: readonly {
    readonly kind: string
    readonly name: string
    readonly outcome: string
    readonly revision: number
    readonly warnings?: readonly { readonly pointer: string; readonly detail: string }[]
  }[]
}

function isProposal(body: unknown): boolean {
  return (
    isObject(body) &&
    Array.isArray(body.changes) &&
    isObject(body.cost) &&
    isObject(body.decision) &&
    Array.isArray(body.budgets) &&
    isObject(body.plan) &&
    typeof body.plan.digest === 'string' &&
    Array.isArray(body.plan.files)
  )
}

function isRequest(body: unknown): boolean {
  return isProposal(body) && isObject(body) && typeof body.id === 'string' && requestStates.some((state) => state === body.state)
}

export function asPlan(body: unknown): Proposal {
  if (!isProposal(body)) throw notThe('plan')
  return body as Proposal // Checked as far as the comment on top says; so in the others below.
}

export function asRequest(body: unknown): RequestAnswer {
  if (!isRequest(body)) throw notThe('request')
  return body as RequestAnswer
}

export const asRequestPage = pagesOf<RequestAnswer>('list of requests', isRequest)

export function asApplied(body: unknown): ApplyAnswer {
  if (!isObject(body) || !Array.isArray(body.results)) throw notThe('result of an apply')
  return body as ApplyAnswer
}

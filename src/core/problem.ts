import { formatAmount, type Measure } from './money.ts'

/**
 * Every refusal that Purser gives, as one closed union; RFC 9457 documents are made from it in one place
 * (`problemDocument`), for every face alike. A page for each code is in docs/problems/.
 */
export type FieldError = { readonly pointer: string; readonly detail: string; readonly frame?: string }
export type Violation = { readonly policy: string; readonly rule: string; readonly message: string; readonly remedy?: string }

/** What one budget lacks. A budget wider than the caller's teams shows only its name and its shortfall. */
export type Shortfall = {
  readonly name: string
  readonly measure: Measure
  readonly limit: bigint
  readonly committed: bigint
  readonly reserved: bigint
  readonly requested: bigint
  readonly shortfall: bigint
  /** Whether the caller may see more than that this budget is short. */
  readonly visible: boolean
}

export type Problem =
  | { readonly code: 'malformed'; readonly detail: string }
  | { readonly code: 'unauthenticated'; readonly detail: string }
  | { readonly code: 'forbidden'; readonly detail: string; readonly needs: string }
  | {
      readonly code: 'policy-denied'
      readonly violations: readonly Violation[]
      readonly budgets: readonly Shortfall[]
      readonly requestId: string | null
    }
  | { readonly code: 'own-request' }
  | { readonly code: 'not-found' }
  | { readonly code: 'method-not-allowed'; readonly method: string; readonly allowed: readonly string[] }
  | { readonly code: 'not-acceptable'; readonly offered: readonly string[] }
  | { readonly code: 'unsupported-media-type'; readonly offered: readonly string[] }
  | { readonly code: 'budget-exceeded'; readonly budgets: readonly Shortfall[]; readonly requestId: string | null }
  | { readonly code: 'resource-exists'; readonly name: string; readonly environment: string; readonly pointer: string }
  | {
      readonly code: 'resource-busy'
      readonly name: string
      readonly environment: string
      readonly pointer: string
      readonly requestId: string | null
    }
  | { readonly code: 'object-exists'; readonly object: string; readonly pointer: string }
  | { readonly code: 'in-use'; readonly detail: string; readonly usedBy: readonly string[] }
  | { readonly code: 'plan-changed'; readonly expected: string; readonly planDigest: string }
  | { readonly code: 'wrong-state'; readonly state: string; readonly detail: string }
  | { readonly code: 'version-exists'; readonly name: string; readonly version: string }
  | { readonly code: 'out-of-band-change'; readonly path: string; readonly commit: string | null; readonly detail: string }
  | { readonly code: 'delivery-refused'; readonly detail: string }
  | { readonly code: 'precondition-failed'; readonly detail: string }
  | { readonly code: 'too-large'; readonly detail: string }
  /** `of`: what there was too much of, where it was not the caller's requests. */
  | { readonly code: 'rate-limited'; readonly retryAfterS: number; readonly of?: 'address' | 'failures' }
  | { readonly code: 'invalid'; readonly errors: readonly FieldError[] }
  | { readonly code: 'invalid-parameters'; readonly errors: readonly FieldError[] }
  | { readonly code: 'invalid-document'; readonly errors: readonly FieldError[] }
  | { readonly code: 'invalid-manifest'; readonly errors: readonly FieldError[] }
  | { readonly code: 'plaintext-secret'; readonly errors: readonly FieldError[] }
  | { readonly code: 'idempotency-key-reused' }
  | { readonly code: 'internal' }
  | { readonly code: 'unavailable'; readonly detail: string; readonly retryAfterS: number }

export type ProblemCode = Problem['code']

/** Status and title. Total: a code without a row does not compile. */
export const problems: { readonly [C in ProblemCode]: { readonly status: number; readonly title: string } } = {
  malformed: { status: 400, title: 'The request is malformed' },
  unauthenticated: { status: 401, title: 'Credentials are missing or not valid' },
  forbidden: { status: 403, title: 'Not allowed' },
  'policy-denied': { status: 403, title: 'Policy denies this' },
  'own-request': { status: 403, title: 'Nobody decides on a request that they had a part in' },
  'not-found': { status: 404, title: 'Not found' },
  'method-not-allowed': { status: 405, title: 'Method not allowed' },
  'not-acceptable': { status: 406, title: 'Not acceptable' },
  'unsupported-media-type': { status: 415, title: 'Unsupported media type' },
  'budget-exceeded': { status: 409, title: 'The budget does not cover this' },
  'resource-exists': { status: 409, title: 'A resource of that name exists' },
  'resource-busy': { status: 409, title: 'The resource has an open request' },
  'object-exists': { status: 409, title: 'Another resource owns that object' },
  'in-use': { status: 409, title: 'Still in use' },
  'plan-changed': { status: 409, title: 'The plan is another one now' },
  'wrong-state': { status: 409, title: 'Not possible in this state' },
  'version-exists': { status: 409, title: 'That version exists and never changes' },
  'out-of-band-change': { status: 409, title: 'Somebody else changed the files' },
  'delivery-refused': { status: 409, title: 'The GitOps repository refused the commit' },
  'precondition-failed': { status: 412, title: 'Precondition failed' },
  'too-large': { status: 413, title: 'Too large' },
  'rate-limited': { status: 429, title: 'Too many requests' },
  invalid: { status: 422, title: 'The request is not valid' },
  'invalid-parameters': { status: 422, title: 'The parameters are not valid' },
  'invalid-document': { status: 422, title: 'The document is not valid' },
  'invalid-manifest': { status: 422, title: 'The blueprint renders no valid object' },
  'plaintext-secret': { status: 422, title: 'A secret in plain text' },
  'idempotency-key-reused': { status: 422, title: 'The Idempotency-Key was used for another request' },
  internal: { status: 500, title: 'Something broke on our side' },
  unavailable: { status: 503, title: 'Unavailable for the moment' },
}

/** RFC 9457 problem details with Purser's members; `message` is what a bot can post as it is. */
export type ProblemDocument = {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: ProblemCode
  readonly detail?: string
  readonly message?: string
  readonly [member: string]: unknown
}

/**
 * The document of a problem, the same for REST and GraphQL. `not-found` has no member beyond the four: absent, malformed
 * and invisible answer the same bytes (L11).
 */
export function problemDocument(problem: Problem): ProblemDocument {
  const { status, title } = problems[problem.code]
  const head = { type: `https://purser.dev/problems/${problem.code}`, title, status, code: problem.code }
  if (problem.code === 'not-found') return head
  const { detail, message = detail, members = {} } = explain(problem)
  return { ...head, detail, ...members, message }
}

type Explanation = { readonly detail: string; readonly message?: string; readonly members?: Record<string, unknown> }

function explain(problem: Exclude<Problem, { code: 'not-found' }>): Explanation {
  switch (problem.code) {
    case 'malformed':
    case 'unauthenticated':
    case 'precondition-failed':
    case 'too-large':
    case 'delivery-refused':
      return { detail: problem.detail }
    case 'forbidden':
      return { detail: problem.detail, members: { needs: problem.needs } }
    case 'policy-denied':
      return explainDenial(problem)
    case 'own-request':
      return { detail: 'You had a part in this request. Somebody else has to decide on it; as its requester you can cancel it.' }
    case 'method-not-allowed':
      return { detail: `${problem.method} is not possible here; ${problem.allowed.join(', ')} is.`, members: { allowed: problem.allowed } }
    case 'not-acceptable':
      return { detail: `This can be answered as ${problem.offered.join(' or ')}.`, members: { offered: problem.offered } }
    case 'unsupported-media-type':
      return { detail: `A body here is ${problem.offered.join(' or ')}.`, members: { offered: problem.offered } }
    case 'budget-exceeded':
      return {
        ...sentence(problem.budgets.map(shortfallSentence)),
        members: { budgets: problem.budgets.map(presentShortfall), ...requestId(problem.requestId) },
      }
    case 'resource-exists':
      return {
        detail: `${problem.name} exists in ${problem.environment} already. Choose another name, or ask for an update of it.`,
        members: { resource: problem.name, pointer: problem.pointer },
      }
    case 'resource-busy':
      return {
        detail: `${problem.name} in ${problem.environment} has an open request${problem.requestId === null ? '' : `, ${problem.requestId}`}. Wait until it is committed, or cancel it.`,
        members: { resource: problem.name, pointer: problem.pointer, ...requestId(problem.requestId) },
      }
    case 'object-exists':
      return {
        detail: `${problem.object} belongs to another resource already. Choose a name under which the blueprint renders another object.`,
        members: { object: problem.object, pointer: problem.pointer },
      }
    case 'in-use':
      return { detail: problem.detail, members: { usedBy: problem.usedBy } }
    case 'plan-changed':
      return {
        detail: `You named the plan ${problem.expected}; it is ${problem.planDigest} now. Look at it again and name its digest.`,
        members: { expected: problem.expected, planDigest: problem.planDigest },
      }
    case 'wrong-state':
      return { detail: problem.detail, members: { state: problem.state } }
    case 'version-exists':
      return {
        detail: `${problem.name} ${problem.version} was applied with another content. A version never changes: raise spec.version.`,
        members: { name: problem.name, version: problem.version },
      }
    case 'out-of-band-change':
      return { detail: problem.detail, members: { path: problem.path, ...(problem.commit === null ? {} : { commit: problem.commit }) } }
    case 'rate-limited':
      return {
        detail: `${tooMany(problem)}. Try again in ${problem.retryAfterS} s.`,
        members: { retryAfter: problem.retryAfterS },
      }
    case 'invalid':
    case 'invalid-parameters':
    case 'invalid-document':
    case 'invalid-manifest':
    case 'plaintext-secret':
      return {
        ...sentence(problem.errors.map((e) => `${e.pointer === '' ? 'the body' : e.pointer}: ${e.detail}`)),
        members: { errors: problem.errors },
      }
    case 'idempotency-key-reused':
      return { detail: 'This Idempotency-Key came with another body before. Use a new key for a new request.' }
    case 'internal':
      return { detail: 'The fault is logged under the X-Request-Id of this answer. Nothing was changed.' }
    case 'unavailable':
      return { detail: problem.detail, members: { retryAfter: problem.retryAfterS } }
  }
}

function tooMany({ of }: Extract<Problem, { code: 'rate-limited' }>): string {
  if (of === undefined) return 'Too many requests from this caller'
  return of === 'address' ? 'Too many requests from this address' : 'Too many credentials from this address that are not valid'
}

function explainDenial(problem: Extract<Problem, { code: 'policy-denied' }>): Explanation {
  const sentences = problem.violations.map((v) => (v.remedy === undefined ? v.message : `${v.message}. ${v.remedy}`))
  const budgets = problem.budgets.length === 0 ? {} : { budgets: problem.budgets.map(presentShortfall) }
  return {
    ...sentence([...sentences, ...problem.budgets.map(shortfallSentence)]),
    members: { violations: problem.violations, ...budgets, ...requestId(problem.requestId) },
  }
}

/** All reasons at once as `detail`; `message` names at most three of them, for a chat line. */
function sentence(reasons: readonly string[]): { detail: string; message: string } {
  const closed = reasons.map((r) => (/[.!?]$/.test(r) ? r : `${r}.`))
  const more = closed.length > 3 ? ` And ${closed.length - 3} more.` : ''
  return { detail: closed.join(' '), message: closed.slice(0, 3).join(' ') + more }
}

function requestId(id: string | null): Record<string, unknown> {
  return id === null ? {} : { requestId: id }
}

/** The shape of a budget in `budget-exceeded` and `policy-denied`: amounts as decimal strings. */
export function presentShortfall(s: Shortfall): Record<string, unknown> {
  if (!s.visible) return { name: s.name, fits: false, shortfall: formatAmount(s.shortfall, s.measure) }
  const amount = (value: bigint) => formatAmount(value, s.measure)
  return {
    name: s.name,
    measure: s.measure,
    limit: amount(s.limit),
    committed: amount(s.committed),
    reserved: amount(s.reserved),
    requested: amount(s.requested),
    shortfall: amount(s.shortfall),
  }
}

function shortfallSentence(s: Shortfall): string {
  const amount = formatAmount(s.shortfall, s.measure)
  const missing = s.measure === 'cost' ? `${amount} a month short` : `${amount} over its count`
  return `Budget ${s.name} is ${missing}. Ask its owner for a higher limit, or make room by shrinking or deleting something`
}

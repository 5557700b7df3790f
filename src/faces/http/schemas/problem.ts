import { Type, type TSchema } from 'typebox'
import { problemDocument, problems, type Problem, type ProblemCode } from '../../../core/problem.ts'
import { oneOf } from './component.ts'

const fieldError = Type.Object(
  {
    pointer: Type.String({ description: 'RFC 6901, from the root of the body (or `/query/…`).' }),
    detail: Type.String(),
    frame: Type.Optional(Type.String({ description: 'The place in the expression or document.' })),
  },
  { description: 'One thing that is wrong with the input.' },
)
const violation = Type.Object({ policy: Type.String(), rule: Type.String(), message: Type.String(), remedy: Type.Optional(Type.String()) })
const shortfall = Type.Object({
  name: Type.String(),
  shortfall: Type.String({ description: 'How much is missing, as a decimal number.' }),
  fits: Type.Optional(Type.Literal(false)),
  measure: Type.Optional(oneOf(['cost', 'count'])),
  limit: Type.Optional(Type.String()),
  committed: Type.Optional(Type.String()),
  reserved: Type.Optional(Type.String()),
  requested: Type.Optional(Type.String()),
})

const budget = {
  name: 'payments-prod',
  measure: 'cost',
  limit: 250_000n,
  committed: 210_000n,
  reserved: 0n,
  requested: 52_500n,
  shortfall: 12_500n,
  visible: true,
} as const
const violations = [
  {
    policy: 'databases',
    rule: 'stay-in-europe',
    message: 'Region us-east-1 is outside the EU',
    remedy: 'Ask for it in an environment in the EU',
  },
]
const requestId = 'req_01jd8m0s6rf1tsg5xk3v9c2h4n'

/** One of each, as they are answered. */
export const problemSamples: { readonly [C in ProblemCode]: Extract<Problem, { code: C }> } = {
  malformed: { code: 'malformed', detail: 'The body is not JSON: Unexpected end of JSON input' },
  unauthenticated: { code: 'unauthenticated', detail: 'Send a token: Authorization: Bearer psr_…' },
  forbidden: {
    code: 'forbidden',
    detail: 'You are viewer in team payments; to submit a request takes the role developer.',
    needs: 'role developer in team payments',
  },
  'policy-denied': { code: 'policy-denied', violations, budgets: [], requestId },
  'own-request': { code: 'own-request' },
  'not-found': { code: 'not-found' },
  'method-not-allowed': { code: 'method-not-allowed', method: 'PATCH', allowed: ['GET', 'HEAD', 'POST'] },
  'not-acceptable': { code: 'not-acceptable', offered: ['application/json'] },
  'unsupported-media-type': { code: 'unsupported-media-type', offered: ['application/json'] },
  'budget-exceeded': { code: 'budget-exceeded', budgets: [budget], requestId },
  'resource-exists': { code: 'resource-exists', name: 'orders-db', environment: 'prod', pointer: '/changes/0/name' },
  'resource-busy': { code: 'resource-busy', name: 'orders-db', environment: 'prod', pointer: '/changes/0/name', requestId },
  'object-exists': { code: 'object-exists', object: 'PostgreSQLInstance orders-db in payments-prod', pointer: '/changes/0/name' },
  'in-use': {
    code: 'in-use',
    detail: 'Team payments is used by Budget payments-prod. Change or delete these first.',
    usedBy: ['Budget payments-prod'],
  },
  'plan-changed': { code: 'plan-changed', expected: `sha256:${'0'.repeat(64)}`, planDigest: `sha256:${'a'.repeat(64)}` },
  'wrong-state': { code: 'wrong-state', state: 'committed', detail: `${requestId} cannot be cancelled any more: it is committed.` },
  'version-exists': { code: 'version-exists', name: 'postgres', version: '1.2.0' },
  'out-of-band-change': {
    code: 'out-of-band-change',
    path: 'tenants/payments/prod/orders-db/01-postgresqlinstance-orders-db.yaml',
    commit: '4b825dc642cb6eb9a060e54bf8d69288fbee4904',
    detail: 'Somebody else changed this file since Purser wrote it. A new request with "overwrite": true goes on.',
  },
  'delivery-refused': {
    code: 'delivery-refused',
    detail: 'embedded accepted other commits and refused this one: only signed commits, please',
  },
  'precondition-failed': { code: 'precondition-failed', detail: 'The document is at another revision than If-Match names. Read it again.' },
  'too-large': { code: 'too-large', detail: 'The body is larger than 1 MiB.' },
  'rate-limited': { code: 'rate-limited', retryAfterS: 1 },
  invalid: { code: 'invalid', errors: [{ pointer: '/changes/0/action', detail: 'must be one of create, update, delete' }] },
  'invalid-parameters': {
    code: 'invalid-parameters',
    errors: [{ pointer: '/changes/0/parameters/storageGB', detail: 'must be at most 1000' }],
  },
  'invalid-document': {
    code: 'invalid-document',
    errors: [{ pointer: '/spec/limit', detail: 'must be an amount of money as text with at most two decimals, such as "2500.00"' }],
  },
  'invalid-manifest': {
    code: 'invalid-manifest',
    errors: [
      {
        pointer: '/changes/0',
        detail: 'postgres 1.2.0 renders no valid object from manifest 1: metadata.name is longer than 63 characters',
      },
    ],
  },
  'plaintext-secret': {
    code: 'plaintext-secret',
    errors: [{ pointer: '/changes/0/parameters/password', detail: 'looks like a private key; name where the secret lives instead' }],
  },
  'idempotency-key-reused': { code: 'idempotency-key-reused' },
  internal: { code: 'internal' },
  unavailable: {
    code: 'unavailable',
    detail: 'A part that Purser needs is not well at the moment. Nothing was lost; try again.',
    retryAfterS: 2,
  },
}

const codes = Object.keys(problems)

/** RFC 9457. Which members there are beside the first four is told by `code`; its page says what to do. */
export const problemSchema = Type.Object(
  {
    type: Type.String({ description: 'https://purser.dev/problems/<code>', pattern: '^https://purser\\.dev/problems/[a-z-]+$' }),
    title: Type.String(),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    code: oneOf(codes, 'What to branch on.'),
    detail: Type.Optional(Type.String({ description: 'All reasons at once.' })),
    message: Type.Optional(Type.String({ description: 'One or a few plain sentences that a bot can post as they are.' })),
    errors: Type.Optional(Type.Array(fieldError)),
    violations: Type.Optional(Type.Array(violation)),
    budgets: Type.Optional(Type.Array(shortfall)),
    requestId: Type.Optional(Type.String({ description: 'The recorded denial, or the request that is in the way.' })),
    needs: Type.Optional(Type.String({ description: 'The role or scope that would do.' })),
    allowed: Type.Optional(Type.Array(Type.String())),
    offered: Type.Optional(Type.Array(Type.String())),
    resource: Type.Optional(Type.String()),
    object: Type.Optional(Type.String()),
    pointer: Type.Optional(Type.String()),
    usedBy: Type.Optional(Type.Array(Type.String())),
    expected: Type.Optional(Type.String()),
    planDigest: Type.Optional(Type.String()),
    state: Type.Optional(Type.String()),
    name: Type.Optional(Type.String()),
    version: Type.Optional(Type.String()),
    path: Type.Optional(Type.String()),
    commit: Type.Optional(Type.String()),
    retryAfter: Type.Optional(Type.Integer({ description: 'Seconds.' })),
  },
  {
    $id: 'Problem',
    description: 'Why something was refused, and the way out (RFC 9457).',
    examples: Object.values(problemSamples).map(problemDocument),
  },
)

/** A problem with one of these codes. */
export function problemAnswer(of: readonly ProblemCode[]): TSchema {
  return Type.Unsafe({ allOf: [{ $ref: 'Problem#' }, { type: 'object', properties: { code: oneOf(of) } }] })
}

/** A problem within something else, where it may be of any kind. */
export const problemWithin: TSchema = Type.Union([Type.Unsafe({ $ref: 'Problem#' }), Type.Null()])

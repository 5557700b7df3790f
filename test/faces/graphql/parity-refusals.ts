import type { JsonObject } from '../../../src/core/json.ts'
import type { ProblemCode } from '../../../src/core/problem.ts'
import { ann, bob, submitOf, type Make, type Row } from './parity-table.ts'

/** What is refused, by the code of its problem. */
export const refusals: readonly (readonly [ProblemCode, Make])[] = [
  ['malformed', ({ asked, inGraph }) => submitOf(asked(1), inGraph, { as: 'nobody' })],
  ['unauthenticated', ({ asked, inGraph }) => submitOf(asked(1), inGraph, { token: null })],
  ['forbidden', ({ asked, inGraph }) => submitOf(asked(1), inGraph, { as: 'zed@example.com' })],
  ['policy-denied', ({ asked, inGraph }) => submitOf(asked(13), inGraph, ann)],
  ['own-request', async ({ pending }) => decisionOn(await pending(600), ann)],
  ['not-found', async ({ pending }) => decisionOn(await pending(600), { as: 'zed@example.com' })],
  ['unsupported-media-type', ({ asked, inGraph }) => ({ ...submitOf(asked(1), inGraph, ann), headers: { 'content-type': 'text/plain' } })],
  ['budget-exceeded', ({ asked, inGraph }) => submitOf({ ...asked(499), environment: 'vault' }, inGraph, ann)],
  ['resource-exists', ({ asked, inGraph }) => submitOf(asked(1, 'live'), inGraph, ann)],
  ['resource-busy', ({ asked, inGraph }) => submitOf(asked(1, 'waiting'), inGraph, ann)],
  ['object-exists', ({ asked, inGraph }) => submitOf(withChange(asked(1), { blueprint: 'odd', parameters: { name: 'x' } }), inGraph, ann)],
  [
    'in-use',
    () => ({
      operation: 'deleteTeamDocument',
      rest: ['DELETE', '/v1/teams/red'],
      field: 'deleteTeam',
      input: { name: 'red' },
      within: 'name',
    }),
  ],
  ['plan-changed', ({ asked, inGraph }) => submitOf({ ...asked(1), planDigest: 'sha256:another' }, inGraph, ann)],
  [
    'wrong-state',
    async ({ pending, cancelled }) => {
      const request = await pending(600)
      await cancelled(request.id)
      return decisionOn(request, bob)
    },
  ],
  [
    'version-exists',
    ({ document }) => {
      const body = { ...document('Blueprint', 'odd'), metadata: { name: 'odd', title: 'Another' } }
      return {
        operation: 'putBlueprintDocument',
        rest: ['PUT', '/v1/blueprints/odd', body],
        field: 'putBlueprint',
        input: { name: 'odd', document: body },
        within: 'blueprint',
        type: 'Blueprint',
      }
    },
  ],
  [
    'precondition-failed',
    ({ document }) => {
      const body = document('Service', 'shop')
      return {
        operation: 'putServiceDocument',
        rest: ['PUT', '/v1/services/shop', body],
        headers: { 'if-match': '"999"' },
        field: 'putService',
        input: { name: 'shop', document: body, ifMatch: '"999"' },
        within: 'service',
        type: 'Service',
      }
    },
  ],
  ['too-large', ({ asked, inGraph }) => submitOf({ ...asked(1), reason: 'x'.repeat(1024 * 1024) }, inGraph, ann)],
  ['invalid', ({ asked, inGraph }) => submitOf({ ...asked(1), environment: 'nowhere', reason: 'x'.repeat(2_001) }, inGraph, ann)],
  ['invalid', ({ asked, inGraph }) => submitOf({ ...asked(1), environment: 'nowhere' }, inGraph, ann)],
  ['invalid', ({ asked, inGraph }) => submitOf(withChange(asked(1), { overwrite: true }), inGraph, ann)],
  ['invalid-parameters', ({ asked, inGraph }) => submitOf(withChange(asked(1), { parameters: { units: 'many' } }), inGraph, ann)],
  [
    'invalid-document',
    ({ document }) => {
      const body = { ...document('Service', 'shop'), spec: { nope: 1 } }
      return {
        operation: 'applyDocuments',
        rest: ['POST', '/v1/apply', { documents: [body] }],
        field: 'apply',
        input: { documents: [body] },
        type: 'ApplyPayload',
      }
    },
  ],
  [
    'invalid-manifest',
    ({ asked, inGraph }) => submitOf(withChange(asked(1), { blueprint: 'odd', parameters: { name: 'no name' } }), inGraph, ann),
  ],
  [
    'plaintext-secret',
    ({ asked, inGraph }) => submitOf(withChange(asked(1), { parameters: { units: 1, note: 'AKIAIOSFODNN7EXAMPLE' } }), inGraph, ann),
  ],
  [
    'idempotency-key-reused',
    async ({ asked, inGraph, submitted, fresh }) => {
      const key = `key-${fresh()}`
      await submitted(asked(1), key)
      const body = asked(2)
      return { ...submitOf(body, inGraph, ann), headers: { 'idempotency-key': key }, input: { ...inGraph(body), idempotencyKey: key } }
    },
  ],
]

function withChange(body: JsonObject, more: JsonObject): JsonObject {
  const [change] = Array.isArray(body['changes']) ? (body['changes'] as readonly JsonObject[]) : []
  return { ...body, changes: [{ ...change, ...more }] }
}

function decisionOn({ id, planDigest }: { readonly id: string; readonly planDigest: string }, who: { readonly as: string }): Row {
  return {
    operation: 'approveRequest',
    ...who,
    rest: ['POST', `/v1/requests/${id}/approve`, { planDigest }],
    field: 'approveRequest',
    input: { id, planDigest },
    within: 'request',
    type: 'Request',
  }
}

/** Codes that no row provokes, and where they are compared instead. */
export const elsewhere: Partial<Record<ProblemCode, string>> = {
  'method-not-allowed': 'about HTTP methods, of which each face has others: http.test.ts',
  'not-acceptable': 'about media types, of which each face offers others: http.test.ts',
  'delivery-refused': 'stands in a request that failed: readRequest that failed',
  'out-of-band-change': 'stands in a request that failed, as delivery-refused does',
  'rate-limited': 'both faces at one door: faults.test.ts',
  internal: 'no question leads to it: faults.test.ts',
  unavailable: 'no question leads to it: faults.test.ts',
}

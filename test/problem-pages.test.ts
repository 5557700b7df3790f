import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { problemDocument, problems, type Problem, type ProblemCode, type Shortfall } from '../src/core/problem.ts'

const pages = new URL('../docs/problems/', import.meta.url)

const request = 'req_01h2xcejqtf2nbrexx3vqjhp41'
const short: Shortfall = {
  name: 'payments-prod',
  measure: 'cost',
  limit: 250000n,
  committed: 190000n,
  reserved: 25800n,
  requested: 75400n,
  shortfall: 41200n,
  visible: true,
}

/** One believable problem of each code: the example on its page. Total: a code without a sample does not compile. */
const samples: { readonly [C in ProblemCode]: Extract<Problem, { code: C }> } = {
  malformed: { code: 'malformed', detail: 'The body is no JSON.' },
  unauthenticated: { code: 'unauthenticated', detail: 'This token was revoked.' },
  forbidden: { code: 'forbidden', detail: 'A viewer of team payments cannot submit requests.', needs: 'role developer in team payments' },
  'policy-denied': {
    code: 'policy-denied',
    violations: [
      {
        policy: 'databases',
        rule: 'stay-in-europe',
        message: 'Region us-east-1 is outside the EU',
        remedy: 'Ask for it in an environment in the EU',
      },
    ],
    budgets: [],
    requestId: request,
  },
  'own-request': { code: 'own-request' },
  'not-found': { code: 'not-found' },
  'method-not-allowed': { code: 'method-not-allowed', method: 'PATCH', allowed: ['GET', 'PUT', 'DELETE'] },
  'not-acceptable': { code: 'not-acceptable', offered: ['application/json', 'application/yaml'] },
  'unsupported-media-type': { code: 'unsupported-media-type', offered: ['application/json', 'application/yaml'] },
  'budget-exceeded': { code: 'budget-exceeded', budgets: [short], requestId: request },
  'resource-exists': { code: 'resource-exists', name: 'orders-db', environment: 'prod', pointer: '/changes/0/name' },
  'resource-busy': { code: 'resource-busy', name: 'orders-db', environment: 'prod', pointer: '/changes/0/name', requestId: request },
  'object-exists': { code: 'object-exists', object: 'Secret payments-prod/orders-db-conn', pointer: '/changes/0' },
  'in-use': {
    code: 'in-use',
    detail: 'Blueprint postgres is used by 2 resources. Delete them first.',
    usedBy: ['payments/prod/orders-db', 'shop/dev/cart-db'],
  },
  'plan-changed': {
    code: 'plan-changed',
    expected: 'sha256:5a6f3b0d4c1e9f87a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f70819',
    planDigest: 'sha256:c0d1e2f3a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f',
  },
  'wrong-state': { code: 'wrong-state', state: 'committed', detail: 'The request is committed; only an open request can be cancelled.' },
  'version-exists': { code: 'version-exists', name: 'postgres', version: '1.2.0' },
  'out-of-band-change': {
    code: 'out-of-band-change',
    path: 'tenants/payments/prod/orders-db/01-postgresqlinstance-orders-db.yaml',
    commit: '0123456789abcdef0123456789abcdef01234567',
    detail:
      'Somebody else changed 01-postgresqlinstance-orders-db.yaml on the branch. Look at that commit, then ask again, with overwrite to write over it.',
  },
  'delivery-refused': {
    code: 'delivery-refused',
    detail: 'The repository refused the push: kind PostgreSQLInstance is not admitted below tenants/shop.',
  },
  'precondition-failed': { code: 'precondition-failed', detail: 'The document is at another revision than If-Match names.' },
  'too-large': { code: 'too-large', detail: 'A body is at most 1 MiB.' },
  'rate-limited': { code: 'rate-limited', retryAfterS: 1 },
  invalid: {
    code: 'invalid',
    errors: [
      { pointer: '/environment', detail: 'there is no environment production' },
      { pointer: '/changes/0/nmae', detail: 'is not a known field' },
    ],
  },
  'invalid-parameters': {
    code: 'invalid-parameters',
    errors: [{ pointer: '/changes/0/parameters/size', detail: 'must be one of s, m, l' }],
  },
  'invalid-document': {
    code: 'invalid-document',
    errors: [
      {
        pointer: '/spec/rules/0/when',
        detail: 'there is no field storage in the parameters of postgres',
        frame: '> 1 | parameters.storage > 500\n    |           ^',
      },
    ],
  },
  'invalid-manifest': {
    code: 'invalid-manifest',
    errors: [{ pointer: '/changes/0/manifests/0/metadata/name', detail: 'is longer than 63 characters' }],
  },
  'plaintext-secret': {
    code: 'plaintext-secret',
    errors: [{ pointer: '/changes/0/parameters/password', detail: 'looks like a private key' }],
  },
  'idempotency-key-reused': { code: 'idempotency-key-reused' },
  internal: { code: 'internal' },
  unavailable: { code: 'unavailable', detail: 'The database does not answer. Nothing was lost: try again.', retryAfterS: 5 },
}

const codes = Object.keys(problems) as ProblemCode[] // Its keys are exactly these.

it('every problem has a page, and every page a problem', () => {
  expect(readdirSync(pages).toSorted()).toEqual(codes.map((code) => `${code}.md`).toSorted())
})

describe.each(codes)('the page of %s', (code) => {
  const page = readFileSync(new URL(`${code}.md`, pages), 'utf8')

  it('says its title and status, what happened and how to fix it', () => {
    expect(page).toMatch(
      /^# .*\n\n`[a-z-]+` · \d{3}\n\n## What happened\n\n\S[^]*\n\n## How to fix it\n\n\S[^]*\n\n## Example\n\n```json\n/,
    )
    expect(page.split('\n').slice(0, 3)).toEqual([`# ${problems[code].title}`, '', `\`${code}\` · ${problems[code].status}`])
  })

  it('shows a body that Purser would send', () => {
    const [, example] = /\n```json\n([^]*?)\n```\n$/.exec(page) ?? []

    expect(JSON.parse(example ?? 'null')).toEqual(problemDocument(samples[code]))
  })
})

import { expect, it } from 'vitest'
import { renderApplied } from '../../src/cli/render-apply.ts'
import { renderDiff, renderPlan } from '../../src/cli/render-plan.ts'
import { renderProblem } from '../../src/cli/render-problem.ts'
import { renderRequest, renderRequests } from '../../src/cli/render-request.ts'
import { painter, type View } from '../../src/cli/text.ts'
import { problemDocument } from '../../src/core/problem.ts'
import { committedRequest, sampleDiff, samplePlan, sampleRequest } from './samples.ts'

const now = Date.parse('2026-11-24T12:00:00Z')
const plain: View = { paint: painter(false), width: 80 }

it('a plan says verdict, money, who must approve, and which files', () => {
  expect(renderPlan(samplePlan, false, plain)).toMatchInlineSnapshot(`
    "Plan for payments in prod: needs approval

      create orders-db (postgres@1.2.0, for P14D) 0.00 → 258.00 EUR a month
        size=m storageGB=600 highAvailability=true

    Cost     +258.00 EUR a month
    Budget   payments-prod: 1342.00 of 2500.00 left
    Budget   organisation: fits
    Set      parameters.highAvailability=true (databases/prod-is-ha)
    Warning  The blueprint is young: expect changes to what it renders before the
             summer (databases/young)
    Approval 0 of 1 by an approver of team dba (databases/big-needs-dba)
    Files    on branch main of embedded
      + tenants/payments/prod/orders-db/00-externalsecret-orders-db-credentials.yaml
      + tenants/payments/prod/orders-db/01-postgresqlinstance-orders-db.yaml
    Plan     sha256:5a6f3b0d4c1e9f87a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f70819"
  `)
})

it('a plan shows what the files would hold when asked to', () => {
  expect(renderPlan(samplePlan, true, plain)).toContain(
    '# tenants/payments/prod/orders-db/01-postgresqlinstance-orders-db.yaml\nkind: PostgreSQLInstance',
  )
})

it('a plan that policy and a budget refuse shows every reason and the way out', () => {
  const problem = problemDocument({
    code: 'policy-denied',
    violations: [
      {
        policy: 'databases',
        rule: 'stay-in-europe',
        message: 'Region us-east-1 is outside the EU',
        remedy: 'Ask for it in an environment in the EU',
      },
    ],
    budgets: [
      {
        name: 'payments-prod',
        measure: 'cost',
        limit: 250000n,
        committed: 90000n,
        reserved: 0n,
        requested: 201200n,
        shortfall: 41200n,
        visible: true,
      },
      { name: 'organisation', measure: 'cost', limit: 1n, committed: 1n, reserved: 1n, requested: 1n, shortfall: 100n, visible: false },
    ],
    requestId: null,
  })
  const denied = { ...samplePlan, decision: { ...samplePlan.decision, outcome: 'denied' as const, approvals: [] }, problem }

  expect(renderPlan(denied, false, plain)).toMatchInlineSnapshot(`
    "Plan for payments in prod: denied

      create orders-db (postgres@1.2.0, for P14D) 0.00 → 258.00 EUR a month
        size=m storageGB=600 highAvailability=true

    Cost     +258.00 EUR a month
    Budget   payments-prod: 1342.00 of 2500.00 left
    Budget   organisation: fits
    Set      parameters.highAvailability=true (databases/prod-is-ha)
    Warning  The blueprint is young: expect changes to what it renders before the
             summer (databases/young)
    Files    on branch main of embedded
      + tenants/payments/prod/orders-db/00-externalsecret-orders-db-credentials.yaml
      + tenants/payments/prod/orders-db/01-postgresqlinstance-orders-db.yaml
    Plan     sha256:5a6f3b0d4c1e9f87a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f70819

    Policy denies this (policy-denied)
      databases/stay-in-europe: Region us-east-1 is outside the EU
        → Ask for it in an environment in the EU
      Budget payments-prod: limit 2500.00, committed 900.00, reserved 0.00; this
      asks for 2012.00, which is 412.00 a month too much
      Budget organisation: 1.00 short
      → Ask the owner of the budget for a higher limit, or make room by shrinking or
        deleting something"
  `)
})

it('a request says where it stands and what happens next', () => {
  expect(renderRequest(sampleRequest, plain)).toMatchInlineSnapshot(`
    "req_01h2xcejqtf2nbrexx3vqjhp41 pending_approval
    For      payments in prod
    By       alice@example.com, 2026-11-24T11:59:00Z
    Reason   orders go live

      create orders-db (postgres@1.2.0, for P14D) 0.00 → 258.00 EUR a month
        size=m storageGB=600 highAvailability=true

    Cost     +258.00 EUR a month
    Budget   payments-prod: 1342.00 of 2500.00 left
    Budget   organisation: fits
    Set      parameters.highAvailability=true (databases/prod-is-ha)
    Warning  The blueprint is young: expect changes to what it renders before the
             summer (databases/young)
    Approval 0 of 1 by an approver of team dba (databases/big-needs-dba)
    Files    on branch main of embedded
      + tenants/payments/prod/orders-db/00-externalsecret-orders-db-credentials.yaml
      + tenants/payments/prod/orders-db/01-postgresqlinstance-orders-db.yaml
    Plan     sha256:5a6f3b0d4c1e9f87a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f70819
    Next     Waits for 1 approval by an approver of team dba"
  `)
})

it('a committed request names its votes and its commit', () => {
  expect(renderRequest(committedRequest, plain)).toMatch(
    /Vote {5}approve by bob@example.com, 2026-11-24T12:00:00Z: go\nCommit {3}0123456789abcdef0123456789abcdef01234567/,
  )
})

it('a list of requests fits 80 columns with whole ids and states', () => {
  const page = { items: [sampleRequest, committedRequest], pageInfo: { endCursor: 'x', hasNextPage: true } }

  expect(renderRequests(page, plain, now)).toMatchInlineSnapshot(`
    "ID                              STATE             AGE  CHANGES     WHERE
    req_01h2xcejqtf2nbrexx3vqjhp41  pending_approval  1m   +orders-db  payments/prod
    req_01h2xcejqtf2nbrexx3vqjhp41  committed         1m   +orders-db  payments/prod
    There are more: --all shows them, --first N more of them."
  `)
})

it('a list that is read by a script is not cut', () => {
  const page = { items: [sampleRequest], pageInfo: { endCursor: null, hasNextPage: false } }

  expect(renderRequests(page, { ...plain, width: Number.POSITIVE_INFINITY }, now)).toContain('2026-11-24T11:59:00Z')
})

it('an apply says what became of each document', () => {
  const results = [
    { kind: 'Environment', name: 'prod', outcome: 'created', revision: 1 },
    { kind: 'Policy', name: 'databases', outcome: 'changed', revision: 3 },
    { kind: 'Team', name: 'payments', outcome: 'unchanged', revision: 1 },
  ]

  expect(renderApplied({ platformRevision: 14, results }, false, plain)).toMatchInlineSnapshot(`
    "OUTCOME    KIND         NAME       REVISION
    created    Environment  prod       1
    changed    Policy       databases  3
    unchanged  Team         payments   1

    1 created, 1 changed, 1 unchanged. Platform revision 14."
  `)
})

it('wrong fields are listed with their pointers and code frames', () => {
  const problem = problemDocument({
    code: 'invalid-document',
    errors: [
      {
        pointer: '/documents/2/spec/rules/0/when',
        detail: 'found no member storage',
        frame: '> 1 | parameters.storage > 1\n    |           ^',
      },
      { pointer: '', detail: 'something else' },
    ],
  })

  expect(renderProblem({ problem }, plain)).toMatchInlineSnapshot(`
    "The document is not valid (invalid-document)
      /documents/2/spec/rules/0/when: found no member storage
          > 1 | parameters.storage > 1
              |           ^
      the body: something else"
  `)
})

it('a fault of the server shows the id to ask about', () => {
  expect(renderProblem({ problem: problemDocument({ code: 'internal' }), correlationId: 'c0ffee' }, plain)).toMatchInlineSnapshot(`
    "Something broke on our side (internal)
      The fault is logged under the X-Request-Id of this answer. Nothing was
      changed.
      → Give the id below to whoever runs this server
      X-Request-Id: c0ffee"
  `)
})

it('colour changes no character of what is said', () => {
  const coloured: View = { paint: painter(true), width: 80 }
  // The escapes of ANSI styles, which only painter writes.
  const stripped = (text: string) => text.replaceAll(new RegExp(`${String.fromCodePoint(27)}\\[\\d+m`, 'g'), '')

  for (const render of [
    (view: View) => renderPlan(samplePlan, true, view),
    (view: View) => renderRequest(committedRequest, view),
    (view: View) => renderDiff(sampleDiff, view),
  ]) {
    expect(render(coloured)).not.toBe(render(plain))
    expect(stripped(render(coloured))).toBe(render(plain))
  }
})

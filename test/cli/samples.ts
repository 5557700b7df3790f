import type { Proposal, RequestAnswer } from '../../src/cli/answers.ts'
import { problemDocument } from '../../src/core/problem.ts'

const digest = 'sha256:5a6f3b0d4c1e9f87a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f70819'

/** Answers in the contract's words, for the fake API and for snapshots. */
export const samplePlan: Proposal = {
  team: 'payments',
  environment: 'prod',
  changes: [
    {
      action: 'create',
      blueprint: { name: 'postgres', version: '1.2.0' },
      resource: { id: null, name: 'orders-db' },
      parameters: { size: 'm', storageGB: 600, highAvailability: true },
      ttl: 'P14D',
      cost: { before: '0.00', after: '258.00', currency: 'EUR' },
    },
  ],
  cost: { monthlyDelta: '258.00', currency: 'EUR' },
  decision: {
    outcome: 'requires_approval',
    violations: [],
    warnings: [
      { policy: 'databases', rule: 'young', message: 'The blueprint is young: expect changes to what it renders before the summer' },
    ],
    applied: [{ policy: 'databases', rule: 'prod-is-ha', set: { 'parameters.highAvailability': true } }],
    approvals: [
      { source: 'policy', policy: 'databases', rule: 'big-needs-dba', approvers: { team: 'dba', role: 'approver' }, required: 1, given: 0 },
    ],
  },
  budgets: [
    { name: 'payments-prod', measure: 'cost', limit: '2500.00', committed: '900.00', reserved: '258.00', remaining: '1342.00' },
    { name: 'organisation', fits: true },
  ],
  plan: {
    digest,
    repository: 'embedded',
    branch: 'main',
    files: [
      {
        path: 'tenants/payments/prod/orders-db/00-externalsecret-orders-db-credentials.yaml',
        operation: 'create',
        digest: 'sha256:01',
        content: 'kind: ExternalSecret\n',
      },
      {
        path: 'tenants/payments/prod/orders-db/01-postgresqlinstance-orders-db.yaml',
        operation: 'create',
        digest: 'sha256:02',
        content: 'kind: PostgreSQLInstance\n',
      },
    ],
  },
  problem: null,
}

export const sampleRequest: RequestAnswer = {
  ...samplePlan,
  id: 'req_01h2xcejqtf2nbrexx3vqjhp41',
  state: 'pending_approval',
  team: 'payments',
  environment: 'prod',
  reason: 'orders go live',
  hold: null,
  requester: { subject: 'alice@example.com', via: null },
  approvals: [],
  delivery: null,
  problem: null,
  nextAction: 'Waits for 1 approval by an approver of team dba',
  createdAt: '2026-11-24T11:59:00Z',
}

export const queuedRequest: RequestAnswer = { ...sampleRequest, state: 'queued', nextAction: 'Waits for its commit' }

export const committedRequest: RequestAnswer = {
  ...sampleRequest,
  state: 'committed',
  approvals: [{ by: 'bob@example.com', vote: 'approve', comment: 'go', at: '2026-11-24T12:00:00Z' }],
  delivery: {
    repository: 'embedded',
    branch: 'main',
    commit: '0123456789abcdef0123456789abcdef01234567',
    committedAt: '2026-11-24T12:00:01Z',
  },
  nextAction: null,
}

export const sampleDiff = `diff --git a/tenants/payments/prod/orders-db/00.yaml b/tenants/payments/prod/orders-db/00.yaml
--- /dev/null
+++ b/tenants/payments/prod/orders-db/00.yaml
@@ -0,0 +1 @@
+kind: ExternalSecret
`

export const policyDenied = problemDocument({
  code: 'policy-denied',
  violations: [{ policy: 'databases', rule: 'stay-in-europe', message: 'Region us-east-1 is outside the EU', remedy: 'Ask in the EU' }],
  budgets: [],
  requestId: sampleRequest.id,
})

import { Type } from 'typebox'
import { requestStates } from '../../../core/request.ts'
import { amount, digestText, nullable, oneOf, openObject, ref, timestamp } from './component.ts'
import { pageSchema } from './page.ts'
import { problemWithin } from './problem.ts'

const blueprint = Type.Object({ name: Type.String(), version: Type.String() })
const operation = oneOf(['create', 'update', 'delete'])

const change = Type.Object(
  {
    action: operation,
    baseRevision: nullable(Type.Integer({ description: 'The revision of the resource that an update or delete was planned on.' })),
    blueprint,
    resource: Type.Object({ id: nullable(Type.String({ description: 'Null in the plan of a create.' })), name: Type.String() }),
    parameters: nullable(openObject),
    ttl: nullable(Type.String()),
    cost: Type.Object({ before: amount, after: amount, currency: Type.String() }, { description: 'Per month.' }),
  },
  { $id: 'Change', description: 'What is done to one resource, with its effective parameters: defaults and rules of policy included.' },
)

const reason = { policy: Type.String(), rule: Type.String(), message: Type.String() }
const decision = Type.Object(
  {
    outcome: oneOf(['allowed', 'requires_approval', 'denied']),
    violations: Type.Array(Type.Object({ ...reason, remedy: Type.Optional(Type.String()) })),
    warnings: Type.Array(Type.Object(reason)),
    applied: Type.Array(Type.Object({ policy: Type.String(), rule: Type.String(), set: openObject }), {
      description: 'Rules that changed a parameter.',
    }),
    approvals: Type.Array(
      Type.Object({
        source: oneOf(['policy', 'environment']),
        policy: Type.Optional(Type.String()),
        rule: Type.Optional(Type.String()),
        approvers: Type.Object({ team: Type.String(), role: oneOf(['viewer', 'developer', 'approver', 'owner']) }),
        required: Type.Integer(),
        given: Type.Integer(),
      }),
    ),
  },
  { $id: 'Decision', description: 'What policy says, with every reason.' },
)

const budget = Type.Union(
  [
    Type.Object({
      name: Type.String(),
      measure: oneOf(['cost', 'count']),
      limit: amount,
      committed: amount,
      reserved: amount,
      remaining: amount,
    }),
    Type.Object(
      { name: Type.String(), fits: Type.Boolean(), shortfall: amount },
      { description: 'Of a budget wider than the caller’s teams.' },
    ),
  ],
  { $id: 'BudgetSnapshot', description: 'A budget that covers this, with what is asked for in `reserved` where it fits.' },
)

const fileHead = { path: Type.String(), operation, digest: nullable(digestText) }
const planHead = { digest: digestText, repository: Type.String(), branch: Type.String() }

/** What plans and requests have in common. */
const proposal = {
  team: Type.String(),
  environment: Type.String(),
  reason: Type.String(),
  changes: Type.Array(ref(change)),
  cost: Type.Object({ monthlyDelta: amount, currency: Type.String() }),
  decision: ref(decision),
  budgets: Type.Array(ref(budget)),
}

const payments = { team: 'payments', environment: 'prod', reason: 'orders go live' }
const path = 'tenants/payments/prod/orders-db/01-postgresqlinstance-orders-db.yaml'
const shownFile = { path, operation: 'create', digest: `sha256:${'b'.repeat(64)}` }
const content = 'apiVersion: db.innoq.com/v1alpha1\nkind: PostgreSQLInstance\nmetadata:\n  name: orders-db\n'
const shownPlan = { digest: `sha256:${'a'.repeat(64)}`, repository: 'embedded', branch: 'main' }

function exampleOf(resourceId: string | null): Record<string, unknown> {
  return {
    ...payments,
    changes: [
      {
        action: 'create',
        baseRevision: null,
        blueprint: { name: 'postgres', version: '1.2.0' },
        resource: { id: resourceId, name: 'orders-db' },
        parameters: { size: 'm', storageGB: 600, highAvailability: true },
        ttl: 'P14D',
        cost: { before: '0.00', after: '258.00', currency: 'EUR' },
      },
    ],
    cost: { monthlyDelta: '258.00', currency: 'EUR' },
    decision: {
      outcome: 'requires_approval',
      violations: [],
      warnings: [],
      applied: [{ policy: 'databases', rule: 'prod-is-ha', set: { 'parameters.highAvailability': true } }],
      approvals: [
        {
          source: 'policy',
          policy: 'databases',
          rule: 'big-needs-dba',
          approvers: { team: 'dba', role: 'approver' },
          required: 1,
          given: 0,
        },
      ],
    },
    budgets: [
      { name: 'payments-prod', measure: 'cost', limit: '2500.00', committed: '900.00', reserved: '258.00', remaining: '1342.00' },
      { name: 'organisation', fits: true, shortfall: '0.00' },
    ],
  }
}

const message = 'payments/prod: create postgres orders-db (+258.00 EUR a month) waits for 1 approval by an approver of team dba.'

export const planSchema = Type.Object(
  {
    ...proposal,
    plan: Type.Object({
      ...planHead,
      files: Type.Array(Type.Object({ ...fileHead, content: nullable(Type.String({ description: 'Null: the file is removed.' })) })),
    }),
    problem: problemWithin,
    message: Type.String({ description: 'For people.' }),
  },
  {
    $id: 'Plan',
    description: 'What a request would do. `problem` says why it would be denied; nothing is stored or reserved.',
    examples: [
      {
        ...exampleOf(null),
        plan: { ...shownPlan, files: [{ ...shownFile, content }] },
        problem: null,
        message: 'payments/prod: create postgres orders-db (+258.00 EUR a month) would wait for 1 approval by an approver of team dba.',
      },
    ],
  },
)

const requestExample = {
  id: 'req_01jd8m0s6rf1tsg5xk3v9c2h4n',
  state: 'pending_approval',
  retryOf: null,
  hold: null,
  requester: { subject: 'alice@example.com', kind: 'person', via: null },
  ...exampleOf('res_01jd8m0s6rf1tsg5xk3v9c2h4p'),
  plan: { ...shownPlan, files: [shownFile] },
  approvals: [],
  delivery: null,
  problem: null,
  nextAction: 'Waits for 1 approval by an approver of team dba',
  message,
  createdAt: '2026-11-24T09:30:00.000Z',
  updatedAt: '2026-11-24T09:30:00.000Z',
}

export const requestSchema = Type.Object(
  {
    id: Type.String({ pattern: '^req_[0-9a-z]{26}$' }),
    state: oneOf(requestStates),
    ...proposal,
    retryOf: nullable(Type.String({ description: 'The request that this one tries again.' })),
    hold: nullable(
      Type.Object(
        { kind: oneOf(['history-rewritten', 'branch-refuses', 'unreachable']), reason: Type.String(), until: Type.Null() },
        { description: 'Why a queued request cannot be committed now.' },
      ),
    ),
    requester: Type.Object({
      subject: Type.String(),
      kind: oneOf(['person', 'service-account']),
      via: nullable(Type.String({ description: 'The bot that asked for the person.' })),
    }),
    plan: Type.Object({ ...planHead, files: Type.Array(Type.Object(fileHead)) }),
    approvals: Type.Array(
      Type.Object({ by: Type.String(), vote: oneOf(['approve', 'reject']), comment: nullable(Type.String()), at: timestamp }),
    ),
    delivery: nullable(
      Type.Object({
        repository: Type.String(),
        branch: Type.String(),
        commit: Type.String({ pattern: '^[0-9a-f]{40}$' }),
        committedAt: timestamp,
      }),
    ),
    problem: problemWithin,
    nextAction: nullable(Type.String({ description: 'What it waits for, or what to do; null when there is nothing.' })),
    message: Type.String({ description: 'For people.' }),
    createdAt: timestamp,
    updatedAt: timestamp,
  },
  { $id: 'Request', description: 'Changes that were asked for together, and what became of them.', examples: [requestExample] },
)

export const requestPage = pageSchema('RequestPage', requestSchema, requestExample)

export const requestFiles = Type.Array(
  Type.Object({
    ...fileHead,
    content: nullable(Type.String()),
    previous: nullable(Type.String({ description: 'What was there; null when nothing was.' })),
  }),
  {
    $id: 'RequestFiles',
    description: 'The files of a request’s plan, byte for byte.',
    examples: [[{ ...shownFile, content, previous: null }]],
  },
)

export const diffText = Type.String({ description: 'A unified diff.' })

export const requestComponents = [change, decision, budget, planSchema, requestSchema, requestPage, requestFiles]

import { Type } from 'typebox'
import { requestStates } from '../../../core/request.ts'
import { amount, digestText, nullable, oneOf, openObject, timestamp } from './component.ts'
import { pageSchema } from './page.ts'

const statuses = ['provisioning', 'ready', 'degraded', 'deleting', 'deleted', 'unknown'] as const
const blueprint = Type.Object({ name: Type.String(), version: Type.String() })
const request = Type.String({ pattern: '^req_[0-9a-z]{26}$' })

const resourceExample = {
  id: 'res_01jd8m0s6rf1tsg5xk3v9c2h4p',
  name: 'orders-db',
  team: 'payments',
  environment: 'prod',
  blueprint: { name: 'postgres', version: '1.2.0' },
  parameters: { size: 'm', storageGB: 600, highAvailability: true },
  cost: { monthly: '258.00', currency: 'EUR' },
  ttl: 'P14D',
  status: 'provisioning',
  lastRequest: 'req_01jd8m0s6rf1tsg5xk3v9c2h4n',
  files: [{ path: 'tenants/payments/prod/orders-db/01-postgresqlinstance-orders-db.yaml', digest: `sha256:${'b'.repeat(64)}` }],
  createdAt: '2026-11-24T09:30:00.000Z',
  updatedAt: '2026-11-24T09:31:00.000Z',
}

export const resourceSchema = Type.Object(
  {
    id: Type.String({ pattern: '^res_[0-9a-z]{26}$' }),
    name: Type.String(),
    team: Type.String(),
    environment: Type.String(),
    blueprint,
    parameters: openObject,
    cost: Type.Object({ monthly: amount, currency: Type.String() }),
    ttl: nullable(Type.String()),
    status: oneOf(statuses),
    lastRequest: request,
    files: Type.Array(Type.Object({ path: Type.String(), digest: digestText })),
    createdAt: timestamp,
    updatedAt: timestamp,
  },
  { $id: 'Resource', description: 'Something that exists, or is coming, because a request asked for it.', examples: [resourceExample] },
)

export const resourcePage = pageSchema('ResourcePage', resourceSchema, resourceExample)

const historyExample = {
  request: 'req_01jd8m0s6rf1tsg5xk3v9c2h4n',
  state: 'committed',
  action: 'create',
  blueprint: { name: 'postgres', version: '1.2.0' },
  parameters: { size: 'm', storageGB: 600, highAvailability: true },
  cost: { before: '0.00', after: '258.00', currency: 'EUR' },
  requester: 'alice@example.com',
  reason: 'orders go live',
  commit: '9daeafb9864cf43055ae93beb0afd6c7d144bfa4',
  createdAt: '2026-11-24T09:30:00.000Z',
}

export const resourceChange = Type.Object(
  {
    request,
    state: oneOf(requestStates),
    action: oneOf(['create', 'update', 'delete']),
    blueprint,
    parameters: nullable(openObject),
    cost: Type.Object({ before: amount, after: amount, currency: Type.String() }),
    requester: Type.String(),
    reason: Type.String(),
    commit: nullable(Type.String()),
    createdAt: timestamp,
  },
  { $id: 'ResourceChange', description: 'A change that was asked for, whatever became of it.', examples: [historyExample] },
)

export const resourceHistoryPage = pageSchema('ResourceHistoryPage', resourceChange, historyExample)

export const resourceComponents = [resourceSchema, resourcePage, resourceChange, resourceHistoryPage]

import type { Kind } from '../../../core/document/document.ts'
import type { JsonObject } from '../../../core/json.ts'

/** One believable document of each kind, as somebody would write it. */
export const documentExamples: { readonly [K in Kind]: JsonObject } = {
  Team: {
    apiVersion: 'purser.dev/v1',
    kind: 'Team',
    metadata: { name: 'payments', title: 'Payments' },
    spec: {
      members: [
        { user: 'alice@example.com', role: 'owner' },
        { group: 'idp-payments', role: 'developer' },
      ],
      contact: { email: 'payments@example.com', slack: '#payments' },
      costCenter: '4711',
    },
  },
  Environment: {
    apiVersion: 'purser.dev/v1',
    kind: 'Environment',
    metadata: { name: 'prod', title: 'Production' },
    spec: {
      order: 30,
      gitops: { path: 'tenants/${team.name}/prod' },
      namespace: '${team.name}-prod',
      values: { region: 'eu-central-1', domain: 'example.com', secretStore: 'vault-prod' },
      deletion: { approvers: { role: 'owner', count: 1 } },
    },
  },
  Blueprint: {
    apiVersion: 'purser.dev/v1',
    kind: 'Blueprint',
    metadata: { name: 'cache', title: 'In-memory cache', tags: ['cache'] },
    spec: {
      version: '1.0.0',
      lifecycle: 'production',
      owner: 'platform',
      parameters: { type: 'object', required: ['memoryGB'], properties: { memoryGB: { type: 'integer', minimum: 1, maximum: 64 } } },
      price: { monthly: '4.50 * double(parameters.memoryGB)' },
      manifests: [
        {
          apiVersion: 'cache.example.com/v1',
          kind: 'Cache',
          metadata: { name: '${resource.name}', namespace: '${environment.namespace}' },
          spec: { memoryGB: '${parameters.memoryGB}' },
        },
      ],
    },
  },
  Policy: {
    apiVersion: 'purser.dev/v1',
    kind: 'Policy',
    metadata: { name: 'caches' },
    spec: {
      match: { blueprints: ['cache'], actions: ['create', 'update'] },
      rules: [
        {
          name: 'large-needs-approval',
          when: 'parameters.memoryGB > 16',
          effect: 'require-approval',
          approvers: { team: 'platform', role: 'approver', count: 1 },
        },
      ],
      tests: [
        {
          name: 'a large one waits',
          given: { blueprint: 'cache', environment: 'prod', team: 'payments', parameters: { memoryGB: 32 } },
          expect: 'requires_approval',
        },
      ],
    },
  },
  Budget: {
    apiVersion: 'purser.dev/v1',
    kind: 'Budget',
    metadata: { name: 'payments-prod' },
    spec: { scope: { team: 'payments', environment: 'prod' }, measure: 'cost', limit: '2500.00', alertAt: [50, 80, 100] },
  },
  Service: {
    apiVersion: 'purser.dev/v1',
    kind: 'Service',
    metadata: { name: 'orders', title: 'Orders', description: 'Takes orders', tags: ['node'] },
    spec: {
      owner: 'payments',
      type: 'service',
      lifecycle: 'production',
      source: 'https://git.example.com/shop/orders',
      dependsOn: ['resource:prod/orders-db'],
    },
  },
  Trust: {
    apiVersion: 'purser.dev/v1',
    kind: 'Trust',
    metadata: { name: 'orders-deploy' },
    spec: {
      issuer: 'https://token.actions.githubusercontent.com',
      audience: 'purser',
      when: "claims.repository_id == '1234' && claims.ref == 'refs/heads/main'",
      serviceAccount: 'orders-ci',
      scopes: ['requests:write'],
      minutes: 15,
    },
  },
}

import type { JsonObject } from '../../../src/core/json.ts'
import type { ProblemCode } from '../../../src/core/problem.ts'
import type { World } from './parity-world.ts'
import { definition } from '../../support/definition.ts'
import { resourceDefinition } from '../../support/resource-definition.ts'

/**
 * One question in both faces. `operation`: REST's operation id. `type`: of what is compared, which is at `within` below the
 * field of GraphQL (its inner fields in order), and at `part` within REST's answer. `refused`: the code that both answer.
 */
export type Row = {
  readonly operation: string
  readonly what?: string
  readonly as?: string
  readonly token?: string | null
  readonly rest: Sent
  readonly headers?: Readonly<Record<string, string>>
  /** A field of Query with its arguments, or the name of a mutation. */
  readonly field: string
  /** Of a mutation. */
  readonly input?: JsonObject
  readonly within?: string
  readonly type?: string
  readonly refused?: ProblemCode
}
type Sent = readonly [method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: JsonObject]
export type Make = (world: World) => Promise<Row> | Row

const nouns = [
  { kind: 'Team', one: 'team', many: 'teams', name: 'red' },
  { kind: 'Environment', one: 'environment', many: 'environments', name: 'lab' },
  { kind: 'Blueprint', one: 'blueprint', many: 'blueprints', name: 'box' },
  { kind: 'Policy', one: 'policy', many: 'policies', name: 'boxes' },
  { kind: 'Budget', one: 'budget', many: 'budgets', name: 'red-lab' },
  { kind: 'Service', one: 'service', many: 'services', name: 'shop' },
  { kind: 'Trust', one: 'trust', many: 'trusts', name: 'deploy' },
] as const

/** Whoever asks, both faces answer the same: those who see, those who do not, and those who are nobody. */
export const everybody = {
  admin: {},
  developer: { as: 'ann@example.com' },
  viewer: { as: 'vic@example.com' },
  'named approver': { as: 'bob@example.com' },
  stranger: { as: 'zed@example.com' },
  nobody: { token: null },
} as const

export const reads: readonly Make[] = [
  () => ({ operation: 'readMe', rest: ['GET', '/v1/me'], field: 'me', type: 'Me' }),
  () => ({ operation: 'readPermissions', rest: ['GET', '/v1/me/permissions'], field: 'permissions', type: 'Permissions' }),
  () => ({
    operation: 'readPermissions',
    what: 'in a team',
    rest: ['GET', '/v1/me/permissions?team=red'],
    field: 'permissions(team: "red")',
    type: 'Permissions',
  }),
  () => ({
    operation: 'readPermissions',
    what: 'in no team that there is',
    rest: ['GET', '/v1/me/permissions?team=nowhere'],
    field: 'permissions(team: "nowhere")',
    type: 'Permissions',
  }),
  ({ waiting }) => ({
    operation: 'readRequest',
    rest: ['GET', `/v1/requests/${waiting}`],
    field: `request(id: "${waiting}")`,
    type: 'Request',
  }),
  ({ denied }) => ({
    operation: 'readRequest',
    what: 'that was denied',
    rest: ['GET', `/v1/requests/${denied}`],
    field: `request(id: "${denied}")`,
    type: 'Request',
  }),
  ({ committed }) => ({
    operation: 'readRequest',
    what: 'that is committed',
    rest: ['GET', `/v1/requests/${committed}`],
    field: `request(id: "${committed}")`,
    type: 'Request',
  }),
  ({ failed }) => ({
    operation: 'readRequest',
    what: 'that failed',
    rest: ['GET', `/v1/requests/${failed}`],
    field: `request(id: "${failed}")`,
    type: 'Request',
  }),
  () => ({
    operation: 'readRequest',
    what: 'that is no id',
    rest: ['GET', '/v1/requests/nothing'],
    field: 'request(id: "nothing")',
    type: 'Request',
  }),
  () => ({ operation: 'listRequests', rest: ['GET', '/v1/requests?first=3'], field: 'requests(first: 3)', type: 'RequestConnection' }),
  () => ({
    operation: 'listRequests',
    what: 'by state and team',
    rest: ['GET', '/v1/requests?state=pending_approval&team=red&environment=lab'],
    field: 'requests(state: PENDING_APPROVAL, team: "red", environment: "lab")',
    type: 'RequestConnection',
  }),
  () => ({
    operation: 'listRequests',
    what: 'that wait for me',
    rest: ['GET', '/v1/requests?awaiting=me'],
    field: 'requests(awaiting: ME)',
    type: 'RequestConnection',
  }),
  () => ({
    operation: 'listRequests',
    what: 'by who asked for what',
    rest: ['GET', '/v1/requests?requester=ann@example.com&resource=live'],
    field: 'requests(requester: "ann@example.com", resource: "live")',
    type: 'RequestConnection',
  }),
  ({ cursor }) => ({
    operation: 'listRequests',
    what: 'after a cursor',
    rest: ['GET', `/v1/requests?first=2&after=${cursor}`],
    field: `requests(first: 2, after: "${cursor}")`,
    type: 'RequestConnection',
  }),
  ({ waiting }) => ({
    operation: 'readRequestFiles',
    rest: ['GET', `/v1/requests/${waiting}/files`],
    field: `request(id: "${waiting}")`,
    within: 'plan.files',
    type: 'PlanFile',
  }),
  ({ waiting }) => ({
    operation: 'readRequestDiff',
    rest: ['GET', `/v1/requests/${waiting}/diff`],
    field: `request(id: "${waiting}")`,
    within: 'diff',
  }),
  ({ waiting }) => ({
    operation: 'listRequestEvents',
    rest: ['GET', `/v1/requests/${waiting}/events`],
    field: `request(id: "${waiting}")`,
    within: 'events',
    type: 'EventConnection',
  }),
  ({ resource }) => ({
    operation: 'readResource',
    rest: ['GET', `/v1/resources/${resource}`],
    field: `resource(id: "${resource}")`,
    type: 'Resource',
  }),
  () => ({ operation: 'listResources', rest: ['GET', '/v1/resources?first=2'], field: 'resources(first: 2)', type: 'ResourceConnection' }),
  () => ({
    operation: 'listResources',
    what: 'filtered',
    rest: ['GET', '/v1/resources?team=red&environment=lab&blueprint=box&status=provisioning'],
    field: 'resources(team: "red", environment: "lab", blueprint: "box", status: PROVISIONING)',
    type: 'ResourceConnection',
  }),
  ({ resource }) => ({
    operation: 'listResourceHistory',
    rest: ['GET', `/v1/resources/${resource}/history`],
    field: `resource(id: "${resource}")`,
    within: 'history',
    type: 'ResourceChangeConnection',
  }),
  () => ({
    operation: 'listBudgetLedger',
    rest: ['GET', '/v1/budgets/red-lab/ledger?first=3'],
    field: 'budget(name: "red-lab")',
    within: 'ledger(first: 3)',
    type: 'LedgerEntryConnection',
  }),
  () => ({ operation: 'listEvents', rest: ['GET', '/v1/events?first=5'], field: 'events(first: 5)', type: 'EventConnection' }),
  ({ waiting }) => ({
    operation: 'listEvents',
    what: 'filtered',
    rest: ['GET', `/v1/events?team=red&type=dev.purser.request.submitted.v1&subject=${waiting}`],
    field: `events(team: "red", type: "dev.purser.request.submitted.v1", subject: "${waiting}")`,
    type: 'EventConnection',
  }),
  () => ({
    operation: 'readServiceAccount',
    rest: ['GET', '/v1/service-accounts/red-bot'],
    field: 'serviceAccount(name: "red-bot")',
    type: 'ServiceAccount',
  }),
  () => ({
    operation: 'readServiceAccount',
    what: 'that is not there',
    rest: ['GET', '/v1/service-accounts/absent'],
    field: 'serviceAccount(name: "absent")',
    type: 'ServiceAccount',
  }),
  () => ({
    operation: 'listServiceAccounts',
    rest: ['GET', '/v1/service-accounts?first=5&team=red'],
    field: 'serviceAccounts(first: 5, team: "red")',
    type: 'ServiceAccountConnection',
  }),
  () => ({
    operation: 'listTokens',
    rest: ['GET', '/v1/service-accounts/red-bot/tokens?first=5'],
    field: 'serviceAccount(name: "red-bot")',
    within: 'tokens(first: 5)',
    type: 'TokenConnection',
  }),
  () => ({
    operation: 'listSchemas',
    rest: ['GET', '/v1/schemas?first=1&group=things.example.com'],
    field: 'schemas(first: 1, group: "things.example.com")',
    type: 'KnownKindConnection',
  }),
  ({ kind }) => ({
    operation: 'readSchema',
    rest: ['GET', `/v1/schemas/things.example.com/v1/${kind}`],
    field: `schema(group: "things.example.com", version: "v1", kind: "${kind}")`,
    type: 'KnownKindWithSchema',
  }),
  () => ({
    operation: 'readSchema',
    what: 'that is not there',
    rest: ['GET', '/v1/schemas/things.example.com/v2/Nothing'],
    field: 'schema(group: "things.example.com", version: "v2", kind: "Nothing")',
    type: 'KnownKindWithSchema',
  }),
  () => ({ operation: 'listBranches', rest: ['GET', '/v1/gitops/branches'], field: 'branches', type: 'Branch' }),
  () => ({ operation: 'verifyGitops', rest: ['GET', '/v1/gitops/verify'], field: 'verification', type: 'Verification' }),
  ...nouns.flatMap(({ kind, one, many, name }): readonly Make[] => [
    () => ({ operation: `read${kind}Document`, rest: ['GET', `/v1/${many}/${name}`], field: `${one}(name: "${name}")`, type: kind }),
    () => ({
      operation: `read${kind}Document`,
      what: 'that is not there',
      rest: ['GET', `/v1/${many}/absent`],
      field: `${one}(name: "absent")`,
      type: kind,
    }),
    () => ({
      operation: `list${kind}Documents`,
      rest: ['GET', `/v1/${many}?first=2`],
      field: `${many}(first: 2)`,
      type: `${kind}Connection`,
    }),
    () => ({
      operation: `list${kind}Versions`,
      rest: ['GET', `/v1/${many}/${name}/versions`],
      field: `${one}(name: "${name}")`,
      within: 'versions',
      type: 'DocumentVersionConnection',
    }),
  ]),
  () => ({
    operation: 'readBlueprintDocument',
    what: 'in a version',
    rest: ['GET', '/v1/blueprints/box@1.0.0'],
    field: 'blueprint(name: "box@1.0.0")',
    type: 'Blueprint',
  }),
  () => ({
    operation: 'listServiceDocuments',
    what: 'filtered',
    rest: ['GET', '/v1/services?owner=red&lifecycle=production&tag=node'],
    field: 'services(owner: "red", lifecycle: PRODUCTION, tag: "node")',
    type: 'ServiceConnection',
  }),
  () => ({
    operation: 'listRequests',
    what: 'too many at once',
    rest: ['GET', '/v1/requests?first=201'],
    field: 'requests(first: 201)',
    type: 'RequestConnection',
  }),
  () => ({
    operation: 'listEvents',
    what: 'after what is no cursor',
    rest: ['GET', '/v1/events?after=x'],
    field: 'events(after: "x")',
    type: 'EventConnection',
  }),
]

export const ann = { as: 'ann@example.com' }
export const bob = { as: 'bob@example.com' }

/** Each made twice, once for each face. */
export const writes: readonly Make[] = [
  ({ asked, inGraph }) => planOf('planRequest', asked(7), inGraph, ann),
  ({ asked, inGraph }) => ({ ...planOf('planRequest', asked(13), inGraph, ann), what: 'that would be denied' }),
  ({ asked, inGraph }) => submitOf(asked(7), inGraph, ann),
  ({ asked, inGraph }) => ({ ...submitOf(asked(600), inGraph, ann), what: 'that waits' }),
  ({ asked, inGraph }) => ({ ...submitOf({ ...asked(7), reason: 'because' }, inGraph, ann), what: 'with a reason' }),
  async ({ pending }) => {
    const { id, planDigest } = await pending(600)
    const body = { planDigest, comment: 'Fine' }
    return {
      operation: 'approveRequest',
      ...bob,
      rest: ['POST', `/v1/requests/${id}/approve`, body],
      field: 'approveRequest',
      input: { id, ...body },
      within: 'request',
      type: 'Request',
    }
  },
  async ({ pending }) => {
    const { id } = await pending(600)
    return {
      operation: 'rejectRequest',
      ...bob,
      rest: ['POST', `/v1/requests/${id}/reject`, { comment: 'No' }],
      field: 'rejectRequest',
      input: { id, comment: 'No' },
      within: 'request',
      type: 'Request',
    }
  },
  async ({ pending }) => {
    const { id } = await pending(600)
    return {
      operation: 'cancelRequest',
      ...ann,
      rest: ['POST', `/v1/requests/${id}/cancel`],
      field: 'cancelRequest',
      input: { id },
      within: 'request',
      type: 'Request',
    }
  },
  async ({ rejected }) => {
    const id = await rejected()
    return {
      operation: 'retryRequest',
      ...ann,
      rest: ['POST', `/v1/requests/${id}/retry`],
      field: 'retryRequest',
      input: { id },
      within: 'request',
      type: 'Request',
    }
  },
  ({ document }) => ({
    operation: 'applyDocuments',
    rest: ['POST', '/v1/apply', { documents: [document('Service'), document('Team')] }],
    field: 'apply',
    input: { documents: [document('Service'), document('Team')] },
    type: 'ApplyPayload',
  }),
  ({ fresh }) => {
    const body = { documents: [definition(fresh()), { kind: 'Deployment' }], price: { monthly: '1.0' } }
    return {
      operation: 'importBlueprints',
      rest: ['POST', '/v1/blueprints/import', body],
      field: 'importBlueprints',
      input: body,
      type: 'ImportBlueprintsPayload',
    }
  },
  () => {
    const body = { documents: [resourceDefinition('standing'), { kind: 'Deployment' }] }
    return { operation: 'addSchemas', rest: ['POST', '/v1/schemas', body], field: 'addSchemas', input: body, type: 'AddSchemasPayload' }
  },
  async ({ fresh, knownKind }) => {
    const kind = await knownKind(fresh())
    return {
      operation: 'deleteSchema',
      rest: ['DELETE', `/v1/schemas/things.example.com/v1/${kind}`],
      field: 'deleteSchema',
      input: { group: 'things.example.com', version: 'v1', kind },
      within: 'kind',
    }
  },
  ({ fresh }) => {
    const body = { name: fresh(), team: 'red', description: 'Pipelines' }
    return {
      operation: 'createServiceAccount',
      rest: ['POST', '/v1/service-accounts', body],
      field: 'createServiceAccount',
      input: body,
      within: 'serviceAccount',
      type: 'ServiceAccount',
    }
  },
  async ({ account }) => {
    const name = await account()
    return {
      operation: 'retireServiceAccount',
      rest: ['DELETE', `/v1/service-accounts/${name}`],
      field: 'retireServiceAccount',
      input: { name },
      within: 'name',
    }
  },
  () => {
    const body = { expiresIn: 3_600, impersonateTeams: ['red', '*'] }
    return {
      operation: 'createToken',
      rest: ['POST', '/v1/service-accounts/red-bot/tokens', { ...body, scopes: ['requests:write', 'approvals:write', 'impersonate'] }],
      field: 'createToken',
      input: { ...body, name: 'red-bot', scopes: ['REQUESTS_WRITE', 'APPROVALS_WRITE', 'IMPERSONATE'] },
      within: 'token',
      type: 'CreatedToken',
    }
  },
  async ({ token }) => {
    const id = await token('red-bot')
    return {
      operation: 'revokeToken',
      rest: ['DELETE', `/v1/service-accounts/red-bot/tokens/${id}`],
      field: 'revokeToken',
      input: { name: 'red-bot', id },
      within: 'id',
    }
  },
  async ({ heldBranch }) => {
    const body = await heldBranch()
    return {
      operation: 'acceptBranch',
      rest: ['POST', '/v1/gitops/branches/accept', body],
      field: 'acceptBranch',
      input: body,
      within: 'branch',
      type: 'Branch',
    }
  },
  ...nouns.flatMap(({ kind, one, many }): readonly Make[] => [
    ({ document, fresh }) => {
      const name = fresh()
      const body = document(kind, name)
      return {
        operation: `put${kind}Document`,
        rest: ['PUT', `/v1/${many}/${name}`, body],
        field: `put${kind}`,
        input: { name, document: body },
        within: one,
        type: kind,
      }
    },
    async ({ stored, fresh }) => {
      const name = fresh()
      await stored(kind, name)
      return {
        operation: `delete${kind}Document`,
        rest: ['DELETE', `/v1/${many}/${name}`],
        field: `delete${kind}`,
        input: { name },
        within: 'name',
      }
    },
  ]),
]

function planOf(operation: string, body: JsonObject, inGraph: (body: JsonObject) => JsonObject, who: { readonly as: string }): Row {
  return { operation, ...who, rest: ['POST', '/v1/plans', body], field: 'planRequest', input: inGraph(body), within: 'plan', type: 'Plan' }
}

export function submitOf(
  body: JsonObject,
  inGraph: (body: JsonObject) => JsonObject,
  who: { readonly as?: string; readonly token?: null },
): Row {
  return {
    operation: 'submitRequest',
    ...who,
    rest: ['POST', '/v1/requests', body],
    field: 'submitRequest',
    input: inGraph(body),
    within: 'request',
    type: 'Request',
  }
}

/** Operations that only one face can have, and why. */
export const onlyInRest: Readonly<Record<string, string>> = {
  exchangeToken: 'an endpoint of OAuth (RFC 8693), whose clients send a form and nothing else; who asks there is nobody yet',
  followTeamEvents: 'a stream over HTTP; GraphQL has subscriptions for that, and no others',
}

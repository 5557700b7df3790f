import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../src/core/json.ts'
import { hashToken, makeToken, TOKEN_BYTES } from '../../src/core/token.ts'
import { setBranchState } from '../../src/store/deliveries.ts'
import { itemsOf, outcomeOf, textAt, type Answer, type AskOptions } from '../support/api.ts'
import { commitAll, theBranch } from '../support/delivery.ts'
import { openPurse } from '../support/purse.ts'
import { openServer } from '../support/server.ts'
import { signedIn, vouching } from '../support/vouching.ts'
import { definition } from '../support/definition.ts'
import { kindOf, resourceDefinition } from '../support/resource-definition.ts'

/**
 * Every route × everybody who may ask. A route without a row fails, and so does a row without a route.
 *
 * Who: `nobody` sends no token, `wrong` one that nobody issued. `stranger` is a person whom no team lists; `viewer`,
 * `developer`, `approver`, `owner` have that role in team red, whose things all rows are about; `other` owns another team;
 * `named` is an approver of the team that policy names for red's requests; `asker` is the developer of red who asked;
 * `admin` is the administrator's token as such. `signed` is red's owner with a token of their own, of every scope, `auditor`
 * who the configuration calls one, signed in: the others act through `Purser-On-Behalf-Of`, which never gives the scope to
 * write documents.
 *
 * Cells: the status, where a refusal has the code that goes with it: 401 unauthenticated, 403 forbidden, 404 not-found.
 * `[]` is 200 with an empty page, `own` is 403 own-request. Requests that rows are about were asked for by the asker's own
 * token, unless they say that it was through the administrator's, who then has a part in them.
 */
const table = `
                                                 nobody wrong stranger viewer developer approver owner other named asker admin signed auditor
GET    /healthz                                  200    200   200      200    200       200      200   200   200   200   200   200    200
GET    /readyz                                   200    200   200      200    200       200      200   200   200   200   200   200    200
GET    /metrics                                  200    200   200      200    200       200      200   200   200   200   200   200    200
GET    /.well-known/oauth-protected-resource      404    404   404      404    404       404      404   404   404   404   404   404    404
GET    /openapi.json                             200    200   200      200    200       200      200   200   200   200   200   200    200
GET    /docs                                     200    200   200      200    200       200      200   200   200   200   200   200    200
GET    /docs/json                                200    200   200      200    200       200      200   200   200   200   200   200    200
GET    /docs/yaml                                200    200   200      200    200       200      200   200   200   200   200   200    200
GET    /docs/static/*                            200    200   200      200    200       200      200   200   200   200   200   200    200
GET    /docs/static/index.html                   302    302   302      302    302       302      302   302   302   302   302   302    302
GET    /docs/static/swagger-initializer.js       200    200   200      200    200       200      200   200   200   200   200   200    200

POST   /v1/token                                 400    400   400      400    400       400      400   400   400   400   400   400    400
GET    /v1/me                                    401    401   200      200    200       200      200   200   200   200   200   200    200
GET    /v1/me/permissions                        401    401   200      200    200       200      200   200   200   200   200   200    200
POST   /v1/plans                                 401    401   403      403    200       200      200   403   403   200   403   200    403
POST   /v1/requests                              401    401   403      403    202       202      202   403   403   202   403   202    403
GET    /v1/requests                              401    401   []       200    200       200      200   []    []    200   200   200    200
GET    /v1/requests (awaiting me)                401    401   []       []     []        []       []    []    200   []    []    []     []
GET    /v1/requests (awaiting me, own approver)  401    401   []       []     []        200      200   []    []    []    []    200    []
GET    /v1/requests/:id                          401    401   404      200    200       200      200   404   200   200   200   200    200
GET    /v1/requests/:id (own approver)           401    401   404      200    200       200      200   404   404   200   200   200    200
GET    /v1/requests/:id/files                    401    401   404      200    200       200      200   404   200   200   200   200    200
GET    /v1/requests/:id/diff                     401    401   404      200    200       200      200   404   200   200   200   200    200
GET    /v1/requests/:id/events                   401    401   404      200    200       200      200   404   200   200   200   200    200
GET    /v1/requests/:id/events (as a stream)     401    401   404      200    200       200      200   404   200   200   200   200    200
POST   /v1/requests/:id/approve                  401    401   404      403    403       403      403   404   200   own   403   403    403
POST   /v1/requests/:id/approve (own approver)   401    401   404      403    403       200      200   404   404   own   403   200    403
POST   /v1/requests/:id/approve (through admin)  401    401   404      403    403       403      403   404   200   own   own   403    403
POST   /v1/requests/:id/reject                   401    401   404      403    403       403      403   404   200   own   403   403    403
POST   /v1/requests/:id/reject (own approver)    401    401   404      403    403       200      200   404   404   own   403   200    403
POST   /v1/requests/:id/cancel                   401    401   404      403    403       403      200   404   403   200   200   200    403
POST   /v1/requests/:id/retry                    401    401   404      403    403       403      202   404   403   202   202   202    403

GET    /v1/resources                             401    401   []       200    200       200      200   []    []    200   200   200    200
GET    /v1/resources/:id                         401    401   404      200    200       200      200   404   404   200   200   200    200
GET    /v1/resources/:id/history                 401    401   404      200    200       200      200   404   404   200   200   200    200
GET    /v1/budgets                               401    401   []       200    200       200      200   []    []    200   200   200    200
GET    /v1/budgets/:name                         401    401   404      200    200       200      200   404   404   200   200   200    200
GET    /v1/budgets/:name (of all)                401    401   404      404    404       404      404   404   404   404   200   404    200
GET    /v1/budgets/:name/versions                401    401   404      200    200       200      200   404   404   200   200   200    200
GET    /v1/budgets/:name/ledger                  401    401   404      200    200       200      200   404   404   200   200   200    200
PUT    /v1/budgets/:name                         401    401   403      403    403       403      403   403   403   403   200   403    403
DELETE /v1/budgets/:name                         401    401   403      403    403       403      403   403   403   403   204   403    403
GET    /v1/events                                401    401   []       200    200       200      200   200   200   200   200   200    200
GET    /v1/events (of red)                       401    401   []       200    200       200      200   []    []    200   200   200    200
GET    /v1/teams/:name/events                    401    401   404      200    200       200      200   404   404   200   200   200    200
GET    /v1/schemas                               401    401   200      200    200       200      200   200   200   200   200   200    200
GET    /v1/schemas/:group/:version/:kind         401    401   200      200    200       200      200   200   200   200   200   200    200
POST   /v1/schemas                               401    401   403      403    403       403      403   403   403   403   200   403    403
DELETE /v1/schemas/:group/:version/:kind         401    401   403      403    403       403      403   403   403   403   204   403    403
GET    /v1/gitops/branches                       401    401   200      200    200       200      200   200   200   200   200   200    200
GET    /v1/gitops/verify                         401    401   403      403    403       403      403   403   403   403   200   403    200
POST   /v1/gitops/branches/accept                401    401   403      403    403       403      403   403   403   403   200   403    403

GET    /v1/service-accounts                      401    401   []       200    200       200      200   []    []    200   200   200    200
POST   /v1/service-accounts                      401    401   403      403    403       403      403   403   403   403   201   201    403
GET    /v1/service-accounts/:name                401    401   404      200    200       200      200   404   404   200   200   200    200
DELETE /v1/service-accounts/:name                401    401   403      403    403       403      403   403   403   403   204   204    403
GET    /v1/service-accounts/:name/tokens         401    401   404      403    403       403      200   404   404   403   200   200    200
POST   /v1/service-accounts/:name/tokens         401    401   403      403    403       403      403   403   403   403   201   201    403
POST   /v1/service-accounts/:name/tokens (bot)   401    401   403      403    403       403      403   403   403   403   201   403    403
DELETE /v1/service-accounts/:name/tokens/:id     401    401   403      403    403       403      403   403   403   403   204   204    403

GET    /v1/teams                                 401    401   200      200    200       200      200   200   200   200   200   200    200
GET    /v1/teams/:name                           401    401   200      200    200       200      200   200   200   200   200   200    200
GET    /v1/teams/:name/versions                  401    401   200      200    200       200      200   200   200   200   200   200    200
PUT    /v1/teams/:name                           401    401   403      403    403       403      403   403   403   403   200   200    403
PUT    /v1/teams/:name (new)                     401    401   403      403    403       403      403   403   403   403   201   403    403
PUT    /v1/teams/:name (cost center)             401    401   403      403    403       403      403   403   403   403   200   403    403
DELETE /v1/teams/:name                           401    401   403      403    403       403      403   403   403   403   204   403    403
GET    /v1/environments                          401    401   200      200    200       200      200   200   200   200   200   200    200
GET    /v1/environments/:name                    401    401   200      200    200       200      200   200   200   200   200   200    200
GET    /v1/environments/:name/versions           401    401   200      200    200       200      200   200   200   200   200   200    200
PUT    /v1/environments/:name                    401    401   403      403    403       403      403   403   403   403   200   403    403
DELETE /v1/environments/:name                    401    401   403      403    403       403      403   403   403   403   204   403    403
GET    /v1/blueprints                            401    401   200      200    200       200      200   200   200   200   200   200    200
GET    /v1/blueprints/:name                      401    401   200      200    200       200      200   200   200   200   200   200    200
GET    /v1/blueprints/:name/versions             401    401   200      200    200       200      200   200   200   200   200   200    200
PUT    /v1/blueprints/:name                      401    401   403      403    403       403      403   403   403   403   200   403    403
DELETE /v1/blueprints/:name                      401    401   403      403    403       403      403   403   403   403   204   403    403
GET    /v1/policies                              401    401   200      200    200       200      200   200   200   200   200   200    200
GET    /v1/policies/:name                        401    401   200      200    200       200      200   200   200   200   200   200    200
GET    /v1/policies/:name/versions               401    401   200      200    200       200      200   200   200   200   200   200    200
PUT    /v1/policies/:name                        401    401   403      403    403       403      403   403   403   403   200   403    403
DELETE /v1/policies/:name                        401    401   403      403    403       403      403   403   403   403   204   403    403
GET    /v1/services                              401    401   200      200    200       200      200   200   200   200   200   200    200
GET    /v1/services/:name                        401    401   200      200    200       200      200   200   200   200   200   200    200
GET    /v1/services/:name/versions               401    401   200      200    200       200      200   200   200   200   200   200    200
PUT    /v1/services/:name                        401    401   403      403    403       403      403   403   403   403   200   200    403
PUT    /v1/services/:name (new)                  401    401   403      403    403       403      403   403   403   403   201   201    403
PUT    /v1/services/:name (of another)           401    401   403      403    403       403      403   403   403   403   200   403    403
PUT    /v1/services/:name (to another)           401    401   403      403    403       403      403   403   403   403   200   403    403
DELETE /v1/services/:name                        401    401   403      403    403       403      403   403   403   403   204   204    403
DELETE /v1/services/:name (of another)           401    401   403      403    403       403      403   403   403   403   204   403    403
GET    /v1/trusts                                401    401   []       []     []        []       []    []    []    []    200   []     200
GET    /v1/trusts/:name                          401    401   404      404    404       404      404   404   404   404   200   404    200
GET    /v1/trusts/:name/versions                 401    401   404      404    404       404      404   404   404   404   200   404    200
PUT    /v1/trusts/:name                          401    401   403      403    403       403      403   403   403   403   200   403    403
DELETE /v1/trusts/:name                          401    401   403      403    403       403      403   403   403   403   204   403    403
POST   /v1/blueprints/import                     401    401   403      403    403       403      403   403   403   403   200   403    403
POST   /v1/apply                                 401    401   403      403    403       403      403   403   403   403   200   403    403
POST   /v1/apply (own team and service)          401    401   403      403    403       403      403   403   403   403   200   200    403
`

const auditor = 'aud@example.com'
const { api, app, house } = await openServer({ issuers: vouching, platformRoles: { administrators: [], auditors: [auditor] } })
const owner = openPurse(house.urls.ownerUrl)
const { pool } = house.context.database

const people = {
  stranger: 'sue@example.com',
  viewer: 'vic@example.com',
  developer: 'dev@example.com',
  approver: 'apo@example.com',
  owner: 'ove@example.com',
  other: 'zed@example.com',
  named: 'bob@example.com',
  asker: 'ann@example.com',
} as const

function document(kind: string, name: string, spec: JsonObject): JsonObject {
  return { apiVersion: 'purser.dev/v1', kind, metadata: { name }, spec }
}

const red = [
  { user: people.viewer, role: 'viewer' },
  { user: people.developer, role: 'developer' },
  { user: people.approver, role: 'approver' },
  { user: people.owner, role: 'owner' },
  { user: people.asker, role: 'developer' },
]
const manifest = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: '${resource.name}', namespace: '${environment.namespace}' },
  data: { units: 'u${parameters.units}' },
}
/** A document of each kind under any name; of teams and services, red's. */
const documents = {
  teams: (name: string, more: JsonObject = {}) => document('Team', name, { members: red, ...more }),
  environments: (name: string) =>
    document('Environment', name, { gitops: { path: `${name}/\${team.name}` }, namespace: `\${team.name}-${name}` }),
  blueprints: (name: string) =>
    document('Blueprint', name, {
      version: '1.0.0',
      parameters: { type: 'object', required: ['units'], properties: { units: { type: 'integer', minimum: 1, maximum: 1_000 } } },
      price: { monthly: '1.0 * double(parameters.units)' },
      manifests: [manifest],
    }),
  policies: (name: string) =>
    document('Policy', name, {
      match: { blueprints: ['box'] },
      rules: [
        { name: 'blue', when: 'parameters.units >= 500', effect: 'require-approval', approvers: { team: 'blue', role: 'approver' } },
        { name: 'own', when: 'parameters.units == 450', effect: 'require-approval', approvers: { role: 'approver' } },
      ],
    }),
  budgets: (name: string) => document('Budget', name, { scope: { team: 'red' }, limit: '1000000.00' }),
  services: (name: string, owner = 'red') => document('Service', name, { owner }),
  trusts: (name: string) =>
    document('Trust', name, {
      issuer: 'https://ci.example.com',
      audience: 'purser',
      when: "claims.sub == 'deploy'",
      serviceAccount: 'red-ci',
    }),
}
/** The one of each kind that is there from the beginning. */
const standing = {
  teams: 'red',
  environments: 'lab',
  blueprints: 'box',
  policies: 'big',
  budgets: 'red-lab',
  services: 'shop',
  trusts: 'deploy',
} as const
/** The service account of red that is there from the beginning. */
const standingAccount = 'red-ci'
const tokensPath = `/v1/service-accounts/${standingAccount}/tokens`

const applied = await api('POST', '/v1/apply', {
  documents: [
    ...Object.entries(standing).flatMap(([path, name]) => (path === 'trusts' ? [] : [documents[path as keyof typeof standing](name)])),
    document('Team', 'blue', { members: [{ user: people.named, role: 'approver' }] }),
    document('Team', 'grey', { members: [{ user: people.other, role: 'owner' }] }),
    documents.services('desk', 'grey'),
    document('Budget', 'all', { limit: '10000000.00' }),
  ],
})
if (applied.status !== 200) throw new Error(applied.text)

let count = 0
function fresh(): string {
  count += 1
  return `n${count}`
}

function submission(units: number): JsonObject {
  return { team: 'red', environment: 'lab', changes: [{ action: 'create', blueprint: 'box', name: fresh(), parameters: { units } }] }
}

/** A request of the asker that waits: from 500 units on for an approver of blue, with 450 for one of red. */
async function pending(
  units: number,
  asker: AskOptions = { token: askersToken },
): Promise<{ readonly id: string; readonly name: string; readonly planDigest: string }> {
  const answer = await api('POST', '/v1/requests', submission(units), asker)
  return { id: textAt(answer, 'id'), name: textAt(answer, 'changes.0.resource.name'), planDigest: textAt(answer, 'plan.digest') }
}

async function put(path: keyof typeof documents, body: (name: string) => JsonObject): Promise<string> {
  const name = fresh()
  const answer = await api('PUT', `/v1/${path}/${name}`, body(name))
  if (answer.status !== 201) throw new Error(answer.text)
  return `/v1/${path}/${name}`
}

/** A person with a token of their own, as an identity provider will give them: here only the database's owner can make one. */
async function tokenOf(email: string): Promise<string> {
  const token = makeToken(randomBytes(TOKEN_BYTES))
  const { principal } = await house.person(email)
  await owner.query(
    `insert into api_token (id, principal_id, hash, scopes, created_by, expires_at) values (gen_random_uuid(), $1, $2, $3, $1, now() + interval '1 day')`,
    [principal, hashToken(token), ['read', 'requests:write', 'approvals:write', 'platform:write', 'audit:read']],
  )
  return token
}

const askersToken = await tokenOf(people.asker)
const callers: Readonly<Record<string, AskOptions>> = {
  nobody: { token: null },
  wrong: { token: makeToken(randomBytes(TOKEN_BYTES)) },
  admin: {},
  signed: { token: await tokenOf(people.owner) },
  auditor: { token: signedIn(auditor) },
  ...Object.fromEntries(Object.entries(people).map(([role, as]) => [role, { as }])),
}

const thing = await api('POST', '/v1/requests', submission(1), { as: people.asker })
await commitAll(pool)
const [forBlue, forRed] = [await pending(600), await pending(450)]
await newAccount(standingAccount)
await api('POST', '/v1/schemas', { documents: [resourceDefinition('standing')] })
if ((await api('PUT', '/v1/trusts/deploy', documents.trusts('deploy'))).status !== 201) throw new Error('no Trust')
await api('POST', tokensPath, { scopes: ['read'], expiresIn: 60 })
const ids: Readonly<Record<string, string>> = {
  requests: forBlue.id,
  resources: textAt(thing, 'changes.0.resource.id'),
  'service-accounts': standingAccount,
  ...standing,
}

type Sent = { readonly path: string; readonly body?: JsonObject; readonly headers?: Readonly<Record<string, string>> }

/** What is sent where it is more than a path: for each cell something new, so that none depends on another. */
const sent: Readonly<Record<string, () => Promise<Sent> | Sent>> = {
  'GET /docs/static/*': () => ({ path: '/docs/static/swagger-ui.css' }),
  'POST /v1/plans': () => ({ path: '/v1/plans', body: submission(1) }),
  'POST /v1/requests': () => ({ path: '/v1/requests', body: submission(1) }),
  'GET /v1/requests (awaiting me)': () => ({ path: `/v1/requests?awaiting=me&resource=${forBlue.name}` }),
  'GET /v1/requests (awaiting me, own approver)': () => ({ path: `/v1/requests?awaiting=me&resource=${forRed.name}` }),
  'GET /v1/requests/:id (own approver)': () => ({ path: `/v1/requests/${forRed.id}` }),
  'GET /v1/requests/:id/events (as a stream)': () => ({
    path: `/v1/requests/${forBlue.id}/events`,
    headers: { accept: 'text/event-stream' },
  }),
  'POST /v1/requests/:id/approve': () => approval(600),
  'POST /v1/requests/:id/approve (own approver)': () => approval(450),
  'POST /v1/requests/:id/approve (through admin)': () => approval(600, { as: people.asker }),
  'POST /v1/requests/:id/reject': () => rejection(600),
  'POST /v1/requests/:id/reject (own approver)': () => rejection(450),
  'POST /v1/requests/:id/cancel': async () => ({ path: `/v1/requests/${(await pending(600)).id}/cancel` }),
  'POST /v1/requests/:id/retry': async () => {
    const { path, body } = await rejection(600)
    const rejected = await api('POST', path, body, { as: people.named })
    return { path: `/v1/requests/${textAt(rejected, 'id')}/retry` }
  },
  'GET /v1/budgets/:name (of all)': () => ({ path: '/v1/budgets/all' }),
  'GET /v1/events (of red)': () => ({ path: '/v1/events?team=red' }),
  'POST /v1/gitops/branches/accept': async () => {
    const held = await theBranch(pool)
    const { repository, branch } = held
    await setBranchState(pool, held, 'history-rewritten', 'somebody pushed by force')
    return { path: '/v1/gitops/branches/accept', body: { repository, branch, head: 'a'.repeat(40) } }
  },
  'POST /v1/service-accounts': () => ({ path: '/v1/service-accounts', body: { name: fresh(), team: 'red' } }),
  'DELETE /v1/service-accounts/:name': async () => ({ path: await newAccount(fresh()) }),
  'POST /v1/service-accounts/:name/tokens': () => ({ path: tokensPath, body: { scopes: ['read'], expiresIn: 60 } }),
  'POST /v1/service-accounts/:name/tokens (bot)': () => ({
    path: tokensPath,
    body: { scopes: ['read', 'impersonate'], impersonateTeams: ['red'], expiresIn: 60 },
  }),
  'DELETE /v1/service-accounts/:name/tokens/:id': async () => {
    const token = await api('POST', tokensPath, { scopes: ['read'], expiresIn: 60 })
    return { path: `${tokensPath}/${textAt(token, 'id')}` }
  },
  ...Object.fromEntries(
    Object.entries(standing).flatMap(([key, name]): [string, () => Promise<Sent> | Sent][] => {
      const path = key as keyof typeof standing // Its own key.
      return [
        [`PUT /v1/${path}/:name`, () => ({ path: `/v1/${path}/${name}`, body: documents[path](name) })],
        [`DELETE /v1/${path}/:name`, async () => ({ path: await put(path, (fresh) => documents[path](fresh)) })],
      ]
    }),
  ),
  'PUT /v1/teams/:name': () => ({
    path: '/v1/teams/red',
    body: documents.teams('red', {
      contact: { slack: `#${fresh()}` },
      members: [...red, { user: `${fresh()}@example.com`, role: 'viewer' }],
    }),
  }),
  'PUT /v1/teams/:name (new)': () => newDocument('teams', (name) => documents.teams(name)),
  'PUT /v1/teams/:name (cost center)': () => ({ path: '/v1/teams/red', body: documents.teams('red', { costCenter: fresh() }) }),
  'PUT /v1/services/:name (new)': () => newDocument('services', (name) => documents.services(name)),
  'PUT /v1/services/:name (of another)': async () => {
    const path = await put('services', (name) => documents.services(name, 'grey'))
    return { path, body: documents.services(path.split('/').at(-1) ?? '', 'red') }
  },
  'PUT /v1/services/:name (to another)': async () => {
    const path = await put('services', (name) => documents.services(name))
    return { path, body: documents.services(path.split('/').at(-1) ?? '', 'grey') }
  },
  'DELETE /v1/services/:name (of another)': async () => ({ path: await put('services', (name) => documents.services(name, 'grey')) }),
  'GET /v1/schemas/:group/:version/:kind': () => ({ path: '/v1/schemas/things.example.com/v1/Standing' }),
  'POST /v1/schemas': () => ({ path: '/v1/schemas', body: { documents: [resourceDefinition(fresh())] } }),
  'DELETE /v1/schemas/:group/:version/:kind': async () => {
    const plural = fresh()
    await api('POST', '/v1/schemas', { documents: [resourceDefinition(plural)] })
    return { path: `/v1/schemas/things.example.com/v1/${kindOf(plural)}` }
  },
  'POST /v1/blueprints/import': () => ({ path: '/v1/blueprints/import', body: { documents: [definition(fresh())] } }),
  'POST /v1/apply': () => ({ path: '/v1/apply', body: { documents: [documents.policies('big')] } }),
  'POST /v1/apply (own team and service)': () => ({
    path: '/v1/apply',
    body: { documents: [documents.teams('red'), documents.services('shop')] },
  }),
}

async function newAccount(name: string): Promise<string> {
  const answer = await api('POST', '/v1/service-accounts', { name, team: 'red' })
  if (answer.status !== 201) throw new Error(answer.text)
  return `/v1/service-accounts/${name}`
}

async function approval(units: number, asker?: AskOptions): Promise<Sent> {
  const { id, planDigest } = await pending(units, asker)
  return { path: `/v1/requests/${id}/approve`, body: { planDigest } }
}

async function rejection(units: number): Promise<Sent> {
  return { path: `/v1/requests/${(await pending(units)).id}/reject`, body: { comment: 'No' } }
}

function newDocument(path: keyof typeof documents, body: (name: string) => JsonObject): Sent {
  const name = fresh()
  return { path: `/v1/${path}/${name}`, body: body(name) }
}

/** The path with what stands for its parameter. */
function standingPath(url: string): string {
  return url.replace(/:(id|name)/, ids[url.split('/')[2] ?? ''] ?? '')
}

const usual: Readonly<Record<number, string>> = { 401: 'unauthenticated', 403: 'forbidden', 404: 'not-found' }

/** An answer as the table writes it. */
function cellOf(answer: Answer): string {
  const { status, body } = answer
  if (status < 400) return Array.isArray(body['items']) && itemsOf(answer).length === 0 ? '[]' : String(status)
  if (body['code'] === 'own-request') return 'own'
  return body['code'] === usual[status] ? String(status) : outcomeOf(answer)
}

const [head = '', ...lines] = table.split('\n').filter((line) => line.trim() !== '')
const columns = head.trim().split(/ +/)
const rows = lines.map((line) => {
  const [, method = '', url = '', variant = '', cells = ''] = /^(\w+) +(\S+)(?: \(([^)]*)\))? +(.*)$/.exec(line) ?? []
  return {
    route: `${method} ${url}`,
    method,
    url,
    name: `${method} ${url}${variant === '' ? '' : ` (${variant})`}`,
    cells: cells.trim().split(/ +/),
  }
})

test('every route has a row in the table, and every row is a route', () => {
  const routes = app.routeTable.map(({ method, url }) => `${method} ${url}`)

  expect([...new Set(rows.map(({ route }) => route))].toSorted()).toEqual([...new Set(routes)].toSorted())
  expect(columns.toSorted()).toEqual(Object.keys(callers).toSorted())
  expect(Object.keys(sent).filter((name) => !rows.some((row) => row.name === name))).toEqual([])
})

describe('who may do what', () => {
  test.each(rows)('$name', async ({ method, url, name, cells }) => {
    const cell = async (column: string) => {
      const { path, body, headers } = (await sent[name]?.()) ?? { path: standingPath(url) }
      return cellOf(await api(method, path, body, { ...callers[column], ...(headers === undefined ? {} : { headers }) }))
    }
    const seen: string[] = []
    if (method === 'GET') seen.push(...(await Promise.all(columns.map(cell))))
    else for (const column of columns) seen.push(await cell(column))

    const asTable = (shown: readonly string[]) => columns.map((column, i) => `${column} ${shown[i] ?? 'missing'}`)
    expect(asTable(seen)).toEqual(asTable(cells))
  })
})

import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { pino } from 'pino'
import { afterAll, describe, expect, test } from 'vitest'
import { newId } from '../../src/core/ids.ts'
import { isObject, type JsonObject } from '../../src/core/json.ts'
import { hashToken, makeToken, TOKEN_BYTES } from '../../src/core/token.ts'
import { buildApp } from '../../src/faces/http/app.ts'
import { testServer } from '../support/database.ts'
import { openApi, outcomeOf, textAt, type Answer, type AskOptions, type Seen } from '../support/api.ts'
import { claim, commitAll, failClaimed } from '../support/delivery.ts'
import { boxes, budget } from '../support/house.ts'
import { openServer } from '../support/server.ts'
import { definition } from '../support/definition.ts'
import { resourceDefinition } from '../support/resource-definition.ts'

/**
 * Every problem that OpenAPI says an operation can give is provoked, and no operation gives another one (the client of
 * these tests sees to that). `internal` alone is left out: it is for bugs.
 */

const seen = new Set<string>()
const note = ({ operation, code }: Seen) => void (code === '' || seen.add(`${operation} ${code}`))
const { api, app, house, token } = await openServer({ seen: note })
const { pool } = house.context.database
const description = app.swagger()

/** Renders what its parameter says: names that are none, and the same object twice. */
const odd = `
apiVersion: purser.dev/v1
kind: Blueprint
metadata: { name: odd }
spec:
  version: 1.0.0
  parameters: { type: object, required: [name], properties: { name: { type: string } } }
  price: free
  manifests: [{ apiVersion: v1, kind: ConfigMap, metadata: { name: '\${parameters.name}', namespace: '\${environment.namespace}' } }]
`
const deploy = `{ apiVersion: purser.dev/v1, kind: Trust, metadata: { name: deploy }, spec: { issuer: 'https://ci.example.com', audience: purser, when: "claims.sub == 'deploy'", serviceAccount: red-ci } }`
await house.apply([boxes, odd, budget('red', "{ scope: { team: red }, limit: '2000.00' }"), service('shop')].join('\n---\n'))
const account = { name: 'red-ci', team: 'red' }
if ((await api('POST', '/v1/service-accounts', account)).status !== 201) throw new Error('no service account')
await house.apply(deploy)

function service(name: string): string {
  return `{ apiVersion: purser.dev/v1, kind: Service, metadata: { name: ${name} }, spec: { owner: red } }`
}

const ann = { as: 'ann@example.com' }
const bob = { as: 'bob@example.com' }

function input(...changes: JsonObject[]): JsonObject {
  return { team: 'red', environment: 'lab', changes }
}
function box(name: string, units: number | string, more: JsonObject = {}): JsonObject {
  return { action: 'create', blueprint: 'box', name, parameters: { units, ...more } }
}
function oddly(name: string, object: string): JsonObject {
  return { action: 'create', blueprint: 'odd', name, parameters: { name: object } }
}
let count = 0
const fresh = () => `n${(count += 1)}`

async function submit(body: JsonObject, options: AskOptions = ann): Promise<Answer> {
  const answer = await api('POST', '/v1/requests', body, options)
  if (answer.status !== 202) throw new Error(answer.text)
  return answer
}
async function pending(): Promise<Answer> {
  return submit(input(box(fresh(), 600)))
}

const live = await submit(input(box('live', 1), oddly('owner-of-x', 'x')))
await commitAll(pool)
await submit(input({ action: 'update', name: 'live', parameters: { units: 600 } }))
const waiting = await submit(input(box('waiting', 501)))
const ids: Readonly<Record<string, string>> = {
  requests: textAt(waiting, 'id'),
  resources: textAt(live, 'changes.0.resource.id'),
  teams: 'red',
  environments: 'lab',
  blueprints: 'box',
  policies: 'boxes',
  budgets: 'red',
  services: 'shop',
  trusts: 'deploy',
  'service-accounts': account.name,
  schemas: 'things.example.com',
}
const absent: Readonly<Record<string, string>> = { requests: newId('request'), resources: newId('resource') }

/** Bodies that do no harm; of documents, the one that is there. */
const standing: Readonly<Record<string, JsonObject>> = Object.fromEntries(
  await Promise.all(
    ['teams', 'environments', 'blueprints', 'policies', 'budgets', 'services', 'trusts'].map(async (path) => [
      path,
      (await api('GET', `/v1/${path}/${ids[path]}`)).body,
    ]),
  ),
)
const bodies: Readonly<Record<string, JsonObject>> = {
  'POST /v1/plans': input(box('new', 1)),
  'POST /v1/requests': input(box('new', 1)),
  'POST /v1/requests/{id}/approve': { planDigest: textAt(waiting, 'plan.digest') },
  'POST /v1/requests/{id}/reject': { comment: 'No' },
  'POST /v1/service-accounts': { ...account, name: 'another' },
  'POST /v1/service-accounts/{name}/tokens': { scopes: ['read'], expiresIn: 60 },
  'POST /v1/gitops/branches/accept': { repository: 'embedded', branch: 'main', head: 'a'.repeat(40) },
  'POST /v1/schemas': { documents: [resourceDefinition('vases')] },
  'POST /v1/blueprints/import': { documents: [definition('vases')] },
  'POST /v1/apply': { documents: [{ apiVersion: 'purser.dev/v1', kind: 'Service', metadata: { name: 'shop' }, spec: { owner: 'red' } }] },
  ...Object.fromEntries(Object.entries(standing).map(([path, body]) => [`PUT /v1/${path}/{name}`, body])),
}

type Operation = {
  readonly name: string
  readonly method: string
  readonly route: string
  readonly noun: string
  readonly codes: readonly string[]
}

const operations = operationsOf(description)

function operationsOf(api: object): readonly Operation[] {
  return Object.entries(membersOf(api, 'paths')).flatMap(([route, methods]) =>
    Object.entries(isObject(methods) ? methods : {}).map(([verb, operation]) => {
      const method = verb.toUpperCase()
      return { name: `${method} ${route}`, method, route, noun: route.split('/')[2] ?? '', codes: codesOf(operation) }
    }),
  )
}

/** The codes of an operation's refusals, which are the names of the answers that they share. */
function codesOf(operation: unknown): readonly string[] {
  return Object.values(membersOf(operation, 'responses')).flatMap((answer) => {
    const reference = isObject(answer) ? answer['$ref'] : undefined
    return typeof reference === 'string' ? (reference.split('/').at(-1) ?? '').split('.') : []
  })
}

function membersOf(value: unknown, name: string): Record<string, unknown> {
  const members = isObject(value) ? value[name] : undefined
  return isObject(members) ? members : {}
}

type Call = { readonly path?: string; readonly body?: unknown; readonly options?: AskOptions }

/** The operation on what is there; what `call` says instead. */
function ask({ name, method, route, noun }: Operation, { path, body = bodies[name], options }: Call = {}, through = api): Promise<Answer> {
  return through(method, path ?? route.replace(/\{\w+\}/, ids[noun] ?? ''), body, options)
}

const headers = (more: Readonly<Record<string, string>>): Call => ({ options: { headers: more } })

/** What can be done to every operation alike. */
const anywhere: Readonly<Record<string, (operation: Operation) => Call>> = {
  unauthenticated: () => ({ options: { token: null } }),
  malformed: () => ({ options: { as: 'nobody' } }),
  forbidden: () => ({ options: { token: person, as: 'bob@example.com' } }),
  'not-acceptable': () => headers({ accept: 'image/png' }),
  invalid: ({ route, noun }) => ({ path: `${route.replace(/\{\w+\}/, ids[noun] ?? '')}?nope=1` }),
  'not-found': ({ route, noun }) => ({ path: route.replace(/\{\w+\}/, absent[noun] ?? 'absent') }),
  'too-large': () => ({ body: ' '.repeat(1024 * 1024 + 1), ...headers({ 'content-type': 'application/json' }) }),
  'unsupported-media-type': () => ({ body: 'x', ...headers({ 'content-type': 'text/plain' }) }),
  'precondition-failed': () => headers({ 'if-match': '"999"' }),
}
const person = await personWithToken()

/** What only these operations can refuse. */
const special: Readonly<Record<string, () => Promise<Call> | Call>> = {
  ...Object.fromEntries(
    Object.entries(standing).flatMap(([path, body]): [string, () => Call][] => [
      [`PUT /v1/${path}/{name} invalid-document`, () => ({ body: { ...body, spec: { nope: 1 } } })],
      [
        `PUT /v1/${path}/{name} plaintext-secret`,
        () => ({ body: { ...body, metadata: { name: String(ids[path]), description: 'AKIAIOSFODNN7EXAMPLE' } } }),
      ],
    ]),
  ),
  'PUT /v1/blueprints/{name} version-exists': () => ({
    body: { ...standing['blueprints'], metadata: { name: 'box', title: 'Another box' } },
  }),
  'PUT /v1/environments/{name} in-use': () => ({ body: elsewhere }),
  // YAML that is none.
  'POST /v1/schemas invalid-document': () => ({ body: '{', ...headers({ 'content-type': 'application/yaml' }) }),
  'POST /v1/blueprints/import invalid-document': () => ({ body: '{', ...headers({ 'content-type': 'application/yaml' }) }),
  'POST /v1/apply invalid-document': () => ({ body: { documents: [{ kind: 'Nothing' }] } }),
  'POST /v1/apply plaintext-secret': () => ({
    body: { documents: [{ ...standing['teams'], metadata: { name: 'red', description: 'AKIAIOSFODNN7EXAMPLE' } }] },
  }),
  'POST /v1/apply version-exists': () => ({
    body: { documents: [{ ...standing['blueprints'], metadata: { name: 'box', title: 'Another box' } }] },
  }),
  'POST /v1/apply in-use': () => ({ body: { documents: [elsewhere] } }),
  // Of something that is in use, that is told before anything else.
  'DELETE /v1/teams/{name} precondition-failed': () => ({ path: '/v1/teams/grey', ...headers({ 'if-match': '"999"' }) }),
  ...Object.fromEntries(['teams', 'environments', 'blueprints'].map((path) => [`DELETE /v1/${path}/{name} in-use`, () => ({})])),
  ...Object.fromEntries(
    ['plans', 'requests'].flatMap((path): [string, () => Call][] => {
      const asking = (code: string, body: JsonObject): [string, () => Call] => [`POST /v1/${path} ${code}`, () => ({ body, options: ann })]
      return [
        asking('invalid-parameters', input(box('new', 'many'))),
        asking('invalid-manifest', input(oddly('new', 'no name of anything'))),
        asking('plaintext-secret', input(box('new', 1, { note: 'AKIAIOSFODNN7EXAMPLE' }))),
        asking('plan-changed', { ...input(box('new', 1)), planDigest: 'sha256:another' }),
        asking('resource-exists', input(box('live', 1))),
        asking('resource-busy', input(box('waiting', 1))),
        asking('object-exists', input(oddly('another-of-x', 'x'))),
      ]
    }),
  ),
  'POST /v1/requests policy-denied': () => ({ body: input(box('new', 13)), options: ann }),
  'POST /v1/requests budget-exceeded': () => ({ body: input(box('new', 400), box('newer', 499), box('newest', 499)), options: ann }),
  'POST /v1/requests idempotency-key-reused': async () => {
    await submit(input(box(fresh(), 1)), { ...ann, key: 'k' })
    return { body: input(box(fresh(), 1)), options: { ...ann, key: 'k' } }
  },
  'POST /v1/requests/{id}/approve own-request': () => ({ options: ann }),
  'POST /v1/requests/{id}/approve plan-changed': () => ({ body: { planDigest: 'sha256:another' }, options: bob }),
  'POST /v1/requests/{id}/approve wrong-state': async () => {
    const cancelled = await cancelledRequest()
    return { path: `/v1/requests/${textAt(cancelled, 'id')}/approve`, body: { planDigest: textAt(cancelled, 'plan.digest') }, options: bob }
  },
  'POST /v1/requests/{id}/reject own-request': () => ({ options: ann }),
  'POST /v1/requests/{id}/reject wrong-state': async () => ({
    path: `/v1/requests/${textAt(await cancelledRequest(), 'id')}/reject`,
    options: bob,
  }),
  'POST /v1/requests/{id}/cancel wrong-state': async () => ({
    path: `/v1/requests/${textAt(await cancelledRequest(), 'id')}/cancel`,
    options: ann,
  }),
  'POST /v1/requests/{id}/retry wrong-state': () => ({ options: ann }),
  'POST /v1/requests/{id}/retry plaintext-secret': async () =>
    again(await failed(box(fresh(), 1)), { ...ann, key: 'AKIAIOSFODNN7EXAMPLE' }),
  'POST /v1/requests/{id}/retry idempotency-key-reused': async () => {
    await submit(input(box(fresh(), 1)), { ...ann, key: 'once' })
    return again(await failed(box(fresh(), 1)), { ...ann, key: 'once' })
  },
  'POST /v1/requests/{id}/retry resource-exists': async () => {
    const name = fresh()
    const first = await failed(box(name, 1))
    await submit(input(box(name, 1)))
    await commitAll(pool)
    return again(first)
  },
  'POST /v1/requests/{id}/retry resource-busy': async () => {
    const name = fresh()
    const first = await failed(box(name, 1))
    await submit(input(box(name, 1)))
    return again(first)
  },
  'POST /v1/requests/{id}/retry object-exists': async () => {
    const object = fresh()
    const first = await failed(oddly(fresh(), object))
    await submit(input(oddly(fresh(), object)))
    await commitAll(pool)
    return again(first)
  },
  'POST /v1/requests/{id}/retry invalid-parameters': async () => {
    await house.apply(turning('1.0.0', 'string', 'first'))
    const first = await failed({ action: 'create', blueprint: 'turning', name: fresh(), parameters: { name: 'x' } })
    await house.apply(turning('1.1.0', 'integer', 'first'))
    return again(first)
  },
  'POST /v1/requests/{id}/retry invalid-manifest': async () => {
    await house.apply(turning('2.0.0', 'string', 'second'))
    const first = await failed({ action: 'create', blueprint: 'turning', name: fresh(), parameters: { name: 'x' } })
    await house.apply(turning('2.1.0', 'string', '${parameters.name == "x" ? "no name" : parameters.name}'))
    return again(first)
  },
  'POST /v1/requests/{id}/retry policy-denied': async () => {
    const first = await failed(box(fresh(), 17))
    await house.apply(
      '{ apiVersion: purser.dev/v1, kind: Policy, metadata: { name: later }, spec: { rules: [{ name: not-17, when: \'action != "delete" && parameters.?units.orValue(0) == 17\', effect: deny, message: Too late }] } }',
    )
    return again(first)
  },
  'POST /v1/requests/{id}/retry budget-exceeded': async () => {
    const first = await failed({ ...box(fresh(), 20) }, 'vault')
    await house.apply(budget('vault', "{ scope: { environment: vault }, limit: '10.00' }"))
    return again(first)
  },
  'POST /v1/service-accounts in-use': () => ({ body: account }),
  'POST /v1/service-accounts plaintext-secret': () => ({ body: { ...account, name: 'third', description: 'AKIAIOSFODNN7EXAMPLE' } }),
  'POST /v1/gitops/branches/accept wrong-state': () => ({}),
}

/** A request that a hook refused; its id. */
async function failed(change: JsonObject, environment = 'lab'): Promise<string> {
  await commitAll(pool)
  const id = textAt(await submit({ ...input(change), environment }), 'id')
  await claim(pool)
  if (!(await failClaimed(pool, id))) throw new Error(`${id} did not fail`)
  return id
}

function again(id: string, options: AskOptions = ann): Call {
  return { path: `/v1/requests/${id}/retry`, options }
}

/** A blueprint that changes its mind on what its parameter is, or what it renders. */
function turning(version: string, type: string, object: string): string {
  return odd
    .replace('name: odd', 'name: turning')
    .replace('1.0.0', version)
    .replace('type: string', `type: ${type}`)
    .replace('${parameters.name}', () => object)
}
const elsewhere: JsonObject = {
  ...standing['environments'],
  metadata: { name: 'lab' },
  spec: { gitops: { path: 'lab/${team.name}/x', branch: 'another' }, namespace: '${team.name}-lab' },
}

async function cancelledRequest(): Promise<Answer> {
  const request = await pending()
  return api('POST', `/v1/requests/${textAt(request, 'id')}/cancel`, undefined, ann)
}

/** A token that may not act for others; only the database's owner can make one here. */
async function personWithToken(): Promise<string> {
  const made = makeToken(randomBytes(TOKEN_BYTES))
  const { principal } = await house.person('ann@example.com')
  await asSuperuser(
    `insert into api_token (id, principal_id, hash, scopes, created_by, expires_at) values (gen_random_uuid(), $1, $2, $3, $1, now() + interval '1 day')`,
    [principal, hashToken(made), ['read']],
  )
  return made
}

async function asSuperuser(sql: string, values: readonly unknown[] = []): Promise<void> {
  const database = new URL(house.urls.appUrl).pathname
  const url = new URL(testServer().superuserUrl)
  url.pathname = sql.startsWith('insert') ? database : url.pathname
  const client = new pg.Client({ connectionString: url.href })
  await client.connect()
  try {
    await client.query(sql, [...values])
  } finally {
    await client.end()
  }
}

test('OpenAPI describes every route below /v1, and no other', () => {
  const described = operations.map(({ name }) => name).filter((name) => name.includes(' /v1/'))
  const routes = app.routeTable
    .map(({ method, url }) => `${method} ${url.replaceAll(/:(\w+)/g, '{$1}')}`)
    .filter((name) => name.includes(' /v1/'))

  expect(described.toSorted()).toEqual(routes.toSorted())
})

describe.each(operations.filter(({ codes }) => codes.length > 0))('$name', (operation) => {
  const { name, codes } = operation

  test.each(codes.filter((code) => !['internal', 'unavailable', 'rate-limited'].includes(code)))('can refuse with %s', async (code) => {
    const call = await (special[`${name} ${code}`] ?? anywhere[code])?.(operation)
    if (call === undefined) throw new Error(`nobody knows how ${name} is refused with ${code}`)

    const answer = await ask(operation, call)

    expect(outcomeOf(answer)).toMatch(new RegExp(`^4\\d\\d ${code}$`))
  })

  test('tells of a body that is too large, or of a kind that it does not take, only as it says', async () => {
    for (const code of ['too-large', 'unsupported-media-type']) {
      const call = anywhere[code]?.(operation) ?? {}
      if (operation.method !== 'GET') await ask(operation, call)
    }
  })
})

test('every operation can refuse by its rate', async () => {
  const limited = await buildApp({
    context: house.context,
    log: pino({ level: 'silent' }),
    rateLimit: 1,
    stopping: new AbortController().signal,
  })
  afterAll(() => limited.close())
  const through = openApi(await limited.listen({ host: '127.0.0.1', port: 0 }), token, description, note)

  const unlimited: string[] = []
  for (const operation of operations.filter(({ codes }) => codes.includes('rate-limited'))) {
    const answers = await Promise.all([1, 2, 3].map(() => ask(operation, anywhere['invalid']?.(operation), through)))
    const refused = answers.find((answer) => answer.status === 429)
    if (refused?.headers.get('retry-after') !== '1' || refused.headers.get('ratelimit') === null) unlimited.push(operation.name)
  }

  expect(unlimited).toEqual([])
})

test('without its database every operation is unavailable, and well again afterwards', async () => {
  const [, database = ''] = new URL(house.urls.appUrl).pathname.split('/')
  await asSuperuser(`alter database ${database} allow_connections false`)
  await asSuperuser(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${database}'`)

  // What is in memory is believed for a second, and until the connection that hears of changes is known to be lost.
  await expect.poll(async () => (await api('GET', '/v1/me')).status, { timeout: 10_000 }).toBe(503)
  for (const operation of operations.filter(({ codes }) => codes.includes('unavailable'))) {
    const answer = await ask(operation)
    expect({ operation: operation.name, outcome: outcomeOf(answer), retry: answer.headers.get('retry-after') }).toEqual({
      operation: operation.name,
      outcome: '503 unavailable',
      retry: '2',
    })
  }
  expect((await api('GET', '/readyz')).status).toBe(503)
  expect((await api('GET', '/healthz')).status).toBe(200)

  await asSuperuser(`alter database ${database} allow_connections true`)
  await expect.poll(async () => (await api('GET', '/readyz')).status, { timeout: 10_000 }).toBe(200)
  await expect.poll(async () => (await api('GET', '/v1/me')).status, { timeout: 10_000 }).toBe(200)
})

test('every problem that OpenAPI tells of was seen, those of bugs apart', () => {
  const told = operations.flatMap(({ name, codes }) => codes.filter((code) => code !== 'internal').map((code) => `${name} ${code}`))

  expect(told.filter((problem) => !seen.has(problem))).toEqual([])
})

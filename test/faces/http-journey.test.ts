import type { InjectOptions, LightMyRequestResponse } from 'fastify'
import { beforeAll, expect, test, vi } from 'vitest'
import { readRequest } from '../../src/operations/read-requests.ts'
import { boxes, budget } from '../support/house.ts'
import { openHttpHouse } from './http-house.ts'
import { contractOf } from './openapi-contract.ts'

const { app, ask: askUnchecked, house } = await openHttpHouse()
const contract = contractOf(app.swagger())

beforeAll(() => house.apply(`${boxes}---\n${budget('red-lab', "{ scope: { team: red, environment: lab }, limit: '1000.00' }")}`))

/** Every answer is held against what OpenAPI says of its route. */
async function ask(options: InjectOptions & { readonly url: string; readonly as?: string }): Promise<LightMyRequestResponse> {
  const answer = await askUnchecked(options)
  const method = options.method ?? 'GET'
  const path = options.url.split('?')[0] ?? ''
  const route = app.routeTable.find(
    (known) => known.method === method && new RegExp(`^${known.url.replaceAll(/:\w+/g, '[^/]+')}$`).test(path),
  )
  const type = String(answer.headers['content-type'] ?? '')
  const body: unknown = type.includes('json') ? answer.json() : answer.body

  expect([method, options.url, answer.statusCode, contract.judgeAnswer(method, route?.url ?? '', answer.statusCode, type, body)]).toEqual([
    method,
    options.url,
    answer.statusCode,
    [],
  ])
  return answer
}

function box(name: string, units: number, more: object = {}): object {
  return {
    team: 'red',
    environment: 'lab',
    reason: 'test',
    changes: [{ action: 'create', blueprint: 'box', name, parameters: { units } }],
    ...more,
  }
}

const ann = 'ann@example.com'
const bob = 'bob@example.com'
const zed = 'zed@example.com'

test('a request is planned, submitted, read, approved and looked through, and every answer is what OpenAPI says', async () => {
  const planned = await ask({ method: 'POST', url: '/v1/plans', as: ann, payload: box('journey', 600) })
  const submitted = await ask({ method: 'POST', url: '/v1/requests', as: ann, payload: box('journey', 600) })
  const { id, plan } = submitted.json()
  const read = await ask({ url: `/v1/requests/${id}`, as: ann })

  expect([planned.statusCode, submitted.statusCode]).toEqual([200, 202])
  expect(submitted.headers['location']).toBe(`/v1/requests/${id}`)
  expect(planned.json().plan.digest).toBe(plan.digest)
  expect(read.json()).toEqual(submitted.json())

  for (const url of [
    '/v1/me',
    '/v1/requests',
    '/v1/requests?awaiting=me',
    `/v1/requests/${id}/files`,
    `/v1/requests/${id}/diff`,
    `/v1/requests/${id}/events`,
    '/v1/resources',
    '/v1/events',
    '/v1/gitops/branches',
    '/v1/budgets/red-lab',
    '/v1/budgets/red-lab/ledger',
    '/v1/budgets',
  ]) {
    const answer = await ask({ url, as: ann })

    expect([url, answer.statusCode]).toEqual([url, 200])
  }
  expect((await ask({ url: '/v1/requests?awaiting=me', as: bob })).json().items).toHaveLength(1)
  expect(
    (await ask({ method: 'POST', url: `/v1/requests/${id}/approve`, as: ann, payload: { planDigest: plan.digest } })).json(),
  ).toMatchObject({ code: 'own-request' })
  expect(
    (await ask({ method: 'POST', url: `/v1/requests/${id}/approve`, as: bob, payload: { planDigest: 'sha256:other' } })).json(),
  ).toMatchObject({ code: 'plan-changed' })
  expect(
    (
      await ask({ method: 'POST', url: `/v1/requests/${id}/approve`, as: bob, payload: { planDigest: plan.digest, comment: 'good' } })
    ).json(),
  ).toMatchObject({ id, state: 'queued' })
  expect((await ask({ method: 'POST', url: `/v1/requests/${id}/cancel`, as: ann })).json()).toMatchObject({ id, state: 'cancelled' })
  expect((await ask({ method: 'POST', url: `/v1/requests/${id}/reject`, as: bob, payload: { comment: 'late' } })).json()).toMatchObject({
    code: 'wrong-state',
  })
})

test('nothing that an operation answers is lost on the way', async () => {
  const { id } = (await ask({ method: 'POST', url: '/v1/requests', as: ann, payload: box('whole', 2) })).json()
  const operation = await readRequest(house.context, await house.person(ann), id)
  const arrived = await ask({ url: `/v1/requests/${id}`, as: ann })

  expect(operation).toEqual({ ok: true, value: arrived.json() })
})

test('the same Idempotency-Key is the same request and the same answer, a denial too', async () => {
  const headers = { 'idempotency-key': '"once"' }
  const first = await ask({ method: 'POST', url: '/v1/requests', as: ann, headers, payload: box('once', 3) })
  const bare = await ask({
    method: 'POST',
    url: '/v1/requests',
    as: ann,
    headers: { 'idempotency-key': 'once', prefer: 'wait=30' },
    payload: box('once', 3),
  })
  const other = await ask({ method: 'POST', url: '/v1/requests', as: ann, headers, payload: box('once', 4) })
  const denied = await ask({
    method: 'POST',
    url: '/v1/requests',
    as: ann,
    headers: { 'idempotency-key': 'no' },
    payload: box('thirteen', 13),
  })
  const deniedAgain = await ask({
    method: 'POST',
    url: '/v1/requests',
    as: ann,
    headers: { 'idempotency-key': 'no' },
    payload: box('thirteen', 13),
  })
  const broken = await ask({
    method: 'POST',
    url: '/v1/requests',
    as: ann,
    headers: { 'idempotency-key': '"open' },
    payload: box('once', 3),
  })

  expect(first.headers).not.toHaveProperty('idempotency-replayed')
  expect([bare.statusCode, bare.headers['idempotency-replayed'], bare.headers['preference-applied']]).toEqual([202, 'true', undefined])
  expect(bare.json()).toEqual(first.json())
  expect([other.statusCode, other.json().code]).toEqual([422, 'idempotency-key-reused'])
  expect([denied.statusCode, deniedAgain.statusCode, deniedAgain.headers['idempotency-replayed']]).toEqual([403, 403, 'true'])
  expect(deniedAgain.json()).toEqual(denied.json())
  expect([broken.statusCode, broken.json().code]).toEqual([400, 'malformed'])
})

test('Prefer: wait answers as soon as the request is not queued any more, and at once where it never was', async () => {
  // As long as a test may take: one that sits out its wait fails.
  const waiting = ask({ method: 'POST', url: '/v1/requests', as: ann, headers: { prefer: 'wait=30' }, payload: box('waits', 4) })
  const id = await vi.waitUntil(async () => (await ask({ url: '/v1/requests?resource=waits', as: ann })).json().items[0]?.id)
  await ask({ method: 'POST', url: `/v1/requests/${id}/cancel`, as: ann })
  const answer = await waiting
  const pending = await ask({ method: 'POST', url: '/v1/requests', as: ann, headers: { prefer: 'wait=30' }, payload: box('pends', 500) })

  expect([answer.statusCode, answer.headers['preference-applied'], answer.json().state]).toEqual([202, 'wait=30', 'cancelled'])
  expect([pending.statusCode, pending.json().state]).toEqual([202, 'pending_approval'])
})

test('a list is read page by page along its links, each thing once, filters kept', async () => {
  for (const name of ['page-a', 'page-b', 'page-c', 'page-d', 'page-e'])
    await ask({ method: 'POST', url: '/v1/requests', as: ann, payload: box(name, 1) })
  const all = (await ask({ url: '/v1/requests?team=red&state=queued&first=200', as: ann }))
    .json()
    .items.map((item: { id: string }) => item.id)

  const seen: string[] = []
  let url: string | undefined = '/v1/requests?team=red&state=queued&first=2'
  while (url !== undefined) {
    const page: LightMyRequestResponse = await ask({ url, as: ann })
    seen.push(...page.json().items.map((item: { id: string }) => item.id))
    url = /^<(\/v1\/requests\?[^>]+)>; rel="next"$/.exec(String(page.headers['link'] ?? ''))?.[1]
    if (url !== undefined) expect(url).toMatch(/team=red&state=queued&first=2&after=/)
  }
  expect(all.length).toBeGreaterThan(4)
  expect(seen).toEqual(all)
})

test('a stranger reads the same of what is there as of what is not', async () => {
  const { id } = (await ask({ method: 'POST', url: '/v1/requests', as: ann, payload: box('walled', 1) })).json()
  const absent = 'req_01h455vb4pex5vsknk084sn02q'
  for (const path of ['', '/files', '/diff', '/events']) {
    const [there, missing] = [
      await ask({ url: `/v1/requests/${id}${path}`, as: zed }),
      await ask({ url: `/v1/requests/${absent}${path}`, as: zed }),
    ]

    expect([there.statusCode, there.body]).toEqual([404, missing.body])
  }
  expect((await ask({ url: '/v1/budgets/red-lab', as: zed })).body).toBe((await ask({ url: '/v1/budgets/nothing', as: zed })).body)
  expect((await ask({ url: '/v1/requests?team=red', as: zed })).body).toBe((await ask({ url: '/v1/requests?team=nothing', as: zed })).body)
})

test('documents come and go as JSON and as YAML, and an entity tag keeps two writers apart', async () => {
  const yaml =
    'apiVersion: purser.dev/v1\nkind: Team\nmetadata:\n  name: green\nspec:\n  members:\n  - user: gus@example.com\n    role: owner\n'
  const created = await ask({ method: 'PUT', url: '/v1/teams/green', headers: { 'content-type': 'application/yaml' }, payload: yaml })
  const read = await ask({ url: '/v1/teams/green' })
  const asYaml = await askUnchecked({ url: '/v1/teams/green', headers: { accept: 'application/yaml' } })
  const etag = String(read.headers['etag'])
  const known = await ask({ url: '/v1/teams/green', headers: { 'if-none-match': `"x", W/${etag}` } })
  const changed = await ask({
    method: 'PUT',
    url: '/v1/teams/green',
    headers: { 'if-match': etag },
    payload: { ...read.json<object>(), spec: { members: [{ user: 'gil@example.com', role: 'owner' }] } },
  })
  const late = await ask({ method: 'PUT', url: '/v1/teams/green', headers: { 'if-match': etag }, payload: read.json() })
  const misplaced = await ask({
    method: 'PUT',
    url: '/v1/teams/blue',
    payload: { apiVersion: 'purser.dev/v1', kind: 'Team', metadata: { name: 'green' }, spec: {} },
  })

  expect([created.statusCode, created.headers['location'], created.headers['etag']]).toEqual([201, '/v1/teams/green', etag])
  expect(read.json()).toMatchObject({
    kind: 'Team',
    metadata: { name: 'green', revision: 1 },
    spec: { members: [{ user: 'gus@example.com', role: 'owner' }] },
  })
  expect([asYaml.statusCode, asYaml.headers['content-type'], asYaml.headers['vary']]).toEqual([200, 'application/yaml', 'Accept'])
  expect(asYaml.body).toContain('kind: Team\nmetadata:\n  name: green\n')
  expect([known.statusCode, known.body]).toEqual([304, ''])
  expect([changed.statusCode, changed.json().metadata.revision]).toEqual([200, 2])
  expect([late.statusCode, late.json().code]).toEqual([412, 'precondition-failed'])
  expect([misplaced.statusCode, misplaced.json().code, misplaced.json().errors[0].pointer]).toEqual([
    422,
    'invalid-document',
    '/metadata/name',
  ])
  expect((await ask({ url: '/v1/teams/green/versions' })).json().items).toHaveLength(2)
  expect((await ask({ method: 'DELETE', url: '/v1/teams/green' })).statusCode).toBe(204)
  expect((await ask({ url: '/v1/teams/green' })).statusCode).toBe(404)
})

test('a YAML stream is applied as one, and a dry run answers the same and stores nothing', async () => {
  const stream = ['one', 'two']
    .map((name) => `apiVersion: purser.dev/v1\nkind: Team\nmetadata: { name: ${name} }\nspec: {}\n`)
    .join('---\n')
  const dry = await ask({ method: 'POST', url: '/v1/apply?dryRun=true', headers: { 'content-type': 'application/yaml' }, payload: stream })
  const absent = await ask({ url: '/v1/teams/one' })
  const applied = await ask({ method: 'POST', url: '/v1/apply', headers: { 'content-type': 'application/yaml' }, payload: stream })
  const refused = await ask({
    method: 'POST',
    url: '/v1/apply',
    payload: { documents: [{ apiVersion: 'purser.dev/v1', kind: 'Team', metadata: { name: 'three' }, spec: {} }, { kind: 'Tea' }] },
  })

  expect(dry.json().results).toEqual(applied.json().results)
  expect(absent.statusCode).toBe(404)
  expect(applied.json().results).toMatchObject([
    { name: 'one', outcome: 'created' },
    { name: 'two', outcome: 'created' },
  ])
  expect([refused.statusCode, refused.json().code, refused.json().errors[0].pointer]).toEqual([
    422,
    'invalid-document',
    '/documents/1/kind',
  ])
  expect((await ask({ url: '/v1/teams/three' })).statusCode).toBe(404)
})

test.each(['teams', 'environments', 'blueprints', 'policies', 'budgets', 'services'])(
  '%s are listed and read as OpenAPI says',
  async (path) => {
    if (path === 'services') {
      const service = {
        apiVersion: 'purser.dev/v1',
        kind: 'Service',
        metadata: { name: 'orders', tags: ['node'] },
        spec: { owner: 'red', lifecycle: 'production' },
      }
      expect((await ask({ method: 'PUT', url: '/v1/services/orders', payload: service })).statusCode).toBe(201)
      expect((await ask({ url: '/v1/services?owner=red&lifecycle=production&tag=node' })).json().items).toHaveLength(1)
      expect((await ask({ url: '/v1/services?tag=java' })).json().items).toEqual([])
    }
    const list = await ask({ url: `/v1/${path}` })
    const [{ metadata }] = list.json().items

    expect(list.statusCode).toBe(200)
    expect((await ask({ url: `/v1/${path}/${metadata.name}` })).json().metadata).toEqual(metadata)
  },
)

test('a cancellation takes no body, an empty one, and none that says something', async () => {
  const { id } = (await ask({ method: 'POST', url: '/v1/requests', as: ann, payload: box('bodies', 1) })).json()
  const saying = await ask({ method: 'POST', url: `/v1/requests/${id}/cancel`, as: ann, payload: { comment: 'please' } })
  const empty = await ask({
    method: 'POST',
    url: `/v1/requests/${id}/cancel`,
    as: ann,
    headers: { 'content-type': 'application/json' },
    payload: '',
  })

  expect([saying.statusCode, saying.json().errors]).toEqual([422, [{ pointer: '/comment', detail: 'is not a known field' }]])
  expect([empty.statusCode, empty.json().state]).toEqual([200, 'cancelled'])
})

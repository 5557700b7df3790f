import { describe, expect, it } from 'vitest'
import { kinds } from '../../src/core/document/document.ts'
import { fakeApiPerTest } from './run-cli.ts'
import { committedRequest, queuedRequest, sampleDiff, sampleRequest } from './samples.ts'

const api = fakeApiPerTest()
const id = sampleRequest.id
const terminal = { terminal: true, env: { NO_COLOR: '1' } }

const database = {
  id: 'res_01h2xcejqtf2nbrexx3vqjhp41',
  name: 'orders-db',
  team: 'payments',
  environment: 'prod',
  blueprint: { name: 'postgres', version: '1.2.0' },
  parameters: { size: 'm', storageGB: 600 },
  cost: { monthly: '258.00', currency: 'EUR' },
  ttl: 'P14D',
  status: 'unknown',
  lastRequest: id,
  files: [{ path: 'tenants/payments/prod/orders-db/01-postgresqlinstance-orders-db.yaml', digest: 'sha256:02' }],
  createdAt: '2026-11-22T12:00:00Z',
  updatedAt: '2026-11-24T11:00:00Z',
}
const change = {
  request: id,
  state: 'committed',
  action: 'create',
  cost: { before: '0.00', after: '258.00' },
  requester: 'alice@example.com',
  createdAt: '2026-11-24T11:57:00Z',
}
const blueprint = {
  apiVersion: 'purser.dev/v1',
  kind: 'Blueprint',
  metadata: { name: 'postgres', title: 'PostgreSQL', revision: 2, createdAt: '2026-11-01T12:00:00Z', updatedAt: '2026-11-24T11:59:00Z' },
  spec: {
    version: '1.2.0',
    price: { monthly: '20.0 * double(parameters.storageGB)' },
    parameters: {
      required: ['size', 'storageGB'],
      properties: {
        size: { enum: ['s', 'm', 'l'], description: 'Of the machine' },
        storageGB: { type: 'integer', minimum: 10, maximum: 2000, default: 100 },
      },
    },
    manifests: [{}],
  },
}
const budget = {
  apiVersion: 'purser.dev/v1',
  kind: 'Budget',
  metadata: { name: 'payments-prod', revision: 1, createdAt: '2026-11-01T12:00:00Z', updatedAt: '2026-11-01T12:00:00Z' },
  spec: { scope: { team: 'payments', environment: 'prod' }, limit: '2500.00' },
  status: { limit: '2500.00', committed: '900.00', reserved: '258.00', remaining: '1342.00' },
}

const page = (...items: readonly unknown[]) => ({ items, pageInfo: { endCursor: null, hasNextPage: false } })
const bodies: Readonly<Record<string, unknown>> = {
  '/v1/requests': page(sampleRequest),
  '/v1/resources': page(database, { ...database, id: 'res_01h2xcejqtf2nbrexx3vqjhp42', name: 'other-db' }),
  [`/v1/resources/${database.id}`]: database,
  [`/v1/resources/${database.id}/history`]: page(change),
  '/v1/blueprints': page(blueprint),
  '/v1/blueprints/postgres': blueprint,
  '/v1/budgets': page(budget),
  '/v1/budgets/payments-prod': budget,
  '/v1/budgets/payments-prod/ledger': page(
    { kind: 'opening', amount: '900.00', request: null, at: '2026-11-01T12:00:00Z' },
    { kind: 'reserve', amount: '258.00', request: id, at: '2026-11-24T11:59:30Z' },
  ),
}

function serve(): void {
  api.answer = ({ path }) => (path.endsWith('/diff') ? { text: sampleDiff } : { body: bodies[path] })
}

describe('what there is, on a terminal of 80 columns', () => {
  it.each([
    'requests',
    'approvals',
    'resources',
    'resources orders-db',
    'budgets',
    'budgets payments-prod',
    'budgets payments-prod --ledger',
    'blueprints',
    'blueprints postgres',
    'get blueprints',
    `diff ${id}`,
  ])('%s', async (line) => {
    serve()

    const ran = await api.purser(line, terminal)

    expect(ran).toMatchObject({ exit: 0, stderr: '' })
    expect(ran.stdout).toMatchSnapshot()
    // Paths and diffs stay whole, so that they can be copied.
    for (const shown of ran.stdout.split('\n').filter((text) => !text.includes('tenants/')))
      expect(shown.length, shown).toBeLessThanOrEqual(80)
  })

  it.each([
    'resources',
    'resources orders-db',
    'budgets',
    'blueprints postgres',
    'budgets payments-prod --ledger',
    'get budget payments-prod',
  ])('for a program it is what the server said: %s', async (line) => {
    serve()

    const json = await api.purser(`${line} -o json`)
    const yaml = await api.purser(`${line} -o yaml`)

    const path = api.seen.find((seen) => seen.path.includes('/v1/') && !seen.path.endsWith('resources'))?.path ?? '/v1/resources'
    expect(JSON.parse(json.stdout)).toEqual(bodies[path])
    expect(yaml.stdout).not.toContain('{"')
  })
})

it('approvals are the requests that wait for me', async () => {
  serve()

  await api.purser('approvals')

  expect(Object.fromEntries(api.seen[0]?.query ?? [])).toEqual({ awaiting: 'me', first: '50' })
})

it('get shows a document as YAML, whatever form of its kind is typed', async () => {
  serve()

  const shown = await Promise.all(['blueprint', 'blueprints', 'Blueprint'].map((kind) => api.purser(`get ${kind} postgres`)))

  for (const { stdout } of shown) expect(stdout).toMatch(/^apiVersion: purser\.dev\/v1\nkind: Blueprint\n/)
})

it.each(['get nonsense', 'budgets --ledger', 'request create postgres x --team a --env b --wait=ready', 'retry'])(
  'asks nobody on wrong usage: %s',
  async (line) => {
    expect((await api.purser(line)).exit).toBe(2)
    expect(api.seen).toHaveLength(0)
  },
)

it.each(['--wait=ready', '--wait ready'])('says why nobody can wait for ready yet: %s', async (wait) => {
  const ran = await api.purser(`retry ${id} ${wait}`)

  expect(ran.stderr).toContain('Nothing reports yet when what was committed is ready')
})

it('a resource that nobody may see is none', async () => {
  serve()

  const ran = await api.purser('resources no-such-db')

  expect(ran).toMatchObject({ exit: 1, stdout: '' })
  expect(ran.stderr).toContain('no resource no-such-db')
})

describe('retry', () => {
  it('asks by a key, and follows the new request with --wait', async () => {
    const second = { ...queuedRequest, id: 'req_01h2xcejqtf2nbrexx3vqjhp42', retryOf: id }
    api.answer = (seen) =>
      seen.method === 'POST' ? { status: 202, body: second } : { body: { ...committedRequest, id: second.id, retryOf: id } }

    const ran = await api.purser(`retry ${id} --wait`)

    expect(ran.exit).toBe(0)
    expect(ran.stdout).toContain(`\nAgain    ${id}\n`)
    expect(api.seen.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `POST /v1/requests/${id}/retry`,
      `GET /v1/requests/${second.id}`,
    ])
    expect(api.seen[0]?.headers).toMatchObject({ 'idempotency-key': expect.stringMatching(/^[0-9a-f-]{36}$/), prefer: 'wait=10' })
    expect(api.seen[0]?.body).toBeUndefined()
  })

  it('is repeated with the same key when the answer was lost', async () => {
    api.answer = (_, nth) => (nth === 1 ? 'drop' : { status: 202, body: queuedRequest })

    await api.purser(`retry ${id} --idempotency-key k`)

    expect(api.seen.map((seen) => seen.headers['idempotency-key'])).toEqual(['k', 'k'])
  })
})

it('every kind of document can be got, in the singular and the plural', async () => {
  for (const [kind, { path }] of Object.entries(kinds)) for (const word of [kind, path]) await api.purser(`get ${word} some`)

  expect(api.seen.map((call) => call.path)).toEqual(Object.values(kinds).flatMap(({ path }) => [`/v1/${path}/some`, `/v1/${path}/some`]))
})

import { describe, expect, it } from 'vitest'
import { resourceDefinition } from '../support/resource-definition.ts'
import { fakeApiPerTest } from './run-cli.ts'

const api = fakeApiPerTest()
const added = (name: string, outcome = 'created', reasons: unknown[] = []) => ({
  source: { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', name },
  kinds: outcome === 'refused' ? [] : [{ group: 'things.example.com', version: 'v1', kind: 'Pots' }],
  outcome,
  reasons,
})

describe('schemas', () => {
  it('lists what plans are judged by', async () => {
    const item = { group: 'things.example.com', version: 'v1', kind: 'Pots', scope: 'Namespaced', updatedAt: new Date().toISOString() }
    api.answer = () => ({ body: { items: [item], pageInfo: { endCursor: null, hasNextPage: false } } })

    const ran = await api.purser('schemas')

    expect(ran).toMatchObject({ exit: 0, stderr: '' })
    expect(ran.stdout).toMatch(/Pots +things\.example\.com\/v1 +Namespaced/)
  })
})

describe('schemas add', () => {
  it('sends definitions without descriptions and status, those of a list one by one', async () => {
    api.answer = () => ({ body: { results: [added('pots'), added('pans', 'refused', [{ pointer: '/kind', detail: 'is odd' }])] } })
    const pots = resourceDefinition('pots', { description: { type: 'string' } })
    const spec = { size: { type: 'string', description: 'How large it is.' } }
    const list = { kind: 'List', items: [{ ...resourceDefinition('pans', spec), status: { conditions: [] } }, pots] }
    const path = api.file('crds.json', JSON.stringify(list))

    const ran = await api.purser(['schemas', 'add', '-f', path, '--dry-run'])

    expect(ran.exit).toBe(1)
    expect(ran.stdout).toContain('1 created, 1 refused. A dry run: nothing was stored.')
    expect(ran.stdout).toContain('/kind: is odd')
    expect(api.seen).toMatchObject([{ method: 'POST', path: '/v1/schemas' }])
    expect(api.seen[0]?.query.get('dryRun')).toBe('true')
    expect(api.seen[0]?.body).toEqual({ documents: [resourceDefinition('pans', { size: { type: 'string' } }), pots] })
  })

  it('makes as many calls as bodies of 1 MiB take', async () => {
    api.answer = (_, nth) => ({ body: { results: [added(String(nth))] } })
    const large = (plural: string) => resourceDefinition(plural, { size: { type: 'string', enum: ['x'.repeat(600_000)] } })
    const path = api.file('crds.yaml', [large('one'), large('two'), large('three')].map((each) => JSON.stringify(each)).join('\n---\n'))

    const ran = await api.purser(['schemas', 'add', '-f', path])

    expect(ran).toMatchObject({ exit: 0, stderr: '' })
    expect(api.seen.length).toBe(3)
    expect(ran.stdout).toContain('3 created.')
  })

  it('has the server read a cluster, for schemas and for blueprints', async () => {
    api.answer = () => ({ body: { results: [] } })

    await api.purser('schemas add --from-cluster prod')
    await api.purser('blueprints import --from-cluster prod')
    const [both, neither] = [await api.purser('schemas add --from-cluster prod -f x'), await api.purser('schemas add')]

    expect(api.seen.map(({ path, body }) => [path, body])).toEqual([
      ['/v1/schemas', { fromCluster: 'prod' }],
      ['/v1/blueprints/import', { fromCluster: 'prod' }],
    ])
    expect([both.exit, neither.exit]).toEqual([2, 2])
  })
})

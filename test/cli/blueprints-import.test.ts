import { describe, expect, it } from 'vitest'
import { fakeApiPerTest } from './run-cli.ts'

const api = fakeApiPerTest()
const source = { apiVersion: 'apiextensions.crossplane.io/v2', kind: 'CompositeResourceDefinition', name: 'vases.example.com' }
const result = {
  source,
  blueprint: 'vase',
  version: '1.1.0',
  outcome: 'changed',
  reasons: [],
  warnings: [],
  diff: [],
  touches: [],
  document: {},
}

describe('blueprints import', () => {
  it('sends the definitions of all files in one call, with the price', async () => {
    api.answer = () => ({ body: { results: [{ ...result, outcome: 'created', version: '1.0.0' }] } })
    const path = api.file('xrd.yaml', 'kind: A\n---\nkind: B\n')

    const ran = await api.purser(['blueprints', 'import', '-f', path, '--price', '2.0 * 3.0', '--dry-run'])

    expect(ran).toMatchObject({ exit: 0, stderr: '' })
    expect(api.seen).toMatchObject([
      {
        method: 'POST',
        path: '/v1/blueprints/import',
        body: { documents: [{ kind: 'A' }, { kind: 'B' }], price: { monthly: '2.0 * 3.0' } },
      },
    ])
    expect(api.seen[0]?.query.get('dryRun')).toBe('true')
    expect(ran.stdout).toBe(`created vase@1.0.0 from A in ${path}\n\n1 created. A dry run: nothing was stored.\n`)
  })

  it('shows what changed, what breaks and what lives, and why another is refused', async () => {
    const diff = [
      { pointer: '/spec/parameters/properties/size', before: null, after: {}, breaking: false },
      { pointer: '/spec/parameters/properties/colour', before: {}, after: null, breaking: true },
    ]
    const touches = [{ name: 'a', team: 'red', environment: 'lab', blueprint: { name: 'vase', version: '1.0.0' } }]
    const reasons = [{ pointer: '/spec/claimNames', detail: 'must be left out' }]
    api.answer = () => ({
      body: {
        results: [
          { ...result, diff, touches, warnings: [{ detail: 'No price was given, so it is free.' }] },
          { ...result, blueprint: null, version: null, outcome: 'refused', reasons },
        ],
      },
    })
    const path = api.file('xrd.yaml', 'kind: A\n---\nkind: B\n')

    const ran = await api.purser(['blueprints', 'import', '-f', path])

    expect(ran.exit).toBe(1)
    expect(ran.stdout.replaceAll(path, 'xrd.yaml')).toBe(`changed vase@1.1.0 from A in xrd.yaml
  warning No price was given, so it is free.
  + /spec/parameters/properties/size
  - /spec/parameters/properties/colour breaking
  lives: 1, each at its version until it is updated
    red/lab/a at 1.0.0

refused B in xrd.yaml
  /spec/claimNames: must be left out

1 changed, 1 refused.
`)
  })

  it('leaves listing and showing as they were', async () => {
    api.answer = () => ({ body: { items: [], pageInfo: { endCursor: null, hasNextPage: false } } })

    await api.purser('blueprints')

    expect(api.seen).toMatchObject([{ method: 'GET', path: '/v1/blueprints' }])
  })
})

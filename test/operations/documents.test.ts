import { describe, expect, test } from 'vitest'
import { parseYamlDocuments } from '../../src/core/yaml.ts'
import { applyDocuments, putDocument } from '../../src/operations/apply-documents.ts'
import { listDocuments, listDocumentVersions, readDocument } from '../../src/operations/read-documents.ts'
import { deleteDocument } from '../../src/operations/retire-document.ts'
import type { Kind } from '../../src/core/document/document.ts'
import type { Result } from '../../src/core/result.ts'
import { ask, boxes, budget, create, idOf, openHouse } from '../support/house.ts'
import { openPurse } from '../support/purse.ts'

const house = await openHouse()
const purse = openPurse(house.urls.ownerUrl)
const { context, administrator } = house
await house.apply(boxes)
const page = { first: 50, after: null }
const here = { dryRun: false, ifMatch: null }

function parse(yaml: string): readonly unknown[] {
  const parsed = parseYamlDocuments(yaml)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problem))
  return parsed.value
}

const service = (name: string, more: { title?: string; owner?: string; lifecycle?: string; tags?: string } = {}) =>
  `{ apiVersion: purser.dev/v1, kind: Service, metadata: { name: ${name}, title: ${more.title ?? name}, tags: [${more.tags ?? ''}] }, spec: { owner: ${more.owner ?? 'red'}, lifecycle: ${more.lifecycle ?? 'production'} } }`
const blueprint = (version: string, more: { units?: number; lifecycle?: string } = {}) =>
  `{ apiVersion: purser.dev/v1, kind: Blueprint, metadata: { name: vase }, spec: { version: ${version}, lifecycle: ${more.lifecycle ?? 'production'}, price: { monthly: '${more.units ?? 1}.0' }, parameters: { type: object, properties: {} },
    manifests: [{ apiVersion: v1, kind: ConfigMap, metadata: { name: '\${resource.name}', namespace: '\${environment.namespace}' } }] } }`

const put = (kind: Kind, name: string, yaml: string, options: Partial<{ dryRun: boolean; ifMatch: string | null }> = {}) =>
  putDocument(context, administrator, kind, name, parse(yaml)[0], { ...here, ...options })
const apply = (yaml: string, dryRun = false) => applyDocuments(context, administrator, { documents: parse(yaml), dryRun })
const read = (kind: Kind, name: string) => readDocument(context, administrator, kind, name)
const remove = (kind: Kind, name: string, options: Partial<{ dryRun: boolean; ifMatch: string | null }> = {}) =>
  deleteDocument(context, administrator, kind, name, { ...here, ...options })

async function revision(): Promise<number> {
  return Number((await context.reloadPlatform()).revision)
}

function unwrap<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.problem))
  return result.value
}

describe('a document', () => {
  test('that is put is created, then changed, then unchanged; each change is a version that stays', async () => {
    const created = unwrap(await put('Service', 'orders', service('orders')))
    const changed = unwrap(await put('Service', 'orders', service('orders', { title: 'Orders' })))
    const same = unwrap(await put('Service', 'orders', service('orders', { title: 'Orders' })))

    expect([created.created, changed.created, same.created]).toEqual([true, false, false])
    expect([created.etag, changed.etag, same.etag]).toEqual(['"1"', '"2"', '"2"'])
    expect(unwrap(await read('Service', 'orders'))).toMatchObject({
      etag: '"2"',
      document: { kind: 'Service', metadata: { name: 'orders', title: 'Orders', revision: 2 }, spec: { owner: 'red' } },
    })
    expect(
      unwrap(await listDocumentVersions(context, administrator, 'Service', 'orders', page)).items.map((v) => v['metadata']),
    ).toMatchObject([
      { title: 'Orders', revision: 2, appliedBy: 'admin' },
      { title: 'orders', revision: 1, appliedBy: 'admin' },
    ])
  })

  test('can be put as it was answered', async () => {
    const answered = unwrap(await read('Service', 'orders')).document

    expect(unwrap(await putDocument(context, administrator, 'Service', 'orders', answered, here)).etag).toBe('"2"')
  })

  test('is only written over where If-Match names what is there', async () => {
    expect(await put('Service', 'orders', service('orders', { title: 'Lost' }), { ifMatch: '"1"' })).toMatchObject({
      ok: false,
      problem: { code: 'precondition-failed' },
    })
    expect(await put('Service', 'orders', service('orders', { title: 'Lost' }), { ifMatch: 'W/"2"' })).toMatchObject({
      ok: false,
      problem: { code: 'precondition-failed' },
    })
    expect(await put('Service', 'new', service('new'), { ifMatch: '"1"' })).toMatchObject({
      ok: false,
      problem: { code: 'precondition-failed' },
    })
    expect(unwrap(await put('Service', 'orders', service('orders', { title: 'Kept' }), { ifMatch: '"2"' })).etag).toBe('"3"')
    expect(await remove('Service', 'orders', { ifMatch: '"2"' })).toMatchObject({ ok: false, problem: { code: 'precondition-failed' } })
  })

  test('stands under the name and kind that its path has', async () => {
    expect(await put('Service', 'other', service('orders'))).toMatchObject({
      ok: false,
      problem: { code: 'invalid-document', errors: [{ pointer: '/metadata/name' }] },
    })
    expect(await put('Team', 'orders', service('orders'))).toMatchObject({
      ok: false,
      problem: { code: 'invalid-document', errors: [{ pointer: '/kind' }] },
    })
  })

  test('that was deleted is gone, and comes back as a new revision', async () => {
    expect(await remove('Service', 'orders', { dryRun: true })).toEqual({ ok: true, value: null })
    expect(await read('Service', 'orders')).toMatchObject({ ok: true })
    expect(await remove('Service', 'orders')).toEqual({ ok: true, value: null })

    expect(await read('Service', 'orders')).toEqual({ ok: false, problem: { code: 'not-found' } })
    expect(await remove('Service', 'orders')).toEqual({ ok: false, problem: { code: 'not-found' } })
    expect(unwrap(await put('Service', 'orders', service('orders')))).toMatchObject({ created: true, etag: '"4"' })
  })

  test('that decides raises the platform revision when it changes; a service does not', async () => {
    const before = await revision()
    await put('Service', 'orders', service('orders', { title: 'Quiet' }))
    expect(await revision()).toBe(before)
    await put('Budget', 'b', budget('b', "{ limit: '1.00' }"))
    await put('Budget', 'b', budget('b', "{ limit: '1.00' }"))
    expect(await revision()).toBe(before + 1)
    await remove('Budget', 'b')
    expect(await revision()).toBe(before + 2)
  })

  test('that is applied or deleted is in the log of its team, with who did it', async () => {
    const rows = await purse.query(
      "select actor->>'subject' as by, team, data->>'outcome' as outcome from event where subject = 'orders' and type = 'dev.purser.document.applied.v1' order by seq limit 3",
    )

    expect(rows).toEqual(['created', 'changed', 'changed'].map((outcome) => ({ by: 'admin', team: 'red', outcome })))
  })
})

describe('several documents are applied together or not at all', () => {
  test('and what became of each is told', async () => {
    const applied = unwrap(
      await apply([service('one'), service('orders', { title: 'Quiet' }), budget('two', "{ limit: '5.00' }")].join('\n---\n')),
    )

    expect(applied).toEqual({
      platformRevision: await revision(),
      results: [
        { kind: 'Service', name: 'one', outcome: 'created', revision: 1 },
        { kind: 'Service', name: 'orders', outcome: 'unchanged', revision: 5 },
        { kind: 'Budget', name: 'two', outcome: 'created', revision: 1 },
      ],
    })
  })

  test('a dry run answers the same and stores nothing', async () => {
    const documents = [service('three'), service('one', { title: 'Uno' })].join('\n---\n')
    const [before, tried] = [await revision(), unwrap(await apply(documents, true))]
    expect(await read('Service', 'three')).toMatchObject({ ok: false })
    expect(unwrap(await put('Service', 'four', service('four'), { dryRun: true }))).toMatchObject({
      created: true,
      document: { metadata: { name: 'four', revision: 1 } },
    })
    expect(await read('Service', 'four')).toMatchObject({ ok: false })

    expect([await revision(), tried['results']]).toEqual([before, unwrap(await apply(documents))['results']])
  })

  test('one that is wrong keeps all of them out, with every error of all of them', async () => {
    const wrong = await apply(
      [
        service('five'),
        service('six', { owner: 'nobody' }),
        '{ apiVersion: purser.dev/v1, kind: Budget, metadata: { name: x }, spec: { scope: { team: rad }, limit: "1.00" } }',
      ].join('\n---\n'),
    )

    expect(wrong).toMatchObject({
      ok: false,
      problem: {
        code: 'invalid-document',
        errors: [
          { pointer: '/documents/1/spec/owner' },
          { pointer: '/documents/2/spec/scope/team', detail: 'names the team rad, which there is not; did you mean red?' },
        ],
      },
    })
    expect(await read('Service', 'five')).toMatchObject({ ok: false })
  })

  test('one that names another one which comes with it is right', async () => {
    expect(
      await apply(
        `${service('seven', { owner: 'fresh' })}\n---\n{ apiVersion: purser.dev/v1, kind: Team, metadata: { name: fresh }, spec: {} }`,
      ),
    ).toMatchObject({ ok: true })
  })

  test('those that come at the same time wait for each other, and all come into force', async () => {
    const before = await revision()
    const processes = [context, house.another(), house.another()]
    const applied = await Promise.all(
      processes.map((process, i) =>
        applyDocuments(process, administrator, { documents: parse(budget(`at-once-${i}`, "{ limit: '1.00' }")), dryRun: false }),
      ),
    )

    expect(applied.map((result) => result.ok)).toEqual([true, true, true])
    expect(await revision()).toBe(before + 3)
  })
})

describe('a version of a blueprint', () => {
  test('never changes, not even after it was retired', async () => {
    await apply(blueprint('1.0.0'))
    expect(await apply(`${service('eight')}\n---\n${blueprint('1.0.0', { units: 2 })}`)).toEqual({
      ok: false,
      problem: { code: 'version-exists', name: 'vase', version: '1.0.0' },
    })
    expect(await read('Service', 'eight')).toMatchObject({ ok: false })

    await remove('Blueprint', 'vase')
    expect(await apply(blueprint('1.0.0', { units: 2 }))).toMatchObject({ ok: false, problem: { code: 'version-exists' } })
    expect(unwrap(await apply(blueprint('1.0.0')))['results']).toMatchObject([{ outcome: 'created', revision: 1 }])
  })

  test('stands for the bare name while it is the highest that is not deprecated', async () => {
    const current = async () => (unwrap(await read('Blueprint', 'vase')).document['spec'] as { version: string }).version
    await apply([blueprint('1.2.0'), blueprint('1.1.0'), blueprint('2.0.0', { lifecycle: 'deprecated' })].join('\n---\n'))

    expect(await current()).toBe('1.2.0')
    expect(unwrap(await read('Blueprint', 'vase@2.0.0')).document).toMatchObject({ spec: { version: '2.0.0', lifecycle: 'deprecated' } })
    expect(await read('Blueprint', 'vase@3.0.0')).toEqual({ ok: false, problem: { code: 'not-found' } })
    expect(
      unwrap(await listDocumentVersions(context, administrator, 'Blueprint', 'vase', page)).items.map(
        (v) => (v['spec'] as { version: string }).version,
      ),
    ).toEqual(['2.0.0', '1.1.0', '1.2.0', '1.0.0'])
    await apply(blueprint('1.10.0'))
    expect(await current()).toBe('1.10.0')
  })
})

describe('what is in use cannot be deleted', () => {
  test('by a resource, even one that is only on the way', async () => {
    idOf(await ask(house, await house.person('ann@example.com'), [create('used', 1)]))

    for (const [kind, name] of [
      ['Environment', 'lab'],
      ['Blueprint', 'box'],
      ['Team', 'red'],
    ] as const) {
      expect(await remove(kind, name)).toMatchObject({ ok: false, problem: { code: 'in-use' } })
      expect(await read(kind, name)).toMatchObject({ ok: true })
    }
    expect(await remove('Environment', 'vault')).toEqual({ ok: true, value: null })
  })

  test('by another document, which is named', async () => {
    expect(await remove('Team', 'blue')).toMatchObject({ ok: false, problem: { code: 'in-use', usedBy: ['Policy boxes'] } })
    expect(await remove('Team', 'fresh')).toMatchObject({ ok: false, problem: { code: 'in-use', usedBy: ['Service seven'] } })
    await remove('Service', 'seven')
    expect(await remove('Team', 'fresh')).toEqual({ ok: true, value: null })
  })

  test('by a service that was applied after the caller looked', async () => {
    await apply('{ apiVersion: purser.dev/v1, kind: Team, metadata: { name: late }, spec: {} }')
    await apply(service('latecomer', { owner: 'late' }))
    const platform = (await context.reloadPlatform()).revision
    const [answer] = await purse.query(
      `select retire_document(jsonb_build_object('kind', 'Team', 'name', 'late', 'platformRevision', ${platform}, 'decides', true, 'dryRun', false, 'actor', '{}'::jsonb)) as answer`,
    )

    expect(answer?.['answer']).toEqual({ outcome: 'in-use', usedBy: ['Service latecomer'] })
  })
})

describe('services', () => {
  test('are found by owner, life cycle and tag, by anybody who is signed in', async () => {
    await apply(
      [
        service('web', { owner: 'blue', tags: 'node, edge' }),
        service('jobs', { owner: 'blue', lifecycle: 'experimental', tags: 'node' }),
        service('mail', { owner: 'red', lifecycle: 'deprecated', tags: 'edge' }),
      ].join('\n---\n'),
    )
    const zed = await house.person('zed@example.com')
    const found = async (filter: Parameters<typeof listDocuments>[3]) =>
      unwrap(await listDocuments(context, zed, 'Service', filter, page)).items.map((item) => (item['metadata'] as { name: string }).name)

    expect(await found({ owner: 'blue' })).toEqual(['jobs', 'web'])
    expect(await found({ lifecycle: 'deprecated' })).toEqual(['mail'])
    expect(await found({ tag: 'edge' })).toEqual(['mail', 'web'])
    expect(await found({ owner: 'blue', tag: 'node', lifecycle: 'production' })).toEqual(['web'])
    expect(await found({ owner: 'nobody' })).toEqual([])
  })
})

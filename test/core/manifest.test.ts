import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { canonicalize, digest, type Json } from '../../src/core/json.ts'
import { renderObject, type ObjectPlace } from '../../src/core/manifest.ts'

const place: ObjectPlace = {
  team: 'payments',
  environment: 'prod',
  namespace: 'payments-prod',
  resource: 'orders-db',
  index: 0,
  allow: { namespaces: ['crossplane-system'], clusterScoped: [{ group: '', kind: 'Namespace' }] },
}

function claim(changes: { readonly [key: string]: Json } = {}, metadata: { readonly [key: string]: Json } = {}): Json {
  return {
    spec: { parameters: { storageGB: 10 } },
    kind: 'PostgreSQLInstance',
    apiVersion: 'db.innoq.com/v1alpha1',
    ...changes,
    metadata: { namespace: 'payments-prod', name: 'orders-db', ...metadata },
  }
}

/** The pointers that an output is refused at; empty when it is rendered. */
function refusedAt(output: Json, where: ObjectPlace = place): readonly string[] {
  const rendered = renderObject(output, where)
  return rendered.ok ? [] : rendered.problem.map((error) => error.pointer)
}

describe('a rendered object', () => {
  it('is written in the order of Kubernetes, with labels and the digest', () => {
    const rendered = renderObject(
      claim({ data: { a: 'b' }, zeta: 1 }, { finalizers: ['x'], annotations: { note: 'n' }, labels: { app: 'orders' } }),
      place,
    )

    expect(rendered.ok && rendered.value.content).toBe(
      [
        'apiVersion: db.innoq.com/v1alpha1',
        'kind: PostgreSQLInstance',
        'metadata:',
        '  name: orders-db',
        '  namespace: payments-prod',
        '  labels:',
        '    app: orders',
        '    app.kubernetes.io/managed-by: purser',
        '    purser.dev/team: payments',
        '    purser.dev/environment: prod',
        '    purser.dev/resource: orders-db',
        '  annotations:',
        '    note: "n"',
        '    purser.dev/object-digest: sha256:f00',
        '  finalizers:',
        '  - x',
        'spec:',
        '  parameters:',
        '    storageGB: 10',
        'data:',
        '  a: b',
        'zeta: 1',
        '',
      ]
        .join('\n')
        .replace('f00', /sha256:([0-9a-f]{64})/.exec(rendered.ok ? rendered.value.content : '')?.[1] ?? ''),
    )
    expect(rendered.ok && rendered.value.ref).toStrictEqual({
      group: 'db.innoq.com',
      kind: 'PostgreSQLInstance',
      namespace: 'payments-prod',
      name: 'orders-db',
    })
    expect(rendered.ok && rendered.value.fileName).toBe('00-postgresqlinstance-orders-db.yaml')
    expect(rendered.ok && rendered.value.digest).toBe(digest(rendered.ok ? rendered.value.content : ''))
  })

  it('carries the digest of itself without the annotation, as anyone can recompute', () => {
    for (const annotations of [undefined, { note: 'x' }]) {
      const rendered = renderObject(claim({}, annotations === undefined ? {} : { annotations }), place)
      const object = parse(rendered.ok ? rendered.value.content : '') as { metadata: { annotations?: Record<string, string> } }
      const stated = object.metadata.annotations?.['purser.dev/object-digest']

      delete object.metadata.annotations?.['purser.dev/object-digest']
      if (annotations === undefined) delete object.metadata.annotations

      expect(stated).toBe(digest(canonicalize(object)))
    }
  })

  it('is the same bytes each time', () => {
    const [first, second] = [renderObject(claim(), place), renderObject(claim(), place)]

    expect(first).toStrictEqual(second)
  })

  it.each<readonly [string, Json, readonly string[]]>([
    ['no object', 'text', ['']],
    ['no apiVersion', claim({ apiVersion: null }), ['/apiVersion']],
    ['an apiVersion with three parts', claim({ apiVersion: 'a/b/v1' }), ['/apiVersion']],
    ['an apiVersion without version', claim({ apiVersion: 'apps/' }), ['/apiVersion']],
    ['a kind that is no word', claim({ kind: 'my-configmap' }), ['/kind']],
    ['a kind that climbs', claim({ kind: '../X' }), ['/kind']],
    ['no name', claim({}, { name: null }), ['/metadata/name']],
    ['a name with a slash', claim({}, { name: 'a/b' }), ['/metadata/name']],
    ['a name that climbs', claim({}, { name: '..' }), ['/metadata/name']],
    ['a name with a colon', claim({}, { name: 'system:admin' }), ['/metadata/name']],
    ['a name in upper case', claim({}, { name: 'Orders' }), ['/metadata/name']],
    ['a name with a line break at its end', claim({}, { name: 'orders\n' }), ['/metadata/name']],
    ['a name of 254 characters', claim({}, { name: 'a'.repeat(254) }), ['/metadata/name']],
    ['a file name that is too long', claim({}, { name: 'a'.repeat(253) }), ['/metadata/name']],
    ['a generated name', claim({}, { generateName: 'x-' }), ['/metadata/generateName']],
    ['another namespace', claim({}, { namespace: 'shop-prod' }), ['/metadata/namespace']],
    ['a namespace that is a number', claim({}, { namespace: 5 }), ['/metadata/namespace', '/metadata/namespace']],
    [
      'a cluster-scoped kind that is not listed',
      { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'x' } },
      ['/metadata/namespace'],
    ],
    [
      'a listed kind of another group',
      { apiVersion: 'example.com/v1', kind: 'Namespace', metadata: { name: 'x' } },
      ['/metadata/namespace'],
    ],
    ['a label that is a number', claim({}, { labels: { tier: 1 } }), ['/metadata/labels/tier']],
    ['a label that is too long', claim({}, { labels: { tier: 'a'.repeat(64) } }), ['/metadata/labels/tier']],
    ['a label of ours', claim({}, { labels: { 'purser.dev/team': 'shop' } }), ['/metadata/labels/purser.dev~1team']],
    [
      'another manager',
      claim({}, { labels: { 'app.kubernetes.io/managed-by': 'Helm' } }),
      ['/metadata/labels/app.kubernetes.io~1managed-by'],
    ],
    [
      'an own digest',
      claim({}, { annotations: { 'purser.dev/object-digest': 'sha256:0' } }),
      ['/metadata/annotations/purser.dev~1object-digest'],
    ],
    ['a status', claim({ status: {} }), ['/status']],
    ['several things at once', claim({ kind: 'x y', apiVersion: 1 }, { name: '' }), ['/apiVersion', '/kind', '/metadata/name']],
  ])('is refused with %s', (_, output, pointers) => {
    expect(refusedAt(output)).toStrictEqual(pointers)
  })

  it.each<readonly [string, Json]>([
    ['an allowed namespace', claim({}, { namespace: 'crossplane-system' })],
    ['a listed cluster-scoped kind', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'payments-prod' } }],
    ['a name with dots', claim({}, { name: 'orders.example.com' })],
    ['an empty label', claim({}, { labels: { tier: '' } })],
  ])('may have %s', (_, output) => {
    expect(refusedAt(output)).toStrictEqual([])
  })

  it('never gets a file name that is more than one plain segment', () => {
    const odd = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom('a', 'A', '.', '/', '-', ':', '\\', '\n', '\0', ' ') }),
    )
    fc.assert(
      fc.property(odd, odd, odd, (kind, name, apiVersion) => {
        const rendered = renderObject(claim({ kind, apiVersion }, { name }), place)

        if (rendered.ok) expect(rendered.value.fileName).toMatch(/^\d\d-[a-z0-9]+-[a-z0-9]([a-z0-9.-]*[a-z0-9])?\.yaml$/)
      }),
    )
    fc.assert(
      fc.property(odd, (name) => {
        const rendered = renderObject(claim({}, { name }), place)

        if (rendered.ok) expect(rendered.value.fileName).toBe(`00-postgresqlinstance-${name}.yaml`)
        expect(rendered.ok).toBe(name.length <= 229 && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(name))
      }),
    )
  })
})

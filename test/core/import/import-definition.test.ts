import { describe, expect, it } from 'vitest'
import type { BlueprintDocument } from '../../../src/core/document/blueprint.ts'
import { importDefinition, type Imported, type ImportOptions } from '../../../src/core/import/import-definition.ts'
import type { JsonObject } from '../../../src/core/json.ts'
import { parseYamlDocuments } from '../../../src/core/yaml.ts'
import { definition } from '../../support/definition.ts'
import { base, liveAfter, makeDocument, makeFacts, makePlatform, planned, refusal } from '../platforms.ts'

const size = { type: 'string', enum: ['s', 'm'], default: 's' }
const options: ImportOptions = { price: 'free', allow: null, previous: () => null }

function imported(document: unknown, more: Partial<ImportOptions> = {}): Imported {
  const result = importDefinition(document, { ...options, ...more })
  if (!result.ok) throw new Error(JSON.stringify(result.problem.reasons))
  return result.value
}

function reasons(document: unknown, more: Partial<ImportOptions> = {}): readonly string[] {
  const result = importDefinition(document, { ...options, ...more })
  return result.ok ? [] : result.problem.reasons.map((reason) => `${reason.pointer}: ${reason.detail}`)
}

/** A definition of the first kind: claims in namespaces, cluster-scoped composites behind them. */
function legacy(properties: JsonObject, spec: JsonObject = {}): JsonObject {
  const names = { kind: 'XVase', plural: 'xvases' }
  const of = definition('xvases', { properties, spec: { names, claimNames: { kind: 'Vase', plural: 'vases' }, ...spec } })
  const { scope: _, ...rest } = of['spec'] as JsonObject
  const scope = spec['scope'] === undefined ? {} : { scope: spec['scope'] }
  return { ...of, apiVersion: 'apiextensions.crossplane.io/v1', spec: { ...rest, ...scope } }
}

const plainClaim = { parameters: { type: 'object', properties: { size } } }

describe('the object', () => {
  it('is the claim where there are claims, deleted in the foreground, with its connection secret', () => {
    const { document } = imported(legacy(plainClaim, { connectionSecretKeys: ['password'] }))

    expect(document.metadata).toMatchObject({ name: 'vase', title: 'Vase', tags: ['crossplane'] })
    expect(document.spec.manifests).toEqual([
      {
        apiVersion: 'things.example.com/v1',
        kind: 'Vase',
        metadata: { name: '${resource.name}', namespace: '${environment.namespace}' },
        spec: {
          parameters: '${given}',
          compositeDeletePolicy: 'Foreground',
          writeConnectionSecretToRef: { name: '${resource.name}-conn' },
        },
      },
    ])
  })

  it('is the composite where there are none; in no namespace it takes leave to be there', () => {
    const cluster = definition('vases', { spec: { scope: 'Cluster' } })
    const own = { group: 'things.example.com', kind: 'Thing' }

    const { document, warnings } = imported(cluster)

    expect(document.spec.allow).toEqual({ clusterScoped: [own] })
    expect(document.spec.manifests[0]?.['metadata']).toEqual({ name: '${resource.name}' })
    expect(warnings.join()).toContain('spec.allow.clusterScoped lists the kind')
    expect(reasons(cluster, { allow: { namespaces: ['x'] } })).toEqual([
      `/spec/scope: makes objects that are cluster-scoped, which allow.clusterScoped does not list: ${JSON.stringify(own)}`,
    ])
    expect(imported(cluster, { allow: { clusterScoped: [own] } }).warnings).toEqual([])
  })

  it('has a leaf for each field of a flat spec, however it is named', () => {
    const { document } = imported(definition('vases', { properties: { size, namespace: { type: 'string' }, 'a-b': { type: 'string' } } }))

    expect(document.spec.manifests[0]?.['spec']).toEqual({
      size: '${given.?size}',
      namespace: '${given[?"namespace"]}',
      'a-b': '${given[?"a-b"]}',
    })
  })

  it('has no field of its own in the parameters', () => {
    const properties = { size, compositionRef: { type: 'string' }, crossplane: { type: 'object' } }

    const old = imported(legacy(properties)).document.spec.parameters['properties']
    const current = imported(definition('vases', { properties })).document.spec.parameters['properties']

    expect(Object.keys(old as JsonObject)).toEqual(['size', 'crossplane'])
    expect(Object.keys(current as JsonObject)).toEqual(['size', 'compositionRef'])
  })

  it('is of the version that is referenceable', () => {
    const of = (name: string, referenceable: boolean) => ({
      name,
      served: true,
      referenceable,
      schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { [name]: size } } } } },
    })

    const { document } = imported(definition('vases', { spec: { versions: [of('v1', false), of('v2', true), of('v3', false)] } }))

    expect(document.spec.manifests[0]).toMatchObject({ apiVersion: 'things.example.com/v2', spec: { v2: '${given.?v2}' } })
  })
})

describe('a definition is refused', () => {
  const versions = (of: JsonObject) =>
    definition('vases', { spec: { versions: [{ name: 'v1', served: true, referenceable: true, ...of }] } })
  it.each<readonly [string, JsonObject, string]>([
    [
      'that is something else',
      { apiVersion: 'apps/v1', kind: 'Deployment' },
      '/kind: is Deployment; what can be imported is a CompositeResourceDefinition of apiextensions.crossplane.io',
    ],
    [
      'of a version that there is not',
      { ...definition('vases'), apiVersion: 'apiextensions.crossplane.io/v3' },
      '/apiVersion: must be one of apiextensions.crossplane.io/v1, apiextensions.crossplane.io/v2alpha1, apiextensions.crossplane.io/v2',
    ],
    [
      'with claims in v2',
      definition('vases', { spec: { claimNames: { kind: 'Vase', plural: 'claims' } } }),
      '/spec/claimNames: must be left out: claims: there are none in apiextensions.crossplane.io/v2',
    ],
    [
      'with claims of namespaced composites',
      legacy(plainClaim, { scope: 'Namespaced' }),
      '/spec/claimNames: must be left out: claims: only composites of scope LegacyCluster have them, and this one is Namespaced',
    ],
    [
      'under a wrong name',
      { ...definition('vases'), metadata: { name: 'vase' } },
      '/metadata/name: must be vases.things.example.com: the plural and the group',
    ],
    [
      'without a version to refer to',
      versions({ referenceable: false }),
      '/spec/versions: must have exactly one version that is referenceable; there is none',
    ],
    [
      'whose version is not served',
      versions({ served: false, schema: { openAPIV3Schema: { type: 'object' } } }),
      '/spec/versions/0/served: must be true: the referenceable version is the one that can be asked for',
    ],
    ['without a schema', versions({}), '/spec/versions/0/schema/openAPIV3Schema: is required: without it nothing can be asked for'],
    [
      'whose rule looks elsewhere',
      definition('vases', { schema: { 'x-kubernetes-validations': [{ rule: 'self.regoin == "x"' }] } }),
      '/spec/versions/0/schema/openAPIV3Schema/properties/spec/x-kubernetes-validations/0/rule: cannot be evaluated: no such key: regoin',
    ],
    [
      'that requires what is not a parameter',
      legacy(plainClaim, {
        versions: [
          {
            name: 'v1',
            served: true,
            referenceable: true,
            schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', required: ['compositionRef'] } } } },
          },
        ],
      }),
      "/spec/versions/0/schema/openAPIV3Schema/properties/spec/required: names compositionRef, which is Crossplane's own: no parameter can give it",
    ],
  ])('%s', (_, document, reason) => {
    expect(reasons(document)).toEqual([reason])
  })
})

it('a preview is read as what it became, and what Crossplane passes over is named', () => {
  const document = {
    ...definition('vases', { spec: { connectionSecretKeys: ['x'] }, schema: { anyOf: [{ required: ['size'] }] } }),
    apiVersion: 'apiextensions.crossplane.io/v2alpha1',
  }

  const { warnings, document: blueprint } = imported(document)

  expect(warnings.map((warning) => warning.split(' ')[0])).toEqual([
    '/apiVersion',
    '/spec/connectionSecretKeys',
    '/spec/versions/0/schema/openAPIV3Schema/properties/spec/anyOf',
  ])
  expect(blueprint.spec.parameters['anyOf']).toBeUndefined()
})

it('keywords that mean nothing are named, at their place', () => {
  const { warnings } = imported(definition('vases', { properties: { size: { ...size, name: 'size' } } }))

  expect(warnings).toEqual([
    '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/size/name is no keyword, and means nothing',
  ])
})

describe('importing again', () => {
  const first = imported(definition('vases', { properties: { size } })).document
  const again = (properties: JsonObject, schema: JsonObject = {}, previous: BlueprintDocument = first) =>
    imported(definition('vases', { properties, schema }), { price: null, previous: () => previous })

  it.each<readonly [string, JsonObject, JsonObject, string, readonly string[]]>([
    ['nothing', { size }, {}, '1.0.0', []],
    ['another word', { size: { ...size, description: 'How large' } }, {}, '1.1.0', []],
    ['another field', { size, colour: { type: 'string' } }, {}, '1.1.0', []],
    ['another value', { size: { ...size, enum: ['s', 'm', 'l'] } }, {}, '1.1.0', []],
    ['another default', { size: { ...size, default: 'm' } }, {}, '1.1.0', []],
    ['a field that must be given and has a default', { size }, { required: ['size'] }, '1.1.0', []],
    ['a value that is gone', { size: { ...size, enum: ['s'] } }, {}, '2.0.0', ['/spec/parameters/properties/size/enum']],
    ['a default that is gone', { size: { type: 'string', enum: ['s', 'm'] } }, {}, '2.0.0', ['/spec/parameters/properties/size/default']],
    ['a field that is gone', { colour: size }, {}, '2.0.0', ['/spec/parameters/properties/size']],
    [
      'another type',
      { size: { type: 'integer' } },
      {},
      '2.0.0',
      ['/spec/parameters/properties/size/type', '/spec/parameters/properties/size/default'],
    ],
    [
      'a new rule',
      { size },
      { 'x-kubernetes-validations': [{ rule: 'self.size == "s"' }] },
      '2.0.0',
      ['/spec/parameters/x-kubernetes-validations'],
    ],
    [
      'a field that must be given',
      { size, colour: { type: 'string' } },
      { required: ['colour'] },
      '2.0.0',
      ['/spec/parameters/properties/colour', '/spec/parameters/required'],
    ],
  ])('with %s', (_, properties, schema, version, breaking) => {
    const result = again(properties, schema)

    expect(result.document.spec.version).toBe(version)
    expect(result.outcome).toBe(version === '1.0.0' ? 'unchanged' : 'changed')
    expect(result.diff.filter((difference) => difference.breaking).map((difference) => difference.pointer)).toEqual(breaking)
  })

  it('keeps what people decided', () => {
    const config = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: '${resource.name}', namespace: '${environment.namespace}' } }
    const edited = makeDocument(
      'Blueprint',
      'vases',
      {
        ...first.spec,
        version: '1.3.0',
        owner: 'red',
        price: { monthly: '2.0' },
        environments: { dev: { defaults: { size: 'm' } } },
        manifests: [...first.spec.manifests, config],
      },
      { title: 'Vases of clay' },
    ) as BlueprintDocument // Of its kind.

    const { document, diff } = again({ size, colour: { type: 'string' } }, {}, edited)

    expect(document.metadata.title).toBe('Vases of clay')
    expect(document.spec).toMatchObject({
      version: '1.4.0',
      owner: 'red',
      price: { monthly: '2.0' },
      environments: { dev: { defaults: { size: 'm' } } },
    })
    expect(document.spec.manifests.map((manifest) => manifest['kind'])).toEqual(['Thing', 'ConfigMap'])
    expect(diff.map((difference) => difference.pointer)).toEqual(['/spec/parameters/properties/colour', '/spec/manifests/0'])
  })

  it('from another kind is another thing', () => {
    const other = definition('vases', { spec: { names: { kind: 'Other', plural: 'vases', singular: 'vases' } }, properties: { size } })

    const result = imported(other, { previous: () => first })

    expect(result.document.spec).toMatchObject({ version: '2.0.0', manifests: [{ kind: 'Other' }] })
    expect(result.warnings.join()).toContain('was of Thing in things.example.com, and is of Other in things.example.com from now on')
  })
})

describe('a request', () => {
  const backup = {
    type: 'object',
    default: { days: 7, window: 'night' },
    properties: { days: { type: 'integer' }, window: { type: 'string' } },
  }
  const count = { type: 'integer', default: 1, 'x-kubernetes-validations': [{ rule: 'self >= oldSelf', message: 'never fewer' }] }
  const { document } = imported(definition('vases', { properties: { size, backup, count } }))
  const create = (parameters: JsonObject) =>
    ({ team: 'red', environment: 'dev', changes: [{ action: 'create', blueprint: 'vases', name: 'a', parameters }] }) as const

  function specOf(content: string | null | undefined): unknown {
    const parsed = parseYamlDocuments(content ?? '')
    return parsed.ok ? (parsed.value[0] as JsonObject)['spec'] : null // A manifest.
  }

  it('leaves defaults to the API server, and is judged with them', () => {
    const plan = planned(makePlatform([...base, document]), create({ count: 2 }))

    expect(plan.changes[0]?.parameters).toEqual({ size: 's', backup: { days: 7, window: 'night' }, count: 2 })
    expect(specOf(plan.files[0]?.content)).toEqual({ count: 2 })
  })

  it('says what policy set, and all of it where the API server would make something else of it', () => {
    const policy = (set: JsonObject) => makeDocument('Policy', 'p', { rules: [{ name: 'r', when: 'true', effect: 'set', set }] })
    const simple = planned(makePlatform([...base, document, policy({ 'parameters.size': 'm' })]), create({}))
    const within = planned(makePlatform([...base, document, policy({ 'parameters.backup.days': 9 })]), create({}))

    expect(specOf(simple.files[0]?.content)).toEqual({ size: 'm' })
    // With `backup: {days: 9}` alone there would be no window.
    expect(specOf(within.files[0]?.content)).toEqual({ size: 's', backup: { days: 9, window: 'night' }, count: 1 })
  })

  it('to change something is held against what was there', () => {
    const platform = makePlatform([...base, document])
    const live = liveAfter(planned(platform, create({ count: 2 })))
    const update = (parameters: JsonObject) =>
      ({ team: 'red', environment: 'dev', changes: [{ action: 'update', name: 'a', parameters }] }) as const

    expect(planned(platform, update({ count: 3 }), makeFacts([live])).changes[0]?.parameters).toMatchObject({ count: 3 })
    expect(refusal(platform, update({ count: 1 }), makeFacts([live]))).toEqual({
      code: 'invalid-parameters',
      errors: [{ pointer: '/changes/0/parameters/count', detail: 'never fewer' }],
    })
  })
})

import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../src/core/json.ts'
import { addSchemas } from '../../src/operations/add-schemas.ts'
import { importBlueprints } from '../../src/operations/import-blueprints.ts'
import { planRequest } from '../../src/operations/plan-request.ts'
import type { ClusterAnswer, Clusters } from '../../src/operations/ports.ts'
import { deleteSchema, listSchemas } from '../../src/operations/read-schemas.ts'
import { definition } from '../support/definition.ts'
import { commitAll } from '../support/delivery.ts'
import { ask, boxes, openHouse, outcomeOf } from '../support/house.ts'
import { kindOf, resourceDefinition } from '../support/resource-definition.ts'

const house = await openHouse()
const { context, administrator } = house
await house.apply(boxes)
const ann = await house.person('ann@example.com')
const { pool } = context.database

async function add(documents: readonly unknown[], dryRun = false) {
  const done = await addSchemas(context, administrator, { documents: [...documents], dryRun })
  if (!done.ok) throw new Error(JSON.stringify(done.problem))
  return done.value['results'] as unknown as readonly { outcome: string; kinds: JsonObject[]; reasons: JsonObject[] }[] // As presented.
}

/** A blueprint that renders one thing with the spec that is its parameters, whatever they are. */
function blueprint(plural: string, spec = '${parameters}', more = ''): string {
  return `
apiVersion: purser.dev/v1
kind: Blueprint
metadata: { name: ${plural} }
spec:
  version: 1.0.0
  parameters: { type: object, additionalProperties: true }
  price: free
  manifests:
    - apiVersion: things.example.com/v1
      kind: ${kindOf(plural)}
      metadata: { name: '\${resource.name}', namespace: '\${environment.namespace}' }
      spec: ${spec}
${more}`
}

async function plan(name: string, parameters: JsonObject, environment = 'lab') {
  return planRequest(context, ann, { team: 'red', environment, changes: [{ action: 'create', blueprint: name, name: 'a', parameters }] })
}

async function faults(name: string, parameters: JsonObject, environment = 'lab') {
  const answer = await plan(name, parameters, environment)
  if (answer.ok) return (answer.value['decision'] as JsonObject)['warnings']
  return [answer.problem.code, 'errors' in answer.problem ? answer.problem.errors : []]
}

describe('schemas', () => {
  test('without any nothing is said of kinds that nobody knows', async () => {
    await house.apply(blueprint('quiet'))

    expect(await faults('quiet', { anything: 1 })).toEqual([])
  })

  test('are taken from the served versions of definitions, and say what became of them', async () => {
    const schema = { openAPIV3Schema: { type: 'object' } }
    const versions = ['v1', 'v2', 'v3'].map((name) => ({ name, served: name !== 'v2', storage: name === 'v3', schema }))
    const documents = [resourceDefinition('pots'), resourceDefinition('pans', {}, { versions }), { kind: 'Deployment' }]

    const dry = await add(documents, true)
    const first = await add(documents)
    const again = await add(documents)
    const [changed] = await add([resourceDefinition('pans')])

    expect(dry).toEqual(first)
    expect(first.map(({ outcome }) => outcome)).toEqual(['created', 'created', 'refused'])
    expect(first[1]?.kinds.map(({ version }) => version)).toEqual(['v1', 'v3'])
    expect(first[2]?.reasons).toMatchObject([{ pointer: '/kind' }])
    expect(again.map(({ outcome }) => outcome)).toEqual(['unchanged', 'unchanged', 'refused'])
    expect(changed?.outcome).toBe('changed')
    // What is not served any more is not known any more.
    const listed = await listSchemas(context, administrator, {}, { first: 50, after: null })
    expect(listed).toMatchObject({
      ok: true,
      value: {
        items: [
          { kind: 'Pans', version: 'v1' },
          { kind: 'Pots', version: 'v1' },
        ],
      },
    })
  })

  test('move the platform on when they change, and only then', async () => {
    const revision = async () => (await context.reloadPlatform()).revision
    const before = await revision()
    await add([resourceDefinition('cups')])
    const added = await revision()
    await add([resourceDefinition('cups')])

    expect(added).toBe(before + 1n)
    expect(await revision()).toBe(added)
  })

  test('that cannot be compiled are refused with the place', async () => {
    const [result] = await add([resourceDefinition('odd', { size: { type: 'text' } })])

    expect(result).toMatchObject({
      outcome: 'refused',
      reasons: [{ pointer: '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/size/type' }],
    })
  })
})

describe('a plan', () => {
  test('is refused for what the API server would refuse or drop, with blueprint, object and pointer', async () => {
    await add([resourceDefinition('jars')])
    await house.apply(blueprint('jars'))

    expect(await faults('jars', { size: 's' })).toEqual([])
    expect(await faults('jars', { size: 'xl', colour: 'red' })).toEqual([
      'invalid-manifest',
      [
        {
          pointer: '/changes/0',
          detail: 'jars 1.0.0 renders no valid object from manifest 0: Jars a: /spec/colour is not a known field',
        },
        { pointer: '/changes/0', detail: 'jars 1.0.0 renders no valid object from manifest 0: Jars a: /spec/size must be one of s, m' },
      ],
    ])
  })

  test('has the defaults filled in to be judged, and the file as it was rendered', async () => {
    const spec = { size: { type: 'string', default: 's' }, twin: { type: 'string' } }
    await add([resourceDefinition('mugs', spec, { schema: { required: ['size'] } })])
    await house.apply(blueprint('mugs'))

    const answer = await plan('mugs', { twin: 'x' })

    expect(answer.ok && JSON.stringify(answer.value)).toContain('spec:\\n  twin: x')
    expect(answer.ok && JSON.stringify(answer.value)).not.toContain('size: s')
  })

  test('of an update is judged by rules over what is committed', async () => {
    const rules = [{ rule: 'self.size == oldSelf.size', message: 'the size stays' }]
    await add([
      resourceDefinition('kegs', { size: { type: 'string' }, name: { type: 'string' } }, { schema: { 'x-kubernetes-validations': rules } }),
    ])
    await house.apply(blueprint('kegs'))
    expect(outcomeOf(await ask(house, ann, [{ action: 'create', blueprint: 'kegs', name: 'keg', parameters: { size: 's' } }]))).toBe(
      'queued',
    )
    await commitAll(pool)
    const update = (parameters: JsonObject) =>
      planRequest(context, ann, { team: 'red', environment: 'lab', changes: [{ action: 'update', name: 'keg', parameters }] })

    const [same, other] = [await update({ name: 'x' }), await update({ size: 'm' })]

    expect(same.ok).toBe(true)
    expect(other).toMatchObject({
      ok: false,
      problem: { code: 'invalid-manifest', errors: [{ detail: expect.stringContaining('the size stays') }] },
    })
  })

  test('warns of a kind that is not known, and is refused for it where the environment is strict', async () => {
    await add([
      resourceDefinition('tins', {}, { versions: [{ name: 'v2', served: true, schema: { openAPIV3Schema: { type: 'object' } } }] }),
    ])
    await house.apply(`${blueprint('tins')}
---
apiVersion: purser.dev/v1
kind: Environment
metadata: { name: strict }
spec: { gitops: { path: 'strict/\${team.name}' }, namespace: '\${team.name}-strict', validation: strict }`)

    expect(await faults('tins', {})).toEqual([
      {
        policy: 'validation',
        rule: 'unknown-kind',
        message: 'Tins a is not checked: no schema of things.example.com/v1 Tins is known; it is known as v2',
      },
    ])
    expect(await faults('tins', {}, 'strict')).toMatchObject([
      'invalid-manifest',
      [{ detail: expect.stringContaining('Tins a: /kind cannot be checked') }],
    ])
  })

  test('is not judged by what was taken out', async () => {
    await add([resourceDefinition('lids')])
    await house.apply(blueprint('lids'))
    expect(await faults('lids', { colour: 'red' })).toMatchObject(['invalid-manifest', {}])

    const removed = await deleteSchema(context, administrator, { group: 'things.example.com', version: 'v1', kind: 'Lids' })

    expect(removed.ok).toBe(true)
    expect(await faults('lids', { colour: 'red' })).toMatchObject([{ rule: 'unknown-kind' }])
  })

  test('knows where objects of a kind belong', async () => {
    await add([resourceDefinition('vats', {}, { scope: 'Cluster' })])

    await expect(house.apply(blueprint('vats', '{}'))).rejects.toThrow('cluster-scoped')
  })
})

describe('a blueprint', () => {
  test('is refused for what its manifests say wrong whatever the values, not for values that were made up', async () => {
    await add([resourceDefinition('caps', { size: { type: 'string', pattern: '^arn:' }, count: { type: 'integer' } })])

    await expect(house.apply(blueprint('caps', '{ colour: "${resource.name}" }'))).rejects.toThrow('/spec/manifests/0/spec/colour')
    await expect(house.apply(blueprint('caps', '{ count: many }'))).rejects.toThrow('/spec/manifests/0/spec/count')
    await house.apply(blueprint('caps', '{ size: "${resource.name}" }'))
  })
})

describe('the cluster of an environment', () => {
  const answering = (answer: ClusterAnswer): Clusters => ({ listDefinitions: () => Promise.resolve(answer) })
  const from = (clusters: Clusters | null, fromCluster: string) =>
    addSchemas({ ...context, clusters }, administrator, { fromCluster, dryRun: true })

  test('is read instead of documents, for schemas and for blueprints', async () => {
    await house.apply(
      `{ apiVersion: purser.dev/v1, kind: Environment, metadata: { name: near }, spec: { gitops: { path: 'near/\${team.name}' }, namespace: '\${team.name}-near', cluster: { kubeconfig: { file: /etc/purser/near } } } }`,
    )
    const clusters: Clusters = {
      listDefinitions: (cluster, kind) => {
        expect(cluster).toEqual({ kubeconfig: { file: '/etc/purser/near' } })
        return Promise.resolve({
          kind: 'listed',
          definitions: kind === 'CustomResourceDefinition' ? [resourceDefinition('far')] : [definition('far')],
        })
      },
    }

    const schemas = await from(clusters, 'near')
    const blueprints = await importBlueprints({ ...context, clusters }, administrator, { fromCluster: 'near', dryRun: true })

    expect(schemas).toMatchObject({ ok: true, value: { results: [{ outcome: 'created', kinds: [{ kind: 'Far' }] }] } })
    expect(blueprints).toMatchObject({ ok: true, value: { results: [{ outcome: 'created', blueprint: 'far' }] } })
  })

  test('that says no, or is away, is told apart', async () => {
    const no = { code: 'invalid', errors: [{ pointer: '/fromCluster' }] }

    expect(await from(answering({ kind: 'refused', why: 'no' }), 'near')).toMatchObject({ problem: no })
    expect(await from(answering({ kind: 'unreachable', why: 'away' }), 'near')).toMatchObject({ problem: { code: 'unavailable' } })
    for (const [clusters, environment] of [
      [null, 'near'],
      [answering({ kind: 'listed', definitions: [] }), 'lab'],
      [answering({ kind: 'listed', definitions: [] }), 'nowhere'],
    ] as const)
      expect(await from(clusters, environment)).toMatchObject({ ok: false, problem: no })
    expect(await addSchemas(context, administrator, { dryRun: true })).toMatchObject({ ok: false, problem: { code: 'invalid' } })
  })

  test('takes lists as kubectl prints them', async () => {
    const list = { apiVersion: 'v1', kind: 'List', items: [resourceDefinition('one'), resourceDefinition('two')] }

    expect((await add([list], true)).map(({ outcome }) => outcome)).toEqual(['created', 'created'])
  })
})

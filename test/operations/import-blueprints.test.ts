import { describe, expect, test } from 'vitest'
import { importBlueprints } from '../../src/operations/import-blueprints.ts'
import { readDocument } from '../../src/operations/read-documents.ts'
import type { JsonObject } from '../../src/core/json.ts'
import { definition } from '../support/definition.ts'
import { commitAll } from '../support/delivery.ts'
import { ask, boxes, openHouse, outcomeOf } from '../support/house.ts'

const house = await openHouse()
const { context, administrator } = house
await house.apply(boxes)
const { pool } = context.database
const ann = await house.person('ann@example.com')

type Imported = {
  readonly blueprint: string | null
  readonly version: string | null
  readonly outcome: string
  readonly reasons: readonly { readonly pointer: string; readonly detail: string }[]
  readonly warnings: readonly { readonly detail: string }[]
  readonly diff: readonly { readonly pointer: string; readonly breaking: boolean }[]
  readonly touches: readonly { readonly name: string; readonly blueprint: JsonObject }[]
  readonly document: JsonObject | null
}

async function run(
  documents: readonly unknown[],
  more: { readonly dryRun?: boolean; readonly price?: 'free'; readonly allow?: object } = {},
) {
  const { dryRun = false, ...said } = more
  const done = await importBlueprints(context, administrator, { documents: [...documents], dryRun, ...said })
  if (!done.ok) throw new Error(JSON.stringify(done.problem))
  return done.value['results'] as unknown as readonly Imported[] // As the operation presents them.
}

const size = { type: 'string', enum: ['s', 'm'], default: 's' }

describe('an import', () => {
  test('makes what can be made, and says why the rest cannot', async () => {
    const results = await run([
      definition('vases'),
      definition('jars', { properties: { size: { type: 'text' } } }),
      { kind: 'Deployment', apiVersion: 'apps/v1' },
    ])

    expect(results).toMatchObject([
      {
        blueprint: 'vases',
        version: '1.0.0',
        outcome: 'created',
        reasons: [],
        warnings: [{ detail: 'No price was given, so it is free.' }],
        touches: [],
        diff: [],
      },
      {
        blueprint: 'jars',
        version: null,
        outcome: 'refused',
        reasons: [
          {
            pointer: '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/size/type',
            detail: 'must be one of object, array, string, integer, number, boolean',
          },
        ],
        document: null,
      },
      { blueprint: null, outcome: 'refused', reasons: [{ pointer: '/kind' }] },
    ])
    const stored = await readDocument(context, administrator, 'Blueprint', 'vases')
    expect(stored.ok && stored.value.document['spec']).toEqual(results[0]?.document?.['spec'])
    expect((await readDocument(context, administrator, 'Blueprint', 'jars')).ok).toBe(false)
  })

  test('that is dry answers the same and stores nothing', async () => {
    const dry = await run([definition('pots')], { dryRun: true })

    expect((await readDocument(context, administrator, 'Blueprint', 'pots')).ok).toBe(false)
    expect(await run([definition('pots')])).toEqual(dry)
  })

  test('again is unchanged, minor or major, and tells what lives of it', async () => {
    await run([definition('urns', { properties: { size } })])
    const asked = await ask(house, ann, [{ action: 'create', blueprint: 'urns', name: 'a', parameters: {} }])
    await commitAll(pool)

    const [same] = await run([definition('urns', { properties: { size } })])
    const [minor] = await run([definition('urns', { properties: { size, colour: { type: 'string' } } })])
    const [major] = await run([definition('urns', { properties: { size: { ...size, enum: ['m'], default: 'm' } } })])

    expect([same, minor, major].map((result) => [result?.outcome, result?.version])).toEqual([
      ['unchanged', '1.0.0'],
      ['changed', '1.1.0'],
      ['changed', '2.0.0'],
    ])
    expect(minor?.diff.filter((d) => d.pointer.startsWith('/spec/parameters'))).toEqual([
      { pointer: '/spec/parameters/properties/colour', before: null, after: { type: 'string' }, breaking: false },
    ])
    expect(major?.diff.filter((d) => d.breaking).map((d) => d.pointer)).toEqual([
      '/spec/parameters/properties/size/enum',
      '/spec/parameters/properties/colour',
    ])
    expect(same?.touches).toEqual([])
    for (const result of [minor, major])
      expect(result?.touches).toMatchObject([{ name: 'a', team: 'red', blueprint: { name: 'urns', version: '1.0.0' } }])
    expect(outcomeOf(asked)).toBe('queued')
  })

  test('is refused where a policy or a secret stands against it', async () => {
    const [result] = await run([
      definition('keys', { properties: { token: { type: 'string', default: 'ghp_0123456789abcdefghijABCDEFGHIJ012345' } } }),
    ])

    expect(result?.outcome).toBe('refused')
    expect(result?.reasons[0]?.pointer).toBe('/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/token/default')
  })
})

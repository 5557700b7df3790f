import { expect, test } from 'vitest'
import { blueprintWarnings } from '../../src/core/blueprint-warnings.ts'
import type { BlueprintDocument } from '../../src/core/document/blueprint.ts'
import type { JsonObject } from '../../src/core/json.ts'
import { boxSpec, makeDocument, makePlatform } from './platforms.ts'

function blueprint(spec: JsonObject, more: JsonObject = {}, name = 'db'): BlueprintDocument {
  const metadata = { name: '${resource.name}', namespace: '${environment.namespace}' }
  const manifest = { apiVersion: 'db.example.com/v1', kind: 'Database', metadata, spec, ...more }
  return makeDocument('Blueprint', name, { ...boxSpec, manifests: [manifest] }) as BlueprintDocument // Of its kind.
}

const secret = { writeConnectionSecretToRef: { name: 'x-conn' } }

test.each<[string, BlueprintDocument, number]>([
  ['a claim that leaves it to Crossplane how it is deleted', blueprint({ ...secret, parameters: {} }), 1],
  ['one that chooses a composition', blueprint({ compositionSelector: { matchLabels: { a: 'b' } } }), 1],
  ['one in the foreground', blueprint({ ...secret, compositeDeletePolicy: 'Foreground' }), 0],
  ['one that says that it wants it in the background', blueprint({ ...secret, compositeDeletePolicy: 'Background' }), 0],
  ['a managed resource', blueprint({ ...secret, forProvider: {} }), 0],
  ['a composite of the second version', blueprint({ crossplane: { compositionRef: { name: 'x' } } }), 0],
  ['a composite in no namespace', blueprint({ compositionRef: { name: 'x' } }, { metadata: { name: 'x' } }), 0],
  ['anything else', blueprint({ size: 's' }), 0],
])('a warning for %s is given %#', (_, document, count) => {
  const warnings = blueprintWarnings(makePlatform([]), document)

  expect(warnings.map((w) => w.pointer)).toEqual(Array.from({ length: count }, () => '/spec/manifests/0/spec/compositeDeletePolicy'))
})

test('what another blueprint knows to be a claim is one', () => {
  const platform = makePlatform([blueprint({ compositeDeletePolicy: 'Foreground' }, {}, 'imported')])

  expect(blueprintWarnings(platform, blueprint({ size: 's' }))).toHaveLength(1)
})

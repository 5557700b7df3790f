import type { JsonObject } from '../../src/core/json.ts'

/** A definition of Crossplane's second kind, whose blueprint has the name of its plural. */
export function definition(
  plural: string,
  more: { readonly spec?: JsonObject; readonly properties?: JsonObject; readonly schema?: JsonObject } = {},
): JsonObject {
  const properties = more.properties ?? { size: { type: 'string', enum: ['s', 'm'], default: 's' } }
  const openAPIV3Schema = { type: 'object', properties: { spec: { type: 'object', properties, ...more.schema } } }
  return {
    apiVersion: 'apiextensions.crossplane.io/v2',
    kind: 'CompositeResourceDefinition',
    metadata: { name: `${plural}.things.example.com` },
    spec: {
      group: 'things.example.com',
      scope: 'Namespaced',
      names: { kind: 'Thing', plural, singular: plural },
      versions: [{ name: 'v1', served: true, referenceable: true, schema: { openAPIV3Schema } }],
      ...more.spec,
    },
  }
}

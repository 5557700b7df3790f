import type { JsonObject } from '../../src/core/json.ts'

/** A CustomResourceDefinition of Kubernetes in the group things.example.com, whose kind is the plural with a capital. */
export function resourceDefinition(
  plural: string,
  spec: JsonObject = { size: { type: 'string', enum: ['s', 'm'], default: 's' } },
  more: { readonly scope?: 'Namespaced' | 'Cluster'; readonly versions?: readonly JsonObject[]; readonly schema?: JsonObject } = {},
): JsonObject {
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: spec, ...more.schema } } } }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.things.example.com` },
    spec: {
      group: 'things.example.com',
      scope: more.scope ?? 'Namespaced',
      names: { kind: kindOf(plural), plural, singular: plural },
      versions: more.versions ?? [{ name: 'v1', served: true, storage: true, schema }],
    },
  }
}

export function kindOf(plural: string): string {
  return `${plural[0]?.toUpperCase()}${plural.slice(1).replaceAll('-', '')}`
}

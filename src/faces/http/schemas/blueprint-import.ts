import { Type, type Static } from 'typebox'
import { blueprintAllow, blueprintPrice } from '../../../core/document/blueprint.ts'
import { oneOf, openObject } from './component.ts'

const definition = {
  apiVersion: 'apiextensions.crossplane.io/v2',
  kind: 'CompositeResourceDefinition',
  metadata: { name: 'databases.db.example.com' },
  spec: {
    group: 'db.example.com',
    scope: 'Namespaced',
    names: { kind: 'Database', plural: 'databases' },
    versions: [
      {
        name: 'v1',
        served: true,
        referenceable: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec: { type: 'object', properties: { size: { type: 'string', enum: ['s', 'm'], default: 's' } } } },
          },
        },
      },
    ],
  },
}

export const blueprintImportInput = Type.Object(
  {
    documents: Type.Optional(
      Type.Array(openObject, { minItems: 1, maxItems: 200, description: 'Definitions as Kubernetes has them, or lists of them.' }),
    ),
    fromCluster: Type.Optional(
      Type.String({ minLength: 1, maxLength: 63, description: 'Instead of documents: an environment, whose cluster is read.' }),
    ),
    price: Type.Optional(
      Type.Unsafe<Static<typeof blueprintPrice>>({
        ...blueprintPrice,
        description: 'Of what is imported; a blueprint that has one keeps it.',
      }),
    ),
    allow: Type.Optional(
      Type.Unsafe<Static<typeof blueprintAllow>>({
        ...blueprintAllow,
        description: 'What may be made beyond the namespace of an environment.',
      }),
    ),
  },
  {
    additionalProperties: false,
    $id: 'BlueprintImport',
    description: 'Definitions that blueprints are made of.',
    examples: [{ documents: [definition], price: { monthly: "parameters.size == 's' ? 15.0 : 60.0" } }],
  },
)

const nullable = (schema: { readonly type: 'string' | 'object' }) => Type.Unsafe({ ...schema, type: [schema.type, 'null'] })
const anything = Type.Unsafe({ description: 'JSON; null where there is nothing.' })

const result = Type.Object({
  source: Type.Object({ apiVersion: Type.String(), kind: Type.String(), name: Type.String() }, { description: 'The definition.' }),
  blueprint: Type.Unsafe({ ...nullable({ type: 'string' }), description: 'Its name; null where the definition has none.' }),
  version: Type.Unsafe({ ...nullable({ type: 'string' }), description: 'Null where it is refused.' }),
  outcome: oneOf(['created', 'changed', 'unchanged', 'refused']),
  reasons: Type.Array(Type.Object({ pointer: Type.String(), detail: Type.String(), frame: Type.Optional(Type.String()) }), {
    description: 'Why it is refused. Pointers start at the definition.',
  }),
  warnings: Type.Array(Type.Object({ detail: Type.String() })),
  diff: Type.Array(Type.Object({ pointer: Type.String(), before: anything, after: anything, breaking: Type.Boolean() }), {
    description: 'What is other than in the version before. Pointers start at the Blueprint.',
  }),
  touches: Type.Array(Type.Unsafe({ $ref: 'Resource#' }), {
    description: 'What lives of the blueprint, each at its version until somebody updates it; 200 at most.',
  }),
  document: Type.Unsafe({ type: ['object', 'null'], additionalProperties: true, description: 'The Blueprint; null where it is refused.' }),
})

export const blueprintsImported = Type.Object(
  { results: Type.Array(result) },
  {
    $id: 'BlueprintsImported',
    description: 'What became of each definition, in their order.',
    examples: [
      {
        results: [
          {
            source: { apiVersion: definition.apiVersion, kind: definition.kind, name: definition.metadata.name },
            blueprint: 'database',
            version: '1.0.0',
            outcome: 'created',
            reasons: [],
            warnings: [{ detail: 'No price was given, so it is free.' }],
            diff: [],
            touches: [],
            document: {
              apiVersion: 'purser.dev/v1',
              kind: 'Blueprint',
              metadata: { name: 'database', title: 'Database', tags: ['crossplane'] },
              spec: {
                version: '1.0.0',
                parameters: {
                  type: 'object',
                  properties: { size: { type: 'string', enum: ['s', 'm'], default: 's' } },
                  'x-kubernetes-group-version-kind': [{ group: 'db.example.com', version: 'v1', kind: 'Database' }],
                },
                price: 'free',
                manifests: [
                  {
                    apiVersion: 'db.example.com/v1',
                    kind: 'Database',
                    metadata: { name: '${resource.name}', namespace: '${environment.namespace}' },
                    spec: { size: '${given.?size}' },
                  },
                ],
              },
            },
          },
        ],
      },
    ],
  },
)

export const blueprintImportComponents = [blueprintImportInput, blueprintsImported]

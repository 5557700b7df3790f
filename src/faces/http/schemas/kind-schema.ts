import { Type } from 'typebox'
import { oneOf, openObject, timestamp } from './component.ts'
import { pageSchema } from './page.ts'

const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'databases.db.example.com' },
  spec: {
    group: 'db.example.com',
    scope: 'Namespaced',
    names: { kind: 'Database', plural: 'databases' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec: { type: 'object', properties: { size: { type: 'string', enum: ['s', 'm'] } } } },
          },
        },
      },
    ],
  },
}

export const schemaAdditionInput = Type.Object(
  {
    documents: Type.Optional(
      Type.Array(openObject, { minItems: 1, maxItems: 1_000, description: 'Definitions as Kubernetes has them, or lists of them.' }),
    ),
    fromCluster: Type.Optional(
      Type.String({ minLength: 1, maxLength: 63, description: 'Instead of documents: an environment, whose cluster is read.' }),
    ),
  },
  {
    additionalProperties: false,
    $id: 'SchemaAddition',
    description: 'CustomResourceDefinitions, or where they are.',
    examples: [{ documents: [definition] }],
  },
)

const servedKind = Type.Object({ group: Type.String(), version: Type.String(), kind: Type.String() })

export const schemasAdded = Type.Object(
  {
    results: Type.Array(
      Type.Object({
        source: Type.Object({ apiVersion: Type.String(), kind: Type.String(), name: Type.String() }, { description: 'The definition.' }),
        kinds: Type.Array(servedKind, { description: 'What it serves; nothing where it is refused.' }),
        outcome: oneOf(['created', 'changed', 'unchanged', 'refused']),
        reasons: Type.Array(Type.Object({ pointer: Type.String(), detail: Type.String(), frame: Type.Optional(Type.String()) }), {
          description: 'Why it is refused. Pointers start at the definition.',
        }),
      }),
    ),
  },
  {
    $id: 'SchemasAdded',
    description: 'What became of each definition, in their order.',
    examples: [
      {
        results: [
          {
            source: { apiVersion: definition.apiVersion, kind: definition.kind, name: definition.metadata.name },
            kinds: [{ group: 'db.example.com', version: 'v1', kind: 'Database' }],
            outcome: 'created',
            reasons: [],
          },
        ],
      },
    ],
  },
)

const kindExample = {
  group: 'db.example.com',
  version: 'v1',
  kind: 'Database',
  scope: 'Namespaced',
  definition: 'databases.db.example.com',
  digest: 'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  updatedAt: '2026-11-26T09:30:00.000Z',
  updatedBy: 'olivia@example.com',
}

const kindMembers = {
  group: Type.String(),
  version: Type.String(),
  kind: Type.String(),
  scope: oneOf(['Namespaced', 'Cluster']),
  definition: Type.String({ description: 'The CustomResourceDefinition that it is from.' }),
  digest: Type.String({ description: 'Of the schema: `sha256:…`.' }),
  updatedAt: timestamp,
  updatedBy: Type.String({ description: 'The subject of who added it as it is.' }),
}

export const knownKind = Type.Object(kindMembers, {
  $id: 'KnownKind',
  description: 'A kind that plans are judged by.',
  examples: [kindExample],
})

export const knownKindWithSchema = Type.Object(
  {
    ...kindMembers,
    schema: Type.Unsafe({ type: 'object', additionalProperties: true, description: 'Its structural schema, without descriptions.' }),
  },
  {
    $id: 'KnownKindWithSchema',
    description: 'A kind that plans are judged by, and what it is judged by.',
    examples: [{ ...kindExample, schema: definition.spec.versions[0]?.schema.openAPIV3Schema }],
  },
)

export const knownKindPage = pageSchema('KnownKindPage', knownKind, kindExample)

export const kindSchemaComponents = [schemaAdditionInput, schemasAdded, knownKind, knownKindWithSchema, knownKindPage]

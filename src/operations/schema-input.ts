import { Type, type Static } from 'typebox'

/** An environment whose cluster is read instead of documents. */
export const fromCluster = Type.String({ minLength: 1, maxLength: 63, description: 'An environment: its cluster is read.' })

/** What `addSchemas` takes, whatever the face; it judges each definition itself. */
export const schemaAddition = Type.Object(
  {
    documents: Type.Optional(Type.Array(Type.Unknown(), { minItems: 1, maxItems: 1_000 })),
    fromCluster: Type.Optional(fromCluster),
  },
  { additionalProperties: false },
)
export type SchemaAddition = Static<typeof schemaAddition>

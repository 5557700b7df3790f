import { Type } from 'typebox'

/** What `applyDocuments` takes, whatever the face; it judges each document itself. */
export const documentBatch = Type.Object(
  { documents: Type.Array(Type.Unknown(), { minItems: 1, maxItems: 1_000 }) },
  { additionalProperties: false },
)

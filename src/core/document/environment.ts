import { Type, type Static } from 'typebox'
import { approvers, documentSchema, jsonObject } from './metadata.ts'

const closed = { additionalProperties: false }

/** What paths and names must look like beyond this is checked in `core/place.ts`, with words that help. */
export const environmentDocument = documentSchema('Environment', {
  order: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 })),
  gitops: Type.Object(
    {
      repository: Type.Optional(Type.String({ minLength: 1, maxLength: 1_000 })),
      branch: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
      path: Type.String({ minLength: 1, maxLength: 200 }),
    },
    closed,
  ),
  namespace: Type.String({ minLength: 1, maxLength: 100 }),
  values: Type.Optional(jsonObject),
  deletion: Type.Optional(Type.Object({ approvers }, closed)),
})
export type EnvironmentDocument = Static<typeof environmentDocument>

import { Type, type Static } from 'typebox'
import { documentName, documentSchema, lifecycle } from './metadata.ts'

/** A catalogue entry. It decides nothing, so it does not raise the platform revision. */
export const serviceDocument = documentSchema('Service', {
  owner: documentName,
  type: Type.Optional(Type.String({ minLength: 1, maxLength: 63, pattern: '^\\S+$' })),
  lifecycle: Type.Optional(lifecycle),
  system: Type.Optional(documentName),
  source: Type.Optional(Type.String({ maxLength: 2_000, pattern: '^(https?|ssh)://[^\\s<>"]+$' })),
  dependsOn: Type.Optional(
    Type.Array(Type.String({ maxLength: 200, pattern: '^(service:[a-z0-9-]+|resource:[a-z0-9-]+/[a-z0-9-]+)$' }), {
      maxItems: 100,
      uniqueItems: true,
    }),
  ),
})
export type ServiceDocument = Static<typeof serviceDocument>

import { Type, type Static } from 'typebox'
import { documentName, documentSchema, expressionText, jsonObject, lifecycle } from './metadata.ts'

const closed = { additionalProperties: false }

const apiGroup = Type.String({ maxLength: 253, pattern: '^[a-z0-9.-]*$' })
const objectKind = Type.String({ minLength: 1, maxLength: 63, pattern: '^[A-Za-z][A-Za-z0-9]*$' })

/** `free` must be said. */
export const blueprintPrice = Type.Union([Type.Literal('free'), Type.Object({ monthly: expressionText }, closed)])

export const blueprintAllow = Type.Object(
  {
    namespaces: Type.Optional(Type.Array(documentName, { maxItems: 32 })),
    clusterScoped: Type.Optional(Type.Array(Type.Object({ group: apiGroup, kind: objectKind }, closed), { maxItems: 32 })),
  },
  closed,
)

export const blueprintDocument = documentSchema('Blueprint', {
  version: Type.String({ minLength: 1, maxLength: 64 }),
  lifecycle: Type.Optional(lifecycle),
  owner: Type.Optional(documentName),
  parameters: jsonObject,
  environments: Type.Optional(Type.Record(documentName, Type.Object({ defaults: Type.Optional(jsonObject) }, closed))),
  price: blueprintPrice,
  manifests: Type.Array(jsonObject, { minItems: 1, maxItems: 64 }),
  allow: Type.Optional(blueprintAllow),
})
export type BlueprintDocument = Static<typeof blueprintDocument>

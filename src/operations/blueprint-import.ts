import { Type, type Static } from 'typebox'
import { blueprintAllow, blueprintPrice } from '../core/document/blueprint.ts'

/** What `importBlueprints` takes, whatever the face; it judges each definition itself. */
export const blueprintImport = Type.Object(
  {
    documents: Type.Array(Type.Unknown(), { minItems: 1, maxItems: 200 }),
    price: Type.Optional(blueprintPrice),
    allow: Type.Optional(blueprintAllow),
  },
  { additionalProperties: false },
)
export type BlueprintImport = Static<typeof blueprintImport>

import { Type, type Static } from 'typebox'
import { blueprintAllow, blueprintPrice } from '../core/document/blueprint.ts'
import { fromCluster } from './schema-input.ts'

/** What `importBlueprints` takes, whatever the face; it judges each definition itself. */
export const blueprintImport = Type.Object(
  {
    documents: Type.Optional(Type.Array(Type.Unknown(), { minItems: 1, maxItems: 200 })),
    fromCluster: Type.Optional(fromCluster),
    price: Type.Optional(blueprintPrice),
    allow: Type.Optional(blueprintAllow),
  },
  { additionalProperties: false },
)
export type BlueprintImport = Static<typeof blueprintImport>

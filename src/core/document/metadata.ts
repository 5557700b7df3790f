import { Type, type Static, type TProperties } from 'typebox'
import type { JsonObject } from '../json.ts'

/**
 * What all kinds of documents have in common. Every text is bounded: documents are loaded into every process.
 * Defaults are applied by readers, never written into the stored document, so what was applied is what is shown.
 */

const dnsLabel = '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$'

/** A name of a document, also where another document refers to it. */
export const documentName = Type.String({ minLength: 1, maxLength: 63, pattern: dnsLabel })

/** A resource's name: shorter, since blueprints append to it. */
export const resourceName = Type.String({ minLength: 1, maxLength: 50, pattern: dnsLabel })

/** `*` stands for any text; nothing else is special. */
export const nameGlob = Type.String({ minLength: 1, maxLength: 63, pattern: '^[a-z0-9*-]+$' })

export const expressionText = Type.String({ minLength: 1, maxLength: 2_000 })

export const webUrl = Type.String({ maxLength: 2_000, pattern: '^https?://[^\\s<>"]+$' })

export const jsonObject = Type.Unsafe<JsonObject>({ type: 'object' })

export const teamRole = Type.Union([Type.Literal('viewer'), Type.Literal('developer'), Type.Literal('approver'), Type.Literal('owner')])

/** Who approves; defaults: the requesting team, `approver`, one person. */
export const approvers = Type.Object(
  { team: Type.Optional(documentName), role: Type.Optional(teamRole), count: Type.Optional(Type.Integer({ minimum: 1, maximum: 20 })) },
  { additionalProperties: false },
)
export type Approvers = Static<typeof approvers>

export const lifecycle = Type.Union([Type.Literal('experimental'), Type.Literal('production'), Type.Literal('deprecated')])
export type Lifecycle = Static<typeof lifecycle>

const metadata = Type.Object(
  {
    name: documentName,
    title: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
    description: Type.Optional(Type.String({ maxLength: 4_000 })),
    tags: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 63, pattern: '^\\S+$' }), { maxItems: 32 })),
    links: Type.Optional(
      Type.Array(
        Type.Object({ url: webUrl, title: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })) }, { additionalProperties: false }),
        { maxItems: 32 },
      ),
    ),
  },
  { additionalProperties: false },
)

/** The schema of a whole document of one kind. */
export function documentSchema<K extends string, S extends TProperties>(kind: K, spec: S) {
  return Type.Object(
    {
      apiVersion: Type.Literal('purser.dev/v1'),
      kind: Type.Literal(kind),
      metadata,
      spec: Type.Object(spec, { additionalProperties: false }),
    },
    { additionalProperties: false },
  )
}

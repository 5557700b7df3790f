import { Type, type Static } from 'typebox'
import { documentName, documentSchema, expressionText } from './metadata.ts'

/** What a job's token may do at most; `read` comes with `requests:write`, since whoever asks must see what became of it. */
const jobScope = Type.Union([Type.Literal('read'), Type.Literal('requests:write')])

/**
 * Which job of a CI system may be which service account. It decides nothing about plans, so it does not raise the platform
 * revision. What the issuer and the expression must be beyond this is checked in `core/trust.ts`.
 */
export const trustDocument = documentSchema('Trust', {
  issuer: Type.String({ minLength: 1, maxLength: 500 }),
  audience: Type.String({ minLength: 1, maxLength: 200, pattern: '^[\\x21-\\x7e]+$' }),
  when: expressionText,
  serviceAccount: documentName,
  scopes: Type.Optional(Type.Array(jobScope, { minItems: 1, maxItems: 2, uniqueItems: true })),
  minutes: Type.Optional(Type.Integer({ minimum: 1, maximum: 15 })),
})
export type TrustDocument = Static<typeof trustDocument>

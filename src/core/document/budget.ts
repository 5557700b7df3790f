import { Type, type Static } from 'typebox'
import { documentName, documentSchema, nameGlob } from './metadata.ts'

const closed = { additionalProperties: false }

/** Whether `limit` fits `measure` is checked in `document.ts`: the error should speak of money, not of alternatives. */
export const budgetDocument = documentSchema('Budget', {
  scope: Type.Optional(Type.Object({ team: Type.Optional(documentName), environment: Type.Optional(documentName) }, closed)),
  measure: Type.Optional(Type.Union([Type.Literal('cost'), Type.Literal('count')])),
  match: Type.Optional(Type.Object({ blueprints: Type.Optional(Type.Array(nameGlob, { minItems: 1, maxItems: 100 })) }, closed)),
  limit: Type.Union([Type.String({ maxLength: 20 }), Type.Number()]),
  onExceed: Type.Optional(Type.Literal('deny')),
  alertAt: Type.Optional(Type.Array(Type.Integer({ minimum: 1, maximum: 100 }), { maxItems: 10, uniqueItems: true })),
})
export type BudgetDocument = Static<typeof budgetDocument>

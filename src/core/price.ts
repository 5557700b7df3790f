import type { BlueprintDocument } from './document/blueprint.ts'
import { compileExpression, EvaluationError, expressionEnvironment, type Values } from './expression.ts'
import { roundPrice } from './money.ts'
import type { FieldError } from './problem.ts'
import { ok, refuse, type Result } from './result.ts'
import type { ParameterSchema } from './schema.ts'

/** What a resource costs a month, in minor units; the refusal is a clause for people. */
export type Price = { quote(values: Values): Result<bigint, string> }

const free: Price = { quote: () => ok(0n) }

/** Pointers start at the document. */
export function compilePrice({ spec }: BlueprintDocument, parameters: ParameterSchema): Result<Price, readonly FieldError[]> {
  if (spec.price === 'free') return ok(free)
  const expression = compileExpression(spec.price.monthly, expressionEnvironment('price', parameters), 'number')
  if (!expression.ok) return refuse([{ pointer: '/spec/price/monthly', ...expression.problem }])
  return ok({ quote: (values) => quote(() => expression.value.evaluate(values)) })
}

function quote(evaluate: () => unknown): Result<bigint, string> {
  try {
    const value = evaluate()
    const price = roundPrice(Number(value))
    return price === null ? refuse(`the price would be ${String(value)}, which is no amount of money`) : ok(price)
  } catch (error) {
    if (error instanceof EvaluationError) return refuse(`the price ${error.message}`)
    throw error
  }
}

/** Minor units as the double that CEL sees. */
export function toDouble(minor: bigint): number {
  return Number(minor) / 100
}

import type { JsonObject } from './json.ts'
import type { Result } from './result.ts'
import type { ParameterSchema } from './schema.ts'

/** Where an expression stands; it decides which variables there are. `message` sees what `policy` sees. */
export type Scope = 'policy' | 'price' | 'template' | 'message'

/** `frame`: the source line and a caret below the column. */
export type ExpressionError = { readonly detail: string; readonly frame: string }

export type ExpressionEnvironment = {
  readonly scope: Scope
  readonly parameters: ParameterSchema | null
}

/**
 * The variables of an evaluation, as plain JSON (`now` is a Date); integers become bigint by the parameter schema. Only
 * what the scope has is looked at, the rest may be absent. Conversion is remembered per object: build one of these for a
 * change and give the same one to every expression; never change it afterwards.
 */
export type Values = {
  readonly action?: string
  readonly team?: { readonly name: string; readonly title: string; readonly costCenter: string; readonly tags: readonly string[] }
  readonly environment?: { readonly name: string; readonly namespace: string; readonly values: JsonObject }
  readonly blueprint?: { readonly name: string; readonly version: string; readonly tags: readonly string[]; readonly lifecycle: string }
  readonly resource?: { readonly name: string }
  readonly parameters?: JsonObject
  /** Empty on create. */
  readonly previous?: JsonObject
  /** Doubles, per month. */
  readonly cost?: { readonly before: number; readonly after: number; readonly delta: number }
  readonly requester?: {
    readonly subject: string
    readonly kind: string
    readonly roles: readonly string[]
    /** Empty when nobody is between. */
    readonly via: string
    readonly groups: readonly string[]
  }
  readonly now?: Date
}

export type Expression = {
  readonly source: string
  /** The CEL type that it yields. */
  readonly type: string
  /** A bool, number (double), bigint (int), string, list, map or optional; throws EvaluationError. */
  evaluate(values: Values): unknown
}

/** Why an expression has no value for these variables; the message is for people. */
export class EvaluationError extends Error {
  override readonly name = 'EvaluationError'
}

/** Cached per scope and schema object. Without a schema `parameters` is dynamic. */
export function expressionEnvironment(scope: Scope, parameters: ParameterSchema | null): ExpressionEnvironment {
  return { scope, parameters }
}

/** Parses and type-checks. `number`: int or double. */
export function compileExpression(source: string, env: ExpressionEnvironment, expects: 'bool' | 'number' | 'any'): Result<Expression, ExpressionError> {
  throw new Error(`not yet ${source} ${env.scope} ${expects}`)
}

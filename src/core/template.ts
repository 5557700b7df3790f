import type { ExpressionEnvironment, Values } from './expression.ts'
import type { Json } from './json.ts'
import type { FieldError } from './problem.ts'
import type { Result } from './result.ts'

export type Template = {
  /** Throws EvaluationError, whose message names the pointer of the leaf. */
  render(values: Values): Json
}

export type TextTemplate = { render(values: Values): string }

/**
 * A tree whose string leaves may hold `${CEL}`. `pointer` is where the tree stands in its document. A whole-tree value of
 * `optional.none()` renders null.
 */
export function compileTemplate(tree: Json, env: ExpressionEnvironment, pointer: string): Result<Template, readonly FieldError[]> {
  throw new Error(`not yet ${String(tree)} ${env.scope} ${pointer}`)
}

/** A message: text with `${CEL}` in it, always rendered to text. */
export function compileText(text: string, env: ExpressionEnvironment, pointer: string): Result<TextTemplate, readonly FieldError[]> {
  throw new Error(`not yet ${text} ${env.scope} ${pointer}`)
}

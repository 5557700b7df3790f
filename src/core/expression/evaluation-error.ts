/** Why an expression has no value for these variables; the message is for people. */
export class EvaluationError extends Error {
  override readonly name = 'EvaluationError'
}

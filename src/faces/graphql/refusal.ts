import type { Problem } from '../../core/problem.ts'
import type { Result } from '../../core/result.ts'

/** A refusal on its way out of a resolver, where graphql knows only errors. */
export class Refusal extends Error {
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.code)
    this.name = 'Refusal'
    this.problem = problem
  }
}

/** The value, or the refusal thrown: the field is null then, and its error says why. */
export function unwrap<T>(result: Result<T>): T {
  if (result.ok) return result.value
  throw new Refusal(result.problem)
}

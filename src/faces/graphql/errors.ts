import { GraphQLError, type GraphQLFormattedError } from 'graphql'
import { problemDocument, type Problem } from '../../core/problem.ts'
import { tooManyTokens } from './limits.ts'
import { Refusal } from './refusal.ts'

/** What any other error than a refusal is to a caller, where it is known; the log has more. */
export type Judge = (error: Error) => Problem

/**
 * An error as it is answered: its `extensions` are the problem document that REST answers. `execution`: of a field, whose
 * errors are ours unless they are refusals; otherwise of the query, whose errors are the caller's.
 */
export function presentError(error: unknown, judge: Judge): GraphQLFormattedError {
  const located = error instanceof GraphQLError ? error : null
  const document = problemDocument(problemIn(error, judge))
  return {
    message: document.detail ?? document.title,
    ...(located?.locations === undefined ? {} : { locations: located.locations }),
    ...(located?.path === undefined ? {} : { path: located.path }),
    extensions: document,
  }
}

/** The errors within an error: of a query that is not valid there are several. */
export function errorsIn(error: unknown): readonly unknown[] {
  if (typeof error === 'object' && error !== null && 'errors' in error && Array.isArray(error.errors)) return error.errors
  return [error]
}

/** Messages of graphql repeat what they are about, which may be a megabyte; what is wrong with it is at the end. */
function shortened(message: string): string {
  return message.length <= 1_000 ? message : `${message.slice(0, 200)} … ${message.slice(-400)}`
}

export function problemIn(error: unknown, judge: Judge): Problem {
  if (error instanceof Refusal) return error.problem
  if (!(error instanceof GraphQLError)) return judge(error instanceof Error ? error : new Error(String(error)))
  const { originalError } = error
  if (originalError instanceof Refusal) return originalError.problem
  // An argument that cannot be read is the caller's mistake, even where it is found out while fields are read.
  const isOfQuery = error.path === undefined || (originalError instanceof GraphQLError && originalError.nodes?.[0]?.kind !== 'Field')
  if (isOfQuery && (originalError === undefined || originalError instanceof GraphQLError)) {
    return tooManyTokens(error.message)?.problem ?? { code: 'malformed', detail: shortened(error.message) }
  }
  return judge(originalError ?? error)
}

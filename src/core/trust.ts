import { isLoopbackHost } from './addresses.ts'
import type { TrustDocument } from './document/trust.ts'
import { compileExpression, EvaluationError, expressionEnvironment, type Expression } from './expression.ts'
import type { JsonObject } from './json.ts'
import type { FieldError } from './problem.ts'
import type { Result } from './result.ts'
import type { ExpressionError } from './expression.ts'
import { findUnpinned } from './trust-pin.ts'

/** Minutes that a token of Purser's lives at most, and where the Trust says nothing. */
export const MAX_MINUTES = 15

export type JobScope = 'read' | 'requests:write'

/** What a token by this Trust may do, in the order in which it is written. */
export function scopesOf({ spec }: TrustDocument): readonly JobScope[] {
  return withRead(spec.scopes ?? ['requests:write'])
}

/** Whoever asks must see what became of it. */
export function withRead(scopes: readonly JobScope[]): readonly JobScope[] {
  return scopes.includes('requests:write') ? ['read', 'requests:write'] : scopes
}

/** What is wrong with a Trust by itself. Pointers start at the document. */
export function checkTrust(document: TrustDocument): readonly FieldError[] {
  const issuer = wrongIssuer(document.spec.issuer)
  const errors: FieldError[] = issuer === null ? [] : [{ pointer: '/spec/issuer', detail: issuer }]
  const compiled = ruleOf(document)
  if (!compiled.ok) return [...errors, { pointer: '/spec/when', ...compiled.problem }]
  const unpinned = findUnpinned(document.spec.issuer, treeOf(document.spec.when))
  return unpinned === null ? errors : [...errors, { pointer: '/spec/when', detail: unpinned }]
}

/** Compared with a token's `iss` character by character, and fetched from: so it is written in the one way there is. */
function wrongIssuer(issuer: string): string | null {
  const url = URL.canParse(issuer) ? new URL(issuer) : null
  const example = 'such as https://token.actions.githubusercontent.com'
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return `must be the address of an issuer, ${example}`
  if (url.protocol === 'http:' && !isLoopbackHost(url.hostname))
    return 'must begin with https: over http anybody on the way could be the issuer'
  if (issuer.includes('?') || issuer.includes('#')) return `must have no query and no fragment, ${example}`
  if (url.username !== '' || url.password !== '') return `must have no user and no password, ${example}`
  return url.href === issuer || url.href === `${issuer}/`
    ? null
    : `must be written as ${url.href.replace(/\/$/, '')}, as the issuer writes it`
}

const rules = new WeakMap<TrustDocument, Result<Expression, ExpressionError>>()

function ruleOf(document: TrustDocument): Result<Expression, ExpressionError> {
  let rule = rules.get(document)
  if (rule === undefined) rules.set(document, (rule = compileExpression(document.spec.when, expressionEnvironment('trust', null), 'bool')))
  return rule
}

function treeOf(source: string): unknown {
  return expressionEnvironment('trust', null).cel.parse(source).ast
}

/** Whether a job with these claims is one that the Trust means. What cannot be evaluated means nobody (fail closed). */
export function takes(document: TrustDocument, claims: JsonObject): boolean {
  const rule = ruleOf(document)
  if (!rule.ok) return false
  try {
    return rule.value.evaluate({ claims }) === true
  } catch (error) {
    if (error instanceof EvaluationError) return false
    throw error
  }
}

import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify'
import { Fault } from '../../core/fault.ts'
import { problemDocument, type Problem } from '../../core/problem.ts'

/** A refusal on its way out of a hook, a parser or a validator, where Fastify knows only errors. */
export class Refused extends Error {
  readonly problem: Problem
  readonly headers: Readonly<Record<string, string>>

  constructor(problem: Problem, headers: Readonly<Record<string, string>> = {}) {
    super(problem.code)
    this.name = 'Refused'
    this.problem = problem
    this.headers = headers
  }
}

/** The one place where a refusal becomes an HTTP answer. As bytes, because Fastify adds a charset to JSON text. */
export function sendProblem(reply: FastifyReply, problem: Problem, headers = problemHeaders(problem)): FastifyReply {
  const document = problemDocument(problem)
  const bytes = Buffer.from(JSON.stringify(document))
  return reply.code(document.status).headers(headers).header('content-type', 'application/problem+json').send(bytes)
}

/** The headers that belong to a problem. */
export function problemHeaders(problem: Problem): Record<string, string> {
  if (problem.code === 'unauthenticated') return { 'www-authenticate': 'Bearer' }
  if (problem.code === 'method-not-allowed') return { allow: problem.allowed.join(', ') }
  if (problem.code === 'rate-limited' || problem.code === 'unavailable') return { 'retry-after': String(problem.retryAfterS) }
  return {}
}

/** Fastify's error handler. */
export function answerError(error: Error, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { problem, headers } = refusalOf(error, request)
  return sendProblem(reply, problem, headers)
}

/** What an error is to the caller: a refusal as it is, a fault 503, and a bug a 500 that says nothing and is loud in the log. */
export function refusalOf(
  error: Error,
  request: FastifyRequest,
): { readonly problem: Problem; readonly headers: Readonly<Record<string, string>> } {
  if (error instanceof Refused) return { problem: error.problem, headers: { ...problemHeaders(error.problem), ...error.headers } }
  const problem = error instanceof Fault ? unavailable : (foreignRefusal(error, request) ?? { code: 'internal' })
  if (problem === unavailable) request.log.warn({ err: error }, 'a request met a dependency that is not well')
  else if (problem.code === 'internal') request.log.error({ err: error }, 'a request failed for a reason that nobody foresaw')
  return { problem, headers: problemHeaders(problem) }
}

/** The same of what happens outside of a request. */
export function failureOf(error: Error, log: FastifyBaseLogger): Problem {
  if (error instanceof Fault) log.warn({ err: error }, 'a stream met a dependency that is not well')
  else log.error({ err: error }, 'a stream failed for a reason that nobody foresaw')
  return error instanceof Fault ? unavailable : { code: 'internal' }
}

/** What a caller is told of a fault. */
export const unavailable: Problem = {
  code: 'unavailable',
  detail: 'A part that Purser needs is not well at the moment. Nothing was lost; try again.',
  retryAfterS: 2,
}

/** What Fastify itself refuses, in Purser's words; null: it is no refusal. */
function foreignRefusal(error: Error, request: FastifyRequest): Problem | null {
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown } // Members that Fastify's errors have.
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return { code: 'too-large', detail: 'The body is larger than 1 MiB.' }
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return { code: 'unsupported-media-type', offered: request.routeOptions.config.accepts ?? ['application/json'] }
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return { code: 'malformed', detail: 'The body is not as long as Content-Length says.' }
    // A path that cannot be decoded, or has a name longer than any: such a thing is not there.
    case 'FST_ERR_BAD_URL':
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return { code: 'not-found' }
  }
  const isRefusal = typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500
  return isRefusal ? { code: 'malformed', detail: 'The request could not be read.' } : null
}

/** What is no HTTP at all never gets to be a request, so the answer is written by hand. */
export function answerBrokenRequest(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const detail =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? 'The request did not arrive in time.'
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? 'The headers are too large.'
        : 'This is not HTTP.'
  const body = JSON.stringify(problemDocument({ code: 'malformed', detail }))
  socket.end(
    [
      'HTTP/1.1 400 Bad Request',
      `X-Request-Id: ${randomUUID()}`,
      'Content-Type: application/problem+json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  )
}

import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
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
export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  const document = problemDocument(problem)
  const bytes = Buffer.from(JSON.stringify(document))
  return reply.code(document.status).headers(problemHeaders(problem)).header('content-type', 'application/problem+json').send(bytes)
}

function problemHeaders(problem: Problem): Record<string, string> {
  if (problem.code === 'unauthenticated') return { 'www-authenticate': 'Bearer' }
  if (problem.code === 'method-not-allowed') return { allow: problem.allowed.join(', ') }
  if (problem.code === 'rate-limited' || problem.code === 'unavailable') return { 'retry-after': String(problem.retryAfterS) }
  return {}
}

/** Fastify's error handler: refusals as they are, faults as 503, and bugs as a 500 that says nothing and is loud in the log. */
export function answerError(error: Error, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof Refused) return sendProblem(reply.headers(error.headers), error.problem)
  if (error instanceof Fault) {
    request.log.warn({ err: error }, 'a request met a dependency that is not well')
    return sendProblem(reply, unavailable)
  }
  const refusal = refusalOf(error, request)
  if (refusal !== null) return sendProblem(reply, refusal)
  request.log.error({ err: error }, 'a request failed for a reason that nobody foresaw')
  return sendProblem(reply, { code: 'internal' })
}

/** What a caller is told of a fault. */
export const unavailable: Problem = {
  code: 'unavailable',
  detail: 'A part that Purser needs is not well at the moment. Nothing was lost; try again.',
  retryAfterS: 2,
}

/** What Fastify itself refuses, in Purser's words; null: it is no refusal. */
function refusalOf(error: Error, request: FastifyRequest): Problem | null {
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

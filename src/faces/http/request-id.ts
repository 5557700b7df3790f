import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { FastifyBaseLogger } from 'fastify'

/** The caller's X-Request-Id where it can stand in a header and a log line as it is, else a new one. */
export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const given = request.headers['x-request-id']
  return typeof given === 'string' && /^[A-Za-z0-9._-]{1,128}$/.test(given) ? given : randomUUID()
}

/** A request's log has the trace that its caller is in (W3C Trace Context), so that both can be found by it. */
export function requestLog(
  log: FastifyBaseLogger,
  bindings: Record<string, unknown>,
  _options: unknown,
  request: Pick<IncomingMessage, 'headers'>,
): FastifyBaseLogger {
  const traceparent = request.headers['traceparent']
  const trace = typeof traceparent === 'string' ? /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/.exec(traceparent) : null
  return log.child(trace === null ? bindings : { ...bindings, traceId: trace[1], parentId: trace[2] })
}

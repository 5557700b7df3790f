import { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Span } from '@opentelemetry/api'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { parseTraceparent } from '../../operations/tracing.ts'

/** What load balancers and Prometheus ask all the time says nothing. */
const unseen = new Set(['/healthz', '/readyz', '/metrics'])

/**
 * A span for each answer, in the caller's trace where it names one (W3C Trace Context), by route and never by path. Without
 * an OpenTelemetry SDK in the process it does nothing.
 */
export function traceRequests(app: FastifyInstance): void {
  const spans = new WeakMap<FastifyRequest, Span>()
  app.addHook('onRequest', (request, _reply, done) => {
    const route = request.routeOptions.url ?? 'none'
    if (unseen.has(route)) return done()
    const { traceparent } = request.headers
    const caller = typeof traceparent === 'string' ? parseTraceparent(traceparent) : null
    const parent = caller === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, caller)
    const attributes = { 'http.request.method': request.method, 'http.route': route, 'purser.request_id': request.id }
    const span = trace.getTracer('purser').startSpan(`${request.method} ${route}`, { kind: SpanKind.SERVER, attributes }, parent)
    if (!span.isRecording()) return done()
    spans.set(request, span)
    context.with(trace.setSpan(parent, span), done)
  })
  app.addHook('onResponse', (request, reply, done) => {
    const span = spans.get(request)
    span?.setAttribute('http.response.status_code', reply.statusCode)
    if (reply.statusCode >= 500) span?.setStatus({ code: SpanStatusCode.ERROR })
    span?.end()
    done()
  })
}

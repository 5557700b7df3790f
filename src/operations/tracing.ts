import { context, isSpanContextValid, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Span, type SpanContext } from '@opentelemetry/api'
import type pg from 'pg'
import type { Id } from '../core/ids.ts'
import { readTraceparents } from '../store/traces.ts'

/**
 * Traces from the answer over HTTP to the commit, through OpenTelemetry's API alone: without an SDK, which an installation
 * loads beside Purser if it wants to, all of this does nothing and stores nothing. The queue's jobs name branches, not
 * requests, and may get lost; so where a trace goes on is kept with the request.
 */
const tracer = () => trace.getTracer('purser')

/** W3C Trace Context of what is under way here; null: nobody records it. */
export function currentTraceparent(): string | null {
  const span = trace.getActiveSpan()
  if (span === undefined || !span.isRecording()) return null
  const { traceId, spanId, traceFlags } = span.spanContext()
  return `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, '0')}`
}

/** Null: it is none, or one that says nothing. */
export function parseTraceparent(text: string): SpanContext | null {
  const match = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(text)
  if (match === null) return null
  const [, traceId = '', spanId = '', flags = ''] = match
  const found = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true }
  return isSpanContextValid(found) ? found : null
}

/** A step of what is under way. */
export async function traced<T>(name: string, work: () => Promise<T>): Promise<T> {
  const span = tracer().startSpan(name)
  return span.isRecording() ? finish(span, work) : work()
}

/**
 * A push with the commits of many requests: a span of its own, and for each request one in the trace in which it was asked
 * for, from the push until its commit is known. Each knows the other by a link.
 */
export async function tracedPush<T extends string>(
  pool: pg.Pool,
  branch: { readonly branch: string },
  requests: readonly Id<'request'>[],
  work: () => Promise<T>,
): Promise<T> {
  const attributes = { 'purser.branch': branch.branch, 'purser.requests': requests.length }
  const push = tracer().startSpan('purser push', { kind: SpanKind.CLIENT, attributes })
  if (!push.isRecording()) return work()
  // A trace is never a reason for a commit to wait or to fail.
  const asked = await readTraceparents(pool, requests).catch(() => new Map<Id<'request'>, string>())
  const commits: Span[] = []
  for (const [request, traceparent] of asked) {
    const origin = parseTraceparent(traceparent)
    if (origin === null) continue
    push.addLink({ context: origin })
    const options = { links: [{ context: push.spanContext() }], attributes: { 'purser.request': request } }
    commits.push(tracer().startSpan('purser commit', options, trace.setSpanContext(ROOT_CONTEXT, origin)))
  }
  let outcome: T | 'fault' = 'fault'
  try {
    outcome = await finish(push, work)
    return outcome
  } finally {
    for (const commit of commits) {
      commit.setAttribute('purser.outcome', outcome)
      if (outcome !== 'accepted') commit.setStatus({ code: SpanStatusCode.ERROR, message: outcome })
      commit.end()
    }
  }
}

async function finish<T>(span: Span, work: () => Promise<T>): Promise<T> {
  try {
    return await context.with(trace.setSpan(context.active(), span), work)
  } catch (error) {
    // Its message may have people's data in it.
    span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : typeof error })
    throw error
  } finally {
    span.end()
  }
}

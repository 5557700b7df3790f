import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'
import { context, ROOT_CONTEXT, trace, type Context, type Link, type Span, type SpanContext, type SpanOptions } from '@opentelemetry/api'

/** A span as whoever collects it sees it. */
export type Seen = {
  readonly name: string
  readonly context: SpanContext
  readonly parent: SpanContext | null
  readonly attributes: Record<string, unknown>
  readonly links: readonly Link[]
  readonly failed: boolean
}

/** What an OpenTelemetry SDK is to its API, as small as it can be: adds every span that ends to `seen`, until it is stopped. */
export function recordSpans(seen: Seen[]): () => void {
  const storage = new AsyncLocalStorage<Context>()
  context.setGlobalContextManager({
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, fn, thisArg, ...args) => storage.run(active, () => fn.call(thisArg as never, ...args)),
    bind: (_active, target) => target,
    enable() {
      return this
    },
    disable() {
      return this
    },
  })
  trace.setGlobalTracerProvider({
    getTracer: () => ({
      startSpan: (name, options, parent) => startSpan(seen, name, options ?? {}, parent ?? context.active()),
      startActiveSpan: () => {
        throw new Error('not used')
      },
    }),
  })
  return () => {
    trace.disable()
    context.disable()
  }
}

function startSpan(seen: Seen[], name: string, options: SpanOptions, within: Context): Span {
  const parent = trace.getSpanContext(within) ?? null
  const own = { traceId: parent?.traceId ?? randomBytes(16).toString('hex'), spanId: randomBytes(8).toString('hex'), traceFlags: 1 }
  const attributes: Record<string, unknown> = { ...options.attributes }
  const links = [...(options.links ?? [])]
  let failed = false
  const span: Span = {
    spanContext: () => own,
    isRecording: () => true,
    setAttribute(key, value) {
      attributes[key] = value
      return span
    },
    setAttributes(all) {
      Object.assign(attributes, all)
      return span
    },
    addLink(link) {
      links.push(link)
      return span
    },
    addLinks(all) {
      links.push(...all)
      return span
    },
    setStatus({ code }) {
      failed = code === 2
      return span
    },
    addEvent: () => span,
    updateName: () => span,
    recordException: () => undefined,
    end() {
      seen.push({ name, context: own, parent, attributes, links, failed })
    },
  }
  return span
}

import type { Registry } from 'prom-client'
import { Type } from 'typebox'
import { readiness, type Watched } from '../../../operations/readiness.ts'
import type { HttpApp } from '../http-app.ts'
import { openOperation } from '../operation.ts'
import { aliveSchema, readinessSchema } from '../schemas/health.ts'

export type HealthOptions = {
  readonly watched: Watched
  readonly registry: Registry
  /** Brings the registry up to date before it is shown. */
  readonly refresh?: () => Promise<void>
  readonly stopping: AbortSignal
}

/** What load balancers, a cluster and Prometheus ask, of a process that answers and of one that delivers. Open to everybody. */
export function healthRoutes(app: HttpApp, { watched, registry, refresh, stopping }: HealthOptions): void {
  const alive = openOperation({
    id: 'checkAlive',
    tag: 'Operation',
    summary: 'Is the process alive?',
    description: 'Answers as long as the process does, whatever else is not well.',
    answers: { 200: { description: 'It is.', schema: aliveSchema } },
  })
  app.get('/healthz', { schema: alive }, async (_request, reply) => reply.send({ status: 'ok' }))

  const ready = openOperation({
    id: 'checkReady',
    tag: 'Operation',
    summary: 'Can it take requests?',
    description: 'Not without its database and migrations, and not from the stop signal on.',
    answers: {
      200: { description: 'It can; what else is not well is told all the same.', schema: readinessSchema },
      503: { description: 'It cannot.', schema: readinessSchema },
    },
  })
  app.get('/readyz', { schema: ready }, async (_request, reply) => {
    const state = stopping.aborted ? { ready: false, checks: { process: { ok: false, detail: 'stopping' } } } : await readiness(watched)
    return reply.code(state.ready ? 200 : 503).send(state)
  })

  const metrics = openOperation({
    id: 'readMetrics',
    tag: 'Operation',
    summary: 'Metrics for Prometheus',
    description: 'In its text format.',
    answers: { 200: { description: 'The metrics.', schema: Type.String(), types: ['text/plain'] } },
  })
  app.get('/metrics', { schema: metrics }, async (_request, reply) => {
    await refresh?.()
    return reply.header('content-type', registry.contentType).send(await registry.metrics())
  })
}

import type { FastifyInstance } from 'fastify'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Context } from '../../operations/context.ts'
import { eventStream } from './event-stream.ts'

/** A registry with what is known of the process itself. */
export function processMetrics(): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return registry
}

/** How a worker's turn on a branch ended: all done, to be gone on with later, or by a fault. */
export const turnEnds = ['done', 'later', 'fault'] as const
export type TurnEnd = (typeof turnEnds)[number]

/** Measures the turns of a worker; one is a fetch, as many commits as wait, and a push. */
export function measureDeliveries(registry: Registry): (end: TurnEnd, seconds: number) => void {
  const duration = new Histogram({
    name: 'purser_delivery_turn_duration_seconds',
    help: 'Time of one turn of this worker on a branch, by how it ended',
    labelNames: ['end'],
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120],
    registers: [registry],
  })
  // Shown from the start: that there is a worker is seen by these.
  for (const end of turnEnds) duration.zero({ end })
  return (end, seconds) => duration.observe({ end }, seconds)
}

/** What became of a notice to a team's hook; `pending` is one that will be tried again. */
const noticeOutcomes = ['sent', 'pending', 'given-up', 'dropped'] as const

/** Counts what this worker posted to hooks of teams. */
export function measureNotices(registry: Registry): (outcome: (typeof noticeOutcomes)[number], notices: number) => void {
  const notices = new Counter({
    name: 'purser_notices_total',
    help: 'Notices that this worker took to hooks of teams, by what became of them',
    labelNames: ['outcome'],
    registers: [registry],
  })
  for (const outcome of noticeOutcomes) notices.inc({ outcome }, 0)
  return (outcome, count) => notices.inc({ outcome }, count)
}

/** Measures every answer by its route, never by its path: ids would make a series each. */
export function measureRequests(app: FastifyInstance, registry: Registry): void {
  const duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from a request to its answer',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [registry],
  })
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none'
    // A stream takes as long as somebody listens, which says nothing about this server.
    if (request.format !== eventStream || reply.statusCode !== 200)
      duration.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1_000)
    request.log.debug(
      {
        method: request.method,
        route,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
        caller: request.caller?.subject,
        credential: request.caller?.credential.id ?? undefined,
      },
      'answered',
    )
    done()
  })
}

/** Shows how many streams of events are open in this process: a new one is refused at a limit. */
export function measureStreams(registry: Registry, context: Pick<Context, 'followers'>): void {
  const open: Gauge = new Gauge({
    name: 'purser_streams_open',
    help: 'Streams of events that are open in this process',
    registers: [registry],
    collect(): void {
      open.set(context.followers.size)
    },
  })
}

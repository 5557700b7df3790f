import Fastify, { LogController, type FastifyBaseLogger } from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { Registry } from 'prom-client'
import type { Watched } from '../../operations/readiness.ts'
import type { HttpApp } from './http-app.ts'
import { answerBrokenRequest, answerError, sendProblem } from './problems.ts'
import { healthRoutes } from './routes/health.ts'
import { hardenHeaders } from './security-headers.ts'
import { endSilentConnections } from './silent-connections.ts'

export type WorkerAppOptions = {
  readonly watched: Watched
  readonly log: FastifyBaseLogger
  readonly metrics: Registry
  readonly stopping: AbortSignal
}

/** Probes and metrics of a process that delivers, as the API has them, and nothing else. Whoever makes it closes it. */
export async function buildWorkerApp({ watched, log, metrics, stopping }: WorkerAppOptions): Promise<HttpApp> {
  const app = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 1,
    requestTimeout: 10_000,
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply),
    clientErrorHandler: answerBrokenRequest,
  }).withTypeProvider<TypeBoxTypeProvider>()
  app.setSerializerCompiler(() => JSON.stringify)
  app.setErrorHandler(answerError)
  app.setNotFoundHandler((_request, reply) => sendProblem(reply, { code: 'not-found' }))
  hardenHeaders(app)
  endSilentConnections(app)
  // What the platform as a whole is up to, every API replica shows: shown here too, an API that is gone would not be missed.
  healthRoutes(app, { watched, registry: metrics, stopping })
  await app.ready()
  return app
}

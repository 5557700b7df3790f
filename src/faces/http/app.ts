import type { IncomingMessage } from 'node:http'
import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { Registry } from 'prom-client'
import type { Problem } from '../../core/problem.ts'
import type { BranchHistory } from '../../operations/branch-history.ts'
import type { Caller } from '../../operations/caller.ts'
import type { Context } from '../../operations/context.ts'
import { negotiate } from './accept.ts'
import { negotiateFormats } from './answer.ts'
import { callerOf, requireCaller } from './authentication.ts'
import { acceptJson } from './bodies.ts'
import type { HttpApp } from './http-app.ts'
import { countAddresses, countCallers, looksOf, openGate, type Gate, type Limits } from './gate.ts'
import { judgeShapes } from './judge.ts'
import { measureRequests, measureStreams, processMetrics } from './metrics.ts'
import { describeApi, serveDescription } from './openapi.ts'
import { measurePlatform } from './platform-metrics.ts'
import { answerBrokenRequest, answerError, failureOf, problemHeaders, refusalOf, sendProblem } from './problems.ts'
import { requestIdOf, requestLog } from './request-id.ts'
import { RouteTable, type TableRoute } from './route-table.ts'
import { applyRoutes } from './routes/apply.ts'
import { branchRoutes } from './routes/branches.ts'
import { budgetRoutes } from './routes/budgets.ts'
import { documentRoutes } from './routes/documents.ts'
import { eventRoutes } from './routes/events.ts'
import { healthRoutes } from './routes/health.ts'
import { importRoutes } from './routes/import.ts'
import { meRoutes } from './routes/me.ts'
import { planRoutes } from './routes/plans.ts'
import { requestActionRoutes } from './routes/request-actions.ts'
import { requestRoutes } from './routes/requests.ts'
import { resourceRoutes } from './routes/resources.ts'
import { schemaRoutes } from './routes/schemas.ts'
import { serviceAccountRoutes } from './routes/service-accounts.ts'
import { signInRoutes, type SignIn } from './routes/sign-in.ts'
import { tokenRoutes } from './routes/token.ts'
import { hardenHeaders } from './security-headers.ts'
import { endSilentConnections } from './silent-connections.ts'
import { traceRequests } from './trace-requests.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Every route, for tests that leave none out. */
    routeTable: readonly TableRoute[]
  }
}

export type AppOptions = {
  readonly context: Context
  /** How the GitOps branches are read; without it they cannot be verified here. */
  readonly history?: BranchHistory
  readonly log: FastifyBaseLogger
  /** Requests a second of one credential; 0: no limit. */
  readonly rateLimit: number
  /** What else is limited; nothing where it is left out. */
  readonly limits?: Omit<Limits, 'perCaller'>
  /** Aborted from the stop signal on: not ready any more, and nobody is kept waiting. */
  readonly stopping: AbortSignal
  /** Another face at the same door: what is registered there has a caller, and shares what each may ask a second. */
  readonly beside?: (guarded: FastifyInstance, host: Host) => Promise<void>
  /** Pages of that face, which anybody may read. */
  readonly pages?: (open: FastifyInstance) => void
  /** Where people sign in; without it nobody does. */
  readonly signIn?: SignIn
  /** What /metrics shows; with what is known of the process when it is left out. */
  readonly metrics?: Registry
}

/** What this face does for one beside it. */
export type Host = {
  readonly callerOf: typeof callerOf
  readonly refusalOf: typeof refusalOf
  readonly headersOf: typeof problemHeaders
  readonly negotiate: typeof negotiate
  readonly failureOf: typeof failureOf
  countOne(caller: Caller): Problem | null
  admit(request: IncomingMessage): Problem | null
  accepted(caller: Caller): void
  failed(request: IncomingMessage, authorization: string | undefined): Problem | null
  readonly stopping: AbortSignal
}

const noLimits: Omit<Limits, 'perCaller'> = { perAddress: 0, failures: 0, trustProxy: null, shared: null }

/** The version of the API's description. */
const API_VERSION = '1.0.0'
const MAX_BODY_BYTES = 1024 * 1024

/** The HTTP face, ready to listen or to be injected into. Whoever makes it closes it. */
export async function buildApp(options: AppOptions): Promise<HttpApp> {
  const { context, history, log, rateLimit, beside, pages, stopping, metrics = processMetrics() } = options
  const app = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    childLoggerFactory: requestLog,
    genReqId: requestIdOf,
    bodyLimit: MAX_BODY_BYTES,
    // For a request to arrive whole; how long it then takes is another matter.
    requestTimeout: 30_000,
    routerOptions: { maxParamLength: 200 },
    // Requests of open connections are answered while the process stops; /readyz has sent everybody else away.
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply.header('x-request-id', request.id)),
    clientErrorHandler: answerBrokenRequest,
  }).withTypeProvider<TypeBoxTypeProvider>()
  const table = new RouteTable()
  table.record(app)
  app.decorate('routeTable', table.routes)
  app.setValidatorCompiler(judgeShapes)
  app.setSerializerCompiler(() => JSON.stringify)
  app.setErrorHandler(answerError)
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id)
    done()
  })
  // A connection that is kept open after its last answer would hold up the end of the process.
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (stopping.aborted) reply.header('connection', 'close')
    done()
  })
  traceRequests(app)
  acceptJson(app)
  hardenHeaders(app)
  endSilentConnections(app)
  measureRequests(app, metrics)
  measureStreams(metrics, context)
  await describeApi(app, API_VERSION)

  const refuseMissing = (request: FastifyRequest, reply: FastifyReply) => sendProblem(reply, table.missing(request.method, request.url))
  app.setNotFoundHandler(refuseMissing)
  healthRoutes(app, { watched: context, registry: metrics, refresh: measurePlatform(metrics, context), stopping })
  signInRoutes(app, options.signIn ?? null)
  await serveDescription(app)
  pages?.(app)
  const gate = openGate({ ...(options.limits ?? noLimits), perCaller: rateLimit }, context, metrics)
  await app.register(async (open) => tokenRoutes(open, context, gate), { prefix: '/v1' })
  await app.register(async (guarded) => {
    countAddresses(guarded, gate)
    requireCaller(guarded, context, gate)
    countCallers(guarded, gate)
    await guarded.register(
      async (v1) => {
        // Before the body is looked at, and after the caller: a path without a route is answered like any other.
        v1.addHook('onRequest', (request, reply, done) => (request.is404 ? void refuseMissing(request, reply) : done()))
        v1.setNotFoundHandler(refuseMissing)
        negotiateFormats(v1)
        await registerNouns(v1, context, history ?? null, stopping)
      },
      { prefix: '/v1' },
    )
    if (beside !== undefined)
      await guarded.register(async (room) =>
        beside(room, { callerOf, refusalOf, headersOf: problemHeaders, negotiate, failureOf, ...countedBy(gate), stopping }),
      )
  })
  await app.ready()
  return app
}

/** The gate, for what comes on another way than as a request. */
function countedBy(gate: Gate): Pick<Host, 'countOne' | 'admit' | 'accepted' | 'failed'> {
  return {
    countOne: (caller) => gate.count(caller).refused?.problem ?? null,
    admit: (request) => gate.admit(request)?.problem ?? null,
    accepted: (caller) => gate.accepted(caller),
    failed: (request, authorization) => gate.failed(request, looksOf(authorization))?.problem ?? null,
  }
}

async function registerNouns(v1: HttpApp, context: Context, history: BranchHistory | null, stopping: AbortSignal): Promise<void> {
  meRoutes(v1, context)
  planRoutes(v1, context)
  requestRoutes(v1, context, stopping)
  requestActionRoutes(v1, context, stopping)
  resourceRoutes(v1, context)
  budgetRoutes(v1, context)
  eventRoutes(v1, context, stopping)
  branchRoutes(v1, context, history)
  serviceAccountRoutes(v1, context)
  await v1.register(async (documents) => documentRoutes(documents, context))
  await v1.register(async (apply) => applyRoutes(apply, context))
  await v1.register(async (imports) => importRoutes(imports, context))
  await v1.register(async (schemas) => schemaRoutes(schemas, context))
}

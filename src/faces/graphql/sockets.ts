import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { GraphQLError, type ExecutionArgs, type FormattedExecutionResult, type GraphQLSchema } from 'graphql'
import { CloseCode, handleProtocols, makeServer, type Server, type SubscribePayload } from 'graphql-ws'
import { WebSocketServer, type WebSocket } from 'ws'
import { Fault } from '../../core/fault.ts'
import { problems, type Problem } from '../../core/problem.ts'
import { authenticate, type Credentials } from '../../operations/authenticate.ts'
import type { BranchHistory } from '../../operations/branch-history.ts'
import type { Caller } from '../../operations/caller.ts'
import type { Context } from '../../operations/context.ts'
import { errorsIn, presentError, type Judge } from './errors.ts'
import { limits } from './limits.ts'
import { passOn } from './pass-on.ts'
import { Refusal } from './refusal.ts'
import { carry } from './socket-carrier.ts'
import { openAnswers, readSubscription, type Subscription } from './subscribe.ts'

/** What the server does for sockets, which are no requests. */
export type SocketHost = {
  /** What an error is to the caller; it is in the log then. */
  failureOf(error: Error, log: FastifyBaseLogger): Problem
  /** Counts one more question of a caller; the refusal when there are too many. */
  countOne(caller: Caller): Problem | null
  /** Counts one more that comes from an address, whoever it is; the refusal when there are too many. */
  admit(request: IncomingMessage): Problem | null
  /** Who was authenticated on another way than as a request. */
  accepted(caller: Caller): void
  /** Credentials that were not taken; what to answer instead when there were too many. */
  failed(request: IncomingMessage, authorization: string | undefined): Problem | null
  /** Aborted from the stop signal on. */
  readonly stopping: AbortSignal
}

export type SocketOptions = {
  readonly context: Context
  readonly history: BranchHistory | null
  readonly introspection: boolean
  readonly milliseconds?: number
  /** How long a connection may take to say who it is, and how often it is asked whether it is still there. */
  readonly initMilliseconds?: number
  readonly pingMilliseconds?: number
}

/** What one connection may ask for; the rest are the limits of queries. */
export const socketLimits = {
  /** Of one message: a query of as many characters as there may be, and its variables. */
  bytes: 128 * 1024,
  /** Subscriptions that are open at once. */
  subscriptions: 100,
  initMilliseconds: 5_000,
  pingMilliseconds: 20_000,
} as const

/** Try again later, and the server starts anew: codes of RFC 6455's registry, after which clients come back. */
const tryAgainLater = 1013
const restart = 1012
const internalError = 1011

/** How long the goodbye may take that a client is to give back. */
const GOODBYE_MS = 300

/** Who has not said yet who they are, as a holder of places. */
const NOBODY = 'nobody'

/** One connection. `leave`: gives back its place among the followers. */
type Connection = {
  readonly socket: WebSocket
  readonly request: IncomingMessage
  readonly log: FastifyBaseLogger
  readonly judge: Judge
  leave: () => void
  caller: Caller | null
  credentials: Credentials | null
}

/** A subscription on its way through the library, which hands it on as the context of an execution. */
type Opening = { readonly connection: Connection; readonly subscription: Subscription }

/** Subscriptions at /graphql by the protocol graphql-transport-ws. Queries and mutations are asked over HTTP. */
export function serveSockets(app: FastifyInstance, host: SocketHost, schema: GraphQLSchema, options: SocketOptions): void {
  const { context } = options
  const strangers = new Set<Connection>()
  const server = makeSubscriptionServer(host, schema, strangers, options)
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: socketLimits.bytes,
    perMessageDeflate: false,
    autoPong: false,
    handleProtocols,
  })
  app.server.on('upgrade', (request, stream, head) => {
    if (!isOurs(request)) passOn(app.server, request, stream, head)
    else sockets.handleUpgrade(request, stream, head, (socket) => open(socket, request))
  })

  function open(socket: WebSocket, request: IncomingMessage): void {
    const log = app.log.child({ socket: randomUUID() })
    socket.on('error', (err) => log.debug({ err }, 'a socket broke'))
    if (host.admit(request) !== null) return socket.close(tryAgainLater, problems['rate-limited'].title)
    const leave = placeForStranger()
    if (leave === null) return socket.close(tryAgainLater, 'Too many streams')
    if (host.stopping.aborted) {
      leave()
      return socket.close(restart, 'Restarting')
    }
    const judge: Judge = (error) => host.failureOf(error, log)
    const connection: Connection = { socket, request, log, judge, leave, caller: null, credentials: null }
    strangers.add(connection)
    const closed = server.opened(
      carry(socket, (error) => closeFor(connection, error)),
      connection,
    )
    socket.once('close', (code, reason) => {
      strangers.delete(connection)
      connection.leave()
      closed(code, String(reason)).catch((error: unknown) => closeFor(connection, error))
    })
  }

  /**
   * Where strangers have taken all their places, whoever has been one for longest goes: an honest client says who it is at once,
   * so that a crowd that says nothing does not shut everybody else out.
   */
  function placeForStranger(): (() => void) | null {
    const place = context.followers.enter(NOBODY)
    if (place !== null) return place
    const [oldest] = strangers
    if (oldest === undefined) return null
    strangers.delete(oldest)
    oldest.leave()
    oldest.socket.close(tryAgainLater, 'Too many streams')
    return context.followers.enter(NOBODY)
  }

  const silent = new WeakSet<WebSocket>()
  const pings = setInterval(() => {
    for (const socket of sockets.clients) {
      // Whoever did not answer the last one is gone, or takes nothing any more.
      if (silent.has(socket)) socket.terminate()
      else {
        silent.add(socket)
        socket.once('pong', () => silent.delete(socket))
        socket.ping()
      }
    }
  }, options.pingMilliseconds ?? socketLimits.pingMilliseconds)
  pings.unref()

  // Without `complete`: a subscription is not over, and clients that come back open it again.
  const sayGoodbye = () => {
    for (const socket of sockets.clients) socket.close(restart, 'Restarting')
  }
  host.stopping.addEventListener('abort', sayGoodbye, { once: true })
  app.addHook('preClose', async () => {
    host.stopping.removeEventListener('abort', sayGoodbye)
    clearInterval(pings)
    sayGoodbye()
    await allClosed(sockets)
    for (const socket of sockets.clients) socket.terminate()
  })
}

async function allClosed({ clients }: WebSocketServer): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, GOODBYE_MS)))
  const each = [...clients].map((socket) => new Promise<void>((resolve) => socket.once('close', () => resolve())))
  await Promise.race([Promise.all(each), late])
  clearTimeout(timer)
}

function isOurs({ url = '', headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket' && /^\/graphql(\?|$)/.test(url)
}

/** `strangers`: the connections that have not said who they are; whoever has is taken out. */
function makeSubscriptionServer(
  host: SocketHost,
  schema: GraphQLSchema,
  strangers: Set<Connection>,
  options: SocketOptions,
): Server<Connection> {
  const { context, history, introspection, milliseconds = limits.milliseconds } = options
  return makeServer<Record<string, unknown> | undefined, Connection>({
    connectionInitWaitTimeout: options.initMilliseconds ?? socketLimits.initMilliseconds,
    async onConnect({ extra: connection, connectionParams = {} }) {
      const credentials = credentialsIn(connection.request.headers, connectionParams)
      const caller = await authenticate(context, credentials)
      if (!caller.ok) {
        const { problem } = caller
        const slowed = problem.code === 'unauthenticated' ? host.failed(connection.request, credentials.authorization) : null
        return refuseConnection(connection, slowed ?? problem)
      }
      host.accepted(caller.value)
      const own = context.followers.enter(caller.value.via?.principal ?? caller.value.principal)
      if (own === null) return refuseConnection(connection, { code: 'rate-limited', retryAfterS: 10 })
      strangers.delete(connection)
      connection.leave()
      Object.assign(connection, { leave: own, caller: caller.value, credentials })
      // It may have gone while it was looked up.
      if (connection.socket.readyState !== connection.socket.OPEN) own()
      return true
    },
    async onSubscribe({ extra: connection, subscriptions }, _id, payload) {
      try {
        if (Object.keys(subscriptions).length > socketLimits.subscriptions) throw new Refusal({ code: 'rate-limited', retryAfterS: 10 })
        const slowed = host.countOne(callerOf(connection))
        if (slowed !== null) throw new Refusal(slowed)
        const subscription = readSubscription(schema, inputOf(payload), introspection)
        if (!('document' in subscription)) return subscription
        const opening: Opening = { connection, subscription }
        return { schema, document: subscription.document, operationName: payload.operationName, contextValue: opening }
      } catch (error) {
        return errorsIn(error).map(asGraphqlError)
      }
    },
    subscribe({ contextValue }: ExecutionArgs) {
      const { connection, subscription } = contextValue as Opening // As it was made above.
      const { log, judge, credentials } = connection
      if (credentials === null) throw new Error('a subscription before its connection')
      const caller = callerOf(connection)
      return openAnswers({ schema, context, history, log, judge, credentials, caller, milliseconds }, subscription)
    },
    // Presented already.
    onNext: (_connection, _id, _payload, _args, result) => result as FormattedExecutionResult,
    onError: ({ extra: { judge } }, _id, _payload, errors) => errors.map((error) => presentError(error, judge)),
  })
}

/** By the parameters of the protocol; where there are none, by the headers of the request that became a socket. */
function credentialsIn(headers: IncomingMessage['headers'], params: Readonly<Record<string, unknown>>): Credentials {
  const text = (name: string): string | undefined => {
    const value = params[name] ?? headers[name]
    // What is no text is no credential, and must not fall back to the header either.
    return typeof value === 'string' || value === undefined ? value : ''
  }
  return { authorization: text('authorization'), onBehalfOf: text('purser-on-behalf-of'), reads: true }
}

function callerOf({ caller }: Connection): Caller {
  if (caller === null) throw new Error('a subscription before its connection')
  return caller
}

function inputOf({ query, operationName, variables }: SubscribePayload) {
  return { query, operationName: operationName ?? null, variables: variables ?? {} }
}

function asGraphqlError(error: unknown): GraphQLError {
  if (error instanceof GraphQLError) return error
  const originalError = error instanceof Error ? error : new Error(String(error))
  return new GraphQLError(originalError.message, { originalError })
}

/** Clients know by the code whether to come back; false is what the library wants to hear. */
function refuseConnection({ socket }: Connection, problem: Problem): false {
  const code =
    problem.code === 'unauthenticated' ? CloseCode.Unauthorized : problem.code === 'rate-limited' ? tryAgainLater : CloseCode.Forbidden
  socket.close(code, problems[problem.code].title)
  return false
}

/** Something that nobody could be told in a message. */
function closeFor({ socket, judge }: Connection, thrown: unknown): void {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown))
  // A message of which only the server may be the sender.
  if (error.message.startsWith('Unexpected message of type')) return socket.close(CloseCode.BadRequest, 'Invalid message received')
  const { code } = judge(error)
  socket.close(error instanceof Fault ? tryAgainLater : internalError, problems[code].title)
}

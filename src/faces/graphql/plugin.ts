import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import {
  getVariableValues,
  type DocumentNode,
  type FormattedExecutionResult,
  type GraphQLFormattedError,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql'
import mercurius from 'mercurius'
import { problemDocument, problems, type Problem } from '../../core/problem.ts'
import type { BranchHistory } from '../../operations/branch-history.ts'
import type { Caller } from '../../operations/caller.ts'
import type { Context } from '../../operations/context.ts'
import { errorsIn, presentError, problemIn, type Judge } from './errors.ts'
import type { GraphContext } from './graph-context.ts'
import { checkCost, checkLength, checkShape, limits, rootFieldsOf } from './limits.ts'
import { openLoaders, tooLate } from './loaders.ts'
import { findOperation, readOperation, type OperationInput } from './operation-input.ts'
import { Refusal } from './refusal.ts'
import { makeSchema } from './schema.ts'
import { serveSockets, type SocketHost, type SocketOptions } from './sockets.ts'

/** What the server does for every face: it has authenticated and counted a request before it comes here. */
export type Host = SocketHost & {
  callerOf(request: FastifyRequest): Caller
  /** What an error is to the caller, with its headers; bugs and faults are in the log then. */
  refusalOf(error: Error, request: FastifyRequest): { readonly problem: Problem; readonly headers: Readonly<Record<string, string>> }
  /** The headers that belong to a problem. */
  headersOf(problem: Problem): Readonly<Record<string, string>>
  /** Of the offered media types the one that an Accept header wants most; null: none. */
  negotiate(accept: string | undefined, offers: readonly string[]): string | null
}

export type GraphqlOptions = Pick<SocketOptions, 'initMilliseconds' | 'pingMilliseconds'> & {
  readonly context: Context
  /** How the GitOps branches are read; null: they cannot be verified here. */
  readonly history: BranchHistory | null
  /** Whether the schema may be asked for. */
  readonly introspection: boolean
  /** How long a query may take; what is usual when it is left out. */
  readonly milliseconds?: number
}

const json = 'application/json'
const responseJson = 'application/graphql-response+json'

/**
 * Parsed and checked queries that are kept, and as many that are wrong; the cache has room for twice as many. With its tokens each
 * may be half a megabyte in memory: 150 of the largest, sent four times each, filled 100 MB when 64 were kept and had 2,000 tokens.
 */
const KEPT_QUERIES = 32

/** A query that comes for the third time is compiled: half of what a list costs. One that comes once would only pay for it. */
const COMPILED_AFTER = 2

/** What an operation takes along to mercurius' hooks, beside what its resolvers get. */
type Executing = GraphContext & { readonly method: string; readonly input: OperationInput; readonly judge: Judge }

/** The GraphQL face at /graphql: the same operations as REST, asked for as a graph. */
export async function graphqlFace(app: FastifyInstance, host: Host, options: GraphqlOptions): Promise<void> {
  const schema = makeSchema()
  await app.register(mercurius, {
    schema,
    // Media types, status codes and limits are ours; mercurius parses, validates, remembers and executes.
    routes: false,
    cache: KEPT_QUERIES,
    jit: COMPILED_AFTER,
    graphql: { parseOptions: { maxTokens: limits.tokens } },
    errorFormatter: (execution, context) => ({
      statusCode: 200,
      response: {
        ...(execution.data === undefined ? {} : { data: execution.data }),
        errors: execution.errors.map((error) => presentError(error, executing(context).judge)),
      },
    }),
  })
  app.graphql.addHook('preValidation', async (_schema, document) => checkShape(document, options.introspection))
  app.graphql.addHook('preExecution', async (_schema, document, context) => {
    const { method, input, caller } = executing(context)
    const operation = findOperation(document, input.operationName)
    checkIsNoSubscription(operation)
    checkMethod(method, operation)
    checkCost(schema, document, input.operationName, input.variables)
    checkVariables(schema, operation, input)
    await countMutations(caller, document, operation)
    return { variables: { ...input.variables } }
  })

  /** Each mutation counts like a request of REST; the first was counted as the request that it came in. */
  async function countMutations(caller: Caller, document: DocumentNode, operation: OperationDefinitionNode): Promise<void> {
    if (operation.operation !== 'mutation') return
    for (let more = rootFieldsOf(document, operation) - 1; more > 0; more--) {
      const slowed = host.countOne(caller)
      if (slowed !== null) throw new Refusal(slowed)
    }
  }

  app.setErrorHandler((thrown, request, reply) => {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown))
    const { problem, headers } =
      error instanceof Refusal ? { problem: error.problem, headers: host.headersOf(error.problem) } : host.refusalOf(error, request)
    const type = host.negotiate(request.headers.accept, offersFor(request)) ?? json
    return send(reply.headers(headers), type, problems[problem.code].status, {
      errors: [presentError(new Refusal(problem), () => problem)],
    })
  })

  async function answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const type = host.negotiate(request.headers.accept, offersFor(request))
    if (type === null) throw new Refusal({ code: 'not-acceptable', offered: [responseJson, json] })
    const input = readOperation(request)
    const judge: Judge = (error) => host.refusalOf(error, request).problem
    const time = openTime(reply, options.milliseconds ?? limits.milliseconds)
    try {
      checkLength(input.query)
      const caller = host.callerOf(request)
      const result = await Promise.race([execute(caller, request, input, judge, time.signal), time.up])
      return sendResult(reply, type, result)
    } catch (error) {
      const [first, ...more] = errorsIn(error).map((each) => problemIn(each, judge))
      if (first === undefined) throw error
      // What is wrong with the query itself is an answer in JSON's old form; anything else is none, whatever the form.
      if (!isOfQuery(first)) throw more.length === 0 ? new Refusal(first) : error
      return sendResult(reply, type, { errors: errorsIn(error).map((each) => presentError(each, judge)) })
    } finally {
      time.end()
    }
  }

  function execute(
    caller: Caller,
    request: FastifyRequest,
    input: OperationInput,
    judge: Judge,
    signal: AbortSignal,
  ): Promise<FormattedExecutionResult> {
    const { context, history } = options
    const load = openLoaders(context, caller, signal)
    const shared: Executing = { context, history, caller, load, log: request.log, signal, method: request.method, input, judge }
    // Its errors were presented by the formatter above.
    // Variables come along in the hook, once they were looked at.
    return app.graphql(sourceOf(input), { ...shared }, undefined, input.operationName ?? undefined) as Promise<FormattedExecutionResult>
  }

  const route = { schema: { hide: true } }
  app.get('/graphql', route, answer)
  app.post('/graphql', route, answer)
  serveSockets(app, host, schema, options)
}

/** The context that mercurius hands to hooks is the object that it was called with. */
function executing(context: unknown): Executing {
  return context as Executing
}

/**
 * Compiled queries are kept by their text alone, and one text can have several operations: so each has its name at the end of
 * its text. The comment is there without a name too: what is no query mercurius reads as JSON of a syntax tree, and with it
 * that is no JSON.
 */
function sourceOf({ query, operationName }: OperationInput): string {
  return `${query}\n# ${JSON.stringify(operationName)}`
}

/** Whoever names the newer type understands it; whoever takes anything may be older than it. */
function offersFor({ headers: { accept } }: FastifyRequest): readonly string[] {
  return accept?.includes(responseJson) === true ? [responseJson, json] : [json, responseJson]
}

function checkIsNoSubscription({ operation }: OperationDefinitionNode): void {
  if (operation !== 'subscription') return
  throw new Refusal({ code: 'malformed', detail: 'Subscriptions come over a WebSocket, with the subprotocol graphql-transport-ws.' })
}

/** Links are followed and fetched ahead, so a GET changes nothing. */
function checkMethod(method: string, { operation }: OperationDefinitionNode): void {
  if (method !== 'GET' || operation === 'query') return
  throw new Refusal({ code: 'method-not-allowed', method, allowed: ['POST'] })
}

/** Each mistake in a variable repeats the whole of its value, so there are only a few. */
function checkVariables(schema: GraphQLSchema, { variableDefinitions = [] }: OperationDefinitionNode, { variables }: OperationInput): void {
  const { errors } = getVariableValues(schema, variableDefinitions, variables, { maxErrors: 5 })
  if (errors !== undefined) throw new AggregateError(errors)
}

function isOfQuery({ code }: Problem): boolean {
  return code === 'malformed' || code === 'invalid'
}

/** GraphQL over HTTP: with data it is 200; without, the old form has the errors in a 200 all the same. */
function sendResult(reply: FastifyReply, type: string, result: FormattedExecutionResult): FastifyReply {
  const status = type === json || result.data !== undefined ? 200 : statusOf(result.errors?.[0])
  return send(reply, type, status, result)
}

function statusOf(error: GraphQLFormattedError | undefined): number {
  const status = error?.extensions?.['status']
  return typeof status === 'number' ? status : problemDocument({ code: 'internal' }).status
}

/** As bytes, since a schema for answers would leave out what it does not know. */
function send(reply: FastifyReply, type: string, status: number, body: FormattedExecutionResult): FastifyReply {
  return reply
    .code(status)
    .header('content-type', `${type}; charset=utf-8`)
    .header('vary', 'Accept')
    .send(Buffer.from(JSON.stringify(body)))
}

type Time = { readonly signal: AbortSignal; readonly up: Promise<never>; end(): void }

/** The time that an operation has; nobody works on for an answer that nobody waits for. */
function openTime(reply: FastifyReply, milliseconds: number): Time {
  const over = new AbortController()
  const end = () => over.abort()
  let timer: NodeJS.Timeout | undefined
  const up = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      end()
      reject(tooLate)
    }, milliseconds)
  })
  reply.raw.once('close', end)
  return {
    signal: over.signal,
    up,
    end() {
      clearTimeout(timer)
      reply.raw.off('close', end)
    },
  }
}

import type { FastifyBaseLogger } from 'fastify'
import {
  createSourceEventStream,
  execute,
  parse,
  validate,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLError,
  type GraphQLSchema,
} from 'graphql'
import { authenticate, type Credentials } from '../../operations/authenticate.ts'
import type { BranchHistory } from '../../operations/branch-history.ts'
import type { Caller } from '../../operations/caller.ts'
import type { Context } from '../../operations/context.ts'
import { presentError, type Judge } from './errors.ts'
import { checkCost, checkLength, checkShape, limits } from './limits.ts'
import { openLoaders, tooLate } from './loaders.ts'
import { findOperation, type OperationInput } from './operation-input.ts'
import { Refusal } from './refusal.ts'
import type { FollowingContext } from './resolvers/subscriptions.ts'

/** A subscription that may be executed. */
export type Subscription = { readonly document: DocumentNode; readonly input: OperationInput }

/** Reads what a client subscribes to. Each of its answers is a query, so it has the limits of one. Throws what it is refused with. */
export function readSubscription(
  schema: GraphQLSchema,
  input: OperationInput,
  introspection: boolean,
): Subscription | readonly GraphQLError[] {
  const { query, operationName, variables } = input
  checkLength(query)
  const document = parse(query, { maxTokens: limits.tokens })
  checkShape(document, introspection)
  const errors = validate(schema, document)
  if (errors.length > 0) return errors
  if (findOperation(document, operationName).operation !== 'subscription')
    throw new Refusal({
      code: 'malformed',
      detail: 'Only subscriptions come over a WebSocket: send queries and mutations to POST /graphql.',
    })
  checkCost(schema, document, operationName, variables)
  return { document, input }
}

export type Answering = {
  readonly schema: GraphQLSchema
  readonly context: Context
  readonly history: BranchHistory | null
  readonly log: FastifyBaseLogger
  readonly judge: Judge
  readonly credentials: Credentials
  /** Who the credentials were when the connection was made. */
  readonly caller: Caller
  /** How long one answer may take. */
  readonly milliseconds: number
}

/**
 * The answers of a subscription, one after the other: the next is made when the one before was taken. What ends it early is
 * thrown. Each is read with the eyes of who the credentials are by then.
 */
export function openAnswers(answering: Answering, { document, input }: Subscription): AsyncIterableIterator<ExecutionResult> {
  const { schema, context, history, log, judge, credentials, milliseconds } = answering
  const over = new AbortController()
  let { caller } = answering
  const who = async () => {
    const now = await authenticate(context, credentials)
    if (now.ok) caller = now.value
    return now
  }
  const args = { schema, document, variableValues: input.variables, operationName: input.operationName }
  const contextFor = (signal: AbortSignal): FollowingContext => {
    return { context, history, caller, load: openLoaders(context, caller, signal), log, signal, who }
  }

  async function* answers(): AsyncGenerator<ExecutionResult, undefined> {
    try {
      const source = await createSourceEventStream({ ...args, contextValue: contextFor(over.signal) })
      if (!(Symbol.asyncIterator in source)) throw causeOf(source.errors?.[0])
      for await (const step of source) yield await answer({ ...args, rootValue: step })
    } finally {
      over.abort()
    }
  }

  async function answer(of: ExecutionArgs): Promise<ExecutionResult> {
    const time = new AbortController()
    let timer: NodeJS.Timeout | undefined
    const up = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        time.abort()
        reject(tooLate)
      }, milliseconds)
    })
    try {
      const { data, errors } = await Promise.race([execute({ ...of, contextValue: contextFor(time.signal) }), up])
      // Presented here, since they are sent as they are.
      const presented = errors?.map((error) => presentError(error, judge)) as readonly GraphQLError[] | undefined
      return { ...(data === undefined ? {} : { data }), ...(presented === undefined ? {} : { errors: presented }) }
    } finally {
      clearTimeout(timer)
    }
  }

  const inner = answers()
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    next: () => inner.next(),
    // A generator's own waits for what the generator waits for: perhaps the next event.
    return: () => {
      over.abort()
      return inner.return(undefined)
    },
  }
}

/** Why a stream could not be opened: a refusal as it was thrown, or what graphql itself found. */
function causeOf(error: GraphQLError | undefined): Error {
  return error?.originalError ?? error ?? new Error('a subscription without a stream and without an error')
}

import type { FastifyBaseLogger } from 'fastify'
import type { BranchHistory } from '../../operations/branch-history.ts'
import type { Caller } from '../../operations/caller.ts'
import type { Context } from '../../operations/context.ts'
import type { Loaders } from './loaders.ts'

/** What the resolvers of one operation share. */
export type GraphContext = {
  readonly context: Context
  readonly history: BranchHistory | null
  readonly caller: Caller
  readonly load: Loaders
  readonly log: FastifyBaseLogger
  /** Aborted when the time is up, or nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

export type Resolve<S, A, R> = (source: S, args: A, graph: GraphContext) => R | Promise<R>

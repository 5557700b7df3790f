import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Result } from '../../core/result.ts'
import { authenticate } from '../../operations/authenticate.ts'
import type { Caller } from '../../operations/caller.ts'
import type { Context } from '../../operations/context.ts'
import { Refused } from './problems.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Null outside of what needs a caller. */
    caller: Caller | null
  }
}

/** Everything below this instance needs a caller, unknown paths included. Before all else: nobody learns more than 401 for nothing. */
export function requireCaller(app: FastifyInstance, context: Context): void {
  app.decorateRequest('caller', null)
  app.addHook('onRequest', async (request) => {
    const caller = await authenticateRequest(context, request)
    if (!caller.ok) throw new Refused(caller.problem)
    request.caller = caller.value
  })
}

/** Who asks, by the headers. A stream asks again and again, since what they were worth when it began may be over. */
export function authenticateRequest(context: Context, request: Pick<FastifyRequest, 'headers' | 'method'>): Promise<Result<Caller>> {
  const onBehalfOf = request.headers['purser-on-behalf-of']
  return authenticate(context, {
    authorization: request.headers.authorization,
    onBehalfOf: onBehalfOf === undefined ? undefined : String(onBehalfOf),
    reads: request.method === 'GET' || request.method === 'HEAD',
  })
}

export function callerOf(request: Pick<FastifyRequest, 'caller'>): Caller {
  if (request.caller === null) throw new Error('a route asks for its caller, and nobody was authenticated')
  return request.caller
}

import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Problem } from '../../core/problem.ts'
import type { Result } from '../../core/result.ts'
import { authenticate } from '../../operations/authenticate.ts'
import type { Caller } from '../../operations/caller.ts'
import type { Context } from '../../operations/context.ts'
import { looksOf, type Gate } from './gate.ts'
import { Refused } from './problems.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Null outside of what needs a caller. */
    caller: Caller | null
  }
}

/** Everything below this instance needs a caller, unknown paths included. Before all else: nobody learns more than 401 for nothing. */
export function requireCaller(app: FastifyInstance, context: Context, gate: Gate): void {
  app.decorateRequest('caller', null)
  app.addHook('onRequest', async (request) => {
    // Node takes the first, whoever stands in front of it perhaps the last.
    if (isSentTwice('authorization', request.raw.rawHeaders))
      throw new Refused({ code: 'malformed', detail: 'Authorization was sent more than once.' })
    const caller = await authenticateRequest(context, request)
    if (!caller.ok) {
      const { authorization } = request.headers
      const slowed = caller.problem.code === 'unauthenticated' ? gate.failed(request.raw, looksOf(authorization)) : null
      throw slowed ?? new Refused(caller.problem, challengeOf(caller.problem, authorization))
    }
    gate.accepted(caller.value)
    request.caller = caller.value
  })
}

function isSentTwice(name: string, rawHeaders: readonly string[]): boolean {
  let times = 0
  // Names and values take turns.
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const header = rawHeaders[i] ?? ''
    if (header.length === name.length && header.toLowerCase() === name) times++
  }
  return times > 1
}

/** RFC 6750, section 3: what is wrong with a token that was sent; without one there is nothing to say. */
function challengeOf(problem: Problem, authorization: string | undefined): Record<string, string> {
  if (problem.code !== 'unauthenticated' || !/^Bearer +[^ ]/i.test(authorization ?? '')) return {}
  const description = problem.detail.replaceAll(/[^ !#-[\]-~]/g, '')
  return { 'www-authenticate': `Bearer error="invalid_token", error_description="${description}"` }
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

import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Problem } from '../../core/problem.ts'
import type { Caller } from '../../operations/caller.ts'
import { callerOf } from './authentication.ts'
import { Refused } from './problems.ts'

const WINDOW_MS = 1_000

/**
 * At most `max` requests a second for the holder of one credential, so that a script that runs wild is slowed down and not
 * everybody else. A bot counts as itself, whomever it asks for. In memory: with several processes each counts for itself.
 */
export async function limitRate(app: FastifyInstance, max: number): Promise<CountOne> {
  if (max === 0) return async () => null
  await app.register(rateLimit, {
    max,
    timeWindow: WINDOW_MS,
    keyGenerator: (request) => {
      const caller = callerOf(request)
      return caller.via?.principal ?? caller.principal
    },
    // Ours are the names of the current draft (draft-ietf-httpapi-ratelimit-headers-10), and only where they tell something.
    addHeaders: { 'x-ratelimit-limit': false, 'x-ratelimit-remaining': false, 'x-ratelimit-reset': false, 'retry-after': false },
    addHeadersOnExceeding: { 'x-ratelimit-limit': false, 'x-ratelimit-remaining': false, 'x-ratelimit-reset': false },
    errorResponseBuilder: (_request, { ttl }) => {
      const retryAfterS = Math.max(1, Math.ceil(ttl / 1_000))
      return new Refused(
        { code: 'rate-limited', retryAfterS },
        { ratelimit: `"caller";r=0;t=${retryAfterS}`, 'ratelimit-policy': `"caller";q=${max};w=${WINDOW_MS / 1_000}` },
      )
    },
  })
  const count = app.createRateLimit()
  return async (caller) => {
    // What its key and its groups are read from.
    const counted = await count({ caller, routeOptions: { config: {} } } as unknown as FastifyRequest)
    if (counted.isAllowed || !counted.isExceeded) return null
    return { code: 'rate-limited', retryAfterS: Math.max(1, counted.ttlInSeconds) }
  }
}

/** Counts one more question of a caller that comes on another way than as a request; the refusal when there are too many. */
export type CountOne = (caller: Caller) => Promise<Problem | null>

import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { Counter, type Registry } from 'prom-client'
import type { Problem } from '../../core/problem.ts'
import type { Caller } from '../../operations/caller.ts'
import type { Context } from '../../operations/context.ts'
import type { SharedCounts } from '../../operations/ports.ts'
import { addressReader, type TrustProxy } from './client-address.ts'
import { openLimiter, type Counted, type Limiter } from './limiter.ts'
import { Refused } from './problems.ts'

/** How much is let through; 0 is no limit. */
export type Limits = {
  /** Requests a second, and in one burst, of one caller. A bot counts as itself, whomever it asks for. */
  readonly perCaller: number
  /** The same of one address, before anybody knows who it is. */
  readonly perAddress: number
  /** Credentials that are not taken, a minute, from one address. Those that are taken are let in all the same. */
  readonly failures: number
  readonly trustProxy: TrustProxy
  /** Null: each process counts for itself. */
  readonly shared: SharedCounts | null
}

/** What the credentials were that were shown: by their looks, before they are believed. */
export type Shown = 'none' | 'api-token' | 'jwt' | 'job-token' | 'other'

/** Who comes in, how often, and how often in vain. Of a refusal, its headers too. */
export type Gate = {
  /** Counts what comes from an address. */
  admit(request: IncomingMessage): Refused | null
  /** Counts what a caller asks, with what to tell about it. */
  count(caller: Caller): { readonly refused: Refused | null; readonly headers: Readonly<Record<string, string>> }
  /** Somebody was authenticated. */
  accepted(caller: Caller): void
  /** Somebody was not: for the log, and what to answer instead when it happens too often. */
  failed(request: IncomingMessage, shown: Shown): Refused | null
}

const SECOND_MS = 1_000
const MINUTE_MS = 60_000
const nothing = { refused: null, headers: {} }

export function openGate(limits: Limits, context: Pick<Context, 'failedAuthentications'>, registry: Registry): Gate {
  const addressOf = addressReader(limits.trustProxy)
  const open = (name: string, max: number, windowMs: number) => (max === 0 ? null : named({ name, max, windowMs, shared: limits.shared }))
  const callers = open('caller', limits.perCaller, SECOND_MS)
  const addresses = open('address', limits.perAddress, SECOND_MS)
  const failures = open('failures', limits.failures, MINUTE_MS)
  const authentications = new Counter({
    name: 'purser_authentications_total',
    help: 'Credentials that were shown to this process, by their kind and by whether they were taken',
    labelNames: ['kind', 'outcome'],
    registers: [registry],
  })
  // Looked up once: of the cost of a count, the labels are most.
  const outcomes = new Map<string, Counter.Internal>()
  function countOutcome(kind: string, outcome: 'accepted' | 'refused' | 'throttled'): void {
    const key = `${kind} ${outcome}`
    let counter = outcomes.get(key)
    if (counter === undefined) outcomes.set(key, (counter = authentications.labels({ kind, outcome })))
    counter.inc()
  }
  return {
    admit: (request) => (addresses === null ? null : addresses.count(addressOf(request)).refused),
    count: (caller) => callers?.count(caller.via?.principal ?? caller.principal) ?? nothing,
    accepted: (caller) => countOutcome(caller.credential.kind, 'accepted'),
    failed(request, shown) {
      const address = addressOf(request)
      context.failedAuthentications.note(shown, address)
      // To show nothing costs nobody anything, and tells nobody anything.
      const refused = shown === 'none' || failures === null ? null : failures.count(address).refused
      countOutcome(shown, refused === null ? 'refused' : 'throttled')
      return refused
    },
  }
}

type Named = { count(key: string): { readonly refused: Refused | null; readonly headers: Readonly<Record<string, string>> } }

/** A limiter that speaks HTTP: draft-ietf-httpapi-ratelimit-headers-10. */
function named(options: Parameters<typeof openLimiter>[0] & { readonly name: string }): Named {
  const { name, max, windowMs } = options
  const limiter: Limiter = openLimiter(options)
  const policy = `"${name}";q=${max};w=${windowMs / 1_000}`
  const headersOf = ({ remaining, resetS }: Counted) => ({ 'ratelimit-policy': policy, ratelimit: `"${name}";r=${remaining};t=${resetS}` })
  return {
    count(key) {
      const counted = limiter.count(key)
      const headers = headersOf(counted)
      if (counted.allowed) return { refused: null, headers }
      return { refused: new Refused(problemOf(name, counted.resetS), headers), headers }
    },
  }
}

function problemOf(name: string, retryAfterS: number): Problem {
  return { code: 'rate-limited', retryAfterS, ...(name === 'address' || name === 'failures' ? { of: name } : {}) }
}

/** Counts what callers ask below this instance, and tells them how far they are. */
export function countCallers(app: FastifyInstance, gate: Gate): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (request.caller === null) return done()
    const { refused, headers } = gate.count(request.caller)
    reply.headers(headers)
    done(refused ?? undefined)
  })
}

/** Counts what comes from an address, before anything else of it is looked at. */
export function countAddresses(app: FastifyInstance, gate: Gate): void {
  app.addHook('onRequest', (request, _reply, done) => done(gate.admit(request.raw) ?? undefined))
}

export function looksOf(authorization: string | undefined): Shown {
  const bearer = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
  if (bearer === undefined) return authorization === undefined || authorization === '' ? 'none' : 'other'
  if (bearer.startsWith('psr_')) return 'api-token'
  return bearer.split('.', 4).length === 3 ? 'jwt' : 'other'
}

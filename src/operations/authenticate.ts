import { ok, refuse, type Result } from '../core/result.ts'
import { hashToken, isTokenShaped } from '../core/token.ts'
import { knowPrincipal, readPrincipal, readToken, type TokenRecord } from '../store/principals.ts'
import { scopes, type Caller, type Scope } from './caller.ts'
import type { Context } from './context.ts'

/** What a bot may do at most for the person who asked it. */
const onBehalfScopes: readonly Scope[] = ['read', 'requests:write', 'approvals:write']

/** As long as a token may be believed without asking the database: a revoked one dies within a second everywhere. */
const TOKEN_TTL_MS = 1_000
const MAX_CACHED = 10_000

const tokens = new WeakMap<object, Map<string, { readonly token: TokenRecord; readonly until: number }>>()
const people = new WeakMap<object, Map<string, string>>()

export type Credentials = {
  readonly authorization: string | undefined
  readonly onBehalfOf: string | undefined
  /** Only reads follow: nothing is written, not even who was seen first. */
  readonly reads: boolean
}

/**
 * Who asks, by `Authorization: Bearer psr_…` and, with the scope `impersonate`, `Purser-On-Behalf-Of: alice@example.com`:
 * then the person acts with their own roles, and the bearer is `via`.
 */
export async function authenticate(context: Context, credentials: Credentials): Promise<Result<Caller>> {
  const bearer = /^Bearer +([\x21-\x7e]{1,4096})$/i.exec(credentials.authorization ?? '')?.[1]
  if (bearer === undefined) return refuse({ code: 'unauthenticated', detail: 'Send a token: Authorization: Bearer psr_…' })
  const token = await findToken(context, bearer)
  if (token === null) return refuse({ code: 'unauthenticated', detail: 'This token is not known here, or was revoked.' })

  const own: Caller = {
    principal: token.principal,
    subject: token.subject,
    kind: token.kind,
    email: token.kind === 'person' ? token.subject : null,
    groups: [],
    scopes: new Set(scopes.filter((scope) => token.scopes.includes(scope))),
    administrator: token.administrator,
    auditor: false,
    team: null,
    onlyTeams: null,
    via: null,
    parties: [],
    credential: { kind: 'api-token', id: null, expiresAt: null },
  }
  if (credentials.onBehalfOf === undefined) return ok(own)
  return actOnBehalf(context, own, token, credentials.onBehalfOf, credentials.reads)
}

async function actOnBehalf(context: Context, bot: Caller, token: TokenRecord, person: string, reads: boolean): Promise<Result<Caller>> {
  const email = person.trim().toLowerCase()
  if (!isEmail(email)) return refuse({ code: 'malformed', detail: 'Purser-On-Behalf-Of is the e-mail address of a person.' })
  if (!bot.scopes.has('impersonate') || !token.impersonateTeams.includes('*')) {
    return refuse({ code: 'forbidden', detail: 'These credentials may not act on behalf of this person.', needs: 'scope impersonate' })
  }
  return ok({
    principal: await findPerson(context, email, reads),
    subject: email,
    kind: 'person',
    email,
    groups: [],
    scopes: new Set(onBehalfScopes.filter((scope) => bot.scopes.has(scope))),
    administrator: false,
    auditor: false,
    team: null,
    onlyTeams: null,
    via: { principal: bot.principal, subject: bot.subject },
    parties: bot.parties,
    credential: bot.credential,
  })
}

async function findToken(context: Context, bearer: string): Promise<TokenRecord | null> {
  const cache = cacheOf(tokens, context)
  // Looked up by hash: neither a comparison of secrets nor the secret itself stays in memory.
  const hash = hashToken(bearer)
  const key = hash.toString('base64')
  const cached = cache.get(key)
  if (cached !== undefined && cached.until > performance.now()) return cached.token
  const token = isTokenShaped(bearer) ? await readToken(context.database.pool, hash) : null
  if (token === null) cache.delete(key)
  else cache.set(key, { token, until: performance.now() + TOKEN_TTL_MS })
  return token
}

function isEmail(text: string): boolean {
  const [local = '', domain = '', ...more] = text.split('@')
  const labels = domain.split('.')
  return (
    more.length === 0 &&
    /^[^\s<>"(),:;\\]{1,64}$/.test(local) &&
    domain.length <= 190 &&
    labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label))
  )
}

/** Whom nobody has seen yet: in no row, so nothing was asked or decided by them. */
const NOBODY = '00000000-0000-0000-0000-000000000000'

/** First sight makes a person known, but not by reading alone: reads change nothing. */
async function findPerson(context: Context, email: string, reads: boolean): Promise<string> {
  const cache = cacheOf(people, context)
  const cached = cache.get(email)
  if (cached !== undefined) return cached
  const { pool } = context.database
  const principal = reads ? await readPrincipal(pool, email) : await knowPrincipal(pool, 'person', email)
  if (principal !== null) cache.set(email, principal)
  return principal ?? NOBODY
}

function cacheOf<V>(caches: WeakMap<object, Map<string, V>>, context: Context): Map<string, V> {
  let cache = caches.get(context)
  if (cache === undefined || cache.size >= MAX_CACHED) caches.set(context, (cache = new Map()))
  return cache
}

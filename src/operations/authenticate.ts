import { ok, refuse, type Result } from '../core/result.ts'
import { hashToken } from '../core/token.ts'
import type { Caller } from './caller.ts'
import type { Context } from './context.ts'
import { identityMemory } from './identity-memory.ts'
import { callerOfAccessToken, callerOnBehalf } from './person-callers.ts'
import { callerOfShortLived, callerOfToken, isOver, type Bearer, type Shown } from './token-callers.ts'

export type Credentials = {
  readonly authorization: string | undefined
  readonly onBehalfOf: string | undefined
  /** Only reads follow: whoever is asked for and was never seen stays unknown. */
  readonly reads: boolean
}

/**
 * Who asks, by `Authorization: Bearer` with an API token (`psr_…`), an access token of an issuer, or a short-lived token of
 * Purser's own; and, with the scope `impersonate`, `Purser-On-Behalf-Of: alice@example.com`: then the person acts with their
 * own roles, and the bearer is `via`.
 */
export async function authenticate(context: Context, credentials: Credentials): Promise<Result<Caller>> {
  const bearer = /^Bearer +([\x21-\x7e]{1,16384})$/i.exec(credentials.authorization ?? '')?.[1]
  if (bearer === undefined) return refuse({ code: 'unauthenticated', detail: 'Send a token: Authorization: Bearer psr_…' })
  const shown = await identify(context, bearer)
  if (!shown.ok) return shown
  if (credentials.onBehalfOf === undefined) return ok(shown.value.caller)
  return callerOnBehalf(context, shown.value, credentials.onBehalfOf, credentials.reads)
}

/** Issuer of what Purser signs itself; no URL, so no issuer of people can have the name. */
const OURSELVES = 'purser'

async function identify(context: Context, bearer: string): Promise<Result<Bearer>> {
  const hash = hashToken(bearer)
  const shown: Shown = { bearer, hash, key: hash.toString('base64') }
  if (bearer.startsWith('psr_')) return callerOfToken(context, shown)
  const caller = callerInMemory(context, shown) ?? (await callerOfJwt(context, shown))
  return caller.ok ? ok({ caller: caller.value, impersonateTeams: [] }) : caller
}

/** Before it is taken apart: to read the claims of a token costs several times what it costs to know it again. */
function callerInMemory(context: Context, { key }: Shown): Result<Caller> | null {
  const { signedIn, exchanged } = identityMemory(context)
  const known = exchanged.get(key)
  if (known !== undefined && !isOver(known)) return ok(known)
  return signedIn.get(key) ?? null
}

async function callerOfJwt(context: Context, shown: Shown): Promise<Result<Caller>> {
  const { tokenSigner, issuers } = context
  const issuer = issuerIn(shown.bearer)
  if (issuer === OURSELVES && tokenSigner !== null) return callerOfShortLived(context, tokenSigner, shown)
  if (issuer !== null && issuer !== OURSELVES && issuers !== null) return callerOfAccessToken(context, issuers, shown)
  return refuse({ code: 'unauthenticated', detail: 'This token is not of a kind that is taken here.' })
}

/** Who a JWT says it is of, before anything of it is believed; null: it is no JWT, or says nothing. */
function issuerIn(bearer: string): string | null {
  const payload = /^[\w-]+\.([\w-]+)\.[\w-]*$/.exec(bearer)?.[1]
  if (payload === undefined) return null
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString())
    const issuer = typeof claims === 'object' && claims !== null && 'iss' in claims ? claims.iss : null
    return typeof issuer === 'string' ? issuer : null
  } catch {
    return null
  }
}

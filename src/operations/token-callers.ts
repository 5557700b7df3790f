import { idFromUuid } from '../core/ids.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import { isTokenShaped } from '../core/token.ts'
import { readExchangedAccount, readToken, type TokenRecord } from '../store/principals.ts'
import { scopes, type Caller } from './caller.ts'
import type { Context } from './context.ts'
import { identityMemory, type KnownToken } from './identity-memory.ts'
import { ownersOf } from './owners.ts'
import type { ShortLived, TokenSigner } from './ports.ts'

/** A token as it came, with its hash: as the database knows it, and as the key of what is known of it here. */
export type Shown = { readonly bearer: string; readonly hash: Uint8Array; readonly key: string }

/** Who shows a token, and for members of which teams it may act (`*`: of all). */
export type Bearer = { readonly caller: Caller; readonly impersonateTeams: readonly string[] }

/** Whoever shows an API token. */
export async function callerOfToken(context: Context, { bearer, hash, key }: Shown): Promise<Result<Bearer>> {
  const { tokens } = identityMemory(context)
  const token = tokens.get(key) ?? (await tokens.read(key, () => findToken(context, bearer, hash)))
  if (token === null) return refuse({ code: 'unauthenticated', detail: 'This token is not known here.' })
  if (token.kind === 'revoked') return refuse({ code: 'unauthenticated', detail: 'This token was revoked.' })
  return isOver(token.caller) ? refuse({ code: 'unauthenticated', detail: 'This token has expired.' }) : ok(token)
}

async function findToken(context: Context, bearer: string, hash: Uint8Array): Promise<KnownToken | null> {
  const token = isTokenShaped(bearer) ? await readToken(context.database.pool, hash) : null
  if (token === null) return null
  if (token.revoked) return { kind: 'revoked' }
  identityMemory(context).used.mark(token.id)
  const { account, mintedBy, impersonateTeams } = token
  const parties = [mintedBy, account?.madeBy, ...(account === null ? [] : await ownersOf(context, account.team))]
  return { kind: 'valid', caller: tokenCaller(token, distinct(parties)), impersonateTeams }
}

function tokenCaller(token: TokenRecord, parties: readonly string[]): Caller {
  return {
    principal: token.principal,
    subject: token.subject,
    kind: token.kind,
    email: token.kind === 'person' ? token.subject : null,
    groups: [],
    scopes: new Set(scopes.filter((scope) => token.scopes.includes(scope))),
    administrator: token.administrator,
    auditor: false,
    team: token.account?.team ?? null,
    onlyTeams: null,
    via: null,
    parties,
    credential: { kind: 'api-token', id: idFromUuid('token', token.id), expiresAt: token.expiresAt },
  }
}

/** Whoever shows a short-lived token of Purser's own: a service account, for as long as the Trust that let it in is in force. */
export async function callerOfShortLived(context: Context, signer: TokenSigner, { bearer, key }: Shown): Promise<Result<Caller>> {
  const caller = await identityMemory(context).exchanged.read(key, () => findExchanged(context, signer, bearer, key))
  if (caller === null || isOver(caller))
    return refuse({ code: 'unauthenticated', detail: 'This token has expired, was not signed here, or its account or Trust is gone.' })
  return ok(caller)
}

async function findExchanged(context: Context, signer: TokenSigner, bearer: string, key: string): Promise<Caller | null> {
  const claims = await identityMemory(context).shortLived.read(key, () => signer.verify(bearer))
  if (claims === null) return null
  const trust = { name: claims.trust, revision: claims.trustRevision }
  const account = await readExchangedAccount(context.database.pool, claims.serviceAccount, trust)
  if (account === null) return null
  const parties = [account.madeBy, ...account.authors, ...(await ownersOf(context, account.team))]
  return exchangedCaller(claims, account, distinct(parties))
}

function exchangedCaller(claims: ShortLived, account: { principal: string; team: string }, parties: readonly string[]): Caller {
  return {
    principal: account.principal,
    subject: claims.serviceAccount,
    kind: 'service-account',
    email: null,
    groups: [],
    scopes: new Set(scopes.filter((scope) => claims.scopes.includes(scope))),
    administrator: false,
    auditor: false,
    team: account.team,
    onlyTeams: null,
    via: null,
    parties,
    credential: { kind: 'purser-token', id: `trust/${claims.trust}`, expiresAt: claims.expiresAt },
  }
}

/** Whether its time is up: what is remembered may be a second older than its end. */
export function isOver({ credential: { expiresAt } }: Caller): boolean {
  return expiresAt !== null && expiresAt.getTime() <= Date.now()
}

function distinct(principals: readonly (string | null | undefined)[]): readonly string[] {
  return [...new Set(principals.filter((each) => each !== null && each !== undefined))]
}

import type * as OpenidClient from 'openid-client'
import { faultCode } from './client.ts'
import type { SignIn } from './sign-in-file.ts'
import { visible } from './text.ts'

/** What is asked for, and where: what the server named, and of its issuers the one that was chosen. */
export type Wanted = Pick<SignIn, 'issuer' | 'clientId' | 'audience' | 'scopes'>

export type Library = typeof OpenidClient
/** An issuer as it describes itself, and what speaks with it. */
export type Issuer = { readonly library: Library; readonly config: OpenidClient.Configuration; readonly wanted: Wanted }
export type Tokens = OpenidClient.TokenEndpointResponse & OpenidClient.TokenEndpointResponseHelpers

/**
 * Why there is no token. `denied`: somebody said no. `expired`: nobody said anything in time. `over`: what was to be
 * renewed has ended. The message is a sentence for people.
 */
export type Failure = {
  readonly kind: 'denied' | 'expired' | 'over' | 'refused' | 'unreachable' | 'interrupted'
  readonly message: string
}

/** For each call of an issuer. */
const TIMEOUT_S = 10
/** Of a token whose issuer does not say. */
const UNTOLD_LIFETIME_S = 300
/** No longer before its end than this is a token renewed. */
const LEEWAY_MS = 30_000

/** Reads an issuer's description. Throws what `failureOf` understands. */
export async function openIssuer(wanted: Wanted): Promise<Issuer> {
  const library = await import('openid-client')
  const url = new URL(wanted.issuer)
  const config = await library.discovery(url, wanted.clientId, undefined, library.None(), {
    timeout: TIMEOUT_S,
    // Whoever calls has made sure that it is an address of this machine.
    ...(url.protocol === 'http:' ? { execute: [library.allowInsecureRequests] } : {}),
  })
  return { library, config, wanted: { ...wanted, scopes: knownScopes(wanted.scopes, config.serverMetadata().scopes_supported) } }
}

/** Those that every issuer has its own mind about: an unknown one is refused by some, so it is asked for only where it is known. */
const optionalScopes: ReadonlySet<string> = new Set(['email', 'profile', 'groups', 'offline_access'])

function knownScopes(wanted: readonly string[], known: readonly string[] | undefined): readonly string[] {
  return known === undefined ? wanted : wanted.filter((scope) => !optionalScopes.has(scope) || known.includes(scope))
}

/**
 * How the audience is asked for. An address is a resource indicator (RFC 8707); `audience` is how several providers had it
 * before that, and all others pass over it. Where a scope is an address, that scope names the audience (Entra ID), and
 * such providers refuse to be told twice.
 */
export function audienceOf({ audience, scopes }: Pick<Wanted, 'audience' | 'scopes'>): Record<string, string> {
  if (namesAudience(scopes)) return {}
  return { audience, ...(URL.canParse(audience) ? { resource: audience } : {}) }
}

export function namesAudience(scopes: readonly string[]): boolean {
  return scopes.some((scope) => scope.includes('://'))
}

/** What is kept of an issuer's answer. A renewed sign-in keeps what the answer does not say anew. */
export function signInOf({ issuer, clientId, audience, scopes }: Wanted, tokens: Tokens, now: number, before?: SignIn): SignIn {
  const lifetimeMs = (tokens.expiresIn() ?? UNTOLD_LIFETIME_S) * 1_000
  const claims = tokens.claims()
  const name = [claims?.['email'], claims?.['preferred_username'], claims?.sub].find((claim) => typeof claim === 'string')
  return {
    issuer,
    clientId,
    audience,
    scopes,
    who: name ?? before?.who ?? 'somebody',
    accessToken: tokens.access_token,
    refreshToken: tokens.refresh_token ?? before?.refreshToken ?? null,
    refreshAt: new Date(now + lifetimeMs - Math.min(LEEWAY_MS, lifetimeMs / 4)).toISOString(),
    expiresAt: new Date(now + lifetimeMs).toISOString(),
  }
}

/** An error of the library, or of the network below it, as a sentence. None of its parts is a token. */
export function failureOf(error: unknown, issuer: string): Failure {
  if (!(error instanceof Error)) throw error
  const answered = 'error' in error && typeof error.error === 'string' ? error.error : null
  if (answered !== null) return answerFailure(answered, error, issuer)
  if (codeOf(error) === 'OAUTH_TIMEOUT') return { kind: 'unreachable', message: `${issuer} did not answer in time. Try again.` }
  const fault = faultCode(error)
  if (fault !== '' && !fault.startsWith('OAUTH') && error instanceof TypeError)
    return { kind: 'unreachable', message: `Nobody answers at ${issuer} (${fault}). Try again, or ask whoever runs it.` }
  if (fault === '' && error instanceof TypeError) throw error
  return { kind: 'refused', message: `${issuer} answered what no issuer may (${visible(error.message)}).` }
}

function answerFailure(answered: string, error: Error, issuer: string): Failure {
  switch (answered) {
    case 'access_denied':
      return { kind: 'denied', message: `The sign-in was refused at ${issuer}.` }
    case 'expired_token':
      return { kind: 'expired', message: 'Nobody signed in in time: the code is no longer good. Start again: purser login' }
    case 'invalid_grant':
      return { kind: 'over', message: `The sign-in at ${issuer} is over.` }
    default: {
      const described = 'error_description' in error && typeof error.error_description === 'string' ? `: ${error.error_description}` : ''
      return { kind: 'refused', message: visible(`${issuer} refuses this (${answered}${described}).`.slice(0, 400)) }
    }
  }
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}

import { decodeJwt } from 'jose'
import type { Issuers, Verdict, Vouched } from '../../operations/ports.ts'
import { openKeyCache, type IssuerLog, type KeyCache } from './key-cache.ts'
import { verifyToken, type Checked } from './verify-token.ts'
import { jobOf, vouchedOf, type EmailDomains } from './vouched.ts'

export type IssuersOptions = {
  /** Those that vouch for people. */
  readonly configured: readonly string[]
  readonly audience: string
  readonly emailDomains: EmailDomains
  readonly log: IssuerLog
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

/** Issuers besides the configured ones, whose keys are kept: those that Trust documents name. */
const MAX_OTHERS = 100

/** Verifies tokens by the keys that their issuers publish. Fetches those of the configured issuers at once, and waits for none. */
export function openIssuers({ configured, audience, emailDomains, log, now = Date.now }: IssuersOptions): Issuers {
  const closing = new AbortController()
  const open = (issuer: string) => openKeyCache(issuer, closing.signal, log, now)
  const people = new Map(configured.map((issuer) => [issuer, open(issuer)]))
  const others = new Map<string, KeyCache>()
  for (const keys of people.values()) void keys.refresh()

  function keysOf(issuer: string): KeyCache {
    const known = people.get(issuer) ?? others.get(issuer) ?? open(issuer)
    if (people.has(issuer)) return known
    // The one asked for longest ago is first, and goes first.
    others.delete(issuer)
    others.set(issuer, known)
    const [oldest] = others.keys()
    if (others.size > MAX_OTHERS && oldest !== undefined) others.delete(oldest)
    return known
  }

  return {
    configured,
    async verifyAccessToken(token) {
      const issuer = issuerOf(token)
      if (issuer === null) return { kind: 'refused', reason: 'The token is no JWT.' }
      const keys = people.get(issuer)
      if (keys === undefined) return { kind: 'refused', reason: 'The token is of an issuer that is not configured here (OIDC_ISSUER).' }
      const checked = await verifyToken(token, { issuer, audience, keys, now })
      return verdictOf(checked, (claims, expiresAt) => vouchedOf(issuer, claims, expiresAt, emailDomains))
    },
    async verifyJobToken(token, issuer, jobAudience) {
      const checked = await verifyToken(token, { issuer, audience: jobAudience, keys: keysOf(issuer), now })
      return verdictOf(checked, (claims, expiresAt) => jobOf(issuer, claims, expiresAt))
    },
    close: () => closing.abort(),
  }
}

type Claims = Extract<Checked, { kind: 'checked' }>['claims']

function verdictOf(checked: Checked, read: (claims: Claims, expiresAt: Date) => Vouched | string): Verdict {
  if (checked.kind !== 'checked') return checked
  const vouched = read(checked.claims, checked.expiresAt)
  return typeof vouched === 'string' ? { kind: 'refused', reason: vouched } : { kind: 'vouched', vouched }
}

/** What the token says of itself, to choose the keys by. Nothing is believed yet. */
function issuerOf(token: string): string | null {
  try {
    return decodeJwt(token).iss ?? null
  } catch {
    return null
  }
}

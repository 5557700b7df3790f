import type { JWTPayload } from 'jose'
import type { JsonObject } from '../../core/json.ts'
import type { Vouched } from '../../operations/ports.ts'

const MAX_SUBJECT = 255
const MAX_GROUPS = 500
const MAX_GROUP = 256

/** Which e-mail domains an issuer counts for, by issuer. */
export type EmailDomains = ReadonlyMap<string, readonly string[]>

/**
 * What the claims of a verified token say about a person, or why they say nothing that can be used. A groups claim of
 * more than can be kept is refused, not cut: whose roles are gone should hear why.
 */
export function vouchedOf(issuer: string, claims: JWTPayload, expiresAt: Date, domains: EmailDomains): Vouched | string {
  const subject = claims.sub ?? ''
  // OpenID Connect Core, section 2: at most 255 ASCII characters. It is in commit messages and logs, where a line break would be a lie.
  if (!/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(subject) || subject.length > MAX_SUBJECT)
    return 'The token has a sub that cannot be used: printable ASCII of at most 255 characters is what it may be.'
  const groups = groupsOf(claims['groups'])
  if (groups === null) return `The token names more than ${MAX_GROUPS} groups. Let the issuer send those that Team documents name.`
  // It was parsed from JSON.
  return { issuer, subject, email: emailOf(issuer, claims, domains), groups, expiresAt, claims: claims as JsonObject }
}

/** What a CI job's token says: its claims are for the CEL of a Trust; neither e-mail nor groups are read from it. */
export function jobOf(issuer: string, claims: JWTPayload, expiresAt: Date): Vouched | string {
  const subject = claims.sub ?? ''
  if (subject === '' || subject.length > 1_024 || /\p{Cc}/u.test(subject)) return 'The token has a sub that cannot be used.'
  // It was parsed from JSON.
  return { issuer, subject, email: null, groups: [], expiresAt, claims: claims as JsonObject }
}

/**
 * Only where `email_verified` is the boolean that the specification has: a text "true" comes from a mapper of an
 * attribute, which users may be able to write. ASCII only: of two letters that look alike, lower-casing makes one (the
 * Kelvin sign becomes k).
 */
function emailOf(issuer: string, { email, email_verified: verified }: JWTPayload, domains: EmailDomains): string | null {
  if (verified !== true || typeof email !== 'string' || email.length > 254) return null
  if (!/^[\x21-\x7e]+$/.test(email)) return null
  const lower = email.toLowerCase()
  const [local = '', domain = '', ...more] = lower.split('@')
  if (more.length > 0 || !/^[^"(),:;<>\\]{1,64}$/.test(local) || domain === '') return null
  if (!domain.split('.').every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label))) return null
  return countsFor(issuer, domain, domains) ? lower : null
}

/** An issuer with domains counts for those; one without for every domain that no other issuer has. */
function countsFor(issuer: string, domain: string, domains: EmailDomains): boolean {
  const own = domains.get(issuer)
  if (own !== undefined) return own.includes(domain)
  return ![...domains.values()].some((others) => others.includes(domain))
}

function groupsOf(claim: unknown): readonly string[] | null {
  if (!Array.isArray(claim)) return []
  if (claim.length > MAX_GROUPS) return null
  const usable = claim.filter((g): g is string => typeof g === 'string' && g !== '' && g.length <= MAX_GROUP && !/\p{Cc}/u.test(g))
  return [...new Set(usable)]
}

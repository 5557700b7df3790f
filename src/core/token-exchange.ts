import type { JobScope } from './trust.ts'
import { isObject, type JsonObject } from './json.ts'
import { ok, refuse, type Result } from './result.ts'

/** What RFC 8693, section 2.1, asks for: a CI job's token for one of Purser's own. */
export type ExchangeRequest = {
  readonly subjectToken: string
  /** Null: all that the Trust gives. */
  readonly scopes: readonly JobScope[] | null
  /** The Trust that is meant where several take the token. */
  readonly trust: string | null
  readonly issuedTokenType: string
}

/**
 * RFC 6749, section 5.2. A subject token that is not taken, for whatever reason, is `invalid_request`: RFC 8693, section 2.2.2,
 * says so, and `invalid_grant` only looks as if it were meant.
 */
export type ExchangeError = 'invalid_request' | 'invalid_scope' | 'invalid_target' | 'unsupported_grant_type' | 'temporarily_unavailable'

export type ExchangeRefusal = {
  readonly error: ExchangeError
  /** For people; ASCII without quotes and backslashes, as the RFC has it. */
  readonly description: string
  readonly retryAfterS: number | null
  /** Whether a token was shown and not taken: a failed authentication, for whoever counts those. */
  readonly failedAuthentication: boolean
}

const grantType = 'urn:ietf:params:oauth:grant-type:token-exchange'
const jwtType = 'urn:ietf:params:oauth:token-type:jwt'
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'
const subjectTypes: readonly string[] = [jwtType, 'urn:ietf:params:oauth:token-type:id_token']
const issuedTypes: readonly string[] = [accessTokenType, jwtType]

/** As much as an Authorization header would hold. */
const MAX_TOKEN = 14_000

export function refuseExchange(
  error: ExchangeError,
  description: string,
  more: { readonly retryAfterS?: number; readonly failedAuthentication?: boolean } = {},
): { readonly ok: false; readonly problem: ExchangeRefusal } {
  const plain = description.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, "'")
  return refuse({
    error,
    description: plain,
    retryAfterS: more.retryAfterS ?? null,
    failedAuthentication: more.failedAuthentication ?? false,
  })
}

/** What was asked for, from the form. Parameters that are not known are ignored, those without a value were not sent (RFC 6749, 3.2). */
export function parseExchange(form: URLSearchParams): Result<ExchangeRequest, ExchangeRefusal> {
  const wrong = (description: string) => refuseExchange('invalid_request', description)
  for (const name of ['grant_type', 'subject_token', 'subject_token_type', 'requested_token_type', 'scope', 'trust'])
    if (form.getAll(name).length > 1) return wrong(`${name} is there more than once.`)
  const read = (name: string) => form.get(name) || null
  const grant = read('grant_type')
  if (grant === null) return wrong(`grant_type is missing; it is ${grantType}.`)
  if (grant !== grantType) return refuseExchange('unsupported_grant_type', `The only grant_type here is ${grantType}.`)
  const subjectToken = read('subject_token')
  if (subjectToken === null) return wrong('subject_token is missing: the OIDC token of the job.')
  const type = read('subject_token_type')
  if (type === null || !subjectTypes.includes(type)) return wrong(`subject_token_type is one of ${subjectTypes.join(' ')}.`)
  if (read('actor_token') !== null || read('actor_token_type') !== null)
    return wrong('actor_token is not taken here: a job acts as the service account of its Trust, and for nobody.')
  const issuedTokenType = read('requested_token_type') ?? accessTokenType
  if (!issuedTypes.includes(issuedTokenType)) return wrong(`requested_token_type is one of ${issuedTypes.join(' ')}.`)
  if (read('resource') !== null || form.getAll('audience').some((audience) => audience !== '' && audience !== 'purser'))
    return refuseExchange(
      'invalid_target',
      'The token is for this installation of Purser only: leave resource out, and audience too, or let it be purser.',
    )
  const scopes = parseScopes(read('scope'))
  if (scopes === 'wrong') return refuseExchange('invalid_scope', 'scope is one or both of read and requests:write.')
  return ok({ subjectToken, scopes, trust: read('trust'), issuedTokenType })
}

function parseScopes(text: string | null): readonly JobScope[] | null | 'wrong' {
  const words = text?.split(' ').filter((word) => word !== '') ?? []
  const known = words.filter((word) => word === 'read' || word === 'requests:write')
  if (known.length < words.length) return 'wrong'
  return known.length === 0 ? null : known
}

/** The claims that a token says it has. Nothing of it is believed yet. */
export function peekClaims(token: string): JsonObject | null {
  const [header, payload, signature, ...more] = token.length > MAX_TOKEN ? [] : token.split('.')
  if (header === undefined || payload === undefined || signature === undefined || more.length > 0) return null
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
    return isObject(claims) ? (claims as JsonObject) : null // It was parsed from JSON.
  } catch {
    return null
  }
}

/** The audiences that claims name. */
export function audiencesOf({ aud }: JsonObject): readonly string[] {
  const all: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  return all.filter((each) => typeof each === 'string')
}

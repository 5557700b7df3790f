import { decodeProtectedHeader, errors, jwtVerify, type JWTPayload, type ProtectedHeaderParameters } from 'jose'
import type { KeyCache } from './key-cache.ts'

export type Checked =
  | { readonly kind: 'checked'; readonly claims: JWTPayload; readonly expiresAt: Date }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'unreachable'; readonly retryAfterS: number }

export type Expected = { readonly issuer: string; readonly audience: string; readonly keys: KeyCache; readonly now: () => number }

/** Nothing symmetric: the issuer's keys are public, and as a shared secret anybody would have them. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
/** As much as fits into the headers that Node reads, with room for others. */
const MAX_TOKEN = 14_000
const MAX_KID = 256
/** How far the clocks of issuer and Purser may be apart. */
const SKEW_S = 30

/**
 * Whether a token is what the issuer signed for this audience, and is in force. The signature comes before the claims:
 * what is wrong with those, only who has a true token is told. Of the header nothing is used but `alg`, `kid` and `typ`:
 * keys come from where the issuer publishes them, whatever `jwk`, `jku` or `x5u` say.
 */
export async function verifyToken(token: string, { issuer, audience, keys, now }: Expected): Promise<Checked> {
  const header = readHeader(token)
  if (header === null) return refused('The token is no JWT.')
  const wrong = judgeHeader(header)
  if (wrong !== null) return refused(wrong)
  const found = await keys.find({ alg: header.alg ?? '', ...(header.kid === undefined ? {} : { kid: header.kid }) })
  if (found.kind === 'none') return refused('The token is signed with a key that its issuer does not publish.')
  if (found.kind === 'unreachable') return found
  try {
    const { payload } = await jwtVerify(token, found.key, {
      algorithms,
      issuer,
      audience,
      clockTolerance: SKEW_S,
      currentDate: new Date(now()),
      requiredClaims: ['exp', 'sub'],
    })
    // jose looks at `iat` only where there is a greatest age, and there must be none.
    if (payload.iat !== undefined && payload.iat * 1_000 > now() + SKEW_S * 1_000)
      return refused('The token says that it was issued in the future.')
    return { kind: 'checked', claims: payload, expiresAt: new Date((payload.exp ?? 0) * 1_000) }
  } catch (error) {
    return refused(reasonOf(error))
  }
}

function refused(reason: string): Checked {
  return { kind: 'refused', reason }
}

function readHeader(token: string): ProtectedHeaderParameters | null {
  if (token.length > MAX_TOKEN) return null
  try {
    return decodeProtectedHeader(token)
  } catch {
    return null
  }
}

function judgeHeader({ alg, crit, typ, kid }: ProtectedHeaderParameters): string | null {
  if (typeof alg !== 'string' || !algorithms.includes(alg))
    return 'The token is not signed, or not with an algorithm that is accepted here.'
  if (crit !== undefined) return 'The token has an extension (crit) that is not understood here.'
  if (typ !== undefined && (typeof typ !== 'string' || !['jwt', 'at+jwt', 'application/at+jwt'].includes(typ.toLowerCase())))
    return 'The token is of another kind (typ) than access tokens are.'
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > MAX_KID)) return 'The token names no key that an issuer could have.'
  return null
}

/** RFC 7519's words for the claims; nothing of the token itself. */
function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'The token has expired.'
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.reason === 'missing') return `The token has no ${error.claim}.`
    if (error.claim === 'aud') return 'The token is for another audience.'
    if (error.claim === 'nbf' && error.reason === 'check_failed') return 'The token is not valid yet.'
    return `The token has a wrong ${error.claim}.`
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'The signature of the token is wrong.'
  if (error instanceof errors.JOSEError || error instanceof TypeError) return 'The token is no JWT that can be verified.'
  throw error
}

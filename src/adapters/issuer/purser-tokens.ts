import { createHash, hkdfSync } from 'node:crypto'
import { decodeProtectedHeader, jwtVerify, SignJWT, type JWTPayload } from 'jose'
import type { ShortLived, TokenSigner } from '../../operations/ports.ts'

/** Issuer and audience of what Purser signs. No URL, so no issuer of people can have the name. */
const NAME = 'purser'
/** A type of its own: neither an access token nor an ID token can be taken for one, or it for them. */
const TYPE = 'purser+jwt'

type Key = { readonly kid: string; readonly key: Uint8Array }

/**
 * Signs and verifies short-lived tokens. `secrets` are those of PURSER_KEY: the first signs, all verify, so that one can
 * follow another. What signs is derived for this purpose alone, and nothing else that is made from the secret tells it.
 */
export function openTokenSigner(secrets: readonly string[], now: () => number = Date.now): TokenSigner {
  const keys = secrets.map(deriveKey)
  const [signing] = keys
  if (signing === undefined) throw new Error('signing tokens takes a key')
  const byKid = new Map(keys.map((key) => [key.kid, key]))
  return {
    sign: (claims) =>
      new SignJWT({ scope: claims.scopes.join(' '), trust: claims.trust, trust_revision: claims.trustRevision })
        .setProtectedHeader({ alg: 'HS256', typ: TYPE, kid: signing.kid })
        .setIssuer(NAME)
        .setAudience(NAME)
        .setSubject(claims.serviceAccount)
        .setJti(claims.id)
        .setIssuedAt(new Date(now()))
        .setExpirationTime(claims.expiresAt)
        .sign(signing.key),
    async verify(token) {
      try {
        const { alg, typ, kid, crit } = decodeProtectedHeader(token)
        const known = alg === 'HS256' && typ === TYPE && crit === undefined ? byKid.get(String(kid)) : undefined
        if (known === undefined) return null
        const { payload } = await jwtVerify(token, known.key, {
          algorithms: ['HS256'],
          typ: TYPE,
          issuer: NAME,
          audience: NAME,
          currentDate: new Date(now()),
          requiredClaims: ['sub', 'jti', 'exp'],
        })
        return shortLivedOf(payload)
      } catch {
        // Whatever is wrong with it, it is not ours.
        return null
      }
    },
  }
}

function deriveKey(secret: string): Key {
  const key = new Uint8Array(hkdfSync('sha256', secret, '', 'purser short-lived tokens v1', 32))
  return { key, kid: createHash('sha256').update(key).digest('base64url').slice(0, 16) }
}

function shortLivedOf({ sub, jti, exp, scope, trust, trust_revision: revision }: JWTPayload): ShortLived | null {
  if (typeof sub !== 'string' || typeof jti !== 'string' || typeof exp !== 'number') return null
  if (typeof scope !== 'string' || typeof trust !== 'string' || typeof revision !== 'number') return null
  return {
    id: jti,
    serviceAccount: sub,
    trust,
    trustRevision: revision,
    scopes: scope === '' ? [] : scope.split(' '),
    expiresAt: new Date(exp * 1_000),
  }
}

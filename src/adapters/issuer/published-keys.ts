import { createLocalJWKSet, type JWK, type LocalJWKSet } from 'jose'
import { Fault } from '../../core/fault.ts'
import { isObject } from '../../core/json.ts'
import { isLoopbackHost } from '../../core/addresses.ts'
import { fetchJson } from './fetch-json.ts'

export type Published = {
  readonly keys: LocalJWKSet
  readonly count: number
  /** What time it is at the issuer. */
  readonly date: Date | null
}

const MAX_DISCOVERY_BYTES = 128 * 1024
const MAX_KEYS_BYTES = 512 * 1024
const MAX_KEYS = 200

/**
 * The keys that an issuer publishes, found through its discovery document (OpenID Connect Discovery 1.0, which RFC 8414
 * issuers serve too). Throws a Fault when it is away, or is not who it says.
 */
export async function fetchPublished(issuer: string, signal: AbortSignal): Promise<Published> {
  if (!URL.canParse(issuer)) throw new Fault('wait', 'an issuer is a URL')
  const local = isLoopbackHost(new URL(issuer).hostname)
  const at = new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
  const { body: discovery, date } = await fetchJson(at, local, MAX_DISCOVERY_BYTES, signal)
  // Section 4.3: else whoever may put a file on the host could stand in for another issuer.
  if (!isObject(discovery) || discovery['issuer'] !== issuer)
    throw new Fault('wait', `${at.origin}${at.pathname} is not the discovery document of ${issuer}`)
  const uri = discovery['jwks_uri']
  if (typeof uri !== 'string' || !URL.canParse(uri)) throw new Fault('wait', `${issuer} names no jwks_uri`)
  const { body: set } = await fetchJson(new URL(uri), local, MAX_KEYS_BYTES, signal)
  if (!isObject(set) || !Array.isArray(set['keys'])) throw new Fault('wait', `${issuer} publishes no set of keys`)
  const usable = set['keys'].filter(isPublicKey).slice(0, MAX_KEYS)
  return { keys: createLocalJWKSet({ keys: usable }), count: usable.length, date }
}

/** Public halves only: a symmetric key that is published is known to everybody, and so is a private one. */
function isPublicKey(key: unknown): key is JWK {
  return isObject(key) && typeof key['kty'] === 'string' && ['RSA', 'EC', 'OKP'].includes(key['kty']) && !('d' in key)
}

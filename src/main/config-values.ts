import { parseRange } from '../core/addresses.ts'
import { Secret } from '../core/secret.ts'
import type { TrustProxy } from '../faces/http/client-address.ts'

/** What variables may hold that belong to no noun in particular. Each is null for what is wrong; config.ts says which variable it was. */

/** From `min` to `max`, both included. */
export function wholeNumber(min: number, max: number): (value: string) => number | null {
  return (value) => {
    const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN
    return number >= min && number <= max ? number : null
  }
}

/** Of printable characters without spaces. */
export function nameOf(maxLength: number): (value: string) => string | null {
  return (value) => (/^[\x21-\x7e]+$/.test(value) && value.length <= maxLength ? value : null)
}

/** Names of scopes as RFC 6749 has them: each without quotes and backslashes. */
export function parseScopes(value: string): readonly string[] | null {
  const scopes = value.split(' ').filter((scope) => scope !== '')
  return scopes.includes('openid') && scopes.length <= 50 && scopes.every((scope) => /^[\x21\x23-\x5b\x5d-\x7e]{1,255}$/.test(scope))
    ? Object.freeze(scopes)
    : null
}

/** So many proxies, or the networks that they are in. */
export function proxies(value: string): TrustProxy {
  const hops = wholeNumber(1, 10)(value)
  if (hops !== null) return Object.freeze({ hops })
  const networks = value.split(',').map((network) => network.trim())
  return networks.every((network) => parseRange(network) !== null) ? Object.freeze({ networks: Object.freeze(networks) }) : null
}

/** `true` or `false`. */
export function flag(value: string): boolean | null {
  if (value === 'true') return true
  return value === 'false' ? false : null
}

/** A URL of one of these protocols, which may have a password in it. */
export function urlOf(...protocols: readonly string[]): (value: string) => Secret | null {
  return (value) => (URL.canParse(value) && protocols.includes(new URL(value).protocol) ? new Secret(value) : null)
}

/** How many letters two names differ by: Levenshtein's distance. */
export function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

import { errors, type CryptoKey, type JWSHeaderParameters } from 'jose'
import { fetchPublished, type Published } from './published-keys.ts'

/**
 * The keys of one issuer in memory. A fetch takes the place of what was known, so a key that is no longer published is
 * believed no longer than the next fetch; one that fails leaves what was known, up to a day old.
 *
 *     age of the keys    used      fetched
 *     < 5 min            yes       when a token names a key that is not there
 *     < 15 min           yes       in the background
 *     < 24 h             yes       before use, unless the last fetch failed: then in the background
 *     more, or none      no        before use
 *
 * Whatever the reason, two fetches begin at least ten seconds apart, and all who wait share one: tokens with made-up
 * keys cannot make Purser flood an issuer.
 */
export interface KeyCache {
  find(header: JWSHeaderParameters): Promise<FoundKey>
  /** Fetches if it may, and never throws. */
  refresh(): Promise<void>
}

export type FoundKey =
  | { readonly kind: 'found'; readonly key: CryptoKey }
  /** The issuer publishes no such key. */
  | { readonly kind: 'none' }
  | { readonly kind: 'unreachable'; readonly retryAfterS: number }

export type IssuerLog = {
  info(data: object, message: string): void
  warn(data: object, message: string): void
}

const COOL_DOWN_MS = 10_000
const REFRESH_MS = 5 * 60_000
const AWAIT_MS = 15 * 60_000
const MAX_STALE_MS = 24 * 3_600_000

export function openKeyCache(issuer: string, signal: AbortSignal, log: IssuerLog, now: () => number): KeyCache {
  let known: Published | null = null
  let knownAt = -Infinity
  let triedAt = -Infinity
  let failing = false
  let running: Promise<void> | null = null

  async function fetchNow(): Promise<void> {
    const began = now()
    triedAt = began
    try {
      known = await fetchPublished(issuer, signal)
      knownAt = began
      if (failing) log.info({ issuer }, 'the issuer answers again')
      failing = false
    } catch (error) {
      // Once an outage: what lasts for hours need not be said every ten seconds.
      if (!failing && !signal.aborted) log.warn({ issuer, err: error }, 'the keys of an issuer cannot be fetched')
      failing = true
    }
  }

  function refresh(): Promise<void> {
    if (running !== null) return running
    if (now() - triedAt < COOL_DOWN_MS) return Promise.resolve()
    running = fetchNow().finally(() => {
      running = null
    })
    return running
  }

  function unreachable(): FoundKey {
    return { kind: 'unreachable', retryAfterS: Math.max(1, Math.ceil((triedAt + COOL_DOWN_MS - now()) / 1_000)) }
  }

  return {
    refresh,
    async find(header) {
      const age = now() - knownAt
      if (age >= MAX_STALE_MS || (age >= AWAIT_MS && !failing)) await refresh()
      else if (age >= REFRESH_MS) void refresh()
      if (known === null || now() - knownAt >= MAX_STALE_MS) return unreachable()
      const key = await select(known, header)
      if (key !== null) return { kind: 'found', key }
      await refresh()
      const fresh = await select(known, header)
      if (fresh !== null) return { kind: 'found', key: fresh }
      return failing ? unreachable() : { kind: 'none' }
    },
  }
}

/** By `kid` and `alg`, and by the key's own `use`; null when there is none, or more than one. */
async function select({ keys }: Published, header: JWSHeaderParameters): Promise<CryptoKey | null> {
  try {
    return await keys(header)
  } catch (error) {
    if (error instanceof errors.JOSEError) return null
    throw error
  }
}

import { createHash } from 'node:crypto'
import type { SharedCounts } from '../../operations/ports.ts'

/**
 * At most `max` in a window that begins with the first. Counted in memory, so a request waits for nobody; where replicas
 * share a Redis, what each counted is told there a moment later, all keys at once, and what the others counted comes back.
 * So replicas together let through what fits in that moment beyond the limit, and no request pays for a round trip. Without
 * Redis, or while it is away, each counts for itself.
 */
export type Limiter = { count(key: string): Counted }

export type Counted = { readonly allowed: boolean; readonly remaining: number; readonly resetS: number }

export type LimiterOptions = {
  readonly name: string
  readonly max: number
  readonly windowMs: number
  readonly shared: SharedCounts | null
}

type Window = { count: number; untold: number; until: number }

/** How long a count is kept to itself. */
const TELL_MS = 20
/** How long nothing is told after it could not be. */
const REST_MS = 1_000
/** Whoever comes from ever more addresses takes this much memory, some 10 MB, and pushes out the oldest windows. */
const MAX_WINDOWS = 100_000

export function openLimiter({ name, max, windowMs, shared }: LimiterOptions): Limiter {
  const windows = new Map<string, Window>()
  let untold = new Map<string, Window>()
  let telling = false
  let restUntil = 0

  function windowOf(key: string, now: number): Window {
    const known = windows.get(key)
    if (known !== undefined && known.until > now) return known
    // Set anew, so that the oldest stand first.
    windows.delete(key)
    const opened = { count: 0, untold: 0, until: now + windowMs }
    windows.set(key, opened)
    if (windows.size > MAX_WINDOWS) for (const oldest of windows.keys()) if (windows.delete(oldest)) break
    return opened
  }

  function tellLater(key: string, window: Window, now: number): void {
    window.untold++
    untold.set(key, window)
    if (telling || now < restUntil) return
    telling = true
    setTimeout(() => void tell(), TELL_MS).unref()
  }

  async function tell(): Promise<void> {
    const told = untold
    untold = new Map()
    const keys = [...told]
    const counts = keys.map(([, window]) => window.untold)
    for (const [, window] of keys) window.untold = 0
    try {
      const totals = await shared?.add(
        keys.map(([key], i) => ({ key: `${name}:${shorten(key)}`, count: counts[i] ?? 0 })),
        windowMs,
      )
      const now = performance.now()
      keys.forEach(([, window], i) => {
        const total = totals?.[i]
        if (total === undefined) return
        window.count = total.count + window.untold
        window.until = now + total.msLeft
      })
    } catch {
      restUntil = performance.now() + REST_MS
    }
    telling = false
    // What was counted meanwhile; while it rests, that goes with the next count after.
    const [next] = untold
    if (next === undefined || performance.now() < restUntil) return
    telling = true
    setTimeout(() => void tell(), TELL_MS).unref()
  }

  return {
    count(key) {
      const now = performance.now()
      const window = windowOf(key, now)
      // In whole milliseconds first: of fractions, `now + 1_000 - now` can be more than a second.
      const resetS = Math.max(1, Math.ceil(Math.round(window.until - now) / 1_000))
      if (window.count >= max) return { allowed: false, remaining: 0, resetS }
      window.count++
      if (shared !== null) tellLater(key, window, now)
      return { allowed: true, remaining: max - window.count, resetS }
    },
  }
}

/** As long as any other, and no address in another program's memory. */
function shorten(key: string): string {
  return createHash('sha256').update(key).digest('base64url').slice(0, 22)
}

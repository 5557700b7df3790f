import type pg from 'pg'
import { touchTokens } from '../store/principals.ts'

/** How long a token's last use may be older than it is said to be. */
const EVERY_MS = 60_000
/** Those that are used together are written together. */
const GATHER_MS = 1_000
const MOST = 10_000

/** Keeps when tokens were used last, behind the back of whoever waits for an answer. */
export type UsedTokens = { mark(id: string): void }

export function openUsedTokens(pool: pg.Pool): UsedTokens {
  const marked = new Map<string, number>()
  let gathered: string[] = []

  function write(): void {
    const ids = gathered
    gathered = []
    // Lost with the database, or with the process: it is written again with the next use a minute from now.
    touchTokens(pool, ids).catch(() => undefined)
  }

  return {
    mark(id) {
      const now = performance.now()
      if (now - (marked.get(id) ?? Number.NEGATIVE_INFINITY) < EVERY_MS) return
      if (marked.size >= MOST) marked.clear()
      marked.set(id, now)
      if (gathered.push(id) === 1) setTimeout(write, GATHER_MS).unref()
    },
  }
}

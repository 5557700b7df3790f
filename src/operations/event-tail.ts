import type pg from 'pg'
import { readEventHead, readEventTail, type TailRead } from '../store/event-tail.ts'
import type { EventPosition } from '../store/events.ts'
import type { Notices } from '../store/notices.ts'

/** What a watcher wants to hear of. `everything` is for what no one team or subject stands for. */
export type Watched = { readonly subject: string } | { readonly team: string } | 'everything'

/**
 * The end of the log, watched for everybody in this process who waits for events: one small statement whenever the database
 * says that something moved, and four times a second in any case, however many wait. It only wakes; those who are woken
 * read for themselves, at their own pace. While nobody watches it rests.
 */
export type EventTail = {
  /**
   * Calls `wake` when an event of this kind has become readable since this call, and now and then for nothing. Whoever reads
   * the log after this call and sees nothing new is woken by what comes. Returns how to stop.
   */
  watch(about: Watched, wake: () => void): () => void
}

/** What no notice tells of (submits, and commits of transactions that kept events back) is seen this soon. */
const POLL_MS = 250
/** Under load there are notices all the time; one read answers many. */
const GAP_MS = 100

export function openEventTail(pool: pg.Pool, notices: Notices): EventTail {
  const watchers = new Map<string, Set<() => void>>()
  /** Null: it rests, and where the log ends is not known. */
  let position: EventPosition | null = null
  let timer: NodeJS.Timeout | null = null
  let running = false
  let heard = false
  let lookedAt = 0

  function later(ms: number): void {
    if (timer !== null) clearTimeout(timer)
    timer = setTimeout(() => void look(), ms)
    timer.unref()
  }

  function hear(): void {
    if (heard || position === null) return
    heard = true
    if (timer !== null) later(Math.max(0, lookedAt + GAP_MS - performance.now()))
  }

  async function look(): Promise<void> {
    timer = null
    heard = false
    if (watchers.size === 0) {
      position = null
      return
    }
    running = true
    let full = false
    try {
      full = await step()
    } catch {
      // Who follows finds out by their own reads, and says so; what was not seen yet is looked for again.
    }
    running = false
    lookedAt = performance.now()
    later(full ? 0 : heard ? GAP_MS : POLL_MS)
  }

  async function step(): Promise<boolean> {
    if (position === null) {
      position = await readEventHead(pool)
      // What became readable since they began to watch is not after this position.
      for (const wakes of watchers.values()) for (const wake of wakes) wake()
      return false
    }
    const read = await readEventTail(pool, position)
    // After a failover to a replica that lagged behind, ids of transactions come a second time: the end of the log moves back.
    position = read.position
    tell(read)
    return read.full
  }

  function tell({ moved }: TailRead): void {
    if (moved.length === 0) return
    const keys = new Set(['everything'])
    for (const { team, subject } of moved) {
      keys.add(keyOf({ subject }))
      if (team !== null) keys.add(keyOf({ team }))
    }
    for (const key of keys) for (const wake of watchers.get(key) ?? []) wake()
  }

  notices.onRequest(hear)
  notices.onPlatform(hear)
  notices.onResumed(hear)
  return {
    watch(about, wake) {
      const key = keyOf(about)
      const mine = () => wake()
      watchers.set(key, (watchers.get(key) ?? new Set()).add(mine))
      // Not at once: most waits are over before, and never need it.
      if (timer === null && !running) later(POLL_MS)
      return () => {
        const wakes = watchers.get(key)
        wakes?.delete(mine)
        if (wakes?.size === 0) watchers.delete(key)
      }
    },
  }
}

function keyOf(about: Watched): string {
  if (about === 'everything') return about
  return 'subject' in about ? `subject ${about.subject}` : `team ${about.team}`
}

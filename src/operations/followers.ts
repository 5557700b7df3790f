import type { EventTail } from './event-tail.ts'

/** How many may follow at once; 0 is no limit. */
export type FollowerLimits = { readonly perCaller: number; readonly perProcess: number }

export const defaultFollowerLimits: FollowerLimits = { perCaller: 500, perProcess: 5_000 }

/** Everybody in this process who follows events. */
export type Followers = {
  readonly tail: EventTail
  /** A place for one more follower of this principal, or null: there is none. Returns how to leave it; twice is once. */
  enter(principal: string): (() => void) | null
  /**
   * A read that begins after this call. Those who call while one is under way share the next: whom one event wakes stand at
   * one place, and are served by two reads however many they are.
   */
  share<T>(key: string, read: () => Promise<T>): Promise<T>
  /** How many follow now. */
  readonly size: number
}

export function openFollowers(tail: EventTail, { perCaller, perProcess }: FollowerLimits): Followers {
  const callers = new Map<string, number>()
  const reads = new Map<string, { readonly over: Promise<void>; next: Promise<unknown> | null }>()
  let size = 0

  function share<T>(key: string, read: () => Promise<T>): Promise<T> {
    const running = reads.get(key)
    if (running === undefined) {
      const now = read()
      const end = () => void reads.delete(key)
      reads.set(key, { over: now.then(end, end), next: null })
      return now
    }
    running.next ??= running.over.then(() => share(key, read))
    // Under one key there is one kind of read.
    return running.next as Promise<T>
  }

  return {
    tail,
    get size() {
      return size
    },
    enter(principal) {
      const own = callers.get(principal) ?? 0
      if ((perProcess > 0 && size >= perProcess) || (perCaller > 0 && own >= perCaller)) return null
      size += 1
      callers.set(principal, own + 1)
      let left = false
      return () => {
        if (left) return
        left = true
        size -= 1
        const rest = (callers.get(principal) ?? 1) - 1
        if (rest === 0) callers.delete(principal)
        else callers.set(principal, rest)
      }
    },
    share,
  }
}

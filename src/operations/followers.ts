import type { EventTail } from './event-tail.ts'

/** How many may follow at once; 0 is no limit. */
export type FollowerLimits = { readonly perCaller: number; readonly perProcess: number }

export const defaultFollowerLimits: FollowerLimits = { perCaller: 500, perProcess: 5_000 }

/** Everybody in this process who follows events. */
export type Followers = {
  readonly tail: EventTail
  /** A place for one more follower of this principal, or null: there is none. Returns how to leave it; twice is once. */
  enter(principal: string): (() => void) | null
  /** The same read for all who want it while it is under way: those whom one event wakes stand at one place. */
  share<T>(key: string, read: () => Promise<T>): Promise<T>
  /** How many follow now. */
  readonly size: number
}

export function openFollowers(tail: EventTail, { perCaller, perProcess }: FollowerLimits): Followers {
  const callers = new Map<string, number>()
  const reads = new Map<string, Promise<unknown>>()
  let size = 0

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
    share(key, read) {
      const known = reads.get(key)
      // Under one key there is one kind of read.
      if (known !== undefined) return known as ReturnType<typeof read>
      const made = read().finally(() => reads.delete(key))
      reads.set(key, made)
      return made
    },
  }
}

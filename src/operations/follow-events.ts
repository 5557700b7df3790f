import { ok, refuse, type Result } from '../core/result.ts'
import type { Problem } from '../core/problem.ts'
import type { EventPosition } from '../store/events.ts'
import type { Caller } from './caller.ts'
import type { Context } from './context.ts'
import { beginningOf, readTopic, scopeOf, type FollowedEvent, type Scope, type Topic } from './event-topics.ts'
import { parseCursor } from './page.ts'
import { eventCursor, parseEventPosition } from './read-events.ts'

/**
 * What a follower gets: events, oldest first, or none as a sign that the stream is alive and still allowed; `cursor` is
 * where to go on in any case, `more` says that the next are there already. A refusal is the last thing that comes: it is
 * what a read would answer from now on.
 */
export type Followed =
  | { readonly kind: 'events'; readonly events: readonly FollowedEvent[]; readonly cursor: string; readonly more: boolean }
  | { readonly kind: 'refused'; readonly problem: Problem }

export type FollowOptions = {
  /** Where to go on; null: a request from its beginning, a team or budget from now on. */
  readonly after: string | null
  /** Aborted when nobody listens any more, or the process stops: the stream ends. */
  readonly signal: AbortSignal
  /** A stream in which nothing happens says this often that it is alive, and looks whether it is still allowed. */
  readonly idleMs?: number
}

const IDLE_MS = 15_000
const RETRY_AFTER_S = 10

/**
 * Follows a topic: whatever of it becomes readable, once and in the order of the log, whether this process did it or
 * another. Who goes on from a cursor misses nothing and gets nothing twice. Nothing is kept for a slow reader: the next page
 * is read when the one before was taken.
 *
 * `who` says who asks, each time anew: what credentials and roles give is asked before every page, so that a stream ends
 * when a read would be refused.
 */
export async function followEvents(
  context: Context,
  who: () => Promise<Result<Caller>>,
  topic: Topic,
  { after, signal, idleMs = IDLE_MS }: FollowOptions,
): Promise<Result<AsyncIterableIterator<Followed>>> {
  const caller = await who()
  if (!caller.ok) return caller
  const scope = await scopeOf(context, caller.value, topic)
  if (!scope.ok) return scope
  const given = parseCursor(after, parseEventPosition)
  if (!given.ok) return given
  // Now, and not at the first pull: what happens from here on is part of the stream.
  const start = given.value ?? (await beginningOf(context, topic))
  const leave = context.followers.enter(caller.value.via?.principal ?? caller.value.principal)
  if (leave === null) return refuse({ code: 'rate-limited', retryAfterS: RETRY_AFTER_S })
  const stop = new AbortController()
  const end = () => stop.abort()
  const bell = openBell(stop.signal)
  // Before the first page is read: what comes between the two is not missed.
  const unwatch = context.followers.tail.watch(scope.value.watched, bell.ring)
  stop.signal.addEventListener('abort', () => {
    leave()
    unwatch()
    signal.removeEventListener('abort', end)
  })
  signal.addEventListener('abort', end)
  if (signal.aborted) end()
  const inner = follow({ context, who, topic, scope: scope.value, idleMs, stop, bell }, start)
  // A generator's own `return` waits for what the generator waits for, and runs nothing of one that never began.
  return ok({
    [Symbol.asyncIterator]() {
      return this
    },
    next: () => inner.next(),
    return: () => {
      end()
      return inner.return(undefined)
    },
  })
}

type Follower = {
  readonly context: Context
  readonly who: () => Promise<Result<Caller>>
  readonly topic: Topic
  readonly scope: Scope
  readonly idleMs: number
  readonly stop: AbortController
  readonly bell: Bell
}

async function* follow(follower: Follower, start: EventPosition): AsyncGenerator<Followed, undefined> {
  const { context, scope, bell, stop } = follower
  try {
    let position = start
    let idle = false
    yield { kind: 'events', events: [], cursor: eventCursor(position), more: false }
    while (!stop.signal.aborted) {
      if (!idle) bell.still()
      const allowed = await stillAllowed(follower)
      if (!allowed.ok) {
        yield { kind: 'refused', problem: allowed.problem }
        return
      }
      let more = false
      // Nothing rang, so there is nothing to read; should it ring by now, that is heard below.
      if (idle) yield { kind: 'events', events: [], cursor: eventCursor(position), more }
      else {
        const from = position
        const page = await context.followers.share(`${scope.key} ${eventCursor(from)}`, () => readTopic(context, scope, from))
        ;({ position, more } = page)
        if (page.events.length > 0) yield { kind: 'events', events: page.events, cursor: eventCursor(position), more }
      }
      idle = !more && !(await bell.rung(follower.idleMs))
    }
  } finally {
    stop.abort()
  }
}

/** Something that wakes one sleeper, also one who falls asleep after it rang. */
type Bell = {
  ring(): void
  still(): void
  /** True when it rang; false after so many ms, or when there is nobody any more to wake. */
  rung(ms: number): Promise<boolean>
}

function openBell(signal: AbortSignal): Bell {
  let ringing = false
  let wake: (() => void) | null = null
  return {
    ring() {
      ringing = true
      wake?.()
    },
    still() {
      ringing = false
    },
    rung(ms) {
      if (ringing || signal.aborted) return Promise.resolve(ringing)
      return new Promise((resolve) => {
        const done = () => {
          clearTimeout(timer)
          signal.removeEventListener('abort', done)
          wake = null
          resolve(ringing)
        }
        const timer = setTimeout(done, ms)
        signal.addEventListener('abort', done)
        wake = done
      })
    },
  }
}

async function stillAllowed({ context, who, topic, scope }: Follower): Promise<Result<Scope>> {
  const caller = await who()
  if (!caller.ok) return caller
  const now = await scopeOf(context, caller.value, topic)
  // A budget of the same name with another scope is another budget, of which this stream knows nothing.
  return now.ok && now.value.key !== scope.key ? refuse({ code: 'not-found' }) : now
}

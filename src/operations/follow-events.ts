import { parseId, type Id } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import type { Problem } from '../core/problem.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import { listEvents, type EventPosition, type EventRecord } from '../store/events.ts'
import { readEventHead } from '../store/event-tail.ts'
import { readFollowedBudget, requestsOnBudget, seesRequest } from '../store/followed.ts'
import { missingScope, readableTeams, sightOf, type Caller } from './caller.ts'
import type { Context } from './context.ts'
import type { Watched } from './event-tail.ts'
import { parseCursor } from './page.ts'
import { eventCursor, parseEventPosition, presentEvent } from './read-events.ts'

/** What can be followed: a request by its id, a team's log, a budget by its name. */
export type Topic =
  | { readonly kind: 'request'; readonly id: string }
  | { readonly kind: 'team'; readonly name: string }
  | { readonly kind: 'budget'; readonly name: string }

/** An event as lists show it, and the cursor to go on after it. */
export type FollowedEvent = { readonly type: string; readonly event: JsonObject; readonly cursor: string }

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
const PAGE = 50
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
  const leave = context.followers.enter(caller.value.via?.principal ?? caller.value.principal)
  if (leave === null) return refuse({ code: 'rate-limited', retryAfterS: RETRY_AFTER_S })
  const stop = new AbortController()
  const end = () => stop.abort()
  stop.signal.addEventListener('abort', () => {
    leave()
    signal.removeEventListener('abort', end)
  })
  signal.addEventListener('abort', end)
  if (signal.aborted) end()
  const inner = follow(context, who, topic, scope.value, given.value, idleMs, stop)
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

async function* follow(
  context: Context,
  who: () => Promise<Result<Caller>>,
  topic: Topic,
  scope: Scope,
  start: EventPosition | null,
  idleMs: number,
  stop: AbortController,
): AsyncGenerator<Followed, undefined> {
  const bell = openBell(stop.signal)
  // Before the first read: what comes between the two is not missed.
  const unwatch = context.followers.tail.watch(scope.watched, bell.ring)
  try {
    let position = start ?? (topic.kind === 'request' ? beginning : await readEventHead(context.database.pool))
    yield { kind: 'events', events: [], cursor: eventCursor(position), more: false }
    for (let idle = false; !stop.signal.aborted;) {
      bell.still()
      const allowed = await stillAllowed(context, who, topic, scope)
      if (!allowed.ok) {
        yield { kind: 'refused', problem: allowed.problem }
        return
      }
      const from = position
      const page = await context.followers.share(`${scope.key} ${eventCursor(from)}`, () => readPage(context, scope, from))
      position = page.position
      if (page.events.length > 0 || idle) yield { kind: 'events', events: page.events, cursor: eventCursor(position), more: page.more }
      idle = !page.more && !(await bell.rung(idleMs))
    }
  } finally {
    unwatch()
    stop.abort()
  }
}

/** Before every event that ever was. */
const beginning: EventPosition = { generation: 0, tx: 0n, seq: 0n }

/** Something that wakes one sleeper, also one who falls asleep after it rang. */
function openBell(signal: AbortSignal): { ring(): void; still(): void; rung(ms: number): Promise<boolean> } {
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
    /** True when it rang; false after so many ms, or when there is nobody any more to wake. */
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

/** What a topic is to somebody who may read it. `key` is the same for all who read the same. */
type Scope = { readonly key: string; readonly watched: Watched } & (
  | { readonly kind: 'request'; readonly id: Id<'request'> }
  | { readonly kind: 'team'; readonly name: string }
  | { readonly kind: 'budget'; readonly name: string; readonly id: string; readonly team: string | null }
)

/** The wall before each topic: what the caller may not read is not there (L11). */
async function scopeOf(context: Context, caller: Caller, topic: Topic): Promise<Result<Scope>> {
  const forbidden = missingScope(caller, 'read')
  if (forbidden !== null) return refuse(forbidden)
  const platform = await context.platform()
  const { pool } = context.database
  switch (topic.kind) {
    case 'request': {
      const id = parseId('request', topic.id)
      if (id === null || !(await seesRequest(pool, id, sightOf(platform, caller)))) return refuse({ code: 'not-found' })
      return ok({ kind: 'request', id, key: id, watched: { subject: id } })
    }
    case 'team': {
      const { name } = topic
      const teams = readableTeams(platform, caller)
      if (!platform.teams.has(name) || (teams !== null && !teams.includes(name))) return refuse({ code: 'not-found' })
      return ok({ kind: 'team', name, key: `team ${name}`, watched: { team: name } })
    }
    case 'budget': {
      const budget = await readFollowedBudget(pool, topic.name)
      const teams = readableTeams(platform, caller)
      if (budget === null || (teams !== null && (budget.team === null || !teams.includes(budget.team))))
        return refuse({ code: 'not-found' })
      const watched = budget.team === null ? 'everything' : { team: budget.team }
      return ok({ kind: 'budget', name: topic.name, ...budget, key: `budget ${budget.id}`, watched })
    }
  }
}

async function stillAllowed(context: Context, who: () => Promise<Result<Caller>>, topic: Topic, scope: Scope): Promise<Result<Scope>> {
  const caller = await who()
  if (!caller.ok) return caller
  const now = await scopeOf(context, caller.value, topic)
  // A budget of the same name with another scope is another budget, of which this stream knows nothing.
  return now.ok && now.value.key !== scope.key ? refuse({ code: 'not-found' }) : now
}

type EventsPage = { readonly events: readonly FollowedEvent[]; readonly position: EventPosition; readonly more: boolean }

async function readPage(context: Context, scope: Scope, after: EventPosition): Promise<EventsPage> {
  const { pool } = context.database
  // One more than is shown says whether there are more.
  const page = { first: PAGE + 1, after }
  switch (scope.kind) {
    case 'request':
      return pageFrom(await listEvents(pool, null, { subject: scope.id }, page), after)
    case 'team':
      return pageFrom(await listEvents(pool, null, { team: scope.name }, page), after)
    case 'budget': {
      const read = await listEvents(pool, null, scope.team === null ? {} : { team: scope.team }, page)
      const requests = read.flatMap(({ type, subject }) => {
        const id = moving.has(type) ? parseId('request', subject) : null
        return id === null ? [] : [id]
      })
      const covered: ReadonlySet<string> = await requestsOnBudget(pool, scope.id, requests)
      return pageFrom(read, after, (event) => (moving.has(event.type) ? covered.has(event.subject) : isOfBudget(event, scope.name)))
    }
  }
}

function pageFrom(read: readonly EventRecord[], after: EventPosition, wanted: (event: EventRecord) => boolean = () => true): EventsPage {
  const page = read.slice(0, PAGE)
  return {
    events: page.filter(wanted).map((record) => ({ type: record.type, event: presentEvent(record), cursor: eventCursor(record.position) })),
    position: page.at(-1)?.position ?? after,
    more: read.length > PAGE,
  }
}

/** What goes with a movement of the counters of each budget that covers the request: reserved, given back, or captured. */
const moving: ReadonlySet<string> = new Set(
  ['submitted', 'committed', 'rejected', 'cancelled', 'expired', 'failed'].map((word) => `dev.purser.request.${word}.v1`),
)

/** What is about a budget itself: its document, and its alerts. */
function isOfBudget({ type, subject, data }: EventRecord, name: string): boolean {
  if (subject !== name) return false
  return type === 'dev.purser.budget.alert.v1' || (type === 'dev.purser.document.applied.v1' && data['kind'] === 'Budget')
}

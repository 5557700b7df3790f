import { parseId, type Id } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import type { Operation } from '../core/permissions.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import { listEvents, type EventPosition, type EventRecord } from '../store/events.ts'
import { readEventHead } from '../store/event-tail.ts'
import { readFollowedBudget, requestsOnBudget, seesRequest } from '../store/followed.ts'
import { missingScope } from './authorize.ts'
import { readableTeams, sightOf, type Caller } from './caller.ts'
import type { Context } from './context.ts'
import type { Watched } from './event-tail.ts'
import { eventCursor, presentEvent } from './read-events.ts'

/** What can be followed: a request by its id, a team's log, a budget by its name. */
export type Topic =
  | { readonly kind: 'request'; readonly id: string }
  | { readonly kind: 'team'; readonly name: string }
  | { readonly kind: 'budget'; readonly name: string }

const rows = { request: 'listRequestEvents', team: 'followTeamEvents', budget: 'readBudget' } as const satisfies Record<
  Topic['kind'],
  Operation
>

/** An event as lists show it, and the cursor to go on after it. */
export type FollowedEvent = { readonly type: string; readonly event: JsonObject; readonly cursor: string }

/** What a topic is to somebody who may read it. `key` is the same for all who read the same. */
export type Scope = { readonly key: string; readonly watched: Watched } & (
  | { readonly kind: 'request'; readonly id: Id<'request'> }
  | { readonly kind: 'team'; readonly name: string }
  | { readonly kind: 'budget'; readonly name: string; readonly id: string; readonly team: string | null }
)

/** The wall before each topic: what the caller may not read is not there (L11). */
export async function scopeOf(context: Context, caller: Caller, topic: Topic): Promise<Result<Scope>> {
  const forbidden = missingScope(caller, rows[topic.kind])
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

/** Of a request its first event, of anything else now. */
export async function beginningOf(context: Context, topic: Topic): Promise<EventPosition> {
  return topic.kind === 'request' ? { generation: 0, tx: 0n, seq: 0n } : readEventHead(context.database.pool)
}

const PAGE = 50

/** `position`: where the next begins; `more`: it has something. */
export type TopicPage = { readonly events: readonly FollowedEvent[]; readonly position: EventPosition; readonly more: boolean }

/** The next page of a topic after a position. */
export async function readTopic(context: Context, scope: Scope, after: EventPosition): Promise<TopicPage> {
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

function pageFrom(read: readonly EventRecord[], after: EventPosition, wanted: (event: EventRecord) => boolean = () => true): TopicPage {
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

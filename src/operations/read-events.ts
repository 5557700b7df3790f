import { parseId } from '../core/ids.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import type { JsonObject } from '../core/json.ts'
import { listEvents as listInStore, type EventPosition, type EventRecord } from '../store/events.ts'
import { readRequest } from '../store/requests.ts'
import { missingScope } from './authorize.ts'
import { readableTeams, sightOf, type Caller } from './caller.ts'
import type { Context } from './context.ts'
import { encodeCursor, pageOf, parseCursor, type Page, type PageInput } from './page.ts'

export type EventsQuery = { readonly team?: string; readonly type?: string; readonly subject?: string }

/** A page of the log of the caller's teams, oldest first; administrators read all of it, the platform's own events too. */
export async function listEvents(context: Context, caller: Caller, query: EventsQuery, page: PageInput): Promise<Result<Page>> {
  const forbidden = missingScope(caller, 'listEvents')
  if (forbidden !== null) return refuse(forbidden)
  return pageOfEvents(context, readableTeams(await context.platform(), caller), query, page)
}

/** The log of one request, to whoever may read that request: an approver of another team too. */
export async function listRequestEvents(context: Context, caller: Caller, text: string, page: PageInput): Promise<Result<Page>> {
  const forbidden = missingScope(caller, 'listRequestEvents')
  if (forbidden !== null) return refuse(forbidden)
  const id = parseId('request', text)
  const request = id === null ? null : await readRequest(context.database.pool, id, sightOf(await context.platform(), caller))
  if (request === null) return refuse({ code: 'not-found' })
  return pageOfEvents(context, null, { subject: request.id }, page)
}

async function pageOfEvents(context: Context, teams: readonly string[] | null, query: EventsQuery, page: PageInput): Promise<Result<Page>> {
  const after = parseCursor(page.after, parseEventPosition)
  if (!after.ok) return after
  const events = await listInStore(context.database.pool, teams, query, { first: page.first + 1, after: after.value })
  return ok(pageOf(events, page.first, presentEvent, ({ position }) => positionText(position)))
}

/** An event as it is shown. */
export function presentEvent({ id, type, time, actor, team, subject, data }: EventRecord): JsonObject {
  return { id, type, time: time.toISOString(), actor, team, subject, data }
}

function positionText({ generation, tx, seq }: EventPosition): string {
  return `${generation}.${tx}.${seq}`
}

/** The cursor with which lists and streams of events go on after a position. */
export function eventCursor(position: EventPosition): string {
  return encodeCursor(positionText(position))
}

/** The position in a cursor of events; null: it is none. */
export function parseEventPosition(text: string): EventPosition | null {
  const match = /^(\d{1,9})\.(\d{1,18})\.(\d{1,18})$/.exec(text)
  return match === null ? null : { generation: Number(match[1]), tx: BigInt(match[2] ?? 0), seq: BigInt(match[3] ?? 0) }
}

import { ok, refuse, type Result } from '../core/result.ts'
import { listEvents as listInStore, type EventPosition } from '../store/events.ts'
import { missingScope, readableTeams, type Caller } from './caller.ts'
import type { Context } from './context.ts'
import { pageOf, parseCursor, type Page, type PageInput } from './page.ts'

export type EventsQuery = { readonly team?: string; readonly type?: string; readonly subject?: string }

/** A page of the log of the caller's teams, oldest first; administrators read all of it, the platform's own events too. */
export async function listEvents(context: Context, caller: Caller, query: EventsQuery, page: PageInput): Promise<Result<Page>> {
  const forbidden = missingScope(caller, 'read')
  if (forbidden !== null) return refuse(forbidden)
  const after = parseCursor(page.after, parsePosition)
  if (!after.ok) return after
  const teams = readableTeams(await context.platform(), caller)
  const events = await listInStore(context.database.pool, teams, query, { first: page.first + 1, after: after.value })
  return ok(pageOf(events, page.first, ({ position: _, time, ...event }) => ({ ...event, time: time.toISOString() }), ({ position }) => `${position.tx}.${position.seq}`))
}

function parsePosition(text: string): EventPosition | null {
  const match = /^(\d{1,20})\.(\d{1,18})$/.exec(text)
  return match === null ? null : { tx: BigInt(match[1] ?? 0), seq: BigInt(match[2] ?? 0) }
}

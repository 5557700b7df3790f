import { idToUuid, parseId, type Id } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { presentRequest } from '../core/present-request.ts'
import type { RequestState } from '../core/request.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import { listRequests as listInStore, readRequest as readInStore } from '../store/requests.ts'
import { budgetViewOf, missingScope, sightOf, type Caller } from './caller.ts'
import type { Context } from './context.ts'
import { pageOf, parseCursor, type Page, type PageInput } from './page.ts'

export type RequestsQuery = {
  readonly team?: string
  readonly environment?: string
  readonly state?: RequestState
  readonly requester?: string
  /** A resource's id or name. */
  readonly resource?: string
  /** Only those that wait for the caller's vote. */
  readonly awaiting?: 'me'
}

/** One request, to those who may see it; to everybody else it does not exist (L11). */
export async function readRequest(context: Context, caller: Caller, text: string): Promise<Result<JsonObject>> {
  const forbidden = missingScope(caller, 'read')
  if (forbidden !== null) return refuse(forbidden)
  const platform = await context.platform()
  const id = parseId('request', text)
  const record = id === null ? null : await readInStore(context.database.pool, id, sightOf(platform, caller))
  return record === null ? refuse({ code: 'not-found' }) : ok(presentRequest(record, budgetViewOf(platform, caller)))
}

/** A page of requests, newest first. Filters over what the caller may not see are empty, not refused. */
export async function listRequests(context: Context, caller: Caller, query: RequestsQuery, page: PageInput): Promise<Result<Page>> {
  const forbidden = missingScope(caller, 'read')
  if (forbidden !== null) return refuse(forbidden)
  const after = parseCursor<Id<'request'>>(page.after, (text) => parseId('request', text))
  if (!after.ok) return after
  const platform = await context.platform()
  const { awaiting, resource, ...filter } = query
  const records = await listInStore(
    context.database.pool,
    sightOf(platform, caller),
    {
      ...filter,
      ...(resource === undefined ? {} : { resource: resourceKey(resource) }),
      ...(awaiting === undefined ? {} : { awaiting: caller.principal }),
    },
    { first: page.first + 1, after: after.value },
  )
  const view = budgetViewOf(platform, caller)
  return ok(
    pageOf(
      records,
      page.first,
      (record) => presentRequest(record, view),
      (record) => record.id,
    ),
  )
}

/** The store knows resources by UUID or name. */
function resourceKey(text: string): string {
  const id = parseId('resource', text)
  return id === null ? text : idToUuid(id)
}

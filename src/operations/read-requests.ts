import { idFromUuid, parseId, type Id } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import type { RequestState } from '../core/request.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import { listRequestVersions } from '../store/request-lists.ts'
import { missingScope } from './authorize.ts'
import { budgetViewOf, sightOf, type Caller } from './caller.ts'
import type { Context } from './context.ts'
import { parseCursor, type Page, type PageInput, pageInfoOf } from './page.ts'
import { presentRequests, readAndPresent } from './presented-requests.ts'

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
  const forbidden = missingScope(caller, 'readRequest')
  if (forbidden !== null) return refuse(forbidden)
  const platform = await context.platform()
  const id = parseId('request', text)
  const shown = id === null ? null : await readAndPresent(context, id, sightOf(platform, caller), budgetViewOf(platform, caller))
  return shown === null ? refuse({ code: 'not-found' }) : ok(shown)
}

/** A page of requests, newest first. Filters over what the caller may not see are empty, not refused. */
export async function listRequests(context: Context, caller: Caller, query: RequestsQuery, page: PageInput): Promise<Result<Page>> {
  const forbidden = missingScope(caller, 'listRequests')
  if (forbidden !== null) return refuse(forbidden)
  const after = parseCursor<Id<'request'>>(page.after, (text) => parseId('request', text))
  if (!after.ok) return after
  const platform = await context.platform()
  const { awaiting, resource, ...filter } = query
  const versions = await listRequestVersions(
    context.database.pool,
    sightOf(platform, caller),
    {
      ...filter,
      ...(resource === undefined ? {} : { resource: resourceKey(resource) }),
      ...(awaiting === undefined ? {} : { awaiting: caller.principal }),
    },
    { first: page.first + 1, after: after.value },
  )
  const shown = await presentRequests(context, versions.slice(0, page.first), budgetViewOf(platform, caller))
  // What moved on between the two reads is not in this list any more.
  const items = query.state === undefined ? shown : shown.filter((item) => item['state'] === query.state)
  const last = versions[Math.min(page.first, versions.length) - 1]
  return ok({
    items,
    pageInfo: pageInfoOf(last === undefined ? null : idFromUuid('request', last.id), versions.length > page.first),
  })
}

/** Names have no underscore, so what reads as an id is none. */
function resourceKey(text: string): { readonly id: Id<'resource'> } | { readonly name: string } {
  const id = parseId('resource', text)
  return id === null ? { name: text } : { id }
}

import { idFromUuid, parseId, type Id } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { formatMoney } from '../core/money.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import type { Version } from '../store/list-pages.ts'
import {
  listResourceChanges,
  readResource as readInStore,
  type ResourceChange,
  type ResourceRecord,
  type ResourceStatus,
} from '../store/resources.ts'
import { listResourceVersions, readResourcesByUuid } from '../store/resource-lists.ts'
import { missingScope } from './authorize.ts'
import { readableTeams, type Caller } from './caller.ts'
import type { Context } from './context.ts'
import { pageInfoOf, pageOf, parseCursor, type Page, type PageInput } from './page.ts'
import { presentedBy, presentVersions } from './presented.ts'

export type ResourcesQuery = {
  readonly team?: string
  readonly environment?: string
  readonly blueprint?: string
  readonly status?: ResourceStatus
}

/** Everybody who may see a resource sees all of it. */
const presentedResources = presentedBy<'all'>()

/** The resources of a list as they are shown, in its order. Who made the list has authorized it. */
export function presentResources(context: Context, versions: readonly Version[]): Promise<readonly JsonObject[]> {
  return presentVersions(
    presentedResources(context),
    versions,
    () => 'all' as const,
    (ids) => readResourcesByUuid(context.database.pool, ids),
    (record) => present(record, context.currency),
  )
}

/** A page of the resources of the caller's teams, newest first; deleted ones only where `status` asks for them. */
export async function listResources(context: Context, caller: Caller, query: ResourcesQuery, page: PageInput): Promise<Result<Page>> {
  const forbidden = missingScope(caller, 'listResources')
  if (forbidden !== null) return refuse(forbidden)
  const after = parseCursor<Id<'resource'>>(page.after, (text) => parseId('resource', text))
  if (!after.ok) return after
  const teams = readableTeams(await context.platform(), caller)
  const { pool } = context.database
  const versions = await listResourceVersions(pool, teams, query, { first: page.first + 1, after: after.value })
  const items = await presentResources(context, versions.slice(0, page.first))
  const last = versions[Math.min(page.first, versions.length) - 1]
  // What moved on between the two reads is not in this list any more.
  const shown = items.filter((item) => (query.status === undefined ? item['status'] !== 'deleted' : item['status'] === query.status))
  return ok({
    items: shown,
    pageInfo: pageInfoOf(last === undefined ? null : idFromUuid('resource', last.id), versions.length > page.first),
  })
}

export async function readResource(context: Context, caller: Caller, text: string): Promise<Result<JsonObject>> {
  const record = await visibleResource(context, caller, text)
  return record.ok ? ok(present(record.value, context.currency)) : record
}

/** What was asked about a resource, newest first. */
export async function listResourceHistory(context: Context, caller: Caller, text: string, page: PageInput): Promise<Result<Page>> {
  const record = await visibleResource(context, caller, text)
  if (!record.ok) return record
  const after = parseCursor<Id<'request'>>(page.after, (position) => parseId('request', position))
  if (!after.ok) return after
  const changes = await listResourceChanges(context.database.pool, record.value.id, { first: page.first + 1, after: after.value })
  return ok(pageOfChanges(context, changes, page.first))
}

/** A page of what was asked about one resource, from a change more than it shows. */
export function pageOfChanges(context: Context, changes: readonly ResourceChange[], first: number): Page {
  return pageOf(
    changes,
    first,
    (c) => ({
      request: c.request,
      state: c.state,
      action: c.action,
      blueprint: c.blueprint,
      parameters: c.parameters,
      cost: { before: formatMoney(c.costBefore), after: formatMoney(c.costAfter), currency: context.currency },
      requester: c.requester,
      reason: c.reason,
      commit: c.commit,
      createdAt: c.createdAt.toISOString(),
    }),
    (c) => c.request,
  )
}

async function visibleResource(context: Context, caller: Caller, text: string): Promise<Result<ResourceRecord>> {
  const forbidden = missingScope(caller, 'readResource')
  if (forbidden !== null) return refuse(forbidden)
  const id = parseId('resource', text)
  const record = id === null ? null : await readInStore(context.database, readableTeams(await context.platform(), caller), id)
  return record === null ? refuse({ code: 'not-found' }) : ok(record)
}

function present(r: ResourceRecord, currency: string): JsonObject {
  return {
    id: r.id,
    name: r.name,
    team: r.team,
    environment: r.environment,
    blueprint: r.blueprint,
    parameters: r.parameters,
    cost: { monthly: formatMoney(r.costMinor), currency },
    ttl: r.ttl,
    status: r.status,
    lastRequest: r.lastRequest,
    files: r.files,
    createdAt: r.createdAt.toISOString(),
    updatedAt: r.updatedAt.toISOString(),
  }
}

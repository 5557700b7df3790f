import type { Kind } from '../core/document/document.ts'
import { idFromUuid, parseId, type Id } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import type { Operation } from '../core/permissions.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import { readBudgetCounters } from '../store/budgets.ts'
import {
  listChangesOfResources,
  listDocumentsOfTeams,
  listEventsOf,
  listLedgersOfBudgets,
  listVersionsOfDocuments,
} from '../store/graph-lists.ts'
import {
  listRequestVersionsOfResources,
  listRequestVersionsOfTeams,
  listResourceVersionsOfTeams,
  type TeamRequestFilter,
} from '../store/graph-reads.ts'
import type { Version } from '../store/list-pages.ts'
import type { ResourceFilter } from '../store/resource-lists.ts'
import { missingScope } from './authorize.ts'
import { budgetViewOf, readableTeams, sightOf, type Caller } from './caller.ts'
import type { Context } from './context.ts'
import { emptyPage, pageInfoOf, pageOf, parseCursor, type Page, type PageInput } from './page.ts'
import { presentDocuments } from './present-document.ts'
import { presentRequests } from './presented-requests.ts'
import { pageOfLedger, parseLedgerPosition } from './read-budgets.ts'
import { asSeenBy, pageOfVersions, parseName, parseRevision } from './read-documents.ts'
import { eventCursor, parseEventPosition, presentEvent } from './read-events.ts'
import { byId, requestsInSight, resourcesInSight } from './read-many.ts'
import { pageOfChanges, presentResources } from './read-resources.ts'

/**
 * A page of each of many parents, all at once and in as many statements as for one. Each page is what the list of that
 * parent alone would answer this caller; a parent that has none, or is out of sight, has an empty one.
 */
type Pages = Result<ReadonlyMap<string, Page>>

/** The cursor's position, once the caller may read at all. */
function begin<T>(
  caller: Caller,
  operation: Operation,
  page: PageInput,
  parse: (text: string) => T | null,
): Result<{ first: number; after: T | null }> {
  const forbidden = missingScope(caller, operation)
  if (forbidden !== null) return refuse(forbidden)
  const after = parseCursor(page.after, parse)
  return after.ok ? ok({ first: page.first + 1, after: after.value }) : after
}

const requestPosition = (text: string) => parseId('request', text)

export async function listResourcesOfTeams(
  context: Context,
  caller: Caller,
  teams: readonly string[],
  filter: Omit<ResourceFilter, 'team'>,
  page: PageInput,
): Promise<Pages> {
  const from = begin<Id<'resource'>>(caller, 'listResources', page, (text) => parseId('resource', text))
  if (!from.ok) return from
  const readable = readableTeams(await context.platform(), caller)
  const seen = readable === null ? teams : teams.filter((team) => readable.includes(team))
  const versions = await listResourceVersionsOfTeams(context.database.pool, seen, filter, from.value)
  return ok(await presentPages(versions, page.first, 'resource', (all) => presentResources(context, all)))
}

export async function listRequestsOfTeams(
  context: Context,
  caller: Caller,
  teams: readonly string[],
  filter: TeamRequestFilter,
  page: PageInput,
): Promise<Pages> {
  const from = begin<Id<'request'>>(caller, 'listRequests', page, requestPosition)
  if (!from.ok) return from
  const platform = await context.platform()
  const versions = await listRequestVersionsOfTeams(context.database.pool, sightOf(platform, caller), teams, filter, from.value)
  return ok(await presentPages(versions, page.first, 'request', (all) => presentRequests(context, all, budgetViewOf(platform, caller))))
}

export async function listRequestsOfResources(
  context: Context,
  caller: Caller,
  resources: readonly string[],
  page: PageInput,
): Promise<Pages> {
  const from = begin<Id<'request'>>(caller, 'listRequests', page, requestPosition)
  if (!from.ok) return from
  const platform = await context.platform()
  const ids = resources.map((text) => parseId('resource', text)).filter((id) => id !== null)
  const versions = await listRequestVersionsOfResources(context.database.pool, readableTeams(platform, caller), ids, from.value)
  return ok(await presentPages(versions, page.first, 'request', (all) => presentRequests(context, all, budgetViewOf(platform, caller))))
}

/** All that is on any of the pages is shown at once, each thing once. */
async function presentPages(
  versions: ReadonlyMap<string, readonly Version[]>,
  first: number,
  noun: 'request' | 'resource',
  show: (all: readonly Version[]) => Promise<readonly JsonObject[]>,
): Promise<ReadonlyMap<string, Page>> {
  const all = new Map([...versions.values()].flatMap((list) => list.slice(0, first)).map((version) => [version.id, version]))
  const shown = byId(await show([...all.values()]))
  return new Map(
    [...versions].map(([parent, list]) => {
      const ids = list.slice(0, first).map(({ id }) => idFromUuid(noun, id))
      // What is gone since is not in this list any more.
      const items = ids.map((id) => shown.get(id)).filter((item) => item !== undefined)
      return [parent, { items, pageInfo: pageInfoOf(ids.at(-1) ?? null, list.length > first) }]
    }),
  )
}

/** What was asked about each resource, newest first. */
export async function listHistories(context: Context, caller: Caller, resources: readonly string[], page: PageInput): Promise<Pages> {
  const from = begin<Id<'request'>>(caller, 'listResourceHistory', page, requestPosition)
  if (!from.ok) return from
  const ids = resources.map((text) => parseId('resource', text)).filter((id) => id !== null)
  const teams = readableTeams(await context.platform(), caller)
  const changes = await listChangesOfResources(context.database.pool, teams, ids, from.value)
  return ok(new Map([...changes].map(([id, list]) => [id, pageOfChanges(context, list, page.first)])))
}

/** The log of each team, oldest first. */
export async function listEventsOfTeams(
  context: Context,
  caller: Caller,
  teams: readonly string[],
  filter: { readonly type?: string },
  page: PageInput,
): Promise<Pages> {
  const readable = readableTeams(await context.platform(), caller)
  const seen = readable === null ? teams : teams.filter((team) => readable.includes(team))
  return pagesOfEvents(context, caller, { by: 'team', keys: seen, type: filter.type ?? null }, page)
}

/** The log of each of these requests, or about each of these resources, oldest first. */
export async function listEventsOfThings(
  context: Context,
  caller: Caller,
  noun: 'request' | 'resource',
  ids: readonly string[],
  page: PageInput,
): Promise<Pages> {
  const seen = noun === 'request' ? await requestsInSight(context, caller, ids) : await resourcesInSight(context, caller, ids)
  return pagesOfEvents(context, caller, { by: 'subject', keys: seen, type: null }, page)
}

type EventsOf = { readonly by: 'team' | 'subject'; readonly keys: readonly string[]; readonly type: string | null }

async function pagesOfEvents(context: Context, caller: Caller, { by, keys, type }: EventsOf, page: PageInput): Promise<Pages> {
  const from = begin(caller, 'listEvents', page, parseEventPosition)
  if (!from.ok) return from
  const events = await listEventsOf(context.database.pool, by, keys, type, from.value)
  return ok(
    new Map(
      [...events].map(([key, list]) => [
        key,
        pageOf(list, page.first, presentEvent, ({ position }) => Buffer.from(eventCursor(position), 'base64url').toString()),
      ]),
    ),
  )
}

/** The budgets or services of each team, by name. */
export async function listDocumentsOf(
  context: Context,
  caller: Caller,
  kind: 'Budget' | 'Service',
  teams: readonly string[],
  page: PageInput,
): Promise<Pages> {
  const from = begin(caller, `read${kind}`, page, parseName)
  if (!from.ok) return from
  const readable = readableTeams(await context.platform(), caller)
  const seen = kind === 'Service' || readable === null ? teams : teams.filter((team) => readable.includes(team))
  const records = await listDocumentsOfTeams(context.database.pool, kind, seen, from.value)
  const all = [...records.values()].flat()
  const shown = new Map((await presentDocuments(context, all)).map((item, i) => [all[i], item]))
  return ok(
    new Map(
      [...records].map(([team, list]) => [
        team,
        pageOf(
          list,
          page.first,
          (record) => shown.get(record) ?? {},
          ({ document }) => document.metadata.name,
        ),
      ]),
    ),
  )
}

/** Every revision of each document, newest first. */
export async function listVersions(
  context: Context,
  caller: Caller,
  kind: Kind,
  names: readonly string[],
  page: PageInput,
): Promise<Pages> {
  const from = begin(caller, `read${kind}`, page, parseRevision)
  if (!from.ok) return from
  const teams = readableTeams(await context.platform(), caller)
  const versions = await listVersionsOfDocuments(context.database.pool, kind, names, from.value)
  return ok(new Map([...versions].map(([name, list]) => [name, pageOfVersions(teams, list, page.first)])))
}

/** The ledger of each budget, oldest first. */
export async function listLedgers(context: Context, caller: Caller, names: readonly string[], page: PageInput): Promise<Pages> {
  const from = begin(caller, 'listBudgetLedger', page, parseLedgerPosition)
  if (!from.ok) return from
  const teams = readableTeams(await context.platform(), caller)
  const counters = await readBudgetCounters(context.database, names)
  const seen = names.filter((name) => {
    const team = counters.get(name)?.team
    return team !== undefined && (teams === null || (team !== null && teams.includes(team)))
  })
  const entries = await listLedgersOfBudgets(context.database.pool, seen, from.value)
  return ok(
    new Map(
      seen.map((name) => {
        const measure = counters.get(name)?.measure
        return [name, measure === undefined ? emptyPage : pageOfLedger(entries.get(name) ?? [], page.first, measure)]
      }),
    ),
  )
}

/** How many documents of a kind there are for this caller (of budgets also: in this team); the platform in memory knows. */
export async function countDocuments(
  context: Context,
  caller: Caller,
  kind: Exclude<Kind, 'Service' | 'Trust'>,
  team: string | null,
): Promise<Result<number>> {
  const forbidden = missingScope(caller, `read${kind}`)
  if (forbidden !== null) return refuse(forbidden)
  const platform = await context.platform()
  switch (kind) {
    case 'Team':
      return ok(platform.teams.size)
    case 'Environment':
      return ok(platform.environments.size)
    case 'Blueprint':
      return ok(platform.blueprints.size)
    case 'Policy':
      return ok(platform.policies.length)
    case 'Budget': {
      const teams = readableTeams(platform, caller)
      const seen = [...platform.budgets.values()].filter(({ document }) => asSeenBy(teams, document) !== null)
      return ok(seen.filter(({ document }) => team === null || document.spec.scope?.team === team).length)
    }
  }
}

import type pg from 'pg'
import { idFromUuid, idToUuid, type Id } from '../core/ids.ts'
import { requestStates, type RequestState } from '../core/request.ts'
import { run } from './database.ts'
import { limitOf, rowVersion, type Version } from './list-pages.ts'
import { versionOf, type FileRecord, type Sight } from './requests.ts'
import type { ResourceFilter } from './resource-lists.ts'
import { resourceStatuses } from './resources.ts'

/**
 * Reads for many parents at once: a page of each in one statement, through one lateral join, however many there are. Every
 * one of them is about what the reader may see, as the reads for one parent are.
 */
export type PageOf<After> = { readonly first: number; readonly after: After | null }

/** Rows by their parent, in the order in which they came, of each at most as many as were asked for. */
export function byParent<Row extends { readonly parent: string }>(
  rows: readonly Row[],
  first: number,
): ReadonlyMap<string, readonly Row[]> {
  const found = new Map<string, Row[]>()
  for (const row of rows) {
    const list = found.get(row.parent)
    if (list === undefined) found.set(row.parent, [row])
    else if (list.length < first) list.push(row)
  }
  return found
}

type ChildVersion = Version & { readonly parent: string }

/** A page of the resources of each team. */
export async function listResourceVersionsOfTeams(
  pool: pg.Pool,
  teams: readonly string[],
  filter: Omit<ResourceFilter, 'team'>,
  page: PageOf<Id<'resource'>>,
): Promise<ReadonlyMap<string, readonly Version[]>> {
  const values: unknown[] = [teams]
  const bind = (value: unknown): string => `$${values.push(value)}`
  const names: string[] = []
  const where: string[] = ['x.team = mine.team']
  const add = (name: string, condition: string) => void (names.push(name), where.push(condition))
  if (filter.environment !== undefined) add('place', `x.environment = ${bind(filter.environment)}`)
  if (filter.blueprint !== undefined) add('blueprint', `x.blueprint_name = ${bind(filter.blueprint)}`)
  // Written out, as in the list of all: some statuses are nearly all, and some are few.
  const status = resourceStatuses.find((each) => each === filter.status)
  add(status ?? 'live', status === undefined ? `x.status <> 'deleted'` : `x.status = '${status}'`)
  if (page.after !== null) add('after', `x.id < ${bind(idToUuid(page.after))}::uuid`)
  const limit = limitOf(page.first)
  const rows = await run<ChildVersion>(
    pool,
    {
      name: `resources_of_teams ${limit} ${names.join(' ')}`,
      text: `select mine.team as parent, s.id, s.version from unnest($1::text[]) mine(team) cross join lateral (
          select x.id, ${rowVersion('x')} as version from resource x where ${where.join(' and ')} order by x.id desc limit ${limit}) s
        order by s.id desc`,
    },
    values,
  )
  return byParent(rows, page.first)
}

export type TeamRequestFilter = { readonly environment?: string; readonly requester?: string; readonly state?: RequestState }

/** A page of the requests of each team, as far as they are in sight: other teams' show only while they wait for the reader. */
export async function listRequestVersionsOfTeams(
  pool: pg.Pool,
  sight: Sight,
  teams: readonly string[],
  filter: TeamRequestFilter,
  page: PageOf<Id<'request'>>,
): Promise<ReadonlyMap<string, readonly Version[]>> {
  const values: unknown[] = [teams]
  const bind = (value: unknown): string => `$${values.push(value)}`
  const names: string[] = []
  const where: string[] = ['q.team = mine.team']
  const add = (name: string, condition: string) => void (names.push(name), where.push(condition))
  if (!sight.all) {
    const own = `mine.team = any (${bind(sight.teams)}::text[])`
    const approves = filter.state === 'pending_approval'
    add(approves ? 'approves' : 'own', approves ? `(${own} or ${approvable(bind, sight)})` : own)
  }
  if (filter.environment !== undefined) add('place', `q.environment = ${bind(filter.environment)}`)
  const state = requestStates.find((each) => each === filter.state)
  if (state !== undefined) add(state, `q.state = '${state}'`)
  if (filter.requester !== undefined)
    add('by', `q.requester_id = (select r.id from principal r where r.subject = ${bind(filter.requester)})`)
  if (page.after !== null) add('after', `q.id < ${bind(idToUuid(page.after))}::uuid`)
  const limit = limitOf(page.first)
  const rows = await run<ChildVersion>(
    pool,
    {
      name: `requests_of_teams ${limit} ${names.join(' ')}`,
      text: `select mine.team as parent, s.id, s.version from unnest($1::text[]) mine(team) cross join lateral (
          select q.id, ${versionOf} as version from request q where ${where.join(' and ')} order by q.id desc limit ${limit}) s
        order by s.id desc`,
    },
    values,
  )
  return byParent(rows, page.first)
}

/** Whether a requirement of request `q` is one that the reader satisfies. */
function approvable(bind: (value: unknown) => string, { approves }: Sight): string {
  const [teams, roles] = [bind(approves.map((a) => a.team)), bind(approves.map((a) => a.role))]
  return `exists (select from approval_requirement n join unnest(${teams}::text[], ${roles}::text[]) a(team, role) on a.team = n.team and a.role = n.role where n.request_id = q.id)`
}

/** A page of the requests of each resource that these teams (null: all) have. */
export async function listRequestVersionsOfResources(
  pool: pg.Pool,
  teams: readonly string[] | null,
  resources: readonly Id<'resource'>[],
  page: PageOf<Id<'request'>>,
): Promise<ReadonlyMap<string, readonly Version[]>> {
  const limit = limitOf(page.first)
  const rows = await run<ChildVersion>(
    pool,
    {
      name: `requests_of_resources ${limit}`,
      // Once, however many of its changes are about the resource.
      text: `select mine.id as parent, s.id, ${versionOf} as version from resource mine cross join lateral (
          select distinct c.request_id as id from request_change c
          where c.resource_id = mine.id and ($2::uuid is null or c.request_id < $2) order by c.request_id desc limit ${limit}) s
        join request q on q.id = s.id
        where mine.id = any ($1::uuid[]) and ($3::text[] is null or mine.team = any ($3)) order by s.id desc`,
    },
    [resources.map(idToUuid), page.after === null ? null : idToUuid(page.after), teams],
  )
  return new Map([...byParent(rows, page.first)].map(([uuid, list]) => [idFromUuid('resource', uuid), list]))
}

/** The versions of those of the requests that are in sight, in any order. */
export async function readRequestVersions(pool: pg.Pool, sight: Sight, ids: readonly Id<'request'>[]): Promise<readonly Version[]> {
  const values: unknown[] = [ids.map(idToUuid)]
  const bind = (value: unknown): string => `$${values.push(value)}`
  const seen = sight.all ? '' : ` and (q.team = any (${bind(sight.teams)}::text[]) or ${approvable(bind, sight)})`
  return run<Version>(
    pool,
    {
      name: sight.all ? 'request_versions' : 'request_versions_in_sight',
      text: `select q.id, ${versionOf} as version from request q where q.id = any ($1::uuid[])${seen}`,
    },
    values,
  )
}

/** The versions of those of the resources that these teams (null: all) have, deleted ones included. */
export async function readResourceVersions(
  pool: pg.Pool,
  teams: readonly string[] | null,
  ids: readonly Id<'resource'>[],
): Promise<readonly Version[]> {
  return run<Version>(
    pool,
    {
      name: 'resource_versions',
      text: `select x.id, ${rowVersion('x')} as version from resource x where x.id = any ($1::uuid[]) and ($2::text[] is null or x.team = any ($2))`,
    },
    [ids.map(idToUuid), teams],
  )
}

/** The files of the plans of those of the requests that are in sight, by request, each by path. */
export async function readFilesOfRequests(
  pool: pg.Pool,
  sight: Sight,
  ids: readonly Id<'request'>[],
): Promise<ReadonlyMap<string, readonly FileRecord[]>> {
  const values: unknown[] = [ids.map(idToUuid)]
  const bind = (value: unknown): string => `$${values.push(value)}`
  const seen = sight.all ? '' : ` and (q.team = any (${bind(sight.teams)}::text[]) or ${approvable(bind, sight)})`
  const rows = await run<FileRecord & { parent: string }>(
    pool,
    {
      name: sight.all ? 'files_of_requests' : 'files_of_requests_in_sight',
      text: `select f.request_id as parent, f.path, f.operation, f.digest, f.content, f.previous from plan_file f join request q on q.id = f.request_id
        where f.request_id = any ($1::uuid[])${seen} order by f.request_id, f.ordinal`,
    },
    values,
  )
  const found = new Map<string, FileRecord[]>()
  for (const { parent, ...file } of rows) {
    const id = idFromUuid('request', parent)
    const files = found.get(id)
    if (files === undefined) found.set(id, [file])
    else files.push(file)
  }
  return found
}

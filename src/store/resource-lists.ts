import type pg from 'pg'
import { idFromUuid, idToUuid, type Id } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { run } from './database.ts'
import { isMany, limitOf, nameOf, rowVersion, type Version, type Versioned } from './list-pages.ts'
import { resourceStatuses, type ResourceFile, type ResourceRecord, type ResourceStatus } from './resources.ts'

export type ResourceFilter = {
  readonly team?: string
  readonly environment?: string
  readonly blueprint?: string
  readonly status?: ResourceStatus
}

/** A page of resources of these teams (null: of all), newest first; deleted ones only where the filter asks for them. */
export async function listResourceVersions(
  pool: pg.Pool,
  teams: readonly string[] | null,
  filter: ResourceFilter,
  page: { readonly first: number; readonly after: Id<'resource'> | null },
): Promise<readonly Version[]> {
  const seen = teams === null ? null : filter.team === undefined ? teams : teams.filter((team) => team === filter.team)
  if (seen?.length === 0) return []
  const limit = limitOf(page.first)
  const values: unknown[] = []
  const bind = (value: unknown): string => `$${values.push(value)}`
  const names: string[] = []
  const where: string[] = []
  const add = (name: string, condition: string) => {
    names.push(name)
    where.push(condition)
  }
  if (filter.team !== undefined) add('team', `x.team = ${bind(filter.team)}`)
  if (filter.environment !== undefined) add('place', `x.environment = ${bind(filter.environment)}`)
  if (filter.blueprint !== undefined) add('blueprint', `x.blueprint_name = ${bind(filter.blueprint)}`)
  // Written out, so that the plan is for this status: some are nearly all, and some are few.
  const status = resourceStatuses.find((each) => each === filter.status)
  if (status === undefined) where.push(`x.status <> 'deleted'`)
  else add(status, `x.status = '${status}'`)
  if (page.after !== null) add('after', `x.id < ${bind(idToUuid(page.after))}::uuid`)

  const select = (...more: readonly string[]) =>
    `select x.id, ${rowVersion('x')} as version from resource x where ${[...more, ...where].join(' and ')} order by x.id desc limit ${limit}`
  let [kind, text] = ['all', '']
  if (seen === null || filter.team !== undefined) text = select()
  else if (isMany(seen)) [kind, text] = ['many', select(`(x.team = any (${bind(seen)}::text[])) is true`)]
  else
    [kind, text] = [
      'each',
      `select s.id, s.version from unnest(${bind(seen)}::text[]) mine(team) cross join lateral (${select('x.team = mine.team')}) s
        order by s.id desc limit ${limit}`,
    ]
  const rows = await run<Version>(pool, { name: nameOf(`list_resources ${kind}`, limit, names), text }, values)
  return rows.slice(0, page.first)
}

/** Resources by UUID, in any order. Whoever asks has seen them in a list, which is what authorizes it. */
export async function readResourcesByUuid(
  pool: pg.Pool,
  uuids: readonly string[],
): Promise<ReadonlyMap<string, Versioned<ResourceRecord>>> {
  type Row = {
    id: string
    version: string
    name: string
    team: string
    environment: string
    blueprint_name: string
    blueprint_version: string
    parameters: string
    cost: string
    ttl: string | null
    status: ResourceStatus
    last_request_id: string
    files: readonly ResourceFile[]
    created_at: Date
    updated_at: Date
  }
  const rows = await run<Row>(
    pool,
    {
      name: 'read_resources',
      text: `select x.id, ${rowVersion('x')} as version, x.name, x.team, x.environment, x.blueprint_name, x.blueprint_version, x.parameters::text as parameters,
        x.cost::text as cost, x.ttl, x.status, x.last_request_id, x.created_at, x.updated_at,
        coalesce((select jsonb_agg(jsonb_build_object('path', f.path, 'digest', f.digest) order by f.path) from resource_file f where f.resource_id = x.id), '[]') as files
      from resource x where x.id = any ($1::uuid[])`,
    },
    [uuids],
  )
  return new Map(rows.map((row) => [row.id, { version: row.version, record: parseRow(row), weight: row.parameters.length + 300 }]))

  function parseRow(row: Row): ResourceRecord {
    return {
      id: idFromUuid('resource', row.id),
      name: row.name,
      team: row.team,
      environment: row.environment,
      blueprint: { name: row.blueprint_name, version: row.blueprint_version },
      parameters: JSON.parse(row.parameters) as JsonObject, // Parameters of an object schema.
      costMinor: BigInt(row.cost),
      ttl: row.ttl,
      status: row.status,
      lastRequest: idFromUuid('request', row.last_request_id),
      files: row.files.map(({ path, digest }) => ({ path, digest })),
      createdAt: row.created_at,
      updatedAt: row.updated_at,
    }
  }
}

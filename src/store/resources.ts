import type pg from 'pg'
import { idFromUuid, idToUuid, type Id } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import type { LiveResource } from '../core/plan.ts'
import type { Prisma } from '../generated/prisma/client.ts'
import { read, run, type Database } from './database.ts'

export const resourceStatuses = ['provisioning', 'ready', 'degraded', 'deleting', 'deleted', 'unknown'] as const
export type ResourceStatus = (typeof resourceStatuses)[number]

export type ResourceRecord = {
  readonly id: Id<'resource'>
  readonly name: string
  readonly team: string
  readonly environment: string
  readonly blueprint: { readonly name: string; readonly version: string }
  readonly parameters: JsonObject
  readonly costMinor: bigint
  readonly ttl: string | null
  readonly status: ResourceStatus
  readonly lastRequest: Id<'request'>
  readonly files: readonly ResourceFile[]
  readonly createdAt: Date
  readonly updatedAt: Date
}

export type ResourceFile = { readonly path: string; readonly digest: string }

/** What updates and deletes are planned on: the committed resources of these names, by name. */
export async function readLiveResources(
  pool: pg.Pool,
  team: string,
  environment: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, LiveResource>> {
  type Row = {
    id: string
    name: string
    blueprint_name: string
    blueprint_version: string
    parameters: JsonObject
    cost: string
    ttl: string | null
    revision: number
    files: { path: string; digest: string }[]
  }
  const rows = await run<Row>(
    pool,
    {
      name: 'read_live_resources',
      text: `select x.id, x.name, x.blueprint_name, x.blueprint_version, x.parameters, x.cost::text, x.ttl, x.revision,
        coalesce((select jsonb_agg(jsonb_build_object('path', f.path, 'digest', f.digest) order by f.path) from resource_file f where f.resource_id = x.id), '[]') as files
      from resource x where x.team || '/' || x.environment || '/' || x.name = any ($1) and x.status <> 'deleted' and x.revision > 0`,
    },
    [names.map((name) => `${team}/${environment}/${name}`)],
  )
  return new Map(
    rows.map((row) => [
      row.name,
      {
        id: idFromUuid('resource', row.id),
        name: row.name,
        blueprint: { name: row.blueprint_name, version: row.blueprint_version },
        parameters: row.parameters,
        costMinor: BigInt(row.cost),
        ttl: row.ttl,
        revision: row.revision,
        files: row.files,
      },
    ]),
  )
}

/** What Purser wrote last into the files of resources that live, by resource and in the order of paths. */
export async function readCommittedFiles(pool: pg.Pool, ids: readonly Id<'resource'>[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows = await run<{ resource: string; contents: string[] }>(
    pool,
    {
      name: 'read_committed_files',
      text: 'select f.resource_id as resource, array_agg(f.content order by f.path) as contents from resource_file f where f.resource_id = any ($1::uuid[]) group by 1',
    },
    [ids.map(idToUuid)],
  )
  return new Map(rows.map(({ resource, contents }) => [idFromUuid('resource', resource), contents]))
}

/** One resource of these teams (null: of all); deleted ones stay readable. */
export async function readResource(
  { prisma }: Database,
  teams: readonly string[] | null,
  id: Id<'resource'>,
): Promise<ResourceRecord | null> {
  const row = await read(
    prisma.resource.findFirst({
      where: { id: idToUuid(id), ...(teams === null ? {} : { team: { in: [...teams] } }) },
      include: { files: { select: { path: true, digest: true }, orderBy: { path: 'asc' } } },
    }),
  )
  return row === null ? null : parse(row)
}

type ResourceRow = Prisma.ResourceGetPayload<{ include: { files: { select: { path: true; digest: true } } } }>

function parse(row: ResourceRow): ResourceRecord {
  return {
    id: idFromUuid('resource', row.id),
    name: row.name,
    team: row.team,
    environment: row.environment,
    blueprint: { name: row.blueprintName, version: row.blueprintVersion },
    parameters: row.parameters as JsonObject, // Parameters of an object schema.
    costMinor: row.cost,
    ttl: row.ttl,
    status: row.status as ResourceStatus, // Checked by resource_status_known.
    lastRequest: idFromUuid('request', row.lastRequestId),
    files: row.files,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  }
}

export type ResourceChange = {
  readonly request: Id<'request'>
  readonly state: string
  readonly action: 'create' | 'update' | 'delete'
  readonly blueprint: { readonly name: string; readonly version: string }
  readonly parameters: JsonObject | null
  readonly costBefore: bigint
  readonly costAfter: bigint
  readonly requester: string
  readonly reason: string
  readonly commit: string | null
  readonly createdAt: Date
}

/** What was asked about a resource, newest first. Authorize by `readResource` first. */
export async function listResourceChanges(
  pool: pg.Pool,
  id: Id<'resource'>,
  page: { readonly first: number; readonly after: Id<'request'> | null },
): Promise<readonly ResourceChange[]> {
  type Row = {
    request_id: string
    state: string
    action: ResourceChange['action']
    blueprint_name: string
    blueprint_version: string
    parameters: JsonObject | null
    cost_before: string
    cost_after: string
    requester: string
    reason: string
    commit_sha: string | null
    created_at: Date
  }
  const rows = await run<Row>(
    pool,
    {
      name: 'resource_changes',
      text: `select c.request_id, q.state, c.action, c.blueprint_name, c.blueprint_version, c.parameters, c.cost_before::text, c.cost_after::text, p.subject as requester, q.reason, q.commit_sha, q.created_at
      from request_change c join request q on q.id = c.request_id join principal p on p.id = q.requester_id
      where c.resource_id = $1 and ($2::uuid is null or c.request_id < $2) order by c.request_id desc limit $3`,
    },
    [idToUuid(id), page.after === null ? null : idToUuid(page.after), page.first],
  )
  return rows.map((row) => ({
    request: idFromUuid('request', row.request_id),
    state: row.state,
    action: row.action,
    blueprint: { name: row.blueprint_name, version: row.blueprint_version },
    parameters: row.parameters,
    costBefore: BigInt(row.cost_before),
    costAfter: BigInt(row.cost_after),
    requester: row.requester,
    reason: row.reason,
    commit: row.commit_sha,
    createdAt: row.created_at,
  }))
}

import type { Kind } from '../core/document/document.ts'
import { idFromUuid, parseId, type Id, type Noun } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import { readBlueprintVersions, readDocumentsByName } from '../store/graph-lists.ts'
import { readFilesOfRequests, readRequestVersions, readResourceVersions } from '../store/graph-reads.ts'
import { missingScope } from './authorize.ts'
import { budgetViewOf, readableTeams, sightOf, type Caller } from './caller.ts'
import type { Context } from './context.ts'
import { presentDocuments } from './present-document.ts'
import { presentRequests } from './presented-requests.ts'
import { asSeenBy, parseName } from './read-documents.ts'
import { presentResources } from './read-resources.ts'

/**
 * Things by their keys, as many as somebody wants at once, each as its single read shows it to this caller. What is absent,
 * malformed or out of sight is left out, all alike (L11).
 */
type Found = ReadonlyMap<string, JsonObject>

function parseIds<N extends Noun>(noun: N, texts: readonly string[]): readonly Id<N>[] {
  return texts.map((text) => parseId(noun, text)).filter((id) => id !== null)
}

export async function readRequestsById(context: Context, caller: Caller, texts: readonly string[]): Promise<Result<Found>> {
  const forbidden = missingScope(caller, 'readRequest')
  if (forbidden !== null) return refuse(forbidden)
  const platform = await context.platform()
  const ids = parseIds('request', texts)
  const versions = ids.length === 0 ? [] : await readRequestVersions(context.database.pool, sightOf(platform, caller), ids)
  const shown = await presentRequests(context, versions, budgetViewOf(platform, caller))
  return ok(byId(shown))
}

export async function readResourcesById(context: Context, caller: Caller, texts: readonly string[]): Promise<Result<Found>> {
  const forbidden = missingScope(caller, 'readResource')
  if (forbidden !== null) return refuse(forbidden)
  const teams = readableTeams(await context.platform(), caller)
  const ids = parseIds('resource', texts)
  const versions = ids.length === 0 ? [] : await readResourceVersions(context.database.pool, teams, ids)
  return ok(byId(await presentResources(context, versions)))
}

/** Documents in force; of blueprints, a name may have a version: `postgres@1.2.0`. */
export async function readDocumentsByNames(context: Context, caller: Caller, kind: Kind, names: readonly string[]): Promise<Result<Found>> {
  const forbidden = missingScope(caller, `read${kind}`)
  if (forbidden !== null) return refuse(forbidden)
  const { pool } = context.database
  const known = names.filter((name) => parseName(name.split('@', 1)[0] ?? '') !== null)
  const versions = kind === 'Blueprint' ? known.filter((name) => name.includes('@')) : []
  const bare = known.filter((name) => !versions.includes(name))
  const records = [
    ...(versions.length === 0 ? [] : await readBlueprintVersions(pool, versions)),
    ...(bare.length === 0 ? [] : await readDocumentsByName(pool, kind, bare)),
  ]
  const teams = readableTeams(await context.platform(), caller)
  const seen = records.flatMap(([name, record]) => {
    const document = asSeenBy(teams, record.document)
    return document === null ? [] : [{ name, record: { ...record, document } }]
  })
  const shown = await presentDocuments(
    context,
    seen.map(({ record }) => record),
  )
  return ok(new Map(seen.map(({ name }, i) => [name, shown[i] ?? {}])))
}

/** The files of requests: what they will be and what they were. */
export async function readFilesById(
  context: Context,
  caller: Caller,
  texts: readonly string[],
): Promise<Result<ReadonlyMap<string, readonly JsonObject[]>>> {
  const forbidden = missingScope(caller, 'readRequestFiles')
  if (forbidden !== null) return refuse(forbidden)
  const sight = sightOf(await context.platform(), caller)
  const files = await readFilesOfRequests(context.database.pool, sight, parseIds('request', texts))
  return ok(new Map([...files].map(([id, list]) => [id, list.map((file) => ({ ...file }))])))
}

/** Of these requests, those that are in sight. */
export async function requestsInSight(context: Context, caller: Caller, texts: readonly string[]): Promise<readonly string[]> {
  const sight = sightOf(await context.platform(), caller)
  const versions = await readRequestVersions(context.database.pool, sight, parseIds('request', texts))
  return versions.map(({ id }) => idFromUuid('request', id))
}

/** Of these resources, those that are in sight. */
export async function resourcesInSight(context: Context, caller: Caller, texts: readonly string[]): Promise<readonly string[]> {
  const teams = readableTeams(await context.platform(), caller)
  const versions = await readResourceVersions(context.database.pool, teams, parseIds('resource', texts))
  return versions.map(({ id }) => idFromUuid('resource', id))
}

/** Things by the ids that they are shown with. */
export function byId(items: readonly JsonObject[]): Found {
  return new Map(items.flatMap((item) => (typeof item['id'] === 'string' ? [[item['id'], item] as const] : [])))
}

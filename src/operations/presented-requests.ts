import { idToUuid, type Id } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { presentRequest } from '../core/present-request.ts'
import type { BudgetView } from '../core/request-record.ts'
import type { RequestVersion } from '../store/request-lists.ts'
import { readNewerRequest, readRequestsByUuid, type Sight, type VersionedRequest } from '../store/requests.ts'
import type { Context } from './context.ts'
import { openRecent, type Recent } from './recent.ts'

/**
 * Requests as they were shown last, frozen. Most of a request never changes, and people and scripts look at the same ones
 * again and again; so only versions are read, and what is still of its version is neither read nor made anew. Who may see
 * what is asked of the database each time, and what a viewer sees of a request depends on nothing but its budgets: those of
 * its own team, and those wider than any.
 */
type Entry = { readonly version: string; readonly team: string; readonly shown: Map<View, JsonObject> }
type View = 'all' | 'team' | 'other'

/** Characters of what was asked, planned and decided; in memory it is a few times that. */
const MOST_CHARACTERS = 3_000_000

const caches = new WeakMap<Context, Recent<Entry>>()

function cacheOf(context: Context): Recent<Entry> {
  const cache = caches.get(context) ?? openRecent<Entry>(MOST_CHARACTERS)
  caches.set(context, cache)
  return cache
}

function viewOn(team: string, { all, teams }: BudgetView): View {
  return all ? 'all' : teams.has(team) ? 'team' : 'other'
}

/** A request as it is shown to this viewer; null: there is none, or none in sight. */
export async function readAndPresent(context: Context, id: Id<'request'>, sight: Sight, view: BudgetView): Promise<JsonObject | null> {
  const uuid = idToUuid(id)
  const cache = cacheOf(context)
  const entry = cache.get(uuid)
  const known = entry?.shown.get(viewOn(entry.team, view))
  const read = await readNewerRequest(context.database.pool, id, sight, known === undefined ? null : (entry?.version ?? null))
  if (read === null) return null
  return read.newer === null ? (known ?? null) : present(cache, uuid, read.newer, view)
}

/** The requests of a list as they are shown to this viewer, in its order. */
export async function presentVersions(
  context: Context,
  versions: readonly RequestVersion[],
  view: BudgetView,
): Promise<readonly JsonObject[]> {
  const cache = cacheOf(context)
  const shown = versions.map(({ id, version }) => {
    const entry = version === null ? undefined : cache.get(id)
    return entry?.version === version ? entry?.shown.get(viewOn(entry.team, view)) : undefined
  })
  const missing = versions.filter((_, i) => shown[i] === undefined).map(({ id }) => id)
  if (missing.length === 0) return shown.filter((item) => item !== undefined)
  const read = await readRequestsByUuid(context.database.pool, missing)
  return versions.flatMap(({ id }, i) => {
    const newer = read.get(id)
    const item = shown[i] ?? (newer === undefined ? undefined : present(cache, id, newer, view))
    return item === undefined ? [] : [item]
  })
}

function present(cache: Recent<Entry>, uuid: string, { version, record, weight }: VersionedRequest, view: BudgetView): JsonObject {
  const item = Object.freeze(presentRequest(record, view))
  if (version === null) return item
  const before = cache.get(uuid)
  const shown = before?.version === version ? before.shown : new Map<View, JsonObject>()
  cache.set(uuid, { version, team: record.team, shown: shown.set(viewOn(record.team, view), item) }, weight)
  return item
}

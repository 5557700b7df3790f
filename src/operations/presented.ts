import type { JsonObject } from '../core/json.ts'
import type { Version, Versioned } from '../store/list-pages.ts'
import type { Context } from './context.ts'
import { openRecent, type Recent } from './recent.ts'

/**
 * Things as they were shown last, frozen. Most of what is read never changes, and people and scripts look at the same again
 * and again; so lists read versions, and what is still of its version is neither read nor made anew. Who may see a thing is
 * asked of the database each time; this only knows what it looks like. `View`: what looks different depends on.
 */
export type Presented<View> = {
  /** What was shown, with its version, to somebody with this view. */
  recall(id: string, viewOn: (team: string) => View): { readonly version: string; readonly item: JsonObject } | null
  present<R extends { readonly team: string }>(id: string, read: Versioned<R>, view: View, show: (record: R) => JsonObject): JsonObject
}

type Entry<View> = { readonly version: string; readonly team: string; readonly shown: Map<View, JsonObject> }

/** Characters of what was read; in memory it is a few times that. */
const MOST_CHARACTERS = 3_000_000

/** One for each context, made when it is first asked for. */
export function presentedBy<View>(): (context: Context) => Presented<View> {
  const all = new WeakMap<Context, Presented<View>>()
  return (context) => {
    let presented = all.get(context)
    if (presented === undefined) all.set(context, (presented = remember(openRecent<Entry<View>>(MOST_CHARACTERS))))
    return presented
  }
}

function remember<View>(recent: Recent<Entry<View>>): Presented<View> {
  return {
    recall(id, viewOn) {
      const entry = recent.get(id)
      const item = entry?.shown.get(viewOn(entry.team))
      return entry === undefined || item === undefined ? null : { version: entry.version, item }
    },
    present(id, { version, record, weight }, view, show) {
      const item = Object.freeze(show(record))
      if (version === null) return item
      const before = recent.get(id)
      const shown = before?.version === version ? before.shown : new Map<View, JsonObject>()
      recent.set(id, { version, team: record.team, shown: shown.set(view, item) }, weight)
      return item
    },
  }
}

/** The things of a list as they are shown, in its order; `read` reads those that are not known in their version. */
export async function presentVersions<View, R extends { readonly team: string }>(
  presented: Presented<View>,
  versions: readonly Version[],
  viewOn: (team: string) => View,
  read: (ids: readonly string[]) => Promise<ReadonlyMap<string, Versioned<R>>>,
  show: (record: R) => JsonObject,
): Promise<readonly JsonObject[]> {
  const known = versions.map(({ id, version }) => {
    const recalled = version === null ? null : presented.recall(id, viewOn)
    return recalled?.version === version ? (recalled?.item ?? null) : null
  })
  const missing = versions.filter((_, i) => known[i] === null).map(({ id }) => id)
  if (missing.length === 0) return known.filter((item) => item !== null)
  const records = await read(missing)
  return versions.flatMap(({ id }, i) => {
    const newer = records.get(id)
    const item = known[i] ?? (newer === undefined ? null : presented.present(id, newer, viewOn(newer.record.team), show))
    return item === null ? [] : [item]
  })
}

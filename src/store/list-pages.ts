/** UUID and version of a thing: as long as the version is the same, so is all that is shown of it. Null: read it anyway. */
export type Version = { readonly id: string; readonly version: string | null }

/**
 * What changes with every write of a row of `table`. Its transaction alone is not enough: after a failover to a replica that
 * lagged behind, or in a restored database, numbers of transactions come a second time, while this process remembers the first.
 */
export function rowVersion(table: string): string {
  return `${table}.xmin::text || '@' || extract(epoch from ${table}.updated_at)::text`
}

/** What was read of a thing with its version, and how much it weighs in memory, in characters. */
export type Versioned<R> = { readonly version: string | null; readonly record: R; readonly weight: number }

/** A limit that is written out makes better plans, and each is a statement of its own: so there are few. */
const limits = [11, 51, 201] as const

/** As many rows as to read for a page of at most `first`. */
export function limitOf(first: number): number {
  return limits.find((most) => most >= first) ?? first
}

/**
 * The name under which a connection keeps a list's statement prepared; empty, and it is not kept: PostgreSQL has 80 kB for each
 * as long as the connection is there, and whoever tries all filters together would fill its memory. `after` and the team come
 * with any of them.
 */
export function nameOf(list: string, limit: number, filters: readonly string[]): string {
  const narrowing = filters.filter((filter) => filter !== 'team' && filter !== 'after')
  return narrowing.length > 1 ? '' : `${list} ${limit} ${filters.join(' ')}`
}

const MANY = 20

/** Whether one scan through everything finds a page sooner than one for each team. */
export function isMany(teams: readonly string[]): boolean {
  return teams.length > MANY
}

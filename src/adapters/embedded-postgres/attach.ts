import { isLocked } from './data-lock.ts'
import { connectionString, lookForPlaces } from './places.ts'

/** The data of an embedded database, as seen without starting anything on it. */
export type FoundPostgres =
  /** No database was made here yet. */
  | { readonly kind: 'none' }
  /** There is one, and nobody runs it. */
  | { readonly kind: 'stopped' }
  /** Another process runs it; `url` is a connection string of any role and database there. */
  | { readonly kind: 'running'; url(role: string, database: string): string }

/** Looks for a database of `dataDir` that another process runs, to ask it beside that process. Makes and changes nothing. */
export async function findEmbeddedPostgres(dataDir: string): Promise<FoundPostgres> {
  const places = await lookForPlaces(dataDir)
  if (places === null) return { kind: 'none' }
  if (!(await isLocked(places.sockets))) return { kind: 'stopped' }
  return { kind: 'running', url: (role, database) => connectionString(places, role, database) }
}

import pg from 'pg'

/** What `doctor` and `/readyz` want to know of a database, seen from one role. */
export type DatabaseHealth = {
  /** As 180004. */
  readonly version: number
  readonly role: string
  readonly superuser: boolean
  /** Whether the role owns the tables: then nothing that the database refuses the application holds. */
  readonly ownsTables: boolean
  /** The database's clock minus ours; half the round trip is taken off. */
  readonly clockSkewMs: number
  /** Whether the queue's tables are there and the role may make sequences beside them. */
  readonly queueReady: boolean
}

/** Throws when the database cannot be reached. */
export async function readDatabaseHealth(url: string): Promise<DatabaseHealth> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000, application_name: 'purser doctor' })
  await client.connect()
  try {
    const before = Date.now()
    const { rows } = await client.query<{
      version: number
      role: string
      superuser: boolean
      owns: boolean
      now: number
      queue: boolean | null
    }>(`
      select current_setting('server_version_num')::int as version, current_user::text as role,
        (select rolsuper from pg_roles where rolname = current_user) as superuser,
        exists (select from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' and pg_has_role(current_user, relowner, 'usage')) as owns,
        extract(epoch from clock_timestamp())::float8 * 1000 as now,
        (select has_schema_privilege(oid, 'create, usage') and to_regclass('bullmq.migration') is not null from pg_namespace where nspname = 'bullmq') as queue`)
    const after = Date.now()
    const row = rows[0]
    if (row === undefined) throw new Error('The database answered a select of one row with none')
    return {
      version: row.version,
      role: row.role,
      superuser: row.superuser,
      ownsTables: row.owns,
      clockSkewMs: Math.round(row.now - (before + after) / 2),
      queueReady: row.queue === true,
    }
  } finally {
    await client.end()
  }
}

import { runMigrations } from 'bullmq'
import { createHash, randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { Fault } from '../core/fault.ts'
import { classifyDatabaseError, sqlState } from './database.ts'

export type MigrateOptions = {
  /** DATABASE_MIGRATE_URL: the owner, who may create tables and functions. */
  readonly ownerUrl: string
  /** DATABASE_URL: its role is granted what the application needs. */
  readonly appUrl: string
  /** prisma/migrations. */
  readonly directory: string
}

export type Migrated = {
  /** The names of those that were not there before, in order. */
  readonly applied: readonly string[]
  readonly ownerRole: string
  readonly appRole: string
  /** One role for both: everything works, but what holds "even against the application's own role" then does not. */
  readonly sameRole: boolean
}

/** The database cannot be brought to this version, and trying again would not help. */
export class MigrationRefused extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'MigrationRefused'
  }
}

/** Whether the tables are another role's, or no role's yet and this one may not make them: the application's, without the owner's password. */
async function isStranger(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ stranger: boolean }>(
    `select coalesce((select not pg_has_role(current_user, relowner, 'usage') from pg_class where oid = to_regclass('public._prisma_migrations')),
      not has_schema_privilege(current_user, 'public', 'create')) as stranger`,
  )
  return rows[0]?.stranger === true
}

/** A process that only has the application's role starts on a database that is exactly of its version, and on no other. */
async function refusePending(client: pg.Client, migrations: readonly Migration[], role: string): Promise<void> {
  const done = await readApplied(client)
  refuseMismatch(migrations, done)
  const pending = migrations.filter((m) => !done.has(m.name)).map((m) => m.name)
  if (pending.length === 0) return
  throw new MigrationRefused(
    `The database lacks ${pending.join(', ')}, and ${role} cannot bring it there. Run \`purser migrate\` with DATABASE_MIGRATE_URL.`,
  )
}

type Migration = { readonly name: string; readonly sql: string; readonly checksum: string }

/** Any number; every Purser process takes the same, so that several may start at once. It spells "purs". */
const LOCK = 0x70757273

/**
 * Brings the database up to date: prisma/migrations in the order of their names, one transaction each, then the queue's own
 * tables, then the application's rights. Applied ones stand in Prisma's own ledger with Prisma's checksums, so
 * `prisma migrate deploy` and this agree on what is done; unlike it, this needs no engine to be downloaded.
 */
export async function migrate(options: MigrateOptions): Promise<Migrated> {
  const migrations = await readMigrations(options.directory)
  const client = new pg.Client({ connectionString: options.ownerUrl, connectionTimeoutMillis: 10_000, application_name: 'purser migrate' })
  await client.connect()
  try {
    const ownerRole = await currentRole(client)
    const appRole = new pg.Client({ connectionString: options.appUrl }).user ?? ownerRole
    // Waiting for another process that migrates is fine for as long as that takes.
    await client.query(`set lock_timeout = 0; set statement_timeout = 0; select pg_advisory_lock(${LOCK})`)
    if (await isStranger(client)) {
      await refusePending(client, migrations, ownerRole)
      return { applied: [], ownerRole, appRole, sameRole: false }
    }
    const applied = await applyPending(client, migrations)
    await runMigrations(client, 'bullmq')
    await grantApplication(client, appRole)
    return { applied, ownerRole, appRole, sameRole: ownerRole === appRole }
  } finally {
    await client.end()
  }
}

/** Whether every migration in the directory is applied; for `/readyz` and `doctor`. Throws when the database is out of reach. */
export async function pendingMigrations(database: pg.Pool | pg.Client, directory: string): Promise<readonly string[]> {
  const migrations = await readMigrations(directory)
  const done = await readApplied(database)
  return migrations.filter((m) => !done.has(m.name)).map((m) => m.name)
}

/**
 * The same for a process that is about to work on this database and may not migrate it: empty when it is of exactly this version.
 * @throws MigrationRefused when it is newer, or is not what the directory says
 * @throws Fault when it cannot be reached, or does not let this role look yet: the last step of migrating does
 */
export async function missingMigrations(database: pg.Pool, directory: string): Promise<readonly string[]> {
  const migrations = await readMigrations(directory)
  try {
    const done = await readApplied(database)
    refuseMismatch(migrations, done)
    return migrations.filter((m) => !done.has(m.name)).map((m) => m.name)
  } catch (error) {
    if (sqlState(error) === '42501') throw new Fault('wait', 'the database was not migrated for this role', { cause: error })
    throw classifyDatabaseError(error)
  }
}

async function readMigrations(directory: string): Promise<readonly Migration[]> {
  const entries = await readdir(directory, { withFileTypes: true })
  const names = entries
    .filter((e) => e.isDirectory())
    .map((e) => e.name)
    .sort()
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(join(directory, name, 'migration.sql'), 'utf8')
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') }
    }),
  )
}

async function applyPending(client: pg.Client, migrations: readonly Migration[]): Promise<readonly string[]> {
  // As Prisma's engine makes it (schema-connector, sql_migration_persistence), column by column.
  await client.query(`create table if not exists public._prisma_migrations (
    id varchar(36) primary key not null, checksum varchar(64) not null, finished_at timestamptz, migration_name varchar(255) not null,
    logs text, rolled_back_at timestamptz, started_at timestamptz not null default now(), applied_steps_count integer not null default 0)`)
  const done = await finished(client)
  refuseMismatch(migrations, done)
  const applied: string[] = []
  for (const migration of migrations) {
    if (done.has(migration.name)) continue
    await applyOne(client, migration)
    applied.push(migration.name)
  }
  return applied
}

/** As `finished`, also where no migration ever ran. */
async function readApplied(database: pg.Pool | pg.Client): Promise<ReadonlyMap<string, string>> {
  const { rows } = await database.query<{ there: boolean }>(`select to_regclass('public._prisma_migrations') is not null as there`)
  return rows[0]?.there === true ? finished(database) : new Map()
}

/** Name → checksum of what is applied. Prisma's ledger also keeps failed and rolled back attempts; a failed one stops everything there and here. */
async function finished(database: pg.Pool | pg.Client): Promise<ReadonlyMap<string, string>> {
  const { rows } = await database.query<{ migration_name: string; checksum: string; finished: boolean }>(
    `select migration_name, checksum, finished_at is not null as finished from public._prisma_migrations where rolled_back_at is null`,
  )
  const failed = rows.find((row) => !row.finished)
  if (failed !== undefined)
    throw new MigrationRefused(
      `Migration ${failed.migration_name} began and did not finish. Repair the database, then mark it with \`prisma migrate resolve\`.`,
    )
  return new Map(rows.map((row) => [row.migration_name, row.checksum]))
}

function refuseMismatch(migrations: readonly Migration[], done: ReadonlyMap<string, string>): void {
  const known = new Map(migrations.map((m) => [m.name, m.checksum]))
  for (const [name, checksum] of done) {
    const ours = known.get(name)
    if (ours === undefined)
      throw new MigrationRefused(
        `The database is newer than this Purser: it has migration ${name}, which this version does not know. Start the newer version.`,
      )
    if (ours !== checksum)
      throw new MigrationRefused(
        `Migration ${name} was changed after it had been applied. Restore the file, and put the change into a new migration.`,
      )
  }
}

/**
 * Processes of the version before take locks in the order of their work, a migration in that of its text: under load the two
 * come to a deadlock, which PostgreSQL ends by undoing one of them. Nothing of it is there then, so it is tried again.
 */
const TRIES = 20
const PAUSE_MS = 250

async function applyOne(client: pg.Client, migration: Migration): Promise<void> {
  for (let left = TRIES - 1; ; left--) {
    try {
      return await applyOnce(client, migration)
    } catch (cause) {
      if (left > 0 && sqlState(cause) === '40P01') await delay(PAUSE_MS * (0.5 + Math.random()))
      else throw new Error(`Migration ${migration.name} failed; nothing of it was kept`, { cause })
    }
  }
}

/** The migration and its line in the ledger are one transaction: there is no half-applied state to repair. */
async function applyOnce(client: pg.Client, { name, sql, checksum }: Migration): Promise<void> {
  await client.query('begin')
  try {
    await client.query(sql)
    await client.query(
      `insert into public._prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
       values ($1, $2, $3, transaction_timestamp(), clock_timestamp(), 1)`,
      [randomUUID(), checksum, name],
    )
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}

/**
 * The rights of the application's role, given again at every run, since new migrations bring new objects. Which ones on
 * Purser's own tables is the migrations' business (procedure `grant_application`). The queue is different: BullMQ's tables
 * are the application's to write, and it makes a sequence for each queue at run time, hence CREATE (without it, 42501).
 */
async function grantApplication(client: pg.Client, role: string): Promise<void> {
  const { rows } = await client.query<{ there: boolean }>(`select to_regproc('public.grant_application') is not null as there`)
  if (rows[0]?.there === true) {
    await client.query('select public.adopt_cluster()')
    await client.query('call public.grant_application($1)', [role])
  }
  const app = client.escapeIdentifier(role)
  await client.query(`
    grant usage, create on schema bullmq to ${app};
    grant select, insert, update, delete, truncate on all tables in schema bullmq to ${app};
    grant usage, select, update on all sequences in schema bullmq to ${app};
    grant execute on all functions in schema bullmq to ${app};
    alter default privileges in schema bullmq grant select, insert, update, delete, truncate on tables to ${app};
    alter default privileges in schema bullmq grant usage, select, update on sequences to ${app};
    alter default privileges in schema bullmq grant execute on functions to ${app};`)
}

async function currentRole(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ role: string }>('select current_user as role')
  return rows[0]?.role ?? ''
}

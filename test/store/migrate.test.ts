import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { migrate, MigrationRefused, pendingMigrations } from '../../src/store/migrate.ts'
import { withDatabase, withEmptyDatabase } from '../support/database.ts'

const real = join(import.meta.dirname, '../../prisma/migrations')

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}

describe('the migrations of this version', async () => {
  const database = await withDatabase()

  test('applied a second time change nothing', async () => {
    const again = await migrate({ ...database, directory: real })

    expect(again).toEqual({ applied: [], ownerRole: 'purser_owner', appRole: 'purser_app', sameRole: false })
  })

  test('stand in the ledger as Prisma writes it: every one finished, with the SHA-256 of its file', async () => {
    const rows = await query(
      database.ownerUrl,
      'select migration_name, length(checksum) as hex, finished_at is not null as done, applied_steps_count as steps from _prisma_migrations order by 1',
    )

    const names = (await readdir(real, { withFileTypes: true })).filter((e) => e.isDirectory()).map((e) => e.name)
    expect(rows).toEqual(names.sort().map((name) => ({ migration_name: name, hex: 64, done: true, steps: 1 })))
  })

  test('are left to their owner: the application starts on them, whole, and changes nothing', async () => {
    const { appUrl } = database

    expect(await migrate({ ownerUrl: appUrl, appUrl, directory: real })).toEqual({
      applied: [],
      ownerRole: 'purser_app',
      appRole: 'purser_app',
      sameRole: false,
    })
  })

  test('let the application use the queue: it may make sequences there at run time, and tables nowhere else', async () => {
    await query(database.appUrl, 'create sequence bullmq.made_at_run_time')

    await expect(query(database.appUrl, 'create table public.mine (a int)')).rejects.toMatchObject({ code: '42501' })
  })
})

test('what everybody may create in schema public on PostgreSQL 14, nobody may afterwards', async () => {
  const database = await withEmptyDatabase()
  await query(database.ownerUrl, 'grant create on schema public to public')

  await migrate({ ...database, directory: real })

  await expect(query(database.appUrl, "create function public.record_event() returns void language sql as ''")).rejects.toMatchObject({
    code: '42501',
  })
})

describe('the runner', async () => {
  const database = await withEmptyDatabase()
  let directory = ''
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'purser-migrations-'))
    await query(database.ownerUrl, 'drop table if exists _prisma_migrations, one, two')
  })
  afterEach(() => rm(directory, { recursive: true }))

  async function write(name: string, sql: string): Promise<void> {
    await mkdir(join(directory, name), { recursive: true })
    await writeFile(join(directory, name, 'migration.sql'), sql)
  }

  test('refuses to start the application on a database that lacks a migration, or has one more', async () => {
    await write('0001_one', 'create table one (a int)')
    const asApplication = { ownerUrl: database.appUrl, appUrl: database.appUrl, directory }
    await expect(migrate(asApplication)).rejects.toThrow(/lacks 0001_one, and purser_app cannot/)
    await migrate({ ...database, directory })
    await query(database.ownerUrl, 'grant select on _prisma_migrations to purser_app')
    await write('0002_two', 'create table two (a int)')

    await expect(migrate(asApplication)).rejects.toThrow(/lacks 0002_two, and purser_app cannot/)
    await migrate({ ...database, directory })
    await expect(migrate(asApplication)).resolves.toMatchObject({ applied: [] })
    await rm(join(directory, '0002_two'), { recursive: true })
    await expect(migrate(asApplication)).rejects.toThrow(MigrationRefused)
  })

  test('applies what is missing, in the order of the names', async () => {
    await write('0002_two', 'create table two as table one')
    await write('0001_one', 'create table one (a int)')
    await writeFile(join(directory, 'migration_lock.toml'), '')

    const first = await migrate({ ...database, directory })
    await write('0003_three', 'drop table two')
    const second = await migrate({ ...database, directory })

    expect([first.applied, second.applied]).toEqual([['0001_one', '0002_two'], ['0003_three']])
  })

  test('applies each once when several processes start together', async () => {
    await write('0001_one', 'create table one (a int)')

    const all = await Promise.all([1, 2, 3, 4].map(() => migrate({ ...database, directory })))

    expect(all.flatMap((m) => m.applied)).toEqual(['0001_one'])
  })

  test('keeps nothing of a migration that fails, and all that came before it', async () => {
    await write('0001_one', 'create table one (a int)')
    await write('0002_two', 'create table two (a int); select 1/0')

    await expect(migrate({ ...database, directory })).rejects.toThrow('0002_two')

    expect(await query(database.ownerUrl, `select to_regclass('one') is not null as one, to_regclass('two') is not null as two`)).toEqual([
      { one: true, two: false },
    ])
    const client = new pg.Client({ connectionString: database.ownerUrl })
    await client.connect()
    expect(await pendingMigrations(client, directory)).toEqual(['0002_two'])
    await client.end()
  })

  test('tries a migration again that PostgreSQL has undone for the sake of a process at work', async () => {
    await write('0001_one', 'create table one (a int); create table two (a int)')
    await migrate({ ...database, directory })
    await write('0002_both', 'lock table two; lock table one; create table three (a int)')
    const busy = new pg.Client({ connectionString: database.ownerUrl })
    await busy.connect()
    await busy.query('begin; lock table one')

    const migrating = migrate({ ...database, directory })
    await vi.waitFor(async () =>
      expect(await query(database.ownerUrl, `select from pg_locks where not granted and relation = 'one'::regclass`)).toHaveLength(1),
    )
    // Whoever waited first is undone, after a second.
    await busy.query('lock table two')
    await busy.query('commit')

    expect((await migrating).applied).toEqual(['0002_both'])
    await busy.end()
  })

  test('refuses a file that was changed after it had been applied', async () => {
    await write('0001_one', 'create table one (a int)')
    await migrate({ ...database, directory })
    await write('0001_one', 'create table one (a bigint)')

    await expect(migrate({ ...database, directory })).rejects.toThrow(MigrationRefused)
  })

  test('refuses a database that a newer version has migrated', async () => {
    await write('0001_one', 'create table one (a int)')
    await write('0002_two', 'create table two (a int)')
    await migrate({ ...database, directory })
    await rm(join(directory, '0002_two'), { recursive: true })

    await expect(migrate({ ...database, directory })).rejects.toThrow(/newer/)
  })

  test('accepts what `prisma migrate deploy` has applied', async () => {
    const sql = 'create table one (a int)'
    await write('0001_one', sql)
    await write('0002_two', 'create table two (a int)')
    await migrate({ ...database, directory })
    await query(
      database.ownerUrl,
      `update _prisma_migrations set id = gen_random_uuid(), logs = '', checksum = '${createHash('sha256').update(sql).digest('hex')}' where migration_name = '0001_one'`,
    )

    expect((await migrate({ ...database, directory })).applied).toEqual([])
  })

  test('works with one role for both, and says so', async () => {
    await write('0001_one', 'create table one (a int)')

    expect(await migrate({ ownerUrl: database.ownerUrl, appUrl: database.ownerUrl, directory })).toMatchObject({ sameRole: true })
  })
})

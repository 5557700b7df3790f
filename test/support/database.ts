import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, inject } from 'vitest'
import type { DatabaseServer } from './database-server.ts'

export type TestDatabase = {
  /** As the application's role. */
  readonly appUrl: string
  /** As the owner: for what the application may not do, such as looking behind its functions. */
  readonly ownerUrl: string
}

/** The server of this worker alone. */
export function testServer(): DatabaseServer {
  const servers = inject('databases')
  const server = servers[Number(process.env['VITEST_POOL_ID']) - 1]
  if (server === undefined) throw new Error(`no database server for worker ${process.env['VITEST_POOL_ID'] ?? ''} of ${servers.length}`)
  return server
}

/**
 * A database of the calling file's own, cloned from the migrated template (about 70 ms), dropped after its last test.
 * Call it at the top of the file: `const { appUrl } = await withDatabase()`.
 */
export function withDatabase(): Promise<TestDatabase> {
  return clone(testServer().template)
}

/** The same without any of our tables: two roles and an empty database. */
export function withEmptyDatabase(): Promise<TestDatabase> {
  return clone('template1')
}

async function clone(template: string): Promise<TestDatabase> {
  const { drop, ...urls } = await createDatabase(template)
  afterAll(drop)
  return urls
}

/** One that the caller drops: for a test that needs a new one in every round. */
export async function createDatabase(template = testServer().template): Promise<TestDatabase & { drop(): Promise<void> }> {
  const server = testServer()
  const name = `test_${randomBytes(6).toString('hex')}`
  await asSuperuser(`create database ${name} template ${template} owner purser_owner`)
  const at = (url: string) => url.replace(encodeURIComponent('{database}'), name)
  return {
    appUrl: at(server.appUrl),
    ownerUrl: at(server.ownerUrl),
    drop: () => asSuperuser(`drop database if exists ${name} with (force)`),
  }
}

async function asSuperuser(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: testServer().superuserUrl })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
